"""The samplers of integers by formula, and those of categories and bits, as methods."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar.core.errors import StaticChangeError
from brainvar.random import _samplers
from brainvar.random._arguments import (
    as_float,
    as_shape,
    draw_shape,
    float_dtype,
    host_value,
    int_dtype,
    positive_probability,
    probability_below_1,
)
from brainvar.random._base import DrawMethods
from brainvar.random._formulas import open_unit
from brainvar.random._samplers import Draw, Sampler, drawn_from, elementwise

__all__ = ["DiscreteMethods"]


class DiscreteMethods(DrawMethods):
    """Samplers of counts, categories and bytes."""

    def geometric(
        self, p: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw how many trials it takes until the first success.

        Parameters
        ----------
        p : float or array_like of floats
            Probability of success of each trial, in (0, 1].
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type; int stands for int32, and int64 under ``jax_enable_x64``.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            At least 1. What `dtype` cannot hold becomes its largest number.

        Raises
        ------
        ValueError
            If `p` lies outside of (0, 1].

        Notes
        -----
        By inversion of one uniform number each, whose spacing, 2**-23 by default, is also that of
        the probabilities: below a `p` of about 1e-5 use ``jax_enable_x64``.
        """
        wide = float_dtype()
        p = as_float(p, "p", wide, positive_probability)
        sampler = _geometric(int_dtype(dtype))
        return self._draw(sampler, draw_shape(size, p), wide, p, key=key, sharding=sharding)

    def logseries(
        self, p: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw from the logarithmic series distribution, ``-p**k / (k log(1 - p))`` for k >= 1.

        Parameters
        ----------
        p : float or array_like of floats
            Shape, in [0, 1).
        size : int or tuple of ints, optional
            Shape of the result.
        dtype : dtype, optional
            An integer type; int stands for int32, and int64 under ``jax_enable_x64``.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            At least 1. What `dtype` cannot hold becomes its largest number.

        Raises
        ------
        ValueError
            If `p` lies outside of [0, 1).

        Notes
        -----
        As a geometric number of random parameter (A. W. Kemp, 1981, *Applied Statistics* 30,
        249-253).
        """
        wide = float_dtype()
        p = as_float(p, "p", wide, probability_below_1)
        shape = draw_shape(size, p)
        options = (int_dtype(dtype),)
        return self._draw(_logseries, shape, wide, p, key=key, sharding=sharding, options=options)

    def categorical(
        self,
        logits: Any,
        axis: int = -1,
        size: Any = None,
        *,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw indices of categories, given the logarithms of their weights.

        Parameters
        ----------
        logits : array_like of floats
            Logarithms of the probabilities, up to a constant; -inf for a category that does not
            occur.
        axis : int
            The axis of `logits` along which the categories stand.
        size : int or tuple of ints, optional
            Shape of the result, to which the shape of `logits` without `axis` broadcasts; that
            shape itself if not given.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            Indices along `axis`, int32, or int64 under ``jax_enable_x64``.

        Raises
        ------
        ValueError
            If `logits` has no dimension or no category, or `axis` or `size` do not fit it.

        Notes
        -----
        The largest of ``logits + Gumbel noise``, whose index has these probabilities.
        """
        given = getattr(logits, "dtype", None)
        wide = float_dtype(given if given in (np.float16, jnp.bfloat16, np.float32) else None)
        logits = as_float(logits, "logits", wide)
        if not logits.ndim:
            raise ValueError("logits must have at least one dimension, that of the categories")
        if not -logits.ndim <= axis < logits.ndim:
            raise ValueError(f"axis {axis} is out of bounds for logits of shape {logits.shape}")
        axis %= logits.ndim
        if not logits.shape[axis]:
            raise ValueError("logits must hold at least one category")
        batch = jax.ShapeDtypeStruct((*logits.shape[:axis], *logits.shape[axis + 1 :]), wide)
        shape = draw_shape(size, batch)
        options = (axis, wide)
        return self._draw(
            _categorical, shape, int_dtype(), logits, key=key, sharding=sharding, options=options
        )

    def tomaxint(self, size: Any = None, *, key: Any = None, sharding: Any = None) -> Any:
        """Draw integers from 0 to the largest one of the default integer type.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result.
        key, sharding : optional
            As for `random`.

        Returns
        -------
        array of integers
            int32, or int64 under ``jax_enable_x64``.
        """
        dtype = int_dtype()
        bounds = np.array(0, dtype), np.array(np.iinfo(dtype).max, dtype)
        return self._draw(
            _samplers.randint, as_shape(size), dtype, *bounds, key=key, sharding=sharding
        )

    def bytes(self, length: int, *, key: Any = None) -> bytes:
        """Draw bytes.

        Parameters
        ----------
        length : int
            How many.
        key : optional
            As for `random`.

        Returns
        -------
        bytes
            Those of ``ops.bits(key, length, 8)`` for the key of the draw.

        Raises
        ------
        StaticChangeError
            Inside a compiled function, where they have no value yet: `randint` with
            ``dtype='uint8'`` draws them there.
        """
        shape = as_shape(length)
        if len(shape) != 1 or length is None:
            raise TypeError(f"length must be an integer, got {length!r}")
        drawn = host_value(self._draw_raw(_bytes, shape, np.dtype(np.uint8), (), key=key))
        if drawn is None:
            raise StaticChangeError(
                "bytes have no value inside a compiled function: draw them before the call, or "
                "draw an array, randint(0, 256, n, dtype='uint8')"
            )
        return drawn.tobytes()


@lru_cache
def _geometric(dtype: np.dtype) -> Sampler:
    def geometric(u: jax.Array, p: jax.Array) -> jax.Array:
        return _count(1 + jnp.floor(jnp.log1p(-u) / jnp.log1p(-p)), dtype)

    return Sampler("uniform", geometric)


@drawn_from("key")
def _logseries(key: jax.Array, draw: Draw, p: jax.Array) -> jax.Array:
    """Draw from the logarithmic series distribution. `options` is (integer dtype,)."""
    (p,) = elementwise((p,), draw)
    u, v = open_unit(ops.uniform(key, (2, *draw.shape), draw.dtype, stream=draw.stream))
    # A geometric number with parameter 1 - q, where q = 1 - (1 - p)**u. The logarithm of q is
    # taken of what is exact: 1 - q if that is small, q if not.
    power = u * jnp.log1p(-p)
    log_q = jnp.where(power < -0.7, jnp.log1p(-jnp.exp(power)), jnp.log(-jnp.expm1(power)))
    return _count(1 + jnp.floor(jnp.log(v) / log_q), draw.options[0])


def _count(x: jax.Array, dtype: np.dtype) -> jax.Array:
    """Convert positive whole numbers to integers, the largest one for what is larger."""
    most = 1 if dtype == np.bool_ else int(np.iinfo(dtype).max)
    above = x >= np.array(2.0 ** most.bit_length(), x.dtype)
    return jnp.where(above, np.array(most, dtype), jnp.where(above, 1, x).astype(dtype))


@drawn_from("key")
def _categorical(key: jax.Array, draw: Draw, logits: jax.Array) -> jax.Array:
    """Draw indices by the Gumbel-max method. `options` is (axis, floating dtype)."""
    axis, dtype = draw.options
    logits = jnp.moveaxis(logits.astype(dtype), axis, -1)
    u = ops.uniform(key, (*draw.shape, logits.shape[-1]), dtype, stream=draw.stream)
    noise = -jnp.log(-jnp.log1p(-open_unit(u)))
    return jnp.argmax(logits + noise, axis=-1).astype(draw.dtype)


@drawn_from("key")
def _bytes(key: jax.Array, draw: Draw) -> jax.Array:
    return ops.bits(key, draw.shape, 8, stream=draw.stream)
