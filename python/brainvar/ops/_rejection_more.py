"""Samplers that reject and are drawn less often: von Mises, Zipf and hypergeometric numbers.

Hypergeometric numbers have a kernel, csrc/core/rejection_hypergeometric.h; of the others, what
stands here in pure JAX is all there is. They are primitives because they compute in float64
whatever ``jax_enable_x64`` says, which they need: the switch is turned on while they are lowered.
Their words are as in `_rejection_twin`.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import enable_x64
from brainvar.ops import _rejection_twin as twin
from brainvar.ops._primitive import define_primitive, no_tangent
from brainvar.ops._quantile import normal_quantile
from brainvar.ops._rejection import (
    _float_result,
    _integer_result,
    _number,
    _real,
    _result,
    batching,
    define_cut,
)
from brainvar.ops._rejection_twin import Words, spread, unit, unit52, until_accepted
from brainvar.ops._sampling import Shape, check_key, hashable_shape

__all__ = ["hypergeometric", "vonmises", "zipf"]

_NEARLY_UNIFORM = 1e-8
_NEARLY_NORMAL = 1e6


def _vonmises(key: Array, kappa: Array, *, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Draw by a wrapped Cauchy envelope.

    D. J. Best, N. I. Fisher, 1979, "Efficient simulation of the von Mises distribution", Applied
    Statistics 28, 152-157. Where the density is constant to within rounding, or normal, it is
    taken to be that.
    """
    with enable_x64(True):
        words = Words(key, shape)
        kappa = spread(kappa.astype(np.float64), words.size)
        flat, narrow = kappa < _NEARLY_UNIFORM, kappa > _NEARLY_NORMAL
        ordinary = (kappa >= 0) & ~flat & ~narrow
        k = jnp.where(ordinary, kappa, 1.0)
        # (1 + rho**2) / (2 rho) for the envelope's rho, in a form that does not cancel.
        r = 1 + lax.sqrt(1 + 4 * k * k)
        rho = (r - lax.sqrt(2 * r)) / (2 * k)
        s = jnp.where(k < 1e-5, 1 / k + k, (1 + rho * rho) / (2 * rho))

        def attempt(number: Array) -> tuple[Array, Array]:
            x0, x1 = words(1 + 2 * number)
            y0, _ = words(2 + 2 * number)
            z = lax.cos(math.pi * unit(x0, k.dtype))
            w = (1 + s * z) / (s + z)
            y = k * (s - w)
            v = unit(x1, k.dtype)
            accepted = (y * (2 - y) - v >= 0) | (lax.log(y / v) + 1 - y >= 0)
            # The sign is the top bit of a word that says nothing else.
            sign = jnp.where(y0 >> np.uint32(31) == 0, 1.0, -1.0)
            return sign * lax.acos(jnp.clip(w, -1.0, 1.0)), accepted

        u = 2 * unit52(*words(0)) - 1
        normal = normal_quantile(u) / lax.sqrt(jnp.maximum(kappa, 1.0))
        start = jnp.where(flat, math.pi * u, normal)
        angle = until_accepted(words, attempt, start, ordinary)
        return jnp.where(kappa >= 0, angle, jnp.nan).astype(dtype)


