"""Makes functions of ``jax.numpy`` take and give `JaxArray`, without a copy of each by hand.

A function is wrapped when it is first asked for, and kept. Around the call it costs about one
microsecond: every argument is looked at once, and every array in the result is put in a JaxArray.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar.core._augmented import check_number, update_by
from brainvar.core._facade import arguments, computes, settle
from brainvar.core._numpy_writers import WRITERS, at
from brainvar.core.array import JaxArray, unwrap

__all__ = ["Ufunc", "lazy_namespace", "unwrap", "wrap", "wrap_function"]

_box = JaxArray._wrap

# How a result is wrapped, by its type: isinstance(x, jax.Array) alone would cost more than all
# the rest.
_OTHER, _ARRAY, _SEQUENCE, _NAMED, _DICT, _UFUNC = range(6)
_kinds: dict[type, int] = {}


def _classify(x: Any) -> int:
    kind = type(x)
    if isinstance(x, JaxArray):
        found = _OTHER
    elif isinstance(x, jax.Array):  # so are tracers, though their classes are no subclasses
        found = _ARRAY
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        found = _NAMED
    elif kind in (list, tuple):
        found = _SEQUENCE
    elif kind is dict:
        found = _DICT
    elif issubclass(kind, jnp.ufunc):
        found = _UFUNC
    else:
        found = _OTHER
    _kinds[kind] = found
    return found


def wrap(x: Any) -> Any:
    """Put every array of a result, in tuples, lists and dictionaries too, in a JaxArray."""
    kind = type(x)
    how = _kinds.get(kind)
    if how is None:
        how = _classify(x)
    if how == _ARRAY:
        return _box(x)
    if how == _OTHER:
        return x
    if how == _SEQUENCE:
        return kind([wrap(item) for item in x])
    if how == _NAMED:
        return kind(*[wrap(item) for item in x])
    if how == _UFUNC:
        return Ufunc(x)
    return {key: wrap(value) for key, value in x.items()}


def store(out: Any, result: Any) -> Any:
    """Write a result into what the caller gave as ``out=``, and return that."""
    if isinstance(out, tuple):
        results = result if isinstance(result, tuple) else (result,)
        if len(out) != len(results):
            raise ValueError(f"out= has {len(out)} arrays for {len(results)} results.")
        stored = tuple(
            wrap(value) if target is None else store(target, value)
            for target, value in zip(out, results, strict=True)
        )
        return stored if isinstance(result, tuple) else stored[0]
    if isinstance(out, JaxArray):
        out.value = result
    elif isinstance(out, np.ndarray):
        np.copyto(out, np.asarray(result), casting="same_kind")
    else:
        raise TypeError(
            f"out= must be a JaxArray, a Variable or a numpy.ndarray, got {type(out).__name__}; "
            f"a jax.Array cannot be written to."
        )
    return out


def _parameters(fn: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(fn).parameters)
    except (TypeError, ValueError):
        return {}


# Compiled functions of NumPy whose signature Python may not know.
_NUMPY_OUT = frozenset({"concatenate", "dot"})


def _numpy_takes_out(name: str) -> bool:
    twin = getattr(np, name, None)
    return isinstance(twin, np.ufunc) or name in _NUMPY_OUT or "out" in _parameters(twin or len)


def wrap_function(fn: Callable[..., Any], name: str, module: str) -> Callable[..., Any]:
    """Return `fn` for JaxArrays.

    JaxArrays and Variables are accepted wherever `fn` takes an array, and every array in the
    result is a JaxArray. ``out=`` is honoured where NumPy has it, and what NumPy changes in place
    (``fill_diagonal``, ``put``, ``place``, ``put_along_axis``) changes in place.

    Parameters
    ----------
    fn
        A function of raw arrays.
    name, module
        Where the wrapped function will be found, for pickle and for messages.
    """
    parameters = _parameters(fn)
    out_at = -1
    if "out" in parameters and parameters["out"].kind is not inspect.Parameter.KEYWORD_ONLY:
        out_at = list(parameters).index("out")
    takes_out = "out" in parameters or _numpy_takes_out(name)

    borrows = computes(fn)

    def keywords(kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        out = kwargs.pop("out", None) if takes_out else None
        return out, {key: unwrap(value) for key, value in kwargs.items()}

    if "inplace" in parameters:

        def call(*args: Any, **kwargs: Any) -> Any:
            _, raw = keywords(kwargs)
            target = args[0] if args else kwargs.get(next(iter(parameters)))
            if not raw.pop("inplace", True):
                return wrap(fn(*map(unwrap, args), inplace=False, **raw))
            if isinstance(target, np.ndarray):
                return getattr(np, name)(*args, **kwargs)
            if not isinstance(target, JaxArray):
                raise TypeError(
                    f"{name}() changes its first argument, which must be a JaxArray, a Variable "
                    f"or a numpy.ndarray, got {type(target).__name__}; inplace=False returns a "
                    f"changed copy instead."
                )
            if name in WRITERS and (name == "put" or kwargs.get("mode") is None):
                kept = {key: x for key, x in kwargs.items() if x is not None and key != "inplace"}
                return WRITERS[name](*args, **kept)
            target.value = fn(*map(unwrap, args), inplace=False, **raw)
            return None

    elif out_at >= 0:

        def call(*args: Any, **kwargs: Any) -> Any:
            out = None
            if len(args) > out_at:
                out = args[out_at]
                args = (*args[:out_at], None, *args[out_at + 1 :])
            raw: dict[str, Any] = {}
            if kwargs:
                given, raw = keywords(kwargs)
                out = given if out is None else out
            borrowed = [] if borrows else None
            result = fn(*[arguments(arg, borrowed) for arg in args], **raw)
            if borrowed:
                settle(result, borrowed)
            return wrap(result) if out is None else store(out, result)

    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            borrowed = [] if borrows else None
            out, raw = keywords(kwargs) if kwargs else (None, kwargs)
            result = fn(*[arguments(arg, borrowed) for arg in args], **raw)
            if borrowed:
                settle(result, borrowed)
            return wrap(result) if out is None else store(out, result)

    functools.update_wrapper(call, fn, updated=())
    call.__name__ = call.__qualname__ = name
    call.__module__ = module
    return call


def _raw_function(fn: Any) -> Any:
    """Let jax.numpy call a user's function that works on JaxArrays."""
    if not callable(fn) or isinstance(fn, type):
        return fn

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        return unwrap(fn(*wrap(args), **wrap(kwargs)))

    return call


