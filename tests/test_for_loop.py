"""`for_loop` against a loop in Python and against `jax.lax.scan`."""

import builtins
import gc
import sys
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import brainvar.math as bm
from brainvar.core.array import JaxArray
from brainvar.core.base import Base
from brainvar.core.variable import Variable
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop


def equal(result, expected):
    ours, theirs = jax.tree.leaves(result), jax.tree.leaves(expected)
    assert len(ours) == len(theirs)
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6)


class Model(Base):
    """Two coupled states; each operation of `recipe` makes another model."""

    def __init__(self, recipe):
        super().__init__()
        self.recipe = recipe
        self.a = Variable(jnp.zeros(2))
        self.b = Variable(1.0)

    def step(self, x):
        out = []
        for operation in self.recipe:
            if operation == "a":
                self.a.value = self.a * 0.5 + x
            elif operation == "b":
                self.b.value = self.b + self.a.sum()
            elif operation == "index":
                self.a[0] = self.b
            elif operation == "swap":
                self.a[:] = self.a[::-1]
            else:
                out.append(self.a * self.b)
        return out


def scan(recipe, xs, reverse):
    def step(carry, x):
        a, b = carry
        out = []
        for operation in recipe:
            if operation == "a":
                a = a * 0.5 + x
            elif operation == "b":
                b = b + a.sum()
            elif operation == "index":
                a = a.at[0].set(b)
            elif operation == "swap":
                a = jax.lax.rev(a, (0,))
            else:
                out.append(a * b)
        return (a, b), out

    return jax.lax.scan(step, (jnp.zeros(2), jnp.float32(1)), xs, reverse=reverse)


@settings(max_examples=12, deadline=None)
@given(
    recipe=st.lists(st.sampled_from(["a", "b", "index", "swap", "out"]), max_size=6),
    n=st.integers(0, 4),
    reverse=st.booleans(),
    unroll=st.sampled_from([1, 2]),
    compiled=st.booleans(),
)
def test_any_small_model(recipe, n, reverse, unroll, compiled):
    xs = jnp.arange(1.0, n + 1)
    model = Model(recipe)
    result = for_loop(model.step, xs, reverse=reverse, unroll=unroll, jit=compiled)
    (a, b), expected = scan(recipe, xs, reverse)
    equal(result, expected)
    equal((model.a, model.b), (a, b))


# -- operands and results --------------------------------------------------------------------

X, Y = jnp.arange(3.0), jnp.arange(6).reshape(3, 2)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("body", "operands", "expected"),
    [
        (lambda x: x + 1, X, X + 1),
        (lambda x: x + 1, np.arange(3.0), X + 1),
        (lambda x: x + 1, JaxArray(X), X + 1),
        (lambda x: x + 1, Variable(X), X + 1),
        (lambda x, y: x * y, (X, Y), X[:, None] * Y),
        (lambda x, y: x * y, [X, np.asarray(Y)], X[:, None] * Y),
        (lambda x: x, [X], X),
        (lambda y, x: y - x, {"x": X, "y": X * 2}, X),
        (lambda p, x: p["a"][0] + x, ({"a": (X, None)}, X), X * 2),
        (lambda x: {"s": x, "t": (x, [x])}, X, {"s": X, "t": (X, [X])}),
        (lambda x: (), X, ()),
        (lambda x: None, X, None),
        (lambda x: (x, None), X, (X, None)),
        (lambda x: 1.5, X, jnp.full(3, 1.5)),
        (lambda x: np.ones(2, np.int32), X, np.ones((3, 2), np.int32)),
        (lambda x: x.value, X, X),
        (lambda y: y.sum(), Y, Y.sum(1)),
        (lambda x: x + 1, X[:1], X[:1] + 1),
        (lambda x: {"a": x + 1}, X[:0], {"a": X[:0]}),
        (lambda x: x > 1, X, X > 1),
    ],
)
def test_operands_and_results(body, operands, expected, compiled):
    for _ in range(2):
        result = for_loop(body, operands, jit=compiled)
        assert jax.tree.structure(result, is_leaf=lambda x: isinstance(x, JaxArray)) == (
            jax.tree.structure(expected)
        )
        for leaf in jax.tree.leaves(result, is_leaf=lambda x: isinstance(x, JaxArray)):
            assert type(leaf) is JaxArray
        equal(result, expected)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_returned_variable_is_its_values(compiled):
    v = Variable(0.0)

    def body(x):
        v.value = v + x
        return v, {"v": v}

    first, second = for_loop(body, X, jit=compiled)
    np.testing.assert_array_equal(first, [0, 1, 3])
    np.testing.assert_array_equal(second["v"], [0, 1, 3])
    assert v == 3


@pytest.mark.parametrize("compiled", [True, False])
def test_reverse_keeps_the_places_of_the_results(compiled):
    v = Variable(0.0)

    def body(x):
        v.value = v * 10 + x
        return v + 0

    np.testing.assert_array_equal(
        for_loop(body, jnp.arange(1.0, 4), reverse=True, jit=compiled), [321, 32, 3]
    )


@pytest.mark.parametrize("compiled", [True, False])
def test_a_body_that_only_writes_and_one_that_only_reads(compiled):
    v, w = Variable(0.0), Variable(5.0)
    assert for_loop(lambda x: v.update(x), X, jit=compiled) is None
    assert v == 2
    np.testing.assert_array_equal(for_loop(lambda x: w * x, X, jit=compiled), [0, 5, 10])
    w.value = 1.0
    np.testing.assert_array_equal(for_loop(lambda x: w * x, X, jit=compiled), X)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("operands", "error", "message"),
    [
        ((X, X[:2]), ValueError, r"operands of one length, got lengths \[2, 3\]"),
        (3.0, ValueError, r"one of them is a scalar.*bm.arange\(n\)"),
        ((X, 1), ValueError, "one of them is a scalar"),
        ([], ValueError, "at least one array"),
        (None, ValueError, "at least one array"),
        ("abc", TypeError, "cannot take 'abc'"),
        ([X, object()], TypeError, "object"),
    ],
)
def test_wrong_operands(operands, error, message, compiled):
    def body(*args):
        raise AssertionError("is not called")

    with pytest.raises(error, match=message):
        for_loop(body, operands, jit=compiled)


