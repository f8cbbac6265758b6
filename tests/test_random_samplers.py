"""The samplers' numbers: against `jax.random` with the same subkey, and against their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math.numpy.random as host_random
from brainvar import ops
from brainvar._compat import JAX_VERSION, enable_x64, threefry_partitionable
from brainvar.core.array import JaxArray
from brainvar.core.errors import RawTransformError
from brainvar.core.variable import TrainVar, Variable
from brainvar.random import RandomState

pytestmark = pytest.mark.slow  # a compilation for each sampler, dtype and stream

STREAMS = ("original", "partitionable")


@pytest.fixture(params=STREAMS)
def stream(request):
    """A counter layout, with `jax.random` set to the same one."""
    with threefry_partitionable(request.param == "partitionable"):
        yield request.param


def draw_with_key(stream, seed=42):
    """Return a state and the key that its next draw uses."""
    state = RandomState(seed, stream=stream)
    return state, ops.split(state.value, 2, stream=stream)[1]


def same(drawn, expected):
    assert drawn.dtype == expected.dtype
    assert drawn.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(drawn), np.asarray(expected))


# --- bit for bit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["random", "random_sample", "ranf", "sample", "uniform"])
def test_unit_uniforms(name, stream):
    state, key = draw_with_key(stream)
    same(getattr(state, name)(size=(3, 5)), jax.random.uniform(key, (3, 5)))


@pytest.mark.parametrize("size", [None, (), 0, 1, 7, (2, 3), (4, 0, 2), [2, 2], np.array([3, 1])])
def test_sizes(size, stream):
    shape = () if size is None else (size,) if isinstance(size, int) else tuple(map(int, size))
    state, key = draw_with_key(stream)
    drawn = state.random(size)
    assert type(drawn) is JaxArray
    same(drawn, jax.random.uniform(key, shape))


@pytest.mark.parametrize("size", [np.int64(3), np.uint8(3), np.array(3), jnp.array(3), JaxArray(3)])
def test_numpy_integers_as_sizes(size):
    assert RandomState(0).random(size).shape == (3,)
    assert RandomState(0).normal(size=(size, 2)).shape == (3, 2)


@pytest.mark.parametrize("dtype", ["float16", jnp.bfloat16, np.float32, "float32"])
def test_unit_uniforms_of_other_dtypes(dtype, stream):
    state, key = draw_with_key(stream)
    same(state.random(9, dtype=dtype), jax.random.uniform(key, (9,), jnp.dtype(dtype)))


def test_64_bit_defaults(stream):
    with enable_x64(True):
        for draw, expected in (
            (lambda s: s.random(5), lambda k: jax.random.uniform(k, (5,))),
            (lambda s: s.randint(9, size=5), lambda k: jax.random.randint(k, (5,), 0, 9)),
            (lambda s: s.permutation(6), lambda k: jax.random.permutation(k, 6)),
            (lambda s: s.choice(6, 5), lambda k: jax.random.choice(k, 6, (5,))),
            (lambda s: s.bernoulli(0.3, 5), lambda k: jax.random.bernoulli(k, 0.3, (5,))),
            (
                lambda s: s.random(5, dtype="float32"),
                lambda k: jax.random.uniform(k, (5,), "float32"),
            ),
        ):
            state, key = draw_with_key(stream)
            same(draw(state), expected(key))
        assert RandomState(0).normal(0.0, 2.0, 3).dtype == np.float64
        assert RandomState(0).normal(0.0, 2.0, 3, dtype=np.float32).dtype == np.float32
    assert RandomState(0).normal(0.0, 2.0, 3).dtype == np.float32
    assert RandomState(0).randint(3, dtype=int).dtype == np.int32


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 2), (0, 7), (-3, 1000), (-(2**31), 2**31 - 1), (-(2**31), 0), (5, 6), (0, 2**30)],
)
def test_integers(low, high, stream):
    state, key = draw_with_key(stream)
    same(state.randint(low, high, (4, 5)), jax.random.randint(key, (4, 5), low, high))


def test_integers_over_the_whole_range_are_the_bits(stream):
    for dtype in (np.int32, np.uint32):
        info = np.iinfo(dtype)
        state, key = draw_with_key(stream)
        lower = ops.split(key, 2, stream=stream)[1]
        expected = np.asarray(ops.bits(lower, 50, stream=stream)).astype(np.int64) + info.min
        drawn = state.randint(info.min, int(info.max) + 1, 50, dtype=dtype)
        assert drawn.dtype == dtype
        np.testing.assert_array_equal(np.asarray(drawn).astype(np.int64), expected)


@pytest.mark.parametrize(
    ("dtype", "x64"),
    [
        *(
            (dtype, x64)
            for dtype in ("int8", "uint8", "int16", "uint16", "uint32")
            for x64 in (0, 1)
        ),
        ("int64", True),
        ("uint64", True),
    ],
)
def test_integers_of_other_dtypes(dtype, x64, stream):
    with enable_x64(bool(x64)):
        if JAX_VERSION < (0, 9) and np.dtype(dtype).itemsize < 4:
            jax.config.update("jax_safer_randint", True)  # the only rule of later versions
        state, key = draw_with_key(stream)
        same(state.randint(3, 100, 50, dtype=dtype), jax.random.randint(key, (50,), 3, 100, dtype))
        info = np.iinfo(dtype)
        drawn = np.asarray(state.randint(info.min, int(info.max) + 1, 4000, dtype=dtype))
        assert len(np.unique(drawn)) > min(250, int(info.max) - int(info.min))
        assert drawn.min() < info.min + int(info.max) / 50
        assert drawn.max() > info.max - int(info.max) / 50


def test_truth_values_as_integers():
    drawn = RandomState(0).randint(0, 2, 100, dtype=bool)
    assert drawn.dtype == np.bool_
    same(drawn, RandomState(0).randint(0, 2, 100).astype(bool))


def test_integers_with_array_bounds(stream):
    low, high = np.array([[0], [10], [-5]]), np.array([20, 30, 40, 50])
    state, key = draw_with_key(stream)
    same(state.randint(low, high), jax.random.randint(key, (3, 4), low, high))
    drawn = state.randint([5, 6, 7])
    assert drawn.shape == (3,)
    assert RandomState(0).randint(np.array([], int)).shape == (0,)
    state, key = draw_with_key(stream)
    same(
        state.randint(jnp.array([3, 4]), 9, (6, 2)),
        jax.random.randint(key, (6, 2), jnp.array([3, 4]), 9),
    )


def test_random_integers_include_the_upper_bound():
    drawn = np.asarray(RandomState(0).random_integers(3, size=200))
    assert set(drawn.tolist()) == {1, 2, 3}
    same(RandomState(0).random_integers(-2, 4, 9), RandomState(0).randint(-2, 5, 9))
    assert RandomState(0).random_integers(2**31 - 1, 2**31 - 1).item() == 2**31 - 1
    assert RandomState(0).random_integers([1, 2], [1, 2]).tolist() == [1, 2]


def test_bernoulli(stream):
    for p, size, shape in (
        (0.3, 20, (20,)),
        (0.5, None, ()),
        (np.array([0.0, 0.5, 1.0]), None, (3,)),
        (np.array([0.1, 0.9]), (4, 2), (4, 2)),
        (jnp.array([0.1, 0.9], jnp.float16), (4, 2), (4, 2)),
    ):
        state, key = draw_with_key(stream)
        drawn = state.bernoulli(p, size)
        same(drawn, jax.random.bernoulli(key, p, shape))
    assert RandomState(0).bernoulli(1, 50).all()
    assert not RandomState(0).bernoulli(0, 50).any()
    same(RandomState(0).bernoulli(size=9), RandomState(0).bernoulli(0.5, 9))


@pytest.mark.parametrize("n", [0, 1, 2, 10, 3000])
def test_permutation_of_integers(n, stream):
    state, key = draw_with_key(stream)
    same(state.permutation(n), jax.random.permutation(key, n))


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((7,), 0), ((5, 3), 0), ((5, 3), 1), ((2, 4, 3), -1)])
def test_permutation_of_arrays(shape, axis, independent, stream):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    before = x.copy()
    for given in (x, jnp.asarray(x), JaxArray(x), Variable(x), x.tolist()):
        state, key = draw_with_key(stream)
        drawn = state.permutation(given, axis, independent)
        assert type(drawn) is JaxArray
        same(drawn, jax.random.permutation(key, jnp.asarray(x), axis, independent))
    assert np.array_equal(x, before)


@pytest.mark.parametrize("replace", [True, False])
def test_choice(replace, stream):
    x = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    for a, size, axis, shape in (
        (10, 4, 0, (4,)),
        (10, None, 0, ()),
        (10, (2, 3), 0, (2, 3)),
        (np.int64(10), 4, 0, (4,)),
        (x[:, 0], 3, 0, (3,)),
        (x, 2, 0, (2,)),
        (x, None, 1, ()),
        (x, (2, 1), 1, (2, 1)),
    ):
        state, key = draw_with_key(stream)
        expected = jax.random.choice(key, a, shape, replace, axis=axis)
        same(state.choice(a, size, replace, axis=axis), expected)
    state, key = draw_with_key(stream)
    same(state.choice(Variable(x[0]), 3, replace), jax.random.choice(key, x[0], (3,), replace))


# --- by formula ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, "float16", jnp.bfloat16])
def test_normals_are_those_of_ops(dtype, stream):
    state, key = draw_with_key(stream)
    same(state.standard_normal((3, 4), dtype=dtype), ops.normal(key, (3, 4), dtype, stream=stream))
    state, key = draw_with_key(stream)
    same(state.randn(3, 4, dtype=dtype), ops.normal(key, (3, 4), dtype, stream=stream))
    state, key = draw_with_key(stream)
    same(state.normal(size=(3, 4), dtype=dtype), ops.normal(key, (3, 4), dtype, stream=stream))


def test_normals_are_close_to_those_of_jax(stream):
    state, key = draw_with_key(stream)
    np.testing.assert_allclose(
        state.standard_normal(10_000), jax.random.normal(key, (10_000,)), rtol=1e-5, atol=1e-7
    )


def test_scaled_samplers(stream):
    state, key = draw_with_key(stream)
    z = np.asarray(ops.normal(key, 20, stream=stream))
    np.testing.assert_allclose(state.normal(-3.0, 0.5, 20), z * 0.5 - 3.0, rtol=1e-6, atol=1e-6)
    state, key = draw_with_key(stream)
    u = np.asarray(ops.uniform(key, 20, stream=stream))
    np.testing.assert_allclose(state.uniform(-2, 5.0, 20), u * 7 - 2, rtol=1e-6, atol=1e-6)
    state, key = draw_with_key(stream)
    np.testing.assert_allclose(
        state.exponential(2.5, 20), 2.5 * np.asarray(jax.random.exponential(key, (20,))), rtol=1e-6
    )
    state, key = draw_with_key(stream)
    np.testing.assert_allclose(
        state.standard_exponential(20), jax.random.exponential(key, (20,)), rtol=1e-6
    )


def test_truncated_normals(stream):
    state, key = draw_with_key(stream)
    np.testing.assert_allclose(
        state.truncated_normal(-1.0, 2.0, 500),
        jax.random.truncated_normal(key, -1.0, 2.0, (500,)),
        rtol=1e-5,
        atol=1e-6,
    )
    state, key = draw_with_key(stream)
    expected = jax.random.truncated_normal(key, -1.0, 1.0, (500,)) * 3 + 10
    drawn = state.truncated_normal(7.0, 13.0, 500, 10.0, 3.0)
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)
    assert (np.asarray(drawn) > 7).all()
    assert (np.asarray(drawn) < 13).all()


def test_truncated_normals_with_an_open_side_are_finite():
    drawn = np.asarray(RandomState(0).truncated_normal(-np.inf, [0.0, 3.0], (100_000, 2)))
    assert np.isfinite(drawn).all()
    assert (drawn < [0.0, 3.0]).all()
    assert np.isfinite(np.asarray(RandomState(0).truncated_normal(-np.inf, np.inf, 100_000))).all()


@pytest.mark.parametrize("replace", [True, False])
def test_weighted_choice_is_that_of_jax(replace, stream):
    p = np.array([0.1, 0.0, 0.4, 0.2, 0.3])
    for a, size in ((5, 4), (np.arange(5.0), (2, 2)), (5, None)):
        state, key = draw_with_key(stream)
        shape = () if size is None else (size,) if isinstance(size, int) else size
        expected = jax.random.choice(key, a, shape, replace, jnp.asarray(p))
        drawn = state.choice(a, size, replace, p)
        same(drawn, expected)
        assert 1 not in np.asarray(drawn)


# --- parameters that are arrays ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (lambda s: s.normal(loc=np.zeros(3)), (3,)),
        (lambda s: s.normal([0.0, 100.0]), (2,)),
        (lambda s: s.normal(np.zeros((2, 1)), np.ones(3)), (2, 3)),
        (lambda s: s.normal(JaxArray(np.zeros(4)), Variable(np.ones(4))), (4,)),
        (lambda s: s.normal(jnp.zeros(2), size=(5, 2)), (5, 2)),
        (lambda s: s.normal(np.zeros((0, 3))), (0, 3)),
        (lambda s: s.normal([]), (0,)),
        (lambda s: s.uniform(np.zeros(3), 2.0), (3,)),
        (lambda s: s.uniform(0.0, [[1.0], [2.0]], (2, 4)), (2, 4)),
        (lambda s: s.exponential(np.ones((2, 2))), (2, 2)),
        (lambda s: s.exponential(scale=2), ()),
        (lambda s: s.bernoulli([0.5, 0.5, 0.5]), (3,)),
        (lambda s: s.truncated_normal([-1.0, -2.0, -3.0], 1.0), (3,)),
        (lambda s: s.truncated_normal(-1.0, 1.0, loc=np.zeros((2, 1)), scale=np.ones(2)), (2, 2)),
        (lambda s: s.normal(np.float64(2.0), np.int32(3)), ()),
        (lambda s: s.rand(), ()),
        (lambda s: s.randn(2, 0), (2, 0)),
    ],
)
def test_one_number_for_each_element(draw, shape):
    drawn = draw(RandomState(3))
    assert drawn.shape == shape
    assert len(np.unique(np.asarray(drawn))) == drawn.size or drawn.dtype == np.bool_


def test_array_parameters_apply_to_their_own_element():
    drawn = RandomState(3).normal([0.0, 1e6, -1e6], [1.0, 0.0, 0.0])
    assert np.asarray(drawn)[1:].tolist() == [1e6, -1e6]
    state = RandomState(3)
    loc = np.array([0.0, 10.0])
    drawn = state.normal(loc, 1.0)
    loc[:] = 1e9  # what is done to an argument later does not reach the draw
    assert (np.abs(np.asarray(drawn) - [0.0, 10.0]) < 6).all()


def test_a_value_does_not_depend_on_how_it_is_given():
    for loc in (
        2,
        2.0,
        np.float32(2),
        np.float64(2),
        np.int8(2),
        np.array(2.0),
        jnp.float32(2),
        True + 1,
    ):
        same(RandomState(9).normal(loc, 3.0, 4), RandomState(9).normal(2.0, 3, (4,)))


def test_new_parameter_values_do_not_compile():
    state = RandomState(0)
    draws = (
        lambda x: state.normal(x, 1.0 + x, 3),
        lambda x: state.uniform(-x, x + 1, 3),
        lambda x: state.randint(-int(x), int(x) + 5, 3),
        lambda x: state.bernoulli(x / 20, 3),
        lambda x: state.exponential(x, 3),
        lambda x: state.choice(int(x) + 3, 3),
        lambda x: state.truncated_normal(-x - 1, x + 1, 3),
    )
    for draw in draws:
        draw(1.5)
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, duration, **_: compiled.append(event) if "backend_compile" in event else None
    )
    for x in (2.5, 3.0, 4.25):
        for draw in draws:
            draw(x)
    assert compiled == []
    state.random((3, 1, 2, 1))
    assert compiled  # the listener works


# --- shuffle -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "axis"), [((6,), 0), ((6, 2), 0), ((3, 6), 1), ((2, 3, 4), -2)])
@pytest.mark.parametrize("kind", [np.array, JaxArray, Variable, TrainVar])
def test_shuffle_works_in_place(kind, shape, axis, stream):
    x = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    given = kind(x)
    state, key = draw_with_key(stream)
    assert state.shuffle(given, axis=axis) is None
    assert type(given) is (np.ndarray if kind is np.array else kind)
    same(given, jax.random.permutation(key, jnp.asarray(x), axis))
    assert x.tolist() == np.arange(x.size).reshape(shape).tolist()
    drawn = np.asarray(given)
    assert sorted(drawn.ravel().tolist()) == list(range(x.size))


def test_shuffle_of_views_lists_and_strings():
    state = RandomState(1)
    base = np.arange(20)
    state.shuffle(base[::2])
    assert base[1::2].tolist() == list(range(1, 20, 2))
    assert base[::2].tolist() != list(range(0, 20, 2))
    items = list("abcdefgh")
    state.shuffle(items)
    assert items != list("abcdefgh")
    assert sorted(items) == list("abcdefgh")
    words = np.array(list("abcdefgh"))
    state.shuffle(words)
    assert sorted(words.tolist()) == list("abcdefgh")


# --- the numpy backend ---------------------------------------------------------------------------

ALL_DRAWS = {
    "random": lambda s: s.random((2, 3)),
    "random_sample": lambda s: s.random_sample(4),
    "ranf": lambda s: s.ranf(4),
    "sample": lambda s: s.sample(4),
    "rand": lambda s: s.rand(2, 2),
    "randn": lambda s: s.randn(2, 2),
    "randint": lambda s: s.randint(-4, 9, (3, 3)),
    "random_integers": lambda s: s.random_integers(9, size=5),
    "uniform": lambda s: s.uniform([1.0, 2.0], 3.0),
    "normal": lambda s: s.normal([1.0, 2.0], 3.0),
    "standard_normal": lambda s: s.standard_normal(5),
    "exponential": lambda s: s.exponential([1.0, 2.0]),
    "standard_exponential": lambda s: s.standard_exponential(),
    "bernoulli": lambda s: s.bernoulli(0.4, 9),
    "truncated_normal": lambda s: s.truncated_normal(-1, 1, 4),
    "permutation": lambda s: s.permutation(7),
    "permutation of array": lambda s: s.permutation(np.arange(6, dtype=np.int32).reshape(3, 2)),
    "independent permutation": lambda s: s.permutation(
        np.arange(6, dtype=np.int32).reshape(3, 2), 1, True
    ),
    "choice": lambda s: s.choice(9, 4),
    "choice of array": lambda s: s.choice(np.arange(9, dtype=np.int32), (2, 2), replace=False),
    "weighted choice": lambda s: s.choice(3, 4, p=[0.2, 0.3, 0.5]),
    "split_key": lambda s: s.split_key(),
    "split_keys": lambda s: s.split_keys(3),
}


@pytest.mark.parametrize("name", ALL_DRAWS)
def test_the_numpy_backend_draws_the_same_numbers(name, stream):
    draw = ALL_DRAWS[name]
    state, other = RandomState(17, stream=stream), host_random.RandomState(17, stream=stream)
    for _ in range(2):
        expected, drawn = draw(state), draw(other)
        assert type(drawn) is np.ndarray
        assert drawn.flags.writeable
        same(drawn, expected)
    assert np.asarray(other.value).tolist() == state.value.tolist()


def test_the_numpy_backend_shuffles_and_keeps_dtypes():
    state = host_random.RandomState(17)
    x = np.arange(6)
    state.shuffle(x)
    y = JaxArray(np.arange(6))
    RandomState(17).shuffle(y)
    assert x.tolist() == y.tolist()
    assert state.choice(np.array([2**40, 2**41]), 3).dtype == np.int64
    assert state.permutation(np.array(["a", "b"])).dtype.kind == "U"
    assert state.choice(np.array([1.5]), None).shape == ()


def test_the_numpy_backend_refuses_traced_parameters():
    with pytest.raises(RawTransformError, match="numpy backend"):
        jax.jit(lambda x: host_random.RandomState(0).normal(x, 1.0))(1.0)
    key, state = np.array([0, 1], np.uint32), host_random.RandomState(0)
    with pytest.raises(TypeError, match="numpy backend"):
        jax.jit(lambda x: state.normal(x, 1.0, key=key))(1.0)
    with pytest.raises(TypeError, match="use_backend"):
        jax.jit(lambda: state.random(key=key))()
