"""Gamma, Poisson and binomial numbers, and the rarer ones: kernels, twins, rules, extremes."""

from functools import partial

import jax
import numpy as np
import pytest
from scipy import special, stats

from brainvar import ops
from brainvar._native import native_enabled
from brainvar.ops import _rejection, _rejection_more, _rejection_twin

KEY = np.array([123, 0xFFFFFFF0], np.uint32)
KEYS = np.random.default_rng(5).integers(0, 2**32, (3, 2), dtype=np.uint32)
# Seeds are fixed: a test passes for ever or never.
P_VALUE = 1e-4

ALL = {
    "gamma": (2.5,),
    "poisson": (7.0,),
    "binomial": (40, 0.3),
    "vonmises": (2.0,),
    "zipf": (2.0,),
    "hypergeometric": (30, 50, 25),
}
WITH_KERNELS = ["gamma", "poisson", "binomial", "hypergeometric"]
# The others are the same without kernels: once is enough in the quick run.
every = pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[] if n in WITH_KERNELS or native_enabled() else pytest.mark.slow)
        for n in ALL
    ],
)
native_ones = pytest.mark.parametrize("name", WITH_KERNELS)


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def draw(name, key, shape, *parameters, **more):
    return np.asarray(getattr(ops, name)(key, shape, *(parameters or ALL[name]), **more))


# --- kernel and twin -----------------------------------------------------------------------------

SHAPES = [0.0, 1e-30, 1e-6, 0.01, 0.5, 1.0, 3.0, 1e4, 1e8, 3e38, np.inf, -1.0, np.nan]
RATES = [0.0, 1e-8, 0.1, 5.0, 9.99, 10.0, 60.0, 1e4, 1e9, 1e30, np.inf, -1.0, np.nan]
TRIALS = [0, 1, 10, 30, 1000, 2**31 - 1, -1]
CHANCES = [0.0, 1e-9, 1e-3, 0.3, 0.5, 0.9, 1.0, 1.5, -0.5, np.nan]
URNS = [
    (20, 30, 15), (5, 5, 3), (3, 100, 50), (100, 3, 101), (0, 5, 2), (11, 11, 22), (40, 70, 0),
    (1000, 2000, 100), (2**31 - 1, 2**31 - 1, 10**6), (15, 10**9, 15), (-1, 5, 1), (5, 5, 20),
]  # fmt: skip
TWINS = {
    "gamma": (_rejection.gamma_p, _rejection_twin.gamma),
    "poisson": (_rejection.poisson_p, _rejection_twin.poisson),
    "binomial": (_rejection.binomial_p, _rejection_twin.binomial),
    "hypergeometric": (_rejection_more.hypergeometric_p, _rejection_more._hypergeometric),
}


@pytest.mark.usefixtures("need_native")
@pytest.mark.parametrize("wide", [False, True])
def test_the_twin_gives_the_numbers_of_the_kernel(wide):
    real, count = (np.float64, np.int64) if wide else (np.float32, np.int32)
    pairs = np.stack(np.meshgrid(TRIALS, CHANCES)).reshape(2, -1, 1)
    n = 1000
    with jax.enable_x64(wide):
        cases = [
            ("gamma", real, (np.array(SHAPES, real)[:, None],), {"log": False}),
            ("gamma", real, (np.array(SHAPES, real)[:, None],), {"log": True}),
            ("poisson", count, (np.array(RATES, real)[:, None],), {}),
            ("binomial", count, (pairs[0].astype(count), pairs[1].astype(real)), {}),
            ("hypergeometric", count, np.array(URNS, count).T[..., None], {}),
        ]
        for name, dtype, operands, more in cases:
            shape = (len(operands[0]), n)
            operands = [np.broadcast_to(x, (2, *shape)) for x in operands]
            params = {"shape": shape, "dtype": np.dtype(dtype), **more}
            primitive, twin = TWINS[name]
            kernel = np.asarray(jax.jit(partial(primitive.bind, **params))(KEYS[:2], *operands))
            twin = jax.jit(partial(twin, **params))
            twin = np.asarray(twin(KEYS[:2], *operands))
            assert kernel.dtype == twin.dtype == dtype
            assert kernel.shape == twin.shape == (2, *shape)
            if dtype == count:
                np.testing.assert_array_equal(kernel, twin)
                continue
            near = np.isclose(kernel, twin, rtol=1e-4, atol=1e-5, equal_nan=True)
            assert near.mean() > 0.999  # a decision falls otherwise


# --- what an element depends on ------------------------------------------------------------------


