"""The numpy backend's Variable: a pointer to a `numpy.ndarray` under the rules of assignment."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
import brainvar.math.numpy as bn


class Gate(bm.numpy.Variable):
    """A subclass with parameters of its own, at the top level so that it can be pickled."""

    def __init__(self, size, slope):
        super().__init__(np.zeros(size), name="gate")
        self.slope = slope


@pytest.fixture
def v():
    return bn.Variable(np.arange(4.0), name="v")


def test_ndarray_is_that_of_numpy():
    assert bm.numpy.ndarray is np.ndarray
    assert bm.numpy.Array is np.ndarray
    assert issubclass(bn.Variable, np.ndarray)
    assert issubclass(bn.TrainVar, bn.Variable)
    assert issubclass(bn.Parameter, bn.Variable)
    assert issubclass(bn.RandomState, bn.Variable)


@pytest.mark.parametrize("value", [5, 2.5, [1, 2, 3], (1.0, 2.0), np.eye(2), [[1], [2]], True])
def test_a_variable_is_what_it_is_given(value):
    v = bn.Variable(value)
    np.testing.assert_array_equal(v.value, np.array(value))
    assert v.dtype == np.array(value).dtype
    assert type(v.value) is np.ndarray


def test_arguments_of_a_variable():
    assert bn.Variable([1, 2], dtype=np.float32).dtype == np.float32
    assert bn.Variable(jnp.ones(2)).shape == (2,)
    assert bn.Variable(bm.jax.Variable([1.0])).shape == (1,)
    tagged = bn.Variable(0.0, type="gain", name="g")
    assert (tagged.type, tagged.name) == ("gain", "g")
    for wrong in ("text", [1, None], object()):
        with pytest.raises((TypeError, ValueError)):
            bn.Variable(wrong)


def test_a_variable_owns_its_memory():
    x = np.zeros(3)
    v = bn.Variable(x)
    x[:] = 1
    np.testing.assert_array_equal(v, [0, 0, 0])
    v[:] = 2
    np.testing.assert_array_equal(x, [1, 1, 1])


def test_what_was_read_stays_as_it_was(v):
    reads = [
        lambda: v.value,
        lambda: v[...],
        lambda: v[:2],
        lambda: v.T,
        lambda: v.reshape(-1),
        lambda: v.ravel(),
        lambda: np.reshape(v, -1),
        lambda: np.squeeze(v),
        lambda: v.real,
    ]
    held = [read() for read in reads]
    before = [x.copy() for x in held]
    v[1] = 8
    v += 1
    v.value = v * 2
    for x, old in zip(held, before, strict=True):
        assert type(x) is np.ndarray
        np.testing.assert_array_equal(x, old)
    np.testing.assert_array_equal(v.value, v)


def test_a_value_that_was_read_cannot_be_mistaken_for_the_variable(v):
    with pytest.raises(ValueError, match="read-only"):
        v.value[0] = 7


def test_values_can_be_swapped_as_on_the_jax_backend():
    a, b = bn.Variable(np.zeros(2)), bn.Variable(np.ones(2))
    a.value, b.value = b.value, a.value
    np.testing.assert_array_equal(a, 1)
    np.testing.assert_array_equal(b, 0)


@pytest.mark.parametrize(
    "operation",
    [
        lambda v: v + 1,
        lambda v: 1 + v,
        lambda v: v * v,
        lambda v: -v,
        lambda v: abs(v),
        lambda v: v**2,
        lambda v: v == v,
        lambda v: v < 2,
        lambda v: divmod(v, 2)[0],
        lambda v: v @ np.eye(4),
        lambda v: v[1:],
        lambda v: v[v > 1],
        lambda v: v[[0, 1]],
        lambda v: v.T,
        lambda v: v.real,
        lambda v: v.reshape(2, 2),
        lambda v: v.copy(),
        lambda v: v.astype(int),
        lambda v: v.view(),
        lambda v: v.cumsum(),
        lambda v: v.flatten(),
        lambda v: v.take([0]),
        lambda v: v.repeat(2),
        lambda v: v.round(),
        lambda v: v.argsort(),
        lambda v: np.sin(v),
        lambda v: np.add.outer(v, v),
        lambda v: np.concatenate([v, v]),
        lambda v: np.where(v > 1, v, 0),
        lambda v: np.zeros_like(v),
        lambda v: np.sort(v),
        lambda v: np.fft.fft(v),
        lambda v: np.asarray(v),
        lambda v: np.add.accumulate(v),
        lambda v: next(iter(v.reshape(2, 2))),
        lambda v: np.linalg.norm(v, keepdims=True),
        lambda v: np.fromiter(v, float),
    ],
)
def test_operations_give_plain_arrays(v, operation):
    got = operation(v)
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, operation(np.arange(4.0)))
    assert type(v) is bn.Variable


@pytest.mark.parametrize(
    "operation",
    [
        lambda v: v.sum(),
        lambda v: v.mean(),
        lambda v: v[2],
        lambda v: np.max(v),
        lambda v: np.dot(v, v),
        lambda v: v.dot(v),
        lambda v: np.linalg.norm(v),
        lambda v: (v == v).all(),
        lambda v: v.argmax(),
        lambda v: v.item(1),
        lambda v: len(v),
        lambda v: 2.0 in v,
        lambda v: next(iter(v)),
    ],
)
def test_reductions_and_elements_are_plain_scalars(v, operation):
    got, expected = operation(v), operation(np.arange(4.0))
    assert type(got) is type(expected)
    assert got == expected


def test_rows_of_a_variable_are_plain():
    v = bn.Variable(np.eye(3))
    assert [type(row) for row in v] == [np.ndarray] * 3
    assert type(v[0]) is np.ndarray


def test_augmented_operators_keep_the_variable(v):
    same = v
    v += 1
    v *= 2
    v -= [1, 1, 1, 1]
    v /= 4
    v **= 2
    v //= 1
    v %= 3
    assert v is same
    assert type(v) is bn.Variable
    i = bn.Variable([1, 2])
    i |= 4
    i <<= 1
    np.testing.assert_array_equal(i, [10, 12])
    with pytest.raises(TypeError):
        i += 1.5
    np.testing.assert_array_equal(i, [10, 12])


def test_writes_through_numpy(v):
    assert np.add(v, 1, out=v) is v
    assert np.cumsum(v, out=v) is v
    assert v.clip(0, 5, out=v) is v
    assert np.divmod(v, 2, out=(v, np.empty(4)))[0] is v
    np.add.at(v, [0, 0], 5)
    np.testing.assert_array_equal(v, [10, 1, 2, 2])
    v.sort()
    np.copyto(v[:2], 9)
    v.fill(3)
    v.put([0], 1)
    v.flat = [4, 3, 2, 1]
    np.testing.assert_array_equal(v.value, [4, 3, 2, 1])
    v.real = 0
    np.testing.assert_array_equal(v, 0)
    a = np.zeros(4)
    a += v + 1
    assert type(a) is np.ndarray


def test_assignment_broadcasts_and_casts_same_kind():
    v = bn.Variable(np.zeros((2, 2), np.float32))
    for new in (1, 2.5, True, np.float64(3), np.ones(2), [[1], [2]], jnp.ones((2, 2))):
        v.value = new
        assert (v.shape, v.dtype) == ((2, 2), np.float32)
        np.testing.assert_array_equal(v, np.broadcast_to(np.asarray(new), (2, 2)))
    v.update(7)
    np.testing.assert_array_equal(v, 7)
    u = bn.Variable(np.zeros(1, np.uint8))
    u.value = 200
    with pytest.raises(OverflowError):
        u.value = 256


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.zeros(3), ValueError, r"int32\[2\] named 'n'.*shape \(3,\).*dtype"),
        (np.zeros((2, 2), int), ValueError, r"shape \(2,\) and dtype int32.*shape \(2, 2\)"),
        (1.5, TypeError, "named 'n'.*dtype int32.*float64.*same_kind"),
        (np.ones(2), TypeError, r"dtype int32 and shape \(2,\).*float64 and shape \(2,\)"),
        (1j, TypeError, "complex128"),
        ("a", TypeError, "cannot take 'a'"),
        (None, TypeError, "cannot take None"),
    ],
)
def test_other_assignments_are_errors(value, error, words):
    v = bn.Variable(np.array([1, 2], np.int32), name="n")
    if error is ValueError:
        value = value.astype(int)
    with pytest.raises(error, match=words):
        v.value = value
    np.testing.assert_array_equal(v, [1, 2])


def test_elements_follow_the_same_rules():
    v = bn.Variable([1, 2, 3], name="n")
    with pytest.raises(TypeError, match="named 'n'"):
        v[0] = 1.5
    with pytest.raises(IndexError):
        v[3] = 1
    v[bn.Variable([0, 1])] = bn.Variable([7, 8])
    np.testing.assert_array_equal(v, [7, 8, 3])
    v[jnp.array(2)] = jnp.array(9)
    np.testing.assert_array_equal(v, [7, 8, 9])


def test_shape_and_dtype_are_kept(v):
    with pytest.raises(AttributeError):
        v.shape = (2, 2)
    with pytest.raises(AttributeError):
        v.dtype = int
    with pytest.raises(ValueError, match="keeps its shape"):
        v.resize(5)


def test_a_variable_is_a_key_by_identity(v):
    w = bn.Variable(v)
    assert len({v, w, v}) == 2
    assert {v: 1}[v] == 1
    assert v in [v, w]


def test_repr():
    assert repr(bn.Variable([0.5, 1])) == "Variable([0.5, 1. ])"
    assert repr(bn.TrainVar(np.float32([1]))) == "TrainVar([1.], dtype=float32)"
    assert repr(Gate(2, 1)) == "Gate([0., 0.])"
    assert str(bn.Variable([1, 2])) == "[1 2]"
    assert f"{bn.Variable(0.5):.2f}" == "0.50"


@pytest.mark.parametrize(
    "clone",
    [
        copy.copy,
        copy.deepcopy,
        *(lambda v, p=p: pickle.loads(pickle.dumps(v, p)) for p in range(2, 6)),
    ],
)
def test_copies_keep_the_class_and_the_attributes(clone):
    gate = Gate(2000, slope=[3])
    gate[5] = 1
    again = clone(gate)
    assert type(again) is Gate
    assert (again.slope, again.name, again.type) == ([3], "gate", "")
    np.testing.assert_array_equal(again, gate)
    # The copy's value is the copy, and not stale.
    again += 1
    np.testing.assert_array_equal(again.value, gate.value + 1)
    assert gate[0] == 0


def test_deep_copies_keep_references(v):
    v.friend = v
    again = copy.deepcopy([v, v])
    assert again[0] is again[1]
    assert again[0].friend is again[0]


def test_issametype():
    a, b = bn.Variable(0.0, type="x"), bn.Variable(1.0, type="x")
    assert a.issametype(b)
    assert not a.issametype(bn.Variable(0.0))
    assert not a.issametype(bn.TrainVar(0.0, type="x"))
    assert not a.issametype(np.zeros(1))
    assert not a.issametype(bm.jax.Variable(0.0, type="x"))


def test_meeting_the_other_backend(v):
    w = bm.jax.Variable(jnp.ones(4))
    assert isinstance(w + v, bm.JaxArray)
    assert isinstance(v + w, bm.JaxArray)
    np.testing.assert_array_equal(np.asarray(v + w), [1, 2, 3, 4])
    assert isinstance(jnp.sin(v), jax.Array)
    assert isinstance(bm.jax.sin(v), bm.JaxArray)
    v.value = w
    np.testing.assert_array_equal(v, [1, 1, 1, 1])


def test_integers_are_judged_as_in_the_jax_backend():
    v = bn.Variable(np.zeros(2, np.uint8))
    for number in (300, [300, 1], [-1, 0]):
        with pytest.raises(OverflowError, match="cannot hold"):
            v.value = number
    v.value = [255, 0]
    for array in (np.array([1, 2], np.int8), jnp.array([1, 2], jnp.int8)):
        with pytest.raises(TypeError, match="same_kind"):
            v.value = array
    np.testing.assert_array_equal(v, [255, 0])


def test_softmax_of_nothing():
    for name in ("softmax", "log_softmax", "softmin"):
        assert getattr(bn, name)(np.zeros((2, 0), np.float32)).shape == (2, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda v: v.fill(1.9),
        lambda v: v.put(0, 1.9),
        lambda v: np.put(v, 0, 1.9),
        lambda v: np.add.at(v, 0, 1.9),
        lambda v: v.add_at(0, 1.9),
    ],
)
def test_methods_that_write_follow_the_rules_of_assignment(write):
    v = bn.Variable(np.array([1, 2, 3]))
    with pytest.raises(TypeError, match="same_kind"):
        write(v)
    np.testing.assert_array_equal(v, [1, 2, 3])


def test_what_concerns_buffers_is_there_for_models_that_use_it():
    v = bn.Variable(np.zeros(2))
    v.fill(2)
    v.put([0], 5)
    np.put(v, [1], 6)
    np.add.at(v, [0, 0], 1)
    assert v.block_until_ready() is v
    assert v.inplace_stats().copies == {}
    np.testing.assert_array_equal(v, [7, 6])
