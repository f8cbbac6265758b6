"""The twin of a block: what one device computes of a larger array, in pure JAX.

Every number comes from its position alone, by elementwise functions of ``iota``. So the functions
serve in two ways: for the block that a ``tile`` names, and, without a tile, for a whole array that
XLA may cut as it likes, uneven shards included, since nothing in it depends on a neighbour. They
give the numbers of `_threefry`, which needs half as many cipher blocks in the original layout.

A block is ``local`` elements in each dimension from ``tile * local`` on, of an array of the shape
``shape``; what lies past the end is padding. Positions have 64 bits, in two words; the length of
a single dimension must fit one of them.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar.ops._threefry import (
    ORIGINAL_BLOCK_WORDS,
    UINT_OF_WIDTH,
    normal_of_unit,
    threefry2x32,
    unit_of_bits,
    unit_width,
)

_LOW = 0xFFFFFFFF


def fits(shape: tuple[int, ...]) -> bool:
    """Whether each dimension has positions of 32 bits."""
    return all(d <= _LOW for d in shape)


# --- positions of 64 bits, as (upper word or None for zero, lower word) --------------------------

Position = tuple[Array | None, Array]


def _add(a: Position, b: Position) -> Position:
    low = a[1] + b[1]
    if a[0] is None and b[0] is None:
        return None, low
    zero = jnp.zeros_like(low)
    high = [zero if x is None else x for x in (a[0], b[0])]
    return high[0] + high[1] + (low < b[1]).astype(np.uint32), low


def _constant(value: int, wide: bool) -> Position:
    high = jnp.uint32(value >> 32 & _LOW) if wide else None
    return high, jnp.uint32(value & _LOW)


def _scale(x: Array, factor: int, wide: bool) -> Position:
    """Return ``x * factor`` for 32-bit ``x``."""
    low = x * np.uint32(factor & _LOW)
    if not wide:
        return None, low
    # The upper word of a product of two words, from four products of half words.
    half, mask = np.uint32(16), np.uint32(0xFFFF)
    b1, b0 = np.uint32(factor >> 16 & 0xFFFF), np.uint32(factor & 0xFFFF)
    a1, a0 = x >> half, x & mask
    middle = a1 * b0 + (a0 * b0 >> half)
    other = a0 * b1 + (middle & mask)
    upper = a1 * b1 + (middle >> half) + (other >> half)
    return upper + x * np.uint32(factor >> 32 & _LOW), low


def _shifted(x: Position, bits: int) -> Position:
    """Return ``x >> bits``, for less than 32 bits."""
    high, low = x
    if bits == 0:
        return x
    low = low >> np.uint32(bits)
    if high is None:
        return None, low
    return high >> np.uint32(bits), low | high << np.uint32(32 - bits)


def _index(dim: int, local: tuple[int, ...], tile: Array | None) -> Array:
    index = lax.broadcasted_iota(np.uint32, local, dim)
    if tile is None:
        return index
    return index + tile[dim].astype(np.uint32) * np.uint32(local[dim])


def positions(shape: tuple[int, ...], local: tuple[int, ...], tile: Array | None) -> Position:
    """Row-major positions of a block, ``uint32[*local]`` each."""
    wide = math.prod(shape) > _LOW
    position: Position = (None, jnp.zeros(local, np.uint32))
    for dim in range(len(shape)):
        stride = math.prod(shape[dim + 1 :])
        position = _add(position, _scale(_index(dim, local, tile), stride, wide))
    return position


# --- words of the original layout ------------------------------------------------------------


def _word(key: tuple[Array, Array], index: Array, words: int | Array) -> Array:
    """Word ``index`` of a part of ``words`` words (an array where parts differ)."""
    if isinstance(words, int):
        half: Any = np.uint32((words + 1) // 2)
        odd: Any = np.bool_(words % 2)
    else:
        odd = (words & np.uint32(1)) != 0
        half = (words >> np.uint32(1)) + odd.astype(np.uint32)
    upper = index >= half
    lane = jnp.where(upper, index - half, index)
    padded = odd & (lane == half - np.uint32(1))
    second = jnp.where(padded, np.uint32(0), lane + half)
    x0, x1 = threefry2x32(*key, lane, second)
    return jnp.where(upper, x1, x0)


def _stream_word(key: tuple[Array, Array], at: Position, words: int, block_words: int) -> Array:
    """Word ``at`` of a stream of ``words`` words."""
    full, rest = divmod(words, block_words)
    if not full:
        return _word(key, at[1], words)
    if block_words == ORIGINAL_BLOCK_WORDS:
        # 2**32 is 1 modulo 2**32 - 1: the digits in that base are nearly those in base 2**32.
        high = jnp.zeros_like(at[1]) if at[0] is None else at[0]
        index = high + at[1]
        carry = (index < high) | (index == np.uint32(_LOW))
        part = high + carry.astype(np.uint32)
        index = index + carry.astype(np.uint32)
    else:  # tests, with positions of 32 bits
        part, index = lax.div(at[1], jnp.full_like(at[1], block_words)), None
        index = at[1] - part * np.uint32(block_words)
    in_full = part < np.uint32(full)
    row = np.uint32(2) * part
    subkey = tuple(_word(key, row + np.uint32(i), 2 * (full + 1)) for i in range(2))
    length = jnp.where(in_full, np.uint32(block_words), np.uint32(rest))
    return _word(subkey, index, length)  # pyright: ignore[reportArgumentType]


# --- blocks ----------------------------------------------------------------------------------


def _columns(key: Array, rank: int) -> tuple[Array, Array]:
    """Both words of the key, to broadcast against blocks of ``rank`` dimensions."""
    column = (*key.shape[:-1], *[1] * rank)
    return key[..., 0].reshape(column), key[..., 1].reshape(column)


def bits(
    key: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    local: tuple[int, ...] | None = None,
    width: int,
    stream: str,
    block_words: int = ORIGINAL_BLOCK_WORDS,
) -> Array:
    """``uint8|16|32|64[*B, *local]``: a block of the random bits of the shape ``shape``."""
    local = shape if local is None else local
    position = positions(shape, local, tile)
    columns = _columns(key, len(local))
    dtype = UINT_OF_WIDTH[width]
    if stream == "partitionable":
        high, low = position
        x0, x1 = threefry2x32(*columns, jnp.zeros_like(low) if high is None else high, low)
        if width == 64:
            return (x0.astype(dtype) << np.uint64(32)) | x1.astype(dtype)
        return (x0 ^ x1).astype(dtype)
    size = math.prod(shape)
    words = -(-size * width // 32)
    if width == 64:
        other = _add(position, _constant(size, wide=words > _LOW))
        pair = (_stream_word(columns, at, words, block_words) for at in (position, other))
        x0, x1 = (x.astype(dtype) for x in pair)
        return (x0 << np.uint64(32)) | x1
    shift = {8: 2, 16: 1, 32: 0}[width]
    word = _stream_word(columns, _shifted(position, shift), words, block_words)
    if shift:  # lowest bits of a word first
        word = word >> ((position[1] & np.uint32(2**shift - 1)) * np.uint32(width))
    return word.astype(dtype)


def uniform(
    key: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    local: tuple[int, ...] | None = None,
    dtype: np.dtype,
    stream: str,
) -> Array:
    """``dtype[*B, *local]``: a block of the uniforms of the shape ``shape``."""
    drawn = bits(key, tile, shape=shape, local=local, width=unit_width(dtype), stream=stream)
    return unit_of_bits(drawn, dtype)


def normal(
    key: Array,
    tile: Array | None = None,
    *,
    shape: tuple[int, ...],
    local: tuple[int, ...] | None = None,
    dtype: np.dtype,
    stream: str,
) -> Array:
    """``dtype[*B, *local]``: a block of the normals of the shape ``shape``."""
    unit = uniform(key, tile, shape=shape, local=local, dtype=dtype, stream=stream)
    return normal_of_unit(unit, dtype)


def rows(
    key: Array, tile: Array | None = None, *, first: int, local: int, total: int, stream: str
) -> Array:
    """``uint32[*B, local, 2]``: a block of the rows from ``first`` on of a split into ``total``."""
    row = _index(0, (local,), tile) + np.uint32(first)
    columns = _columns(key, 1)
    if stream == "partitionable":
        return jnp.stack(threefry2x32(*columns, jnp.zeros_like(row), row), axis=-1)
    word = np.uint32(2) * row
    return jnp.stack([_word(columns, word + np.uint32(i), 2 * total) for i in range(2)], axis=-1)
