"""Writes where one index array says, whose operands are read where they are."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
from brainvar.core import _lending
from brainvar.core.array import JaxArray
from brainvar.core.errors import CopyError

UFUNCS = {
    "add_at": np.add,
    "multiply_at": np.multiply,
    "minimum_at": np.minimum,
    "maximum_at": np.maximum,
}
DTYPES = [np.float32, np.float16, np.complex64, np.int8, np.int32, np.uint32, np.bool_]
PLACES = [0, -1, 3, 3, -7, 6, 3]


@pytest.fixture
def lent(monkeypatch, need_native):
    """Count the loans."""
    made = []

    def lend(*args):
        made.append(args)
        return original(*args)

    original = _lending._lend
    monkeypatch.setattr(_lending, "_lend", lend)
    return made


def values_of(dtype, n=7):
    return (np.arange(n) % 5 + 1).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", UFUNCS)
def test_operations(lent, method, dtype):
    v, expected = bm.Variable(values_of(dtype, 7)), values_of(dtype, 7)
    x = values_of(dtype)[::-1].copy()
    getattr(v, method)(np.array(PLACES), x)
    UFUNCS[method].at(expected, PLACES, x)
    np.testing.assert_array_equal(v.value, expected)
    assert len(lent) == 1
    v = bm.Variable(values_of(dtype, 7))
    v[np.array(PLACES)] = x
    expected = values_of(dtype, 7)
    expected[PLACES] = x
    np.testing.assert_array_equal(v.value, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.complex128])
def test_wide_dtypes(lent, dtype):
    with jax.enable_x64(True):
        v = bm.Variable(values_of(dtype, 7))
    x, expected = values_of(dtype) * 2, values_of(dtype, 7)
    np.add.at(expected, PLACES, x)
    v.add_at(np.array(PLACES), x)  # with the dtypes of 32 bits
    np.testing.assert_array_equal(v.value, expected)
    assert v.dtype == dtype
    assert len(lent) == 1


INDICES = {
    "int64": np.array(PLACES, np.int64),
    "int32": np.array(PLACES, np.int32),
    "int8": np.array(PLACES, np.int8),
    "big-endian": np.array(PLACES, ">i4"),
    "uint8": np.array(PLACES, np.int64).astype(np.uint8) % 7,
    "uint64": np.array([0, 6, 3, 3, 1, 6, 3], np.uint64),
    "every other": np.repeat(PLACES, 2)[::2],
    "backwards": np.array(PLACES[::-1])[::-1],
    "unaligned": np.frombuffer(b"-" + np.array(PLACES, np.int32).tobytes(), np.int32, offset=1),
    "read-only": np.frombuffer(np.array(PLACES, np.int64).tobytes(), np.int64),
    "JAX": jnp.array(PLACES),
    "JAX uint8": jnp.array([0, 6, 3, 3, 1, 6, 3], jnp.uint8),
    "JaxArray": JaxArray(PLACES),
}


@pytest.mark.parametrize("kind", INDICES)
def test_indices(lent, kind):
    index = INDICES[kind]
    v, expected = bm.Variable(bm.zeros(7)), np.zeros(7, np.float32)
    for x in (values_of(np.float32), jnp.asarray(values_of(np.float32)), 2.5):
        v.add_at(index, x)
        np.add.at(expected, np.asarray(index), np.asarray(x))
    np.testing.assert_array_equal(v.value, expected)
    assert len(lent) == 3


def test_shapes_and_strides_of_values(lent):
    v, expected = bm.Variable(bm.zeros(7)), np.zeros(7, np.float32)
    block = np.array(PLACES[:6]).reshape(2, 3)
    unaligned = np.frombuffer(b"-" + np.ones(6, np.float32).tobytes(), np.float32, offset=1)
    for x in (
        np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2],
        np.arange(6, dtype=np.float32).reshape(3, 2).T,
        unaligned.reshape(2, 3),
        np.broadcast_to(np.float32(3), (2, 3)),
    ):
        v.add_at(block, x)
        np.add.at(expected, block, x)
    np.testing.assert_array_equal(v.value, expected)
    assert len(lent) == 4


def test_other_operands_take_the_long_way(lent):
    v, expected = bm.Variable(bm.zeros(7)), np.zeros(7, np.float32)
    index = np.array(PLACES)
    for where, x in [
        (index, np.ones(1, np.float32)),
        (index, np.arange(7)),
        (index, [1.0] * 7),
        (index[:0], np.ones(0, np.float32)),
        (np.array(3), 1.0),
        (expected == 0, 1.0),
        (PLACES, 1.0),
        ((index,), np.ones(7, np.float32)),
        (slice(2), 2.0),
    ]:
        v.add_at(where, x)
        np.add.at(expected, where, x)
    np.testing.assert_array_equal(v.value, expected)
    assert not lent


def test_operands_that_are_the_variable():
    for x in (bm.Variable(jnp.arange(7)), JaxArray(jnp.arange(7))):
        held = np.asarray(x).copy()
        x.add_at(x, 2)
        np.testing.assert_array_equal(x.value, held + 2)
        x -= 2
        x.add_at(np.array(PLACES), x)
        expected = held.copy()
        np.add.at(expected, PLACES, held)
        np.testing.assert_array_equal(x.value, expected)


def test_views_of_the_variable_stay():
    v = bm.Variable(np.arange(7, dtype=np.float32))
    v[0] = 0.0
    view, raw = np.asarray(v), v.value
    v.add_at(np.array(PLACES), view)
    expected = np.arange(7, dtype=np.float32)
    np.testing.assert_array_equal(view, expected)
    np.testing.assert_array_equal(raw, expected)
    np.add.at(expected, PLACES, expected.copy())
    np.testing.assert_array_equal(v.value, expected)


@pytest.mark.parametrize("kind", [np.int64, np.int32, jnp.int32])
@pytest.mark.parametrize("bad", [7, -8, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("at", [0, 1, 2999])
def test_bounds(kind, bad, at):
    v = bm.Variable(bm.zeros(7), name="v")
    v[0] = 1.0
    places = np.zeros(3000, np.int64)
    places[at] = bad
    before = v.inplace_stats()
    places = (jnp if kind is jnp.int32 else np).asarray(places, kind)
    with pytest.raises(IndexError, match=f"^index {bad} is .* axis 0 with size 7 .* named 'v'"):
        v.add_at(places, np.ones(3000, np.float32))
    assert v.inplace_stats() == before
    np.testing.assert_array_equal(v.value, [1, 0, 0, 0, 0, 0, 0])


def test_bounds_of_unsigned_indices():
    v = bm.Variable(bm.zeros(7))
    for bad in (np.uint8(7), np.uint32(2**32 - 1), np.uint64(2**64 - 1)):
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0"):
            v.add_at(np.array([bad]), 1.0)


def slow(n):
    """Return zeros that are computed for a while."""
    big = jnp.full((700, 700), 1e-3)
    return jax.jit(lambda x: jax.lax.fori_loop(0, 30, lambda i, y: y @ x, x)[0, :n] * 0)(big)


def test_operands_may_change_after_the_call():
    for _ in range(5):
        v = bm.Variable(bm.zeros(7))
        v.value = slow(7)  # the write may have to wait for it
        index, x = np.array(PLACES), values_of(np.float32)
        expected = np.zeros(7, np.float32)
        np.add.at(expected, index, x)
        v.add_at(index, x)
        index[:], x[:] = 5, 100
        np.testing.assert_array_equal(v.value, expected)


def test_refused_writes_keep_nothing(need_native):
    v = bm.Variable(bm.zeros(7))
    held = v.value
    index, x = np.array(PLACES), values_of(np.float32)
    with bm.on_copy("error"), pytest.raises(CopyError):
        v.add_at(index, x)
    gc.collect()
    index.resize(3)  # raises where somebody refers to it
    x.resize(3)
    np.testing.assert_array_equal(v.value, held)


def test_a_number_serves_once(need_native):
    loan = _lending._lend(np.zeros(1, np.int64), 7, np.ones(1, np.float32))
    program = _lending._program((7,), np.dtype(np.float32), "add")
    v = bm.Variable(bm.zeros(7))
    v[1] = 1.0
    v._update(program, loan.number)
    np.testing.assert_array_equal(v.value, [1, 1, 0, 0, 0, 0, 0])
    for wrong in (loan.number, 0):
        with pytest.raises(Exception, match="no such loan"):
            program.of_copy(v.value, wrong).block_until_ready()
    loan.take_back(wanted=True)


def test_no_length_compiles_anything(need_native):
    v, expected = bm.Variable(bm.zeros(50)), np.zeros(50, np.float32)
    v.add_at(np.array([1]), np.ones(1, np.float32))
    expected[1] += 1
    program = _lending._program((50,), np.dtype(np.float32), "add")
    compiled = program.jitted._cache_size()
    for n in range(1, 200, 7):
        index, x = np.arange(n) % 50, np.arange(n, dtype=np.float32)
        v.add_at(index, x)
        np.add.at(expected, index, x)
    assert program.jitted._cache_size() == compiled
    np.testing.assert_array_equal(v.value, expected)


def test_checks_of_results_see_these_writes():
    with jax.debug_nans(True):
        v = bm.Variable(bm.zeros(7))
        v.add_at(np.array([1, 1]), np.ones(2, np.float32))
        with pytest.raises(FloatingPointError):
            v.add_at(np.array([1]), np.array([np.nan], np.float32))
    np.testing.assert_array_equal(v.value, [0, 2, 0, 0, 0, 0, 0])


def test_without_room_for_a_loan_operands_are_copied(monkeypatch, need_native):
    asked = []
    monkeypatch.setattr(_lending, "_lend", lambda *args: asked.append(args))
    v = bm.Variable(np.zeros(5, np.float32))
    v.add_at(np.array([0, 3, 3]), np.ones(3, np.float32))
    assert len(asked) == 1
    assert np.asarray(v.value).tolist() == [1, 0, 0, 2, 0]
