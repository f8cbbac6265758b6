"""Mistakes inside transforms: an error at the offending line that says what to write."""

import linecache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar.core.array import JaxArray
from brainvar.core.base import Base
from brainvar.core.errors import (
    BrainvarError,
    EscapedVariableError,
    RawTransformError,
    StaticChangeError,
)
from brainvar.core.variable import TrainVar, Variable
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop


def raised(error, call):
    """Return the error that `call` raises, after checking that it points at a line marked so."""
    with pytest.raises(error) as info:
        call()
    frames = []
    tb = info.value.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == __file__:
            frames.append(tb.tb_lineno)
        tb = tb.tb_next
    assert "# here" in linecache.getline(__file__, frames[-1])
    return str(info.value)


def looped(function):
    return lambda: for_loop(lambda x: function(), jnp.ones(2))


RUNNERS = {
    "jit": lambda f: jit(f),
    "for_loop": looped,
    "for_loop in jit": lambda f: jit(looped(f)),
    "jit in jit": lambda f: jit(jit(f)),
}


@pytest.fixture(params=RUNNERS)
def run(request):
    return RUNNERS[request.param]


class Model(Base):
    def __init__(self):
        super().__init__()
        self.v = Variable(jnp.ones(2))
        self.plain = JaxArray(jnp.ones(2))
        self.raw = jnp.ones(2)
        self.numpy = np.ones(2)
        self.count = 0
        self.flag = False
        self.text = "a"
        self.cache = None


# -- what is no Variable ---------------------------------------------------------------------


def test_a_plain_array_changed_inside(run):
    x = JaxArray([1.0, 2.0])
    y = Variable([5.0, 6.0])

    def index():
        x[0] = y[0]  # here

    def augmented():
        z = x
        z += 1  # here

    def value():
        x.value = y  # here

    def method():
        x.fill(0)  # here

    def ufunc():
        np.add(y, 1, out=x)  # here

    for function in (index, augmented, value, method, ufunc):
        message = raised(StaticChangeError, run(function))
        assert "JaxArray float32[2] was changed inside bm." in message
        assert "x = bm.Variable(x)" in message
    np.testing.assert_array_equal(x, [1, 2])
    np.testing.assert_array_equal(y, [5, 6])


def test_a_plain_array_made_inside_may_change(run):
    v = Variable(0.0)

    def function():
        x = JaxArray([1.0, 2.0])
        x[0] = 5
        x += 1
        v.value = x.sum()

    run(function)()
    assert v == 9


def test_an_attribute_changed_inside(run):
    m = Model()

    def number():
        m.count += 1  # here

    def array():
        m.raw = m.raw + 1  # here

    def wrapped():
        m.plain = JaxArray(jnp.zeros(2))  # here

    def plain_numpy():
        m.numpy = np.zeros(2)  # here

    def traced():
        m.cache = m.v + 1  # here

    def nested():
        m.cache = {"a": [1, (m.v.sum(),)]}  # here

    for function, name in [
        (number, "count"),
        (array, "raw"),
        (wrapped, "plain"),
        (plain_numpy, "numpy"),
        (traced, "cache"),
        (nested, "cache"),
    ]:
        message = raised(StaticChangeError, run(function))
        assert f"Attribute '{name}' of '{m.name}'" in message
        assert "Make it a Variable before the call, x = bm.Variable(x)" in message
    assert m.count == 0
    assert m.cache is None
    np.testing.assert_array_equal(m.plain, [1, 1])


def test_attributes_that_may_change(run):
    m = Model()

    def function():
        m.text = "b"
        m.flag = True
        m.count = 0
        m.v = m.v + 1  # a Variable takes the value
        inner = Model()
        inner.count += 1
        inner.cache = m.v * 2

    run(function)()
    assert m.v[0] in (2, 3)
    assert m.text == "b"


def test_a_variable_made_inside_and_kept_outside(run):
    m = Model()

    def attribute():
        m.new = Variable(jnp.zeros(2))  # here

    def among_others():
        m.cache = [m.v, {"w": TrainVar(m.v)}]  # here

    for function, cls in ((attribute, "Variable"), (among_others, "TrainVar")):
        message = raised(StaticChangeError, run(function))
        assert f"was set to a {cls} that was created inside bm." in message
        assert "Create it before the call" in message
        assert f"= bm.{cls}(...) in __init__" in message
    assert not hasattr(m, "new")


def test_a_variable_made_inside_and_used_later(run):
    kept = []

    def function():
        kept.append(Variable([1.0, 2.0]))

    run(function)()

    def read():
        return kept[0] + 1  # here

    def write():
        kept[0].value = 5.0  # here

    for use in (read, write, jit(read), jit(write)):
        message = raised(EscapedVariableError, use)
        assert "created inside bm." in message
        assert "Create it before the call (in __init__)" in message
    assert "Variable" in repr(kept[0])


