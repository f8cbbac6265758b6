"""Random numbers: `RandomState`, and its methods as functions on ``DEFAULT``.

``DEFAULT`` is the RandomState that the functions draw from. It is made when it is first used,
seeded by the operating system; `seed` starts it again, as the same object.
"""

from typing import Any

from brainvar.random._functions import FUNCTIONS as _FUNCTIONS
from brainvar.random._functions import DefaultState as _DefaultState
from brainvar.random._functions import module_functions as _module_functions
from brainvar.random._state import RandomState as RandomState
from brainvar.random._streams import get_default_stream as get_default_stream
from brainvar.random._streams import set_default_stream as set_default_stream
from brainvar.random._trace import trace as trace

_default = _DefaultState(globals(), RandomState)
globals().update(_module_functions(_default, RandomState, __name__))

__all__ = [
    "DEFAULT",
    "RandomState",
    "get_default_stream",
    "set_default_stream",
    "trace",
    *_FUNCTIONS,
]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "DEFAULT":
        return _default()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
