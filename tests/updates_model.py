"""A model of the updates in place, one write at a time, and random problems for it."""

import itertools
import math
from operator import mul

import jax.numpy as jnp
import numpy as np

from brainvar import ops

OPS = ("set", "add", "multiply", "minimum", "maximum")
KINDS = ("slices", "at", "masked")
POINT = (0, 1, 1, 0)  # the row of a dimension that offsets address

UFUNCS = {
    "set": lambda old, new: new,
    "add": np.add,
    "multiply": np.multiply,
    "minimum": np.minimum,
    "maximum": np.maximum,
}


# --- the model: the definitions, one write at a time ----------------------------------------------


def row_major(shape):
    return [math.prod(shape[d + 1 :]) for d in range(len(shape))]


def positions(shape, rows):
    """Row-major offset and index of the value of every position that the rows name."""
    strides = row_major(shape)
    for q in itertools.product(*(range(count) for _, count, _, _ in rows)):
        p = [row[0] + i * row[2] for row, i in zip(rows, q, strict=True)]
        if all(0 <= i < n for i, n in zip(p, shape, strict=True)):
            yield sum(map(mul, p, strides)), sum(map(mul, q, [row[3] for row in rows]))


def written(shape, where):
    """Offsets and indices of values of all writes, in order."""
    if "slices" in where:
        yield from positions(shape, where["slices"])
    elif "offsets" in where:
        _, used, _, stride = where["spec"][0]
        window = list(positions(shape, where["spec"][1:]))
        for k, first in enumerate(where["offsets"][:used]):
            if first >= 0:
                yield from ((first + offset, k * stride + j) for offset, j in window)
    else:
        _, used, _, stride = where["spec"][0]
        trailing = shape[where["mask"].ndim :]
        window = list(positions(trailing, where["spec"][1:]))
        rows = np.flatnonzero(where["mask"])[: max(used, 0)]
        for k, row in enumerate(rows):
            first = row * math.prod(trailing)
            yield from ((first + offset, k * stride + j) for offset, j in window)


def model(target, values, where, op):
    out = np.array(target).reshape(-1)
    with np.errstate(all="ignore"):
        for offset, j in written(np.shape(target), where):
            if 0 <= offset < out.size and 0 <= j < len(values):
                old, new = out[offset : offset + 1], values[j : j + 1]
                out[offset : offset + 1] = UFUNCS[op](old, new)
    return out.reshape(np.shape(target))


def kind_and_operands(where):
    if "slices" in where:
        return "slices", (ops.encode_spec(spec_rows(where["slices"])),)
    spec = ops.encode_spec(spec_rows(where["spec"]))
    if "offsets" in where:
        return "at", (where["offsets"], spec)
    return "masked", (where["mask"], spec)


def spec_rows(rows):
    return np.array(rows, np.int64).reshape(-1, 4)


def numbers(rng, shape, dtype):
    dtype = jnp.dtype(dtype)
    if dtype == np.bool_:
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    real = np.round(rng.normal(size=shape) * 4, 2)
    if dtype.kind == "c":
        with np.errstate(all="ignore"):
            return np.asarray(real + 1j * np.round(rng.normal(size=shape) * 2)).astype(dtype)
    real = np.where(rng.random(shape) < 0.1, rng.choice([np.nan, np.inf, -np.inf], shape), real)
    return real.astype(dtype)


# --- random indices -------------------------------------------------------------------------------


def random_rows(rng, shape, wild=False):
    """Rows (start, count, step, stride) and the number of values that they need."""
    rows, strides = [], 1
    for size in reversed(shape):
        if wild:
            start, step = rng.integers(-3, size + 3), rng.integers(1, 4) * rng.choice([-1, 1])
            rows.append((start, rng.integers(0, size + 3), step, rng.integers(-2, 4)))
            continue
        length = rng.integers(0, size + 1)
        step = int(rng.integers(1, 4)) * int(rng.choice([-1, 1]))
        bounds = slice(*rng.integers(-size, size + 1, 2), step)
        if rng.random() < 0.3:
            bounds = slice(None, None, step)
        positions_ = range(*bounds.indices(size))
        length = len(positions_)
        start = positions_[0] if length else 0
        if rng.random() < 0.3:
            rows.append((start, length, step, 0))
        else:
            rows.append((start, length, step, strides))
            strides *= max(length, 1)
    return [tuple(int(x) for x in row) for row in reversed(rows)], strides


def random_where(rng, kind, shape, wild=False, split=None):
    """Draw operands of a kind; `split` is how many dimensions a mask covers."""
    size = math.prod(shape)
    if kind == "slices":
        return {"slices": random_rows(rng, shape, wild)[0]}
    if split is None:
        split = int(rng.integers(0, len(shape) + 1))
    if kind == "masked":
        rows, stride = random_rows(rng, shape[split:], wild)
        mask = rng.random(shape[:split]) < rng.random()
        used = rng.integers(0, mask.size + 2) if wild else mask.sum()
        first = (0, int(used), 0, int(rng.choice([0, stride])))
        return {"mask": np.asarray(mask), "spec": [first, *rows]}
    # Some dimensions by offsets, the others by slices.
    by_offset = rng.random(len(shape)) < 0.6
    rows, stride = random_rows(rng, shape, wild)
    rows = [POINT if b else row for b, row in zip(by_offset, rows, strict=True)]
    offsets = np.zeros(8, np.int32)
    for n, s, b in zip(shape, row_major(shape), by_offset, strict=True):
        offsets += rng.integers(0, n, 8).astype(np.int32) * (s if b else 0)
    used = int(rng.integers(0, 9))
    offsets[used:] = -1
    if wild:
        offsets = rng.integers(-2, size + 2, 8).astype(np.int32)
    return {"offsets": offsets, "spec": [(0, used, 0, int(rng.choice([0, stride]))), *rows]}
