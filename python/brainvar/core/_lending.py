"""Writing where one index array says, with operands that are read where they are.

What `brainvar.core._writing` does with any index makes copies of the operands, of lengths that
there are programs for. They cost half as much as the write itself. Here the compiled call gets the
number of a loan, and finds the operands by it: none is copied, and no length compiles anything.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np

from brainvar._native import native_enabled, native_state
from brainvar.core._facade import Facade
from brainvar.core._indexing import bounds_error
from brainvar.core._inplace import Donating, may_refuse_results
from brainvar.core._selection import flat_indices
from brainvar.ops._updates import KERNEL_DTYPES, update_lent

__all__ = ["write_lent"]

_lend: Any = getattr(native_state("cpu").module, "lend", None) if native_enabled("cpu") else None

_PROGRAMS = 2048


def write_lent(x: Any, index: Any, value: Any, number: Any, op: str) -> bool:
    """Write to an array of one dimension where one index array says, if it can be done so.

    Parameters
    ----------
    x : JaxArray
        The array, in eager code.
    index :
        Any index.
    value :
        Any value.
    number : number or None
        The value as a Python number of the kind of the array's dtype, if it is one.
    op : str
        As in `brainvar.core._writing.write`.

    Returns
    -------
    bool
        False, and nothing is done, unless `index` is an array of integers with elements, `value`
        a number or an array of the same shape and of the dtype of `x`, and both and `x` are in
        the memory of the CPU; also while very many loans have yet to be taken.

    Raises
    ------
    IndexError
        If an element of the index is out of bounds.
    """
    raw = x._value
    if _lend is None or raw.ndim != 1 or may_refuse_results():
        return False
    # The buffer of a Variable may be overwritten: by this very write, if it is `x`.
    if hasattr(index, "_cell") or hasattr(value, "_cell"):
        return False
    index = index._read() if isinstance(index, Facade) else index
    if not _is_array(index) or index.dtype.kind not in "iu" or not index.ndim or not index.size:
        return False
    dtype, (size,) = raw.dtype, raw.shape
    if dtype not in KERNEL_DTYPES or not size:
        return False
    if number is None:
        values = value._read() if isinstance(value, Facade) else value
        if not _is_array(values) or values.dtype != dtype or values.shape != index.shape:
            return False
        values = np.asarray(values)
        if not (values.flags.c_contiguous and values.flags.aligned):
            values = np.array(values, order="C")
    else:
        values = np.array(number, dtype)
    devices = raw.sharding.device_set
    if len(devices) != 1 or next(iter(devices)).platform != "cpu":
        return False
    loan = _lend(flat_indices(index, index.shape, size, 0, x), size, values)
    if type(loan) is int:
        raise bounds_error(loan, 0, size, x)
    if loan is None:
        return False
    try:
        x._update(_program(raw.shape, dtype, op), loan.number)
    except BaseException:
        # With a new value, the program was called, and may have yet to run.
        loan.take_back(wanted=x._value is not raw)
        raise
    loan.take_back(wanted=True)
    return True


def _is_array(x: Any) -> bool:
    return type(x) is np.ndarray or isinstance(x, jax.Array)


@functools.lru_cache(_PROGRAMS)
def _program(shape: tuple[int, ...], dtype: Any, op: str) -> Donating:
    """Return the program for arrays of one shape and dtype."""
    del shape, dtype

    def update(raw: Any, number: Any) -> Any:
        return update_lent(raw, number, op=op)

    return Donating(update, "a write by index")
