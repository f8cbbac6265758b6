"""NumPy's and JAX's protocols: how JaxArray and Variable behave in other people's functions."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar._compat import enable_x64
from brainvar.core.array import JaxArray, as_raw, unwrap, wrap
from brainvar.core.variable import Parameter, TrainVar, Variable


class Tagged(Variable):
    """A user's class with an attribute and a constructor of its own."""

    def __init__(self, value, unit):
        super().__init__(value, type="tagged", name="x")
        self.unit = unit


CLASSES = [JaxArray, Variable, TrainVar, Parameter]


# -- construction ----------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_construction(cls):
    np.testing.assert_array_equal(cls([1, 2, 3]), [1, 2, 3])  # values, never a shape
    assert cls([1, 2, 3]).shape == (3,)
    assert cls(10.0).shape == ()
    assert cls(10.0).dtype == np.float32
    assert cls(np.int64(3)).dtype == np.int32
    assert cls(1 + 2j).dtype == np.complex64
    assert cls(True).dtype == np.bool_
    assert cls([1, 2], dtype=np.float16).dtype == np.float16
    assert cls(np.ones(2), dtype="int8").dtype == np.int8
    assert cls(cls([1.0])).value.shape == (1,)
    assert cls([[], []]).shape == (2, 0)
    assert cls([jnp.ones(2), [2.0, 3.0]]).shape == (2, 2)
    assert cls(range(3)).shape == (3,)
    for value in (None, "a", object(), {"a": 1}, ["a"], [None]):
        with pytest.raises(TypeError, match=f"{cls.__name__} cannot take .* no array, number"):
            cls(value)
    with pytest.raises(ValueError, match="inhomogeneous"):
        cls([[1], [1, 2]])


def test_a_weak_type_is_never_kept():
    for value in (1.0, jnp.asarray(1.0), jax.jit(lambda: 2.0)(), JaxArray._wrap(jnp.asarray(2))):
        v = Variable(value)
        assert not v.weak_type
        v.value = jnp.asarray(3)
        assert not v.weak_type


def test_sixty_four_bits():
    with enable_x64(True):
        v = Variable([1.0, 2.0])
        assert v.dtype == np.float64
        v += 1
        assert (v + np.float32(1)).dtype == np.float64
    np.testing.assert_array_equal(v, [2, 3])


def test_wrap_and_unwrap():
    v = Variable([1.0])
    raw = unwrap({"a": [v, (v, 1)], "b": None})
    assert isinstance(raw["a"][0], jax.Array)
    assert isinstance(raw["a"][1][0], jax.Array)
    again = wrap(raw)
    assert type(again["a"][1][0]) is JaxArray
    assert again["b"] is None
    assert as_raw("x") == "x"


# -- text ------------------------------------------------------------------------------------


def test_repr():
    assert repr(JaxArray([1.0, 2.0])) == "JaxArray(Array([1., 2.], dtype=float32))"
    assert repr(Variable([1.0, 2.0])) == "Variable(Array([1., 2.], dtype=float32))"
    assert repr(TrainVar(1)) == "TrainVar(Array(1, dtype=int32))"
    assert repr(Parameter(np.zeros((2, 2), np.int32))) == (
        "Parameter(Array([[0, 0],\n                 [0, 0]], dtype=int32))"
    )
    assert repr(Tagged([True], "mV")) == "Tagged(Array([ True], dtype=bool))"
    assert repr(Variable(jnp.zeros(0))) == "Variable(Array([], shape=(0,), dtype=float32))"


def test_str_and_format():
    v = Variable([1.0, 2.5])
    assert str(v) == f"{v}" == str(np.array([1.0, 2.5], np.float32))
    assert f"{v[1]:.2f}" == "2.50"
    with pytest.raises(TypeError):
        f"{v:.2f}"


def test_looking_is_no_read():
    from brainvar.transforms.jit import jit

    v, seen = Variable([1.0]), []

    @jit
    def f(x):
        seen.append(repr(v) + str(v))
        return x

    f(1.0)
    (plan,) = f._plans.values()
    assert not plan.reads
    assert len(seen) == 1


