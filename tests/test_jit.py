"""`jit`: Variables found by tracing, changed as in eager code."""

import functools
import gc
import threading
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar._compat import enable_x64
from brainvar.core.base import Base
from brainvar.core.variable import Variable
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop

GLOBAL = Variable(jnp.zeros(2))


class Cell(Base):
    """A state, a counter of traces, and methods of each kind."""

    def __init__(self, size=2):
        super().__init__()
        self.state = Variable(jnp.zeros(size))
        self.parts = [Variable(0.0), {"x": Variable(1.0)}]
        self.traces = []

    @jit
    def step(self, x):
        self.traces.append(1)
        self.state += x
        return self.state * 2

    @jit(static_argnames="power")
    def raise_to(self, x, power):
        return x**power

    def plain(self, x):
        self.state.value = self.state + x
        self.parts[0].value = self.parts[0] + 1
        self.parts[1]["x"].value = self.parts[1]["x"] * 2
        return self.state.sum()

    def __call__(self, x):
        return self.plain(x)


def count_traces(function):
    """Return a jitted function and the list that grows by one at each trace."""
    traces = []

    @functools.wraps(function)
    def counted(*args, **kwargs):
        traces.append(1)
        return function(*args, **kwargs)

    return jit(counted), traces


# -- where Variables are found ---------------------------------------------------------------


def test_closures_and_globals():
    v, w = Variable([1.0, 2.0]), Variable(10.0)

    @jit
    def f(x):
        v.value = v + w * x
        GLOBAL.value = GLOBAL + 1
        return GLOBAL.sum()

    GLOBAL.value = 0
    assert f(1.0) == 2
    w.value = 100.0
    assert f(1.0) == 4
    np.testing.assert_array_equal(v, [111, 112])
    assert isinstance(GLOBAL.value, jax.Array)


def test_what_no_guess_finds_is_found_by_tracing():
    deep = {"a": [[[[[[[[Variable(1.0)]]]]]]]]}
    calls = []

    def hidden():
        calls.append(1)
        x = deep["a"]
        while isinstance(x, list):
            x = x[0]
        x.value = x * 2
        return x + GLOBAL.sum()

    f = jit(lambda: hidden())
    GLOBAL.value = 0
    assert f() == 2
    assert len(calls) == 2
    assert f() == 4
    assert len(calls) == 2


def test_methods_are_compiled_for_each_object():
    a, b = Cell(), Cell(3)
    np.testing.assert_array_equal(a.step(1.0), [2, 2])
    np.testing.assert_array_equal(b.step(2.0), [4, 4, 4])
    np.testing.assert_array_equal(a.step(1.0), [4, 4])
    assert (len(a.traces), len(b.traces)) == (1, 1)
    np.testing.assert_array_equal(a.state, [2, 2])
    np.testing.assert_array_equal(b.state, [2, 2, 2])
    assert a.raise_to(3.0, power=2) == 9
    assert a.raise_to(3.0, 3) == 27
    np.testing.assert_array_equal(Cell.step(a, 1.0), [6, 6])


@pytest.mark.parametrize("make", [lambda c: jit(c.plain), jit, lambda c: jit(lambda x: c(x))])
def test_bound_methods_and_callable_objects(make):
    cell = Cell()
    f = make(cell)
    assert f(1.0) == 2
    assert f(2.0) == 6
    np.testing.assert_array_equal(cell.state, [3, 3])
    assert cell.parts[0] == 2
    assert cell.parts[1]["x"] == 4


def test_partial_and_lambda():
    v = Variable(1.0)
    f = jit(functools.partial(lambda a, b, *, c: (v.update(v + a), b * c)[1], 2.0, c=3.0))
    assert f(5.0) == 15
    assert f(b=1.0) == 3
    assert v == 5


def test_an_object_of_any_class():
    class Plain:
        def __init__(self):
            self.v = Variable(0.0)

        @jit
        def step(self):
            self.v += 1

        def __call__(self, x):
            self.v.value = x

    p = Plain()
    p.step()
    p.step()
    assert p.v == 2
    jit(p)(7.0)
    assert p.v == 7


