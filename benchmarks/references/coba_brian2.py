"""The COBA network in Brian2's C++ standalone mode, on one thread.

Run as a script it builds the binary in a folder and prints the folder and the versions as JSON::

    python coba_brian2.py FOLDER [--duration SECONDS]

Brian2 may live in another environment than the rest (2.9 needs NumPy < 2.4), so the builder is a
process of its own and whoever measures starts the binary directly. ``run`` does that; it needs
neither Brian2 nor anything else of this folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

N_NEURONS = 4000


def build(folder: str, duration: float) -> None:
    """Write, compile and leave the standalone project in ``folder``."""
    import brian2 as b2
    from brian2 import ms, mV, second

    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0
    # A fresh draw at each start of the binary, as each repetition is a fresh run elsewhere.
    b2.seed()
    b2.defaultclock.dt = 0.1 * ms
    constants = {
        "tau_m": 20 * ms,
        "tau_e": 5 * ms,
        "tau_i": 10 * ms,
        "E_leak": -60 * mV,
        "E_exc": 0 * mV,
        "E_inh": -80 * mV,
        "V_threshold": -50 * mV,
        "V_reset": -60 * mV,
        "drive": 20 * mV,
    }
    neurons = b2.NeuronGroup(
        N_NEURONS,
        """
        dV/dt = (E_leak - V + ge * (E_exc - V) + gi * (E_inh - V) + drive) / tau_m
            : volt (unless refractory)
        dge/dt = -ge / tau_e : 1
        dgi/dt = -gi / tau_i : 1
        """,
        threshold="V >= V_threshold",
        reset="V = V_reset",
        refractory=5 * ms,
        method="euler",
        namespace=constants,
    )
    neurons.V = "-55 * mV + 5 * mV * randn()"
    exc = b2.Synapses(neurons[:3200], neurons, on_pre="ge += 0.6")
    inh = b2.Synapses(neurons[3200:], neurons, on_pre="gi += 6.7")
    exc.connect(p=0.02)
    inh.connect(p=0.02)
    spikes = b2.SpikeMonitor(neurons)
    b2.Network(neurons, exc, inh, spikes).run(duration * second)
    b2.device.build(directory=folder, compile=True, run=False, with_output=False)


def run(folder: str | Path, duration: float = 1.0) -> tuple[float, float, float]:
    """Start the binary once.

    Returns
    -------
    loop, process : float
        Seconds of the simulation loop as Brian2 itself reports it (``last_run_time``), and of
        the whole process, which also connects the synapses and writes the results.
    rate : float
        Mean rate in Hz.
    """
    folder = Path(folder)
    results = folder / "results"
    start = time.perf_counter()
    subprocess.run(["./main"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    process = time.perf_counter() - start
    loop = float((results / "last_run_info.txt").read_text().split()[0])
    # The monitor's arrays of spiking neurons: one int32 for each spike.
    (spikes,) = results.glob("_dynamic_array_spikemonitor_i_*")
    rate = spikes.stat().st_size / 4 / N_NEURONS / duration
    return loop, process, rate


def main() -> None:
    """Build the project in the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--duration", type=float, default=1.0)
    args = parser.parse_args()
    build(args.folder, args.duration)
    import brian2
    import numpy

    json.dump({"brian2": brian2.__version__, "numpy": numpy.__version__}, sys.stdout)


if __name__ == "__main__":
    main()
