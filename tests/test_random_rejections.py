"""The methods that draw by rejection: what the table of all samplers does not say of them."""

import jax
import numpy as np
import pytest
from scipy import stats

import brainvar.math.numpy.random as host_random
from brainvar.random import RandomState
from brainvar.transforms.jit import jit

N = 10_000
P_VALUE = 1e-4  # seeds are fixed


@pytest.fixture(params=[RandomState, host_random.RandomState], ids=["jax", "numpy"])
def state(request):
    return request.param(1234)


def moved(state):
    """Whether a state has moved by one step."""
    other = RandomState(1234)
    other.split_key()
    return np.array_equal(np.asarray(state.value), np.asarray(other.value))


# --- vectors -------------------------------------------------------------------------------------


def test_dirichlet(state):
    alpha = [0.5, 2.0, 3.5]
    drawn = np.asarray(state.dirichlet(alpha, N), float)
    assert moved(state)
    assert drawn.shape == (N, 3)
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-6)
    for column, a in zip(drawn.T, alpha, strict=True):
        assert stats.kstest(column, stats.beta(a, sum(alpha) - a).cdf).pvalue > P_VALUE
    assert state.dirichlet(alpha).shape == (3,)
    assert state.dirichlet(alpha, (2, 4)).shape == (2, 4, 3)
    assert state.dirichlet([], 4).shape == (4, 0)
    assert np.isnan(np.asarray(state.dirichlet([1.0, np.nan]))).any()


def test_dirichlet_of_tiny_parameters(state):
    drawn = np.asarray(state.dirichlet([1e-4] * 4, 1000))
    assert np.isfinite(drawn).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-6)
    winners = np.bincount(drawn.argmax(axis=1), minlength=4)
    assert stats.chisquare(winners).pvalue > P_VALUE


@pytest.mark.parametrize(
    ("alpha", "error"),
    [(1.0, TypeError), ([0.0, 1.0], ValueError), ([[1.0], [1.0]], ValueError), ("a", TypeError)],
)
def test_bad_parameters_of_dirichlet(state, alpha, error):
    with pytest.raises(error):
        state.dirichlet(alpha)
    assert np.asarray(state.value).tolist() == [0, 1234]


def test_multinomial(state):
    p = [0.1, 0.0, 0.6, 0.3]
    drawn = np.asarray(state.multinomial(40, p, N))
    assert moved(state)
    assert drawn.shape == (N, 4)
    assert (drawn.sum(axis=1) == 40).all()
    for column, chance in zip(drawn.T, p, strict=True):
        expected = stats.binom(40, chance)
        mean = abs(column.mean() - expected.mean())
        assert mean <= 4 * expected.std() / np.sqrt(N)
        assert abs(column.var() - expected.var()) <= 0.08 * expected.var()
    correlation = np.corrcoef(drawn[:, 2], drawn[:, 3])[0, 1]
    assert abs(correlation + np.sqrt(0.6 * 0.3 / (0.4 * 0.7))) < 0.03
    assert state.multinomial(5, [1.0]).tolist() == [5]
    assert state.multinomial(5, []).tolist() == []
    assert state.multinomial(0, p, (2, 3)).tolist() == [[[0] * 4] * 3] * 2
    # As with NumPy the last probability is what the others leave.
    assert state.multinomial(7, [0.0, 0.0]).tolist() == [0, 7]
    assert state.multinomial(7, [0.5, 0.5, 0.9]).tolist()[2] == 0
    many = np.asarray(state.multinomial(2**31 - 1, [1 / 3] * 3))
    assert many.astype(np.int64).sum() == 2**31 - 1


@pytest.mark.parametrize(
    ("n", "p", "error"),
    [
        (-1, [0.5, 0.5], ValueError),
        ([1, 2], [0.5, 0.5], TypeError),
        (1, 0.5, TypeError),
        (1, [0.6, 0.6, 0.1], ValueError),
        (1, [-0.1, 0.5], ValueError),
        (1, [np.nan, 0.5], ValueError),
        (1, [[0.5, 0.5]], ValueError),
    ],
)
def test_bad_parameters_of_multinomial(state, n, p, error):
    with pytest.raises(error):
        state.multinomial(n, p)
    assert np.asarray(state.value).tolist() == [0, 1234]


def test_multinomial_of_traced_probabilities():
    draw = jit(lambda p: RandomState.multinomial(rng, 30, p, 5))
    rng = RandomState(3)
    drawn = np.asarray(draw(np.array([0.2, 0.3, 0.5], np.float32)))
    expected = RandomState(3).multinomial(30, [0.2, 0.3, 0.5], 5)
    np.testing.assert_array_equal(drawn, expected)


# --- dtypes and limits ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "int32"])
def test_counts_of_other_dtypes(state, dtype):
    drawn = state.poisson(5.0, 50, dtype=dtype)
    assert drawn.dtype == dtype
    np.testing.assert_array_equal(drawn, RandomState(1234).poisson(5.0, 50))
    if np.dtype(dtype).itemsize == 1:  # what does not fit is the nearest that does
        assert set(np.asarray(state.poisson(1e6, 5, dtype=dtype))) == {np.iinfo(dtype).max}


