"""Threads that write to and read from the same Variables: nothing is lost, torn or deleted."""

import functools
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm

THREADS = 4
SECONDS = 1.0


@pytest.fixture(autouse=True)
def switch_often():
    """Let Python change threads more often than it does by itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(2e-5)
    yield
    sys.setswitchinterval(interval)


def together(*functions):
    """Run the functions in threads of their own; raise what one of them raised."""
    start, errors = threading.Barrier(len(functions)), []

    def work(function):
        start.wait()
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "the threads wait for each other"


def until(stop, function):
    """Return a function that calls another one again and again until `stop` is set."""

    def again():
        while not stop.is_set():
            function()

    return again


def repeat(count, function):
    def again():
        for _ in range(count):
            function()

    return again


def timed(stop, seconds=SECONDS):
    def wait():
        time.sleep(seconds)
        stop.set()

    return wait


# -- no write is lost -----------------------------------------------------------------------------


def increments():
    """Return statements that each add 1 to all of a Variable, by name."""
    compiled = bm.jit(lambda v: v.__iadd__(1))
    last = bm.jit(lambda v: v.update(v + 1))

    def with_values(v):
        v += np.ones(v.shape, np.int32)

    def out(v):
        np.add(v, 1, out=v)

    return {
        "v += 1": lambda v: v.__iadd__(1),
        "v -= -1": lambda v: v.__isub__(-1),
        "v += ones": with_values,
        "np.add(out=)": out,
        "v.add_at": lambda v: v.add_at(np.arange(v.size), 1),
        "v.add_at of a slice": lambda v: v.add_at(slice(None), 1),
        "np.add.at": lambda v: np.add.at(v, np.arange(v.size), 1),
        "add_events": lambda v: v.add_events(np.ones(v.size, bool), _each(v), np.int32(1)),
        "bm.jit": compiled,
        "bm.jit of an assignment": last,
        "bm.for_loop": lambda v: bm.for_loop(_body(v), np.ones(1, np.int32)),
    }


_each = functools.cache(lambda v: np.arange(v.size)[:, None])
_body = functools.cache(lambda v: lambda x: v.__iadd__(x))
INCREMENTS = increments()


@pytest.mark.parametrize("name", INCREMENTS)
def test_increments_of_threads_all_count(name):
    v, times = bm.Variable(np.zeros(100, np.int32)), 100
    add = INCREMENTS[name]
    together(*[repeat(times, lambda: add(v))] * THREADS)
    np.testing.assert_array_equal(v, np.full(100, THREADS * times))


def test_increments_of_every_kind_at_once():
    v, times = bm.Variable(np.zeros(100, np.int32)), 60
    together(*[repeat(times, functools.partial(add, v)) for add in INCREMENTS.values()])
    np.testing.assert_array_equal(v, np.full(100, len(INCREMENTS) * times))


def test_first_calls_of_threads_at_once():
    """The programs are compiled by several threads at the same time."""
    for size in range(3, 13):
        v = bm.Variable(np.zeros(size, np.int32))
        step = bm.jit(lambda: v.__iadd__(1))  # noqa: B023  (called in this turn)
        together(*[step, lambda: v.__iadd__(1), lambda: v.add_at(0, 1), step] * 2)  # noqa: B023
        expected = np.full(size, 6)
        expected[0] = 8
        np.testing.assert_array_equal(v, expected)


def test_threads_that_write_to_different_elements():
    v, times = bm.Variable(np.zeros((THREADS, 50), np.int32)), 200

    def write(row):
        for i in range(times):
            v[row] = i
            v[row, i % 50] = -i
            assert int(v[row, i % 50]) == -i  # nobody else writes there

    together(*[functools.partial(write, row) for row in range(THREADS)])
    expected = np.full(50, times - 1)
    expected[(times - 1) % 50] *= -1
    np.testing.assert_array_equal(v, np.tile(expected, (THREADS, 1)))


def test_compiled_steps_on_overlapping_variables():
    """Each takes several Variables, in another order: no deadlock, no lost step."""
    a, b, c = (bm.Variable(np.zeros(50 + i, np.int32)) for i in range(3))

    def step(*variables):
        for v in variables:
            v += 1

    def add(v):
        v += 1

    orders = [(a, b), (b, a), (c, b), (a, c), (b, c, a)]
    steps = [bm.jit(functools.partial(step, *order)) for order in orders]
    loops = bm.jit(lambda: bm.for_loop(lambda i: (step(c, a), None)[1], bm.arange(2)))
    times = 100
    together(*[repeat(times, f) for f in [*steps, loops, lambda: add(a)]])
    for v, count in [(a, 4 + 2 + 1), (b, 4), (c, 3 + 2)]:
        np.testing.assert_array_equal(v, np.full(v.shape, count * times))


def test_assignments_across():
    v, w = bm.Variable(np.zeros(200)), bm.Variable(np.ones(200))
    stop = threading.Event()

    def cross(x, y):
        x.value = y
        x[...] = x[0]
        y.update(x.value)

    def whole(x):
        values = np.asarray(x)
        assert values.min() == values.max()

    together(
        timed(stop),
        until(stop, lambda: cross(v, w)),
        until(stop, lambda: cross(w, v)),
        until(stop, lambda: v.update(np.full(200, 5.0, np.float32))),
        until(stop, lambda: (whole(v), whole(w))),
    )


# -- reads are of one moment ----------------------------------------------------------------------

READS = {
    ".value": lambda v: v.value,
    "np.asarray": np.asarray,
    "np.array": np.array,
    "v + 0": lambda v: v + 0,
    "v[:]": lambda v: v[:],
    "v[5:]": lambda v: v[5:],
    "v[5]": lambda v: v[5],
    "v.T": lambda v: v.T,
    "iteration": lambda v: np.array([float(x) for x in v[:4]]),
    "dlpack": np.from_dlpack,
    "jnp.asarray": jnp.asarray,
    "device_put": lambda v: jax.device_put(v.value),
    "sorted": lambda v: np.sort(v),
    "min and max": lambda v: np.array([v.value.min(), v.value.max()])[:1],
    "bm.jit": bm.jit(lambda v: v * 1),
    "tolist": lambda v: np.array(v.tolist()),
    "repr": lambda v: np.array([len(repr(v)) > 0]),
    "Variable": bm.Variable,
}

_set_all = bm.jit(lambda v, x: v.__setitem__(..., x))
_add_all = bm.jit(lambda v: v.__iadd__(1))

WRITERS = {
    "v[...] = x": lambda v, i: v.__setitem__(..., i),
    "v += 1": lambda v, i: v.__iadd__(1),
    "v.value = x": lambda v, i: v.update(np.full(v.shape, i, np.float32)),
    "bm.jit": lambda v, i: _set_all(v, i),
    "bm.jit of an addition": lambda v, i: _add_all(v),
    "fill": lambda v, i: v.fill(i),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_reads_while_another_thread_writes(writer):
    """All elements are always equal, so that a read of two moments would show."""
    v, stop, count = bm.Variable(np.zeros(5000)), threading.Event(), [0]

    def write():
        count[0] += 1
        WRITERS[writer](v, count[0])

    def read():
        for name, look in READS.items():
            seen = look(v)
            values = np.array(seen)
            assert (values == values.flat[0]).all(), name
            held.append((seen, values))
            del held[:-20]
        for seen, values in held:
            np.testing.assert_array_equal(seen, values)

    held = []
    read(), write()
    together(timed(stop), until(stop, write), until(stop, read))
    assert count[0] > 10


def test_several_writers_and_readers():
    v, stop = bm.Variable(np.zeros(5000)), threading.Event()
    writers = [functools.partial(write, v, 3) for write in WRITERS.values()]

    def read():
        for look in READS.values():
            values = np.array(look(v))
            assert (values == values.flat[0]).all()

    read()
    together(timed(stop), *[until(stop, f) for f in writers], *[until(stop, read)] * 2)


def test_two_variables_of_one_step_are_read_together():
    """A compiled function sees a step of another thread on both Variables, or on none."""
    v, w, stop = bm.Variable(np.zeros(1000)), bm.Variable(np.zeros(1000)), threading.Event()

    @bm.jit
    def step():
        v.value += 1
        w.value += 1

    difference = bm.jit(lambda: (v - w).max())
    step(), difference()
    together(
        timed(stop),
        *[until(stop, step)] * 2,
        until(stop, lambda: np.testing.assert_array_equal(difference(), 0)),
    )


# -- random numbers -------------------------------------------------------------------------------


def test_keys_of_threads_are_those_of_one_thread():
    state, times, found = bm.random.RandomState(5), 200, []

    def split():
        found.append(tuple(np.asarray(state.split_key()).tolist()))

    together(*[repeat(times, split)] * THREADS)
    alone = bm.random.RandomState(5)
    expected = {tuple(np.asarray(alone.split_key()).tolist()) for _ in range(THREADS * times)}
    assert len(found) == THREADS * times
    assert set(found) == expected
    np.testing.assert_array_equal(state, alone)


def test_draws_of_threads_are_those_of_one_thread():
    """Eager and compiled, with other Variables in the same step."""
    state, times, found = bm.random.RandomState(6), 80, []
    total = bm.Variable(np.zeros((), np.int32))

    @bm.jit
    def step():
        total.value += 1
        return state.split_key()

    def loop():
        keys = bm.for_loop(lambda _: state.split_key(), np.zeros(3))
        found.extend(map(tuple, np.asarray(keys).tolist()))

    def draw(function):
        found.append(tuple(np.asarray(function()).tolist()))

    together(
        *[repeat(times, lambda: draw(step))] * 2,
        *[repeat(times, lambda: draw(state.split_key))] * 2,
        repeat(times // 10, loop),
    )
    count = 4 * times + 3 * (times // 10)
    alone = bm.random.RandomState(6)
    expected = {tuple(np.asarray(alone.split_key()).tolist()) for _ in range(count)}
    assert len(found) == count
    assert set(found) == expected
    assert int(total) == 2 * times


@pytest.mark.parametrize("use", ["read", "write"])
def test_a_thread_that_writes_in_a_loop_lets_others_go_on(use):
    """JAX lets other threads run only while a call has the Variable."""
    v = bm.Variable(np.zeros(100_000))
    step, stop = bm.jit(lambda: v.__setitem__(slice(None), v + 1.0)), threading.Event()
    step()
    thread = threading.Thread(target=until(stop, step), daemon=True)
    thread.start()
    try:
        for _ in range(100):  # some seconds each, were it not for the handing over
            v[3] if use == "read" else v.__setitem__(3, 1.0)
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
