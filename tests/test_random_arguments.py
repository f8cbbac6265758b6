"""What the samplers accept and refuse: signatures, sizes, dtypes, ranges."""

import ast
import inspect
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math.numpy.random as host_random
import brainvar.random as brandom
from brainvar.core.array import JaxArray
from brainvar.random import RandomState
from brainvar.random._functions import FUNCTIONS
from brainvar.transforms.jit import jit


@pytest.fixture(params=[RandomState, host_random.RandomState], ids=["jax", "numpy"])
def state(request):
    return request.param(0)


# --- signatures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rand", "randn"])
def test_dimensions_are_separate_arguments(name):
    first = next(iter(inspect.signature(getattr(brandom, name)).parameters.values()))
    assert first.kind is first.VAR_POSITIONAL


@pytest.mark.parametrize("module", [brandom, host_random])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_signature_and_documentation_of_the_method(name, module):
    function, method = getattr(module, name), getattr(module.RandomState, name)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    assert list(inspect.signature(function).parameters.values()) == parameters
    assert function.__doc__ == method.__doc__
    assert len(function.__doc__.splitlines()) >= 1
    assert function.__name__ == name
    assert function.__module__ == module.__name__


def test_the_stub_is_the_module():
    stub = ast.parse(pathlib.Path(brandom.__file__).with_suffix(".pyi").read_text())
    declared = {node.name: node.args for node in stub.body if isinstance(node, ast.FunctionDef)}
    assert set(declared) == set(FUNCTIONS)
    for name, args in declared.items():
        names = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
        if args.vararg:
            names.insert(len(args.args), args.vararg.arg)
        assert names == list(inspect.signature(getattr(brandom, name)).parameters), name


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (-1, ValueError),
        ((2, -3), ValueError),
        (np.int64(-1), ValueError),
        (2.0, TypeError),
        ((2.0, 3), TypeError),
        ("a", TypeError),
        (True, TypeError),
        (np.array([1.0]), TypeError),
        (((1, 2), 3), TypeError),
    ],
    ids=str,
)
def test_sizes_that_are_refused(state, size, error):
    before = np.array(state.value)
    for draw in (
        lambda: state.random(size),
        lambda: state.normal(1.0, 2.0, size),
        lambda: state.randint(5, size=size),
        lambda: state.bernoulli(0.5, size),
        lambda: state.choice(5, size),
        lambda: state.exponential(np.ones(1), size),
    ):
        with pytest.raises(error, match="size"):
            draw()
    assert np.array_equal(state.value, before)


def test_a_right_size_does_not_let_a_wrong_one_in(state):
    state.random(2)
    state.random((2, 3))
    for wrong in (2.0, (2.0, 3)):
        with pytest.raises(TypeError, match="size"):
            state.random(wrong)


@pytest.mark.parametrize("dn", [((2, 3),), (2.0,), (None,)])
def test_rand_takes_dimensions(state, dn):
    with pytest.raises(TypeError, match="size"):
        state.rand(*dn)
    with pytest.raises(TypeError, match="size"):
        state.randn(*dn)


def test_a_traced_size_says_what_to_do():
    with pytest.raises(TypeError, match="static"):
        jit(lambda n: RandomState(0).random(n))(3)
    with pytest.raises(TypeError, match="static"):
        jit(lambda n: RandomState(0).random((2, n)))(3)
    with pytest.raises(TypeError, match="static"):
        jit(lambda n: RandomState(0).permutation(n))(3)


@pytest.mark.parametrize(
    "draw",
    [
        lambda s: s.normal(np.zeros(3), 1.0, 2),
        lambda s: s.normal(np.zeros((2, 1)), 1.0, (3,)),
        lambda s: s.normal(np.zeros((1, 3)), 1.0, (3,)),
        lambda s: s.uniform(0.0, [1.0, 2.0, 3.0], 2),
        lambda s: s.randint(0, [5, 6], 3),
        lambda s: s.bernoulli([0.5, 0.5], ()),
        lambda s: s.exponential(np.ones(4), (4, 3)),
    ],
)
def test_a_size_must_be_what_the_parameters_broadcast_to(state, draw):
    with pytest.raises(ValueError, match="not compatible"):
        draw(state)


def test_parameters_must_broadcast(state):
    with pytest.raises(ValueError, match="broadcast"):
        state.normal(np.zeros(2), np.ones(3))


