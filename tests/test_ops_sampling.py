"""Samples: uniforms, normals, integers; against jax.random and their laws."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from brainvar import _compat, ops
from brainvar.ops import _threefry as twin
from brainvar.ops._quantile import normal_quantile

STREAMS = ("original", "partitionable")
KEY = np.array([0, 1234], np.uint32)
KEYS = np.arange(6, dtype=np.uint32).reshape(3, 2) * np.uint32(2654435761)


def as_jax(stream):
    return _compat.threefry_partitionable(stream == "partitionable")


def ulps(a, b):
    """Distance in units in the last place, elementwise, for float32 or float64."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype

    def order(x):
        i = x.view(f"i{x.itemsize}").astype(np.int64)
        return np.where(i < 0, np.int64(np.iinfo(f"i{x.itemsize}").min) - i, i)

    return np.abs(order(a) - order(b))


# --- uniform -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_uniform_is_jax_random_uniform(stream, dtype):
    for shape in ((0, 3), (13, 77)):
        with as_jax(stream), _compat.enable_x64(dtype == "float64"):
            expected = jax.random.uniform(KEY, shape, jnp.dtype(dtype))
            got = ops.uniform(KEY, shape, jnp.dtype(dtype), stream=stream)
        assert got.dtype == jnp.dtype(dtype)
        assert got.shape == shape
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_uniforms_stay_in_the_half_open_unit_interval(dtype):
    x = np.asarray(ops.uniform(KEY, (100_000,), jnp.dtype(dtype)), np.float64)
    assert x.min() >= 0
    assert x.max() < 1
    steps = x / float(jnp.finfo(jnp.dtype(dtype)).eps)
    np.testing.assert_array_equal(steps, np.round(steps))


