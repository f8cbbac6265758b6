"""One of two processes that draw arrays together, run by test_random_sharding.py.

Usage: ``two_processes.py ADDRESS NUMBER``, in a process with four CPU devices.
"""

from __future__ import annotations

import sys

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

jax.config.update("jax_cpu_collectives_implementation", "gloo")
ADDRESS, NUMBER = sys.argv[1], int(sys.argv[2])
jax.distributed.initialize(ADDRESS, num_processes=2, process_id=NUMBER)

import brainvar.math as bm  # noqa: E402


def assert_parts(sample: jax.Array, whole: np.ndarray) -> None:
    """Assert that this process has its part of an array of which it knows the whole."""
    assert not sample.is_fully_addressable
    assert len(sample.addressable_shards) == 4
    for shard in sample.addressable_shards:
        np.testing.assert_allclose(np.asarray(shard.data), whole[shard.index], rtol=3e-6)


def main() -> None:
    """Draw with a state of this process's own, which the other process has too."""
    assert jax.device_count() == 8
    assert jax.local_device_count() == 4
    devices = np.array(jax.devices())
    shardings = (
        NamedSharding(Mesh(devices.reshape(4, 2), ("x", "y")), P("x", "y")),
        NamedSharding(Mesh(devices, "x"), P(None, "x")),
        NamedSharding(Mesh(devices.reshape(4, 2).T, ("x", "y")), P("y")),
    )
    for stream in ("original", "partitionable"):
        rng = bm.random.RandomState(7, stream=stream)
        one = bm.random.RandomState(7, stream=stream)
        where = rng.value.sharding
        for sharding in shardings if stream == "original" else shardings[:1]:
            sample = rng.normal(3.0, 2.0, size=(8, 16), sharding=sharding)
            assert sample.value.sharding == sharding
            assert_parts(sample.value, np.asarray(one.normal(3.0, 2.0, size=(8, 16))))
            # The state is this process's own, and is where it was.
            assert rng.value.sharding == where
            assert np.array_equal(rng.value, one.value)
        key = one.split_key()
        assert np.array_equal(key, rng.split_key())

        draw = bm.jit(lambda rng=rng: rng.random((8, 16), sharding=shardings[0]))
        assert_parts(draw().value, np.asarray(one.random((8, 16))))
    print(f"process {NUMBER} has drawn its parts")
    jax.distributed.shutdown()


if __name__ == "__main__":
    main()