@every
def test_an_element_depends_on_its_key_and_index_alone(name):
    whole = draw(name, KEY, (600,))
    np.testing.assert_array_equal(draw(name, KEY, (7,)), whole[:7])
    np.testing.assert_array_equal(draw(name, KEY, (20, 30)).ravel(), whole)
    assert len(np.unique(draw("gamma", KEY, (600,)))) > 590
    many = draw(name, KEYS, (70,))
    assert many.shape == (3, 70)
    for key, row in zip(KEYS, many, strict=True):
        np.testing.assert_array_equal(draw(name, key, (70,)), row)


@every
def test_parameters_for_each_element_and_for_all(name):
    all_alike = draw(name, KEYS, (5, 30))
    first, *others = ALL[name]
    dtype = np.asarray(first).dtype
    for shape in [(30,), (5, 1), (5, 30), (3, 1, 1), (3, 5, 30)]:
        each = draw(name, KEYS, (5, 30), np.full(shape, first, dtype), *others)
        np.testing.assert_array_equal(each, all_alike)
    mixed = np.array([first, 2 * first], dtype).repeat(150).reshape(2, 150)
    drawn = draw(name, KEY, (2, 150), mixed, *others)
    np.testing.assert_array_equal(drawn[0], draw(name, KEY, (300,))[:150])
    double = draw(name, KEY, (300,), 2 * first, *others)
    np.testing.assert_array_equal(drawn[1], double[150:])


@every
def test_batching(name):
    function = getattr(ops, name)
    first, *others = ALL[name]
    values = np.array([first, 2 * first, 3 * first])
    expected = [draw(name, k, (6,), v, *others) for k, v in zip(KEYS, values, strict=True)]
    mapped = jax.vmap(lambda k, v: function(k, (6,), v, *others))(KEYS, values)
    np.testing.assert_array_equal(mapped, expected)
    same = jax.vmap(lambda v: function(KEY, (6,), v, *others))(values)
    np.testing.assert_array_equal(same, [draw(name, KEY, (6,), v, *others) for v in values])
    keys = jax.vmap(lambda k: function(k, (6,), first, *others), 1, 1)(KEYS.T)
    np.testing.assert_array_equal(keys.T, [draw(name, k, (6,)) for k in KEYS])


@every
def test_empty_and_scalar_samples(name):
    assert draw(name, KEY, ()).shape == ()
    assert draw(name, KEY, (3, 0)).shape == (3, 0)
    assert draw(name, KEYS[:0], (4,)).shape == (0, 4)


@every
def test_wrong_arguments(name):
    with pytest.raises(TypeError, match="key"):
        draw(name, np.zeros(3, np.uint32), (2,))
    with pytest.raises(ValueError, match="broadcast"):
        draw(name, KEY, (2,), np.full(3, ALL[name][0]), *ALL[name][1:])
    with pytest.raises(TypeError, match="dtype"):
        draw(name, KEY, (2,), dtype=np.complex64)
    wide = np.float64 if name in ("gamma", "vonmises") else np.int64
    with pytest.raises(ValueError, match="64"):
        draw(name, KEY, (2,), dtype=wide)


# --- extremes ------------------------------------------------------------------------------------

N = 20_000


def log_gamma_cdf(alpha):
    # Below exp(x) of about 1e-300 the distribution function is exp(alpha x) / Gamma(alpha + 1).
    def cdf(x):
        far = np.exp(np.minimum(alpha * x - special.gammaln(alpha + 1), 0))
        return np.where(x < -600, far, special.gammainc(alpha, np.exp(np.maximum(x, -600))))

    return cdf


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.3, 0.999, 1.0, 20.0, 1e4, 1e8])
def test_gamma_of_any_shape(alpha, x64):
    for dtype in (np.float32, np.float64):
        own = float(np.asarray(alpha, dtype))
        logs = draw("gamma", KEY, (N,), alpha, log=True, dtype=dtype).astype(float)
        numbers = draw("gamma", KEY, (N,), alpha, dtype=dtype).astype(float)
        assert np.isfinite(logs).all()
        assert (numbers >= 0).all()
        if alpha > 1e6:  # where the logarithms in single precision have few digits
            assert stats.kstest(numbers, stats.norm(own, own**0.5).cdf).pvalue > P_VALUE
        else:
            assert stats.kstest(logs, log_gamma_cdf(own)).pvalue > P_VALUE
        seen = numbers > 1e-30
        np.testing.assert_allclose(np.log(numbers[seen]), logs[seen], rtol=2e-5, atol=2e-6)


