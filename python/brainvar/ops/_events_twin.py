"""The twin of event-driven accumulation: pure JAX, at a cost of the active rows only.

The loop looks for the next active row in two levels (blocks of about sqrt(rows), then within
one block) and scatter-adds that row alone. Measured against other ways on two CPU cores,
4000 rows of 80 synapses, float32, JAX 0.10.2 (microseconds per call with 8 / 400 / 4000 rows
active, of which some 70 are the dispatch of any reduction over the spikes):

=========================================  =====================
two-level search, one row per scatter      138 / 313 / 1340
``lax.cond`` in a loop over all rows       323 / 422 / 980
``nonzero`` first, then a loop             265 / 404 / 1160
masked scatter of the whole table          488 / 633 / 724
=========================================  =====================

Only the first and third do not grow with the table, and the third's ``nonzero`` costs more
than the search. Rows are added in order, so the result is deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

#: Synapses of one CSR row that are scattered at a time.
CSR_CHUNK = 128

_SCATTER = lax.ScatterDimensionNumbers(
    update_window_dims=(),
    inserted_window_dims=(0, 1),
    scatter_dims_to_operand_dims=(0, 1),
)


def _scatter_row(target: Array, lane: Array, columns: Array, values: Array) -> Array:
    """``target[lane, columns] += values``; columns outside of the target are dropped."""
    lanes = jnp.full_like(columns, lane)
    where = jnp.stack([lanes, columns], axis=-1)
    # lax's scatter, unlike `.at`, does not count negative indices from the end: they drop too.
    return lax.scatter_add(target, where, values, _SCATTER, mode=lax.GatherScatterMode.FILL_OR_DROP)


def _for_each_active(active: Array, carry: Any, visit: Callable[[Array, Any], Any]) -> Any:
    """Fold ``visit(row, carry)`` over the rows where ``active`` (bool[n]) holds, in order."""
    n = active.shape[0]
    block = 1 << max(3, round(math.log2(n) / 2))
    n_blocks = -(-n // block)
    blocks = jnp.pad(active, (0, n_blocks * block - n)).reshape(n_blocks, block)
    busy = blocks.any(axis=1)
    block_ids = lax.iota(np.int32, n_blocks)
    row_ids = lax.iota(np.int32, block)

    def next_block(start: Any) -> Array:
        return jnp.min(jnp.where(busy & (block_ids >= start), block_ids, np.int32(n_blocks)))

    def visit_block(state: Any) -> Any:
        b, carry = state
        rows = lax.dynamic_index_in_dim(blocks, b, keepdims=False)

        def next_row(start: Any) -> Array:
            return jnp.min(jnp.where(rows & (row_ids >= start), row_ids, np.int32(block)))

        def visit_row(state: Any) -> Any:
            r, carry = state
            return next_row(r + np.int32(1)), visit(b * np.int32(block) + r, carry)

        _, carry = lax.while_loop(lambda s: s[0] < block, visit_row, (next_row(np.int32(0)), carry))
        return next_block(b + np.int32(1)), carry

    first = next_block(np.int32(0))
    return lax.while_loop(lambda s: s[0] < n_blocks, visit_block, (first, carry))[1]


def _at(x: Array, i: Array) -> Array:
    return lax.dynamic_index_in_dim(x, i, keepdims=False)


def _row_scale(spikes: Array, i: Array, values: Array) -> Array:
    return values if spikes.dtype == np.bool_ else values * _at(spikes, i)


def add_events(target: Array, spikes: Array, targets: Array, weights: Array) -> Array:
    """Accumulate: T[B, n_post], bool or T [B, n_pre], s32[n_pre, K], T[] or T[n_pre, K]."""
    n_pre, fanout = targets.shape
    if 0 in (*target.shape, n_pre, fanout):
        return target
    flat = spikes.reshape(-1)

    def visit(i: Array, out: Array) -> Array:
        lane, row = lax.div(i, np.int32(n_pre)), lax.rem(i, np.int32(n_pre))
        values = _at(weights, row) if weights.ndim else jnp.full((fanout,), weights)
        return _scatter_row(out, lane, _at(targets, row), _row_scale(flat, i, values))

    return _for_each_active(flat != 0, target, visit)


def add_events_csr(
    target: Array, spikes: Array, indptr: Array, indices: Array, weights: Array
) -> Array:
    """Accumulate by CSR: indptr s32|s64[n_pre + 1], indices s32[nnz], weights T[] or T[nnz]."""
    n_pre, nnz = spikes.shape[1], indices.shape[0]
    if 0 in (*target.shape, n_pre, nnz):
        return target
    flat = spikes.reshape(-1)
    chunk = min(CSR_CHUNK, nnz)
    limit = np.array(nnz, indptr.dtype)
    offsets = lax.iota(indptr.dtype, chunk)

    def visit(i: Array, out: Array) -> Array:
        lane, row = lax.div(i, np.int32(n_pre)), lax.rem(i, np.int32(n_pre))
        # Clipped, so that a wrong table can at worst add wrong synapses.
        begin = jnp.clip(_at(indptr, row), 0, limit)
        end = jnp.clip(_at(indptr, row + np.int32(1)), 0, limit)

        def add_chunk(state: Any) -> Any:
            position, out = state
            # The last chunk is moved back to stay inside the table; what was before
            # `position` has been added already and is masked.
            start = jnp.minimum(position, limit - chunk)
            here = offsets + start
            columns = lax.dynamic_slice_in_dim(indices, start, chunk)
            columns = jnp.where((here >= position) & (here < end), columns, np.int32(-1))
            if weights.ndim:
                values = lax.dynamic_slice_in_dim(weights, start, chunk)
            else:
                values = jnp.full((chunk,), weights)
            out = _scatter_row(out, lane, columns, _row_scale(flat, i, values))
            return position + jnp.minimum(end - position, chunk), out

        return lax.while_loop(lambda s: s[0] < end, add_chunk, (begin, out))[1]

    return _for_each_active(flat != 0, target, visit)
