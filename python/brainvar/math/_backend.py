"""Which backend ``brainvar.math`` means: one choice for the whole process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

import brainvar.math.jax as _jax_backend
import brainvar.math.numpy as _numpy_backend
import brainvar.math.numpy.random as _numpy_random
import brainvar.random as _jax_random
from brainvar._compat import at_top_level
from brainvar.core.tracking import current_frame

__all__ = [
    "active",
    "backend",
    "dispatch",
    "get_backend_name",
    "is_jax_backend",
    "is_numpy_backend",
    "use_backend",
]

_BACKENDS: dict[str, ModuleType] = {"jax": _jax_backend, "numpy": _numpy_backend}
_RANDOM: dict[str, ModuleType] = {"jax": _jax_random, "numpy": _numpy_random}

_name = "jax"


def active() -> ModuleType:
    """Return the module of the backend in use."""
    return _BACKENDS[_name]


def get_backend_name() -> str:
    """Return ``'jax'`` or ``'numpy'``."""
    return _name


def is_jax_backend() -> bool:
    """Whether the jax backend is in use."""
    return _name == "jax"


def is_numpy_backend() -> bool:
    """Whether the numpy backend is in use."""
    return _name == "numpy"


def use_backend(name: str) -> None:
    """Choose the backend that every ``bm.<name>`` means from here on.

    The choice holds for the whole process, all threads included. ``bm.random.DEFAULT`` goes on
    with its stream: the state that the old backend has reached is handed to the new one, so that
    numbers neither repeat nor depend on where the switch was. (Not while a function is traced:
    there the state is not known.)

    Names taken before, as by ``from brainvar.math import Variable``, stay those of the backend
    they were taken from.

    Parameters
    ----------
    name : {'jax', 'numpy'}
        ``'numpy'`` computes eagerly with `numpy.ndarray`, for looking at a model step by step.

    Raises
    ------
    ValueError
        If there is no such backend.
    """
    global _name
    if name not in _BACKENDS:
        choices = " or ".join(map(repr, _BACKENDS))
        raise ValueError(f"there is no backend {name!r}; choose {choices}.")
    if name != _name:
        _hand_over(_name, name)
        _name = name


def _hand_over(old: str, new: str) -> None:
    """Continue the default random stream of one backend in the other."""
    state = vars(_RANDOM[old]).get("DEFAULT")
    if state is not None and current_frame() is None and at_top_level():
        module: Any = _RANDOM[new]
        key, stream = np.array(state.value), state.stream
        other = vars(module).get("DEFAULT")
        if other is None:
            module.DEFAULT = module.RandomState(key, stream=stream)
        else:
            other.set_state(("threefry2x32", key, stream))


def random_module() -> ModuleType:
    """Return the module of random numbers of the backend in use."""
    return _RANDOM[_name]


@contextlib.contextmanager
def backend(name: str) -> Iterator[ModuleType]:
    """Use a backend within a ``with`` block; then the one before it, also after an error.

    As with `use_backend`, the choice holds for all threads of the process.

    Parameters
    ----------
    name : {'jax', 'numpy'}
        As for `use_backend`.

    Yields
    ------
    module
        The backend.
    """
    before = _name
    use_backend(name)
    try:
        yield active()
    finally:
        use_backend(before)


def dispatch(
    scope: dict[str, Any], part: str = ""
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a module mean that of the backend in use, at each use of a name.

    Parameters
    ----------
    scope
        ``globals()`` of the module; its own names come first.
    part
        The submodule of the backends, such as ``'random'``; none for the backend itself.

    Returns
    -------
    tuple
        ``__getattr__`` and ``__dir__`` for the module.
    """
    module = scope["__name__"]

    def module_getattr(name: str) -> Any:
        if name == "__all__":
            return module_dir()
        target = _BACKENDS[_name]
        try:
            return getattr(getattr(target, part) if part else target, name)
        except AttributeError:
            if name.startswith("_"):
                raise AttributeError(f"module {module!r} has no attribute {name!r}") from None
        other = "numpy" if _name == "jax" else "jax"
        there = getattr(_BACKENDS[other], part) if part else _BACKENDS[other]
        hint = f"; the {other} backend has it" if hasattr(there, name) else ""
        raise AttributeError(
            f"module {module!r} has no attribute {name!r} in the {_name} backend{hint}"
        )

    def module_dir() -> list[str]:
        target = _BACKENDS[_name]
        names = {*scope, *dir(getattr(target, part) if part else target)}
        return sorted(name for name in names if not name.startswith("_"))

    return module_getattr, module_dir
