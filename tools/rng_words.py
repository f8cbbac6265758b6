"""Sequences of 32-bit words that show different faults of a random number generator.

Each construction yields NumPy arrays uint32 without end, made by the kernels of this package:

raw
    What a state draws: long runs of words, one run for each step of the state.
splits
    The subkeys of consecutive splits, chain after chain: what `RandomState.split_key` hands out.
lanes
    The words of many generators taken in turns, which are keyed by one `split_keys`: what batched
    simulations see side by side.
strided
    Every second, third, ... word of a long run, then those left out, and so on.

A fault in how keys are derived shows in `splits` and `lanes`, one in how counters become words in
`raw` and `strided`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import jax
import numpy as np

from brainvar import ops

__all__ = ["CONSTRUCTIONS", "STREAMS", "words"]

STREAMS = ("original", "partitionable")
_STRIDES = (2, 3, 64, 1009, 4096)


def words(
    construction: str, stream: str, seed: int = 0, block: int = 2**22
) -> Iterator[np.ndarray]:
    """Yield the words of a construction.

    Parameters
    ----------
    construction : {'raw', 'splits', 'lanes', 'strided'}
        See the page of the module.
    stream : {'original', 'partitionable'}
        The counter layout.
    seed : int
        In [0, 2**64).
    block : int, a power of two of at least 2**12
        About how many words are made at a time.

    Yields
    ------
    numpy.ndarray
        uint32, one-dimensional and contiguous.
    """
    make = CONSTRUCTIONS[construction]
    key = ops.seed_to_key(seed)
    for count in range(2**62):
        key, out = make(key, block, stream, count)
        yield np.ascontiguousarray(out).reshape(-1)


def _raw(key, block: int, stream: str, count: int):
    del count
    following, out = _bits(key, block, stream)
    return following, np.asarray(out)


def _splits(key, block: int, stream: str, count: int):
    del count
    following, first = ops.advance(key, 1, stream=stream)
    # 64 chains, so that the kernel has something to do in each step.
    chains = ops.split(first[0], 64, stream=stream)
    subkeys = _chain(chains, block // 128, stream)  # (step, chain, word)
    return following, np.swapaxes(np.asarray(subkeys), 0, 1)


def _lanes(key, block: int, stream: str, count: int):
    del count
    lanes = min(1024, block // 64)
    following, keys = ops.advance(key, lanes, stream=stream)
    return following, np.asarray(ops.bits(keys, (block // lanes,), stream=stream)).T


def _strided(key, block: int, stream: str, count: int):
    following, out = _bits(key, block, stream)
    stride = _STRIDES[count % len(_STRIDES)]
    rows = block // stride
    return following, np.asarray(out)[: rows * stride].reshape(rows, stride).T


CONSTRUCTIONS: dict[str, Callable] = {
    "raw": _raw,
    "splits": _splits,
    "lanes": _lanes,
    "strided": _strided,
}


@functools.partial(jax.jit, static_argnums=(1, 2))
def _bits(key, block: int, stream: str):
    return ops.advance_bits(key, (block,), 32, stream=stream)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _chain(keys, steps: int, stream: str):
    def step(keys, _):
        following, subkeys = ops.advance(keys, 1, stream=stream)
        return following, subkeys[:, 0]

    return jax.lax.scan(step, keys, None, length=steps)[1]
