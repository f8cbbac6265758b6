"""Saving the Variables of a model to a file, and loading them back.

A file is a NumPy ``.npz`` archive with one array for each Variable, under its relative path in the
model, and a JSON text that says the dtypes and, for random states, the streams. Nothing in it is
pickled, so a file from a stranger can do no harm.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from brainvar.core.base import Base
from brainvar.core.collector import Collector, variable_types

__all__ = ["load_states", "save_states"]

_ABOUT = "__brainvar__"
_FORMAT = 1


def save_states(file: str | os.PathLike[str], target: Base | Mapping[str, Any]) -> None:
    """Save the values of all Variables of a model, its random states included.

    Parameters
    ----------
    file : path
        Where to; written as it is named, and only replaced once it is complete.
    target : Base or mapping of str to Variable
        A model, or a collection such as ``model.vars(method='relative')``. A Variable that is
        found under several paths is saved once.

    Raises
    ------
    TypeError
        If `target` is neither of these.

    Examples
    --------
    >>> import os, tempfile
    >>> import brainvar as bp, brainvar.math as bm
    >>> rng = bm.random.RandomState(1)
    >>> file = os.path.join(tempfile.mkdtemp(), "state.npz")
    >>> bp.save_states(file, {"rng": rng})
    >>> first = rng.random(3)
    >>> bp.load_states(file, {"rng": rng})
    >>> bool((rng.random(3) == first).all())
    True
    """
    arrays, about = {}, {}
    for path, var in _variables(target).items():
        value = np.asarray(var.value)
        about[path] = {"dtype": value.dtype.name, **_stream(var)}
        # NumPy's format knows its own dtypes only; the others travel as their bits.
        arrays[path] = value if value.dtype.isbuiltin else value.view(f"u{value.itemsize}")
    arrays[_ABOUT] = np.array(json.dumps({"format": _FORMAT, "variables": about}))
    path = Path(file)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        # Not numpy.savez, whose own parameters are names that a Variable could not have then.
        with zipfile.ZipFile(part, "x") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def load_states(
    file: str | os.PathLike[str], target: Base | Mapping[str, Any], *, strict: bool = True
) -> None:
    """Set the Variables of a model to the values in a file that `save_states` wrote.

    Either all of them are set, or, after an error, none.

    Parameters
    ----------
    file : path
        The file.
    target : Base or mapping of str to Variable
        A model of the same structure, or a collection of Variables under the same names.
    strict : bool, default True
        Whether the file must hold exactly the Variables of `target`. Otherwise only those in
        both are loaded.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file was not written by `save_states`, or, with the Variables' names, if some are
        missing or too many, or their shape, dtype or stream differ.
    """
    variables = _variables(target)
    values, about = _read(file)
    missing, extra = sorted(variables.keys() - about), sorted(about.keys() - variables.keys())
    if strict and (missing or extra):
        raise ValueError(
            f"{os.fspath(file)!r} does not fit: missing in the file: {missing or 'none'}; only "
            f"in the file: {extra or 'none'}. strict=False loads what is in both."
        )
    common = [path for path in variables if path in about]
    for path in common:
        var, value = variables[path], values[path]
        if tuple(var.shape) != value.shape or var.dtype != value.dtype:
            raise ValueError(
                f"{os.fspath(file)!r}: '{path}' is {value.dtype}{list(value.shape)} in the file, "
                f"but the Variable is {var.dtype}{list(var.shape)}."
            )
        saved, own = about[path].get("stream"), _stream(var).get("stream")
        if saved != own:
            raise ValueError(
                f"{os.fspath(file)!r}: '{path}' was saved with stream={saved!r}, but the "
                f"Variable has {own!r}. Make it as RandomState(stream={saved!r})."
            )
    Collector((path, variables[path]) for path in common).assign({p: values[p] for p in common})


def _variables(target: Any) -> dict[str, Any]:
    if isinstance(target, Base):
        target = target.vars(method="relative")
    if not isinstance(target, Mapping):
        raise TypeError(
            f"expected a model (Base) or a mapping of names to Variables, got {type(target)}."
        )
    seen: set[int] = set()
    found = {}
    for path, var in target.items():
        if not isinstance(var, variable_types()):
            raise TypeError(f"'{path}' is no Variable but {var!r}.")
        if id(var) not in seen:
            seen.add(id(var))
            found[path] = var
    return found


def _stream(var: Any) -> dict[str, str]:
    stream = getattr(var, "stream", None)
    return {} if stream is None else {"stream": stream}


def _read(file: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    with Path(file).open("rb") as handle:
        try:
            with np.load(handle, allow_pickle=False) as archive:
                head = json.loads(str(archive[_ABOUT]))
                about = head["variables"]
                raw = {path: archive[f"{path}.npy"] for path in about}
        except (
            *(ValueError, KeyError, OSError, EOFError, TypeError, AttributeError),
            *(zipfile.BadZipFile, zlib.error),
        ) as error:
            raise ValueError(
                f"{os.fspath(file)!r} is no file that brainvar.save_states wrote."
            ) from error
    if head["format"] > _FORMAT:
        raise ValueError(
            f"{os.fspath(file)!r} has format {head['format']}, which is newer than this version "
            f"of brainvar reads ({_FORMAT})."
        )
    # jnp.dtype knows bfloat16 and its kin by name.
    return {
        path: x if x.dtype.name == about[path]["dtype"] else x.view(jnp.dtype(about[path]["dtype"]))
        for path, x in raw.items()
    }, about
