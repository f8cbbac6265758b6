"""Event-driven accumulation: primitives, differentiation rules and public functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import ShapedArray, ad, x64_enabled, zero_tangent
from brainvar.ops import _events_twin as twin
from brainvar.ops._primitive import batch_size, define_primitive, to_front

_INT32_MAX = np.iinfo(np.int32).max

_KERNEL_DTYPES = {np.dtype(t) for t in (np.float32, np.float64, np.int32, np.int64)}


def _kernel_has(target: Any, *rest: Any) -> bool:
    return target.dtype in _KERNEL_DTYPES


# --- abstract evaluation (what the public functions have already prepared) ----------------------


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise TypeError(message)


def _check_lanes(name: str, target: Any, spikes: Any, weights: Any) -> None:
    _require(
        target.ndim == 2 and spikes.ndim == 2 and target.shape[0] == spikes.shape[0],
        f"{name}: target and spikes must be [B, n_post] and [B, n_pre], got {target.shape} and "
        f"{spikes.shape}",
    )
    _require(
        spikes.dtype in (np.bool_, target.dtype) and weights.dtype == target.dtype,
        f"{name}: spikes must be bool or {target.dtype} and weights {target.dtype}, as the target, "
        f"got {spikes.dtype} and {weights.dtype}",
    )


def _add_events_eval(target: Any, spikes: Any, targets: Any, weights: Any) -> Any:
    _check_lanes("add_events", target, spikes, weights)
    _require(
        targets.ndim == 2 and targets.shape[0] == spikes.shape[1] and targets.dtype == np.int32,
        f"add_events: targets must be int32[{spikes.shape[1]}, K], got {targets}",
    )
    _require(
        weights.shape in ((), targets.shape),
        f"add_events: weights must be a scalar or {targets.shape}, got {weights.shape}",
    )
    return ShapedArray(target.shape, target.dtype)


def _add_events_csr_eval(target: Any, spikes: Any, indptr: Any, indices: Any, weights: Any) -> Any:
    _check_lanes("add_events_csr", target, spikes, weights)
    _require(
        indptr.shape == (spikes.shape[1] + 1,) and indptr.dtype in (np.int32, np.int64),
        f"add_events_csr: indptr must be int32|int64[{spikes.shape[1] + 1}], got {indptr}",
    )
    _require(
        indices.ndim == 1 and indices.dtype == np.int32,
        f"add_events_csr: indices must be int32[nnz], got {indices}",
    )
    _require(
        weights.shape in ((), indices.shape),
        f"add_events_csr: weights must be a scalar or {indices.shape}, got {weights.shape}",
    )
    return ShapedArray(target.shape, target.dtype)


# --- batching ------------------------------------------------------------------------------------


def _batching(primitive_of: Callable[[], Any]) -> Callable[..., Any]:
    def rule(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[Any, int]:
        primitive = primitive_of()
        size = batch_size(args, dims)
        if all(d is None for d in dims[2:]):
            # A shared table: the mapped axis joins the lanes.
            target, spikes = (to_front(x, d, size) for x, d in zip(args[:2], dims[:2], strict=True))
            lanes = [x.reshape(size * x.shape[1], x.shape[2]) for x in (target, spikes)]
            return primitive.bind(*lanes, *args[2:]).reshape(target.shape), 0
        # A table or a weight per element: one after the other, each at the cost of its active
        # rows.
        mapped = [jnp.moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True) if d is not None]

        def one(slices: Sequence[Any]) -> Any:
            rest = iter(slices)
            return primitive.bind(
                *(x if d is None else next(rest) for x, d in zip(args, dims, strict=True))
            )

        return lax.map(one, mapped), 0

    return rule


# --- differentiation -----------------------------------------------------------------------------
#
# out = target + A(spikes, weights) with A bilinear.  The tangent is again an accumulation of
# events; it is linear in (target, spikes) or in (target, weights), which is what the transpose
# rules rely on.  Cotangents of spikes and weights are dense by nature (a silent neuron has a
# gradient too), so they gather from all synapses.


def _jvp_rule(primitive_of: Callable[[], Any]) -> Callable[..., Any]:
    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        primitive = primitive_of()
        target, spikes, *tables, weights = primals
        d_target, d_spikes, d_weights = tangents[0], tangents[1], tangents[-1]
        out = primitive.bind(target, spikes, *tables, weights)
        if not jnp.issubdtype(target.dtype, np.inexact):
            return out, zero_tangent(out)
        is_zero = [type(t) is ad.Zero for t in (d_target, d_spikes, d_weights)]
        if spikes.dtype == bool:
            is_zero[1] = True
        if all(is_zero):
            return out, zero_tangent(out)
        tangent = jnp.zeros_like(target) if is_zero[0] else d_target
        if not is_zero[1]:
            tangent = primitive.bind(tangent, d_spikes, *tables, weights)
        if not is_zero[2]:
            tangent = primitive.bind(tangent, spikes, *tables, d_weights)
        return out, tangent

    return rule


def _pick(ct: Array, columns: Array) -> Array:
    """``ct[:, columns]`` with 0 for columns outside of the target: [B, *columns.shape]."""
    n_post = ct.shape[1]
    if n_post == 0:
        return jnp.zeros((ct.shape[0], *columns.shape), ct.dtype)
    inside = (columns >= 0) & (columns < n_post)
    return jnp.where(inside, ct[:, jnp.clip(columns, 0, n_post - 1)], 0)


def _is_linear(x: Any) -> bool:
    return ad.is_undefined_primal(x)


def _add_events_transpose(
    ct: Any, target: Any, spikes: Any, targets: Any, weights: Any
) -> list[Any]:
    if type(ct) is ad.Zero:
        return [None, None, None, None]
    ct_spikes = ct_weights = None
    if _is_linear(spikes):
        ct_spikes = (_pick(ct, targets) * weights).sum(-1)
    if _is_linear(weights):
        ct_weights = (_pick(ct, targets) * spikes[:, :, None].astype(ct.dtype)).sum(0)
        if weights.aval.ndim == 0:
            ct_weights = ct_weights.sum()
    return [ct if _is_linear(target) else None, ct_spikes, None, ct_weights]


def _csr_rows(indptr: Array, nnz: int) -> tuple[Array, Array]:
    """Row of every synapse, and whether it has one (indptr may leave out both ends)."""
    positions = jnp.arange(nnz, dtype=indptr.dtype)
    rows = jnp.searchsorted(indptr, positions, side="right") - 1
    owned = (rows >= 0) & (rows < indptr.shape[0] - 1)
    return jnp.clip(rows, 0, max(indptr.shape[0] - 2, 0)), owned


def _add_events_csr_transpose(
    ct: Any, target: Any, spikes: Any, indptr: Any, indices: Any, weights: Any
) -> list[Any]:
    if type(ct) is ad.Zero:
        return [None] * 5
    ct_spikes = ct_weights = None
    n_pre = indptr.shape[0] - 1
    if n_pre and (_is_linear(spikes) or _is_linear(weights)):
        rows, owned = _csr_rows(indptr, indices.shape[0])
        picked = jnp.where(owned, _pick(ct, indices), 0)
    else:
        rows = jnp.zeros_like(indices)
        picked = jnp.zeros((ct.shape[0], indices.shape[0]), ct.dtype)
    if _is_linear(spikes):
        ct_spikes = jnp.zeros(spikes.aval.shape, ct.dtype)
        if n_pre:
            ct_spikes = ct_spikes.at[:, rows].add(picked * weights)
    if _is_linear(weights):
        ct_weights = jnp.zeros(indices.shape, ct.dtype)
        if n_pre:
            ct_weights = (picked * spikes[:, rows].astype(ct.dtype)).sum(0)
        if weights.aval.ndim == 0:
            ct_weights = ct_weights.sum()
    return [ct if _is_linear(target) else None, ct_spikes, None, None, ct_weights]


# --- primitives ----------------------------------------------------------------------------------


def _define(name: str, abstract_eval: Any, transpose: Any) -> Any:
    primitive = define_primitive(
        f"brainvar_{name}",
        getattr(twin, name),
        abstract_eval,
        _batching(lambda: primitive),
        target=f"brainvar_{name}_v1",
        kernel_has=_kernel_has,
        aliases={0: 0},
    )
    ad.primitive_jvps[primitive] = _jvp_rule(lambda: primitive)
    ad.primitive_transposes[primitive] = transpose
    return primitive


add_events_p = _define("add_events", _add_events_eval, _add_events_transpose)
add_events_csr_p = _define("add_events_csr", _add_events_csr_eval, _add_events_csr_transpose)


# --- public functions ----------------------------------------------------------------------------


def _rank(dtype: Any) -> int:
    for rank, kind in enumerate((np.bool_, np.integer, np.floating)):
        if jnp.issubdtype(dtype, kind):
            return rank
    raise TypeError(f"dtype {dtype} cannot be accumulated: use integers or floats")


def _cast(name: str, x: Any, dtype: Any) -> Array:
    if _rank(x.dtype) > _rank(dtype):
        raise TypeError(
            f"{name} of dtype {x.dtype} cannot be added to a target of dtype {dtype}: convert one"
        )
    return x.astype(dtype)


def _table(name: str, x: Any) -> Any:
    """Bring a NumPy or JAX table to int32; what is out of its range stays out of the target's."""
    if not jnp.issubdtype(x.dtype, np.integer):
        raise TypeError(f"{name} must be integers, got {x.dtype}")
    if jnp.iinfo(x.dtype).max > _INT32_MAX:
        low = None if jnp.issubdtype(x.dtype, np.unsignedinteger) else -1
        x = x.clip(low, np.array(_INT32_MAX, x.dtype))
    return x.astype(np.int32)


