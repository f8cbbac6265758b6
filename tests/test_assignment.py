"""What may be assigned, and by which index."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainvar.core.array import JaxArray
from brainvar.core.errors import RawTransformError
from brainvar.core.variable import Variable
from brainvar.transforms.jit import jit

M = np.arange(12, dtype=np.float32).reshape(3, 4)


def set_value(v, x):
    v.value = x


WAYS = {
    "value": set_value,
    "update": lambda v, x: v.update(x),
    "ellipsis": lambda v, x: v.__setitem__(..., x),
    "slice": lambda v, x: v.__setitem__(slice(None), x),
}

TAKEN = [
    (np.float32, 5),
    (np.float32, 5.5),
    (np.float32, True),
    (np.float32, np.float64(2.5)),
    (np.float32, np.ones(4)),
    (np.float32, np.ones((1, 1), np.int64)),
    (np.float32, [1, 2, 3, 4]),
    (np.float32, ((1.0,), (2.0,), (3.0,))),
    (np.float32, jnp.ones((3, 1), jnp.float16)),
    (np.float32, JaxArray([1, 2, 3, 4])),
    (np.float32, Variable(2)),
    (np.float16, np.float64(1e3)),
    (jnp.bfloat16, 1.5),
    (np.complex64, 1.0),
    (np.complex64, 1j),
    (np.int8, -128),
    (np.int8, np.int64(127)),
    (np.int8, [1, 2, 3, -4]),
    (np.uint8, 255),
    (np.uint32, 2**32 - 1),
    (np.uint32, np.int64(7)),
    (np.uint8, [0, 1, 2, 255]),
    (np.int16, np.ones(4, np.uint8)),
    (np.int32, True),
    (np.bool_, True),
    (np.bool_, 1),
    (np.bool_, [0, 1, 1, 0]),
    (np.bool_, np.zeros(4, bool)),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", [JaxArray, Variable])
def test_what_is_taken(cls, way):
    for dtype, value in TAKEN:
        v = cls(np.zeros((3, 4)), dtype=dtype)
        expected = np.zeros((3, 4), dtype)
        expected[...] = np.asarray(value)
        WAYS[way](v, value)
        assert v.dtype == dtype
        assert v.shape == (3, 4)
        assert not v.value.aval.weak_type
        np.testing.assert_array_equal(np.asarray(v), expected)


REFUSED = [
    (np.int32, 1.5, TypeError, r"int32.*float64.*same_kind"),
    (np.int32, jnp.ones(4), TypeError, r"dtype int32.*dtype float32 and shape \(4,\)"),
    (np.int32, 1.0, TypeError, "same_kind"),
    (np.float32, 1j, TypeError, r"float32.*complex128"),
    (np.bool_, 1.0, TypeError, "bool.*float64"),
    (np.bool_, 2, TypeError, "bool.*int64"),
    (np.bool_, np.ones(4, np.int32), TypeError, "bool.*int32"),
    (np.uint8, np.ones(4, np.int32), TypeError, "uint8.*int32"),
    (np.uint8, -1, OverflowError, r"uint8, which cannot hold -1: its range is 0 to 255"),
    (np.uint8, 256, OverflowError, "cannot hold 256"),
    (np.int8, [1, 2, 3, 300], OverflowError, "int8, which cannot hold 300"),
    (np.int8, np.int64(-129), OverflowError, "cannot hold -129"),
    (np.float32, "a", TypeError, "cannot take 'a'"),
    (np.float32, None, TypeError, "cannot take None"),
    (np.float32, object, TypeError, "cannot take"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", [JaxArray, Variable])
def test_what_is_refused(cls, way):
    for dtype, value, error, message in REFUSED:
        v = cls(np.ones((3, 4)), dtype=dtype)
        held = v.value
        with pytest.raises(error, match=message):
            WAYS[way](v, value)
        assert v.value is held


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros((4, 3)), np.zeros((1, 3, 4)), [1, 2]])
def test_an_error_names_the_variable_the_shapes_and_the_dtypes(value):
    v = Variable(M, name="gain")
    shape = np.shape(value)
    with pytest.raises(ValueError, match="Variable float32.* named 'gain'") as info:
        v.value = value
    for part in ("(3, 4)", str(shape), "float32", str(np.asarray(value).dtype)):
        assert part in str(info.value)
    with pytest.raises(ValueError, match=r"gain.*\(4,\)") as info:
        v[0] = np.zeros(5)
    assert "(5,)" in str(info.value)
    with pytest.raises(TypeError, match="gain"):
        v[0] = 1j
    np.testing.assert_array_equal(v, M)


def test_a_python_integer_is_taken_alike_in_a_compiled_function():
    u = Variable(np.zeros(2, np.uint32))
    jit(u.update)(7)
    np.testing.assert_array_equal(u, [7, 7])
    with pytest.raises(TypeError, match="same_kind"):
        jit(u.update)(np.ones(2, np.int32))
    with pytest.raises(TypeError, match="same_kind"):
        jit(u.update)(1.0)
    np.testing.assert_array_equal(u, [7, 7])


# -- what comes from NumPy is copied ---------------------------------------------------------


def test_a_numpy_array_may_change_right_after():
    n = 300_000
    for make in (
        Variable,
        JaxArray,
        lambda a: (lambda v: (set_value(v, a), v)[1])(Variable(np.zeros(n, np.float32))),
        lambda a: (lambda v: (v.__setitem__(slice(None), a), v)[1])(
            Variable(np.zeros(n, np.float32))
        ),
        lambda a: jit(lambda x: x * 1)(a),
        lambda a: Variable(np.zeros(n, np.float32)).at[:].set(a),
        lambda a: np.concatenate([Variable(np.zeros(1, np.float32)), a])[1:],
    ):
        make(np.ones(n, np.float32))  # compiled
        a = np.ones(n, np.float32)
        result = make(a)
        a[:] = 7
        np.testing.assert_array_equal(np.asarray(result), 1)


def test_a_numpy_index_may_change_right_after():
    v = Variable(np.arange(300_000))
    index = np.zeros(300_000, np.int32)
    result = v[index]
    index[:] = 5
    assert not result.any()


# -- indexing --------------------------------------------------------------------------------

INDICES = [
    1,
    -1,
    np.int64(2),
    (1, 2),
    (-1, -4),
    slice(1, None),
    slice(None, None, -1),
    (slice(None), slice(3, 0, -2)),
    (..., 1),
    (1, ...),
    ...,
    None,
    (None, 1, None),
    (),
    [0, 2],
    [[0, 1], [2, -3]],
    [],
    (slice(1), [0, -1, 3]),
    ([0, 1], [3, -4]),
    np.array([2, 0], np.uint8),
    (np.array([[0], [2]]), np.array([1, 3])),
    M > 4,
    M[:, 0] > 1,
    [True, False, True],
    (1, M[1] > 5),
    (slice(None), M[0] > 1),
    True,
    np.False_,
    (True, 1),
    slice(5, 9),
    slice(-100, 100),
]


@pytest.mark.parametrize("index", INDICES, ids=lambda x: str(x).replace("\n", ""))
def test_indexing_is_numpys(index):
    expected = M[index]
    as_ours = lambda i: Variable(i) if isinstance(i, np.ndarray) else i  # noqa: E731
    ours = tuple(map(as_ours, index)) if isinstance(index, tuple) else as_ours(index)
    for i in (index, ours):
        result = Variable(M)[i]
        assert type(result) is JaxArray
        assert result.shape == np.shape(expected)
        np.testing.assert_array_equal(result, expected)
        v, a = Variable(M), M.copy()
        v[i] = -1
        a[i] = -1
        np.testing.assert_array_equal(v, a)
        new = np.arange(100, 100 + np.size(expected), dtype=np.float32).reshape(np.shape(expected))
        v[i] = new
        a[i] = new
        np.testing.assert_array_equal(v, a)


OUT_OF_BOUNDS = [
    (3, r"index 3 is out of bounds for axis 0 with size 3 of Variable float32\[3, 4\]"),
    (-4, "index -4 is out of bounds for axis 0"),
    ((0, 4), "index 4 is out of bounds for axis 1 with size 4"),
    ((..., 7), "index 7 is out of bounds for axis 1"),
    ((None, 5), "index 5 is out of bounds for axis 0"),
    (np.int64(9), "index 9"),
    (jnp.int32(9), "index 9"),
    ([0, 3], "index 3 .* axis 0"),
    (np.array([[0], [-9]]), "index -9"),
    (jnp.array([0, 8]), "index 8"),
    (JaxArray([0, 8]), "index 8"),
    ((slice(None), [0, 4]), "index 4 .* axis 1"),
    ((0, 0, 0), r"has 2 dimension\(s\), but 3 were indexed"),
    ((..., ...), "only one ellipsis"),
    (np.ones(2, bool), r"boolean array of shape \(2,\) where its dimensions are \(3,\)"),
    (np.ones((3, 3), bool), "boolean array"),
    ((slice(None), np.ones(3, bool)), r"boolean array of shape \(3,\).*\(4,\)"),
    (1.0, "indexed with 1.0"),
    (np.float32(1), "dtype float32"),
    ([0.5], "dtype float64"),
    ((0, 1.5), "1.5"),
    ("a", "indexed with 'a'"),
    (1j, "1j"),
]


@pytest.mark.parametrize(("index", "message"), OUT_OF_BOUNDS, ids=lambda x: str(x))
def test_a_wrong_index_is_an_error_that_changes_nothing(index, message):
    v = Variable(M)
    with pytest.raises(IndexError, match=message):
        v[index]
    with pytest.raises(IndexError, match=message):
        v[index] = 1
    with pytest.raises(IndexError, match=message):
        jit(lambda: v[index])()
    np.testing.assert_array_equal(v, M)


def test_v5_of_two_elements_is_an_error():
    v = Variable(jnp.zeros(2))
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        v[5]
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        v[5] = 1.0
    assert not v.any()


def test_a_new_integer_index_compiles_nothing(compilations):
    v = Variable(M)
    v[0] = v[1] + 0.0
    with compilations() as count:
        for i in range(-3, 3):
            v[i] = v[-i - 1]
    assert not count


def test_a_traced_index_is_dropped_out_of_bounds():
    v = Variable(M)

    @jit
    def write(i):
        v[i] = -1.0

    write(7)
    np.testing.assert_array_equal(v, M)
    write(2)
    np.testing.assert_array_equal(v[2], [-1] * 4)


@pytest.mark.parametrize("value", [-1.0, np.arange(4.0)])
def test_a_mask_known_at_run_time_selects_what_is_written(value):
    v, a = Variable(M), M.copy()

    @jit
    def write(limit, x):
        v[v[:, 0] > limit] = x

    for limit in (3.0, 100.0, 7.0):
        write(limit, value)
        a[a[:, 0] > limit] = value
        np.testing.assert_array_equal(v, a)


def test_overlapping_slices():
    a = np.arange(128, dtype=np.int32).reshape(8, 16)

    def down(x):
        x[1:] = x[:-1]

    def up(x):
        x[:-1] = x[1:]

    def columns(x):
        x[:, 2:] = x[:, :-2] + 1

    def accumulate(x):
        x[1:] += x[:-1]

    def reverse(x):
        x[:] = x[::-1]

    def row(x):
        x[3] = x[3][::-1]

    for write in (down, up, columns, accumulate, reverse, row):
        expected = a + 1
        write(expected)
        eager = Variable(a + 1)
        write(eager)
        np.testing.assert_array_equal(eager, expected)
        held = Variable(a + 1)
        jit(write)(held)
        np.testing.assert_array_equal(held, expected)

        @jit
        def fused(b):
            x = JaxArray(b + 1)
            write(x)  # noqa: B023
            return x.reshape((1, *x.shape))  # XLA fuses a reshape with what is before it

        np.testing.assert_array_equal(fused(a)[0], expected)


def test_writing_under_a_raw_trace_is_an_error_that_changes_nothing():
    v = Variable(M)
    for write in (
        lambda x: v.__setitem__(0, x),
        lambda x: v.update(x),
        lambda x: v.fill(x),
        lambda x: np.add(v, x, out=v),
        lambda x: np.add.at(v, 0, x),
        lambda x: v.__iadd__(x),
    ):
        with pytest.raises(RawTransformError, match="raw JAX transform"):
            jax.jit(write)(1.0)
    np.testing.assert_array_equal(v, M)


slices = st.builds(
    slice,
    st.none() | st.integers(-6, 6),
    st.none() | st.integers(-6, 6),
    st.sampled_from([None, 1, 2, -1, -2]),
)


@settings(max_examples=25, deadline=None)
@given(rows=slices | st.integers(-3, 2), columns=slices | st.integers(-4, 3))
def test_any_basic_index(rows, columns):
    v, a = Variable(M), M.copy()
    np.testing.assert_array_equal(v[rows, columns], a[rows, columns])
    v[rows, columns] = a[rows, columns] * 2 + 1
    a[rows, columns] = a[rows, columns] * 2 + 1
    np.testing.assert_array_equal(v, a)
