"""Draws with a key of the user's: the numbers of the state's own, and the state stays."""

import jax
import numpy as np
import pytest

import brainvar.math.numpy.random as host_random
import brainvar.random as brandom
from brainvar import ops
from brainvar.core.variable import Variable
from brainvar.random import RandomState
from brainvar.transforms.jit import jit

DRAWS = {
    "random": lambda s, **k: s.random(3, **k),
    "rand": lambda s, **k: s.rand(3, **k),
    "randn": lambda s, **k: s.randn(3, **k),
    "uniform": lambda s, **k: s.uniform(1.0, 2.0, 3, **k),
    "normal": lambda s, **k: s.normal(1.0, 2.0, 3, **k),
    "exponential": lambda s, **k: s.exponential(2.0, 3, **k),
    "truncated_normal": lambda s, **k: s.truncated_normal(-1.0, 2.0, 3, **k),
    "randint": lambda s, **k: s.randint(0, 100, 3, **k),
    "random_integers": lambda s, **k: s.random_integers(9, size=3, **k),
    "bernoulli": lambda s, **k: s.bernoulli(0.4, 9, **k),
    "permutation": lambda s, **k: s.permutation(5, **k),
    "permutation of an array": lambda s, **k: s.permutation(np.arange(5.0), **k),
    "independent permutation": lambda s, **k: s.permutation(np.eye(4), 1, True, **k),
    "choice": lambda s, **k: s.choice(9, 4, **k),
    "choice with weights": lambda s, **k: s.choice(3, 4, p=[0.5, 0.3, 0.2], **k),
    "choice of an array": lambda s, **k: s.choice(np.arange(9.0), 4, False, **k),
}


@pytest.mark.parametrize("stream", ["original", "partitionable"])
@pytest.mark.parametrize("name", DRAWS)
def test_a_key_gives_the_numbers_of_a_state_that_hands_it_out(name, stream):
    draw = DRAWS[name]
    for cls in (RandomState, host_random.RandomState):
        state, other = cls(5, stream=stream), cls(5, stream=stream)
        drawn = draw(state, key=state.split_key())
        expected = draw(other)
        assert drawn.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(drawn), np.asarray(expected))
        np.testing.assert_array_equal(np.asarray(state.value), np.asarray(other.value))


@pytest.mark.parametrize("module", [brandom, host_random])
def test_kinds_of_keys(module):
    state, key = module.RandomState(1), np.array([0, 7], np.uint32)
    expected = np.asarray(ops.normal(key, 4))
    before = np.array(state.value)
    for given in (
        key,
        jax.numpy.array(key),
        jax.random.key(7, impl="threefry2x32"),
        module.RandomState(key),
        7,
    ):
        np.testing.assert_array_equal(np.asarray(state.normal(size=4, key=given)), expected)
    np.testing.assert_array_equal(np.asarray(module.normal(size=4, key=key)), expected)
    for given, error in (
        (1.5, TypeError),
        ("a", TypeError),
        (np.arange(2), TypeError),
        (np.zeros((3, 2), np.uint32), ValueError),
        (-1, ValueError),
    ):
        with pytest.raises(error):
            state.normal(size=4, key=given)
    np.testing.assert_array_equal(np.asarray(state.value), before)


@pytest.mark.parametrize("kind", ["list", "ndarray", "Variable"])
def test_shuffle_with_a_key(kind):
    make = {"list": list, "ndarray": np.array, "Variable": Variable}[kind]
    state, other = RandomState(2), RandomState(2)
    x, y = make(range(9)), make(range(9))
    state.shuffle(x, key=state.split_key())
    other.shuffle(y)
    np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
    assert sorted(np.asarray(x)) == list(range(9))


def test_keys_inside_transforms():
    state, other = RandomState(3), RandomState(3)

    @jit
    def twice():
        return state.normal(size=3, key=state.split_key()), state.choice(9, 3, key=7)

    first, second = twice()
    np.testing.assert_array_equal(first, other.normal(size=3))
    np.testing.assert_array_equal(second, other.choice(9, 3, key=7))
    np.testing.assert_array_equal(state.value, other.value)

    # JAX's own transforms too: no state moves.
    keys = other.split_keys(4)
    lanes = jax.vmap(lambda key: state.normal(1.0, 2.0, 3, key=key).value)(keys)
    eager = [np.asarray(state.normal(1.0, 2.0, 3, key=key)) for key in keys]
    np.testing.assert_allclose(lanes, eager, rtol=1e-6)
    compiled = jax.jit(lambda key: state.randint(0, 9, 3, key=key).value)(keys[0])
    np.testing.assert_array_equal(compiled, state.randint(0, 9, 3, key=keys[0]))


def test_another_key_compiles_nothing(compilations):
    state = RandomState(0)
    keys = state.split_keys(3)
    state.normal(size=2, key=keys[0])
    keys = list(keys)
    with compilations() as names:
        for key in keys:
            state.normal(size=2, key=key)
    assert not names
