"""Large draws over two devices of the host, in a process that is started with so many.

    python sharding_cases.py SIZE

is that process: it draws what each line of its input names, and prints the seconds that it took.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

DEVICES = 2


def _draws(size: int) -> dict[str, Callable[[], Any]]:
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    import brainvar.math as bm

    halves = NamedSharding(Mesh(np.array(jax.devices()), "x"), PartitionSpec("x"))
    shape = (size,)
    draws: dict[str, Callable[[], Any]] = {}
    for stream in ("original", "partitionable"):
        rng = bm.random.RandomState(0, stream=stream)
        draws[f"{stream}, one device"] = lambda rng=rng: rng.random(shape).value
        draws[stream] = lambda rng=rng: rng.random(shape, sharding=halves).value

    uniform = jax.jit(lambda key: jax.random.uniform(key, shape, jnp.float32), out_shardings=halves)
    key = jax.random.key(0)
    draws["jax.random"] = lambda: uniform(key)
    return draws


def _serve(size: int) -> None:
    draws = _draws(size)
    for line in sys.stdin:
        draw = draws[line.strip()]
        start = time.perf_counter()
        draw().block_until_ready()
        print(time.perf_counter() - start, flush=True)


@lru_cache
def _process(size: int) -> subprocess.Popen[str]:
    """Start the process, once for all contenders."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), str(size)],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.kill)
    return process


def _ask(process: subprocess.Popen[str], name: str) -> float:
    print(name, file=process.stdin, flush=True)
    answer = process.stdout.readline()  # type: ignore[union-attr]
    if not answer:
        raise RuntimeError(f"the process that draws has ended with status {process.wait()}")
    return float(answer)


def cases(quick: bool) -> list[Any]:
    """Return the cases."""
    from .harness import Case, Contender

    size = 10**6 if quick else 10**8

    def contender(label: str, name: str) -> Contender:
        def make() -> Callable[[], float]:
            process = _process(size)
            return lambda: _ask(process, name)

        return Contender(label, make)

    return [
        Case(
            f"random float32, {size:.0e} over {DEVICES} devices, {stream}".replace("e+0", "e"),
            contender("RandomState.random(sharding=)", stream),
            [
                contender("the same on one device", f"{stream}, one device"),
                contender("jax.random.uniform, sharded", "jax.random"),
            ],
            rounds=7,
        )
        for stream in ("original", "partitionable")
    ]


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
