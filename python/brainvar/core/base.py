"""Objects that own Variables: unique names, and a way to find what they hold."""

from __future__ import annotations

import gc
import itertools
import numbers
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any, Self

import jax
import numpy as np

from brainvar.core.array import JaxArray
from brainvar.core.collector import ArrayCollector, Collector, trainable_types, variable_types
from brainvar.core.tracking import check_attribute_change, current_frame, note_replaced
from brainvar.core.variable import Variable

__all__ = ["Base", "BrainPyObject", "clear_name_cache"]

# What an attribute that holds a Variable takes as a new value instead of as a new object.
_ARRAY_LIKE = (jax.Array, JaxArray, np.ndarray, np.generic, numbers.Number)


def _is_array_like(x: Any) -> bool:
    """Whether `x` is an array or a number, or nested lists and tuples of nothing else."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(_is_array_like(item) for item in x)
    return isinstance(x, _ARRAY_LIKE) and not isinstance(x, variable_types())


_PRIVATE = frozenset({"_implicit_vars", "_implicit_nodes", "_made_in"})

_lock = threading.RLock()
_owners: weakref.WeakValueDictionary[str, Base] = weakref.WeakValueDictionary()
_counters: dict[str, itertools.count[int]] = {}


def clear_name_cache() -> None:
    """Forget all names: living objects keep theirs, but new ones may take the same.

    For notebooks, where a cell that creates a named object is run again.
    """
    with _lock:
        _owners.clear()
        _counters.clear()


def _is_free(name: str, obj: Base) -> bool:
    owner = _owners.get(name)
    return owner is None or owner is obj


def _auto_name(obj: Base) -> str:
    """Return and take the first free name of the form ``ClassName<number>``."""
    kind = type(obj).__name__
    with _lock:
        counter = _counters.setdefault(kind, itertools.count())
        name = next(name for name in (f"{kind}{i}" for i in counter) if _is_free(name, obj))
        _owners[name] = obj
    return name


def _take_name(name: str, obj: Base) -> str:
    """Check and take an explicit name."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a {type(obj).__name__} must be a str, got {name!r}.")
    if not name.isidentifier():
        raise ValueError(
            f"the name {name!r} of a {type(obj).__name__} is not a valid Python identifier; "
            f"use letters, digits and underscores, and do not start with a digit."
        )
    with _lock:
        if not _is_free(name, obj):
            # The owner may be garbage that only a collection frees: models often form cycles.
            gc.collect()
        if not _is_free(name, obj):
            raise ValueError(
                f"the name {name!r} is in use by another object, a {type(_owners[name]).__name__}; "
                f"choose another name, or call clear_name_cache() to start afresh."
            )
        _owners[name] = obj
    return name


def _leaves(value: Any, path: str, wanted: tuple[type, ...], above: tuple[int, ...] = ()):
    """Yield (path, object) for each instance of `wanted` in nested lists, tuples and dicts."""
    if isinstance(value, wanted):
        yield path, value
    elif isinstance(value, (dict, list, tuple)):
        if id(value) in above:  # a list that contains itself
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, f"{path}.{key}", wanted, (*above, id(value)))


def _note_dropped(held: Any) -> None:
    """Note that an attribute no longer holds the Variables in `held`."""
    for _, x in _leaves(held, "", (Base, Variable)):
        note_replaced([x] if isinstance(x, Variable) else _jax_variables(x))


def _jax_variables(obj: Base) -> list[Variable]:
    return [v for v in obj.unique().values() if isinstance(v, Variable)]


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