# -- Python's protocols ----------------------------------------------------------------------


def test_scalars():
    v = Variable(3)
    assert (bool(v), int(v), float(v), complex(v)) == (True, 3, 3.0, 3 + 0j)
    assert [10, 20, 30, 40][v] == 40
    assert list(range(v)) == [0, 1, 2]
    assert int(Variable([4])[0]) == 4
    assert bool(Variable([[0.0]])) is False
    for x in (Variable([1, 2]), Variable(jnp.zeros(0))):
        with pytest.raises(ValueError, match=r"truth value of Variable .* x.any\(\) or x.all\(\)"):
            bool(x)
    with pytest.raises(TypeError):
        float(Variable([1.0, 2.0]))
    with pytest.raises(TypeError):
        [1][Variable(0.0)]


def test_containers():
    v = Variable([[1, 2], [3, 4]])
    assert len(v) == 2
    rows = list(v)
    assert all(type(row) is JaxArray for row in rows)
    np.testing.assert_array_equal(rows[1], [3, 4])
    assert 4 in v
    assert 5 not in v
    a, b = v
    np.testing.assert_array_equal(a + b, [4, 6])
    np.testing.assert_array_equal(list(reversed(v))[0], [3, 4])
    for call in (len, iter):
        with pytest.raises(TypeError, match=r"unsized|0-d"):
            call(Variable(1))


def test_equality_is_elementwise_and_hash_by_identity():
    v, w = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    assert {v: 1, w: 2}[v] == 1
    assert len({v, w, v}) == 2
    assert v in [v]
    # As with numpy.ndarray: a list compares by ==, which has no single truth value.
    with pytest.raises(ValueError, match=r"ambiguous: use x.any\(\) or x.all\(\), or 'is'"):
        v in [w]  # noqa: B015
    assert any(v is x for x in [w, v])


def test_issametype():
    assert Variable(1, type="a").issametype(Variable(2, type="a"))
    assert not Variable(1, type="a").issametype(Variable(1, type="b"))
    assert not Variable(1).issametype(TrainVar(1))
    assert not TrainVar(1).issametype(Variable(1))
    assert not Variable(1).issametype(1)


@pytest.mark.parametrize(
    "copier", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize(
    "value",
    [
        np.ones((2, 3), np.float32),
        np.zeros((0, 2), np.int8),
        np.array(True),
        jnp.ones(3, jnp.bfloat16),
        np.array(1j, np.complex64),
    ],
    ids=["f32", "empty", "0d", "bf16", "complex"],
)
def test_copies_and_pickles_are_equal_and_independent(copier, value):
    for cls in CLASSES:
        x = cls(value)
        y = copier(x)
        assert type(y) is cls
        assert y.dtype == x.dtype
        assert y.shape == x.shape
        np.testing.assert_array_equal(np.asarray(y), np.asarray(x))
        y.fill(0)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(value))
    tagged = Tagged(value, ["mV"])
    again = copier(tagged)
    assert type(again) is Tagged
    assert (again.type, again.name, again.unit) == ("tagged", "x", ["mV"])
    assert (again.unit is tagged.unit) is (copier is copy.copy)


def test_deepcopy_keeps_what_is_shared_and_what_is_cyclic():
    v = Tagged([1.0], None)
    v.unit = [v]
    a, b = copy.deepcopy([v, v])
    assert a is b
    assert a.unit[0] is a
    assert a is not v


# -- __array__ and dlpack --------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_array(cls):
    x = cls([1.0, 2.0])
    assert type(np.asarray(x)) is np.ndarray
    assert np.asarray(x).dtype == np.float32
    assert np.asarray(x, dtype=np.int64).dtype == np.int64
    mine = np.array(x)
    mine[0] = 5
    np.testing.assert_array_equal(x, [1, 2])
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 1
    np.testing.assert_array_equal(np.array(x, copy=False), [1, 2])
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype=np.float64, copy=False)
    np.testing.assert_array_equal(np.array([x, x]), [[1, 2], [1, 2]])


