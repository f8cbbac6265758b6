"""Random orders: against their definition in NumPy, `jax.random.permutation`, and their law."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from brainvar import _compat, _native, ops
from brainvar.ops import _orders

STREAMS = ("original", "partitionable")
KEY = np.array([0, 1234], np.uint32)
KEYS = np.arange(6, dtype=np.uint32).reshape(3, 2) * np.uint32(2654435761)


def as_jax(stream):
    return _compat.threefry_partitionable(stream == "partitionable")


# --- the definition, in NumPy --------------------------------------------------------------------


def cipher(key, x0, x1):
    """Threefry-2x32-20 of the counters (x0, x1)."""
    schedule = [key[0], key[1], key[0] ^ key[1] ^ np.uint32(0x1BD11BDA)]
    with np.errstate(over="ignore"):
        x0, x1 = x0 + schedule[0], x1 + schedule[1]
        for group in range(5):
            for distance in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
                x0 = x0 + x1
                x1 = ((x1 << np.uint32(distance)) | (x1 >> np.uint32(32 - distance))) ^ x0
            x0 = x0 + schedule[(group + 1) % 3]
            x1 = x1 + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def words(key, n, stream):
    """n random words of a key."""
    if stream == "partitionable":
        return np.bitwise_xor(*cipher(key, np.zeros(n, np.uint32), np.arange(n, dtype=np.uint32)))
    half = -(-n // 2)
    counters = np.zeros(2 * half, np.uint32)
    counters[:n] = np.arange(n)
    return np.concatenate(cipher(key, counters[:half], counters[half:]))[:n]


def split(key, stream):
    if stream == "partitionable":
        rows = np.stack(cipher(key, np.zeros(2, np.uint32), np.arange(2, dtype=np.uint32)), axis=1)
        return rows[0], rows[1]
    drawn = words(key, 4, stream)
    return drawn[:2], drawn[2:]


def orders_by_definition(key, shape, axis, stream):
    orders = np.broadcast_to(
        np.arange(shape[axis]).reshape([-1 if d == axis else 1 for d in range(len(shape))]), shape
    )
    size = math.prod(shape)
    for _ in range(math.ceil(3 * math.log(max(size, 1)) / math.log(2**32 - 1))):
        key, subkey = split(key, stream)
        drawn = words(subkey, size, stream).reshape(shape)
        place = np.argsort(drawn, axis=axis, kind="stable")
        orders = np.take_along_axis(orders, place, axis)
    return orders


# --- whole orders --------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_orders_follow_their_definition(stream, native):
    # Where the kernel goes on in another way: insertion up to 24, buckets from 1025; a second
    # round from 1626.
    sizes = [0, 1, 2, 10, 1625, 1626]
    if native:  # the twin takes its time to compile
        sizes += [3, 4, 5, 7, 16, 23, 24, 25, 26, 31, 33, 63, 64, 65, 100, 500]
        sizes += [1023, 1024, 1025, 1026, 2000, 2047, 2048, 2049]
    for n in sizes:
        drawn = ops.permutation_indices(KEY, n, stream=stream)
        assert drawn.dtype == np.int32
        np.testing.assert_array_equal(drawn, orders_by_definition(KEY, (n,), 0, stream))


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("n", [10, 1625, 1626, 100_000, 1_000_000])
def test_orders_are_those_of_jax_random(n, stream):
    with as_jax(stream):
        expected = jax.random.permutation(KEY, n)
    drawn = ops.permutation_indices(KEY, n, stream=stream)
    assert drawn.dtype == expected.dtype
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.usefixtures("need_native")
@pytest.mark.parametrize(("n", "stream"), [(2_000_001, "original"), (2_642_246, "partitionable")])
def test_large_orders_follow_their_definition(n, stream):  # of two and of three rounds
    drawn = ops.permutation_indices(KEYS[1], n, stream=stream)
    np.testing.assert_array_equal(drawn, orders_by_definition(KEYS[1], (n,), 0, stream))


@pytest.mark.parametrize("stream", STREAMS)
def test_orders_of_64_bits(stream):
    with _compat.enable_x64(True), as_jax(stream):
        for n in (10, 3000):
            drawn = ops.permutation_indices(KEY, n, stream=stream)
            expected = jax.random.permutation(KEY, n)
            assert drawn.dtype == expected.dtype == np.int64
            np.testing.assert_array_equal(drawn, expected)
            np.testing.assert_array_equal(
                ops.permutation_indices(KEY, n, first=n // 3, stream=stream), expected[: n // 3]
            )
    assert ops.permutation_indices(KEY, 10, stream=stream).dtype == np.int32


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("n", [1, 25, 1626, 5000])
def test_the_beginning_of_an_order(n, stream, native):
    whole = np.stack([orders_by_definition(key, (n,), 0, stream) for key in KEYS])
    for first in {0, 1, n // 100, n // 2, n - 1, n} if native else {n // 2}:
        drawn = ops.permutation_indices(KEYS, n, first=first, stream=stream)
        np.testing.assert_array_equal(drawn, whole[:, :first])


# --- several orders ------------------------------------------------------------------------------

SHAPES = [
    ((9,), 0),
    ((4, 6), 0),
    ((4, 6), -1),
    ((2, 3, 4), 1),
    ((3, 0, 2), 0),
    ((3, 0, 2), 1),
    ((40, 50), 0),
    ((2, 1100, 2), 1),
]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_orders_along_an_axis(shape, axis, stream):
    drawn = np.asarray(ops.random_orders(KEY, shape, axis, stream=stream))
    assert drawn.dtype == np.int32
    np.testing.assert_array_equal(
        drawn, orders_by_definition(KEY, shape, axis % len(shape), stream)
    )


@pytest.mark.parametrize(
    ("shape", "axis", "stream"),
    [
        ((9,), 0, "original"),
        ((4, 6), 0, "partitionable"),
        ((4, 6), -1, "original"),
        ((2, 3, 4), 1, "original"),
        ((3, 0, 2), 0, "partitionable"),
        ((3, 0, 2), 1, "original"),
    ],
)
@pytest.mark.parametrize("independent", [False, True])
def test_shuffles_are_those_of_jax_random(shape, axis, stream, independent):
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    drawn = ops.shuffle(KEY, x, axis, independent, stream=stream)
    assert drawn.shape == shape
    assert drawn.dtype == x.dtype
    if x.size:  # which jax.random cannot shuffle along an empty axis
        with as_jax(stream):
            np.testing.assert_array_equal(drawn, jax.random.permutation(KEY, x, axis, independent))


@pytest.mark.parametrize("stream", STREAMS)
def test_batches_of_keys_and_mapped_ones(stream, native):
    for n in (7, 30, 1700) if native else (30,):
        several = np.asarray(ops.permutation_indices(KEYS, n, stream=stream))
        for key, order in zip(KEYS, several, strict=True):
            np.testing.assert_array_equal(order, orders_by_definition(key, (n,), 0, stream))
        mapped = jax.vmap(lambda key: ops.permutation_indices(key, n, stream=stream))  # noqa: B023
        np.testing.assert_array_equal(mapped(KEYS), several)
        np.testing.assert_array_equal(jax.jit(jax.vmap(mapped))(KEYS[None])[0], several)
    assert ops.permutation_indices(KEYS[:0], 5, stream=stream).shape == (0, 5)

    x = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    for independent in (False, True):
        shuffled = ops.shuffle(KEYS, x, 1, independent, stream=stream)
        for i, key in enumerate(KEYS):
            np.testing.assert_array_equal(
                shuffled[i], ops.shuffle(key, x, 1, independent, stream=stream)
            )


def test_orders_within_a_compiled_loop():
    def step(key, _):
        key, order_key = ops.split(key, 2)
        return key, ops.permutation_indices(order_key, 40)

    _, drawn = jax.jit(lambda key: jax.lax.scan(step, key, length=5))(KEY)
    key = KEY
    for order in drawn:
        key, order_key = ops.split(key, 2)
        np.testing.assert_array_equal(order, ops.permutation_indices(order_key, 40))


def test_shuffles_are_differentiable_in_what_they_shuffle():
    x = jnp.arange(6.0).reshape(3, 2)
    weights = jnp.arange(6.0).reshape(3, 2)
    for independent in (False, True):
        gradient = jax.grad(lambda x: (ops.shuffle(KEY, x, 0, independent) * weights).sum())(x)  # noqa: B023
        # The weights go back to where the elements came from.
        back = ops.shuffle(KEY, gradient, 0, independent)
        np.testing.assert_array_equal(back, weights)


def test_the_kernel_and_the_twin_agree(need_native):
    for shape, axis, length in [
        ((50,), 0, 50),
        ((7,), 0, 2000),
        ((6, 80), 1, 80),
        ((80, 6), 0, 80),
    ]:
        for stream in STREAMS:
            params = {
                "shape": shape,
                "axis": axis,
                "length": length,
                "dtype": np.dtype(np.int32),
                "stream": stream,
            }
            native = jax.jit(lambda key: _orders.orders_p.bind(key, **params))  # noqa: B023
            assert "brainvar_threefry_permutation_v1" in native.lower(KEYS).as_text()
            twin = jax.jit(lambda key: _orders._orders_twin(key, **params))  # noqa: B023
            np.testing.assert_array_equal(native(KEYS), twin(KEYS))


# --- the law -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_all_small_orders_are_equally_likely(stream):
    keys = ops.split(KEY, 24_000, stream=stream)
    drawn = np.asarray(ops.permutation_indices(keys, 4, stream=stream))
    _, counts = np.unique(drawn @ [64, 16, 4, 1], return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3
    # Every element in every place, past the sizes that are sorted by insertion.
    drawn = np.asarray(ops.permutation_indices(keys[:9000], 30, stream=stream))
    table = np.stack([np.bincount(column, minlength=30) for column in drawn.T])
    # Rows and columns both sum to 9000: 29 * 29 degrees of freedom.
    statistic = ((table - 300) ** 2 / 300).sum() * 29 / 30
    assert stats.chi2(29 * 29).sf(statistic) > 1e-3


# --- errors --------------------------------------------------------------------------------------


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="at least one dimension"):
        ops.shuffle(KEY, 5)
    with pytest.raises(ValueError, match="axis 2 is out of bounds for x of 2"):
        ops.shuffle(KEY, np.zeros((2, 2)), 2)
    with pytest.raises(ValueError, match="axis -3 is out of bounds"):
        ops.random_orders(KEY, (2, 2), -3)
    with pytest.raises(ValueError, match="n must not be negative"):
        ops.permutation_indices(KEY, -1)
    with pytest.raises(ValueError, match="first=4"):
        ops.permutation_indices(KEY, 3, first=4)
    with pytest.raises(ValueError, match="jax_enable_x64"):
        ops.permutation_indices(KEY, 2**31 + 1)
    with pytest.raises(ValueError, match="not a counter layout"):
        ops.permutation_indices(KEY, 3, stream="other")
    with pytest.raises(TypeError, match="raw key"):
        ops.permutation_indices(np.zeros(3), 3)


@pytest.mark.usefixtures("need_native")
@pytest.mark.parametrize(
    ("shape", "changed", "message"),
    [
        ((5,), {"axis": np.int64(1)}, "axis"),
        ((5,), {"axis": np.int64(-1)}, "axis"),
        ((5,), {"length": np.int64(4)}, "whole"),
        ((5, 2), {"length": np.int64(6)}, "whole"),
        ((5,), {"rounds": np.int64(0)}, "at least one round"),
        ((5,), {"rounds": np.int64(-1)}, "at least one round"),
        ((5,), {"stream": np.int32(2)}, "stream"),
        ((5,), {"length": np.int64(2**31 + 1)}, "do not fit"),
    ],
)
def test_the_kernel_refuses_what_it_cannot_do(shape, changed, message):
    assert _native.native_enabled("cpu")
    attributes = {
        "stream": np.int32(0),
        "rounds": np.int64(1),
        "axis": np.int64(0),
        "length": np.int64(5),
    }
    call = jax.ffi.ffi_call(
        "brainvar_threefry_permutation_v1", jax.ShapeDtypeStruct(shape, np.int32)
    )
    with pytest.raises(Exception, match=message):
        jax.block_until_ready(call(KEY, **{**attributes, **changed}))


@pytest.mark.usefixtures("need_native")
def test_the_kernel_refuses_counts_beyond_64_bits():
    with _compat.enable_x64(True):
        call = jax.ffi.ffi_call(
            "brainvar_threefry_permutation_v1", jax.ShapeDtypeStruct((4, 1), np.int64)
        )
        with pytest.raises(Exception, match="out of memory"):
            jax.block_until_ready(
                call(
                    jnp.zeros((4, 2), np.uint32),
                    stream=np.int32(1),
                    rounds=np.int64(2**62),
                    axis=np.int64(0),
                    length=np.int64(2**62),
                )
            )
