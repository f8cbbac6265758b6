"""The samplers that reject in pure JAX: csrc/core/rejection*.h, formula by formula.

Every element has a stream of random words of its own: block ``number`` of element ``index`` is
the counter ``index`` under the key ``fold_in(key, number)``, in both layouts. The sources of the
algorithms are given in the headers.

The words are those of the kernels bit for bit. What is computed from them differs in the last
places, so that a decision falls otherwise where both sides of a comparison are equal to within
rounding: once in a million elements in single precision, practically never in double.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import enable_x64
from brainvar.ops._blocks_twin import positions
from brainvar.ops._quantile import normal_quantile
from brainvar.ops._threefry import fold_in, threefry2x32

MAX_ATTEMPTS = 512
MIN_REJECTION_MEAN = 10.0

_MAX_STEPS = 72
_NEGLIGIBLE = 1e-20
_LARGEST_MEAN = 1e19

Attempt = Callable[[Array], tuple[Array, Array]]
"""From the number of an attempt (uint32) to values and whether they are accepted."""


# --- words and numbers made of them ------------------------------------------------------------


class Words:
    """The random words of a draw: ``words(number)`` are the blocks ``number`` of its elements.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : tuple of ints
        Of the whole sample of a key.
    local : tuple of ints, optional
        That of the block that ``tile`` names (see `_blocks_twin`); all of ``shape`` without it.
    tile : int32[rank], optional

    Attributes
    ----------
    size : tuple of ints
        The shape of what is drawn, ``(*B, *local)``.
    """

    def __init__(
        self,
        key: Array,
        shape: tuple[int, ...],
        local: tuple[int, ...] | None = None,
        tile: Array | None = None,
    ):
        self._key = key
        self._shape = shape
        self._local = shape if local is None else local
        self._tile = tile
        self.size = (*key.shape[:-1], *self._local)

    def __call__(self, number: Array | int) -> tuple[Array, Array]:
        """Return two ``uint32[*B, *local]``."""
        batch = self._key.shape[:-1]
        keys = fold_in(self._key, jnp.broadcast_to(jnp.asarray(number, np.uint32), batch))
        keys = lax.optimization_barrier(keys)
        # Elementwise in the positions, so that XLA can cut it among devices.
        high, low = positions(self._shape, self._local, self._tile)
        column = (*batch, *[1] * len(self._local))
        words = threefry2x32(
            keys[..., 0].reshape(column),
            keys[..., 1].reshape(column),
            jnp.zeros_like(low) if high is None else high,
            low,
        )
        # A barrier, or XLA copies the cipher into each of its fusions that takes a word.
        x0, x1 = lax.optimization_barrier(words)
        return x0, x1


def unit(word: Array, dtype: np.dtype) -> Array:
    """``(word + 1/2) / 2**32``, in (0, 1)."""
    return (word.astype(dtype) + np.array(0.5, dtype)) * np.array(2.0**-32, dtype)


def unit52(x0: Array, x1: Array) -> Array:
    """``(w + 1/2) / 2**52`` of the upper 52 of 64 bits, float64 in (0, 1)."""
    high = x0.astype(np.float64) * 2.0**-32
    return high + ((x1 >> np.uint32(12)).astype(np.float64) + 0.5) * 2.0**-52


def until_accepted(attempt: Attempt, values: Array, todo: Array) -> Array:
    """Attempt, for all elements at once, until those to do are accepted; the others keep theirs."""

    def more(carry: tuple[Array, Array, Array]) -> Array:
        number, _, todo = carry
        return jnp.any(todo) & (number < MAX_ATTEMPTS)

    def again(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        number, values, todo = carry
        tried, accepted = attempt(number)
        values = jnp.where(todo, tried, values)
        return number + np.uint32(1), values, todo & ~accepted

    start = (jnp.zeros((), np.uint32), values, todo)
    return lax.while_loop(more, again, start)[1]


def spread(x: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast a parameter whose shape is what `shape` begins with."""
    return lax.broadcast_in_dim(x, shape, tuple(range(x.ndim)))


# --- gamma -------------------------------------------------------------------------------------


