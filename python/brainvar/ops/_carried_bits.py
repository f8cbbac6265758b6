"""Random bits for the rest of a program, in memory that the rest of the program can write into.

What `jax.random` makes of random bits is one elementwise loop of XLA, from uint32 to float32. XLA
lets such a loop write over its operand, but only where both are of one type. So here the kernel
writes the bits into a buffer of floats, and the program takes them from there as integers: the loop
writes the samples where the bits were, into memory that has been touched already. A second fresh
buffer costs more than all the arithmetic: on two cores, for 1e7 uniforms, 2 ms in place and 28 ms
elsewhere.

Nothing calculates with these floats; loads and stores keep all bit patterns, NaNs included.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from jax import Array, lax

from brainvar._compat import Tracer, mlir
from brainvar._native import native_enabled
from brainvar.ops import _threefry as twin
from brainvar.ops._primitive import STREAM_CODE, define_primitive, no_tangent
from brainvar.ops._sampling import _draw_eval, _key_batching, bits, bits_p

_CARRIER = {32: np.dtype(np.float32), 64: np.dtype(np.float64)}

#: Draws of fewer bytes are made of memory that has been in use before.
_FRESH_BYTES = 1 << 20

carried_bits_p = define_primitive(
    "brainvar_carried_bits",
    twin.bits,
    _draw_eval,
    _key_batching(lambda: carried_bits_p),
)
no_tangent(carried_bits_p)


def _kernel(key: Array, *, shape: tuple[int, ...], width: int, stream: str) -> Array:
    if jax.device_count("cpu") > 1:  # then XLA may have to divide the draw among devices
        return bits_p.bind(key, shape=shape, width=width, stream=stream)
    carrier = jax.ShapeDtypeStruct((*key.shape[:-1], *shape), _CARRIER[width])
    call = jax.ffi.ffi_call("brainvar_threefry_bits_v1", carrier)
    return lax.bitcast_convert_type(call(key, stream=STREAM_CODE[stream]), twin.UINT_OF_WIDTH[width])


if native_enabled("cpu"):
    mlir.register_lowering(
        carried_bits_p, mlir.lower_fun(_kernel, multiple_results=False), platform="cpu"
    )


def bits_for_program(key: Any, shape: tuple[int, ...], width: int, *, stream: str) -> Array:
    """Draw random bits that the program at hand will make samples of.

    The result is that of `brainvar.ops.bits`, whose parameters these are. Where the bits
    themselves are what a compiled program returns, this costs a copy of them.
    """
    large = math.prod(shape) * width >= 8 * _FRESH_BYTES
    if large and width in _CARRIER and isinstance(key, Tracer):
        return carried_bits_p.bind(key, shape=shape, width=width, stream=stream)
    return bits(key, shape, width, stream=stream)
