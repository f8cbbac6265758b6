"""Running a compiled program on the values of Variables, in their own buffers where it is safe."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from brainvar._compat import at_top_level, program_count, trace_state
from brainvar.core import _bounds
from brainvar.core._inplace import (
    NATIVE,
    call_key,
    execute,
    may_refuse_results,
    note_copy,
    signals_deferred,
    stamp,
)
from brainvar.core.tracking import Lost, local, raw_transform_write, unusable
from brainvar.core.variable import Variable
from brainvar.transforms._trace import Traced, at_home

__all__ = ["Plan", "Program", "Roles", "check_donate", "divide"]


def check_donate(donate: Any) -> Any:
    """Check an argument ``donate``."""
    if donate is True or donate is False or donate == "auto":
        return donate
    raise ValueError(f"donate takes 'auto', True or False, got {donate!r}.")


def may_donate(traced: Traced, donate: Any) -> bool:
    """Whether a program may take the buffers of the Variables that it writes.

    Not one that calls out, to the host or to code that is not this package's: if that fails, what
    the buffers held is gone. Nor one that checks bounds, which may find that nothing is to be kept.
    """
    record = _bounds.record_variable()
    if any(v is record for v in traced.writes):
        return False
    return not traced.calls_out if donate == "auto" else donate


class Roles(NamedTuple):
    """How a program has the Variables that it writes."""

    donates: bool
    own: list[Variable]
    """Those that are written in their own buffers."""
    written: list[Variable]
    """The others."""
    order: list[int]
    """Where the new values of `own` and then of `written` stand among those of a trace."""


def divide(traced: Traced, donate: Any, *, unread: bool) -> Roles:
    """Divide the Variables that a program writes.

    XLA gives each buffer to the first result that fits it: hence the order, in which that is the
    result of its own Variable. `unread` says whether what is not read is an operand too.
    """
    donates = may_donate(traced, donate)
    own, written = [], []
    for var in traced.writes:
        takes = donates and var._donated and (unread or id(var) in traced.reads)
        (own if takes else written).append(var)
    position = {id(v): i for i, v in enumerate(traced.writes)}
    return Roles(donates, own, written, [position[id(v)] for v in (*own, *written)])


class Program:
    """A compiled function of the values of Variables.

    Parameters
    ----------
    function : callable
        ``function(own, reads, dynamic)``, pure. `own` and `reads` are lists of values, `dynamic`
        any pytree of arrays. It returns a list: the new values of the Variables whose values are
        `own`, then those of the others that are written, then its other results.
    what : str
        The transform in words, for messages.
    traced : Traced
        What `function` was made of.
    donates : bool
        Whether it may write in the buffers of Variables, see `may_donate`.
    """

    __slots__ = (
        "_calls_out",
        "_compiled",
        "_known",
        "_lost",
        "_record",
        "_run",
        "_stamp",
        "_traceable",
        "_why_copied",
    )

    def __init__(self, function: Callable[..., Any], what: str, traced: Traced, *, donates: bool):
        self._traceable = jax.jit(function)
        self._compiled = jax.jit(function, donate_argnums=(0,)) if NATIVE else self._traceable
        self._lost = Lost(what)
        self._calls_out = traced.calls_out
        self._why_copied = "" if donates else f"{what} is compiled without donation"
        self._known: set[Any] = set()
        self._stamp: int | None = None
        record = _bounds.record_variable()
        # Such a program owns no buffer, so that its results stand in the order of the writes.
        self._record = next((i for i, v in enumerate(traced.writes) if v is record), None)
        waits = traced.calls_out or self._record is not None
        self._run: Any = self._run_and_wait if waits else self._compiled

    def __call__(
        self,
        own: list[Variable],
        written: list[Variable],
        reads: list[Variable],
        dynamic: Any,
        *,
        known_at_home: bool = False,
    ) -> Sequence[Any]:
        """Run on the values of `own` and `reads`, store those of `own` and `written`.

        Parameters
        ----------
        own, written, reads : list of Variable
            Written in their own buffers; written otherwise; read only, or also in `written`.
        dynamic : pytree
            The other operands.
        known_at_home : bool
            Whether all of them are known to have been created outside of any trace.

        Returns
        -------
        sequence of jax.Array
            The other results.
        """
        if (
            local.frame is None
            and at_top_level()
            and (known_at_home or all(map(at_home, (*own, *written, *reads))))
        ):
            if self._why_copied:
                self._note_copies(written, reads)
            if not may_refuse_results():
                return self._execute(own, written, reads, dynamic)
            if not disables_jit():
                run = functools.partial(self._run_on_copies, len(own))
                variables, values = [*own, *written], [*own, *reads]
                return self._call([], variables, values, run, dynamic, None)
        values = [v._read() for v in own], [v._read() for v in reads]
        out = self._traceable(*values, dynamic)
        variables = [*own, *written]
        _commit(variables, out[: len(variables)])
        return out[len(variables) :]

    def _execute(
        self, own: list[Variable], written: Any, reads: list[Variable], dynamic: Any
    ) -> Sequence[Any]:
        if not (own and NATIVE):
            return self._call(own, written, reads, self._run, dynamic, None)
        # Whether JAX calls the program without Python code, in which an interrupt would lose the
        # buffers. Values that programs have stored stay where they are: they need no look.
        arguments = call_key(dynamic)
        known = arguments in self._known and program_count(self._compiled)
        if known and self._stamp is not None:
            out = self._call(own, written, reads, self._run, dynamic, self._stamp)
            if out is not None:
                return out
        while True:
            self._stamp = stamp([*own, *reads])
            values = [v._read() for v in own], [v._read() for v in reads]
            key = arguments, call_key((*values[0], *values[1]))
            if known and key in self._known:
                del values
                out = self._call(own, written, reads, self._run, dynamic, self._stamp)
            else:
                # It takes long and can be interrupted: nothing is donated yet.
                self._compiled.lower(*values, dynamic).compile()
                del values
                with signals_deferred():
                    out = self._call(own, written, reads, self._run, dynamic, self._stamp)
                if out is not None:
                    self._known |= {key, arguments}
            if out is not None:
                return out

    def _call(
        self,
        own: list[Variable],
        written: list[Variable],
        reads: list[Variable],
        run: Any,
        dynamic: Any,
        mark: int | None,
    ) -> Any:
        return execute(own, written, reads, run, dynamic, self._lost, mark, self._calls_out)

    def _note_copies(self, written: list[Variable], reads: list[Variable]) -> None:
        """Tell of the Variables that would have been written in place."""
        read = set(map(id, reads))
        for var in written:
            if var._donated and id(var) in read:
                note_copy(var, self._why_copied)

    def _run_on_copies(self, count: int, _: Any, values: list[Any], dynamic: Any) -> Any:
        return self._traceable(values[:count], values[count:], dynamic)

    def _run_and_wait(self, own: Any, reads: Any, dynamic: Any) -> Any:
        # What fails on the host is known when the results are there: nothing is stored before.
        out = jax.block_until_ready(self._compiled(own, reads, dynamic))
        if self._record is not None:
            _bounds.raise_if_set(out[self._record])
        return out


def disables_jit() -> bool:
    """Whether programs run as Python code (``jax.disable_jit``): results may be operands."""
    return jax.config.jax_disable_jit  # pyright: ignore[reportAttributeAccessIssue]


def _commit(variables: Sequence[Variable], values: Sequence[Any]) -> None:
    """Store results inside a trace, or in Variables that one has made: all of them, or none."""
    if local.frame is None:
        here = trace_state()
        for var in variables:
            if var._frame is not None:
                raise unusable(var)
            if var._birth is not here and var._birth != here:
                raise raw_transform_write(var)
    for var, value in zip(variables, values, strict=True):
        var._set_raw(value, exclusive=not disables_jit())


class Plan:
    """A function compiled by `jit` for one signature, and where its state comes from and goes to.

    Each slot of `own`, `written` and `reads` (see `Program`) is a Variable, or the position of
    one among the arguments.
    """

    def __init__(
        self, traced: Traced, places: dict[int, int], what: str, donate: Any, *, stand_ins: bool
    ):
        donates, own, written, order = divide(traced, donate, unread=False)
        own_ids = set(map(id, own))
        reads = [v for key, v in traced.reads.items() if key not in own_ids]
        value_ids = [id(v) for v in (*own, *reads)]

        def function(own: list[Any], reads: list[Any], dynamic: list[Any]) -> list[Any]:
            values = dict(zip(value_ids, (*own, *reads), strict=True))
            out = traced.call(traced.fill(values), dynamic)
            return [out[i] for i in order] + list(out[len(order) :])

        self.run = Program(function, what, traced, donates=donates)
        self.traced = traced
        self.own, self.written, self.reads = (
            [places.get(id(v), v) for v in group] for group in (own, written, reads)
        )
        slots = [*self.own, *self.written, *self.reads]
        held = [v for v in slots if not isinstance(v, int)]
        self.touched = frozenset(map(id, held if stand_ins else ()))
        self.has_argument_slots = len(held) < len(slots)
        self.at_home = all(map(at_home, held))
        self.objects: list[Any] = []

    def __call__(self, dynamic: list[Any], variables: list[Variable]) -> Any:
        own: Any = self.own
        written: Any = self.written
        reads: Any = self.reads
        if self.has_argument_slots:
            own, written, reads = (
                [variables[s] if isinstance(s, int) else s for s in slots]
                for slots in (own, written, reads)
            )
        # Those that no trace has made need not be asked one by one.
        known = self.at_home and (not variables or all(map(at_home, variables)))
        out = self.run(own, written, reads, dynamic, known_at_home=known)
        return self.traced.outputs.build(out, variables)
