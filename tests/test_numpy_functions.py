"""The functions of jax.numpy under ``bm``: JaxArrays in, JaxArrays out, NumPy's own extras."""

import inspect
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
from brainvar.math._wrap import unwrap, wrap_function

pytestmark = pytest.mark.slow  # a compilation for each function

X = np.array([[0.5, 0.25, 0.75], [0.1, 0.9, 0.3]], np.float32)
Y = np.array([[0.2, 0.4, 0.6], [0.8, 1.0, 1.2]], np.float32)
SQUARE = np.array([[2.0, 1.0], [1.0, 3.0]], np.float32)
N = np.array([[1, 5, 2], [4, 3, 0]])

UNARY = """
abs absolute acos arccos arcsin arcsinh arctan arctanh cbrt ceil cos cosh deg2rad degrees exp
exp2 expm1 fabs floor i0 isfinite isinf isnan log log10 log1p log2 logical_not nan_to_num
negative positive rad2deg radians real imag reciprocal rint round sign signbit sin sinc sinh
sqrt square tan tanh trunc conj angle isreal iscomplex sort argsort cumsum cumprod sum prod mean
median min max std var ptp argmin argmax any all count_nonzero nansum nanmean nanstd nanmin
nanmax ravel transpose fliplr flipud rot90 flip squeeze diff ediff1d gradient atleast_1d
atleast_2d atleast_3d unique nonzero argwhere flatnonzero zeros_like ones_like empty_like array
asarray copy tril triu trace diagonal average corrcoef cov unstack
"""

BINARY = """
add subtract multiply divide true_divide floor_divide mod remainder power float_power maximum
minimum fmax fmin arctan2 hypot logaddexp logaddexp2 equal not_equal less less_equal greater
greater_equal logical_and logical_or logical_xor allclose isclose array_equal copysign nextafter
heaviside divmod outer inner kron vdot append union1d intersect1d setdiff1d isin cross
"""


def check_same(got, expected):
    """Compare a wrapped result with the raw one: classes, dtypes, values."""
    if isinstance(expected, jax.Array):
        assert type(got) is bm.JaxArray
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))
    elif isinstance(expected, (tuple, list)):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            check_same(a, b)
    else:
        assert got == expected


@pytest.mark.parametrize("cls", [bm.JaxArray, bm.Variable, jnp.asarray, np.asarray])
@pytest.mark.parametrize("name", ["sin", "sum", "sort", "unique", "nonzero", "gradient", "modf"])
def test_arguments_of_every_class(name, cls):
    check_same(getattr(bm, name)(cls(X)), getattr(jnp, name)(X))


@pytest.mark.parametrize("name", UNARY.split())
def test_functions_of_one_array(name):
    check_same(getattr(bm, name)(bm.Variable(X)), getattr(jnp, name)(X))


@pytest.mark.parametrize("name", BINARY.split())
def test_functions_of_two_arrays(name):
    check_same(getattr(bm, name)(bm.Variable(X), bm.JaxArray(Y)), getattr(jnp, name)(X, Y))


