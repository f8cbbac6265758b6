"""How a kernel is cut among devices: each computes its own block, and nothing is exchanged.

XLA cannot look into a kernel. Left alone with one, it runs the whole of it on every device.
`partitioned` wraps one so that XLA's partitioner asks here what a device has to do for the
sharding that it, or the user, has decided on. It is for kernels whose every result element
depends on the position of the element and on the operands there, such as counter-based random
numbers::

    def sharded(key, scale, *, shape, stream):  # `scale` has the shape of the result
        def block(tile, local, key, scale):
            return kernel_block_p.bind(key, tile, scale, shape=shape, local=local, stream=stream)

        return partitioned(
            lambda key, scale: kernel_p.bind(key, scale, shape=shape, stream=stream),
            block,
            (key, scale),
            dims=((None,), tuple(range(len(shape)))),
        )

    kernel_p = define_primitive(..., sharded=twin_of_positions, sharded_native=sharded)

Here ``twin_of_positions`` is a pure JAX function that computes each element from its position, by
elementwise operations on ``iota`` and the operands. XLA cuts such a function well by itself; it
serves where there are no kernels, and where a program is cut in a way that no partitioner of ours
is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from brainvar._compat import custom_partitioning, partition_devices

_AXIS = "parts"

Dims = tuple[int | None, ...]


class _Cut:
    """How an array of `rank` dimensions is cut into tiles.

    Attributes
    ----------
    counts : tuple of ints
        Tiles in each dimension.
    tiles : int array [parts, rank]
        The tile of each part of the program.
    """

    def __init__(self, sharding: Any, rank: int, devices: Sequence[Any]):
        parts = len(devices)
        if sharding is None or rank == 0 or sharding.is_fully_replicated:
            self.counts = (1,) * rank
            self.tiles = np.zeros((parts, rank), np.int32)
            return
        # Every number of tiles divides the number of parts, so an array that has as many
        # elements in each dimension shows the tiles.
        table = sharding.devices_indices_map((parts,) * rank)
        bounds = np.array(
            [[index.indices(parts)[:2] for index in table[device]] for device in devices]
        )
        length = bounds[0, :, 1] - bounds[0, :, 0]
        self.counts = tuple(int(parts // n) for n in length)
        self.tiles = (bounds[:, :, 0] // length).astype(np.int32)

    def of(self, dims: Dims) -> tuple[tuple[int, ...], np.ndarray]:
        """Return the counts and tiles of an operand with these dimensions."""
        counts = tuple(1 if d is None else self.counts[d] for d in dims)
        whole = np.zeros(len(self.tiles), np.int32)
        columns = [whole if d is None else self.tiles[:, d] for d in dims]
        return counts, np.stack(columns, axis=1) if dims else self.tiles[:, :0]


def _lookup(values: np.ndarray, part: Array) -> Array:
    """``values[part]``, without an array constant, which JAX does not take here."""
    most, parts = int(values.max()) + 1, len(values)
    if most == 1:
        return jnp.int32(0)
    for step in (d for d in range(1, parts + 1) if parts % d == 0):
        if np.array_equal(np.arange(parts) // step % most, values):  # a mesh, row by row
            return lax.rem(lax.div(part, jnp.int32(step)), jnp.int32(most))
    return jnp.stack([jnp.int32(int(v)) for v in values])[part]


def _own(operand: Array, dims: Dims, counts: Sequence[int], tile: Sequence[Array]) -> Array:
    """Cut this device's part out of an operand that is here in full."""
    sizes = [
        n if d is None else -(-n // counts[d]) for n, d in zip(operand.shape, dims, strict=True)
    ]
    padding = [
        (0, 0 if d is None else size * counts[d] - n)
        for n, size, d in zip(operand.shape, sizes, dims, strict=True)
    ]
    start = [
        jnp.int32(0) if d is None else tile[d] * jnp.int32(size)
        for size, d in zip(sizes, dims, strict=True)
    ]
    return lax.dynamic_slice(jnp.pad(operand, padding), start, sizes)


def _rule(dims: Sequence[Dims], rank: int, whole: Sequence[int]) -> tuple[str, tuple[str, ...]]:
    """Return Shardy's rule, and the factors that are not to be cut."""
    operands = [
        [f"w{i}x{j}" if d is None else f"r{d}" for j, d in enumerate(operand)]
        for i, operand in enumerate(dims)
    ]
    result = [f"r{d}" for d in range(rank)]
    # In the order in which they appear, as Shardy wants them.
    names = dict.fromkeys(name for side in (*operands, result) for name in side)
    fixed = tuple(n for n in names if n[0] == "w" or int(n[1:]) in whole)
    return f"{', '.join(map(' '.join, operands))} -> {' '.join(result)}", fixed


def partitioned(
    function: Callable[..., Array],
    block: Callable[..., Array],
    operands: Sequence[Any],
    *,
    dims: Sequence[Dims],
    whole: Sequence[int] = (),
) -> Array:
    """Call a function of arrays such that XLA's partitioner can cut its result.

    To be used while lowering for several devices only (see ``sharded_native`` of
    `define_primitive`); the result is the same as that of ``function(*operands)``.

    Parameters
    ----------
    function : callable
        ``function(*operands)``: the whole result on one device.
    block : callable
        ``block(tile, local, *own)``: one block of the result. `tile` is an int32 array with the
        index of the block in each dimension, `local` the block's shape, so the block begins at
        ``tile * local``. Where a dimension does not divide evenly, the last blocks reach past
        its end: what they have there is never used. `own` are the operands, cut alike.
    operands : sequence of arrays
    dims : sequence of tuples
        For each operand the dimension of the result that each of its dimensions goes along with;
        None for one that every device needs in full.
    whole : sequence of ints
        Dimensions of the result that are never cut.

    Notes
    -----
    The result must have an element, and a dimension that can be cut. What has none is for
    ``everywhere`` of `define_primitive`; calling `function` here would lower it once more.
    """
    result = jax.eval_shape(function, *operands)
    rank = result.ndim

    def partition(mesh: Any, given: Any, wanted: Any) -> Any:
        del mesh
        sharding = wanted.sharding
        devices = partition_devices(sharding)
        mesh = Mesh(np.array(devices), (_AXIS,))
        everywhere = NamedSharding(mesh, PartitionSpec())
        cut = _Cut(sharding, rank, devices)
        if all(n == 1 for n in cut.counts) or any(cut.counts[d] > 1 for d in whole):
            return mesh, function, everywhere, (everywhere,) * len(operands)
        local = tuple(-(-n // k) for n, k in zip(result.shape, cut.counts, strict=True))

        shardings, here = [], []
        for x, operand_dims in zip(given, dims, strict=True):
            if operand_dims == tuple(range(rank)):
                shardings.append(sharding)
                here.append(True)
                continue
            counts, tiles = cut.of(operand_dims)
            found = _Cut(x.sharding, len(operand_dims), devices)
            alike = found.counts == counts and np.array_equal(found.tiles, tiles)
            shardings.append(x.sharding if alike and max(counts, default=1) > 1 else everywhere)
            here.append(alike)

        def lowered(*args: Array) -> Array:
            part = lax.axis_index(_AXIS)
            tile = [_lookup(cut.tiles[:, d], part) for d in range(rank)]
            own = [
                x if is_here else _own(x, operand_dims, cut.counts, tile)
                for x, operand_dims, is_here in zip(args, dims, here, strict=True)
            ]
            return block(jnp.stack(tile), local, *own)

        return mesh, lowered, sharding, tuple(shardings)

    call = custom_partitioning(lambda *args: function(*args))
    rule, fixed = _rule(dims, rank, whole)
    call.def_partition(
        partition,
        decode_shardings=False,
        sharding_rule=rule,
        need_replication_factors=fixed,
    )
    return call(*operands)
