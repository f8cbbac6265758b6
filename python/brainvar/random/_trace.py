"""`trace`: what RandomStates draw, and which keys they use twice.

Nothing of this runs while nobody traces: a running trace puts its own methods into the classes of
the states, and takes them out when it ends.
"""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jax import lax

from brainvar import ops
from brainvar.core.errors import KeyReuseError, KeyReuseWarning
from brainvar.random._trace_hooks import Caller, Words, find_caller, hooks, key_now, words_of

__all__ = ["CompiledDraw", "KeyReuse", "KeyUse", "trace"]

_POLICIES = ("record", "warn", "error")

# How far the steps of compiled code are followed from one known key to the next.
_CHUNK = 1024
_FOLLOWED = 2**16


class KeyUse(NamedTuple):
    """One use of a key.

    Attributes
    ----------
    what : str
        The method that used it, or ``"compiled code"``.
    where : str
        ``"file.py:12 (function)"``, the line outside of this package that called it. For compiled
        code the lines before and after it that are known.
    state : object
        The RandomState that it was asked of.
    """

    what: str
    where: str
    state: Any

    def __str__(self) -> str:
        place = self.where if self.where.startswith("between") else f"at {self.where}"
        return f"{self.what} {place}"


class KeyReuse(NamedTuple):
    """A key from which numbers were made twice, so that they repeat or depend on each other.

    Attributes
    ----------
    key : tuple of int
        The two words of the key.
    stream : str
        The counter layout under which both used it.
    first, second : KeyUse
        Where.
    """

    key: tuple[int, int]
    stream: str
    first: KeyUse
    second: KeyUse

    def __str__(self) -> str:
        return f"key {list(self.key)} ({self.stream}): {self.first}, again {self.second}"


class CompiledDraw(NamedTuple):
    """A draw that was seen while a function was compiled.

    Attributes
    ----------
    what : str
        The method.
    shape : tuple of int
        The shape of the result in one run of that line.
    where : str
        The line, as in `KeyUse`.
    program : str
        What was being compiled, such as ``"bm.jit(step)"``.
    """

    what: str
    shape: tuple[int, ...]
    where: str
    program: str

    def __str__(self) -> str:
        return f"{self.what} {self.shape} at {self.where}, in {self.program}"


