"""The methods of `numpy.ndarray`, for the array classes."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar.core._augmented import update_by
from brainvar.core._facade import Facade, arguments, give_out, operand
from brainvar.core._indexing import check_index
from brainvar.core._methods import method
from brainvar.core._numpy_writers import put
from brainvar.core._writing import write

__all__ = ["NdarrayMethods"]


class NdarrayMethods(Facade):
    """What `numpy.ndarray` has besides operators and attributes."""

    __slots__ = ()

    dtype: np.dtype
    shape: tuple[int, ...]

    # -- methods of numpy.ndarray that give a new array --------------------------------------

    all, any = method("all"), method("any")
    argmax, argmin = method("argmax"), method("argmin")
    choose = method("choose", takes_lists=True)
    clip, round = method("clip", takes_lists=True), method("round")
    conj, conjugate = method("conj"), method("conjugate")
    cumprod, cumsum = method("cumprod"), method("cumsum")
    diagonal, trace = method("diagonal"), method("trace")
    dot = method("dot", takes_lists=True)
    max, min, ptp = method("max"), method("min"), method("ptp")
    mean = method("mean")
    nonzero = method("nonzero")
    prod, sum = method("prod"), method("sum")
    repeat = method("repeat", takes_lists=True)
    searchsorted = method("searchsorted", takes_lists=True)
    squeeze, swapaxes = method("squeeze"), method("swapaxes")

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        """Return the elements in another shape, as `numpy.ndarray.reshape`."""
        raw = self._read()
        if copy is False:
            raise ValueError("reshape(copy=False): whether JAX copies cannot be chosen.")
        out = raw.reshape(*arguments(shape), order=_order(order))
        return self._result(out.copy() if copy and out is raw else out, raw)

    def transpose(self, *axes: Any) -> Any:
        """Return the array with its axes reversed or permuted, as `numpy.ndarray.transpose`."""
        raw = self._read()
        return self._result(raw.transpose(*arguments(axes)), raw)

    def flatten(self, order: str = "C") -> Any:
        """Return the elements in one dimension."""
        raw = self._read()
        return self._result(raw.flatten(_order(order)), raw)

    def ravel(self, order: str = "C") -> Any:
        """Return the elements in one dimension; the same as `flatten` in JAX."""
        raw = self._read()
        return self._result(raw.ravel(_order(order)), raw)

    def copy(self, order: str = "C") -> Any:
        """Return a copy; the memory order is JAX's."""
        _order(order)
        raw = self._read()
        return self._result(raw.copy(), raw)

    def view(self, dtype: Any = None, type: Any = None) -> Any:
        """Return the bits of the elements as another dtype. The result is a copy."""
        raw = self._read()
        return self._result(raw.view(dtype, type), raw)

    def var(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: bool = False,
        *,
        where: Any = None,
        mean: Any = None,
        correction: Any = None,
    ) -> Any:
        """Return the variance, as `numpy.var`."""
        raw, where = self._read(), arguments(where)
        ddof = ddof if correction is None else correction
        if mean is None:
            result = jnp.var(raw, axis, dtype, ddof=ddof, keepdims=keepdims, where=where)
        else:  # not in every version of jax.numpy
            squares = jnp.abs(raw - arguments(mean)) ** 2
            total = jnp.sum(squares, axis, dtype, keepdims=keepdims, where=where)
            ones = jnp.ones(raw.shape, squares.dtype)
            result = total / (jnp.sum(ones, axis, keepdims=keepdims, where=where) - ddof)
        result = self._result(result, raw)
        return result if out is None else give_out(result, out)

    def std(
        self, axis: Any = None, dtype: Any = None, out: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Return the standard deviation, as `numpy.std`; the arguments are those of `var`."""
        variance = self.var(axis, dtype, None, *args, **kwargs)
        result = self._result(jnp.sqrt(variance.value), None)
        return result if out is None else give_out(result, out)

    def byteswap(self, inplace: bool = False) -> Any:
        """Return the elements with their bytes in reversed order."""
        if not inplace:
            raw = self._read()
            return self._result(_swap_bytes(raw), raw)
        self._replace(_swap_bytes)
        return self

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> Any:
        """Return the elements as another dtype, as `numpy.ndarray.astype`.

        Raises
        ------
        TypeError
            If `casting` does not allow the conversion.
        """
        del subok, copy
        _order(order)
        if not np.can_cast(self.dtype, np.dtype(dtype), casting):
            raise TypeError(
                f"cannot cast {self._describe()} to {np.dtype(dtype)} under casting={casting!r}."
            )
        raw = self._read()
        return self._result(raw.astype(dtype), raw)

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        """Return the slices along `axis` where `condition` is true."""
        raw, condition = self._read(), operand(condition)
        result = self._result(jnp.compress(condition, raw, axis=axis), raw)
        return result if out is None else give_out(result, out)

    def argsort(
        self,
        axis: int | None = -1,
        kind: Any = None,
        order: Any = None,
        *,
        stable: bool | None = None,
        descending: bool = False,
    ) -> Any:
        """Return the indices that would sort, as `numpy.ndarray.argsort`."""
        del kind, order
        raw, stable = self._read(), stable is not False
        return self._result(jnp.argsort(raw, axis, stable=stable, descending=descending), raw)

    def argpartition(self, kth: Any, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
        """Return the indices that would partition, as `numpy.ndarray.argpartition`."""
        del kind, order
        raw, kth = self._read(), arguments(kth)
        # A sorted array is partitioned around every element.
        if np.ndim(kth):
            return self._result(jnp.argsort(raw, axis), raw)
        return self._result(jnp.argpartition(raw, int(kth), axis), raw)

    def take(self, indices: Any, axis: int | None = None, out: Any = None, mode: Any = None) -> Any:
        """Take elements by index, as `numpy.take`; `mode` may also be JAX's ``'fill'``.

        Raises
        ------
        IndexError
            If `mode` is None or ``'raise'`` and a known index is out of bounds.
        """
        raw, indices = self._read(), operand(indices)
        if mode in (None, "raise"):
            length = (raw.size,) if axis is None else raw.shape[axis:][:1]
            check_index(jnp.asarray(indices), length, self)
            mode = None
        result = self._result(jnp.take(raw, indices, axis=axis, mode=mode), raw)
        return result if out is None else give_out(result, out)

    def item(self, *args: Any) -> Any:
        """Return one element as a Python scalar."""
        return np.asarray(self._peek()).item(*args)

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python scalars."""
        return np.asarray(self._peek()).tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        """Return the raw bytes of the elements."""
        return np.asarray(self._peek()).tobytes(order)

    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Write the elements to a file, as `numpy.ndarray.tofile`."""
        np.asarray(self._peek()).tofile(fid, sep, format)

    def dumps(self) -> bytes:
        """Return the array, as a NumPy array, as pickled bytes."""
        return np.asarray(self._peek()).dumps()

    def dump(self, file: Any) -> None:
        """Pickle the array, as a NumPy array, to a file."""
        np.asarray(self._peek()).dump(file)

    def to_numpy(self) -> np.ndarray:
        """Return a NumPy array of the same values that may be written to."""
        return np.array(self._peek())

    # -- methods of numpy.ndarray that write -------------------------------------------------

    def add_at(self, index: Any, value: Any) -> None:
        """Add to the elements that an index selects, as ``numpy.add.at(a, index, value)``.

        Unlike ``a[index] += value``, elements that the index names repeatedly change repeatedly.

        Parameters
        ----------
        index :
            Any index of NumPy.
        value : array_like
            It broadcasts to what the index selects, and is cast by the rules of assignment.

        Raises
        ------
        IndexError
            If the index is out of bounds.
        ValueError, TypeError, OverflowError
            If the value does not fit.
        """
        write(self, index, value, "add")

    def multiply_at(self, index: Any, value: Any) -> None:
        """Multiply the elements that an index selects, with repetitions as in `add_at`."""
        write(self, index, value, "multiply")

    def minimum_at(self, index: Any, value: Any) -> None:
        """Lower the elements that an index selects to `value` where they are above it."""
        write(self, index, value, "minimum")

    def maximum_at(self, index: Any, value: Any) -> None:
        """Raise the elements that an index selects to `value` where they are below it."""
        write(self, index, value, "maximum")

    def fill(self, value: Any) -> None:
        """Set every element to the scalar `value`."""
        raw = operand(value)
        if raw is NotImplemented:
            raise TypeError(f"fill() of {self._describe()} cannot take {value!r}: it is no number.")
        if np.size(raw) != 1:
            raise ValueError(f"fill() takes one value, got an array of shape {np.shape(raw)}.")
        write(self, ..., raw.reshape(()) if np.ndim(raw) else raw)

    def sort(
        self,
        axis: int = -1,
        kind: Any = None,
        order: Any = None,
        *,
        stable: bool | None = None,
        descending: bool = False,
    ) -> None:
        """Sort in place along `axis`, as `numpy.ndarray.sort`."""
        del kind, order
        self._replace(_sort(operator.index(axis), stable is not False, bool(descending)))

    def partition(self, kth: Any, axis: int = -1, kind: Any = None, order: Any = None) -> None:
        """Partition in place around element `kth`, as `numpy.ndarray.partition`."""
        del kind, order
        # A sorted array is partitioned around every element.
        kth, axis = arguments(kth), operator.index(axis)
        self._replace(_sort(axis, False, False) if np.ndim(kth) else _partition(int(kth), axis))

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Set elements of the flattened array, as `numpy.put`."""
        put(self, indices, values, mode)

    def _replace(self, function: Any) -> None:
        """Take what a function gives for the raw array as the new value."""
        if not update_by(self, function, (self,)):
            self._store(function(self._read()))


@functools.lru_cache(64)
def _sort(axis: int, stable: bool, descending: bool) -> Callable[[Any], Any]:
    return lambda raw: jnp.sort(raw, axis, stable=stable, descending=descending)


@functools.lru_cache(256)
def _partition(kth: int, axis: int) -> Callable[[Any], Any]:
    return lambda raw: jnp.partition(raw, kth, axis)


def _swap_bytes(raw: Any) -> Any:
    if jnp.iscomplexobj(raw):
        return jax.lax.complex(_swap_bytes(raw.real), _swap_bytes(raw.imag))
    if raw.dtype.itemsize == 1:
        return raw
    swapped = jax.lax.bitcast_convert_type(raw, np.uint8)[..., ::-1]
    return jax.lax.bitcast_convert_type(swapped, raw.dtype)


def _order(order: str) -> str:
    """Check a memory order; JAX has only one, in which 'A' and 'K' come out as 'C'."""
    if order not in ("C", "F", "A", "K"):
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K', got {order!r}.")
    return "F" if order == "F" else "C"
