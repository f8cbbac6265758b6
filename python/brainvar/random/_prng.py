"""The kernels as a JAX PRNG implementation: keys of `jax.random.key` that run on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jax import Array, lax
from jax.extend.random import define_prng_impl

from brainvar.ops import _in_program as in_program
from brainvar.ops._primitive import STREAMS, stream_name

__all__ = ["impl_stream", "threefry_prng_impl"]

_UINT32 = np.dtype(np.uint32)


def threefry_prng_impl(stream: str) -> Any:
    """Return this package's Threefry-2x32 as a PRNG implementation for `jax.random`.

    Keys of it drive all of `jax.random` and what is built on that: key handling and random bits
    come from the kernels of this package, under every transform of JAX, and what `jax.random`
    computes from the bits is computed by JAX as ever.

    Parameters
    ----------
    stream : {'original', 'partitionable'}
        The counter layout. A key of 'partitionable' gives, bit for bit, the numbers of JAX's own
        ``impl='threefry2x32'`` for the same seed; one of 'original' those which that gives under
        ``jax_threefry_partitionable=False``. Neither depends on that flag.

    Returns
    -------
    hashable
        To be given as ``impl=`` to `jax.random.key` and `jax.random.wrap_key_data`: what
        `jax.random.key_impl` returns for such a key. The same object in every call with the same
        stream.

    Raises
    ------
    ValueError
        If `stream` is not the name of a layout.

    Notes
    -----
    The seed `s` gives the key ``[s >> 32, s & 0xffffffff]``, as in JAX, which cuts an integer
    seed to 32 bits before any implementation sees it, unless ``jax_enable_x64`` is on. All 64
    bits are kept by ``jax.random.wrap_key_data(brainvar.ops.seed_to_key(s), impl=...)``.

    `jax.random.poisson` refuses every implementation but JAX's own, by identity. The numbers that
    it would have given to a partitionable key are those that it gives to
    ``jax.random.wrap_key_data(jax.random.key_data(key), impl='threefry2x32')``.

    Examples
    --------
    >>> import jax, brainvar
    >>> key = jax.random.key(0, impl=brainvar.threefry_prng_impl("partitionable"))
    >>> jax.random.normal(key, 3)
    Array([ 1.6226422 ,  2.0252647 , -0.43359444], dtype=float32)
    """
    return _IMPLEMENTATIONS[stream_name(stream)]


def impl_stream(impl: Any) -> str | None:
    """Return the counter layout of an implementation made here, None for any other."""
    return next((stream for stream, ours in _IMPLEMENTATIONS.items() if impl == ours), None)


# What an implementation consists of: functions of one raw key, uint32[2]. JAX makes those of
# key arrays of any shape by vmap. Each is a function of this module, so that JAX's pickles of
# implementations and key arrays find it by name.


def _seed(seed: Array) -> Array:
    if seed.ndim:
        raise TypeError(f"a seed must be a scalar, got an array of shape {seed.shape}")
    if not np.issubdtype(seed.dtype, np.integer):
        raise TypeError(f"a seed must be an integer, got {seed.dtype}")
    low = lax.convert_element_type(seed, _UINT32)
    if seed.dtype.itemsize == 8:
        upper = lax.shift_right_logical(seed, lax.full_like(seed, 32))
        high = lax.convert_element_type(upper, _UINT32)
    else:
        high = lax.full_like(low, 0)
    return lax.concatenate([high[None], low[None]], 0)


def _fold_in(key: Array, data: Any) -> Array:
    return in_program.fold_in(key, data)


def _split(key: Array, shape: tuple[int, ...], stream: str) -> Array:
    keys = in_program.split(key, math.prod(shape), stream=stream)
    return keys if len(shape) == 1 else keys.reshape(*shape, 2)


def _original_split(key: Array, shape: tuple[int, ...]) -> Array:
    return _split(key, tuple(shape), "original")


def _original_bits(key: Array, width: int, shape: tuple[int, ...]) -> Array:
    return in_program.bits(key, tuple(shape), width, stream="original")


def _partitionable_split(key: Array, shape: tuple[int, ...]) -> Array:
    return _split(key, tuple(shape), "partitionable")


def _partitionable_bits(key: Array, width: int, shape: tuple[int, ...]) -> Array:
    return in_program.bits(key, tuple(shape), width, stream="partitionable")


def _define(stream: str, split: Callable[..., Array], bits: Callable[..., Array]) -> Any:
    return define_prng_impl(
        key_shape=(2,),
        seed=_seed,
        split=split,
        random_bits=bits,
        fold_in=_fold_in,
        name=f"brainvar_threefry_{stream}",
        tag=f"bvt-{stream}",  # printed as the dtype of keys: key<bvt-original>
    )


_IMPLEMENTATIONS = {
    "original": _define("original", _original_split, _original_bits),
    "partitionable": _define("partitionable", _partitionable_split, _partitionable_bits),
}
assert tuple(_IMPLEMENTATIONS) == STREAMS
