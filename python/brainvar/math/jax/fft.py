"""Discrete Fourier transforms: the functions of ``jax.numpy.fft`` for JaxArrays."""

import jax.numpy as _jnp

from brainvar.math._wrap import lazy_namespace as _lazy_namespace

__getattr__, __dir__ = _lazy_namespace(globals(), _jnp.fft)
