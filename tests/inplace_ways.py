"""The ways in which the value of a Variable gets out, for the tests of ownership."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm

_reshape_in_jit = jax.jit(lambda x: x.reshape(x.shape))
_return_variable = bm.jit(lambda v: v.value)
_return_twice = bm.jit(lambda v: (v.value, [v.value]))


def _sharding(v: Any) -> Any:
    return jax.sharding.SingleDeviceSharding(v.value.device)


def _single_device_arrays(v: Any) -> Any:
    return jax.make_array_from_single_device_arrays(v.shape, _sharding(v), [v.value])


def _from_callback(v: Any) -> Any:
    return jax.make_array_from_callback(v.shape, _sharding(v), lambda index: v.value)


def _pickled(v: Any) -> Any:
    return pickle.loads(pickle.dumps(v))


def _assigned(v: Any) -> Any:
    w = bm.Variable(np.zeros(v.shape, v.dtype))
    w.value = v
    return w


def _assigned_value(v: Any) -> Any:
    w = bm.Variable(np.zeros(v.shape, v.dtype))
    w.value = v.value
    return w


def _out_of_trace(v: Any) -> Any:
    """Return what a function of JAX traced over the Variable, flattened as a pytree, gives."""
    return jax.jit(lambda x: x)(v)


def _with_zero_row(m: np.ndarray) -> np.ndarray:
    m = m.copy()
    m[0] = 0
    return m


Way = Callable[[Any], Any]

SAME: dict[str, Way] = {
    # What JAX and NumPy make of the value, which may be the very array or an alias of it.
    ".value": lambda v: v.value,
    "np.asarray": np.asarray,
    "np.array": np.array,
    "np.asarray of the value": lambda v: np.asarray(v.value),
    "np.from_dlpack": np.from_dlpack,
    "np.from_dlpack of the value": lambda v: np.from_dlpack(v.value),
    "jax.dlpack.from_dlpack": jax.dlpack.from_dlpack,
    "__array__": lambda v: v.__array__(),
    "__jax_array__": lambda v: v.__jax_array__(),
    "to_numpy": lambda v: v.to_numpy(),
    "flat": lambda v: v.flat,
    "jnp.asarray": jnp.asarray,
    "jnp.reshape": lambda v: jnp.reshape(v, v.shape),
    "jnp.broadcast_to": lambda v: jnp.broadcast_to(v.value, v.shape),
    "jnp.concatenate": lambda v: jnp.concatenate([v.value]),
    "bm.asarray": bm.asarray,
    "bm.concatenate": lambda v: bm.concatenate([v]),
    "np.reshape": lambda v: np.reshape(v, v.shape),
    "np.broadcast_to": lambda v: np.broadcast_to(v, v.shape),
    "stop_gradient": lambda v: jax.lax.stop_gradient(v.value),
    "addressable_data": lambda v: v.value.addressable_data(0),
    "addressable_data of the Variable": lambda v: v.addressable_data(0),
    "addressable_shards": lambda v: v.value.addressable_shards[0].data,
    "device_put": lambda v: jax.device_put(v.value),
    "device_put of the Variable": lambda v: jax.device_put(v),
    "device_put to its device": lambda v: jax.device_put(v.value, v.value.device),
    "device_put to its sharding": lambda v: jax.device_put(v.value, _sharding(v)),
    "make_array_from_single_device_arrays": _single_device_arrays,
    "make_array_from_callback": _from_callback,
    "reshape in jax.jit": lambda v: _reshape_in_jit(v.value),
    # Methods and operators that may return their argument.
    "[...]": lambda v: v[...],
    "[:]": lambda v: v[:],
    "[()]": lambda v: v[()],
    "T.T": lambda v: v.T.T,
    "reshape": lambda v: v.reshape(v.shape),
    "astype": lambda v: v.astype(v.dtype),
    "copy": lambda v: v.copy(),
    "view": lambda v: v.view(),
    "conj": lambda v: v.conj(),
    "real": lambda v: v.real,
    "squeeze": lambda v: v.squeeze(),
    "+v": lambda v: +v,
    "round": lambda v: v.round(),
    "clip": lambda v: v.clip(),
    "transpose": lambda v: v.transpose(*range(v.ndim)),
    "at": lambda v: v.at[0].add(0),
    # Iteration, copies, pytrees, other Variables, transforms.
    "iteration": list,
    "an iterator": iter,
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "pickle": _pickled,
    "tree leaves": lambda v: jax.tree.leaves(v)[0],
    "tree with path": lambda v: jax.tree_util.tree_leaves_with_path({"v": v})[0][1],
    "tree map": lambda v: jax.tree.map(lambda x: x, v),
    "Variable(v)": bm.Variable,
    "Variable(v.value)": lambda v: bm.Variable(v.value),
    "JaxArray(v)": bm.JaxArray,
    "JaxArray(v.value)": lambda v: bm.JaxArray(v.value),
    "assignment": _assigned,
    "assignment of the value": _assigned_value,
    "an argument of jax.jit": _out_of_trace,
    "result of bm.jit": _return_variable,
    "results of bm.jit": lambda v: _return_twice(v)[1][0],
}
"""Ways that keep shape and values."""

OTHER: dict[str, tuple[Way, Callable[[np.ndarray], np.ndarray]]] = {
    "T": (lambda v: v.T, lambda m: m.T),
    "ravel": (lambda v: v.ravel(), np.ravel),
    "flatten": (lambda v: v.flatten(), np.ravel),
    "a row": (lambda v: v[0], lambda m: m[0]),
    "a slice": (lambda v: v[1:3], lambda m: m[1:3]),
    "a slice that is all": (lambda v: v[0 : v.shape[0]], lambda m: m),
    "a slice of .value": (lambda v: v.value[: v.shape[0]], lambda m: m),
    "a reversed slice": (lambda v: v[::-1], lambda m: m[::-1]),
    "a new axis": (lambda v: v[None], lambda m: m[None]),
    "a leading axis": (lambda v: v.reshape(1, *v.shape), lambda m: m[None]),
    "indices": (lambda v: v[np.array([0, 2, 0])], lambda m: m[np.array([0, 2, 0])]),
    "expand_dims": (lambda v: bm.expand_dims(v, 0), lambda m: m[None]),
    "np.ravel": (np.ravel, np.ravel),
    "at[0].set, called later": (lambda v: v.at[0].set, _with_zero_row),
    "tolist": (lambda v: np.array(v.tolist(), v.dtype), lambda m: m),
    "tobytes": (lambda v: np.frombuffer(v.tobytes(), v.dtype), np.ravel),
}
"""Ways that show the values in another shape."""

WAYS: dict[str, tuple[Way, Callable[[np.ndarray], np.ndarray]]] = {
    **{name: (way, lambda m: m) for name, way in SAME.items()},
    **OTHER,
}
"""``take, look``: the first lets something out of a Variable, the second does so with NumPy."""

VARIABLES = (
    "copy.copy",
    "copy.deepcopy",
    "pickle",
    "tree map",
    "Variable(v)",
    "Variable(v.value)",
    "assignment",
    "assignment of the value",
    "an argument of jax.jit",
)
"""Ways whose result is another Variable."""

ONCE = frozenset({"an iterator"})
"""Ways whose result can be looked at once only."""


def content(thing: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return what is held as a NumPy array of `shape`, without a copy where that is possible."""
    if callable(thing):  # v.at[0].set
        return np.asarray(thing(0))
    if isinstance(thing, np.flatiter):
        return thing.base.reshape(shape)
    if isinstance(thing, (list, Iterator)):
        return np.stack([content(row, shape[1:]) for row in thing])
    return np.asarray(thing).reshape(shape)


