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
from jax.experimental.custom_partitioning import custom_partitioning as custom_partitioning
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
    "custom_partitioning",
    "enable_x64",
    "find_top_trace",
    "mlir",
    "for_partitioning",
    "outside_traces",
    "part_count",
    "partition_devices",
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
    # Zero.from_primal_value, which did this, went with JAX 0.10.
    return ad.Zero(jax.typeof(primal).to_tangent_aval())


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


def part_count(ctx: Any) -> int:
    """Return into how many parts XLA may cut what is lowered here, 0 where only it can know.

    1 for one device, and in code that is written for one (``shard_map`` over all axes).
    """
    axis_context = ctx.module_context.axis_context
    manual = getattr(axis_context, "manual_axes", None)
    if manual is not None:
        return 1 if set(manual) == set(axis_context.mesh.axis_names) else 0
    return getattr(axis_context, "num_devices", 1)  # else the one of pmap, a device's own program


def for_partitioning(ctx: Any, platform: str) -> Any:
    """Return a lowering context in which `custom_partitioning` works, or None if it cannot.

    It wants to know the devices of the program, which JAX tells only to lowerings of primitives
    that are listed in a private module. What it makes of them are descriptions of shardings, by
    the numbers of the devices in the program, so that any devices do.
    """
    module = ctx.module_context
    axis_context = module.axis_context
    parts = part_count(ctx)
    # Without Shardy, shardings are propagated in another way; exported programs hold no callbacks.
    shardy = getattr(jax.config, "jax_use_shardy_partitioner", True)
    devices = tuple(jax.devices(platform)[:parts])
    if not shardy or module.lowering_parameters.for_export or not 1 < parts == len(devices):
        return None
    given = type(axis_context)(parts, devices)
    return ctx.replace(module_context=module.replace(axis_context=given))


def partition_devices(sharding: Any) -> tuple[Any, ...]:
    """Return the devices of a sharding as `custom_partitioning` gives it, in their order."""
    return tuple(sharding._device_assignment)
