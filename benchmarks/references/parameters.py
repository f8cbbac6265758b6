"""The COBA benchmark network in plain NumPy terms, shared by every reference implementation.

Vogels & Abbott (2005) as stated by Brette et al. (2007), benchmark 1.  Times in ms, potentials
in mV, conductances in units of the leak.  The references share the numbers, the connectivity and
the initial state; each one brings its own equations, loop and event delivery.
"""

from __future__ import annotations

import dataclasses

import numpy as np

DT = 0.1
TAU_M, TAU_E, TAU_I = 20.0, 5.0, 10.0
E_LEAK, V_THRESHOLD, V_RESET = -60.0, -50.0, -60.0
E_EXC, E_INH = 0.0, -80.0
W_EXC, W_INH = 0.6, 6.7
DRIVE = 20.0
REFRACTORY = 5.0
REFRACTORY_STEPS = round(REFRACTORY / DT)
N_NEURONS, N_EXC = 4000, 3200
PROBABILITY = 0.02


@dataclasses.dataclass(frozen=True)
class Setup:
    """Initial potentials, float32[4000], and the synapses as CSR rows by presynaptic neuron."""

    V: np.ndarray
    exc_indptr: np.ndarray
    exc_indices: np.ndarray
    inh_indptr: np.ndarray
    inh_indices: np.ndarray

    @property
    def exc_pre(self) -> np.ndarray:
        """Presynaptic neuron of every excitatory synapse, int32[n_synapses]."""
        return _rows(self.exc_indptr)

    @property
    def inh_pre(self) -> np.ndarray:
        """Presynaptic neuron of every inhibitory synapse, counted from the first inhibitory one."""
        return _rows(self.inh_indptr)


def _rows(indptr: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))


def _csr(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int32)
    return indptr, np.nonzero(mask)[1].astype(np.int32)


def padded_rows(indptr: np.ndarray, indices: np.ndarray, fill: int) -> np.ndarray:
    """Return the CSR rows as one int32[n_rows, longest row] table, padded with ``fill``."""
    lengths = np.diff(indptr)
    table = np.full((len(lengths), lengths.max()), fill, np.int32)
    table[np.arange(table.shape[1]) < lengths[:, None]] = indices
    return table


def make(seed: int = 0) -> Setup:
    """Draw the network: every ordered pair of neurons is connected with probability 2 %."""
    rng = np.random.default_rng(seed)
    V = rng.normal(-55.0, 5.0, N_NEURONS).astype(np.float32)
    exc = _csr(rng.random((N_EXC, N_NEURONS)) < PROBABILITY)
    inh = _csr(rng.random((N_NEURONS - N_EXC, N_NEURONS)) < PROBABILITY)
    return Setup(V, *exc, *inh)
