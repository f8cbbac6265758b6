"""Activation functions for the numpy backend, after the definitions of ``jax.nn``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from brainvar.math.numpy._variable import plain

__all__ = [
    "celu",
    "elu",
    "gelu",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "mish",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softmax",
    "softmin",
    "softplus",
    "swish",
]


def _float(x: Any) -> np.ndarray:
    """Return a floating array; integers become float64 as in NumPy's own functions."""
    x = np.asarray(plain(x))
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def relu(x: Any) -> np.ndarray:
    """Return max(x, 0)."""
    return np.maximum(np.asarray(plain(x)), 0)


def relu6(x: Any) -> np.ndarray:
    """Return min(max(x, 0), 6)."""
    return np.minimum(relu(x), 6)


def leaky_relu(x: Any, negative_slope: float = 1e-2) -> np.ndarray:
    """Return x where x >= 0, elsewhere ``negative_slope * x``."""
    x = _float(x)
    return np.where(x >= 0, x, x * _like(negative_slope, x))


def sigmoid(x: Any) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), without overflow."""
    x = _float(x)
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def log_sigmoid(x: Any) -> np.ndarray:
    """Return log(sigmoid(x))."""
    return -softplus(-_float(x))


def softplus(x: Any) -> np.ndarray:
    """Return log(1 + exp(x))."""
    x = _float(x)
    return np.logaddexp(x, _like(0, x))


def soft_sign(x: Any) -> np.ndarray:
    """Return x / (1 + abs(x))."""
    x = _float(x)
    return x / (1 + np.abs(x))


def silu(x: Any) -> np.ndarray:
    """Return x * sigmoid(x)."""
    x = _float(x)
    return x * sigmoid(x)


swish = silu


def mish(x: Any) -> np.ndarray:
    """Return x * tanh(softplus(x))."""
    x = _float(x)
    return x * np.tanh(softplus(x))


def hard_tanh(x: Any) -> np.ndarray:
    """Return x cut to [-1, 1]."""
    return np.clip(np.asarray(plain(x)), -1, 1)


def hard_sigmoid(x: Any) -> np.ndarray:
    """Return relu6(x + 3) / 6."""
    return relu6(_float(x) + 3) / 6


def hard_silu(x: Any) -> np.ndarray:
    """Return x * hard_sigmoid(x)."""
    x = _float(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def elu(x: Any, alpha: float = 1.0) -> np.ndarray:
    """Return x where x > 0, elsewhere ``alpha * (exp(x) - 1)``."""
    x = _float(x)
    return np.where(x > 0, x, _like(alpha, x) * np.expm1(np.minimum(x, 0)))


def celu(x: Any, alpha: float = 1.0) -> np.ndarray:
    """Return x where x > 0, elsewhere ``alpha * (exp(x / alpha) - 1)``."""
    x = _float(x)
    alpha = _like(alpha, x)
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


def selu(x: Any) -> np.ndarray:
    """Return the self-normalising `elu` of Klambauer et al. (2017)."""
    x = _float(x)
    return _like(1.0507009873554804934193349852946, x) * elu(x, 1.6732632423543772848170429916717)


def gelu(x: Any, approximate: bool = True) -> np.ndarray:
    """Return x times the normal distribution function of x (Hendrycks and Gimpel, 2016).

    Parameters
    ----------
    x : array_like
        Any shape.
    approximate : bool
        Use the approximation by tanh.
    """
    x = _float(x)
    if approximate:
        inner = _like(math.sqrt(2 / math.pi), x) * (x + _like(0.044715, x) * x**3)
        return x * (_like(0.5, x) * (1 + np.tanh(inner)))
    erf = np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2))
    return (0.5 * x * (1 + erf)).astype(x.dtype)


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """Return log(sum(b * exp(a))) without overflow, with the parameters of ``jax.nn.logsumexp``."""
    a = _float(a)
    top = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    terms = np.exp(a - top)
    total = np.sum(terms if b is None else plain(b) * terms, axis=axis, keepdims=True)
    sign = np.sign(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.log(np.abs(total) if return_sign else total) + top
    if not keepdims:
        out, sign = np.squeeze(out, axis), np.squeeze(sign, axis)
    return (out, sign) if return_sign else out


def softmax(x: Any, axis: Any = -1) -> np.ndarray:
    """Return exp(x) / sum(exp(x)) along `axis`."""
    x = _float(x)
    raised = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return raised / np.sum(raised, axis=axis, keepdims=True)


def softmin(x: Any, axis: Any = -1) -> np.ndarray:
    """Return softmax(-x) along `axis`."""
    return softmax(-_float(x), axis)


def log_softmax(x: Any, axis: Any = -1) -> np.ndarray:
    """Return log(softmax(x)) along `axis`."""
    x = _float(x)
    shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(divide="ignore"):  # of nothing
        return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def one_hot(x: Any, num_classes: int, *, dtype: Any = float, axis: int = -1) -> np.ndarray:
    """Return 1 at index x of a new axis of length `num_classes`, elsewhere 0."""
    x = np.asarray(plain(x))
    hot = x[..., None] == np.arange(num_classes)
    return np.moveaxis(hot, -1, axis).astype(dtype)


def _like(number: float, x: np.ndarray) -> Any:
    """Return a constant in the dtype of `x`, so that float32 stays float32."""
    return x.dtype.type(number)
