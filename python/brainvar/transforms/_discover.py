"""A first guess of the Variables that a function touches.

The guess only saves a second trace: what is missing is found by tracing, and what is too much
costs nothing in the compiled program.
"""

from __future__ import annotations

import functools
import types
from typing import Any

from brainvar.core.base import Base
from brainvar.core.variable import Variable

__all__ = ["guess_variables"]

_MAX_DEPTH = 4


def guess_variables(function: Any) -> list[Variable]:
    """Return the Variables in reach of `function`.

    Looked at are the object of a bound method, closure cells, defaults and the globals that the
    code names, and what lists, tuples, dicts and functions among them hold.
    """
    found: dict[int, Variable] = {}
    _visit(function, found, set(), 0)
    return list(found.values())


def _visit(x: Any, found: dict[int, Variable], seen: set[int], depth: int) -> None:
    if depth > _MAX_DEPTH or id(x) in seen or isinstance(x, (types.ModuleType, str, bytes)):
        return
    seen.add(id(x))
    below = functools.partial(_visit, found=found, seen=seen, depth=depth + 1)
    if isinstance(x, Variable):
        found[id(x)] = x
    elif isinstance(x, Base):
        for var in x.vars().unique().values():
            if isinstance(var, Variable):
                found[id(var)] = var
    elif isinstance(x, (list, tuple)):
        for item in x:
            below(item)
    elif isinstance(x, dict):
        for item in list(x.values()):
            below(item)
    elif isinstance(x, types.MethodType):
        below(x.__self__)
        below(x.__func__)
    elif isinstance(x, functools.partial):
        for item in (x.func, *x.args, *x.keywords.values()):
            below(item)
    elif isinstance(x, types.FunctionType):
        _visit_function(x, below)
    elif not isinstance(x, type) and hasattr(x, "__dict__") and callable(x):
        below(getattr(x, "__wrapped__", None))
        below(vars(x))
    elif depth <= 1 and not isinstance(x, type) and hasattr(x, "__dict__"):
        below(vars(x))  # the object of a bound method, of any class


def _visit_function(function: types.FunctionType, below: Any) -> None:
    for cell in function.__closure__ or ():
        try:
            below(cell.cell_contents)
        except ValueError:  # a cell that is not filled yet
            continue
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        below(default)
    for name in function.__code__.co_names:
        if name in function.__globals__:
            below(function.__globals__[name])