def _zipf(key: Array, a: Array, *, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Draw by rejection from a discretised Pareto distribution.

    L. Devroye, 1986, "Non-uniform random variate generation", section X.6.1. Numbers that the
    dtype cannot hold are not drawn.
    """
    with enable_x64(True):
        words = Words(key, shape)
        a = spread(a.astype(np.float64), words.size)
        steep = a >= 1025  # 2 has no probability
        valid = a > 1
        power = jnp.where(valid & ~steep, a, 2.0) - 1
        most = float(np.iinfo(dtype).max)
        span = -jnp.expm1(-power * math.log(most))  # 1 minus what is beyond
        excess = jnp.expm1(power * math.log(2.0))

        def attempt(number: Array) -> tuple[Array, Array]:
            u = unit52(*words(2 * number))
            v = unit(words(1 + 2 * number)[0], a.dtype)
            x = lax.floor(lax.exp(-jnp.log1p(-u * span) / power))
            x = jnp.clip(x, 1.0, most)
            # t = (1 + 1 / x)**power, less 1.
            t = jnp.expm1(power * jnp.log1p(1 / x))
            return x, v * x * t / excess <= (1 + t) / (1 + excess)

        count = until_accepted(words, attempt, jnp.ones(words.size, a.dtype), valid & ~steep)
        return twin.to_integers(jnp.where(valid, count, -1.0), dtype)


# Widths of the hat, 2 sqrt(2 / e) and 3 - 2 sqrt(3 / e).
_HAT_SLOPE = 2 * math.sqrt(2 / math.e)
_HAT_OFFSET = 3 - 2 * math.sqrt(3 / math.e)

_FEW = 10


def _hypergeometric(
    key: Array,
    good: Array,
    bad: Array,
    sample: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    dtype: np.dtype,
    local: tuple[int, ...] | None = None,
) -> Array:
    """Draw by inversion where few are drawn, else by the ratio of uniforms.

    E. Stadlober, 1990, "The ratio of uniforms approach for generating discrete random variates",
    J. Comput. Appl. Math. 31, 181-189. As the samples are exchangeable with the good ones, and with
    what is left of the population, the smaller ones of each are drawn for.
    """
    with enable_x64(True):
        words = Words(key, shape, local, tile)
        good, bad, sample = (spread(x.astype(np.float64), words.size) for x in (good, bad, sample))
        total = good + bad
        valid = (good >= 0) & (bad >= 0) & (sample >= 0) & (sample <= total)
        rare = jnp.where(valid, jnp.minimum(good, bad), 0.0)
        drawn = jnp.where(valid, jnp.minimum(sample, total - sample), 0.0)
        total = jnp.where(valid, total, 1.0)
        less, more = jnp.minimum(rare, drawn), jnp.maximum(rare, drawn)
        few = less <= _FEW

        # P(0) = product of (total - more - i) / (total - i) for i < less; then from k - 1 to k.
        i = lax.broadcasted_iota(np.float64, (_FEW, *words.size), 0)
        left = jnp.maximum(total - more - i, 0.0) / jnp.maximum(total - i, 1.0)
        none = jnp.prod(jnp.where(i < less, left, 1.0), axis=0)
        # Both are at most half of the population, so that 0 is always possible.
        found = _searched(words, total, less, more, none)

        # Numbers that are safe to compute with where the rejection is not used.
        n = jnp.where(few, 40.0, total)
        m, g = jnp.where(few, 20.0, drawn), jnp.where(few, 20.0, rare)
        p, f = g / n, m / n
        variance = (n - m) * m * p * (1 - p) / (n - 1)
        centre = m * p + 0.5
        c = lax.sqrt(variance + 0.5)
        width = _HAT_SLOPE * c + _HAT_OFFSET
        end = jnp.minimum(jnp.minimum(m, g) + 1, lax.floor(centre + 16 * c))
        means = jnp.stack([g * f, g * (1 - f), (n - g) * f, (n - g) * (1 - f)])

        def log_probability(k: Array) -> Array:
            # Up to a constant: the four counts of the table as Poisson numbers.
            counts = jnp.stack([k, g - k, m - k, n - g - m + k])
            factors, rests = twin.poisson_term(counts, means)
            return jnp.sum(lax.log(factors) - rests, axis=0)

        peak = log_probability(lax.floor((m + 1) * (g + 1) / (n + 2)))

        def attempt(number: Array) -> tuple[Array, Array]:
            x0, x1 = words(1 + number)
            u, v = unit(x0, n.dtype), unit(x1, n.dtype)
            x = centre + width * (v - 0.5) / u
            inside = (x >= 0) & (x < end)
            k = lax.floor(jnp.where(inside, x, 0.0))
            return k, inside & (2 * lax.log(u) <= log_probability(k) - peak)

        count = until_accepted(words, attempt, found, ~few)
        count = jnp.where(good > bad, drawn - count, count)
        count = jnp.where(drawn < sample, good - count, count)
        return twin.to_integers(jnp.where(valid, count, -1.0), dtype)


def _searched(words: Words, total: Array, less: Array, more: Array, none: Array) -> Array:
    """Invert the distribution function of the good ones among `less`, of which there are `more`."""
    u = unit52(*words(0))

    def step(_: Any, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, probability, running = carry
        wants = (u >= running) & (k < less)
        ratio = (less - k) * (more - k) / ((k + 1) * (total - less - more + k + 1))
        probability = jnp.where(wants, probability * ratio, 0.0)
        return jnp.where(wants, k + 1, k), probability, running + probability

    zero = words.zero(total.dtype)
    return lax.fori_loop(0, _FEW, step, (jnp.zeros_like(total) + zero, none + zero, none + zero))[0]


# --- primitives --------------------------------------------------------------------------------


def _evaluation(name: str) -> Any:
    def abstract_eval(key: Any, *parameters: Any, shape: Any, dtype: np.dtype) -> Any:
        return _result(name, key, shape, dtype, *parameters)

    return abstract_eval


def _define(name: str, function: Any) -> Any:
    primitive = define_primitive(
        f"brainvar_{name}", function, _evaluation(name), batching(lambda: primitive)
    )
    no_tangent(primitive)
    return primitive


vonmises_p = _define("vonmises", _vonmises)
zipf_p = _define("zipf", _zipf)
hypergeometric_p = define_cut("hypergeometric", _hypergeometric, _evaluation("hypergeometric"))
no_tangent(hypergeometric_p)


# --- public functions --------------------------------------------------------------------------


def vonmises(key: Any, shape: Shape, kappa: Any, dtype: Any = None) -> Array:
    """Draw angles from the von Mises distribution around 0.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    kappa : float or array of floats
        Concentration; broadcasts to ``[*B, *shape]``. NaN and negative ones give NaN.
    dtype : {float32, float64}, optional
        None or ``float``: JAX's default float. float64 needs ``jax_enable_x64``.

    Returns
    -------
    dtype[*B, *shape]
        Radians, in [-pi, pi]. They are not differentiable.
    """
    dtype, shape = _float_result("von Mises", dtype), hashable_shape(shape)
    kappa = _real("kappa", kappa, check_key(key), shape)
    return vonmises_p.bind(key, kappa, shape=shape, dtype=dtype)


def zipf(key: Any, shape: Shape, a: Any, dtype: Any = None) -> Array:
    """Draw Zipf numbers, ``k**-a / zeta(a)`` for k >= 1.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    a : float or array of floats
        Exponent, above 1; broadcasts to ``[*B, *shape]``. Others give -1.
    dtype : {int32, int64}, optional
        None or ``int``: JAX's default integer. int64 needs ``jax_enable_x64``.

    Returns
    -------
    dtype[*B, *shape]
        The distribution is cut where the dtype ends.
    """
    dtype, shape = _integer_result("Zipf", dtype), hashable_shape(shape)
    a = _real("a", a, check_key(key), shape)
    return zipf_p.bind(key, a, shape=shape, dtype=dtype)


def hypergeometric(
    key: Any, shape: Shape, good: Any, bad: Any, sample: Any, dtype: Any = None
) -> Array:
    """Draw how many good ones a sample without replacement has.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    good, bad, sample : int or array of ints
        How many there are, and how many are drawn; broadcast to ``[*B, *shape]``. Impossible
        numbers give -1.
    dtype : {int32, int64}, optional
        None or ``int``: JAX's default integer. int64 needs ``jax_enable_x64``.

    Returns
    -------
    dtype[*B, *shape]
    """
    dtype, shape = _integer_result("hypergeometric", dtype), hashable_shape(shape)
    named = (("good", good), ("bad", bad), ("sample", sample))
    counts = [_number(n, x, check_key(key), shape, dtype) for n, x in named]
    return hypergeometric_p.bind(key, *counts, shape=shape, dtype=dtype)
