"""Variables against a NumPy model: what is held never changes, what is written is as in NumPy."""

from __future__ import annotations

import gc
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import brainvar.math as bm
from inplace_indices import in_numpy, indices, mutable_parts, numbers
from inplace_ways import ONCE, VARIABLES, WAYS, content, is_alive

KINDS = [
    (np.dtype("float32"), (6,)),
    (np.dtype("float32"), (4, 3)),
    (np.dtype("int32"), (6,)),
    (np.dtype("complex64"), (4, 3)),
]

# The same Variables in every example, so that what is compiled for them serves all of them.
POOL = [bm.Variable(np.zeros(shape, dtype)) for dtype, shape in KINDS for _ in range(2)]
MOST = len(POOL) + 6

EXAMPLES = 20


class Interruption(Exception):
    """Raised in the middle of compiled functions."""


# -- functions that mean the same for Variables and NumPy arrays ----------------------------------


def value(x: Any) -> Any:
    """Return what `x` holds at this point: the value of a Variable, a copy of an array."""
    return x.copy() if isinstance(x, np.ndarray) else x.value


def double(v: Any) -> Any:
    v *= 2
    return value(v)


def old_and_new(v: Any) -> Any:
    old = value(v)
    v[1:] = v[:-1]
    v[0] = 3
    return old, value(v)


def itself(v: Any) -> Any:
    v[...] = value(v)
    return value(v)


def reversed_rows(v: Any) -> Any:
    v[:] = v[::-1]
    return value(v)[1]


def exchange(v: Any, w: Any) -> Any:
    new, old = value(v), value(w)
    v[...] = old
    w[...] = new
    return new


def add_shifted(v: Any, w: Any) -> Any:
    v[1:] += w[:-1]
    return value(w)


def read_one_write_other(v: Any, w: Any) -> Any:
    before = value(w)
    v[2] = w[1]
    v += before
    return before


ALONE = [double, old_and_new, itself, reversed_rows]
PAIRS = [exchange, add_shifted, read_one_write_other]
COMPILED = {f: bm.jit(f) for f in (*ALONE, *PAIRS)}


@bm.jit
def fail_late(v: Any) -> None:
    v += 1
    v[0] = 9
    raise Interruption


def _loops(v: Any, w: Any) -> list[Any]:
    def count(x: Any) -> Any:
        v[1] = x
        v[2:] += 1
        return value(v)

    def roll(x: Any) -> Any:
        v[1:] = v[:-1]
        v[0] = w[2]
        w[2] = x
        return value(v)[0]

    return [count, roll]


def _step_of_all(variables: list[Any]) -> Any:
    def step() -> None:
        """Write to all, two of each kind: half of them from what the others hold."""
        for v, w in zip(variables[::2], variables[1::2], strict=True):
            v[...] = w[::-1]
            w[1] = v[0]

    return step


LOOPS = [_loops(*POOL[i : i + 2]) for i in range(0, len(POOL), 2)]
STEP_OF_ALL = bm.jit(_step_of_all(POOL))


class Held(NamedTuple):
    """Something that came out of a Variable, and what it shows for ever."""

    way: str
    thing: Any
    expected: np.ndarray
    watched: bool


