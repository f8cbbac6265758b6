"""The array classes as pytree nodes, which come back as the same class."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

__all__ = ["register_pytree", "static_part"]


class _Static:
    """The attributes of an array as the static part of a pytree, compared by value."""

    __slots__ = ("state",)

    def __init__(self, state: dict[str, Any]):
        self.state = state

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.state)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Static) or self.state.keys() != other.state.keys():
            return False
        mine, theirs = self.state, other.state
        return all(mine[k] is theirs[k] or _equal(mine[k], theirs[k]) for k in mine)

    def __repr__(self) -> str:
        return repr(self.state)


def _equal(x: Any, y: Any) -> bool:
    if hasattr(x, "shape") and hasattr(y, "shape"):
        return x.shape == y.shape and x.dtype == y.dtype and bool(np.all(x == y))
    try:
        return bool(x == y)
    except ValueError:  # no single truth value, as of a list of arrays
        return False


_NO_STATE = _Static({})


def static_part(x: Any) -> Any:
    """Return what distinguishes `x` from other arrays of its class, shape and dtype."""
    state = x._state()
    return _Static(state) if state else _NO_STATE


def register_pytree(cls: Any) -> None:
    """Make `cls` a pytree node with one child, which comes back as the same class."""

    def flatten(x: Any) -> tuple[tuple[Any], _Static]:
        return (x.value,), static_part(x)

    def flatten_with_keys(x: Any) -> Any:
        children, aux = flatten(x)
        return ((jax.tree_util.GetAttrKey("value"), children[0]),), aux

    def unflatten(aux: _Static, children: Any) -> Any:
        return cls._rebuild(children[0], aux.state)

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
