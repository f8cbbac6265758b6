"""Samplers that reject: gamma, Poisson and binomial numbers, one primitive for each.

Each element draws words of its own, which depend on the key and the element's index alone (see
`_rejection_twin`); so the counter layout has no say here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from brainvar._compat import ShapedArray, ad, x64_enabled, zero_tangent
from brainvar.ops import _rejection_twin as twin
from brainvar.ops._blocks import nothing_to_cut
from brainvar.ops._partition import partitioned
from brainvar.ops._primitive import batch_size, define_primitive, no_tangent, to_front
from brainvar.ops._sampling import Shape, _concrete, _need_x64, check_key, hashable_shape

__all__ = ["binomial", "gamma", "poisson"]

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
_NARROW, _WIDE = np.dtype(np.int32), np.dtype(np.int64)


def _result(
    name: str, key: Any, shape: tuple[int, ...], dtype: np.dtype, *parameters: Any
) -> ShapedArray:
    check_key(key)
    full = (*key.shape[:-1], *shape)
    for x in parameters:
        if x.shape != full[: x.ndim]:
            raise TypeError(
                f"{name}: a parameter of shape {x.shape} is not what the samples' shape {full} "
                "begins with"
            )
    return ShapedArray(full, dtype)


def batching(primitive_of: Callable[[], Any]) -> Callable[..., Any]:
    # Key dimensions and leading dimensions of the parameters are free: a mapped axis is one more.
    def rule(args: Sequence[Any], dims: Sequence[int | None], **params: Any) -> tuple[Any, int]:
        size = batch_size(args, dims)
        key = to_front(args[0], dims[0], size)
        rest = [
            x if d is None and x.ndim == 0 else to_front(x, d, size)
            for x, d in zip(args[1:], dims[1:], strict=True)
        ]
        return primitive_of().bind(key, *rest, **params), 0

    return rule


def _gamma_eval(key: Any, alpha: Any, *, shape: Any, dtype: np.dtype, log: bool) -> ShapedArray:
    if dtype not in (_SINGLE, _DOUBLE) or alpha.dtype != dtype:
        raise TypeError(f"gamma: dtype {dtype} for a parameter of {alpha.dtype}")
    return _result("gamma", key, shape, dtype, alpha)


def _poisson_eval(key: Any, rate: Any, *, shape: Any, dtype: np.dtype) -> ShapedArray:
    return _result("poisson", key, shape, dtype, rate)


def _binomial_eval(key: Any, n: Any, p: Any, *, shape: Any, dtype: np.dtype) -> ShapedArray:
    return _result("binomial", key, shape, dtype, n, p)


# --- primitives: whole samples, and a block of them for programs on several devices -------------


def define_cut(
    name: str,
    function: Callable[..., Array],
    abstract_eval: Callable[..., Any],
    attributes: Callable[[Any], Any] = lambda params: {},
) -> Any:
    """Make the primitive of a sampler with kernels, of its twin and how its result is described."""

    def block_eval(key: Any, tile: Any, *parameters: Any, local: Any, **params: Any) -> ShapedArray:
        return ShapedArray((*key.shape[:-1], *local), params["dtype"])

    def block_twin(key: Array, tile: Array, *parameters: Array, **params: Any) -> Array:
        return function(key, *parameters, tile, **params)

    block_p = define_primitive(
        f"brainvar_{name}_block",
        block_twin,
        block_eval,
        target=f"brainvar_threefry_{name}_block_v1",
        attributes=lambda params: {
            **attributes(params),
            "shape": np.array(params["shape"], np.int64),
        },
    )

    def cut(key: Array, *parameters: Array, **params: Any) -> Array:
        batch = key.ndim - 1

        def block(tile: Array, local: tuple[int, ...], key: Array, *parameters: Array) -> Array:
            return block_p.bind(key, tile[batch:], *parameters, local=local[batch:], **params)

        return partitioned(
            lambda *operands: primitive.bind(*operands, **params),
            block,
            (key, *parameters),
            dims=((*range(batch), None), *(tuple(range(x.ndim)) for x in parameters)),
        )

    primitive = define_primitive(
        f"brainvar_{name}",
        function,
        abstract_eval,
        batching(lambda: primitive),
        target=f"brainvar_threefry_{name}_v1",
        attributes=attributes,
        sharded=function,
        sharded_native=cut,
        everywhere=lambda key, *_, shape, **params: nothing_to_cut(key, shape=shape),
    )
    return primitive


def _gamma_attributes(params: Any) -> Any:
    return {"log": np.int32(params["log"])}


gamma_p = define_cut("gamma", twin.gamma, _gamma_eval, _gamma_attributes)
poisson_p = define_cut("poisson", twin.poisson, _poisson_eval)
binomial_p = define_cut("binomial", twin.binomial, _binomial_eval)
no_tangent(poisson_p)
no_tangent(binomial_p)


# --- the derivative of gamma samples -----------------------------------------------------------


def _gamma_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
    """Differentiate by implicit reparameterisation.

    At a fixed value of the distribution function F the sample x moves with alpha by
    ``-(dF/dalpha) / (dF/dx)`` (M. Figurnov, S. Mohamed, A. Mnih, 2018, "Implicit
    reparameterization gradients").
    """
    key, alpha = primals
    sample = gamma_p.bind(key, alpha, **params)
    if isinstance(tangents[1], ad.Zero):
        return sample, zero_tangent(sample)
    slope = _gamma_slope(twin.spread(alpha, sample.shape), sample, params["log"])
    return sample, slope * twin.spread(tangents[1], sample.shape)


def _gamma_slope(alpha: Array, sample: Array, log: bool) -> Array:
    tiny = jnp.finfo(sample.dtype).tiny
    value = lax.exp(sample) if log else sample
    seen = value > tiny
    slope = lax.random_gamma_grad(alpha, jnp.where(seen, value, 1))  # pyright: ignore[reportCallIssue]
    if not log:
        return jnp.where(seen, slope, 0)
    # Where the sample itself is too small to be seen, F is x**alpha / Gamma(alpha + 1).
    far = (lax.digamma(alpha + 1) - sample) / alpha
    return jnp.where(seen, slope / jnp.where(seen, value, 1), far)


ad.primitive_jvps[gamma_p] = _gamma_jvp


# --- public functions --------------------------------------------------------------------------


def _float_result(name: str, dtype: Any) -> np.dtype:
    result = np.dtype(_concrete(dtype))
    if result not in (_SINGLE, _DOUBLE):
        raise TypeError(f"dtype={result.name}: {name} numbers are drawn as float32 or float64")
    return _available(name, result)


def _integer_result(name: str, dtype: Any) -> np.dtype:
    if dtype is None or dtype is int:
        return _WIDE if x64_enabled() else _NARROW
    result = np.dtype(dtype)
    if result not in (_NARROW, _WIDE):
        raise TypeError(f"dtype={result.name}: {name} numbers are drawn as int32 or int64")
    return _available(name, result)


def _available(name: str, dtype: np.dtype) -> np.dtype:
    if dtype.itemsize == 8:
        _need_x64(f"{name} with dtype {dtype}", f"{dtype.name[:-2]}32")
    return dtype


def _real(name: str, x: Any, key: Any, shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Convert a real parameter, to float32 or float64, and give it a shape; see `_shaped`."""
    if dtype is None:
        wide = np.dtype(getattr(x, "dtype", _DOUBLE)).itemsize == 8 and x64_enabled()
        dtype = _DOUBLE if wide else _SINGLE
    if not isinstance(x, jax.Array):
        with np.errstate(over="ignore"):
            x = np.asarray(x).astype(dtype)
    return _shaped(name, jnp.asarray(x, dtype), key, shape)


def _number(name: str, x: Any, key: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """Convert a number of things, to int32 or int64, and give it a shape; see `_shaped`."""
    if not isinstance(x, jax.Array):
        x = np.asarray(x)
        if x.dtype.kind not in "iub" and x.size:
            raise TypeError(f"{name} must be an integer or integers, got {x.dtype}")
        if x.size and x.max() > np.iinfo(dtype).max:
            raise OverflowError(f"{name} is too large for {dtype}")
        x = x.astype(dtype)
    if not (jnp.issubdtype(x.dtype, np.integer) or x.dtype == np.bool_):
        raise TypeError(f"{name} must be an integer or integers, got {x.dtype}")
    found = x.dtype if x.dtype in (_NARROW, _WIDE) else dtype
    return _shaped(name, jnp.asarray(x, found), key, shape)


def _shaped(name: str, x: Array, key: Any, shape: tuple[int, ...]) -> Array:
    """Give a parameter one of the shapes that the primitives take: none, or the samples'."""
    if x.ndim == 0:
        return x
    full = (*key.shape[:-1], *shape)
    try:
        return jnp.broadcast_to(x, full)
    except ValueError:
        raise ValueError(f"{name} of shape {x.shape} does not broadcast to {full}") from None


def gamma(key: Any, shape: Shape, alpha: Any, dtype: Any = None, *, log: bool = False) -> Array:
    """Draw gamma numbers of scale 1.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    alpha : float or array of floats
        Shape parameter; broadcasts to ``[*B, *shape]``. NaN and negative ones give NaN, 0 gives 0.
        Samples are differentiable with respect to it.
    dtype : {float32, float64}, optional
        None or ``float``: JAX's default float. float64 needs ``jax_enable_x64``.
    log : bool
        Return the logarithms, which for an `alpha` near 0 are there to see where the numbers are
        not.

    Returns
    -------
    dtype[*B, *shape]
    """
    dtype, shape = _float_result("gamma", dtype), hashable_shape(shape)
    alpha = _real("alpha", alpha, check_key(key), shape, dtype)
    return gamma_p.bind(key, alpha, shape=shape, dtype=dtype, log=bool(log))


def poisson(key: Any, shape: Shape, rate: Any, dtype: Any = None) -> Array:
    """Draw Poisson numbers.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    rate : float or array of floats
        Mean; broadcasts to ``[*B, *shape]``. NaN and negative ones give -1.
    dtype : {int32, int64}, optional
        None or ``int``: JAX's default integer. int64 needs ``jax_enable_x64``.

    Returns
    -------
    dtype[*B, *shape]
        What exceeds the largest number of the dtype is that number.
    """
    dtype, shape = _integer_result("Poisson", dtype), hashable_shape(shape)
    rate = _real("rate", rate, check_key(key), shape)
    return poisson_p.bind(key, rate, shape=shape, dtype=dtype)


def binomial(key: Any, shape: Shape, n: Any, p: Any, dtype: Any = None) -> Array:
    """Draw binomial numbers.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    n : int or array of ints
        Number of trials; broadcasts to ``[*B, *shape]``.
    p : float or array of floats
        Probability of a success; broadcasts to ``[*B, *shape]``. Where it lies outside of [0, 1],
        or `n` is negative, the result is -1.
    dtype : {int32, int64}, optional
        None or ``int``: JAX's default integer. int64 needs ``jax_enable_x64``.

    Returns
    -------
    dtype[*B, *shape]
    """
    dtype, shape = _integer_result("binomial", dtype), hashable_shape(shape)
    trials = _number("n", n, check_key(key), shape, dtype)
    p = _real("p", p, key, shape)
    return binomial_p.bind(key, trials, p, shape=shape, dtype=dtype)
