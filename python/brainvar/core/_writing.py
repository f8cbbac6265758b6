"""Writing by index in eager code, in place where the array is a Variable.

Integers, slices and index arrays are operands of the compiled call, and what varies in length is
made up to a power of two: no new index compiles anything.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar.core import _assign, _traced_writes
from brainvar.core._facade import Facade
from brainvar.core._indexing import MAX_INT32, bounds_error
from brainvar.core._inplace import Donating
from brainvar.core._lending import write_lent
from brainvar.core._selection import Selection, empty_operand, flat_offsets
from brainvar.core._selection import value_strides as strides_of

__all__ = ["raw_index", "raw_operand", "write", "write_flat"]

_PROGRAMS = 2048  # of each kind are kept; a program serves one shape and dtype

# What a Python number is passed as, and which integers it may have been: those that come out the
# same as by way of NumPy.
_NUMBERS: dict[Any, tuple[type, int, int]] = {
    np.dtype(np.float32): (float, -(2**53), 2**53),
    np.dtype(np.int32): (int, -(2**31), 2**31 - 1),
    np.dtype(np.bool_): (bool, 0, 1),
}
# The kinds of NumPy's scalars that become such a number without a doubt.
_KINDS = {float: "fiu", int: "iu", bool: "b"}
_NO_NUMBER: Any = (None, 0, -1)

_NO_STEPS = (0,) * 64  # as many dimensions as an array of NumPy can have

_HELD = frozenset(_NUMBERS)


def write(x: Any, index: Any, value: Any, op: str = "set") -> None:
    """Set or change the elements of an array that an index selects.

    Parameters
    ----------
    x : JaxArray
        The array; a Variable is written in place.
    index :
        Any index of NumPy, with arrays of any class.
    value : array, number or sequence
        What is set, or the second operand; cast by the rules of assignment.
    op : {'set', 'add', 'multiply', 'minimum', 'maximum'}
        With an operation, elements that the index names repeatedly change repeatedly.

    Raises
    ------
    IndexError
        If the index is none of the array's, or out of bounds.
    TypeError, OverflowError
        As `brainvar.core._assign.cast`.
    ValueError
        If `value` does not broadcast to the shape that `index` selects.
    """
    if not x._eager():
        _write_traced(x, index, value, op)
        return
    aval = x._value.aval
    shape, dtype = aval.shape, aval.dtype
    if isinstance(index, np.integer):
        index = int(index)
    kind = type(index)
    if (kind is int or kind is tuple) and _write_at_integers(x, index, value, op, shape, dtype):
        return
    if dtype not in _HELD and jnp.issubdtype(dtype, jax.dtypes.extended):  # keys of random numbers
        _write_traced(x, index, value, op)
        return
    with _assign.widths_of(dtype):
        number = _as_number(value, dtype)
        if not write_lent(x, index, value, number, op):
            selection = Selection(raw_index(index), shape, x)
            _write_selection(x, selection, value, number, op, dtype)


def _write_traced(x: Any, index: Any, value: Any, op: str) -> None:
    index, value = raw_index(index), raw_operand(value)
    x._store(_traced_writes.write(x._read_to_update(), index, value, x, op))


def raw_operand(x: Any) -> Any:
    """Return the raw array of one of our classes, to be read at once, or `x` itself."""
    return x._read() if isinstance(x, Facade) else x


def raw_index(index: Any) -> Any:
    """Return an index with the raw arrays of our classes, to be read at once."""
    if isinstance(index, tuple):
        return tuple([raw_operand(item) for item in index])
    return raw_operand(index)


# -- integers ------------------------------------------------------------------------------------


def _write_at_integers(
    x: Any, index: Any, value: Any, op: str, shape: tuple[int, ...], dtype: Any
) -> bool:
    """Write a number, or an array that fits exactly, at one integer or several; or return False.

    The shortest way for what simulations do most. XLA's own update of a slice costs no more than
    what it writes.
    """
    place = index if type(index) is tuple else (index,)
    if len(place) > len(shape):
        return False
    number, value_shape = _as_number(value, dtype), None
    if number is None:
        if not isinstance(value, Facade) or dtype in _assign.WIDE:
            return False
        number = value._read()
        if number.dtype != dtype or number.shape != shape[len(place) :]:
            return False
        value_shape = number.shape
    starts = []
    for axis, i in enumerate(place):
        size = shape[axis]
        if type(i) is not int or size > MAX_INT32:
            return False
        if not -size <= i < size:
            raise bounds_error(i, axis, size, x)
        starts.append(i + size if i < 0 else i)
    x._update(_integers_program(shape, dtype, len(starts), value_shape, op), number, *starts)
    return True


def _as_number(value: Any, dtype: Any) -> Any:
    """Return a Python number as that of the kind of `dtype`; None for all that is not as simple."""
    known: Any = _NUMBERS.get(dtype, _NO_NUMBER)
    cls, low, high = known
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS.get(cls, ""):
        value = value.item()
    kind = type(value)
    if kind is float:
        return value if cls is float else None
    if kind is int or kind is bool:
        return cls(value) if low <= value <= high else None
    return None


@functools.lru_cache(_PROGRAMS)
def _integers_program(
    shape: tuple[int, ...], dtype: Any, count: int, value_shape: tuple[int, ...], op: str
) -> Donating:
    rest = shape[count:]

    def update(raw: Any, value: Any, *starts: Any) -> Any:
        block = jnp.broadcast_to(jnp.asarray(value, dtype), rest).reshape((1,) * count + rest)
        place = (*starts, *(0 for _ in rest))
        if op != "set":
            old = jax.lax.dynamic_slice(raw, place, block.shape)
            block = _traced_writes.OPERATIONS[op](old, block)
        return jax.lax.dynamic_update_slice(raw, block, place)

    return Donating(update, "a write by index")


# -- any index -----------------------------------------------------------------------------------


def _write_selection(
    x: Any, selection: Selection, value: Any, number: Any, op: str, dtype: Any
) -> None:
    mask = selection.mask
    if number is None:
        array = _checked(raw_operand(value), dtype, x)
    if mask is not None and (
        number is not None or _traced_writes.repeats(array.shape, x.shape[mask.ndim :])
    ):
        selection.block = (1,)  # The selected elements need not be counted.
    shape = selection.selected_shape()
    if number is None:
        array = _assign.fit(array, shape, x)
    if 0 in shape or 0 in selection.shape:
        if selection.arrays:
            flat_offsets(selection)  # for its checks
        return
    if number is not None:
        by_axis, of_block = _NO_STEPS, 0
        values: Any = np.full(1, number, dtype)
    else:
        steps = strides_of(array.shape, selection, shape)
        if steps is None:
            array = (np if isinstance(array, np.ndarray) else jnp).broadcast_to(array, shape)
            steps = strides_of(shape, selection, shape)
            assert steps is not None
        by_axis, of_block = steps
        values = _flat_values(array, dtype, x, whole=hasattr(value, "_cell"))
    rows = [[*row, step] for row, step in zip(selection.rows, by_axis, strict=False)]
    if mask is not None:
        # Where one value serves all rows, all that there could be are in use.
        count = mask.size if of_block == 0 else shape[0]
        rows = [[0, count, 0, of_block], *rows[mask.ndim :]]
        if isinstance(mask, jax.Array) and mask is not x._value and _on_device_of(mask, x):
            where: Any = mask
        else:
            where = np.array(mask)
        _update(x, "masked", op, values, where, _spec(rows))
    elif selection.block is not None:
        length = math.prod(selection.block)
        rows = [[0, length, 0, of_block], *rows]
        _update(x, "at", op, values, flat_offsets(selection), _spec(rows))
    elif not selection.shape:
        _update(x, "whole", op, values)
    else:
        _update(x, "slices", op, values, _spec(rows))


def _spec(rows: list[list[int]]) -> np.ndarray:
    return ops.encode_spec(np.array(rows, np.int64))


def _update(x: Any, kind: str, op: str, values: Any, *where: Any) -> None:
    signature = tuple([(a.shape, a.dtype) for a in where])
    x._update(_program(kind, op, x.shape, x.dtype, values.shape, signature), values, *where)


@functools.lru_cache(_PROGRAMS)
def _program(kind: str, op: str, *signature: Any) -> Donating:
    """Return the program of one kernel for operands of some shapes and dtypes."""
    del signature
    kernels: dict[str, Callable[..., Any]] = {
        "slices": ops.update_slices,
        "at": ops.update_at,
        "masked": ops.update_masked,
        "whole": _update_whole,
    }
    kernel = kernels[kind]

    def update(raw: Any, values: Any, *where: Any) -> Any:
        return kernel(raw, values.astype(raw.dtype).reshape(-1), *where, op=op)

    return Donating(update, "a write by index")


def _update_whole(raw: Any, values: Any, *, op: str) -> Any:
    return _traced_writes.OPERATIONS[op](raw, values[0].reshape(raw.shape))


def _checked(raw: Any, dtype: Any, x: Any) -> Any:
    """Return a value as an array whose cast to `dtype` is allowed, but not yet made."""
    array = raw if type(raw) is np.ndarray and raw.dtype.kind in "biufcV" else None
    if array is None:
        array = _assign.as_array(raw, x)
    _assign.check_cast(raw, array, dtype, x)
    return array


def _flat_values(value: Any, dtype: Any, x: Any, *, whole: bool) -> Any:
    """Return a value as an operand that nobody else holds, or that JAX keeps from changing.

    Parameters
    ----------
    value : numpy.ndarray or jax.Array
        The value, which may be cast to `dtype`.
    dtype : numpy.dtype
        That of the array.
    x : JaxArray
        The array, for where it is.
    whole : bool
        Whether to take an array of JAX as it is, in a program for its shape. Variables have few
        shapes, results of slicing may have many.
    """
    if isinstance(value, jax.Array):
        if whole or value.size == x.size or not _on_one_cpu(value):
            return value.astype(dtype) if value.dtype != dtype else value
        value = np.asarray(value)
    out = empty_operand(value.size, dtype)
    np.copyto(out[: value.size].reshape(value.shape), value, casting="unsafe")
    return out


def _on_one_cpu(raw: jax.Array) -> bool:
    devices = raw.sharding.device_set
    return len(devices) == 1 and next(iter(devices)).platform == "cpu"


def _on_device_of(raw: jax.Array, x: Any) -> bool:
    return raw.sharding.device_set == x._value.sharding.device_set


# -- the flattened array --------------------------------------------------------------------------


def write_flat(x: Any, places: np.ndarray, value: Any) -> None:
    """Set elements of the flattened array, ``x.flat[places] = value``, in eager code.

    Parameters
    ----------
    x : JaxArray
        What is written.
    places : numpy.ndarray
        Integers from -x.size to x.size - 1, in one dimension; the last of equal ones wins.
    value : numpy.ndarray or jax.Array
        Of the dtype of `x`, with one element or one for each place.

    Raises
    ------
    IndexError
        If a place is out of bounds.
    """
    if not places.size:
        return
    selection = Selection((places,), (x.size,), x)
    offsets = flat_offsets(selection)
    step = 0 if value.size == 1 else 1
    rows = [[0, places.size, 0, step], *([0, 1, 1, 0] for _ in x.shape)]
    values = _flat_values(value, x.dtype, x, whole=False)
    with _assign.widths_of(x.dtype):
        _update(x, "at", "set", values, offsets, _spec(rows))
