"""Every method and attribute of numpy.ndarray: supported with NumPy's result, or explained."""

import io
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable

M = np.array([[3.0, -1.0, 2.5], [0.5, 4.0, -2.0]], np.float32)
V = np.array([3.0, -1.0, 2.5, 0.5], np.float32)
I = np.array([2, 0, 1, 2], np.int32)  # noqa: E741
C = np.array([1 + 2j, -1j], np.complex64)

# What is called on an array and on its NumPy counterpart, by the method that it is about.
CALLS = {
    "all": [(M, lambda x: x.all()), (M, lambda x: x.all(axis=1, keepdims=True))],
    "any": [(M, lambda x: x.any(0)), (M, lambda x: x.any(where=x > 10))],
    "argmax": [(M, lambda x: x.argmax()), (M, lambda x: x.argmax(1, keepdims=True))],
    "argmin": [(M, lambda x: x.argmin(axis=0))],
    "argpartition": [
        (V, lambda x: x[x.argpartition(2)][2]),
        (V, lambda x: x[x.argpartition([1])][1]),
    ],
    "argsort": [(V, lambda x: x.argsort()), (M, lambda x: x.argsort(axis=0, kind="stable"))],
    "astype": [
        (M, lambda x: x.astype(np.int32)),
        (M, lambda x: x.astype("float16", "C", "same_kind", copy=False)),
        (I, lambda x: x.astype(bool)),
    ],
    "byteswap": [(M, lambda x: x.byteswap()), (I, lambda x: x.byteswap())],
    "choose": [
        (I, lambda x: x.choose([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])),
        (I, lambda x: x.choose([I, -I], mode="wrap")),
    ],
    "clip": [(M, lambda x: x.clip(0, 2)), (V, lambda x: x.clip([0, 1, 2, 3], None))],
    "compress": [
        (V, lambda x: x.compress([True, False, True])),
        (M, lambda x: x.compress([0, 1], 0)),
    ],
    "conj": [(C, lambda x: x.conj())],
    "conjugate": [(C, lambda x: x.conjugate())],
    "copy": [(M, lambda x: x.copy()), (M, lambda x: x.copy("C"))],
    "cumprod": [(M, lambda x: x.cumprod()), (M, lambda x: x.cumprod(axis=1))],
    "cumsum": [(M, lambda x: x.cumsum(0)), (I, lambda x: x.cumsum(dtype=np.float32))],
    "diagonal": [(M, lambda x: x.diagonal()), (M, lambda x: x.diagonal(1))],
    "dot": [(M, lambda x: x.dot([1, 2, 3])), (V, lambda x: x.dot(V))],
    "dump": [],
    "dumps": [(M, lambda x: pickle.loads(x.dumps()))],
    "fill": [],
    "flatten": [(M, lambda x: x.flatten()), (M, lambda x: x.flatten("F"))],
    "item": [(M, lambda x: x.item(2)), (M, lambda x: x.item((1, 0))), (M, lambda x: x.item(1, 1))],
    "max": [(M, lambda x: x.max()), (M, lambda x: x.max(1, initial=3.5))],
    "mean": [(M, lambda x: x.mean(0)), (M, lambda x: x.mean(where=x > 0, keepdims=True))],
    "min": [(M, lambda x: x.min(axis=(0, 1)))],
    "nonzero": [(I, lambda x: x.nonzero()[0])],
    "partition": [],
    "prod": [(M, lambda x: x.prod()), (M, lambda x: x.prod(1))],
    "put": [],
    "ravel": [(M, lambda x: x.ravel()), (M, lambda x: x.ravel(order="F"))],
    "repeat": [(V, lambda x: x.repeat(2)), (M, lambda x: x.repeat([1, 2], axis=0))],
    "reshape": [
        (M, lambda x: x.reshape(3, 2)),
        (M, lambda x: x.reshape((-1,))),
        (M, lambda x: x.reshape(3, 2, order="F")),
        (M, lambda x: x.reshape((2, 3), copy=True)),
    ],
    "round": [(M, lambda x: x.round()), (M * 1.37, lambda x: x.round(1))],
    "searchsorted": [(np.sort(V), lambda x: x.searchsorted([0.6, 9.0], "right"))],
    "sort": [],
    "squeeze": [(M[None], lambda x: x.squeeze()), (M[None], lambda x: x.squeeze(axis=0))],
    "std": [
        (M, lambda x: x.std()),
        (M, lambda x: x.std(1, ddof=1)),
        (V, lambda x: x.std(mean=1.0)),
        (M, lambda x: x.std(1, None, None, 1, True)),
    ],
    "sum": [
        (M, lambda x: x.sum()),
        (M, lambda x: x.sum(axis=(0, 1), keepdims=True)),
        (M, lambda x: x.sum(0, np.float16)),
        (M, lambda x: x.sum(initial=2.0, where=x > 0)),
    ],
    "swapaxes": [(M, lambda x: x.swapaxes(0, 1))],
    "take": [
        (M, lambda x: x.take([0, -1])),
        (M, lambda x: x.take([0, 2], axis=-1)),
        (V, lambda x: x.take(2)),
        (V, lambda x: x.take([9, -9], mode="clip")),
        (V, lambda x: x.take([[5]], mode="wrap")),
    ],
    "tobytes": [(M, lambda x: x.tobytes()), (M, lambda x: x.tobytes("F"))],
    "tofile": [],
    "tolist": [(M, lambda x: x.tolist()), (V[0], lambda x: x.tolist())],
    "trace": [(M, lambda x: x.trace()), (M, lambda x: x.trace(offset=1))],
    "transpose": [
        (M, lambda x: x.transpose()),
        (M[None], lambda x: x.transpose(2, 0, 1)),
        (M[None], lambda x: x.transpose((1, 0, 2))),
        (M, lambda x: x.transpose(None)),
    ],
    "var": [
        (M, lambda x: x.var(0)),
        (M, lambda x: x.var(ddof=1, keepdims=True)),
        (M, lambda x: x.var(1, mean=x.mean(1, keepdims=True), where=x > -1)),
        (C, lambda x: x.var(mean=1j)),
    ],
    "view": [(M, lambda x: x.view(np.int32)), (M, lambda x: x.view("int8").shape)],
}

