"""numpy.random is left alone, raw transforms are refused, checkpoints resume the numbers."""

import copy
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

import brainvar as bp
import brainvar.math as bm
from brainvar import RawTransformError

BACKENDS = {"jax": bm.jax, "numpy": bm.numpy}


@pytest.fixture(params=BACKENDS)
def backend(request):
    return BACKENDS[request.param]


def key_of(state):
    return np.asarray(state.value).tolist()


# --- numpy.random and entropy --------------------------------------------------------------------


def use_everything(backend):
    """Make, seed, copy and draw; return the keys of what has no seed."""
    state = backend.RandomState(3)
    unseeded = [backend.RandomState() for _ in range(3)]
    backend.random.seed()
    unseeded.append(backend.random.DEFAULT)
    keys = [tuple(key_of(s)) for s in unseeded]
    backend.random.seed(4)
    for rng in (state, backend.random.DEFAULT):
        rng.seed(5)
        rng.random(3)
        rng.choice(5, 2)
        rng.shuffle(np.arange(4))
        rng.shuffle([1, 2, 3])
        rng.permutation(4)
        rng.clone()
        copy.deepcopy(rng)
        pickle.loads(pickle.dumps(rng))
    return keys


def test_numpy_random_is_neither_read_nor_written(backend, monkeypatch):
    states = []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        before = np.random.get_state()
        states += use_everything(backend)
        for mine, theirs in zip(before, np.random.get_state(), strict=True):
            assert np.array_equal(mine, theirs)
    # With the same state of numpy.random as with another one they have nothing in common.
    assert len(set(states)) == len(states) == 12
    words = [word for key in states for word in key]
    assert len(set(words)) == len(words)  # by chance not so once in 2e7 runs

    def refuse(*args, **kwargs):
        raise AssertionError("numpy.random was used")

    for name in np.random.__all__:
        if callable(getattr(np.random, name)):
            monkeypatch.setattr(np.random, name, refuse)
    use_everything(backend)


def test_the_entropy_is_that_of_the_operating_system(backend, monkeypatch):
    asked = []

    def urandom(n):
        asked.append(n)
        return bytes(range(1, n + 1))

    monkeypatch.setattr("random._urandom", urandom)
    state = backend.RandomState()
    expected = [int.from_bytes(range(1, 5), "big"), int.from_bytes(range(5, 9), "big")]
    assert key_of(state) == expected
    backend.random.seed()
    assert key_of(backend.random.DEFAULT) == expected
    assert asked == [8, 8]


def test_python_random_does_not_matter(backend):
    import random

    random.seed(0)
    first = key_of(backend.RandomState())
    random.seed(0)
    assert key_of(backend.RandomState()) != first


# --- transforms of JAX itself --------------------------------------------------------------------


def in_jit(f):
    return jax.jit(f)(jnp.zeros(3))


def in_vmap(f):
    return jax.vmap(f)(jnp.zeros(3))


def in_grad(f):
    return jax.grad(lambda x: jnp.sum(f(x)))(jnp.zeros(3))


def in_jvp(f):
    return jax.jvp(f, (jnp.zeros(3),), (jnp.ones(3),))


def in_scan(f):
    return jax.lax.scan(lambda carry, x: (carry, f(x)), 0.0, jnp.zeros(3))


def in_fori_loop(f):
    return jax.lax.fori_loop(0, 3, lambda i, x: f(x), jnp.zeros(3))


def in_cond(f):
    return jax.jit(lambda p: jax.lax.cond(p, f, lambda x: x, jnp.zeros(3)))(True)


def in_remat(f):
    return jax.checkpoint(f)(jnp.zeros(3))


def in_shard_map(f):
    mesh = Mesh(np.array(jax.devices()[:1]), ("i",))
    return jax.shard_map(f, mesh=mesh, in_specs=P("i"), out_specs=P("i"))(jnp.zeros(3))


RAW = [in_jit, in_vmap, in_grad, in_jvp, in_scan, in_fori_loop, in_cond, in_remat, in_shard_map]