class Ownership(RuleBasedStateMachine):
    """Variables, their models, and all that was ever let out of them."""

    @initialize(data=st.data())
    def start(self, data: Any) -> None:
        self.states: list[tuple[Any, np.ndarray]] = []
        self.held: list[Held] = []
        for v in POOL:
            model = np.arange(v.size).reshape(v.shape).astype(v.dtype)
            v.value = model
            self.states.append((v, model))

    def pick(self, at: int) -> tuple[Any, np.ndarray]:
        return self.states[at % len(self.states)]

    def pick_like(self, v: Any, at: int) -> tuple[Any, np.ndarray]:
        """Return one of the Variables, or the same, of the shape and dtype of `v`."""
        fits = [s for s in self.states if s[1].shape == v.shape and s[1].dtype == v.dtype]
        return fits[at % len(fits)]

    def keep(self, way: str, thing: Any, expected: np.ndarray, watched: bool = False) -> None:
        self.held.append(Held(way, thing, np.array(expected), watched))

    def add(self, v: Any, model: np.ndarray) -> None:
        if len(self.states) == MOST:
            del self.states[len(POOL)]
        self.states.append((v, np.array(model)))

    # -- reading -----------------------------------------------------------------------------

    @rule(at=st.integers(0, 99), way=st.sampled_from(sorted(WAYS)), watched=st.booleans())
    def hold(self, at: int, way: str, watched: bool) -> None:
        v, model = self.pick(at)
        take, look = WAYS[way]
        self.keep(way, take(v), look(model), watched and way not in ONCE)

    @rule(at=st.integers(0, 99))
    def look(self, at: int) -> None:
        v, model = self.pick(at)
        repr(v), str(v), v.nbytes, len(v)
        assert complex(v.ravel()[1]) == complex(model.ravel()[1])
        np.testing.assert_array_equal(v == model, np.ones(v.shape, bool))

    @rule(at=st.integers(0, 99), data=st.data())
    def read(self, at: int, data: Any) -> None:
        v, model = self.pick(at)
        index = data.draw(indices(v.shape))
        self.keep(f"v[{index}]", v[index], model[in_numpy(index)])

    @rule(keep=st.integers(0, 3))
    def forget(self, keep: int) -> None:
        self.check_held(self.held[keep:])
        del self.held[keep:]
        gc.collect()

    @rule(at=st.integers(0, 99), way=st.sampled_from(VARIABLES))
    def alias(self, at: int, way: str) -> None:
        """Make another Variable, which is written and read like the others from here on."""
        v, model = self.pick(at)
        self.add(WAYS[way][0](v), model)

    @rule(at=st.integers(0, 99))
    def forget_variable(self, at: int) -> None:
        if len(self.states) > len(POOL):
            del self.states[len(POOL) + at % (len(self.states) - len(POOL))]

    # -- writing -----------------------------------------------------------------------------

    def calm(self, v: Any, model: np.ndarray) -> None:
        """Start anew where the numbers have become too large for exact arithmetic."""
        if np.abs(model).max() > 10_000:
            v[...] = model[...] = 1

    def some_value(self, data: Any, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
        """Draw what can be written to `shape`, in one of the forms that it may have."""
        number = data.draw(numbers(dtype))
        wide = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype) + number
        form = data.draw(st.sampled_from(["scalar", "row", "jax", "numpy", "list", "ours"]))
        if form == "scalar" or not shape:
            return number
        if form == "row":
            return wide[(0,) * (len(shape) - 1)] if wide.size else wide
        if form == "jax":
            return jnp.asarray(wide)
        if form == "list" and wide.size:
            return wide.real.tolist() if dtype.kind != "i" else wide.tolist()
        return bm.JaxArray(wide) if form == "ours" else wide

    @rule(at=st.integers(0, 99), data=st.data())
    def set_index(self, at: int, data: Any) -> None:
        v, model = self.pick(at)
        index = data.draw(indices(v.shape))
        there = in_numpy(index)
        new = self.some_value(data, v.dtype, model[there].shape)
        model[there] = in_numpy(new)
        v[index] = new
        for array in (*mutable_parts(index), *mutable_parts(new)):
            array[...] = 0  # at once: it was the caller's before, and is so now

    @rule(at=st.integers(0, 99), data=st.data())
    def set_held(self, at: int, data: Any) -> None:
        """Assign something that is held: it is no longer this Variable's alone."""
        v, model = self.pick(at)
        fits = [h for h in self.held if h.way not in ONCE and h.expected.dtype == v.dtype]
        fits = [h for h in fits if h.expected.shape == v.shape and not callable(h.thing)]
        if not fits:
            return
        held = data.draw(st.sampled_from(fits))
        thing = content(held.thing, v.shape) if isinstance(held.thing, np.flatiter) else held.thing
        v.value = thing
        model[...] = held.expected

    @rule(at=st.integers(0, 99), other=st.integers(0, 99), how=st.integers(0, 3))
    def assign(self, at: int, other: int, how: int) -> None:
        v, model = self.pick(at)
        w, source = self.pick_like(v, other)
        model[...] = source
        if how == 0:
            v.value = w
        elif how == 1:
            v.value = w.value
        elif how == 2:
            v.update(bm.asarray(w))
        else:
            array = np.array(source)
            v.value = array
            array[...] = 99

    @rule(
        at=st.integers(0, 99),
        other=st.integers(0, 99),
        operation=st.sampled_from([np.add, np.subtract, np.multiply]),
        form=st.integers(0, 3),
        data=st.data(),
    )
    def augment(self, at: int, other: int, operation: Any, form: int, data: Any) -> None:
        v, model = self.pick(at)
        w, source = self.pick_like(v, other)
        self.calm(v, model)
        self.calm(w, source)
        number = data.draw(numbers(v.dtype))
        x, y = [(number, number), (w, source), (source.copy(), source), (source[0], source[0])][
            form
        ]
        y = np.array(y)
        if operation is np.add:
            v += x
        elif operation is np.subtract:
            v -= x
        else:
            v *= x
        model[...] = operation(model, y, dtype=model.dtype)
        if isinstance(x, np.ndarray) and x.base is None:
            x[...] = 77

    @rule(at=st.integers(0, 99))
    def divide(self, at: int) -> None:
        v, model = self.pick(at)
        if v.dtype.kind == "i":
            v //= 3
            v <<= 1
            v |= 1
            model[...] = (model // 3 << 1) | 1
        else:
            v /= 2
            model /= 2

    @rule(
        at=st.integers(0, 99),
        op=st.sampled_from(["add", "multiply", "minimum", "maximum"]),
        through_numpy=st.booleans(),
        data=st.data(),
    )
    def operate_at(self, at: int, op: str, through_numpy: bool, data: Any) -> None:
        v, model = self.pick(at)
        self.calm(v, model)
        index = data.draw(indices(v.shape))
        there = in_numpy(index)
        new = self.some_value(data, v.dtype, model[there].shape)
        ufunc = getattr(np, op)
        ufunc.at(model, there, np.asarray(in_numpy(new)).astype(v.dtype))
        if through_numpy:
            ufunc.at(v, index, new)
        else:
            getattr(v, f"{op}_at")(index, new)
        for array in (*mutable_parts(index), *mutable_parts(new)):
            array[...] = 0

    @rule(at=st.integers(0, 99), how=st.integers(0, 8), data=st.data())
    def write_method(self, at: int, how: int, data: Any) -> None:
        v, model = self.pick(at)
        self.calm(v, model)
        number = data.draw(numbers(v.dtype))
        if how == 0:
            v.fill(number)
            model.fill(number)
        elif how == 1:
            v.sort(axis=0)
            model.sort(axis=0)
        elif how == 2:
            np.add(v, number, out=v)
            np.add(model, number, out=model)
        elif how == 3:
            bm.multiply(v, number, out=v)
            np.multiply(model, number, out=model)
        elif how == 4:
            new = np.full(v.shape, number, v.dtype)
            np.copyto(v, new)
            np.copyto(model, new)
            new[...] = 55
        elif how == 5:
            v.put([1, -1, 2], number)
            model.put([1, -1, 2], number)
        elif how == 6:
            v[1:] = v[:-1]
            model[1:] = model[:-1]
        elif how == 7:
            v[:] = v[::-1]
            model[:] = model[::-1]
        else:
            v[0], v[1] = v[1], v[0]
            model[[0, 1]] = model[[1, 0]]

    # -- compiled functions ------------------------------------------------------------------

    def call(self, function: Any, args: list[Any], models: list[np.ndarray]) -> None:
        result = COMPILED[function](*args)
        expected = function(*models)
        results, expected = (x if isinstance(x, tuple) else (x,) for x in (result, expected))
        for x, y in zip(results, expected, strict=True):
            self.keep(function.__name__, x, y)

    @rule(at=st.integers(0, 99), function=st.sampled_from(ALONE))
    def compiled(self, at: int, function: Any) -> None:
        v, model = self.pick(at)
        self.calm(v, model)
        self.call(function, [v], [model])

    @rule(at=st.integers(0, 99), other=st.integers(0, 99), function=st.sampled_from(PAIRS))
    def compiled_pair(self, at: int, other: int, function: Any) -> None:
        """Two Variables, which may be the same one, or hold one array."""
        v, model = self.pick(at)
        w, source = self.pick_like(v, other)
        self.calm(v, model)
        self.calm(w, source)
        self.call(function, [v, w], [model, source])

    @rule(at=st.integers(0, len(POOL) // 2 - 1), which=st.integers(0, 1))
    def loop(self, at: int, which: int) -> None:
        (v, model), (w, source) = self.states[2 * at], self.states[2 * at + 1]
        self.calm(v, model)
        self.calm(w, source)
        steps = np.arange(3, dtype=np.int32)
        results = bm.for_loop(LOOPS[at][which], steps)
        body = _loops(model, source)[which]
        expected = [np.array(body(x)) for x in steps]
        self.keep("for_loop", results, np.stack(expected))

    @rule()
    def step_of_all(self) -> None:
        STEP_OF_ALL()
        _step_of_all([model for _, model in self.states[: len(POOL)]])()

    # -- errors, after which all is as before ------------------------------------------------

    @rule(at=st.integers(0, 99), which=st.integers(0, 9))
    def fail(self, at: int, which: int) -> None:
        v, _ = self.pick(at)
        wrong = np.zeros((5, 7), v.dtype)
        kind, write = [
            (IndexError, lambda: v.__setitem__(99, 1)),
            (IndexError, lambda: v.__setitem__(np.array([0, -50]), 1)),
            (IndexError, lambda: v.__setitem__((0, 0, 0, 0), 1)),
            (IndexError, lambda: v.add_at(np.array([0, 50]), 1)),
            (ValueError, lambda: v.__setitem__(slice(None), wrong)),
            (ValueError, lambda: v.update(wrong)),
            ((TypeError, ValueError), lambda: v.__iadd__(wrong)),
            (TypeError, lambda: v.__setitem__(0, "text")),
            (TypeError, lambda: v.fill(object())),
            (Interruption, lambda: fail_late(v)),
        ][which]
        with pytest.raises(kind):
            write()

    @rule(at=st.integers(0, 99))
    def fail_to_cast(self, at: int) -> None:
        v, _ = self.pick(at)
        with pytest.raises(TypeError):
            v[0] = np.complex64(1j) if v.dtype.kind != "c" else "1"
        if v.dtype.kind == "i":
            with pytest.raises(TypeError):
                v += 1.5
            with pytest.raises(TypeError):
                v.add_at(0, 1.5)

    @rule(at=st.integers(0, 99))
    def fail_in_a_loop(self, at: int) -> None:
        v, _ = self.pick(at)

        def body(x: Any) -> None:
            v[0] = x
            raise Interruption

        with pytest.raises(Interruption):
            bm.for_loop(body, np.arange(2, dtype=np.int32))

    # -- what always holds -------------------------------------------------------------------

    @invariant()
    def equal_to_the_models(self) -> None:
        for v, model in self.states:
            assert v.shape == model.shape
            assert v.dtype == model.dtype
            # A computation lets nothing out: looking at .value would make every write copy.
            np.testing.assert_array_equal(np.asarray(v + 0), model)

    @invariant()
    def held_is_unchanged(self) -> None:
        for held in self.held:
            assert is_alive(held.thing), held.way
        self.check_held([held for held in self.held if held.watched])

    def check_held(self, held: list[Held]) -> None:
        for way, thing, expected, _ in held:
            np.testing.assert_array_equal(content(thing, expected.shape), expected, way)

    def teardown(self) -> None:
        self.check_held(self.held)


@pytest.mark.slow
def test_ownership_against_numpy(native):
    before = [v.inplace_stats() for v in POOL]
    # Not shrunk: each attempt compiles, which takes minutes. Add Phase.shrink to debug.
    how = settings(max_examples=EXAMPLES, stateful_step_count=50, phases=[Phase.generate])
    run_state_machine_as_test(Ownership, settings=how)
    for v, stats in zip(POOL, before, strict=True):
        now = v.inplace_stats()
        assert sum(now.copies.values()) > sum(stats.copies.values())
        if native:  # and not by copies alone
            assert now.in_place - stats.in_place > sum(now.copies.values()) + 20
