"""Lets code that was written for BrainPy import this package under BrainPy's name."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

__all__ = ["install_as_brainpy"]

_OURS = __name__.partition(".")[0]
_THEIRS = "brainpy"


def _our_name(name: str) -> str:
    return _OURS + name.removeprefix(_THEIRS)


class _AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``brainpy.x`` as the module object ``brainvar.x``, so that no module exists twice."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _THEIRS and not fullname.startswith(f"{_THEIRS}."):
            return None
        if importlib.util.find_spec(_our_name(fullname)) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(_our_name(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec on the module, which is loaded already.
        spec = module.__spec__
        if spec is not None and spec.loader is self:
            module.__spec__ = spec.loader_state


_finder = _AliasFinder()


def _real_brainpy() -> str | None:
    """Say where the real BrainPy is, None if it cannot be imported."""
    loaded = sys.modules.get(_THEIRS)
    if loaded is not None:
        return f"imported from {getattr(loaded, '__file__', None) or 'an unknown place'}"
    spec = importlib.util.find_spec(_THEIRS)
    return None if spec is None else f"installed at {spec.origin or 'an unknown place'}"


def install_as_brainpy(force: bool = False) -> None:
    """Make ``import brainpy`` mean this package, for the rest of the process.

    ``import brainpy as bp``, ``import brainpy.math as bm``, ``from brainpy.math import random``
    and so on give the modules of brainvar. Calling it again does nothing.

    Parameters
    ----------
    force : bool, default False
        Do it although the real BrainPy can be imported. Modules of it that are loaded already
        go on to exist for those that hold them.

    Raises
    ------
    RuntimeError
        If the real BrainPy can be imported and `force` is not set.

    Examples
    --------
    >>> import brainvar
    >>> brainvar.install_as_brainpy()
    >>> import brainpy.math as bm
    """
    package = sys.modules[_OURS]
    if sys.modules.get(_THEIRS) is package and _finder in sys.meta_path:
        return
    real = _real_brainpy()
    if real is not None and not force:
        raise RuntimeError(
            f"the real BrainPy is {real}, and install_as_brainpy() would hide it. Import brainvar "
            "under its own name, or call install_as_brainpy(force=True) to hide BrainPy in this "
            "process."
        )
    for name in [name for name in sys.modules if name.partition(".")[0] == _THEIRS]:
        del sys.modules[name]
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    sys.modules[_THEIRS] = package