def _wrap_function_taker(fn: Callable[..., Any], name: str, module: str) -> Callable[..., Any]:
    """Wrap a function one of whose arguments, or whose result, is a function itself."""
    inner = wrap_function(fn, name, module)

    @functools.wraps(inner)
    def call(*args: Any, **kwargs: Any) -> Any:
        def convert(x: Any) -> Any:
            kind = type(x)
            return kind(map(convert, x)) if kind in (list, tuple) else _raw_function(x)

        result = inner(*map(convert, args), **{key: convert(x) for key, x in kwargs.items()})
        if callable(result) and not isinstance(result, (JaxArray, Ufunc)):
            return wrap_function(result, getattr(result, "__name__", name), module)
        return result

    return call


class Ufunc:
    """A ``jax.numpy.ufunc`` whose call and methods take and give JaxArrays.

    ``at`` changes its first argument in place, as NumPy's does.
    """

    def __init__(self, ufunc: Any, name: str | None = None, module: str | None = None) -> None:
        self._ufunc = ufunc
        functools.update_wrapper(self, ufunc, updated=())
        self.__name__ = self.__qualname__ = name or ufunc.__name__
        self.nin, self.nout, self.identity = ufunc.nin, ufunc.nout, ufunc.identity
        self.nargs = self.nin + self.nout
        self.__module__ = module or type(self).__module__
        method = functools.partial(wrap_function, module=self.__module__)
        self._call = method(ufunc, name=self.__name__)
        self.reduce = _with_out(method(ufunc.reduce, name="reduce"))
        self.accumulate = _with_out(method(ufunc.accumulate, name="accumulate"))
        self.reduceat = _with_out(method(ufunc.reduceat, name="reduceat"))
        self.outer = method(ufunc.outer, name="outer")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            out = kwargs.pop("out", None)
            if out is not None:
                if not kwargs and any(x is out for x in args):
                    for x in args:
                        if type(x) is int and isinstance(out, JaxArray):
                            check_number(out, x)
                    if update_by(out, self._ufunc, args):
                        return out
                return store(out, self._ufunc(*map(unwrap, args), **unwrap(kwargs)))
        return self._call(*args, **kwargs)

    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Any:
        """Apply the function to ``a[indices]``, once for each index, repeated ones included.

        Parameters
        ----------
        a
            The JaxArray, Variable or numpy.ndarray that changes.
        indices
            What ``a[...]`` takes.
        b
            The second operand, for functions of two arguments.
        inplace
            False returns a changed copy instead.
        """
        operands = (indices,) if b is None else (indices, b)
        if inplace and isinstance(a, np.ndarray):
            return getattr(np, self.__name__).at(a, *operands)
        known = getattr(jnp, self.__name__, None) is self._ufunc
        if inplace and known and b is not None and at(self.__name__, a, indices, b):
            return None
        raw = self._ufunc.at(unwrap(a), *map(unwrap, operands), inplace=False)
        if not inplace:
            return wrap(raw)
        if not isinstance(a, JaxArray):
            raise TypeError(
                f"{self.__name__}.at() changes its first argument, which must be a JaxArray, a "
                f"Variable or a numpy.ndarray, got {type(a).__name__}; inplace=False returns a "
                f"changed copy instead."
            )
        a.value = raw
        return None

    def __reduce__(self) -> str | tuple[Any, ...]:
        if vars(sys.modules[self.__module__]).get(self.__name__) is self:
            return self.__name__
        return Ufunc, (self._ufunc,)

    def __repr__(self) -> str:
        return f"<{self.__module__}.Ufunc {self.__name__!r}>"


