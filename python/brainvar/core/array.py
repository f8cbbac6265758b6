"""`JaxArray`: one `jax.Array` behind the interface of `numpy.ndarray`."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from brainvar._compat import Tracer, at_top_level
from brainvar.core import _assign
from brainvar.core._facade import arguments
from brainvar.core._indexing import read
from brainvar.core._methods import AtIndexer, binary, inplace, unary
from brainvar.core._ndarray import NdarrayMethods
from brainvar.core._protocols import array_function, array_ufunc
from brainvar.core._pytree import register_pytree, static_part
from brainvar.core._writing import raw_index, write
from brainvar.core.tracking import local, static_change

__all__ = ["JaxArray", "as_raw", "unwrap", "wrap"]


class JaxArray(NdarrayMethods):
    """An array with the methods and operators of `numpy.ndarray`, held by JAX.

    Every operation on it gives a new ``JaxArray``; the statements that write, ``a[i] = x`` and
    ``a += x``, keep the object and change the array that it refers to, as in NumPy.

    Parameters
    ----------
    value : array_like
        Anything that `jax.numpy.asarray` takes. A NumPy array is copied.
    dtype : dtype, optional
        Convert to it.

    Notes
    -----
    Shape and dtype never change. Values that are assigned are broadcast to the shape and cast
    by NumPy's ``same_kind`` rule; anything else is an error.

    With a plain `jax.Array` on the left, ``raw + a``, the operator is JAX's and gives a plain
    `jax.Array`; so do the functions of `jax.numpy`, unlike those of ``brainvar.math``.
    """

    __slots__ = ("__weakref__", "_frame", "_value")

    # Above numpy.ndarray (0) and jax.Array (100): a mixed operation gives a JaxArray.
    __array_priority__ = 200

    _value: Any

    def __init__(self, value: Any, dtype: Any = None):
        self._value = to_raw(value, dtype, type(self).__name__)
        self._frame = local.frame

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register_pytree(cls)

    @classmethod
    def _wrap(cls, raw: Any) -> JaxArray:
        """Wrap a raw array without any check."""
        self = object.__new__(JaxArray)
        self._value = raw
        self._frame = local.frame
        return self

    # -- the value ---------------------------------------------------------------------------

    @property
    def value(self) -> jax.Array:
        """The plain `jax.Array`."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._assign(value)

    def _read(self) -> Any:
        """Return the raw array for an operation whose result is another array."""
        return self._value

    def _read_to_update(self) -> Any:
        """Return the raw array for a write to some of its elements inside a trace."""
        return self._read()

    def _let_out(self) -> None:
        """Note that somebody else may hold the raw array from now on."""

    def _store(self, raw: Any) -> None:
        """Take a raw array of this shape and dtype as the new value."""
        frame = local.frame
        if frame is not None and self._frame is not frame:
            raise static_change(self._describe(), frame)
        self._value = raw

    def _eager(self) -> bool:
        """Whether a write may run as a compiled call here and now: outside of any trace."""
        return local.frame is None and at_top_level() and not isinstance(self._value, Tracer)

    def _update(self, function: Any, *args: Any) -> None:
        """Take ``function(value, *args)`` as the new value, in eager code.

        A JaxArray gives it a copy; a Variable the buffer itself.
        """
        self._store(function.of_copy(self._value, *args))

    def _assign(self, value: Any) -> None:
        """Take `value` as the new value, under the rules of assignment."""
        if isinstance(value, JaxArray):
            value = value.value
        held = self._value
        if not (
            isinstance(value, jax.Array)
            and value.shape == held.shape
            and value.dtype == held.dtype
            and not value.aval.weak_type
        ):
            value = _assign.coerce(value, held.shape, held.dtype, self)
        self._store(value)

    def update(self, value: Any) -> None:
        """Assign a new value; the same as ``self.value = value``."""
        self._assign(value)

    def _describe(self) -> str:
        """Return this array in words, for messages."""
        dims = ", ".join(map(str, self.shape))
        return f"{type(self).__name__} {self.dtype}[{dims}]"

    def _result(self, out: Any, raw: Any) -> Any:
        """Wrap what an operation on `raw` gave."""
        if out is raw:  # Many functions of JAX return their argument where nothing is to do.
            self._let_out()
        return JaxArray._wrap(out) if isinstance(out, jax.Array) else out

    # -- attributes --------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension."""
        return self._value.shape

    @property
    def dtype(self) -> np.dtype:
        """The type of an element."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._value.size

    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return self._value.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self.size * self.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """The steps in bytes of a row-major array of this shape."""
        steps, step = [], self.itemsize
        for length in reversed(self.shape):
            steps.append(step)
            step *= max(length, 1)
        return tuple(reversed(steps))

    @property
    def T(self) -> JaxArray:
        """The transposed array."""
        raw = self._read()
        return self._result(raw.T, raw)

    @property
    def mT(self) -> JaxArray:
        """The array with its last two dimensions swapped."""
        raw = self._read()
        return self._result(raw.mT, raw)

    @property
    def real(self) -> JaxArray:
        """The real part."""
        raw = self._read()
        return self._result(raw.real, raw)

    @property
    def imag(self) -> JaxArray:
        """The imaginary part."""
        raw = self._read()
        return self._result(raw.imag, raw)

    @property
    def flat(self) -> np.flatiter:
        """A read-only iterator over the elements."""
        return np.asarray(self.value).flat

    @property
    def at(self) -> AtIndexer:
        """JAX's functional updates: ``a.at[index].set(x)`` gives a new ``JaxArray``."""
        return AtIndexer(self)

    def __getattr__(self, name: str) -> Any:
        # Reached only for what neither NumPy's interface above nor a subclass defines.
        if not name.startswith("_") and hasattr(self._peek(), name):
            return getattr(self.value, name)
        hint = ""
        if hasattr(np.ndarray, name):
            hint = (
                f" (numpy.ndarray's, but it concerns memory, which JAX owns: np.asarray(x).{name})"
            )
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}")

    # -- operators ---------------------------------------------------------------------------

    __add__, __radd__ = binary(operator.add), binary(operator.add, swap=True)
    __sub__, __rsub__ = binary(operator.sub), binary(operator.sub, swap=True)
    __mul__, __rmul__ = binary(operator.mul), binary(operator.mul, swap=True)
    __truediv__ = binary(operator.truediv)
    __rtruediv__ = binary(operator.truediv, swap=True)
    __floordiv__ = binary(operator.floordiv)
    __rfloordiv__ = binary(operator.floordiv, swap=True)
    __mod__, __rmod__ = binary(operator.mod), binary(operator.mod, swap=True)
    __divmod__, __rdivmod__ = binary(divmod), binary(divmod, swap=True)
    __pow__, __rpow__ = binary(operator.pow), binary(operator.pow, swap=True)
    __matmul__ = binary(operator.matmul)
    __rmatmul__ = binary(operator.matmul, swap=True)
    __and__, __rand__ = binary(operator.and_), binary(operator.and_, swap=True)
    __or__, __ror__ = binary(operator.or_), binary(operator.or_, swap=True)
    __xor__, __rxor__ = binary(operator.xor), binary(operator.xor, swap=True)
    __lshift__ = binary(operator.lshift)
    __rlshift__ = binary(operator.lshift, swap=True)
    __rshift__ = binary(operator.rshift)
    __rrshift__ = binary(operator.rshift, swap=True)

    __eq__, __ne__ = binary(operator.eq), binary(operator.ne)
    __lt__, __le__ = binary(operator.lt), binary(operator.le)
    __gt__, __ge__ = binary(operator.gt), binary(operator.ge)
    # By identity: a Variable is a place, and places are kept in sets and dicts.
    __hash__ = object.__hash__

    __neg__, __pos__ = unary(operator.neg), unary(operator.pos)
    __abs__, __invert__ = unary(operator.abs), unary(operator.invert)

    __iadd__, __isub__ = inplace(operator.add), inplace(operator.sub)
    __imul__, __itruediv__ = inplace(operator.mul), inplace(operator.truediv)
    __ifloordiv__, __imod__ = inplace(operator.floordiv), inplace(operator.mod)
    __ipow__, __imatmul__ = inplace(operator.pow), inplace(operator.matmul)
    __iand__, __ior__, __ixor__ = (inplace(f) for f in (operator.and_, operator.or_, operator.xor))
    __ilshift__, __irshift__ = inplace(operator.lshift), inplace(operator.rshift)

    # -- indexing ----------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> JaxArray:
        place = raw_index(index)
        raw = self._read()
        return self._result(read(raw, place, self), raw)

    def __setitem__(self, index: Any, value: Any) -> None:
        write(self, index, value)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[JaxArray]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        raw = self.value  # iterating over what the array holds now, however it changes
        return (self._result(row, None) for row in raw)

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    # -- conversions -------------------------------------------------------------------------

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth value of {self._describe()} is ambiguous: use x.any() or x.all(), "
                "or 'is' to ask whether two names mean the same object."
            )
        return bool(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __float__(self) -> float:
        return float(self._read())

    def __complex__(self) -> complex:
        return complex(self._read())

    def __index__(self) -> int:
        return operator.index(self._read())

    def __round__(self, ndigits: int | None = None) -> Any:
        return self.round(ndigits or 0)

    def __format__(self, spec: str) -> str:
        return format(self._read(), spec)

    def __repr__(self) -> str:
        prefix = f"{type(self).__name__}("
        return prefix + repr(self._peek()).replace("\n", "\n" + " " * len(prefix)) + ")"

    def __str__(self) -> str:
        return str(self._peek())

    def _peek(self) -> Any:
        """Return the raw array to be looked at only."""
        return self._value

    def __jax_array__(self) -> jax.Array:
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
        return array_ufunc(ufunc, how, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return array_function(func, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.value.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        raw: Any = self.value
        return raw.__dlpack_device__()

    # -- copies ------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        """Return what a copy has besides the value: the attributes of the instance."""
        return dict(getattr(self, "__dict__", ()))

    def _static_key(self) -> Any:
        """Return what a compiled program depends on besides class, shape and dtype."""
        return static_part(self)

    @classmethod
    def _rebuild(cls, raw: Any, state: dict[str, Any]) -> Any:
        """Make an instance from a raw value, which is not looked at, and a `_state`."""
        self = object.__new__(cls)
        self._value = raw
        self._frame = local.frame
        for name, x in state.items():
            setattr(self, name, x)
        return self

    def _copied_state(self) -> dict[str, Any]:
        """Return what copies and pickles have besides the value."""
        return self._state()

    def __copy__(self) -> Any:
        return self._rebuild(self.value, self._copied_state())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        import copy

        # The arrays of JAX do not change, so that sharing one is a deep copy of it.
        new = self._rebuild(self.value, {})
        memo[id(self)] = new
        state = copy.deepcopy(self._copied_state(), memo)
        for name, x in state.items():
            setattr(new, name, x)
        return new

    def __reduce__(self) -> Any:
        return _unpickle, (type(self), np.asarray(self.value), self._copied_state())


def _unpickle(cls: type, value: np.ndarray, state: dict[str, Any]) -> Any:
    return cls._rebuild(_assign.private_array(value), state)


def as_raw(x: Any) -> Any:
    """Return the raw array of a `JaxArray`, and anything else as it is."""
    return x.value if isinstance(x, JaxArray) else x


def unwrap(x: Any) -> Any:
    """Replace every `JaxArray` in nested lists, tuples and dicts by its raw array.

    NumPy arrays are copied: JAX may read them after the call has returned.
    """
    return arguments(x)


def wrap(x: Any) -> Any:
    """Replace every raw array in nested lists, tuples and dicts by a `JaxArray`."""
    if isinstance(x, jax.Array):
        return JaxArray._wrap(x)
    if isinstance(x, (list, tuple, dict)):
        return jax.tree.map(wrap, x, is_leaf=lambda leaf: isinstance(leaf, (jax.Array, JaxArray)))
    return x


def to_raw(value: Any, dtype: Any = None, target: str = "an array") -> jax.Array:
    """Convert `value` to a raw array that is not weakly typed; `target` is for messages."""
    return _assign.first_value(as_raw(value), dtype, target)


register_pytree(JaxArray)
