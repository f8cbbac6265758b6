"""NumPy's ufuncs and functions of array-class arguments, computed by `jax.numpy`."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar.core import _assign
from brainvar.core._augmented import check_number, update_by
from brainvar.core._facade import Borrowed, Facade, arguments, computes, give_out, settle
from brainvar.core._indexing import check_index
from brainvar.core._numpy_writers import WRITERS, at

__all__ = ["array_function", "array_ufunc"]


def array_ufunc(ufunc: np.ufunc, how: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """Compute a NumPy ufunc of array-class arguments with the function of `jax.numpy`.

    A ufunc that `jax.numpy` lacks is computed by NumPy itself on the values.
    """
    if how == "at":
        return _ufunc_at(ufunc, *inputs)
    name, outs = ufunc.__name__, kwargs.pop("out", None)
    # Other packages have ufuncs too, which may bear any name.
    function = getattr(jnp, name, None) if getattr(np, name, None) is ufunc else None
    plain = set(kwargs) <= {"dtype", "where"}
    if how != "__call__":
        function, plain = getattr(function, how, None), True
    if how == "__call__" and plain and function and _put_in_place(function, inputs, kwargs, outs):
        return outs[0]
    if function is None or not plain:
        if outs is not None and "where" in kwargs:
            kwargs["out"] = tuple(None if o is None else np.array(_to_numpy(o)) for o in outs)
        result = getattr(ufunc, how)(*_to_numpy(inputs), **_to_numpy(kwargs))
    elif how == "__call__":
        result = _call_ufunc(function, inputs, kwargs, outs)
    else:
        # jax.numpy takes no list where an array is meant.
        listed = [_assign.array_of(x) if isinstance(x, (list, tuple)) else x for x in inputs]
        borrowed: Borrowed = []
        args = arguments(tuple(listed), borrowed)
        result = settle(function(*args, **arguments(kwargs, borrowed)), borrowed)
    if outs is None:
        return _box(result)
    results = result if isinstance(result, tuple) else (result,)
    given = tuple(
        _box(r) if o is None else give_out(r, o, broadcast=how == "__call__")
        for r, o in zip(results, outs, strict=True)
    )
    return given if isinstance(result, tuple) else given[0]


def _put_in_place(
    function: Callable[..., Any], inputs: Any, kwargs: dict[str, Any], outs: Any
) -> bool:
    """Compute a ufunc in the buffer of ``out=``, which is an operand too; False if it is not."""
    if outs is None or len(outs) != 1 or not any(x is outs[0] for x in inputs):
        return False
    out, where = outs[0], kwargs.get("where", True)
    for x in inputs:
        if type(x) is int and isinstance(out, Facade):
            check_number(out, x)
    if kwargs.get("dtype") is not None:
        function = _of_dtype(function, np.dtype(kwargs["dtype"]))
    if where is True:
        return update_by(out, function, inputs)
    return update_by(out, _where(function), (where, out, *inputs))


@functools.lru_cache(256)
def _of_dtype(function: Callable[..., Any], dtype: np.dtype) -> Callable[..., Any]:
    return lambda *args: function(*(jnp.asarray(x, dtype) for x in args))


@functools.lru_cache(256)
def _where(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda where, held, *args: jnp.where(where, function(*args), held)


def _call_ufunc(
    function: Callable[..., Any], inputs: Any, kwargs: dict[str, Any], outs: Any
) -> Any:
    dtype, where = kwargs.get("dtype"), kwargs.get("where", True)
    args = tuple(_assign.array_of(x) if isinstance(x, (list, tuple)) else x for x in inputs)
    borrowed: Borrowed = []
    args = arguments(args, borrowed)
    if dtype is not None:
        args = tuple(jnp.asarray(x, dtype=dtype) for x in args)
    result = settle(function(*args), borrowed)
    if where is True:
        return result
    if outs is None or any(o is None for o in outs):
        raise ValueError("where= needs out=: elsewhere the result would be undefined.")
    where, held = arguments(where), arguments(tuple(outs))
    if isinstance(result, tuple):
        return tuple(jnp.where(where, r, h) for r, h in zip(result, held, strict=True))
    return jnp.where(where, result, held[0])


def _ufunc_at(ufunc: np.ufunc, target: Any, indices: Any, *values: Any) -> None:
    """Compute ``ufunc.at(target, indices, *values)``, in which `target` changes."""
    if isinstance(target, np.ndarray):
        ufunc.at(target, _to_numpy(indices), *_to_numpy(values))
        return
    known = getattr(np, ufunc.__name__, None) is ufunc
    if known and values and at(ufunc.__name__, target, indices, *values):
        return
    function = getattr(jnp, ufunc.__name__, None)
    if not isinstance(function, jnp.ufunc) or not known:
        raise TypeError(f"{ufunc.__name__}.at does not exist for JAX arrays: write x[i] = f(x[i]).")
    raw = target._read()
    indices = check_index(arguments(indices), raw.shape, target)
    operands = [_assign.cast(arguments(x), raw.dtype, target) for x in values]
    target._store(function.at(raw, indices, *operands, inplace=False))


def array_function(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute a NumPy function of array-class arguments with that of `jax.numpy`.

    A function that `jax.numpy` lacks is computed by NumPy itself on the values.
    """
    if func.__name__ in WRITERS:
        return _write(func, *args, **kwargs)
    out = kwargs.pop("out", None)
    function = _counterpart(func)
    if function is None:
        result = func(*_to_numpy(args), **_to_numpy(kwargs))
    else:
        borrowed: Borrowed | None = [] if _computes(function) else None
        result = _call(function, arguments(args, borrowed), arguments(kwargs, borrowed))
        settle(result, borrowed or [])
    if out is None:
        return _box(result)
    return give_out(result, out[0] if isinstance(out, tuple) else out)


