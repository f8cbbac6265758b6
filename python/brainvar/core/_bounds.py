"""Checking, while a compiled program runs, the indices that are known only then.

The first index out of bounds is noted in a hidden Variable, which the program carries through its
loops like any other. The outermost transform looks at it before it stores any result.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from brainvar._compat import outside_traces, trace_state
from brainvar.core._assign import describe
from brainvar.core.tracking import local

__all__ = ["check", "check_bounds", "is_on", "raise_if_set", "record_variable"]


class _State:
    on = False
    record: Any = None


# What each check in a program is about, found by the number that the program notes.
_sites: list[tuple[str, int]] = []
_numbers: dict[tuple[str, int], int] = {}


class check_bounds:  # noqa: N801  (it is used as a function)
    """Say whether compiled programs check the indices that are known only when they run.

    In eager code, and for indices that are known when a function is traced, an index out of bounds
    is an `IndexError` at once. In a compiled program JAX's rule holds: what is read is clamped or
    filled, what is written is dropped. With these checks on, such a program raises an `IndexError`
    after it has run, which names the Variable, the index and the length of the axis, and every
    Variable stays as it was.

    The checks cost some time in each step, and each call waits for its result. A program is
    compiled for each of the two settings. Inside a transform of JAX itself (``jax.jit``,
    ``jax.vmap``, ``jax.lax.scan``, ...) nothing can be noted, and nothing is checked.

    Parameters
    ----------
    on : bool, default True
        It holds for all threads, from the call on; as a context manager, until its end.

    Examples
    --------
    >>> import brainvar.math as bm
    >>> v = bm.Variable(bm.zeros(3), name="v")
    >>> @bm.jit
    ... def write(i):
    ...     v[i] = 1.0
    >>> with bm.check_bounds(True):
    ...     write(7)
    Traceback (most recent call last):
    IndexError: index 7 is out of bounds for axis 0 with size 3 of Variable float32[3] named 'v'.
    """

    def __init__(self, on: bool = True):
        if not isinstance(on, (bool, np.bool_)):
            raise TypeError(f"check_bounds takes True or False, got {on!r}.")
        self._previous = _State.on
        _State.on = bool(on)

    def __enter__(self) -> check_bounds:
        return self

    def __exit__(self, *exc: object) -> None:
        _State.on = self._previous

    def __repr__(self) -> str:
        return f"check_bounds({_State.on})"


def is_on() -> bool:
    """Whether compiled programs check indices."""
    return _State.on


def record_variable() -> Any:
    """Return the Variable, int32[3], that a program notes an index out of bounds in.

    It holds the number of the check, the index and the length of the axis, or zeros.
    """
    if _State.record is None:
        _State.record = outside_traces(_make_record)
    return _State.record


def _make_record() -> Any:
    from brainvar.core.variable import Variable

    return Variable(np.zeros(3, np.int32), name="check_bounds")


def raise_if_set(raw: Any) -> None:
    """Raise the IndexError that a program has noted in `raw`, the new value of the record."""
    number, index, size = np.asarray(raw).tolist()
    if number:
        what, axis = _sites[number - 1]
        raise IndexError(
            f"index {index} is out of bounds for axis {axis} with size {size} of {what}."
        )


def check(index: Any, size: int, axis: int, target: Any) -> None:
    """Have the traced program note whether an element of `index` is out of bounds.

    Parameters
    ----------
    index : tracer
        Integers, negative ones counted from the end.
    size, axis : int
        The length of the axis that they index, and its number.
    target : JaxArray or str
        The array, for the message.
    """
    frame = local.frame
    if not _State.on or frame is None or index.size == 0 or trace_state() != frame.state:
        return
    signed = jnp.issubdtype(index.dtype, jnp.signedinteger)
    # Python integers that a narrow dtype does not hold are no bounds of it.
    info = jnp.iinfo(index.dtype)
    bad = index >= size if size <= int(info.max) else jnp.zeros(index.shape, bool)
    if signed and -size >= int(info.min):
        bad |= index < -size
    bad, flat = bad.ravel(), index.ravel()
    worst = flat[jnp.argmax(bad)].astype(jnp.int32)
    record = record_variable()
    noted = record._read()
    site = (describe(target), axis)
    number = _numbers.get(site)
    if number is None:
        _sites.append(site)
        number = _numbers[site] = len(_sites)
    found = jnp.stack([jnp.int32(number), worst, jnp.int32(min(size, 2**31 - 1))])
    record._set_raw(jnp.where(jnp.any(bad) & (noted[0] == 0), found, noted))
