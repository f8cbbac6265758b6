"""Ordered dictionaries of Variables or objects, as ``Base.vars()`` and ``Base.nodes()`` return."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import UnionType
from typing import Any, Self

import jax

from brainvar.core.variable import TrainVar, Variable

__all__ = ["ArrayCollector", "Collector", "TensorCollector"]

# Every class whose instances count as Variables, and as trainable ones. The numpy backend adds
# its own classes when it is imported: this layer knows no backend.
_VARIABLE_TYPES: tuple[type, ...] = (Variable,)
_TRAINABLE_TYPES: tuple[type, ...] = (TrainVar,)


def register_variable_types(variable: type, trainable: type) -> None:
    """Make another backend's classes known to ``Base`` and ``Collector``.

    Parameters
    ----------
    variable
        The class of all Variables of that backend. It has a readable and writable ``value``.
    trainable
        Its subclass of trainable Variables.
    """
    global _VARIABLE_TYPES, _TRAINABLE_TYPES
    if variable not in _VARIABLE_TYPES:
        _VARIABLE_TYPES += (variable,)
        _TRAINABLE_TYPES += (trainable,)


def variable_types() -> tuple[type, ...]:
    """Return the Variable classes of all backends in use."""
    return _VARIABLE_TYPES


def trainable_types() -> tuple[type, ...]:
    """Return the trainable Variable classes of all backends in use."""
    return _TRAINABLE_TYPES


def _describe(value: Any) -> str:
    """Name an object in one line, without printing a large array."""
    shape = getattr(value, "shape", None)
    dtype = getattr(value, "dtype", None)
    of = f" of shape {tuple(shape)} and dtype {dtype}" if isinstance(shape, tuple) else ""
    name = getattr(value, "name", None)
    named = f" named {name!r}" if isinstance(name, str) else ""
    return f"{type(value).__name__}{named}{of}"


def _matcher(choice: Any) -> Callable[[Any], bool]:
    """Turn one argument of ``subset`` into a test of a value."""
    if isinstance(choice, (type, UnionType)):
        return lambda value: isinstance(value, choice)
    if isinstance(choice, tuple):
        tests = [_matcher(item) for item in choice]
        return lambda value: any(test(value) for test in tests)
    if isinstance(choice, str):
        return lambda value: getattr(value, "type", None) == choice
    if isinstance(choice, _VARIABLE_TYPES):
        return choice.issametype
    if callable(choice):
        return lambda value: bool(choice(value))
    raise TypeError(
        f"subset() takes a class, a type tag (str), a Variable whose type is to be matched, or "
        f"a predicate of one value; got {_describe(choice)}."
    )


class Collector(dict[str, Any]):
    """A dictionary that refuses to put two objects under one key.

    It keeps the order of insertion. Storing the object that a key already holds does nothing;
    storing another one raises ``ValueError`` (`replace` is there for that).

    Examples
    --------
    >>> found = bp.Collector(w=bm.TrainVar(bm.ones(2)), v=bm.Variable(0.0))
    >>> list(found.subset(bm.TrainVar))
    ['w']
    >>> found["w"] = bm.TrainVar(bm.zeros(2))
    Traceback (most recent call last):
      ...
    ValueError: ...
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        if len(args) > 1:
            raise TypeError(f"{type(self).__name__}() takes one mapping, got {len(args)} arguments")
        if args:
            items = args[0].items() if isinstance(args[0], Mapping) else args[0]
            for key, value in items:
                self[key] = value
        for key, value in kwargs.items():
            self[key] = value

    def __setitem__(self, key: str, value: Any) -> None:
        held = self.get(key, value)
        if held is not value:
            raise ValueError(
                f"the key {key!r} already holds {_describe(held)}, which is not the same object "
                f"as {_describe(value)}; use replace({key!r}, ...) if it is meant to be replaced."
            )
        super().__setitem__(key, value)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the object under `key`, after storing `default` there if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def replace(self, key: str, new_value: Any) -> None:
        """Put another object under an existing key; the key moves to the end.

        Raises
        ------
        KeyError
            If there is no such key.
        """
        old = self.pop(key)
        try:
            self[key] = new_value
        except BaseException:
            super().__setitem__(key, old)
            raise

    def update(self, *args: Any, **kwargs: Any) -> Self:  # type: ignore[override]
        """Add the items of a mapping, or the elements of a sequence as ``_var0``, ``_var1``...

        Returns
        -------
        Collector
            This collector.

        Raises
        ------
        ValueError
            If a key holds another object. Nothing is added then.
        """
        new = type(self)()
        for other in args:
            if isinstance(other, Mapping):
                items: Iterable[tuple[Any, Any]] = other.items()
            elif isinstance(other, (list, tuple)):
                start = len(self) + len(new)
                items = ((f"_var{start + i}", value) for i, value in enumerate(other))
            else:
                raise TypeError(
                    f"update() takes a dict, a list or a tuple, got {_describe(other)}."
                )
            for key, value in items:
                new[key] = value
        for key, value in kwargs.items():
            new[key] = value
        missing = object()
        for key, value in new.items():  # every conflict is found before the first item goes in
            held = self.get(key, missing)
            if held is not missing and held is not value:
                self[key] = value
        for key, value in new.items():
            self[key] = value
        return self

    def copy(self) -> Self:
        """Return a collector with the same keys and objects."""
        return type(self)(self)

    def __add__(self, other: Mapping[str, Any] | Sequence[Any]) -> Self:
        return self.copy().update(other)

    __or__ = __add__

    def __ior__(self, other: Mapping[str, Any] | Sequence[Any]) -> Self:  # type: ignore[override]
        return self.update(other)

    def __sub__(self, other: Mapping[str, Any] | Sequence[Any]) -> Self:
        """Leave out items: a mapping's items, or a sequence of keys and objects.

        An object in a sequence is left out under each of its keys.

        Raises
        ------
        ValueError
            If an item is not here, or a mapping's key holds another object here.
        """
        drop: set[str] = set()
        if isinstance(other, Mapping):
            for key, value in other.items():
                if key not in self:
                    raise ValueError(f"cannot leave out {key!r}: there is no such key.")
                if self[key] is not value:
                    raise ValueError(
                        f"cannot leave out {key!r}: it holds {_describe(self[key])}, which is not "
                        f"the same object as {_describe(value)}."
                    )
                drop.add(key)
        elif isinstance(other, (list, tuple)):
            for item in other:
                if isinstance(item, str):
                    keys = [item] if item in self else []
                else:
                    keys = [key for key, value in self.items() if value is item]
                if not keys:
                    what = repr(item) if isinstance(item, str) else _describe(item)
                    raise ValueError(f"cannot leave out {what}: it is not in this collector.")
                drop.update(keys)
        else:
            raise TypeError(f"only a dict, a list or a tuple can be taken off, not {other!r}.")
        return self._filter(lambda key, value: key not in drop)

    def _filter(self, keep: Callable[[str, Any], bool]) -> Self:
        return type(self)({key: value for key, value in self.items() if keep(key, value)})

    def subset(self, *choices: Any) -> Self:
        """Return the items whose values match at least one of the choices.

        Parameters
        ----------
        *choices
            Each one a class (``bm.TrainVar``), the type tag that a Variable was created with
            (a string), a Variable (its ``issametype`` decides), a predicate of the value, or a
            tuple of choices.

        Examples
        --------
        >>> found = bp.Collector(
        ...     tau=bm.Parameter(10.0), w=bm.Variable(bm.ones((2, 2)), type="synapse")
        ... )
        >>> list(found.subset(bm.Parameter))
        ['tau']
        >>> list(found.subset("synapse"))
        ['w']
        >>> list(found.subset(lambda v: v.ndim == 2))
        ['w']
        """
        tests = [_matcher(choice) for choice in choices]
        return self._filter(lambda key, value: any(test(value) for test in tests))

    subsets = subset

    def not_subset(self, *choices: Any) -> Self:
        """Return the items that `subset` leaves out."""
        tests = [_matcher(choice) for choice in choices]
        return self._filter(lambda key, value: not any(test(value) for test in tests))

    def unique(self) -> Self:
        """Return the items with each object only once, under the first of its keys."""
        seen: set[int] = set()
        return self._filter(lambda key, value: not (id(value) in seen or seen.add(id(value))))

    def dict(self) -> builtins.dict[str, Any]:
        """Return a plain dictionary: a Variable's ``value``, or the object itself, by key."""
        return {key: _content(value) for key, value in self.items()}

    def data(self) -> list[Any]:
        """Return a list of what `dict` holds, in the order of the keys."""
        return [_content(value) for value in self.values()]

    def assign(self, values: Mapping[str, Any] | Sequence[Any]) -> None:
        """Assign new values to the Variables: by key, or one for each in order.

        Parameters
        ----------
        values
            A mapping of all keys or some of them, or a sequence as long as the collector.

        Raises
        ------
        KeyError
            If a key is not in the collector.
        ValueError
            If a sequence has another length, or a value has the wrong shape or dtype. No
            Variable is changed then.
        """
        if isinstance(values, Mapping):
            unknown = [key for key in values if key not in self]
            if unknown:
                raise KeyError(f"no Variable under {unknown}; there are {list(self)}.")
            pairs = [(self[key], value) for key, value in values.items()]
        else:
            values = list(values)
            if len(values) != len(self):
                raise ValueError(f"{len(values)} values for {len(self)} Variables.")
            pairs = list(zip(self.values(), values, strict=True))
        done: list[tuple[Any, Any]] = []
        try:
            for variable, value in pairs:
                old = _snapshot(variable)
                variable.value = value
                done.append((variable, old))
        except BaseException:
            for variable, old in reversed(done):
                variable.value = old
            raise

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"


