"""Threefry-2x32-20 and the two counter layouts from first principles, with Python's integers.

Written from the paper (Salmon et al., SC 2011) and from what docs/streams.md says, without JAX and
without the package, so that a mistake in one is not one in the other. For small draws: it is slow.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

MASK = 2**32 - 1
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)


def block(key: tuple[int, int], high: int, low: int) -> tuple[int, int]:
    """Encrypt a counter of two words."""
    schedule = [key[0], key[1], 0x1BD11BDA ^ key[0] ^ key[1]]
    x, y = (high + schedule[0]) & MASK, (low + schedule[1]) & MASK
    for round_ in range(20):
        distance = ROTATIONS[round_ % 8]
        x = (x + y) & MASK
        y = ((y << distance) | (y >> (32 - distance))) & MASK
        y ^= x
        if round_ % 4 == 3:
            injection = round_ // 4 + 1
            x = (x + schedule[injection % 3]) & MASK
            y = (y + schedule[(injection + 1) % 3] + injection) & MASK
    return x, y


def seed_key(seed: int) -> tuple[int, int]:
    """Return the key of an integer seed."""
    return divmod(seed, 2**32)


def _paired_words(key: tuple[int, int], count: int) -> list[int]:
    """Words of the original layout: the counters 0, 1, ... in two halves that are paired."""
    counters = list(range(count)) + [0] * (count % 2)
    half = len(counters) // 2
    pairs = [block(key, a, b) for a, b in zip(counters[:half], counters[half:], strict=True)]
    return ([x for x, _ in pairs] + [y for _, y in pairs])[:count]


def split(key: tuple[int, int], count: int, stream: str) -> list[tuple[int, int]]:
    """Return the rows of a split."""
    if stream == "original":
        words = _paired_words(key, 2 * count)
        return list(zip(words[::2], words[1::2], strict=True))
    return [block(key, 0, i) for i in range(count)]


def step(key: tuple[int, int], stream: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the state after a draw, and the key that the draw is made with."""
    following, drawn = split(key, 2, stream)
    return following, drawn


def bits(key: tuple[int, int], count: int, width: int, stream: str) -> list[int]:
    """Return random integers of `width` bits."""
    if stream == "partitionable":
        blocks = [block(key, 0, i) for i in range(count)]
        if width == 64:
            return [x << 32 | y for x, y in blocks]
        return [(x ^ y) % 2**width for x, y in blocks]
    words = _paired_words(key, -(-count * width // 32))
    if width == 64:  # the first half of the words are the upper ones
        return [words[i] << 32 | words[count + i] for i in range(count)]
    pieces = [word >> shift & (2**width - 1) for word in words for shift in range(0, 32, width)]
    return pieces[:count]


# Bits of the fraction of a float, and the width of the random bits that it is made from.
FLOATS = {"float16": (10, 16), "bfloat16": (7, 8), "float32": (23, 32), "float64": (52, 64)}


def uniform(key: tuple[int, int], count: int, dtype: str, stream: str) -> list[Fraction]:
    """Return numbers in [0, 1) exactly: the upper bits, as many as the fraction has."""
    fraction, width = FLOATS[dtype]
    drawn = bits(key, count, width, stream)
    return [Fraction(x >> (width - fraction), 2**fraction) for x in drawn]


def randint(
    key: tuple[int, int], count: int, low: int, high: int, width: int, stream: str
) -> list[int]:
    """Return integers in [low, high): two words for each, modulo the range."""
    upper, lower = (bits(part, count, width, stream) for part in split(key, 2, stream))
    span = high - low
    power = pow(2, width // 2, span) ** 2 % 2**width % span
    return [
        low + ((a % span * power) % 2**width + b % span) % 2**width % span
        for a, b in zip(upper, lower, strict=True)
    ]


def permutation(key: tuple[int, int], count: int, stream: str) -> list[int]:
    """Return an order: sorted by random words, often enough that equal words do not matter."""
    order = list(range(count))
    rounds = math.ceil(3 * math.log(max(1, count)) / math.log(2**32 - 1))
    for _ in range(rounds):
        key, drawn = split(key, 2, stream)
        words = bits(drawn, count, 32, stream)
        order = [x for _, x in sorted(zip(words, order, strict=True), key=lambda pair: pair[0])]
    return order


def as_array(numbers: list[Fraction], dtype: str) -> np.ndarray:
    """Round exact numbers to a dtype of NumPy."""
    return np.array([float(x) for x in numbers], dtype)
