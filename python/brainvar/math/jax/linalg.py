"""Linear algebra: the functions of ``jax.numpy.linalg`` for JaxArrays."""

import jax.numpy as _jnp

from brainvar.math._wrap import lazy_namespace as _lazy_namespace

__getattr__, __dir__ = _lazy_namespace(globals(), _jnp.linalg)