CALLS = {
    "arange": lambda np_, a: np_.arange(3, 9, 2),
    "argpartition": lambda np_, a: np_.argpartition(a(X), 1),
    "array of Variables": lambda np_, a: np_.array([[a(X), a(Y)], [a(Y), a(X)]]),
    "bincount": lambda np_, a: np_.bincount(a(N.ravel()), weights=a(X.ravel())),
    "block": lambda np_, a: np_.block([[a(X), a(Y)], [a(Y), a(X)]]),
    "broadcast_arrays": lambda np_, a: np_.broadcast_arrays(a(X), a(X[0])),
    "broadcast_to": lambda np_, a: np_.broadcast_to(a(X[0]), (4, 3)),
    "choose": lambda np_, a: np_.choose(a(N % 2), [a(X), a(Y)]),
    "clip": lambda np_, a: np_.clip(a(X), 0.2, a(Y)),
    "concatenate": lambda np_, a: np_.concatenate((a(X), a(Y)), axis=1),
    "convolve": lambda np_, a: np_.convolve(a(X[0]), a(Y[0]), mode="same"),
    "cumsum with a dtype": lambda np_, a: np_.cumsum(a(N), axis=0, dtype=np_.float32),
    "digitize": lambda np_, a: np_.digitize(a(X), a(Y[0])),
    "dot": lambda np_, a: np_.dot(a(X), a(Y.T)),
    "einsum": lambda np_, a: np_.einsum("ij,kj->ik", a(X), a(Y)),
    "expand_dims": lambda np_, a: np_.expand_dims(a(X), (0, 2)),
    "eye": lambda np_, a: np_.eye(3, k=1),
    "full": lambda np_, a: np_.full((2, 2), a(X[0, 0])),
    "full_like": lambda np_, a: np_.full_like(a(X), 7, dtype=np_.int32),
    "histogram": lambda np_, a: np_.histogram(a(X), bins=4),
    "indices": lambda np_, a: np_.indices((2, 3)),
    "interp": lambda np_, a: np_.interp(a(X), a(Y[0]), a(X[0])),
    "ix_": lambda np_, a: np_.ix_(a(N[0]), a(N[1])),
    "linspace": lambda np_, a: np_.linspace(a(X[0]), a(Y[0]), 5),
    "logspace": lambda np_, a: np_.logspace(0, 2, 4),
    "matmul": lambda np_, a: np_.matmul(a(X), a(Y.T)),
    "meshgrid": lambda np_, a: np_.meshgrid(a(X[0]), a(Y[0])),
    "moveaxis": lambda np_, a: np_.moveaxis(a(X), 0, 1),
    "ndim": lambda np_, a: np_.ndim(a(X)),
    "pad": lambda np_, a: np_.pad(a(X), ((1, 0), (0, 2)), constant_values=3),
    "percentile": lambda np_, a: np_.percentile(a(X), 30, axis=1),
    "polyfit": lambda np_, a: np_.polyfit(a(X[0]), a(Y[0]), 1),
    "polyval": lambda np_, a: np_.polyval(a(X[0]), a(Y)),
    "repeat": lambda np_, a: np_.repeat(a(X), 2, axis=1),
    "reshape": lambda np_, a: np_.reshape(a(X), (3, -1)),
    "result_type": lambda np_, a: np_.result_type(a(X), np_.int32),
    "roll": lambda np_, a: np_.roll(a(X), 1, axis=1),
    "searchsorted": lambda np_, a: np_.searchsorted(a(Y[0]), a(X)),
    "select": lambda np_, a: np_.select([a(X) > 0.5, a(X) > 0.2], [a(X), a(Y)], 9),
    "shape": lambda np_, a: np_.shape(a(X)),
    "size": lambda np_, a: np_.size(a(X)),
    "split": lambda np_, a: np_.split(a(X), 3, axis=1),
    "stack": lambda np_, a: np_.stack([a(X), a(Y)], axis=-1),
    "take": lambda np_, a: np_.take(a(X), a(N[0] % 2), axis=0),
    "take_along_axis": lambda np_, a: np_.take_along_axis(a(X), a(N % 2), axis=1),
    "tensordot": lambda np_, a: np_.tensordot(a(X), a(Y), axes=([0, 1], [0, 1])),
    "tile": lambda np_, a: np_.tile(a(X), (2, 1)),
    "tri": lambda np_, a: np_.tri(3),
    "unique with counts": lambda np_, a: np_.unique(a(N), return_counts=True),
    "unique_all": lambda np_, a: np_.unique_all(a(N)),
    "vander": lambda np_, a: np_.vander(a(X[0])),
    "vstack": lambda np_, a: np_.vstack((a(X), a(Y))),
    "where": lambda np_, a: np_.where(a(X) > 0.4, a(X), a(Y)),
    "where with one argument": lambda np_, a: np_.where(a(X) > 0.4),
    "zeros": lambda np_, a: np_.zeros((2, 3), dtype=np_.int32),
    "linalg.cholesky": lambda np_, a: np_.linalg.cholesky(a(SQUARE)),
    "linalg.det": lambda np_, a: np_.linalg.det(a(SQUARE)),
    "linalg.eigh": lambda np_, a: np_.linalg.eigh(a(SQUARE)),
    "linalg.inv": lambda np_, a: np_.linalg.inv(a(SQUARE)),
    "linalg.matrix_power": lambda np_, a: np_.linalg.matrix_power(a(SQUARE), 3),
    "linalg.norm": lambda np_, a: np_.linalg.norm(a(X), axis=1),
    "linalg.qr": lambda np_, a: np_.linalg.qr(a(SQUARE)),
    "linalg.slogdet": lambda np_, a: np_.linalg.slogdet(a(SQUARE)),
    "linalg.solve": lambda np_, a: np_.linalg.solve(a(SQUARE), a(X[0, :2])),
    "linalg.svd": lambda np_, a: np_.linalg.svd(a(SQUARE)),
    "linalg.multi_dot": lambda np_, a: np_.linalg.multi_dot([a(X), a(Y.T), a(SQUARE)]),
    "fft.fft": lambda np_, a: np_.fft.fft(a(X)),
    "fft.ifft": lambda np_, a: np_.fft.ifft(a(X), axis=0),
    "fft.rfft": lambda np_, a: np_.fft.rfft(a(X), n=4),
    "fft.fft2": lambda np_, a: np_.fft.fft2(a(X)),
    "fft.fftfreq": lambda np_, a: np_.fft.fftfreq(5, 0.1),
    "fft.fftshift": lambda np_, a: np_.fft.fftshift(a(X)),
    "mgrid": lambda np_, a: np_.mgrid[0:2, 0:3],
    "ogrid": lambda np_, a: np_.ogrid[0:2, 0:3],
    "r_": lambda np_, a: np_.r_[a(X[0]), 0.0, a(Y[0])],
    "c_": lambda np_, a: np_.c_[a(X[0]), a(Y[0])],
    "add.reduce": lambda np_, a: np_.add.reduce(a(X), axis=1),
    "multiply.accumulate": lambda np_, a: np_.multiply.accumulate(a(X), axis=1),
    "subtract.outer": lambda np_, a: np_.subtract.outer(a(X[0]), a(Y[0])),
    "add.reduceat": lambda np_, a: np_.add.reduceat(a(X[0]), np.array([0, 2])),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    call = CALLS[name]
    check_same(call(bm, bm.Variable), call(jnp, jnp.asarray))


@pytest.mark.parametrize(
    ("ours", "theirs"), [("", jnp), ("linalg", jnp.linalg), ("fft", jnp.fft)], ids=str
)
def test_every_public_name_is_there(ours, theirs):
    module = getattr(bm, ours) if ours else bm
    names = [name for name in dir(theirs) if not name.startswith("_")]
    assert len(names) > 10
    assert set(names) <= set(dir(module))
    for name in names:
        assert getattr(module, name) is not None or name == "newaxis"


def test_types_and_constants_are_not_wrapped():
    for name in ("float32", "int8", "bool_", "bfloat16", "dtype", "finfo", "iinfo", "floating"):
        assert getattr(bm, name) is getattr(jnp, name)
    assert (bm.pi, bm.e, bm.inf, bm.newaxis) == (np.pi, np.e, np.inf, None)
    assert bm.s_[1:2] == slice(1, 2)
    assert bm.ndarray is bm.Array is bm.JaxArray
    assert bm.issubdtype(bm.float32, bm.floating)


def test_a_wrapped_function_is_made_once_and_keeps_its_signature_and_documentation():
    assert bm.jax.cumsum is bm.jax.cumsum
    assert bm.cumsum is bm.jax.cumsum
    assert inspect.signature(bm.cumsum) == inspect.signature(jnp.cumsum)
    assert bm.cumsum.__doc__ == jnp.cumsum.__doc__
    assert bm.cumsum.__name__ == "cumsum"
    for fn in (bm.jax.cumsum, bm.jax.linalg.norm, bm.jax.relu):
        assert pickle.loads(pickle.dumps(fn)) is fn
    assert pickle.loads(pickle.dumps(bm.add)) is bm.jax.add


def test_results_of_compiled_functions():
    v = bm.Variable(X)

    @bm.jit
    def total(y):
        return bm.sum(bm.sin(v) * y), bm.linalg.norm(y)

    a, b = total(bm.asarray(Y))
    assert type(a) is type(b) is bm.JaxArray
    np.testing.assert_allclose(a, np.sum(np.sin(X) * Y), rtol=1e-6)
    assert type(jax.jit(lambda x: bm.sin(x).value)(X)) is type(jnp.ones(1))


# -- out=, in place ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda out: bm.sum(bm.asarray(X), axis=0, out=out),
        lambda out: bm.sum(bm.asarray(X), 0, None, out),
        lambda out: bm.mean(bm.asarray(X), axis=0, out=out),
        lambda out: bm.add.reduce(bm.asarray(X), axis=0, out=out),
        lambda out: bm.sin(bm.asarray(X[0]), out=out),
        lambda out: bm.add(bm.asarray(X[0]), 1, out=out),
        lambda out: bm.add(bm.asarray(X[0]), 1, out=(out,)),
        lambda out: bm.dot(bm.asarray(Y[0, :2]), bm.asarray(X), out=out),
    ],
)
@pytest.mark.parametrize("cls", [bm.JaxArray, bm.Variable, np.array])
def test_out_is_honoured(call, cls):
    out = cls(np.zeros(3, np.float32))
    assert call(out) is out
    assert np.asarray(out).any()
    fresh = call(None) if "(out,)" not in inspect.getsource(call) else None
    assert fresh is None or type(fresh) is bm.JaxArray