def test_gamma_of_no_shape():
    drawn = draw("gamma", KEY, (4,), np.array([0.0, -1.0, np.nan, np.inf], np.float32))
    np.testing.assert_array_equal(drawn, [0, np.nan, np.nan, np.inf])
    drawn = draw("gamma", KEY, (3,), np.array([0.0, -1.0, np.nan], np.float32), log=True)
    np.testing.assert_array_equal(drawn, [-np.inf, np.nan, np.nan])


def chi_square(drawn, expected):
    low, high = int(expected.ppf(1e-9)), int(expected.ppf(1 - 1e-9))
    assert drawn.min() >= low - 1
    assert drawn.max() <= high + 1
    edges = np.unique(expected.ppf(np.linspace(0, 1, 41)[1:-1]))
    wanted = np.diff(np.concatenate([[0], expected.cdf(edges), [1]])) * len(drawn)
    counts = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
    likely = wanted > 5
    if likely.sum() < 2:
        return 1.0
    rest = np.array([wanted[~likely].sum(), counts[~likely].sum()])
    wanted, counts = wanted[likely], counts[likely]
    wanted[0], counts[0] = wanted[0] + rest[0], counts[0] + rest[1]
    return stats.chisquare(counts, wanted * counts.sum() / wanted.sum()).pvalue


@pytest.mark.parametrize("rate", [1e-8, 0.02, 1.0, 9.9, 10.0, 30.0, 1e3, 1e6, 1e9])
def test_poisson_of_any_rate(rate):
    drawn = draw("poisson", KEY, (N,), rate).astype(np.int64)
    own = float(np.float32(rate))
    assert chi_square(drawn, stats.poisson(own)) > P_VALUE


@pytest.mark.parametrize(
    ("n", "p"),
    [
        (1, 0.5), (19, 0.5), (20, 0.5), (21, 0.5), (1000, 1e-3), (1000, 0.999), (10**6, 1e-5),
        (10**6, 0.3), (2**31 - 1, 1e-9), (2**31 - 1, 1e-6), (2**31 - 1, 0.5), (2**31 - 1, 0.75),
    ],
)  # fmt: skip
def test_binomial_of_any_parameters(n, p):
    drawn = draw("binomial", KEY, (N,), n, p).astype(np.int64)
    own = float(np.float32(p))
    assert chi_square(drawn, stats.binom(n, own)) > P_VALUE
    # The same number of failures, were it not for the rounding of 1 - p.
    if own == p:
        other = draw("binomial", KEY, (N,), n, 1 - p)
        np.testing.assert_array_equal(other, drawn if p == 0.5 else n - drawn)


def test_counts_of_64_bits(x64):
    for rate in (1e12, 1e18):
        drawn = draw("poisson", KEY, (N,), rate).astype(float)
        assert stats.kstest((drawn - rate) / rate**0.5, "norm").pvalue > P_VALUE
    n, p = 2**52, 0.25
    drawn = draw("binomial", KEY, (N,), n, p).astype(float)
    assert stats.kstest((drawn - n * p) / (n * p * (1 - p)) ** 0.5, "norm").pvalue > P_VALUE
    assert draw("poisson", KEY, (3,), 1e25).tolist() == [2**63 - 1] * 3


def test_counts_of_impossible_parameters():
    rates = np.array([-1.0, np.nan, np.inf, 1e20], np.float32)
    assert draw("poisson", KEY, (4,), rates).tolist() == [-1, -1, 2**31 - 1, 2**31 - 1]
    trials, chances = np.array([-1, 5, 5, 5]), np.array([0.5, 1.5, -0.1, np.nan], np.float32)
    assert draw("binomial", KEY, (4,), trials, chances).tolist() == [-1] * 4
    assert draw("zipf", KEY, (3,), np.array([1.0, 0.5, np.nan], np.float32)).tolist() == [-1] * 3
    good, sample = np.array([-1, 5, 5]), np.array([1, -1, 20])
    assert draw("hypergeometric", KEY, (3,), good, 5, sample).tolist() == [-1] * 3
    assert np.isnan(draw("vonmises", KEY, (2,), np.array([-1.0, np.nan], np.float32))).all()


@pytest.mark.parametrize(
    ("good", "bad", "sample"),
    [(3, 100, 50), (100, 3, 101), (11, 11, 11), (20, 10**6, 10**5), (10**9, 10**9, 10**6)],
)
def test_hypergeometric_of_any_parameters(good, bad, sample):
    drawn = draw("hypergeometric", KEY, (N,), good, bad, sample).astype(np.int64)
    assert chi_square(drawn, stats.hypergeom(good + bad, good, sample)) > P_VALUE