def event_table(name: str, x: Any, *, wide: bool = False) -> Any:
    """Return a table of integers as an operand, which nobody else writes to.

    Before JAX sees it, which cuts 64-bit integers to their low half where these are not enabled.

    Parameters
    ----------
    name : str
        For messages.
    x : integer array
        What is not on a device is converted to int32; what is out of its range stays out of the
        target's.
    wide : bool
        Keep int64 where 64-bit types are enabled.
    """
    if isinstance(x, jax.Array):
        return x
    x = np.asarray(x)
    return x.copy() if wide and x64_enabled() and x.dtype == np.int64 else _table(name, x)


def _lanes(name: str, target: Any, spikes: Any, weights: Any) -> tuple[Any, Any, Any, Any]:
    """Bring target and spikes to [B, n_post] and [B, n_pre] of matching dtypes."""
    if target.ndim < 1 or spikes.ndim < 1:
        raise ValueError(
            f"{name}: target and spikes must be [..., n_post] and [..., n_pre], got shapes "
            f"{target.shape} and {spikes.shape}"
        )
    if target.shape[-1] > _INT32_MAX:
        raise ValueError(
            f"{name}: tables reach 2**31 - 1 targets, the last dimension of a target of shape "
            f"{target.shape} is longer"
        )
    if _rank(target.dtype) == 0:
        raise TypeError(f"{name}: a target of dtype bool cannot be added to: use ints or floats")
    try:
        batch = np.broadcast_shapes(target.shape[:-1], spikes.shape[:-1])
    except ValueError:
        raise ValueError(
            f"{name}: the leading dimensions of target {target.shape} and spikes {spikes.shape} "
            "do not match"
        ) from None
    if spikes.dtype != np.bool_:
        spikes = _cast(f"{name}: spikes", spikes, target.dtype)
    weights = _cast(f"{name}: weights", weights, target.dtype)
    size = int(np.prod(batch, dtype=np.int64))

    def flat(x: Any) -> Any:
        return jnp.broadcast_to(x, (*batch, x.shape[-1])).reshape(size, x.shape[-1])

    return flat(target), flat(spikes), weights, (*batch, target.shape[-1])


