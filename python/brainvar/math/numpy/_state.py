"""`RandomState` for the numpy backend: the numbers of the jax backend in NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainvar.math.numpy._variable import Variable
from brainvar.random._host import HostRandomMethods
from brainvar.random._keys import seed_key, stream_of
from brainvar.random._streams import check_stream

__all__ = ["RandomState"]


class RandomState(HostRandomMethods, Variable):
    """A random number generator: a Variable that holds a Threefry-2x32 key, uint32[2].

    For a seed it draws the numbers that `brainvar.random.RandomState` draws, bit for bit and in
    the same dtypes, as `numpy.ndarray`.

    Parameters
    ----------
    seed : None, int, array or key
        None takes 64 bits from the operating system. An integer in [0, 2**64) keeps all of its
        bits. A raw key is an array uint32[2] (or a RandomState of either backend), a typed key
        one of ``jax.random.key(..., impl='threefry2x32')``.
    stream : {'original', 'partitionable'}, optional
        The counter layout, which is kept by copies and pickles; the default is that of a
        RandomState given as `seed`, and what `set_default_stream` says otherwise.
    type, name : str, optional
        As for `Variable`.

    Raises
    ------
    TypeError
        If `seed` is neither an integer nor a key.
    ValueError
        If an integer seed is negative or has more than 64 bits, or `stream` is unknown.
    """

    _stream: str = "original"

    def __init__(
        self,
        seed: Any = None,
        *,
        stream: str | None = None,
        type: str = "",
        name: str | None = None,
    ):
        self._stream = check_stream(stream_of(seed) if stream is None else stream)
        super().__init__(np.asarray(seed_key(seed, self._stream)), type=type, name=name)

    @property
    def value(self) -> np.ndarray:
        """The raw key, uint32[2]. Only another key can be assigned: a number is a seed."""
        return super().value

    @value.setter
    def value(self, value: Any) -> None:
        self.set_value(value)

    def clone(self) -> RandomState:
        """Return an independent generator, seeded by a key drawn from this one.

        It is of the same class, with the same stream and attributes.
        """
        return self._rebuild(self.split_key(), self._state())

    def _state(self) -> dict[str, Any]:
        # Without the key that backup_key keeps.
        return {name: x for name, x in super()._state().items() if name != "_backup"}

    def __repr__(self) -> str:
        shown = np.ndarray.__repr__(self)
        return shown if self._stream == "original" else f"{shown[:-1]}, stream={self._stream!r})"
