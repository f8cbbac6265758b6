"""What every RandomState does, whichever backend holds its key."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainvar._compat import x64_enabled
from brainvar.random._arguments import (
    Check,
    as_float,
    as_shape,
    draw_shape,
    float_dtype,
)
from brainvar.random._plans import Plan, float_plan, plan, split_plan
from brainvar.random._samplers import Sampler

__all__ = ["DrawMethods"]


class DrawMethods:
    """The steps of a draw, on top of three hooks that a backend's RandomState supplies.

    ``_step(plan, *params)`` runs a plan with the state's key, stores the next key and returns the
    raw sample; ``_out(raw)`` makes the array that the user gets; ``_key_out(raw)`` the one of
    `split_key`.
    """

    _stream: str

    def _step(self, run: Plan, *params: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _out(raw: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _key_out(raw: Any) -> Any:
        raise NotImplementedError

    def _draw(self, sampler: Sampler, shape: tuple[int, ...], dtype: np.dtype, *params: Any) -> Any:
        return self._out(self._step(plan(sampler, shape, dtype, self._stream), *params))

    def _draw_floats(
        self,
        sampler: Sampler,
        size: Any,
        dtype: Any,
        *named: tuple[Any, str, Check | None],
    ) -> Any:
        """Draw from a distribution of real parameters, each given with its name and check."""
        dtype = float_dtype(dtype)
        params = [as_float(x, name, dtype, check) for x, name, check in named]
        return self._draw(sampler, draw_shape(size, *params), dtype, *params)

    def _draw_standard(self, sampler: Sampler, size: Any, dtype: Any) -> Any:
        """Draw from a distribution of floats that has no parameters."""
        if type(size) is not int:
            size = as_shape(size)
        return self._out(self._step(float_plan(sampler, size, dtype, self._stream, x64_enabled())))

    @property
    def stream(self) -> str:
        """The counter layout of the generator, ``'original'`` or ``'partitionable'``."""
        return self._stream

    def split_key(self) -> Any:
        """Draw a key, for another RandomState or for `jax.random`.

        Returns
        -------
        jax.Array or numpy.ndarray
            Raw key, uint32 of shape (2,). A plain array of the backend.
        """
        return self._key_out(self._step(split_plan(None, self._stream)))

    def split_keys(self, n: int) -> Any:
        """Draw `n` keys with one step of the state.

        Parameters
        ----------
        n : int
            How many, at least 0.

        Returns
        -------
        jax.Array or numpy.ndarray
            Raw keys, uint32 of shape (n, 2). A plain array of the backend.

        Notes
        -----
        The state becomes row 0 of ``split(key, n + 1)``; the others are returned.
        """
        shape = as_shape(n)
        if len(shape) != 1 or n is None:
            raise TypeError(f"n must be an integer, got {n!r}")
        return self._key_out(self._step(split_plan(shape[0], self._stream)))
