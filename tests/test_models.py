"""Models as a user writes them: what surprised somebody once, and must not again."""

import copy
import pickle

import numpy as np
import pytest

import brainvar as bp
import brainvar.math as bm


class Counter(bp.Base):
    def __init__(self):
        super().__init__()
        self.n = bm.Variable(0)
        self.total = np.zeros(2)
        self.compiled = bm.jit(self.plain_count)

    def plain_count(self):
        self.n += 1
        return self.n + 0

    @bm.jit
    def count(self, by):
        self.n += by
        return self.n + 0

    def add_to_total(self):
        self.total += 1


def test_a_decorated_method_of_a_temporary_object():
    assert Counter().count(3) == 3
    count = Counter().count
    assert [int(count(1)), int(count(1))] == [1, 2]


@pytest.mark.parametrize("clone", [lambda x: pickle.loads(pickle.dumps(x)), copy.deepcopy])
def test_an_object_that_holds_a_compiled_method_can_be_pickled_and_copied(clone):
    held = Counter()
    assert held.compiled() == 1
    again = clone(held)
    assert again.compiled() == 2
    assert (int(held.n), int(again.n)) == (1, 2)
    assert pickle.loads(pickle.dumps(held.count)).__self__.n == 1


def test_augmented_assignment_to_a_numpy_attribute_inside_a_transform():
    with pytest.raises(bp.StaticChangeError, match="'total'"):
        bm.jit(Counter().add_to_total)()


def test_a_random_state_without_a_seed_inside_a_transform():
    rng = bm.random.RandomState(0)
    for draw in (lambda: bm.random.RandomState().random(), lambda: rng.seed()):
        with pytest.raises(bp.StaticChangeError, match="without a seed"):
            bm.jit(draw)()


@pytest.mark.parametrize("backend", ["jax", "numpy"])
def test_a_random_state_as_seed_hands_on_its_stream(backend):
    with bm.backend(backend):
        first = bm.random.RandomState(3, stream="partitionable")
        second = bm.random.RandomState(first)
        assert second.stream == "partitionable"
        np.testing.assert_array_equal(first.random(5), second.random(5))
        assert bm.random.RandomState(first, stream="original").stream == "original"


def test_a_list_of_numbers_is_a_value_for_a_variable():
    model = Counter()
    model.v = held = bm.Variable([1.0, 2.0])
    model.v = [3.0, 4.0]
    assert model.v is held
    np.testing.assert_array_equal(held, [3.0, 4.0])
    model.v = [bm.Variable(0.0)]
    assert "v.0" in model.vars("relative")


def test_add_events_keeps_the_shape():
    v = bm.Variable(bm.zeros(5))
    spikes = np.array([[True], [False]])
    with pytest.raises(ValueError, match=r"keeps its shape.*\(2, 5\)"):
        v.add_events(spikes, np.array([[0, 1]]), 1.0)
    with pytest.raises(ValueError, match=r"keeps its shape.*\(2, 5\)"):
        v.add_events_csr(spikes, np.array([0, 2]), np.array([0, 1]), 1.0)
    assert v.shape == (5,)
    batch = bm.Variable(bm.zeros((2, 5)))
    batch.add_events(spikes, np.array([[0, 1]]), 1.0)
    np.testing.assert_array_equal(batch, [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2**31, None),
        ([2**40, 1], None),
        (np.array([2**40]), None),
        (300, "uint8"),
        (-1, "uint8"),
        (2**64, None),
    ],
)
def test_a_first_value_that_the_dtype_does_not_hold_is_an_error(value, dtype):
    with pytest.raises(OverflowError, match="cannot hold"):
        bm.Variable(value, dtype)


@pytest.mark.parametrize("backend", ["jax", "numpy"])
def test_what_was_read_before_a_write_stays_on_both_backends(backend):
    class Crossing(bp.Base):
        def __init__(self):
            super().__init__()
            self.v = bm.Variable(bm.zeros(1))

        def step(self, x):
            last = self.v.value
            self.v.value = self.v + x
            return (last < 1.0) & (self.v.value >= 1.0)

    with bm.backend(backend):
        crossed = bm.for_loop(Crossing().step, bm.full(4, 0.4))
    np.testing.assert_array_equal(np.asarray(crossed).ravel(), [False, False, True, False])


def test_unroll_must_be_positive():
    with pytest.raises(ValueError, match="unroll must be a positive integer, got 0"):
        bm.for_loop(lambda x: x, bm.ones(3), unroll=0)
