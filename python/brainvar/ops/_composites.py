"""Samplers made of the sampling primitives: integers; and seeds."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import x64_enabled
from brainvar.ops._primitive import stream_name
from brainvar.ops._sampling import (
    _CACHE,
    Shape,
    _need_x64,
    bits_p,
    canonical_shape,
    check_key,
    hashable_shape,
    split_p,
)
from brainvar.ops._threefry import UINT_OF_WIDTH

# --- seeds -------------------------------------------------------------------------------------


def seed_to_key(seed: Any) -> np.ndarray:
    """Turn a seed into a raw key, on the host: all 64 bits count, whatever the x64 switch.

    Parameters
    ----------
    seed : int
        Python or NumPy integer (or integer scalar array), 0 <= seed < 2**64.

    Returns
    -------
    numpy.ndarray, uint32[2]
        ``[seed >> 32, seed & 0xffffffff]``, which for a seed below 2**32 is what
        ``jax.random.PRNGKey`` gives.

    Raises
    ------
    TypeError
        If the seed is not an integer.
    ValueError
        If it is out of range.
    """
    try:
        value = operator.index(seed)
    except TypeError:
        raise TypeError(
            f"seed must be an integer in [0, 2**64), got {type(seed).__name__} {seed!r}"
        ) from None
    if not 0 <= value < 2**64:
        raise ValueError(f"seed must be in [0, 2**64), got {value}")
    return np.array([value >> 32, value & 0xFFFFFFFF], np.uint32)


# --- integers ----------------------------------------------------------------------------------


def _integer_dtype(dtype: Any) -> np.dtype:
    if dtype is None or dtype is int:
        return np.dtype(np.int64 if x64_enabled() else np.int32)
    result = np.dtype(dtype)
    if result.kind not in "iu" or result.itemsize > 8:
        raise TypeError(f"randint: dtype must be an integer dtype, got {result.name}")
    if result.itemsize == 8:
        _need_x64(f"randint with dtype {result.name}", "a 32-bit dtype")
    return result


def _work_dtype(dtype: np.dtype) -> np.dtype:
    # 8- and 16-bit integers are sampled in 32 bits, so that the bias stays negligible.
    return dtype if dtype.itemsize >= 4 else np.dtype(np.int32)


# A bound is brought to the sampling dtype by cutting it to the range of the result.  `high` is
# exclusive, so it may be one past the range; where the sampling dtype has no room for that, a
# flag says so.


@lru_cache(1024, typed=True)
def _cut_ints(low: int, high: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    work = _work_dtype(dtype)
    least, most, top = (int(x) for x in (*_limits(dtype), np.iinfo(work).max))
    low, high = min(max(low, least), most), min(max(high, least), most + 1)
    return np.array(low, work), np.array(min(high, top), work), np.array(high > top)


def _limits(dtype: Any) -> tuple[int, int]:
    info = jnp.iinfo(dtype)
    return int(info.min), int(info.max)


def _cut(x: Any, dtype: np.dtype, lib: Any) -> tuple[Any, Any]:
    """Cut an array (``lib``: numpy or jax.numpy); return it and whether it was past the range."""
    work = _work_dtype(dtype)
    (own_least, own_most), (least, most) = _limits(x.dtype), _limits(dtype)
    past = x > np.array(min(own_most, most), x.dtype)
    bounds = (np.array(v, x.dtype) for v in (max(own_least, least), min(own_most, most)))
    return lib.clip(x, *bounds).astype(work), past


def _exclusive(x: Any, past: Any, dtype: np.dtype, lib: Any) -> tuple[Any, Any]:
    """Undo the cut of ``high`` where the sampling dtype is wider than the result."""
    if _work_dtype(dtype) == dtype:
        return x, past
    return x + past.astype(x.dtype), lib.zeros_like(past)


def integers(
    key: Any, shape: tuple[int, ...], low: Any, last: Any, *, stream: str = "original"
) -> Array:
    """Draw integers from ``low`` to ``last``, both included: what `randint` computes with.

    Both bounds are included because one more than the largest integer of a dtype has no room in
    it. Nothing is converted or checked, and nothing is compiled by itself.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : tuple of ints
    low, last : array of a 32- or 64-bit integer dtype, the same for both
        Broadcast with ``shape``. Where ``last < low`` the result is ``low``.
    stream : {'original', 'partitionable'}

    Returns
    -------
    array [*B, *shape] of the bounds' dtype
    """
    work = low.dtype
    width = work.itemsize * 8
    unsigned = UINT_OF_WIDTH[width]
    keys = split_p.bind(check_key(key), n=2, stream=stream)
    # Both draws in one call: without kernels it also compiles in a tenth of the time.
    words = bits_p.bind(keys, shape=shape, width=width, stream=stream)
    upper, lower = jnp.moveaxis(words, keys.ndim - 2, 0)

    # Two words a, b per number: (a 2**width + b) mod span, in arithmetic of `width` bits. A span
    # of 2**width wraps to 0, and XLA defines x % 0 = x for unsigned x: the right answer.
    one = np.array(1, unsigned)
    span = jnp.where(last < low, one, (last - low).astype(unsigned) + one)
    half = lax.rem(jnp.full_like(span, 2 ** (width // 2)), span)
    power = lax.rem(half * half, span)  # 2**width mod span
    low, span, power = (jnp.broadcast_to(x, upper.shape) for x in (low, span, power))
    offset = lax.rem(lax.rem(upper, span) * power + lax.rem(lower, span), span)
    return low + offset.astype(work)


@lru_cache(_CACHE, typed=True)
def _randint(shape: Any, dtype: Any, stream: Any) -> Callable[..., Array]:
    shape, stream = canonical_shape(shape), stream_name(stream)
    work = _work_dtype(dtype)

    def randint(key: Any, low: Any, high: Any, past: Any) -> Array:
        low, _ = _cut(low, dtype, jnp)
        if past is None:
            high, past = _exclusive(*_cut(high, dtype, jnp), dtype, jnp)
        last = jnp.where(past, high, high - np.array(1, work))
        last = jnp.where(high > low, last, low)
        return integers(key, shape, low, last, stream=stream).astype(dtype)

    return jax.jit(randint, inline=True)


def _bound(name: str, x: Any, shape: tuple[int, ...]) -> Any:
    if not isinstance(x, jax.Array):
        x = np.asarray(x)
        if x.dtype == object and all(isinstance(v, int) for v in x.flat):
            return x  # beyond 64 bits
    if not jnp.issubdtype(x.dtype, np.integer):
        raise TypeError(f"randint: {name} must be an integer or integers, got {x.dtype}")
    try:
        fits = np.broadcast_shapes(x.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"randint: {name} of shape {x.shape} does not broadcast to shape {shape}")
    return x


def _cut_objects(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    # Nearest values that 64 bits hold; on which side of the dtype's range they lie is kept.
    least, most = (-(2**63), 2**63 - 1) if dtype.kind == "i" else (0, 2**64 - 1)
    kind = np.int64 if dtype.kind == "i" else np.uint64
    return np.array([min(max(v, least), most) for v in x.flat], kind).reshape(x.shape)


def randint(
    key: Any,
    shape: Shape,
    low: Any,
    high: Any,
    dtype: Any = None,
    *,
    stream: str = "original",
) -> Array:
    """Draw integers in [low, high), bit for bit as ``jax.random.randint``.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    low, high : int or integer array
        Broadcast with ``shape``. Values beyond the dtype's range are cut to it; ``high`` may
        be one past it (2**32 for uint32). Where ``high <= low`` the result is ``low``.
    dtype : integer dtype, optional
        None or ``int``: JAX's default integer. 64 bits need ``jax_enable_x64``.
    stream : {'original', 'partitionable'}

    Returns
    -------
    dtype[*B, *shape]
        Biased by at most ``span / 2**64`` (``span / 2**128`` for 64-bit dtypes).
    """
    dtype = _integer_dtype(dtype)
    sizes = hashable_shape(shape)
    draw = _randint(sizes, dtype, stream)
    if type(low) is int and type(high) is int:
        return draw(key, *_cut_ints(low, high, dtype))
    low, high = _bound("low", low, sizes), _bound("high", high, sizes)
    past = None  # cut inside the compiled function
    if low.dtype == object:
        low = _cut_objects(low, dtype)
    if isinstance(low, np.ndarray | np.generic):  # JAX would truncate int64 without x64
        low, _ = _cut(low, dtype, np)
    if high.dtype == object:
        if high.ndim == 0:  # only here can 2**64 matter
            _, high, past = _cut_ints(0, int(high), dtype)
        else:
            high = _cut_objects(high, dtype)
    if past is None and isinstance(high, np.ndarray | np.generic):
        high, past = _exclusive(*_cut(high, dtype, np), dtype, np)
    return draw(key, low, high, past)
