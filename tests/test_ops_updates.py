"""In-place updates on raw arrays: values, batches, gradients, lowering and errors."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainvar import _compat, ops
from brainvar._native import native_enabled
from brainvar.ops import _updates_twin as twin
from updates_model import (
    KINDS,
    OPS,
    POINT,
    UFUNCS,
    kind_and_operands,
    model,
    numbers,
    random_where,
)

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)
SHAPES = ((), (7,), (3, 4), (2, 1, 3, 2))


# --- what is tested -------------------------------------------------------------------------------


PUBLIC = {"slices": ops.update_slices, "at": ops.update_at, "masked": ops.update_masked}
TWIN = {"slices": twin.update_slices, "at": twin.update_at, "masked": twin.update_masked}


@functools.partial(jax.jit, static_argnames="kind")
def by_all_ops(target, values, *where, kind):
    """All operations at once, by the kernel where there is one and by the twin: one compilation."""
    results = {}
    for op in OPS:
        results["twin", op] = TWIN[kind](*map(jnp.asarray, (target, values, *where)), op=op)
        if native_enabled():
            results["kernel", op] = PUBLIC[kind](target, values, *where, op=op)
    return results


def check(target, values, where):
    kind, operands = kind_and_operands(where)
    results = by_all_ops(target, values, *operands, kind=kind)
    for op in OPS:
        expected = model(target, values, where, op)
        for name in ("twin", "kernel"):
            if (name, op) in results:
                got = results[name, op]
                assert got.dtype == target.dtype
                assert_same(got, expected, f"{name} {op} {where}", exact=op != "multiply")


def assert_same(got, expected, message, exact=True):
    got = np.asarray(got)
    if got.dtype == jnp.bfloat16:
        got, expected = got.astype("float32"), expected.astype("float32")
    if exact or got.dtype.kind != "c":
        np.testing.assert_array_equal(got, expected, err_msg=message)
    else:  # products of complex numbers may be contracted
        np.testing.assert_allclose(got, expected, rtol=1e-5, err_msg=message)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_all_operations_of_all_dtypes(kind, dtype):
    rng = np.random.default_rng(DTYPES.index(dtype))
    with _compat.enable_x64(jnp.dtype(dtype).itemsize >= 8 and dtype != "complex64"):
        for _ in range(4):
            where = random_where(rng, kind, (3, 5), split=1)  # one compilation
            target, values = numbers(rng, (3, 5), dtype), numbers(rng, 15, dtype)
            check(target, values, where)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_random_indices(kind, data):
    # Each shape and each number of values is a compilation; indices are not.
    shape = data.draw(st.sampled_from(SHAPES))
    size = data.draw(st.sampled_from([8 * math.prod(shape), 1] if shape == (3, 4) else [64]))
    wild = data.draw(st.booleans())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    where = random_where(rng, kind, shape, wild)
    check(numbers(rng, shape, "float32"), numbers(rng, size, "float32"), where)


def test_specs_of_slices_mean_what_numpy_means():
    rng = np.random.default_rng(1)
    target, values = numbers(rng, (6, 5), "float32"), numbers(rng, 30, "float32")
    for index in (
        np.s_[2:5, ::-1],
        np.s_[::-2, 1:4:2],
        np.s_[3:3, :],
        np.s_[-4:-1, -1:-6:-3],
        np.s_[:, 4:0:-1],
    ):
        rows, stride = [], 1
        for bounds, size in zip(index[::-1], (5, 6), strict=True):
            start, stop, step = bounds.indices(size)
            rows.insert(0, (start, len(range(start, stop, step)), step, stride))
            stride *= rows[0][1]
        expected = target.copy()
        shape = expected[index].shape
        expected[index] = values[: math.prod(shape)].reshape(shape)
        got = ops.update_slices(target, values, ops.encode_spec(rows))
        np.testing.assert_array_equal(got, expected)


def test_work_that_is_shared_among_threads():
    rng = np.random.default_rng(2)
    n = 1_500_000
    target, values = rng.normal(size=(2, 2, n)).astype("float32")
    rows = [(0, 2, 1, n), (0, n, 1, 1)]
    for op in OPS:
        got = ops.update_slices(target, values.reshape(-1), ops.encode_spec(rows), op=op)
        np.testing.assert_array_equal(got, UFUNCS[op](target, values))
    got = ops.update_slices(
        target, values[0, :1], ops.encode_spec([(0, 2, 1, 0), (1, n - 1, 1, 0)])
    )
    assert (np.asarray(got)[:, 1:] == values[0, 0]).all()
    assert (np.asarray(got)[:, 0] == target[:, 0]).all()
    mask = rng.random(n) < 0.5
    expected = target[0].copy()
    expected[mask] = values[0][: mask.sum()]
    spec = ops.encode_spec([(0, mask.sum(), 0, 1)])
    np.testing.assert_array_equal(ops.update_masked(target[0], values[0], mask, spec), expected)
    offsets = rng.integers(0, n, n).astype(np.int32)
    expected = target[0].copy()
    np.add.at(expected, offsets, values[0])
    spec = ops.encode_spec([(0, n, 0, 1), POINT])
    got = ops.update_at(target[0], values[0], offsets, spec, op="add")
    np.testing.assert_array_equal(got, expected)


# --- words, offsets, sizes ------------------------------------------------------------------------


def test_specs_hold_64_bits_with_and_without_64_bit_types():
    rows = [[-1, 2**40 + 3, -(2**62), 7]]
    for given_rows in (rows, np.array(rows), tuple(map(tuple, rows))):
        words = ops.encode_spec(given_rows)
        assert isinstance(words, np.ndarray)
        assert words.dtype == np.uint32
        assert words.shape == (1, 4, 2)
        assert words.view("<i8")[..., 0].tolist() == rows
    small = np.array([[-1, 2, -3, 2**31 - 1]])
    expected = ops.encode_spec(small)
    traced = jax.jit(ops.encode_spec)(small.astype(np.int32))
    np.testing.assert_array_equal(traced, expected)
    mixed = jax.jit(lambda i: ops.encode_spec([[i, 2, -3, 2**31 - 1]]))(-1)
    np.testing.assert_array_equal(mixed, expected)
    with _compat.enable_x64(True):
        np.testing.assert_array_equal(
            jax.jit(ops.encode_spec)(np.array(rows)), ops.encode_spec(rows)
        )
    with pytest.raises(TypeError, match="integers, got float64"):
        ops.encode_spec(np.ones((1, 4)))


@pytest.mark.parametrize("form", ["update", "twin"])
def test_far_positions_are_not_cut_to_their_low_half(form):
    update = ops.update_slices if form == "update" else jitted(twin.update_slices)
    target, values = np.zeros(4, np.float32), np.ones(3, np.float32)
    far = 2**32
    for row in ((far + 1, 1, 1, 0), (1 - far, 1, 1, 0), (1, 1, 1, far), (0, far + 2, far, 1)):
        got = update(target, values, ops.encode_spec([row]), op="add")
        first = 1.0 if row[0] == 0 or row[3] == far else 0.0
        assert np.asarray(got).sum() == first, row
    at = ops.update_at if form == "update" else jitted(twin.update_at)
    spec = ops.encode_spec([(0, 3, 0, 1), POINT])
    wide = np.array([far + 1, -far, 2])
    offsets = wide if form == "update" else ops.encode_spec(wide)
    np.testing.assert_array_equal(at(target, values, offsets, spec, op="add"), [0, 0, 1, 0])


def jitted(function):
    return jax.jit(function, static_argnames="op")


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_offsets_may_have_any_integer_dtype(dtype):
    spec = ops.encode_spec([(0, 2, 0, 1), POINT])
    for x64 in (False, True):
        with _compat.enable_x64(x64):
            host = np.array([3, 1], dtype)
            for offsets in (host, jnp.asarray(host)):
                got = ops.update_at(np.zeros(4, "f"), np.ones(2, "f"), offsets, spec)
                np.testing.assert_array_equal(got, [0, 1, 0, 1])


@pytest.mark.parametrize(("shape", "m"), [((0,), 3), ((3, 0), 3), ((4,), 0)])
def test_empty_arrays_stay_as_they_are(shape, m):
    target, values = np.ones(shape, np.float32), np.zeros(m, np.float32)
    row = (0, 4, 1, 1)
    spec = ops.encode_spec([row] * len(shape))
    at = ops.encode_spec([(0, 2, 0, 1), *[POINT] * len(shape)])
    masked = ops.encode_spec([(0, 3, 0, 1)] + [row] * (len(shape) - 1))
    for got in (
        ops.update_slices(target, values, spec),
        ops.update_at(target, values, np.zeros(2, np.int32), at),
        ops.update_masked(target, values, np.ones(shape[:1], bool), masked),
    ):
        np.testing.assert_array_equal(got, target)
    got = ops.update_at(np.ones(2, "f"), np.zeros(1, "f"), np.zeros(0, np.int32), at[:2])
    np.testing.assert_array_equal(got, [1, 1])


def test_the_operand_stays_as_it_was():
    target = jnp.arange(4.0)
    got = ops.update_slices(target, np.ones(1, "f"), ops.encode_spec([(0, 4, 1, 0)]))
    np.testing.assert_array_equal(got, [1, 1, 1, 1])
    np.testing.assert_array_equal(target, [0, 1, 2, 3])
