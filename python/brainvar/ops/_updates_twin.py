"""The twin of the in-place updates: pure JAX, with every index a run-time value.

All operands may carry leading batch dimensions, all of them equally many; those of an operand
other than the target may be 1. A *spec* u32[*batch, rows, 4, 2] holds one row (start, count, step,
stride) per dimension, as 64-bit integers in two 32-bit words: positions ``start + q * step`` for
``0 <= q < count``, and ``stride`` is how far the flat ``values`` advance from one ``q`` to the next
(0: they are broadcast). What a spec names outside of the target or of the values is left out.

Slices and masks are computed elementwise over the target, which fuses into one pass on every
platform; on CPUs small slices are scattered instead. Index arrays are scattered, a block of writes
at a time, and need no memory of the target's size: among duplicates of one block the last write is
found by a sort.

Indices are 64-bit inside, whether or not 64-bit types are enabled outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import enable_x64

#: Least number of writes in a block, where a block may be longer than the index arrays, and most.
MIN_BLOCK, MAX_BLOCK = 256, 2**20

#: How many elements are computed elementwise in the time of one scattered write, on CPUs.
SPARSE = 8

#: Bound on what a row may hold; beyond it nothing can be inside of an array.
_FAR = 2**62


def decode(words: Array) -> Array:
    """Join pairs of words (low, high) to int64: u32[..., 2] -> s64[...]."""
    low, high = words[..., 0].astype(np.int64), words[..., 1].astype(np.int64)
    return low | (high << 32)


def _by_lane(x: Array, spec: Array) -> Array:
    """Join the batch dimensions, as many as the spec has, to one."""
    batch = spec.ndim - 3
    return x.reshape(math.prod(x.shape[:batch]), *x.shape[batch:])


# --- rows of a spec ------------------------------------------------------------------------------


class _Rows(NamedTuple):
    """Decoded rows s64[S, n] of which every position is inside of its dimension."""

    start: Array
    count: Array
    step: Array
    stride: Array
    base: Array  # s64[S]: index of the value of the first position


def _inside_rows(spec: Array, sizes: tuple[int, ...]) -> _Rows:
    """Cut rows s64[S, n, 4] to the positions inside of dimensions of these sizes."""
    start, count, step = (jnp.clip(spec[..., i], -_FAR, _FAR) for i in range(3))
    stride = spec[..., 3]
    size = np.array(sizes, np.int64)
    stretch = jnp.maximum(jnp.abs(step), 1)
    rising = step >= 0
    # Distance from the near end of the dimension, in the direction of travel.
    ahead = jnp.where(rising, start, size - 1 - start)
    skipped = jnp.where(ahead < 0, (stretch - 1 - ahead) // stretch, 0)
    ahead = ahead + skipped * stretch
    fitting = jnp.where(ahead < size, (size - 1 - ahead) // stretch + 1, 0)
    count = jnp.clip(count - skipped, 0, fitting)
    count = jnp.where(step == 0, jnp.minimum(count, 1), count)
    start = jnp.where(count > 0, start + skipped * step, 0)
    base = (skipped * stride).sum(-1)
    return _Rows(start, count, jnp.where(count > 1, step, 1), stride, base)


def _along(size: int, rows: _Rows, row: int) -> tuple[Array, Array]:
    """Which positions of a dimension a row names, and the index of their values: [S, size]."""
    # All of it fits into the narrower type if the size does, and division costs.
    narrow = np.int32 if size <= np.iinfo(np.int32).max else np.int64
    start, count, step = (x[:, row, None].astype(narrow) for x in rows[:3])
    ahead = lax.iota(narrow, size) - start
    nth = lax.div(ahead, step)
    named = (nth * step == ahead) & (nth >= 0) & (nth < count)
    return named, nth.astype(np.int64) * rows.stride[:, row, None]


def _over(first: int, dims: tuple[int, ...], rows: _Rows) -> tuple[Array, Array]:
    """``_along`` for all of ``dims``, which follow ``first`` dimensions of size 1."""
    named: Any = np.True_
    index: Any = rows.base.reshape(-1, *[1] * (first + len(dims)))
    for row, size in enumerate(dims):
        shape = [1] * (1 + first + len(dims))
        shape[1 + first + row] = size
        here, part = _along(size, rows, row)
        shape[0] = here.shape[0]
        named, index = named & here.reshape(shape), index + part.reshape(shape)
    return named, index


# --- operations ----------------------------------------------------------------------------------


def combine(op: str, old: Array, new: Array) -> Array:
    """Return ``op(old, new)``, elementwise; ``add`` and ``multiply`` of booleans are or and and."""
    if op == "set":
        return new
    if old.dtype == np.bool_:
        return old | new if op in ("add", "maximum") else old & new
    if op == "add":
        return old + new
    if op == "multiply":
        return old * new
    if not jnp.issubdtype(old.dtype, np.complexfloating):
        return (lax.min if op == "minimum" else lax.max)(old, new)
    # Lexicographic, and the first NaN wins: as NumPy.
    x, y = (old, new) if op == "minimum" else (new, old)
    keep = (x.real < y.real) | ((x.real == y.real) & (x.imag <= y.imag))
    return jnp.where(jnp.isnan(old) | keep & ~jnp.isnan(new), old, new)


def _split_lanes(x: Array, batch: tuple[int, ...]) -> Array:
    """Undo ``_by_lane``; one lane for all gets dimensions of 1."""
    return x.reshape(*((1,) * len(batch) if x.shape[0] == 1 else batch), *x.shape[1:])


def _elementwise(
    target: Array, values: Array, spec: Array, named: Array, index: Array, op: str
) -> Array:
    # The target keeps its shape: a reshape would keep XLA from working in its memory.
    batch = target.shape[: spec.ndim - 3]
    values = _by_lane(values, spec)
    lanes, size = values.shape
    inside = named & (index >= 0) & (index < size)
    if size == 1:
        new = values.reshape(lanes, *[1] * (index.ndim - 1))
    else:
        lane = np.arange(lanes).reshape(-1, *[1] * (index.ndim - 1))
        new = values.at[lane, jnp.clip(index, 0, size - 1)].get(mode="promise_in_bounds")
    new = jnp.broadcast_to(_split_lanes(new, batch), target.shape)
    return jnp.where(_split_lanes(inside, batch), combine(op, target, new), target)


def _by_slices(dims: tuple[int, ...], spec: Array) -> tuple[Array, Array]:
    return _over(0, dims, _inside_rows(decode(_by_lane(spec, spec)), dims))


def update_slices(target: Array, values: Array, spec: Array, *, op: str) -> Array:
    """T[*batch, *dims], T[*batch, m], u32[*batch, ndim, 4, 2] -> T[*batch, *dims]."""
    if target.size == 0 or values.size == 0:
        return target

    def dense(target: Array, values: Array, spec: Array) -> Array:
        named, index = _by_slices(target.shape[spec.ndim - 3 :], spec)
        return _elementwise(target, values, spec, named, index, op)

    def sparse(target: Array, values: Array, spec: Array) -> Array:
        dims = target.shape[spec.ndim - 3 :]
        writes = _Writes(dims, *_as_offset(spec), _by_lane(values, spec).shape[1])
        many = jnp.max(writes.total) * SPARSE >= writes.elements
        writes.blocks = jnp.where(many, 0, writes.blocks)
        # A loop of one round or none: XLA copies the operand of a conditional.
        state = lax.while_loop(
            lambda state: state[0],
            lambda state: (jnp.zeros((), bool), dense(state[1], values, spec)),
            (many, target),
        )
        return _scatter_all(writes, state[1], values, spec, op, distinct=True)

    with enable_x64(True):
        return lax.platform_dependent(target, values, spec, cpu=sparse, default=dense)


def _true_before(mask: Array) -> Array:
    """Count the True elements before each one, in row-major order within its lane."""
    flat = mask.reshape(mask.shape[0], -1)
    flat = flat.astype(np.int32 if flat.shape[1] <= np.iinfo(np.int32).max else np.int64)
    return (jnp.cumsum(flat, axis=1, dtype=flat.dtype) - flat).reshape(mask.shape)


def _by_mask(dims: tuple[int, ...], mask: Array, spec: Array) -> tuple[Array, Array]:
    mask, rows = _by_lane(mask, spec), decode(_by_lane(spec, spec))
    leading, rank = mask.ndim - 1, len(dims)
    trailing = dims[leading:]
    named, index = _over(leading, trailing, _inside_rows(rows[:, 1:], trailing))
    mask = mask.reshape(*mask.shape, *[1] * len(trailing))
    nth = _true_before(mask)
    used, stride = (rows[:, 0, i].reshape(-1, *[1] * rank) for i in (1, 3))
    return named & mask & (nth < used), index + nth * stride


def update_masked(target: Array, values: Array, mask: Array, spec: Array, *, op: str) -> Array:
    """T[*batch, *dims], T[*batch, m], bool[*batch, *leading], u32[*batch, 1 + trailing, 4, 2]."""
    if target.size == 0 or values.size == 0:
        return target
    with enable_x64(True):
        named, index = _by_mask(target.shape[spec.ndim - 3 :], mask, spec)
        return _elementwise(target, values, spec, named, index, op)


# --- index arrays --------------------------------------------------------------------------------


class _Writes:
    """The writes of a list of offsets, numbered in the order in which they happen.

    Parameters
    ----------
    dims : tuple of int
        Of the target, without the batch dimension.
    offsets : int64 array [O, K]
        Row-major element offsets; a negative one writes nothing.
    spec : int64 array [S, ndim + 1, 4]
        Its first row holds how many offsets are in use, and the stride of their values.
    size : int
        Number of values.
    """

    def __init__(self, dims: tuple[int, ...], offsets: Array, spec: Array, size: int) -> None:
        self.dims, self.offsets, self.size = dims, offsets, size
        self.elements = math.prod(dims)
        self.rows = _inside_rows(spec[:, 1:], dims)
        self.used = jnp.clip(spec[:, 0, 1], 0, offsets.shape[1])
        self.stride = spec[:, 0, 3]
        #: Writes per offset, s64[S], and in all.
        self.each = jnp.prod(self.rows.count, axis=1)
        self.total = self.used * self.each
        length = offsets.shape[1]
        least = MIN_BLOCK if length == 1 or len(dims) > 1 else 1
        self.block = min(length * self.elements, max(length, size, least), MAX_BLOCK)
        self.blocks = -(-jnp.max(self.total) // self.block)

    def of_block(self, block: Array) -> tuple[Array, Array]:
        """Offsets and indices of values of a block's writes, s64[G, n].

        An offset equal to the number of elements marks what is not to be written.
        """
        number = block * self.block + lax.iota(np.int64, self.block)
        each = jnp.maximum(self.each, 1)[:, None]
        nth = number // each
        rest = number - nth * each
        index = self.rows.base[:, None] + nth * self.stride[:, None]
        lane = np.arange(self.offsets.shape[0])[:, None]
        nth = jnp.minimum(nth, self.offsets.shape[1] - 1)
        offset = first = self.offsets.at[lane, nth].get(mode="promise_in_bounds")
        length = 1
        for row in reversed(range(len(self.dims))):
            start, count, step, stride = (x[:, row, None] for x in self.rows[:4])
            count = jnp.maximum(count, 1)
            position = rest % count
            rest = rest // count
            offset = offset + (start + position * step) * length
            index = index + position * stride
            length *= self.dims[row]
        written = (number < self.total[:, None]) & (first >= 0) & (offset < self.elements)
        written &= (index >= 0) & (index < self.size)
        offset = jnp.where(written, offset, self.elements)
        return offset, jnp.broadcast_to(jnp.clip(index, 0, self.size - 1), offset.shape)

    def fold(self, visit: Callable[[Array, Array, Any], Any], carry: Any, reverse: bool) -> Any:
        """Fold ``visit(offset, index, carry)`` over the blocks."""

        def step(state: Any) -> Any:
            done, carry = state
            block = self.blocks - 1 - done if reverse else done
            return done + 1, visit(*self.of_block(block), carry)

        start = (jnp.zeros((), np.int64), carry)
        return lax.while_loop(lambda state: state[0] < self.blocks, step, start)[1]


def _sorted(offset: Array, index: Array, elements: int) -> tuple[Array, Array, Array]:
    """Sort writes by offset, keeping the order of duplicates; the third: who is the last of one."""
    # Offset and order in one number: a sort of single numbers is several times faster. It fits:
    # blocks are bounded.
    length = offset.shape[1]
    order = lax.broadcasted_iota(np.int64, offset.shape, 1)
    both = lax.sort(offset * length + order, dimension=1, is_stable=False)
    offset = both // length
    order = both - offset * length
    following = jnp.pad(offset[:, 1:], ((0, 0), (0, 1)), constant_values=elements)
    index = jnp.take_along_axis(index, order, axis=1)
    return offset, index, (offset != following) & (offset < elements)


def _lanes(x: Array, column: Array) -> tuple[Array, Array]:
    """Return the indices of ``x[lane, column]`` for all lanes; one of ``column`` may serve all."""
    lane = np.arange(x.shape[0], dtype=np.int64)[:, None]
    return jnp.broadcast_to(lane, (x.shape[0], column.shape[1])), column


def _read(x: Array, column: Array) -> Array:
    return x.at[_lanes(x, column)].get(mode="fill", fill_value=0)


def _scan_runs(offset: Array, values: Array, op: str) -> Array:
    """Combine the values of equal sorted offsets, up to and including each."""
    first = jnp.pad(offset[:, 1:] != offset[:, :-1], ((0, 0), (1, 0)), constant_values=True)

    def join(left: Any, right: Any) -> Any:
        starts = left[0] | right[0]
        return starts, jnp.where(right[0], right[1], combine(op, left[1], right[1]))

    first = jnp.broadcast_to(first, values.shape)
    return lax.associative_scan(join, (first, values), axis=1)[1]


def _scatter(
    target: Array, values: Array, offset: Array, index: Array, op: str, distinct: bool
) -> Array:
    """Write one block into T[B, elements]: every duplicate counts, or the last one for ``set``."""
    lanes, elements = target.shape
    own = target.dtype == np.bool_ or (
        jnp.issubdtype(target.dtype, np.complexfloating) and op in ("minimum", "maximum")
    )  # not what XLA's scatter computes
    if not distinct and (own or op == "set"):
        offset, index, last = _sorted(offset, index, elements)
        new = _read(values, index)
        if op != "set":
            new = _scan_runs(offset, new, op)
        offset = jnp.where(last, offset, elements)
        distinct = True
    else:
        new = _read(values, index)
    if distinct:
        new, op = combine(op, _read(target, offset), new), "set"
    shape = (lanes, offset.shape[1])
    there = target.at[_lanes(target, jnp.broadcast_to(offset, shape))]
    name = {"minimum": "min", "maximum": "max"}.get(op, op)
    return getattr(there, name)(jnp.broadcast_to(new, shape), mode="drop")


def _scatter_all(
    writes: _Writes, target: Array, values: Array, spec: Array, op: str, distinct: bool
) -> Array:
    values = _by_lane(values, spec)

    def visit(offset: Array, index: Array, flat: Array) -> Array:
        return _scatter(flat, values, offset, index, op, distinct)

    flat = _by_lane(target, spec).reshape(-1, writes.elements)
    return writes.fold(visit, flat, reverse=False).reshape(target.shape)


def _as_offset(spec: Array) -> tuple[Array, Array]:
    """Slices as the single offset 0: offsets s64[1, 1] and rows s64[S, ndim + 1, 4]."""
    rows = jnp.pad(decode(_by_lane(spec, spec)), ((0, 0), (1, 0), (0, 0)))
    return jnp.zeros((1, 1), np.int64), rows.at[:, 0, 1].set(1)


def _decoded(offsets: Array, spec: Array) -> tuple[Array, Array]:
    """Offsets s64[O, K] and rows s64[S, ndim + 1, 4]."""
    lanes = _by_lane(offsets, spec)
    lanes = lanes.astype(np.int64) if offsets.dtype == np.int32 else decode(lanes)
    return lanes, decode(_by_lane(spec, spec))


def update_at(target: Array, values: Array, offsets: Array, spec: Array, *, op: str) -> Array:
    """T[*batch, *dims], T[*batch, m], s32[*batch, K] or u32[*batch, K, 2], u32[*batch, ...]."""
    if target.size == 0 or values.size == 0 or offsets.size == 0:
        return target
    with enable_x64(True):
        dims = target.shape[spec.ndim - 3 :]
        writes = _Writes(dims, *_decoded(offsets, spec), _by_lane(values, spec).shape[1])
        return _scatter_all(writes, target, values, spec, op, distinct=False)


# --- adjoints: the sum of what each value was written to ------------------------------------------


def _take(source: Array, offsets: Array, rows: Array, size: int, last: bool) -> Array:
    writes = _Writes(source.shape[1:], offsets, rows, size)

    def visit(offset: Array, index: Array, carry: Any) -> Any:
        out, flat = carry
        if last:
            offset, index, final = _sorted(offset, index, writes.elements)
            offset = jnp.where(final, offset, writes.elements)
        read = _read(flat, offset)
        out = out.at[_lanes(out, jnp.broadcast_to(index, read.shape))].add(read)
        if last:
            # Nothing for the earlier writes to the same place, in the blocks still to come.
            flat = flat.at[_lanes(flat, jnp.broadcast_to(offset, read.shape))].set(0, mode="drop")
        return out, flat

    flat = source.reshape(source.shape[0], -1)
    out = jnp.zeros((source.shape[0], size), source.dtype)
    return writes.fold(visit, (out, flat), reverse=last)[0]


def _sum_where(source: Array, named: Array, index: Array) -> Array:
    read = jnp.where(named & (index == 0), source, 0)
    return read.reshape(source.shape[0], -1).sum(axis=1, keepdims=True)


def _taken(take: Callable[..., Array]) -> Callable[..., Array]:
    """Make an adjoint of lanes one of batches."""

    def batched(source: Array, *where: Array, size: int, **params: Any) -> Array:
        spec = where[-1]
        shape = (*source.shape[: spec.ndim - 3], size)
        if 0 in (source.size, size, *(x.size for x in where[:-1])):
            return jnp.zeros(shape, source.dtype)
        with enable_x64(True):
            return take(_by_lane(source, spec), *where, size=size, **params).reshape(shape)

    batched.__doc__ = take.__doc__
    return batched


@_taken
def take_slices(source: Array, spec: Array, *, size: int) -> Array:
    """Adjoint of ``update_slices`` in its values: T[*batch, *dims] -> T[*batch, size]."""
    if size == 1:
        return _sum_where(source, *_by_slices(source.shape[1:], spec))
    return _take(source, *_as_offset(spec), size, False)


@_taken
def take_masked(source: Array, mask: Array, spec: Array, *, size: int) -> Array:
    """Adjoint of ``update_masked`` in its values: T[*batch, *dims] -> T[*batch, size]."""
    if size == 1:
        return _sum_where(source, *_by_mask(source.shape[1:], mask, spec))
    mask, rows = _by_lane(mask, spec), decode(_by_lane(spec, spec))
    flat = mask.reshape(mask.shape[0], -1)
    length = flat.shape[1]
    nth = jnp.where(flat, _true_before(flat), length)
    lane = np.arange(flat.shape[0])[:, None]
    there = np.arange(length) * math.prod(source.shape[mask.ndim :])
    offsets = jnp.full(flat.shape, -1, np.int64).at[lane, nth].set(there, mode="drop")
    point = np.array([0, 1, 1, 0], np.int64)
    points = jnp.broadcast_to(point, (rows.shape[0], mask.ndim - 1, 4))
    rows = jnp.concatenate([rows[:, :1], points, rows[:, 1:]], axis=1)
    return _take(source, offsets, rows, size, False)


@_taken
def take_at(source: Array, offsets: Array, spec: Array, *, size: int, last: bool) -> Array:
    """Adjoint of ``update_at`` in its values: T[*batch, *dims] -> T[*batch, size].

    With ``last``, only the last write to an element counts, as for ``set``.
    """
    return _take(source, *_decoded(offsets, spec), size, last)