def test_out_follows_the_rules_of_assignment():
    v = bm.Variable(bm.zeros(3))
    with pytest.raises(ValueError, match="does not broadcast"):
        bm.sum(bm.ones((4, 2)), axis=1, out=v)
    i = bm.Variable(bm.zeros(3, dtype=int), name="counts")
    with pytest.raises(TypeError, match="counts"):
        bm.sin(bm.ones(3), out=i)
    with pytest.raises(TypeError, match="a jax.Array cannot be written to"):
        bm.sin(bm.ones(3), out=jnp.zeros(3))


def test_out_of_several_results():
    whole, rest = bm.Variable(bm.zeros(3)), None
    got = bm.divmod(bm.asarray(Y[1]), 0.5, out=(whole, rest))
    assert got[0] is whole
    np.testing.assert_array_equal(whole, [1, 2, 2])
    assert type(got[1]) is bm.JaxArray


def test_out_is_refused_where_numpy_has_none():
    with pytest.raises(TypeError, match="out"):
        bm.zeros(3, out=bm.ones(3))


def test_what_numpy_does_in_place_is_done_in_place():
    m = bm.Variable(bm.zeros((2, 2)))
    assert bm.fill_diagonal(m, 5.0) is None
    np.testing.assert_array_equal(m, [[5, 0], [0, 5]])
    assert bm.put_along_axis(m, bm.array([[0], [0]]), 7.0, axis=1) is None
    np.testing.assert_array_equal(m, [[7, 0], [7, 5]])
    copy = bm.fill_diagonal(m, 1.0, inplace=False)
    assert type(copy) is bm.JaxArray
    np.testing.assert_array_equal(m, [[7, 0], [7, 5]])
    plain = np.zeros((2, 2))
    bm.fill_diagonal(plain, 3.0)
    np.testing.assert_array_equal(plain, [[3, 0], [0, 3]])
    with pytest.raises(TypeError, match="changes its first argument"):
        bm.fill_diagonal(jnp.zeros((2, 2)), 1.0)


