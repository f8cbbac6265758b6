"""Native CPU kernels of brainvar, as XLA FFI handlers."""

from collections.abc import Sequence
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
