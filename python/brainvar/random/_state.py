"""`RandomState` of the JAX backend: a Variable that holds a key."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

from brainvar._compat import (
    TOP_TRACE,
    TOP_TRACE_STATE,
    find_top_trace,
    trace_state,
)
from brainvar.core import _inplace
from brainvar.core._assign import private_array
from brainvar.core.array import JaxArray
from brainvar.core.tracking import local, note_replaced, raw_transform_write
from brainvar.core.variable import Variable
from brainvar.random._arguments import host_value, int_dtype
from brainvar.random._continuous import ContinuousMethods
from brainvar.random._counts import CountMethods
from brainvar.random._discrete import DiscreteMethods
from brainvar.random._floats import FloatMethods
from brainvar.random._gammas import GammaMethods
from brainvar.random._integers import IntegerMethods
from brainvar.random._keys import RAW_TRANSFORM_ADVICE, seed_key, stream_of, to_key
from brainvar.random._multivariate import MultivariateMethods
from brainvar.random._names import KeyMethods, LikeMethods
from brainvar.random._orders import OrderMethods
from brainvar.random._plans import Plan, split_plan
from brainvar.random._samplers import Sampler
from brainvar.random._streams import STREAMS, check_stream

__all__ = ["RandomState"]

_SPLIT = {stream: split_plan(None, stream) for stream in STREAMS}


class RandomState(
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
    Variable,
):
    """A random number generator: a Variable that holds a Threefry-2x32 key, uint32[2].

    Each draw splits the key in two: one is the new value, from the other the numbers are made. So
    a seed gives one stream of numbers, eagerly and inside transforms, with and without the
    compiled kernels.

    Parameters
    ----------
    seed : None, int, array or key
        None takes 64 bits from the operating system. An integer in [0, 2**64) keeps all of its
        bits. A raw key is an array uint32[2] (or another RandomState), a typed key one of
        ``jax.random.key(..., impl=...)`` with 'threefry2x32' or `brainvar.threefry_prng_impl`.
    stream : {'original', 'partitionable'}, optional
        The counter layout: JAX's original one, or that of ``jax.random`` since JAX 0.5. The
        default is that of a RandomState given as `seed`, and what `set_default_stream` says
        ('original') otherwise. It belongs to the state, and is kept by copies, pickles and pytrees.
    type, name : str, optional
        As for `Variable`.

    Raises
    ------
    TypeError
        If `seed` is neither an integer nor a key.
    ValueError
        If an integer seed is negative or has more than 64 bits, or `stream` is unknown.
    StaticChangeError
        If it is made or seeded without a seed inside a compiled function.

    Examples
    --------
    >>> rng = RandomState(seed=1234)
    >>> rng
    RandomState(Array([   0, 1234], dtype=uint32))
    >>> rng.normal(loc=[0.0, 100.0]).shape
    (2,)
    """

    __slots__ = ("_backup", "_stream")

    # A key of 8 bytes is not worth the donation, and kernels read it while they write the next.
    _donated = False

    _instead = RAW_TRANSFORM_ADVICE

    def __init__(
        self,
        seed: Any = None,
        *,
        stream: str | None = None,
        type: str = "",
        name: str | None = None,
    ):
        self._stream = check_stream(stream_of(seed) if stream is None else stream)
        super().__init__(seed_key(seed, self._stream), type=type, name=name)

    # -- the hooks of a draw, and the one of a choice ----------------------------------------

    def _step(self, run: Plan, *params: Any) -> Any:
        # Neither a trace here, nor a frame (which is there without a trace in JAX's
        # ensure_compile_time_eval), nor a trace where the state was made: eager code.
        # What _eager() says, without its calls: all draws come through here.
        if (
            local.frame is None
            and self._birth is TOP_TRACE_STATE
            and find_top_trace(()) is TOP_TRACE
        ):
            if type(self._value.sharding) is not SingleDeviceSharding:
                self._come_home()
            # One step, so that two threads never draw with the same key.
            return _inplace.draw(self, run, *params)
        if local.frame is None and self._frame is None and trace_state() != self._birth:
            # Before the draw: under a raw jax.vmap it would give every lane the same numbers.
            raise raw_transform_write(self)
        following, out = run.__wrapped__(self._read(), *params)
        self._set_raw(following)
        return out

    @staticmethod
    def _run(run: Plan, key: Any, *params: Any) -> Any:
        # JAX may read an argument after the call has returned.
        return run(np.array(key) if isinstance(key, np.ndarray) else key, *params)

    _out = staticmethod(JaxArray._wrap)

    @staticmethod
    def _key_out(raw: Any) -> Any:
        return raw

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
    ) -> Any:
        if isinstance(x, np.ndarray):
            if not _is_device_dtype(x.dtype):
                if sharding is not None:
                    raise _no_device_data(x)
                index = self._draw(sampler, shape, int_dtype(), *params, key=key, options=options)
                return _host_elements(x, index, how)
            x = device_data(x)
        return self._out(
            self._draw_raw(
                sampler,
                shape,
                int_dtype(),
                (x, *params),
                key=key,
                sharding=sharding,
                options=options,
                gather=how,
            )
        )

    def _come_home(self) -> None:
        """Leave the devices of a sharded program, all of whose results are on each of them.

        A draw there would be made once by every device, and would stay with them.
        """
        _inplace.draw(self, _on_one_device)

    @property
    def value(self) -> jax.Array:
        """The raw key, uint32[2]. Only another key can be assigned: a number is a seed."""
        if self._eager() and type(self._value.sharding) is not SingleDeviceSharding:
            self._come_home()
        return super().value

    @value.setter
    def value(self, value: Any) -> None:
        self._assign(value)

    def _let_out(self) -> None:
        if self._eager() and type(self._value.sharding) is not SingleDeviceSharding:
            self._come_home()
        super()._let_out()

    # -- the state ---------------------------------------------------------------------------

    def split_key(self, n: int | None = None, backup: bool = False) -> Any:  # noqa: D102 (that of the base class)
        # The same as there, without its calls, at_top_level() among them: what is Python's of the
        # time counts. Measured against a jitted identity on the key: 1.35 x for the compiled
        # split alone, 1.55 x for all of it.
        if (
            n is None
            and not backup
            and local.frame is None
            and self._birth is TOP_TRACE_STATE
            and find_top_trace(()) is TOP_TRACE
            and type(self._value.sharding) is SingleDeviceSharding
        ):
            return _inplace.draw(self, _SPLIT[self._stream])
        return super().split_key(n, backup)

    split_key.__doc__ = KeyMethods.split_key.__doc__

    def seed(self, seed: Any = None) -> None:
        """Start again from a seed.

        Parameters
        ----------
        seed : None, int, array or key
            As for the class.
        """
        self._assign(seed_key(seed, self._stream))

    def clone(self) -> RandomState:
        """Return an independent generator, seeded by a key drawn from this one.

        It is of the same class, with the same stream and attributes.
        """
        return self._rebuild(self.split_key(), self._state())

    def _set_stream(self, stream: str) -> None:
        super()._set_stream(stream)
        note_replaced([self])  # programs are compiled for a stream

    def _assign(self, value: Any) -> None:
        # Nothing is cast or broadcast to a key: a number is a seed, not a value.
        key = to_key(value, self._stream)
        self._store(private_array(key) if isinstance(key, np.ndarray) else key)

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "_stream": self._stream}

    @classmethod
    def _rebuild(cls, raw: Any, state: dict[str, Any]) -> Any:
        # Leaves that went through a file come back as NumPy's.
        return super()._rebuild(private_array(raw) if type(raw) is np.ndarray else raw, state)

    def _static_key(self) -> Any:
        return self._stream, super()._static_key()

    def __repr__(self) -> str:
        shown = super().__repr__()
        return shown if self._stream == "original" else f"{shown[:-1]}, stream={self._stream!r})"


def _on_one_device(key: jax.Array) -> tuple[jax.Array, None]:
    # Through the host: an array of one of the devices would be committed to it.
    return key if len(key.sharding.device_set) == 1 else private_array(np.asarray(key)), None


def _is_device_dtype(dtype: np.dtype) -> bool:
    return dtype.kind not in "OSUMmV" or jnp.issubdtype(dtype, jnp.number)


def _no_device_data(x: np.ndarray) -> TypeError:
    return TypeError(
        f"an array of JAX cannot hold elements of dtype {x.dtype}: inside a compiled function, or "
        "with a sharding, draw indices, choice(len(x)) or permutation(len(x))"
    )


def _host_elements(x: np.ndarray, index: Any, how: tuple[str, int]) -> Any:
    """Take elements that JAX cannot hold, strings for instance: as an array of NumPy."""
    order = host_value(index)
    if order is None:
        raise _no_device_data(x)
    kind, axis = how
    return np.take_along_axis(x, order, axis) if kind == "along" else np.take(x, order, axis)


def device_data(x: np.ndarray) -> np.ndarray:
    """Return a private copy of a NumPy array of numbers, as JAX can hold it.

    Raises
    ------
    OverflowError
        If a number does not fit into the 32 bits that it would be cut to.
    """
    # JAX may read it after the call has returned.
    with np.errstate(over="ignore"):
        narrow = np.array(x, dtype=jax.dtypes.canonicalize_dtype(x.dtype))
    if narrow.dtype != x.dtype:
        lost = narrow != x if x.dtype.kind in "iu" else np.isinf(narrow) & np.isfinite(x)
        if lost.any():
            raise OverflowError(
                f"elements of dtype {x.dtype} become {narrow.dtype} while 64-bit types are off, "
                f"and {x[lost].flat[0]!r} does not fit; turn them on with "
                "jax.config.update('jax_enable_x64', True), or draw indices"
            )
    return narrow
