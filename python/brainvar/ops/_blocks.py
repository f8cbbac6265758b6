"""The sampling kernels on several devices: the block of each, and how the results are cut.

For each primitive of `_sampling` two functions of the same operands and parameters: ``sharded``,
pure JAX, and ``sharded_native``, with the kernels (see `define_primitive`). A sample is cut in
all of its dimensions, with the keys' batch dimensions in front: there a device has keys of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from brainvar._compat import ShapedArray
from brainvar.ops import _blocks_twin as blocks
from brainvar.ops import _threefry as twin
from brainvar.ops._partition import partitioned
from brainvar.ops._primitive import STREAM_CODE, define_primitive

# Below so many rows a device makes them all.
_FEW_ROWS = 256


def _int64s(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


# --- primitives: a block of a larger array -------------------------------------------------------
#
# They take the key and the tile, int32[rank], and appear in lowered programs only.


def _block_eval(key: Any, tile: Any, *, local: tuple[int, ...], **params: Any) -> ShapedArray:
    dtype = params.get("dtype") or twin.UINT_OF_WIDTH[params["width"]]
    return ShapedArray((*key.shape[:-1], *local), dtype)


def _define_block(name: str) -> Any:
    return define_primitive(
        f"brainvar_{name}_block",
        getattr(blocks, name),
        _block_eval,
        target=f"brainvar_threefry_{name}_block_v1",
        attributes=lambda params: {
            "stream": STREAM_CODE[params["stream"]],
            "shape": _int64s(*params["shape"]),
        },
    )


bits_block_p = _define_block("bits")
uniform_block_p = _define_block("uniform")
normal_block_p = _define_block("normal")


def _rows_eval(key: Any, tile: Any, *, local: int, **params: Any) -> ShapedArray:
    return ShapedArray((*key.shape[:-1], local, 2), key.dtype)


rows_block_p = define_primitive(
    "brainvar_split_block",
    blocks.rows,
    _rows_eval,
    target="brainvar_threefry_split_block_v1",
    attributes=lambda params: {
        "stream": STREAM_CODE[params["stream"]],
        "total": np.int64(params["total"]),
        "first": np.int64(params["first"]),
    },
)


def nothing_to_cut(key: Any, *, shape: tuple[int, ...], **params: Any) -> bool:
    """Whether a draw is of one number, or of none."""
    return not (*key.shape[:-1], *shape) or 0 in (*key.shape, *shape)


def few_rows(key: Any, *, n: int, **params: Any) -> bool:
    """Whether a split is of one key into a few, or there is nothing to split."""
    return (key.ndim == 1 and n < _FEW_ROWS) or n == 0 or key.size == 0


# --- samples -------------------------------------------------------------------------------------


def sharded_draw(name: str) -> Callable[..., Array]:
    """Return the elementwise form of ``bits``, ``uniform`` or ``normal``."""
    block, whole = getattr(blocks, name), getattr(twin, name)

    def draw(key: Array, *, shape: tuple[int, ...], **params: Any) -> Array:
        function = block if blocks.fits(shape) else whole
        return function(key, shape=shape, **params)

    return draw


def partitioned_draw(primitive: Any, block_primitive: Any) -> Callable[..., Array]:
    """Return the form of a drawing primitive with kernels."""

    def draw(key: Array, *, shape: tuple[int, ...], **params: Any) -> Array:
        batch = key.ndim - 1

        def block(tile: Array, local: tuple[int, ...], key: Array) -> Array:
            own = {"shape": shape, "local": local[batch:], **params}
            if own["local"] == shape:  # only the keys are cut
                return primitive().bind(key, shape=shape, **params)
            return block_primitive.bind(key, tile[batch:], **own)

        return partitioned(
            lambda key: primitive().bind(key, shape=shape, **params),
            block,
            (key,),
            dims=((*range(batch), None),),
        )

    return draw


def advance_and_draw(advance: Any, draw: Any) -> Callable[..., Any]:
    """Return the form of a fused primitive: a step of the key, and a draw with the subkey."""

    def advance_draw(key: Array, *, stream: str, **params: Any) -> tuple[Array, Array]:
        following, subkeys = advance.bind(key, n=1, stream=stream)
        return following, draw.bind(subkeys[..., 0, :], stream=stream, **params)

    return advance_draw


# --- keys ----------------------------------------------------------------------------------------


def sharded_split(key: Array, *, n: int, stream: str) -> Array:
    """Return the elementwise form of ``split``."""
    return blocks.rows(key, first=0, local=n, total=n, stream=stream)


def sharded_advance(key: Array, *, n: int, stream: str) -> tuple[Array, Array]:
    """Return the elementwise form of ``advance``."""
    following = blocks.rows(key, first=0, local=1, total=n + 1, stream=stream)
    return following[..., 0, :], blocks.rows(key, first=1, local=n, total=n + 1, stream=stream)


def _rows(key: Array, *, first: int, count: int, total: int, stream: str) -> Array:
    """Rows from ``first`` on of a split into ``total``; a few rows are cut by keys only."""
    batch = key.ndim - 1
    params = {"first": first, "total": total, "stream": stream}

    def block(tile: Any, local: Sequence[int], key: Array) -> Array:
        return rows_block_p.bind(key, tile[batch : batch + 1], local=local[batch], **params)

    def every(key: Array) -> Array:
        return rows_block_p.bind(key, jnp.zeros(1, np.int32), local=count, **params)

    whole = (batch, batch + 1) if count < _FEW_ROWS else (batch + 1,)
    if len(whole) > batch + 1:
        return every(key)
    return partitioned(every, block, (key,), dims=((*range(batch), None),), whole=whole)


def partitioned_split(key: Array, *, n: int, stream: str) -> Array:
    """Return the form of ``split`` with kernels."""
    return _rows(key, first=0, count=n, total=n, stream=stream)


def partitioned_advance(key: Array, *, n: int, stream: str) -> tuple[Array, Array]:
    """Return the form of ``advance`` with kernels."""
    following = _rows(key, first=0, count=1, total=n + 1, stream=stream)
    return following[..., 0, :], _rows(key, first=1, count=n, total=n + 1, stream=stream)


def partitioned_fold_in(primitive: Callable[[], Any]) -> Callable[..., Array]:
    """Return the form of ``fold_in`` with kernels."""

    def fold_in(key: Array, data: Array) -> Array:
        batch = data.ndim

        def whole(key: Array, data: Array) -> Array:
            return primitive().bind(key, data)

        return partitioned(
            whole,
            lambda tile, local, key, data: whole(key, data),
            (key, data),
            dims=((*range(batch), None), tuple(range(batch))),
            whole=(batch,),
        )

    return fold_in