@pytest.mark.parametrize("stream", STREAMS)
def test_uniforms_are_uniform_and_batches_independent(stream):
    x = np.asarray(ops.uniform(KEYS, (20_000,), np.float32, stream=stream))
    for row in x:
        assert stats.kstest(row, "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(x) - np.eye(3)).max() < 0.03


# --- normal --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_normals_are_jax_random_normal_on_every_path(dtype):
    with as_jax("original"):
        expected = jax.random.normal(KEY, (999,), jnp.dtype(dtype))
    np.testing.assert_array_equal(ops.normal(KEY, (999,), jnp.dtype(dtype)), expected)


def unit(dtype, bits):
    """The u in (-1, 1) that a normal is made of, exactly."""
    one, mantissa = dtype.type(1), np.finfo(dtype).nmant
    low = np.nextafter(-one, dtype.type(0))
    fraction = (bits >> bits.dtype.type(bits.itemsize * 8 - mantissa)).astype(dtype)
    return np.maximum(low, fraction * dtype.type(2.0**-mantissa) * (one - low) + low)


def exact_quantile(u):
    u = u.astype(np.float64)
    return np.copysign(special.ndtri((1 - np.abs(u)) / 2), u)


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_kernel_and_twin_give_the_exact_quantile_within_the_stated_ulp(name):
    dtype, size = np.dtype(name), 2**20
    with _compat.enable_x64(name == "float64"):
        draw = partial(twin.normal, shape=(size,), dtype=dtype, stream="original")
        by_twin = np.asarray(jax.jit(draw)(KEY))
        got = np.asarray(ops.normal(KEY, (size,), name))
        u = unit(dtype, np.asarray(ops.bits(KEY, (size,), dtype.itemsize * 8)))
    exact = exact_quantile(u).astype(dtype)
    assert ulps(got, by_twin).max() <= 2
    assert ulps(got, exact).max() <= (3 if name == "float32" else 6)


def test_the_twin_is_exact_within_the_stated_ulp_for_every_float32_input():
    u = unit(np.dtype(np.float32), np.arange(2**23, dtype=np.uint32) << 9)
    got = np.asarray(jax.jit(normal_quantile)(u))
    assert ulps(got, exact_quantile(u).astype(np.float32)).max() <= 3


# (dtype, stream, [(from |x|, to |x|, ulp)]).
NEAR_JAX = [
    ("float32", "original", [(0, 2, 7), (2, 3, 12), (3, 6, 95)]),
    ("float32", "partitionable", [(0, 2, 7), (2, 3, 12), (3, 6, 95)]),
    ("float64", "original", [(0, 1, 40), (1, 3, 20), (3, 4, 300)]),
]


@pytest.mark.parametrize(("name", "stream", "limits"), NEAR_JAX)
def test_normals_are_those_of_jax_random_within_the_stated_ulp(name, stream, limits):
    with as_jax(stream), _compat.enable_x64(name == "float64"):
        expected = np.asarray(jax.random.normal(KEY, (2**20,), name))
        got = np.asarray(ops.normal(KEY, (2**20,), name, stream=stream))
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(np.sign(got), np.sign(expected))
    for low, high, ulp in limits:
        here = (np.abs(expected) >= low) & (np.abs(expected) < high)
        assert here.sum() > 10
        assert ulps(got[here], expected[here]).max() <= ulp
    np.testing.assert_allclose(got, expected, rtol=1e-10 if name == "float64" else 1e-5)


@pytest.mark.parametrize("stream", STREAMS)
def test_normals_are_normal(stream):
    x = np.asarray(ops.normal(KEYS, (20_000,), np.float32, stream=stream))
    for row in x:
        assert stats.kstest(row, "norm").pvalue > 1e-3
    assert np.isfinite(np.asarray(ops.normal(KEY, (2**20,), np.float32))).all()


# --- defaults, dtypes, errors --------------------------------------------------------------------


@pytest.mark.parametrize("draw", [ops.uniform, ops.normal])
def test_the_default_float_follows_the_x64_switch(draw):
    for x64, dtype in ((False, np.float32), (True, np.float64), (False, np.float32)):
        with _compat.enable_x64(x64):
            assert draw(KEY, 3).dtype == dtype
            assert draw(KEY, 3, float).dtype == dtype


def test_a_shape_of_other_numbers_is_refused_also_after_an_equal_one_of_ints():
    for shape in ((3,), (np.int64(3),), [3], 3, np.int64(3), np.array(3), np.array([3])):
        assert ops.uniform(KEY, shape).shape == (3,)
        assert ops.randint(KEY, shape, 0, 5).shape == (3,)
    for draw in (ops.uniform, partial(ops.randint, low=0, high=5)):
        with pytest.raises(TypeError, match="each entry of shape must be an integer, got 3.0"):
            draw(KEY, (3.0,))
        with pytest.raises(TypeError, match="shape must be an integer, got 3.0"):
            draw(KEY, 3.0)


@pytest.mark.parametrize("draw", [ops.uniform, ops.normal, ops.advance_uniform, ops.advance_normal])
def test_float64_without_x64_is_refused(draw):
    for dtype in ("float64", np.float64, np.dtype("float64")):
        with pytest.raises(ValueError, match="dtype float64 needs 64-bit types.*jax_enable_x64"):
            draw(KEY, (3,), dtype)


@pytest.mark.parametrize("dtype", [int, "complex64", np.bool_, jnp.float8_e5m2])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match="use float16, bfloat16, float32 or float64"):
        ops.uniform(KEY, (3,), dtype)


# --- differentiation -----------------------------------------------------------------------------


def test_gradients_pass_by_random_draws():
    def loss(x, key):
        noise = ops.normal(key, (3,), np.float32) + ops.uniform(key, (3,), np.float32)
        key, more = ops.advance_normal(key, (3,), np.float32)
        return (x * noise * more).sum()

    noise = ops.normal(KEY, (3,), np.float32) + ops.uniform(KEY, (3,), np.float32)
    expected = noise * ops.advance_normal(KEY, (3,), np.float32)[1]
    x = jnp.ones(3)
    np.testing.assert_allclose(jax.grad(loss)(x, KEY), expected, rtol=1e-6)
    value, tangent = jax.jvp(loss, (x, KEY), (x, np.zeros(2, jax.dtypes.float0)))
    np.testing.assert_allclose(tangent, value, rtol=1e-6)
    by_key = jax.grad(loss, argnums=1, allow_int=True)(x, KEY)
    assert by_key.dtype == jax.dtypes.float0


def test_gradients_through_a_scan_that_carries_a_key():
    def loss(x):
        def step(carry, _):
            key, y = carry
            key, noise = ops.advance_uniform(key, (), np.float32)
            return (key, y * noise), noise

        (_, y), noise = jax.lax.scan(step, (jnp.asarray(KEY), x), None, length=4)
        return y, noise

    (y, noise), slope = loss(2.0), jax.grad(lambda x: loss(x)[0])(2.0)
    np.testing.assert_allclose(slope, np.prod(noise), rtol=1e-6)
    np.testing.assert_allclose(y, 2 * slope, rtol=1e-6)


