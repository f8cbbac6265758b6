import builtins
from contextlib import AbstractContextManager
from typing import Any

from brainvar.core.array import JaxArray
from brainvar.random._state import RandomState as RandomState
from brainvar.random._streams import get_default_stream as get_default_stream
from brainvar.random._streams import set_default_stream as set_default_stream
from brainvar.random._trace import trace as trace

DEFAULT: RandomState

def backup_key() -> None: ...
def bernoulli(
    p: Any = 0.5, size: Any = None, *, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def beta(
    a: Any, b: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def binomial(
    n: Any, p: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def bytes(length: int, *, key: Any = None) -> builtins.bytes: ...
def categorical(
    logits: Any, axis: int = -1, size: Any = None, *, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def cauchy(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def chisquare(
    df: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def choice(
    a: Any,
    size: Any = None,
    replace: bool = True,
    p: Any = None,
    *,
    axis: int = 0,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def clone_rng(seed_or_key: Any = None, clone: bool = True) -> RandomState: ...
def default_rng(seed_or_key: Any = None) -> RandomState: ...
def dirichlet(
    alpha: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def exponential(
    scale: Any = 1.0, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def f(
    dfnum: Any,
    dfden: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def gamma(
    shape: Any,
    scale: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def geometric(
    p: Any, size: Any = None, *, dtype: Any = ..., key: Any = None, sharding: Any = None
) -> JaxArray: ...
def get_key() -> Any: ...
def get_key_data() -> Any: ...
def get_state(legacy: bool = True) -> Any: ...
def gumbel(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def hypergeometric(
    ngood: Any,
    nbad: Any,
    nsample: Any,
    size: Any = None,
    *,
    dtype: Any = int,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def laplace(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def loggamma(
    a: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def logistic(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def lognormal(
    mean: Any = 0.0,
    sigma: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def logseries(
    p: Any, size: Any = None, *, dtype: Any = ..., key: Any = None, sharding: Any = None
) -> JaxArray: ...
def maxwell(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def multinomial(
    n: Any, pvals: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def multivariate_normal(
    mean: Any,
    cov: Any,
    size: Any = None,
    check_valid: str = "warn",
    tol: float = 1e-08,
    *,
    method: str = "svd",
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def negative_binomial(
    n: Any, p: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def noncentral_chisquare(
    df: Any,
    nonc: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def noncentral_f(
    dfnum: Any,
    dfden: Any,
    nonc: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def normal(
    loc: Any = 0.0,
    scale: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def orthogonal(
    n: int, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def pareto(
    a: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def permutation(
    x: Any, axis: int = 0, independent: bool = False, *, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def poisson(
    lam: Any = 1.0, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def power(
    a: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def rand(*dn: int, dtype: Any = None, key: Any = None, sharding: Any = None) -> JaxArray: ...
def rand_like(
    input: Any, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def randint(
    low: Any,
    high: Any = None,
    size: Any = None,
    dtype: Any = ...,
    *,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def randint_like(
    input: Any,
    low: Any = 0,
    high: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def randn(*dn: int, dtype: Any = None, key: Any = None, sharding: Any = None) -> JaxArray: ...
def randn_like(
    input: Any, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def random(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def random_integers(
    low: Any,
    high: Any = None,
    size: Any = None,
    *,
    dtype: Any = ...,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def random_sample(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def ranf(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def rayleigh(
    scale: Any = 1.0, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def restore_key() -> None: ...
def sample(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def seed(seed: Any = None) -> None: ...
def seed_context(seed_or_key: Any) -> AbstractContextManager[None]: ...
def self_assign_multi_keys(n: int, backup: bool = True) -> None: ...
def set_key(seed_or_key: Any) -> None: ...
def set_state(state: Any) -> None: ...
def shuffle(x: Any, axis: int = 0, *, key: Any = None) -> None: ...
def split_key(n: int | None = None, backup: bool = False) -> Any: ...
def split_keys(n: int, backup: bool = False) -> Any: ...
def standard_cauchy(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def standard_exponential(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def standard_gamma(
    shape: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def standard_normal(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def standard_t(
    df: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def t(
    df: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def tomaxint(size: Any = None, *, key: Any = None, sharding: Any = None) -> JaxArray: ...
def triangular(
    left: Any = 0.0,
    mode: Any = 0.5,
    right: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def truncated_normal(
    lower: Any,
    upper: Any,
    size: Any = None,
    loc: Any = 0.0,
    scale: Any = 1.0,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def vonmises(
    mu: Any,
    kappa: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def wald(
    mean: Any,
    scale: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def weibull(
    a: Any, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def weibull_min(
    a: Any,
    scale: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def zipf(
    a: Any, size: Any = None, *, dtype: Any = int, key: Any = None, sharding: Any = None
) -> JaxArray: ...
