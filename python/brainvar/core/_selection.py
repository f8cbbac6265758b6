"""What an index selects, in the terms of the update kernels."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np

from brainvar._compat import Tracer
from brainvar._native import native_enabled, native_state
from brainvar.core._assign import describe
from brainvar.core._indexing import (
    MAX_INT32,
    bounds_error,
    check_mask,
    consumes,
    items_of,
)

__all__ = ["Selection", "empty_operand", "flat_indices", "flat_offsets", "value_strides"]

NEW_AXIS, BLOCK = -1, -2

_native_offsets: Any = (
    getattr(native_state("cpu").module, "flat_offsets", None) if native_enabled("cpu") else None
)


class Selection:
    """The elements that an index selects of an array.

    Parameters
    ----------
    index :
        Any index of NumPy, with raw arrays.
    shape : tuple of int
        That of the array.
    target : JaxArray or str
        The array, or the array in words, for messages.

    Attributes
    ----------
    rows : list of [start, count, step]
        For each dimension, what slices and integers select of it; (0, 1, 1) where index arrays do.
    arrays, axes : list of integer arrays, list of int
        The index arrays, boolean ones turned into those, and the dimension of each.
    mask : array or None
        A boolean array over the leading dimensions, where nothing else selects.
    block : tuple of int or None
        The shape that the index arrays have together; None without any. That of `mask` is known
        when it is counted.
    layout : list of int
        The dimensions of what is selected, in order: the number of one of the array, `NEW_AXIS`,
        or `BLOCK` for all those of the index arrays.

    Raises
    ------
    IndexError
        As `check_index`, but for the elements of `arrays`, which `flat_offsets` checks.
    """

    __slots__ = ("arrays", "axes", "block", "layout", "mask", "rows", "shape", "target")

    def __init__(self, index: Any, shape: tuple[int, ...], target: Any):
        self.shape = shape
        self.target = target
        self.arrays: list[Any] = []
        self.axes: list[int] = []
        self.mask: Any = None
        self.block: tuple[int, ...] | None = None
        self.layout: list[int] = []
        self.rows = [[0, size, 1] for size in shape]
        items = [_scalar(item) for item in items_of(index, shape, target)]
        used = sum(map(consumes, items))
        arrays = [hasattr(item, "dtype") or type(item) is bool for item in items]
        if (
            any(arrays)
            and arrays.index(True) == len(arrays) - 1 - arrays[::-1].index(True)
            and self._take_mask(items, arrays.index(True))
        ):
            return
        self._take(items, used, any(arrays))

    def _take_mask(self, items: list[Any], place: int) -> bool:
        """Take a single boolean array over the leading dimensions."""
        mask, rest = items[place], items[:place] + items[place + 1 :]
        if type(mask) is bool or mask.dtype != np.bool_:
            return False
        if place and not (place == 1 and items[0] is Ellipsis and mask.ndim == len(self.shape)):
            return False
        if any(item is not Ellipsis and item != slice(None) for item in rest):
            return False
        check_mask(mask, self.shape, 0, self.target)
        self.mask = mask
        self.layout = [BLOCK, *range(mask.ndim, len(self.shape))]
        return True

    def _take(self, items: list[Any], used: int, has_arrays: bool) -> None:
        axis, previous, place = 0, -2, None
        shapes: list[tuple[int, ...]] = []
        for number, item in enumerate(items):
            if item is None:
                self.layout.append(NEW_AXIS)
            elif item is Ellipsis:
                count = len(self.shape) - used
                self.layout += range(axis, axis + count)
                axis += count
            elif type(item) is slice:
                start, stop, step = item.indices(self.shape[axis])
                self.rows[axis] = [start, len(range(start, stop, step)), step]
                self.layout.append(axis)
                axis += 1
            else:
                if has_arrays:
                    # NumPy's rule: the dimensions of index arrays that stand side by side,
                    # integers counting as such, are put where these stand, otherwise first.
                    if place is None:
                        place = len(self.layout)
                    elif previous != number - 1:
                        place = 0
                    previous = number
                axis += self._take_item(item, axis, shapes)
        self.layout += range(axis, len(self.shape))
        if has_arrays:
            try:
                self.block = np.broadcast_shapes(*shapes)
            except ValueError:
                raise IndexError(
                    f"{describe(self.target)} is indexed with arrays of shapes "
                    f"{', '.join(map(str, shapes))}, which do not broadcast together."
                ) from None
            assert place is not None
            self.layout.insert(place, BLOCK)

    def _take_item(self, item: Any, axis: int, shapes: list[tuple[int, ...]]) -> int:
        """Take an integer, a bool or an array; return how many dimensions it is about."""
        if type(item) is int:
            size = self.shape[axis]
            if not -size <= item < size:
                raise bounds_error(item, axis, size, self.target)
            self.rows[axis] = [item % size, 1, 1]
            return 1
        if type(item) is bool:
            shapes.append((int(item),))
            return 0
        parts, count = [item], 1
        if item.dtype == np.bool_:
            check_mask(item, self.shape, axis, self.target)
            if isinstance(item, Tracer):
                raise jax.errors.NonConcreteBooleanIndexError(item)
            parts, count = list(np.asarray(item).nonzero()), item.ndim
        for i, part in enumerate(parts):
            self.arrays.append(part)
            self.axes.append(axis + i)
            self.rows[axis + i] = [0, 1, 1]
            shapes.append(part.shape)
        return count

    def selected_shape(self) -> tuple[int, ...]:
        """Return the shape of what is selected; a mask is counted for it."""
        if self.mask is not None and self.block is None:
            self.block = (int(np.count_nonzero(np.asarray(self.mask))),)
        shape: list[int] = []
        for entry in self.layout:
            if entry == BLOCK:
                shape += self.block or ()
            else:
                shape.append(1 if entry == NEW_AXIS else self.rows[entry][1])
        return tuple(shape)


def _scalar(item: Any) -> Any:
    """Turn an array without dimensions into a number, as NumPy does; not one that is traced."""
    if not hasattr(item, "dtype") or item.ndim or isinstance(item, Tracer):
        return item
    return bool(item) if item.dtype == np.bool_ else int(item)


def value_strides(
    value_shape: tuple[int, ...], selection: Selection, shape: tuple[int, ...]
) -> tuple[list[int], int] | None:
    """Return the steps in a flat value for each dimension and for the index arrays.

    Parameters
    ----------
    value_shape : tuple of int
        The shape of the value in row-major order; it broadcasts to `shape`.
    selection : Selection
        What is written.
    shape : tuple of int
        The shape of what is selected.

    Returns
    -------
    tuple
        One step for each dimension of the array, 0 where the value is repeated, and that of the
        index arrays or the mask. None if these need more than one step.
    """
    missing = len(shape) - len(value_shape)
    steps, step = [0] * len(shape), 1
    for i in range(len(value_shape) - 1, -1, -1):
        if missing + i >= 0 and value_shape[i] != 1:
            steps[missing + i] = step
            step *= value_shape[i]
    by_axis, of_block, at = [0] * len(selection.shape), 0, 0
    for entry in selection.layout:
        if entry == BLOCK:
            block = selection.block or ()
            long = [d for d in range(at, at + len(block)) if shape[d] != 1]
            given = [steps[d] for d in long if steps[d]]
            if given and len(given) != len(long):
                return None
            of_block = given[-1] if given else 0
            at += len(block)
        else:
            if entry != NEW_AXIS:
                by_axis[entry] = steps[at]
            at += 1
    return by_axis, of_block


def next_power_of_two(n: int) -> int:
    """Return the smallest power of two that is at least `n`."""
    return 1 << max(n - 1, 0).bit_length()


def empty_operand(size: int, dtype: Any) -> np.ndarray:
    """Return an array for `size` elements, made up to a power of two, as an operand of a program.

    JAX reads a large one where it is, without a copy, if it starts at a multiple of 64 bytes; so
    nobody may write to it later.
    """
    count, dtype = next_power_of_two(size), np.dtype(dtype)
    if count * dtype.itemsize < 2**14:
        return np.empty(count, dtype)
    room = np.empty(count * dtype.itemsize + 64, np.uint8)
    start = -room.__array_interface__["data"][0] % 64
    return room[start : start + count * dtype.itemsize].view(dtype)


def flat_offsets(selection: Selection) -> np.ndarray:
    """Return the offset in the flat array that each element of the index arrays means.

    Returns
    -------
    numpy.ndarray
        int32[n], or uint32[n, 2], the halves of 64-bit numbers, for an array of 2**31 elements or
        more, where n is the number of elements made up to a power of two with -1.

    Raises
    ------
    IndexError
        If an element is out of bounds.
    """
    shape, block = selection.shape, selection.block
    assert block is not None
    length = math.prod(block)
    wide = math.prod(shape) > MAX_INT32
    out = empty_operand(length, np.int64 if wide else np.int32)
    arrays = [
        flat_indices(x, block, shape[axis], axis, selection.target)
        for x, axis in zip(selection.arrays, selection.axes, strict=True)
    ]
    sizes = [shape[axis] for axis in selection.axes]
    steps = [math.prod(shape[axis + 1 :]) for axis in selection.axes]
    if not arrays:
        out[:length] = 0
        out[length:] = -1
    elif _native_offsets is not None:
        bad = _native_offsets(tuple(arrays), tuple(sizes), tuple(steps), out)
        if bad is not None:
            axis = selection.axes[bad[0]]
            raise bounds_error(bad[1], axis, shape[axis], selection.target)
    else:
        total = np.zeros(length, np.int64)
        for x, axis, size, step in zip(arrays, selection.axes, sizes, steps, strict=True):
            outside = (x < -size) | (x >= size)
            if outside.any():
                raise bounds_error(int(x[outside.argmax()]), axis, size, selection.target)
            total += np.where(x < 0, x.astype(np.int64) + size, x) * step
        out[:length] = total
        out[length:] = -1
    return out.view("<u4").reshape(-1, 2) if wide else out


def flat_indices(x: Any, block: tuple[int, ...], size: int, axis: int, target: Any) -> np.ndarray:
    """Return an index array as integers for the kernels, which are neither checked nor copied.

    Parameters
    ----------
    x : integer array
        The index array.
    block : tuple of int
        What it is broadcast to.
    size, axis : int
        The dimension that it indexes, and its number.
    target : JaxArray or str
        The array, or the array in words, for messages.

    Returns
    -------
    int32 or int64 numpy.ndarray [n]
        C-contiguous and aligned; the memory may be that of `x`.

    Raises
    ------
    IndexError
        If an element is beyond the range of int64.
    """
    values = np.asarray(x)
    if values.dtype not in (np.int32, np.int64):
        if values.dtype == np.uint64 and values.size and values.max() > np.iinfo(np.int64).max:
            raise bounds_error(int(values.max()), axis, size, target)
        values = values.astype(np.int64)
    if values.shape != block:
        values = np.broadcast_to(values, block)
    if not (values.flags.c_contiguous and values.flags.aligned):
        values = np.array(values, order="C")
    return values.reshape(-1)
