"""Key handling and sampling: one primitive per kernel, and the public functions over them.

Every public function takes raw keys ``uint32[*B, 2]``; with batch dimensions ``B`` each key of
the batch is used independently.  The functions are traced once per static configuration
(shape, dtype, layout) and then cost one dispatch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from brainvar._compat import ShapedArray, x64_enabled
from brainvar.ops import _blocks
from brainvar.ops import _threefry as twin
from brainvar.ops._primitive import (
    STREAM_CODE,
    batch_size,
    define_primitive,
    no_tangent,
    stream_name,
    to_front,
)

Shape = int | Sequence[int]

_CACHE = 4096  # compiled configurations kept per function

_UINT32 = np.dtype(np.uint32)
_FLOATS = {
    np.dtype(t): bits
    for t, bits in ((np.float16, 16), (jnp.bfloat16, 16), (np.float32, 32), (np.float64, 64))
}


# --- checks ------------------------------------------------------------------------------------


def _count(name: str, value: Any) -> int:
    try:
        n = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if n < 0:
        raise ValueError(f"{name} must not be negative, got {n}")
    return n


def canonical_shape(shape: Any) -> tuple[int, ...]:
    """Turn an int or a sequence of ints into a tuple of non-negative Python ints."""
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if isinstance(shape, Sequence) and not isinstance(shape, str):
        return tuple(_count("each entry of shape", d) for d in shape)
    return (_count("shape", shape),)


def _width(width: Any) -> int:
    if width in twin.UINT_OF_WIDTH:
        return int(width)
    raise ValueError(f"width={width!r}: random bits come in widths of 8, 16, 32 or 64")


def _float_dtype(dtype: Any) -> np.dtype:
    try:
        result = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype={dtype!r} is not a dtype") from None
    if result not in _FLOATS:
        raise TypeError(
            f"dtype={result.name} cannot be drawn: use float16, bfloat16, float32 or float64"
        )
    return result


def _need_x64(what: str, instead: str) -> None:
    if not x64_enabled():
        raise ValueError(
            f"{what} needs 64-bit types, which JAX has turned off: call jax.config.update("
            f"'jax_enable_x64', True) at the start of the program, or use {instead}"
        )


def check_key(key: Any) -> Any:
    """Return ``key`` if it is a raw key array (or tracer), else raise ``TypeError``."""
    dtype = getattr(key, "dtype", None)
    shape = getattr(key, "shape", None)
    if dtype != _UINT32 or not shape or shape[-1] != 2:
        if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
            hint = "a typed key: pass jax.random.key_data(key)"
        elif dtype is not None:
            hint = f"{np.dtype(dtype).name}[{', '.join(map(str, shape or ()))}]"
        else:
            hint = type(key).__name__
        raise TypeError(f"key must be a raw key array, uint32[..., 2]; got {hint}")
    return key


# --- primitives --------------------------------------------------------------------------------


def _sample_aval(key: Any, params: Any) -> ShapedArray:
    if "width" in params:
        dtype = twin.UINT_OF_WIDTH[params["width"]]
        if params["width"] == 64:
            _need_x64("bits of width 64", "two draws of width 32")
    else:
        dtype = params["dtype"]
        if dtype == np.float64:
            _need_x64("dtype float64", "float32")
    return ShapedArray((*key.shape[:-1], *params["shape"]), dtype)


def _key_batching(primitive_of: Callable[[], Any]) -> Callable[..., Any]:
    # The kernels take any number of leading key dimensions, so a mapped axis is one more.
    def rule(args: Sequence[Any], dims: Sequence[int], **params: Any) -> tuple[Any, Any]:
        primitive = primitive_of()
        out = primitive.bind(jnp.moveaxis(args[0], dims[0], 0), **params)
        return out, ([0] * len(out) if primitive.multiple_results else 0)

    return rule


def _define(name: str, abstract_eval: Callable[..., Any], *, several=False, **options: Any) -> Any:
    primitive = define_primitive(
        f"brainvar_{name}",
        getattr(twin, name),
        abstract_eval,
        _key_batching(lambda: primitive),
        target=f"brainvar_threefry_{name}_v1",
        multiple_results=several,
        attributes=lambda params: {"stream": STREAM_CODE[params["stream"]]},
        **options,
    )
    no_tangent(primitive)
    return primitive


def _split_eval(key: Any, *, n: int, stream: str) -> Any:
    check_key(key)
    return ShapedArray((*key.shape[:-1], n, 2), _UINT32)


def _advance_eval(key: Any, *, n: int, stream: str) -> Any:
    return [ShapedArray(check_key(key).shape, _UINT32), _split_eval(key, n=n, stream=stream)]


def _draw_eval(key: Any, **params: Any) -> Any:
    return _sample_aval(check_key(key), params)


def _advance_draw_eval(key: Any, **params: Any) -> Any:
    return [ShapedArray(check_key(key).shape, _UINT32), _sample_aval(key, params)]


def _normal_kernel(key: Any, *, dtype: np.dtype, **params: Any) -> bool:
    return dtype in (np.float32, np.float64)


def _define_draw(name: str, block_primitive: Any, **options: Any) -> tuple[Any, Any]:
    """Make a drawing primitive, and the one that steps the key as well."""
    draw = _define(
        name,
        _draw_eval,
        sharded=_blocks.sharded_draw(name),
        sharded_native=_blocks.partitioned_draw(lambda: draw, block_primitive),
        everywhere=_blocks.nothing_to_cut,
        **options,
    )
    fused = _blocks.advance_and_draw(advance_p, draw)
    advance_draw = _define(
        f"advance_{name}",
        _advance_draw_eval,
        several=True,
        sharded=fused,
        sharded_native=fused,
        everywhere=_blocks.nothing_to_cut,
        **options,
    )
    return draw, advance_draw


split_p = _define(
    "split",
    _split_eval,
    sharded=_blocks.sharded_split,
    sharded_native=_blocks.partitioned_split,
    everywhere=_blocks.few_rows,
)
advance_p = _define(
    "advance",
    _advance_eval,
    several=True,
    sharded=_blocks.sharded_advance,
    sharded_native=_blocks.partitioned_advance,
    everywhere=_blocks.few_rows,
)
bits_p, advance_bits_p = _define_draw("bits", _blocks.bits_block_p)
uniform_p, advance_uniform_p = _define_draw("uniform", _blocks.uniform_block_p)
normal_p, advance_normal_p = _define_draw(
    "normal", _blocks.normal_block_p, kernel_has=_normal_kernel
)


def _fold_in_eval(key: Any, data: Any) -> Any:
    check_key(key)
    if data.dtype != _UINT32 or data.shape != key.shape[:-1]:
        raise TypeError(
            f"fold_in: data must be uint32{list(key.shape[:-1])} for a key of shape "
            f"{key.shape}, got {data.dtype}{list(data.shape)}"
        )
    return ShapedArray(key.shape, _UINT32)


def _fold_in_batching(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[Any, int]:
    size = batch_size(args, dims)
    key, data = (to_front(x, d, size) for x, d in zip(args, dims, strict=True))
    return fold_in_p.bind(key, data), 0


fold_in_p = define_primitive(
    "brainvar_fold_in",
    twin.fold_in,
    _fold_in_eval,
    _fold_in_batching,
    target="brainvar_threefry_fold_in_v1",
    sharded=twin.fold_in,
    sharded_native=_blocks.partitioned_fold_in(lambda: fold_in_p),
    everywhere=lambda key, data: not data.ndim or not data.size,
)
no_tangent(fold_in_p)


# --- compiled forms, one per static configuration ----------------------------------------------
#
# A cache hit followed by jax.jit's C++ dispatch is all the Python there is per call.  The caches
# distinguish types (1 from 1.0; in shapes, `hashable_shape` does), so a wrong argument cannot hit
# the entry of a right one.
# `inline=True` keeps these wrappers out of the caller's jaxpr.


def _compiled(name: str, primitive: Any, **params: Any) -> Callable[[Any], Any]:
    def call(key: Any) -> Any:
        return primitive.bind(check_key(key), **params)

    call.__name__ = call.__qualname__ = name
    return jax.jit(call, inline=True)


@lru_cache(_CACHE, typed=True)
def _split(n: Any, stream: Any) -> Callable[[Any], Any]:
    return _compiled("split", split_p, n=_count("n", n), stream=stream_name(stream))


@lru_cache(_CACHE, typed=True)
def _advance(n: Any, stream: Any) -> Callable[[Any], Any]:
    return _compiled("advance", advance_p, n=_count("n", n), stream=stream_name(stream))


def _draws(name: str, primitive: Any, parameter: str, check: Callable[[Any], Any]) -> Any:
    @lru_cache(_CACHE, typed=True)
    def configured(shape: Any, kind: Any, stream: Any) -> Callable[[Any], Any]:
        params = {"shape": canonical_shape(shape), parameter: check(kind)}
        return _compiled(name, primitive, **params, stream=stream_name(stream))

    return configured


_bits = _draws("bits", bits_p, "width", _width)
_uniform = _draws("uniform", uniform_p, "dtype", _float_dtype)
_normal = _draws("normal", normal_p, "dtype", _float_dtype)
_advance_bits = _draws("advance_bits", advance_bits_p, "width", _width)
_advance_uniform = _draws("advance_uniform", advance_uniform_p, "dtype", _float_dtype)
_advance_normal = _draws("advance_normal", advance_normal_p, "dtype", _float_dtype)


def hashable_shape(shape: Any) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of ints, quickly: the caches know (1,) and (1.0,) as one."""
    if type(shape) is not tuple:
        return canonical_shape(shape)
    try:
        return tuple(map(operator.index, shape))
    except TypeError:
        return canonical_shape(shape)  # which says what is wrong


