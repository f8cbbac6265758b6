"""The twin: Threefry-2x32-20 and its two counter layouts in pure JAX.

This file is the specification that the compiled kernels follow bit for bit.  It uses ``lax``
on ``uint32`` only, neither ``jax.random`` nor ``jax_threefry_partitionable``, and so gives the
same numbers on every platform and every supported JAX.

Sources: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC'11 (the cipher, 20 rounds); JAX's documented layouts of its counters, which
``stream='original'`` and ``stream='partitionable'`` reproduce.

Shapes below: ``B`` stands for the key's leading (batch) dimensions, none for a single key.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar.ops._quantile import normal_quantile

_PARITY = np.uint32(0x1BD11BDA)
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))

#: Longest run of 32-bit words drawn with one key in the original layout; longer draws go on
#: with split keys.  (2**32 - 1, not 2**32: it is JAX's rule.)
ORIGINAL_BLOCK_WORDS = 2**32 - 1

#: Longest run of counters whose upper word is 0 in the partitionable layout.
PARTITIONABLE_LOW_WORDS = 2**32

UINT_OF_WIDTH = {
    8: np.dtype(np.uint8),
    16: np.dtype(np.uint16),
    32: np.dtype(np.uint32),
    64: np.dtype(np.uint64),
}


def _rotate_left(x: Array, distance: int) -> Array:
    left = lax.shift_left(x, jnp.full_like(x, distance))
    return left | lax.shift_right_logical(x, jnp.full_like(x, 32 - distance))


def threefry2x32(key0: Array, key1: Array, count0: Array, count1: Array) -> tuple[Array, Array]:
    """Encrypt the counter ``(count0, count1)`` with the key ``(key0, key1)``, 20 rounds.

    Parameters
    ----------
    key0, key1, count0, count1 : uint32 arrays
        Of shapes that broadcast with each other.

    Returns
    -------
    tuple of two uint32 arrays of the broadcast shape
    """
    # Unrolled on purpose.  Measured on two CPU cores with JAX 0.10.2 against the rounds in a
    # lax.fori_loop (as jax.random has them on CPU): compile time 0.6-0.8 times, run time 0.75
    # times for one word and for 1e6 words, 0.4 times for 1e7 words.
    schedule = (key0, key1, key0 ^ key1 ^ _PARITY)
    x0, x1 = count0 + key0, count1 + key1
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = _rotate_left(x1, distance) ^ x0
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def _columns(key: Array) -> tuple[Array, Array]:
    """Both words of the key, each ``uint32[*B, 1]``, to broadcast against counters."""
    return key[..., 0:1], key[..., 1:2]


def _original_words(key: Array, n: int) -> Array:
    """``uint32[*B, n]``: counters 0..n-1, the first half in one word, the second in the other."""
    half = -(-n // 2)
    count0 = lax.iota(np.uint32, half)
    count1 = count0 + np.uint32(half)
    if n % 2:  # the odd one out is paired with the counter 0 and its second word is not used
        count1 = jnp.where(count0 == np.uint32(half - 1), np.uint32(0), count1)
    x0, x1 = threefry2x32(*_columns(key), count0, count1)
    return lax.concatenate([x0, x1], x0.ndim - 1)[..., :n]


def _partitionable_words(key: Array, n: int, low_words: int) -> tuple[Array, Array]:
    """Two ``uint32[*B, n]``: word i is the cipher of the 64-bit counter i."""
    if n <= low_words:
        low = lax.iota(np.uint32, n)
        high = jnp.zeros_like(low)
    else:  # rows of 2**16, so that nothing needs 64-bit integers
        dims = (-(-n // 2**16), 2**16)
        row = lax.broadcasted_iota(np.uint32, dims, 0)
        column = lax.broadcasted_iota(np.uint32, dims, 1)
        low = ((row << np.uint32(16)) | column).reshape(-1)[:n]
        high = (row >> np.uint32(16)).reshape(-1)[:n]
    return threefry2x32(*_columns(key), high, low)


def split(key: Array, *, n: int, stream: str) -> Array:
    """``uint32[*B, n, 2]``: n new keys."""
    batch = key.shape[:-1]
    if stream == "original":
        return _original_words(key, 2 * n).reshape(*batch, n, 2)
    return jnp.stack(_partitionable_words(key, n, PARTITIONABLE_LOW_WORDS), axis=-1)


def advance(key: Array, *, n: int, stream: str) -> tuple[Array, Array]:
    """``(uint32[*B, 2], uint32[*B, n, 2])``: row 0 and the other rows of ``split(key, n + 1)``."""
    rows = split(key, n=n + 1, stream=stream)
    return rows[..., 0, :], rows[..., 1:, :]


def fold_in(key: Array, data: Array) -> Array:
    """``uint32[*B, 2]``: the cipher of the counter ``(0, data)``, data ``uint32[*B]``."""
    x0, x1 = threefry2x32(key[..., 0], key[..., 1], jnp.zeros_like(data), data)
    return jnp.stack([x0, x1], axis=-1)


def _original_bits(key: Array, size: int, width: int, block_words: int) -> Array:
    batch = key.shape[:-1]
    n_words = -(-size * width // 32)
    n_blocks, rest = divmod(n_words, block_words)
    if n_blocks:
        keys = split(key, n=n_blocks + 1, stream="original")
        blocks = _original_words(keys[..., :-1, :], block_words)
        last = _original_words(keys[..., -1, :], rest)
        blocks = blocks.reshape(*batch, n_blocks * block_words)
        words = lax.concatenate([blocks, last], len(batch))
    else:
        words = _original_words(key, n_words)

    dtype = UINT_OF_WIDTH[width]
    if width == 64:
        high, low = (words[..., :size].astype(dtype), words[..., size:].astype(dtype))
        return (high << np.uint64(32)) | low
    if width == 32:
        return words
    # Lowest bits of a word first, whatever the byte order of the machine.
    shifts = np.arange(0, 32, width, dtype=np.uint32)
    parts = (words[..., None] >> shifts).astype(dtype)
    return parts.reshape(*batch, n_words * len(shifts))[..., :size]


def _partitionable_bits(key: Array, size: int, width: int, low_words: int) -> Array:
    x0, x1 = _partitionable_words(key, size, low_words)
    dtype = UINT_OF_WIDTH[width]
    if width == 64:
        return (x0.astype(dtype) << np.uint64(32)) | x1.astype(dtype)
    return (x0 ^ x1).astype(dtype)


def bits(
    key: Array,
    *,
    shape: tuple[int, ...],
    width: int,
    stream: str,
    block_words: int = ORIGINAL_BLOCK_WORDS,
    low_words: int = PARTITIONABLE_LOW_WORDS,
) -> Array:
    """``uint8|16|32|64[*B, *shape]``: random bits.

    ``block_words`` and ``low_words`` are where the layouts go on in another way; only tests,
    which cannot draw 2**32 words, set them.
    """
    size = math.prod(shape)
    if stream == "original":
        flat = _original_bits(key, size, width, block_words)
    else:
        flat = _partitionable_bits(key, size, width, low_words)
    return flat.reshape(*key.shape[:-1], *shape)


def unit_width(dtype: np.dtype) -> int:
    """How many random bits a uniform takes."""
    info = jnp.finfo(dtype)
    # A mantissa below 8 bits (bfloat16) is filled from 8 random bits, as jax.random does.
    return 8 if info.nmant < 8 else info.bits


def unit_of_bits(drawn: Array, dtype: np.dtype) -> Array:
    """Floats in [0, 1): random mantissa under the exponent of 1, less 1."""
    info = jnp.finfo(dtype)
    carrier = UINT_OF_WIDTH[info.bits]
    one = np.array(1, dtype).view(carrier)
    shift = np.array(unit_width(dtype) - info.nmant, carrier)
    pattern = (drawn.astype(carrier) >> shift) | one
    return lax.bitcast_convert_type(pattern, dtype) - np.array(1, dtype)


def normal_of_unit(unit: Array, dtype: np.dtype) -> Array:
    """``dtype[...]``: sqrt(2) erfinv(u), u uniform in (-1, 1) made of a uniform in [0, 1)."""
    low = np.nextafter(np.array(-1, dtype), np.array(0, dtype), dtype=dtype)
    scale = (np.array(1, dtype) - low).astype(dtype)
    u = lax.max(jnp.full((), low), unit * scale + low)
    if dtype in (np.float32, np.float64):
        return normal_quantile(u)
    return lax.mul(jnp.full_like(u, np.sqrt(2)), lax.erf_inv(u))


def uniform(key: Array, *, shape: tuple[int, ...], dtype: np.dtype, stream: str) -> Array:
    """``dtype[*B, *shape]`` in [0, 1): multiples of the dtype's epsilon."""
    drawn = bits(key, shape=shape, width=unit_width(dtype), stream=stream)
    return unit_of_bits(drawn, dtype)