@jax.jit
def _add_events(target: Any, spikes: Any, targets: Any, weights: Any) -> Array:
    target, spikes, targets, weights = map(jnp.asarray, (target, spikes, targets, weights))
    lanes, spikes, weights, shape = _lanes("add_events", target, spikes, weights)
    if targets.ndim != 2 or targets.shape[0] != spikes.shape[-1]:
        raise ValueError(
            f"add_events: targets must be [n_pre, K] with n_pre = {spikes.shape[-1]} as the "
            f"spikes, got {targets.shape}"
        )
    if weights.shape not in ((), targets.shape):
        raise ValueError(
            f"add_events: weights must be a scalar or have the shape of targets {targets.shape}, "
            f"got {weights.shape}"
        )
    table = _table("add_events: targets", targets)
    return add_events_p.bind(lanes, spikes, table, weights).reshape(shape)


def add_events(target: Any, spikes: Any, targets: Any, weights: Any) -> Array:
    """Add the weights of the active rows of a fixed-fanout table to their targets.

    For every ``i`` with ``spikes[i] != 0``, in order, and every ``k``:
    ``target[targets[i, k]] += weights[i, k] * spikes[i]`` (``* 1`` for boolean spikes). The
    cost is that of the active rows. Differentiable in ``target``, ``weights`` and float
    ``spikes``; batchable in all arguments.

    Parameters
    ----------
    target : integer or float array [*batch, n_post]
    spikes : bool, integer or float array [*batch, n_pre]
        Leading dimensions broadcast with those of ``target``; the tables are shared.
    targets : integer array [n_pre, K]
        Column of each synapse; one outside of [0, n_post), negative ones included, is dropped.
        int32 is used as it is, other integers are converted at each call.
    weights : scalar or array [n_pre, K]
        Converted to the target's dtype.

    Returns
    -------
    array [*batch, n_post] of the target's dtype

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If ``targets`` are not integers, or floats would be added to integers.
    """
    return _add_events(target, spikes, event_table("add_events: targets", targets), weights)


