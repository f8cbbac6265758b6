"""The samplers as pure functions: one per distribution, on raw arrays.

A sampler says what it starts from, and how its numbers come from that:

``uniform``
    ``f(u, *params)``, elementwise, from numbers uniform in [0, 1). The parameters have the dtype
    and the shape of `u`.
``normal``
    ``f(z, *params)``, the same from standard normal numbers.
``key``
    ``f(key, draw, *params)``, from a key that is used for nothing else, for what needs more than
    one number each, or none that is a float. The parameters come as they were given.

The first two are drawn by one kernel together with the step of the state, the last takes its key
from a fused step. To add a sampler, write its function in a module of its kind, and a method in
the mixin of its kind that names, converts and checks its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brainvar import ops

__all__ = ["Draw", "Sampler", "drawn_from", "elementwise"]


class Draw(NamedTuple):
    """What a compiled draw is specialised for."""

    shape: tuple[int, ...]
    dtype: np.dtype
    stream: str
    options: tuple[Any, ...] = ()
    """What else is static, as the sampler needs it."""


class Sampler:
    """A distribution: what it is drawn from, and how; see the module's page."""

    __slots__ = ("function", "name", "source")

    def __init__(self, source: str, function: Callable[..., jax.Array]):
        self.name = function.__name__.lstrip("_")
        self.source = source
        self.function = function

    def __repr__(self) -> str:
        return f"Sampler({self.name!r}, from {self.source})"


def drawn_from(source: str) -> Callable[[Callable[..., jax.Array]], Sampler]:
    """Make a Sampler of the decorated function."""
    return lambda function: Sampler(source, function)


def elementwise(params: tuple[Any, ...], draw: Draw) -> list[jax.Array]:
    """Give parameters the dtype and the shape of the sample."""
    return [jnp.broadcast_to(lax.convert_element_type(x, draw.dtype), draw.shape) for x in params]


# --- floats --------------------------------------------------------------------------------------


@drawn_from("uniform")
def random(u: jax.Array) -> jax.Array:
    return u


@drawn_from("uniform")
def uniform(u: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
    return u * (high - low) + low


@drawn_from("normal")
def standard_normal(z: jax.Array) -> jax.Array:
    return z


@drawn_from("normal")
def normal(z: jax.Array, loc: jax.Array, scale: jax.Array) -> jax.Array:
    return z * scale + loc


@drawn_from("uniform")
def standard_exponential(u: jax.Array) -> jax.Array:
    # The inverse of the distribution function at 1 - u, which is never 0.
    return -jnp.log1p(-u)


@drawn_from("uniform")
def exponential(u: jax.Array, scale: jax.Array) -> jax.Array:
    return -jnp.log1p(-u) * scale


# --- integers ------------------------------------------------------------------------------------


@drawn_from("uniform")
def bernoulli(u: jax.Array, p: jax.Array) -> jax.Array:
    return u < p


@drawn_from("key")
def randint(key: jax.Array, draw: Draw, low: jax.Array, last: jax.Array) -> jax.Array:
    """Draw integers from `low` to `last`, both included and of the dtype that is sampled in."""
    drawn = ops.integers(key, draw.shape, low, last, stream=draw.stream)
    return lax.convert_element_type(drawn, draw.dtype)


def sampling_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype in which integers of `dtype` are drawn."""
    return dtype if dtype.itemsize >= 4 else np.dtype(np.int32)


# --- orders and choices: these give indices ------------------------------------------------------


@drawn_from("key")
def permutation(key: jax.Array, draw: Draw) -> jax.Array:
    """Draw an order of n, as many of its first elements as `shape` holds. `options` is (n,)."""
    (n,) = draw.options
    order = ops.permutation_indices(key, n, first=math.prod(draw.shape), stream=draw.stream)
    return order.reshape(draw.shape)


@drawn_from("key")
def independent_permutation(key: jax.Array, draw: Draw) -> jax.Array:
    """Draw an order along one axis for every position of the others. `options` is (axis,)."""
    (axis,) = draw.options
    return ops.random_orders(key, draw.shape, axis, stream=draw.stream)


@drawn_from("key")
def weighted_choice(key: jax.Array, draw: Draw, p: jax.Array) -> jax.Array:
    """Draw indices with the probabilities `p`, by inversion of their running sum."""
    running = jnp.cumsum(p)
    u = ops.uniform(key, draw.shape, p.dtype, stream=draw.stream)
    return jnp.searchsorted(running, running[-1] * (1 - u)).astype(draw.dtype)


@drawn_from("key")
def weighted_choice_without_replacement(key: jax.Array, draw: Draw, p: jax.Array) -> jax.Array:
    """Draw indices that are all different.

    The n largest of ``log(p) + Gumbel noise`` are such a sample (T. Vieira, 2014, "Gumbel-max
    trick and weighted reservoir sampling").
    """
    tiny = jnp.finfo(p.dtype).tiny
    u = ops.uniform(key, p.shape, p.dtype, stream=draw.stream)
    score = jnp.log(p) - jnp.log(-jnp.log(jnp.maximum(u * (1 - tiny) + tiny, tiny)))
    _, index = lax.top_k(score, math.prod(draw.shape))
    return index.astype(draw.dtype).reshape(draw.shape)
