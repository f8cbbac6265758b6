"""Random orders: permutations, shuffles of rows, choices without replacement."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm

from .harness import Call, Case, Contender, Goal


def _keys() -> Callable[[], jax.Array]:
    """Return a function that gives another key each time, made beforehand."""
    keys = itertools.cycle(list(jax.random.split(jax.random.PRNGKey(0), 8)))
    return lambda: next(keys)


def _permutation(n: int, faster: Goal | None, within: Goal | None) -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        return lambda: rng.permutation(n).value.block_until_ready()

    def pure_jax() -> Call:
        key = _keys()
        return lambda: jax.random.permutation(key(), n).block_until_ready()

    def legacy() -> Call:
        rng = np.random.RandomState(0)
        return lambda: rng.permutation(n)

    def generator() -> Call:
        rng = np.random.default_rng(0)
        return lambda: rng.permutation(n)

    return Case(
        f"permutation({n:.0e})".replace("e+0", "e"),
        Contender("RandomState.permutation", ours),
        [
            Contender("jax.random.permutation", pure_jax, faster),
            Contender("NumPy RandomState.permutation", legacy, within),
            Contender("NumPy Generator.permutation", generator, within),
        ],
        rounds=15 if n <= 10**6 else 5,
    )


def _rows(n: int, width: int) -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        x = bm.Variable(jnp.zeros((n, width)))

        def call() -> None:
            rng.shuffle(x)
            x.block_until_ready()

        return call

    def pure_jax() -> Call:
        key, x = _keys(), jnp.zeros((n, width))
        return lambda: jax.random.permutation(key(), x).block_until_ready()

    def numpy() -> Call:
        rng, x = np.random.default_rng(0), np.zeros((n, width), np.float32)
        return lambda: rng.shuffle(x)

    return Case(
        f"shuffle of rows, float32 [{n}, {width}]",
        Contender("RandomState.shuffle(Variable)", ours),
        [
            Contender("jax.random.permutation", pure_jax),
            Contender("NumPy Generator.shuffle", numpy),
        ],
    )


def _choice(n: int, size: int) -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        return lambda: rng.choice(n, size, replace=False).value.block_until_ready()

    def pure_jax() -> Call:
        key = _keys()
        return lambda: jax.random.choice(key(), n, (size,), replace=False).block_until_ready()

    def legacy() -> Call:
        rng = np.random.RandomState(0)
        return lambda: rng.choice(n, size, replace=False)

    def generator() -> Call:  # by another algorithm, which shuffles no more than it takes
        rng = np.random.default_rng(0)
        return lambda: rng.choice(n, size, replace=False)

    return Case(
        f"choice({n:.0e}, {size}, replace=False)".replace("e+0", "e"),
        Contender("RandomState.choice", ours),
        [
            Contender("jax.random.choice", pure_jax),
            Contender("NumPy RandomState.choice", legacy),
            Contender("NumPy Generator.choice", generator),
        ],
    )


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` leaves the largest out."""
    result = [
        _permutation(10**3, None, None),
        _permutation(10**6, Goal.faster(15), Goal.within(1.5)),
        _rows(10**5, 16),
        _choice(10**6, 1000),
    ]
    if not quick:
        result.insert(2, _permutation(10**7, None, None))
    return result
