"""Event-driven accumulation: 4000 sources with 80 targets each, few or many of them active."""

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm
from brainvar import ops

N, FANOUT = 4000, 80


class AddEvents:
    """One call on a compiled path, the spikes as an argument."""

    params = (
        ["fixed fanout", "csr", "jax, all synapses"],
        [0, 8, 400, 4000],
    )
    param_names = ("impl", "active")

    def setup(self, impl, active):
        rng = np.random.default_rng(0)
        spikes = np.zeros(N, bool)
        spikes[rng.choice(N, active, replace=False)] = True
        targets = jnp.asarray(rng.integers(0, N, (N, FANOUT)), jnp.int32)
        flat = targets.reshape(-1)
        indptr = jnp.arange(N + 1, dtype=jnp.int32) * FANOUT
        pre = jnp.repeat(jnp.arange(N, dtype=jnp.int32), FANOUT)
        call = {
            "fixed fanout": lambda g, s: ops.add_events(g, s, targets, 0.6),
            "csr": lambda g, s: ops.add_events_csr(g, s, indptr, flat, 0.6),
            "jax, all synapses": lambda g, s: g.at[flat].add(jnp.where(s[pre], 0.6, 0.0)),
        }[impl]
        self.call = jax.jit(call)
        self.arguments = jnp.zeros(N, jnp.float32), jnp.asarray(spikes)
        self.call(*self.arguments).block_until_ready()

    def time_call(self, impl, active):
        self.call(*self.arguments).block_until_ready()


class AddEventsMethod:
    """The method of a Variable, eagerly."""

    params = ([8, 400],)
    param_names = ("active",)

    def setup(self, active):
        rng = np.random.default_rng(0)
        self.g = bm.Variable(bm.zeros(N))
        spikes = np.zeros(N, bool)
        spikes[rng.choice(N, active, replace=False)] = True
        self.spikes = bm.asarray(spikes)
        self.targets = bm.asarray(rng.integers(0, N, (N, FANOUT)).astype(np.int32))
        self.g.add_events(self.spikes, self.targets, 0.6)

    def time_method(self, active):
        self.g.add_events(self.spikes, self.targets, 0.6)
        self.g.value.block_until_ready()
