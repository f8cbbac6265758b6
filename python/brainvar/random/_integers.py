"""The samplers of integers and truth values, as methods."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import Tracer
from brainvar.random import _samplers
from brainvar.random._arguments import (
    as_data,
    as_float,
    draw_shape,
    float_dtype,
    host_value,
    int_dtype,
    is_probability,
)
from brainvar.random._base import DrawMethods
from brainvar.random._samplers import sampling_dtype

__all__ = ["IntegerMethods"]


class IntegerMethods(DrawMethods):
    """Samplers whose numbers are integers or truth values."""

    def randint(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: Any = int,
        *,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw integers uniform in [low, high), or in [0, low) if `high` is not given.

        Parameters
        ----------
        low, high : int or array_like of ints
            The bounds; `high` is not included.
        size : int or tuple of ints, optional
            Shape of the result. Without it one integer is drawn for each element of what `low`
            and `high` broadcast to.
        dtype : dtype
            An integer type or bool; int stands for int32, and int64 under ``jax_enable_x64``.

        Returns
        -------
        array of integers
            Bit for bit the same on every platform, and those of `jax.random.randint`.

        Raises
        ------
        ValueError
            If ``low >= high``, or if a bound is outside of the range of `dtype`.
        TypeError
            If a bound or `dtype` is not integer.
        """
        dtype = int_dtype(dtype)
        bounds = _bounds(*((0, low) if high is None else (low, high)), dtype)
        return self._draw(
            _samplers.randint, draw_shape(size, *bounds), dtype, *bounds, key=key, sharding=sharding
        )

    def random_integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        *,
        dtype: Any = int,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw integers uniform in [low, high], or in [1, low] if `high` is not given.

        Parameters
        ----------
        low, high : int or array_like of ints
            The bounds; both are included.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type; int stands for int32, and int64 under ``jax_enable_x64``.

        Raises
        ------
        ValueError
            If ``low > high``, or if a bound is outside of the range of `dtype`.
        """
        low, high = (1, low) if high is None else (low, high)
        dtype = int_dtype(dtype)
        bounds = _bounds(low, high, dtype, closed=True)
        return self._draw(
            _samplers.randint, draw_shape(size, *bounds), dtype, *bounds, key=key, sharding=sharding
        )

    def bernoulli(
        self, p: Any = 0.5, size: Any = None, *, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw truth values that are True with probability `p`.

        Parameters
        ----------
        p : float or array_like of floats
            Probability of True, in [0, 1].
        size : int or tuple of ints, optional
            Shape of the result. Without it one value is drawn for each element of `p`.

        Returns
        -------
        array of bool
            ``u < p`` for a `u` uniform in [0, 1), of the dtype of `p` if that is a floating one.

        Raises
        ------
        ValueError
            If `p` lies outside of [0, 1].
        """
        dtype = float_dtype(_floating(p))
        p = as_float(p, "p", dtype, is_probability)
        return self._draw(
            _samplers.bernoulli, draw_shape(size, p), dtype, p, key=key, sharding=sharding
        )


def _floating(p: Any) -> Any:
    """Return the dtype of an array of floats, None (the default) for anything else."""
    if type(p) is float:
        return None
    dtype = getattr(p, "dtype", None)
    # float64 is what NumPy makes of any float; without 64-bit types it is the default as well.
    if dtype is None or dtype == np.float64 or not jnp.issubdtype(dtype, jnp.floating):
        return None
    return np.dtype(dtype)


# --- bounds --------------------------------------------------------------------------------------


def _bounds(low: Any, high: Any, dtype: np.dtype, *, closed: bool = False) -> tuple[Any, Any]:
    """Return the lowest and the highest integer to draw, in the dtype that is sampled in.

    `closed` says whether `high` itself is drawn. A traced one has no room for 1 more.
    """
    if type(low) is int and type(high) is int:
        return _number_bounds(low, high + closed, dtype)
    low, high = as_data(low, "low"), as_data(high, "high")
    bottom, top = host_value(low), host_value(high)
    if bottom is None or top is None:
        return _traced_bound(low, "low", dtype), _traced_bound(high, "high", dtype, last=not closed)
    bottom, top = _host_integers(bottom, "low"), _host_integers(top, "high") + int(closed)
    _check_bounds(bottom, top, dtype)
    wide = sampling_dtype(dtype)
    return bottom.astype(wide), np.asarray(top - 1).astype(wide)


@lru_cache(maxsize=4096)
def _number_bounds(low: int, high: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    _check_bounds(low, high, dtype)
    bounds = tuple(np.array(x, sampling_dtype(dtype)) for x in (low, high - 1))
    for bound in bounds:
        bound.flags.writeable = False
    return bounds  # pyright: ignore[reportReturnType]


def _limits(dtype: np.dtype) -> tuple[int, int]:
    if dtype == np.bool_:
        return 0, 1
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _check_bounds(low: Any, high: Any, dtype: np.dtype) -> None:
    least, most = _limits(dtype)
    if np.any(np.less(low, least)):
        raise ValueError(f"low is out of bounds for {dtype}, whose smallest number is {least}")
    if np.any(np.greater(high, most + 1)):
        raise ValueError(f"high is out of bounds for {dtype}, whose largest number is {most}")
    if np.any(np.greater_equal(low, high)):
        raise ValueError("low >= high: there is no integer to draw (high is not included)")


def _host_integers(x: Any, name: str) -> np.ndarray:
    """Convert an array_like of integers, of any size, to an array that holds ``x + 1`` too."""
    array = np.asarray(x)
    kind = array.dtype.kind
    if kind in "bi" or (kind == "u" and array.itemsize < 8):
        return array.astype(np.int64) if array.size == 0 or _fits(array) else array.astype(object)
    if kind == "u":
        return array.astype(object)
    if kind == "f" and np.all(np.isfinite(array)) and np.all(array == np.trunc(array)):
        return np.vectorize(int, otypes=[object])(array) if array.size else array.astype(np.int64)
    if kind == "O" and all(isinstance(item, (int, np.integer)) for item in array.flat):
        return array
    raise TypeError(f"{name} must be an integer or an array of integers, got {x!r}")


def _fits(array: np.ndarray) -> bool:
    return int(array.max()) < np.iinfo(np.int64).max


def _traced_bound(x: Any, name: str, dtype: np.dtype, *, last: bool = False) -> jax.Array:
    """Convert a bound that may be traced; what is outside of the dtype's range is clipped."""
    if not isinstance(x, Tracer):
        least, most = _limits(dtype)
        value = _host_integers(x, name) - int(last)
        return jnp.asarray(np.clip(value, least, most).astype(sampling_dtype(dtype)))
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise TypeError(f"{name} must be an integer or an array of integers, got {x.dtype}")
    if last:
        # Not below the smallest number of its own dtype, where it would wrap around.
        x = jnp.maximum(x, np.array(np.iinfo(x.dtype).min + 1, x.dtype)) - np.array(1, x.dtype)
    (least, most), (own_least, own_most) = _limits(dtype), _limits(x.dtype)
    clipped = jnp.clip(
        x, np.array(max(least, own_least), x.dtype), np.array(min(most, own_most), x.dtype)
    )
    return clipped.astype(sampling_dtype(dtype))
