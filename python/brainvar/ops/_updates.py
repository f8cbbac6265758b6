"""In-place updates through run-time indices: primitives, rules and public functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from brainvar._compat import ShapedArray, ad, zero_tangent
from brainvar.ops import _updates_twin as twin
from brainvar.ops._primitive import batch_size, define_primitive, to_front

OPS = ("set", "add", "multiply", "minimum", "maximum")

#: Value of the FFI attribute ``op``.
OP_CODE = {op: np.int32(code) for code, op in enumerate(OPS)}

#: What the kernels take; the twin takes the rest.
KERNEL_DTYPES = {
    np.dtype(t)
    for t in (
        *(np.bool_, np.int8, np.int16, np.int32, np.int64),
        *(np.uint8, np.uint16, np.uint32, np.uint64),
        *(np.float16, jnp.bfloat16, np.float32, np.float64, np.complex64, np.complex128),
    )
}


def _kernel_has(target: Any, *rest: Any, op: str) -> bool:
    return target.dtype in KERNEL_DTYPES


def _attributes(params: Any) -> dict[str, Any]:
    return {"op": OP_CODE[params["op"]]}


# --- abstract evaluation -------------------------------------------------------------------------


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise TypeError(message)


def _check_batch(name: str, target: Any, *operands: Any) -> int:
    """Return the number of batch dimensions: what the spec, the last one, has before its rows."""
    rank = operands[-1].ndim - 3
    _require(0 <= rank <= target.ndim, f"{name}: spec must be uint32[..., rows, 4, 2]")
    batch = target.shape[:rank]
    for x in operands:
        _require(
            x.shape[:rank] in (batch, (1,) * rank),
            f"{name}: the batch dimensions of {x} must be {batch} or 1",
        )
    return rank


def _check_spec(name: str, spec: Any, batch: int, rows: int) -> None:
    _require(
        spec.dtype == np.uint32 and spec.shape[batch:] == (rows, 4, 2),
        f"{name}: spec must be uint32[{rows}, 4, 2], got {_show(spec, batch)}",
    )


def _show(x: Any, batch: int) -> str:
    return f"{x.dtype}{list(x.shape[batch:])}"


def _check_slices(name: str, target: Any, spec: Any) -> None:
    batch = _check_batch(name, target, spec)
    _check_spec(name, spec, batch, target.ndim - batch)


def _check_at(name: str, target: Any, offsets: Any, spec: Any) -> None:
    batch = _check_batch(name, target, offsets, spec)
    rank = offsets.ndim - batch
    _require(
        (offsets.dtype == np.int32 and rank == 1)
        or (offsets.dtype == np.uint32 and rank == 2 and offsets.shape[-1] == 2),
        f"{name}: offsets must be int32[K] or uint32[K, 2], got {_show(offsets, batch)}",
    )
    _check_spec(name, spec, batch, target.ndim - batch + 1)


def _check_masked(name: str, target: Any, mask: Any, spec: Any) -> None:
    batch = _check_batch(name, target, mask, spec)
    _require(
        mask.dtype == np.bool_ and mask.shape[batch:] == target.shape[batch : mask.ndim],
        f"{name}: the mask must be bool over leading dimensions of the target "
        f"{_show(target, batch)}, got {_show(mask, batch)}",
    )
    _check_spec(name, spec, batch, target.ndim - mask.ndim + 1)


_CHECKS = {"slices": _check_slices, "at": _check_at, "masked": _check_masked}


# --- batching ------------------------------------------------------------------------------------


def _batching_rule(
    primitive_of: Callable[[], Any], args: Sequence[Any], dims: Sequence[int | None], **params: Any
) -> tuple[Any, int]:
    """Make the mapped axis a batch dimension more: the target keeps its shape but for that."""
    size = batch_size(args, dims)
    rank = args[-1].ndim - 3 - (dims[-1] is not None)
    target = to_front(args[0], dims[0], size)
    batch = target.shape[: 1 + rank]

    def join(x: Any, dim: int | None) -> Any:
        if dim is None:
            x = x[None]
            if all(n == 1 for n in x.shape[: 1 + rank]):
                return x
        else:
            x = jnp.moveaxis(x, dim, 0)
        return jnp.broadcast_to(x, (*batch, *x.shape[1 + rank :]))

    others = [join(x, d) for x, d in zip(args[1:], dims[1:], strict=True)]
    return primitive_of().bind(target, *others, **params), 0


# --- differentiation -----------------------------------------------------------------------------
#
# `set` and `add` are linear in target and values together, `multiply` in each of them. The adjoint
# in the values collects what each value was written to: a primitive of its own (without a kernel),
# whose adjoint is an update again.


def _zeros(x: Any) -> Array:
    aval = x.aval if ad.is_undefined_primal(x) else x
    return jnp.zeros(aval.shape, aval.dtype)


def _take_transpose(
    update_of: Callable[[], Any],
    ct: Any,
    source: Any,
    *where: Any,
    size: int,
    last: bool = True,
) -> list[Any]:
    del size
    if type(ct) is ad.Zero:
        return [None] * (1 + len(where))
    op = "set" if last else "add"
    return [update_of().bind(_zeros(source), ct, *where, op=op), *[None] * len(where)]


def _take_jvp(
    take_of: Callable[[], Any], primals: Sequence[Any], tangents: Sequence[Any], **params: Any
) -> tuple[Any, Any]:
    out = take_of().bind(*primals, **params)
    if type(tangents[0]) is ad.Zero:
        return out, zero_tangent(out)
    return out, take_of().bind(tangents[0], *primals[1:], **params)


def _update_transpose(
    kind: str,
    update_of: Callable[[], Any],
    take_of: Callable[[], Any],
    ct: Any,
    target: Any,
    values: Any,
    *where: Any,
    op: str,
) -> list[Any]:
    if type(ct) is ad.Zero:
        return [None] * (2 + len(where))
    ct_target = ct_values = None
    if ad.is_undefined_primal(target):
        if op == "add":
            ct_target = ct
        else:
            factor = _zeros(values) if op == "set" else values
            ct_target = update_of().bind(ct, factor, *where, op=op)
    if ad.is_undefined_primal(values):
        shape = values.aval.shape
        last = {"last": op == "set"} if kind == "at" else {}
        ct_values = take_of().bind(ct, *where, size=shape[-1], **last)
        if ct_values.shape != shape:  # values that all lanes share
            ct_values = ct_values.sum(axis=tuple(range(len(shape) - 1))).reshape(shape)
    return [ct_target, ct_values, *[None] * len(where)]


def _update_jvp(
    kind: str,
    update_of: Callable[[], Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    op: str,
) -> tuple[Any, Any]:
    target, values, *where = primals
    out = update_of().bind(target, values, *where, op=op)
    is_zero = [type(t) is ad.Zero for t in tangents[:2]]
    if all(is_zero) or not jnp.issubdtype(target.dtype, np.inexact):
        return out, zero_tangent(out)
    d_target, d_values = (
        _zeros(x) if zero else t
        for x, t, zero in zip(primals[:2], tangents[:2], is_zero, strict=True)
    )
    if op == "add" and is_zero[1]:
        return out, d_target
    if op in ("set", "add"):
        return out, update_of().bind(d_target, d_values, *where, op=op)
    if kind == "at":
        raise NotImplementedError(
            f"{op}_at has no derivative, since several values may meet in one element: where the "
            f"indices are distinct, write v[i] = {_WRITTEN_OUT[op]}"
        )

    # Each element takes one value at most: spread them out, over what changes nothing.
    def spread(target: Any, values: Any) -> Any:
        if op == "multiply":
            return target * update_of().bind(jnp.ones_like(target), values, *where, op="set")
        new = update_of().bind(target, values, *where, op="set")
        return (jnp.minimum if op == "minimum" else jnp.maximum)(target, new)

    return out, jax.jvp(spread, (target, values), (d_target, d_values))[1]


_WRITTEN_OUT = {
    "multiply": "v[i] * x",
    "minimum": "bm.minimum(v[i], x)",
    "maximum": "bm.maximum(v[i], x)",
}


# --- primitives ----------------------------------------------------------------------------------


def _define(kind: str) -> tuple[Any, Any]:
    check = _CHECKS[kind]

    def update_eval(target: Any, values: Any, *where: Any, op: str) -> Any:
        del op
        name = f"update_{kind}"
        check(name, target, *where)
        batch = _check_batch(name, target, values, where[-1])
        _require(
            values.ndim == batch + 1 and values.dtype == target.dtype,
            f"{name}: values must be {target.dtype}[m] as the target, got {_show(values, batch)}",
        )
        return ShapedArray(target.shape, target.dtype)

    def take_eval(source: Any, *where: Any, size: int, last: bool = True) -> Any:
        del last
        check(f"take_{kind}", source, *where)
        return ShapedArray((*source.shape[: where[-1].ndim - 3], size), source.dtype)

    update = define_primitive(
        f"brainvar_update_{kind}",
        getattr(twin, f"update_{kind}"),
        update_eval,
        functools.partial(_batching_rule, lambda: update),
        target=f"brainvar_update_{kind}_v1",
        attributes=_attributes,
        kernel_has=_kernel_has,
        aliases={0: 0},
    )
    take = define_primitive(
        f"brainvar_take_{kind}",
        getattr(twin, f"take_{kind}"),
        take_eval,
        functools.partial(_batching_rule, lambda: take),
    )
    ad.primitive_jvps[update] = functools.partial(_update_jvp, kind, lambda: update)
    ad.primitive_transposes[update] = functools.partial(
        _update_transpose, kind, lambda: update, lambda: take
    )
    ad.primitive_jvps[take] = functools.partial(_take_jvp, lambda: take)
    ad.primitive_transposes[take] = functools.partial(_take_transpose, lambda: update)
    return update, take


update_slices_p, take_slices_p = _define("slices")
update_at_p, take_at_p = _define("at")
update_masked_p, take_masked_p = _define("masked")


# --- public functions ----------------------------------------------------------------------------


def encode_spec(rows: Any) -> Any:
    """Write 64-bit integers as pairs of 32-bit words, so that they pass where JAX has no int64.

    Parameters
    ----------
    rows : integer array-like [..., 4]
        (start, count, step, stride of the values) per dimension. Python integers and NumPy
        arrays of any integer dtype, or a JAX array (traced or not), whose int32 are extended.

    Returns
    -------
    uint32 array [..., 4, 2]
        Low word, high word; a NumPy array unless ``rows`` is or holds a JAX array.

    Raises
    ------
    TypeError
        If the rows are not integers.
    """
    if not isinstance(rows, np.ndarray):
        if any(isinstance(x, jax.Array) for x in jax.tree.leaves(rows)):
            rows = jnp.asarray(rows)
            _require_integers(rows.dtype)
            if rows.dtype.itemsize < 8:
                rows = rows.astype(np.uint32 if rows.dtype == np.uint32 else np.int32)
                low = rows.astype(np.uint32)
                high = (rows >> 31).astype(np.uint32) if rows.dtype == np.int32 else low * 0
            else:
                low, high = rows.astype(np.uint32), (rows >> 32).astype(np.uint32)
            return jnp.stack([low, high], axis=-1)
        rows = np.asarray(rows)
    _require_integers(rows.dtype)
    words = np.ascontiguousarray(rows, "<i8").view("<u4")
    return words.reshape(*rows.shape, 2)


def _require_integers(dtype: Any) -> None:
    if not jnp.issubdtype(dtype, np.integer):
        raise TypeError(f"the rows of a spec must be integers, got {dtype}")


def _check_op(op: Any) -> None:
    if op not in OPS:
        raise ValueError(f"op={op!r} is not an update: use one of {', '.join(map(repr, OPS))}")


@functools.partial(jax.jit, static_argnames=("kind", "op"), inline=True)
def _update(target: Any, values: Any, *where: Any, kind: str, op: str) -> Array:
    primitive = {"slices": update_slices_p, "at": update_at_p, "masked": update_masked_p}[kind]
    return primitive.bind(*map(jnp.asarray, (target, values, *where)), op=op)


def update_slices(target: Any, values: Any, spec: Any, *, op: str = "set") -> Array:
    """Set or change the elements that one slice per dimension names.

    For every ``q`` with ``0 <= q[d] < count[d]``, at ``p[d] = start[d] + q[d] * step[d]``:
    ``target[p] = op(target[p], values[sum(q * stride)])``. Where the target is donated the cost is
    that of the elements written. The indices are run-time values: new ones do not recompile.

    Differentiable in ``target`` and ``values``, batchable in all arguments.

    Parameters
    ----------
    target : array [*dims]
        Of any dtype of NumPy's booleans, integers, floats and complex numbers, or bfloat16.
    values : array [m] of the target's dtype
    spec : uint32 array [ndim, 4, 2]
        One row (start, count, step, stride) per dimension, as ``encode_spec`` writes it. A step may
        be negative; the steps of counts above 1 must not be 0. A stride of 0 broadcasts the
        values along that dimension. Positions outside of the target or of the values are dropped.
    op : {'set', 'add', 'multiply', 'minimum', 'maximum'}
        Integers wrap; NaN wins over any other minimum and maximum; complex numbers are ordered by
        their real, then by their imaginary parts; booleans add as *or*, multiply as *and*.

    Returns
    -------
    array [*dims] of the target's dtype

    Raises
    ------
    ValueError
        If ``op`` is not known.
    TypeError
        If shapes or dtypes do not fit.
    """
    _check_op(op)
    return _update(target, values, spec, kind="slices", op=op)


def update_at(target: Any, values: Any, offsets: Any, spec: Any, *, op: str = "set") -> Array:
    """Set or change the elements that a list of offsets names, one after the other.

    For every ``k`` below the first row's count, in order, and every ``q`` as in ``update_slices``:
    the element ``offsets[k] + sum(p * row-major stride of the dimension)`` and the value
    ``k * first row's stride + sum(q * stride)`` meet. Of duplicates the last one wins for
    ``set``, all count for the other operations.

    Differentiable in ``target`` and ``values`` for ``set`` and ``add``; batchable in all arguments.

    Parameters
    ----------
    target : array [*dims]
    values : array [m] of the target's dtype
    offsets : integer array [K], or uint32 array [K, 2]
        Row-major element offsets; a negative one is dropped. int32 is used as it is; the second
        form holds 64-bit integers as ``encode_spec`` writes them.
    spec : uint32 array [ndim + 1, 4, 2]
        First the row (0, number of offsets in use, 0, stride of their values), then one row per
        dimension as in ``update_slices``: (0, 1, 1, 0) for a dimension that the offsets address.
    op : {'set', 'add', 'multiply', 'minimum', 'maximum'}

    Returns
    -------
    array [*dims] of the target's dtype

    Raises
    ------
    ValueError
        If ``op`` is not known.
    TypeError
        If shapes or dtypes do not fit.
    NotImplementedError
        If differentiated for another operation than ``set`` and ``add``.
    """
    _check_op(op)
    return _update(target, values, _as_offsets(offsets), spec, kind="at", op=op)


def _as_offsets(offsets: Any) -> Any:
    if not isinstance(offsets, jax.Array):
        offsets = np.asarray(offsets)
    if offsets.dtype == np.int32 or offsets.ndim == 2:
        return offsets
    if not jnp.issubdtype(offsets.dtype, np.integer):
        raise TypeError(f"offsets must be integers, got {offsets.dtype}")
    # Cut to 32 bits, an offset outside of the target could become one inside.
    return encode_spec(offsets)


def update_masked(target: Any, values: Any, mask: Any, spec: Any, *, op: str = "set") -> Array:
    """Set or change the rows where a mask over the leading dimensions is True.

    The ``k``-th True, in row-major order, is row ``k``: its elements ``q`` over the trailing
    dimensions and the values ``k * first row's stride + sum(q * stride)`` meet.

    Differentiable in ``target`` and ``values``, batchable in all arguments.

    Parameters
    ----------
    target : array [*dims]
    values : array [m] of the target's dtype
    mask : bool array [*leading]
        ``leading`` are the first of ``dims``, or all of them.
    spec : uint32 array [1 + number of trailing dimensions, 4, 2]
        First the row (0, number of rows in use, 0, stride of their values), then one row per
        trailing dimension as in ``update_slices``.
    op : {'set', 'add', 'multiply', 'minimum', 'maximum'}

    Returns
    -------
    array [*dims] of the target's dtype

    Raises
    ------
    ValueError
        If ``op`` is not known.
    TypeError
        If shapes or dtypes do not fit.
    """
    _check_op(op)
    return _update(target, values, mask, spec, kind="masked", op=op)


def update_lent(target: Any, number: Any, *, op: str) -> Array:
    """Set or change the elements that the indices of a loan name, one after the other.

    Only in a program that is called at once, for a loan of the extension serves once: by
    `brainvar.core._lending`. For CPUs, and without a twin.

    Parameters
    ----------
    target : array [*dims]
        Where it is donated the cost is that of the elements written.
    number : integer scalar
        The number of the loan, whose indices refer to the flat target.
    op : {'set', 'add', 'multiply', 'minimum', 'maximum'}

    Returns
    -------
    array [*dims] of the target's dtype
    """
    _check_op(op)
    call = jax.ffi.ffi_call(
        "brainvar_update_lent_v1",
        jax.ShapeDtypeStruct(target.shape, target.dtype),
        input_output_aliases={0: 0},
    )
    return call(target, jnp.asarray(number, np.int32), op=OP_CODE[op])
