"""Reading and writing by index, with NumPy's checks."""

from __future__ import annotations

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import Tracer
from brainvar.core._assign import array_of, cast_privately, describe

__all__ = ["check_index", "read", "write"]


_MAX_RUN_TIME_INDEX = 2**31 - 1


@jax.jit
def _read_row(raw: Any, index: Any) -> Any:
    return jax.lax.dynamic_index_in_dim(raw, index, keepdims=False)


@jax.jit
def _write_row(raw: Any, index: Any, value: Any) -> Any:
    row = jnp.broadcast_to(value, raw.shape[1:])
    return jax.lax.dynamic_update_index_in_dim(raw, row, index, 0)


def _row(raw: Any, index: Any, target: Any) -> int | None:
    """Return a Python integer as an index from 0, where it can be one of the run time.

    JAX takes it as a constant instead: ten times the work for each call, and a program for each
    value. In a trace, a constant is right.
    """
    if type(index) is not int or not raw.shape or isinstance(raw, Tracer):
        return None
    size = raw.shape[0]
    if not -size <= index < size:
        check_index(index, raw.shape, target)  # raises
    return index % size if size <= _MAX_RUN_TIME_INDEX else None


def read(raw: Any, index: Any, target: Any) -> Any:
    """Return ``raw[index]``, checked as NumPy does.

    Parameters
    ----------
    raw : jax.Array
        The array.
    index :
        Any index of NumPy, with raw arrays.
    target : JaxArray or str
        The array, or the array in words, for messages.

    Raises
    ------
    IndexError
        As `check_index`.
    """
    row = _row(raw, index, target)
    if row is not None:
        return _read_row(raw, row)
    return raw[check_index(index, raw.shape, target)]


def write(raw: Any, index: Any, value: Any, target: Any) -> Any:
    """Return a copy of the raw array in which ``raw[index]`` is `value`.

    Parameters
    ----------
    raw : jax.Array
        The array, which is not changed.
    index :
        Any index of NumPy, with raw arrays.
    value : array, number or sequence
        The new elements, which are cast by the rules of assignment.
    target : JaxArray or str
        The array, or the array in words, for messages.

    Raises
    ------
    IndexError
        As `check_index`.
    TypeError, OverflowError
        As `brainvar.core._assign.cast`.
    ValueError
        If `value` does not broadcast to the shape that `index` selects.
    """
    row = _row(raw, index, target)
    value = cast_privately(value, raw.dtype, target)
    if (
        row is not None
        and not isinstance(value, Tracer)
        and _broadcasts(value.shape, raw.shape[1:])
    ):
        return _write_row(raw, row, value)
    index = check_index(index, raw.shape, target)
    if isinstance(index, (jax.Array, np.ndarray)) and index.dtype == np.bool_:
        below = raw.shape[index.ndim :]
        if _broadcasts(value.shape, below):
            # Needs no count of the selected elements: works in a trace, and compiles once.
            mask = index.reshape(index.shape + (1,) * len(below))
            return jnp.where(mask, value, raw)
    try:
        new = raw.at[index].set(value)
    except ValueError as error:
        selected = jax.eval_shape(lambda r: r[index], raw).shape
        if _broadcasts(value.shape, selected):
            raise
        raise ValueError(
            f"{describe(target)}: a value of shape {value.shape} does not fit what the "
            f"index selects, shape {selected}."
        ) from error
    if isinstance(value, Tracer):
        # XLA's CPU compiler fuses the reading of `value` with an update in place and then reads
        # what was already overwritten, as in v[1:] = v[:-1] (openxla/xla#49176).
        new = jax.lax.optimization_barrier(new)
    return new


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    if shape in ((), to):
        return True
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def check_index(index: Any, shape: tuple[int, ...], target: Any) -> Any:
    """Check `index` against `shape` as NumPy does, and return it with lists made arrays.

    JAX clamps an index out of bounds when reading and drops it when writing. Here an index whose
    value is known, a Python integer or a concrete array, raises instead.

    Raises
    ------
    IndexError
        If an integer or an element of an index array lies outside the array, if there are more
        indices than dimensions, or if a boolean index has another shape than what it selects.
    """
    items = index if isinstance(index, tuple) else (index,)
    items = tuple(_as_index(item, target) for item in items)
    consumed = sum(_consumes(item) for item in items)
    if consumed > len(shape):
        raise IndexError(
            f"{describe(target)} has {len(shape)} dimension(s), but {consumed} were indexed "
            f"with {index!r}."
        )
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError(f"an index can have only one ellipsis ('...'), got {index!r}.")
    axis = 0
    for item in items:
        if item is Ellipsis:
            axis += len(shape) - consumed
            continue
        if item is not None:
            _check_item(item, shape, axis, target)
        axis += _consumes(item)
    return items if isinstance(index, tuple) else items[0]


def _as_index(index: Any, target: Any) -> Any:
    item: Any = index
    if isinstance(index, np.ndarray):
        item = np.array(index)  # JAX may read it after the call has returned
    elif isinstance(index, (list, tuple)):
        item = array_of(index) if len(index) else np.zeros(0, np.intp)
    elif isinstance(index, np.bool_):
        item = bool(index)
    if hasattr(item, "dtype"):
        if item.dtype.kind not in "iub":
            raise IndexError(
                f"{describe(target)} is indexed with an array of dtype {item.dtype}; indices are "
                "integers or booleans."
            )
    elif not (item is None or item is Ellipsis or isinstance(item, slice)) and not hasattr(
        item, "__index__"
    ):
        raise IndexError(
            f"{describe(target)} is indexed with {item!r}; only integers, slices (':'), "
            "ellipsis ('...'), None, and arrays of integers or booleans are indices."
        )
    return item


def _consumes(item: Any) -> int:
    """Return how many dimensions an index item stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    if hasattr(item, "dtype") and item.dtype == np.bool_:
        return item.ndim
    return 1


def _check_item(item: Any, shape: tuple[int, ...], axis: int, target: Any) -> None:
    if isinstance(item, (slice, bool)):
        return
    if not hasattr(item, "dtype"):
        low = high = operator.index(item)
    elif item.dtype == np.bool_:
        if item.shape != shape[axis : axis + item.ndim]:
            raise IndexError(
                f"{describe(target)} is indexed with a boolean array of shape {item.shape} where "
                f"its dimensions are {shape[axis : axis + item.ndim]}."
            )
        return
    elif isinstance(item, Tracer) or item.size == 0:
        return
    else:
        values = np.asarray(item)
        low, high = int(values.min()), int(values.max())
    size = shape[axis]
    if low < -size or high >= size:
        worst = low if low < -size else high
        raise IndexError(
            f"index {worst} is out of bounds for axis {axis} with size {size} of "
            f"{describe(target)}."
        )