@pytest.mark.parametrize("transform", RAW, ids=lambda f: f.__name__)
def test_a_state_that_a_raw_transform_moves_is_an_error(backend, transform):
    state = backend.RandomState(4)
    backend.random.seed(6)
    for move in (
        lambda x: x + jnp.asarray(state.random()),
        lambda x: x + backend.random.DEFAULT.split_keys(2)[0, 0],
        lambda x: x + state.split_key()[0],
    ):
        with pytest.raises(RawTransformError, match="RandomState") as raised:
            transform(move)
        ways = ["split_key()", "split_keys(n)", "key=key"]
        if backend is bm.numpy:  # which draws from no traced key
            ways = ["bm.use_backend('jax')"]
        for words in ("bm.jit", "bm.for_loop", *ways):
            assert words in str(raised.value)
        # Only what exists.
        for name in re.findall(r"\bbm\.(\w+)", str(raised.value)):
            assert hasattr(bm, name)
        for name in re.findall(r"\brng\.(\w+)", str(raised.value)):
            assert hasattr(state, name)
    assert key_of(state) == [0, 4]
    assert key_of(backend.random.DEFAULT) == [0, 6]
    follow = backend.RandomState(4)
    assert np.array_equal(state.random(), follow.random())


def test_within_bm_jit_it_is_the_same_error():
    state = bm.jax.RandomState(4)
    f = bm.jax.jit(lambda x: jax.vmap(lambda y: y + state.random().value)(x))
    with pytest.raises(RawTransformError, match="key=key"):
        f(jnp.zeros(3))
    assert key_of(state) == [0, 4]
    assert state.random(3).shape == (3,)


@pytest.mark.parametrize("seeded", [False, True])
def test_a_seed_inside_a_raw_transform_is_an_error(seeded):
    state = bm.jax.RandomState(4)

    def reseed(x):
        state.seed(5 if seeded else None)
        return x

    with pytest.raises((RawTransformError, bp.StaticChangeError), match="RandomState"):
        jax.jit(reseed)(1.0)
    assert key_of(state) == [0, 4]


def test_what_the_error_says_to_write_works():
    rng, f = bm.jax.RandomState(4), lambda x, key: x + rng.random(3, key=key).value
    follow = bm.jax.RandomState(4)
    drawn = jax.jit(f)(0.0, rng.split_key())
    assert np.array_equal(drawn, follow.random(3))
    keys = rng.split_keys(4)
    lanes = jax.vmap(f)(jnp.zeros(4), keys)
    assert np.array_equal(lanes, [follow.random(3, key=key) for key in follow.split_keys(4)])
    assert np.unique(lanes).size == 12
    _, scanned = jax.lax.scan(lambda carry, key: (carry, f(0.0, key)), 0, keys)
    assert np.array_equal(scanned, lanes)


# --- checkpoints ---------------------------------------------------------------------------------


def through_pickle(model, path):
    path.write_bytes(pickle.dumps(model))
    return pickle.loads(path.read_bytes())


def through_states(model, path):
    bp.save_states(path, model)
    new = type(model)()
    bp.load_states(path, new)
    return new


def through_tree(model, path):
    """Leaves to a file of NumPy's, and back into the structure."""
    leaves, structure = jax.tree.flatten(model.rngs)
    np.savez(path, *leaves)
    new = type(model)()
    with np.load(path) as file:
        new.rngs = jax.tree.unflatten(structure, [file[name] for name in file.files])
    return new


def through_npz(model, path):
    """By hand, as users do."""
    np.savez(path, **{rng.stream: np.asarray(rng.value) for rng in model.rngs})
    new = type(model)()
    with np.load(path) as file:
        for rng in new.rngs:
            rng.value = file[rng.stream]
    return new


CHECKPOINTS = [through_pickle, through_states, through_tree, through_npz]


class Noise(bp.Base):
    """A model with a state of each stream."""

    def __init__(self):
        super().__init__()
        self.rngs = [bm.random.RandomState(1), bm.random.RandomState(1, stream="partitionable")]

    def step(self):
        drawn = [(rng.random(3), rng.normal(size=3), rng.split_key()) for rng in self.rngs]
        return [np.asarray(x) for row in drawn for x in row]


@pytest.mark.parametrize(
    ("name", "save"),
    # States of the numpy backend are arrays, not pytrees.
    [(name, f) for f in CHECKPOINTS for name in BACKENDS if (name, f) != ("numpy", through_tree)],
)
def test_checkpoints_resume_the_numbers(name, save, tmp_path):
    with bm.backend(name):
        model = Noise()
        model.step()
        resumed = save(model, tmp_path / "checkpoint.npz")
        assert [rng.stream for rng in resumed.rngs] == ["original", "partitionable"]
        for _ in range(2):
            for want, got in zip(model.step(), resumed.step(), strict=True):
                assert np.array_equal(got, want)


def test_a_checkpoint_resumes_compiled_draws(tmp_path):
    model = Noise()
    run = bm.jit(lambda: [rng.random(3) for rng in model.rngs])
    run()
    bp.save_states(tmp_path / "state.npz", model)
    expected = np.array([run(), run()])
    bp.load_states(tmp_path / "state.npz", model)
    assert np.array_equal([run(), run()], expected)
