"""Shuffles in place, and choices without replacement, as methods of RandomState."""

from collections import deque

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
import brainvar.math.numpy.random as host_random
from brainvar import ops
from brainvar._compat import enable_x64, threefry_partitionable
from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable
from brainvar.random import RandomState
from brainvar.transforms.jit import jit

STREAMS = ("original", "partitionable")


def order_of_next_draw(state, n):
    key = ops.split(state.value, 2, stream=state.stream)[1]
    return np.asarray(ops.permutation_indices(key, n, stream=state.stream))


# --- what can be shuffled ------------------------------------------------------------------------


def records():
    return np.array([(i, f"r{i}", i / 2) for i in range(9)], "i4, U4, f8")


ARRAYS = {
    "int8": lambda: np.arange(9, dtype=np.int8),
    "float64": lambda: np.arange(9.0),
    "objects": lambda: np.array([None, "a", (1, 2), {}, 3.5, [], 7, b"", np.pi], dtype=object),
    "structured": records,
    "record array": lambda: records().view(np.recarray),
    "dates": lambda: np.arange(9).astype("M8[D]"),
    "big-endian": lambda: np.arange(9, dtype=">i4"),
    "bool": lambda: np.arange(9) % 2 == 0,
    "masked": lambda: np.ma.array(np.arange(9), mask=[0, 1, 0, 0, 1, 0, 0, 0, 1]),
    "rows": lambda: np.arange(36).reshape(9, 4),
    "every second": lambda: np.arange(18)[::2],
    "backwards": lambda: np.arange(9)[::-1],
    "Fortran order": lambda: np.asfortranarray(np.arange(36.0).reshape(9, 4)),
    "columns of a part": lambda: np.arange(120).reshape(10, 12)[1:, 2:9:3],
}


@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("state_class", [RandomState, host_random.RandomState])
def test_numpy_arrays_are_shuffled_where_they_are(make, state_class):
    x, before = make(), make()
    order = order_of_next_draw(RandomState(5), 9)
    address, strides = x.__array_interface__["data"], x.strides
    assert state_class(5).shuffle(x) is None
    assert (x.__array_interface__["data"], x.strides) == (address, strides)
    assert repr(x) == repr(before[order])


def test_the_rest_of_what_a_view_shows_stays():
    whole = np.arange(40).reshape(4, 10)
    RandomState(5).shuffle(whole[1:3, ::3], axis=1)
    rest = np.ones((4, 10), bool)
    rest[1:3, ::3] = False
    np.testing.assert_array_equal(whole[rest], np.arange(40).reshape(4, 10)[rest])


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_numpy_arrays_along_an_axis(axis):
    x = np.arange(120).reshape(4, 5, 6).transpose(2, 0, 1)[:, ::-1]
    before = x.copy()
    state = RandomState(6)
    order = order_of_next_draw(state, x.shape[axis])
    state.shuffle(x, axis=axis)
    np.testing.assert_array_equal(x, before.take(order, axis))


@pytest.mark.parametrize("make", [list, deque, bytearray])
def test_lists_and_their_like(make):
    state = RandomState(7)
    order = order_of_next_draw(state, 9)
    x = make(range(9))
    state.shuffle(x)
    assert list(x) == order.tolist()
    nested = [[1], "b", None, 4.0]
    same = list(nested)
    state.shuffle(nested)
    assert sorted(map(id, nested)) == sorted(map(id, same))


def test_empty_and_single_ones():
    state = RandomState(8)
    for x in ([], [1], np.zeros(0), np.zeros((1, 3)), np.zeros((3, 0))):
        before = np.array(x)
        state.shuffle(x)
        np.testing.assert_array_equal(np.asarray(x), before)
    for shape in ((0,), (1,), (3, 0), (0, 3)):
        x = Variable(jnp.zeros(shape))
        state.shuffle(x)
        assert x.shape == shape


@pytest.mark.parametrize("key", [None, np.array([3, 4], np.uint32)])
def test_what_cannot_be_shuffled_leaves_the_state(key):
    state = RandomState(9)
    before = np.asarray(state.value)
    fixed = np.arange(4)
    fixed.flags.writeable = False
    for x, error, message in [
        (fixed, ValueError, "read-only"),
        (jnp.arange(4), TypeError, "permutation"),
        ((1, 2), TypeError, "a list that it can change"),
        ("ab", TypeError, "a list that it can change"),
        ({1: 2}, TypeError, "a list that it can change"),
        (7, TypeError, "a list that it can change"),
        (np.array(1), TypeError, "at least one dimension"),
        (Variable(1.0), TypeError, "at least one dimension"),
        (Variable(jnp.zeros(3)), ValueError, "axis 1"),
        (np.zeros((2, 3)), ValueError, "axis -3"),
    ]:
        axis = {"axis 1": 1, "axis -3": -3}.get(message, 0)
        with pytest.raises(error, match=message):
            state.shuffle(x, axis, key=key)
    np.testing.assert_array_equal(state.value, before)


