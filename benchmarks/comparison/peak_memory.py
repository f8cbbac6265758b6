"""Peak memory of ``v += x``, as a script: each measurement is a process of its own.

    python peak_memory.py brainvar|brainpy|jax SIZE

prints the bytes that the process held at most while it added, less those that it holds without
`v`: the size of `v`, and what the additions take besides.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ADDITIONS = 5


def _status(field: str) -> int:
    """Return a field of /proc/self/status in bytes."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{field}:\s*(\d+) kB", text).group(1))  # type: ignore[union-attr]


def _add_brainvar(size: int) -> Any:
    import brainvar.math as bm

    v, x = bm.Variable(bm.zeros(size)), bm.ones(size)

    def add() -> None:
        nonlocal v
        v += x
        v.block_until_ready()

    return add


def _add_brainpy(size: int) -> Any:
    import brainpy.math as bm

    v, x = bm.Variable(bm.zeros(size)), bm.ones(size)

    def add() -> None:
        nonlocal v
        v += x
        v.value.block_until_ready()

    return add


def _add_jax(size: int) -> Any:
    import jax.numpy as jnp

    v, x = jnp.zeros(size), jnp.ones(size)

    def add() -> None:
        nonlocal v
        v += x
        v.block_until_ready()

    return add


def measure(who: str, size: int) -> int:
    """Measure in this process, which should not have done anything else."""
    add = {"brainvar": _add_brainvar, "brainpy": _add_brainpy, "jax": _add_jax}[who](size)
    # The first write compiles, and makes the buffer the Variable's own.
    for _ in range(2):
        add()
    time.sleep(0.2)  # JAX frees in the background
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    for _ in range(ADDITIONS):
        add()
    return 4 * size + _status("VmHWM") - before


def run(who: str, size: int) -> float:
    """Measure in a new process."""
    command = [sys.executable, __file__, who, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return float(done.stdout)


if __name__ == "__main__":
    print(measure(sys.argv[1], int(sys.argv[2])))
