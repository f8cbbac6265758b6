"""Writing by index inside a trace: a function from raw arrays to the new raw array."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar._compat import Tracer
from brainvar._native import native_enabled
from brainvar.core import _bounds
from brainvar.core._assign import cast_privately, fit
from brainvar.core._indexing import MAX_INT32, bounds_error, check_index
from brainvar.core._selection import Selection, flat_offsets, value_strides

__all__ = ["OPERATIONS", "repeats", "write", "write_flat"]

NATIVE = native_enabled("cpu")

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "set": lambda old, new: new,
    "add": jnp.add,
    "multiply": jnp.multiply,
    "minimum": jnp.minimum,
    "maximum": jnp.maximum,
}


def write(raw: Any, index: Any, value: Any, target: Any, op: str = "set") -> Any:
    """Return a copy of the raw array in which what `index` selects is set or changed.

    In a compiled loop the copy takes the place of the array. What an index that is known only
    when the program runs names outside of the array is dropped, as JAX does.

    Parameters
    ----------
    raw : jax.Array
        The array, which is not changed.
    index :
        Any index of NumPy, with raw arrays.
    value : array, number or sequence
        What is set, or the second operand; cast by the rules of assignment.
    target : JaxArray or str
        The array, or the array in words, for messages.
    op : str
        As for `brainvar.core._writing.write`.

    Raises
    ------
    IndexError, TypeError, OverflowError, ValueError
        As `brainvar.core._writing.write`.
    """
    value = cast_privately(value, raw.dtype, target)
    selection = Selection(index, raw.shape, target)
    if selection.mask is not None:
        return _write_masked(raw, selection, value, op)
    shape = selection.selected_shape()
    value = fit(value, shape, target)
    if 0 in shape or 0 in raw.shape:
        if selection.arrays and not any(isinstance(x, Tracer) for x in selection.arrays):
            flat_offsets(selection)  # for its checks
        return raw
    if isinstance(value, Tracer) and math.prod(shape) > 1:
        # The value may have been read from the array, as in v[1:] = v[:-1], and XLA's CPU compiler
        # would read it again while it is overwritten (openxla/xla#49176).
        raw, value = ops.in_order(raw, value)
    if jnp.issubdtype(raw.dtype, jax.dtypes.extended):
        return raw.at[check_index(index, raw.shape, target)].set(value)
    if selection.block in (None, ()):
        if all(abs(step) == 1 or count == 1 for _, count, step in selection.rows):
            return _write_block(raw, selection, jnp.broadcast_to(value, shape), op)
    elif math.prod(raw.shape) <= MAX_INT32:
        return _write_at(raw, selection, value, shape, op)
    index = check_index(index, raw.shape, target)
    place = raw.at[index]
    if op == "set":
        return place.set(value)
    if selection.block in (None, ()):
        return place.set(OPERATIONS[op](raw[index], value))
    return getattr(place, {"minimum": "min", "maximum": "max"}.get(op, op))(value)


def _write_masked(raw: Any, selection: Selection, value: Any, op: str) -> Any:
    mask = selection.mask
    below = raw.shape[mask.ndim :]
    if not isinstance(mask, Tracer) and not repeats(value.shape, below):
        shape = selection.selected_shape()
        value = fit(value, shape, selection.target)
        if 0 in shape:
            return raw
        steps = value_strides(value.shape, selection, shape)
        assert steps is not None  # a block of one dimension
        by_axis, of_block = steps
        rows = [
            [*row, step]
            for row, step in zip(selection.rows[mask.ndim :], by_axis[mask.ndim :], strict=True)
        ]
        spec = ops.encode_spec([[0, shape[0], 0, of_block], *rows])
        return ops.update_masked(raw, jnp.ravel(value), np.array(mask), spec, op=op)
    # Needs no count of the selected elements: works for masks known only at run time.
    if not repeats(value.shape, below):
        raise jax.errors.NonConcreteBooleanIndexError(mask)
    value = value.reshape(value.shape[max(value.ndim - len(below), 0) :])
    if isinstance(mask, np.ndarray):
        mask = np.array(mask)  # the caller's
    wide = jnp.reshape(mask, mask.shape + (1,) * len(below))
    return jnp.where(wide, OPERATIONS[op](raw, value), raw)


def repeats(shape: tuple[int, ...], below: tuple[int, ...]) -> bool:
    """Whether a value is the same for each element that a mask selects."""
    extra = max(len(shape) - len(below), 0)
    if any(n != 1 for n in shape[:extra]):
        return False
    try:
        return np.broadcast_shapes(shape[extra:], below) == below
    except ValueError:
        return False


# -- integers and slices ---------------------------------------------------------------------------


def _write_block(raw: Any, selection: Selection, value: Any, op: str) -> Any:
    """Write a contiguous block; integers may be known at run time only."""
    counts = [count for _, count, _ in selection.rows]
    value = value.reshape(counts)
    flipped = [axis for axis, (_, count, step) in enumerate(selection.rows) if step < 0 < count - 1]
    if flipped:
        value = jnp.flip(value, flipped)
    starts: list[Any] = [
        start + step * (count - 1) if axis in flipped else start
        for axis, (start, count, step) in enumerate(selection.rows)
    ]
    if counts == list(raw.shape) and not selection.arrays:
        return OPERATIONS[op](raw, value)
    if _by_kernel() and max(raw.shape) <= MAX_INT32:
        return _write_by_kernel(raw, selection, starts, counts, value, op)
    valid: Any = None
    for x, axis in zip(selection.arrays, selection.axes, strict=True):
        place, inside = _wrapped(x, raw.shape[axis], axis, selection.target)
        starts[axis] = jnp.where(inside, place, 0)
        valid = inside if valid is None else valid & inside
    index_type = np.int32 if max(raw.shape) <= MAX_INT32 else np.int64
    place = tuple(jnp.asarray(i, index_type) for i in starts)
    if op != "set" or valid is not None:
        old = jax.lax.dynamic_slice(raw, place, counts)
        value = OPERATIONS[op](old, value)
        if valid is not None:
            value = jnp.where(valid, value, old)
    return jax.lax.dynamic_update_slice(raw, value, place)


def _by_kernel() -> bool:
    """Whether blocks are written by our kernel, on the CPU.

    XLA fuses its own update of a slice with reads around it, and where it can then not tell which
    comes first, it copies the array: for each step of ``v[i] *= a; v[i] += b``.
    """
    return NATIVE and jax.default_backend() == "cpu"


def _write_by_kernel(
    raw: Any, selection: Selection, starts: list[Any], counts: list[int], value: Any, op: str
) -> Any:
    for x, axis in zip(selection.arrays, selection.axes, strict=True):
        place, inside = _wrapped(x, raw.shape[axis], axis, selection.target)
        starts[axis] = jnp.where(inside, place, raw.shape[axis])  # outside: dropped
    rows: Any = []
    stride = 1
    for start, count in zip(reversed(starts), reversed(counts), strict=True):
        rows.insert(0, [start, count, 1, stride if count > 1 else 0])
        stride *= count
    if selection.arrays:
        rows = jnp.stack([jnp.stack([jnp.asarray(x, np.int32) for x in row]) for row in rows])
    return ops.update_slices(raw, jnp.ravel(value), ops.encode_spec(rows), op=op)


def _wrapped(index: Any, size: int, axis: int, target: Any) -> tuple[Any, Any]:
    """Count negative indices from the start; return int32 or int64, and which are inside."""
    if isinstance(index, Tracer):
        _bounds.check(index, size, axis, target)
    else:  # known: checked here, and in a type that holds it
        known = np.asarray(index).astype(np.int64)
        for worst in (known.min(initial=0), known.max(initial=-size)):
            if not -size <= worst < max(size, 1):
                raise bounds_error(int(worst), axis, size, target)
        index = np.where(known < 0, known + size, known)
        index = index.astype(np.int32 if size <= MAX_INT32 else np.int64)
    index = jnp.asarray(index)
    if index.dtype.itemsize < 4:
        index = index.astype(np.int32)
    if jnp.issubdtype(index.dtype, jnp.signedinteger):
        if size <= MAX_INT32 or index.dtype.itemsize == 8:
            index = jnp.where(index < 0, index + jnp.asarray(size, index.dtype), index)
            inside = (index >= 0) & (index < size)
        else:  # more elements than the index can name
            inside = index >= 0
    else:
        inside = index < size if size <= int(jnp.iinfo(index.dtype).max) else index >= 0
    if size <= MAX_INT32:
        index = jnp.where(inside, index, 0).astype(np.int32)
    return index, inside


def write_flat(raw: Any, places: Any, values: Any, target: Any) -> Any:
    """Return a copy of the raw array with elements set that are counted through all dimensions."""
    if raw.size > MAX_INT32:
        return write(raw.reshape(-1), (places,), values, target).reshape(raw.shape)
    place, inside = _wrapped(places, raw.size, 0, target)
    offsets = jnp.where(inside, place, -1)
    values = jnp.broadcast_to(jnp.asarray(values, raw.dtype), offsets.shape)
    if isinstance(values, Tracer):
        raw, values = ops.in_order(raw, values)
    spec = ops.encode_spec([[0, offsets.size, 0, 1], *[[0, 1, 1, 0]] * raw.ndim])
    return ops.update_at(raw, values, offsets, spec)


# -- index arrays ----------------------------------------------------------------------------------


def _write_at(raw: Any, selection: Selection, value: Any, shape: tuple[int, ...], op: str) -> Any:
    steps = value_strides(value.shape, selection, shape)
    if steps is None:
        value = jnp.broadcast_to(value, shape)
        steps = value_strides(shape, selection, shape)
        assert steps is not None
    by_axis, of_block = steps
    block = selection.block or ()
    if any(isinstance(x, Tracer) for x in selection.arrays):
        total, valid = jnp.zeros(block, np.int32), jnp.ones(block, bool)
        for x, axis in zip(selection.arrays, selection.axes, strict=True):
            place, inside = _wrapped(x, raw.shape[axis], axis, selection.target)
            total = total + place * math.prod(raw.shape[axis + 1 :])
            valid = valid & inside
        offsets = jnp.where(valid, total, -1).reshape(-1)
    else:
        offsets = flat_offsets(selection)
    rows = [[*row, step] for row, step in zip(selection.rows, by_axis, strict=True)]
    spec = ops.encode_spec([[0, math.prod(block), 0, of_block], *rows])
    return ops.update_at(raw, jnp.ravel(value), offsets, spec, op=op)
