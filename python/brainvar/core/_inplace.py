"""Who owns the buffer of a Variable, and the calls that overwrite it.

The buffer is exclusive to one thread, or shared for a reason. A write gives an exclusive buffer to
the compiled call ("donation"), which works in place, and copies a shared one first. So no array
that anybody holds ever changes or dies, and a loop of writes costs what it writes.

The functions here are those of the extension, where a donated call and the storing of its result
are one C function that no signal can interrupt. Their twins in `_inplace_twin` never donate.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

from brainvar._compat import Tracer, program_count
from brainvar._native import native_enabled, native_state
from brainvar.core import _inplace_twin as twin
from brainvar.core.errors import CopyError, CopyWarning
from brainvar.core.tracking import Lost, unusable

__all__ = [
    "Cell",
    "Donating",
    "InplaceStats",
    "alias",
    "bind",
    "call_key",
    "draw",
    "execute",
    "may_refuse_results",
    "on_copy",
    "note_copy",
    "read",
    "share",
    "signals_deferred",
    "stamp",
    "stats_of",
    "store",
    "update",
]

_config: Any = jax.config

# XLA gives each result of a program that donates nothing a buffer of its own.
_copy = jax.jit(jnp.copy)

NATIVE = native_enabled("cpu")
_source: Any = native_state("cpu").module if NATIVE else twin

Cell: Any = _source.Cell
"""``Cell(reason)``: the record of a Variable; None for a buffer exclusive to this thread."""

read: Callable[[Any], Any] = _source.read
"""``read(var)``: the raw value, for an operation that neither keeps nor returns it."""

share: Callable[[Any, str], Any] = _source.share
"""``share(var, reason)``: the raw value, never to be overwritten; for every way out."""

store: Callable[[Any, Any, str | None], None] = _source.store
"""``store(var, raw, reason)``: take a raw value, shared for a reason or (None) exclusive."""

draw: Callable[..., Any] = _source.draw
"""``draw(var, function, *args)``: ``value, rest = function(value, *args)``; gives the rest."""


class Donating:
    """A function ``new = function(value, *args)`` that may overwrite its first operand.

    Each instance serves one shape and dtype of every operand, and so is compiled once (for each
    device and set of JAX's options that it is called under).

    Parameters
    ----------
    function : callable
        Pure, of raw arrays; the result has the shape and dtype of the first.
    what : str
        The operation in words, for messages.
    """

    __slots__ = ("_function", "_known", "jitted", "lost")

    def __init__(self, function: Callable[..., Any], what: str):
        self._function = function
        self.jitted = _jit(function)
        self.lost = Lost(what)
        self._known: dict[Any, Any] = {}

    def of_copy(self, raw: Any, *args: Any) -> Any:
        """Return ``function(raw, *args)`` and leave `raw` as it is."""
        return self.jitted(_copy(raw) if NATIVE else raw, *args)

    def checked(self, raw: Any, *args: Any) -> Any:
        """Return ``function(raw, *args)``, with JAX's checks of results.

        JAX makes them in the first call of a function, which it knows by identity.
        """
        return jax.jit(lambda *operands: self._function(*operands))(raw, *args)

    def ready(self, key: Any) -> Any:
        """Return what runs calls of this `call_key` without any Python code, or None."""
        jitted = self._known.get(key)
        # None are kept after jax.clear_caches().
        return jitted if jitted is not None and program_count(jitted) else None

    def prepare(self, key: Any, raw: Any, args: Sequence[Any]) -> Any:
        """Compile for a call; it can be interrupted, and donates nothing."""
        jitted = self.jitted
        if len(raw.sharding.device_set) > 1:  # and stay where the elements are
            known = self._known.get(key)
            jitted = _jit(self._function, out_shardings=raw.sharding) if known is None else known
        jitted.lower(raw, *args).compile()
        return jitted

    def note(self, key: Any, jitted: Any) -> None:
        """Take a first call as done."""
        self._known[key] = jitted


def _jit(function: Callable[..., Any], **options: Any) -> Any:
    return jax.jit(function, donate_argnums=(0,) if NATIVE else (), **options)


def call_key(operands: Iterable[Any]) -> Any:
    """Return what a compiled function looks up its program by, besides shapes and dtypes.

    The first call of another kind goes through Python code of JAX.
    """
    key = [
        _config.jax_enable_x64,
        _config.jax_default_device,
        _config.jax_default_matmul_precision,
        _config.jax_numpy_dtype_promotion,
    ]
    for x in operands:
        sharding = getattr(x, "sharding", None)
        if sharding is None:
            key.append(type(x))
        else:
            key += sharding, x.committed, x.aval.weak_type
    return tuple(key)


def update(var: Any, function: Donating, *args: Any) -> None:
    """Write ``function(value, *args)`` into the buffer of a Variable, as one step.

    Parameters
    ----------
    var : Variable
        What is written.
    function : Donating
        Computes the new value.
    *args : jax.Array, private numpy.ndarray or scalar
        Its other operands.
    """
    if may_refuse_results():
        draw(var, lambda raw, *args: (function.checked(raw, *args), None), *args)
        return
    raw = var._value
    key = call_key((raw, *args))
    jitted = function.ready(key)
    if jitted is not None:
        _source.update(var, jitted, function.lost, *args)
        return
    jitted = function.prepare(key, raw, args)
    # The first call goes through Python code, in which an interrupt would lose the buffer.
    with signals_deferred():
        _source.update(var, jitted, function.lost, *args)
    function.note(key, jitted)


execute: Callable[..., Any] = _source.execute
"""``execute(donated, written, reads, function, dynamic, lost, stamp, calls_out)``: run a program.

``out = function([values of donated], [values of reads], dynamic)``, a list; the first results are
the new values of the Variables in `donated`, the next those of the Variables in `written`, and the
others are returned. The three are lists. All Variables are stored or none. If `stamp` is given and
no longer that of ``donated + reads``, nothing is done and None returned. `calls_out` says that the
function may call back to the host.
"""

stamp: Callable[[Sequence[Any]], int] = _source.stamp
"""``stamp(variables)``: a number that grows when one of them takes a value from outside."""


def may_refuse_results() -> bool:
    """Whether JAX raises for what a program has computed: such a one must take no buffers.

    Nor must one that is not compiled, whose results may be its operands.
    """
    return _config.jax_debug_nans or _config.jax_debug_infs or _config.jax_disable_jit


@contextlib.contextmanager
def signals_deferred() -> Iterator[None]:
    """Let the Python handlers of signals run only after the block.

    For the main thread, the only one that they run in.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, Any]] = []
    handlers: dict[int, Any] = {}
    try:
        for number in _INTERRUPTS:
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                signal.signal(number, lambda *args: arrived.append(args))
        yield
    finally:
        _restore(handlers)
        with contextlib.ExitStack() as stack:  # calls all, even if one raises
            for number, frame in reversed(arrived):
                stack.callback(handlers[number], number, frame)


