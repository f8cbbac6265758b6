"""Every statement that writes to a Variable: NumPy's result, in the Variable's own buffer."""

import operator
import re
from collections import namedtuple
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
from brainvar._compat import enable_x64
from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable
from brainvar.math.numpy import Variable as HostVariable
from brainvar.transforms import loops
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop
from test_array_methods import CALLS

M = np.array([[3.0, -1.0, 2.5, 7.0], [0.5, 4.0, -2.0, 1.0], [6.0, -3.0, 0.0, 5.0]], np.float32)
I = np.array([[5, 1, 7, 2], [4, 4, 0, 3], [6, 2, 9, 8]], np.int32)  # noqa: E741
MASK = M > 2
ROWS = np.array([2, 0, 2])

# Statements on an array, which is a Variable or its NumPy counterpart.
STATEMENTS = {
    "element": lambda x: x.__setitem__((1, 2), 9),
    "row": lambda x: x.__setitem__(-1, 2),
    "row of an array": lambda x: x.__setitem__(1, np.arange(4)),
    "slice": lambda x: x.__setitem__(slice(1, None), 3),
    "steps": lambda x: x.__setitem__(
        (slice(None, None, -2), slice(3, 0, -2)), np.ones((2, 2), int)
    ),
    "all": lambda x: x.__setitem__(..., 4),
    "new axis": lambda x: x.__setitem__((None, 1), np.full((1, 4), 6)),
    "index array": lambda x: x.__setitem__(ROWS, I),
    "index arrays": lambda x: x.__setitem__((ROWS, [1, 1, -1]), [7, 8, 9]),
    "mixed": lambda x: x.__setitem__((slice(1, 3), [0, 3]), [[1, 2], [3, 4]]),
    "mask": lambda x: x.__setitem__(MASK, 1),
    "mask with values": lambda x: x.__setitem__(MASK, np.arange(MASK.sum())),
    "mask of rows": lambda x: x.__setitem__([True, False, True], np.arange(4)),
    "leading ones": lambda x: x.__setitem__(0, np.ones((1, 1, 4), int)),
    "np.add.at": lambda x: np.add.at(x, ROWS, 2),
    "np.subtract.at": lambda x: np.subtract.at(x, (ROWS, slice(1, 3)), np.array([[1], [2], [3]])),
    "np.multiply.at": lambda x: np.multiply.at(x, (ROWS, 1), 3),
    "np.minimum.at": lambda x: np.minimum.at(x, ROWS, 2),
    "np.maximum.at": lambda x: np.maximum.at(x, MASK, 4),
    "fill": lambda x: x.fill(3),
    "fill with an array": lambda x: x.fill(np.array(3)),
    "sort": lambda x: x.sort(),
    "sort columns": lambda x: x.sort(axis=0),
    "put": lambda x: x.put([0, -1, 5], [1, 2]),
    "put scalar": lambda x: x.put([[0], [3]], 7),
    "byteswap": lambda x: x.byteswap(inplace=True),
    "np.copyto": lambda x: np.copyto(x, np.arange(4), casting="unsafe"),
    "np.copyto where": lambda x: np.copyto(x, 8, where=MASK),
    "np.copyto where rows": lambda x: np.copyto(x, -x + 1, where=[[True], [False], [True]]),
    "np.putmask": lambda x: np.putmask(x, MASK, 5),
    "np.putmask repeats": lambda x: np.putmask(x, MASK, [1, 2, 3, 4, 5]),
    "np.place": lambda x: np.place(x, MASK, [1, 2, 3]),
    "np.put": lambda x: np.put(x, [1, 30], [4, 5], mode="clip"),
    "np.fill_diagonal": lambda x: np.fill_diagonal(x, [1, 2]),
    "np.put_along_axis": lambda x: np.put_along_axis(x, ROWS[None, :1], 9, axis=0),
    "np.put_along_axis, axis 1": lambda x: np.put_along_axis(x, I[:, :2] % 4, I[:, 2:], 1),
    "np.add out": lambda x: np.add(x, 1, out=x),
    "np.multiply out": lambda x: np.multiply(x, x, out=x),
    "np.subtract out second": lambda x: np.subtract(10, x, out=x),
    "np.maximum out where": lambda x: np.maximum(x, 3, out=x, where=MASK),
    "np.negative out": lambda x: np.negative(x, out=x),
    "np.add out dtype": lambda x: np.add(x, 1, out=x, dtype=x.dtype),
}


