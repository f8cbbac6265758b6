"""A compiled step that changes several Variables: what the objects cost on top of ``jax.jit``."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

import brainvar as bp
import brainvar.math as bm

from .harness import Call, Case, Contender, require

SIZE = 1000


def _ours(count: int) -> Call:
    class Model(bp.Base):
        def __init__(self) -> None:
            super().__init__()
            self.x = [bm.Variable(bm.zeros(SIZE)) for _ in range(count)]

        def step(self) -> None:
            for x in self.x:
                x.value = x * 0.9 + 1.0

    model = Model()
    step = bm.jit(model.step)

    def call() -> None:
        step()
        model.x[-1].value.block_until_ready()

    return call


def _by_hand(count: int, donate: bool) -> Call:
    step = jax.jit(lambda xs: [x * 0.9 + 1.0 for x in xs], donate_argnums=0 if donate else ())
    state = [jnp.zeros(SIZE) for _ in range(count)]

    def call() -> None:
        nonlocal state
        state = step(state)
        state[-1].block_until_ready()

    return call


def _brainpy(count: int) -> Call:
    require("brainpy")
    import brainpy.math as theirs

    xs = [theirs.Variable(theirs.zeros(SIZE)) for _ in range(count)]

    def step() -> None:
        for x in xs:
            x.value = x * 0.9 + 1.0

    return _waiting(theirs.jit(step), xs[-1])


def _brainstate(count: int) -> Call:
    require("brainstate")
    import brainstate

    xs = [brainstate.HiddenState(jnp.zeros(SIZE)) for _ in range(count)]

    def step() -> None:
        for x in xs:
            x.value = x.value * 0.9 + 1.0

    return _waiting(brainstate.transform.jit(step), xs[-1])


def _nnx(count: int) -> Call:
    require("flax")
    from flax import nnx

    class Model(nnx.Module):
        def __init__(self) -> None:
            self.x = nnx.List([nnx.Variable(jnp.zeros(SIZE)) for _ in range(count)])

    model = Model()

    @nnx.jit
    def step(model: Any) -> None:
        for x in model.x:
            x[...] = x[...] * 0.9 + 1.0

    def call() -> None:
        step(model)
        model.x[-1][...].block_until_ready()

    return call


def _waiting(step: Any, last: Any) -> Call:
    def call() -> None:
        step()
        jax.block_until_ready(last.value)

    return call


def cases(quick: bool) -> list[Case]:
    """Return the cases; ``quick`` leaves the larger out."""
    return [
        Case(
            f"jitted step, {count} Variables of {SIZE}",
            Contender("bm.jit", lambda count=count: _ours(count)),
            [
                Contender("jax.jit by hand", lambda count=count: _by_hand(count, False)),
                Contender("jax.jit by hand, donated", lambda count=count: _by_hand(count, True)),
                Contender("BrainPy bm.jit", lambda count=count: _brainpy(count)),
                Contender("brainstate jit", lambda count=count: _brainstate(count)),
                Contender("flax.nnx jit", lambda count=count: _nnx(count)),
            ],
        )
        for count in ((10,) if quick else (10, 100))
    ]