def test_ufunc_at():
    v = bm.Variable(bm.zeros(3))
    assert bm.add.at(v, bm.array([0, 0, 2]), 1.0) is None
    np.testing.assert_array_equal(v, [2, 0, 1])
    copy = bm.add.at(v, 0, 1.0, inplace=False)
    assert type(copy) is bm.JaxArray
    np.testing.assert_array_equal(v, [2, 0, 1])
    bm.negative.at(v, 0)
    np.testing.assert_array_equal(v, [-2, 0, 1])
    plain = np.zeros(3)
    bm.add.at(plain, [1, 1], 1.0)
    np.testing.assert_array_equal(plain, [0, 2, 0])
    with pytest.raises(TypeError, match="changes its first argument"):
        bm.add.at(jnp.zeros(3), 0, 1.0)
    assert (bm.add.nin, bm.add.nout, bm.add.nargs, bm.add.identity) == (2, 1, 3, 0)
    assert repr(bm.add) == "<brainvar.math.jax.Ufunc 'add'>"


# -- functions of functions ----------------------------------------------------------------------


def test_functions_that_take_functions():
    # The user's function gets and gives JaxArrays.
    def norm(row):
        assert isinstance(row, bm.JaxArray)
        return bm.sum(row * row)

    expected = (X * X).sum(1)
    got = bm.apply_along_axis(norm, 1, bm.Variable(X))
    assert type(got) is bm.JaxArray
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    got = bm.vectorize(norm, signature="(n)->()")(bm.Variable(X))
    assert type(got) is bm.JaxArray
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    got = bm.piecewise(bm.asarray(X), [bm.asarray(X) > 0.4], [lambda x: bm.sqrt(x), 0.0])
    np.testing.assert_allclose(got, np.where(X > 0.4, np.sqrt(X), 0), rtol=1e-6)
    got = bm.fromfunction(lambda i, j: i * 10 + j, (2, 3))
    assert type(got) is bm.JaxArray
    np.testing.assert_array_equal(got, [[0, 1, 2], [10, 11, 12]])
    product = bm.frompyfunc(lambda a, b: a * b, 2, 1, identity=1)
    got = product.reduce(bm.array([2, 3, 4]))
    assert type(got) is bm.JaxArray
    assert int(got) == 24


