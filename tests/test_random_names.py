"""What a RandomState does with its key, by its names in BrainPy and NumPy; and DEFAULT."""

import copy
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
import brainvar.math.numpy.random as host_random
import brainvar.random as brandom
from brainvar.core.errors import StaticChangeError
from brainvar.random import RandomState
from brainvar.transforms.jit import jit


@pytest.fixture(params=[RandomState, host_random.RandomState], ids=["jax", "numpy"])
def state(request):
    return request.param(5)


@pytest.fixture
def default():
    """The state of the module's functions, which the test may replace."""
    before = [(m, m.DEFAULT, m.get_state()) for m in (brandom, host_random)]
    yield brandom.DEFAULT
    for module, state, held in before:
        module.DEFAULT = state
        state.set_state(held)


def same(x, y):
    np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def test_get_and_set_key(state):
    key = state.get_key()
    same(key, [0, 5])
    drawn = np.array(state.normal(size=3))
    same(key, [0, 5])
    assert not np.array_equal(state.get_key_data(), key)
    state.set_key(key)
    same(state.normal(size=3), drawn)
    state.set_key(9)
    same(state.get_key(), [0, 9])
    with pytest.raises(TypeError, match="seed"):
        state.set_key(None)


def test_split_key(state):
    other = type(state)(5)
    same(state.split_key(), other.split_keys(1)[0])
    same(state.split_key(3), other.split_keys(3))
    same(state.value, other.value)
    for bad in (1.5, "a", (2, 3)):
        with pytest.raises(TypeError):
            state.split_key(bad)
    with pytest.raises(TypeError):
        state.split_keys(None)
    with pytest.raises(ValueError, match="negative"):
        state.split_key(-1, backup=True)
    same(state.value, other.value)


def test_backup_and_restore(state):
    with pytest.raises(ValueError, match="backup_key"):
        state.restore_key()
    state.backup_key()
    with pytest.raises(ValueError, match="already"):
        state.backup_key()
    state.random()
    state.restore_key()
    same(state.value, [0, 5])
    for split in (
        lambda: state.split_key(backup=True),
        lambda: state.split_keys(2, backup=True),
        lambda: state.self_assign_multi_keys(4),
    ):
        split()
        assert not np.array_equal(state.value, [0, 5])
        assert state.value.shape == (2,)
        state.restore_key()
        same(state.value, [0, 5])
    state.self_assign_multi_keys(2, backup=False)
    for n, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error):
            state.self_assign_multi_keys(n)


def test_copies_have_no_backup(state):
    state.backup_key()
    pickled = pickle.loads(pickle.dumps(state))
    for other in (copy.copy(state), copy.deepcopy(state), pickled, state.clone()):
        with pytest.raises(ValueError, match="no key is kept"):
            other.restore_key()


def test_seed_context(state):
    other = type(state)(5)
    with state.seed_context(7):
        same(state.normal(size=2), type(state)(7).normal(size=2))
    same(state.normal(size=2), other.normal(size=2))
    with pytest.raises(ValueError, match="size"), state.seed_context(7):
        state.random(-1)
    same(state.normal(size=2), other.normal(size=2))


def test_seed_context_in_a_compiled_function():
    state, other = RandomState(5), RandomState(5)

    @jit
    def draw():
        with state.seed_context(7):
            inside = state.random(2)
        return inside, state.random(2)

    inside, outside = draw()
    same(inside, RandomState(7).random(2))
    same(outside, other.random(2))
    same(state.value, other.value)


@pytest.mark.parametrize("name", ["backup_key", "restore_key", "get_state"])
def test_what_keeps_a_key_on_the_side_is_refused_in_compiled_functions(name):
    state = RandomState(5)
    with pytest.raises(StaticChangeError, match=name):
        jit(lambda: getattr(state, name)() and None)()


@pytest.mark.parametrize("stream", ["original", "partitionable"])
@pytest.mark.parametrize("legacy", [True, False])
def test_states_can_be_kept(state, legacy, stream):
    state = type(state)(5, stream=stream)
    kept = pickle.loads(pickle.dumps(state.get_state(legacy)))
    drawn = np.array(state.normal(size=3))
    other = type(state)(0)
    other.set_state(kept)
    assert other.stream == stream
    same(other.normal(size=3), drawn)
    state.set_state(kept)
    same(state.normal(size=3), drawn)


