"""Random numbers drawn by several threads at once."""

import threading
import time

import jax.numpy as jnp
import numpy as np

from brainvar.random import RandomState
from brainvar.random._functions import DefaultState
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop


def test_draws_of_threads_in_compiled_functions_are_all_different():
    state, other = RandomState(0), RandomState(1)
    f = jit(lambda: (state.random(), other.random()))

    def body(_):
        return other.random(), state.random()

    f(), for_loop(body, jnp.arange(2))
    drawn = []

    def work():
        for _ in range(50):
            drawn.extend(map(float, f()))
            drawn.extend(np.ravel(for_loop(body, jnp.arange(2))).tolist())
            drawn.append(float(state.random()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 4 * 50 * 7
    assert len(set(drawn)) > len(drawn) - 3  # two of 2**23 floats may be equal


def test_default_made_by_two_threads_at_once():
    made = []

    def slow():
        made.append(RandomState(len(made)))
        time.sleep(0.05)
        return made[-1]

    default, found = DefaultState({}, slow), []
    threads = [threading.Thread(target=lambda: found.append(default())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(state is made[0] for state in found)
    assert len(found) == 3
