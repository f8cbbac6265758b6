"""What makes a `numpy.ndarray` that holds a key a RandomState: the numpy backend's half."""

from __future__ import annotations

import threading
from typing import Any

import jax
import numpy as np

from brainvar._compat import Tracer, at_top_level
from brainvar.core.errors import RawTransformError
from brainvar.random._arguments import host_value, int_dtype
from brainvar.random._continuous import ContinuousMethods
from brainvar.random._counts import CountMethods
from brainvar.random._discrete import DiscreteMethods
from brainvar.random._floats import FloatMethods
from brainvar.random._gammas import GammaMethods
from brainvar.random._integers import IntegerMethods
from brainvar.random._keys import seed_key, to_key
from brainvar.random._multivariate import MultivariateMethods
from brainvar.random._names import KeyMethods, LikeMethods
from brainvar.random._orders import OrderMethods
from brainvar.random._plans import Plan
from brainvar.random._samplers import Sampler

__all__ = ["HostRandomMethods"]

_lock = threading.RLock()

_ADVICE = "Use bm.jit or bm.for_loop, or the jax backend there: bm.use_backend('jax')."


class HostRandomMethods(
    FloatMethods,
    ContinuousMethods,
    IntegerMethods,
    DiscreteMethods,
    GammaMethods,
    CountMethods,
    OrderMethods,
    MultivariateMethods,
    LikeMethods,
    KeyMethods,
):
    """Samplers that draw with the key in this array, and give NumPy arrays.

    To be mixed in before a subclass of `numpy.ndarray` that holds uint32[2] and has `_stream`.
    The numbers are those of the JAX backend for the same key, computed on the CPU.
    """

    def _step(self, run: Plan, *params: Any) -> Any:
        if not at_top_level():
            # It would draw once, while the function is traced, the numbers of every later call.
            raise RawTransformError(
                "a RandomState of the numpy backend was moved inside a transform of JAX (jax.jit, "
                f"jax.vmap, jax.grad, jax.lax.scan, ...). {_ADVICE}"
            )
        # One lock for all: this backend is for looking at a model step by step.
        with _lock, jax.default_device(_cpu()):
            # A private copy, since JAX may read an argument after the call has returned.
            following, out = run(np.array(self), *(_untraced(x) for x in params))
            self._set_key(np.asarray(following))
        return out

    @staticmethod
    def _run(run: Plan, key: Any, *params: Any) -> Any:
        if not at_top_level():
            raise _in_a_trace()
        with jax.default_device(_cpu()):
            return run(np.array(_untraced(key)), *(_untraced(x) for x in params))

    def _draw_raw(self, *args: Any, sharding: Any = None, **kwargs: Any) -> Any:
        if sharding is not None:
            raise TypeError(
                "the numpy backend draws on one device: sharding must be None, or use the jax "
                "backend, bm.use_backend('jax')"
            )
        return super()._draw_raw(*args, **kwargs)

    def _set_key(self, key: np.ndarray) -> None:
        np.asarray(self)[...] = key

    @staticmethod
    def _out(raw: Any) -> np.ndarray:
        return np.array(raw)

    _key_out = _out

    def _draw_of(
        self,
        x: Any,
        how: tuple[str, int],
        sampler: Sampler,
        shape: tuple[int, ...],
        options: tuple[Any, ...],
        *params: Any,
        key: Any = None,
        sharding: Any = None,
    ) -> np.ndarray:
        # Taken by NumPy, so that elements of any dtype come back as they are.
        index = self._draw(
            sampler, shape, int_dtype(), *params, key=key, sharding=sharding, options=options
        )
        x, (kind, axis) = host_value(x), how
        if kind == "take":
            return np.asarray(np.take(x, index, axis))  # pyright: ignore[reportArgumentType]
        return np.take_along_axis(x, index, axis)  # pyright: ignore[reportArgumentType]

    def seed(self, seed: Any = None) -> None:
        """Start again from a seed.

        Parameters
        ----------
        seed : None, int, array or key
            As for the class.
        """
        with _lock:
            self._set_key(np.asarray(seed_key(seed, self._stream)))

    def set_value(self, key: Any) -> None:
        """Take another key as the value.

        Raises
        ------
        TypeError, ValueError
            If it is no key: nothing is cast or broadcast to one.
        """
        with _lock:
            self._set_key(np.asarray(to_key(key, self._stream)))


def _cpu() -> Any:
    return jax.local_devices(backend="cpu")[0]


def _untraced(x: Any) -> Any:
    if isinstance(x, Tracer):
        raise _in_a_trace()
    return np.asarray(x)


def _in_a_trace() -> TypeError:
    return TypeError(
        "a RandomState of the numpy backend draws numbers that are known at once, which a "
        f"transform of JAX (jax.jit, jax.vmap, jax.grad, jax.lax.scan, ...) has none of. {_ADVICE}"
    )
