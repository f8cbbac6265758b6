"""Indices: what NumPy takes as one, checked, and reading by them."""

from __future__ import annotations

import operator
from typing import Any

import jax
import numpy as np

from brainvar._compat import Tracer
from brainvar.core import _bounds
from brainvar.core._assign import array_of, describe

__all__ = ["MAX_INT32", "bounds_error", "check_index", "items_of", "read"]

MAX_INT32 = 2**31 - 1


@jax.jit
def _read_row(raw: Any, index: Any) -> Any:
    return jax.lax.dynamic_index_in_dim(raw, index, keepdims=False)


def _row(raw: Any, index: Any, target: Any) -> int | None:
    """Return a Python integer as an index from 0, where it can be one of the run time.

    JAX takes it as a constant instead: ten times the work for each call, and a program for each
    value. In a trace, a constant is right.
    """
    if type(index) is not int or not raw.shape or isinstance(raw, Tracer):
        return None
    size = raw.shape[0]
    if not -size <= index < size:
        raise bounds_error(index, 0, size, target)
    return index % size if size <= MAX_INT32 else None


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


def check_index(index: Any, shape: tuple[int, ...], target: Any) -> Any:
    """Check `index` against `shape` as NumPy does, and return it with lists made arrays.

    JAX clamps an index out of bounds when reading and drops it when writing. Here an index whose
    value is known, a Python integer or a concrete array, raises instead. One that is known only
    when the compiled program runs is checked there if ``check_bounds`` asks for it.

    Raises
    ------
    IndexError
        If an integer or an element of an index array lies outside the array, if there are more
        indices than dimensions, or if a boolean index has another shape than what it selects.
    """
    items = items_of(index, shape, target)
    # JAX may read an array of NumPy after the call has returned.
    items = tuple([np.array(item) if isinstance(item, np.ndarray) else item for item in items])
    axis = 0
    for item in items:
        if item is Ellipsis:
            axis += len(shape) - sum(map(consumes, items))
            continue
        if item is not None:
            _check_item(item, shape, axis, target)
        axis += consumes(item)
    return items if isinstance(index, tuple) else items[0]


def items_of(index: Any, shape: tuple[int, ...], target: Any) -> tuple[Any, ...]:
    """Return the items of an index, each an int, slice, None, ``...``, bool or array.

    Arrays of NumPy are the caller's, not copies.

    Raises
    ------
    IndexError
        If an item is nothing of these, or if there are too many of them.
    """
    given = index if isinstance(index, tuple) else (index,)
    items = tuple([_item(item, target) for item in given])
    if sum(map(consumes, items)) > len(shape):
        raise IndexError(
            f"{describe(target)} has {len(shape)} dimension(s), but {sum(map(consumes, items))} "
            f"were indexed with {index!r}."
        )
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError(f"an index can have only one ellipsis ('...'), got {index!r}.")
    return items


def _item(index: Any, target: Any) -> Any:
    kind = type(index)
    if kind is int or kind is slice or index is None or index is Ellipsis or kind is bool:
        return index
    item: Any = index
    if isinstance(index, (list, tuple)):
        item = array_of(index) if len(index) else np.zeros(0, np.intp)
    elif isinstance(index, np.bool_):
        item = bool(index)
    if hasattr(item, "dtype"):
        if item.dtype.kind not in "iub":
            raise IndexError(
                f"{describe(target)} is indexed with an array of dtype {item.dtype}; indices are "
                "integers or booleans."
            )
    elif not isinstance(item, bool):
        try:
            item = operator.index(item)
        except TypeError:
            raise IndexError(
                f"{describe(target)} is indexed with {item!r}; only integers, slices (':'), "
                "ellipsis ('...'), None, and arrays of integers or booleans are indices."
            ) from None
    return item


def consumes(item: Any) -> int:
    """Return how many dimensions an index item stands for."""
    kind = type(item)
    if kind is slice or kind is int:
        return 1
    if item is None or item is Ellipsis or kind is bool:
        return 0
    return item.ndim if item.dtype == np.bool_ else 1


def _check_item(item: Any, shape: tuple[int, ...], axis: int, target: Any) -> None:
    if isinstance(item, (slice, bool)):
        return
    if not hasattr(item, "dtype"):
        low = high = item
    elif item.dtype == np.bool_:
        check_mask(item, shape, axis, target)
        return
    elif isinstance(item, Tracer):
        _bounds.check(item, shape[axis], axis, target)
        return
    elif item.size == 0:
        return
    else:
        values = np.asarray(item)
        low, high = int(values.min()), int(values.max())
    size = shape[axis]
    if low < -size or high >= size:
        raise bounds_error(low if low < -size else high, axis, size, target)


def check_mask(mask: Any, shape: tuple[int, ...], axis: int, target: Any) -> None:
    """Raise IndexError if a boolean array has another shape than the dimensions at `axis`."""
    if mask.shape != shape[axis : axis + mask.ndim]:
        raise IndexError(
            f"{describe(target)} is indexed with a boolean array of shape {mask.shape} where "
            f"its dimensions are {shape[axis : axis + mask.ndim]}."
        )


def bounds_error(index: int, axis: int, size: int, target: Any) -> IndexError:
    """Build the error for an index out of bounds."""
    return IndexError(
        f"index {index} is out of bounds for axis {axis} with size {size} of {describe(target)}."
    )
