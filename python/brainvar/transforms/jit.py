"""Compilation of functions and methods that read and write Variables."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import jax
import numpy as np

from brainvar.core.array import JaxArray
from brainvar.core.base import Base
from brainvar.core.variable import Variable
from brainvar.transforms._cache import WeakIdDict, settings
from brainvar.transforms._discover import guess_variables
from brainvar.transforms._program import Plan, check_donate
from brainvar.transforms._trace import function_name, leaf_key, raw_leaf, trace

__all__ = ["jit"]


_SCALARS = frozenset({bool, int, float, complex})

_STATIC_HINT = (
    " Name the argument in static_argnames (or its position in static_argnums) if the program is "
    "to be compiled for this value."
)


class _Arguments:
    """The arguments of a call for which a function is traced."""

    def __init__(self, args: Any, kwargs: Any, fixed: Any):
        self._fixed_args, self._fixed_kwargs = fixed
        self.leaves, self._tree = jax.tree.flatten((args, kwargs), is_leaf=_is_leaf)
        self.places: dict[int, int] = {}
        for leaf in self.leaves:
            if isinstance(leaf, Variable):
                self.places.setdefault(id(leaf), len(self.places))

    def rebuild(self, values: Sequence[Any], variables: Sequence[Variable]) -> Any:
        """Return the arguments with other values and Variables."""
        rest, new = iter(values), []
        for leaf in self.leaves:
            if isinstance(leaf, Variable):
                new.append(variables[self.places[id(leaf)]])
            elif isinstance(leaf, Base):
                new.append(leaf)
            elif isinstance(leaf, JaxArray):
                new.append(_argument(leaf, next(rest)))
            else:
                new.append(next(rest))
        args, kwargs = jax.tree.unflatten(self._tree, new)
        args = [self._fixed_args.get(i, x) for i, x in enumerate(args)]
        return args, {**kwargs, **self._fixed_kwargs}


class Jit:
    """A compiled function; made by `jit`."""

    def __init__(self, function: Any, static_argnums: Any, static_argnames: Any, donate: Any):
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._what = f"bm.jit({function_name(function)})"
        self._options = static_argnums, static_argnames, donate
        self._donate = donate
        self._static_nums, self._static_names = _static_arguments(
            function, static_argnums, static_argnames
        )
        self._has_static = bool(self._static_nums or self._static_names)
        self._plans: dict[Any, Plan] = {}
        self._bound = WeakIdDict()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the compiled function."""
        dynamic: list[Any] = []
        variables: dict[int, Variable] = {}
        key: Any = settings()
        if args or kwargs:
            kinds = None
            if not (kwargs or self._has_static):
                kinds = self._flat_kinds(args, dynamic, variables)
            if kinds is None:
                dynamic, variables = [], {}
                kinds = self._nested_kinds(args, kwargs, dynamic, variables)
            key = key, kinds
        plan = self._plans.get(key)
        if (
            plan is None
            or not plan.traced.is_current()
            or (variables and not plan.touched.isdisjoint(variables))
        ):
            plan = self._find_plan(key, args, kwargs, dynamic, variables)
        return plan(dynamic, list(variables.values()))

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        """Bind a decorated method to its object."""
        if obj is None:
            return self
        try:
            return _BoundJit(self._bound.setdefault(obj, lambda: self._bind(obj)), obj)
        except TypeError:  # no weak references to the object: nothing can be kept for it
            return Jit(self._function.__get__(obj), *self._options)

    def __reduce__(self) -> Any:
        # Programs are compiled anew where it is loaded.
        return Jit, (self._function, *self._options)

    def _bind(self, obj: Any) -> Jit:
        # The compiled method lives as long as its object and must not keep it alive.
        method, ref = self._function.__get__(obj), weakref.ref(obj)
        bound = Jit(method, *self._options)
        bound._function = _WeakMethod(self._function, ref)
        del bound.__dict__["__wrapped__"]
        return bound

    def __repr__(self) -> str:
        return f"<{self._what}>"

    def clear_cache(self) -> None:
        """Forget what was compiled, so that the next call traces the function anew."""
        self._plans.clear()
        self._bound = WeakIdDict()

    def _flat_kinds(self, args: Any, dynamic: list[Any], variables: dict[int, Variable]) -> Any:
        """Take apart arguments of which each is one array or number; None if they are not."""
        kinds = []
        for x in args:
            if isinstance(x, jax.Array):
                dynamic.append(x)
                kinds.append((x.shape, x.dtype, x.aval.weak_type))
            elif type(x) in _SCALARS:
                dynamic.append(x)
                kinds.append(type(x))
            elif isinstance(x, (JaxArray, np.ndarray)):
                kinds.append(self._kind(x, dynamic, variables))
            else:
                return None
        return tuple(kinds)

    def _nested_kinds(
        self, args: Any, kwargs: Any, dynamic: list[Any], variables: dict[int, Variable]
    ) -> Any:
        args, kwargs, (fixed_args, fixed_kwargs) = self._split(args, kwargs)
        leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=_is_leaf)
        fixed = (*fixed_args.items(), *fixed_kwargs.items())
        self._check_hashable(fixed)
        static = tuple((name, type(value), value) for name, value in fixed)
        return tree, tuple([self._kind(x, dynamic, variables) for x in leaves]), static

    def _kind(self, leaf: Any, dynamic: list[Any], variables: dict[int, Variable]) -> Any:
        """Return what a compiled program depends on of an argument, and note its value."""
        if isinstance(leaf, Variable):
            variables.setdefault(id(leaf), leaf)
            place = list(variables).index(id(leaf)) if len(variables) > 1 else 0
            return type(leaf), place, leaf.shape, leaf.dtype, leaf._static_key()
        if isinstance(leaf, Base):
            return _Object(leaf)
        raw = raw_leaf(leaf, self._what, _STATIC_HINT)
        dynamic.append(raw)
        if isinstance(leaf, JaxArray):
            return type(leaf), leaf_key(raw), leaf._static_key()
        return leaf_key(raw)

    def _split(self, args: Any, kwargs: Any) -> Any:
        """Take the static arguments out of the others."""
        if not self._has_static:
            return args, kwargs, ({}, {})
        count = len(args)
        nums = {n % count for n in self._static_nums if -count <= n < count}
        fixed_args = {i: args[i] for i in sorted(nums)}
        fixed_kwargs = {k: kwargs[k] for k in sorted(kwargs) if k in self._static_names}
        args = tuple(None if i in fixed_args else a for i, a in enumerate(args))
        kwargs = {k: a for k, a in kwargs.items() if k not in fixed_kwargs}
        return args, kwargs, (fixed_args, fixed_kwargs)

    def _check_hashable(self, fixed: Iterable[tuple[Any, Any]]) -> None:
        for name, value in fixed:
            try:
                hash(value)
            except TypeError:
                raise ValueError(
                    f"{self._what}: static argument {name!r} is a {type(value).__name__}, which "
                    "is not hashable. Static arguments select the compiled program: pass a "
                    "number, a string or a tuple, or make the argument dynamic."
                ) from None

    def _find_plan(
        self,
        key: Any,
        args: Any,
        kwargs: Any,
        dynamic: list[Any],
        variables: dict[int, Variable],
    ) -> Plan:
        """Return the plan of a call that no plan was found for at once.

        A Variable that is an argument and that the function also reaches otherwise is one
        object: a plan for such a call holds for these very Variables only.
        """
        own_key = (key, tuple(variables))
        plan = self._plans.get(own_key)
        if plan is not None and plan.traced.is_current():
            return plan
        arguments = _Arguments(*self._split(args, kwargs))
        given = list(variables.values())
        plan = self._plans.get(key)
        if plan is None or not plan.traced.is_current():
            plan = self._make_plan(arguments, dynamic, given, stand_ins=True)
            if plan.touched.isdisjoint(variables):
                self._keep(key, plan, arguments)
                return plan
        plan = self._make_plan(arguments, dynamic, given, stand_ins=False)
        self._keep(own_key, plan, arguments)
        return plan

    def _keep(self, key: Any, plan: Plan, arguments: _Arguments) -> None:
        """Keep a plan for as long as the objects among its arguments live."""
        if not plan.traced.cacheable:
            return
        plans = self._plans
        plan.objects = [
            weakref.ref(leaf, lambda _: plans.pop(key, None))
            for leaf in arguments.leaves
            if isinstance(leaf, Base)
        ]
        plans[key] = plan

    def _make_plan(
        self,
        arguments: _Arguments,
        dynamic: list[Any],
        variables: list[Variable],
        *,
        stand_ins: bool,
    ) -> Plan:
        """Trace and compile for some arguments.

        With `stand_ins`, the function gets other Variables in place of those among its
        arguments, so that the plan serves for any Variables of their kind.
        """
        if stand_ins:
            # Without their values: the plan must not keep these.
            variables = [
                v._rebuild(jax.ShapeDtypeStruct(v.shape, v.dtype), v._copied_state())
                for v in variables
            ]
        places = {id(v): i for i, v in enumerate(variables)} if stand_ins else {}

        def function(values: Sequence[Any]) -> Any:
            args, kwargs = arguments.rebuild(values, variables)
            return self._function(*args, **kwargs)

        guess = [*variables, *guess_variables(self._function)]
        for leaf in arguments.leaves:
            if isinstance(leaf, Base):
                guess += guess_variables(leaf)
        traced = trace(function, dynamic, guess, self._what, self._function, places)
        return Plan(traced, places, self._what, self._donate, stand_ins=stand_ins)