def test_an_object_without_weak_references():
    class Slots:
        __slots__ = ("v",)

        def __init__(self):
            self.v = Variable(0.0)

        @jit
        def step(self):
            self.v += 1

    s = Slots()
    s.step()
    s.step()
    assert s.v == 2


def test_an_attribute_bound_to_another_variable_is_seen():
    cell = Cell()
    f = jit(cell.plain)
    f(1.0)
    old, cell.state = cell.state, Variable(jnp.full(2, 10.0))
    assert f(1.0) == 22
    np.testing.assert_array_equal(old, [1, 1])
    np.testing.assert_array_equal(cell.state, [11, 11])


# -- lifetime --------------------------------------------------------------------------------


def test_a_decorated_method_does_not_keep_its_object():
    cell = Cell()
    cell.step(1.0)
    cell.raise_to(2.0, power=2)
    ref, state = weakref.ref(cell), weakref.ref(cell.state)
    del cell
    gc.collect()
    assert ref() is None
    assert state() is None


def test_a_jitted_function_dies_with_what_it_compiled():
    def use():
        v = Variable(jnp.zeros(3))
        f = jit(lambda x: v.update(v + x))
        f(1.0)
        return weakref.ref(v), weakref.ref(f)

    refs = use()
    gc.collect()
    assert [r() for r in refs] == [None, None]


def test_an_object_among_the_arguments_is_not_kept_nor_mistaken():
    traces = []

    @jit
    def f(cell, x):
        traces.append(1)
        cell.state.value = cell.state + x
        return cell.state.sum()

    refs = []
    for size in range(1, 6):
        cell = Cell(size)  # likely at the address of the last one
        assert f(cell, 1.0) == size
        assert f(cell, 1.0) == 2 * size
        refs.append(weakref.ref(cell))
    assert len(traces) == 5
    del cell
    gc.collect()
    f(Cell(7), 1.0)
    gc.collect()
    assert [r() for r in refs] == [None] * 5
    assert len(f._plans) <= 2


def test_repeated_calls_do_not_trace_compile_or_leak():
    v = Variable(jnp.zeros(3))
    f, traces = count_traces(lambda x, y: (v.update(v + x["a"]), y * v)[1])
    f({"a": np.ones(3, np.float32)}, 2.0)
    gc.collect()
    arrays, objects = len(jax.live_arrays()), len(gc.get_objects())
    for i in range(1000):
        f({"a": np.ones(3, np.float32)}, float(i))
    gc.collect()
    assert len(traces) == 1
    assert len(f._plans) == 1
    assert len(jax.live_arrays()) <= arrays + 2
    assert len(gc.get_objects()) <= objects + 200
    np.testing.assert_array_equal(v, [1001] * 3)


# -- nesting ---------------------------------------------------------------------------------


def test_nested():
    v = Variable(jnp.zeros(2))
    traces = []

    @jit
    def inner(x):
        traces.append(1)
        v.value = v + x
        return v.sum()

    @jit
    def outer(x):
        a = inner(x)
        v.value = v * 10
        return a + inner(x)

    assert outer(1.0) == 2 + 22
    np.testing.assert_array_equal(v, [11, 11])
    assert inner(1.0) == 24
    np.testing.assert_array_equal(v, [12, 12])
    n = len(traces)
    assert outer(0.0) == 24 + 240
    assert len(traces) == n


def test_jit_in_a_loop_in_jit():
    total, steps = Variable(0.0), Variable(0)
    cell = Cell(1)

    @jit
    def add(x):
        total.value = total + x
        return total + 0

    def body(x):
        steps.value = steps + 1
        cell.step(x)
        return add(x)

    @jit
    def run(xs):
        return for_loop(body, xs)

    for n in (1, 2):
        result = run(jnp.ones(3))
        np.testing.assert_array_equal(result, np.arange(1, 4) + 3 * (n - 1))
        assert (int(steps), float(total), float(cell.state[0])) == (3 * n, 3 * n, 3 * n)


def test_a_variable_made_inside():
    v = Variable(1.0)

    @jit
    def double(w):
        w *= 2

    @jit
    def f(x):
        local = Variable(x)
        local += v
        double(local)
        for_loop(lambda y: local.update(local + y), jnp.ones(3))
        return local + 0

    assert f(1.0) == 7
    assert f(2.0) == 9


