"""A network of spiking neurons, as a first tutorial.

The model is the COBA network of Vogels and Abbott (2005), as benchmark 1 of Brette et al. (2007)
states it: 3200 excitatory and 800 inhibitory leaky integrate-and-fire neurons, of which each
ordered pair is connected with a probability of 2 %. A spike of neuron i lets the conductance of
its targets jump, and the conductance decays exponentially::

    tau_m dV/dt  = (E_leak - V) + g_e (E_e - V) + g_i (E_i - V) + I
    tau_e dg_e/dt = -g_e            tau_i dg_i/dt = -g_i

When V reaches the threshold, the neuron spikes and is held at the reset potential for the
refractory period. Conductances are in units of the leak, potentials in mV, times in ms.

The file shows the whole way of working:

1. state that changes is a ``bm.Variable``, and objects that hold state are ``bp.Base``;
2. ``update`` advances the state by one time step, in plain array operations;
3. ``bm.for_loop`` runs it for many steps as one compiled program.

Run it with ``python -m brainvar``, or from Python::

    from brainvar.examples.coba import COBA, simulate
    spikes = simulate(COBA(seed=0), start=0, stop=10_000)  # one second

References
----------
Vogels and Abbott (2005), J. Neurosci. 25:10786; Brette et al. (2007), J. Comput. Neurosci. 23:349.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import brainvar as bp
import brainvar.math as bm

DT = 0.1  # ms, the time step of Euler's method

TAU_M = 20.0  # ms, membrane
TAU_E = 5.0  # ms, excitatory conductance
TAU_I = 10.0  # ms, inhibitory conductance
REFRACTORY = round(5.0 / DT)  # steps

E_LEAK = -60.0  # mV
E_EXC = 0.0  # mV
E_INH = -80.0  # mV
V_THRESHOLD = -50.0  # mV
V_RESET = -60.0  # mV
DRIVE = 20.0  # mV, a constant current times the leak resistance

W_EXC = 0.6  # jump of a target's conductance at a spike, in units of the leak
W_INH = 6.7

N_TARGETS = 80  # mean number of targets of a neuron: 2 % of 4000


class COBA(bp.Base):
    """The network. Eighty percent of the neurons are excitatory, and come first.

    Parameters
    ----------
    n : int, default 4000
        Number of neurons. The mean number of targets of a neuron stays 80 (2 % of 4000), so that
        a network of another size does the same.
    seed : int, default 0
        Seed of the initial potentials and of the synapses.

    Attributes
    ----------
    V : Variable, float[n]
        Membrane potential in mV.
    ge, gi : Variable, float[n]
        Excitatory and inhibitory conductance, in units of the leak.
    release : Variable, int[n]
        The time step from which on the neuron is not refractory.
    exc_targets, inh_targets : Variable, int[number of sources, longest row]
        The targets of each excitatory and each inhibitory neuron.
    """

    def __init__(self, n: int = 4000, seed: int = 0):
        super().__init__()
        self.n = n
        self.n_exc = round(0.8 * n)

        # A RandomState is a Variable too. A seed gives one stream of numbers: with and without
        # the compiled kernels, on every device and on both backends.
        self.rng = bm.random.RandomState(seed)

        self.V = bm.Variable(self.rng.normal(-55.0, 5.0, n))
        self.ge = bm.Variable(bm.zeros(n))
        self.gi = bm.Variable(bm.zeros(n))
        self.release = bm.Variable(bm.zeros(n, dtype=int))

        # The synapses never change. They are Variables all the same: what a compiled function
        # reads from a Variable is an input of the program, and any other array is a constant
        # that is compiled into it, which is slow for large arrays.
        p = N_TARGETS / n
        self.exc_targets = bm.Variable(random_targets(self.rng, self.n_exc, n, p))
        self.inh_targets = bm.Variable(random_targets(self.rng, n - self.n_exc, n, p))

    def update(self, i: Any) -> Any:
        """Advance the network by time step number `i`; return which neurons spike, bool[n].

        The right-hand sides are read before anything is written, as Euler's method wants it.
        """
        current = (
            (E_LEAK - self.V) + self.ge * (E_EXC - self.V) + self.gi * (E_INH - self.V) + DRIVE
        )
        V = bm.where(i < self.release, V_RESET, self.V + (DT / TAU_M) * current)
        spikes = V >= V_THRESHOLD

        # Assigning to .value changes what the Variable holds; a plain `self.V = V` does so too,
        # but .value says it.
        self.V.value = V
        self.release.value = bm.where(spikes, i + REFRACTORY, self.release)
        self.ge.value = self.ge * (1 - DT / TAU_E)
        self.gi.value = self.gi * (1 - DT / TAU_I)

        # About 8 of 4000 neurons spike in a step. add_events touches the synapses of these only.
        self.ge.add_events(spikes[: self.n_exc], self.exc_targets, W_EXC)
        self.gi.add_events(spikes[self.n_exc :], self.inh_targets, W_INH)
        return spikes


def random_targets(rng: Any, n_sources: int, n_targets: int, p: float) -> np.ndarray:
    """Connect each source with each target with probability `p`.

    Instead of drawing a number for each pair, draw the gaps between one target of a source and
    the next, which have a geometric distribution. The memory is then that of the synapses.

    Parameters
    ----------
    rng : RandomState
        Where the numbers come from.
    n_sources, n_targets : int
        Numbers of neurons on both sides.
    p : float
        Probability of a connection, in (0, 1).

    Returns
    -------
    ndarray, int32[n_sources, K]
        The targets of each source, in rising order. A row ends where its numbers go past
        ``n_targets - 1``: add_events drops targets that do not exist. K is six standard
        deviations above the mean number of targets, so that no row is cut short (the
        probability is 1e-8 a row).
    """
    K = min(n_targets, math.ceil(n_targets * p + 6 * math.sqrt(n_targets * p * (1 - p))))
    # What is done once needs no compiling: any array goes where NumPy takes arrays, and any
    # NumPy array into a Variable.
    u = np.asarray(rng.random((n_sources, K)), np.float64)
    gaps = 1 + np.floor(np.log1p(-u) / math.log1p(-p))
    return np.cumsum(gaps, axis=1).astype(np.int32) - 1


class Spikes(NamedTuple):
    """Spikes in the order of time: `step` int64[n_spikes] and `neuron` int64[n_spikes]."""

    step: np.ndarray
    neuron: np.ndarray


def simulate(
    net: COBA, start: int, stop: int, on_progress: Callable[[int], Any] | None = None
) -> Spikes:
    """Run the network for the time steps `start` to ``stop - 1``.

    Parameters
    ----------
    net : COBA
        The network; it is left in the state of step `stop`, so that a later call can go on.
    start, stop : int
        Time steps of 0.1 ms.
    on_progress : callable, optional
        Called now and then with the number of steps done since it was last called.

    Returns
    -------
    Spikes
        All spikes.
    """
    # One for_loop could run everything. Parts of it keep the memory bounded: the record is a
    # bool for each neuron and step, of which we keep the few that are True.
    size = steps_per_part(net)
    steps, neurons = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]

    def keep(first: int, record: Any) -> None:
        step, neuron = np.divmod(np.flatnonzero(np.asarray(record)), net.n)
        steps.append(step + first)
        neurons.append(neuron)
        if on_progress is not None:
            on_progress(len(record))

    previous = None
    for first in range(start, stop, size):
        # The first call compiles the loop, and later calls of the same length use it again. JAX
        # works in the background: for_loop returns at once, and while this part runs we look
        # at the one before. With four steps in a turn of the compiled loop, the numbers are the
        # same; a step of a network as small as this one costs a sixth less.
        record = bm.for_loop(net.update, bm.arange(first, min(first + size, stop)), unroll=4)
        if previous is not None:
            keep(*previous)
        previous = first, record
    if previous is not None:
        keep(*previous)
    return Spikes(np.concatenate(steps), np.concatenate(neurons))


def steps_per_part(net: COBA) -> int:
    """Return how many steps `simulate` runs at a time: a record of about 4 MB."""
    return max(1, min(1000, 4_000_000 // net.n))
