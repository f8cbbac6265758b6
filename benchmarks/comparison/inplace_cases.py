"""Writes to a part of an array, and into a whole one: what they cost, and what they hold."""

from __future__ import annotations

import functools
import itertools
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm

from . import index_kinds, peak_memory
from .harness import Call, Case, Contender, Goal, compilations, require

Goals = Callable[[Goal], Goal | None]

ROW = 1000  # elements of a row of the ring buffer


def _power(n: int) -> str:
    """Format 10_000_000 as 1e7."""
    return f"{n:.0e}".replace("e+0", "e")


def _filled(n: int) -> bm.Variable:
    """Return a Variable whose buffer is its own."""
    v = bm.Variable(bm.zeros(n))
    v[0] = 1.0
    return v


def _compiles_nothing(work: str, run: Callable[[], Any]) -> None:
    """Raise if what was done before compiles again for new values."""
    with compilations() as events:
        run()
    if events:
        raise RuntimeError(f"{work} compiled again: {len(events)} events, {sorted(set(events))}")


# -- one element ---------------------------------------------------------------------------------


def _places(n: int) -> list[int]:
    return np.random.default_rng(0).integers(0, n, 1000).tolist()


def _each(places: list[int], write: Callable[[int], Any]) -> Call:
    """Write at the next place, at each call."""
    following = itertools.cycle(places).__next__
    return lambda: write(following())


def _one_ours(n: int) -> Call:
    v, places = _filled(n), _places(n)

    def write(i: int) -> None:
        v[i] = 1.0
        v.block_until_ready()

    _compiles_nothing("v[i] = 1.", lambda: [write(i) for i in places])
    return _each(places, write)


def _one_at_set(n: int) -> Call:
    x = jnp.zeros(n)

    def write(i: int) -> None:
        nonlocal x
        x = x.at[i].set(1.0)
        x.block_until_ready()

    return _each(_places(n), write)


def _one_by_hand(n: int) -> Call:
    @functools.partial(jax.jit, donate_argnums=0)
    def update(buffer: Any, i: Any, x: Any) -> Any:
        return jax.lax.dynamic_update_slice(buffer, x.astype(buffer.dtype)[None], (i,))

    buffer = jnp.zeros(n)

    def write(i: int) -> None:
        nonlocal buffer
        buffer = update(buffer, i, 1.0)
        buffer.block_until_ready()

    return _each(_places(n), write)


def _one_brainpy(n: int) -> Call:
    require("brainpy")
    import brainpy.math as theirs

    v = theirs.Variable(theirs.zeros(n))

    def write(i: int) -> None:
        v[i] = 1.0
        v.value.block_until_ready()

    return _each(_places(n), write)


def _one_numpy(n: int) -> Call:
    x = np.ones(n, np.float32)  # all pages are there
    return _each(_places(n), lambda i: x.__setitem__(i, 1.0))


def _one(n: int, goals: Goals) -> Case:
    return Case(
        f"v[i] = 1., eager, float32[{_power(n)}]",
        Contender("brainvar", lambda: _one_ours(n)),
        [
            Contender("x.at[i].set(1.)", lambda: _one_at_set(n), goals(Goal.faster(500))),
            Contender("BrainPy v[i] = 1.", lambda: _one_brainpy(n), goals(Goal.faster(500))),
            Contender("brainvar on 1000 elements", lambda: _one_ours(1000), Goal.within(1.5)),
            Contender("donated update by hand", lambda: _one_by_hand(n), Goal.within(2)),
            Contender("NumPy x[i] = 1.", lambda: _one_numpy(n)),
        ],
    )


# -- many kinds of index -------------------------------------------------------------------------


def _replay(drawn: list[list[index_kinds.Write]], write: Any, wait: Any) -> Call:
    """Make the writes of the next round, at each call."""
    following = itertools.cycle(drawn).__next__

    def call() -> None:
        for target, index, value in following():
            write(target, index, value)
        wait()

    return call


def _kinds_ours(n: int, drawn: list[list[index_kinds.Write]]) -> Call:
    side = math.isqrt(n)
    arrays = {"flat": bm.Variable(bm.zeros(n)), "table": bm.Variable(bm.zeros((side, side)))}

    def write(target: str, index: Any, value: Any) -> None:
        arrays[target][index] = value

    def wait() -> None:
        for v in arrays.values():
            v.block_until_ready()

    call = _replay(drawn, write, wait)
    call()
    _compiles_nothing("v[index] = x", lambda: [call() for _ in drawn])
    return call