def test_wrong_bodies():
    with pytest.raises(TypeError, match="body must be callable"):
        for_loop(3, X)
    for compiled in (True, False):
        with pytest.raises(TypeError, match="str"):
            for_loop(lambda x: "a", X, jit=compiled)
        with pytest.raises(TypeError, match="positional argument"):
            for_loop(lambda x: x, (X, X), jit=compiled)


@pytest.mark.parametrize("compiled", [True, False])
def test_an_error_in_the_body(compiled):
    v = Variable(0.0)

    def body(x):
        v.value = v + 1
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        for_loop(body, X, jit=compiled)
    assert v == (0 if compiled else 1)


# -- nesting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [True, False])
def test_nested_loops(compiled):
    outer, inner = Variable(0.0), Variable(0.0)

    def inside(y):
        inner.value = inner + outer * y  # reads what the outer loop writes
        return inner + 0

    def body(x):
        outer.value = outer + x
        return for_loop(inside, jnp.ones(2), jit=compiled)

    result = for_loop(body, jnp.arange(1.0, 4), jit=compiled)
    np.testing.assert_array_equal(result, [[1, 2], [5, 8], [14, 20]])
    assert (float(outer), float(inner)) == (6, 20)


def test_a_local_body_over_values_of_the_outer_loop():
    v = Variable(0.0)

    @jit
    def run(xs, scale):
        def body(x):
            v.value = v + x * scale
            return scale * 2

        return for_loop(body, xs)

    np.testing.assert_array_equal(run(X, 2.0), [4, 4, 4])
    np.testing.assert_array_equal(run(X, 3.0), [6, 6, 6])
    assert v == 15


def test_a_loop_inside_raw_jax():
    f = jax.jit(lambda xs: for_loop(lambda x: x * 2, xs).value)
    np.testing.assert_array_equal(f(X), X * 2)


def test_random_numbers_are_those_of_eager_code():
    a, b = bm.random.RandomState(7), bm.random.RandomState(7)
    result = for_loop(lambda x: a.random(3) + x, X)
    expected = np.stack([np.asarray(b.random(3)) + x for x in np.asarray(X)])
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(a.value, b.value)
    bm.random.seed(3)
    first = for_loop(lambda x: bm.random.rand(), X)
    second = for_loop(lambda x: bm.random.rand(), X)
    bm.random.seed(3)
    expected = [float(bm.random.rand()) for _ in range(6)]
    np.testing.assert_array_equal(np.concatenate([first, second]), np.float32(expected))


# -- compilation -----------------------------------------------------------------------------


def test_a_body_is_traced_once_for_each_kind_of_operands():
    traces, v = [], Variable(0.0)

    def body(x):
        traces.append(1)
        v.value = v + x.sum()
        return x

    for n, xs in enumerate([X, Y, X.astype(int)], 1):
        for _ in range(3):
            for_loop(body, xs)
        assert len(traces) == n
    for_loop(body, jnp.ones(7))  # another length is another program, as for jax.lax.scan
    assert len(traces) == 4


def test_a_body_and_a_model_are_not_kept():
    def use():
        model = Model(["a", "b"])

        def body(x):
            return model.a * x

        for_loop(model.step, X)
        for_loop(body, X)
        return weakref.ref(model), weakref.ref(body), weakref.ref(model.a)

    refs = use()
    gc.collect()
    assert [r() for r in refs] == [None] * 3


def test_dyn_vars_are_accepted():
    v = Variable(1.0)
    np.testing.assert_array_equal(for_loop(lambda x: x * v, X, dyn_vars=[v]), X)


# -- progress bar ----------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
@pytest.mark.parametrize("n", [0, 1, 99, 250])
def test_progress_bar(capsys, n, reverse, compiled):
    pytest.importorskip("tqdm")
    if n > 99 and not compiled:
        n = 7
    v, w = Variable(0.0), Variable(0.0)

    def body(x):
        v.value = v * 0.5 + x
        return v + 0

    def twin(x):
        w.value = w * 0.5 + x
        return w + 0

    xs = jnp.arange(n, dtype=jnp.float32)
    result = for_loop(body, xs, progress_bar=True, reverse=reverse, jit=compiled)
    equal(result, for_loop(twin, xs, reverse=reverse))
    assert v == w
    assert (f"{n}/{n}" if n else "0it") in capsys.readouterr().err


def test_a_progress_bar_is_closed_when_the_body_fails(capsys):
    tqdm = pytest.importorskip("tqdm")
    for compiled in (True, False):
        with pytest.raises(ZeroDivisionError):
            for_loop(lambda x: 1 // 0, X, progress_bar=True, jit=compiled)
    assert not tqdm.auto.tqdm._instances


def test_a_progress_bar_inside_a_transform_is_an_error():
    pytest.importorskip("tqdm")
    with pytest.raises(ValueError, match="progress_bar=True needs a loop that is not inside"):
        jit(lambda: for_loop(lambda x: x, X, progress_bar=True))()


def test_a_progress_bar_without_tqdm(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in [name for name in sys.modules if name.startswith("tqdm")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r"needs tqdm: pip install.*brainvar\[progress\]"):
        for_loop(lambda x: x, X, progress_bar=True)
