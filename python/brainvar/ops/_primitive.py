"""What all our primitives share: building one from its twin, and the checks of its operands."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from brainvar._compat import (
    Primitive,
    ad,
    apply_primitive,
    batching,
    for_partitioning,
    mlir,
    part_count,
    zero_tangent,
)
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
    batching_rule: Callable[..., Any] | None = None,
    *,
    target: str | None = None,
    multiple_results: bool = False,
    attributes: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda params: {},
    kernel_has: Callable[..., bool] = lambda *avals, **params: True,
    aliases: Mapping[int, int] | None = None,
    sharded: Callable[..., Any] | None = None,
    sharded_native: Callable[..., Any] | None = None,
    everywhere: Callable[..., bool] = lambda *avals, **params: False,
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
        As JAX defines them. No batching rule: of a primitive that appears in lowered programs
        only.
    target : str, optional
        Custom-call target of the kernel, the same on all platforms; None where there is no kernel.
    attributes : callable
        From the primitive's parameters to the FFI attributes.
    kernel_has : callable
        From the operands' abstract values and the parameters to whether the kernel covers
        these dtypes; where not, the twin is lowered.
    aliases : mapping, optional
        Operand index to the index of the result that may take its buffer.
    sharded : callable, optional
        Pure JAX function, lowered instead of twin and kernel where XLA may cut the program
        among devices: one that it cuts without moving elements between them.
    sharded_native : callable, optional
        The same with kernels, by way of `ops._partition.partitioned`; lowered instead of `sharded`
        where the kernel covers the dtypes.
    everywhere : callable
        From the operands' abstract values and the parameters to whether there is nothing to cut:
        the kernel is lowered as it is, and each device runs all of it.
    """
    primitive = Primitive(name)
    primitive.multiple_results = multiple_results
    primitive.def_impl(functools.partial(apply_primitive, primitive))
    primitive.def_abstract_eval(abstract_eval)
    if batching_rule is not None:
        batching.primitive_batchers[primitive] = batching_rule

    def lowered(function: Callable[..., Any]) -> Callable[..., Any]:
        return mlir.lower_fun(function, multiple_results=multiple_results)

    twin_rule = lowered(twin)
    sharded_rule = twin_rule if sharded is None else lowered(sharded)

    def any_rule(ctx: Any, *operands: Any, **params: Any) -> Any:
        rule = twin_rule if part_count(ctx) == 1 else sharded_rule
        return rule(ctx, *operands, **params)

    mlir.register_lowering(primitive, any_rule)

    if target is not None and native_enabled("cpu"):
        kernel_rule = jax.ffi.ffi_lowering(
            target, operand_output_aliases=dict(aliases) if aliases else None
        )
        partitioned_rule = None if sharded_native is None else lowered(sharded_native)

        def cpu_rule(ctx: Any, *operands: Any, **params: Any) -> Any:
            if not kernel_has(*ctx.avals_in, **params):
                return any_rule(ctx, *operands, **params)
            if sharded is None or part_count(ctx) == 1 or everywhere(*ctx.avals_in, **params):
                return kernel_rule(ctx, *operands, **attributes(params))
            own_ctx = for_partitioning(ctx, "cpu") if partitioned_rule is not None else None
            if own_ctx is None or partitioned_rule is None:
                return sharded_rule(ctx, *operands, **params)
            return partitioned_rule(own_ctx, *operands, **params)

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