def _concrete(dtype: Any) -> Any:
    # Python's `float` and None mean JAX's default width, which the x64 switch may change at any
    # time: resolved per call, outside the caches.
    if dtype is None or dtype is float:
        return np.float64 if x64_enabled() else np.float32
    return dtype


# --- public functions --------------------------------------------------------------------------


def split(key: Any, n: int = 2, *, stream: str = "original") -> Array:
    """Make ``n`` new keys of one, as ``jax.random.split`` does.

    Parameters
    ----------
    key : uint32[*B, 2]
        Raw key or keys.
    n : int
        How many; 0 is allowed.
    stream : {'original', 'partitionable'}
        Counter layout.

    Returns
    -------
    uint32[*B, n, 2]
    """
    return _split(n, stream)(key)


def advance(key: Any, n: int = 1, *, stream: str = "original") -> tuple[Array, Array]:
    """Move a generator on and hand out ``n`` keys, in one call.

    Parameters
    ----------
    key : uint32[*B, 2]
    n : int
    stream : {'original', 'partitionable'}

    Returns
    -------
    next : uint32[*B, 2]
        Row 0 of ``split(key, n + 1)``: the generator's new state.
    subkeys : uint32[*B, n, 2]
        The other rows.
    """
    return _advance(n, stream)(key)


