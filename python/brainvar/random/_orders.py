"""The samplers of orders and choices, as methods."""

from __future__ import annotations

import math
from collections.abc import MutableSequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar._compat import Tracer, x64_enabled
from brainvar.core import _inplace
from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable
from brainvar.random import _samplers
from brainvar.random._arguments import as_data, as_shape, host_value, int_dtype, unwrap
from brainvar.random._base import DrawMethods
from brainvar.random._placement import placed
from brainvar.random._plans import Plan, plan
from brainvar.random._samplers import Sampler

__all__ = ["OrderMethods"]


class OrderMethods(DrawMethods):
    """Samplers that choose among given elements or change their order.

    They draw indices. `_draw_of` is the hook of a backend that takes the elements.
    """

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
        """Draw indices of `shape` and return the elements of `x` there; see `plan` for `how`."""
        raise NotImplementedError

    def permutation(
        self,
        x: Any,
        axis: int = 0,
        independent: bool = False,
        *,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Return the elements of an array in a random order, or a random order of integers.

        Parameters
        ----------
        x : int or array_like
            An integer n stands for ``arange(n)``.
        axis : int
            The axis whose slices change places.
        independent : bool
            Order each vector along `axis` by itself.

        Returns
        -------
        array
            Of the shape of `x`; `x` stays as it is. Bit for bit the same on every platform, and
            that of `jax.random.permutation`. Elements that JAX cannot hold, such as strings, come
            in a `numpy.ndarray`.

        Raises
        ------
        OverflowError
            If 64-bit elements do not fit into 32 bits while ``jax_enable_x64`` is off.
        """
        if type(x) is int and axis == 0 and key is None and sharding is None:
            return self._out(self._step(_order_plan(x, self._stream, x64_enabled())))
        x = as_data(x, "x")
        if x.ndim == 0:
            n = max(_integer(x, "x", TypeError), 0)
            _axis(axis, 1)
            return self._draw(
                _samplers.permutation, (n,), int_dtype(), key=key, sharding=sharding, options=(n,)
            )
        return self._draw_of(x, *_ordering(x, axis, independent), key=key, sharding=sharding)

    def shuffle(self, x: Any, axis: int = 0, *, key: Any = None) -> None:
        """Put the elements of an array in a random order, in place.

        Parameters
        ----------
        x : Variable, JaxArray, numpy.ndarray or list
            What is shuffled: an array of any dtype and layout, or a list or other mutable
            sequence, whose axis is 0.
        axis : int
            The axis whose slices change places.

        Raises
        ------
        TypeError
            If `x` cannot be changed, as a `jax.Array`; `permutation` gives a new array.
        ValueError
            If `axis` is not one of `x`, or a NumPy array is read-only.
        """
        if isinstance(x, JaxArray):
            _at_least_1d(x)
            axis = _axis(axis, x.ndim)
            order = self._draw_order(x.shape[axis], key)
            if isinstance(x, Variable) and x._eager():
                # One step with the write, which leaves the Variable the only one to hold the
                # result: later writes to it are in place.
                sharding = x._value.sharding
                kept = sharding if len(sharding.device_set) > 1 else None
                _inplace.draw(x, _shuffling(axis, kept), *placed(kept, order))
            else:
                x._store(_shuffling(axis)(x._read(), order)[0])
        elif isinstance(x, np.ndarray):
            _at_least_1d(x)
            axis = _axis(axis, x.ndim)
            if not x.flags.writeable:
                raise ValueError("x is read-only: shuffle a copy, or use x = permutation(x)")
            x[...] = np.take(x, self._known_order(x.shape[axis], key), axis)
        elif isinstance(x, jax.Array):
            raise TypeError(
                "shuffle works in place, and a jax.Array cannot be changed: use "
                "x = permutation(x), or shuffle a Variable or a JaxArray"
            )
        elif isinstance(x, MutableSequence):
            _axis(axis, 1)
            for i, item in enumerate([x[i] for i in self._known_order(len(x), key).tolist()]):
                x[i] = item
        else:
            raise TypeError(f"shuffle needs an array or a list that it can change, got {x!r}")

    def _draw_order(self, n: int, key: Any) -> Any:
        return self._draw_raw(_samplers.permutation, (n,), int_dtype(), (), key=key, options=(n,))

    def _known_order(self, n: int, key: Any) -> np.ndarray:
        order = host_value(self._draw_order(n, key))
        if order is None:
            raise TypeError(
                "a NumPy array or a list cannot be shuffled inside a compiled function, where the "
                "order has no value yet: shuffle a Variable, or use x = permutation(x)"
            )
        return order

    def choice(
        self,
        a: Any,
        size: Any = None,
        replace: bool = True,
        p: Any = None,
        *,
        axis: int = 0,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Choose among the elements of an array, or among the integers below a number.

        Parameters
        ----------
        a : int or array_like
            An integer n stands for ``arange(n)``.
        size : int or tuple of ints, optional
            How many to choose, as a shape. None gives one, without an axis.
        replace : bool
            Whether an element can be chosen more than once.
        p : array_like of floats, optional
            The probability of each element; they sum to 1. All are equally likely without it.
        axis : int
            The axis of `a` whose slices are chosen.

        Returns
        -------
        array
            Of the shape of `a` with `size` in the place of `axis`. Without `p` bit for bit the
            same on every platform, and that of `jax.random.choice`. Elements that JAX cannot
            hold, such as strings, come in a `numpy.ndarray`.

        Raises
        ------
        OverflowError
            If 64-bit elements do not fit into 32 bits while ``jax_enable_x64`` is off.
        ValueError
            If `a` is empty, if more elements are asked for than there are without replacement,
            or if `p` does not hold the probabilities of the elements.
        """
        shape = as_shape(size)
        count = math.prod(shape)
        a = as_data(a, "a")
        if a.ndim == 0:
            n = _integer(a, "a", ValueError)
            _axis(axis, 1)
        else:
            axis = _axis(axis, a.ndim)
            n = a.shape[axis]
        if n <= 0 and count:
            raise ValueError("a is empty: it must be greater than 0 unless no samples are taken")
        n = max(n, 0)
        if not replace and count > n:
            raise ValueError(
                f"size: cannot take a larger sample ({count}) than the population ({n}) when "
                "replace=False"
            )
        sampler, options, params = _chooser(n, count, bool(replace), p)
        if a.ndim == 0:
            return self._draw(
                sampler,
                shape,
                int_dtype(),
                *params,
                key=key,
                sharding=sharding,
                options=options,
            )
        how = "take", axis
        return self._draw_of(a, how, sampler, shape, options, *params, key=key, sharding=sharding)


@lru_cache(maxsize=4096)
def _order_plan(n: int, stream: str, x64: bool) -> Plan:
    """Return the plan of an order of `n` integers, whose dtype depends on `x64`."""
    n = max(n, 0)
    return plan(_samplers.permutation, (n,), int_dtype(), stream, (n,))


@lru_cache(maxsize=128)
def _shuffling(axis: int, sharding: Any = None) -> Any:
    """Return the program of a shuffle, ``(x, order) -> (shuffled, None)``: that of a draw.

    `sharding` is that of an array on several devices, which keeps it.
    """

    def shuffled(x: jax.Array, order: jax.Array) -> tuple[jax.Array, None]:
        return ops.gather_slices(x, order, axis), None

    return jax.jit(shuffled, out_shardings=None if sharding is None else (sharding, None))


def _ordering(x: Any, axis: int, independent: bool) -> tuple[Any, Sampler, Any, Any]:
    """Return how, sampler, shape and options of a draw that puts `x` in another order."""
    axis = _axis(axis, x.ndim)
    if independent:
        return ("along", axis), _samplers.independent_permutation, x.shape, (axis,)
    n = x.shape[axis]
    return ("take", axis), _samplers.permutation, (n,), (n,)


def _chooser(
    n: int, count: int, replace: bool, p: Any
) -> tuple[Sampler, tuple[Any, ...], tuple[Any, ...]]:
    """Return sampler, options and parameters of a draw of indices below `n`."""
    if p is not None:
        p = _probabilities(p, n, count, replace)
        if not replace:
            return _samplers.weighted_choice_without_replacement, (), (p,)
        if n:
            return _samplers.weighted_choice, (), (p,)
    if replace and n:
        bounds = np.array(0, int_dtype()), np.array(n - 1, int_dtype())
        return _samplers.randint, (), bounds
    return _samplers.permutation, (n,), ()


def _probabilities(p: Any, n: int, count: int, replace: bool) -> Any:
    p = unwrap(p)
    host = host_value(p)
    shape = jnp.shape(p) if host is None else host.shape
    if shape != (n,):
        raise ValueError(
            f"p must hold one probability for each element of a: it has shape {shape}, where "
            f"({n},) is needed"
        )
    if host is None:
        return jnp.asarray(p, jnp.result_type(float, p))
    if host.dtype.kind in "OSUc":
        raise TypeError(f"p must be an array of real numbers, got dtype {host.dtype}")
    dtype = host.dtype if jnp.issubdtype(host.dtype, jnp.floating) else np.dtype(np.float64)
    wide = host.astype(np.float64)
    if np.isnan(wide).any():
        raise ValueError("p: probabilities contain NaN")
    if (wide < 0).any():
        raise ValueError("p: probabilities are not non-negative")
    # As exact as the type in which they were given.
    tolerance = math.sqrt(max(jnp.finfo(dtype).eps, np.finfo(np.float64).eps))
    if n and abs(math.fsum(wide) - 1) > tolerance:
        raise ValueError(f"p: probabilities do not sum to 1 but to {math.fsum(wide)}")
    if not replace and np.count_nonzero(wide) < count:
        raise ValueError(f"p: fewer non-zero entries in p than size ({count}) when replace=False")
    return np.array(host, dtype=jax.dtypes.canonicalize_dtype(dtype))


def _integer(x: Any, name: str, error: type[Exception]) -> int:
    if isinstance(x, Tracer):
        raise TypeError(
            f"{name} decides the shape of the result and must be known while a function is "
            "compiled, but it is traced: make it a static argument"
        )
    if x.dtype.kind not in "iu":
        raise error(f"{name} must be an integer or at least 1-dimensional, got {x.item()!r}")
    return int(x)


def _axis(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for an array of {ndim} dimension(s)")
    return axis % ndim


def _at_least_1d(x: Any) -> None:
    if x.ndim == 0:
        raise TypeError("x must have at least one dimension to be shuffled, got a 0-d array")
