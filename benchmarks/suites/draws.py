"""Keys and draws."""

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm
from comparison import sampler_cases


class Split:
    """One eager split, with the new state kept."""

    params = (["brainvar", "jax", "jax by index", "jitted identity"],)
    param_names = ("impl",)

    def setup(self, impl):
        self.rng = bm.random.RandomState(0)
        self.key = jax.random.PRNGKey(0)
        self.same = jax.jit(lambda key: key)
        self.call = {
            "brainvar": self.brainvar,
            "jax": self.unpacked,
            "jax by index": self.indexed,
            "jitted identity": self.identity,
        }[impl]
        self.call()

    def brainvar(self):
        self.rng.split_key().block_until_ready()

    def unpacked(self):
        self.key, drawn = jax.random.split(self.key)
        drawn.block_until_ready()

    def indexed(self):
        keys = jax.random.split(self.key)
        self.key, drawn = keys[0], keys[1]
        drawn.block_until_ready()

    def identity(self):
        self.same(self.key).block_until_ready()

    def time_split(self, impl):
        self.call()


class One:
    """One eager number of each kind."""

    params = (["brainvar", "jax"], ["random", "normal", "randint", "exponential"])
    param_names = ("impl", "sampler")

    def setup(self, impl, sampler):
        rng = bm.random.RandomState(0)
        draw = {
            "random": lambda: rng.random(1),
            "normal": lambda: rng.normal(size=1),
            "randint": lambda: rng.randint(100, size=1),
            "exponential": lambda: rng.exponential(size=1),
        }[sampler]
        reference = {
            "random": lambda key: jax.random.uniform(key, (1,)),
            "normal": lambda key: jax.random.normal(key, (1,)),
            "randint": lambda key: jax.random.randint(key, (1,), 0, 100),
            "exponential": lambda key: jax.random.exponential(key, (1,)),
        }[sampler]
        self.key = jax.random.PRNGKey(0)

        def by_hand():
            self.key, key = jax.random.split(self.key)
            return reference(key)

        self.call = (lambda: draw().value) if impl == "brainvar" else by_hand
        self.call()

    def time_one(self, impl, sampler):
        self.call().block_until_ready()


class Many:
    """Large draws, against the time to write as many ones."""

    params = (
        ["brainvar", "jax", "numpy", "ones"],
        ["uniform", "normal"],
        [10**3, 10**6, 10**7],
    )
    param_names = ("impl", "sampler", "n")

    def setup(self, impl, sampler, n):
        rng = bm.random.RandomState(0)
        numpy_rng = np.random.default_rng(0)
        key = jax.random.PRNGKey(0)
        draw = {"uniform": rng.random, "normal": rng.standard_normal}[sampler]
        numpy_draw = {"uniform": numpy_rng.random, "normal": numpy_rng.standard_normal}[sampler]
        jax_draw = getattr(jax.random, sampler)
        self.call = {
            "brainvar": lambda: draw(n).value.block_until_ready(),
            "jax": lambda: jax_draw(key, (n,)).block_until_ready(),
            "numpy": lambda: numpy_draw(n, dtype=np.float32),
            "ones": lambda: np.ones(n, np.float32),
        }[impl]
        self.call()

    def time_many(self, impl, sampler, n):
        self.call()

    def peakmem_many(self, impl, sampler, n):
        self.call()


class Compiled:
    """Draws inside of a compiled loop."""

    params = (["brainvar", "jax"], [1, 1000])
    param_names = ("impl", "n")
    steps = 1000

    def setup(self, impl, n):
        rng = bm.random.RandomState(0)
        total = bm.Variable(jnp.zeros(n))
        steps = bm.arange(self.steps)

        def body(i):
            total.value = total + rng.random(n)

        def brainvar():
            bm.for_loop(body, steps)
            total.value.block_until_ready()

        @jax.jit
        def scan(key, total):
            def step(carry, i):
                key, total = carry
                key, drawn = jax.random.split(key)
                return (key, total + jax.random.uniform(drawn, (n,))), None

            return jax.lax.scan(step, (key, total), jnp.arange(self.steps))[0]

        key, zero = jax.random.PRNGKey(0), jnp.zeros(n)
        self.call = (
            brainvar if impl == "brainvar" else lambda: jax.block_until_ready(scan(key, zero))
        )
        self.call()

    def time_loop(self, impl, n):
        self.call()


class Samplers:
    """One eager number of each sampler."""

    params = (sampler_cases.available(),)
    param_names = ("sampler",)

    def setup(self, sampler):
        self.rng = bm.random.RandomState(0)
        self.draw = sampler_cases.draw_of(sampler)
        self.time_one(sampler)

    def time_one(self, sampler):
        jax.block_until_ready(self.draw(self.rng).value)
