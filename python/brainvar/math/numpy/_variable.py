"""`Variable` for the numpy backend: a `numpy.ndarray` whose place in memory never changes."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from brainvar.core import _assign
from brainvar.core._inplace import InplaceStats
from brainvar.core.collector import register_variable_types
from brainvar.math.numpy._events import accumulate, accumulate_csr

__all__ = ["Parameter", "TrainVar", "Variable"]


def plain(x: Any) -> Any:
    """Replace every Variable in an argument, in lists, tuples and dicts too, by its array."""
    if isinstance(x, Variable):
        return x._plain
    kind = type(x)
    if kind is list or kind is tuple:
        return kind([plain(item) for item in x])
    if kind is dict:
        return {key: plain(value) for key, value in x.items()}
    return x


def _give_back(result: Any, out: Any) -> Any:
    """Return the Variable that was given as ``out=`` instead of the view of it."""
    if isinstance(out, tuple):
        if len(out) == 1:
            return _give_back(result, out[0])
        return tuple(_give_back(r, o) for r, o in zip(result, out, strict=True))
    return out if isinstance(out, Variable) else result


def _detached(result: Any, array: np.ndarray) -> Any:
    """Copy a result that shares the memory of `array`.

    A view would change with the Variable, where the same code on the jax backend has a value.
    """
    if isinstance(result, np.ndarray) and np.may_share_memory(result, array):
        return np.array(result)
    return result


def _delegate(name: str) -> Callable[..., Any]:
    """Make a method of Variable that is the one of its plain array."""
    method = getattr(np.ndarray, name)

    @functools.wraps(method)
    def call(self: Variable, *args: Any, **kwargs: Any) -> Any:
        array, out = self._plain, kwargs.get("out")
        result = method(array, *map(plain, args), **plain(kwargs))
        return _detached(result, array) if out is None else _give_back(result, out)

    return call


class Variable(np.ndarray):
    """A pointer to an array whose value can change.

    Operations, indexing included, give plain arrays and scalars that never share the memory of
    the Variable; augmented assignments and writes to elements keep the Variable. It equals, as a
    key of a set or a dict, only itself.

    Parameters
    ----------
    value : array_like
        The first value, which is copied. A list is taken as values, never as a shape.
    dtype : dtype, optional
        Convert to it; the dtype and the shape are kept from then on.
    type : str, optional
        A tag by which `Collector.subset` finds Variables of one purpose.
    name : str, optional
        A name for messages.
    """

    type: str = ""
    _name: str | None = None

    # The array is made empty and filled in by __init__, so that a subclass may have an __init__
    # of its own, with other parameters, as it may in the jax backend.
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return np.ndarray.__new__(cls, 0)

    def __init__(self, value: Any, dtype: Any = None, *, type: str = "", name: str | None = None):
        data = np.array(plain(value), dtype=dtype)
        if data.dtype.kind not in "biufcV":
            raise TypeError(
                f"a {self.__class__.__name__} holds numbers; {value!r} is no array, number or "
                "rectangular sequence of numbers."
            )
        self._fill_in(data)
        self.type = type
        self._name = name

    def _fill_in(self, data: np.ndarray) -> None:
        """Become an array of the shape, dtype and content of `data`."""
        state: Any = (1, data.shape, data.dtype, False, data.tobytes())
        np.ndarray.__setstate__(self, state)

    @property
    def _plain(self) -> np.ndarray:
        """The plain array of the same memory, which no caller may get."""
        return np.ndarray.view(self, np.ndarray)

    @property
    def value(self) -> np.ndarray:
        """The value as a plain array: a copy that cannot be written to.

        As in the jax backend, what was read stays as it was when the Variable changes.
        """
        copied = np.array(self._plain)
        copied.flags.writeable = False
        return copied

    @value.setter
    def value(self, value: Any) -> None:
        np.ndarray.__setitem__(self, ..., self._accept(value, whole=True))

    def update(self, value: Any) -> None:
        """Assign a new value; the same as ``self.value = value``."""
        self.value = value

    def _accept(self, value: Any, *, whole: bool) -> np.ndarray:
        """Check a value against the rules of assignment, and give it this array's dtype.

        Raises
        ------
        ValueError
            If it does not broadcast to the shape.
        TypeError
            If it cannot be cast to the dtype by NumPy's ``same_kind`` rule.
        """
        raw = np.asarray(plain(value))
        if hasattr(value, "dtype"):  # arrays of JAX follow the rules of arrays too
            value = raw
        if raw.dtype.kind not in "biufcV":
            raise TypeError(
                f"{self._describe()} cannot take {value!r}: it is no array, number or sequence "
                "of numbers."
            )
        if not _assign.can_cast(value, raw, self.dtype):
            raise TypeError(
                f"{self._describe()} has dtype {self.dtype} and shape {self.shape}; a value of "
                f"dtype {raw.dtype} and shape {raw.shape} cannot be cast to it "
                f"(casting='same_kind'). Convert it first, x.astype({self.dtype.name!r}), or give "
                "the Variable a dtype that holds it."
            )
        if whole and raw.shape != self.shape:
            try:
                fits = np.broadcast_shapes(raw.shape, self.shape) == self.shape
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"{self._describe()} has shape {self.shape} and dtype {self.dtype}; a value "
                    f"of shape {raw.shape} and dtype {raw.dtype} does not broadcast to it. The "
                    "shape of a Variable never changes: make a new one instead."
                )
        if _assign.by_value(value, raw):
            _assign.check_range(raw, self.dtype, self._describe())
        return raw.astype(self.dtype, casting="unsafe", copy=False)

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
        text = f"{self.__class__.__name__} {self.dtype}[{', '.join(map(str, self.shape))}]"
        return f"{text} named '{self._name}'" if self._name else text

    # -- operations give plain arrays --------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        if method == "at" and isinstance(inputs[0], Variable) and len(inputs) > 2:
            inputs = (*inputs[:2], inputs[0]._accept(inputs[2], whole=False))
        result = getattr(ufunc, method)(*map(plain, inputs), **plain(kwargs))
        return result if out is None else _give_back(result, out)

    def fill(self, value: Any) -> None:
        """Set every element to a scalar, under the rules of assignment."""
        if np.size(value) != 1:
            raise ValueError(
                f"fill() takes one value, got an array of shape {np.shape(plain(value))}."
            )
        self._plain.fill(self._accept(value, whole=False).reshape(()))

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """Set elements of the flattened array, as `numpy.put`, under the rules of assignment."""
        self._plain.put(plain(indices), self._accept(values, whole=False), mode)

    def inplace_stats(self) -> InplaceStats:
        """Return the counters that Variables of the jax backend have, which are 0 here.

        NumPy writes in the memory of the array: nothing is ever copied for a write.
        """
        return InplaceStats(in_place=0, replaced=0, copies={})

    def block_until_ready(self) -> Variable:
        """Return the Variable: NumPy has computed its value."""
        return self

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.put and args and isinstance(args[0], Variable):
            return args[0].put(*args[1:], **kwargs)
        out = kwargs.get("out")
        result = func(*plain(args), **plain(kwargs))
        if out is not None:
            return _give_back(result, out)
        for x in (*args, *kwargs.values()):
            if isinstance(x, Variable):
                result = _detached(result, x._plain)
        return result

    def __array_wrap__(self, array: np.ndarray, *args: Any) -> Any:
        return self._plain.__array_wrap__(array, *args)

    def __getitem__(self, index: Any) -> Any:
        array = self._plain
        return _detached(array[plain(index)], array)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._plain[plain(index)] = self._accept(value, whole=False)

    def __iter__(self) -> Iterator[Any]:
        return iter(np.array(self._plain))

    # As in the jax backend, these cannot be set.
    shape = property(lambda self: self._plain.shape, doc="The length of each dimension.")
    dtype = property(lambda self: self._plain.dtype, doc="The type of an element.")
    strides = property(lambda self: self._plain.strides, doc="The steps in bytes.")

    T = property(lambda self: np.array(self._plain.T), doc="The transposed array.")
    mT = property(
        lambda self: np.array(self._plain.mT),
        doc="The array with its last two dimensions swapped.",
    )
    flat = property(
        lambda self: self._plain.flat,
        lambda self, x: self.__setitem__(..., np.reshape(x, self.shape)),
        doc="An iterator over the elements.",
    )
    real = property(
        lambda self: np.array(self._plain.real),
        lambda self, x: setattr(self._plain, "real", x),
        doc="The real part.",
    )
    imag = property(
        lambda self: np.array(self._plain.imag),
        lambda self, x: setattr(self._plain, "imag", x),
        doc="The imaginary part.",
    )

    def resize(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: a Variable keeps its shape."""
        raise ValueError(
            f"{self._describe()} keeps its shape; make a new Variable, or use "
            "numpy.resize(x, shape) for a plain array."
        )

    # -- writes that count repeated indices --------------------------------------------------

    def add_at(self, index: Any, value: Any) -> None:
        """Add to the elements that an index selects, as ``numpy.add.at(a, index, value)``.

        Unlike ``a[index] += value``, elements that the index names repeatedly change repeatedly.

        Parameters
        ----------
        index :
            Any index of NumPy.
        value : array_like
            It broadcasts to what the index selects, and is cast by the rules of assignment.
        """
        self._at(np.add, index, value)

    def multiply_at(self, index: Any, value: Any) -> None:
        """Multiply the elements that an index selects, with repetitions as in `add_at`."""
        self._at(np.multiply, index, value)

    def minimum_at(self, index: Any, value: Any) -> None:
        """Lower the elements that an index selects to `value` where they are above it."""
        self._at(np.minimum, index, value)

    def maximum_at(self, index: Any, value: Any) -> None:
        """Raise the elements that an index selects to `value` where they are below it."""
        self._at(np.maximum, index, value)

    def _at(self, ufunc: np.ufunc, index: Any, value: Any) -> None:
        ufunc.at(self._plain, plain(index), self._accept(value, whole=False))

    # -- event-driven accumulation -----------------------------------------------------------

    def add_events(self, spikes: Any, targets: Any, weights: Any) -> None:
        """Add the weights of the active rows of a fan-out table, in place.

        Parameters
        ----------
        spikes : array, shape (n_pre,)
            Booleans, or numbers that scale the weights of their row.
        targets : int array, shape (n_pre, fan_out)
            The elements that each row adds to; those outside of the Variable are dropped.
        weights : scalar or array, shape (n_pre, fan_out)
            One weight for all, or one for each entry of `targets`.
        """
        accumulate(self._plain, spikes, targets, self._accept(weights, whole=False))

    def add_events_csr(self, spikes: Any, indptr: Any, indices: Any, weights: Any) -> None:
        """Add the weights of the active rows of a CSR table, in place.

        Parameters
        ----------
        spikes : array, shape (n_pre,)
            Booleans, or numbers that scale the weights of their row.
        indptr : int array, shape (n_pre + 1,)
            Where each row starts in `indices`.
        indices : int array, shape (nnz,)
            The elements that each row adds to; those outside of the Variable are dropped.
        weights : scalar or array, shape (nnz,)
            One weight for all, or one for each entry of `indices`.
        """
        accumulate_csr(self._plain, spikes, indptr, indices, self._accept(weights, whole=False))

    # -- identity, copies --------------------------------------------------------------------

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]

    @classmethod
    def _rebuild(cls, data: np.ndarray, state: dict[str, Any]) -> Any:
        new = np.ndarray.__new__(cls, 0)
        new._fill_in(data)
        new.__dict__.update(state)
        return new

    def _state(self) -> dict[str, Any]:
        """Return the attributes that a copy has too."""
        return dict(self.__dict__)

    def __copy__(self) -> Any:
        return self._rebuild(self._plain, self._state())

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        new = memo[id(self)] = self._rebuild(self._plain, {})
        new.__dict__.update(copy.deepcopy(self._state(), memo))
        return new

    def __reduce__(self) -> Any:
        return _unpickle, (self.__class__, self._plain), self._state()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


# Every public method of ndarray is that of the plain array; those that write reach the same memory.
for _name in dir(np.ndarray):
    if (
        not _name.startswith("_")
        and _name not in vars(Variable)
        and callable(getattr(np.ndarray, _name))
    ):
        setattr(Variable, _name, _delegate(_name))


def _unpickle(cls: type[Variable], data: np.ndarray) -> Variable:
    return cls._rebuild(data, {})


class TrainVar(Variable):
    """A trainable Variable: what `Base.train_vars` collects."""


class Parameter(Variable):
    """A Variable that labels a dynamically changed parameter, found by `Collector.subset`."""


register_variable_types(Variable, TrainVar)