_computes = functools.lru_cache(1024)(computes)


def _counterpart(func: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of `jax.numpy` for one of NumPy, by its public place."""
    ours: Any = jnp
    theirs: Any = np
    for part in func.__module__.split(".")[1:]:
        ours, theirs = getattr(ours, part, None), getattr(theirs, part, None)
    if not isinstance(theirs, types.ModuleType) or getattr(theirs, func.__name__, None) is not func:
        return None
    return getattr(ours, func.__name__, None)


def _call(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except TypeError:
        # NumPy takes a list for an array, jax.numpy does not. Which lists mean arrays, and not
        # shapes or axes, only the function knows.
        listed = _lists_to_arrays(args)
        if all(new is old for new, old in zip(listed, args, strict=True)):
            raise
        return function(*listed, **kwargs)


def _lists_to_arrays(args: Any) -> list[Any]:
    """Make arrays of lists of numbers, and of those within lists of arrays."""
    new = []
    for x in args:
        if not isinstance(x, (list, tuple)):
            new.append(x)
        elif any(isinstance(item, (jax.Array, np.ndarray)) for item in x):
            new.append([jnp.asarray(item) for item in x])
        else:
            new.append(_assign.array_of(x))
    return new


def _write(func: Callable[..., Any], target: Any, *args: Any, **kwargs: Any) -> None:
    """Compute a function that changes `target`, of any array class, in place."""
    if not isinstance(target, Facade):
        func(target, *_to_numpy(args), **_to_numpy(kwargs))
        return
    WRITERS[func.__name__](target, *args, **kwargs)


def _to_numpy(x: Any) -> Any:
    """Replace every array of ours or JAX's by a NumPy array."""
    if isinstance(x, (Facade, jax.Array)):
        return np.asarray(x)
    if isinstance(x, dict):
        return {key: _to_numpy(item) for key, item in x.items()}
    if type(x) in (list, tuple):
        items = [_to_numpy(item) for item in x]
        return items if isinstance(x, list) else tuple(items)
    return x


def _box(x: Any) -> Any:
    """Put every array of a result in a JaxArray."""
    from brainvar.core.array import wrap

    if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biufc":
        x = jnp.asarray(x)
    if type(x) is list:
        return [_box(item) for item in x]
    if type(x) is tuple:
        return tuple([_box(item) for item in x])
    return wrap(x)