# -- how it works --------------------------------------------------------------------------------


def test_a_numpy_argument_may_change_after_the_call():
    for _ in range(20):
        x = np.ones(100_000, np.float32)
        y = bm.asarray(x)
        z = bm.sin(x)
        x[:] = 5
        assert float(bm.max(y)) == 1
        assert float(bm.max(z)) < 1


def test_unwrap_reaches_nested_containers():
    v = bm.Variable(1.0)
    got = unwrap([v, (v, {"a": v}), 3, "s", None])
    assert isinstance(got[0], jax.Array)
    assert isinstance(got[1][0], jax.Array)
    assert isinstance(got[1][1]["a"], jax.Array)
    assert got[2:] == [3, "s", None]


def test_a_function_without_arrays_is_passed_through():
    fn = wrap_function(lambda x, flag=None: (x, flag), "fn", "m")
    assert fn(3, flag="a") == (3, "a")


def test_unknown_names():
    with pytest.raises(AttributeError, match="has no attribute 'no_such_function'"):
        _ = bm.no_such_function
    with pytest.raises(AttributeError, match="has no attribute 'no_such_function'"):
        _ = bm.jax.linalg.no_such_function
    assert not hasattr(bm, "_private")


def test_importing_wraps_nothing_and_starts_no_backend(run_python):
    run_python(
        """
import brainvar.math as bm, jax
assert 'sin' not in vars(bm.jax) and 'norm' not in vars(bm.jax.linalg)
bm.sin
assert 'sin' in vars(bm.jax)
jax.config.update('jax_platforms', 'nothing')  # read when the first backend starts
try:
    bm.zeros(1)
except RuntimeError as error:
    assert 'nothing' in str(error)
else:
    raise AssertionError('a backend was running')
""",
        env={"JAX_PLATFORMS": ""},
    )


# -- extras --------------------------------------------------------------------------------------

ACTIVATIONS = """
celu elu gelu hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu log_sigmoid log_softmax
mish relu relu6 selu sigmoid silu soft_sign softmax softmin softplus swish tanh logsumexp
"""


@pytest.mark.parametrize("name", ACTIVATIONS.split())
def test_activations_agree_between_the_backends(name):
    x = np.linspace(-60, 60, 243, dtype=np.float32).reshape(3, -1)
    ours = getattr(bm.jax, name)(bm.Variable(x))
    theirs = getattr(jax.nn, name, None)
    assert type(ours) is bm.JaxArray
    if theirs is not None:
        np.testing.assert_array_equal(ours, theirs(x))
    plain = getattr(bm.numpy, name)(bm.numpy.Variable(x))
    assert type(plain) in (np.ndarray, np.float32)
    assert plain.dtype == np.float32
    np.testing.assert_allclose(plain, ours, rtol=2e-5, atol=2e-6)
    double = getattr(bm.numpy, name)(x.astype(np.float64))
    assert double.dtype == np.float64
    np.testing.assert_allclose(double, plain, rtol=2e-5, atol=2e-6)


