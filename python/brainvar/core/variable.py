"""`Variable`: a pointer to a tensor whose value can change."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from brainvar import ops
from brainvar._compat import (
    TOP_TRACE_STATE,
    Tracer,
    at_top_level,
    trace_state,
    x64_enabled,
)
from brainvar.core import _assign, _inplace
from brainvar.core._indexing import read
from brainvar.core._pytree import static_part
from brainvar.core._writing import raw_index, raw_operand
from brainvar.core.array import JaxArray
from brainvar.core.tracking import Lost, local, raw_transform_write, unusable
from brainvar.ops._events import event_table

__all__ = ["Parameter", "TrainVar", "Variable"]


_LET_OUT = "its value was let out, by .value, as a NumPy or dlpack view, or by a function"
_ASSIGNED = "its value was assigned as a whole, v.value = x"
_TRACED = "a transform of JAX used it, which may keep it"


class Variable(JaxArray):
    """A pointer to a tensor whose value can change, eagerly and inside transforms.

    What a compiled function reads from a Variable is an input of the program, and what it writes
    an output. Every other array is compiled as static data.

    Parameters
    ----------
    value : array_like
        The first value. A list is taken as values, never as a shape.
    dtype : dtype, optional
        Convert to it; the dtype and the shape are kept from then on.
    type : str, optional
        A tag by which `Collector.subset` finds Variables of one purpose.
    name : str, optional
        A name for messages.

    Notes
    -----
    A write costs what it writes, ``v[i] = x`` on a large Variable as on a small one: it goes into
    the buffer that the Variable holds. What was let out of it, by ``.value`` or as a NumPy view
    for instance, never changes: the next write copies the buffer first, once. See
    `inplace_stats` and ``bm.on_copy``.
    """

    # `_cell` says who owns the buffer. Whatever hands the buffer out shares it first (`_let_out`);
    # only private copies and results of compiled programs are stored as exclusive.
    __slots__ = ("__dict__", "_birth", "_cell", "_name", "_replaced", "type")

    # Whether compiled programs may take the buffer to write in it.
    _donated = True

    # What to write where a transform of JAX would change the Variable.
    _instead = (
        "Use brainvar.math's jit or for_loop, or return the new value from the transformed "
        "function and assign it outside."
    )

    type: str
    _cell: Any
    _name: str | None

    def __init__(self, value: Any, dtype: Any = None, *, type: str = "", name: str | None = None):
        super().__init__(value, dtype)
        self.type = type
        self._name = name
        # to_raw copies what comes from NumPy and lists; a jax.Array is somebody's.
        shared = isinstance(value, jax.Array) or hasattr(value, "__jax_array__")
        self._own("the Variable was made from a JAX array" if shared else None)

    def _own(self, reason: str | None) -> None:
        """Set up what a new instance has; the buffer is shared for a reason, or its own."""
        self._cell = _inplace.Cell(reason)
        self._replaced = 0
        # The trace that the Variable lives in.
        self._birth = trace_state()

    @classmethod
    def _rebuild(cls, raw: Any, state: dict[str, Any]) -> Any:
        self = super()._rebuild(raw, {"type": "", "_name": None, **state})
        self._own("the Variable is a copy of another one")
        return self

    # -- reading -----------------------------------------------------------------------------

    @property
    def value(self) -> jax.Array:
        """The plain `jax.Array`; inside a transform, the value at this point of the trace."""
        frame = local.frame
        return _inplace.share(self, _LET_OUT) if frame is None else frame.read(self)

    @value.setter
    def value(self, value: Any) -> None:
        self._assign(value)

    def _read(self) -> Any:
        frame = local.frame
        if frame is not None:
            return frame.read(self)
        # A trace of JAX keeps what it computes with, as a constant or a residual.
        return _inplace.read(self) if at_top_level() else _inplace.share(self, _TRACED)

    def _let_out(self) -> None:
        if local.frame is None:
            _inplace.share(self, _LET_OUT)

    def _peek(self) -> Any:
        frame = local.frame
        if frame is not None:
            return frame.peek(self)
        if self._frame is not None:
            return self._frame if isinstance(self._frame, Lost) else self._value
        # NumPy's view of an array stays with the array object: not with ours, whose buffer could
        # then no longer be written in place.
        return _inplace.alias(_inplace.read(self))

    def block_until_ready(self) -> Any:
        """Wait until the value is computed, and return the Variable. Nothing is let out."""
        self._read().block_until_ready()
        return self

    def __getitem__(self, index: Any) -> JaxArray:
        place = raw_index(index)
        raw = self._read()
        part = read(raw, place, self)
        if local.frame is not None:
            part = local.frame.read_part(self, raw, part)
        return self._result(part, raw)

    # -- writing -----------------------------------------------------------------------------

    def _read_to_update(self) -> Any:
        if local.frame is not None:
            local.frame.note_update(self)
        return self._read()

    def _store(self, raw: Any) -> None:
        self._set_raw(raw)

    def _set_raw(self, raw: Any, *, exclusive: bool = False) -> None:
        """Store a raw array of exactly this shape and dtype.

        `exclusive` says that nobody else holds `raw`, which only a compiled program of this
        package or a private copy can promise.
        """
        frame = local.frame
        if frame is not None:
            frame.write(self, raw)
            return
        made_in = self._frame
        if made_in is not None and not isinstance(made_in, Lost):
            raise unusable(self)
        here = trace_state()
        if here is not self._birth and here != self._birth:
            raise raw_transform_write(self)
        own = exclusive and not isinstance(raw, Tracer)
        _inplace.store(self, raw, None if own else _ASSIGNED)

    def _eager(self) -> bool:
        return local.frame is None and self._birth is TOP_TRACE_STATE and at_top_level()

    def _update(self, function: _inplace.Donating, *args: Any) -> None:
        _inplace.update(self, function, *args)

    def inplace_stats(self) -> _inplace.InplaceStats:
        """Return how many writes went into the buffer, and how many had to copy it, and why.

        Returns
        -------
        InplaceStats
            With the fields ``in_place``, ``replaced`` and ``copies``, a dict from reasons to
            counts. A compiled program counts once for each Variable that it writes.
        """
        return _inplace.stats_of(self)

    def _state(self) -> dict[str, Any]:
        return {"type": self.type, **super()._state()}

    def _copied_state(self) -> dict[str, Any]:
        return {**self._state(), "_name": self._name}

    def _static_key(self) -> Any:
        return static_part(self) if self.__dict__ else self.type

    # -- event-driven accumulation -----------------------------------------------------------

    def add_events(self, spikes: Any, targets: Any, weights: Any) -> None:
        """Add the weights of the active rows of a fan-out table, in place.

        For each ``i`` with ``spikes[i] != 0``: ``self[targets[i]] += weights[i] * spikes[i]``,
        at the cost of the active rows only.

        Parameters
        ----------
        spikes : array, shape (n_pre,)
            Booleans, or values of this Variable's dtype that scale the weights of their row.
        targets : int array, shape (n_pre, fan_out)
            The elements that each row adds to; those outside of the Variable are dropped.
        weights : scalar or array, shape (n_pre, fan_out)
            One weight for all, or one for each entry of `targets`.

        Raises
        ------
        ValueError, TypeError
            If shapes or dtypes do not fit each other, or the weights not this Variable.
        """
        table = event_table("add_events: targets", raw_operand(targets))
        self._add(ops.add_events, spikes, weights, table)

    def add_events_csr(self, spikes: Any, indptr: Any, indices: Any, weights: Any) -> None:
        """Add the weights of the active rows of a CSR matrix, in place.

        As `add_events`, where row ``i`` is ``indices[indptr[i]:indptr[i + 1]]``, as in
        `scipy.sparse.csr_array`.

        Parameters
        ----------
        spikes : array, shape (n_pre,)
            Booleans, or values of this Variable's dtype that scale the weights of their row.
        indptr : int array, shape (n_pre + 1,)
            Where each row starts in `indices`.
        indices : int array, shape (nnz,)
            The elements that each row adds to; those outside of the Variable are dropped.
        weights : scalar or array, shape (nnz,)
            One weight for all, or one for each entry of `indices`.

        Raises
        ------
        ValueError, TypeError
            If shapes or dtypes do not fit each other, or the weights not this Variable.
        """
        first = event_table("add_events_csr: indptr", raw_operand(indptr), wide=True)
        table = event_table("add_events_csr: indices", raw_operand(indices))
        self._add(ops.add_events_csr, spikes, weights, first, table)

    def _add(self, add: Any, spikes: Any, weights: Any, *tables: Any) -> None:
        with _assign.widths_of(self.dtype):
            self._add_here(add, spikes, weights, *tables)

    def _add_here(self, add: Any, spikes: Any, weights: Any, *tables: Any) -> None:
        weights = _assign.cast(raw_operand(weights), self.dtype, f"weights for {self._describe()}")
        spikes = raw_operand(spikes)
        if not isinstance(spikes, jax.Array):
            spikes = np.array(spikes)  # JAX may read it after the call has returned
        try:
            shape = np.broadcast_shapes(self.shape[:-1], spikes.shape[:-1])
        except ValueError:  # add() says what does not fit
            shape = self.shape[:-1]
        if shape != self.shape[:-1]:
            raise ValueError(
                f"{self._describe()} keeps its shape, but spikes of shape {spikes.shape} would "
                f"make it {shape + self.shape[-1:]}: leading dimensions of the spikes must be its "
                "own."
            )
        operands = spikes, *tables, weights
        if self._eager() and not any(isinstance(x, Tracer) for x in operands):
            signature = [(x.shape, x.dtype, x64_enabled()) for x in (self._value, *operands)]
            self._update(_event_program(add, *signature), *operands)
        else:
            self._set_raw(add(self._read_to_update(), *operands))

    # -- identity ----------------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """The name given to the Variable, for messages."""
        return self._name

    def issametype(self, other: Any) -> bool:
        """Whether `other` is a Variable of the same class and the same type tag."""
        return (
            isinstance(other, Variable)
            and other.__class__ is self.__class__
            and other.type == self.type
        )

    def _describe(self) -> str:
        text = super()._describe()
        return f"{text} named '{self._name}'" if self._name else text


@functools.lru_cache(1024)
def _event_program(add: Any, *signature: Any) -> _inplace.Donating:
    """Return the compiled accumulation for operands of some shapes and dtypes."""
    del signature
    return _inplace.Donating(add, f"{add.__name__}()")


class TrainVar(Variable):
    """A trainable Variable: what `Base.train_vars` collects and gradients are taken for."""


class Parameter(Variable):
    """A Variable that labels a dynamically changed parameter, found by `Collector.subset`."""


_inplace.bind(Variable, JaxArray)
