"""Which counter layout a RandomState has, how it keeps it, and that seeds keep their bits."""

import copy
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar as bp
import brainvar.math as bm
from brainvar import ops
from brainvar._compat import enable_x64

STREAMS = ["original", "partitionable"]
BACKENDS = {"jax": bm.jax, "numpy": bm.numpy}


@pytest.fixture(params=BACKENDS)
def backend(request):
    return BACKENDS[request.param]


@pytest.fixture(params=STREAMS)
def stream(request):
    return request.param


def key_of(state):
    return np.asarray(state.value).tolist()


# --- the default ---------------------------------------------------------------------------------


def test_the_default_holds_for_states_made_afterwards(backend):
    RandomState, random = backend.RandomState, backend.random
    before = RandomState(1)
    assert random.get_default_stream() == "original"
    with random.set_default_stream("partitionable"):
        assert bm.jax.random.get_default_stream() == "partitionable"
        assert bm.numpy.random.get_default_stream() == "partitionable"
        state = RandomState(1)
        assert state.stream == RandomState(np.array([0, 1], np.uint32)).stream == "partitionable"
        assert RandomState().stream == RandomState(before.split_key()).stream == "partitionable"
        # What says which stream it has keeps it.
        assert RandomState(before).stream == before.stream == "original"
        assert RandomState(1, stream="original").stream == "original"
        assert before.clone().stream == copy.copy(before).stream == "original"
        assert pickle.loads(pickle.dumps(before)).stream == "original"
    assert RandomState(1).stream == "original"
    assert state.stream == RandomState(state).stream == "partitionable"
    assert copy.deepcopy(state).stream == state.clone().stream == "partitionable"


def test_the_default_within_a_block_that_is_entered_again():
    block = bm.random.set_default_stream("partitionable")
    for _ in range(2):
        with block:
            assert bm.random.get_default_stream() == "partitionable"
        assert bm.random.get_default_stream() == "original"


def test_the_default_as_a_function_and_after_errors():
    bm.random.set_default_stream("partitionable")
    try:
        assert bm.random.RandomState(0).stream == "partitionable"
        with pytest.raises(ValueError, match="'original' or 'partitionable', got 'new'"):
            bm.random.set_default_stream("new")
        assert bm.random.get_default_stream() == "partitionable"
    finally:
        bm.random.set_default_stream("original")

    def fail():
        with bm.random.set_default_stream("partitionable"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert bm.random.get_default_stream() == "original"


def test_the_default_stream_of_default(monkeypatch):
    for module in (bp.random, bm.numpy.random):
        monkeypatch.setitem(vars(module), "DEFAULT", None)  # to be undone
        del vars(module)["DEFAULT"]
    with bm.random.set_default_stream("partitionable"):
        assert bm.random.DEFAULT.stream == "partitionable"
    bm.random.seed(3)
    assert bm.random.DEFAULT.stream == "partitionable"
    # The other backend goes on with the stream, whatever the default is.
    expected = bm.random.RandomState(bm.random.DEFAULT)
    with bm.backend("numpy"):
        assert bm.random.DEFAULT.stream == "partitionable"
        assert np.array_equal(bm.random.rand(3), expected.rand(3))


def test_default_takes_its_stream_to_the_other_backend(monkeypatch):
    monkeypatch.setattr(bm.numpy.random, "DEFAULT", bm.numpy.random.RandomState(1), raising=False)
    mine = bp.random.RandomState(5, stream="partitionable")
    monkeypatch.setattr(bp.random, "DEFAULT", mine, raising=False)
    follow = bp.random.RandomState(5, stream="partitionable")
    drawn = [bm.random.rand(3)]
    with bm.backend("numpy"):
        drawn.append(bm.random.rand(3))
    drawn.append(bm.random.rand(3))
    assert np.array_equal(drawn, [follow.rand(3) for _ in range(3)])
    assert bp.random.DEFAULT is mine


# --- kept ----------------------------------------------------------------------------------------

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "method": lambda x: type(x)(x),
}
PYTREES = {
    "tree.map": lambda x: jax.tree.map(lambda leaf: leaf, x),
    "flatten": lambda x: jax.tree.unflatten(jax.tree.structure(x), jax.tree.leaves(x)),
    "jax.jit": lambda x: jax.jit(lambda y: y)(x),
}


