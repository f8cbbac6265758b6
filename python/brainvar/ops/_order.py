"""The order of a read and of the writes that follow it.

XLA copies a whole array before an update in place when it cannot tell that all reads of the old
values come first: it may repeat a slice of it inside of any later computation. A call that both
pass through settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import ShapedArray, Tracer, ad, mlir
from brainvar._native import native_enabled
from brainvar.ops._primitive import define_primitive
from brainvar.ops._updates import KERNEL_DTYPES


def _eval(*operands: Any) -> list[Any]:
    return [ShapedArray(x.shape, x.dtype) for x in operands]


def _batching_rule(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[Any, Any]:
    return in_order_p.bind(*args), dims


def _jvp_rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    # Tangents are updated too, and have the same need.
    out = in_order_p.bind(*primals)
    if any(type(t) is ad.Zero for t in tangents):
        return out, list(tangents)
    return out, in_order_p.bind(*tangents)


def _transpose_rule(cts: Sequence[Any], *operands: Any) -> list[Any]:
    del operands
    return [None if type(ct) is ad.Zero else ct for ct in cts]


in_order_p = define_primitive(
    "brainvar_in_order",
    lambda *operands: lax.optimization_barrier(operands),
    _eval,
    _batching_rule,
    target="brainvar_in_order_v1",
    multiple_results=True,
    kernel_has=lambda *avals: all(x.dtype in KERNEL_DTYPES for x in avals),
    aliases={0: 0, 1: 1},
)


def _in_order_on_cpu(target: Any, read: Any) -> list[Any]:
    """Do without the kernel what an optimization barrier does not do on every version of XLA.

    XLA's CPU compiler fuses the reading into an update in place, and then reads what was already
    overwritten (openxla/xla#49176). It fuses nothing into a loop, which here makes no turn.
    """
    if read.size <= 1:
        return list(lax.optimization_barrier((target, read)))
    first = lax.real(x) if jnp.iscomplexobj(x := read.reshape(-1)[0]) else x
    if first.dtype != np.bool_:
        bits = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[first.dtype.itemsize]
        first = lax.bitcast_convert_type(first, bits)
    turns = jnp.minimum(first.astype(np.int32), 0) - 1  # never positive, which XLA does not see

    def turn(state: tuple[Any, Any]) -> tuple[Any, Any]:
        i, x = state
        return i + 1, ~x if x.dtype == np.bool_ else x + jnp.ones((), x.dtype)

    settled = lax.while_loop(lambda state: state[0] < turns, turn, (jnp.int32(0), read))[1]
    return list(lax.optimization_barrier((target, settled)))


if not native_enabled("cpu"):
    mlir.register_lowering(
        in_order_p, mlir.lower_fun(_in_order_on_cpu, multiple_results=True), platform="cpu"
    )
ad.primitive_jvps[in_order_p] = _jvp_rule
ad.primitive_transposes[in_order_p] = _transpose_rule


def in_order(target: Any, read: Any) -> tuple[Array, Array]:
    """Return both arguments; what is computed from ``read`` no longer needs the old ``target``.

    For compiled loops that read a part of an array and then write to the array in place. Without
    it XLA may read that part again after the write, for which it first copies the array. The call
    itself does nothing.

    Parameters
    ----------
    target : array
        What is going to be written, in place of the result of that name.
    read : array
        What was read from it.

    Returns
    -------
    target, read : arrays
        To be used from here on.
    """
    if not isinstance(target, Tracer) and not isinstance(read, Tracer):
        return jnp.asarray(target), jnp.asarray(read)
    return tuple(in_order_p.bind(jnp.asarray(target), jnp.asarray(read)))
