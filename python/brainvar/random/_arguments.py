"""What the samplers accept: sizes, dtypes, parameters and their ranges.

A parameter whose value is known is checked before anything is drawn, as NumPy does; one that is
being traced has no value yet and is taken as it is. Python numbers are the common case and must
cost next to nothing, so their conversion, check included, is cached.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import Tracer, x64_enabled

__all__ = [
    "Check",
    "as_data",
    "as_float",
    "as_shape",
    "check_order",
    "check_range",
    "check_triangle",
    "draw_shape",
    "float_dtype",
    "host_value",
    "int_dtype",
    "is_probability",
    "non_negative",
    "positive",
    "positive_probability",
    "probability_below_1",
    "unwrap",
]

Check = Callable[[Any, str], None]
"""Raises ValueError if a parameter, a number or an array, is out of its range; given its name."""


def unwrap(x: Any) -> Any:
    """Return the array that a JaxArray or Variable stands for, and anything else as it is."""
    if isinstance(x, (int, float, np.ndarray, jax.Array)):
        return x
    array = getattr(x, "__jax_array__", None)
    return x if array is None else array()


def host_value(x: Any) -> np.ndarray | None:
    """Return the value of an array_like on the host, None if it is being traced."""
    x = unwrap(x)
    try:
        return None if isinstance(x, Tracer) else np.asarray(x)
    except jax.errors.TracerArrayConversionError:  # a list with traced elements
        return None


# --- sizes ---------------------------------------------------------------------------------------


def as_shape(size: Any) -> tuple[int, ...]:
    """Convert a `size` argument, None, an integer or a sequence of integers, to a shape.

    Raises
    ------
    TypeError
        If a dimension is not an integer, or is being traced.
    ValueError
        If a dimension is negative, or the shape has more elements than an array can have.
    """
    if size is None:
        return ()
    if type(size) is int:
        shape: tuple[int, ...] = (size,)
    elif type(size) is tuple and all(type(n) is int for n in size):
        shape = size
    else:
        size = unwrap(size)
        try:
            shape = tuple(map(_dimension, size)) if _is_sequence(size) else (_dimension(size),)
        except TypeError:
            raise _bad_size(size) from None
    for dimension in shape:
        if dimension < 0:
            raise ValueError(f"size: negative dimensions are not allowed, got {size!r}")
    # XLA ends the process at a product that has no 64 bits; with those of the elements it counts
    # bytes.
    if math.prod(shape) > _MOST_ELEMENTS:
        raise ValueError(f"size: the shape {shape} has more elements than an array can have")
    return shape


_MOST_ELEMENTS = 2**59


def _is_sequence(size: Any) -> bool:
    if isinstance(size, (np.ndarray, jax.Array)):
        return size.ndim > 0
    return isinstance(size, Iterable) and not isinstance(size, (str, bytes))


def _dimension(n: Any) -> int:
    if isinstance(n, (bool, np.bool_, Tracer)):
        raise TypeError
    return operator.index(n)


def _bad_size(size: Any) -> TypeError:
    leaves = size if isinstance(size, (tuple, list)) else (size,)
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        return TypeError(
            "size must be known while a function is compiled, but it depends on a traced value; "
            "take it from the shape of an array, or make it a static argument"
        )
    return TypeError(f"size must be None, an integer or a sequence of integers, got {size!r}")


def draw_shape(size: Any, *operands: Any) -> tuple[int, ...]:
    """Return the shape of a draw whose parameters are `operands`.

    Without a `size` it is their broadcast shape: one number is drawn for each element.

    Raises
    ------
    ValueError
        If the operands do not broadcast together, or `size` is not what they broadcast to.
    """
    shapes = [x.shape for x in operands if x.shape]
    if not shapes:
        return as_shape(size)
    try:
        common = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"the parameters have shapes {', '.join(map(str, shapes))}, which do not broadcast"
        ) from None
    if size is None:
        return common
    shape = as_shape(size)
    try:
        fits = np.broadcast_shapes(shape, common) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"size {shape} is not compatible with the shape {common} to which the parameters "
            "broadcast; leave size out to draw one number for each of their elements"
        )
    return shape


# --- dtypes --------------------------------------------------------------------------------------


def float_dtype(dtype: Any = None) -> np.dtype:
    """Return the floating dtype of a draw; None and float mean the default one.

    The default is float32, and float64 under ``jax_enable_x64``.
    """
    return _float_dtype(dtype, x64_enabled())


@lru_cache(maxsize=256)
def _float_dtype(dtype: Any, x64: bool) -> np.dtype:
    if dtype is None or dtype is float:
        return np.dtype(np.float64 if x64 else np.float32)
    asked = jnp.dtype(dtype)
    if not jnp.issubdtype(asked, jnp.floating) or asked.itemsize not in (2, 4, 8):
        raise TypeError(
            f"dtype must be float16, bfloat16, float32 or float64 for this sampler, got {dtype!r}"
        )
    return _available(asked)


def int_dtype(dtype: Any = int) -> np.dtype:
    """Return the integer dtype of a draw; int means the default one, bool is allowed.

    The default is int32, and int64 under ``jax_enable_x64``.
    """
    return _int_dtype(dtype, x64_enabled())


@lru_cache(maxsize=256)
def _int_dtype(dtype: Any, x64: bool) -> np.dtype:
    if dtype is None or dtype is int:
        return np.dtype(np.int64 if x64 else np.int32)
    asked = jnp.dtype(dtype)
    if asked.kind not in "iub":
        raise TypeError(f"dtype must be an integer type or bool for this sampler, got {dtype!r}")
    return _available(asked)


def _available(asked: np.dtype) -> np.dtype:
    found = np.dtype(jax.dtypes.canonicalize_dtype(asked))
    if found != asked:
        warnings.warn(
            f"dtype {asked} needs 64-bit types, which are off: {found} is drawn instead; turn them "
            "on with jax.config.update('jax_enable_x64', True)",
            UserWarning,
            stacklevel=5,
        )
    return found


# --- parameters ----------------------------------------------------------------------------------


def as_float(x: Any, name: str, dtype: np.dtype, check: Check | None = None) -> Any:
    """Convert a real parameter to an operand of a compiled draw.

    Parameters
    ----------
    x : number or array_like
        The parameter.
    name : str
        Its name, for messages.
    dtype : numpy.dtype
        The floating dtype of the draw.
    check : Check, optional
        Applied to the value, if that is known, at its own precision.

    Returns
    -------
    numpy.ndarray or jax.Array
        Nothing else can write to it: JAX may read it after the call has returned.

    Raises
    ------
    TypeError
        If `x` is not a real number or an array of them.
    ValueError
        If `check` fails.
    """
    if type(x) is float or type(x) is int:
        return _scalar(x, name, dtype, check)
    x = unwrap(x)
    if isinstance(x, jax.Array):
        if not _is_real(x.dtype):
            raise _not_real(x, name)
        if check is not None and not isinstance(x, Tracer):
            check(np.asarray(x), name)
        return x
    try:
        host = np.array(x)
    except (TypeError, ValueError) as error:  # a ragged list, or one that holds tracers
        return _stacked(x, name, check, error)
    if not _is_real(host.dtype):
        raise _not_real(x, name)
    if check is not None:
        check(host, name)
    with np.errstate(over="ignore"):
        return host.astype(dtype)


def _stacked(x: Any, name: str, check: Check | None, error: Exception) -> jax.Array:
    """Convert a sequence with traced elements."""
    if not isinstance(error, jax.errors.TracerArrayConversionError):
        raise _not_real(x, name) from None
    return as_float(jnp.array([unwrap(item) for item in x]), name, np.dtype(np.float32), check)


@lru_cache(maxsize=4096)
def _scalar(x: float, name: str, dtype: np.dtype, check: Check | None) -> np.ndarray:
    if check is not None:
        check(x, name)
    with np.errstate(over="ignore"):
        value = np.array(float(x)).astype(dtype)
    value.flags.writeable = False
    return value


def _is_real(dtype: Any) -> bool:
    return (
        dtype == np.bool_
        or jnp.issubdtype(dtype, jnp.integer)
        or jnp.issubdtype(dtype, jnp.floating)
    )


def _not_real(x: Any, name: str) -> TypeError:
    return TypeError(f"{name} must be a real number or an array of them, got {x!r}")


# NaN passes these, as it passes NumPy's: what is drawn with it is NaN too.


def non_negative(x: Any, name: str) -> None:
    """Check that no element is below 0."""
    if np.any(x < 0):
        raise ValueError(f"{name} < 0: {name} must be non-negative")


def positive(x: Any, name: str) -> None:
    """Check that every element is above 0."""
    if np.any(x <= 0):
        raise ValueError(f"{name} <= 0: {name} must be positive")


def is_probability(x: Any, name: str) -> None:
    """Check that every element lies in [0, 1]."""
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError(f"{name} < 0, {name} > 1 or {name} is NaN: it must be a probability")


def check_range(low: Any, high: Any, dtype: np.dtype) -> None:
    """Check that ``high - low`` is a finite number of `dtype`."""
    if type(low) is float and type(high) is float:
        _check_range_of_floats(low, high, dtype)
        return
    bottom, top = host_value(low), host_value(high)
    if bottom is None or top is None:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        span = np.abs(np.subtract(top, bottom, dtype=np.float64))
    if not np.all(span <= _largest(dtype)):
        raise _range_error(dtype)


@lru_cache(maxsize=4096)
def _check_range_of_floats(low: float, high: float, dtype: np.dtype) -> None:
    if not abs(high - low) <= _largest(dtype):
        raise _range_error(dtype)


def _largest(dtype: np.dtype) -> float:
    return float(jnp.finfo(dtype).max)


def _range_error(dtype: np.dtype) -> OverflowError:
    return OverflowError(f"high - low: the range exceeds the finite numbers of {dtype}")


def check_order(lower: Any, upper: Any) -> None:
    """Check that every lower bound is below its upper bound."""
    bottom, top = host_value(lower), host_value(upper)
    if bottom is not None and top is not None and not np.all(bottom < top):
        raise ValueError("lower >= upper: every lower bound must be below its upper bound")


def as_data(x: Any, name: str) -> np.ndarray | jax.Array:
    """Convert the array whose elements are chosen or put in another order.

    A NumPy array comes back as it is, not copied.

    Raises
    ------
    TypeError
        If `x` is no array_like.
    """
    x = unwrap(x)
    if isinstance(x, jax.Array):
        return x
    try:
        return np.asarray(x)
    except jax.errors.TracerArrayConversionError:
        return jnp.array([unwrap(item) for item in x])
    except ValueError as error:
        raise TypeError(f"{name} must be an array or an integer, got {x!r}") from error


def positive_probability(x: Any, name: str) -> None:
    """Check that every element lies in (0, 1]."""
    if not np.all((x > 0) & (x <= 1)):
        raise ValueError(f"{name} <= 0, {name} > 1 or {name} contains NaNs")


def probability_below_1(x: Any, name: str) -> None:
    """Check that every element lies in [0, 1)."""
    if not np.all((x >= 0) & (x < 1)):
        raise ValueError(f"{name} < 0, {name} >= 1 or {name} contains NaNs")


def check_triangle(left: Any, mode: Any, right: Any) -> None:
    """Check that ``left <= mode <= right``, and ``left < right``."""
    if not (type(left) is type(mode) is type(right) is float):
        left, mode, right = host_value(left), host_value(mode), host_value(right)
        if left is None or mode is None or right is None:
            return
    for wrong, words in (
        (left > mode, "left > mode"),
        (mode > right, "mode > right"),
        (left == right, "left == right"),
    ):
        if wrong is True or (wrong is not False and np.any(wrong)):
            raise ValueError(f"{words}: left <= mode <= right is needed, and left < right")
