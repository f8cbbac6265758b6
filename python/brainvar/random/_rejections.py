"""The samplers that reject, and those made of them, as pure functions.

What is a ratio of gamma numbers is computed from their logarithms: with a shape parameter far
below 1 the numbers themselves are too small for any float. Half precision is drawn in single.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brainvar import ops
from brainvar.random._samplers import Draw, drawn_from

__all__ = ["count_dtype"]


def _float(draw: Draw) -> np.dtype:
    return np.dtype(np.float32) if draw.dtype.itemsize == 2 else draw.dtype


def _full(draw: Draw, *params: Any) -> list[jax.Array]:
    work = _float(draw)
    return [jnp.broadcast_to(lax.convert_element_type(x, work), draw.shape) for x in params]


def _keys(key: jax.Array, n: int, draw: Draw) -> jax.Array:
    return ops.split(key, n, stream=draw.stream)


def _gamma(key: jax.Array, draw: Draw, alpha: Any) -> jax.Array:
    return ops.gamma(key, draw.shape, alpha, _float(draw))


def _log_gamma(key: jax.Array, draw: Draw, alpha: Any) -> jax.Array:
    return ops.gamma(key, draw.shape, alpha, _float(draw), log=True)


# --- gamma and what is made of it ----------------------------------------------------------------


@drawn_from("key")
def standard_gamma(key: jax.Array, draw: Draw, shape: jax.Array) -> jax.Array:
    return _gamma(key, draw, shape).astype(draw.dtype)


@drawn_from("key")
def gamma(key: jax.Array, draw: Draw, shape: jax.Array, scale: jax.Array) -> jax.Array:
    (scale,) = _full(draw, scale)
    return (_gamma(key, draw, shape) * scale).astype(draw.dtype)


@drawn_from("key")
def loggamma(key: jax.Array, draw: Draw, a: jax.Array) -> jax.Array:
    return _log_gamma(key, draw, a).astype(draw.dtype)


@drawn_from("key")
def beta(key: jax.Array, draw: Draw, a: jax.Array, b: jax.Array) -> jax.Array:
    one, other = _keys(key, 2, draw)
    difference = _log_gamma(other, draw, b) - _log_gamma(one, draw, a)
    return (1 / (1 + jnp.exp(difference))).astype(draw.dtype)


@drawn_from("key")
def chisquare(key: jax.Array, draw: Draw, df: jax.Array) -> jax.Array:
    return (2 * _gamma(key, draw, _half(df, draw))).astype(draw.dtype)


@drawn_from("key")
def f(key: jax.Array, draw: Draw, dfnum: jax.Array, dfden: jax.Array) -> jax.Array:
    one, other = _keys(key, 2, draw)
    upper = _log_mean_square(one, draw, dfnum)
    return jnp.exp(upper - _log_mean_square(other, draw, dfden)).astype(draw.dtype)


@drawn_from("key")
def standard_t(key: jax.Array, draw: Draw, df: jax.Array) -> jax.Array:
    one, other = _keys(key, 2, draw)
    z = ops.normal(one, draw.shape, _float(draw), stream=draw.stream)
    return (z * jnp.exp(-0.5 * _log_mean_square(other, draw, df))).astype(draw.dtype)


def _half(df: jax.Array, draw: Draw) -> jax.Array:
    return lax.convert_element_type(df, _float(draw)) / 2


def _log_mean_square(key: jax.Array, draw: Draw, df: jax.Array) -> jax.Array:
    """Return the logarithm of a chi-square number divided by its degrees of freedom."""
    half = _half(df, draw)
    logs = _log_gamma(key, draw, half) - jnp.log(half)
    return jnp.where(half == jnp.inf, 0, logs)


@drawn_from("key")
def dirichlet(key: jax.Array, draw: Draw, alpha: jax.Array) -> jax.Array:
    logs = _log_gamma(key, draw, alpha)
    if not logs.size:  # the largest of no numbers is an error
        return logs.astype(draw.dtype)
    return jax.nn.softmax(logs, axis=-1).astype(draw.dtype)


@drawn_from("key")
def noncentral_chisquare(key: jax.Array, draw: Draw, df: jax.Array, nonc: jax.Array) -> jax.Array:
    return _noncentral_chisquare(key, draw, df, nonc).astype(draw.dtype)


@drawn_from("key")
def noncentral_f(
    key: jax.Array, draw: Draw, dfnum: jax.Array, dfden: jax.Array, nonc: jax.Array
) -> jax.Array:
    one, other = _keys(key, 2, draw)
    upper = _noncentral_chisquare(one, draw, dfnum, nonc) / _full(draw, dfnum)[0]
    return (upper * jnp.exp(-_log_mean_square(other, draw, dfden))).astype(draw.dtype)


def _noncentral_chisquare(key: jax.Array, draw: Draw, df: Any, nonc: Any) -> jax.Array:
    # With more than one degree of freedom one of them takes all of the noncentrality; with less,
    # it is a Poisson number of further ones.
    df, nonc = _full(draw, df, nonc)
    first, second, third = _keys(key, 3, draw)
    shifted = df > 1
    z = ops.normal(first, draw.shape, _float(draw), stream=draw.stream)
    more = ops.poisson(second, draw.shape, jnp.where(shifted, 0, nonc / 2))
    alpha = jnp.where(shifted, (df - 1) / 2, df / 2 + more)
    square = jnp.where(shifted, jnp.square(z + jnp.sqrt(nonc)), 0)
    return jnp.where(nonc >= 0, 2 * _gamma(third, draw, alpha) + square, jnp.nan)


@drawn_from("key")
def vonmises(key: jax.Array, draw: Draw, mu: jax.Array, kappa: jax.Array) -> jax.Array:
    (mu,) = _full(draw, mu)
    angle = mu + ops.vonmises(key, draw.shape, kappa, _float(draw))
    turns = jnp.round(angle / (2 * math.pi))
    return jnp.clip(angle - turns * (2 * math.pi), -math.pi, math.pi).astype(draw.dtype)


# --- counts --------------------------------------------------------------------------------------


def count_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype in which counts of an integer dtype are drawn."""
    return np.dtype(np.int64 if dtype.itemsize == 8 else np.int32)


