"""What operators and methods know of the array classes, and their operands as raw arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from brainvar.core import _assign

__all__ = [
    "Borrowed",
    "Facade",
    "arguments",
    "computes",
    "give_out",
    "operand",
    "settle",
]


class Facade:
    """How the array classes are read, wrapped and assigned to."""

    __slots__ = ()

    _read: Callable[[], Any]
    _peek: Callable[[], Any]
    _let_out: Callable[[], None]
    _result: Callable[[Any, Any], Any]
    _assign: Callable[[Any], None]
    _store: Callable[[Any], None]
    _eager: Callable[[], bool]
    _update: Callable[..., None]
    _describe: Callable[[], str]
    value: Any
    dtype: Any


_SCALARS = frozenset({bool, int, float, complex})


def operand(x: Any) -> Any:
    """Return the second operand as something that a `jax.Array` computes with.

    NotImplemented stands for what no array computes with.
    """
    if type(x) in _SCALARS:
        return x
    if isinstance(x, Facade):
        return x._read()
    if isinstance(x, np.ndarray):
        return np.array(x)  # JAX may read a NumPy array after the call has returned
    if isinstance(x, (list, tuple)):
        return _assign.array_of(x)
    return NotImplemented if x is None or isinstance(x, (str, bytes)) else x


Borrowed = list[tuple[Facade, Any]]
"""Arrays whose values a function reads, with these values."""


def arguments(x: Any, borrowed: Borrowed | None = None) -> Any:
    """Unwrap the arguments of a call, in nested lists, tuples and dicts too.

    NumPy arrays are copied: JAX may read them after the call has returned.

    Parameters
    ----------
    x :
        The arguments.
    borrowed : list, optional
        For a function whose results are arrays of their own, or its very arguments: takes note
        of what `settle` has to look at then. Otherwise the function may keep the arrays.
    """
    if isinstance(x, Facade):
        if borrowed is None:
            return x.value
        raw = x._read()
        borrowed.append((x, raw))
        return raw
    if isinstance(x, np.ndarray):
        return np.array(x)
    if isinstance(x, dict):
        return {key: arguments(item, borrowed) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        items = [arguments(item, borrowed) for item in x]
        if isinstance(x, list):
            return items
        return type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    return x


def settle(result: Any, borrowed: Borrowed) -> Any:
    """Return the result of a function, noting which of its arguments it has given back."""
    if not borrowed:
        return result
    if isinstance(result, (list, tuple)):
        for item in result:
            settle(item, borrowed)
    elif isinstance(result, dict):
        for item in result.values():
            settle(item, borrowed)
    else:
        for x, raw in borrowed:
            if result is raw:
                x._let_out()
    return result


def computes(function: Callable[..., Any]) -> bool:
    """Whether the results of a function of `jax.numpy` are new arrays, or its very arguments.

    Those that put arrays somewhere may give another array on the same buffer.
    """
    if isinstance(function, jnp.ufunc) or hasattr(function, "lower"):
        return True  # compiled: XLA gives each result a buffer of its own
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    places = {"device", "copy", "out_sharding"} & parameters.keys()
    return not places and function.__name__ not in _KEEPERS


# What takes functions, or may keep what it is given.
_KEEPERS = frozenset(
    {
        "apply_along_axis",
        "apply_over_axes",
        "asarray",
        "from_dlpack",
        "fromfunction",
        "frompyfunc",
        "piecewise",
        "vectorize",
    }
)


def give_out(result: Any, out: Any, *, broadcast: bool = False) -> Any:
    """Write `result` into `out`, as NumPy's ``out=`` does, and return `out`."""
    raw = result.value if isinstance(result, Facade) else result
    if not broadcast and np.shape(raw) != np.shape(out):
        raise ValueError(
            f"out= has shape {np.shape(out)}, but the result has shape {np.shape(raw)}."
        )
    if isinstance(out, Facade):
        out._assign(raw)
    elif isinstance(out, np.ndarray):
        np.copyto(out, np.asarray(raw), casting="same_kind")
    else:
        raise TypeError(f"out= must be a JaxArray, a Variable or a NumPy array, not {out!r}.")
    return out
