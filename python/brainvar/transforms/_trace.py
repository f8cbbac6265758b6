"""Tracing a function together with the Variables that it reads and writes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from brainvar._compat import TOP_TRACE_STATE, Tracer
from brainvar.core.array import JaxArray
from brainvar.core.tracking import Frame, changes
from brainvar.core.variable import Variable

__all__ = ["Outputs", "Traced", "at_home", "function_name", "leaf_key", "raw_leaf", "trace"]


def function_name(function: Any) -> str:
    """Return the name of a function for messages."""
    if isinstance(function, functools.partial):
        return function_name(function.func)
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def raw_leaf(leaf: Any, where: str, hint: str = "") -> Any:
    """Return an argument's leaf as what JAX takes for a dynamic value.

    Raises
    ------
    TypeError
        If it is no array and no number.
    """
    if isinstance(leaf, jax.Array):
        return leaf
    if isinstance(leaf, JaxArray):
        return leaf.value
    if isinstance(leaf, (np.ndarray, np.generic)):
        return np.array(leaf)  # JAX may read it after the call has returned
    if isinstance(leaf, (bool, int, float, complex)):
        return leaf
    raise TypeError(
        f"{where} got {leaf!r} of type '{type(leaf).__name__}', which is neither an array nor a "
        f"number.{hint}"
    )


def leaf_key(raw: Any) -> Hashable:
    """Return what a compiled program depends on of a dynamic value."""
    if isinstance(raw, jax.Array):
        return raw.shape, raw.dtype, raw.aval.weak_type
    if isinstance(raw, np.ndarray):
        return raw.shape, raw.dtype
    return type(raw)


def at_home(var: Variable) -> bool:
    """Whether a Variable was created outside of any trace."""
    return var._frame is None and var._birth is TOP_TRACE_STATE


class Outputs:
    """What a traced function returns: raw values, and how to build the result from them."""

    def __init__(self, result: Any, frame: Frame, aliases: dict[int, int] | None):
        leaves, self._tree = jax.tree.flatten(result, is_leaf=lambda x: isinstance(x, JaxArray))
        self._raw: list[Any] = []
        self._makers: list[Callable[[Any, Sequence[Any]], Any]] = []
        for leaf in leaves:
            if aliases is not None and isinstance(leaf, Variable) and leaf._frame is not frame:
                # As in eager code, the caller gets the very Variable, not a copy of it.
                self._makers.append(_same(leaf, aliases.get(id(leaf))))
            elif isinstance(leaf, JaxArray):
                self._raw.append(leaf.value)
                keep = type(leaf) if aliases is not None else JaxArray
                self._makers.append(_make(keep, leaf._state() if keep is type(leaf) else {}))
            else:
                self._raw.append(leaf)
                self._makers.append(_plain if aliases is not None else _make(JaxArray, {}))

    def build(self, raw: Sequence[Any], arguments: Sequence[Any] = ()) -> Any:
        """Build the function's result from the raw values of one run."""
        values = iter(raw)
        return self._tree.unflatten([make(values, arguments) for make in self._makers])

    def take_raw(self) -> list[Any]:
        """Return the raw values of the trace, and keep none: they must not outlive it."""
        raw, self._raw = self._raw, []
        return raw


def _plain(values: Any, arguments: Sequence[Any]) -> Any:
    return next(values)


def _make(cls: type[JaxArray], state: dict[str, Any]) -> Callable[[Any, Sequence[Any]], Any]:
    if cls is JaxArray:
        return _box
    return lambda values, arguments: cls._rebuild(next(values), state)


def _box(values: Any, arguments: Sequence[Any]) -> Any:
    return JaxArray._wrap(next(values))


def _same(var: Variable, argument: int | None) -> Callable[[Any, Sequence[Any]], Any]:
    if argument is None:
        return lambda values, arguments: var
    return lambda values, arguments: arguments[argument]