def is_alive(thing: Any) -> bool:
    """Whether what is held can be used, as far as this is known without using it."""
    raw = thing.value if isinstance(thing, bm.JaxArray) else thing
    return not (isinstance(raw, jax.Array) and raw.is_deleted())


# -- statements that write ------------------------------------------------------------------------


def iadd(v):
    v += 1


def shift(v):
    v[1:] = v[:-1]


def fill(v):
    v.fill(7)


def out_argument(v):
    np.add(v, 1, out=v)


def add_at(v):
    np.add.at(v, np.array([0, 0, 2]), v[:3])


WRITES = {
    "element": lambda v: v.__setitem__((0,) * v.ndim, 7),
    "row": lambda v: v.__setitem__(1, 8),
    "all": lambda v: v.__setitem__(..., 9),
    "slice": lambda v: v.__setitem__(slice(None, None, 2), 5),
    "indices": lambda v: v.__setitem__(np.array([0, 2, 2]), 6),
    "mask": lambda v: v.__setitem__(np.asarray(v) > 1, 4),
    "v += 1": iadd,
    "v[1:] = v[:-1]": shift,
    "fill": fill,
    "np.add(out=)": out_argument,
    "np.add.at": add_at,
}
"""Statements that mean the same for a Variable and for a NumPy array."""

double = bm.jit(lambda v: v.__imul__(2))


def fresh(values: Any) -> Any:
    """Return a Variable of these values, whose buffer is the result of a write."""
    v = bm.Variable(values)
    first = (0,) * v.ndim
    v[first] = 1
    v[first] = np.asarray(values)[first]
    return v
