"""Random numbers of the jax backend: all that `brainvar.random` has."""

from typing import Any

import brainvar.random as _random


def __getattr__(name: str) -> Any:
    return getattr(_random, name)


def __dir__() -> list[str]:
    return dir(_random)
