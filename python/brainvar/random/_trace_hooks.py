"""How a running `trace` hears of draws: methods that it puts into the classes of the states."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from brainvar import ops
from brainvar._compat import Tracer, at_top_level
from brainvar.core.tracking import local

if TYPE_CHECKING:
    from brainvar.random._trace import trace

__all__ = ["Caller", "Words", "find_caller", "hooks", "key_now", "words_of"]

_PACKAGE = str(Path(__file__).parents[1] / "_")[:-1]  # not that of a neighbour, brainvar_models
_EXAMPLES = _PACKAGE + "examples"

Words = tuple[str, int, int]
"""The stream, and the two words of a key."""


class Caller(NamedTuple):
    """The line outside of this package."""

    what: str
    """The method that it called."""
    where: str
    depth: int
    """As `warnings.warn` counts, from the caller of `find_caller`."""
    in_draw: bool
    """Whether this is a part of a draw."""


def find_caller() -> Caller:
    """Find the line outside of this package, and the method that it called."""
    frame: FrameType | None = sys._getframe(1)
    what, depth, in_draw = "", 1, False
    while frame is not None and _is_ours(frame.f_code.co_filename):
        name = frame.f_code.co_name
        in_draw |= name == "_draw_raw"
        if not name.startswith(("_", "<")):
            what = name
        frame, depth = frame.f_back, depth + 1
    if frame is None:
        return Caller(what, "unknown", depth, in_draw)
    code = frame.f_code
    where = f"{code.co_filename}:{frame.f_lineno} ({code.co_name})"
    return Caller(what, where, depth, in_draw)


def _is_ours(file: str) -> bool:
    if file == contextlib.__file__:  # between a context manager here and its user
        return True
    return file.startswith(_PACKAGE) and not file.startswith(_EXAMPLES)


def words_of(stream: str, key: Any) -> Words:
    first, second = np.asarray(key).tolist()
    return stream, first, second


def key_now(state: Any) -> np.ndarray | None:
    """Return a copy of the key of a state, None where it has no value."""
    raw = state if isinstance(state, np.ndarray) else state._peek()
    return np.array(raw) if isinstance(raw, (np.ndarray, jax.Array)) and _known(raw) else None


def _known(raw: Any) -> bool:
    return local.frame is None and not isinstance(raw, Tracer)


# -- the methods that take the place of those of the classes -------------------------------------


class _Here(threading.local):
    in_step = False


_here = _Here()


class _Seen:
    """A plan whose calls are reported; it is called with the key that is used, in eager code."""

    def __init__(self, run: Any, state: Any):
        self._run = run
        self._state = state
        self._splits = run.__name__ == "split"

    def __call__(self, key: Any, *params: Any) -> Any:
        state, caller = self._state, find_caller()
        held = np.array(key)
        traces = hooks.traces
        for one in traces:
            one._observe(state, held, caller.where)
            one._note_caller(state, caller, *self._keys_used(held))
        following, out = self._run(key, *params)
        count = int(np.size(out))
        for one in traces:
            one._expect(state, np.array(following), caller.where)
            if not self._splits:
                one._note_draw(state, caller, count)
            elif not caller.in_draw:  # that is counted when the key is drawn with
                one._note_keys(state, count // 2)
        return following, out

    def _keys_used(self, key: np.ndarray) -> Iterator[Words]:
        stream = self._state._stream
        yield words_of(stream, key)
        if not self._splits:
            # What the numbers are made from is a key too, which the user can come by.
            yield words_of(stream, ops.split(key, 2, stream=stream)[1])

    def __wrapped__(self, key: Any, *params: Any) -> Any:
        following, out = self._run.__wrapped__(key, *params)
        _note_compiled(self._state, out)
        return following, out


def _note_compiled(state: Any, out: Any) -> None:
    caller = find_caller()
    program = local.frame.what if local.frame is not None else "a transform of JAX"
    for one in hooks.traces:
        one._note_compiled(state, caller, np.shape(out), program)


def _step(original: Any) -> Any:
    def step(self: Any, run: Any, *params: Any) -> Any:
        _here.in_step = True
        try:
            return original(self, _Seen(run, self), *params)
        finally:
            _here.in_step = False

    return step


def _run(original: Any) -> Any:
    def run_with_key(self: Any, run: Any, key: Any, *params: Any) -> Any:
        if not (_known(key) and at_top_level()):
            out = original(run, key, *params)
            _note_compiled(self, out)
            return out
        caller, traces = find_caller(), hooks.traces
        for one in traces:
            one._note_caller(self, caller, words_of(self._stream, key))
        out = original(run, key, *params)
        for one in traces:
            one._note_draw(self, caller, int(np.size(out)))
        return out

    return run_with_key


def _assign(original: Any) -> Any:
    def assign(self: Any, value: Any) -> None:
        if _here.in_step:  # the numpy backend stores the next key by the same method
            original(self, value)
            return
        where = find_caller().where
        for one in hooks.traces:
            one._observe(self, key_now(self), where)
        original(self, value)
        for one in hooks.traces:
            one._expect(self, key_now(self), where)

    return assign


def _split_key(original: Any) -> Any:
    del original  # it has a shortcut past the others

    def split_key(self: Any, *args: Any, **kwargs: Any) -> Any:
        above: Any = super(_classes()[0], self)
        return above.split_key(*args, **kwargs)

    return split_key


def _classes() -> tuple[type, type]:
    """Return what RandomStates of the JAX and of the numpy backend are."""
    from brainvar.random._host import HostRandomMethods
    from brainvar.random._state import RandomState

    return RandomState, HostRandomMethods


class _Hooks:
    """The running traces, and the methods that are not in their places meanwhile."""

    def __init__(self) -> None:
        self.traces: tuple[trace, ...] = ()
        self._lock = threading.Lock()
        self._taken: list[tuple[type, str, Any]] = []

    def add(self, one: trace) -> None:
        with self._lock:
            if not self.traces:
                self._put_in()
            self.traces += (one,)

    def remove(self, one: trace) -> None:
        with self._lock:
            self.traces = tuple(other for other in self.traces if other is not one)
            if not self.traces:
                while self._taken:
                    cls, name, method = self._taken.pop()
                    setattr(cls, name, method)

    def _put_in(self) -> None:
        jax_state, host_state = _classes()
        both = {"_step": _step, "_run": _run}
        for cls, methods in (
            (jax_state, {**both, "_assign": _assign, "split_key": _split_key}),
            (host_state, {**both, "_set_key": _assign}),
        ):
            for name, make in methods.items():
                self._taken.append((cls, name, vars(cls)[name]))
                setattr(cls, name, make(getattr(cls, name)))


hooks = _Hooks()
