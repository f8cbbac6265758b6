"""Caches that live as long as the function that they belong to."""

from __future__ import annotations

import types
import weakref
from collections.abc import Hashable
from typing import Any

import jax

from brainvar.core import _bounds

__all__ = ["FunctionCache", "WeakIdDict", "settings"]

_config: Any = jax.config


def settings() -> Hashable:
    """Return the settings that a trace depends on, those of JAX's context managers included."""
    return (
        _bounds.is_on(),
        _config.jax_enable_x64,
        _config.jax_numpy_dtype_promotion,
        _config.jax_default_matmul_precision,
        _config.jax_default_prng_impl,
    )


class WeakIdDict:
    """A dict whose keys are objects compared by identity, and dropped when they die."""

    def __init__(self) -> None:
        self._items: dict[int, tuple[Any, Any]] = {}

    def setdefault(self, key: Any, make: Any) -> Any:
        """Return the value of `key`, made by ``make()`` where there is none."""
        item = self._items.get(id(key))
        if item is not None and item[0]() is key:
            return item[1]
        number, items = id(key), self._items

        def drop(ref: Any) -> None:
            if number in items and items[number][0] is ref:
                del items[number]

        value = make()
        self._items[number] = (weakref.ref(key, drop), value)
        return value


class FunctionCache:
    """A dict for each function; for a bound method, for each object and function."""

    def __init__(self) -> None:
        self._functions = WeakIdDict()

    def of(self, function: Any) -> dict[Any, Any]:
        """Return the dict of `function`; a fresh one where it cannot be kept."""
        try:
            if isinstance(function, types.MethodType):
                methods = self._functions.setdefault(function.__self__, dict)
                return methods.setdefault(function.__func__, {})
            return self._functions.setdefault(function, dict)
        except TypeError:  # no weak references, as to an object with __slots__
            return {}