def gamma(
    key: Array,
    alpha: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    dtype: np.dtype,
    log: bool,
    local: tuple[int, ...] | None = None,
) -> Array:
    """``dtype[*B, *local]``: standard gamma samples or their logarithms, float32 or float64."""
    words = Words(key, shape, local, tile)
    alpha = spread(alpha, words.size)
    one = np.array(1, dtype)
    single = dtype == np.float32
    valid = (alpha > 0) & (alpha <= jnp.finfo(dtype).max)
    whole = jnp.where(valid, alpha, one)
    boosted = whole < 1
    d = jnp.where(boosted, whole + one, whole) - one / np.array(3, dtype)
    c = one / (3 * lax.sqrt(d))

    def attempt(number: Array) -> tuple[Array, Array]:
        if single:
            x0, x1 = words(1 + number)
            bits = (x0 >> np.uint32(9)) | np.uint32(0x3F800000)
            u = (lax.bitcast_convert_type(bits, np.float32) - one) * 2 - np.float32(1 - 2**-24)
            v = unit(x1, dtype)
        else:
            x0, x1 = words(1 + 2 * number)
            high, low = x0.astype(np.uint64) << np.uint64(20), x1.astype(np.uint64)
            bits = high | (low >> np.uint64(12)) | np.uint64(0x3FF0000000000000)
            u = (lax.bitcast_convert_type(bits, np.float64) - one) * 2 - (1 - 2.0**-53)
            v = unit52(*words(2 + 2 * number))
        t = normal_quantile(u) * c
        inside = t > -1
        t = jnp.where(inside, t, 0)
        value = jnp.where(t < -0.5, d * (1 + t) ** 3, d + d * (t * (3 + t * (3 + t))))
        return value, inside & (-lax.log(v) > d * (-3 * _log_remainder(t)))

    value = until_accepted(attempt, jnp.ones_like(alpha), jnp.ones(words.size, bool))

    x0, x1 = words(0)
    if single:
        upper = x0 < np.uint32(1 << 31)
        exponential = -jnp.where(upper, lax.log(unit(x0, dtype)), lax.log1p(-unit(~x0, dtype)))
    else:
        exponential = -lax.log1p(-unit52(x0, x1))
    boost = jnp.where(boosted, exponential * (one / whole), 0)
    result = lax.log(value) - boost if log else value * lax.exp(-boost)
    result = jnp.where(alpha > jnp.finfo(dtype).max, alpha, result)
    result = jnp.where(alpha == 0, -jnp.inf if log else 0, result)
    return jnp.where(alpha >= 0, result, jnp.nan)


def _log_remainder(t: Array) -> Array:
    """``log(1 + t) - (t - t**2 / 2 + t**3 / 3)``."""
    far = lax.log1p(t) - t * (1 + t * (-0.5 + t * np.array(1 / 3, t.dtype)))
    if t.dtype == np.float64:
        return far
    series = jnp.full_like(t, 1 / 11)
    for c in (-1 / 10, 1 / 9, -1 / 8, 1 / 7, -1 / 6, 1 / 5, -1 / 4):
        series = series * t + np.float32(c)
    return jnp.where(lax.abs(t) < 0.125, t**4 * series, far)


# --- counts ------------------------------------------------------------------------------------
#
# In float64, whatever jax_enable_x64 says: the switch is turned on for the trace of the twin,
# which begins and ends with arrays of the dtypes that were asked for.


def poisson(
    key: Array,
    rate: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    dtype: np.dtype,
    local: tuple[int, ...] | None = None,
) -> Array:
    """``dtype[*B, *local]``: Poisson samples, int32 or int64; -1 where the rate is no rate."""
    with enable_x64(True):
        words = Words(key, shape, local, tile)
        rate = spread(rate.astype(np.float64), words.size)
        mean = jnp.where(rate >= 0, jnp.minimum(rate, _LARGEST_MEAN), 0.0)
        small = mean < MIN_REJECTION_MEAN
        found = _searched(words, lax.exp(-mean), small, lambda k, p: p * (mean / k))

        large = jnp.where(small, MIN_REJECTION_MEAN, mean)
        b = 0.931 + 2.53 * lax.sqrt(large)
        a = -0.059 + 0.02483 * b
        scale = 1.1239 + 1.1328 / (b - 3.4)

        def attempt(number: Array) -> tuple[Array, Array]:
            x0, x1 = words(1 + number)
            proposed, density = _mountain(x0, a, b, large + 0.43)
            k = jnp.maximum(proposed, 0.0)
            factor, rest = poisson_term(k, large)
            ratio = unit(x1, k.dtype) * scale / (density * factor)
            return k, (proposed >= 0) & (-lax.log(ratio) >= rest)

        count = until_accepted(attempt, found, ~small)
        return to_integers(jnp.where(rate >= 0, count, -1.0), dtype)