@pytest.mark.parametrize(
    ("backend", "how"),
    # States of the numpy backend are arrays, not pytrees.
    [(bm.jax, how) for how in (*COPIES, *PYTREES)] + [(bm.numpy, how) for how in COPIES],
)
def test_copies_keep_the_stream(backend, stream, how):
    state = backend.RandomState(8, stream=stream)
    state.random(3)
    twin = {**COPIES, **PYTREES}[how](state)
    assert twin.stream == stream
    assert key_of(twin) == key_of(state)
    assert np.array_equal(twin.random(3), state.random(3))
    assert state.clone().stream == stream


def test_the_stream_is_shown_where_it_is_not_original(backend):
    with bm.random.set_default_stream("partitionable"):
        # Whatever the default is: what is shown means the same everywhere.
        assert "stream='partitionable'" in repr(backend.RandomState(1))
        assert "stream" not in repr(backend.RandomState(1, stream="original"))


def test_saved_states_keep_the_stream(backend, stream, tmp_path):
    state = backend.RandomState(8, stream=stream)
    state.random(3)
    bp.save_states(tmp_path / "state.npz", {"rng": state})
    expected = np.asarray(state.random(3))
    for other in BACKENDS.values():
        resumed = other.RandomState(stream=stream)
        bp.load_states(tmp_path / "state.npz", {"rng": resumed})
        assert resumed.stream == stream
        assert np.array_equal(resumed.random(3), expected)
    wrong = backend.RandomState(0, stream=STREAMS[1 - STREAMS.index(stream)])
    with pytest.raises(ValueError, match=rf"RandomState\(stream={stream!r}\)"):
        bp.load_states(tmp_path / "state.npz", {"rng": wrong})
    assert key_of(wrong) == [0, 0]


def test_a_compiled_function_has_a_program_for_each_stream():
    draw = bm.jax.jit(lambda state: state.random(3))
    for stream in (*STREAMS, *STREAMS):
        state, follow = (bm.jax.RandomState(4, stream=stream) for _ in range(2))
        assert np.array_equal(draw(state), follow.random(3))
        assert key_of(state) == key_of(follow)


def test_streams_do_not_depend_on_the_flag_of_jax(backend, stream):
    drawn = []
    for flag in (False, True):
        with jax.threefry_partitionable(flag):
            state = backend.RandomState(5, stream=stream)
            drawn.append([*state.random(3).tolist(), *state.split_key().tolist()])
    assert drawn[0] == drawn[1]


# --- seeds ---------------------------------------------------------------------------------------

SEEDS = [0, 1234, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF]


@pytest.mark.parametrize("x64", [False, True])
def test_seeds_keep_all_their_bits(backend, x64):
    with enable_x64(x64):
        for seed in SEEDS:
            expected = [seed >> 32, seed & 0xFFFFFFFF]
            state = backend.RandomState(7)
            state.seed(seed)
            kinds = [seed, np.uint64(seed)]
            kinds += [np.int64(seed), np.array(seed)] if seed < 2**63 else []
            kinds += [jnp.asarray(seed, "uint64")] if x64 else []
            assert key_of(state) == expected
            assert [key_of(backend.RandomState(kind)) for kind in kinds] == [expected] * len(kinds)
            assert ops.seed_to_key(seed).tolist() == expected
            backend.random.seed(seed)
            assert key_of(backend.random.DEFAULT) == expected


def test_seeds_that_share_their_lower_half_differ(backend):
    drawn = {json.dumps(backend.RandomState(5 + (i << 32)).random(3).tolist()) for i in range(4)}
    assert len(drawn) == 4