# --- dtypes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [int, np.int32, bool, complex, "float8_e4m3fn", "U3"])
def test_floats_need_a_floating_dtype(state, dtype):
    with pytest.raises(TypeError, match="dtype"):
        state.random(2, dtype=dtype)
    with pytest.raises(TypeError, match="dtype"):
        state.normal(1.0, 2.0, dtype=dtype)


@pytest.mark.parametrize("dtype", [float, np.float32, complex, "U3"])
def test_integers_need_an_integer_dtype(state, dtype):
    with pytest.raises(TypeError, match="dtype"):
        state.randint(5, dtype=dtype)


@pytest.mark.parametrize(
    "draw", [lambda s, d: s.random(2, dtype=d), lambda s, d: s.normal(2, dtype=d)]
)
def test_64_bit_floats_without_64_bit_types(draw):
    from brainvar.random import _arguments

    _arguments._float_dtype.cache_clear()
    with pytest.warns(UserWarning, match="jax_enable_x64"):
        assert draw(RandomState(0), np.float64).dtype == np.float32
    assert draw(RandomState(0), float).dtype == np.float32


# --- ranges --------------------------------------------------------------------------------------

INT32 = np.iinfo(np.int32)


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda s: s.normal(scale=-1), ValueError, "scale < 0"),
        (lambda s: s.normal(0.0, -1e-9), ValueError, "scale < 0"),
        (lambda s: s.normal(0, [1.0, -1.0]), ValueError, "scale < 0"),
        (lambda s: s.normal(0, jnp.array([1.0, -1.0])), ValueError, "scale < 0"),
        (lambda s: s.normal(0, JaxArray([1.0, -1.0])), ValueError, "scale < 0"),
        (lambda s: s.exponential(-0.5), ValueError, "scale < 0"),
        (lambda s: s.exponential(np.array([[-0.5]])), ValueError, "scale < 0"),
        (lambda s: s.uniform(0.0, np.inf), OverflowError, "high - low"),
        (lambda s: s.uniform(np.nan, 1.0), OverflowError, "high - low"),
        (lambda s: s.uniform(0, 1e39), OverflowError, "float32"),
        (lambda s: s.uniform(-3e38, 3e38), OverflowError, "float32"),
        (lambda s: s.uniform(0.0, 1e5, dtype="float16"), OverflowError, "float16"),
        (lambda s: s.uniform(0.0, [1.0, np.inf]), OverflowError, "high - low"),
        (lambda s: s.truncated_normal(1.0, 1.0), ValueError, "lower >= upper"),
        (lambda s: s.truncated_normal(0.0, [1.0, -1.0]), ValueError, "lower >= upper"),
        (lambda s: s.truncated_normal(np.nan, 1.0), ValueError, "lower >= upper"),
        (lambda s: s.truncated_normal(0.0, 1.0, scale=0.0), ValueError, "scale <= 0"),
        (lambda s: s.bernoulli(1.5), ValueError, "p < 0, p > 1"),
        (lambda s: s.bernoulli(-0.1), ValueError, "p < 0, p > 1"),
        (lambda s: s.bernoulli(np.nan), ValueError, "NaN"),
        (lambda s: s.bernoulli([0.5, 2.0]), ValueError, "p < 0, p > 1"),
        (lambda s: s.randint(5, 2), ValueError, "low >= high"),
        (lambda s: s.randint(5, 5), ValueError, "low >= high"),
        (lambda s: s.randint(0), ValueError, "low >= high"),
        (lambda s: s.randint(-3), ValueError, "low >= high"),
        (lambda s: s.randint(0, [3, 0]), ValueError, "low >= high"),
        (lambda s: s.randint(jnp.array([0, 5]), 4), ValueError, "low >= high"),
        (lambda s: s.randint(0, 200, dtype=np.int8), ValueError, "high is out of bounds for int8"),
        (lambda s: s.randint(-200, 0, dtype=np.int8), ValueError, "low is out of bounds for int8"),
        (lambda s: s.randint(-1, 3, dtype=np.uint8), ValueError, "low is out of bounds for uint8"),
        (lambda s: s.randint(0, 3, dtype=bool), ValueError, "high is out of bounds for bool"),
        (lambda s: s.randint(0, 2**32 + 1, dtype=np.uint32), ValueError, "high is out of bounds"),
        (lambda s: s.randint(0, 2**40), ValueError, "high is out of bounds for int32"),
        (lambda s: s.randint(np.array([2**40]), 2**41), ValueError, "out of bounds for int32"),
        (lambda s: s.randint([0], [2**70]), ValueError, "out of bounds for int32"),
        (lambda s: s.randint(INT32.min - 1, 0), ValueError, "low is out of bounds"),
        (lambda s: s.random_integers(0), ValueError, "low >= high"),
        (lambda s: s.random_integers(5, 2), ValueError, "low >= high"),
        (lambda s: s.random_integers(2**31), ValueError, "high is out of bounds"),
        (lambda s: s.choice(0), ValueError, "a is empty"),
        (lambda s: s.choice(-1), ValueError, "a is empty"),
        (lambda s: s.choice([]), ValueError, "a is empty"),
        (lambda s: s.choice(3, 5, replace=False), ValueError, "larger sample"),
        (lambda s: s.choice([1, 2], (2, 2), False), ValueError, "larger sample"),
        (lambda s: s.choice(2.5), ValueError, "integer"),
        (lambda s: s.choice(3, p=[0.5, 0.5]), ValueError, "p must hold one probability"),
        (lambda s: s.choice(2, p=[[0.5, 0.5]]), ValueError, "p must hold one probability"),
        (lambda s: s.choice(3, p=[0.5, 0.5, 0.5]), ValueError, "sum to 1"),
        (lambda s: s.choice(3, p=[0.3, 0.3, 0.399999]), ValueError, "sum to 1"),
        (lambda s: s.choice(3, p=[-0.5, 0.5, 1.0]), ValueError, "non-negative"),
        (lambda s: s.choice(3, p=[np.nan, 0.5, 0.5]), ValueError, "NaN"),
        (lambda s: s.choice(3, 3, False, [0.0, 0.5, 0.5]), ValueError, "fewer non-zero"),
        (lambda s: s.choice([[1, 2]], axis=2), ValueError, "axis 2"),
        (lambda s: s.permutation([1, 2], axis=1), ValueError, "axis 1"),
        (lambda s: s.shuffle(np.arange(3), axis=1), ValueError, "axis 1"),
    ],
)
def test_numbers_out_of_range(state, draw, error, words):
    before = np.array(state.value)
    for _ in range(2):  # nothing is remembered of a refusal
        with pytest.raises(error, match=words):
            draw(state)
    assert np.array_equal(state.value, before)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda s: s.normal("a"), "loc"),
        (lambda s: s.normal(1j), "loc"),
        (lambda s: s.normal(None), "loc"),
        (lambda s: s.normal(0.0, {}), "scale"),
        (lambda s: s.normal([[1.0], [1.0, 2.0]]), "loc"),
        (lambda s: s.uniform(jnp.array(1j)), "low"),
        (lambda s: s.exponential(np.array(["a"])), "scale"),
        (lambda s: s.bernoulli("a"), "p must"),
        (lambda s: s.randint(2.5), "high must be an integer"),
        (lambda s: s.randint(0, np.nan), "high must be an integer"),
        (lambda s: s.randint([0.5], 3), "low must be an integer"),
        (lambda s: s.randint("a"), "high must be an integer"),
        (lambda s: s.randint(None), "high must be an integer"),
        (lambda s: s.permutation(2.5), "x must be an integer"),
        (lambda s: s.permutation("ab"), "x must be an integer"),
        (lambda s: s.choice(3, p=["a", "b", "c"]), "p must be"),
        (lambda s: s.shuffle(5), "shuffle needs"),
        (lambda s: s.shuffle((1, 2)), "shuffle needs"),
        (lambda s: s.shuffle(np.array(5)), "at least one dimension"),
        (lambda s: s.shuffle(JaxArray(5)), "at least one dimension"),
        (lambda s: s.shuffle(jnp.arange(3)), "permutation"),
    ],
)
def test_what_is_no_number(state, draw, words):
    with pytest.raises(TypeError, match=words):
        draw(state)


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda s: s.randint(3.0, size=2), (2,)),
        (lambda s: s.randint(np.array([2.0, 3.0])), (2,)),
        (lambda s: s.randint(np.uint64(1), 2**31, size=2), (2,)),
        (lambda s: s.randint(0, 256, 2, dtype=np.uint8), (2,)),
        (lambda s: s.randint(0, 2**32, 2, dtype=np.uint32), (2,)),
        (lambda s: s.randint(INT32.min, INT32.max + 1), ()),
        (lambda s: s.uniform(5, 2, 3), (3,)),
        (lambda s: s.uniform(1, 1), ()),
        (lambda s: s.normal(0, 0), ()),
        (lambda s: s.normal(0, -0.0), ()),
        (lambda s: s.exponential(0), ()),
        (lambda s: s.choice(0, 0), (0,)),
        (lambda s: s.choice([], (0, 2)), (0, 2)),
        (lambda s: s.choice([], 0, p=[]), (0,)),
        (lambda s: s.choice(3, p=np.array([1, 1, 1], np.float32) / np.float32(3)), ()),
        (lambda s: s.choice(3, 2, p=[0, 1, 0]), (2,)),
        (lambda s: s.choice(range(4), 2), (2,)),
        (lambda s: s.permutation(-2), (0,)),
        (lambda s: s.permutation([]), (0,)),
    ],
)
def test_what_numpy_accepts_too(state, draw, shape):
    assert draw(state).shape == shape


