"""From what a user gives as a seed to a raw key."""

from __future__ import annotations

import operator
import secrets
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar._compat import Tracer, at_top_level
from brainvar.core.array import as_raw
from brainvar.core.errors import StaticChangeError
from brainvar.random._prng import impl_stream
from brainvar.random._streams import get_default_stream

__all__ = ["RAW_TRANSFORM_ADVICE", "seed_key", "stream_of", "to_key"]

_BITS = 64

RAW_TRANSFORM_ADVICE = (
    "Use bm.jit or bm.for_loop; or draw a key outside, key = rng.split_key() (for n lanes "
    "rng.split_keys(n)), pass it to the function as an argument, and draw with it there, "
    "rng.random(3, key=key), which leaves the state alone."
)
"""What to write where a transform of JAX would move a RandomState."""


def stream_of(seed: Any, default: str | None = None) -> str:
    """Return the counter layout that a seed brings along, for others `default`.

    A RandomState has one, and so has a typed key of `brainvar.threefry_prng_impl`. Without
    `default`, it is that of the package.
    """
    stream = getattr(seed, "_stream", None)
    if stream is None and _is_typed(seed := as_raw(seed)):
        stream = impl_stream(jax.random.key_impl(seed))
    return stream or default or get_default_stream()


def seed_key(seed: Any, stream: str) -> np.ndarray | jax.Array:
    """Convert a seed, or None for one from the operating system, to a raw key.

    Parameters
    ----------
    seed : None, int, raw key or typed key
        See `RandomState`.
    stream : str
        The counter layout that it is to be used with.

    Returns
    -------
    numpy.ndarray or jax.Array
        uint32 of shape (2,); for an integer its upper and its lower 32 bits.

    Raises
    ------
    StaticChangeError
        If entropy is asked for inside a compiled function.
    """
    if seed is None:
        if not at_top_level():
            raise StaticChangeError(
                "a RandomState without a seed inside a compiled function would take its seed once, "
                "while the function is traced, and draw the same numbers in every call. Create it "
                "before the call, or give it a key, RandomState(other.split_key())."
            )
        # Never from numpy.random, whose state belongs to the user.
        return ops.seed_to_key(secrets.randbits(_BITS))
    seed = as_raw(seed)
    if getattr(seed, "shape", ()) or _is_typed(seed):
        return to_key(seed, stream)
    if isinstance(seed, Tracer):
        raise TypeError(
            "a seed must be known while a function is compiled, but it is traced: pass a raw "
            "key, such as state.split_key() or a row of state.split_keys(n)"
        )
    if isinstance(seed, (bool, np.bool_)) or getattr(seed, "dtype", None) == np.bool_:
        raise TypeError(f"a seed must be an integer or a key, got {seed!r}")
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(
            f"a seed must be None, an integer or a key (an array uint32[2], or a threefry2x32 "
            f"key of jax.random.key), got {seed!r}"
        ) from None
    if not 0 <= number < 2**_BITS:
        raise ValueError(f"an integer seed must lie in [0, 2**{_BITS}), got {number}")
    return ops.seed_to_key(number)


def to_key(value: Any, stream: str) -> np.ndarray | jax.Array:
    """Check a key, and return it as a raw one.

    Parameters
    ----------
    value : raw key or typed key
        The typed ones are those of JAX's threefry2x32, which is for both layouts, and those of
        `brainvar.threefry_prng_impl`, each of which is for one.
    stream : str
        The counter layout that it is to be used with.

    Raises
    ------
    TypeError
        If it is neither an array of uint32 nor a typed key of Threefry.
    ValueError
        If its shape is not that of one key, or if it is of the other layout.
    """
    value = as_raw(value)
    if _is_typed(value):
        kind = jax.random.key_impl(value)
        own = impl_stream(kind)
        if own is None and kind != "threefry2x32":
            raise TypeError(
                f"a RandomState is driven by threefry2x32, got a key of {kind}: make one with "
                "jax.random.key(seed, impl='threefry2x32')"
            )
        if own not in (None, stream):
            raise ValueError(
                f"the key is one of threefry_prng_impl({own!r}), but the RandomState has "
                f"stream={stream!r}: make one with stream={own!r} (or without stream=), or pass "
                "jax.random.key_data(key), which is of no stream"
            )
        value = jax.random.key_data(value)
    if not isinstance(value, (np.ndarray, jax.Array)) or value.dtype != np.uint32:
        found = getattr(value, "dtype", type(value).__name__)
        raise TypeError(
            f"a key must be an array uint32[2] or a key of jax.random.key, got {found}: {value!r}"
        )
    if value.shape != (2,):
        raise ValueError(f"a key must have shape (2,), got {value.shape}")
    return value


def _is_typed(x: Any) -> bool:
    return isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
