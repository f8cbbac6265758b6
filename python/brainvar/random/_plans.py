"""Compiled draws: step the state and sample, in one dispatch.

A plan is ``plan(key, *params) -> (next key, sample)``, compiled once for each static
configuration and kept; a keyed plan, ``(key, *params) -> sample``, draws with a key and moves no
state. Parameters are run-time operands, so another value of one never compiles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar import ops
from brainvar.random._arguments import as_shape, float_dtype
from brainvar.random._samplers import Draw, Sampler, elementwise

__all__ = ["Plan", "float_plan", "gathered", "keyed_plan", "plan", "split_plan"]

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

    return jax.jit(_named(run if gather is None else run_and_gather, sampler))


@lru_cache(maxsize=_KEPT)
def keyed_plan(
    sampler: Sampler,
    shape: tuple[int, ...],
    dtype: np.dtype,
    stream: str,
    options: tuple[Any, ...] = (),
    gather: tuple[str, int] | None = None,
    sharding: Any = None,
) -> Plan:
    """Return the compiled ``(key, *params) -> sample`` of a draw that moves no state.

    Its numbers are those of `plan` for a state that would hand out this key.

    Parameters
    ----------
    sampler, shape, dtype, stream, options, gather :
        As for `plan`.
    sharding : jax.sharding.Sharding, optional
        That of the sample.
    """
    draw = Draw(shape, dtype, stream, options)
    sample = _SAMPLES[sampler.source]

    def run(key: jax.Array, *params: Any) -> jax.Array:
        return sample(key, sampler, draw, params)

    def run_and_gather(key: jax.Array, x: jax.Array, *params: Any) -> jax.Array:
        return _gather(x, sample(key, sampler, draw, params), gather)  # pyright: ignore[reportArgumentType]

    function = _named(run if gather is None else run_and_gather, sampler)
    # Within another trace it is a part of that program, or there the constraint that gives the
    # sample its sharding.
    if sharding is None:
        return jax.jit(function, inline=True)
    return jax.jit(function, out_shardings=sharding)


def _named(function: Any, sampler: Sampler) -> Any:
    function.__name__ = function.__qualname__ = f"random_{sampler.name}"
    return function


@lru_cache(maxsize=_KEPT)
def float_plan(sampler: Sampler, size: Any, dtype: Any, stream: str, x64: bool) -> Plan:
    """Return the plan of a draw of floats, with `size` and `dtype` as the user gave them.

    So that a draw looks up one cache. `size` is an int or a shape; `x64` is here because the
    default dtype depends on it.
    """
    return plan(sampler, as_shape(size), float_dtype(dtype), stream)


def gathered(x: Any, shape: tuple[int, ...], gather: tuple[str, int]) -> tuple[int, ...]:
    """Return the shape of what `plan` takes of `x` with drawn indices of `shape`."""
    how, axis = gather
    return x.shape if how == "along" else (*x.shape[:axis], *shape, *x.shape[axis + 1 :])


def _gather(x: jax.Array, index: jax.Array, gather: tuple[str, int]) -> jax.Array:
    how, axis = gather
    if not index.size:  # jnp.take drops the shape of the index where there is nothing to take
        return jnp.zeros(gathered(x, index.shape, gather), x.dtype)
    take = jnp.take_along_axis if how == "along" else jnp.take
    return take(x, index, axis=axis, mode="clip")


def _step_uniform(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    following, u = ops.advance_uniform(key, draw.shape, draw.dtype, stream=draw.stream)
    return following, sampler.function(u, *elementwise(params, draw))


def _step_normal(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    following, z = ops.advance_normal(key, draw.shape, draw.dtype, stream=draw.stream)
    return following, sampler.function(z, *elementwise(params, draw))


def _step_key(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    following, subkeys = ops.advance(key, 1, stream=draw.stream)
    return following, sampler.function(subkeys[0], draw, *params)


_STEPS = {"uniform": _step_uniform, "normal": _step_normal, "key": _step_key}


def _sample_uniform(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    u = ops.uniform(key, draw.shape, draw.dtype, stream=draw.stream)
    return sampler.function(u, *elementwise(params, draw))


def _sample_normal(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    z = ops.normal(key, draw.shape, draw.dtype, stream=draw.stream)
    return sampler.function(z, *elementwise(params, draw))


def _sample_key(key: Any, sampler: Sampler, draw: Draw, params: tuple) -> Any:
    return sampler.function(key, draw, *params)


_SAMPLES = {"uniform": _sample_uniform, "normal": _sample_normal, "key": _sample_key}


@lru_cache(maxsize=1024)
def split_plan(n: int | None, stream: str) -> Plan:
    """Return the compiled ``key -> (next key, n subkeys)``; None gives one, without an axis."""

    def split(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        following, subkeys = ops.advance(key, 1 if n is None else n, stream=stream)
        return following, subkeys[0] if n is None else subkeys

    return jax.jit(split)