# Those that handlers usually raise for. To touch the others would undo what is not Python's, such
# as faulthandler.register().
_INTERRUPTS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGHUP", "SIGBREAK", "SIGXCPU")
    if hasattr(signal, name)
]


def _restore(handlers: dict[int, Any]) -> None:
    """Put all handlers back, also if one that is back already is called, and raises."""
    try:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    except BaseException:
        _restore(handlers)
        raise


def alias(raw: Any) -> Any:
    """Return another array object on the same buffer, where the array is on one device."""
    if isinstance(raw, Tracer) or jnp.issubdtype(raw.dtype, jax.dtypes.extended):
        return raw
    return raw.addressable_data(0) if len(raw.sharding.device_set) == 1 else raw


# -- copies, and what the user hears of them -----------------------------------------------------

Policy = Literal["ignore", "warn", "error"]
_POLICIES = ("ignore", "warn", "error")


class _State:
    on_copy: str = "ignore"


class on_copy:  # noqa: N801  (it is used as a function)
    """Say what happens when a write to a Variable has to copy its buffer first.

    A write is in place if the Variable alone holds its buffer. It copies once if the buffer was
    let out before, by ``.value`` for instance, for what was let out never changes.

    Parameters
    ----------
    policy : {'ignore', 'warn', 'error'}
        Copy silently (the default), with a `CopyWarning`, or raise a `CopyError` and write
        nothing. It holds for all threads, from the call on; as a context manager, until its end.

    Raises
    ------
    ValueError
        If the policy is none of these.

    Examples
    --------
    >>> import brainvar.math as bm
    >>> v = bm.Variable([0.0, 0.0, 0.0])
    >>> held = v.value
    >>> with bm.on_copy("error"):
    ...     v[0] = 1.0
    Traceback (most recent call last):
    brainvar.core.errors.CopyError: A write to Variable float32[3] copies its 12 bytes first: ...
    """

    def __init__(self, policy: Policy):
        if policy not in _POLICIES:
            raise ValueError(
                f"on_copy takes one of {', '.join(map(repr, _POLICIES))}, got {policy!r}."
            )
        self._previous = _State.on_copy
        _State.on_copy = policy

    def __enter__(self) -> on_copy:
        return self

    def __exit__(self, *exc: object) -> None:
        _State.on_copy = self._previous