def _kinds_at_set(n: int, drawn: list[list[index_kinds.Write]]) -> Call:
    side = math.isqrt(n)
    arrays = {"flat": jnp.zeros(n), "table": jnp.zeros((side, side))}

    def write(target: str, index: Any, value: Any) -> None:
        index = jnp.asarray(index) if isinstance(index, list) else index  # a list is refused
        arrays[target] = arrays[target].at[index].set(value)

    return _replay(drawn, write, lambda: jax.block_until_ready(arrays))


def _kinds_numpy(n: int, drawn: list[list[index_kinds.Write]]) -> Call:
    side = math.isqrt(n)
    arrays = {"flat": np.zeros(n, np.float32), "table": np.zeros((side, side), np.float32)}
    host = [
        [(target, np.asarray(i) if isinstance(i, jax.Array) else i, x) for target, i, x in each]
        for each in drawn
    ]
    return _replay(host, lambda target, i, x: arrays[target].__setitem__(i, x), lambda: None)


def _kinds(n: int, goals: Goals, fresh: bool) -> Case:
    # More than there are calls: a peer that compiles for each new value does so in each call.
    drawn = index_kinds.rounds(n, 12 if fresh else 1)
    goal = goals(Goal.faster(50)) if fresh else None
    return Case(
        f"40 kinds of index, {'new values' if fresh else 'the same values again'}, {_power(n)}",
        Contender("brainvar", lambda: _kinds_ours(n, drawn)),
        [
            Contender("x.at[i].set(v)", lambda: _kinds_at_set(n, drawn), goal),
            Contender("NumPy x[i] = v", lambda: _kinds_numpy(n, drawn)),
        ],
        rounds=5,
    )


# -- scattered additions -------------------------------------------------------------------------


def _add_at(n: int, count: int, goals: Goals, host: bool) -> Case:
    """Add at `count` of `n` places; what brainvar gets is in NumPy's arrays or in JAX's."""
    rng = np.random.default_rng(0)
    where, values = rng.integers(0, n, count), rng.random(count, np.float32)
    raw_where, raw_values = jnp.asarray(where, jnp.int32), jnp.asarray(values)

    def ours() -> Call:
        v = _filled(n)
        i, x = (where, values) if host else (raw_where, raw_values)

        def call() -> None:
            v.add_at(i, x)
            v.block_until_ready()

        return call

    def by_numpy() -> Call:
        x = np.zeros(n, np.float32)
        return lambda: np.add.at(x, where, values)

    def at_add() -> Call:
        x = jnp.zeros(n)

        def call() -> None:
            nonlocal x
            x = x.at[raw_where].add(raw_values)
            x.block_until_ready()

        return call

    def donated() -> Call:
        add = jax.jit(lambda x, i, y: x.at[i].add(y), donate_argnums=0)
        x = jnp.zeros(n)

        def call() -> None:
            nonlocal x
            x = add(x, raw_where, raw_values)
            x.block_until_ready()

        return call

    return Case(
        f"v.add_at(i, x), {_power(count)} into {_power(n)}, {'NumPy' if host else 'JAX'} arrays",
        Contender("brainvar", ours),
        [
            Contender("np.add.at", by_numpy, goals(Goal.within(1))),
            Contender("x.at[i].add(v)", at_add, goals(Goal.faster(3))),
            Contender("the same, jitted and donated", donated),
        ],
    )


# -- a whole array -------------------------------------------------------------------------------


def _add_array(n: int, goals: Goals) -> Case:
    def ours() -> Call:
        v, x = _filled(n), bm.ones(n)

        def call() -> None:
            nonlocal v
            v += x
            v.block_until_ready()

        return call

    def brainpy() -> Call:
        require("brainpy")
        import brainpy.math as theirs

        v, x = theirs.Variable(theirs.zeros(n)), theirs.ones(n)

        def call() -> None:
            nonlocal v
            v += x
            v.value.block_until_ready()

        return call

    def by_jax(donated: bool) -> Call:
        add = jax.jit(jnp.add, donate_argnums=0) if donated else jnp.add
        v, x = jnp.zeros(n), jnp.ones(n)

        def call() -> None:
            nonlocal v
            v = add(v, x)
            v.block_until_ready()

        return call

    def by_numpy() -> Call:
        v, x = np.zeros(n, np.float32), np.ones(n, np.float32)
        return lambda: np.add(v, x, out=v)

    return Case(
        f"v += x, eager, float32[{_power(n)}]",
        Contender("brainvar", ours),
        [
            Contender("BrainPy v += x", brainpy, goals(Goal.faster(5))),
            Contender("v = v + x", lambda: by_jax(False)),
            Contender("the same, jitted and donated", lambda: by_jax(True)),
            Contender("NumPy v += x", by_numpy),
        ],
    )


