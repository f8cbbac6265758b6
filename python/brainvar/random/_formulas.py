"""The samplers of real numbers that are formulas of one uniform or normal number each.

They invert a distribution function (Devroye, 1986, *Non-Uniform Random Variate Generation*,
chapter II.2 and its table of inverses), written so that both tails keep their digits: through
``log1p`` and ``expm1``, and from numbers in the open interval where an end would be infinite.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brainvar import ops
from brainvar.random._samplers import Draw, drawn_from, elementwise

__all__ = ["centred", "open_unit"]


def open_unit(u: jax.Array) -> jax.Array:
    """Move uniform numbers from [0, 1) into (0, 1), symmetric about a half.

    They are multiples of the type's epsilon, so that half of it more is exact, and so is one minus
    the sum.
    """
    return u + np.array(jnp.finfo(u.dtype).eps / 2, u.dtype)


def centred(u: jax.Array) -> jax.Array:
    """Move uniform numbers from [0, 1) into (-1/2, 1/2), symmetric about 0; exact."""
    # Behind a barrier: pure JAX makes `u` as a float in [1, 2) less 1, and XLA would add up the
    # three constants, whose sum has no room for the small one.
    return open_unit(lax.optimization_barrier(u)) - np.array(0.5, u.dtype)


def _exponential(u: jax.Array) -> jax.Array:
    return -jnp.log1p(-u)


@drawn_from("uniform")
def laplace(u: jax.Array, loc: jax.Array, scale: jax.Array) -> jax.Array:
    v = centred(u)
    return loc - scale * lax.sign(v) * jnp.log1p(-2 * lax.abs(v))


@drawn_from("uniform")
def logistic(u: jax.Array, loc: jax.Array, scale: jax.Array) -> jax.Array:
    # The logit of 1/2 + v, without a difference of nearly equal logarithms.
    v = 2 * centred(u)
    return loc + scale * (jnp.log1p(v) - jnp.log1p(-v))


@drawn_from("uniform")
def gumbel(u: jax.Array, loc: jax.Array, scale: jax.Array) -> jax.Array:
    return loc - scale * jnp.log(_exponential(open_unit(u)))


@drawn_from("normal")
def lognormal(z: jax.Array, mean: jax.Array, sigma: jax.Array) -> jax.Array:
    return jnp.exp(mean + sigma * z)


@drawn_from("uniform")
def pareto(u: jax.Array, a: jax.Array) -> jax.Array:
    return jnp.expm1(_exponential(u) / a)


@drawn_from("uniform")
def power(u: jax.Array, a: jax.Array) -> jax.Array:
    return lax.pow(open_unit(u), 1 / a)


@drawn_from("uniform")
def rayleigh(u: jax.Array, scale: jax.Array) -> jax.Array:
    return scale * lax.sqrt(2 * _exponential(u))


@drawn_from("uniform")
def triangular(u: jax.Array, left: jax.Array, mode: jax.Array, right: jax.Array) -> jax.Array:
    # Each side from its own end, in units of the whole width, whose square may not be finite.
    width = right - left
    rising, falling = (mode - left) / width, (right - mode) / width
    from_left = left + width * lax.sqrt(u * rising)
    from_right = right - width * lax.sqrt((1 - u) * falling)
    return jnp.where(u < rising, from_left, from_right)


@drawn_from("uniform")
def weibull(u: jax.Array, a: jax.Array) -> jax.Array:
    return _weibull(u, a)


@drawn_from("uniform")
def weibull_min(u: jax.Array, a: jax.Array, scale: jax.Array) -> jax.Array:
    return scale * _weibull(u, a)


def _weibull(u: jax.Array, a: jax.Array) -> jax.Array:
    # At a = 0 all is at 0, as with NumPy.
    return jnp.where(a == 0, jnp.zeros_like(u), lax.pow(_exponential(u), 1 / a))


@drawn_from("uniform")
def standard_cauchy(u: jax.Array) -> jax.Array:
    return _cauchy(u)


@drawn_from("uniform")
def cauchy(u: jax.Array, loc: jax.Array, scale: jax.Array) -> jax.Array:
    return loc + scale * _cauchy(u)


def _cauchy(u: jax.Array) -> jax.Array:
    # tan(pi v), beyond 1/4 as the inverse of that of the exact distance to 1/2.
    v = centred(u)
    near = lax.abs(v) <= 0.25
    angle = np.array(np.pi, u.dtype) * jnp.where(near, v, lax.sign(v) * (0.5 - lax.abs(v)))
    tangent = jnp.tan(angle)
    return jnp.where(near, tangent, 1 / tangent)


@drawn_from("key")
def wald(key: jax.Array, draw: Draw, mean: jax.Array, scale: jax.Array) -> jax.Array:
    """Draw inverse Gaussian numbers (Michael, Schucany & Haas, 1976, Am. Stat. 30, 88-90).

    The roots of their quadratic equation are ``mean * r**2`` and ``mean / r**2`` with
    ``r = sqrt(t) + sqrt(1 + t)``, ``t = mean z**2 / (4 scale)``: no digits cancel.
    """
    mean, scale = elementwise((mean, scale), draw)
    keys = ops.split(key, 2, stream=draw.stream)
    z = ops.normal(keys[0], draw.shape, draw.dtype, stream=draw.stream)
    u = ops.uniform(keys[1], draw.shape, draw.dtype, stream=draw.stream)
    t = mean * (z * z / (4 * scale))
    root = lax.sqrt(t) + lax.sqrt(1 + t)
    ratio = 1 / (root * root)  # of the smaller root to the mean
    return mean * jnp.where(u * (1 + ratio) <= 1, ratio, root * root)


@drawn_from("key")
def maxwell(key: jax.Array, draw: Draw) -> jax.Array:
    """Draw the length of a vector of three standard normal numbers."""
    z = ops.normal(key, (3, *draw.shape), draw.dtype, stream=draw.stream)
    x, y, z = z
    return lax.sqrt(x * x + y * y + z * z)
