"""Object-oriented state for JAX.

A `Variable` is a pointer to a tensor whose value can change. Objects that hold Variables, random
states included, are compiled and looped as they are written:

>>> import brainvar as bp
>>> import brainvar.math as bm
>>> class Walker(bp.Base):
...     def __init__(self):
...         super().__init__()
...         self.position = bm.Variable(bm.zeros(3))
...         self.rng = bm.random.RandomState(0)
...
...     def step(self, i):
...         self.position += self.rng.normal(size=3)
>>> walker = Walker()
>>> bm.for_loop(walker.step, bm.arange(1000))
>>> walker.position.shape
(3,)
"""

from importlib.metadata import PackageNotFoundError as _NotFound
from importlib.metadata import version as _version

from brainvar import math as math
from brainvar import ops as ops
from brainvar import random as random
from brainvar._brainpy_alias import install_as_brainpy as install_as_brainpy
from brainvar._config import config_dict as config_dict
from brainvar._config import show_config as show_config
from brainvar.core.base import Base as Base
from brainvar.core.base import BrainPyObject as BrainPyObject
from brainvar.core.collector import Collector as Collector
from brainvar.core.errors import BrainvarError as BrainvarError
from brainvar.core.errors import CopyError as CopyError
from brainvar.core.errors import CopyWarning as CopyWarning
from brainvar.core.errors import EscapedVariableError as EscapedVariableError
from brainvar.core.errors import KeyReuseError as KeyReuseError
from brainvar.core.errors import KeyReuseWarning as KeyReuseWarning
from brainvar.core.errors import LostValueError as LostValueError
from brainvar.core.errors import RawTransformError as RawTransformError
from brainvar.core.errors import StaticChangeError as StaticChangeError
from brainvar.io import load_states as load_states
from brainvar.io import save_states as save_states
from brainvar.random._prng import threefry_prng_impl as threefry_prng_impl

try:
    __version__ = _version("brainvar")
except _NotFound:  # a source tree on the path that was never installed
    __version__ = "0+unknown"
