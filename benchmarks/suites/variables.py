"""What a compiled step costs that changes many Variables."""

import jax
import jax.numpy as jnp

import brainvar as bp
import brainvar.math as bm

SIZE = 1000


class Model(bp.Base):
    """A number of Variables that all change in a step."""

    def __init__(self, count):
        super().__init__()
        self.x = [bm.Variable(bm.zeros(SIZE)) for _ in range(count)]

    def step(self):
        for x in self.x:
            x.value = x * 0.9 + 1.0


class JitStep:
    """The step, against ``jax.jit`` on a list that is passed by hand."""

    params = (["brainvar", "jax", "jax, donated"], [1, 10, 100])
    param_names = ("impl", "count")

    def setup(self, impl, count):
        if impl == "brainvar":
            model = Model(count)
            step = bm.jit(model.step)

            def call():
                step()
                model.x[-1].value.block_until_ready()

        else:
            donated = 0 if impl == "jax, donated" else ()
            by_hand = jax.jit(lambda xs: [x * 0.9 + 1.0 for x in xs], donate_argnums=donated)
            self.state = [jnp.zeros(SIZE) for _ in range(count)]

            def call():
                self.state = by_hand(self.state)
                self.state[-1].block_until_ready()

        self.call = call
        call()

    def time_step(self, impl, count):
        self.call()


class FirstCall:
    """Tracing and compiling, which each process pays once."""

    params = (["brainvar", "jax"], [10])
    param_names = ("impl", "count")
    number = 1
    repeat = (3, 10, 5.0)
    warmup_time = 0.0

    def setup(self, impl, count):
        self.model = Model(count)
        self.state = [jnp.zeros(SIZE) for _ in range(count)]
        jax.clear_caches()

    def time_first_call(self, impl, count):
        if impl == "brainvar":
            bm.jit(self.model.step)()
        else:
            jax.jit(lambda xs: [x * 0.9 + 1.0 for x in xs])(self.state)
