"""Random numbers of the jax backend: all that `brainvar.random` has."""

from typing import Any

import brainvar.random as _random
from brainvar.random._functions import hand_on_default as _hand_on_default


def __getattr__(name: str) -> Any:
    return getattr(_random, name)


def __dir__() -> list[str]:
    return dir(_random)


_hand_on_default(__name__, lambda: _random)