ATTRIBUTES = ["T", "mT", "dtype", "flat", "imag", "itemsize", "nbytes", "ndim", "real", "shape"]
ATTRIBUTES += ["size", "strides"]

# About memory or Python's view of it, which JAX owns.
NOT_SUPPORTED = {
    "base", "ctypes", "data", "flags", "getfield", "resize", "setfield", "setflags",
}  # fmt: skip
# In both, with another meaning: where the array is, as JAX says it; the array API's namespace.
JAX_MEANING = {"device", "to_device"}


def test_the_lists_here_name_all_of_numpy_ndarray():
    public = {name for name in dir(np.ndarray) if not name.startswith("_")}
    # Removed by some NumPy 2 release; each raises there anyway.
    public -= {"tostring", "newbyteorder", "itemset"}
    assert public == set(CALLS) | set(ATTRIBUTES) | NOT_SUPPORTED | JAX_MEANING


@pytest.mark.parametrize("cls", [JaxArray, Variable])
@pytest.mark.parametrize("name", CALLS)
def test_methods_give_what_numpy_gives(cls, name):
    assert callable(getattr(cls, name))
    for x, call in CALLS[name]:
        expected, result = call(np.asarray(x)), call(cls(x))
        if isinstance(expected, (np.ndarray, np.generic)) and not isinstance(result, np.ndarray):
            assert type(result) is JaxArray
            assert result.shape == expected.shape
            assert result.dtype.kind == expected.dtype.kind
        if isinstance(expected, (bytes, list, float, tuple)):
            assert type(result) is type(expected)
            assert result == expected
        else:
            np.testing.assert_allclose(np.asarray(result), expected, rtol=1e-5)


@pytest.mark.parametrize("cls", [JaxArray, Variable])
@pytest.mark.parametrize("x", [M, V, C, M[:0], V[0]], ids=["2d", "1d", "complex", "empty", "0d"])
def test_attributes_are_those_of_numpy(cls, x):
    x = np.asarray(x)
    ours = cls(x)
    for name in ATTRIBUTES:
        if name == "mT" and x.ndim < 2:
            with pytest.raises(ValueError, match="dimension|2"):
                _ = ours.mT
            continue
        expected, result = getattr(x, name), getattr(ours, name)
        if name == "flat":
            expected, result = list(expected), list(result)
        if isinstance(expected, np.ndarray):
            assert type(result) is JaxArray
            np.testing.assert_array_equal(result, expected)
        else:
            assert result == expected


@pytest.mark.parametrize("name", sorted(NOT_SUPPORTED))
def test_what_concerns_memory_is_explained(name):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'.*JAX owns.*np.asarray\(x\)"):
        getattr(Variable([1.0]), name)
    assert not hasattr(Variable([1.0]), name)


def test_an_unknown_attribute_names_the_class():
    with pytest.raises(AttributeError, match="'Variable' object has no attribute 'nothing'$"):
        _ = Variable([1.0]).nothing


def test_attributes_cannot_be_assigned():
    for name in ("shape", "dtype", "T", "size", "real"):
        with pytest.raises(AttributeError, match=name):
            setattr(Variable([1.0]), name, 1)


