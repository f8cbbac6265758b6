"""What is in use: versions, compiled kernels, devices."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

import jax
import numpy as np

from brainvar._compat import JAX_VERSION, JAXLIB_VERSION, x64_enabled
from brainvar._native import ENV_NAME, MODE, native_state, runtime_ffi_version


def _package_version() -> str:
    try:
        return version("brainvar")
    except PackageNotFoundError:  # a source tree on the path that was never installed
        return "0+unknown"


def config_dict(*, devices: bool = True) -> dict[str, Any]:
    """Return the configuration in use.

    Parameters
    ----------
    devices : bool
        Also ask JAX for its backend and devices, which starts the backend if nothing has yet.

    Returns
    -------
    dict
        ``versions`` (of brainvar, jax, jaxlib, numpy, python), ``platform`` (machine),
        ``native`` (``mode``, the environment variable; ``status``, one of loaded, off, absent,
        broken; ``reason``; ``version``, ``compiler``, ``simd``, ``cuda_architectures`` and
        ``path`` of the extension, None when there is none), ``ffi`` (``runtime`` and
        ``extension``, API versions as strings), ``x64``, and, if asked for, ``backend`` and
        ``devices``.
    """
    state = native_state("cpu")
    info = state.info
    extension_ffi = f"{info['ffi_api_major']}.{info['ffi_api_minor']}" if info else None
    config: dict[str, Any] = {
        "versions": {
            "brainvar": _package_version(),
            "jax": ".".join(map(str, JAX_VERSION)),
            "jaxlib": ".".join(map(str, JAXLIB_VERSION)),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "platform": platform.platform(),
        "native": {
            "mode": MODE,
            "status": state.status,
            "reason": state.reason,
            "version": info.get("version"),
            "compiler": info.get("compiler"),
            "simd": info.get("simd"),
            "cuda_architectures": info.get("cuda_architectures") or None,
            "path": getattr(state.module, "__file__", None),
        },
        "ffi": {
            "runtime": ".".join(map(str, runtime_ffi_version())),
            "extension": extension_ffi,
        },
        "x64": x64_enabled(),
    }
    if devices:
        config["backend"] = jax.default_backend()
        config["devices"] = [f"{d.platform}:{d.id} {d.device_kind}" for d in jax.devices()]
    return config


def _lines(config: dict[str, Any]) -> list[tuple[str, str]]:
    native, ffi = config["native"], config["ffi"]
    status = native["status"] + (f" ({native['reason']})" if native["reason"] else "")
    setting = native["mode"] + ("" if os.environ.get(ENV_NAME) else " (default)")
    lines = [(name, text) for name, text in config["versions"].items()]
    lines += [("machine", f"{config['platform']}, {os.cpu_count()} CPUs"), ("CPU kernels", status)]
    if native["version"] is not None:
        lines += [
            ("  built as", f"{native['version']}, {native['compiler']}"),
            ("  SIMD level", native["simd"]),
            ("  file", native["path"] or "-"),
        ]
    lines += [
        ("CUDA kernels", native["cuda_architectures"] or "none (CUDA runs the pure-JAX twin)"),
        ("FFI API", f"runtime {ffi['runtime']}, extension {ffi['extension'] or '-'}"),
        (ENV_NAME, setting),
        ("JAX backend", config["backend"]),
        ("JAX devices", ", ".join(config["devices"])),
        ("64-bit types", "on" if config["x64"] else "off (jax_enable_x64)"),
    ]
    return lines


def show_config(file: IO[str] | None = None) -> None:
    """Print the configuration in use: what to put into a bug report.

    Parameters
    ----------
    file : text file, optional
        Where to print; standard output by default. ``config_dict`` returns the same as data.
    """
    lines = _lines(config_dict())
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        print(f"{name:<{width}}  {text}", file=file or sys.stdout)
