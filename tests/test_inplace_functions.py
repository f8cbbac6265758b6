"""Functions of ``bm`` and NumPy on Variables: what shares the buffer, and what does not."""

import jax
import numpy as np
import pytest

import brainvar.math as bm

COMPUTING = {
    "exp": lambda v, w: bm.exp(v),
    "where": lambda v, w: bm.where(v > 0, v, w),
    "dot": lambda v, w: bm.dot(v, w),
    "maximum": lambda v, w: bm.maximum(v, w),
    "sum": lambda v, w: bm.sum(v),
    "stack": lambda v, w: bm.stack([v, w]),
    "np.exp": lambda v, w: np.exp(v),
    "np.add": lambda v, w: np.add(v, w),
    "np.mean": lambda v, w: np.mean(v),
    "np.where": lambda v, w: np.where(v > 0, v, w),
    "method": lambda v, w: v.dot(w),
    "reduce": lambda v, w: np.add.reduce(v),
}


@pytest.mark.parametrize("name", COMPUTING)
def test_computing_with_a_variable_does_not_share_its_buffer(name):
    v, w = bm.Variable([1.0, -2.0, 3.0]), bm.Variable([4.0, 5.0, 6.0])
    COMPUTING[name](v, w)
    assert not v._cell.reason
    assert not w._cell.reason


RETURNING = {
    "reshape": lambda v: bm.reshape(v, (3,)),
    "ravel": bm.ravel,
    "asarray": bm.asarray,
    "array": lambda v: bm.array(v, copy=False),
    "astype": lambda v: bm.astype(v, v.dtype),
    "device": lambda v: bm.asarray(v, device=jax.devices()[0]),
    "atleast_1d": bm.atleast_1d,
    "broadcast_arrays": lambda v: bm.broadcast_arrays(v, v),
    "squeeze": bm.squeeze,
    "real": bm.real,
    "concatenate": lambda v: bm.concatenate([v]),
    "split": lambda v: bm.split(v, 1),
    "clip": lambda v: bm.clip(v),
    "copy": bm.copy,
    "positive": bm.positive,
    "np.reshape": lambda v: np.reshape(v, (3,)),
    "np.broadcast_arrays": lambda v: np.broadcast_arrays(v, v),
    "np.copy": np.copy,
    "meshgrid": lambda v: bm.meshgrid(v),
    "zeros_like": bm.zeros_like,
    "transpose": bm.transpose,
    "moveaxis": lambda v: bm.moveaxis(v, 0, 0),
    "stack": lambda v: bm.stack([v, v]),
    "vectorize": lambda v: bm.vectorize(lambda x: x)(v),
    "apply_along_axis": lambda v: bm.apply_along_axis(lambda x: x, 0, v),
    "where": lambda v: bm.where(v == v, v, 0.0),
    "einsum": lambda v: bm.einsum("i->i", v),
    "nan_to_num": bm.nan_to_num,
    "trim_zeros": bm.trim_zeros,
}


@pytest.mark.parametrize("name", RETURNING)
def test_what_a_function_gives_back_never_changes(name):
    v = bm.Variable([1.0, 2.0, 3.0])
    v += 0  # in a buffer of JAX's own
    results = jax.tree.leaves(RETURNING[name](v))
    before = [np.array(x) for x in results]
    v[:] = 7.0
    v += 1.0
    for x, y in zip(results, before, strict=True):
        np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(v, [8.0, 8.0, 8.0])