@jax.jit
def _fold_in(key: Any, data: Any) -> Array:
    batch = jnp.broadcast_shapes(check_key(key).shape[:-1], data.shape)
    return fold_in_p.bind(
        jnp.broadcast_to(key, (*batch, 2)), jnp.broadcast_to(data.astype(_UINT32), batch)
    )


def fold_in(key: Any, data: Any) -> Array:
    """Derive a key from a key and an integer, as ``jax.random.fold_in`` does.

    Parameters
    ----------
    key : uint32[*B, 2]
    data : integer or integer array
        Taken modulo 2**32; its shape broadcasts with ``B``.

    Returns
    -------
    uint32[*B, 2]
        ``B`` after broadcasting.
    """
    if type(data) is int:
        data = np.uint32(data & 0xFFFFFFFF)
    elif not isinstance(data, jax.Array):
        data = np.asarray(data)
    if not jnp.issubdtype(data.dtype, np.integer):
        raise TypeError(f"fold_in: data must be an integer or integers, got {data.dtype}")
    if isinstance(data, np.ndarray):  # here, for JAX might cut 64-bit integers in its own way
        data = data.astype(_UINT32)
    return _fold_in(key, data)


def bits(key: Any, shape: Shape, width: int = 32, *, stream: str = "original") -> Array:
    """Draw random bits, bit for bit as ``jax.random.bits``.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
        Of the draw of one key; ``()`` and 0 are allowed.
    width : {8, 16, 32, 64}
        64 needs ``jax_enable_x64``.
    stream : {'original', 'partitionable'}

    Returns
    -------
    uint8, uint16, uint32 or uint64 [*B, *shape]
    """
    return _bits(hashable_shape(shape), width, stream)(key)