@pytest.mark.parametrize("cls", CLASSES)
def test_dlpack(cls):
    x = cls([1.0, 2.0])
    np.testing.assert_array_equal(np.from_dlpack(x), [1, 2])
    np.testing.assert_array_equal(jax.dlpack.from_dlpack(x), [1, 2])
    assert x.__dlpack_device__() == x.value.__dlpack_device__()


# -- __array_ufunc__ -------------------------------------------------------------------------


def test_ufunc_calls():
    v, a = Variable([1.0, 4.0]), np.array([2.0, 3.0], np.float32)
    for result in (np.add(v, a), np.add(a, v), np.add(v, 1), np.sqrt(v), np.add([1, 2], v)):
        assert type(result) is JaxArray
    np.testing.assert_array_equal(np.add(a, v), [3, 7])
    np.testing.assert_array_equal(np.sqrt(v), [1, 2])
    assert np.add(v, 1, dtype=np.int32).dtype == np.int32
    quotient, rest = np.divmod(v, 3)
    np.testing.assert_array_equal(quotient, [0, 1])
    np.testing.assert_array_equal(rest, [1, 1])
    np.testing.assert_array_equal(np.matmul(v, v), 17)
    np.testing.assert_array_equal(np.isfinite(v), [True, True])


def test_ufunc_out():
    v, plain = Variable([1.0, 4.0]), np.zeros(2)
    assert np.add(v, 1, out=v) is v
    np.testing.assert_array_equal(v, [2, 5])
    assert np.add(v, 1, out=plain) is plain
    assert np.multiply(plain, v, plain) is plain
    np.testing.assert_array_equal(plain, [6, 30])
    wide = Variable(np.zeros((2, 2), np.float32))
    np.add(v, 1, out=wide)
    np.testing.assert_array_equal(wide, [[3, 6], [3, 6]])
    quotient = Variable([0.0, 0.0])
    given, rest = np.divmod(v, 2, out=(quotient, None))
    assert given is quotient
    np.testing.assert_array_equal(quotient, [1, 2])
    np.testing.assert_array_equal(rest, [0, 1])
    i = Variable([1, 2])
    with pytest.raises(TypeError, match="same_kind"):
        np.add(i, 0.5, out=i)
    with pytest.raises(ValueError, match="does not broadcast"):
        np.add(v, 1, out=Variable(np.zeros(3, np.float32)))
    with pytest.raises(TypeError, match="out= must be"):
        np.add(v, 1, out=[1])


def test_ufunc_where():
    v, mask = Variable([1.0, 4.0]), np.array([True, False])
    np.testing.assert_array_equal(np.add(v, 1, out=v, where=mask), [2, 4])
    np.testing.assert_array_equal(np.add(v, 1, out=v, where=Variable(~mask)), [2, 5])
    assert np.add.reduce(v, where=mask) == 2
    with pytest.raises(ValueError, match="where= needs out="):
        np.add(v, 1, where=mask)


def test_ufunc_methods():
    a = np.array([1.0, 4.0, 2.0], np.float32)
    v = Variable(a)
    for call in (
        lambda x: np.add.reduce(x),
        lambda x: np.maximum.reduce(x),
        lambda x: np.multiply.accumulate(x),
        lambda x: np.subtract.outer(x, [1, 2]),
        lambda x: np.add.outer(a, x),
        lambda x: np.add.reduceat(x, [0, 2]),
        lambda x: np.add.reduce(x, keepdims=True),
    ):
        result = call(v)
        assert type(result) is JaxArray
        np.testing.assert_allclose(result, call(a))
    out = Variable(0.0)
    assert np.add.reduce(v, out=out) is out
    assert out == 7


