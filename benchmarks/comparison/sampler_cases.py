"""One number of every sampler, and how long the first call of each takes to compile."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import brainvar.math as bm

from .harness import Call, Case, Contender, Goal, require

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "bernoulli": (0.3,),
    "beta": (2.0, 3.0),
    "binomial": (10, 0.3),
    "chisquare": (3.0,),
    "exponential": (2.0,),
    "f": (3.0, 5.0),
    "gamma": (2.0, 3.0),
    "geometric": (0.3,),
    "gumbel": (1.0, 2.0),
    "hypergeometric": (20, 30, 10),
    "laplace": (1.0, 2.0),
    "loggamma": (2.0,),
    "logistic": (1.0, 2.0),
    "lognormal": (0.0, 1.0),
    "logseries": (0.6,),
    "maxwell": (),
    "negative_binomial": (5, 0.4),
    "noncentral_chisquare": (3.0, 1.0),
    "noncentral_f": (3.0, 5.0, 1.0),
    "normal": (1.0, 2.0),
    "pareto": (3.0,),
    "poisson": (4.0,),
    "power": (3.0,),
    "randint": (0, 100),
    "random": (),
    "random_integers": (1, 100),
    "rayleigh": (2.0,),
    "standard_cauchy": (),
    "standard_exponential": (),
    "standard_gamma": (2.0,),
    "standard_normal": (),
    "standard_t": (5.0,),
    "t": (5.0,),
    "triangular": (0.0, 1.0, 3.0),
    "truncated_normal": (-1.0, 2.0),
    "uniform": (1.0, 2.0),
    "vonmises": (0.0, 2.0),
    "wald": (1.0, 2.0),
    "weibull": (2.0,),
    "weibull_min": (2.0, 3.0),
    "zipf": (3.0,),
}
"""The samplers that take a size after their parameters, and these parameters."""

OTHERS: dict[str, Callable[[Any], Any]] = {
    "categorical": lambda rng: rng.categorical(_LOGITS, size=(1,)),
    "choice": lambda rng: rng.choice(10, (1,)),
    "dirichlet": lambda rng: rng.dirichlet(_WEIGHTS, (1,)),
    "multinomial": lambda rng: rng.multinomial(10, _WEIGHTS, (1,)),
    "multivariate_normal": lambda rng: rng.multivariate_normal(_MEAN, _COV, (1,)),
    "orthogonal": lambda rng: rng.orthogonal(3, (1,)),
    "permutation": lambda rng: rng.permutation(10),
    "rand": lambda rng: rng.rand(1),
    "rand_like": lambda rng: rng.rand_like(_LOGITS),
    "randint_like": lambda rng: rng.randint_like(_LOGITS, 0, 9, dtype="int32"),
    "randn": lambda rng: rng.randn(1),
    "randn_like": lambda rng: rng.randn_like(_LOGITS),
}

_WEIGHTS = np.array([0.2, 0.3, 0.5], np.float32)
_LOGITS = np.log(_WEIGHTS)
_MEAN, _COV = np.zeros(2, np.float32), np.eye(2, dtype=np.float32)

# The samplers of jax.random that do the same work, for their compilation.
_JAX: dict[str, Callable[..., jax.Array]] = {
    "bernoulli": lambda key, shape: jax.random.bernoulli(key, 0.3, shape),
    "beta": lambda key, shape: jax.random.beta(key, 2.0, 3.0, shape),
    "binomial": lambda key, shape: jax.random.binomial(key, 10.0, 0.3, shape),
    "chisquare": lambda key, shape: jax.random.chisquare(key, 3.0, shape),
    "exponential": lambda key, shape: jax.random.exponential(key, shape),
    "f": lambda key, shape: jax.random.f(key, 3.0, 5.0, shape),
    "gamma": lambda key, shape: jax.random.gamma(key, 2.0, shape),
    "geometric": lambda key, shape: jax.random.geometric(key, 0.3, shape),
    "gumbel": lambda key, shape: jax.random.gumbel(key, shape),
    "laplace": lambda key, shape: jax.random.laplace(key, shape),
    "loggamma": lambda key, shape: jax.random.loggamma(key, 2.0, shape),
    "logistic": lambda key, shape: jax.random.logistic(key, shape),
    "lognormal": lambda key, shape: jax.random.lognormal(key, 1.0, shape),
    "maxwell": lambda key, shape: jax.random.maxwell(key, shape),
    "normal": lambda key, shape: jax.random.normal(key, shape),
    "pareto": lambda key, shape: jax.random.pareto(key, 3.0, shape),
    "poisson": lambda key, shape: jax.random.poisson(key, 4.0, shape),
    "randint": lambda key, shape: jax.random.randint(key, shape, 0, 100),
    "random": lambda key, shape: jax.random.uniform(key, shape),
    "rayleigh": lambda key, shape: jax.random.rayleigh(key, 2.0, shape),
    "standard_cauchy": lambda key, shape: jax.random.cauchy(key, shape),
    "standard_t": lambda key, shape: jax.random.t(key, 5.0, shape),
    "triangular": lambda key, shape: jax.random.triangular(key, 0.0, 1.0, 3.0, shape),
    "truncated_normal": lambda key, shape: jax.random.truncated_normal(key, -1.0, 2.0, shape),
    "wald": lambda key, shape: jax.random.wald(key, 1.0, shape),
    "weibull_min": lambda key, shape: jax.random.weibull_min(key, 3.0, 2.0, shape),
}

_sizes = itertools.count(3)


def draw_of(name: str) -> Callable[[Any], Any]:
    """Return the function that draws one number from a RandomState."""
    if name in OTHERS:
        return OTHERS[name]
    arguments = ARGUMENTS[name]
    return lambda rng: getattr(rng, name)(*arguments, size=(1,))


def available() -> list[str]:
    """Return the names of the samplers that are there."""
    names = sorted({*ARGUMENTS, *OTHERS})
    return [name for name in names if hasattr(bm.random.RandomState, name)]


def _one(name: str) -> Case:
    draw = draw_of(name)

    def ours() -> Call:
        rng = bm.random.RandomState(0)
        return lambda: jax.block_until_ready(draw(rng).value)

    def brainpy() -> Call:
        require("brainpy")
        import brainpy.math

        rng = brainpy.math.random.RandomState(0)
        return lambda: jax.block_until_ready(draw(rng))

    return Case(
        f"{name}, one number, eager",
        Contender(f"RandomState.{name}", ours),
        [Contender(f"BrainPy {name}", brainpy, Goal.faster(5))],
        rounds=5,
    )


def _first(name: str) -> Case:
    def ours() -> Call:
        rng = bm.random.RandomState(0)
        rng.split_key().block_until_ready()

        def first() -> float:
            # Another size, which is another program.
            size = next(_sizes)
            start = time.process_time()
            getattr(rng, name)(*ARGUMENTS[name], size=size).value.block_until_ready()
            return time.process_time() - start

        return first

    def pure_jax() -> Call:
        key = jax.random.key(0)
        jitted = jax.jit(_JAX[name], static_argnums=1)

        def first() -> float:
            size = next(_sizes)
            start = time.process_time()
            jitted(key, (size,)).block_until_ready()
            return time.process_time() - start

        return first

    return Case(
        f"{name}, first call of a size, processor time",
        Contender(f"RandomState.{name}", ours),
        [Contender(f"jax.random, jitted, {name}", pure_jax, Goal.within(1))],
        rounds=5,
    )


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` leaves out the compilations."""
    names = available()
    result = [_one(name) for name in names]
    if not quick:
        result += [_first(name) for name in names if name in _JAX]
    return result
