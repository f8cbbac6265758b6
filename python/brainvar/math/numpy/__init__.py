"""The numpy backend: `Variable` on `numpy.ndarray`, and the functions of ``numpy`` themselves.

It computes at once, with nothing compiled, so a model can be looked at line by line.
"""

import numpy as _np
from numpy import fft as fft
from numpy import linalg as linalg
from numpy import ndarray as ndarray

from brainvar.core._bounds import check_bounds as check_bounds
from brainvar.core._inplace import on_copy as on_copy
from brainvar.math._dtypes import numpy_defaults as _numpy_defaults
from brainvar.math._wrap import lazy_namespace as _lazy_namespace
from brainvar.math.numpy import random as random
from brainvar.math.numpy._extras import EXTRAS as _EXTRAS
from brainvar.math.numpy._state import RandomState as RandomState
from brainvar.math.numpy._transforms import for_loop as for_loop
from brainvar.math.numpy._transforms import jit as jit
from brainvar.math.numpy._variable import Parameter as Parameter
from brainvar.math.numpy._variable import TrainVar as TrainVar
from brainvar.math.numpy._variable import Variable as Variable

Array = ndarray

_defaults = _numpy_defaults()
globals().update(_defaults.functions(), **_EXTRAS)

__getattr__, __dir__ = _lazy_namespace(
    globals(), _np, dynamic=_defaults.names(), convert=lambda found, name, module: found
)
