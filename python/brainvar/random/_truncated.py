"""The normal distribution between two bounds, wherever they are."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brainvar.ops._quantile import normal_quantile
from brainvar.random._formulas import open_unit
from brainvar.random._samplers import drawn_from

__all__ = ["truncated_normal"]


@drawn_from("uniform")
def truncated_normal(
    u: jax.Array, lower: jax.Array, upper: jax.Array, loc: jax.Array, scale: jax.Array
) -> jax.Array:
    """Invert the distribution function between the bounds.

    If the mean lies between them, in terms of the error function; if not, in terms of the
    distance from the nearer bound, which keeps all digits however far out the bounds are.
    """
    dtype = u.dtype
    if jnp.finfo(dtype).bits == 16:
        u, lower, upper, loc, scale = (
            lax.convert_element_type(x, np.float32) for x in (u, lower, upper, loc, scale)
        )
    a, b = (lower - loc) / scale, (upper - loc) / scale
    w = open_unit(u)
    inside = (a < 0) & (b > 0)

    def with_tails(_: None) -> jax.Array:
        left = b <= 0
        near, far = jnp.where(left, -b, a), jnp.where(left, -a, b)
        # Where the mean lies inside, any numbers that make no NaN.
        near, far = jnp.where(inside, 0, near), jnp.where(inside, 1, far)
        distance = scale * _distance(w, near, far, jnp.where(inside, 1, (upper - lower) / scale))
        tail = jnp.where(left, upper - distance, lower + distance)
        return jnp.where(inside, around_mean(None), tail)

    def around_mean(_: None) -> jax.Array:
        root2 = np.array(np.sqrt(2), u.dtype)
        low, high = lax.erf(a / root2), lax.erf(b / root2)
        # Rounding may give -1 or 1, whose quantile is infinite.
        most = np.array(1 - jnp.finfo(u.dtype).epsneg, u.dtype)
        return loc + scale * normal_quantile(jnp.clip(low + w * (high - low), -most, most))

    # The way of the tails costs several times as much.
    sample = lax.cond(jnp.all(inside), around_mean, with_tails, None)
    sample, lower, upper = (lax.convert_element_type(x, dtype) for x in (sample, lower, upper))
    infinity = jnp.full_like(sample, jnp.inf)
    return jnp.clip(sample, jnp.nextafter(lower, infinity), jnp.nextafter(upper, -infinity))


def _distance(w: jax.Array, a: jax.Array, b: jax.Array, width: jax.Array) -> jax.Array:
    """Return ``x - a`` for a standard normal x in (a, b), ``0 <= a < b = a + width``.

    With Q the upper tail, R Mills' ratio (Q over the density) and d = x - a, it solves
    ``-log(Q(x) / Q(a)) = d (a + d / 2) + log(R(a) / R(a + d)) = e``. That is a convex function of
    d, so that Newton's steps from above come down to the root; both bounds taken as the start,
    the tangent at a and d (a + d / 2) = e, are above it.
    """
    log_near = jnp.log(_mills(a))
    mass = width * ((a + b) / 2) + log_near - jnp.log(_mills(b))  # -log(Q(b) / Q(a))
    e = -jnp.log1p(w * jnp.expm1(-mass))
    d = jnp.minimum(e * _mills(a), 2 * e / (a + lax.sqrt(a * a + 2 * e)))

    def step(_: int, d: jax.Array) -> jax.Array:
        ratio = _mills(a + d)
        return d - (d * (a + d / 2) + log_near - jnp.log(ratio) - e) * ratio

    steps = 4 if w.dtype == np.float32 else 6
    return jnp.clip(lax.fori_loop(0, steps, step, d), 0, width)


def _mills(x: jax.Array) -> jax.Array:
    """Return Mills' ratio of the normal distribution for ``x >= 0``.

    Beyond 3 by Laplace's continued fraction (Abramowitz & Stegun, 26.2.14).
    """
    small = jnp.minimum(x, 3)
    root2 = np.array(np.sqrt(2), x.dtype)
    centre = np.array(np.sqrt(np.pi / 2), x.dtype) * jnp.exp(small * small / 2)
    centre *= lax.erfc(small / root2)
    large = jnp.maximum(x, 3)
    terms = 10 if x.dtype == np.float32 else 30
    fraction = lax.fori_loop(0, terms, lambda i, f: large + (terms - i) / f, large)
    return jnp.where(x < 3, centre, 1 / fraction)
