"""Find, check and register the compiled extension; the only file that registers FFI targets.

``BRAINVAR_NATIVE`` (read once, at import) chooses:

``auto``
    (default) use the extension when there is one.  Absent: silently go without.  Present but
    unusable: one ``RuntimeWarning`` that says why, then go without.
``on``
    the extension is required: ``ImportError`` when it cannot be had.
``off``
    do not even look for it.

Going without changes speed, never results (see the stream contract): every kernel has a
pure-JAX twin.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import jax

ENV_NAME = "BRAINVAR_NATIVE"
MODES = ("auto", "on", "off")
EXTENSION = f"{__package__}._cpu"

#: The custom-call targets that this version of the package lowers to (versioned names).
TARGETS = (
    "brainvar_threefry_split_v1",
    "brainvar_threefry_advance_v1",
    "brainvar_threefry_fold_in_v1",
    "brainvar_threefry_bits_v1",
    "brainvar_threefry_uniform_v1",
    "brainvar_threefry_normal_v1",
    "brainvar_threefry_advance_bits_v1",
    "brainvar_threefry_advance_uniform_v1",
    "brainvar_threefry_advance_normal_v1",
    "brainvar_threefry_permutation_v1",
    "brainvar_threefry_gamma_v1",
    "brainvar_threefry_gamma_block_v1",
    "brainvar_threefry_poisson_v1",
    "brainvar_threefry_poisson_block_v1",
    "brainvar_threefry_binomial_v1",
    "brainvar_threefry_binomial_block_v1",
    "brainvar_threefry_hypergeometric_v1",
    "brainvar_threefry_hypergeometric_block_v1",
    "brainvar_threefry_split_block_v1",
    "brainvar_threefry_bits_block_v1",
    "brainvar_threefry_uniform_block_v1",
    "brainvar_threefry_normal_block_v1",
    "brainvar_add_events_v1",
    "brainvar_add_events_csr_v1",
    "brainvar_update_slices_v1",
    "brainvar_update_at_v1",
    "brainvar_update_masked_v1",
    "brainvar_update_lent_v1",
    "brainvar_in_order_v1",
)

_REINSTALL = "reinstall brainvar (pip install --force-reinstall --no-deps brainvar, or rebuild it)"


@dataclass(frozen=True)
class NativeState:
    """What became of one platform's extension.

    Attributes
    ----------
    status : {'loaded', 'off', 'absent', 'broken'}
    reason : str
        Why it is not loaded; empty when it is.
    module : module or None
        The imported extension, also when it was refused after the import.
    info : dict
        The extension's ``build_info()``; empty when it could not be asked.
    """

    status: str
    reason: str = ""
    module: ModuleType | None = None
    info: dict[str, Any] = field(default_factory=dict)


class _Unusable(Exception):
    """The extension is there but must not be used; the message says why and what to do."""


def runtime_ffi_version() -> tuple[int, int]:
    """Return (major, minor) of the XLA FFI API that the installed jaxlib implements.

    jaxlib exposes the number only in the C header that it ships for building handlers.  When
    the header is not there (a stripped installation), the answer is 0.1, which every
    supported jaxlib has: a lower bound, so a handler is at worst refused, never let in.
    """
    header = Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h"
    try:
        text = header.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return (0, 1)
    parts = []
    for part in ("MAJOR", "MINOR"):
        found = re.search(rf"^\s*#\s*define\s+XLA_FFI_API_{part}\s+(\d+)", text, re.MULTILINE)
        if found is None:
            return (0, 1)
        parts.append(int(found.group(1)))
    return (parts[0], parts[1])


def _read_mode() -> str:
    raw = os.environ.get(ENV_NAME, "auto")
    mode = raw.strip().lower() or "auto"
    if mode not in MODES:
        raise ValueError(
            f"environment variable {ENV_NAME}={raw!r} is not understood: "
            "set it to 'auto', 'on' or 'off', or unset it"
        )
    return mode


def _check(module: ModuleType) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (build_info, registrations) of an extension that is safe to register."""
    try:
        info = dict(module.build_info())
        built = (int(info["ffi_api_major"]), int(info["ffi_api_minor"]))
        capsules = dict(module.registrations())
    except Exception as error:
        raise _Unusable(
            f"{EXTENSION} does not describe itself as expected ({error!r}); {_REINSTALL}"
        ) from error
    # Compared before registering: jaxlib accepts a handler that is too new without a word and
    # then fails to initialise the whole backend.
    runtime = runtime_ffi_version()
    if built[0] != runtime[0] or built[1] > runtime[1]:
        raise _Unusable(
            f"{EXTENSION} was built for XLA FFI API {built[0]}.{built[1]}, but the installed "
            f"jaxlib offers {runtime[0]}.{runtime[1]}; upgrade jaxlib or {_REINSTALL}"
        )
    missing = sorted(set(TARGETS) - set(capsules))
    if missing:
        raise _Unusable(
            f"{EXTENSION} comes from another version of brainvar: it lacks "
            f"{', '.join(missing)}; {_REINSTALL}"
        )
    return info, capsules


def _load_cpu(mode: str) -> NativeState:
    if mode == "off":
        return NativeState("off", f"{ENV_NAME}=off")
    module: ModuleType | None = None
    try:
        try:
            module = importlib.import_module(EXTENSION)
        except ModuleNotFoundError as error:
            if error.name != EXTENSION:
                raise
            reason = f"there is no {EXTENSION} for this Python in {Path(__file__).parent}"
            if mode == "on":
                raise ImportError(
                    f"{ENV_NAME}=on, but {reason}; {_REINSTALL}, or set {ENV_NAME}=auto"
                ) from None
            return NativeState("absent", reason)
        except Exception as error:  # a missing library, an undefined symbol, a wrong ABI
            raise _Unusable(f"{EXTENSION} cannot be imported ({error}); {_REINSTALL}") from error
        info, capsules = _check(module)
        for name in TARGETS:
            jax.ffi.register_ffi_target(name, capsules[name], platform="cpu")
    except _Unusable as problem:
        if mode == "on":
            raise ImportError(f"{ENV_NAME}=on, but {problem}") from problem
        warnings.warn(
            f"brainvar runs without its compiled kernels: {problem}. Results stay the same, "
            f"speed does not. To silence this, set {ENV_NAME}=off.",
            RuntimeWarning,
            stacklevel=2,
        )
        return NativeState("broken", str(problem), module)
    return NativeState("loaded", "", module, info)


MODE: str = _read_mode()
_STATES: dict[str, NativeState] = {"cpu": _load_cpu(MODE)}


def native_state(platform: str = "cpu") -> NativeState:
    """Return what became of ``platform``'s extension (there is one for ``'cpu'`` only)."""
    return _STATES.get(platform, NativeState("absent", f"no kernels for platform {platform!r}"))


def native_enabled(platform: str = "cpu") -> bool:
    """Whether ``platform`` lowers to the compiled kernels."""
    return native_state(platform).status == "loaded"
