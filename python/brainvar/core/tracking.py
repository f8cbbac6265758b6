"""What a trace reads and writes.

While a transform of this package traces a user's function, a :class:`Frame` stands on a
thread-local stack. A Variable asks the innermost frame for its value and hands it what is written
to it; the Variable itself stays untouched until the finished transform commits. So an error in the
middle of a trace leaves every Variable as it was, and other threads never see an abstract value.

A frame starts with a guess of the Variables that the function will read. A read that was not
guessed is answered with a placeholder of the right shape and dtype, and the function is traced
once more with that Variable among the inputs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence, Set
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from brainvar import ops
from brainvar._compat import (
    Primitive,
    ShapedArray,
    Tracer,
    mlir,
    trace_state,
)
from brainvar.core.errors import (
    EscapedVariableError,
    LostValueError,
    RawTransformError,
    StaticChangeError,
)

if TYPE_CHECKING:
    from brainvar.core.variable import Variable

__all__ = [
    "Frame",
    "Lost",
    "changes",
    "check_attribute_change",
    "current_frame",
    "local",
    "note_replaced",
    "unusable",
]


class _Local(threading.local):
    frame: Frame | None = None


local = _Local()
"""The stack of frames of this thread; ``local.frame`` is the innermost one or None."""


def current_frame() -> Frame | None:
    """Return the innermost frame of this thread, None in eager code."""
    return local.frame


# Zero operands, so that binding it under any trace gives a tracer of that trace: a branch on the
# value of a Variable then fails in the first trace as it would in the second.
_placeholder_p = Primitive("brainvar_placeholder")
_placeholder_p.def_abstract_eval(lambda *, shape, dtype: ShapedArray(shape, dtype))
mlir.register_lowering(
    _placeholder_p,
    mlir.lower_fun(lambda *, shape, dtype: jax.numpy.zeros(shape, dtype), multiple_results=False),
)


class Frame:
    """The Variables that one trace reads and writes, with their values in that trace.

    Parameters
    ----------
    what : str
        What is being traced, for messages, such as ``"bm.jit(COBA.update)"``.
    known : sequence of Variable
        The Variables that are inputs of the trace.
    values : sequence of jax tracers
        Their values, of the same length.
    ordered : set of int
        The ids of Variables of which parts are read before others are written.
    """

    __slots__ = (
        "_ordered",
        "_parts",
        "_values",
        "crossed",
        "missing",
        "outer",
        "reads",
        "state",
        "what",
        "writes",
    )

    def __init__(
        self,
        what: str,
        known: Sequence[Variable],
        values: Sequence[Any],
        ordered: Set[int] = frozenset(),
    ):
        self.what = what
        self.outer: Frame | None = None
        self.state = trace_state()
        self._values: dict[int, Any] = {id(v): x for v, x in zip(known, values, strict=True)}
        self.reads: dict[int, Variable] = {}
        self.writes: dict[int, Variable] = {}
        self.missing: dict[int, Variable] = {}
        self._ordered = ordered
        self._parts: set[int] = set()
        self.crossed: set[int] = set()

    def __enter__(self) -> Frame:
        self.outer = local.frame
        local.frame = self
        return self

    def __exit__(self, *exc: object) -> None:
        local.frame = self.outer
        # Arrays made in this trace may outlive it and hold the frame: not its tracers as well.
        self._values.clear()

    def read(self, var: Variable) -> Any:
        """Return the value that `var` has at this point of the trace."""
        if var._frame is self:
            return var._value
        if var._frame is not None and not self._inside(var._frame):
            raise unusable(var)
        key = id(var)
        value = self._values.get(key)
        if value is None:
            self.missing[key] = var
            # Not kept: a read inside a nested raw trace must not serve the code outside of it.
            return _placeholder_p.bind(shape=var.shape, dtype=np.dtype(var.dtype))
        if key not in self.writes:
            self.reads[key] = var
        return value

    def write(self, var: Variable, value: Any) -> None:
        """Take `value`, of the Variable's shape and dtype, as its value from here on."""
        here = trace_state()
        if var._frame is self and var._birth == here:  # made in this very trace
            var._value = value
            return
        if here != self.state:
            raise RawTransformError(
                f"{var._describe()} was changed inside a raw JAX transform (jax.jit, jax.vmap, "
                f"jax.grad, jax.lax.scan, ...) that runs within {self.what}. {var._instead}"
            )
        if var._frame is self:
            var._value = value
            return
        if var._frame is not None and not self._inside(var._frame):
            raise unusable(var)
        self._values[id(var)] = value
        self.writes[id(var)] = var

    def read_part(self, var: Variable, whole: Any, part: Any) -> Any:
        """Return `part`, which was read by index from `whole`, the value of `var`.

        Where other elements are written later, XLA would copy the whole value first, as it might
        repeat the reading after the writing. It is told of the order only where there is such a
        write, for on a value that is only read that would cost a copy itself: the function is
        traced once more.
        """
        key = id(var)
        if part is whole or self._values.get(key) is not whole or trace_state() != self.state:
            return part
        self._parts.add(key)
        if key in self._ordered:
            self._values[key], part = ops.in_order(whole, part)
        return part

    def note_update(self, var: Variable) -> None:
        """Note that some elements of `var` are about to be written."""
        key = id(var)
        if key in self._parts:
            self.crossed.add(key)

    def peek(self, var: Variable) -> Any:
        """Return the value of `var` to be looked at, which is no read."""
        return self._values.get(id(var), var._value)

    def value_of(self, var: Variable) -> Any:
        """Return the value that a written Variable ends the trace with."""
        return self._values[id(var)]

    def _inside(self, frame: Frame) -> bool:
        """Whether `frame` is this frame or one that it runs within."""
        here: Frame | None = self
        while here is not None:
            if here is frame:
                return True
            here = here.outer
        return False


