"""The COBA network, one simulated second."""

from brainvar.examples.coba import COBA, simulate
from references import coba_jax

STEPS = 10_000


class Coba:
    """A second of 4000 neurons, against a plain-JAX scan and one written by an expert."""

    params = (["brainvar", "jax, plain", "jax, expert"],)
    param_names = ("impl",)
    timeout = 300
    number = 1
    repeat = (3, 10, 20.0)
    warmup_time = 0.0

    def setup(self, impl):
        if impl == "brainvar":
            net = COBA(seed=0)
            self.call = lambda: simulate(net, 0, STEPS)
        else:
            run = coba_jax.build(impl.removeprefix("jax, "))
            self.call = lambda: run(STEPS)
        self.call()

    def time_second(self, impl):
        self.call()

    def peakmem_second(self, impl):
        self.call()