def test_ufunc_at():
    v, plain = Variable([1.0, 4.0, 2.0]), np.zeros(3)
    assert np.add.at(v, [0, 0, -1], 1.0) is None
    np.testing.assert_array_equal(v, [3, 4, 3])
    np.maximum.at(v, Variable([1]), Variable([9.0]))
    np.testing.assert_array_equal(v, [3, 9, 3])
    np.add.at(plain, Variable([0, 0]), v[1])
    np.testing.assert_array_equal(plain, [18, 0, 0])
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        np.add.at(v, 3, 1.0)
    with pytest.raises(TypeError, match="same_kind"):
        np.add.at(v, 0, 1j)
    with pytest.raises(TypeError, match="isnan.at does not exist"):
        np.isnan.at(v, [0])
    np.testing.assert_array_equal(v, [3, 9, 3])


def test_a_ufunc_that_jax_lacks_or_that_has_a_name_of_jax():
    v = Variable([1.0, 4.0])
    assert type(np.spacing(v)) is JaxArray
    np.testing.assert_array_equal(np.spacing(v), np.spacing(np.float32([1, 4])))
    np.testing.assert_array_equal(np.add(v, 1, casting="same_kind"), [2, 5])

    def add(x):
        return -x

    mine = np.frompyfunc(add, 1, 1)
    assert mine(v).tolist() == [-1, -4]


# -- __array_function__ ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.concatenate([x, x]),
        lambda x: np.concatenate([x, [[7, 8]]]),
        lambda x: np.stack([x, np.ones((2, 2), np.float32)], axis=1),
        lambda x: np.where(x > 1, x, 0),
        lambda x: np.where(x > 1, [1, 2], x),
        lambda x: np.sum(x, axis=0),
        lambda x: np.mean(x),
        lambda x: np.dot(x, [1, 2]),
        lambda x: np.einsum("ij,kj->ik", x, x),
        lambda x: np.linalg.norm(x),
        lambda x: np.linalg.inv(x),
        lambda x: np.linalg.eigh(x @ x.T)[0],
        lambda x: np.fft.fft(x),
        lambda x: np.fft.rfft(x, axis=0),
        lambda x: np.transpose(x),
        lambda x: np.reshape(x, (4, 1)),
        lambda x: np.zeros_like(x),
        lambda x: np.interp(1.5, [1, 2], x[0]),
        lambda x: np.unwrap(x),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 0),
        lambda x: np.nan_to_num(x),
        lambda x: np.clip(x, 0, [1, 2]),
        lambda x: np.broadcast_arrays(x, 1.0)[1],
        lambda x: np.meshgrid(x[0], x[1])[0],
        lambda x: np.split(x, 2)[1],
        lambda x: np.linalg.svd(x).S,
        lambda x: np.apply_along_axis(np.sum, 0, x),
        lambda x: np.pad(x, 1),
    ],
)
def test_functions(call):
    a = np.array([[1.0, 2.0], [3.5, -1.0]], np.float32)
    result, expected = call(Variable(a)), call(a)
    assert type(result) is JaxArray
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_functions_that_give_no_array():
    v = Variable([[1.0, 2.0]])
    assert np.shape(v) == (1, 2)
    assert np.ndim(v) == 2
    assert np.size(v) == 2
    assert np.array_equal(v, v)
    assert np.allclose(v, v + 1e-9)
    assert np.result_type(v, np.float16) == np.float32
    assert np.array2string(v[0]) == "[1. 2.]"
    assert not np.iscomplexobj(v)


def test_functions_with_out():
    v, out, plain = Variable([1.0, 2.0]), Variable(0.0), np.zeros(4)
    assert np.sum(v, out=out) is out
    assert out == 3
    assert np.concatenate([v, v], out=plain) is plain
    np.testing.assert_array_equal(plain, [1, 2, 1, 2])
    with pytest.raises(ValueError, match="out= has shape"):
        np.sum(v, out=plain)