class ArrayCollector(Collector):
    """A `Collector` of Variables only. Storing anything else raises ``TypeError``."""

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(value, _VARIABLE_TYPES):
            raise TypeError(f"the value under {key!r} must be a Variable, got {_describe(value)}.")
        super().__setitem__(key, value)


TensorCollector = ArrayCollector


def _content(value: Any) -> Any:
    return value.value if isinstance(value, _VARIABLE_TYPES) else value


def _snapshot(variable: Any) -> Any:
    """Return the value of a Variable such that later writes do not change it."""
    value = variable.value
    return value if isinstance(value, jax.Array) else value.copy()


def _unflatten(cls: type[Collector]) -> Callable[[tuple[str, ...], Iterable[Any]], Collector]:
    def unflatten(keys: tuple[str, ...], values: Iterable[Any]) -> Collector:
        # JAX rebuilds a tree with placeholders and with tracers too: no check of the values.
        tree = cls()
        for key, value in zip(keys, values, strict=True):
            dict.__setitem__(tree, key, value)
        return tree

    return unflatten


for _cls in (Collector, ArrayCollector):
    jax.tree_util.register_pytree_with_keys(
        _cls,
        lambda tree: (
            [(jax.tree_util.DictKey(key), value) for key, value in tree.items()],
            tuple(tree),
        ),
        _unflatten(_cls),
    )
