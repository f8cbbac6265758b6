"""Writes in place, eager and in loops."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm
from comparison import index_kinds


def filled(n):
    """Return a Variable whose buffer is its own."""
    v = bm.Variable(bm.zeros(n))
    v[0] = 1.0
    return v


class SetOne:
    """One element, at another place each time."""

    params = (["brainvar", "jax", "by hand, donated", "numpy"], [10**3, 10**7])
    param_names = ("impl", "n")

    def setup(self, impl, n):
        self.next_place = itertools.cycle(np.random.default_rng(0).integers(0, n, 1000).tolist())
        self.v, self.x, self.host = filled(n), jnp.zeros(n), np.zeros(n, np.float32)
        self.update = jax.jit(
            lambda b, i, x: jax.lax.dynamic_update_slice(b, x.astype(b.dtype)[None], (i,)),
            donate_argnums=0,
        )
        self.call = {
            "brainvar": self.brainvar,
            "jax": self.at_set,
            "by hand, donated": self.by_hand,
            "numpy": self.numpy,
        }[impl]
        self.call(0)

    def brainvar(self, i):
        self.v[i] = 1.0
        self.v.block_until_ready()

    def at_set(self, i):
        self.x = self.x.at[i].set(1.0)
        self.x.block_until_ready()

    def by_hand(self, i):
        self.x = self.update(self.x, i, 1.0)
        self.x.block_until_ready()

    def numpy(self, i):
        self.host[i] = 1.0

    def time_set(self, impl, n):
        self.call(next(self.next_place))


class Kinds:
    """Forty kinds of index, with values that were seen before."""

    params = (["brainvar", "jax", "numpy"], [10**4, 10**6])
    param_names = ("impl", "n")
    timeout = 120

    def setup(self, impl, n):
        side = round(n**0.5)
        self.writes = index_kinds.rounds(n, 1)[0]
        if impl == "numpy":
            self.writes = [
                (target, np.asarray(i) if isinstance(i, jax.Array) else i, x)
                for target, i, x in self.writes
            ]
            self.arrays = {"flat": np.zeros(n), "table": np.zeros((side, side))}
        elif impl == "jax":
            self.arrays = {"flat": jnp.zeros(n), "table": jnp.zeros((side, side))}
        else:
            self.arrays = {
                "flat": bm.Variable(bm.zeros(n)),
                "table": bm.Variable(bm.zeros((side, side))),
            }
        self.time_kinds(impl, n)

    def time_kinds(self, impl, n):
        arrays = self.arrays
        if impl == "jax":
            for target, i, x in self.writes:
                i = jnp.asarray(i) if isinstance(i, list) else i
                arrays[target] = arrays[target].at[i].set(x)
        else:
            for target, i, x in self.writes:
                arrays[target][i] = x
        if impl != "numpy":
            for array in arrays.values():
                array.block_until_ready()


class AddAt:
    """Scattered additions, at a tenth as many places as there are elements."""

    params = (["brainvar", "brainvar, host", "jax", "numpy"], [10**4, 10**6])
    param_names = ("impl", "n")

    def setup(self, impl, n):
        rng = np.random.default_rng(0)
        self.i, self.y = rng.integers(0, n, n // 10), rng.random(n // 10, np.float32)
        if impl in ("brainvar", "jax"):
            self.i, self.y = jnp.asarray(self.i, jnp.int32), jnp.asarray(self.y)
        self.v, self.x, self.host = filled(n), jnp.zeros(n), np.zeros(n, np.float32)
        self.time_add_at(impl, n)

    def time_add_at(self, impl, n):
        if impl == "numpy":
            np.add.at(self.host, self.i, self.y)
        elif impl == "jax":
            self.x = self.x.at[self.i].add(self.y)
            self.x.block_until_ready()
        else:
            self.v.add_at(self.i, self.y)
            self.v.block_until_ready()


class AddArray:
    """A whole array, ``v += x``."""

    params = (["brainvar", "jax", "numpy"], [10**4, 10**7])
    param_names = ("impl", "n")

    def setup(self, impl, n):
        if impl == "numpy":
            self.v, self.x = np.zeros(n, np.float32), np.ones(n, np.float32)
        else:
            self.v, self.x = (filled(n) if impl == "brainvar" else jnp.zeros(n)), jnp.ones(n)
        self.time_add(impl, n)

    def time_add(self, impl, n):
        self.v += self.x
        if impl != "numpy":
            self.v.block_until_ready()

    def peakmem_add(self, impl, n):
        self.time_add(impl, n)


class Ring:
    """A compiled loop that writes a row of a buffer in each step, whatever its length."""

    params = (["brainvar", "jax, donated"], [10**4, 10**6, 10**8])
    param_names = ("impl", "n")
    row = 1000
    steps = 1000

    def setup(self, impl, n):
        rows = n // self.row
        if impl == "brainvar":
            ring, x = bm.Variable(bm.zeros((rows, self.row))), bm.Variable(bm.zeros(self.row))
            times = bm.arange(self.steps)

            def step(i):
                ring[i % rows] = x
                x.value = 0.5 * x + 1.0

            def call():
                bm.for_loop(step, times)
                ring.block_until_ready()

        else:

            def step(state, i):
                ring, x = state
                return (ring.at[i % rows].set(x), 0.5 * x + 1.0), None

            run = jax.jit(
                lambda state: jax.lax.scan(step, state, jnp.arange(self.steps))[0],
                donate_argnums=0,
            )
            self.state = jnp.zeros((rows, self.row)), jnp.zeros(self.row)

            def call():
                self.state = jax.block_until_ready(run(self.state))

        self.call = call
        call()

    def time_steps(self, impl, n):
        self.call()