def uniform(key: Any, shape: Shape, dtype: Any = None, *, stream: str = "original") -> Array:
    """Draw uniforms in [0, 1), bit for bit as ``jax.random.uniform``.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    dtype : {float16, bfloat16, float32, float64}, optional
        None or ``float``: JAX's default float. float64 needs ``jax_enable_x64``.
    stream : {'original', 'partitionable'}

    Returns
    -------
    dtype[*B, *shape]
        Multiples of the dtype's epsilon: the random bits fill the mantissa.
    """
    return _uniform(hashable_shape(shape), _concrete(dtype), stream)(key)


def normal(key: Any, shape: Shape, dtype: Any = None, *, stream: str = "original") -> Array:
    """Draw standard normals: ``sqrt(2) * erfinv(u)``, u uniform in (-1, 1).

    In float32 and float64, kernels and twin use one inverse error function of their own (fitted
    by tools/fit_erfinv.py): the kernels give the same bits at every SIMD level, the twin is
    within 2 ulp of them, and both are within 3 ulp of the exact value in float32, tails included,
    and 6 in float64. float16 and bfloat16 are the formula and the bits of ``jax.random.normal``.

    ``jax.random.normal`` makes its numbers of the same u. In float32, over all 2**23 inputs, they
    differ from these by at most 7 ulp for ``|x| < 2``, 12 for ``|x| < 3`` and 95 beyond (a relative
    6e-6): XLA's inverse error function loses digits in the tails. In float64 it loses them too,
    up to a relative 1e-11 for ``|x| < 5.3``.

    Parameters
    ----------
    key : uint32[*B, 2]
    shape : int or sequence of ints
    dtype : {float16, bfloat16, float32, float64}, optional
        None or ``float``: JAX's default float. float64 needs ``jax_enable_x64``.
    stream : {'original', 'partitionable'}

    Returns
    -------
    dtype[*B, *shape]
    """
    return _normal(hashable_shape(shape), _concrete(dtype), stream)(key)


def advance_bits(
    key: Any, shape: Shape, width: int = 32, *, stream: str = "original"
) -> tuple[Array, Array]:
    """Move a generator on and draw bits, in one call.

    Returns
    -------
    next : uint32[*B, 2]
        Row 0 of ``split(key, 2)``.
    sample : uint[*B, *shape]
        ``bits`` of row 1; see there for the parameters.
    """
    return _advance_bits(hashable_shape(shape), width, stream)(key)


def advance_uniform(
    key: Any, shape: Shape, dtype: Any = None, *, stream: str = "original"
) -> tuple[Array, Array]:
    """Move a generator on and draw uniforms, in one call.

    Returns
    -------
    next : uint32[*B, 2]
        Row 0 of ``split(key, 2)``.
    sample : dtype[*B, *shape]
        ``uniform`` of row 1; see there for the parameters.
    """
    return _advance_uniform(hashable_shape(shape), _concrete(dtype), stream)(key)


def advance_normal(
    key: Any, shape: Shape, dtype: Any = None, *, stream: str = "original"
) -> tuple[Array, Array]:
    """Move a generator on and draw standard normals, in one call.

    Returns
    -------
    next : uint32[*B, 2]
        Row 0 of ``split(key, 2)``.
    sample : dtype[*B, *shape]
        ``normal`` of row 1; see there for the parameters.
    """
    return _advance_normal(hashable_shape(shape), _concrete(dtype), stream)(key)
