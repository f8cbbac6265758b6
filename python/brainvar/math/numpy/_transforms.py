"""The transforms of the numpy backend: the same calls and results, step by step in Python."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import numpy as np

from brainvar.core.array import as_raw
from brainvar.math.numpy._variable import Variable
from brainvar.transforms import loops

__all__ = ["for_loop", "jit"]


def jit(
    function: Any = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    dyn_vars: Any = None,
    donate: bool | Literal["auto"] = "auto",
) -> Any:
    """Return a function that calls `function` as it is: nothing is compiled.

    Parameters
    ----------
    function : callable, optional
        What to call. Left out, ``jit(...)`` is a decorator.
    static_argnums, static_argnames, dyn_vars, donate : optional
        Accepted for the jax backend's sake.
    """
    del static_argnums, static_argnames, dyn_vars, donate
    if function is None:
        return jit
    if not callable(function):
        raise TypeError(f"jit compiles something callable, got {function!r}.")

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


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
    """Call `body_fun` for each slice of `operands`.

    Parameters
    ----------
    body_fun : callable
        ``body_fun(*slices)``; what it returns, any pytree of arrays or None, is stacked.
    operands : array, or list, tuple or dict of arrays (or pytrees of them)
        What to loop over, along the first axis, all of one length. The items of a list or tuple
        are the arguments of `body_fun`, those of a dict its keyword arguments; anything else is
        its only argument.
    reverse : bool, default False
        Go from the last slice to the first. Results stand at the places of their slices.
    progress_bar : bool, default False
        Show a bar, which needs tqdm (``pip install brainvar[progress]``).
    dyn_vars, jit, unroll, donate : optional
        Accepted for the jax backend's sake.

    Returns
    -------
    pytree of numpy.ndarray
        The results of all steps, stacked along a new first axis; None for a body that returns
        None.

    Raises
    ------
    ValueError
        If the operands have no axis to loop over, or differ in length. If that is 0: what a step
        returns is not known then.
    ImportError
        If a progress bar is asked for and tqdm is missing.
    """
    del dyn_vars, jit, unroll, donate
    if not callable(body_fun):
        raise TypeError(f"for_loop's body must be callable, got {body_fun!r}.")
    what = f"bm.for_loop({getattr(body_fun, '__qualname__', type(body_fun).__name__)})"
    args, kwargs = loops._arguments(operands)
    leaves, tree = jax.tree.flatten((args, kwargs), is_leaf=lambda x: as_raw(x) is not x)
    arrays = [np.asarray(leaf) for leaf in leaves]
    length = loops._common_length(arrays, what)
    if not length:
        raise ValueError(
            f"{what} over operands of length 0 has no results to stack in the numpy backend, "
            "which learns their shapes by calling the function."
        )
    bar = loops._progress(length) if progress_bar else None
    results: list[Any] = []
    try:
        for i in reversed(range(length)) if reverse else range(length):
            args, kwargs = jax.tree.unflatten(tree, [x[i] for x in arrays])
            # A copy: the function may return a Variable, or a view of one, and change it later.
            results.append(jax.tree.map(_copy, body_fun(*args, **kwargs)))
            if bar is not None:
                bar.update(1)
    finally:
        if bar is not None:
            bar.close()
    if reverse:
        results.reverse()
    return jax.tree.map(lambda *xs: np.stack(xs), *results)


def _copy(x: Any) -> np.ndarray:
    return np.array(x.value if isinstance(x, Variable) else x)
