"""Linear algebra in the backend in use."""

from brainvar.math._backend import dispatch as _dispatch

__getattr__, __dir__ = _dispatch(globals(), "linalg")
