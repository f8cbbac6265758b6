"""What `_inplace` does where the extension is not loaded: the same results, with copies.

Nothing is donated here: between a donating call and the storing of its result, Python code would
run, in which an interrupt loses the state.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Cell", "bind", "draw", "execute", "read", "share", "stamp", "store", "update"]

NO_EXTENSION = "the compiled extension is not loaded"

_released = threading.Condition()


class Cell:
    """The record of a Variable: why its buffer is shared, and counters."""

    __slots__ = ("copies", "hold", "in_place", "reason", "replaced")

    def __init__(self, reason: str | None = None):
        self.reason = reason
        self.hold: _Hold | None = None
        self.in_place = 0
        self.replaced = 0
        self.copies: dict[str, int] = {}


class _Bindings:
    error_for: Any
    note_copy: Any
    lost: Any
    set_value: Any


def bind(
    variable: Any,
    value: Any,
    cell: Any,
    frame: Any,
    error_for: Any,
    note_copy: Any,
    copy: Any,
    foreign: str,
    repeated: str,
    lost: Any,
) -> None:
    """Take the functions and classes that the others work with."""
    del variable, cell, frame, copy, foreign, repeated
    _Bindings.error_for = staticmethod(error_for)
    _Bindings.note_copy = staticmethod(note_copy)
    _Bindings.lost = lost
    _Bindings.set_value = value.__set__


def _check(var: Any) -> None:
    if var._frame is not None:
        raise _Bindings.error_for(var, "no value")


def read(var: Any) -> Any:
    """Return the raw value for an operation."""
    _check(var)
    return var._value


def share(var: Any, reason: str) -> Any:
    """Return the raw value to somebody who may keep it."""
    _check(var)
    var._cell.reason = reason
    return var._value


def store(var: Any, raw: Any, reason: str | None) -> None:
    """Take a raw value."""

    def take() -> None:
        var._cell.reason = reason
        var._cell.replaced += 1
        var._value = raw
        if isinstance(var._frame, _Bindings.lost):
            var._frame = None

    _Hold([var]).run(take)


class _Hold:
    """A running call that writes Variables."""

    __slots__ = ("calls_out", "thread", "variables")

    def __init__(self, variables: Sequence[Any], *, calls_out: bool = False):
        self.thread = threading.get_ident()
        self.variables = variables
        self.calls_out = calls_out

    def run(self, call: Callable[[], Any]) -> Any:
        """Call with the Variables locked, all or none."""
        try:
            try:
                self._acquire()
                return call()
            finally:
                self._release()
        finally:  # again, for an interrupt within the first
            self._release()

    def _acquire(self) -> None:
        with _released:
            while busy := [v for v in self.variables if v._cell.hold is not None]:
                holder = busy[0]._cell.hold
                if holder.thread == self.thread:
                    raise _Bindings.error_for(busy[0], "reentered")
                if holder.calls_out:  # and may wait for the callback that asks
                    error = _Bindings.error_for(busy[0], "called back")
                    if error is not None:
                        raise error
                _released.wait()
            for var in self.variables:
                var._cell.hold = self

    def _release(self) -> None:
        with _released:
            for var in self.variables:
                if var._cell.hold is self:
                    var._cell.hold = None
            _released.notify_all()


def _note_copy(var: Any) -> None:
    """Count a copy; the user's policy is about those that are not made everywhere here."""
    cell = var._cell
    if cell.reason is not None:
        _Bindings.note_copy(var, cell.reason)
    else:
        cell.copies[NO_EXTENSION] = cell.copies.get(NO_EXTENSION, 0) + 1


def _take(var: Any, raw: Any) -> None:
    var._cell.reason = None
    var._value = raw


def update(var: Any, function: Any, lost: Any, *args: Any) -> None:
    """Store ``function(value, *args)``; the function donates nothing here."""
    del lost
    _check(var)

    def write() -> None:
        _note_copy(var)
        _take(var, function(var._value, *args))

    _Hold([var]).run(write)


def draw(var: Any, function: Any, *args: Any) -> Any:
    """Compute ``value, rest = function(value, *args)`` and return the rest."""
    _check(var)

    def step() -> Any:
        following, rest = function(var._value, *args)
        var._cell.replaced += 1
        _take(var, following)
        return rest

    return _Hold([var]).run(step)


def execute(
    donated: list[Any],
    written: list[Any],
    reads: list[Any],
    function: Any,
    dynamic: Any,
    lost: Any,
    stamp: int | None,
    calls_out: bool,
) -> list[Any]:
    """Run a compiled program; it donates nothing here."""
    del lost, stamp
    variables = [*donated, *written]
    for var in (*variables, *reads):
        _check(var)

    def run() -> list[Any]:
        for var in donated:
            _note_copy(var)
        with _released:  # the values of one moment, and to one moment
            values = [v._value for v in donated], [v._value for v in reads]
        out = function(*values, dynamic)
        with _released:
            # One call without Python code in it, that no interrupt can come into.
            collections.deque(map(_Bindings.set_value, variables, out), maxlen=0)
        for var in variables:
            var._cell.reason = None
        for var in written:
            var._cell.replaced += 1
        return list(out[len(variables) :])

    return _Hold(variables, calls_out=calls_out).run(run)


def stamp(variables: Sequence[Any]) -> int:
    """Return 0: where nothing is donated, no call needs to be prepared."""
    del variables
    return 0
