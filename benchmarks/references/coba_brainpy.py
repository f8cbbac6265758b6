"""The COBA network in BrainPy 2.8: once from its neuron and synapse models, once in brainpy.math.

Both return a function that runs the network from its initial state for a number of steps and
gives the spikes, bool[steps, 4000], ready on the device.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from unittest import mock

import brainevent
import brainpy as bp
import brainpy.math as bm
import jax
import numpy as np

from . import parameters as p


class ModelNetwork(bp.DynSysGroup):
    """The network as BrainPy's own examples build it: LifRef, Expon, COBA, event-driven CSR."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        setup = p.make(seed)
        n_inh = p.N_NEURONS - p.N_EXC
        self.neurons = bp.dyn.LifRef(
            p.N_NEURONS,
            V_rest=p.E_LEAK,
            V_th=p.V_THRESHOLD,
            V_reset=p.V_RESET,
            tau=p.TAU_M,
            tau_ref=p.REFRACTORY,
            method="euler",
            V_initializer=lambda shape: bm.asarray(setup.V),
            spk_dtype=bool,
        )

        def project(n_pre: int, indptr, indices, weight: float, tau: float, reversal: float):
            return bp.dyn.HalfProjAlignPostMg(
                comm=bp.dnn.EventCSRLinear(
                    bp.conn.CSRConn(indices, indptr)(n_pre, p.N_NEURONS), weight
                ),
                syn=bp.dyn.Expon.desc(p.N_NEURONS, tau=tau),
                out=bp.dyn.COBA.desc(E=reversal),
                post=self.neurons,
            )

        self.exc = project(p.N_EXC, setup.exc_indptr, setup.exc_indices, p.W_EXC, p.TAU_E, p.E_EXC)
        self.inh = project(n_inh, setup.inh_indptr, setup.inh_indices, p.W_INH, p.TAU_I, p.E_INH)

    def update(self, drive):
        """Deliver the spikes of the last step, advance the neurons and return their spikes."""
        spikes = self.neurons.spike.value
        self.exc(spikes[: p.N_EXC])
        self.inh(spikes[p.N_EXC :])
        self.neurons(drive)
        return self.neurons.spike.value

    def step(self, i):
        """One step of dt at step number ``i``."""
        bp.share.save(i=i, t=i * p.DT)
        return self.update(p.DRIVE)


class MathNetwork(bp.BrainPyObject):
    """The same network from brainpy.math Variables and its pre2post event operator."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        setup = p.make(seed)
        self.exc = (bm.asarray(setup.exc_indices), bm.asarray(setup.exc_indptr))
        self.inh = (bm.asarray(setup.inh_indices), bm.asarray(setup.inh_indptr))
        self.V = bm.Variable(bm.asarray(setup.V))
        self.ge = bm.Variable(bm.zeros(p.N_NEURONS))
        self.gi = bm.Variable(bm.zeros(p.N_NEURONS))
        self.release = bm.Variable(bm.zeros(p.N_NEURONS, dtype=bm.int32))

    def step(self, i):
        """One step of dt at step number ``i``."""
        V, ge, gi = self.V.value, self.ge.value, self.gi.value
        current = (p.E_LEAK - V) + ge * (p.E_EXC - V) + gi * (p.E_INH - V) + p.DRIVE
        V = bm.where(i < self.release.value, p.V_RESET, V + current * (p.DT / p.TAU_M))
        spikes = bm.as_jax(V >= p.V_THRESHOLD)
        self.V.value = V
        self.release.value = bm.where(spikes, i + p.REFRACTORY_STEPS, self.release.value)
        self.ge.value = ge * (1 - p.DT / p.TAU_E) + bm.pre2post_event_sum(
            spikes[: p.N_EXC], self.exc, p.N_NEURONS, p.W_EXC
        )
        self.gi.value = gi * (1 - p.DT / p.TAU_I) + bm.pre2post_event_sum(
            spikes[p.N_EXC :], self.inh, p.N_NEURONS, p.W_INH
        )
        return spikes


NETWORKS = {"models": ModelNetwork, "brainpy.math": MathNetwork}


def event_backends() -> list[str]:
    """Return the CPU kernels that BrainPy's event operators can use here.

    ``jax_raw`` is what a plain ``pip install brainpy`` has; ``numba`` is its fast path, taken by
    default when numba is installed.
    """
    return ["jax_raw", "numba"] if importlib.util.find_spec("numba") else ["jax_raw"]


def build(network: str, backend: str, seed: int = 0) -> Callable[[int], jax.Array]:
    """Build one of ``NETWORKS`` with an event backend and return its runner."""
    bm.set_dt(p.DT)
    net = NETWORKS[network](seed)
    variables = net.vars().unique()
    state = {name: np.asarray(v.value) for name, v in variables.items()}

    # Compiled once: for_loop by itself would trace the body again in every call.
    loop = bm.jit(lambda steps: bm.for_loop(net.step, steps))

    def run(steps: int) -> jax.Array:
        # The choice is looked up when the first call compiles. set_backend also clears the caches
        # of JAX, those of everybody in the process, which would compile again in each round.
        with mock.patch.object(jax, "clear_caches"):
            brainevent.config.set_backend("cpu", backend)
        for name, v in variables.items():
            v.value = bm.asarray(state[name])
        return jax.block_until_ready(bm.as_jax(loop(bm.arange(steps))))

    return run
