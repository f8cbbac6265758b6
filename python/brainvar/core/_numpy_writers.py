"""NumPy's functions that change their first argument, for the array classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import Tracer
from brainvar.core import _assign, _traced_writes
from brainvar.core._augmented import update_by
from brainvar.core._facade import Facade, operand
from brainvar.core._writing import raw_operand, write, write_flat

__all__ = ["WRITERS", "at", "put"]


def _select(mask: Any, new: Any, old: Any) -> Any:
    return jnp.where(mask, new, old)


def _write_where(x: Any, mask: Any, value: Any) -> None:
    """Set the elements where `mask` is True to those of `value`; both broadcast to the shape."""
    value = _assign.fit(_assign.cast_privately(raw_operand(value), x.dtype, x), x.shape, x)
    mask = operand(mask)
    if not update_by(x, _select, (mask, value, x)):
        x._store(_select(mask, value, x._read()))


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Do what `numpy.copyto` does."""
    src = operand(src)
    if casting != "same_kind":
        if not isinstance(src, (np.ndarray, jax.Array)):
            src = np.asarray(src)
        if not np.can_cast(src.dtype, dst.dtype, casting):  # pyright: ignore[reportArgumentType]
            raise TypeError(
                f"cannot cast from {src.dtype} to {dst._describe()} under casting={casting!r}."
            )
        src = src.astype(dst.dtype)
    if where is True:
        write(dst, ..., src)
    else:
        _write_where(dst, _assign.fit(_mask(where), dst.shape, "where="), src)


def _mask(x: Any) -> Any:
    mask = operand(x)
    return mask if hasattr(mask, "dtype") and mask.dtype == np.bool_ else jnp.asarray(mask, bool)


def putmask(a: Any, mask: Any, values: Any) -> None:
    """Do what `numpy.putmask` does."""
    mask, values = _mask(mask), _values(values, a)
    if mask.shape != a.shape:
        raise ValueError(f"putmask: mask of shape {mask.shape} for {a._describe()}.")
    if values.shape != a.shape and values.size:
        values = _resized(values, a.size).reshape(a.shape) if values.size > 1 else values.ravel()
    if values.size or not a.size:
        _write_where(a, mask, values)


def _values(values: Any, x: Any) -> Any:
    return _assign.cast_privately(raw_operand(values), x.dtype, x)


def _resized(values: Any, size: int) -> Any:
    """Repeat the flattened values up to a size, as `numpy.resize` does."""
    if values.size in (1, size):
        return values.reshape(-1)
    return (np if isinstance(values, np.ndarray) else jnp).resize(values, (size,))


def place(arr: Any, mask: Any, vals: Any) -> None:
    """Do what `numpy.place` does."""
    mask, values = _mask(mask).reshape(arr.shape), _values(vals, arr)
    if isinstance(mask, Tracer):
        arr._store(jnp.place(arr._read(), mask, jnp.asarray(values), inplace=False))
        return
    count = int(np.count_nonzero(np.asarray(mask)))
    if count and not values.size:
        raise ValueError("place: there are elements to set, but no values.")
    if count:
        write(arr, mask, _resized(values, count)[:count])


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Do what `numpy.put` does.

    Raises
    ------
    IndexError
        If `mode` is ``'raise'`` and a known index is out of bounds.
    """
    places: Any = operand(ind)
    values = _values(v, a)
    if not hasattr(places, "dtype"):
        places = np.asarray(places)
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"mode must be 'raise', 'wrap' or 'clip', got {mode!r}.")
    if not places.size or not values.size:
        return
    if not jnp.issubdtype(places.dtype, jnp.integer):
        raise TypeError(f"put: indices are integers, got dtype {places.dtype}.")
    places = places.reshape(-1)
    if not a.size:
        raise IndexError(f"put: {a._describe()} has no elements to set.")
    # In a type that holds the number of elements.
    if not isinstance(places, Tracer):
        places = np.asarray(places).astype(np.int64)
    elif places.dtype.itemsize < 4:
        places = places.astype(np.int32)
    if mode == "wrap":
        places = places % a.size
    elif mode == "clip":
        places = places.clip(0, a.size - 1)
    values = _resized(values, places.size)[: places.size]
    if a._eager():
        write_flat(a, np.asarray(places), values)
    else:
        a._store(_traced_writes.write_flat(a._read_to_update(), places, values, a))


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Do what `numpy.fill_diagonal` does."""
    shape = a.shape
    if len(shape) < 2:
        raise ValueError("fill_diagonal: the array must have at least two dimensions.")
    end = a.size
    if len(shape) == 2:
        step = shape[1] + 1
        end = end if wrap else min(end, shape[1] * shape[1])
    else:
        if len(set(shape)) > 1:
            raise ValueError("fill_diagonal: all dimensions must be of one length.")
        step = 1 + int(np.cumprod(shape[:-1]).sum())
    put(a, np.arange(0, end, step), val)


def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """Do what `numpy.put_along_axis` does."""
    indices = operand(indices)
    if not hasattr(indices, "dtype"):
        indices = np.asarray(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("put_along_axis: with axis=None, indices must have one dimension.")
        values = operand(values)
        on_host = not isinstance(values, jax.Array)
        values = (np if on_host else jnp).broadcast_to(values, indices.shape)
        put(arr, indices, values)
        return
    if indices.ndim != arr.ndim:
        raise ValueError(
            f"put_along_axis: indices have {indices.ndim} dimension(s), {arr._describe()} has "
            f"{arr.ndim}."
        )
    axis = range(arr.ndim)[axis]
    index: list[Any] = [
        np.arange(n).reshape([-1 if d == i else 1 for d in range(arr.ndim)])
        for i, n in enumerate(arr.shape)
    ]
    index[axis] = indices
    write(arr, tuple(index), values)


WRITERS: dict[str, Callable[..., None]] = {
    f.__name__: f for f in (copyto, fill_diagonal, place, put, put_along_axis, putmask)
}
"""By the names of NumPy's functions."""

_AT = {name: name for name in ("add", "multiply", "minimum", "maximum")} | {"subtract": "add"}


def at(name: str, x: Any, index: Any, value: Any) -> bool:
    """Do what the method ``at`` of a ufunc of NumPy does; False where it is not one of ours."""
    if name not in _AT or not isinstance(x, Facade) or (name == "subtract" and x.dtype == bool):
        return False
    if name == "subtract":
        value = _values(value, x)
        value = np.negative(value) if isinstance(value, np.ndarray) else -value
    write(x, index, value, _AT[name])
    return True
