"""Writes by any index of NumPy, with any operation and dtype, against NumPy itself."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainvar._compat import enable_x64
from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable
from brainvar.transforms.jit import jit

UFUNCS = {
    "add": np.add,
    "multiply": np.multiply,
    "minimum": np.minimum,
    "maximum": np.maximum,
}
DTYPES = [
    *(np.bool_, np.int8, np.int32, np.uint8, np.uint32, np.float16, np.float32, np.complex64),
    *(np.int64, np.uint64, np.float64, np.complex128),
]
INTEGERS = [np.int8, np.uint8, np.int32, np.uint32, np.int64]

shapes = st.sampled_from([(5,), (3, 4), (1, 6), (2, 3, 4), (4, 1, 2), (2, 3, 2, 2), (0,), (3, 0)])


@st.composite
def array_indices(draw, size, shape):
    """Draw integers within an axis, as an array of some class, or a list."""
    dtype = draw(st.sampled_from(INTEGERS))
    low = 0 if np.dtype(dtype).kind == "u" else -size
    n = int(np.prod(shape))
    numbers = draw(st.lists(st.integers(low, size - 1), min_size=n, max_size=n))
    array = np.array(numbers, dtype).reshape(shape)
    form = draw(st.sampled_from(["numpy", "list", "jax", "JaxArray", "Variable"]))
    if form == "list" and array.ndim and array.size:
        return array.tolist()
    if form == "jax":
        return jnp.asarray(array)
    if form in ("JaxArray", "Variable"):
        return {"JaxArray": JaxArray, "Variable": Variable}[form](array)
    return array


@st.composite
def indices(draw, shape):
    """Draw an index: a tuple of items, or a single item."""
    block = draw(st.sampled_from([(), (1,), (3,), (4, 1), (2, 3), (0,)]))
    items, axis = [], 0
    rest = draw(st.booleans())
    while axis < len(shape) and draw(st.integers(0, 5)):
        size = shape[axis]
        kind = draw(st.sampled_from(["int", "slice", "slice", "array", "array", "mask", "new"]))
        if kind in ("int", "array") and size == 0:
            kind = "slice"
        if kind == "new":
            items.append(None)
        elif kind == "slice":
            bound = st.none() | st.integers(-size - 1, size + 1)
            step = draw(st.sampled_from([None, 1, 1, 2, 3, -1, -2]))
            items.append(slice(draw(bound), draw(bound), step))
            axis += 1
        elif kind == "int":
            number = draw(st.integers(-size, size - 1))
            items.append(draw(st.sampled_from([number, np.int64(number), jnp.int32(number)])))
            axis += 1
        elif kind == "array":
            cut = draw(st.integers(0, len(block)))
            items.append(draw(array_indices(size, block[cut:])))
            axis += 1
        else:
            depth = draw(st.integers(0, min(2, len(shape) - axis)))
            n = int(np.prod(shape[axis : axis + depth]))
            bits = draw(st.lists(st.booleans(), min_size=n, max_size=n))
            mask = np.array(bits, bool).reshape(shape[axis : axis + depth])
            items.append(draw(st.sampled_from([mask, JaxArray(mask)])) if depth else bool(mask))
            axis += depth
    if rest:
        items.insert(draw(st.integers(0, len(items))), ...)
    return items[0] if len(items) == 1 and draw(st.booleans()) else tuple(items)


def as_numpy(x):
    if isinstance(x, tuple):
        return tuple(as_numpy(item) for item in x)
    return np.asarray(x) if hasattr(x, "__jax_array__") or hasattr(x, "aval") else x


@st.composite
def cases(draw):
    shape = draw(shapes)
    index = draw(indices(shape))
    dtype = draw(st.sampled_from(DTYPES))
    op = draw(st.sampled_from(["set", "set", "add", *UFUNCS]))
    try:
        selected = np.zeros(shape, np.int8)[as_numpy(index)].shape
    except IndexError:  # arrays that do not broadcast together
        return shape, index, dtype, op, 1
    cut = draw(st.integers(0, len(selected)))
    value_shape = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in selected[cut:])
    if op == "set":  # numpy.add.at takes no more dimensions than are selected
        value_shape = (1,) * draw(st.sampled_from([0, 0, 0, 1, 2])) + value_shape
    n = int(np.prod(value_shape))
    numbers = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    value = np.array(numbers).reshape(value_shape)
    if np.dtype(dtype).kind == "b":
        value = value > 1
    form = draw(st.sampled_from(["numpy", "list", "number", "jax", "Variable"]))
    if form == "number":
        value = bool(n % 2) if np.dtype(dtype).kind == "b" else n % 5
    elif form == "list" and n:
        value = value.tolist()
    elif form == "jax":
        value = jnp.asarray(value.astype(dtype))
    elif form == "Variable":
        value = Variable(value.astype(dtype))
    else:
        value = value.astype(dtype)
    return shape, index, dtype, op, value


def perform(x, index, op, value):
    if op == "set":
        x[index] = value
    else:
        getattr(x, f"{op}_at")(index, value)


def expected_of(a, index, op, value):
    index, value = as_numpy(index), np.asarray(as_numpy(value)).astype(a.dtype)
    # More dimensions than are selected, of length 1: NumPy takes them from an array, but not for
    # a mask or a single element.
    extra = max(value.ndim - np.ndim(a[index]), 0)
    value = value.reshape(value.shape[extra:])
    if op == "set":
        a[index] = value
    else:
        UFUNCS[op].at(a, index, value)
    return a


@settings(max_examples=150, deadline=None)
@given(cases())
def test_a_write_in_place_is_numpys(case):
    shape, index, dtype, op, value = case
    a = (np.arange(np.prod(shape)) % 3).reshape(shape).astype(dtype)
    with enable_x64(np.dtype(dtype).itemsize >= 8):
        v, held = Variable(a), JaxArray(a)
    given_value = np.array(as_numpy(value))
    before = v.inplace_stats()
    try:
        expected = expected_of(a.copy(), index, op, value)
    except (IndexError, ValueError) as error:
        for x in (v, held):
            with pytest.raises(type(error)):
                perform(x, index, op, value)
            np.testing.assert_array_equal(x, a)
        return
    for x in (v, held):
        perform(x, index, op, value)
        assert x.dtype == dtype
        np.testing.assert_array_equal(np.asarray(x), expected)
    if before.copies == v.inplace_stats().copies == {}:
        assert v.inplace_stats().in_place <= before.in_place + 1
    np.testing.assert_array_equal(as_numpy(value), given_value)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_a_write_in_a_compiled_function_is_numpys(case):
    shape, index, dtype, op, value = case
    a = (np.arange(np.prod(shape)) % 3).reshape(shape).astype(dtype)
    with enable_x64(np.dtype(dtype).itemsize >= 8):
        v = Variable(a)
        try:
            expected = expected_of(a.copy(), index, op, value)
        except (IndexError, ValueError) as error:
            items = index if isinstance(index, tuple) else (index,)
            if not any(isinstance(item, Variable) for item in items):  # known at run time only
                with pytest.raises(type(error)):
                    jit(lambda: perform(v, index, op, value))()
            return
        jit(lambda: perform(v, index, op, value))()
        np.testing.assert_array_equal(v, expected)


def test_a_variable_of_64_bits_takes_another_one_where_these_are_off():
    with enable_x64(True):
        v, w = Variable(np.zeros(3)), Variable(np.float64(2))
        table = Variable(np.zeros(3))
    v[0] = w
    table.add_events(np.array([True, False]), np.array([[0, 1], [1, 2]]), 0.5)
    assert v.dtype == table.dtype == np.float64
    np.testing.assert_array_equal(v, [2, 0, 0])
    np.testing.assert_array_equal(table, [0.5, 0.5, 0])


def test_operands_of_writes_that_are_not_finished_keep_their_values():
    """Their memory is used again, but not while a write may still read it."""
    rng = np.random.default_rng(0)
    v, model = Variable(np.zeros(10_000, np.float32)), np.zeros(10_000, np.float32)
    for _ in range(300):
        n = int(rng.integers(5000, 20_000))
        where, what = rng.integers(0, 10_000, n), rng.integers(0, 9, n).astype(np.float32)
        v.add_at(where, what)
        np.add.at(model, where, what)
    np.testing.assert_array_equal(v, model)
