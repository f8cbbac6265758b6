"""The samplers of counts, as methods."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from brainvar._compat import Tracer
from brainvar.random import _rejections
from brainvar.random._arguments import (
    Check,
    as_float,
    as_shape,
    draw_shape,
    float_dtype,
    host_value,
    int_dtype,
    is_probability,
    positive,
    unwrap,
)
from brainvar.random._base import DrawMethods
from brainvar.random._rejections import count_dtype

__all__ = ["CountMethods"]


class CountMethods(DrawMethods):
    """Samplers of numbers of events.

    `size`, `key` and `sharding` are as in `FloatMethods`. `dtype` is an integer type: int stands
    for int32, and int64 under ``jax_enable_x64``. What it has no room for becomes the nearest
    number that it has.
    """

    def poisson(
        self,
        lam: Any = 1.0,
        size: Any = None,
        *,
        dtype: Any = int,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw Poisson numbers.

        Parameters
        ----------
        lam : float or array_like of floats
            Mean, not negative.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            -1 where `lam` turns out to be negative or NaN inside a compiled function.

        Raises
        ------
        ValueError
            If `lam` is negative or NaN, or so large that its numbers do not fit `dtype`.

        Notes
        -----
        By inversion below a mean of 10, else by the method PTRS of Hörmann (1993).
        """
        dtype = int_dtype(dtype)
        lam = as_float(lam, "lam", float_dtype(), _rate_check(count_dtype(dtype)))
        return self._draw(
            _rejections.poisson, draw_shape(size, lam), dtype, lam, key=key, sharding=sharding
        )

    def binomial(
        self,
        n: Any,
        p: Any,
        size: Any = None,
        *,
        dtype: Any = int,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw how many of `n` trials succeed.

        Parameters
        ----------
        n : int or array_like of ints
            Number of trials, not negative.
        p : float or array_like of floats
            Probability of success of each trial, in [0, 1].
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            -1 where a parameter turns out to be out of range inside a compiled function.

        Raises
        ------
        ValueError
            If `n` is negative, or `p` lies outside of [0, 1].

        Notes
        -----
        By inversion below a mean of 10, else by the method BTRS of Hörmann (1993).
        """
        dtype = int_dtype(dtype)
        n = as_count(n, "n", count_dtype(dtype), not_negative)
        p = as_float(p, "p", float_dtype(), is_probability)
        return self._draw(
            _rejections.binomial, draw_shape(size, n, p), dtype, n, p, key=key, sharding=sharding
        )

    def negative_binomial(
        self,
        n: Any,
        p: Any,
        size: Any = None,
        *,
        dtype: Any = int,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw how many trials fail before the `n`-th success.

        Parameters
        ----------
        n : float or array_like of floats
            Number of successes, positive; it need not be whole.
        p : float or array_like of floats
            Probability of success of each trial, in [0, 1].
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            -1 where a parameter turns out to be out of range inside a compiled function.

        Raises
        ------
        ValueError
            If `n` is not positive, or `p` lies outside of [0, 1].
        """
        dtype, wide = int_dtype(dtype), float_dtype()
        params = as_float(n, "n", wide, positive), as_float(p, "p", wide, is_probability)
        return self._draw(
            _rejections.negative_binomial,
            draw_shape(size, *params),
            dtype,
            *params,
            key=key,
            sharding=sharding,
        )

    def multinomial(
        self,
        n: Any,
        pvals: Any,
        size: Any = None,
        *,
        dtype: Any = int,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw how often each of several outcomes occurs in `n` trials.

        Parameters
        ----------
        n : int
            Number of trials, not negative.
        pvals : array_like of floats, shape (k,)
            Probabilities of the outcomes. The last one is what the others leave.
        size : int or tuple of ints, optional
            How many vectors, as a shape; one without it.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers, shape (*size, k)
            Each vector adds up to `n`.

        Raises
        ------
        TypeError
            If `n` is an array, or `pvals` a number.
        ValueError
            If `n` is negative, a probability lies outside of [0, 1], or all of them but the last
            add up to more than 1.
        """
        dtype, wide = int_dtype(dtype), float_dtype()
        n = as_count(n, "n", count_dtype(dtype), not_negative)
        if n.ndim:
            raise TypeError(f"n must be an integer, got an array of shape {n.shape}")
        shares, k = _shares(pvals, wide)
        return self._draw(
            _rejections.multinomial,
            (*as_shape(size), k),
            dtype,
            n,
            shares,
            key=key,
            sharding=sharding,
        )

    def hypergeometric(
        self,
        ngood: Any,
        nbad: Any,
        nsample: Any,
        size: Any = None,
        *,
        dtype: Any = int,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw how many good ones there are in a sample without replacement.

        Parameters
        ----------
        ngood, nbad : int or array_like of ints
            How many good and bad ones there are; not negative.
        nsample : int or array_like of ints
            How many are drawn, from 1 to ``ngood + nbad``.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            -1 where a parameter turns out to be out of range inside a compiled function.

        Raises
        ------
        ValueError
            If a number is negative, `nsample` is below 1, or more are drawn than there are.

        Notes
        -----
        By inversion where 10 or fewer decide, else by the ratio of uniforms (Stadlober, 1990).
        """
        dtype = int_dtype(dtype)
        work = count_dtype(dtype)
        params = (
            as_count(ngood, "ngood", work, not_negative),
            as_count(nbad, "nbad", work, not_negative),
            as_count(nsample, "nsample", work, _at_least_1),
        )
        good, bad, sample = (host_value(x) for x in params)
        if (
            good is not None
            and bad is not None
            and sample is not None
            # Not `good + bad`, which may not fit.
            and np.any(good < sample.astype(np.int64) - bad)
        ):
            raise ValueError("ngood + nbad < nsample: more are drawn than there are")
        return self._draw(
            _rejections.hypergeometric,
            draw_shape(size, *params),
            dtype,
            *params,
            key=key,
            sharding=sharding,
        )

    def zipf(
        self, a: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw from the Zipf distribution, ``k**-a / zeta(a)`` for k >= 1.

        Parameters
        ----------
        a : float or array_like of floats
            Exponent, above 1.
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            At least 1. Numbers beyond those of int32 (int64, where `dtype` has 64 bits) are not
            drawn. -1 where `a` turns out to be out of range inside a compiled function.

        Raises
        ------
        ValueError
            If `a` is not above 1.

        Notes
        -----
        By rejection from a discrete Pareto distribution (Devroye, 1986).
        """
        dtype = int_dtype(dtype)
        a = as_float(a, "a", float_dtype(), _above_1)
        return self._draw(
            _rejections.zipf, draw_shape(size, a), dtype, a, key=key, sharding=sharding
        )


# --- parameters ----------------------------------------------------------------------------------


def not_negative(x: Any, name: str) -> None:
    """Check that no element is below 0."""
    if np.any(x < 0):
        raise ValueError(f"{name} < 0: {name} must not be negative")


def _at_least_1(x: Any, name: str) -> None:
    if np.any(x < 1):
        raise ValueError(f"{name} < 1: {name} must be at least 1")


def _above_1(x: Any, name: str) -> None:
    if not np.all(x > 1):
        raise ValueError(f"{name} <= 1 or {name} is NaN: {name} must be above 1")


@lru_cache
def _rate_check(dtype: np.dtype) -> Check:
    most = float(np.iinfo(dtype).max)
    largest = most - 10 * math.sqrt(most)

    def rate(x: Any, name: str) -> None:
        if not np.all(x >= 0):
            raise ValueError(f"{name} < 0 or {name} is NaN: it must be a rate")
        if np.any(x > largest):
            raise ValueError(f"{name} value too large: at most {largest:.9g} for counts of {dtype}")

    return rate


def as_count(x: Any, name: str, dtype: np.dtype, check: Check) -> Any:
    """Convert a number of things to an operand of a compiled draw.

    Parameters
    ----------
    x : int or array_like of ints
        As with NumPy floats are accepted, and cut to integers.
    name : str
        Its name, for messages.
    dtype : numpy.dtype
        int32 or int64.
    check : Check
        Applied to the value, if that is known.

    Raises
    ------
    TypeError
        If `x` is no number and no array of them.
    ValueError
        If `check` fails, or a number is NaN.
    OverflowError
        If a number is too large for `dtype`.
    """
    if type(x) is int:
        return _single_count(x, name, dtype, check)
    x = unwrap(x)
    if isinstance(x, Tracer):
        if not (jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == np.bool_):
            raise TypeError(f"{name} must be an integer or an array of integers, got {x.dtype}")
        info = np.iinfo(dtype)
        if x.dtype != np.bool_ and np.iinfo(x.dtype).max > info.max:
            x = jnp.minimum(x, np.array(info.max, x.dtype))
        return x.astype(dtype)
    array = host_value(x)
    if array is None:  # a list with traced elements
        return as_count(jnp.array([unwrap(item) for item in x]), name, dtype, check)
    if array.dtype.kind not in "iufb" and array.size and not _are_integers(array):
        raise TypeError(f"{name} must be an integer or an array of integers, got {x!r}")
    if array.ndim == 0:
        return _single_count(int(array), name, dtype, check)
    check(array, name)
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise ValueError(f"{name} contains NaNs")
        array = np.trunc(array)
    if array.size and array.max() > np.iinfo(dtype).max:
        raise _too_large(name, dtype)
    return array.astype(dtype)


def _are_integers(array: np.ndarray) -> bool:
    # Those beyond 64 bits, which are too large and are told so.
    return array.dtype == object and all(isinstance(item, int) for item in array.flat)


@lru_cache(maxsize=4096)
def _single_count(x: int, name: str, dtype: np.dtype, check: Check) -> np.ndarray:
    check(x, name)
    if x > np.iinfo(dtype).max:
        raise _too_large(name, dtype)
    value = np.array(x, dtype)
    value.flags.writeable = False
    return value


def _too_large(name: str, dtype: np.dtype) -> OverflowError:
    hint = "" if dtype == np.int64 else "; dtype='int64' with jax_enable_x64 has room for it"
    return OverflowError(f"{name} is too large for {dtype}{hint}")


def _shares(pvals: Any, dtype: np.dtype) -> tuple[Any, int]:
    """Return each probability but the last among what the ones before it left; and how many."""
    known = host_value(pvals)
    if known is None:
        p = as_float(pvals, "pvals", dtype)
        _check_dimensions(p)
        return _shares_of(p[:-1], jnp), p.shape[0]
    _check_dimensions(as_float(known, "pvals", dtype))
    p = known.astype(np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("pvals < 0, pvals > 1 or pvals contains NaNs")
    if p[:-1].sum() > 1 + 1e-12:
        raise ValueError("sum(pvals[:-1]) > 1.0: the last probability is what the others leave")
    return _shares_of(p[:-1], np).astype(dtype), len(p)


def _check_dimensions(p: Any) -> None:
    if not p.ndim:
        raise TypeError("pvals must be a 1-d sequence of probabilities, got a number")
    if p.ndim > 1:
        raise ValueError(f"pvals must be a 1-d sequence of probabilities, got shape {p.shape}")


def _shares_of(p: Any, lib: Any) -> Any:
    left = 1 - lib.concatenate([lib.zeros(1, p.dtype), lib.cumsum(p)])[:-1]
    # Rounding leaves nothing, or less, where the probabilities are used up.
    return lib.clip(p / lib.where(left > p, left, lib.where(p > 0, p, 1)), 0, 1)