def note_copy(var: Any, reason: str) -> None:
    """Count a copy before it is made, and tell the user as asked."""
    if _State.on_copy != "ignore":
        message = (
            f"A write to {var._describe()} copies its {var.nbytes} bytes first: the buffer is not "
            f"the Variable's own ({reason}). Read single elements or results of operations "
            "instead of the whole value, or keep a copy, v.copy(); bm.on_copy('ignore') allows it."
        )
        if _State.on_copy == "error":
            raise CopyError(message)
        warnings.warn(message, CopyWarning, stacklevel=_depth_of_caller())
    copies = var._cell.copies
    copies[reason] = copies.get(reason, 0) + 1


def _depth_of_caller() -> int:
    """Return the stack level, as seen from the caller of this, of the user's line."""
    frame, depth = sys._getframe(1), 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, depth = frame.f_back, depth + 1
    return depth


_PACKAGE = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class InplaceStats:
    """How the writes to a Variable went so far.

    Attributes
    ----------
    in_place : int
        Writes into the buffer, or into the copy that took its place. Those inside a compiled
        program count once for each run.
    replaced : int
        New values that took the place of the old one, as in ``v.value = x``.
    copies : dict of str to int
        How often a buffer was copied before a write, by the reason.
    """

    in_place: int
    replaced: int
    copies: dict[str, int]


def stats_of(var: Any) -> InplaceStats:
    """Return the counters of a Variable."""
    cell = var._cell
    return InplaceStats(int(cell.in_place), int(cell.replaced), dict(cell.copies))


# -- what the extension asks of this side --------------------------------------------------------


def _error_for(var: Any, what: str) -> Exception | None:
    if what == "called back":
        # XLA runs callbacks in threads of its own, which the call that has the Variable waits for.
        if not isinstance(threading.current_thread(), threading._DummyThread):
            return None
        what = "reentered"
    if what == "reentered":
        return RuntimeError(
            f"{var._describe()} is being written by a call that has not finished, and that may "
            "wait for this very code: a host callback must not use the Variables that its own "
            "program writes. Pass the values to the callback, and return what is to be stored."
        )
    return unusable(var)


FOREIGN = "another thread used it"
REPEATED = "it is also an operand of the write"


def bind(variable: Any, array: Any) -> None:
    """Introduce the array classes to the functions above."""
    _source.bind(
        variable,
        array._value,
        variable._cell,
        array._frame,
        _error_for,
        note_copy,
        _copy,
        FOREIGN,
        REPEATED,
        Lost,
    )
