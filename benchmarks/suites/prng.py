"""`jax.random` on our implementation of its generator."""

import jax

import brainvar


class JaxRandom:
    """Functions of jax.random, by implementation."""

    params = (
        ["jax", "partitionable", "original"],
        ["bits", "uniform", "normal", "randint", "split"],
        [1, 10**3, 10**7],
    )
    param_names = ("impl", "function", "n")

    def setup(self, impl, function, n):
        impl = "threefry2x32" if impl == "jax" else brainvar.threefry_prng_impl(impl)
        key = jax.random.key(0, impl=impl)
        draw = {
            "bits": lambda: jax.random.bits(key, (n,)),
            "uniform": lambda: jax.random.uniform(key, (n,)),
            "normal": lambda: jax.random.normal(key, (n,)),
            "randint": lambda: jax.random.randint(key, (n,), 0, 100),
            "split": lambda: jax.random.split(key, min(n, 10**6)),
        }[function]
        self.call = lambda: draw().block_until_ready()
        self.call()

    def time_draw(self, impl, function, n):
        self.call()
