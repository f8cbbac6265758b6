"""Loops over class objects."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from brainvar.core.array import JaxArray, to_raw, wrap
from brainvar.core.tracking import current_frame
from brainvar.core.variable import Variable
from brainvar.transforms._cache import FunctionCache, settings
from brainvar.transforms._discover import guess_variables
from brainvar.transforms._program import Program, check_donate, divide
from brainvar.transforms._trace import Traced, function_name, leaf_key, raw_leaf, trace

__all__ = ["for_loop"]

_plans = FunctionCache()


@dataclass
class _Plan:
    run: Program
    traced: Traced
    own: list[Variable]
    written: list[Variable]
    reads: list[Variable]


def for_loop(
    body_fun: Callable[..., Any],
    operands: Any,
    *,
    dyn_vars: Any = None,
    jit: bool = True,
    reverse: bool = False,
    unroll: int = 1,
    progress_bar: bool = False,
    donate: bool | Literal["auto"] = "auto",
) -> Any:
    """Call `body_fun` for each slice of `operands`, as one compiled loop.

    The Variables that `body_fun` reads and writes are found by tracing and carried from step to
    step, those of closures and globals and every RandomState included.

    Parameters
    ----------
    body_fun : callable
        ``body_fun(*slices)``; what it returns, any pytree of arrays or None, is stacked.
    operands : array, or list, tuple or dict of arrays (or pytrees of them)
        What to loop over, along the first axis, all of one length. The items of a list or tuple
        are the arguments of `body_fun`, those of a dict its keyword arguments; anything else is
        its only argument.
    dyn_vars : object, optional
        Accepted for BrainPy's sake; Variables need not be declared.
    jit : bool, default True
        False runs the loop step by step in Python, to debug it.
    reverse : bool, default False
        Go from the last slice to the first. Results stand at the places of their slices.
    unroll : int, default 1
        How many steps one turn of the compiled loop holds.
    progress_bar : bool, default False
        Show a bar, which needs tqdm (``pip install brainvar[progress]``).
    donate : {'auto', True, False}, default 'auto'
        Whether the loop may write in the buffers of the Variables; as for `jit`.

    Returns
    -------
    pytree of JaxArray
        The results of all steps, stacked along a new first axis; None for a body that returns
        None.

    Raises
    ------
    ValueError
        If the operands have no axis to loop over, or differ in length.
    TypeError
        If `operands` holds something that is no array.
    ImportError
        If a progress bar is asked for and tqdm is missing.

    Notes
    -----
    The compiled loop is kept for as long as `body_fun` (or, for a method, its object) lives, and
    used again for operands of the same shapes and dtypes. What is no Variable is a constant of it:
    a number or an array that changes between two calls belongs in a Variable or in `operands`. A
    lambda that is written in the call is a new function, and compiled, each time.

    With a progress bar, the loop is run in about a hundred parts, one after the other; after an
    error in one of them, the Variables are as the part before left them.

    Examples
    --------
    >>> import brainvar.math as bm
    >>> total = bm.Variable(0)
    >>> def add(x):
    ...     total.value = total + x
    ...     return total * 10
    >>> bm.for_loop(add, bm.arange(4))
    JaxArray(Array([ 0, 10, 30, 60], dtype=int32))
    >>> total
    Variable(Array(6, dtype=int32))
    """
    del dyn_vars
    if not isinstance(unroll, int) or unroll < 1:
        raise ValueError(f"unroll must be a positive integer, got {unroll!r}.")
    check_donate(donate)
    if not callable(body_fun):
        raise TypeError(f"for_loop's body must be callable, got {body_fun!r}.")
    what = f"bm.for_loop({function_name(body_fun)})"
    args, kwargs = _arguments(operands)
    leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=_is_array)
    raw = [to_raw(leaf, target=what) for leaf in leaves]
    length = _common_length(raw, what)

    def call(slices: Any) -> Any:
        args, kwargs = jax.tree.unflatten(tree, [JaxArray._wrap(x) for x in slices])
        return body_fun(*args, **kwargs)

    with _progress(length) if progress_bar else contextlib.nullcontext() as bar:
        if not jit and length:
            return _run_eagerly(call, raw, length, reverse, bar, what)
        plans = _plans.of(body_fun)
        key = (tree, tuple(map(leaf_key, raw)), reverse, unroll, donate, settings())
        plan = plans.get(key)
        if plan is None or not plan.traced.is_current():
            plan = _make_plan(call, raw, reverse, unroll, body_fun, what, donate)
            if plan.traced.cacheable:
                plans[key] = plan
        if bar is None:
            return plan.traced.outputs.build(_run(plan, raw))
        return _run_in_chunks(plan, raw, length, reverse, bar)


def _is_array(x: Any) -> bool:
    return isinstance(x, JaxArray)


def _arguments(operands: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(operands, (list, tuple)):
        return tuple(operands), {}
    if isinstance(operands, dict):
        return (), operands
    return (operands,), {}


def _common_length(raw: list[Any], what: str) -> int:
    if not raw:
        raise ValueError(f"{what} needs at least one array to loop over, got none.")
    if any(x.ndim == 0 for x in raw):
        raise ValueError(
            f"{what} loops over the first axis of its operands, but one of them is a scalar. "
            "To repeat n times, loop over bm.arange(n)."
        )
    lengths = sorted({x.shape[0] for x in raw})
    if len(lengths) > 1:
        raise ValueError(f"{what} needs operands of one length, got lengths {lengths}.")
    return lengths[0]


def _make_plan(
    call: Any, raw: list[Any], reverse: bool, unroll: int, body_fun: Any, what: str, donate: Any
) -> _Plan:
    slices = [jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in raw]
    traced = trace(call, slices, guess_variables(body_fun), what, body_fun)
    # All that is written is carried, and so an operand, even if the body does not read it.
    donates, own, written, order = divide(traced, donate, unread=True)
    carry_ids = [id(v) for v in (*own, *written)]
    constant = [v for key, v in traced.reads.items() if key not in carry_ids]
    constant_ids = [id(v) for v in constant]

    def function(own: list[Any], reads: list[Any], xs: list[Any]) -> list[Any]:
        carry, held = [*own, *reads[: len(written)]], reads[len(written) :]
        constants = dict(zip(constant_ids, held, strict=True))

        def step(carry: list[Any], x: list[Any]) -> Any:
            state = traced.fill({**constants, **dict(zip(carry_ids, carry, strict=True))})
            out = traced.call(state, x)
            return [out[i] for i in order], list(out[len(order) :])

        carry, stacked = jax.lax.scan(step, carry, xs, reverse=reverse, unroll=unroll)
        return [*carry, *stacked]

    return _Plan(
        Program(function, what, traced, donates=donates),
        traced,
        own,
        written,
        [*written, *constant],
    )


def _run(plan: _Plan, raw: list[Any]) -> Sequence[Any]:
    """Run the loop over `raw` and return the stacked raw results."""
    return plan.run(plan.own, plan.written, plan.reads, raw)


def _run_in_chunks(plan: _Plan, raw: list[Any], length: int, reverse: bool, bar: Any) -> Any:
    """Run about a hundred shorter loops with a progress bar that moves between them."""
    if current_frame() is not None:
        raise ValueError(
            "progress_bar=True needs a loop that is not inside another transform: the bar moves "
            "between parts of the loop that are run one after the other."
        )
    size = max(1, -(-length // 100))
    starts = list(range(0, length, size))
    parts = []
    for start in reversed(starts) if reverse else starts:
        parts.append(_run(plan, [x[start : start + size] for x in raw]))
        jax.block_until_ready(parts[-1])
        bar.update(min(size, length - start))
    if reverse:
        parts.reverse()
    if not parts:
        return plan.traced.outputs.build(_run(plan, raw))
    return plan.traced.outputs.build([jnp.concatenate(x) for x in zip(*parts, strict=True)])


def _run_eagerly(call: Any, raw: list[Any], length: int, reverse: bool, bar: Any, what: str) -> Any:
    """Run the loop step by step. There is at least one step, which tells what to stack."""
    order = range(length - 1, -1, -1) if reverse else range(length)
    results = []
    for i in order:
        out = call([x[i] for x in raw])
        leaf = lambda x: jnp.asarray(raw_leaf(x, what))  # noqa: E731
        results.append(jax.tree.map(leaf, out, is_leaf=_is_array))
        if bar is not None:
            bar.update(1)
    if reverse:
        results.reverse()
    return wrap(jax.tree.map(lambda *xs: jnp.stack(xs), *results))


def _progress(length: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError(
            "progress_bar=True needs tqdm: pip install tqdm, or pip install brainvar[progress]."
        ) from None
    return tqdm(total=length)