class Base:
    """An object with a unique name that can list the Variables it holds.

    Variables and other `Base` objects are found in attributes, and in lists, tuples and
    dictionaries (nested ones too) that are attributes.

    Assigning an array or a number to an attribute that holds a Variable writes into the Variable
    (under the rules of ``Variable.value``), so that nobody loses it by ``self.x = self.x + 1``.
    Assigning a Variable, or anything that is not an array, replaces the attribute.

    Parameters
    ----------
    name
        A valid Python identifier that no other living `Base` object has. Without it the name is
        ``ClassName0``, ``ClassName1``, ... A copy of an object, and an unpickled one whose name
        is in use, get such a name.

    Raises
    ------
    ValueError
        If the name is not an identifier or in use.

    Examples
    --------
    >>> class Neuron(bp.Base):
    ...     def __init__(self, size, name=None):
    ...         super().__init__(name=name)
    ...         self.V = bm.Variable(bm.zeros(size))
    >>> net = Neuron(3)
    >>> list(net.vars())
    ['Neuron0.V']
    >>> list(net.vars(method="relative"))
    ['V']
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:  # noqa: D102
        self = super().__new__(cls)
        frame = current_frame()
        if frame is not None:  # made by a function that is being traced, which may fill it in
            self.__dict__["_made_in"] = frame
        return self

    def __init__(self, name: str | None = None) -> None:
        self.__dict__["_name"] = _auto_name(self) if name is None else _take_name(name, self)

    @property
    def name(self) -> str:
        """The unique name; it can be changed to another free one."""
        name = self.__dict__.get("_name")
        if name is None:  # a subclass that does not call super().__init__()
            name = self.__dict__["_name"] = _auto_name(self)
        return name

    @name.setter
    def name(self, name: str) -> None:
        old = self.__dict__.get("_name")
        self.__dict__["_name"] = _take_name(name, self)
        with _lock:
            if old is not None and old != name and _owners.get(old) is self:
                del _owners[old]

    def __setattr__(self, key: str, value: Any) -> None:
        held = self.__dict__.get(key)
        if (
            held is not None
            and held is not value
            and isinstance(held, variable_types())
            and _is_array_like(value)
        ):
            held.value = value  # type: ignore[attr-defined]
            return
        if held is not value or isinstance(value, np.ndarray):
            check_attribute_change(self, key, value, self.__dict__.get("_made_in"))
        if held is not value:
            _note_dropped(held)
        super().__setattr__(key, value)

    def __delattr__(self, key: str) -> None:
        held = self.__dict__.get(key)
        super().__delattr__(key)
        _note_dropped(held)

    def vars(
        self,
        method: str = "absolute",
        level: int = -1,
        include_self: bool = True,
        exclude_types: type | tuple[type, ...] = (),
    ) -> ArrayCollector:
        """Return the Variables of this object and of the objects it holds.

        Parameters
        ----------
        method
            ``'absolute'``: keys start with the owner's name (``Neuron0.V``); ``'relative'``:
            they are paths from this object (``layers.0.V``).
        level
            How deep to go: 0 for this object only, 1 for what it holds directly too, and so on;
            -1 for everything.
        include_self
            Whether this object's own Variables are listed.
        exclude_types
            Classes of Variables to leave out.

        Returns
        -------
        ArrayCollector
            A Variable is listed under each key that leads to it; ``.unique()`` keeps one of them.
            RandomStates are Variables: with the others they are all that a run depends on.
        """
        found = ArrayCollector()
        types = variable_types()
        for path, node in self._walk(method, level):
            if node is self and not include_self:
                continue
            prefix = node.name if method == "absolute" else path
            for key, variable in node._members(types, "_implicit_vars"):
                if not isinstance(variable, exclude_types):
                    found[_join(prefix, key)] = variable
        return found

    def train_vars(
        self, method: str = "absolute", level: int = -1, include_self: bool = True
    ) -> ArrayCollector:
        """Return the trainable Variables (``TrainVar``), with the parameters of `vars`."""
        return self.vars(method, level, include_self).subset(*trainable_types())

    def nodes(
        self, method: str = "absolute", level: int = -1, include_self: bool = True
    ) -> Collector:
        """Return this object and the `Base` objects that it holds, nearest first.

        Parameters
        ----------
        method
            ``'absolute'``: keys are names; ``'relative'``: keys are paths from this object,
            which is itself under ``''``.
        level, include_self
            As for `vars`.

        Returns
        -------
        Collector
            By path, an object that several others share is listed under each of them, but what
            it holds in turn only under the shortest path. An object is never listed as a part
            of itself, so objects may refer to each other.
        """
        found = Collector()
        for path, node in self._walk(method, level):
            if node is self and not include_self:
                continue
            found[node.name if method == "absolute" else path] = node
        return found

    def unique(
        self, method: str = "absolute", level: int = -1, include_self: bool = True
    ) -> ArrayCollector:
        """Return each Variable once: the same as ``vars(...).unique()``."""
        return self.vars(method, level, include_self).unique()

    def register_implicit_vars(self, *variables: Any, **named: Any) -> None:
        """List Variables with this object's own that no attribute holds.

        Parameters
        ----------
        *variables
            Variables, and lists, tuples or dictionaries of them.
        **named
            Variables by key.
        """
        self._register("_implicit_vars", "var", variable_types(), variables, named)

    def register_implicit_nodes(self, *nodes: Any, **named: Any) -> None:
        """List `Base` objects with this object's own that no attribute holds.

        Parameters
        ----------
        *nodes
            Objects, and lists, tuples or dictionaries of them. The key is the object's name.
        **named
            Objects by key.
        """
        self._register("_implicit_nodes", "", (Base,), nodes, named)

    def _register(
        self,
        store: str,
        prefix: str,
        wanted: tuple[type, ...],
        items: tuple[Any, ...],
        named: dict[str, Any],
    ) -> None:
        held = self.__dict__.setdefault(store, Collector())
        unnamed: list[Any] = []
        for item in items:
            if isinstance(item, dict):
                named = {**item, **named}
            elif isinstance(item, (list, tuple)):
                unnamed.extend(item)
            else:
                unnamed.append(item)
        for item in (*unnamed, *named.values()):
            if not isinstance(item, wanted):
                what = "Variables" if prefix else "Base objects"
                raise TypeError(f"only {what} can be registered here, got {item!r}.")
        known = {id(item) for item in held.values()}
        for item in unnamed:
            if id(item) not in known:
                key = next(k for i in itertools.count() if (k := f"{prefix}{i}") not in held)
                held[key if prefix else item.name] = item
        held.update(named)

    def _members(self, wanted: tuple[type, ...], implicit: str) -> Iterator[tuple[str, Any]]:
        """Yield (path, object) for what the attributes of this object hold themselves."""
        for key, value in list(self.__dict__.items()):
            if key not in _PRIVATE:
                yield from _leaves(value, key, wanted)
        yield from self.__dict__.get(implicit, {}).items()

    def _walk(self, method: str, level: int) -> Iterator[tuple[str, Base]]:
        """Yield (path, object), breadth first: an object is expanded at its shortest path."""
        if method not in ("absolute", "relative"):
            raise ValueError(f"method must be 'absolute' or 'relative', got {method!r}.")
        # Expanding each object once keeps the walk linear in the number of references, where
        # the number of paths can grow factorially (agents that all know each other).
        expanded: set[int] = set()
        queue: deque[tuple[str, Base, int, tuple[int, ...]]] = deque([("", self, 0, ())])
        while queue:
            path, node, depth, above = queue.popleft()
            first = id(node) not in expanded
            if first or method == "relative":
                yield path, node
            if not first or 0 <= level <= depth:
                continue
            expanded.add(id(node))
            above = (*above, id(node))
            for key, child in node._members((Base,), "_implicit_nodes"):
                if id(child) not in above:
                    queue.append((_join(path, key), child, depth + 1, above))

    def __getstate__(self) -> Any:
        state: Any = super().__getstate__()
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        if attributes and "_made_in" in attributes:
            attributes = {k: v for k, v in attributes.items() if k != "_made_in"}
        return attributes if slots is None else (attributes, slots)

    def __setstate__(self, state: Any) -> None:
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        attributes = dict(attributes or {})
        name = attributes.pop("_name", None)
        self.__dict__.update(attributes)
        for key, value in (slots or {}).items():
            object.__setattr__(self, key, value)
        with _lock:
            if name is None or not _is_free(name, self):
                name = _auto_name(self)
            else:
                _owners[name] = self
        self.__dict__["_name"] = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r})"


BrainPyObject = Base
