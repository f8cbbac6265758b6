"""`Variable`: a pointer to a tensor whose value can change."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from brainvar import ops
from brainvar._compat import Tracer, trace_state
from brainvar.core import _assign
from brainvar.core._pytree import static_part
from brainvar.core.array import JaxArray, unwrap
from brainvar.core.tracking import escaped, local, raw_transform_write

__all__ = ["Parameter", "TrainVar", "Variable"]


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
    A Variable owns its buffer exclusively or shares it (``_exclusive``). Whatever hands the
    buffer out (``.value``, NumPy's and dlpack's protocols, pytree flattening, a method that
    returns its argument) marks it as shared first. Only private copies and results of this
    package's own kernels are stored as exclusive; only those may be overwritten in place.
    """

    __slots__ = ("__dict__", "_birth", "_exclusive", "_name", "_replaced", "type")

    type: str
    _exclusive: bool
    _name: str | None

    def __init__(self, value: Any, dtype: Any = None, *, type: str = "", name: str | None = None):
        super().__init__(value, dtype)
        self.type = type
        self._name = name
        # to_raw copies what comes from NumPy and lists; a jax.Array is somebody's.
        shared = isinstance(value, jax.Array) or hasattr(value, "__jax_array__")
        self._own(exclusive=not shared)

    def _own(self, *, exclusive: bool) -> None:
        """Set up what concerns the ownership of the buffer of a new instance."""
        self._exclusive = exclusive
        self._replaced = 0
        # The trace that the Variable lives in.
        self._birth = trace_state()

    @classmethod
    def _rebuild(cls, raw: Any, state: dict[str, Any]) -> Any:
        self = super()._rebuild(raw, {"type": "", "_name": None, **state})
        self._own(exclusive=False)
        return self

    # -- reading -----------------------------------------------------------------------------

    @property
    def value(self) -> jax.Array:
        """The plain `jax.Array`; inside a transform, the value at this point of the trace."""
        self._exclusive = False
        return self._read()

    @value.setter
    def value(self, value: Any) -> None:
        self._assign(value)

    def _read(self) -> Any:
        frame = local.frame
        if frame is not None:
            return frame.read(self)
        if self._frame is not None:
            raise escaped(self)
        return self._value

    def _let_out(self) -> None:
        self._exclusive = False

    def _peek(self) -> Any:
        frame = local.frame
        return self._value if frame is None else frame.peek(self)

    # -- writing -----------------------------------------------------------------------------

    def _store(self, raw: Any) -> None:
        self._set_raw(raw)

    def _set_raw(self, raw: Any, *, exclusive: bool = False) -> None:
        """Store a raw array of exactly this shape and dtype.

        `exclusive` says that nobody else holds `raw`, which only a kernel of this package or a
        private copy can promise.
        """
        frame = local.frame
        if frame is not None:
            frame.write(self, raw)
            return
        if self._frame is not None:
            raise escaped(self)
        here = trace_state()
        if here is not self._birth and here != self._birth:
            raise raw_transform_write(self)
        self._value = raw
        self._exclusive = exclusive and not isinstance(raw, Tracer)

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
        weights = _assign.cast(unwrap(weights), self.dtype, f"weights for {self._describe()}")
        new = ops.add_events(self._read(), unwrap(spikes), unwrap(targets), weights)
        self._set_raw(self._of_same_shape(new, spikes))

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
        weights = _assign.cast(unwrap(weights), self.dtype, f"weights for {self._describe()}")
        tables = unwrap(indptr), unwrap(indices)
        new = ops.add_events_csr(self._read(), unwrap(spikes), *tables, weights)
        self._set_raw(self._of_same_shape(new, spikes))

    def _of_same_shape(self, new: Any, spikes: Any) -> Any:
        if new.shape != self.shape:
            raise ValueError(
                f"{self._describe()} keeps its shape, but spikes of shape {jnp.shape(spikes)} "
                f"would make it {new.shape}: leading dimensions of the spikes must be its own."
            )
        return new

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


class TrainVar(Variable):
    """A trainable Variable: what `Base.train_vars` collects and gradients are taken for."""


class Parameter(Variable):
    """A Variable that labels a dynamically changed parameter, found by `Collector.subset`."""
