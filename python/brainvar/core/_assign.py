"""The rules of assignment: what may be stored in an array of a given shape and dtype."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import enable_x64, x64_enabled

__all__ = [
    "WIDE",
    "array_of",
    "as_array",
    "by_value",
    "can_cast",
    "cast",
    "cast_privately",
    "check_cast",
    "check_range",
    "coerce",
    "describe",
    "first_value",
    "fit",
    "private_array",
    "widths_of",
]


#: What JAX has only while 64-bit types are enabled; an array that was made then keeps its dtype.
# Types that JAX has only where 64-bit types are enabled.
WIDE = {np.dtype(t) for t in (np.int64, np.uint64, np.float64, np.complex128)}


def widths_of(dtype: Any) -> contextlib.AbstractContextManager[Any]:
    """Return a context in which arrays of `dtype` are computed with as they are.

    JAX keeps the dtype of an array that was made while 64-bit types were enabled.
    """
    return enable_x64(True) if dtype in WIDE and not x64_enabled() else _AS_IT_IS


_AS_IT_IS = contextlib.nullcontext()


def first_value(value: Any, dtype: Any, target: str) -> jax.Array:
    """Convert what a new array starts with to a raw array, which is not weakly typed.

    Raises
    ------
    TypeError
        If `value` is no array, number or sequence of numbers.
    OverflowError
        If an integer lies outside the range of the dtype.
    """
    raw = as_array(value, target)
    if isinstance(raw, np.ndarray):
        # _as_array has copied what it was given.
        dtype = np.dtype(jax.dtypes.canonicalize_dtype(raw.dtype if dtype is None else dtype))
        check_range(raw, dtype, target)
        return jnp.asarray(raw, dtype=dtype)
    if dtype is not None:
        raw = jnp.asarray(raw, dtype=dtype)
    return jax.lax.convert_element_type(raw, raw.dtype) if raw.aval.weak_type else raw


def private_array(value: np.ndarray | np.generic | Any, dtype: Any = None) -> jax.Array:
    """Put a copy of a NumPy array on the default device.

    JAX may read a NumPy argument after the call has returned, or alias its memory for good, so a
    copy that nobody else can write to is made first.
    """
    copy = np.array(value)
    if dtype is None:
        dtype = jax.dtypes.canonicalize_dtype(copy.dtype)
    return jnp.asarray(copy, dtype=dtype)


def coerce(value: Any, shape: tuple[int, ...], dtype: np.dtype, target: Any) -> jax.Array:
    """Convert `value` to a raw array of exactly `shape` and `dtype`.

    Parameters
    ----------
    value : jax.Array, numpy.ndarray, scalar or nested sequence
        What is assigned.
    shape, dtype :
        What the target holds. Values broadcast to `shape`; casts follow NumPy's ``same_kind``.
    target : JaxArray or str
        The target, or the target in words, for messages.

    Raises
    ------
    ValueError
        If `value` does not broadcast to `shape`.
    TypeError
        If the cast to `dtype` is not of the same kind, as from float to integer.
    """
    raw = as_array(value, target)
    if raw.shape != shape:
        try:
            fits = np.broadcast_shapes(raw.shape, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"{describe(target)} has shape {shape} and dtype {dtype}; a value of shape "
                f"{raw.shape} and dtype {raw.dtype} does not broadcast to it. The shape of an "
                "array never changes on assignment: make a new one instead."
            )
    raw = _convert(value, raw, dtype, target)
    if raw.shape != shape:
        return _broadcast(raw, shape)
    return jnp.asarray(raw)


def cast(value: Any, dtype: np.dtype, target: Any) -> jax.Array:
    """Convert `value` to a raw array of `dtype` under NumPy's ``same_kind`` rule.

    A Python or NumPy integer, or a list of them, is taken by any integer type that holds it, and
    0 and 1 by booleans.

    Raises
    ------
    TypeError
        If `value` is no array, or of a kind that `dtype` does not hold.
    OverflowError
        If a number given as an integer, not as an array, lies outside the range of `dtype`.
    """
    return jnp.asarray(cast_privately(value, dtype, target))


def cast_privately(value: Any, dtype: np.dtype, target: Any) -> np.ndarray | jax.Array:
    """Do what `cast` does, and leave what came from the host in a NumPy array.

    Nobody else holds that array, so it may be handed to a compiled function.
    """
    return _convert(value, as_array(value, target), dtype, target)


def as_array(value: Any, target: Any) -> np.ndarray | jax.Array:
    """Make an array of anything that is one or a number or a nested sequence of them."""
    if isinstance(value, jax.Array):
        return value
    if hasattr(value, "__jax_array__"):
        return jnp.asarray(value)
    raw = array_of(value) if isinstance(value, (list, tuple)) else np.array(value)
    if isinstance(raw, np.ndarray) and raw.dtype.kind not in "biufcV":
        if isinstance(value, int):
            raise OverflowError(f"{describe(target)} cannot hold an integer of over 64 bits.")
        raise TypeError(
            f"{describe(target)} cannot take {value!r}: it is no array, number or sequence of "
            "numbers."
        )
    return raw


# Compiled, which costs a tenth of the function itself.
_broadcast = jax.jit(jnp.broadcast_to, static_argnums=1)


def _convert(value: Any, raw: Any, dtype: np.dtype, target: Any) -> np.ndarray | jax.Array:
    check_cast(value, raw, dtype, target)
    if isinstance(raw, np.ndarray):
        return raw.astype(dtype, casting="unsafe")
    if raw.dtype == dtype and not raw.aval.weak_type:
        return raw
    # Also where the dtype is right: a weak type would make later promotion depend on history.
    return jax.lax.convert_element_type(raw, dtype)


def check_cast(value: Any, raw: Any, dtype: np.dtype, target: Any) -> None:
    """Raise if `value`, which is `raw` as an array, may not be cast to `dtype`.

    Raises
    ------
    TypeError, OverflowError
        As `cast`.
    """
    if not can_cast(value, raw, dtype):
        raise TypeError(
            f"{describe(target)} has dtype {dtype}; a value of dtype {raw.dtype} and shape "
            f"{raw.shape} cannot be cast to it (casting='same_kind'). Convert it first, "
            f"x.astype({dtype.name!r}), or give the target a dtype that holds it."
        )
    if isinstance(raw, np.ndarray) and by_value(value, raw):
        check_range(raw, dtype, target)


def fit(value: Any, shape: tuple[int, ...], target: Any) -> Any:
    """Return an array that broadcasts to `shape`, without the leading 1s that `shape` lacks.

    Raises
    ------
    ValueError
        If it does not broadcast to it.
    """
    given, extra = value.shape, max(value.ndim - len(shape), 0)
    kept = given[extra:]
    ends = zip(reversed(kept), reversed(shape), strict=False)
    if any(n != 1 for n in given[:extra]) or any(mine not in (1, its) for mine, its in ends):
        raise ValueError(
            f"{describe(target)}: a value of shape {given} does not fit what the index selects, "
            f"shape {shape}."
        )
    return value.reshape(kept) if extra else value


def describe(target: Any) -> str:
    """Return the target of an assignment in words."""
    return target if isinstance(target, str) else target._describe()


def array_of(values: list[Any] | tuple[Any, ...]) -> np.ndarray | jax.Array:
    """Make one array of nested sequences, which may hold arrays of any class."""
    raw = jax.tree.map(_raw, values, is_leaf=lambda x: hasattr(x, "_peek"))
    if any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(raw)):
        return jnp.asarray(raw)
    return np.array(values)


def _raw(x: Any) -> Any:
    return x.value if hasattr(x, "_peek") else x


def by_value(value: Any, raw: Any) -> bool:
    """Whether integers are judged by their values, as NumPy does for those of Python."""
    return isinstance(raw, np.ndarray) and (raw.ndim == 0 or not isinstance(value, np.ndarray))


def can_cast(value: Any, raw: Any, dtype: np.dtype) -> bool:
    """Whether `value`, which is `raw` as an array, may be cast to `dtype` on assignment."""
    if jnp.issubdtype(raw.dtype, jax.dtypes.extended):
        return raw.dtype == dtype
    if raw.size == 0 and isinstance(value, (list, tuple)):
        return True  # NumPy gives an empty list a dtype that nobody has asked for
    as_number = by_value(value, raw) and raw.dtype.kind in "iu"
    if _kind_rank(raw.dtype) <= _kind_rank(dtype):
        signed_to_unsigned = raw.dtype.kind == "i" and dtype.kind == "u"
        # In a trace, a Python integer is a weakly typed array.
        return not signed_to_unsigned or as_number or getattr(raw, "weak_type", False)
    return as_number and dtype == np.bool_ and bool(np.all((raw == 0) | (raw == 1)))


@functools.cache
def _kind_rank(dtype: np.dtype) -> int:
    """Order the kinds as ``same_kind`` casting does: bool, integers, floats, complex."""
    for rank, kind in enumerate((np.bool_, jnp.integer, jnp.floating, jnp.complexfloating)):
        if jnp.issubdtype(dtype, kind):
            return rank
    return 4


def check_range(raw: np.ndarray, dtype: np.dtype, target: Any) -> None:
    """Raise OverflowError if the integer type `dtype` does not hold the integers in `raw`."""
    if raw.size == 0 or raw.dtype.kind not in "iu" or dtype.kind not in "iu":
        return
    info = jnp.iinfo(dtype)
    low, high = int(raw.min()), int(raw.max())
    if low < int(info.min) or high > int(info.max):
        worst = low if low < int(info.min) else high
        raise OverflowError(
            f"{describe(target)} has dtype {dtype}, which cannot hold {worst}: its range is "
            f"{info.min} to {info.max}."
        )
