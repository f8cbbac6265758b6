"""Forty kinds of index, each with a rule that draws fresh values for it.

Writes go to two arrays of one size: ``flat``, float32[n], and ``table``, float32[s, s]. The
lengths of what is drawn vary within one power of two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

#: The name of the array, the index, and the value.
Write = tuple[str, Any, Any]


class Drawer:
    """Draws indices into arrays of `n` elements, of which ``table`` has ``side * side``."""

    def __init__(self, n: int, seed: int):
        self.n = n
        self.side = math.isqrt(n)
        if self.side**2 != n or self.side < 64:
            raise ValueError(f"n must be the square of 64 or more, got {n}")
        self.rng = np.random.default_rng(seed)

    def one(self, size: int) -> int:
        """Draw an index from 0."""
        return int(self.rng.integers(size))

    def length(self, most: int) -> int:
        """Draw a length of more than half of `most`, a power of two."""
        return int(self.rng.integers(most // 2 + 1, most + 1))

    def step(self) -> int:
        """Draw a step from 2 to 9."""
        return int(self.rng.integers(2, 10))

    def cut(self, size: int, length: int | None = None, step: int = 1) -> slice:
        """Draw a slice, with `length` elements or any number."""
        if length is None:
            start, stop = np.sort(self.rng.choice(size + 1, 2, replace=False))
        else:
            start = self.one(size - length * abs(step) + 1)
            stop = start + length * abs(step)
        start, stop = int(start), int(stop)
        if step > 0:
            return slice(start, stop, step)
        return slice(stop - 1, start - 1 if start else None, step)

    def values(self, *shape: int) -> np.ndarray:
        """Draw float32 values."""
        return self.rng.random(shape, np.float32)

    def places(self, size: int, most: int) -> np.ndarray:
        """Draw indices without repetition, in any order."""
        return self.rng.choice(size, self.length(most), replace=False)

    def mask(self, shape: Any, density: float) -> np.ndarray:
        """Draw a mask."""
        return self.rng.random(shape) < density


def flat_kinds(d: Drawer) -> Iterator[tuple[Any, Any]]:
    """Yield an index into ``flat`` and a value for each kind."""
    n = d.n
    # Integers and slices.
    yield d.one(n), 1.0
    yield -1 - d.one(n), 1.0
    yield d.cut(n), 1.0
    yield slice(d.one(n), None), 1.0
    yield slice(None, 1 + d.one(n)), 1.0
    yield slice(-1 - d.one(n), None), 1.0
    yield d.cut(n, step=d.step()), 1.0
    yield d.cut(n, step=-1), 1.0
    yield d.cut(n, step=-d.step()), 1.0
    yield slice(d.one(n // 2), None, d.step()), 1.0
    yield (length := d.cut(n, d.length(1024))), d.values(length.stop - length.start)
    count = d.length(512)
    yield d.cut(n, count, d.step()), d.values(count)
    count = d.length(256)
    yield d.cut(n, count, -d.step()), d.values(count)
    # Masks.
    yield d.mask(n, 0.001), 1.0
    yield d.mask(n, 0.1), 1.0
    yield d.mask(n, 0.9), 1.0
    yield jnp.asarray(d.mask(n, 0.01)), 1.0
    mask = np.zeros(n, bool)
    mask[(where := d.places(n, 1024))] = True
    yield mask, d.values(len(where))
    # Index arrays.
    yield d.places(n, 16), 1.0
    yield d.places(n, 256), 1.0
    yield np.sort(d.places(n, 4096)), 1.0
    yield (where := d.places(n, 1024)), d.values(len(where))
    yield (where := d.rng.integers(-n, n, d.length(1024))), d.values(len(where))
    yield jnp.asarray(d.places(n, 512), jnp.int32), 1.0
    yield d.places(n, 8).tolist(), 1.0
    yield d.rng.integers(0, n, (d.length(32), 16)), 1.0


def table_kinds(d: Drawer) -> Iterator[tuple[Any, Any]]:
    """Yield an index into ``table`` and a value for each kind."""
    s = d.side
    yield d.one(s), 1.0
    yield d.one(s), d.values(s)
    yield (slice(None), d.one(s)), 1.0
    yield (d.one(s), -1 - d.one(s)), 1.0
    yield (d.cut(s), d.cut(s)), 1.0
    yield (d.cut(s, step=d.step()), d.cut(s, step=-d.step())), 1.0
    yield (Ellipsis, d.cut(s)), 1.0
    yield d.cut(s), d.values(s)
    yield d.places(s, 32), 1.0
    yield d.places(s, 16), d.values(s)
    yield (slice(None), d.places(s, 32)), 1.0
    rows = d.places(s, 64)
    yield (rows, d.rng.integers(0, s, len(rows))), 1.0
    yield (d.places(s, 16)[:, None], d.rng.permutation(s)[:16]), 1.0
    yield d.mask(s, 0.1), 1.0


def one_of_each(d: Drawer) -> list[Write]:
    """Draw the index and the value of each of the forty kinds."""
    flat = [("flat", index, value) for index, value in flat_kinds(d)]
    return flat + [("table", index, value) for index, value in table_kinds(d)]


def rounds(n: int, count: int) -> list[list[Write]]:
    """Draw all kinds `count` times, each time with other values."""
    drawer = Drawer(n, seed=0)
    return [one_of_each(drawer) for _ in range(count)]