def bits(x):
    return np.asarray(x).view(np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_writes_in_place(name, dtype, native):
    statement, a = STATEMENTS[name], (M if dtype is np.float32 else I).copy()
    v, held = Variable(a), JaxArray(a)
    statement(a)
    for x in (v, held):
        assert statement(x) in (None, x)
        if native and x is v:
            stats = v.inplace_stats()
            assert (stats.in_place, stats.replaced, stats.copies) == (1, 0, {})
        np.testing.assert_array_equal(bits(x), bits(a))
        assert x.dtype == dtype
    kept = v.value
    before = np.array(kept)
    statement(v)
    statement(a)
    np.testing.assert_array_equal(bits(v), bits(a))
    np.testing.assert_array_equal(bits(kept), bits(before))


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_the_same_in_a_compiled_function(name):
    statement, a = STATEMENTS[name], M.copy()
    v = Variable(a)
    statement(a)
    jit(lambda: (statement(v), None)[1])()
    np.testing.assert_array_equal(bits(v), bits(a))


# -- augmented assignment ------------------------------------------------------------------------

OPERATORS = {
    "+=": (operator.iadd, np.float32, 1.5),
    "-=": (operator.isub, np.float32, np.arange(4.0)),
    "*=": (operator.imul, np.float32, np.float32(3)),
    "/=": (operator.itruediv, np.float32, 3),
    "//=": (operator.ifloordiv, np.int32, 2),
    "%=": (operator.imod, np.int32, [3, 2, 5, 7]),
    "**=": (operator.ipow, np.float32, 2),
    "**= of integers": (operator.ipow, np.int32, 3),
    "&=": (operator.iand, np.int32, 6),
    "|=": (operator.ior, np.int32, 8),
    "^=": (operator.ixor, np.int32, I[::-1]),
    "<<=": (operator.ilshift, np.int32, 2),
    ">>=": (operator.irshift, np.int32, 1),
    "and of booleans": (operator.iand, np.bool_, MASK[::-1]),
    "float of a large integer": (operator.iadd, np.float32, 2**40),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_augmented_assignment_is_in_place(name, native):
    function, dtype, other = OPERATORS[name]
    a = {np.float32: np.abs(M), np.int32: I.copy(), np.bool_: MASK.copy()}[dtype].copy()
    for given in (other, JaxArray(other) if np.ndim(other) else other):
        v, expected = Variable(a), function(a.copy(), other)
        w = v
        w = function(w, given)
        assert w is v
        if native:
            assert v.inplace_stats().in_place == 1
            assert not v.inplace_stats().copies
        np.testing.assert_allclose(np.asarray(v), expected, rtol=1e-6)
        assert v.dtype == dtype


def test_augmented_matrix_product():
    v = Variable(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
    v @= np.array([[0, 1], [1, 0]], np.float32)
    np.testing.assert_array_equal(v, [[2, 1], [4, 3]])
    v @= v
    np.testing.assert_array_equal(v, [[8, 5], [20, 13]])


def test_a_variable_as_its_own_operand():
    v, a = Variable(M), M.copy()
    for statement in (
        lambda x: operator.iadd(x, x),
        lambda x: operator.isub(x, x[::-1]),
        lambda x: x.__setitem__(..., x),
        lambda x: x.__setitem__(slice(1, None), x[:-1]),
        lambda x: x.__setitem__(0, x[1]),
        lambda x: x.__setitem__(slice(None), x.T.reshape(3, 4)),
        lambda x: np.multiply(x, x, out=x),
        lambda x: x.__setitem__(x > 100, 3),
    ):
        statement(v)
        statement(a)
        np.testing.assert_array_equal(v, a)
    flags = Variable([True, False, True])
    flags[flags] = False
    assert not flags.any()
    places = Variable([2, 0, 1])
    places[places] = places
    np.testing.assert_array_equal(places, [0, 1, 2])


def test_a_row_of_another_variable(native):
    v, w = Variable(np.zeros((3, 4), np.float32)), Variable(np.arange(4, dtype=np.float32))
    for i in range(3):
        v[i] = w
        v[i, 1:] = w[1:] * 2
        v.add_at([i, i], w)
        w += 1
    a, b = np.zeros((3, 4), np.float32), np.arange(4, dtype=np.float32)
    for i in range(3):
        a[i] = b
        a[i, 1:] = b[1:] * 2
        np.add.at(a, [i, i], b)
        b += 1
    if native:
        assert not v.inplace_stats().copies
        assert not w.inplace_stats().copies
    np.testing.assert_array_equal(v, a)
    np.testing.assert_array_equal(w, b)


WRONG = {
    "shape": (np.float32, lambda x: operator.iadd(x, np.ones(5)), (ValueError, TypeError), None),
    "larger": (np.float32, lambda x: operator.iadd(x, np.ones((2, 3, 4))), ValueError, "shape"),
    "float to integer": (np.int32, lambda x: operator.iadd(x, 1.5), TypeError, "int32.*float32"),
    "true division": (np.int32, lambda x: operator.itruediv(x, 2), TypeError, "same_kind"),
    "complex to float": (np.float32, lambda x: operator.imul(x, 1j), TypeError, "complex64"),
    "array of floats": (np.int32, lambda x: operator.iadd(x, M), TypeError, "same_kind"),
    "300 to uint8": (np.uint8, lambda x: operator.iadd(x, 300), OverflowError, "cannot hold 300"),
    "-1 to uint8": (np.uint8, lambda x: operator.imul(x, -1), OverflowError, "cannot hold -1"),
    "np.add 300": (np.uint8, lambda x: np.add(x, 300, out=x), OverflowError, "cannot hold 300"),
    "add_at 300": (np.uint8, lambda x: x.add_at(0, 300), OverflowError, "cannot hold 300"),
    "add_at floats": (np.int32, lambda x: x.add_at([0], 1.5), TypeError, "same_kind"),
    "add_at shape": (np.int32, lambda x: x.add_at([0], [1, 2]), ValueError, r"\(2,\)"),
    "add_at bounds": (np.int32, lambda x: x.add_at([0, 3], 1), IndexError, "index 3 .* axis 0"),
    "fill of two": (np.int32, lambda x: x.fill([1, 2]), ValueError, "one value"),
    "put bounds": (np.int32, lambda x: np.put(x, [12], 1), IndexError, "index 12"),
    "copyto": (np.int32, lambda x: np.copyto(x, 1, casting="no"), TypeError, "casting='no'"),
    "copyto kinds": (np.int32, lambda x: np.copyto(x, M), TypeError, "same_kind"),
    "place of nothing": (np.int32, lambda x: np.place(x, MASK, np.zeros(0, int)), ValueError, None),
    "string": (np.int32, lambda x: operator.iadd(x, "a"), TypeError, None),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_changes_nothing(name):
    dtype, statement, error, message = WRONG[name]
    a = np.arange(12).reshape(3, 4).astype(dtype)
    for x in (Variable(a), JaxArray(a)):
        with pytest.raises(error, match=message):
            statement(x)
        np.testing.assert_array_equal(x, a)
        assert x.dtype == dtype
    with pytest.raises((ValueError, TypeError, OverflowError, IndexError)):
        jit(statement)(Variable(a))


# -- nothing compiles for a new value ------------------------------------------------------------


def test_new_indices_compile_nothing(compilations):
    n = 64
    v = Variable(np.zeros((n, 4), np.float32))
    rng = np.random.RandomState(0)

    def statements(k):
        mask = rng.rand(n) > 0.5
        few = rng.randint(-n, n, 5 + k % 3)  # 5, 6 and 7 are made up to 8
        v[k] = 1.0
        v[-k - 1] = k
        v[k, -2] = 2
        v[k : k + 5] = 3.0
        v[: n - k : k + 1] = 4.0
        v[::-1, k % 4] = 5.0
        v[k : 2 * k + 5, 1:3] = np.ones((min(k + 5, n - k), 2))[:, :1]
        v[..., k % 3 :] = 6.0
        v[few] = 7.0
        v[few, k % 4] = rng.rand(len(few))
        v[few, rng.randint(0, 4, len(few))] = 8.0
        v[mask] = 9.0
        v[mask, 1] = 10.0
        v[rng.rand(n, 4) > 0.5] = 11.0
        v.add_at(few, 1.0)
        v.maximum_at((few, slice(k % 3, None)), 2.0)
        v.put(few, k)
        np.add.at(v, few, rng.rand(4))

    for k in (1, 2, 3, 25, 26, 27):
        statements(k)
    with compilations() as names:
        for k in range(12, 27):
            statements(k)
    assert not names


# -- what was let out ----------------------------------------------------------------------------


def test_iterating_while_writing():
    v = Variable(M)
    rows = []
    for row in v:
        rows.append(row)
        v[...] = 0.0
    np.testing.assert_array_equal(np.stack(rows), M)
    iterator = iter(v)
    v += 1
    assert not next(iterator).any()


def test_at_is_about_the_value_when_it_was_asked_for():
    v = Variable(M)
    place = v.at[0].add
    v[...] = 0.0
    np.testing.assert_array_equal(place(1.0)[0], M[0] + 1)
    with pytest.raises(AttributeError):
        _ = v.at[0].nothing


@pytest.mark.parametrize("name", CALLS)
def test_no_method_returns_what_a_write_changes(name, native):
    for x, call in CALLS[name]:
        v = Variable(x)
        if not v.size or not v.ndim:
            continue
        result = call(v)
        kept = jax.tree.leaves(result)
        before = [np.array(leaf) for leaf in kept]
        for _ in range(2):
            v[0] = 1 if v.dtype.kind == "i" else 1.0
            v *= 2
        for leaf, old in zip(kept, before, strict=True):
            np.testing.assert_array_equal(np.asarray(leaf), old)


def test_operators_with_another_variable_keep_it_exclusive(native):
    v, w = Variable(M), Variable(M)
    _ = [v + w, w - v, v @ w.T, divmod(v, abs(w) + 1), v == w, w**2, v[ROWS], v.take(ROWS)]
    v += w
    w[0] = 1.0
    if native:
        assert not v.inplace_stats().copies
        assert not w.inplace_stats().copies


# -- the functions of the namespace --------------------------------------------------------------


def test_functions_of_the_namespace(native):
    v, a = Variable(M), M.copy()
    for x, m in ((v, bm), (a, np)):
        m.add(x, 1, out=x)
        m.add.at(x, ROWS, np.ones((3, 4), np.float32))
        m.subtract.at(x, (ROWS, 1), 2.0)
        m.minimum.at(x, 0, 3.0)
        m.put(x, [0, -1], [9.0, 8.0])
        m.place(x, MASK, [1.0, 2.0])
        m.fill_diagonal(x, 5.0)
        m.put_along_axis(x, ROWS[:, None], 7.0, axis=1)
    if native:
        assert v.inplace_stats().in_place == 8
        assert not v.inplace_stats().copies
    np.testing.assert_array_equal(v, a)


@pytest.mark.parametrize("op", ["add", "multiply", "minimum", "maximum"])
def test_the_numpy_backend_has_the_same_methods(op):
    for index, value in (
        ([0, 0, 2], 2.0),
        ((ROWS, 1), [1.0, 2.0, 3.0]),
        (MASK, 3),
        (slice(2), M[:2]),
    ):
        v, h = Variable(M), HostVariable(M, name="h")
        for x in (v, h):
            getattr(x, f"{op}_at")(index, value)
        np.testing.assert_array_equal(v, h)
    with pytest.raises(TypeError, match="'h'.*same_kind"):
        HostVariable(I, name="h").add_at(0, 1.5)
    with pytest.raises(IndexError):
        h.add_at(3, 1.0)


# -- inside transforms ---------------------------------------------------------------------------


def loop_text(body, operand):
    """Return the compiled text of a loop."""
    for_loop(body, operand)
    (plan,) = loops._plans.of(body).values()
    values = [v._read() for v in plan.own], [v._read() for v in plan.reads]
    return plan.run._compiled.lower(*values, [operand.value]).compile().as_text()


def test_a_loop_copies_no_operand(need_native):
    v = Variable(np.zeros((1000, 16), np.float32))
    state = Variable(np.zeros(16, np.float32))
    rows = bm.asarray(np.arange(0, 1000, 7, dtype=np.int32))
    n = 20

    def ring(i):
        v[i % 1000] = v[(i - 1) % 1000] * 0.5 + state
        state.value = state + 1

    def element(i):
        v[i, 3] = 1.5 * i

    def element_added(i):
        v.add_at((i, 3), 2.0)

    def added(i):
        v.add_at(rows + i, state)

    def scattered(i):
        v[rows, i % 16] = 1.0

    for body in (ring, element, element_added, added, scattered):
        text = loop_text(body, bm.arange(n))
        assert "while" in text
        assert "f32[1000,16]" in text
        assert not re.findall(r"= f32\[1000,16\]\S* copy\(", text), body.__name__


def test_a_loop_writes_what_numpy_writes():
    v, a = Variable(np.zeros((5, 3), np.float32)), np.zeros((5, 3), np.float32)

    def body(i):
        v[i] = v[i - 1] + i
        v[i, 1] += 2
        v.add_at((v[:, 0].astype(int) % 5, 2), 1.0)
        v[1:] = v[:-1]
        v[v > 20] = i * 1.0
        v[::2, i % 3] *= 2

    for_loop(body, bm.arange(5))
    for i in range(5):
        a[i] = a[i - 1] + i
        a[i, 1] += 2
        np.add.at(a, (a[:, 0].astype(int) % 5, 2), 1.0)
        a[1:] = a[:-1]
        a[a > 20] = i * 1.0
        a[::2, i % 3] *= 2
    np.testing.assert_array_equal(v, a)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32])
def test_traced_indices_out_of_bounds_are_dropped(dtype):
    a = np.arange(600, dtype=np.float32).reshape(300, 2)
    v = Variable(a)

    @jit
    def write(i, j):
        v[i] = -1.0
        v[i, 1] = -2.0
        v.add_at(i, 10.0)
        v[j] = -3.0
        v.multiply_at((j, 0), 2.0)
        v[::2, i] = -4.0

    bad = [np.iinfo(dtype).max] if dtype != np.uint8 and dtype != np.int8 else []
    bad += [-128] if dtype == np.int8 else [-301] if dtype == np.int32 else []
    for i in bad:
        if -300 <= i < 300:
            continue
        write(np.array(i, dtype), np.full(2, i, dtype))
        np.testing.assert_array_equal(v, a)
    inside = dtype(1)
    write(np.array(inside), np.array([3, 4], dtype))
    a[1] = -1.0
    a[1, 1] = -2.0
    a[1] += 10.0
    a[[3, 4]] = -3.0
    a[[3, 4], 0] *= 2.0
    a[::2, 1] = -4.0
    np.testing.assert_array_equal(v, a)


def test_batched_and_differentiated():
    def write(x, i, y):
        held = JaxArray(x)
        held[i] = y * 2
        held[1:] = held[:-1]
        held.add_at(jnp.array([0, 0, 2]), y)
        held[held > 5] = y
        return held.value

    def pure(x, i, y):
        x = x.at[i].set(y * 2)
        x = x.at[1:].set(x[:-1])
        x = x.at[jnp.array([0, 0, 2])].add(y)
        return jnp.where(x > 5, y, x)

    x, i, y = jnp.arange(12.0).reshape(3, 4), jnp.array([0, 3, 1]), jnp.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(jax.vmap(write)(x, i, y), jax.vmap(pure)(x, i, y))
    for which in (0, 2):
        ours = jax.grad(lambda *args: (write(*args) ** 2).sum(), which)(x[0], i[1], y[0])
        theirs = jax.grad(lambda *args: (pure(*args) ** 2).sum(), which)(x[0], i[1], y[0])
        np.testing.assert_allclose(ours, theirs)


def test_a_traced_mask_must_repeat_its_value():
    v = Variable(M)
    with pytest.raises(IndexError):
        jit(lambda x: v.__setitem__(v > x, np.arange(5.0)))(2.0)
    with pytest.raises(IndexError):
        jit(lambda x: v.__setitem__((slice(None), v[0] > x), 1.0))(2.0)
    np.testing.assert_array_equal(v, M)


# -- bounds known at run time --------------------------------------------------------------------


@pytest.fixture
def checked():
    with bm.check_bounds(True):
        yield


def test_check_bounds_names_the_variable_and_the_index(checked):
    v, count = Variable(M, name="gain"), Variable(0)
    statements = {
        "index 3 is out of bounds for axis 0 with size 3 of .*named 'gain'": (
            lambda i: v.__setitem__(i, 1.0)
        ),
        "index -5 .* axis 1 with size 4": lambda i: v.__setitem__((0, i - 8), 1.0),
        "index 4 .* axis 0 with size 3": lambda i: v.add_at(jnp.stack([i - 3, i + 1]), 1.0),
        "index 3 .* axis 0": lambda i: v[i],
        "index 33 .* axis 0": lambda i: v[::2, 0][i + 30],
        "index 12 .* size 12": lambda i: v.take(i * 4),
        "index 13 .* size 12": lambda i: v.put(i * 4 + 1, 1.0),
    }

    for message, statement in statements.items():

        def run(i):
            count.value = count + 1
            statement(i)  # noqa: B023

        for call in (jit(run), lambda i: for_loop(run, jnp.arange(i, i + 1))):
            with pytest.raises(IndexError, match=message):
                call(3)
            np.testing.assert_array_equal(v, M)
            assert count == 0


def test_check_bounds_within_loops_within_functions(checked):
    v = Variable(np.zeros(4, np.float32), name="v")

    @jit
    def outer(n):
        def inner(i):
            v[i + n] = 1.0

        for_loop(inner, bm.arange(3))
        v.value = v + 1

    with pytest.raises(IndexError, match="index 4 is out of bounds for axis 0 with size 4"):
        outer(2)
    assert not v.any()
    outer(1)
    np.testing.assert_array_equal(v, [1, 2, 2, 2])


def test_check_bounds_is_a_setting_and_a_context():
    v = Variable(np.zeros(2, np.float32))
    write = jit(lambda i: v.__setitem__(i, 1.0))
    write(5)
    with bm.check_bounds(True):
        with pytest.raises(IndexError):
            write(5)
        with bm.check_bounds(False):
            write(5)
        with pytest.raises(IndexError):
            write(5)
    write(5)
    bm.check_bounds(True)
    try:
        with pytest.raises(IndexError):
            write(5)
    finally:
        bm.check_bounds(False)
    write(5)
    assert not v.any()
    with pytest.raises(TypeError, match="True or False"):
        bm.check_bounds("yes")
    with bm.backend("numpy"), bm.check_bounds(True), pytest.raises(IndexError):
        bm.Variable([1.0])[1] = 2


def test_check_bounds_skips_raw_transforms(checked):
    v = Variable(M)
    result = jit(lambda i: jax.vmap(lambda k: v[k].value)(i))(jnp.array([0, 9]))
    assert result.shape == (2, 4)


def test_sixty_four_bit_variables_outside_of_the_setting():
    with enable_x64(True):
        v, w = Variable(np.arange(4.0)), Variable(np.arange(4))
    assert v.dtype == np.float64
    for x, a in ((v, np.arange(4.0)), (w, np.arange(4))):
        for y in (x, a):
            y += 1
            y *= y
            y[1:3] = 2**40
            y[0] = 2**41
            np.add.at(y, [0, 0, 3], 1)
            y.sort()
            np.multiply(y, 2, out=y)
            y.put([1], 3)
        assert x.dtype == a.dtype
        np.testing.assert_array_equal(x.to_numpy(), a)


@pytest.mark.parametrize("mode", ["wrap", "clip"])
@pytest.mark.parametrize("index", [jnp.array([100, -3], jnp.int8), np.array([200, 7], np.uint8)])
@pytest.mark.parametrize("compiled", [False, True])
def test_put_takes_indices_of_narrow_types(mode, index, compiled):
    v, model = Variable(np.zeros(150, np.float32)), np.zeros(150, np.float32)
    put = partial(v.put, values=1.0, mode=mode)
    if compiled:
        put = jit(put)
    put(index)
    model.put(np.asarray(index).astype(int), 1.0, mode=mode)
    np.testing.assert_array_equal(v, model)


def test_a_known_index_beside_a_traced_one_is_checked():
    v = Variable(np.zeros((3, 3), np.float32))
    for wrong in (7, -4, 2**32):
        with pytest.raises(IndexError, match=f"index {wrong} is out of bounds for axis 1"):
            jit(lambda i, wrong=wrong: v.__setitem__((i, np.array([wrong])), 1.0))(0)
    jit(lambda i: v.__setitem__((i, np.array([-1])), 1.0))(0)
    np.testing.assert_array_equal(v, [[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        jit(lambda: Variable(np.zeros(0)).__setitem__(np.array([3]), 1.0))()


def test_put_along_the_flat_axis_compiled():
    v = Variable(np.zeros((2, 2), np.float32))
    jit(lambda x: np.put_along_axis(v, np.array([1, 2]), x, axis=None))(jnp.ones(2))
    np.testing.assert_array_equal(v, [[0, 1], [1, 0]])


def test_fill_says_what_it_cannot_take():
    with pytest.raises(TypeError, match="cannot take 'a'"):
        Variable(np.zeros(2)).fill("a")


def test_a_named_tuple_is_an_index_of_several_dimensions():
    point = namedtuple("point", "x y")
    v = Variable(np.zeros((2, 3)))
    v[point(1, 2)] = 5.0
    assert v[point(1, 2)] == 5.0
    assert v.sum() == 5.0


def test_the_least_of_equal_complex_numbers_is_the_old_one():
    v = Variable(np.array([0j, complex(-0.0, 0)], np.complex64))
    v.minimum_at([0, 1], np.array([complex(-0.0, 0), 0j], np.complex64))
    assert [str(x) for x in np.signbit(np.asarray(v).real)] == ["False", "True"]