@dataclass
class Traced:
    """A traced function.

    ``call(state, leaves)`` computes it on raw values: `state` has one value for each of `known`
    (those of Variables that are not in `reads` do not matter), and the results are the new values
    of `writes` followed by the raw outputs. `calls_out` says whether it calls back to the host or
    a foreign function.
    """

    call: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]
    known: list[Variable]
    reads: dict[int, Variable]
    writes: list[Variable]
    outputs: Outputs
    cacheable: bool
    calls_out: bool
    made_at: int = field(default_factory=lambda: changes.count)

    def is_current(self) -> bool:
        """Whether no Variable was replaced by another one since the trace, as in ``self.v = w``."""
        if self.made_at != changes.count:
            used = (*self.reads.values(), *self.writes)
            if any(v._replaced > self.made_at for v in used):
                return False
            self.made_at = changes.count
        return True

    def fill(self, values: dict[int, Any]) -> list[Any]:
        """Arrange values by the Variables' ids as ``call`` wants them.

        What the function does not read is filled with zeros, which XLA removes.
        """
        return [
            values[id(v)] if id(v) in values else jnp.zeros(v.shape, v.dtype) for v in self.known
        ]


def trace(
    function: Callable[[Sequence[Any]], Any],
    leaves: Sequence[Any],
    guess: Sequence[Variable],
    what: str,
    source: Any,
    aliases: dict[int, int] | None = None,
) -> Traced:
    """Trace `function`, called with a list of raw values, and find its Variables.

    Parameters
    ----------
    function :
        What is traced. It must do the same each time it is called.
    leaves : sequence
        Raw arrays, scalars or `jax.ShapeDtypeStruct` to trace for.
    guess : sequence of Variable
        Variables that the function probably reads.
    what : str
        The transform in words, for messages.
    source : callable
        The user's function, which JAX's own messages are to name.
    aliases : dict, optional
        The arguments that are Variables, by id, with their positions. None where the result
        consists of values, as in loops.
    """
    known = list({id(v): v for v in guess}.values())
    ordered: set[int] = set()
    while True:
        done: list[tuple[Frame, list[Variable], Outputs]] = []

        def pure(state: Sequence[Any], leaves: Sequence[Any]) -> Any:
            with Frame(what, known, state, ordered) as frame:  # noqa: B023  (called at once)
                outputs = Outputs(function(leaves), frame, aliases)
                writes = list(frame.writes.values())
                new = [frame.value_of(v) for v in writes]
            done.append((frame, writes, outputs))  # noqa: B023
            return new + outputs.take_raw()

        pure.__wrapped__ = source  # type: ignore[attr-defined]
        shapes = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in known]
        closed = jax.make_jaxpr(pure)(shapes, list(leaves))
        frame, writes, outputs = done[-1]
        if not frame.missing and frame.crossed <= ordered:
            break
        known += frame.missing.values()
        ordered |= frame.crossed
    compiled = jaxpr_as_fun(closed)
    return Traced(
        call=lambda state, leaves: compiled(*state, *leaves),
        known=known,
        reads=frame.reads,
        writes=writes,
        outputs=outputs,
        cacheable=not any(isinstance(c, Tracer) for c in closed.consts),
        calls_out=_calls_out(closed.jaxpr),
    )


def _calls_out(jaxpr: Any) -> bool:
    """Whether a program calls back to the host, or a foreign function that is not ours."""
    if jaxpr.effects:
        return True
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if "callback" in name or name == "ffi_call":
            return True
        if any(_calls_out(inner) for inner in _inner_jaxprs(equation.params.values())):
            return True
    return False


def _inner_jaxprs(values: Iterable[Any]) -> Iterator[Any]:
    for x in values:
        if isinstance(x, (tuple, list)):
            yield from _inner_jaxprs(x)
        elif hasattr(x, "eqns"):
            yield x
        elif hasattr(x, "jaxpr") and hasattr(x.jaxpr, "eqns"):
            yield x.jaxpr
