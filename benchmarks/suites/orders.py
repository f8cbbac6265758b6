"""Permutations, shuffles and choices without replacement."""

import jax
import jax.numpy as jnp
import numpy as np

import brainvar.math as bm


class Permutation:
    """One eager permutation of integers."""

    params = (["brainvar", "jax", "numpy"], [10, 10**3, 10**6])
    param_names = ("impl", "n")

    def setup(self, impl, n):
        rng, key = bm.random.RandomState(0), jax.random.PRNGKey(0)
        numpy_rng = np.random.default_rng(0)
        self.call = {
            "brainvar": lambda: rng.permutation(n).value.block_until_ready(),
            "jax": lambda: jax.random.permutation(key, n).block_until_ready(),
            "numpy": lambda: numpy_rng.permutation(n),
        }[impl]
        self.call()

    def time_permutation(self, impl, n):
        self.call()

    def peakmem_permutation(self, impl, n):
        self.call()


class Shuffle:
    """Rows of an array [1e5, 16], in place where the package can."""

    params = (["brainvar", "jax", "numpy"],)
    param_names = ("impl",)

    def setup(self, impl):
        rng, key = bm.random.RandomState(0), jax.random.PRNGKey(0)
        numpy_rng = np.random.default_rng(0)
        rows = np.zeros((10**5, 16), np.float32)
        variable, array = bm.Variable(rows), jnp.asarray(rows)

        def brainvar():
            rng.shuffle(variable)
            variable.block_until_ready()

        self.call = {
            "brainvar": brainvar,
            "jax": lambda: jax.random.permutation(key, array).block_until_ready(),
            "numpy": lambda: numpy_rng.shuffle(rows),
        }[impl]
        self.call()

    def time_rows(self, impl):
        self.call()


class Choice:
    """A sample of the integers below 1e6 without replacement."""

    params = (["brainvar", "jax", "numpy"], [10, 10**5])
    param_names = ("impl", "size")

    def setup(self, impl, size):
        rng, key, n = bm.random.RandomState(0), jax.random.PRNGKey(0), 10**6
        numpy_rng = np.random.RandomState(0)
        self.call = {
            "brainvar": lambda: rng.choice(n, size, replace=False).value.block_until_ready(),
            "jax": lambda: jax.random.choice(key, n, (size,), replace=False).block_until_ready(),
            "numpy": lambda: numpy_rng.choice(n, size, replace=False),
        }[impl]
        self.call()

    def time_choice(self, impl, size):
        self.call()
