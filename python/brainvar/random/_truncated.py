"""The normal distribution between two bounds, wherever they are."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brainvar.random._formulas import open_unit
from brainvar.random._samplers import drawn_from

__all__ = ["truncated_normal"]

# Made by tools/fit_mills.py.
_SINGLE = (
    0.16461786502606682,
    0.063210655215051731,
    -0.17093314483102784,
    -0.062247471484778501,
    0.012474894466563125,
    -0.0019030573951180339,
    -0.0069856032315140631,
    0.001877954058254467,
    0.00091255499473915107,
    -0.0011211522578781332,
    -8.652879897584208e-05,
    0.00018307967644846926,
)
_DOUBLE = (
    0.16461781716028967,
    0.063210580960005064,
    -0.17092955532961029,
    -0.062245578742361717,
    0.012430653239664606,
    -0.0019159364021373681,
    -0.0067816045828885474,
    0.001909282812266812,
    0.00047034943756418888,
    -0.0011332397369997395,
    0.00039010217731198261,
    0.00011849428836062037,
    -0.00023047668082794442,
    0.00010142152613733203,
    1.3948240990458736e-05,
    -4.7884043634013081e-05,
    2.7269838086520968e-05,
    -3.2080888116327091e-06,
    -5.7669439482754191e-06,
    7.2694788741931123e-06,
    -5.9705156717719194e-06,
    -5.8223498231709288e-08,
    4.2896387798465244e-06,
    -1.7967671557268177e-06,
    -1.1839394117492342e-06,
    7.6144536363914421e-07,
    1.2825967128921965e-07,
    -1.0850640900963265e-07,
)


@drawn_from("uniform")
def truncated_normal(
    u: jax.Array, lower: jax.Array, upper: jax.Array, loc: jax.Array, scale: jax.Array
) -> jax.Array:
    """Invert the distribution function between the bounds.

    In terms of the distance from the bound next to the mean, or from the mean if it lies between
    them: all digits are kept, however far out the bounds are.
    """
    dtype = u.dtype
    if jnp.finfo(dtype).bits == 16:
        u, lower, upper, loc, scale = (
            lax.convert_element_type(x, np.float32) for x in (u, lower, upper, loc, scale)
        )
    a, b = (lower - loc) / scale, (upper - loc) / scale
    w = open_unit(u)

    # Each side of the mean has its own end next to it, and a share of the whole. Where only one
    # side has any, the nearer bound takes the place of the mean.
    left_only, right_only = b <= 0, a >= 0
    near = jnp.where(left_only, -b, jnp.where(right_only, a, 0))
    width = (upper - lower) / scale
    width_left = jnp.where(left_only, width, jnp.where(right_only, 0, -a))
    width_right = jnp.where(right_only, width, jnp.where(left_only, 0, b))
    # The logarithm of Mills' ratio at the nearer end and at both others, in one piece of code.
    log_mills = _log_mills(jnp.stack([near, near + width_left, near + width_right]))
    share_left = _share(near, width_left, log_mills[1] - log_mills[0])
    share_right = _share(near, width_right, log_mills[2] - log_mills[0])
    signed = w * (share_left + share_right) - share_left
    is_left = signed < 0

    distance = scale * _distance(lax.abs(signed), near, log_mills[0])
    start = jnp.where(left_only, upper, jnp.where(right_only, lower, loc))
    sample = jnp.where(is_left, start - distance, start + distance)
    sample, lower, upper = (lax.convert_element_type(x, dtype) for x in (sample, lower, upper))
    infinity = lax.full_like(sample, np.inf)
    inside = lax.nextafter(lower, infinity), lax.nextafter(upper, -infinity)
    return lax.clamp(inside[0], sample, inside[1])


def _share(a: jax.Array, width: jax.Array, difference: jax.Array) -> jax.Array:
    """Return the mass of (a, a + width) in units of that of (a, inf), for ``a >= 0``.

    `difference` is that of the logarithms of Mills' ratio at both ends.
    """
    return jnp.where(width > 0, -lax.expm1(difference - width * (a + width / 2)), 0)


def _distance(share: jax.Array, a: jax.Array, log_near: jax.Array) -> jax.Array:
    """Return d with the given `_share`, by Newton's method.

    With R for Mills' ratio, it solves ``d (a + d / 2) + log(R(a) / R(a + d)) = -log(1 - share)``.
    The left side is a convex function of d, whose derivative is ``1 / R(a + d)``: steps that
    begin above the root come down to it. Both starts are above it, the root of the tangent at 0
    and that of ``d (a + d / 2)`` alone.
    """
    # Rounding may give a share of 1, at infinity.
    most = np.array(1 - jnp.finfo(share.dtype).epsneg, share.dtype)
    e = -lax.log1p(-jnp.minimum(share, most))
    d = jnp.minimum(e * lax.exp(log_near), 2 * e / (a + lax.sqrt(a * a + 2 * e)))

    # Written out, which compiles in half the time of a loop.
    for _ in range(3 if share.dtype == np.float32 else 5):
        log_ratio = _log_mills(a + d)
        d = d - (d * (a + d / 2) + log_near - log_ratio - e) * lax.exp(log_ratio)
    return d


@jax.jit  # so that it is traced once for all steps
def _log_mills(x: jax.Array) -> jax.Array:
    """Return the logarithm of Mills' ratio of the normal distribution, for ``x >= 0``."""
    s = 4 / (2 + x) - 1
    terms = _SINGLE if x.dtype == np.float32 else _DOUBLE
    smooth = lax.full_like(x, terms[-1])
    for c in terms[-2::-1]:
        # Not by operators, which take several times as long to trace.
        smooth = lax.add(lax.mul(smooth, s), lax.full_like(x, c))
    return smooth - lax.log(x + np.asarray(np.sqrt(2 / np.pi), x.dtype))
