"""Indices of every kind, and numbers to write, for the tests of writes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st


def numbers(dtype: np.dtype) -> st.SearchStrategy[Any]:
    """Numbers that all of the arithmetic below is exact for."""
    return st.integers(-8, 8) if dtype.kind == "i" else st.sampled_from([0.5, 1.0, -2.0, 7.0, 3])


@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> Any:
    """Indices of every kind, of few lengths: without the kernels, each length compiles."""
    n = shape[0]
    inside = st.integers(-n, n - 1)
    bounds = st.sampled_from([None, 0, 1, 3, -1, -2, 9])
    slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 2, -1, -2]))
    many = st.lists(inside, min_size=3, max_size=3)
    first = draw(
        st.one_of(
            inside,
            slices,
            slices,
            many.map(np.array),
            many,
            st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
            st.just(Ellipsis),
            inside.map(lambda i: (i, Ellipsis)),
            slices.map(lambda s: (Ellipsis, s)),
            slices.map(lambda s: (None, s)),
            inside.map(np.int64),
            inside.map(jnp.asarray),
            many.map(jnp.asarray),
            st.just(()),
        )
    )
    if len(shape) == 1 or isinstance(first, tuple) or first is Ellipsis:
        return first
    below = st.integers(-shape[1], shape[1] - 1)
    second = draw(
        st.one_of(
            st.none(),
            below,
            slices,
            st.lists(below, min_size=3, max_size=3).map(np.array),
        )
    )
    if second is None or (isinstance(first, np.ndarray) and first.dtype == np.bool_):
        return first
    return first, second


def mutable_parts(x: Any) -> list[np.ndarray]:
    parts = x if isinstance(x, tuple) else (x,)
    return [part for part in parts if isinstance(part, np.ndarray)]


def in_numpy(x: Any) -> Any:
    """Return an index, or a value, as NumPy takes it."""
    if isinstance(x, tuple):
        return tuple(map(in_numpy, x))
    if x is None or x is Ellipsis or isinstance(x, (int, float, slice, list)):
        return x
    return np.array(x)