def test_in_raw_jax():
    v = Variable(2.0)
    f = jit(lambda x: v * x)
    assert jax.jit(lambda x: f(x).value)(3.0) == 6
    np.testing.assert_array_equal(jax.vmap(lambda x: f(x).value)(jnp.arange(3.0)), [0, 2, 4])
    assert jax.grad(lambda x: f(x).value)(1.0) == 2


# -- errors ----------------------------------------------------------------------------------


def test_an_error_while_tracing_restores_everything():
    v, cell = Variable([1.0, 2.0]), Cell()

    def body(x):
        cell.state += x
        v.value = v * 2
        raise KeyError("stop")

    inner = jit(body)

    def loops(x):
        v[0] = 7
        for_loop(body, jnp.ones(3))

    def nested(x):
        cell.parts[0].value = 5.0
        inner(x)

    for f in (inner, jit(loops), jit(nested), jit(lambda x: jit(nested)(x))):
        for _ in range(2):
            with pytest.raises(KeyError, match="stop"):
                f(1.0)
            np.testing.assert_array_equal(v, [1, 2])
            np.testing.assert_array_equal(cell.state, [0, 0])
            assert cell.parts[0] == 0
    assert jit(lambda: v.sum())() == 3  # no frame was left behind


def test_an_error_at_run_time_leaves_the_state():
    v = Variable([1.0, 2.0])

    def fail(x):
        raise RuntimeError("host")

    @jit
    def f(x):
        v.value = v * 2
        y = jax.pure_callback(fail, jax.ShapeDtypeStruct((), jnp.float32), x)
        v.value = v + y

    def call():
        f(1.0)
        jax.block_until_ready(v.value)

    with pytest.raises(Exception, match="host"):
        call()


def test_a_branch_on_a_value_is_jaxs_error():
    v = Variable(1.0)
    for function in (
        lambda: 1 if v > 0 else 2,
        lambda: float(v),
        lambda: range(int(v)),
        lambda: np.asarray(v),
        lambda: v.item(),
    ):
        with pytest.raises(
            (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)
        ):
            jit(function)()
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jit(lambda x: 1 if x else 2)(True)


# -- settings and threads --------------------------------------------------------------------


def test_sixty_four_bits():
    f, traces = count_traces(lambda x: x + 1)
    assert f(1.0).dtype == np.float32
    with enable_x64(True):
        assert f(1.0).dtype == np.float64
        assert f(np.ones(2)).dtype == np.float64
    assert f(1.0).dtype == np.float32
    assert len(traces) == 3
    none, traces = count_traces(lambda: jnp.zeros(1))
    assert none().dtype == np.float32
    with enable_x64(True):
        assert none().dtype == np.float64
    assert len(traces) == 2


def test_threads():
    v = Variable(jnp.zeros(500))
    f = jit(lambda x: v.update(jnp.zeros(500) + x))
    f(0.0)
    wrong, errors = [], []

    def call(start):
        try:
            for i in range(200):
                f(float(start + i))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    def read():
        for _ in range(200):
            a = np.asarray(v)
            if not (a == a[0]).all():
                wrong.append(a)

    threads = [threading.Thread(target=call, args=(i,)) for i in (0, 1000)]
    threads.append(threading.Thread(target=read))
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert not wrong


def test_threads_that_trace_at_once():
    v = Variable(0.0)
    f = jit(lambda x: v + x.sum())
    results = {}

    def call(n):
        results[n] = float(f(np.ones(n, np.float32)))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(1, 9)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {n: n for n in range(1, 9)}


def test_names():
    @jit
    def named(x):
        """Do it."""

    assert named.__name__ == "named"
    assert named.__doc__ == "Do it."
    assert "named" in repr(named)
    cell = Cell()
    assert "Cell.step" in repr(cell.step)
    assert cell.step == cell.step


def test_clear_cache():
    constant = [1.0]
    f, traces = count_traces(lambda x: x + constant[0])
    assert f(1.0) == 2
    constant[0] = 10.0
    assert f(1.0) == 2
    f.clear_cache()
    assert f(1.0) == 11
    assert len(traces) == 2