def test_not_a_number_is_drawn_as_it_is(state):
    assert np.isnan(np.asarray(state.normal(np.nan, 1.0, 3))).all()
    assert np.isnan(np.asarray(state.normal(0.0, np.nan)))


def test_checks_are_skipped_for_traced_parameters():
    drawn = jit(lambda scale: RandomState(0).normal(0.0, scale, 3))(-1.0)
    assert drawn.shape == (3,)
    empty = jit(lambda low, high: RandomState(0).randint(low, high, 3))(5, 2)
    assert empty.tolist() == [5, 5, 5]
    with pytest.raises(ValueError, match="scale < 0"):
        jit(lambda x: RandomState(0).normal(x, -1.0))(0.0)


def test_traced_bounds_are_clipped_to_the_dtype():
    draw = jax.jit(lambda low, high: RandomState(0).randint(low, high, 2000, dtype="int8").value)
    drawn = np.asarray(draw(-1000, 1000))
    assert drawn.min() == -128
    assert drawn.max() == 127
    draw = jax.jit(lambda high: RandomState(0).randint(0, high, 50, dtype="uint8").value)
    assert np.asarray(draw(jnp.uint32(0))).tolist() == [0] * 50
    assert np.array_equal(draw(jnp.uint32(9)), RandomState(0).randint(0, 9, 50, dtype="uint8"))


