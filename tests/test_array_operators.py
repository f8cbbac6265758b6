"""Operators of JaxArray and Variable against NumPy's."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable

pytestmark = pytest.mark.slow  # a compilation for each operator and operand

ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
BITWISE = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
AUGMENTED = {
    operator.add: operator.iadd,
    operator.sub: operator.isub,
    operator.mul: operator.imul,
    operator.truediv: operator.itruediv,
    operator.floordiv: operator.ifloordiv,
    operator.mod: operator.imod,
    operator.pow: operator.ipow,
    operator.and_: operator.iand,
    operator.or_: operator.ior,
    operator.xor: operator.ixor,
    operator.lshift: operator.ilshift,
    operator.rshift: operator.irshift,
}

FLOATS = np.array([3.5, 2.0, 1.25], np.float32)
OTHER_FLOATS = np.array([2.0, 0.5, 3.0], np.float32)
INTS = np.array([5, 3, 6], np.int32)
OTHER_INTS = np.array([1, 2, 3], np.int32)

KINDS = {
    "JaxArray": JaxArray,
    "Variable": Variable,
    "numpy": np.array,
    "jax": jnp.asarray,
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "NumPy scalar": lambda x: x[1],
    "Python scalar": lambda x: x[1].item(),
}


def check(result, expected):
    assert type(result) is JaxArray
    np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-5)
    assert result.shape == np.shape(expected)


def as_numpy(x):
    return np.asarray(x) if isinstance(x, (JaxArray, jax.Array)) else x


@pytest.mark.parametrize("cls", [JaxArray, Variable])
@pytest.mark.parametrize("kind", KINDS)
def test_binary_and_reflected_operators(cls, kind):
    for functions, a, b in [
        (ARITHMETIC + COMPARISONS, FLOATS, OTHER_FLOATS),
        (ARITHMETIC[:3] + BITWISE + COMPARISONS, INTS, OTHER_INTS),
    ]:
        ours, other = cls(a), KINDS[kind](b)
        for function in functions:
            check(function(ours, other), function(a, as_numpy(other)))
            reflected = function(other, ours)
            if kind == "jax":
                # The operator of jax.Array takes what has __jax_array__ and gives its own class.
                assert isinstance(reflected, jax.Array)
                reflected = JaxArray(reflected)
            check(reflected, function(as_numpy(other), a))
        np.testing.assert_array_equal(ours, a)


@pytest.mark.parametrize("cls", [JaxArray, Variable])
def test_divmod(cls):
    for ours, theirs in [
        (divmod(cls(FLOATS), 2.0), divmod(FLOATS, np.float32(2.0))),
        (divmod(7, cls(INTS)), divmod(7, INTS)),
    ]:
        assert isinstance(ours, tuple)
        for x, y in zip(ours, theirs, strict=True):
            check(x, y)


@pytest.mark.parametrize("cls", [JaxArray, Variable])
def test_matmul(cls):
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    b = np.arange(12, dtype=np.float32).reshape(3, 4)
    check(cls(a) @ b, a @ b)
    check(a @ cls(b), a @ b)
    check(a.tolist() @ cls(b), a @ b)
    check(cls(a) @ cls(b), a @ b)


@pytest.mark.parametrize("cls", [JaxArray, Variable])
def test_unary_operators(cls):
    x = np.array([-2, 0, 3], np.int32)
    for function in (operator.neg, operator.pos, operator.abs, operator.invert):
        check(function(cls(x)), function(x))
    check(round(cls(FLOATS), 1), np.round(FLOATS, 1))
    check(~cls(np.array([True, False])), np.array([False, True]))


@pytest.mark.parametrize("cls", [JaxArray, Variable])
@pytest.mark.parametrize("kind", KINDS)
def test_augmented_operators_keep_the_object_and_its_dtype(cls, kind):
    for function, augmented in AUGMENTED.items():
        a, b = (INTS, OTHER_INTS) if function in BITWISE else (FLOATS, OTHER_FLOATS)
        ours = same = cls(a)
        other = KINDS[kind](b)
        ours = augmented(ours, other)
        assert ours is same
        assert ours.dtype == a.dtype
        np.testing.assert_allclose(np.asarray(ours), function(a, as_numpy(other)), rtol=1e-5)


def test_augmented_matmul():
    v = same = Variable(np.eye(2, dtype=np.float32))
    v @= np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    assert v is same
    np.testing.assert_array_equal(v, [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"Variable float32\[2, 2\] cannot take.*shape \(2,\)"):
        v @= np.ones(2, np.float32)


def test_augmented_assignment_to_a_numpy_array_keeps_it():
    a = same = np.ones(3, np.float32)
    a += Variable(np.arange(3, dtype=np.float32))
    a *= JaxArray([2.0, 2.0, 2.0])
    assert a is same
    assert type(a) is np.ndarray
    np.testing.assert_array_equal(a, [2, 4, 6])


def test_augmented_float_on_integers_is_an_error_that_changes_nothing():
    i = Variable(np.arange(3, dtype=np.int32))
    with pytest.raises(TypeError, match=r"int32.*float32.*same_kind"):
        i += 1.5
    with pytest.raises(TypeError, match="same_kind"):
        i /= 2
    with pytest.raises(ValueError, match=r"int32\[3\] cannot take.*shape \(2, 3\)"):
        i += np.ones((2, 3), np.int32)
    np.testing.assert_array_equal(i, [0, 1, 2])


def test_operators_do_not_take_none_strings_or_objects():
    v = Variable([1.0])
    for other in (None, "a", b"a", object()):
        with pytest.raises(TypeError, match="unsupported operand"):
            v + other
        with pytest.raises(TypeError, match="unsupported operand"):
            other - v
        with pytest.raises(TypeError, match="unsupported operand"):
            v += other
    assert (v == "a") is False
    assert (v != None) is True  # noqa: E711


def test_another_class_may_take_the_operation_over():
    class Other:
        def __radd__(self, x):
            return "radd"

    assert Variable([1.0]) + Other() == "radd"


def test_a_list_may_hold_arrays_of_any_class():
    v = Variable([1.0, 2.0])
    check(v + [v[0], 5], np.array([2, 7], np.float32))
    got = jax.jit(lambda x: (JaxArray([1.0, 2.0]) * [x, 3.0]).value)(2.0)
    np.testing.assert_array_equal(got, [2, 6])


def test_python_scalars_do_not_widen():
    assert (Variable(np.zeros(1, np.float16)) + 1.0).dtype == np.float16
    assert (Variable(np.zeros(1, np.int8)) * 2).dtype == np.int8
    assert (1 - Variable(np.zeros(1, np.uint8))).dtype == np.uint8


def test_a_numpy_operand_may_change_right_after():
    v = Variable(np.zeros(200_000, np.float32))
    a = np.ones(200_000, np.float32)
    for make in (lambda: v + a, lambda: a + v, lambda: np.add(v, a), lambda: v[0] * a):
        a[:] = 1
        expected = float(make()[0])
        result = make()
        a[:] = 7
        assert float(result.max()) == expected


small = st.integers(-20, 20)
shapes = st.sampled_from([((), (3,)), ((3,), (3,)), ((2, 1), (3,)), ((0,), (1,)), ((1,), ())])


@settings(max_examples=25, deadline=None)
@given(data=st.data(), shape=shapes, dtype=st.sampled_from([np.int32, np.float32]))
def test_arithmetic_agrees_with_numpy(data, shape, dtype):
    draw = lambda s: np.array(  # noqa: E731
        data.draw(st.lists(small, min_size=int(np.prod(s)), max_size=int(np.prod(s)))), dtype
    ).reshape(s)
    a, b = draw(shape[0]), draw(shape[1])
    for function in (operator.add, operator.sub, operator.mul, *COMPARISONS):
        expected = function(a, b)
        result = function(Variable(a), b)
        assert result.shape == expected.shape
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(function(a, Variable(b)), expected)
