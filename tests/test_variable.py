"""Variables: values, names, tags, and how Base objects hold them."""

import copy
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar.core.array import JaxArray
from brainvar.core.base import Base
from brainvar.core.variable import Parameter, TrainVar, Variable


def test_a_variable_is_a_jaxarray_and_results_are_not_variables():
    for cls in (TrainVar, Parameter):
        assert issubclass(cls, Variable)
        assert type(cls([1.0]) * 2) is JaxArray
    assert issubclass(Variable, JaxArray)
    v = Variable([1.0, 2.0])
    for result in (v + 1, v[0], v.T, +v, v.sum(), abs(v), v.copy(), v.astype("f4"), v.at[0].set(1)):
        assert type(result) is JaxArray


def test_value_is_the_plain_array():
    x = jnp.ones(3)
    v = Variable(x)
    assert v.value is x
    y = jnp.zeros(3)
    v.value = y
    assert v.value is y
    v.update(x)
    assert v.value is x
    w = Variable(v)
    w += 1
    np.testing.assert_array_equal(v, [1, 1, 1])


def test_an_array_taken_from_a_variable_never_changes():
    v = Variable([1.0, 2.0])
    taken = [
        v.value,
        np.asarray(v),
        v[:],
        +v,
        v.reshape(2),
        np.from_dlpack(v),
        jax.tree.leaves(v)[0],
    ]
    v[0] = 9
    v += 1
    v.fill(0)
    for x in taken:
        np.testing.assert_array_equal(x, [1, 2])


def test_name_and_type():
    v = Variable(1, type="state", name="V")
    assert (v.name, v.type) == ("V", "state")
    assert (Variable(1).name, Variable(1).type) == (None, "")


def test_set_raw_and_peek():
    v = Variable([1.0])
    v._set_raw(jnp.asarray([2.0]))
    np.testing.assert_array_equal(v._peek(), [2.0])
    assert v == 2


def test_an_attribute_that_holds_a_variable_takes_values():
    class Model(Base):
        def __init__(self):
            super().__init__()
            self.v = Variable(jnp.zeros(2))

    m = Model()
    v = m.v
    m.v = m.v + 1
    m.v += 1
    assert m.v is v
    np.testing.assert_array_equal(v, [2, 2])
    with pytest.raises(ValueError, match="does not broadcast"):
        m.v = jnp.zeros(3)
    with pytest.raises(TypeError, match="same_kind"):
        m.v = 1j
    m.v = Variable(jnp.zeros(3))
    assert m.v is not v


def test_threads_share_a_variable():
    v = Variable(jnp.zeros(1000))
    errors = []

    def write():
        for i in range(200):
            v.value = jnp.full(1000, i, jnp.float32)
            v[0] = i

    def read():
        for _ in range(200):
            a = np.asarray(v)
            if not (a[1:] == a[1]).all():
                errors.append(a)

    threads = [threading.Thread(target=f) for f in (write, read, read)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_copies_keep_private_attributes():
    class Scaled(Variable):
        def __init__(self, value):
            super().__init__(value, name="s")
            self._scale, self.unit = 3, "mV"

    for new in (
        copy.copy(Scaled(1.0)),
        copy.deepcopy(Scaled(1.0)),
        jax.tree.map(lambda x: x + 1, Scaled(0.0)),
        jax.jit(lambda x: x)(Scaled(1.0)),
    ):
        assert type(new) is Scaled
        assert (new._scale, new.unit, float(new)) == (3, "mV", 1.0)