@pytest.mark.parametrize("high", [np.uint8(255), np.int32(2**31 - 1), np.int8(-128)])
def test_a_traced_bound_may_be_the_largest_number_of_its_type(high):
    low = np.iinfo(high.dtype).min
    drawn = jit(lambda high: RandomState(0).random_integers(low, high, 50))(high)
    assert np.array_equal(drawn, RandomState(0).random_integers(int(low), int(high), 50))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.int32])
def test_the_dtype_of_a_parameter_is_not_that_of_the_draw(dtype):
    p = jnp.ones(3, dtype)
    drawn = RandomState(0).negative_binomial(5, p if dtype == jnp.int32 else p / 2)
    assert drawn.dtype == np.int32
    expected = RandomState(0).negative_binomial(5, [1.0 if dtype == jnp.int32 else 0.5] * 3)
    assert np.array_equal(drawn, expected)


def test_lists_may_hold_traced_numbers():
    drawn = jit(lambda x: RandomState(0).normal([x, 2.0 * x], 0.0))(3.0)
    assert drawn.tolist() == [3.0, 6.0]
    for draw in (RandomState.randint, RandomState.random_integers):
        drawn = jit(lambda x, draw=draw: draw(RandomState(0), [0, x], [5, 2 * x]))(9)  # noqa: B023
        assert np.array_equal(drawn, draw(RandomState(0), [0, 9], [5, 18]))


def test_an_immutable_array_cannot_be_shuffled_in_jit():
    state = RandomState(0)
    with pytest.raises(TypeError, match="permutation"):
        jit(lambda: state.shuffle(np.arange(3)))()
    assert state.value.tolist() == [0, 0]


@pytest.mark.parametrize("size", [2**70, (2**32, 2**32)])
def test_a_size_beyond_all_arrays(size):
    for draw in (RandomState(0).normal, RandomState(0).random, RandomState(0).poisson):
        with pytest.raises(ValueError, match="more elements than an array can have"):
            draw(size=size)
