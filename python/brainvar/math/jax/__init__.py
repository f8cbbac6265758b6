"""The jax backend: `JaxArray`, `Variable`, and every public function of ``jax.numpy``.

A function is taken from ``jax.numpy`` when it is first used: it takes JaxArrays, Variables and
whatever else JAX takes, and its arrays are JaxArrays. Types and constants are JAX's own.
"""

import jax.numpy as _jnp

from brainvar.core._bounds import check_bounds as check_bounds
from brainvar.core._inplace import on_copy as on_copy
from brainvar.core.array import JaxArray as JaxArray
from brainvar.core.variable import Parameter as Parameter
from brainvar.core.variable import TrainVar as TrainVar
from brainvar.core.variable import Variable as Variable
from brainvar.math._dtypes import jax_defaults as _jax_defaults
from brainvar.math._wrap import lazy_namespace as _lazy_namespace
from brainvar.math.jax import fft as fft
from brainvar.math.jax import linalg as linalg
from brainvar.math.jax import random as random
from brainvar.math.jax._extras import EXTRAS as _EXTRAS
from brainvar.random import RandomState as RandomState
from brainvar.transforms.jit import jit as jit
from brainvar.transforms.loops import for_loop as for_loop

ndarray = Array = JaxArray

_defaults = _jax_defaults()
globals().update(_defaults.functions(), **_EXTRAS)

__getattr__, __dir__ = _lazy_namespace(globals(), _jnp, dynamic=_defaults.names())