# --- Variables -----------------------------------------------------------------------------------


def test_a_variable_is_shuffled_in_one_step_and_owns_the_result(native):
    state, x = RandomState(10), Variable(jnp.arange(12).reshape(6, 2))
    order = order_of_next_draw(state, 6)
    held = x.value  # which the user keeps
    with bm.on_copy("error" if native else "ignore"):
        state.shuffle(x)
        x[0] = -1  # in place: nobody else holds the result
    assert held.tolist() == np.arange(12).reshape(6, 2).tolist()
    assert x[1:].tolist() == held[order][1:].tolist()
    assert not native or not x.inplace_stats().copies


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("kind", [Variable, JaxArray])
def test_a_key_of_the_users_own(kind, stream):
    state = RandomState(11, stream=stream)
    before = np.asarray(state.value)
    key = np.array([8, 9], np.uint32)
    x, y = kind(jnp.arange(30.0)), np.arange(30.0)
    state.shuffle(x, key=key)
    state.shuffle(y, key=key)
    np.testing.assert_array_equal(state.value, before)
    with threefry_partitionable(stream == "partitionable"):
        expected = jax.random.permutation(key, jnp.arange(30.0))
        chosen = jax.random.choice(key, 2000, (3, 4), replace=False)
    np.testing.assert_array_equal(x.value, expected)
    np.testing.assert_array_equal(y, expected)
    drawn = state.choice(2000, (3, 4), replace=False, key=key)
    assert drawn.dtype == chosen.dtype
    np.testing.assert_array_equal(drawn.value, chosen)


def test_shuffles_within_transforms_give_the_eager_numbers():
    def eager():
        state, x = RandomState(12), Variable(jnp.arange(40))
        for _ in range(3):
            state.shuffle(x)
        return x.tolist(), state.value.tolist()

    state, x = RandomState(12), Variable(jnp.arange(40))
    step = bm.jit(lambda: state.shuffle(x))
    for _ in range(3):
        step()
    assert (x.tolist(), state.value.tolist()) == eager()

    state, x = RandomState(12), Variable(jnp.arange(40))
    bm.for_loop(lambda i: state.shuffle(x), jnp.arange(3))
    assert (x.tolist(), state.value.tolist()) == eager()


def test_a_choice_without_replacement_draws_no_more_than_it_needs():
    state = RandomState(13)
    order = order_of_next_draw(state, 5000)
    text = str(jax.make_jaxpr(lambda key: ops.permutation_indices(key, 5000, first=7))(state.value))
    assert "i32[7]" in text
    assert "i32[5000]" not in text
    assert state.choice(5000, 7, replace=False).tolist() == order[:7].tolist()


def test_permutations_of_python_integers():
    state = RandomState(14)
    order = order_of_next_draw(state, 50)
    assert state.permutation(50).tolist() == order.tolist()
    assert state.permutation(-2).shape == state.permutation(0).shape == (0,)
    assert RandomState(14).permutation(np.int64(50)).tolist() == order.tolist()
    with pytest.raises(ValueError, match="axis 1"):
        state.permutation(5, axis=1)


def test_elements_that_only_numpy_holds():
    for words in (
        ["heads", "tails"],
        np.array([None, "x", (1, 2)], object),
        np.array([0, 9], "M8[D]"),
    ):
        words = np.asarray(words)
        state, indices = RandomState(3), RandomState(3)
        drawn = state.choice(words, (2, 3))
        assert type(drawn) is np.ndarray
        assert drawn.dtype == words.dtype
        np.testing.assert_array_equal(drawn, words[np.asarray(indices.choice(len(words), (2, 3)))])
        np.testing.assert_array_equal(
            state.permutation(words), words[np.asarray(indices.permutation(len(words)))]
        )
    with pytest.raises(TypeError, match="inside a compiled function"):
        jit(lambda: state.choice(["a", "b"]))()
    np.testing.assert_array_equal(state.value, indices.value)


@pytest.mark.parametrize("elements", [np.array([2**40, 1]), np.array([1e300, 2.0])])
def test_elements_that_do_not_fit_into_32_bits(elements):
    state = RandomState(0)
    for draw in (state.permutation, state.choice):
        with pytest.raises(OverflowError, match="does not fit"):
            draw(elements)
    np.testing.assert_array_equal(state.value, [0, 0])
    with enable_x64(True):
        assert state.choice(elements[:1]) == elements[0]
