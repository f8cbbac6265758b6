"""Interrupts writes to Variables at random moments, and looks at what they left behind.

`run` is called in a process of its own: an interrupt may hit any line of Python, JAX's included.
"""

from __future__ import annotations

import faulthandler
import itertools
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm

Arrays = list[np.ndarray]
Model = Callable[[int, Arrays], None]


class Case:
    """A write that is repeated for k = 0, 1, 2, ..., and the same in NumPy."""

    def __init__(self, variables: list[Any], write: Callable[[int], Any], model: Model):
        self.variables, self.write, self.model = variables, write, model

    def read(self) -> Arrays:
        # Computed, not let out: a Variable whose value somebody holds is copied by each write.
        return [np.array(v * 1) for v in self.variables]


def elements(n: int = 1000) -> Case:
    v = bm.Variable(np.zeros(n))

    def model(k: int, m: Arrays) -> None:
        m[0][k % n] = k

    return Case([v], lambda k: v.__setitem__(k % n, k), model)


def indices(n: int = 1000) -> Case:
    """Slices, masks and index arrays in turn."""
    v = bm.Variable(np.zeros((n, 3), np.int32))
    mask, some = np.arange(n) % 7 == 0, np.array([5, 1, 5])
    kinds = [slice(1, None, 3), mask, some, (slice(None), 1), (some, some % 3), ...]

    def model(k: int, m: Arrays) -> None:
        m[0][kinds[k % len(kinds)]] = k

    return Case([v], lambda k: v.__setitem__(kinds[k % len(kinds)], k), model)


def augmented(n: int = 1000) -> Case:
    v = bm.Variable(np.zeros(n))

    def model(k: int, m: Arrays) -> None:
        m[0] -= 1

    return Case([v], lambda k: v.__isub__(1), model)


def add_at(n: int = 1000) -> Case:
    v = bm.Variable(np.zeros(n))
    index = np.array([3, 3, 999 % n, 5])

    def model(k: int, m: Arrays) -> None:
        np.add.at(m[0], index, k % 5)

    return Case([v], lambda k: v.add_at(index, k % 5), model)


def add_events(n: int = 1000) -> Case:
    v = bm.Variable(np.zeros(n))
    spikes, targets = np.array([True, False, True]), np.array([[0, 1], [2, 3], [1, 4]])

    def model(k: int, m: Arrays) -> None:
        np.add.at(m[0], targets[spikes], 1)

    return Case([v], lambda k: v.add_events(spikes, targets, 1.0), model)


def assigned(n: int = 1000) -> Case:
    """A whole value of NumPy, and one that another Variable shares."""
    v, w = bm.Variable(np.zeros(n)), bm.Variable(np.zeros(n))
    values = np.arange(n, dtype=np.float32)

    def write(k: int) -> None:
        if k % 3 == 0:
            v.value = values + k
        elif k % 3 == 1:
            w.value = v
        else:
            w[1] = k

    def model(k: int, m: Arrays) -> None:
        if k % 3 == 0:
            m[0][...] = values + k
        elif k % 3 == 1:
            m[1][...] = m[0]
        else:
            m[1][1] = k

    return Case([v, w], write, model)


def held(n: int = 1000) -> Case:
    """Each write finds the value let out, and copies."""
    v = bm.Variable(np.zeros(n))

    def write(k: int) -> None:
        outside = v.value
        v[k % n] = k
        del outside

    def model(k: int, m: Arrays) -> None:
        m[0][k % n] = k

    return Case([v], write, model)


def large() -> Case:
    return augmented(1 << 20)


def draws(size: int = 3) -> Case:
    state = bm.random.RandomState(7)

    def model(k: int, m: Arrays) -> None:
        m[0][...] = _after_draw(m[0], size)[0]

    return Case([state], lambda k: state.random(size), model)


def _after_draw(key: np.ndarray, size: int | None) -> tuple[np.ndarray, Any]:
    state = bm.random.RandomState(np.array(key))
    drawn = np.asarray(state.random(size))
    return np.array(state.value), drawn


def splits() -> Case:
    state = bm.random.RandomState(7)

    def model(k: int, m: Arrays) -> None:
        twin = bm.random.RandomState(np.array(m[0]))
        twin.split_key()
        m[0][...] = twin.value

    return Case([state], lambda k: state.split_key(), model)