def test_attributes_of_jax_are_there():
    v = Variable([1.0, 2.0])
    assert v.device == v.value.device
    assert v.sharding == v.value.sharding
    assert v.weak_type is False
    assert v.block_until_ready() is v  # waiting lets nothing out
    np.testing.assert_array_equal(v.at[0].set(9), [9, 2])
    assert type(v.at[jnp.array([0])].add(1.0)) is JaxArray
    np.testing.assert_array_equal(v.at[1].get(), 2)
    np.testing.assert_array_equal(v, [1, 2])
    with pytest.raises(AttributeError, match=r"a.at\[index\].set"):
        v.at.set(1)


# -- methods that write ----------------------------------------------------------------------


@pytest.mark.parametrize("cls", [JaxArray, Variable])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.fill(7),
        lambda x: x.sort(),
        lambda x: x.sort(axis=0, kind="stable"),
        lambda x: x.put([0, -1], [9.0, 8.0]),
        lambda x: x.put([1, 2], 5),
        lambda x: x.put([7], 5, mode="clip"),
        lambda x: x.put([7], 5, mode="wrap"),
    ],
)
def test_writing_methods(cls, call):
    ours, theirs = cls(M), M.copy()
    assert call(ours) is None
    call(theirs)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kth", [1, [0, 2]])
def test_partition(kth):
    v = Variable(V)
    v.partition(kth)
    for k in np.atleast_1d(kth):
        assert v[int(k)] == np.sort(V)[k]
        assert (v[: int(k)] <= v[int(k)]).all()
    np.testing.assert_array_equal(np.sort(v), np.sort(V))


def test_writing_methods_check_their_arguments():
    v = Variable(M)
    for call in (lambda: v.sort(axis=None), lambda: v.partition(1, axis=None)):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(IndexError, match="index 6 is out of bounds"):
        v.put([6], 1.0)
    with pytest.raises(TypeError, match="same_kind"):
        v.put([0], 1j)
    with pytest.raises(TypeError, match="same_kind"):
        v.fill(1j)
    np.testing.assert_array_equal(v, M)


def test_files(tmp_path):
    v = Variable(M)
    v.tofile(tmp_path / "x.bin")
    np.testing.assert_array_equal(np.fromfile(tmp_path / "x.bin", np.float32), M.ravel())
    v.tofile(tmp_path / "x.txt", sep=",")
    assert (tmp_path / "x.txt").read_text().count(",") == 5
    file = io.BytesIO()
    v.dump(tmp_path / "x.pkl")
    np.testing.assert_array_equal(pickle.loads((tmp_path / "x.pkl").read_bytes()), M)
    np.save(file, v)
    file.seek(0)
    np.testing.assert_array_equal(np.load(file), M)


def test_to_numpy_may_be_written_to():
    v = Variable(V)
    a = v.to_numpy()
    a[0] = 100
    assert v[0] == 3


def test_out_of_methods():
    out, by_position, plain = Variable(np.zeros(3, np.float32)), JaxArray(0.0), np.zeros(2)
    assert Variable(M).sum(0, out=out) is out
    np.testing.assert_array_equal(out, M.sum(0))
    assert Variable(M).max(None, Variable(np.zeros((1, 1))), True).shape == (1, 1)
    assert Variable(M).sum(None, None, by_position) is by_position
    assert float(by_position) == 7
    assert Variable(M).mean(axis=1, out=plain) is plain
    np.testing.assert_allclose(plain, M.mean(1))
    assert Variable(M).take([0], out=plain[:1]) is not None
    assert plain[0] == 3
    with pytest.raises(ValueError, match=r"out= has shape \(3,\), but the result has shape \(2,\)"):
        Variable(M).sum(1, out=out)
    with pytest.raises(TypeError, match="out= must be a JaxArray"):
        Variable(M).sum(out=jnp.zeros(()))


def test_arguments_are_checked():
    v = Variable(V)
    with pytest.raises(TypeError, match="casting='safe'"):
        v.astype(np.int32, casting="safe")
    with pytest.raises(ValueError, match="order must be"):
        v.copy("X")
    with pytest.raises(IndexError, match="index 4 is out of bounds for axis 0 with size 4"):
        v.take(4)
    with pytest.raises(IndexError, match="index -3 .*size 2"):
        Variable(M).take([0, -3], axis=-2)
    with pytest.raises(ValueError, match="copy=False"):
        v.reshape(2, 2, copy=False)
    with pytest.raises(TypeError):
        v.reshape(5)
    with pytest.raises(TypeError):
        v.sum(nothing=1)