# --- integers ------------------------------------------------------------------------------------

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize(
    ("dtype", "stream"), [(d, "original") for d in INTEGERS] + [("uint32", "partitionable")]
)
def test_randint_is_jax_random_randint(stream, dtype):
    info = np.iinfo(dtype)
    least, most = int(info.min), int(info.max)
    spans = [(0, 10), (least, most), (most - 1, most), (5, 5), (7, 2), (0, 100)]
    if info.bits < 64:
        spans += [(0, most + 1), (least, most + 1)]
    with as_jax(stream), _compat.enable_x64(True):
        for low, high in spans:
            bounds = [np.array(x, dtype) if info.bits == 64 else x for x in (low, high)]
            expected = jax.random.randint(KEY, (200,), *bounds, dtype)
            got = ops.randint(KEY, (200,), low, high, dtype, stream=stream)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, expected, err_msg=f"{low}, {high}")


@pytest.mark.parametrize("dtype", ["int16", "uint8", "int32"])
@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_randint_takes_arrays_of_bounds(dtype, kind):
    low, high = kind([[0], [5]]), kind([3, 100, 4])
    with as_jax("original"):
        expected = jax.random.randint(KEY, (2, 3), low, high, dtype)
    np.testing.assert_array_equal(ops.randint(KEY, (2, 3), low, high, dtype), expected)
    traced = jax.jit(lambda a, b: ops.randint(KEY, (2, 3), a, b, dtype))(low, high)
    np.testing.assert_array_equal(traced, expected)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_randint_cuts_bounds_to_the_dtype(dtype):
    info = np.iinfo(dtype)
    least, most = int(info.min), int(info.max)
    with _compat.enable_x64(True):
        whole = ops.randint(KEY, (50,), least, most + 1, dtype)
        for low, high in ((-(2**70), 2**70), (least, 2**70), (np.array(least, dtype), most + 1)):
            np.testing.assert_array_equal(ops.randint(KEY, (50,), low, high, dtype), whole)
        # nothing lies in between: the lower bound, inside the dtype
        assert ops.randint(KEY, (2,), most + 1, 2**70, dtype).tolist() == [most] * 2
        assert ops.randint(KEY, (2,), -(2**70), least - 1, dtype).tolist() == [least] * 2


def test_full_range_integers_reach_both_ends():
    x = np.asarray(ops.randint(KEY, (100_000,), 0, 256, "uint8"))
    np.testing.assert_array_equal(np.unique(x), np.arange(256))
    x = np.asarray(ops.randint(KEY, (100_000,), -(2**31), 2**31, "int32"), np.int64)
    assert stats.kstest((x + 2**31) / 2**32, "uniform").pvalue > 1e-3


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_int32_span(low, high):
    with as_jax("original"):
        expected = jax.random.randint(KEY, (16,), low, high, "int32")
    got = np.asarray(ops.randint(KEY, (16,), low, high, "int32"))
    np.testing.assert_array_equal(got, expected)
    assert (got >= low).all()
    assert (got < max(high, low + 1)).all()


def test_randint_over_a_batch_of_keys():
    got = ops.randint(KEYS, (4,), 0, 1000)
    for row, key in zip(got, KEYS, strict=True):
        np.testing.assert_array_equal(row, ops.randint(key, (4,), 0, 1000))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.randint(KEY, 3, 0.0, 5), TypeError, "low must be an integer"),
        (lambda: ops.randint(KEY, 3, 0, np.ones(3)), TypeError, "high must be an integer"),
        (lambda: ops.randint(KEY, 3, 0, 5, "float32"), TypeError, "integer dtype, got float32"),
        (lambda: ops.randint(KEY, 3, 0, 5, "int64"), ValueError, "int64 needs 64-bit types"),
        (lambda: ops.randint(KEY, 3, np.zeros(2, int), 5), ValueError, "does not broadcast"),
        (lambda: ops.randint(KEY, (), np.zeros(2, int), 5), ValueError, "does not broadcast"),
    ],
)
def test_wrong_bounds_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