def normal(key: Array, *, shape: tuple[int, ...], dtype: np.dtype, stream: str) -> Array:
    """``dtype[*B, *shape]``: sqrt(2) erfinv(u), u uniform in (-1, 1)."""
    return normal_of_unit(uniform(key, shape=shape, dtype=dtype, stream=stream), dtype)


def _advance_and_draw(draw, key: Array, stream: str, **params) -> tuple[Array, Array]:
    rows = split(key, n=2, stream=stream)
    return rows[..., 0, :], draw(rows[..., 1, :], stream=stream, **params)


def advance_bits(key: Array, *, shape, width: int, stream: str) -> tuple[Array, Array]:
    """``(next key, bits drawn with row 1 of split(key, 2))``."""
    return _advance_and_draw(bits, key, stream, shape=shape, width=width)


def advance_uniform(key: Array, *, shape, dtype: np.dtype, stream: str) -> tuple[Array, Array]:
    """``(next key, uniform drawn with row 1 of split(key, 2))``."""
    return _advance_and_draw(uniform, key, stream, shape=shape, dtype=dtype)


def advance_normal(key: Array, *, shape, dtype: np.dtype, stream: str) -> tuple[Array, Array]:
    """``(next key, normal drawn with row 1 of split(key, 2))``."""
    return _advance_and_draw(normal, key, stream, shape=shape, dtype=dtype)
