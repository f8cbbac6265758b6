"""Large draws of the samplers that reject."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import brainvar.math as bm

from .harness import Call, Case, Contender, Goal, require

N = 10**6

WORK: dict[str, tuple[str, tuple[Any, ...]]] = {
    "gamma(3)": ("gamma", (3.0,)),
    "gamma(0.5)": ("gamma", (0.5,)),
    "poisson(4)": ("poisson", (4.0,)),
    "poisson(100)": ("poisson", (100.0,)),
    "binomial(10, 0.3)": ("binomial", (10, 0.3)),
    "binomial(100, 0.3)": ("binomial", (100, 0.3)),
}
"""Below and above what the algorithms change at: a shape of 1, a mean of 10."""


def _case(work: str, name: str, params: tuple[Any, ...]) -> Case:
    def ours() -> Call:
        draw = getattr(bm.random.RandomState(0), name)
        return lambda: draw(*params, size=N).value.block_until_ready()

    def pure_jax() -> Call:
        draw: Callable[..., jax.Array] = getattr(jax.random, name)
        keys = itertools.cycle(list(jax.random.split(jax.random.PRNGKey(0), 8)))
        return lambda: draw(next(keys), *params, shape=(N,)).block_until_ready()

    def numpy_state() -> Call:
        draw = getattr(np.random.RandomState(0), name)
        return lambda: draw(*params, size=N)

    def numpy_generator() -> Call:
        draw = getattr(np.random.default_rng(0), name)
        return lambda: draw(*params, size=N)

    def brainpy() -> Call:
        require("brainpy")
        import brainpy.math

        draw = getattr(brainpy.math.random.RandomState(0), name)
        return lambda: jax.block_until_ready(draw(*params, size=N))

    return Case(
        f"{work}, 1e6",
        Contender(f"RandomState.{name}", ours),
        [
            Contender(f"jax.random.{name}", pure_jax, Goal.faster(10)),
            Contender("NumPy RandomState", numpy_state, Goal.faster(1)),
            Contender("NumPy Generator (PCG64)", numpy_generator),
            Contender("BrainPy", brainpy),
        ],
        rounds=7,
    )


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` leaves every other one out."""
    work = list(WORK.items())[:: 2 if quick else 1]
    return [_case(text, name, params) for text, (name, params) in work]
