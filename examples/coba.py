"""Run the COBA network step by step, and look at it on the way.

The network itself is in ``brainvar/examples/coba.py``, which is the tutorial to read first; it is
part of the package, so that ``python -m brainvar`` works wherever the package is installed. This
script uses it as one's own code would::

    python examples/coba.py
"""

import numpy as np

import brainvar.math as bm
from brainvar.examples.coba import COBA, DT, simulate
from brainvar.examples.report import interval_cv, mean_rate


def main() -> None:
    """Run the network for a second, then record a membrane potential."""
    net = COBA(seed=0)
    print("Variables:", ", ".join(f"{k} {v.shape}" for k, v in net.vars("relative").items()))

    spikes = simulate(net, start=0, stop=10_000)
    print(f"mean rate   {mean_rate(spikes, net.n, 10_000):.2f} Hz")
    print(f"interval CV {interval_cv(spikes, net.n):.2f}")

    # The state is where the run left it. What the body of a for_loop returns is recorded:
    # here 100 ms more, of the membrane potential of the first three neurons.
    def step(i):
        net.update(i)
        return net.V[:3]

    V = np.asarray(bm.for_loop(step, bm.arange(10_000, 11_000)))
    for neuron, trace in enumerate(V.T):
        print(
            f"neuron {neuron}    {trace.mean():.1f} mV on average over {len(trace) * DT:g} ms, "
            f"from {trace.min():.1f} to {trace.max():.1f} mV"
        )

    # The same class runs on NumPy arrays, eagerly, so that a step can be looked at with a
    # debugger. The random numbers are the same, and so are the synapses.
    with bm.backend("numpy"):
        debug = COBA(seed=0)
        fired = debug.update(0)
        print("step 0 on NumPy:", int(fired.sum()), "neurons fire")


if __name__ == "__main__":
    main()