def test_set_state_to_another_stream_compiles_anew():
    state = RandomState(5)
    draw = jit(lambda: state.random(3))
    draw()
    state.set_state(RandomState(5, stream="partitionable").get_state())
    same(draw(), RandomState(5, stream="partitionable").random(3))


def test_other_states_are_refused(state):
    with pytest.raises(ValueError, match="MT19937"):
        state.set_state(np.random.RandomState(0).get_state())
    with pytest.raises(ValueError, match="MT19937"):
        state.set_state(np.random.RandomState(0).get_state(legacy=False))
    with pytest.raises(TypeError):
        state.set_state(3)
    for key in (np.arange(2), np.zeros(3, np.uint32)):
        with pytest.raises((TypeError, ValueError)):
            state.set_state(("threefry2x32", key, "original"))
    with pytest.raises(ValueError, match="stream"):
        state.set_state(("threefry2x32", np.zeros(2, np.uint32), "other"))
    same(state.value, [0, 5])


def test_other_generators(state):
    other = type(state)(5)
    clone = state.clone_rng()
    assert type(clone) is type(state)
    same(clone.value, other.split_key())
    assert state.clone_rng(clone=False) is state
    assert state.clone_rng(state, clone=False) is state
    third, fourth = (type(state)(7, stream="partitionable") for _ in range(2))
    assert state.default_rng(third) is third
    clone = state.clone_rng(third)
    assert clone.stream == "partitionable"
    same(clone.value, fourth.split_key())
    assert state.default_rng() is state
    same(state.clone_rng(8).value, [0, 8])
    same(state.default_rng(8).value, [0, 8])
    same(state.value, other.value)


# --- DEFAULT -------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [bm.random, bm.jax.random, brandom])
def test_an_assigned_default_is_what_the_functions_use(default, module):
    module.DEFAULT = mine = RandomState(77)
    assert bm.random.DEFAULT is bm.jax.random.DEFAULT is brandom.DEFAULT is mine
    expected = RandomState(77)
    same(bm.random.normal(size=3), expected.normal(size=3))
    same(brandom.split_key(), expected.split_key())
    with bm.random.seed_context(3):
        same(bm.random.random(), RandomState(3).random())
    bm.random.set_key(4)
    same(mine.value, [0, 4])
    assert bm.random.default_rng() is mine


def test_an_assigned_default_of_the_numpy_backend(default):
    with bm.backend("numpy"):
        bm.random.DEFAULT = mine = bm.random.RandomState(78)
        assert host_random.DEFAULT is mine
        same(bm.random.random(3), RandomState(78).random(3))
    assert brandom.DEFAULT is default


def test_a_stream_goes_on_in_the_other_backend(default):
    bm.random.DEFAULT = RandomState(79, stream="partitionable")
    expected = RandomState(79, stream="partitionable")
    with bm.backend("numpy"):
        same(bm.random.random(3), expected.random(3))
    same(bm.random.random(3), expected.random(3))


# --- shapes and dtypes from an array -------------------------------------------------------------


def test_numbers_like_an_array(state):
    other = type(state)(5)
    like = np.ones((2, 3), np.float16)
    for drawn, expected in (
        (state.rand_like(like), other.random((2, 3), dtype=np.float16)),
        (state.rand_like(jnp.ones(4)), other.random(4)),
        (state.rand_like([1.0, 2.0]), other.random(2)),
        (state.rand_like(np.arange(3)), other.random(3)),
        (state.randn_like(np.ones(3)), other.standard_normal(3)),
        (state.randn_like(like, dtype="float32"), other.standard_normal((2, 3))),
        (state.randint_like(np.ones(5, np.int16), high=9), other.randint(0, 9, 5, np.int16)),
        (state.randint_like(np.array([3, 7]), 2), other.randint(2, 7, 2)),
        (state.randint_like(like, 0, 5, dtype="uint8"), other.randint(0, 5, (2, 3), "uint8")),
    ):
        assert drawn.dtype == expected.dtype
        same(drawn, expected)
    with pytest.raises(ValueError, match="high"):
        state.randint_like(np.zeros(0))


def test_random_integers_like_a_traced_array():
    state = RandomState(5)
    drawn = jit(lambda x: state.randint_like(x))(jnp.array([3, 7]))
    same(drawn, RandomState(5).randint(0, 7, 2))