def _counts(x: jax.Array, draw: Draw) -> jax.Array:
    """Convert to the dtype of the draw, the nearest number for what that has no room for."""
    if x.dtype == draw.dtype:
        return x
    limits = jnp.iinfo(draw.dtype) if draw.dtype != np.bool_ else None
    low, high = (0, 1) if limits is None else (int(limits.min), int(limits.max))
    own = jnp.iinfo(x.dtype)
    bounds = max(low, int(own.min)), min(high, int(own.max))
    return jnp.clip(x, *(np.array(v, x.dtype) for v in bounds)).astype(draw.dtype)


@drawn_from("key")
def poisson(key: jax.Array, draw: Draw, lam: jax.Array) -> jax.Array:
    return _counts(ops.poisson(key, draw.shape, lam, count_dtype(draw.dtype)), draw)


@drawn_from("key")
def binomial(key: jax.Array, draw: Draw, n: jax.Array, p: jax.Array) -> jax.Array:
    return _counts(ops.binomial(key, draw.shape, n, p, count_dtype(draw.dtype)), draw)


@drawn_from("key")
def negative_binomial(key: jax.Array, draw: Draw, n: jax.Array, p: jax.Array) -> jax.Array:
    """Draw Poisson numbers whose rate is a gamma number."""
    work = jnp.promote_types(p.dtype, np.float32)
    p = p.astype(work)
    one, other = _keys(key, 2, draw)
    rate = ops.gamma(one, draw.shape, n, work) * ((1 - p) / p)
    # No failures at p = 1, whatever the rate; without a rate at p = 0, as many as there can be.
    rate = jnp.where(p == 1, 0, jnp.where(p == 0, jnp.inf, rate))
    rate = jnp.where((p >= 0) & (p <= 1) & (n > 0), rate, jnp.nan)
    return _counts(ops.poisson(other, draw.shape, rate, count_dtype(draw.dtype)), draw)


@drawn_from("key")
def multinomial(key: jax.Array, draw: Draw, n: jax.Array, shares: jax.Array) -> jax.Array:
    """Draw the categories one after the other.

    `shares` are the probabilities of all but the last, each among what the ones before it left.
    """
    if not draw.shape[-1]:
        return jnp.zeros(draw.shape, draw.dtype)
    work = count_dtype(draw.dtype)
    shape = draw.shape[:-1]
    keys = ops.split(key, shares.shape[0], stream=draw.stream)

    def step(left: jax.Array, own: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        drawn = ops.binomial(own[0], shape, left, own[1], work)
        return left - drawn, drawn

    left = jnp.broadcast_to(lax.convert_element_type(n, work), shape)
    left, drawn = lax.scan(step, left, (keys, shares))
    return _counts(jnp.moveaxis(jnp.concatenate([drawn, left[None]]), 0, -1), draw)


@drawn_from("key")
def hypergeometric(
    key: jax.Array, draw: Draw, ngood: jax.Array, nbad: jax.Array, nsample: jax.Array
) -> jax.Array:
    drawn = ops.hypergeometric(key, draw.shape, ngood, nbad, nsample, count_dtype(draw.dtype))
    return _counts(drawn, draw)


@drawn_from("key")
def zipf(key: jax.Array, draw: Draw, a: jax.Array) -> jax.Array:
    return _counts(ops.zipf(key, draw.shape, a, count_dtype(draw.dtype)), draw)
