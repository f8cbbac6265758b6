"""Random numbers in the backend in use."""

from brainvar.math._backend import dispatch as _dispatch
from brainvar.math._backend import random_module as _random_module
from brainvar.random._functions import hand_on_default as _hand_on_default

__getattr__, __dir__ = _dispatch(globals(), "random")

_hand_on_default(__name__, _random_module)