def binomial(
    key: Array,
    n: Array,
    p: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    dtype: np.dtype,
    local: tuple[int, ...] | None = None,
) -> Array:
    """``dtype[*B, *local]``: binomial samples, int32 or int64; -1 where a parameter is none."""
    with enable_x64(True):
        words = Words(key, shape, local, tile)
        n, p = (spread(x.astype(np.float64), words.size) for x in (n, p))
        valid = (n >= 0) & (p >= 0) & (p <= 1)
        trials = jnp.where(valid, n, 0.0)
        less = jnp.where(valid, jnp.where(p > 0.5, 1 - p, p), 0.0)
        small = trials * less < MIN_REJECTION_MEAN
        odds = less / (1 - less)

        def step(k: Array, probability: Array) -> Array:
            return probability * (jnp.maximum(trials - k + 1, 0.0) * odds / k)

        none = lax.exp(trials * lax.log1p(-less))
        found = _searched(words, none, small, step)

        m, s = jnp.where(small, 20.0, trials), jnp.where(small, 0.5, less)
        mean, opposite = m * s, m * (1 - s)
        deviation = lax.sqrt(mean * (1 - s))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * s
        scale = (2.83 + 5.1 / b) * deviation

        means = jnp.stack([mean, opposite])

        def terms(k: Array) -> tuple[Array, Array]:
            factors, rests = poisson_term(jnp.stack([k, m - k]), means)
            return factors[0] * factors[1], rests[0] + rests[1]

        factor, rest = terms(lax.floor((m + 1) * s))
        peak = lax.log(factor) - rest

        def attempt(number: Array) -> tuple[Array, Array]:
            x0, x1 = words(1 + number)
            proposed, density = _mountain(x0, a, b, mean + 0.5)
            inside = (proposed >= 0) & (proposed <= m)
            k = jnp.where(inside, proposed, 0.0)
            factor, rest = terms(k)
            ratio = unit(x1, k.dtype) * scale / (density * factor)
            return k, inside & (-lax.log(ratio) >= rest + peak)

        count = until_accepted(attempt, found, ~small)
        count = jnp.where(p > 0.5, n - count, count)
        return to_integers(jnp.where(valid, count, -1.0), dtype)


def _searched(
    words: Words,
    none: Array,
    small: Array,
    step: Callable[[Array, Array], Array],
) -> Array:
    """Invert the distribution function from the probability of 0 upwards, where `small`."""
    u = unit52(*words(0))

    def wants(probability: Array, total: Array) -> Array:
        return small & (u >= total) & (probability > _NEGLIGIBLE)

    def more(carry: tuple[Array, ...]) -> Array:
        k, probability, total, _ = carry
        return jnp.any(wants(probability, total)) & (k <= _MAX_STEPS)

    def again(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        k, probability, total, count = carry
        count = count + wants(probability, total).astype(count.dtype)
        probability = step(k, probability)
        return k + 1, probability, total + probability, count

    start = (jnp.ones((), none.dtype), none, none, jnp.zeros_like(none))
    return lax.while_loop(more, again, start)[3]


def _mountain(word: Array, a: Array, b: Array, centre: Array) -> tuple[Array, Array]:
    """Propose a count; return it and the density of the hat's transformed shape."""
    u = unit(word, a.dtype) - 0.5
    us = 0.5 - lax.abs(u)
    return lax.floor((2 * a / us + b) * u + centre), a / (us * us) + b


def poisson_term(k: Array, mean: Array) -> tuple[Array, Array]:
    """Return factor and rest of the Poisson probability ``factor * exp(-rest)``."""
    y = k + 5
    product = ((k + 1) / mean) * ((k + 2) / mean) * ((k + 3) / mean) * ((k + 4) / mean)
    factor = product / mean * lax.sqrt(y) * (1 / math.sqrt(2 * math.pi))
    x = (y - mean) / mean
    z = 1 / (y * y)
    series = (1 / 12 + z * (-1 / 360 + z * (1 / 1260 - z * (1 / 1680)))) / y
    return factor, mean * ((1 + x) * lax.log1p(x) - x) + series


def to_integers(count: Array, dtype: np.dtype) -> Array:
    end = 2.0 ** (8 * dtype.itemsize - 1)
    inside = jnp.where(count < end, count, 0.0).astype(dtype)
    return jnp.where(count < end, inside, np.iinfo(dtype).max)