@jax.jit
def _add_events_csr(target: Any, spikes: Any, indptr: Any, indices: Any, weights: Any) -> Array:
    target, spikes, indptr, indices, weights = map(
        jnp.asarray, (target, spikes, indptr, indices, weights)
    )
    lanes, spikes, weights, shape = _lanes("add_events_csr", target, spikes, weights)
    if indptr.shape != (spikes.shape[-1] + 1,):
        raise ValueError(
            f"add_events_csr: indptr must be [n_pre + 1] with n_pre = {spikes.shape[-1]} as the "
            f"spikes, got {indptr.shape}"
        )
    if indices.ndim != 1:
        raise ValueError(f"add_events_csr: indices must be [nnz], got {indices.shape}")
    if weights.shape not in ((), indices.shape):
        raise ValueError(
            f"add_events_csr: weights must be a scalar or have the shape of indices "
            f"{indices.shape}, got {weights.shape}"
        )
    if indptr.dtype != np.int64:
        indptr = _table("add_events_csr: indptr", indptr)
        if indices.shape[0] > _INT32_MAX:
            raise ValueError(
                f"add_events_csr: {indices.shape[0]} indices need an indptr of dtype int64: pass "
                "one, after jax.config.update('jax_enable_x64', True)"
            )
    table = _table("add_events_csr: indices", indices)
    return add_events_csr_p.bind(lanes, spikes, indptr, table, weights).reshape(shape)


def add_events_csr(target: Any, spikes: Any, indptr: Any, indices: Any, weights: Any) -> Array:
    """Add the weights of the active rows of a CSR table to their targets.

    As ``add_events``, for rows of different lengths: the synapses of row ``i`` are
    ``indptr[i]`` to ``indptr[i + 1] - 1``.

    Parameters
    ----------
    target : integer or float array [*batch, n_post]
    spikes : bool, integer or float array [*batch, n_pre]
    indptr : integer array [n_pre + 1]
        Not decreasing; int32 or int64. Limits outside of [0, nnz] are cut.
    indices : integer array [nnz]
        Column of each synapse; one outside of [0, n_post), negative ones included, is dropped.
    weights : scalar or array [nnz]
        Converted to the target's dtype.

    Returns
    -------
    array [*batch, n_post] of the target's dtype

    Raises
    ------
    ValueError
        If shapes do not fit.
    TypeError
        If the tables are not integers, or floats would be added to integers.
    """
    indptr = event_table("add_events_csr: indptr", indptr, wide=True)
    indices = event_table("add_events_csr: indices", indices)
    return _add_events_csr(target, spikes, indptr, indices, weights)
