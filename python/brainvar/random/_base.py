"""What every RandomState does, whichever backend holds its key."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from brainvar._compat import x64_enabled
from brainvar.random._arguments import (
    Check,
    as_float,
    as_shape,
    draw_shape,
    float_dtype,
)
from brainvar.random._keys import seed_key
from brainvar.random._placement import check_sharding, placed
from brainvar.random._plans import Plan, float_plan, gathered, keyed_plan, plan, split_plan
from brainvar.random._prng import threefry_prng_impl
from brainvar.random._samplers import Sampler
from brainvar.random._trace import trace

__all__ = ["DrawMethods"]


class DrawMethods:
    """The steps of a draw, on top of the hooks that a backend's RandomState supplies.

    ``_step(plan, *params)`` runs a plan with the state's key, stores the next key and returns the
    raw sample; ``_run(keyed_plan, key, *params)`` runs one with another key; ``_out(raw)`` makes
    the array that the user gets; ``_key_out(raw)`` the one of `split_key`.
    """

    _stream: str

    def _step(self, run: Plan, *params: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _run(run: Plan, key: Any, *params: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _out(raw: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _key_out(raw: Any) -> Any:
        raise NotImplementedError

    def _draw(
        self,
        sampler: Sampler,
        shape: tuple[int, ...],
        dtype: np.dtype,
        *params: Any,
        key: Any = None,
        sharding: Any = None,
        options: tuple[Any, ...] = (),
    ) -> Any:
        """Draw, from operands that are checked and converted."""
        if key is None and sharding is None:
            return self._out(
                self._step(plan(sampler, shape, dtype, self._stream, options), *params)
            )
        raw = self._draw_raw(
            sampler, shape, dtype, params, key=key, sharding=sharding, options=options
        )
        return self._out(raw)

    def _draw_raw(
        self,
        sampler: Sampler,
        shape: tuple[int, ...],
        dtype: np.dtype,
        params: tuple[Any, ...],
        *,
        key: Any = None,
        sharding: Any = None,
        options: tuple[Any, ...] = (),
        gather: tuple[str, int] | None = None,
    ) -> Any:
        """Draw a raw array, with a key of the user's or under a sharding where they are given."""
        what = sampler, shape, dtype, self._stream, options, gather
        if sharding is not None:
            full = shape if gather is None else gathered(params[0], shape, gather)
            check_sharding(sharding, full, *params)
        if key is not None:
            key = seed_key(key, self._stream)
        elif sharding is None:
            return self._step(plan(*what), *params)
        else:
            # Not in one program with the draw, whose results all live on the sharding's devices:
            # the state stays where it is.
            key = self._step(split_plan(None, self._stream))
        return self._run(keyed_plan(*what, sharding), *placed(sharding, key, *params))

    def _draw_floats(
        self,
        sampler: Sampler,
        size: Any,
        dtype: Any,
        *named: tuple[Any, str, Check | None],
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw from a distribution of real parameters, each given with its name and check."""
        dtype = float_dtype(dtype)
        params = [as_float(x, name, dtype, check) for x, name, check in named]
        shape = draw_shape(size, *params)
        return self._draw(sampler, shape, dtype, *params, key=key, sharding=sharding)

    def _draw_standard(
        self, sampler: Sampler, size: Any, dtype: Any, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw from a distribution of floats that has no parameters."""
        if key is not None or sharding is not None:
            shape, dtype = as_shape(size), float_dtype(dtype)
            return self._draw(sampler, shape, dtype, key=key, sharding=sharding)
        if type(size) is not int:
            size = as_shape(size)
        return self._out(self._step(float_plan(sampler, size, dtype, self._stream, x64_enabled())))

    @property
    def stream(self) -> str:
        """The counter layout of the generator, ``'original'`` or ``'partitionable'``."""
        return self._stream

    @property
    def impl(self) -> Any:
        """The generator as an implementation for `jax.random`: ``threefry_prng_impl(stream)``.

        ``jax.random.wrap_key_data(rng.split_key(), impl=rng.impl)`` is a typed key for `jax.random`
        that gives there what ``key=rng.split_key()`` gives here, as far as the samplers are alike.
        """
        return threefry_prng_impl(self._stream)

    def trace(self, *others: Any, on_reuse: Literal["record", "warn", "error"] = "record") -> trace:
        """Record what this generator draws in a ``with`` block, and keys that are used twice.

        Parameters
        ----------
        *others : RandomState
            Further generators for the same record.
        on_reuse : {'record', 'warn', 'error'}
            What happens when a key is used for the second time.

        Returns
        -------
        trace
            The record, see `brainvar.random.trace`; printed, it is a report.
        """
        return trace(self, *others, on_reuse=on_reuse)

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