# -- raw transforms of JAX -------------------------------------------------------------------


def raw_transforms(function):
    """Return calls of raw transforms of JAX that run `function` with an abstract value."""
    return {
        "jit": lambda: jax.jit(function)(1.0),
        "vmap": lambda: jax.vmap(function)(jnp.ones(3)),
        "grad": lambda: jax.grad(lambda x: function(x) or x * 1.0)(1.0),
        "scan": lambda: jax.lax.scan(lambda c, x: (c, function(x)), 0.0, jnp.ones(3)),
        "while": lambda: jax.lax.while_loop(
            lambda c: c < 3, lambda c: function(c) or c + 1, jnp.float32(0)
        ),
        "cond": lambda: jax.lax.cond(jnp.bool_(True), lambda: function(0.0), lambda: None),
        "checkpoint": lambda: jax.checkpoint(function)(1.0),
        "make_jaxpr": lambda: jax.make_jaxpr(function)(1.0),
        "eval_shape": lambda: jax.eval_shape(function, 1.0),
        "bm.jit in jit": lambda: jax.jit(jit(lambda x: function(x)))(1.0),
    }


@pytest.mark.parametrize("name", raw_transforms(None))
def test_a_variable_changed_inside_a_raw_transform(name):
    v = Variable([1.0, 2.0], name="V")
    held = v.value

    def traced(x):
        v.value = v + x  # here

    def concrete(x):
        v.value = np.zeros(2, np.float32)  # here

    def index(x):
        v[0] = 3.0  # here

    for function in (traced, concrete, index):
        call = raw_transforms(function)[name]
        if name == "bm.jit in jit":  # the finished program writes, not the line in it
            with pytest.raises(RawTransformError) as info:
                call()
            message = str(info.value)
        else:
            message = raised(RawTransformError, call)
        assert "Variable float32[2] named 'V' was changed inside a raw JAX transform" in message
        assert "jax.jit, jax.vmap, jax.grad" in message
        assert "assign it outside" in message
        assert v.value is held


@pytest.mark.parametrize("name", [n for n in raw_transforms(None) if n != "bm.jit in jit"])
def test_a_raw_transform_inside_ours(name):
    v = Variable([1.0, 2.0])

    def traced(x):
        v.value = v + x  # here

    def concrete(x):
        v.value = np.zeros(2, np.float32)  # here

    for function in (traced, concrete):
        message = raised(RawTransformError, jit(raw_transforms(function)[name]))
        assert "runs within bm.jit(" in message
        np.testing.assert_array_equal(v, [1, 2])


def test_reading_inside_a_raw_transform_is_fine():
    v = Variable([1.0, 2.0])
    assert jax.jit(lambda x: (v * x).sum().value)(2.0) == 6

    @jit
    def f():
        v.value = v + 1
        return jax.vmap(lambda x: (v * x).value)(jnp.arange(2.0))

    np.testing.assert_array_equal(f(), [[0, 0], [2, 3]])


def test_a_variable_made_and_changed_inside_a_raw_transform_is_fine():
    def f(x):
        local = Variable(x)
        local += 1
        local[...] = local * 2
        return local.value

    assert jax.jit(f)(1.0) == 4
    np.testing.assert_array_equal(jax.vmap(f)(jnp.arange(2.0)), [2, 4])
    assert jit(lambda x: JaxArray(jax.jit(f)(x.value if isinstance(x, JaxArray) else x)))(1.0) == 4


def test_eager_code_after_an_error_is_untouched():
    v, m = Variable([1.0]), Model()
    write = v.update
    for bad in (
        lambda: jax.jit(write)(1.0),
        jit(lambda: setattr(m, "count", 5)),
        looped(lambda: m.plain.fill(0)),
    ):
        with pytest.raises(BrainvarError):
            bad()
        v += 1
        m.count += 1
        m.plain += 1
    assert (float(v[0]), m.count, float(m.plain[0])) == (4, 3, 4)


def test_errors_are_also_of_the_nearest_kind_of_python():
    assert issubclass(StaticChangeError, TypeError)
    assert issubclass(RawTransformError, RuntimeError)
    assert issubclass(EscapedVariableError, RuntimeError)


def test_no_tracer_outlives_its_trace():
    v, made = Variable(jnp.ones(3)), []
    with jax.checking_leaks():
        jit(lambda x: v.update(v + x))(1.0)
        for_loop(lambda x: v + x, jnp.arange(2.0))

    def keep(x):
        made.append(Variable(jnp.zeros(2)))
        return x + v

    jit(keep)(1.0)
    assert not made[-1]._frame._values
