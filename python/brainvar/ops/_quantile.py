"""The normal quantile of the kernels in pure JAX: csrc/core/erfinv.h, operation by operation.

The only differences left are multiply-adds that XLA contracts and the kernels do not.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar.ops import _quantile_coefficients as fitted

__all__ = ["normal_quantile"]


def normal_quantile(u: Array) -> Array:
    """``sqrt(2) * erfinv(u)`` for float32 or float64 samples u in (-1, 1)."""
    return _quantile32(u) if u.dtype == jnp.float32 else _quantile64(u)


def _quantile32(u: Array) -> Array:
    a = lax.abs(u)
    # 1 - a is exact for the samples that come here.
    w = _minus_log32((1 - a) * (1 + a))
    centre = _horner(w - np.float32(fitted.FLOAT_CENTRE_MIDDLE), fitted.FLOAT_CENTRE)
    tail = _horner(lax.sqrt(w) - np.float32(fitted.FLOAT_TAIL0_MIDDLE), fitted.FLOAT_TAIL0)
    return u * lax.select(w < 5, centre, tail)


def _quantile64(u: Array) -> Array:
    a = lax.abs(u)
    w = _minus_log64((1 - a) * (1 + a))
    root = lax.sqrt(w)
    centre = _horner(w - fitted.DOUBLE_CENTRE_MIDDLE, fitted.DOUBLE_CENTRE)
    tail0 = _horner(root - fitted.DOUBLE_TAIL0_MIDDLE, fitted.DOUBLE_TAIL0)
    tail1 = _horner(root - fitted.DOUBLE_TAIL1_MIDDLE, fitted.DOUBLE_TAIL1)
    return u * lax.select(w < 4.5, centre, lax.select(w < 13, tail0, tail1))


def _minus_log32(t: Array) -> Array:
    # t = 2**k * m with m in [sqrt(1/2), sqrt(2)); the constant is the bits of sqrt(1/2).
    bits = lax.bitcast_convert_type(t, jnp.int32)
    k = (bits - np.int32(0x3F3504F3)) >> 23
    m = lax.bitcast_convert_type(bits - (k << 23), jnp.float32)
    s = (m - 1) / (m + 1)
    z = s * s
    # log(2) in two pieces, the first short enough for an exact product with k.
    exponent = k.astype(jnp.float32)
    low = s * z * _horner(z, fitted.FLOAT_LOG) + exponent * np.float32(-2.12194440e-4)
    return -(exponent * np.float32(0.693359375) + (2 * s + low))


def _minus_log64(t: Array) -> Array:
    bits = lax.bitcast_convert_type(t, jnp.int64)
    k = (bits - np.int64(0x3FE6A09E667F3BCD)) >> 52
    m = lax.bitcast_convert_type(bits - (k << 52), jnp.float64)
    s = (m - 1) / (m + 1)
    z = s * s
    exponent = k.astype(jnp.float64)
    low = s * z * _horner(z, fitted.DOUBLE_LOG) + exponent * 1.90821492927058770e-10
    return -(exponent * 6.93147180369123816490e-01 + (2 * s + low))


def _horner(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Return c0 + c1 * x + c2 * x**2 + ..."""
    total = jnp.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = x * total + np.asarray(c, x.dtype)
    return total
