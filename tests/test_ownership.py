"""Who owns the buffer of a Variable: whatever hands it out marks it as shared first."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar.core.array import JaxArray
from brainvar.core.variable import Variable
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop


def is_exclusive(v):
    return v._cell.reason is None


@pytest.mark.parametrize("value", [[1.0, 2.0], 3.0, np.ones(2), np.float32(1), (1, 2)])
def test_a_private_copy_is_exclusive(value):
    assert is_exclusive(Variable(value))


@pytest.mark.parametrize(
    "make", [jnp.asarray, JaxArray, Variable, lambda x: jnp.asarray(x, jnp.int32)]
)
def test_an_array_of_somebody_else_is_shared(make):
    x = make([1.0, 2.0])
    v = Variable(x)
    assert not is_exclusive(v)
    v = Variable([3.0, 4.0])
    v.value = x if x.dtype == np.float32 else x.astype(np.float32)
    assert not is_exclusive(v)
    w = Variable([x, x])
    assert not is_exclusive(w) or w.value is not x


WAYS_OUT = {
    ".value": lambda v: v.value,
    "__jax_array__": lambda v: jnp.asarray(v),
    "a function of jax.numpy": lambda v: jnp.reshape(v, 2),
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.asarray with a dtype": lambda v: np.asarray(v, np.float32),
    "buffer of a method": lambda v: v.item(0),
    "tolist": lambda v: v.tolist(),
    "to_numpy": lambda v: v.to_numpy(),
    "flat": lambda v: v.flat,
    "numpy.from_dlpack": np.from_dlpack,
    "jax.dlpack": jax.dlpack.from_dlpack,
    "tree leaves": jax.tree.leaves,
    "tree map": lambda v: jax.tree.map(lambda x: x, v),
    "tree with path": lambda v: jax.tree_util.tree_leaves_with_path(v),
    "raw jax.jit": lambda v: jax.jit(lambda x: x)(v),
    "device_put": lambda v: jax.device_put(v),
    "reshape": lambda v: v.reshape(2),
    "reshape -1": lambda v: v.reshape((-1,)),
    "astype": lambda v: v.astype(np.float32),
    "ellipsis": lambda v: v[...],
    "full slice": lambda v: v[:],
    "empty tuple": lambda v: v[()],
    "T": lambda v: v.T,
    "transpose": lambda v: v.transpose(),
    "ravel": lambda v: v.ravel(),
    "flatten": lambda v: v.flatten(),
    "squeeze": lambda v: v.squeeze(),
    "real": lambda v: v.real,
    "conj": lambda v: v.conj(),
    "view": lambda v: v.view(np.float32),
    "view without dtype": lambda v: v.view(),
    "round": lambda v: v.round(),
    "clip": lambda v: v.clip(),
    "+v": lambda v: +v,
    "iteration": lambda v: list(Variable(v.reshape(1, 2))) and list(v),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "np.positive": np.positive,
    "np.ravel": np.ravel,
    "np.concatenate": lambda v: np.concatenate([v]),
    "np.broadcast_to": lambda v: np.broadcast_to(v, (2,)),
    "another Variable": Variable,
    "assignment": lambda v: Variable([0.0, 0.0]).update(v),
    "an attribute of jax.Array": lambda v: v.addressable_data(0),
    "shards": lambda v: v.addressable_shards,
    "an argument": lambda v: jit(lambda x: 1)([v.value]),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_lets_the_buffer_out_says_so(way):
    v = Variable([1.0, 2.0])
    held = v._value
    assert is_exclusive(v)
    out = WAYS_OUT[way](v)
    if is_exclusive(v):
        # Nothing of what came out is, or looks at, the buffer.
        pointer = held.unsafe_buffer_pointer()
        for leaf in jax.tree.leaves(out):
            raw = leaf._value if isinstance(leaf, JaxArray) else leaf
            assert raw is not held
            if isinstance(raw, jax.Array):
                assert raw.unsafe_buffer_pointer() != pointer
            elif isinstance(raw, np.ndarray):
                assert raw.__array_interface__["data"][0] != pointer
    np.testing.assert_array_equal(held, [1, 2])


@pytest.mark.parametrize(
    "way",
    [
        ".value",
        "__jax_array__",
        "np.asarray",
        "flat",
        "numpy.from_dlpack",
        "jax.dlpack",
        "tree leaves",
        "reshape",
        "astype",
        "ellipsis",
        "full slice",
        "T",
        "copy.copy",
        "another Variable",
        "assignment",
        "an attribute of jax.Array",
    ],
)
def test_ways_out_that_share_on_every_version(way):
    v = Variable([1.0, 2.0])
    out = WAYS_OUT[way](v)
    assert not is_exclusive(v)
    del out


@pytest.mark.parametrize(
    "use",
    [
        lambda v: v + 1,
        lambda v: v * v,
        lambda v: -v,
        lambda v: v[0],
        lambda v: v.sum(),
        lambda v: (repr(v), str(v), v.shape, v.dtype, v.nbytes, v.strides, len(v)),
        lambda v: v == 1,
        lambda v: float(v[0]),
    ],
)
def test_computing_does_not_share(use):
    v = Variable([1.0, 2.0])
    use(v)
    assert is_exclusive(v)


def test_a_copy_shares_and_stays_independent():
    v = Variable([1.0, 2.0])
    w = copy.deepcopy(v)
    assert not is_exclusive(w)
    assert not is_exclusive(v)
    w[0] = 5
    np.testing.assert_array_equal(v, [1, 2])


def test_set_raw_takes_the_word_of_a_kernel():
    v = Variable([1.0])
    v._set_raw(jnp.ones(1) * 2, exclusive=True)
    assert is_exclusive(v)
    v._set_raw(jnp.ones(1))
    assert not is_exclusive(v)


def test_the_result_of_a_compiled_write_is_exclusive():
    v = Variable([1.0, 2.0])
    jit(lambda: v.update(v * 2))()
    for_loop(lambda x: v.update(v + x), jnp.ones(2))
    assert is_exclusive(v)
    np.testing.assert_array_equal(v, [4, 6])


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x, y),
        lambda x, y: (x, x),
        lambda x, y: (x.reshape(-1), y.astype(x.dtype)),
        lambda x, y: (x + 0, x * 1),
        lambda x, y: (y, x),
        lambda x, y: [x + y, y + x],
        lambda x, y: jax.lax.stop_gradient(x),
    ],
)
def test_results_of_an_undonated_jit_alias_nothing(function):
    """A canary: the ownership flag trusts this of the installed JAX."""
    x, y = jnp.arange(4096.0), jnp.ones(4096)
    results = jax.tree.leaves(jax.jit(function)(x, y))
    pointers = [a.unsafe_buffer_pointer() for a in (x, y, *results)]
    assert len(set(pointers)) == len(pointers)
    assert all(a is not b for a in results for b in (x, y))


def test_the_array_of_a_foreign_array_class_is_shared():
    class Foreign:
        def __init__(self, raw):
            self.raw = raw

        def __jax_array__(self):
            return self.raw

    raw = jnp.ones(3)
    assert not is_exclusive(Variable(Foreign(raw)))