def test_activation_parameters():
    x = np.linspace(-3, 3, 7, dtype=np.float32)
    for call in (
        lambda m: m.elu(x, 0.5),
        lambda m: m.celu(x, 2.0),
        lambda m: m.leaky_relu(x, 0.2),
        lambda m: m.gelu(x, approximate=False),
        lambda m: m.softmax(x.reshape(7, 1), axis=0),
        lambda m: m.one_hot(np.array([0, 2]), 3),
        lambda m: m.one_hot(np.array([0, 2]), 3, axis=0),
        lambda m: m.logsumexp(x, axis=0, keepdims=True),
        lambda m: m.logsumexp(x, b=np.array([1, -1, 1, -1, 1, -1, 1]), return_sign=True),
    ):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
            call(bm.numpy),
            jax.tree.map(np.asarray, call(bm.jax), is_leaf=lambda a: isinstance(a, bm.JaxArray)),
        )


@pytest.mark.parametrize("name", ["jax", "numpy"])
def test_small_extras(name):
    with bm.backend(name):
        x = bm.array([-1.5, 1.5])
        np.testing.assert_array_equal(bm.fix(x), [-1, 1])
        np.testing.assert_array_equal(bm.round_(bm.array([1.26]), 1), bm.round(bm.array([1.26]), 1))
        v = bm.Variable(bm.array([3.0, 4.0]))
        np.testing.assert_allclose(bm.clip_by_norm(v, 1.0), [0.6, 0.8], rtol=1e-6)
        np.testing.assert_allclose(bm.clip_by_norm({"a": v}, 10.0)["a"], [3, 4], rtol=1e-6)
        assert type(bm.as_ndarray(v)) is type(bm.as_numpy(v)) is np.ndarray
        assert bm.as_ndarray(v, bm.float16).dtype == np.float16
        assert type(bm.as_variable(x)) is bm.Variable
        assert isinstance(bm.as_device_array(v), jax.Array)
        assert isinstance(bm.as_jax([1, 2]), jax.Array)
        assert bm.asanyarray(x).shape == bm.ascontiguousarray(x).shape == (2,)


def test_default_dtypes_follow_x64():
    assert (bm.float_, bm.int_, bm.complex_) == (np.float32, np.int32, np.complex64)
    assert (bm.dftype(), bm.ditype()) == (np.float32, np.int32)
    assert bm.zeros(2, dtype=bm.float_).dtype == np.float32
    with jax.enable_x64(True):
        assert (bm.float_, bm.int_, bm.complex_) == (np.float64, np.int64, np.complex128)
    assert (bm.numpy.float_, bm.numpy.int_) == (np.float64, np.int64)


def test_default_dtypes_can_be_set(run_python):
    run_python("""
import brainvar.math as bm, numpy as np
bm.set_float(bm.bfloat16); bm.set_int(np.int16)
assert bm.float_ == bm.bfloat16 == bm.get_float() and bm.int_ == np.int16
assert bm.zeros(1).dtype == np.float32
for wrong in (np.int32, 'float8_e5m2'):
    try:
        bm.set_float_(wrong)
    except TypeError as error:
        assert 'float type of 16, 32, 64 bits' in str(error), error
    else:
        raise AssertionError(wrong)
with bm.backend('numpy'):
    assert bm.float_ is np.float64
    bm.set_float(np.float32)
    assert bm.float_ is np.float32
bm.set_float(float); bm.set_complex(complex)
assert bm.zeros(1).dtype == np.float64 and bm.complex_ == np.complex128
bm.disable_x64(); assert bm.zeros(1).dtype == np.float32
bm.enable_x64(); assert bm.zeros(1).dtype == np.float64
""")
