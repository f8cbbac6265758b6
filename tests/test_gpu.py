"""On a CUDA device: the same numbers as on the CPU, and models that run there."""

import jax
import numpy as np
import pytest

import brainvar as bp
import brainvar.math as bm
from brainvar import ops


def cuda_devices():
    try:
        return jax.devices("cuda")
    except RuntimeError:
        return []


pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not cuda_devices(), reason="needs a CUDA device"),
]

KEY = np.array([0, 1234], np.uint32)


def on(platform, function):
    with jax.default_device(jax.devices(platform)[0]):
        return jax.tree.map(np.asarray, function())


@pytest.mark.parametrize("stream", ["original", "partitionable"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda stream: ops.split(KEY, 7, stream=stream),
        lambda stream: ops.advance(KEY, 3, stream=stream),
        lambda stream: ops.bits(KEY, (1001,), 8, stream=stream),
        lambda stream: ops.bits(KEY, (1001,), 16, stream=stream),
        lambda stream: ops.bits(KEY, (1001,), 32, stream=stream),
        lambda stream: ops.uniform(KEY, (13, 77), "float32", stream=stream),
        lambda stream: ops.uniform(KEY, (13, 77), "bfloat16", stream=stream),
        lambda stream: ops.randint(KEY, (1001,), -5, 100, "int32", stream=stream),
        lambda stream: ops.permutation_indices(KEY, 1001, stream=stream),
    ],
)
def test_level_1_of_the_stream_has_the_bits_of_the_cpu(draw, stream):
    on_cpu, on_gpu = (on(platform, lambda: draw(stream)) for platform in ("cpu", "cuda"))
    jax.tree.map(np.testing.assert_array_equal, on_gpu, on_cpu)


def test_normals_are_those_of_the_cpu_within_2_ulp():
    on_cpu, on_gpu = (
        on(platform, lambda: ops.normal(KEY, (2**20,), "float32")) for platform in ("cpu", "cuda")
    )
    assert np.abs(on_gpu.view(np.int32).astype(int) - on_cpu.view(np.int32)).max() <= 2


def test_a_random_state_moves_as_on_the_cpu():
    def draws():
        rng = bm.random.RandomState(7)
        return rng.random(5).value, rng.split_keys(3), rng.randint(10, size=4).value, rng.value

    jax.tree.map(np.testing.assert_array_equal, on("cuda", draws), on("cpu", draws))


def test_events_are_added_as_on_the_cpu():
    rng = np.random.RandomState(0)
    spikes, targets = rng.rand(300) < 0.1, rng.randint(-5, 505, (300, 40)).astype(np.int32)

    def add():
        v = bm.Variable(bm.zeros(500))
        v.add_events(spikes, targets, 0.5)
        return v.value

    np.testing.assert_array_equal(on("cuda", add), on("cpu", add))


def test_a_model_runs_on_the_device():
    class Walk(bp.Base):
        def __init__(self):
            super().__init__()
            self.x = bm.Variable(bm.zeros(100))
            self.rng = bm.random.RandomState(3)

        def step(self, i):
            self.x += self.rng.normal(size=100)
            return self.x.mean()

    def run():
        walk = Walk()
        means = bm.for_loop(walk.step, bm.arange(50))
        assert walk.x.value.devices() == means.value.devices()
        return means.value

    np.testing.assert_allclose(on("cuda", run), on("cpu", run), rtol=1e-4, atol=1e-5)
