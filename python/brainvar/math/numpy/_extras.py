"""What the namespace has besides ``numpy``: the same names as the jax backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from brainvar.core.array import as_raw
from brainvar.math.numpy import _activations
from brainvar.math.numpy._events import add_events, add_events_csr
from brainvar.math.numpy._variable import Variable, plain

__all__ = ["EXTRAS"]


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

    def clip(x: Any) -> np.ndarray:
        norm = np.sqrt(np.sum(x * x, axis=axis, keepdims=True))
        return x * (clip_norm / np.maximum(norm, clip_norm))

    return jax.tree.map(clip, plain(t))


def fix(x: Any) -> np.ndarray:
    """Round toward zero."""
    return np.trunc(plain(x))


def round_(a: Any, decimals: int = 0, out: Any = None) -> np.ndarray:
    """Round to a number of decimals, as `numpy.round`."""
    return np.round(a, decimals, out)


def as_device_array(tensor: Any, dtype: Any = None) -> jax.Array:
    """Return a plain `jax.Array` of the same values."""
    return jax.numpy.asarray(np.array(as_raw(plain(tensor))), dtype=dtype)


def as_ndarray(tensor: Any, dtype: Any = None) -> np.ndarray:
    """Return a plain `numpy.ndarray` of the same values, a Variable's own memory for one."""
    return np.asarray(plain(tensor), dtype=dtype)


def as_variable(tensor: Any, dtype: Any = None) -> Variable:
    """Return a new Variable of the same values."""
    return Variable(tensor, dtype=dtype)


EXTRAS: dict[str, Callable[..., Any]] = {
    **{name: getattr(_activations, name) for name in _activations.__all__},
    "add_events": add_events,
    "add_events_csr": add_events_csr,
    "as_device_array": as_device_array,
    "as_jax": as_device_array,
    "as_ndarray": as_ndarray,
    "as_numpy": as_ndarray,
    "as_variable": as_variable,
    "clip_by_norm": clip_by_norm,
    "fix": fix,
    "round_": round_,
}