class Lost:
    """What stands in the place of a Variable's frame after its buffer went with a failed call."""

    __slots__ = ("what",)

    def __init__(self, what: str):
        self.what = what

    def __repr__(self) -> str:
        return f"<value lost in {self.what}>"


def unusable(var: Variable) -> EscapedVariableError | LostValueError:
    """Build the error for a Variable without a value that could be used here."""
    if isinstance(var._frame, Lost):
        return LostValueError(
            f"{var._describe()} has lost its value: {var._frame.what} failed after it had taken "
            "the buffer to write in place. Assign a new value, v.value = x. To keep the old value "
            "when a call may fail, compile with bm.jit(..., donate=False)."
        )
    what = var._frame.what if var._frame is not None else "a compiled function"
    return EscapedVariableError(
        f"{var._describe()} was created inside {what} and is used after that ended: its value "
        "existed only while the function was traced. Create it before the call (in __init__), or "
        "return it from the function."
    )


def raw_transform_write(var: Variable) -> RawTransformError:
    """Build the error for a write to `var` inside a transform of JAX itself."""
    return RawTransformError(
        f"{var._describe()} was changed inside a raw JAX transform (jax.jit, jax.vmap, jax.grad, "
        f"jax.lax.scan, ...), which would leave an abstract value in it. {var._instead}"
    )


class _Changes:
    """Counts how often a Variable was replaced by another object where one was held."""

    count = 0


changes = _Changes()


def note_replaced(variables: Iterable[Any]) -> None:
    """Note that an object holds these Variables no longer.

    A compiled program that uses one of them may be about the wrong Variable from now on.
    """
    changes.count += 1
    for var in variables:
        var._replaced = changes.count


def static_change(what: str, frame: Frame) -> StaticChangeError:
    """Build the error for a change to something that `frame` compiles as a constant."""
    return StaticChangeError(
        f"{what} was changed inside {frame.what}, where everything that is not a Variable is "
        "compiled as static data: the change would be lost. Make it a Variable before the call, "
        "x = bm.Variable(x), or make a new array instead of changing this one."
    )


def check_attribute_change(obj: Any, name: str, new: Any, made_in: Frame | None) -> None:
    """Refuse to rebind an array or a number of an object while a transform traces.

    Parameters
    ----------
    obj : object
        The object whose attribute `name` is about to be set to `new`.
    name : str
        The attribute.
    new : object
        Its new value.
    made_in : Frame or None
        The frame in which `obj` was made; its attributes may change within that frame.

    Raises
    ------
    StaticChangeError
        If `new` is (or holds) a value of the running trace, or if an array or a number is
        replaced: the compiled program would never see it again.
    """
    frame = local.frame
    if frame is None or made_in is frame:
        return
    owner = getattr(obj, "_name", None) or type(obj).__name__
    for leaf in _leaves(new):
        if _is_made_in(leaf, frame):
            raise StaticChangeError(
                f"Attribute '{name}' of '{owner}' was set to a {type(leaf).__name__} that was "
                f"created inside {frame.what}, where its value exists only while the function is "
                f"traced. Create it before the call, self.{name} = bm.{type(leaf).__name__}(...) "
                f"in __init__, and change its value here, self.{name}.value = x."
            )
        # A facade array holds its raw array in `_value`; to look at it is no read.
        if isinstance(getattr(leaf, "_value", leaf), Tracer):
            raise static_change(f"Attribute '{name}' of '{owner}'", frame)
    old = getattr(obj, "__dict__", {}).get(name)
    if _is_number(old) and _is_number(new) and old != new:
        raise static_change(f"Attribute '{name}' of '{owner}' (a number)", frame)
    # The same NumPy array again is `obj.name += x`; ours and Variables refuse that themselves.
    if _is_array(old) and _is_array(new) and (new is not old or type(new) is np.ndarray):
        raise static_change(f"Attribute '{name}' of '{owner}' (an array)", frame)


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, complex, np.number)) and not isinstance(x, bool)


def _is_array(x: Any) -> bool:
    return hasattr(x, "dtype") and hasattr(x, "shape") and not isinstance(x, np.generic)


def _is_made_in(x: Any, frame: Frame) -> bool:
    """Whether `x` is a Variable that was created in `frame`."""
    return hasattr(x, "_birth") and x._frame is frame


def _leaves(x: Any) -> Iterable[Any]:
    """Yield what nested lists, tuples and dicts hold."""
    if isinstance(x, (list, tuple)):
        for item in x:
            yield from _leaves(item)
    elif isinstance(x, dict):
        for item in x.values():
            yield from _leaves(item)
    else:
        yield x
