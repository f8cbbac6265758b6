"""The array namespace, ``import brainvar.math as bm``.

``bm.<name>`` is looked up in the backend in use each time: `bm.jax` (the default) or `bm.numpy`.
"""

from brainvar.core.base import Base as Base
from brainvar.core.base import BrainPyObject as BrainPyObject
from brainvar.core.base import clear_name_cache as clear_name_cache
from brainvar.core.collector import ArrayCollector as ArrayCollector
from brainvar.core.collector import Collector as Collector
from brainvar.core.collector import TensorCollector as TensorCollector
from brainvar.math import fft as fft
from brainvar.math import jax as jax
from brainvar.math import linalg as linalg
from brainvar.math import numpy as numpy
from brainvar.math import random as random
from brainvar.math._backend import backend as backend
from brainvar.math._backend import dispatch as _dispatch
from brainvar.math._backend import get_backend_name as get_backend_name
from brainvar.math._backend import is_jax_backend as is_jax_backend
from brainvar.math._backend import is_numpy_backend as is_numpy_backend
from brainvar.math._backend import use_backend as use_backend

__getattr__, __dir__ = _dispatch(globals())
