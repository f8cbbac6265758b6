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

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from brainvar._compat import (
    TOP_TRACE_STATE,
    Primitive,
    ShapedArray,
    Tracer,
    mlir,
    trace_state,
)
from brainvar.core.errors import EscapedVariableError, RawTransformError, StaticChangeError

if TYPE_CHECKING:
    from brainvar.core.variable import Variable

__all__ = [
    "Frame",
    "changes",
    "check_attribute_change",
    "commit",
    "current_frame",
    "has_lock",
    "local",
    "locked",
    "note_replaced",
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
    """

    __slots__ = ("_values", "missing", "outer", "reads", "state", "what", "writes")

    def __init__(self, what: str, known: Sequence[Variable], values: Sequence[Any]):
        self.what = what
        self.outer: Frame | None = None
        self.state = trace_state()
        self._values: dict[int, Any] = {id(v): x for v, x in zip(known, values, strict=True)}
        self.reads: dict[int, Variable] = {}
        self.writes: dict[int, Variable] = {}
        self.missing: dict[int, Variable] = {}

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
            raise escaped(var)
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
        if trace_state() != self.state:
            raise RawTransformError(
                f"{var._describe()} was changed inside a raw JAX transform (jax.jit, jax.vmap, "
                f"jax.grad, jax.lax.scan, ...) that runs within {self.what}. Use the transform of "
                "brainvar.math of the same name, or return the new value from the transformed "
                "function and assign it outside."
            )
        if var._frame is self:
            var._value = value
            return
        if var._frame is not None and not self._inside(var._frame):
            raise escaped(var)
        self._values[id(var)] = value
        self.writes[id(var)] = var

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


def escaped(var: Variable) -> EscapedVariableError:
    """Build the error for a Variable that outlived the trace in which it was made."""
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
        "jax.lax.scan, ...), which would leave an abstract value in it. Use brainvar.math's "
        "jit or for_loop, or return the new value and assign it outside."
    )


def commit(variables: Sequence[Variable], values: Sequence[Any], *, at_home: bool = False) -> None:
    """Store the results of a transform in the Variables that it wrote: all of them, or none.

    `at_home` says that all of them were created outside of any trace, which is then not looked up.
    """
    frame = local.frame
    if frame is not None:
        for var, value in zip(variables, values, strict=True):
            frame.write(var, value)
        return
    here = trace_state()
    if not (at_home and here is TOP_TRACE_STATE):
        for var in variables:
            if var._frame is not None:
                raise escaped(var)
            if var._birth is not here and var._birth != here:
                raise raw_transform_write(var)
    for var, value in zip(variables, values, strict=True):
        var._value = value
        var._exclusive = False


@contextlib.contextmanager
def locked(variables: Iterable[Variable]) -> Iterator[None]:
    """Hold the locks of Variables that have one, the RandomStates among them.

    From reading them to storing what comes next, so that two threads never draw with the same key.
    """
    with contextlib.ExitStack() as stack:
        for var in sorted(filter(has_lock, variables), key=id):  # one order: no deadlock
            stack.enter_context(var._lock)  # pyright: ignore[reportAttributeAccessIssue]
        yield


def has_lock(var: Variable) -> bool:
    """Whether the steps of a Variable are taken under a lock."""
    return hasattr(type(var), "_lock")


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
