"""Samplers of vectors, matrices, categories and bytes, and where a sample is placed."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import brainvar.math.numpy.random as host_random
from brainvar import ops
from brainvar.core.errors import StaticChangeError
from brainvar.random import RandomState
from brainvar.transforms.jit import jit

N = 10_000
MEAN = np.array([1.0, -2.0, 0.5])
COV = np.array([[2.0, 0.6, 0.3], [0.6, 1.0, -0.2], [0.3, -0.2, 0.5]])


@pytest.fixture(params=[RandomState, host_random.RandomState], ids=["jax", "numpy"])
def state(request):
    return request.param(5)


@pytest.mark.parametrize("method", ["svd", "eigh", "cholesky"])
@pytest.mark.parametrize("traced", [False, True])
def test_multivariate_normal(method, traced):
    rng = RandomState(5)

    def draw(cov):
        return rng.multivariate_normal(MEAN, cov, N, method=method)

    drawn = np.asarray((jit(draw) if traced else draw)(jnp.asarray(COV, jnp.float32)))
    assert drawn.shape == (N, 3)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(0), MEAN, atol=5 * np.sqrt(2 / N))
    np.testing.assert_allclose(np.cov(drawn.T), COV, atol=5 * 2 * np.sqrt(2 / N))
    # Whitened, it is standard normal in every direction.
    white = np.linalg.solve(np.linalg.cholesky(COV), (drawn - MEAN).T)
    assert stats.kstest(white.ravel(), "norm").pvalue > 1e-5
    same = rng.multivariate_normal(MEAN, COV, 4, method=method, key=3)
    other = jit(lambda cov: rng.multivariate_normal(MEAN, cov, 4, method=method, key=3))
    np.testing.assert_allclose(same, other(jnp.asarray(COV, jnp.float32)), rtol=1e-4, atol=1e-5)


def test_a_singular_covariance():
    drawn = np.asarray(RandomState(0).multivariate_normal([0.0, 0.0], [[1.0, 1.0], [1.0, 1.0]], 9))
    np.testing.assert_allclose(drawn[:, 0], drawn[:, 1], atol=1e-6)
    assert drawn[:, 0].std() > 0.1


def test_shapes_and_errors_of_multivariate_normal(state):
    assert state.multivariate_normal(MEAN, COV).shape == (3,)
    assert state.multivariate_normal(MEAN, COV, (2, 4)).shape == (2, 4, 3)
    assert state.multivariate_normal([], np.zeros((0, 0)), 2).shape == (2, 0)
    before = np.array(state.value)
    for args, words in (
        ((1.0, COV), "mean must be 1"),
        ((MEAN, MEAN), "cov must be 2"),
        ((MEAN, COV[:2]), "square"),
        ((MEAN, np.eye(2)), "same length"),
        ((MEAN, -COV, None, "raise"), "semidefinite"),
        ((MEAN, np.triu(COV), None, "raise"), "semidefinite"),
        ((MEAN, COV, None, "never"), "check_valid"),
    ):
        with pytest.raises(ValueError, match=words):
            state.multivariate_normal(*args)
        if words != "semidefinite":
            with pytest.raises(ValueError, match=words):
                np.random.RandomState(0).multivariate_normal(*args)
    with pytest.raises(ValueError, match="method"):
        state.multivariate_normal(MEAN, COV, method="lu")
    np.testing.assert_array_equal(np.asarray(state.value), before)
    with pytest.warns(RuntimeWarning, match="semidefinite"):
        state.multivariate_normal(MEAN, -COV)
    state.multivariate_normal(MEAN, -COV, check_valid="ignore")


def test_orthogonal_matrices(state):
    drawn = np.asarray(state.orthogonal(3, 2000))
    assert drawn.shape == (2000, 3, 3)
    np.testing.assert_allclose(
        drawn @ drawn.swapaxes(1, 2), np.tile(np.eye(3), (2000, 1, 1)), atol=1e-5
    )
    assert abs((np.linalg.det(drawn) > 0).mean() - 0.5) < 0.06
    # A column is uniform on the sphere: each coordinate is uniform in [-1, 1].
    for i, j in ((0, 0), (2, 1), (1, 2)):
        assert stats.kstest(drawn[:, i, j], stats.uniform(-1, 2).cdf).pvalue > 1e-5
    assert state.orthogonal(2).shape == (2, 2)
    with pytest.raises(TypeError):
        state.orthogonal(1.5)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_matrices_in_half_precision(dtype):
    drawn = RandomState(5).orthogonal(3, dtype=dtype)
    assert drawn.dtype == dtype
    np.testing.assert_array_equal(drawn, RandomState(5).orthogonal(3).astype(dtype))
    for method in ("svd", "cholesky"):

        def draw(cov, method=method):
            return RandomState(5).multivariate_normal(MEAN, cov, 4, method=method, dtype=dtype)

        drawn = jit(draw)(jnp.asarray(COV, jnp.float32))
        assert drawn.dtype == dtype
        np.testing.assert_allclose(drawn.astype(np.float32), draw(COV).astype(np.float32), atol=0.1)


def test_categories(state):
    weights = np.array([[0.1, 0.0, 0.6, 0.3], [0.25, 0.25, 0.25, 0.25]])
    with np.errstate(divide="ignore"):
        logits = np.log(weights) + 3
    drawn = np.asarray(state.categorical(logits, size=(N, 2)))
    assert drawn.dtype == np.int32
    for column, p in zip(drawn.T, weights, strict=True):
        counts = np.bincount(column, minlength=4)
        assert not counts[p == 0].any()
        assert stats.chisquare(counts[p > 0], N * p[p > 0]).pvalue > 1e-5
    assert state.categorical(logits).shape == (2,)
    assert state.categorical(logits, 0).shape == (4,)
    assert state.categorical(logits, axis=0, size=(5, 4)).shape == (5, 4)
    assert state.categorical(logits[0]).shape == ()
    for args in ((logits, 2), (1.0,), (np.zeros((2, 0)),), (logits, -1, (2, 3)), (logits, -1, 5)):
        with pytest.raises(ValueError, match="axis|logits|size"):
            state.categorical(*args)


def test_bytes(state):
    drawn = state.bytes(20_000)
    assert type(drawn) is bytes
    counts = np.bincount(np.frombuffer(drawn, np.uint8), minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-5
    key = np.array([0, 9], np.uint32)
    assert state.bytes(7, key=key) == np.asarray(ops.bits(key, 7, 8)).tobytes()
    assert state.bytes(0) == b""
    for bad, error in ((-1, ValueError), (1.5, TypeError), ((2, 3), TypeError)):
        with pytest.raises(error):
            state.bytes(bad)


def test_bytes_have_no_value_in_a_compiled_function():
    state = RandomState(0)
    with pytest.raises(StaticChangeError, match="uint8"):
        jit(lambda: state.bytes(3) and None)()


def test_tomaxint(state):
    drawn = np.asarray(state.tomaxint(N)).astype(np.int64)
    assert drawn.min() >= 0
    assert stats.kstest(drawn, stats.uniform(0, 2.0**31).cdf).pvalue > 1e-5


def test_what_an_integer_type_cannot_hold_becomes_its_largest():
    drawn = np.asarray(RandomState(0).geometric(1e-3, 1000, dtype="int8"))
    assert drawn.dtype == np.int8
    assert drawn.min() >= 1
    assert (drawn == 127).mean() > 0.8
    assert np.asarray(RandomState(0).geometric(1e-12, 9)).max() == np.iinfo(np.int32).max
    for draw in (RandomState.geometric, RandomState.logseries):
        assert draw(RandomState(0), 0.5, 3, dtype=bool).tolist() == [True] * 3


# --- far tails -----------------------------------------------------------------------------------


def test_tails_have_no_infinities():
    """All numbers that u may be at both ends, through the formulas themselves."""
    from brainvar.random import _formulas

    eps = np.finfo(np.float32).eps
    ends = jnp.asarray(np.array([0, eps, 0.5 - eps, 0.5, 0.5 + eps, 1 - 2 * eps, 1 - eps], "f"))
    one = jnp.ones_like(ends)
    for name, params in {
        "laplace": (0, 1),
        "logistic": (0, 1),
        "gumbel": (0, 1),
        "pareto": (1,),
        "power": (1,),
        "rayleigh": (1,),
        "triangular": (0, 0.5, 1),
        "weibull": (1,),
        "standard_cauchy": (),
    }.items():
        x = np.asarray(getattr(_formulas, name).function(ends, *(p * one for p in params)))
        assert np.isfinite(x).all(), name
        assert (np.diff(-x if name == "gumbel" else x) >= 0).all(), name
        if name in ("laplace", "logistic", "standard_cauchy"):
            np.testing.assert_allclose(x[0], -x[-1], rtol=1e-5)


def test_truncated_normals_far_out():
    """Against SciPy's quantiles of the same uniforms, relative to the distance from the bound."""
    bounds = ((6.0, 8.0), (-8.0, -6.0), (30.0, np.inf), (-0.5, 3.0), (0.0, 0.1), (-1.0, np.inf))
    for lower, upper in bounds:
        drawn = np.asarray(RandomState(3).truncated_normal(lower, upper, 500), np.float64)
        w = np.asarray(RandomState(3).random(500), np.float64) + 2.0**-24
        expected = stats.truncnorm(lower, upper).ppf(w)
        np.testing.assert_allclose(drawn, expected, rtol=1e-5, atol=1e-5)
    drawn = np.asarray(RandomState(3).truncated_normal(1e4, np.inf, 1000)) - 1e4
    assert drawn.min() > 0
    assert abs(drawn.mean() - 1e-4) < 1e-3  # numbers of 1e4 have a spacing of 1e-3


