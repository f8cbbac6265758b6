"""Draws on many devices: each computes its part of the one stream, and nothing is exchanged."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import brainvar
from brainvar._native import native_enabled
from sharded_draws import CHECKS, QUICK

HERE = Path(__file__).parent
SOURCE = Path(brainvar.__file__).parent.parent  # of the package under test, with its extension


def start(script: str, *arguments: str, devices: int) -> subprocess.Popen[str]:
    """Start a script of this folder in a process with so many CPU devices."""
    paths = [str(SOURCE), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], seconds: float = 280) -> str:
    """Wait for a process and return what it printed."""
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
        raise AssertionError(f"not done after {seconds} s:\n{errors}") from None
    assert process.returncode == 0, errors
    return out


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest) -> dict[str, str]:
    """What became of the checks of this run, done in one process: "" or what failed."""
    names = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.path == request.path
        and hasattr(item, "callspec")
        and not item.get_closest_marker("skip")
    ]
    out = finished(start("sharded_draws.py", *names, devices=8))
    return json.loads(out.splitlines()[-1])


def marks(name: str) -> list[pytest.MarkDecorator]:
    if native_enabled():
        return []
    if name == "loops_and_branches" and jax.__version_info__ < (0, 9):
        # docs/sharding.md: no device number in small loops there, with or without brainvar.
        return [pytest.mark.skip(reason="XLA aborts on lax.axis_index in a small loop")]
    # XLA compiles the twin's programs slowly.
    return [] if name in QUICK else [pytest.mark.slow]


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in CHECKS])
def test_on_eight_devices(outcome, name):
    assert not outcome[name], outcome[name]


def test_two_processes():
    """Two processes with four devices each draw the parts of one array."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    processes = [start("two_processes.py", address, str(i), devices=4) for i in range(2)]
    try:
        for number, process in enumerate(processes):
            assert f"process {number} has drawn its parts" in finished(process, 120)
    finally:
        for process in processes:
            process.kill()
