from typing import Any

from brainvar.core.array import JaxArray
from brainvar.random._state import RandomState as RandomState

DEFAULT: RandomState

def seed(seed: Any = None) -> None: ...
def split_key() -> Any: ...
def split_keys(n: int) -> Any: ...
def random(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def random_sample(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def ranf(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def sample(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def rand(*dn: int, dtype: Any = None, key: Any = None, sharding: Any = None) -> JaxArray: ...
def randn(*dn: int, dtype: Any = None, key: Any = None, sharding: Any = None) -> JaxArray: ...
def uniform(
    low: Any = 0.0,
    high: Any = 1.0,
    size: Any = None,
    *,
    dtype: Any = None,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def standard_normal(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
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
def standard_exponential(
    size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def exponential(
    scale: Any = 1.0, size: Any = None, *, dtype: Any = None, key: Any = None, sharding: Any = None
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
def randint(
    low: Any,
    high: Any = None,
    size: Any = None,
    dtype: Any = ...,
    *,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def random_integers(
    low: Any, high: Any = None, size: Any = None, *, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def bernoulli(
    p: Any = 0.5, size: Any = None, *, key: Any = None, sharding: Any = None
) -> JaxArray: ...
def permutation(
    x: Any,
    axis: int = 0,
    independent: bool = False,
    *,
    key: Any = None,
    sharding: Any = None,
) -> JaxArray: ...
def shuffle(x: Any, axis: int = 0, *, key: Any = None) -> None: ...
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