class trace:  # noqa: N801  (it is used as a function)
    """Record what RandomStates draw in a ``with`` block, and which keys are used twice.

    Parameters
    ----------
    *states : RandomState
        Whose draws are recorded, of either backend; of all RandomStates if none is given.
    on_reuse : {'record', 'warn', 'error'}
        What happens when a key is used for the second time: it is noted in `reuses`, a
        `KeyReuseWarning` is given too, or a `KeyReuseError` is raised before anything is drawn.

    Attributes
    ----------
    draws : Counter
        How often each sampler was called outside of compiled code, by the name of the method.
    numbers : Counter
        How many numbers those calls gave.
    keys : int
        How many keys were handed out by `split_key`, `split_keys` and `clone`.
    compiled_steps : int
        How many steps compiled code took with the states: draws and split keys, each time that
        it ran. They are found by following the key, at the next draw outside and at the end of
        the block.
    unknown_moves : int
        How often a state was found at a key that cannot be followed up: by a `split_keys` in
        compiled code on the original stream, or more than 65536 steps away.
    compiled : list of CompiledDraw
        The lines that draw in compiled code, as far as they were compiled within the block. Each
        is listed once, however often it runs.
    reuses : list of KeyReuse
        Keys used twice within the block, where one of the uses is by the states traced.

    Raises
    ------
    TypeError
        If a state is no RandomState.
    ValueError
        If `on_reuse` is unknown.

    See Also
    --------
    RandomState.trace : The same for one state.

    Notes
    -----
    A key is used by a draw or a split of a state that holds it, and by a draw that is given it as
    ``key=``. A second use comes from a state that was set back (`seed`, an assignment, a restored
    checkpoint), copied (`copy.copy`, a pickle), or seeded as another one, and from a key given
    twice. The same key under another stream makes other numbers, and is not reported.

    What compiled code draws with one of its own keys (``key=``) is not looked at. Draws of all
    threads are recorded.

    Examples
    --------
    >>> import brainvar.math as bm
    >>> rng = bm.random.RandomState(0)
    >>> with rng.trace() as record:
    ...     x = rng.normal(size=1000)
    ...     rng.seed(0)
    ...     y = rng.random(3)
    >>> dict(record.numbers)
    {'normal': 1000, 'random': 3}
    >>> [(reuse.first.what, reuse.second.what) for reuse in record.reuses]
    [('normal', 'random')]
    """

    def __init__(self, *states: Any, on_reuse: Literal["record", "warn", "error"] = "record"):
        for state in states:
            if not hasattr(state, "_stream"):
                raise TypeError(f"trace takes RandomStates, got {state!r}")
        if on_reuse not in _POLICIES:
            raise ValueError(
                f"on_reuse takes one of {', '.join(map(repr, _POLICIES))}, got {on_reuse!r}"
            )
        self.draws: Counter[str] = Counter()
        self.numbers: Counter[str] = Counter()
        self.keys = 0
        self.compiled_steps = 0
        self.unknown_moves = 0
        self.reuses: list[KeyReuse] = []
        self._states = states
        self._on_reuse = on_reuse
        self._compiled: dict[CompiledDraw, None] = {}
        self._uses: dict[Words, KeyUse] = {}
        # By identity; the states are held, so that no other object gets theirs.
        self._expected: dict[int, tuple[Any, np.ndarray, str]] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> trace:
        for state in self._states:
            self._expect(state, key_now(state), "the start")
        hooks.add(self)
        return self

    def __exit__(self, kind: Any, *exc: object) -> None:
        hooks.remove(self)
        if kind is not None:  # one error is enough
            self._on_reuse = "record"
        for state, *_ in list(self._expected.values()):
            self._observe(state, key_now(state), "the end")

    @property
    def compiled(self) -> list[CompiledDraw]:
        """The lines that draw in compiled code."""
        return list(self._compiled)

    def __str__(self) -> str:
        """Return a report."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'draws':>10} {'numbers':>14}  sampler"
        for what, count in sorted(self.draws.items()):
            yield f"{count:>10} {self.numbers[what]:>14}  {what}"
        yield f"keys handed out: {self.keys}"
        yield f"steps of compiled code: {self.compiled_steps}"
        if self.unknown_moves:
            yield f"moves that could not be followed: {self.unknown_moves}"
        for draw in self._compiled:
            yield f"  compiled: {draw}"
        yield f"keys used twice: {len(self.reuses)}"
        for reuse in self.reuses:
            yield f"  {reuse}"

    # -- what the hooks report -----------------------------------------------------------------

    def _wants(self, state: Any) -> bool:
        return not self._states or any(state is one for one in self._states)

    def _expect(self, state: Any, key: np.ndarray | None, where: str) -> None:
        """Note the key that a state has after the line `where`."""
        if key is not None:
            self._expected[id(state)] = state, key, where

    def _note_draw(self, state: Any, caller: Caller, count: int) -> None:
        if self._wants(state):
            with self._lock:
                self.draws[caller.what] += 1
                self.numbers[caller.what] += count

    def _note_keys(self, state: Any, count: int) -> None:
        if self._wants(state):
            with self._lock:
                self.keys += count

    def _note_compiled(self, state: Any, caller: Caller, shape: Any, program: str) -> None:
        if self._wants(state):
            with self._lock:
                self._compiled[CompiledDraw(caller.what, shape, caller.where, program)] = None

    def _note_caller(self, state: Any, caller: Caller, *keys: Words) -> None:
        """Take note of the use of keys, up to the first that was used before."""
        use = KeyUse(caller.what, caller.where, state)
        all(self._note_use(key, use) for key in keys)

    def _note_use(self, key: Words, use: KeyUse) -> bool:
        """Take note of the use of a key; whether it is the first one."""
        with self._lock:
            first = self._uses.setdefault(key, use)
            if first is use:
                return True
            if not (self._wants(use.state) or self._wants(first.state)):
                return False
            reuse = KeyReuse(key[1:], key[0], first, use)
            self.reuses.append(reuse)
        message = f"A key is used twice, so that numbers repeat: {reuse}."
        if self._on_reuse == "error":
            raise KeyReuseError(message)
        if self._on_reuse == "warn":
            warnings.warn(message, KeyReuseWarning, stacklevel=find_caller().depth)
        return False

    def _observe(self, state: Any, key: np.ndarray | None, where: str) -> None:
        """Find out what compiled code did since the key of a state was last seen."""
        with self._lock:
            known = self._expected.get(id(state))
            self._expect(state, key, where)
        if known is None or key is None or np.array_equal(known[1], key):
            return
        use = KeyUse("compiled code", f"between {known[2]} and {where}", state)
        steps = 0
        for passed in _steps_between(known[1], key, state._stream):
            if passed is None:
                if self._wants(state):
                    with self._lock:
                        self.unknown_moves += 1
                return
            steps += 1
            self._note_use(passed, use)
        if self._wants(state):
            with self._lock:
                self.compiled_steps += steps


@lru_cache
def _follow(stream: str) -> Callable[[Any], Any]:
    def step(key: Any, nothing: None) -> Any:
        return ops.advance(key, 1, stream=stream)[0], key

    return jax.jit(lambda key: lax.scan(step, key, None, length=_CHUNK))


def _steps_between(start: np.ndarray, end: np.ndarray, stream: str) -> Iterator[Words | None]:
    """Yield the keys from `start` on to before `end`; only None if it is not found."""
    passed: list[np.ndarray] = []
    key: Any = start
    for _ in range(_FOLLOWED // _CHUNK):
        key, chunk = _follow(stream)(key)
        chunk = np.asarray(chunk)
        hits = np.flatnonzero((chunk == end).all(axis=1))
        passed.append(chunk[: hits[0]] if hits.size else chunk)
        if hits.size:
            yield from (words_of(stream, words) for words in np.concatenate(passed))
            return
    yield None