# --- sharding ------------------------------------------------------------------------------------


def test_a_sharded_sample_leaves_the_state_where_it_is(run_python):
    run_python(
        """
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P, SingleDeviceSharding
import brainvar.math as bm

mesh = Mesh(np.array(jax.devices()).reshape(2, 2), ("a", "b"))
both = NamedSharding(mesh, P("a", "b"))
for where in (None, jax.devices()[3]):
    key = np.array([1, 2], np.uint32)
    state = bm.random.RandomState(key if where is None else jax.device_put(key, where))
    plain = bm.random.RandomState(key)
    draws = [
        lambda s, **k: s.normal(1.0, 2.0, (4, 6), **k),
        lambda s, **k: s.laplace(size=(4, 6), **k),
        lambda s, **k: s.choice(np.arange(12.0).reshape(2, 6), 4, **k),
        lambda s, **k: s.geometric(0.3, (4, 6), **k),
    ]
    for draw in draws:
        drawn = draw(state, sharding=both)
        assert drawn.value.sharding == both
        np.testing.assert_allclose(drawn, draw(plain), rtol=1e-6)
        assert type(state.value.sharding) is SingleDeviceSharding
        np.testing.assert_array_equal(state.value, plain.value)
    drawn = state.random((4, 6), key=7, sharding=both)
    np.testing.assert_array_equal(drawn, plain.random((4, 6), key=7))

before = np.array(state.value)
for draw, error in (
    (lambda: state.random((3, 6), sharding=both), ValueError),
    (lambda: state.random(4, sharding=both), ValueError),
    (lambda: state.random((4, 6), sharding="a"), TypeError),
    (lambda: bm.numpy.random.random((4, 6), sharding=both), TypeError),
):
    try:
        draw()
    except error as e:
        assert "sharding" in str(e)
    else:
        raise AssertionError
np.testing.assert_array_equal(state.value, before)

state, plain = bm.random.RandomState(3), bm.random.RandomState(3)
step = bm.jit(lambda: state.normal(size=(4, 6), sharding=both))
for _ in range(2):
    drawn = step()
    assert drawn.value.sharding == both
    np.testing.assert_allclose(drawn, plain.normal(size=(4, 6)), rtol=1e-6)
# Programs leave their results on all their devices; draws after them are on one.
assert type(state.random(3).value.sharding) is SingleDeviceSharding
plain.random(3)
step(), plain.random()
np.testing.assert_array_equal(state.split_key(), plain.split_key())
step(), plain.random()
assert type(state.value.sharding) is SingleDeviceSharding and not state.value.committed
np.testing.assert_array_equal(state.value, plain.value)
""",
        env={"XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
    )
