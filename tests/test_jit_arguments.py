"""The arguments and results of `jit`."""

import functools
import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar.core.array import JaxArray
from brainvar.core.errors import StaticChangeError
from brainvar.core.variable import TrainVar, Variable
from brainvar.transforms.jit import jit


def count_traces(function):
    """Return a jitted function and the list that grows by one at each trace."""
    traces = []

    @functools.wraps(function)
    def counted(*args, **kwargs):
        traces.append(1)
        return function(*args, **kwargs)

    return jit(counted), traces


def test_one_trace_for_each_signature():
    f, traces = count_traces(lambda *args, **kwargs: jax.tree.map(lambda x: x * 2, (args, kwargs)))
    signatures = [
        ((1.0,), {}),
        ((1,), {}),
        ((True,), {}),
        ((1j,), {}),
        ((np.ones(2, np.float32),), {}),
        ((np.ones(3, np.float32),), {}),
        ((np.ones(2, np.int32),), {}),
        (([1.0, 2.0],), {}),
        (({"a": 1.0},), {}),
        ((), {"a": 1.0}),
        ((JaxArray([1.0, 2.0]),), {}),
        ((Variable([1.0, 2.0]),), {}),
        ((TrainVar([1.0, 2.0]),), {}),
        ((jnp.asarray(1.0),), {}),  # weakly typed
        ((None, 1.0), {}),
        ((), {}),
    ]
    for n, (args, kwargs) in enumerate(signatures, 1):
        for _ in range(2):
            result = f(*args, **kwargs)
            assert len(traces) == n
        expected = jax.tree.map(lambda x: np.asarray(x) * 2, (args, kwargs))
        jax.tree.map(np.testing.assert_array_equal, *map(jax.tree.leaves, (result, expected)))


def test_the_class_of_an_array_is_kept():
    class Mine(Variable):
        pass

    seen = []

    @jit
    def f(x):
        seen.append((type(x), getattr(x, "unit", None)))
        return jax.tree.map(lambda y: y + 1, x), x

    for cls in (JaxArray, Variable, TrainVar, Mine):
        x = cls([1.0])
        if cls is Mine:
            x.unit = "mV"
        new, same = f(x)
        assert type(new) is type(same) is cls
        assert getattr(new, "unit", None) == getattr(x, "unit", None)
        assert new == 2
    assert seen[-1] == (Mine, "mV")
    y = Mine([1.0])
    y.unit = "nA"
    assert f(y)[0].unit == "nA"
    assert seen[-1] == (Mine, "nA")


def test_variables_as_arguments_are_changed():
    f, traces = count_traces(lambda v, x: (v.update(v + x), v)[1])
    a, b = Variable([1.0, 2.0]), Variable([5.0, 6.0])
    assert f(a, 1.0) is a
    assert f(b, 2.0) is b
    np.testing.assert_array_equal(a, [2, 3])
    np.testing.assert_array_equal(b, [7, 8])
    assert len(traces) == 1


def test_two_variables_change_places():
    @jit
    def swap(pair):
        a, b = pair["a"], pair["b"]
        held = +a
        a.value = b
        b.value = held

    a, b = Variable(1.0), Variable(2.0)
    for _ in range(3):
        swap({"a": a, "b": b})
    assert (float(a), float(b)) == (2, 1)


def test_one_variable_twice():
    @jit
    def f(a, b):
        a += 1
        b *= 10
        return a is b

    v, w = Variable(1.0), Variable(1.0)
    f(v, v)
    assert v == 20
    f(v, w)
    assert (float(v), float(w)) == (21, 10)
    f(w, w)
    assert w == 110


def test_a_variable_reached_twice():
    v = Variable(1.0)

    @jit
    def f(a):
        a += 1
        v.value = v * 10
        return a

    w = Variable(5.0)
    for _ in range(2):
        assert f(w) is w
        assert f(v) is v
    # v: 10, (11 -> 110), 1100, (1101 -> 11010)
    assert (float(w), float(v)) == (7, 11010)


