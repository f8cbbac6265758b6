"""Keys and bits for a larger program to go on with: how much is drawn decides how it is lowered.

`brainvar.ops.split`, `bits` and `fold_in` are one call of a kernel each, which is best where they
are all that runs. Amid a compiled program, on the CPU, there is more to choose from:

- A few blocks, for some keys or one number, are left to XLA, in the form of the twin. They cost
  20 ns so, and a call of a kernel 200 ns: a sampler that rejects makes several such draws for each
  number. Without the extension, all are.
- Most draws are a call of the kernel.
- A large draw is one too, but the kernel writes the bits into a buffer of floats, and the program
  takes them from there as integers. What `jax.random` makes of bits is one elementwise loop, which
  XLA lets write over its operand where both are of one type: the samples then come to lie where
  the bits were, in memory that has been touched already. A second fresh buffer costs more than the
  arithmetic: on two cores, for 1e7 uniforms, the loop takes 2 ms in place and 28 ms elsewhere.
  Nothing calculates with these floats; loads and stores keep all bit patterns, NaNs included.

The numbers are the same in all forms, and those of the functions in `brainvar.ops`. What a program
makes of them is the same as well: XLA may round floating-point arithmetic in another way when it is
fused with other neighbours, so bits without the extension lie behind a wall, as a call is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import Tracer, mlir
from brainvar._native import native_enabled
from brainvar.ops import _sampling as calls
from brainvar.ops import _threefry as twin
from brainvar.ops._primitive import (
    STREAM_CODE,
    batch_size,
    define_primitive,
    no_tangent,
    to_front,
)

#: Up to so many keys are left to XLA. Few, since their code takes longer to compile than a call.
_INLINE_KEYS = 4

#: Buffers of fewer bytes lie in memory that has been in use before.
_FRESH_BYTES = 1 << 20

_CARRIER = {32: np.dtype(np.float32), 64: np.dtype(np.float64)}


def _define(
    name: str,
    function: Callable[..., Any],
    abstract_eval: Callable[..., Any],
    batching: Callable[..., Any],
    on_cpu: Callable[..., Any],
) -> Any:
    primitive = define_primitive(f"brainvar_{name}_in_program", function, abstract_eval, batching)
    no_tangent(primitive)
    rule = mlir.lower_fun(on_cpu, multiple_results=False)
    mlir.register_lowering(primitive, rule, platform="cpu")
    return primitive


def _few(key: Any, n: int) -> bool:
    return key.size // 2 * n <= _INLINE_KEYS


def _split_on_cpu(key: Array, *, n: int, stream: str) -> Array:
    if _few(key, n):
        return twin.split(key, n=n, stream=stream)
    return calls.split_p.bind(key, n=n, stream=stream)


def _fold_in_on_cpu(key: Array, data: Array) -> Array:
    if _few(key, 1):
        return twin.fold_in(key, data)
    return calls.fold_in_p.bind(key, data)


def _walled_bits(key: Array, *, shape: tuple[int, ...], width: int, stream: str) -> Array:
    # A loop that runs once, which XLA cannot know. (It drops its own optimization_barrier before
    # it fuses.)
    first = key.reshape(-1)[0]

    def draw(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        drawn = calls.bits_p.bind(key, shape=shape, width=width, stream=stream)
        return ~carry[0], drawn | zero

    # Made of the key, so that to `shard_map` what goes into the loop is as what comes out of it.
    zero = (first ^ first).astype(twin.UINT_OF_WIDTH[width])
    nothing = jnp.broadcast_to(zero, (*key.shape[:-1], *shape))
    return lax.while_loop(lambda carry: carry[0] == first, draw, (first, nothing))[1]


def _bits_on_cpu(key: Array, *, shape: tuple[int, ...], width: int, stream: str) -> Array:
    size = math.prod(shape)
    if key.size // 2 * size <= 1:
        return twin.bits(key, shape=shape, width=width, stream=stream)
    if not native_enabled("cpu"):
        return _walled_bits(key, shape=shape, width=width, stream=stream)
    fresh = key.size // 2 * size * width >= 8 * _FRESH_BYTES
    # With several devices XLA may have to divide the draw among them: that is for the primitive.
    if fresh and width in _CARRIER and jax.device_count("cpu") == 1:
        carrier = jax.ShapeDtypeStruct((*key.shape[:-1], *shape), _CARRIER[width])
        call = jax.ffi.ffi_call("brainvar_threefry_bits_v1", carrier)
        drawn = call(key, stream=STREAM_CODE[stream])
        return lax.bitcast_convert_type(drawn, twin.UINT_OF_WIDTH[width])
    return calls.bits_p.bind(key, shape=shape, width=width, stream=stream)


def _fold_in_batching(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[Any, int]:
    size = batch_size(args, dims)
    key, data = (to_front(x, d, size) for x, d in zip(args, dims, strict=True))
    return _fold_in_p.bind(key, data), 0


_split_p = _define(
    "split",
    twin.split,
    calls._split_eval,
    calls._key_batching(lambda: _split_p),
    _split_on_cpu,
)
_bits_p = _define(
    "bits",
    twin.bits,
    calls._draw_eval,
    calls._key_batching(lambda: _bits_p),
    _bits_on_cpu,
)
_fold_in_p = _define(
    "fold_in",
    twin.fold_in,
    calls._fold_in_eval,
    _fold_in_batching,
    _fold_in_on_cpu,
)


def split(key: Any, n: int, *, stream: str) -> Array:
    """As `brainvar.ops.split`, for a traced key as part of the program at hand."""
    if isinstance(key, Tracer):
        return _split_p.bind(key, n=n, stream=stream)
    return calls.split(key, n, stream=stream)


def fold_in(key: Any, data: Any) -> Array:
    """As `brainvar.ops.fold_in`, for a traced key or datum as part of the program at hand.

    The batch dimensions of both are the same.
    """
    if isinstance(key, Tracer) or isinstance(data, Tracer):
        return _fold_in_p.bind(key, lax.convert_element_type(data, np.uint32))
    return calls.fold_in(key, data)


def bits(key: Any, shape: tuple[int, ...], width: int, *, stream: str) -> Array:
    """As `brainvar.ops.bits`, for a traced key as part of the program at hand.

    Where large bits themselves are what the program returns, this costs a copy of them.
    """
    if isinstance(key, Tracer):
        return _bits_p.bind(key, shape=shape, width=width, stream=stream)
    return calls.bits(key, shape, width, stream=stream)