class _Object:
    """A `Base` object as a part of a key, which does not keep it alive."""

    __slots__ = ("_hash", "_ref")

    def __init__(self, obj: Base):
        self._ref = weakref.ref(obj)
        self._hash = id(obj)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        mine = self._ref()
        return mine is not None and isinstance(other, _Object) and other._ref() is mine


class _BoundJit:
    """A decorated method of an object, which it keeps alive as bound methods do."""

    __slots__ = ("__self__", "_jit")

    def __init__(self, jit: Jit, obj: Any):
        self._jit = jit
        self.__self__ = obj

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the compiled method."""
        return self._jit(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jit, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BoundJit) and other._jit is self._jit

    def __hash__(self) -> int:
        return hash(self._jit)

    def __repr__(self) -> str:
        return repr(self._jit)

    def __reduce__(self) -> Any:
        return getattr, (self.__self__, function_name(self._jit._function).rpartition(".")[2])


class _WeakMethod:
    """A bound method that does not keep its object alive."""

    def __init__(self, function: Any, ref: Any):
        self._function = function
        self._ref = ref
        self.__qualname__ = function_name(function)

    @property
    def __wrapped__(self) -> Any:
        return self._function.__get__(self._ref())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(self._ref(), *args, **kwargs)


def _is_leaf(x: Any) -> bool:
    return isinstance(x, (JaxArray, Base))


def _argument(leaf: JaxArray, raw: Any) -> JaxArray:
    """Stand in for an array among the arguments; as it is the caller's, it must not change."""
    new = type(leaf)._rebuild(raw, leaf._state())
    new._frame = None
    return new