def _add_array_memory(n: int) -> Case:
    def brainpy() -> Call:
        require("brainpy")
        return lambda: peak_memory.run("brainpy", n)

    return Case(
        f"peak memory of v += x, float32[{_power(n)}], besides x",
        Contender("brainvar", lambda: lambda: peak_memory.run("brainvar", n)),
        [
            Contender("one buffer", lambda: lambda: 4.0 * n, Goal(1 / 1.05, "<= 1.05 x as much")),
            Contender("BrainPy v += x", brainpy),
            Contender("v = v + x", lambda: lambda: peak_memory.run("jax", n)),
        ],
        rounds=1,
        unit="B",
    )


# -- a ring buffer -------------------------------------------------------------------------------


def _ring_step(ring: Any, x: Any, delayed: bool) -> Callable[[Any], None]:
    """Return a step that writes a row, after reading another one if `delayed`.

    Such a delay line is what simulations use ring buffers for: what was written `rows - 1` steps
    ago arrives now.
    """
    rows = ring.shape[0]

    def step(i: Any) -> None:
        arriving = ring[(i + 1) % rows] if delayed else 1.0
        ring[i % rows] = x
        x.value = 0.5 * x + arriving

    return step


def _ring_ours(n: int, delayed: bool, steps: int) -> Call:
    ring, x = bm.Variable(bm.zeros((n // ROW, ROW))), bm.Variable(bm.zeros(ROW))
    step, times = _ring_step(ring, x, delayed), bm.arange(steps)

    def call() -> float:
        start = time.perf_counter()
        bm.for_loop(step, times)
        ring.block_until_ready()
        return (time.perf_counter() - start) / steps

    return call


def _ring_scan(n: int, delayed: bool, steps: int) -> Call:
    rows = n // ROW

    @functools.partial(jax.jit, donate_argnums=0)
    def run(state: Any) -> Any:
        def step(state: Any, i: Any) -> tuple[Any, None]:
            ring, x = state
            arriving = ring[(i + 1) % rows] if delayed else 1.0
            return (ring.at[i % rows].set(x), 0.5 * x + arriving), None

        return jax.lax.scan(step, state, jnp.arange(steps))[0]

    state = jnp.zeros((rows, ROW)), jnp.zeros(ROW)

    def call() -> float:
        nonlocal state
        start = time.perf_counter()
        state = jax.block_until_ready(run(state))
        return (time.perf_counter() - start) / steps

    return call


def _ring_brainpy(n: int, delayed: bool) -> Call:
    require("brainpy")
    import brainpy.math as theirs

    ring = theirs.Variable(theirs.zeros((n // ROW, ROW)))
    x = theirs.Variable(theirs.zeros(ROW))
    step, steps = _ring_step(ring, x, delayed), 2

    def call() -> float:
        start = time.perf_counter()
        for i in range(steps):
            step(i)
        ring.value.block_until_ready()
        return (time.perf_counter() - start) / steps

    return call


def _ring(n: int, goals: Goals, delayed: bool) -> Case:
    small = n // 100
    # Where a step copies the whole buffer, a few are enough to know.
    steps = 20 if delayed else 1000
    return Case(
        f"{'delay line' if delayed else 'ring buffer'} float32[{_power(n)}], a step of a loop",
        Contender("brainvar", lambda: _ring_ours(n, delayed, steps)),
        [
            Contender(
                f"brainvar, float32[{_power(small)}]",
                lambda: _ring_ours(small, delayed, steps),
                goals(Goal.within(1.5)),
            ),
            Contender(
                "BrainPy, eager steps", lambda: _ring_brainpy(n, delayed), goals(Goal.faster(100))
            ),
            Contender("JAX scan, donated", lambda: _ring_scan(n, delayed, steps)),
        ],
        rounds=5,
    )


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` makes the arrays smaller, for which most goals do not hold."""
    scale = 100 if quick else 1
    goals: Goals = (lambda goal: None) if quick else (lambda goal: goal)
    found = [
        _one(10**7 // scale, goals),
        _kinds(10**6 // scale, goals, fresh=True),
        _kinds(10**6 // scale, goals, fresh=False),
        _add_at(10**6 // scale, 10**5 // scale, goals, host=True),
        _add_at(10**6 // scale, 10**5 // scale, goals, host=False),
        _add_array(10**7 // scale, goals),
        _ring(10**8 // scale, goals, delayed=False),
        _ring(10**8 // scale, goals, delayed=True),
    ]
    if sys.platform == "linux":
        found.append(_add_array_memory(10**7))
    return found
