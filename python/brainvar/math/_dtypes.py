"""The default number types of a backend, which `set_float` and its siblings change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from brainvar._compat import x64_enabled

__all__ = ["DefaultDtypes", "disable_x64", "enable_x64"]


def enable_x64() -> None:
    """Turn on 64-bit types in JAX, for the whole process."""
    jax.config.update("jax_enable_x64", True)


def disable_x64() -> None:
    """Turn off 64-bit types in JAX, for the whole process."""
    jax.config.update("jax_enable_x64", False)


class DefaultDtypes:
    """The dtypes that ``bm.float_``, ``bm.int_`` and ``bm.complex_`` stand for.

    They are for ``dtype=`` arguments: functions that are not given a dtype follow their backend.

    Parameters
    ----------
    wide
        Tells whether the types not set yet are the 64-bit ones.
    turn_on
        Called when a type is set that needs 64 bits.
    """

    def __init__(self, wide: Callable[[], bool], turn_on: Callable[[], None]) -> None:
        self._wide = wide
        self._turn_on = turn_on
        self._set: dict[str, Any] = {}

    def _choose(self, name: str, kind: Any, sizes: tuple[int, ...], dtype: Any) -> None:
        chosen = np.dtype(dtype)
        if not jax.numpy.issubdtype(chosen, kind) or chosen.itemsize not in sizes:
            choices = ", ".join(str(8 * size) for size in sizes)
            raise TypeError(f"set_{name}() takes a {name} type of {choices} bits, got {dtype!r}.")
        if chosen.itemsize == sizes[-1]:
            self._turn_on()
        self._set[name] = chosen.type

    def set_float(self, dtype: Any) -> None:
        """Set the default floating type: float16, bfloat16, float32 or float64."""
        self._choose("float", jax.numpy.floating, (2, 4, 8), dtype)

    def set_int(self, dtype: Any) -> None:
        """Set the default integer type, int8 to int64 or uint8 to uint64."""
        self._choose("int", np.integer, (1, 2, 4, 8), dtype)

    def set_complex(self, dtype: Any) -> None:
        """Set the default complex type, complex64 or complex128."""
        self._choose("complex", np.complexfloating, (8, 16), dtype)

    def get_float(self) -> Any:
        """Return the default floating type."""
        return self._set.get("float") or (np.float64 if self._wide() else np.float32)

    def get_int(self) -> Any:
        """Return the default integer type."""
        return self._set.get("int") or (np.int64 if self._wide() else np.int32)

    def get_complex(self) -> Any:
        """Return the default complex type."""
        return self._set.get("complex") or (np.complex128 if self._wide() else np.complex64)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions of the namespace, with BrainPy's older names for them."""
        return {
            "set_float": self.set_float,
            "set_float_": self.set_float,
            "set_int": self.set_int,
            "set_int_": self.set_int,
            "set_complex": self.set_complex,
            "set_complex_": self.set_complex,
            "get_float": self.get_float,
            "get_int": self.get_int,
            "get_complex": self.get_complex,
            "dftype": self.get_float,
            "ditype": self.get_int,
            "enable_x64": enable_x64,
            "disable_x64": disable_x64,
        }

    def names(self) -> dict[str, Callable[[], Any]]:
        """Return the names that are dtypes, each computed at every use."""
        return {"float_": self.get_float, "int_": self.get_int, "complex_": self.get_complex}


def jax_defaults() -> DefaultDtypes:
    """Return the defaults of the jax backend, which follow ``jax_enable_x64``."""
    return DefaultDtypes(x64_enabled, enable_x64)


def numpy_defaults() -> DefaultDtypes:
    """Return the defaults of the numpy backend, which are NumPy's 64-bit types."""
    return DefaultDtypes(lambda: True, lambda: None)
