"""Native CPU kernels of brainvar, as XLA FFI handlers."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import numpy as np

class BuildInfo(TypedDict):
    version: str
    ffi_api_major: int
    ffi_api_minor: int
    compiler: str
    simd: str
    cuda_architectures: str

def registrations() -> dict[str, Any]:
    """Return the handlers as capsules, by the name of their custom-call target."""

def build_info() -> BuildInfo:
    """Say what the extension was built with, and the SIMD level in use on this machine."""

def threefry2x32(k0: int, k1: int, c0: int, c1: int) -> tuple[int, int]:
    """Encipher one block, for known-answer tests."""

def flat_offsets(
    indices: tuple[np.ndarray, ...],
    sizes: Sequence[int],
    strides: Sequence[int],
    out: np.ndarray,
) -> tuple[int, int] | None:
    """Write the flat offsets of index arrays to ``out``, filled up with -1.

    Returns the position in ``indices`` and the value of the first index that is out of bounds.
    """

class Loan:
    """Indices and values that an update reads where they are."""

    @property
    def number(self) -> int:
        """What the program is called with."""

    def take_back(self, wanted: bool) -> None:
        """End the loan; a program that has yet to run gets a copy, if it is wanted."""

def lend(indices: np.ndarray, size: int, values: np.ndarray) -> Loan | int:
    """Return a loan of indices and values, or the first index that is out of bounds."""

class Cell:
    """The record that each Variable keeps of its buffer."""

    def __init__(self, reason: str | None = None) -> None: ...
    @property
    def reason(self) -> str | None:
        """Why the buffer is shared; None if it is exclusive to a thread."""
    @property
    def in_place(self) -> int:
        """How often the buffer was written in place."""
    @property
    def replaced(self) -> int:
        """How often another value took its place."""
    @property
    def copies(self) -> dict[str, int]:
        """How often a write had to copy, by reason."""

def bind(
    variable: type,
    value: Any,
    cell: Any,
    frame: Any,
    error_for: Callable[[Any, str], Exception | None],
    note_copy: Callable[[Any, str], None],
    copy: Callable[[Any], Any],
    foreign: str,
    repeated: str,
    lost: type,
) -> None:
    """Give the class, its slots and the functions that the others work with."""

def read(var: Any) -> Any:
    """Return the raw value to an operation that does not keep it."""

def share(var: Any, reason: str) -> Any:
    """Return the raw value, which is never overwritten from now on."""

def store(var: Any, raw: Any, reason: str | None) -> None:
    """Take a raw value, shared for a reason or (None) exclusive."""

def update(var: Any, function: Callable[..., Any], lost: Any, *args: Any) -> None:
    """Set the value to ``function(value, *args)``, which may overwrite it."""

def draw(var: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Set the value to the first, and return the second, of ``function(value, *args)``."""

def execute(
    donated: list[Any],
    written: list[Any],
    reads: list[Any],
    function: Callable[..., Any],
    dynamic: Any,
    lost: Any,
    stamp: int | None,
    calls_out: bool,
) -> list[Any] | None:
    """Run a program on the values of Variables and store the new ones, all or none.

    None, and nothing is done, if ``stamp`` is not None and not ``stamp(donated + reads)``.
    """

def stamp(variables: Sequence[Any]) -> int:
    """Return a number that grows when one of them takes a value from outside."""