def _with_out(method: Callable[..., Any]) -> Callable[..., Any]:
    """Honour ``out=`` in a method of a ufunc."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        result = method(*args, **kwargs)
        return result if out is None else store(out, unwrap(result))

    return call


class _Grid:
    """``mgrid``, ``ogrid``, ``r_`` and ``c_``: indexing makes an array."""

    def __init__(self, grid: Any) -> None:
        self._grid = grid
        self.__doc__ = type(grid).__doc__

    def __getitem__(self, key: Any) -> Any:
        return wrap(self._grid[_unwrap_slices(key)])


def _unwrap_slices(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_unwrap_slices(item) for item in key)
    if isinstance(key, slice):
        return slice(unwrap(key.start), unwrap(key.stop), unwrap(key.step))
    return unwrap(key)


_GRIDS = frozenset({"mgrid", "ogrid", "r_", "c_"})
_FUNCTION_TAKERS = frozenset(
    {"apply_along_axis", "apply_over_axes", "fromfunction", "frompyfunc", "piecewise", "vectorize"}
)


def _wrap_object(obj: Any, name: str, module: str) -> Any:
    """Wrap a public object of ``jax.numpy``; types and constants stay what they are."""
    if isinstance(obj, (type, ModuleType)) or name in ("index_exp", "s_"):
        return obj
    if isinstance(obj, jnp.ufunc):
        return Ufunc(obj, name, module)
    if name in _GRIDS:
        return _Grid(obj)
    if name in _FUNCTION_TAKERS:
        return _wrap_function_taker(obj, name, module)
    if callable(obj):
        return wrap_function(obj, name, module)
    return obj


def lazy_namespace(
    scope: dict[str, Any],
    source: ModuleType,
    *,
    dynamic: dict[str, Callable[[], Any]] | None = None,
    convert: Callable[[Any, str, str], Any] = _wrap_object,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a module offer the public names of another one, converted when first used.

    Parameters
    ----------
    scope
        ``globals()`` of the module. What it defines itself comes first.
    source
        The module whose public names are offered.
    dynamic
        Names that are computed at each use, such as dtypes that a setting changes.
    convert
        Gets an object, its name and the module's name; its result is kept in `scope`.

    Returns
    -------
    tuple
        ``__getattr__`` and ``__dir__`` for the module.
    """
    module = scope["__name__"]
    dynamic = dynamic or {}

    def module_getattr(name: str) -> Any:
        if name in dynamic:
            return dynamic[name]()
        if name.startswith("_") or not hasattr(source, name):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        found = scope[name] = convert(getattr(source, name), name, module)
        return found

    def module_dir() -> list[str]:
        names = {*scope, *dynamic, *dir(source)}
        return sorted(name for name in names if not name.startswith("_"))

    return module_getattr, module_dir
