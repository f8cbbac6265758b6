"""Keys, single draws and large draws."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm

from .harness import Call, Case, Contender, Goal, require


def _brainpy_state() -> Any:
    require("brainpy")
    import brainpy.math

    return brainpy.math.random.RandomState(0)


def _brainstate_state() -> Any:
    require("brainstate")
    import brainstate

    return brainstate.random.RandomState(0)


def _nnx_rngs() -> Any:
    require("flax")
    from flax import nnx

    return nnx.Rngs(0)


def _jax_split(make_key: Callable[[int], Any], unpack: bool) -> Call:
    state = make_key(0)

    def by_unpacking() -> None:
        nonlocal state
        state, drawn = jax.random.split(state)
        drawn.block_until_ready()

    def by_index() -> None:
        nonlocal state
        keys = jax.random.split(state)
        state, drawn = keys[0], keys[1]
        drawn.block_until_ready()

    return by_unpacking if unpack else by_index


def _split_key() -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        return lambda: rng.split_key().block_until_ready()

    def identity() -> Call:
        key = jax.random.PRNGKey(0)
        same = jax.jit(lambda x: x)
        return lambda: same(key).block_until_ready()

    def brainpy() -> Call:
        rng = _brainpy_state()
        return lambda: rng.split_key().block_until_ready()

    def brainstate() -> Call:
        rng = _brainstate_state()
        return lambda: rng.split_key().block_until_ready()

    def nnx() -> Call:
        rngs = _nnx_rngs()
        return lambda: rngs().block_until_ready()

    raw, typed = jax.random.PRNGKey, jax.random.key
    return Case(
        "split_key(), eager",
        Contender("RandomState.split_key()", ours),
        [
            Contender(
                "jax.random.split, keys[0], keys[1]",
                lambda: _jax_split(raw, unpack=False),
                Goal.faster(25),
            ),
            Contender("new, key = jax.random.split(key)", lambda: _jax_split(raw, unpack=True)),
            Contender("the same on a typed key", lambda: _jax_split(typed, unpack=True)),
            Contender("jitted identity on the key", identity, Goal.within(1.6)),
            Contender("BrainPy split_key()", brainpy),
            Contender("brainstate split_key()", brainstate),
            Contender("flax.nnx rngs()", nnx),
        ],
    )


def _random_1() -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        return lambda: rng.random(1).value.block_until_ready()

    def pure_jax() -> Call:
        state = jax.random.PRNGKey(0)

        def draw() -> None:
            nonlocal state
            state, key = jax.random.split(state)
            jax.random.uniform(key, (1,)).block_until_ready()

        return draw

    def expert() -> Call:
        """Split and draw in one compiled call, the state passed by hand."""

        @jax.jit
        def split_and_draw(state: jax.Array) -> tuple[jax.Array, jax.Array]:
            state, key = jax.random.split(state)
            return state, jax.random.uniform(key, (1,))

        state = jax.random.PRNGKey(0)

        def draw() -> None:
            nonlocal state
            state, x = split_and_draw(state)
            x.block_until_ready()

        return draw

    def brainpy() -> Call:
        rng = _brainpy_state()
        return lambda: jax.block_until_ready(rng.random(1))

    def brainstate() -> Call:
        rng = _brainstate_state()
        return lambda: jax.block_until_ready(rng.random(1))

    def nnx() -> Call:
        rngs = _nnx_rngs()
        return lambda: rngs.uniform((1,)).block_until_ready()

    def numpy() -> Call:
        rng = np.random.RandomState(0)
        return lambda: rng.random(1)

    return Case(
        "random(1), eager",
        Contender("RandomState.random(1)", ours),
        [
            Contender("BrainPy random(1)", brainpy, Goal.faster(20)),
            Contender("brainstate random(1)", brainstate),
            Contender("flax.nnx rngs.uniform((1,))", nnx),
            Contender("jax.random split and uniform", pure_jax),
            Contender("jitted split and uniform, by hand", expert),
            Contender("NumPy RandomState.random(1)", numpy),
        ],
    )


def _keys() -> Callable[[], jax.Array]:
    """Return a function that gives another key each time, made beforehand."""
    keys = itertools.cycle(list(jax.random.split(jax.random.PRNGKey(0), 8)))
    return lambda: next(keys)


def _many(work: str, n: int, method: str, goal: float, ones: Goal | None) -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        draw = {"uniform": rng.random, "normal": rng.standard_normal}[method]
        return lambda: draw(n).value.block_until_ready()

    def pure_jax(impl: Callable[..., jax.Array]) -> Call:
        key = _keys()
        return lambda: impl(key(), (n,)).block_until_ready()

    def numpy() -> Call:
        rng = np.random.default_rng(0)
        draw = {"uniform": rng.random, "normal": rng.standard_normal}[method]
        return lambda: draw(n, dtype=np.float32)

    peers = [
        Contender(
            f"jax.random.{method}",
            lambda: pure_jax(getattr(jax.random, method)),
            Goal.faster(goal),
        ),
        Contender("NumPy Generator (PCG64), float32", numpy),
    ]
    if method == "uniform":
        peers.append(Contender("np.ones, float32", lambda: lambda: np.ones(n, np.float32), ones))
        peers.append(
            Contender("jnp.ones, float32", lambda: lambda: jnp.ones(n).block_until_ready())
        )
    return Case(
        f"{work} float32, {n:.0e}".replace("e+0", "e"),
        Contender(f"RandomState, {method}", ours),
        peers,
        rounds=15 if n <= 10**6 else 7,
    )


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` leaves the largest out."""
    result = [
        _split_key(),
        _random_1(),
        _many("uniform", 10**6, "uniform", 5, None),
        _many("normal", 10**6, "normal", 4, None),
    ]
    if not quick:
        result.insert(3, _many("uniform", 10**8, "uniform", 8, Goal.within(1.5)))
        result.append(_many("normal", 10**8, "normal", 4, None))
    return result
