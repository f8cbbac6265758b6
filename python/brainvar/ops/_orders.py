"""Random orders: permutations of positions, and shuffles of arrays by them.

One primitive draws the positions; what is shuffled is gathered by them. The twin sorts the
positions by random words, as JAX does; the kernel gives the same order of the same words by
distribution (csrc/cpu/radix.h).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import ShapedArray, x64_enabled
from brainvar.ops import _threefry as twin
from brainvar.ops._primitive import STREAM_CODE, define_primitive, no_tangent, stream_name
from brainvar.ops._sampling import (
    _CACHE,
    Shape,
    _count,
    _need_x64,
    canonical_shape,
    check_key,
    hashable_shape,
)

# --- the primitive -----------------------------------------------------------------------------


def _rounds(size: int) -> int:
    """Return how many times ``size`` elements are sorted, each time by fresh words.

    Words may collide; after ``ceil(3 ln(size) / ln(2**32 - 1))`` rounds (JAX's rule, after the
    analysis in TensorFlow's random_ops.cc) a collision in every round is negligible.
    """
    return math.ceil(3 * np.log(max(1, size)) / np.log(2**32 - 1))


def _whole(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return (*shape[:axis], length, *shape[axis + 1 :])


def _orders_twin(
    key: Array, *, shape: tuple[int, ...], axis: int, length: int, dtype: np.dtype, stream: str
) -> Array:
    batch = key.shape[:-1]
    whole = _whole(shape, axis, length)
    axis += len(batch)
    orders = lax.broadcasted_iota(dtype, (*batch, *whole), axis)
    for _ in range(_rounds(math.prod(whole))):
        key, subkeys = twin.advance(key, n=1, stream=stream)
        words = twin.bits(subkeys[..., 0, :], shape=whole, width=32, stream=stream)
        _, orders = lax.sort_key_val(words, orders, axis)
    return lax.slice_in_dim(orders, 0, shape[axis - len(batch)], axis=axis)


def _orders_eval(
    key: Any, *, shape: tuple[int, ...], axis: int, length: int, dtype: np.dtype, stream: str
) -> Any:
    check_key(key)
    if dtype == np.int64:
        _need_x64("an order of dtype int64", "int32")
    return ShapedArray((*key.shape[:-1], *shape), dtype)


def _orders_batching(args: Sequence[Any], dims: Sequence[int], **params: Any) -> tuple[Any, int]:
    return orders_p.bind(jnp.moveaxis(args[0], dims[0], 0), **params), 0


def _orders_attributes(params: Any) -> dict[str, Any]:
    shape, axis, length = params["shape"], params["axis"], params["length"]
    return {
        "stream": STREAM_CODE[params["stream"]],
        "rounds": np.int64(_rounds(math.prod(_whole(shape, axis, length)))),
        "axis": np.int64(axis),
        "length": np.int64(length),
    }


orders_p = define_primitive(
    "brainvar_orders",
    _orders_twin,
    _orders_eval,
    _orders_batching,
    target="brainvar_threefry_permutation_v1",
    attributes=_orders_attributes,
)
no_tangent(orders_p)


def _bind_orders(key: Any, shape: tuple[int, ...], axis: int, length: int, stream: str) -> Array:
    dtype = np.dtype(np.int64 if x64_enabled() else np.int32)
    if length - 1 > np.iinfo(dtype).max:
        _need_x64(f"an order of {length} elements", "fewer elements")
    return orders_p.bind(
        check_key(key), shape=shape, axis=axis, length=length, dtype=dtype, stream=stream
    )


# --- public functions --------------------------------------------------------------------------


def _axis_of(name: str, what: str, axis: Any, ndim: int) -> int:
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise ValueError(f"{name}: axis {axis} is out of bounds for {what} of {ndim} dimension(s)")
    return axis % ndim


@lru_cache(_CACHE, typed=True)
def _permutation_indices(n: Any, first: Any, stream: Any, x64: bool) -> Any:
    n = _count("n", n)
    wanted = n if first is None else _count("first", first)
    if wanted > n:
        raise ValueError(f"first={wanted}: an order of {n} has no more than {n} elements")
    stream = stream_name(stream)

    def permutation_indices(key: Any) -> Array:
        return _bind_orders(key, (wanted,), 0, n, stream)

    return jax.jit(permutation_indices, inline=True)


def permutation_indices(
    key: Any, n: int, *, first: int | None = None, stream: str = "original"
) -> Array:
    """Draw a permutation of ``0..n-1``, bit for bit as ``jax.random.permutation(key, n)``.

    Parameters
    ----------
    key : uint32[*B, 2]
    n : int
    first : int, optional
        How many elements of the permutation to return, from its beginning: a sample of so many
        without replacement, at less than the cost of the whole.
    stream : {'original', 'partitionable'}

    Returns
    -------
    int32[*B, n]
        int64 with ``jax_enable_x64``. ``first`` in the place of n where it is given.
    """
    return _permutation_indices(n, first, stream, x64_enabled())(key)


@lru_cache(_CACHE, typed=True)
def _random_orders(shape: Any, axis: Any, stream: Any, x64: bool) -> Any:
    shape, stream = canonical_shape(shape), stream_name(stream)
    axis = _axis_of("random_orders", "a shape", axis, len(shape))

    def random_orders(key: Any) -> Array:
        return _bind_orders(key, shape, axis, shape[axis], stream)

    return jax.jit(random_orders, inline=True)


def random_orders(key: Any, shape: Shape, axis: int = 0, *, stream: str = "original") -> Array:
    """Draw an order along one axis for every position of the other axes.

    ``jnp.take_along_axis(x, random_orders(key, x.shape, axis), axis)`` is, bit for bit,
    ``jax.random.permutation(key, x, axis, independent=True)``.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : sequence of ints
        At least one.
    axis : int
    stream : {'original', 'partitionable'}

    Returns
    -------
    int32[*B, *shape]
        Each vector along ``axis`` holds every one of its positions once. int64 with
        ``jax_enable_x64``.
    """
    return _random_orders(hashable_shape(shape), axis, stream, x64_enabled())(key)


@lru_cache(_CACHE, typed=True)
def _shuffle(axis: int, independent: bool, stream: str) -> Any:
    def shuffle(key: Any, x: Any) -> Array:
        batch = check_key(key).shape[:-1]
        shape = x.shape if independent else (x.shape[axis],)
        orders = _bind_orders(key, shape, axis if independent else 0, x.shape[axis], stream)
        gather = gather_along if independent else gather_slices
        one = lambda order: gather(x, order, axis)  # noqa: E731
        for _ in batch:
            one = jax.vmap(one)
        return one(orders)

    return jax.jit(shuffle)


def gather_slices(x: Array, index: Array, axis: int) -> Array:
    """Return the slices of ``x`` at different places ``index`` of an axis, all of them inside."""
    if not index.size:  # a gather needs something to gather from
        return jnp.zeros((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)
    at = (*(slice(None),) * axis, index)
    return x.at[at].get(mode="promise_in_bounds", unique_indices=True)


def gather_along(x: Array, index: Array, axis: int) -> Array:
    """Return the elements of ``x`` at the places ``index`` of an axis, one for each element."""
    if not index.size:
        return x
    return jnp.take_along_axis(x, index, axis, mode="promise_in_bounds")


def shuffle(
    key: Any,
    x: Any,
    axis: int = 0,
    independent: bool = False,
    *,
    stream: str = "original",
) -> Array:
    """Return ``x`` shuffled along an axis, bit for bit as ``jax.random.permutation(key, x)``.

    Parameters
    ----------
    key : uint32[*B, 2]
    x : array of at least one dimension
    axis : int
    independent : bool
        Shuffle every vector along ``axis`` by itself (True) or move whole slices (False).
    stream : {'original', 'partitionable'}

    Returns
    -------
    array [*B, *x.shape]
        A copy; ``x`` stays as it is.
    """
    if np.ndim(x) == 0:
        raise ValueError("shuffle: x must have at least one dimension; see permutation_indices")
    axis = _axis_of("shuffle", "x", axis, np.ndim(x))
    if not isinstance(x, jax.Array):
        x = np.asarray(x)
    return _shuffle(axis, bool(independent), stream_name(stream))(key, x)