def test_returned_variables_are_the_same_objects():
    v = Variable(jnp.zeros(2))

    @jit
    def f(w, x):
        v.value = v + x
        return {"v": v, "w": [w, w], "new": Variable(x), "raw": x, "copy": v + 0}

    w = Variable(1.0)
    for n in (1, 2):
        result = f(w, 1.0)
        assert result["v"] is v
        assert result["w"][0] is result["w"][1] is w
        assert type(result["new"]) is Variable
        assert result["new"] is not w
        assert type(result["copy"]) is JaxArray
        np.testing.assert_array_equal(v, [n, n])
        result["new"] += 1
        assert result["new"] == 2


def test_static_arguments():
    f, traces = count_traces(lambda n, x, mode="up": [x] * n if mode == "up" else -x * n)
    for g in (
        jit(f._function, static_argnums=(0, 2)),
        jit(f._function, static_argnames=("n", "mode")),
        jit(f._function, static_argnums=[0], static_argnames="mode"),
        functools.partial(jit, static_argnums=0, static_argnames="mode")(f._function),
    ):
        traces.clear()
        assert len(g(2, 1.0)) == 2
        assert len(g(3, 1.0)) == 3
        assert len(g(n=3, x=1.0)) == 3
        assert g(2, 1.0, mode="down") == -2
        assert g(2, 1.0, "down") == -2
        n = len(traces)
        g(2, 5.0)
        g(2, 5.0, mode="down")
        assert len(traces) == n


def test_static_arguments_of_equal_value_and_another_type_differ():
    f = jit(lambda n: JaxArray(jnp.zeros(2)).astype(type(n)), static_argnums=0)
    assert [f(x).dtype for x in (1, 1.0, True)] == [np.int32, np.float32, np.bool_]


def test_wrong_static_arguments():
    f = jit(lambda n, x: x, static_argnums=0)
    with pytest.raises(ValueError, match=r"static argument 0 is a list, which is not hashable"):
        f([1], 1.0)
    with pytest.raises(ValueError, match=r"static_argnames names \['m'\].*\['n', 'x'\]"):
        jit(lambda n, x: x, static_argnames="m")
    with pytest.raises(ValueError, match=r"static_argnums is \(2,\).* has 2 positional"):
        jit(lambda n, x: x, static_argnums=2)


def test_what_is_no_argument():
    f = jit(lambda x: x)
    with pytest.raises(
        TypeError, match=r"bm.jit\(.*lambda.*\) got 'a' of type 'str'.*static_argnames"
    ):
        f("a")
    with pytest.raises(TypeError, match="object"):
        f([1.0, object()])
    with pytest.raises(TypeError, match="jit compiles something callable"):
        jit(3)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f()


def test_dyn_vars_are_accepted():
    v = Variable(1.0)
    assert jit(lambda x: v + x, dyn_vars=[v])(1.0) == 2


def test_numpy_arguments_may_change_right_after():
    f = jit(lambda x: x * 1)
    for a in (np.ones(300_000, np.float32), np.ones(300_000)):
        f(a)
        result = f(a)
        a[:] = 7
        assert (np.asarray(result) == 1).all()


def test_an_array_among_the_arguments_is_not_changed():
    x = JaxArray([1.0])
    with pytest.raises(StaticChangeError, match="JaxArray float32"):
        jit(lambda a: a.fill(0))(x)
    assert x == 1


def test_settings_of_jax_that_a_trace_depends_on():
    f, traces = count_traces(lambda x, y: x @ x + y)
    x, y = jnp.ones((2, 2)), jnp.ones(2, int)
    f(x, y)
    with jax.default_matmul_precision("highest"):
        f(x, y)
        assert len(traces) == 2
    with jax.numpy_dtype_promotion("strict"), pytest.raises(Exception, match="strict"):
        f(x, y)
    f(x, y)
    assert len(traces) == 3


def test_a_plan_keeps_no_value_of_an_argument():
    f = jit(lambda v: v.update(v + 1))
    v = Variable(jnp.zeros(3))
    first = weakref.ref(v.value)
    f(v)
    gc.collect()
    assert first() is None