@pytest.mark.parametrize("kappa", [0.0, 1e-9, 1e-6, 0.5, 1e3, 1e8])
def test_vonmises_of_any_concentration(kappa):
    drawn = draw("vonmises", KEY, (N,), kappa).astype(float)
    assert np.abs(drawn).max() <= np.float32(np.pi)
    uniform = stats.uniform(-np.pi, 2 * np.pi)
    expected = uniform if kappa < 1e-5 else stats.norm(0, max(kappa, 1) ** -0.5)
    if 1e-5 < kappa < 1e5:
        expected = stats.vonmises(kappa)
    assert stats.kstest(drawn, expected.cdf).pvalue > P_VALUE


# --- derivatives ---------------------------------------------------------------------------------


@pytest.mark.parametrize("log", [False, True])
def test_the_derivative_of_gamma_moves_along_the_quantile(log, x64):
    alphas = np.array([0.05, 0.4, 1.0, 3.0, 50.0])[:, None]
    shape = (5, 40)

    def total(alpha):
        return ops.gamma(KEY, shape, alpha, log=log).sum()

    sample = draw("gamma", KEY, shape, alphas)
    slope = np.asarray(jax.grad(total)(np.broadcast_to(alphas, shape)))
    h = 1e-5 * alphas
    u = special.gammainc(alphas, sample)
    ends = [special.gammaincinv(alphas + s * h, u) for s in (-1, 1)]
    expected = (np.log(ends[1]) - np.log(ends[0]) if log else ends[1] - ends[0]) / (2 * h)
    seen = (u > 1e-6) & (u < 1 - 1e-6) & (sample > 1e-200)
    assert seen.mean() > 0.9
    np.testing.assert_allclose(slope[seen], expected[seen], rtol=1e-4)
    # A parameter for all collects from all.
    one = jax.grad(lambda a: ops.gamma(KEY, (40,), a, log=log).sum())(3.0)
    flat = draw("gamma", KEY, (40,), 3.0)
    slopes = jax.lax.random_gamma_grad(np.full(40, 3.0), flat)
    np.testing.assert_allclose(one, (slopes / flat if log else slopes).sum(), rtol=1e-6)


def test_the_derivative_of_samples_too_small_to_see():
    alpha, h = 1e-3, 1e-5
    logs, slope = jax.jvp(lambda a: ops.gamma(KEY, (200,), a, log=True), (alpha,), (1.0,))
    assert (np.asarray(logs) < -100).mean() > 0.5
    assert np.isfinite(slope).all()
    far = np.asarray(logs) < -100
    # log(u) is (alpha x - log Gamma(alpha + 1)) there.
    u = alpha * np.asarray(logs, float) - special.gammaln(alpha + 1)
    x = [(u + special.gammaln(a + 1)) / a for a in (alpha - h, alpha + h)]
    np.testing.assert_allclose(slope[far], ((x[1] - x[0]) / (2 * h))[far], rtol=1e-3)
    assert np.isfinite(jax.grad(lambda a: ops.gamma(KEY, (200,), a).sum())(alpha))


@pytest.mark.parametrize("name", ["poisson", "vonmises", "zipf"])
def test_what_has_no_derivative(name):
    def total(x):
        return getattr(ops, name)(KEY, (5,), x).astype(float).sum() + x

    assert jax.grad(total)(3.0) == 1


# --- programs ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("need_native")
@native_ones
def test_the_program_calls_the_kernel(name):
    text = jax.jit(lambda k: getattr(ops, name)(k, (5,), *ALL[name])).lower(KEY).as_text()
    assert f"brainvar_threefry_{name}_v1" in text


@pytest.mark.usefixtures("need_native")
def test_the_handlers_refuse_wrong_calls():
    one, log = np.float32(1), np.int32(0)
    for what, arguments, more in [
        ("must be 2", ("poisson", "int32", KEYS[0, :1], one), {}),
        ("s32 or s64", ("poisson", "float32", KEY, one), {}),
        ("f32 or f64", ("gamma", "float32", KEY, np.int32(1)), {"log": log}),
        ("begins with", ("poisson", "int32", KEY, np.ones(3, np.float32)), {}),
        ("batch dimensions", ("poisson", "int32", KEYS, one), {}),
        ("s32 or s64", ("binomial", "int32", KEY, one, one), {}),
        (
            "as many others",
            ("poisson_block", "int32", KEY, np.zeros(2, np.int32), one),
            {"shape": np.array([4, 4])},
        ),
    ]:
        target, dtype, *operands = arguments
        result = jax.ShapeDtypeStruct((4,), dtype)
        function = jax.ffi.ffi_call(f"brainvar_threefry_{target}_v1", result)
        call = jax.jit(partial(function, **more))
        with pytest.raises(jax.errors.JaxRuntimeError, match=what):
            jax.block_until_ready(call(*operands))
