"""Functions that put their result in the place of an operand, as one compiled call in place."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import x64_enabled
from brainvar.core import _assign
from brainvar.core._facade import Facade
from brainvar.core._inplace import Donating

__all__ = ["check_number", "update_by"]

_PROGRAMS = 2048  # are kept

# What stands for an operand that is the Variable itself, and for one that is compiled in.
_SELF = "self"
_POWERS: Any = (operator.pow, jnp.power, jnp.pow)


def check_number(x: Any, number: int) -> None:
    """Raise OverflowError if the integer type of `x` does not hold a Python integer.

    JAX takes it modulo the range of the type.
    """
    if x.dtype.kind in "iu" and not 0 <= number <= 127:
        _assign.check_cast(number, _assign.as_array(number, x), x.dtype, x)


def update_by(x: Any, function: Callable[..., Any], operands: Sequence[Any]) -> bool:
    """Store ``function(*operands)`` in a Variable, in place.

    Parameters
    ----------
    x : Variable
        What gets the result; mostly one of the operands.
    function : callable
        A pure function of raw arrays and numbers, which is kept.
    operands : sequence
        Arrays of any class, numbers and sequences of numbers.

    Returns
    -------
    bool
        False, with nothing done, where this is no eager code, `x` no Variable, an operand none of
        these, or the result not of the shape of `x` and of a dtype that it holds.
    """
    if not (hasattr(x, "_cell") and x._eager()):
        return False
    with _assign.widths_of(x._value.aval.dtype):
        return _update_by(x, function, operands)


def _update_by(x: Any, function: Callable[..., Any], operands: Sequence[Any]) -> bool:
    aval = x._value.aval
    dtype = aval.dtype
    kinds: list[Any] = []
    args: list[Any] = []
    for operand in operands:
        kind = type(operand)
        if operand is x:
            kinds.append(_SELF)
            continue
        if kind is int and dtype.kind not in "iub" and not -(2**31) <= operand < 2**31:
            operand, kind = float(operand), float
        if kind is float or kind is int or kind is bool or kind is complex:
            if kind is int and function in _POWERS:
                kinds.append(operand)  # exact by repeated multiplication
                continue
            kinds.append(kind)
        else:
            operand = _array(operand)
            if operand is None:
                return False
            if operand.ndim == 0 and operand.dtype.kind in "iu" and function in _POWERS:
                kinds.append(int(operand))
                continue
            kinds.append((operand.shape, operand.dtype, getattr(operand, "weak_type", False)))
        args.append(operand)
    program = _program(function, aval.shape, dtype, tuple(kinds), x64_enabled())
    if program is None:
        return False
    x._update(program, *args)
    return True


def _array(x: Any) -> Any:
    """Return an operand as an array that does not change under the call; None if it is none."""
    if isinstance(x, Facade):
        return x._read()
    if isinstance(x, (np.ndarray, np.generic)):
        if x.dtype.kind not in "biufcV":
            return None
        return np.array(x, jax.dtypes.canonicalize_dtype(x.dtype))
    if isinstance(x, (list, tuple)):
        return _array(_assign.array_of(x))
    return x if isinstance(x, jax.Array) else None


@functools.lru_cache(_PROGRAMS)
def _program(
    function: Callable[..., Any], shape: tuple[int, ...], dtype: Any, kinds: Any, x64: bool
) -> Donating | None:
    """Return the program for operands of some kinds; None where its result does not fit."""
    del x64

    def update(raw: Any, *args: Any) -> Any:
        rest = iter(args)
        operands = [
            raw if kind is _SELF else kind if type(kind) is int else next(rest) for kind in kinds
        ]
        return function(*operands)

    avals = [
        jax.ShapeDtypeStruct(kind[0], kind[1], weak_type=kind[2])
        if type(kind) is tuple
        else kind(1)
        for kind in kinds
        if kind is not _SELF and type(kind) is not int
    ]
    try:
        out = jax.eval_shape(update, jax.ShapeDtypeStruct(shape, dtype), *avals)
    except (TypeError, ValueError):
        return None  # the function itself says why, when it is called
    if not hasattr(out, "shape") or out.shape != shape or not _assign.can_cast(out, out, dtype):
        return None
    return Donating(
        lambda raw, *args: jax.lax.convert_element_type(update(raw, *args), dtype),
        f"an update by {getattr(function, '__name__', function)}",
    )