def test_counts_of_64_bits():
    with jax.enable_x64(True):
        state = RandomState(1)
        assert state.poisson(3.0).dtype == np.int64
        assert state.poisson(1e18, 3).max() > 2**58
        assert state.binomial(2**40, 0.5, 3).min() > 2**38
        assert state.hypergeometric(2**40, 2**40, 2**39, 3).min() > 2**37
        assert state.poisson(3.0, dtype="int32").dtype == np.int32
        with pytest.raises(ValueError, match="too large"):
            state.poisson(9.3e18)
        with pytest.raises(OverflowError):
            state.binomial(2**63, 0.5)


def test_numbers_that_are_too_large(state):
    state.poisson(2.1e9)
    with pytest.raises(ValueError, match="lam value too large"):
        state.poisson(2.147e9 + 1e6)
    for bad in (2**31, np.array([1, 2**31]), 1e10):
        with pytest.raises(OverflowError, match="n is too large"):
            state.binomial(bad, 0.5)
    for bad in ("two", ["a", "b"], [1 + 2j], None):
        with pytest.raises(TypeError, match="n must be"):
            state.binomial(bad, 0.5)
    with pytest.raises(ValueError, match="NaN"):
        state.binomial(np.array([1.0, np.nan]), 0.5)
    assert state.binomial(5.7, 1.0) == 5
    assert state.binomial(np.array([5.7, 2.0]), 1.0).tolist() == [5, 2]
    assert state.binomial(np.uint8(200), 1.0) == 200


def test_parameters_that_are_traced():
    rng = RandomState(0)
    bad = jit(
        lambda x: (
            rng.poisson(x),
            rng.binomial(5, x),
            rng.negative_binomial(2.0, x),
            rng.zipf(x),
            rng.gamma(x),
            rng.vonmises(0.0, x),
        )
    )(np.float32(-1))
    assert [float(x) for x in bad[:4]] == [-1] * 4
    assert np.isnan([float(x) for x in bad[4:]]).all()
    n = jit(lambda n: rng.binomial(n, 1.0))
    assert int(n(np.int32(7))) == 7
    with pytest.raises(TypeError, match="integer"):
        n(np.float32(7))


# --- particular distributions --------------------------------------------------------------------


def test_ratios_of_tiny_gamma_numbers(state):
    drawn = np.asarray(state.beta(1e-3, 1e-3, N), float)
    assert np.isfinite(drawn).all()
    # Nearly all are at one end or the other.
    assert stats.binomtest(int((drawn > 0.5).sum()), N).pvalue > P_VALUE
    drawn = np.asarray(state.f(0.02, 0.02, N), float)
    assert not np.isnan(drawn).any()
    assert stats.binomtest(int((drawn > 1).sum()), N).pvalue > P_VALUE
    assert not np.isnan(np.asarray(state.standard_t(1e-3, N))).any()


def test_no_end_of_degrees_of_freedom(state):
    drawn = np.asarray(state.standard_t(np.inf, N), float)
    assert stats.kstest(drawn, "norm").pvalue > P_VALUE


def test_negative_binomial_without_failures_or_end(state):
    assert np.asarray(state.negative_binomial(3.0, 1.0, 5)).tolist() == [0] * 5
    assert np.asarray(state.negative_binomial(3.0, 0.0, 5)).tolist() == [2**31 - 1] * 5


def test_angles_are_wrapped(state):
    drawn = np.asarray(state.vonmises(7.0, 50.0, N), float)
    assert np.abs(drawn).max() <= np.float32(np.pi)
    expected = stats.vonmises(50.0, 7.0 - 2 * np.pi)
    assert stats.kstest(drawn, expected.cdf).pvalue > P_VALUE
    drawn = np.asarray(state.vonmises(np.pi, 5.0, 1000))
    assert (drawn > 2).any()
    assert (drawn < -2).any()


def test_nan_parameters_as_numpy(state):
    nan = np.nan
    drawn = (
        state.gamma(nan), state.gamma(1.0, nan), state.beta(nan, 1.0), state.chisquare(nan),
        state.f(nan, 1.0), state.standard_t(nan), state.noncentral_chisquare(nan, 1.0),
        state.noncentral_chisquare(3.0, nan), state.vonmises(nan, 1.0), state.vonmises(0.0, nan),
    )  # fmt: skip
    assert np.isnan([float(x) for x in drawn]).all()


def test_samples_are_differentiable():
    rng = RandomState(5)

    def mean(shape, key):
        return rng.gamma(shape, 2.0, size=1000, key=key).value.mean()

    slope = jax.grad(mean)(3.0, rng.split_key())
    assert abs(slope - 2.0) < 0.2  # that of 2 shape


def test_every_draw_is_one_step():
    names = {
        "gamma": (2.0,), "beta": (1.0, 2.0), "f": (2.0, 3.0), "standard_t": (3.0,),
        "noncentral_f": (2.0, 3.0, 1.0), "poisson": (3.0,), "negative_binomial": (2.0, 0.5),
        "multinomial": (5, [0.5, 0.5]), "dirichlet": ([1.0, 2.0],), "vonmises": (0.0, 1.0),
    }  # fmt: skip
    for name, args in names.items():
        state = RandomState(1234)
        getattr(state, name)(*args)
        assert moved(state), name


def test_size_one_compiles_once(compilations):
    rng = RandomState(0)
    rng.gamma(1.0, 1.0, 1), rng.poisson(1.0, 1), rng.binomial(5, 0.5, 1)
    with compilations() as names:
        rng.gamma(2.5, 3.0, 1), rng.poisson(1e6, 1), rng.binomial(50, 0.1, 1)
    assert not names
