"""`jax.random` on our implementation of its generator, against JAX's default.

What is made of the bits is made by XLA in both. For 1e7 numbers that is, in milliseconds of one
core of 2.6 GHz with AVX-512: 2 for uniforms, 25 for normals, whose inverse error function costs
2.1 ns each, and for integers 40 if the compiler does not know the bounds (three divisions), beside
20 for touching a fresh result. The bits cost 15, of which 10 are the cipher, at the limit of the
vector unit, and 5 fresh memory; integers take twice the bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import brainvar
import brainvar.math as bm

from .harness import Call, Case, Contender, Goal

Draw = Callable[[jax.Array], jax.Array]


def _call(draw: Draw, impl: Any) -> Call:
    keys = list(jax.random.split(jax.random.key(0, impl=impl), 8))
    turn = 0

    def call() -> None:
        nonlocal turn
        turn += 1
        draw(keys[turn % 8]).block_until_ready()

    return call


def _case(work: str, draw: Draw, goal: Goal | None, rounds: int) -> Case:
    def contender(label: str, impl: Any, goal: Goal | None = None) -> Contender:
        return Contender(label, lambda: _call(draw, impl), goal)

    return Case(
        f"jax.random.{work}",
        contender("partitionable", brainvar.threefry_prng_impl("partitionable")),
        [
            contender("JAX's default", "threefry2x32", goal),
            contender("our original layout", brainvar.threefry_prng_impl("original")),
        ],
        rounds=rounds,
    )


def _split_keys(n: int) -> Case:
    def ours(stream: str) -> Call:
        rng = bm.random.RandomState(0, stream=stream)
        return lambda: rng.split_keys(n).block_until_ready()

    def pure_jax() -> Call:
        key = jax.random.key(0)
        return lambda: jax.random.split(key, n).block_until_ready()

    return Case(
        f"split_keys({n:.0e})".replace("e+0", "e"),
        Contender("RandomState.split_keys", lambda: ours("original")),
        [
            Contender("jax.random.split", pure_jax, Goal.faster(5)),
            Contender("split_keys, partitionable", lambda: ours("partitionable")),
        ],
    )


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` makes them smaller."""
    n = 10**6 if quick else 10**7
    size = f"{n:.0e}".replace("e+0", "e")
    high = jnp.int32(100)
    inlined = jax.jit(lambda key: jax.random.randint(key, (n,), 0, 100))
    goal = Goal.faster(5)
    large: list[tuple[str, Draw, Goal | None]] = [
        (f"uniform, {size}", lambda key: jax.random.uniform(key, (n,)), goal),
        (f"normal, {size}", lambda key: jax.random.normal(key, (n,)), goal),
        (f"randint, {size}, in jit", inlined, goal),
        (f"randint, {size}, eager", lambda key: jax.random.randint(key, (n,), 0, high), goal),
        (f"bits, {size}", lambda key: jax.random.bits(key, (n,)), None),
        ("gamma, 1e5", lambda key: jax.random.gamma(key, 2.5, (10**5,)), None),
    ]
    small: list[tuple[str, Draw, Goal | None]] = [
        ("split, eager", jax.random.split, None),
        ("fold_in, eager", lambda key: jax.random.fold_in(key, 7), None),
        ("bits, 1, eager", lambda key: jax.random.bits(key, (1,)), None),
        ("normal, 1, eager", lambda key: jax.random.normal(key, (1,)), None),
    ]
    return [
        *(_case(*row, rounds=9) for row in large),
        *(_case(*row, rounds=15) for row in small),
        _split_keys(10**6),
    ]
