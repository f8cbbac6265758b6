"""The samplers of vectors and matrices of normal numbers, as methods."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar.random._arguments import as_float, as_shape, float_dtype, host_value
from brainvar.random._base import DrawMethods
from brainvar.random._samplers import Draw, drawn_from

__all__ = ["MultivariateMethods"]

_CHECKS = ("warn", "raise", "ignore")
_METHODS = ("svd", "eigh", "cholesky")


class MultivariateMethods(DrawMethods):
    """Samplers whose numbers depend on each other."""

    def multivariate_normal(
        self,
        mean: Any,
        cov: Any,
        size: Any = None,
        check_valid: str = "warn",
        tol: float = 1e-8,
        *,
        method: str = "svd",
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw vectors of normal numbers with a covariance.

        Parameters
        ----------
        mean : array_like of floats, shape (n,)
            Mean.
        cov : array_like of floats, shape (n, n)
            Covariance matrix, symmetric and positive semidefinite.
        size : int or tuple of ints, optional
            How many vectors, as a shape; one without it.
        check_valid : {'warn', 'raise', 'ignore'}
            What to do if `cov` is no covariance matrix. One that is being traced is not checked.
        tol : float
            What deviates by less than this part of the largest eigenvalue is taken as rounding.
        method : {'svd', 'eigh', 'cholesky'}
            The matrix by which standard normal vectors are multiplied: the symmetric square root
            of `cov` ('svd' and 'eigh' mean the same), or its Cholesky factor, which is cheaper
            inside a trace and needs a `cov` that is positive definite.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of shape (*size, n)

        Raises
        ------
        ValueError
            If a shape does not fit, an option is unknown, or, with ``check_valid='raise'``, `cov`
            is no covariance matrix.
        """
        dtype = float_dtype(dtype)
        if check_valid not in _CHECKS:
            raise ValueError("check_valid must equal 'warn', 'raise', or 'ignore'")
        if method not in _METHODS:
            raise ValueError("method must be one of 'svd', 'eigh' and 'cholesky'")
        known = host_value(cov)
        mean, cov = as_float(mean, "mean", dtype), as_float(cov, "cov", dtype)
        if mean.ndim != 1:
            raise ValueError("mean must be 1 dimensional")
        if cov.ndim != 2 or cov.shape[0] != cov.shape[1]:
            raise ValueError("cov must be 2 dimensional and square")
        if mean.shape[0] != cov.shape[0]:
            raise ValueError("mean and cov must have same length")
        shape = (*as_shape(size), mean.shape[0])
        cholesky = method == "cholesky"
        if known is not None:
            # Once, in double precision, and not in every run of the compiled draw.
            cov = _host_factor(known.astype(np.float64), check_valid, tol, cholesky).astype(dtype)
        options = (known is None, cholesky)
        return self._draw(
            _multivariate_normal,
            shape,
            dtype,
            mean,
            cov,
            key=key,
            sharding=sharding,
            options=options,
        )

    def orthogonal(
        self, n: int, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw orthogonal matrices, uniformly (Haar's measure).

        Parameters
        ----------
        n : int
            Rows and columns of a matrix.
        size : int or tuple of ints, optional
            How many, as a shape; one without it.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of shape (*size, n, n)

        Notes
        -----
        The Q of a QR decomposition of normal numbers, with the signs that make the diagonal of R
        positive (F. Mezzadri, 2007, *Notices of the AMS* 54, 592-604).
        """
        dtype = float_dtype(dtype)
        side = as_shape(n)
        if len(side) != 1 or n is None:
            raise TypeError(f"n must be an integer, got {n!r}")
        shape = (*as_shape(size), *side, *side)
        return self._draw(_orthogonal, shape, dtype, key=key, sharding=sharding)


def _host_factor(cov: np.ndarray, check_valid: str, tol: float, cholesky: bool) -> np.ndarray:
    """Return A with ``A @ A.T == cov``, as far as `cov` is a covariance matrix."""
    if not cov.size:
        return cov
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    if check_valid != "ignore":
        limit = tol * max(1.0, np.abs(values).max())
        if not (values.min() >= -limit and np.abs(cov - cov.T).max() <= limit):
            message = "covariance is not symmetric positive-semidefinite."
            if check_valid == "raise":
                raise ValueError(message)
            warnings.warn(message, RuntimeWarning, stacklevel=3)
    if cholesky and values.min() > 0:
        return np.linalg.cholesky((cov + cov.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


@drawn_from("key")
def _multivariate_normal(key: jax.Array, draw: Draw, mean: jax.Array, cov: jax.Array) -> jax.Array:
    """Multiply normal vectors by a factor of `cov`. `options` is (factorise, cholesky)."""
    factorise, cholesky = draw.options
    mean, factor = mean.astype(draw.dtype), cov
    if factorise:
        cov = cov.astype(_decomposed(draw.dtype))
        if cholesky:
            factor = jnp.linalg.cholesky(cov)
        else:
            values, vectors = jnp.linalg.eigh(cov)
            factor = (vectors * jnp.sqrt(jnp.maximum(values, 0))) @ vectors.T
    factor = factor.astype(draw.dtype)
    z = ops.normal(key, draw.shape, draw.dtype, stream=draw.stream)
    return mean + jnp.matmul(z, factor.T, precision=jax.lax.Precision.HIGHEST)


@drawn_from("key")
def _orthogonal(key: jax.Array, draw: Draw) -> jax.Array:
    z = ops.normal(key, draw.shape, _decomposed(draw.dtype), stream=draw.stream)
    q, r = jnp.linalg.qr(z)
    signs = jnp.where(jnp.diagonal(r, axis1=-2, axis2=-1) < 0, -1, 1).astype(q.dtype)
    return (q * signs[..., None, :]).astype(draw.dtype)


def _decomposed(dtype: np.dtype) -> np.dtype:
    """Return the dtype in which matrices are decomposed, which is not done in half precision."""
    return np.dtype(jnp.promote_types(dtype, np.float32))
