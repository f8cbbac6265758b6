"""How a function of `jax.numpy` becomes an operator or a method of the array classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from brainvar.core import _assign
from brainvar.core._augmented import check_number, update_by
from brainvar.core._facade import Borrowed, arguments, give_out, operand, settle

__all__ = ["AtIndexer", "binary", "inplace", "method", "unary"]


def binary(function: Callable[[Any, Any], Any], *, swap: bool = False) -> Callable[..., Any]:
    """Make a method for a binary operator, `swap` for the reflected one."""

    def operate(self: Any, other: Any) -> Any:
        other = operand(other)
        if other is NotImplemented:
            return NotImplemented
        raw = self._read()
        out = function(other, raw) if swap else function(raw, other)
        if type(out) is tuple:  # divmod
            return tuple(self._result(x, raw) for x in out)
        return self._result(out, raw)

    return operate


def unary(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """Make a method for a unary operator."""

    def operate(self: Any) -> Any:
        raw = self._read()
        return self._result(function(raw), raw)

    return operate


def inplace(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Make a method for an augmented assignment, which keeps the object, its shape and dtype."""

    def operate(self: Any, other: Any) -> Any:
        if type(other) is int:
            check_number(self, other)
        if update_by(self, function, (self, other)):
            return self
        other = operand(other)
        if other is NotImplemented:
            return NotImplemented
        raw = self._read()
        result = function(raw, other)
        if result.shape != raw.shape:  # also where it would broadcast, as after a @= b
            raise ValueError(
                f"{self._describe()} cannot take the result of an augmented assignment with a "
                f"value of shape {np.shape(other)}, which has shape {result.shape}. Make a new "
                "array instead of changing this one."
            )
        self._assign(result)
        return self

    return operate


def method(name: str, *, takes_lists: bool = False) -> Callable[..., Any]:
    """Make a method out of the function of the same name of `jax.numpy`.

    `takes_lists` says that a list among the arguments is an array, as NumPy allows it.
    """
    function = getattr(jnp, name)
    parameters = list(inspect.signature(function).parameters)
    out_at = parameters.index("out") - 1 if "out" in parameters else len(parameters)

    def call(self: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        raw = self._read()
        if len(args) > out_at:
            args, out = (*args[:out_at], *args[out_at + 1 :]), args[out_at]
            kwargs.update(zip(parameters[out_at + 2 :], args[out_at:], strict=False))
            args = args[:out_at]
        if takes_lists:
            args = tuple(_assign.array_of(x) if type(x) in (list, tuple) else x for x in args)
        borrowed: Borrowed = []
        result = function(raw, *arguments(args, borrowed), **arguments(kwargs, borrowed))
        settle(result, borrowed)
        if type(result) is tuple:  # nonzero
            return tuple(self._result(x, raw) for x in result)
        result = self._result(result, raw)
        return result if out is None else give_out(result, out)

    call.__name__ = name
    call.__qualname__ = f"JaxArray.{name}"
    call.__doc__ = f"See `numpy.ndarray.{name}`."
    return call


class AtIndexer:
    """``a.at[index]``: JAX's functional updates, with results as ``JaxArray``."""

    __slots__ = ("_array", "_index")

    def __init__(self, array: Any, index: Any = None):
        self._array = array
        self._index = index

    def __getitem__(self, index: Any) -> AtIndexer:
        return AtIndexer(self._array, (arguments(index),))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._index is None or name.startswith("_"):
            raise AttributeError(f"'at' has no attribute '{name}': write a.at[index].set(x).")
        raw = self._array.value  # the function may be called when the array has changed
        function = getattr(raw.at[self._index[0]], name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._array._result(function(*arguments(args), **arguments(kwargs)), None)

        return call