def test_functions_that_change_their_argument():
    for write in (
        lambda x: np.copyto(x, [[9.0, 8.0], [7.0, 6.0]]),
        lambda x: np.copyto(x, 5.0, where=np.asarray(x) > 1),
        lambda x: np.put(x, [0, 3], [5.0, 6.0]),
        lambda x: np.place(x, np.asarray(x) > 1, [7.0]),
        lambda x: np.putmask(x, np.asarray(x) > 1, x * 10),
        lambda x: np.fill_diagonal(x, 3.0),
        lambda x: np.put_along_axis(x, np.array([[1], [0]]), 9.0, axis=1),
    ):
        a = np.array([[1.0, 2.0], [3.5, -1.0]], np.float32)
        v = Variable(a)
        assert write(v) is None
        write(a)
        np.testing.assert_array_equal(v, a)
    plain = np.zeros(2)
    np.copyto(plain, Variable([1.0, 2.0]))
    np.testing.assert_array_equal(plain, [1, 2])


# -- JAX -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLASSES)
def test_functions_of_jax_take_it(cls):
    x = cls([1.0, 4.0])
    np.testing.assert_array_equal(jnp.sqrt(x), [1, 2])
    np.testing.assert_array_equal(jnp.stack([x, x.value])[1], [1, 4])
    np.testing.assert_array_equal(jax.lax.add(x.value, x.value), [2, 8])
    np.testing.assert_array_equal(jnp.asarray(x), [1, 4])
    assert x.__jax_array__() is x.value


@pytest.mark.parametrize("make", [*CLASSES, lambda x: Tagged(x, "mV")])
def test_pytree(make):
    x = make([1.0, 2.0])
    cls = type(x)
    (leaf,), tree = jax.tree.flatten(x)
    assert isinstance(leaf, jax.Array)
    assert tree == jax.tree.structure(make([5.0, 6.0, 7.0]))
    hash(tree)
    for result in (
        jax.tree.map(lambda y: y * 2, x),
        jax.jit(lambda y: jax.tree.map(lambda z: z * 2, y))(x),
        jax.vmap(lambda y: jax.tree.map(lambda z: z * 2, y))(x),
        jax.lax.scan(lambda c, _: (jax.tree.map(lambda z: z * 2, c), None), x, None, length=1)[0],
    ):
        assert type(result) is cls
        assert getattr(result, "unit", None) == getattr(x, "unit", None)
        assert getattr(result, "type", None) == getattr(x, "type", None)
        np.testing.assert_array_equal(result, [2, 4])
    gradient = jax.grad(lambda y: (y * y).sum().value)(x)
    assert type(gradient) is cls
    np.testing.assert_array_equal(gradient, [2, 4])
    ((path, _),) = jax.tree_util.tree_flatten_with_path(x)[0]
    assert jax.tree_util.keystr(path) == ".value"
    np.testing.assert_array_equal(x, [1, 2])


def test_pytrees_of_other_kinds_differ():
    structure = jax.tree.structure
    assert structure(Variable(1)) != structure(TrainVar(1))
    assert structure(Variable(1, type="a")) != structure(Variable(1))
    assert structure(Tagged(1, "mV")) != structure(Tagged(1, "nA"))
    assert structure(Tagged(1, np.ones(2))) == structure(Tagged(1, np.ones(2)))
    assert structure(Tagged(1, np.ones(2))) != structure(Tagged(1, np.zeros(2)))
    assert structure(Tagged(1, np.ones(2))) != structure(Tagged(1, np.ones(3)))


def test_a_pytree_may_hold_anything_while_it_is_rebuilt():
    x = Variable([1.0])
    assert jax.tree.map(lambda _: None, x)._value is None
    shapes = jax.eval_shape(lambda y: y, x)
    assert type(shapes) is Variable
    assert shapes.shape == (1,)


def test_a_subclass_may_be_made_anywhere():
    class Local(JaxArray):
        pass

    assert type(jax.jit(lambda x: x)(Local([1.0]))) is Local
    assert type(Local([1.0]) + 1) is JaxArray
