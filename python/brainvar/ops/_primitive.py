"""What all our primitives share: building one from its twin, and the checks of its operands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from brainvar._compat import Primitive, ad, apply_primitive, batching, mlir, zero_tangent
from brainvar._native import native_enabled

STREAMS = ("original", "partitionable")

#: Value of the FFI attribute ``stream``.
STREAM_CODE = {"original": np.int32(0), "partitionable": np.int32(1)}


def stream_name(stream: Any) -> str:
    """Check a ``stream`` argument."""
    if isinstance(stream, str) and stream in STREAMS:
        return stream
    raise ValueError(
        f"stream={stream!r} is not a counter layout: use 'original' or 'partitionable'"
    )


def define_primitive(
    name: str,
    twin: Callable[..., Any],
    abstract_eval: Callable[..., Any],
    batching_rule: Callable[..., Any],
    *,
    target: str | None = None,
    multiple_results: bool = False,
    attributes: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda params: {},
    kernel_has: Callable[..., bool] = lambda *avals, **params: True,
    aliases: Mapping[int, int] | None = None,
) -> Primitive:
    """Make one JAX primitive of one kernel.

    Parameters
    ----------
    name : str
        As shown in jaxprs.
    twin : callable
        Pure JAX function of the same operands and parameters: the lowering of every platform
        without kernels, and the specification.
    abstract_eval, batching_rule : callable
        As JAX defines them.
    target : str, optional
        Custom-call target of the kernel, the same on all platforms; None where there is no kernel.
    attributes : callable
        From the primitive's parameters to the FFI attributes.
    kernel_has : callable
        From the operands' abstract values and the parameters to whether the kernel covers
        these dtypes; where not, the twin is lowered.
    aliases : mapping, optional
        Operand index to the index of the result that may take its buffer.
    """
    primitive = Primitive(name)
    primitive.multiple_results = multiple_results
    primitive.def_impl(functools.partial(apply_primitive, primitive))
    primitive.def_abstract_eval(abstract_eval)
    batching.primitive_batchers[primitive] = batching_rule

    twin_rule = mlir.lower_fun(twin, multiple_results=multiple_results)
    mlir.register_lowering(primitive, twin_rule)

    if target is not None and native_enabled("cpu"):
        native_rule = jax.ffi.ffi_lowering(
            target, operand_output_aliases=dict(aliases) if aliases else None
        )

        def cpu_rule(ctx: Any, *operands: Any, **params: Any) -> Any:
            if kernel_has(*ctx.avals_in, **params):
                return native_rule(ctx, *operands, **attributes(params))
            return twin_rule(ctx, *operands, **params)

        mlir.register_lowering(primitive, cpu_rule, platform="cpu")
    return primitive


def no_tangent(primitive: Primitive) -> None:
    """Declare that no result depends differentiably on any operand (all are integers)."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        del tangents
        out = primitive.bind(*primals, **params)
        if primitive.multiple_results:
            return out, [zero_tangent(x) for x in out]
        return out, zero_tangent(out)

    ad.primitive_jvps[primitive] = jvp


def batch_size(args: Sequence[Any], dims: Sequence[int | None]) -> int:
    """Return the length of the mapped axis."""
    return next(x.shape[d] for x, d in zip(args, dims, strict=True) if d is not None)


def to_front(x: Any, dim: int | None, size: int) -> Any:
    """Bring the mapped axis to the front; repeat what is not mapped."""
    if dim is None:
        return jax.numpy.broadcast_to(x, (size, *x.shape))
    return jax.numpy.moveaxis(x, dim, 0)
