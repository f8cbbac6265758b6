"""What the namespace has besides ``jax.numpy``, after BrainPy: few names, written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable
from brainvar.math._wrap import unwrap, wrap_function

__all__ = ["EXTRAS"]

_NN = (
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
    "softplus",
    "swish",
)


def softmin(x: Any, axis: Any = -1) -> jax.Array:
    """Return softmax(-x) along `axis`."""
    return jax.nn.softmax(-x, axis=axis)


def clip_by_norm(t: Any, clip_norm: float, axis: Any = None) -> Any:
    """Scale arrays down to a Euclidean norm of at most `clip_norm`.

    Parameters
    ----------
    t : array, or list, tuple or dict of arrays
        Each array is scaled by itself.
    clip_norm : float
        The largest norm, above 0.
    axis : int or tuple of int, optional
        The axes that the norm is taken over; all by default.
    """

    def clip(x: Any) -> Any:
        norm = jnp.sqrt(jnp.sum(x * x, axis=axis, keepdims=True))
        return x * (clip_norm / jnp.maximum(norm, clip_norm))

    return jax.tree.map(clip, t)


def fix(x: Any) -> jax.Array:
    """Round toward zero."""
    return jnp.trunc(x)


def as_device_array(tensor: Any, dtype: Any = None) -> jax.Array:
    """Return a plain `jax.Array` of the same values."""
    return jnp.asarray(unwrap(tensor), dtype=dtype)


def as_ndarray(tensor: Any, dtype: Any = None) -> np.ndarray:
    """Return a `numpy.ndarray` of the same values. It may be read-only: JAX's own memory."""
    return np.asarray(unwrap(tensor), dtype=dtype)


def as_variable(tensor: Any, dtype: Any = None) -> Variable:
    """Return a new Variable of the same values."""
    return Variable(tensor, dtype=dtype)


def as_jaxarray(tensor: Any, dtype: Any = None) -> JaxArray:
    """Return a new JaxArray of the same values."""
    return JaxArray(tensor, dtype=dtype)


def _extras() -> dict[str, Callable[..., Any]]:
    wrapped = {
        **{name: getattr(jax.nn, name) for name in _NN},
        "add_events": ops.add_events,
        "add_events_csr": ops.add_events_csr,
        "asanyarray": jnp.asarray,
        "ascontiguousarray": jnp.asarray,
        "clip_by_norm": clip_by_norm,
        "fix": fix,
        "round_": jnp.round,
        "softmin": softmin,
    }
    return {
        **{name: wrap_function(fn, name, "brainvar.math.jax") for name, fn in wrapped.items()},
        "as_device_array": as_device_array,
        "as_jax": as_device_array,
        "as_jaxarray": as_jaxarray,
        "as_ndarray": as_ndarray,
        "as_numpy": as_ndarray,
        "as_variable": as_variable,
    }


EXTRAS = _extras()
