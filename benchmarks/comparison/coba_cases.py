"""The COBA network, one simulated second."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from brainvar.examples.coba import COBA, simulate
from references import coba_brian2, coba_jax

from .harness import Call, Case, Contender, Goal, MissingError, require

N_NEURONS = 4000
#: Rates outside of this are a wrong model and no benchmark. One network in four is more than
#: 2 Hz from 20; the law is 21.3 +- 1.2 Hz (24 networks each of Brian2's and of ours).
RATES = (16.0, 27.0)


def check_rate(label: str, spikes: float, steps: int) -> None:
    """Raise if the number of spikes is not that of the model."""
    rate = spikes / N_NEURONS / (steps * 1e-4)
    if steps >= 1000 and not RATES[0] < rate < RATES[1]:
        raise RuntimeError(f"{label} fires at {rate:.1f} Hz, which is another model")


def _ours(steps: int) -> Call:
    net = COBA(N_NEURONS, seed=0)
    state = [(v, np.array(v.value)) for v in net.vars().unique().values()]

    def call() -> None:
        for variable, value in state:
            variable.value = value
        simulate(net, 0, steps)

    check_rate("brainvar", len(simulate(net, 0, steps).step), steps)
    return call


def _checked(label: str, run: object, steps: int) -> Call:
    check_rate(label, float(np.asarray(run(steps)).sum()), steps)  # type: ignore[operator]
    return functools.partial(run, steps)  # type: ignore[arg-type]


def _brainpy(network: str, backend: str, steps: int) -> Call:
    require("brainpy")
    from references import coba_brainpy

    if backend not in coba_brainpy.event_backends():
        raise MissingError(f"{backend} not installed")
    return _checked("BrainPy", coba_brainpy.build(network, backend), steps)


@functools.cache
def _brian2_folder(python: str, duration: float) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="coba_brian2_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    probe = [python, "-c", "import importlib.metadata as m; m.version('brian2')"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        raise MissingError("not installed")
    command = [python, coba_brian2.__file__, str(folder), "--duration", str(duration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise MissingError(f"fails here: {lines[-1][:80]} (see --brian2-python)")
    print(f"built Brian2's binary with {json.loads(done.stdout)}", file=sys.stderr)
    return folder


def _brian2(python: str, steps: int, whole: bool) -> Call:
    duration = steps * 1e-4
    folder = _brian2_folder(python, duration)

    def call() -> float:
        loop, process, rate = coba_brian2.run(folder, duration)
        check_rate("Brian2", rate * duration * N_NEURONS, steps)
        return process if whole else loop

    return call


def cases(quick: bool, brian2_python: str) -> list[Case]:
    """Return the case: one second, or with ``quick`` a tenth of it."""
    steps = 1000 if quick else 10_000
    peers = [
        Contender(
            "JAX scan, .at[].add over all synapses",
            lambda: _checked("JAX", coba_jax.build("plain"), steps),
            Goal.faster(20),
        ),
        Contender(
            "JAX scan, by an expert",
            lambda: _checked("JAX", coba_jax.build("expert"), steps),
        ),
    ]
    for network in ("models", "brainpy.math"):
        for backend, label, goal in (
            ("jax_raw", "BrainPy", Goal.faster(20)),
            ("numba", "BrainPy with numba", None),
        ):
            peers.append(
                Contender(
                    f"{label}, {network}",
                    functools.partial(_brainpy, network, backend, steps),
                    goal,
                )
            )
    peers += [
        Contender(
            "Brian2 C++ standalone, its loop",
            lambda: _brian2(brian2_python, steps, whole=False),
            Goal.within(0.8),
        ),
        Contender(
            "Brian2 C++ standalone, whole process",
            lambda: _brian2(brian2_python, steps, whole=True),
        ),
    ]
    return [
        Case(
            f"COBA network, {steps * 1e-4:g} s",
            Contender("brainvar", lambda: _ours(steps)),
            peers,
            rounds=3 if quick else 7,
        )
    ]
