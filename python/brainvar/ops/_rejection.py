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

from brainvar._compat import ShapedArray, ad, zero_tangent
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
    if dtype in (_DOUBLE, _WIDE):
        _need_x64(f"{name} with dtype {dtype}", f"{'float' if dtype == _DOUBLE else 'int'}32")
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


def _define(name: str, abstract_eval: Callable[..., Any], attributes: Any) -> Any:
    function = getattr(twin, name)

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


gamma_p = _define("gamma", _gamma_eval, lambda params: {"log": np.int32(params["log"])})
poisson_p = _define("poisson", _poisson_eval, lambda params: {})
binomial_p = _define("binomial", _binomial_eval, lambda params: {})
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


def _parameter(name: str, x: Any, dtype: np.dtype | None, key: Any, shape: tuple[int, ...]) -> Any:
    """Give a parameter one of the shapes that the primitives take: none, or the samples'."""
    x = jnp.asarray(x) if dtype is None else jnp.asarray(x, dtype)
    if x.ndim == 0:
        return x
    try:
        return jnp.broadcast_to(x, (*key.shape[:-1], *shape))
    except ValueError:
        raise ValueError(f"{name} of shape {x.shape} does not broadcast to {shape}") from None


def _integer_dtype(dtype: Any) -> np.dtype:
    if dtype is None or dtype is int:
        return np.dtype(jax.dtypes.canonicalize_dtype(np.int64))
    result = np.dtype(dtype)
    if result not in (_NARROW, _WIDE):
        raise TypeError(f"dtype={dtype!r}: counts are drawn as int32 or int64")
    return result


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
    dtype = np.dtype(_concrete(dtype))
    if dtype not in (_SINGLE, _DOUBLE):
        raise TypeError(f"dtype={dtype.name}: gamma numbers are drawn as float32 or float64")
    shape = hashable_shape(shape)
    alpha = _parameter("alpha", alpha, dtype, check_key(key), shape)
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
    dtype, shape = _integer_dtype(dtype), hashable_shape(shape)
    rate = _parameter("rate", rate, _real(rate), check_key(key), shape)
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
    dtype, shape = _integer_dtype(dtype), hashable_shape(shape)
    trials = _parameter("n", n, _count(n, dtype), check_key(key), shape)
    p = _parameter("p", p, _real(p), key, shape)
    return binomial_p.bind(key, trials, p, shape=shape, dtype=dtype)


def _real(x: Any) -> np.dtype:
    # Half precision and integers are exact in single precision, or as exact as it gets.
    found = np.dtype(getattr(x, "dtype", _DOUBLE))
    return (
        np.dtype(jax.dtypes.canonicalize_dtype(_DOUBLE)) if found in (_DOUBLE, _WIDE) else _SINGLE
    )


def _count(n: Any, dtype: np.dtype) -> np.dtype:
    found = getattr(n, "dtype", dtype)
    return found if found in (_NARROW, _WIDE) else dtype
