"""Compiled draws: step the state and sample, in one dispatch.

A plan is ``plan(key, *params) -> (next key, sample)``, compiled once for each static
configuration and kept. Parameters are run-time operands, so another value of one never compiles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brainvar import ops
from brainvar.random._arguments import as_shape, float_dtype
from brainvar.random._samplers import Draw, Sampler

__all__ = ["Plan", "float_plan", "plan", "split_plan"]

Plan = Any
"""A jitted function; ``__wrapped__`` is the function itself, for use within another trace."""

_KEPT = 8192  # plans; each holds its compiled programs


@lru_cache(maxsize=_KEPT)
def plan(
    sampler: Sampler,
    shape: tuple[int, ...],
    dtype: np.dtype,
    stream: str,
    options: tuple[Any, ...] = (),
    gather: tuple[str, int] | None = None,
) -> Plan:
    """Return the compiled draw of a configuration.

    Parameters
    ----------
    sampler : Sampler
        What is drawn.
    shape, dtype, stream, options :
        See `Draw`.
    gather : tuple of str and int, optional
        If given, the drawn integers are indices into an array, which the plan takes as its first
        parameter: ``("take", axis)`` takes slices of that axis, ``("along", axis)`` has an index
        for each element.
    """
    draw = Draw(shape, dtype, stream, options)
    step = _STEPS[sampler.source]

    def run(key: jax.Array, *params: Any) -> tuple[jax.Array, jax.Array]:
        return step(key, sampler, draw, params)

    def run_and_gather(key: jax.Array, x: jax.Array, *params: Any) -> tuple[jax.Array, jax.Array]:
        following, index = step(key, sampler, draw, params)
        return following, _gather(x, index, gather)  # pyright: ignore[reportArgumentType]

    function = run if gather is None else run_and_gather
    function.__name__ = function.__qualname__ = f"random_{sampler.name}"
    return jax.jit(function)


@lru_cache(maxsize=_KEPT)
def float_plan(sampler: Sampler, size: Any, dtype: Any, stream: str, x64: bool) -> Plan:
    """Return the plan of a draw of floats, with `size` and `dtype` as the user gave them.

    So that a draw looks up one cache. `size` is an int or a shape; `x64` is here because the
    default dtype depends on it.
    """
    return plan(sampler, as_shape(size), float_dtype(dtype), stream)


def _gather(x: jax.Array, index: jax.Array, gather: tuple[str, int]) -> jax.Array:
    how, axis = gather
    if not index.size:  # jnp.take drops the shape of the index where there is nothing to take
        shape = x.shape if how == "along" else (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
        return jnp.zeros(shape, x.dtype)
    take = jnp.take_along_axis if how == "along" else jnp.take
    return take(x, index, axis=axis, mode="clip")


def _step_uniform(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    following, u = ops.advance_uniform(key, draw.shape, draw.dtype, stream=draw.stream)
    return following, sampler.function(u, *_elementwise(params, draw))


def _step_normal(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    following, z = ops.advance_normal(key, draw.shape, draw.dtype, stream=draw.stream)
    return following, sampler.function(z, *_elementwise(params, draw))


def _step_key(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    following, subkeys = ops.advance(key, 1, stream=draw.stream)
    return following, sampler.function(subkeys[0], draw, *params)


_STEPS = {"uniform": _step_uniform, "normal": _step_normal, "key": _step_key}


def _elementwise(params: tuple[Any, ...], draw: Draw) -> list[jax.Array]:
    return [jnp.broadcast_to(lax.convert_element_type(x, draw.dtype), draw.shape) for x in params]


@lru_cache(maxsize=1024)
def split_plan(n: int | None, stream: str) -> Plan:
    """Return the compiled ``key -> (next key, n subkeys)``; None gives one, without an axis."""

    def split(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        following, subkeys = ops.advance(key, 1 if n is None else n, stream=stream)
        return following, subkeys[0] if n is None else subkeys

    return jax.jit(split)