def _static_arguments(
    function: Any, nums: int | Sequence[int] | None, names: str | Sequence[str] | None
) -> tuple[frozenset[int], frozenset[str]]:
    """Complete positions by names and names by positions, as far as the signature tells."""
    nums = (nums,) if isinstance(nums, int) else tuple(nums or ())
    names = (names,) if isinstance(names, str) else tuple(names or ())
    if not nums and not names:
        return frozenset(), frozenset()
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return frozenset(nums), frozenset(names)
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        unknown = set(names) - {p.name for p in parameters}
        if unknown:
            raise ValueError(
                f"static_argnames names {sorted(unknown)}, but the parameters of "
                f"{function_name(function)} are {[p.name for p in parameters]}."
            )
    found = {n: positional[n] for n in nums if -len(positional) <= n < len(positional)}
    if len(found) < len(nums) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise ValueError(
            f"static_argnums is {nums}, but {function_name(function)} has {len(positional)} "
            "positional parameter(s)."
        )
    from_names = [positional.index(name) for name in names if name in positional]
    return frozenset((*nums, *from_names)), frozenset((*names, *found.values()))


def jit(
    function: Any = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    dyn_vars: Any = None,
    donate: bool | Literal["auto"] = "auto",
) -> Any:
    """Compile a function, a method or a callable object that uses Variables.

    The Variables that it reads and writes are found by tracing it, those of closures, globals
    and random states included: reads become inputs of the compiled program, writes become
    outputs. Everything else is compiled as static data.

    Parameters
    ----------
    function : callable, optional
        What to compile. Left out, ``jit(...)`` is a decorator; a decorated method is compiled
        for each object by itself.
    static_argnums, static_argnames : optional
        The positions or names of hashable arguments that the program is compiled for.
    dyn_vars : object, optional
        Accepted for BrainPy's sake; Variables need not be declared.
    donate : {'auto', True, False}, default 'auto'
        Whether the program may write in the buffers of the Variables, instead of in new ones.
        Should it fail while it runs, their values are lost. 'auto' does so unless the function
        calls back to the host or a foreign function, which may fail.

    Returns
    -------
    callable
        Computes what `function` does. Arguments and results are pytrees of arrays; a Variable
        among the arguments is changed as in eager code, one that is returned is the same object.

    Raises
    ------
    StaticChangeError
        When called, if `function` changes an array or an attribute that is no Variable.
    RawTransformError
        When called, if `function` changes a Variable inside a transform of JAX itself.
    TypeError
        When called, if an argument is neither an array, a number nor an object with Variables.
    ValueError
        If a static argument is not a parameter of `function`, or is not hashable, or `donate` is
        unknown.
    LostValueError
        When a Variable is used that lost its value in a call that failed.

    Notes
    -----
    An error while tracing leaves every Variable as it was; so does one in a host callback. What
    else can fail is a lack of memory: a Variable whose buffer went with such a call says so.

    A `Base` object whose attribute gets another Variable (or another object with Variables) in
    the place of one is compiled anew; what lists, dicts, closures and globals hold is not watched.

    Examples
    --------
    >>> import brainvar.math as bm
    >>> counter = bm.Variable(0)
    >>> @bm.jit
    ... def count(by):
    ...     counter.value = counter + by
    ...     return counter * 2
    >>> count(3)
    JaxArray(Array(6, dtype=int32))
    >>> counter
    Variable(Array(3, dtype=int32))
    """
    options = {
        "static_argnums": static_argnums,
        "static_argnames": static_argnames,
        "dyn_vars": dyn_vars,
        "donate": check_donate(donate),
    }
    if function is None:
        return functools.partial(jit, **options)
    if not callable(function):
        raise TypeError(f"jit compiles something callable, got {function!r}.")
    if isinstance(function, Base):
        function = getattr(function, "__call__")  # noqa: B004, B009  (the method, bound)
    return Jit(function, static_argnums, static_argnames, donate)
