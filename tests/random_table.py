"""The samplers as a table: what the tests of all of them draw, and what is expected of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Row:
    """A sampler.

    Attributes
    ----------
    name : str
        Of the method.
    args : tuple
        Parameters of a plain draw, numbers; by position.
    expected : callable
        Gives the distribution of SciPy (frozen), of numbers or of integers.
    bad : list of tuple
        Arguments, in full, that NumPy refuses: the same exception is expected. Where NumPy does
        not have the sampler, a ValueError is.
    more : list of tuple
        Other parameters with their distribution.
    integer : bool
        Whether the numbers are integers.
    """

    name: str
    args: tuple[Any, ...]
    expected: Callable[..., Any]
    bad: list[tuple[Any, ...]] = field(default_factory=list)
    more: list[tuple[Any, ...]] = field(default_factory=list)
    integer: bool = False

    @property
    def numpy(self) -> bool:
        """Whether NumPy has it."""
        return hasattr(np.random.RandomState, self.name)


def _cauchy_or_standard(loc: float = 0.0, scale: float = 1.0) -> Any:
    return stats.cauchy(loc, scale)


NAN = float("nan")
WORDS = "two"

# Each `bad` holds the arguments in full; a size may follow the parameters.
ROWS = [
    Row("random", (), stats.uniform, [(-1,), (1.5,), ((2, -1),)]),
    Row("random_sample", (), stats.uniform, [(-1,)]),
    Row("ranf", (), stats.uniform),
    Row("sample", (), stats.uniform),
    Row(
        "uniform",
        (-2.0, 7.0),
        lambda low, high: stats.uniform(low, high - low),
        [(0.0, np.inf), (-np.inf, 0.0), (WORDS, 1.0), (0.0, 1.0, -1)],
    ),
    Row("standard_normal", (), stats.norm, [(-1,)]),
    Row("normal", (-55.0, 5.0), stats.norm, [(0.0, -1.0), (WORDS,), ([0.0, 1.0], [1.0, -1.0])]),
    Row("standard_exponential", (), stats.expon, [(-1,)]),
    Row("exponential", (3.5,), lambda scale: stats.expon(0, scale), [(-1.0,), (WORDS,)]),
    Row("laplace", (2.0, 3.0), stats.laplace, [(0.0, -1.0), (0.0, [1.0, -1.0]), (WORDS,)]),
    Row("logistic", (2.0, 3.0), stats.logistic, [(0.0, -1.0), (0.0, [1.0, -1.0])]),
    Row("gumbel", (2.0, 3.0), stats.gumbel_r, [(0.0, -1.0), (0.0, [1.0, -1.0])]),
    Row(
        "lognormal",
        (1.0, 0.7),
        lambda mean, sigma: stats.lognorm(sigma, scale=np.exp(mean)),
        [(0.0, -1.0), (0.0, [1.0, -1.0])],
    ),
    Row("pareto", (3.0,), stats.lomax, [(0.0,), (-1.0,), ([1.0, 0.0],)], [(0.5,)]),
    Row("power", (3.0,), stats.powerlaw, [(0.0,), (-1.0,), ([1.0, 0.0],)], [(0.2,)]),
    Row("rayleigh", (2.0,), lambda scale: stats.rayleigh(scale=scale), [(-1.0,), ([1.0, -1.0],)]),
    Row("weibull", (2.0,), stats.weibull_min, [(-1.0,), ([1.0, -1.0],)], [(0.4,)]),
    Row(
        "weibull_min",
        (2.0, 3.0),
        lambda a, scale: stats.weibull_min(a, scale=scale),
        [(-1.0,), (1.0, -1.0)],
    ),
    Row(
        "triangular",
        (-1.0, 0.5, 4.0),
        lambda left, mode, right: stats.triang((mode - left) / (right - left), left, right - left),
        [(2.0, 1.0, 3.0), (0.0, 4.0, 3.0), (1.0, 1.0, 1.0), ([0.0, 5.0], 1.0, 3.0)],
        [(0.0, 0.0, 1.0), (0.0, 1.0, 1.0)],
    ),
    Row(
        "wald",
        (2.0, 3.0),
        lambda mean, scale: stats.invgauss(mean / scale, scale=scale),
        [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), ([1.0, 0.0], 1.0)],
        [(5.0, 0.1), (0.1, 5.0)],
    ),
    Row("standard_cauchy", (), _cauchy_or_standard, [(-1,)]),
    Row("cauchy", (2.0, 3.0), _cauchy_or_standard, [(0.0, -1.0)]),
    Row("maxwell", (), stats.maxwell, [(-1,)]),
    Row(
        "truncated_normal",
        (-1.0, 2.5),
        stats.truncnorm,
        [(1.0, 1.0), (2.0, 1.0)],
        [(6.0, 8.0), (-8.0, -6.0), (0.0, np.inf), (10.0, np.inf), (-np.inf, 0.3), (0.0, 0.1)],
    ),
    Row(
        "bernoulli",
        (0.3,),
        stats.bernoulli,
        [(-0.1,), (1.1,), (NAN,)],
        integer=True,
    ),
    Row(
        "randint",
        (-3, 9),
        stats.randint,
        [(5, 5), (5, 2), (0, 2**70), (-(2**70), 0), ([1, 2], [3, 2])],
        integer=True,
    ),
    Row(
        "random_integers",
        (-3, 9),
        lambda low, high: stats.randint(low, high + 1),
        [(5, 2)],
        integer=True,
    ),
    Row(
        "geometric",
        (0.3,),
        stats.geom,
        [(0.0,), (-0.1,), (1.1,), (NAN,), ([0.5, 0.0],)],
        [(0.9,), (0.01,)],
        integer=True,
    ),
    Row(
        "logseries",
        (0.7,),
        stats.logser,
        [(-0.1,), (1.0,), (NAN,), ([0.5, 1.0],)],
        [(0.05,), (0.99,)],
        integer=True,
    ),
    Row(
        "standard_gamma",
        (3.0,),
        stats.gamma,
        [(-1.0,), ([1.0, -1.0],), (WORDS,)],
        [(1.0,), (0.3,), (1e4,)],
    ),
    Row(
        "gamma",
        (2.5, 3.0),
        lambda shape, scale: stats.gamma(shape, scale=scale),
        [(-1.0,), (1.0, -1.0), ([1.0, 2.0], [1.0, -1.0])],
        [(0.2, 0.5), (1e6, 2.0)],
    ),
    Row("loggamma", (0.5,), stats.loggamma, [(-1.0,)], [(1e-3,), (1e-6,), (50.0,)]),
    Row(
        "beta",
        (2.0, 3.0),
        stats.beta,
        [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), ([1.0, 0.0], 1.0)],
        [(0.5, 0.5), (0.1, 4.0), (1e4, 2e4)],
    ),
    Row("chisquare", (3.0,), stats.chi2, [(0.0,), (-1.0,), ([1.0, 0.0],)], [(0.3,), (1e3,)]),
    Row(
        "f",
        (3.0, 7.0),
        stats.f,
        [(0.0, 1.0), (1.0, 0.0), ([1.0, 0.0], 1.0)],
        [(0.5, 40.0), (100.0, 0.5)],
    ),
    Row("standard_t", (3.0,), stats.t, [(0.0,), (-1.0,), ([1.0, 0.0],)], [(0.5,), (1e3,)]),
    Row("t", (3.0,), stats.t, [(0.0,), (-1.0,)]),
    Row(
        "noncentral_chisquare",
        (3.0, 2.0),
        stats.ncx2,
        [(0.0, 1.0), (1.0, -1.0), (1.0, [1.0, -1.0])],
        [(0.5, 3.0), (2.0, 0.0), (1.0, 10.0)],
    ),
    Row(
        "noncentral_f",
        (3.0, 7.0, 2.0),
        stats.ncf,
        [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, -1.0)],
        [(0.8, 9.0, 3.0)],
    ),
    Row(
        "vonmises",
        (0.5, 4.0),
        lambda mu, kappa: stats.vonmises(kappa, mu) if kappa < 1e5 else stats.norm(mu, kappa**-0.5),
        [(0.0, -1.0), (0.0, [1.0, -1.0])],
        [(0.0, 1e-3), (0.0, 100.0), (1.0, 1e7)],
    ),
    Row(
        "poisson",
        (3.5,),
        stats.poisson,
        [(-1.0,), (NAN,), (1e30,), ([1.0, -1.0],), (WORDS,)],
        [(0.0,), (1e-4,), (9.9,), (10.0,), (60.0,)],
        integer=True,
    ),
    Row(
        "binomial",
        (20, 0.3),
        stats.binom,
        [(-1, 0.5), (1, 1.5), (1, -0.5), (1, NAN), ([1, -1], 0.5), (2**70, 0.5)],
        [(0, 0.5), (7, 0.0), (7, 1.0), (40, 0.95), (200, 0.5), (10**6, 1e-5)],
        integer=True,
    ),
    Row(
        "negative_binomial",
        (3.0, 0.4),
        stats.nbinom,
        [(0.0, 0.5), (-1.0, 0.5), (1.0, 1.5), (1.0, NAN), (1.0, -0.5)],
        [(1.0, 1.0), (0.3, 0.2), (50.0, 0.5)],
        integer=True,
    ),
    Row(
        "hypergeometric",
        (20, 30, 15),
        lambda good, bad, sample: stats.hypergeom(good + bad, good, sample),
        [(-1, 1, 1), (1, -1, 1), (1, 1, 0), (1, 1, 3), (1, 1, -1), ([1, 1], 1, [1, 3])],
        [(5, 5, 3), (3, 100, 50), (100, 30, 110), (1000, 2000, 100)],
        integer=True,
    ),
    Row(
        "zipf",
        (2.5,),
        stats.zipf,
        [(1.0,), (0.5,), (NAN,), ([2.0, 1.0],)],
        [(1.5,), (10.0,)],
        integer=True,
    ),
    Row(
        "tomaxint",
        (),
        lambda: stats.uniform(0, 2.0**31),
        [(-1,)],
    ),
]
"""Those whose parameters broadcast, and that take a size after them."""

BRAINPY = {
    "bernoulli": "p size",
    "beta": "a b size dtype",
    "binomial": "n p size dtype",
    "categorical": "logits axis size",
    "chisquare": "df size dtype",
    "choice": "a size replace p",
    "clone_rng": "seed_or_key clone",
    "default_rng": "seed_or_key",
    "dirichlet": "alpha size dtype",
    "exponential": "scale size dtype",
    "f": "dfnum dfden size dtype",
    "gamma": "shape scale size dtype",
    "geometric": "p size dtype",
    "get_key": "",
    "get_key_data": "",
    "gumbel": "loc scale size dtype",
    "hypergeometric": "ngood nbad nsample size dtype",
    "laplace": "loc scale size dtype",
    "loggamma": "a size dtype",
    "logistic": "loc scale size dtype",
    "lognormal": "mean sigma size dtype",
    "logseries": "p size dtype",
    "maxwell": "size dtype",
    "multinomial": "n pvals size dtype",
    "multivariate_normal": "mean cov size method dtype",
    "negative_binomial": "n p size dtype",
    "noncentral_chisquare": "df nonc size dtype",
    "noncentral_f": "dfnum dfden nonc size dtype",
    "normal": "loc scale size dtype",
    "orthogonal": "n size dtype",
    "pareto": "a size dtype",
    "permutation": "x axis independent",
    "poisson": "lam size dtype",
    "power": "a size dtype",
    "rand": "dn dtype",
    "rand_like": "input dtype",
    "randint": "low high size dtype",
    "randint_like": "input low high dtype",
    "randn": "dn dtype",
    "randn_like": "input dtype",
    "random": "size dtype",
    "random_integers": "low high size dtype",
    "random_sample": "size dtype",
    "ranf": "size dtype",
    "rayleigh": "scale size dtype",
    "restore_key": "",
    "backup_key": "",
    "sample": "size dtype",
    "seed": "",
    "seed_context": "seed_or_key",
    "self_assign_multi_keys": "n backup",
    "set_key": "seed_or_key",
    "shuffle": "x axis",
    "split_key": "n backup",
    "split_keys": "n backup",
    "standard_cauchy": "size dtype",
    "standard_exponential": "size dtype",
    "standard_gamma": "shape size dtype",
    "standard_normal": "size dtype",
    "standard_t": "df size dtype",
    "t": "df size dtype",
    "triangular": "left mode right size dtype",
    "truncated_normal": "lower upper size loc scale dtype",
    "uniform": "low high size dtype",
    "vonmises": "mu kappa size dtype",
    "wald": "mean scale size dtype",
    "weibull": "a size dtype",
    "weibull_min": "a scale size dtype",
    "zipf": "a size dtype",
}
"""The names of brainpy.math.random 2.8, with the arguments that mean something here.

All of its samplers take `key` too. Left out are `check_valid`, since arguments are always checked,
and the argument of `seed`, which has NumPy's name.
"""

NO_KEY = {
    "backup_key",
    "clone_rng",
    "default_rng",
    "get_key",
    "get_key_data",
    "restore_key",
    "seed",
    "seed_context",
    "self_assign_multi_keys",
    "set_key",
    "split_key",
    "split_keys",
}

LATER: set[str] = set()
"""Names that are not there yet."""
