"""Every branch on a JAX version lives here; nothing else in the package asks which JAX runs.

Supported: JAX 0.8.0 and later. Names are taken from public modules only, so that an upgrade
breaks at this import, with the missing name in the message, and nowhere else.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax
from jax.core import ShapedArray as ShapedArray
from jax.core import Tracer as Tracer
from jax.extend.core import Primitive as Primitive
from jax.interpreters import ad as ad
from jax.interpreters import batching as batching
from jax.interpreters import mlir as mlir
from jax.interpreters.xla import apply_primitive as apply_primitive

try:
    from jax.extend.core import find_top_trace as find_top_trace
    from jax.extend.core import get_opaque_trace_state as _get_opaque_trace_state
except ImportError:  # JAX 0.8; later versions deprecate, then drop, the old place
    from jax.core import find_top_trace as find_top_trace
    from jax.core import get_opaque_trace_state as _get_opaque_trace_state

__all__ = [
    "JAXLIB_VERSION",
    "JAX_VERSION",
    "TOP_TRACE",
    "TOP_TRACE_STATE",
    "Primitive",
    "ShapedArray",
    "Tracer",
    "ad",
    "apply_primitive",
    "at_top_level",
    "batching",
    "enable_x64",
    "find_top_trace",
    "mlir",
    "outside_traces",
    "program_count",
    "threefry_partitionable",
    "trace_state",
    "x64_enabled",
    "zero_tangent",
]


def _version_tuple(text: str) -> tuple[int, ...]:
    """``'0.12.0.1'`` -> ``(0, 12, 0, 1)``; suffixes such as ``.dev2026`` are ignored."""
    release = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in release.group().split(".")) if release else ()


JAX_VERSION: tuple[int, ...] = _version_tuple(jax.__version__)
JAXLIB_VERSION: tuple[int, ...] = _version_tuple(version("jaxlib"))

if JAX_VERSION < (0, 8):
    raise ImportError(f"brainvar needs jax >= 0.8, found {jax.__version__}: pip install -U jax")

# Context managers, `with enable_x64(True): ...`.  JAX 0.8 has both under these names already
# (the older jax.experimental.enable_x64 is deprecated from there on).
enable_x64 = jax.enable_x64
threefry_partitionable = jax.threefry_partitionable


def x64_enabled() -> bool:
    """Whether 64-bit types are enabled here and now (context managers included)."""
    return bool(jax.config.jax_enable_x64)  # pyright: ignore[reportAttributeAccessIssue]


def zero_tangent(primal: Any) -> Any:
    """Return the symbolic zero tangent of a value, as differentiation rules return it."""
    return ad.Zero.from_primal_value(primal)  # pyright: ignore[reportAttributeAccessIssue]


def trace_state() -> Any:
    """Return an object that is equal (``==``) to another exactly if no trace lies between them.

    Two calls under the same ``jit``/``vmap``/``grad``/``scan`` trace compare equal, a call
    from an inner or outer trace does not.  Outside all traces it is ``TOP_TRACE_STATE`` itself,
    which costs a third of a new state.  Not hashable; keeps no tracer alive.
    """
    return TOP_TRACE_STATE if at_top_level() else _get_opaque_trace_state()


def outside_traces(function: Callable[[], Any]) -> Any:
    """Return what a function returns when it is called outside of every trace."""
    # Traces are thread-local: a fresh thread is outside all of them, even when this module is
    # imported lazily by a function that is being traced.
    found: list[Any] = []
    worker = threading.Thread(target=lambda: found.append(function()))
    worker.start()
    worker.join()
    return found[0]


TOP_TRACE_STATE: Any = outside_traces(_get_opaque_trace_state)
TOP_TRACE: Any = outside_traces(lambda: find_top_trace(()))


def at_top_level() -> bool:
    """Whether no JAX trace is active in this thread."""
    # Without arguments it is the current trace.
    return find_top_trace(()) is TOP_TRACE


def program_count(jitted: Any) -> int:
    """Return how many programs a function of ``jax.jit`` keeps, and calls without Python code."""
    return jitted._cache_size()