def compiled(n: int = 1000) -> Case:
    """Several Variables and a random state: all are written, or none."""
    a, b, c = (bm.Variable(np.zeros(n + i)) for i in range(3))
    state = bm.random.RandomState(3)

    @bm.jit
    def step(k: Any) -> Any:
        a[0] = k
        b[1:] = b[:-1]
        b[0] = state.random()
        c.value = c + a[0]
        return b[2]

    def model(k: int, m: Arrays) -> None:
        m[0][0] = k % 100
        m[1][1:] = m[1][:-1]
        m[3][...], m[1][0] = _after_draw(m[3], None)
        m[2] += k % 100

    return Case([a, b, c, state], lambda k: step(k % 100), model)


def compiled_many(n: int = 50) -> Case:
    variables = [bm.Variable(np.zeros(n + i)) for i in range(20)]

    @bm.jit
    def step() -> None:
        for v in variables:
            v[1] += 1

    def model(k: int, m: Arrays) -> None:
        for x in m:
            x[1] += 1

    return Case(variables, lambda k: step(), model)


def compiled_shared(n: int = 1000) -> Case:
    """Two Variables that are on one array before every step."""
    v, w = bm.Variable(np.zeros(n)), bm.Variable(np.zeros(n))

    @bm.jit
    def step() -> None:
        v.value, w.value = v + 1, w + 3

    def model(k: int, m: Arrays) -> None:
        m[0] += 1
        m[1] += 3

    def write(k: int) -> None:
        outside = v.value, w.value
        step()
        del outside

    return Case([v, w], write, model)


def looped(n: int = 1000) -> Case:
    v, w = bm.Variable(np.zeros(n)), bm.Variable(np.zeros(n + 1))
    steps = np.arange(4)

    def body(i: Any) -> Any:
        v[i] += 1
        w.value = w + v[i]
        return w[0]

    def model(k: int, m: Arrays) -> None:
        for i in steps:
            m[0][i] += 1
            m[1] += m[0][i]

    return Case([v, w], lambda k: bm.for_loop(body, steps), model)


def _after_clearing(case: Case) -> Case:
    """Forget all programs before each write, so that it takes JAX's way through Python again."""
    write = case.write

    def clear_and_write(k: int) -> None:
        jax.clear_caches()
        write(k)

    case.write = clear_and_write
    return case


def elements_after_clearing() -> Case:
    return _after_clearing(elements())


def compiled_after_clearing() -> Case:
    return _after_clearing(compiled())


def elements_of_other_kinds(n: int = 1000) -> Case:
    """Writes of a kind that the program, which is known, has not been called with."""
    case = elements(n)
    v, other = case.variables[0], bm.Variable(np.zeros(n))

    def write(k: int) -> None:
        jax.clear_caches()
        other[0] = 2.0
        value = jnp.float32(k)
        if k % 3 == 1:
            value = jax.device_put(value, jax.devices()[0])
        with jax.default_matmul_precision("float32" if k % 3 == 2 else None):
            v[k % n] = bm.jax.JaxArray(value) if k % 3 < 2 else k

    return Case([v], write, case.model)


_sizes = itertools.count(100)


class _Failed(Exception):
    """A Variable is neither as before nor as after the write."""


class _Interrupt:
    """Raises KeyboardInterrupt at a random time within a call.

    It may be lost in code whose exceptions Python ignores, such as a callback of its collector.
    """

    def __init__(self) -> None:
        self.armed = False
        signal.signal(signal.SIGALRM, self._handle)

    def _handle(self, *_: Any) -> None:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt

    def during(self, function: Callable[[], None], longest: float) -> bool:
        """Call the function; return whether it was interrupted."""
        try:
            self.armed = True
            delay = random.choice([random.uniform(0, 1), random.gauss(0.5, 0.1)]) * longest
            signal.setitimer(signal.ITIMER_REAL, max(delay, 1e-6))
            function()
            self.armed = False
        except KeyboardInterrupt:
            self.armed = False
            return True
        except Exception:
            if self.armed:
                raise
            return True  # JAX sometimes makes another error of an interrupt
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return False

    def at_event(self, function: Callable[[], None], number: int) -> tuple[bool, int]:
        """Call the function with an interrupt when Python calls or leaves its n-th function.

        Returns whether it was interrupted, and how many calls and returns there were.
        """
        count = 0

        def profile(*_: Any) -> None:
            nonlocal count
            count += 1
            if count == number:
                signal.raise_signal(signal.SIGALRM)

        try:
            self.armed = True
            sys.setprofile(profile)
            function()
            sys.setprofile(None)
            self.armed = False
        except KeyboardInterrupt:
            sys.setprofile(None)
            self.armed = False
            return True, count
        return False, count


def _despite_jax(function: Callable[..., None], *args: Any) -> None:
    """Call, and again if an earlier interrupt has left a cache of JAX unusable."""
    try:
        function(*args)
    except RecursionError as error:
        if "Recursively calling" not in str(error):
            raise
        jax.clear_caches()
        function(*args)


class _Run:
    """Counts the writes of a case that are known to be finished."""

    def __init__(self, case: Case):
        self.case = case
        self.models = case.read()
        self.done = 0

    def write(self, count: int, seconds: float = 60.0) -> Callable[[], None]:
        """Return a function that writes that often, or until so many seconds have gone by."""

        def writes() -> None:
            end = time.monotonic() + seconds
            for k in range(self.done, self.done + count):
                _despite_jax(self.case.write, k)
                self.done = k + 1
                if time.monotonic() > end:
                    return

        return writes

    def check(self, begin: int, whole: bool) -> None:
        """Compare with the model after the finished writes, and after one more.

        `whole` says that several Variables are written all or not at all.
        """
        for k in range(begin, self.done):
            _despite_jax(self.case.model, k, self.models)
        further = [m.copy() for m in self.models]
        _despite_jax(self.case.model, self.done, further)
        found = self.case.read()
        old = [np.array_equal(x, m) for x, m in zip(found, self.models, strict=True)]
        new = [np.array_equal(x, m) for x, m in zip(found, further, strict=True)]
        each = all(x or y for x, y in zip(old, new, strict=True))
        if not (all(old) or all(new) or (each and not whole)):
            raise _Failed(f"write {self.done}: as before {old}, as after {new}")
        if all(old):
            return
        if not all(new):  # some of each: go on from there
            self.models = found
        else:
            self.models = further
        self.done += 1


def run(names: list[str], interrupts: int, *, first: bool, whole: bool) -> None:
    """Interrupt each case until it was hit so often, and check after each interrupt.

    Parameters
    ----------
    names : list of str
        The cases, functions of this module.
    interrupts : int
        How many each case gets.
    first : bool
        Whether to interrupt the first, compiling call, of a new case each time.
    whole : bool
        Whether several Variables that are written at once must be written all or not at all.
    """
    faulthandler.dump_traceback_later(110, exit=True)
    random.seed(1)
    interrupt = _Interrupt()
    for name in names:
        try:
            _run_case(globals()[name], interrupt, interrupts, first, whole)
        except _Failed as error:
            raise SystemExit(f"{name}: {error}") from None


def _run_case(
    make: Callable[..., Case], interrupt: _Interrupt, interrupts: int, first: bool, whole: bool
) -> None:
    now = _Run(make() if not first else make(next(_sizes)))
    now.write(6)()  # what is compiled for every kind of write
    now.check(0, whole)
    if first:
        now = _Run(make(next(_sizes)))
    hits, longest = 0, (0.03 if first else 0.0003)
    while hits < interrupts:
        begin = now.done
        hits += interrupt.during(now.write(1 if first else 1000, longest), longest)
        now.check(begin, whole)
        # So that about half of the interrupts hit the first write after the last one, and many
        # the end of it, where its result is stored.
        longest = min(longest * (1.1 if now.done == begin else 0.9), 0.3)
        if first:
            begin = now.done
            now.write(2)()  # it can be used after that
            now.check(begin, whole)
            now = _Run(make(next(_sizes)))


def run_at_the_end(names: list[str]) -> None:
    """Interrupt first calls at some of the last calls and returns of Python functions in them.

    There, the program has run, and its result is handed over.
    """
    faulthandler.dump_traceback_later(110, exit=True)
    interrupt = _Interrupt()
    for name in names:
        total = 0
        for back in (None, None, *range(2, 66, 8)):
            now = _Run(globals()[name](next(_sizes)))
            if back is None:  # this one runs to its end, and says how long that is
                _, total = interrupt.at_event(now.write(1), -1)
            else:
                interrupt.at_event(now.write(1), total - back)
            begin = 0
            try:
                now.check(begin, True)
                begin = now.done
                now.write(2)()
                now.check(begin, True)
            except _Failed as error:
                raise SystemExit(f"{name}, {back} events before its end: {error}") from None
