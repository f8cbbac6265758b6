"""RandomState: the key it holds, how it is seeded, moved on, copied and shown."""

import copy
import json
import os
import pickle
import subprocess
import sys
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.random as brandom
from brainvar import ops
from brainvar._compat import enable_x64
from brainvar.core.array import JaxArray
from brainvar.core.errors import RawTransformError
from brainvar.core.variable import Variable
from brainvar.random import RandomState
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop


def key_of(state):
    return np.asarray(state.value).tolist()


# --- the documented numbers ----------------------------------------------------------------------


def test_documented_states_and_keys():
    state = RandomState(seed=1234)
    assert repr(state) == "RandomState(Array([   0, 1234], dtype=uint32))"
    state.random(1)
    assert repr(state) == "RandomState(Array([2113592192, 1902136347], dtype=uint32))"
    state.sample(1)
    assert repr(state) == "RandomState(Array([1076515368, 3893328283], dtype=uint32))"
    assert state.split_key().tolist() == [3028232624, 826525938]
    assert state.split_keys(2).tolist() == [[4198471980, 1111166693], [1457783592, 2493283834]]
    assert state.split_keys(5).tolist() == [
        [3244149147, 2659778815],
        [2548793527, 3057026599],
        [874320145, 4142002431],
        [3368470122, 3462971882],
        [1756854521, 1662729797],
    ]


def test_documented_seed_of_default():
    state = brandom.DEFAULT
    brandom.seed(654321)
    assert brandom.DEFAULT is state
    assert repr(state) == "RandomState(Array([     0, 654321], dtype=uint32))"


_DIGEST = """
import json, numpy as np
from brainvar.random import RandomState
out = []
for stream in ("original", "partitionable"):
    rs = RandomState(1234, stream=stream)
    out += [np.asarray(x).astype(float).ravel().tolist() for x in (
        rs.random(7), rs.randint(-5, 1000, (3, 3)), rs.bernoulli(0.3, 9), rs.permutation(11),
        rs.choice(50, 6), rs.choice(50, 6, replace=False), rs.split_key(), rs.split_keys(3),
        rs.random((2, 3), dtype="float16"), rs.value)]
    out += [np.round(np.asarray(x, float), 4).ravel().tolist() for x in (
        rs.normal(0, 1, 5), rs.exponential(2.0, 5), rs.truncated_normal(-1, 2, 5))]
print(json.dumps(out))
"""


def run_python(code, **env):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **env}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_numbers_without_the_kernels():
    with_kernels = json.loads(run_python(_DIGEST, BRAINVAR_NATIVE="auto"))
    without = json.loads(run_python(_DIGEST, BRAINVAR_NATIVE="off"))
    assert len(with_kernels) == 26
    for a, b in zip(with_kernels, without, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)
    level_1 = [*with_kernels[:10], *with_kernels[13:23]]
    assert level_1 == [*without[:10], *without[13:23]]


@pytest.mark.parametrize("native", ["auto", "off"])
def test_documented_numbers_with_and_without_the_kernels(native):
    code = (
        "from brainvar.random import RandomState\n"
        "s = RandomState(1234); s.random(1); s.sample(1)\n"
        "print(s.split_key().tolist(), s.split_keys(2).tolist(), s.split_keys(5).tolist()[4])\n"
        "print(RandomState(654321))\n"
    )
    assert run_python(code, BRAINVAR_NATIVE=native).split("\n")[:2] == [
        "[3028232624, 826525938] [[4198471980, 1111166693], [1457783592, 2493283834]] "
        "[1756854521, 1662729797]",
        "[     0 654321]",
    ]


# --- seeding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed",
    [
        7,
        np.int32(7),
        np.int64(7),
        np.uint8(7),
        np.array(7),
        jnp.array(7),
        JaxArray(7),
        np.array([0, 7], np.uint32),
        jnp.array([0, 7], jnp.uint32),
        JaxArray(jnp.array([0, 7], jnp.uint32)),
        RandomState(7),
        jax.random.PRNGKey(7, impl="threefry2x32"),
        jax.random.key(7, impl="threefry2x32"),
    ],
    ids=lambda seed: f"{type(seed).__name__}-{getattr(seed, 'dtype', '')}",
)
def test_kinds_of_seeds(seed):
    for state in (RandomState(seed), RandomState()):
        state.seed(seed)
        assert key_of(state) == [0, 7]
        assert state.value.dtype == np.uint32
        assert state.value.shape == (2,)
        assert not state.value.aval.weak_type


@pytest.mark.parametrize("x64", [False, True])
def test_64_bit_seeds_keep_all_bits(x64):
    with enable_x64(x64):
        assert key_of(RandomState(2**32)) == [1, 0]
        assert key_of(RandomState(2**64 - 1)) == [2**32 - 1, 2**32 - 1]
        assert key_of(RandomState(np.uint64(2**63 + 5))) == [2**31, 5]
        assert key_of(RandomState(1234)) == [0, 1234]


@pytest.mark.parametrize(
    ("seed", "error", "words"),
    [
        (-1, ValueError, r"\[0, 2\*\*64\)"),
        (np.int8(-3), ValueError, "-3"),
        (2**64, ValueError, r"\[0, 2\*\*64\)"),
        (1.5, TypeError, "integer"),
        (2.0, TypeError, "integer"),
        (np.float32(2), TypeError, "integer"),
        (True, TypeError, "True"),
        (np.bool_(True), TypeError, "integer"),
        ("a", TypeError, "'a'"),
        ([0, 7], TypeError, "uint32"),
        (np.array([0, 7]), TypeError, "int64"),
        (np.array([0, 7, 8], np.uint32), ValueError, r"\(3,\)"),
        (np.zeros((1, 2), np.uint32), ValueError, r"\(1, 2\)"),
        (jax.random.key(0, impl="rbg"), TypeError, "threefry2x32"),
        (jax.random.split(jax.random.key(0, impl="threefry2x32")), ValueError, "shape"),
    ],
    ids=str,
)
def test_seeds_that_are_refused(seed, error, words):
    state = RandomState(5)
    with pytest.raises(error, match=words):
        RandomState(seed)
    with pytest.raises(error, match=words):
        state.seed(seed)
    assert key_of(state) == [0, 5]


def test_unknown_stream():
    with pytest.raises(ValueError, match="'original' or 'partitionable'"):
        RandomState(0, stream="new")


def test_entropy_comes_from_the_system_and_numpy_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    states = [RandomState() for _ in range(4)]
    brandom.seed()
    brandom.seed(3)
    states[0].random(3)
    states[0].shuffle(np.arange(4))
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(0)
    again = [RandomState() for _ in range(4)]
    assert len({tuple(key_of(s)) for s in states[1:] + again}) == 7


def test_seed_keeps_the_object_and_the_stream():
    state = RandomState(1, stream="partitionable")
    state.random()
    state.seed(1)
    assert key_of(state) == [0, 1]
    assert state.stream == "partitionable"


# --- the key -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["original", "partitionable"])
def test_every_draw_splits_the_key_in_two(stream):
    state = RandomState(99, stream=stream)
    for draw in (
        lambda: state.random(3),
        lambda: state.normal(1.0, 2.0, 3),
        lambda: state.randint(5, size=3),
        lambda: state.permutation(4),
        lambda: state.choice(4, 2, p=[0.25] * 4),
        lambda: state.split_key(),
        lambda: state.random((0, 3)),
        lambda: state.choice([], 0),
    ):
        following = ops.split(state.value, 2, stream=stream)[0]
        draw()
        assert key_of(state) == following.tolist()


@pytest.mark.parametrize("n", [0, 1, 4])
def test_split_keys_are_the_rows_of_a_split(n):
    state = RandomState(99)
    rows = np.asarray(ops.split(state.value, n + 1))
    keys = state.split_keys(n)
    assert type(keys) is type(jnp.zeros(1))
    assert keys.shape == (n, 2)
    assert np.array_equal(keys, rows[1:])
    assert key_of(state) == rows[0].tolist()


def test_split_key_is_a_plain_key():
    key = RandomState(99).split_key()
    assert isinstance(key, jax.Array)
    assert key.shape == (2,)
    assert key.dtype == np.uint32


@pytest.mark.parametrize(("n", "error"), [(-1, ValueError), (1.0, TypeError), (None, TypeError)])
def test_split_keys_needs_a_number(n, error):
    with pytest.raises(error, match=r"size|n must"):
        RandomState(0).split_keys(n)


def test_it_is_a_variable_whose_value_is_always_a_key():
    state = RandomState(3)
    assert isinstance(state, Variable)
    assert isinstance(state, JaxArray)
    state.value = RandomState(4).value
    assert key_of(state) == [0, 4]
    state.update(np.array([1, 2], np.uint32))
    assert key_of(state) == [1, 2]
    for wrong, error in (
        (5, TypeError),
        ([1, 2], TypeError),
        (np.zeros(2, np.float32), TypeError),
        (np.zeros(3, np.uint32), ValueError),
        (np.uint32(5), TypeError),
    ):
        with pytest.raises(error):
            state.value = wrong
    assert key_of(state) == [1, 2]


def test_the_key_given_is_not_aliased():
    key = np.array([3, 4], np.uint32)
    state = RandomState(key)
    key[:] = 0
    assert key_of(state) == [3, 4]
    state.value = other = np.array([5, 6], np.uint32)
    other[:] = 0
    assert key_of(state) == [5, 6]


def test_a_value_taken_out_stays():
    state = RandomState(3)
    key = state.value
    state.random(5)
    assert key.tolist() == [0, 3]
    assert key_of(state) != [0, 3]


# --- copies --------------------------------------------------------------------------------------


class MyState(RandomState):
    """A user's subclass with a constructor of its own."""

    def __init__(self, purpose, seed):
        super().__init__(seed, stream="partitionable", type="noise")
        self.purpose = purpose


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "pytree": lambda x: jax.tree.map(lambda leaf: leaf, x),
    "jit": lambda x: jax.jit(lambda y: y)(x),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("stream", ["original", "partitionable"])
def test_copies_keep_class_key_and_stream(how, stream):
    state = RandomState(8, stream=stream)
    state.random(2)
    twin = COPIES[how](state)
    assert type(twin) is RandomState
    assert twin is not state
    assert key_of(twin) == key_of(state)
    assert twin.stream == stream
    drawn = twin.random(4)
    assert key_of(twin) != key_of(state)
    assert np.array_equal(drawn, state.random(4))


@pytest.mark.parametrize("how", [*COPIES, "clone"])
def test_copies_keep_a_subclass_and_its_attributes(how):
    state = MyState("spikes", 8)
    twin = state.clone() if how == "clone" else COPIES[how](state)
    assert type(twin) is MyState
    assert (twin.purpose, twin.type, twin.stream) == ("spikes", "noise", "partitionable")
    twin.random(3)


def test_a_clone_is_seeded_by_a_key_of_its_own():
    state, same = RandomState(8), RandomState(8)
    twin = state.clone()
    assert key_of(twin) == same.split_key().tolist()
    assert key_of(state) == key_of(same)


def test_the_stream_is_part_of_the_structure():
    one, other = (
        jax.tree.structure(RandomState(0, stream=s)) for s in ("original", "partitionable")
    )
    assert one != other
    assert one == jax.tree.structure(RandomState(5))


def test_repr_shows_a_stream_that_is_not_the_default():
    assert (
        repr(RandomState(1, stream="partitionable"))
        == "RandomState(Array([0, 1], dtype=uint32), stream='partitionable')"
    )


# --- threads -------------------------------------------------------------------------------------


def test_threads_never_draw_the_same_numbers():
    state = RandomState(0)
    drawn = [[] for _ in range(4)]
    start = threading.Barrier(4)

    def work(mine):
        start.wait()
        for _ in range(300):
            mine.append(tuple(state.split_key().tolist()))
            mine.append(float(state.random(dtype="float32")))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [key for mine in drawn for key in mine[::2]]
    assert len(set(keys)) == len(keys) == 1200
    follow = RandomState(0)
    for _ in range(2400):
        follow.split_key()
    assert key_of(state) == key_of(follow)


# --- transforms ----------------------------------------------------------------------------------


def test_draws_in_jit_are_the_eager_ones():
    state, eager = RandomState(4), RandomState(4)

    def step(x):
        return state.normal(x, 1.0, 3) + state.random(3), state.randint(0, 9, 2), state.split_key()

    compiled = jit(step)
    expected_state, state = state, eager
    expected = [step(2.0) for _ in range(3)]
    state = expected_state
    for want in expected:
        got = compiled(2.0)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
        assert np.array_equal(got[1], want[1])
        assert np.array_equal(got[2], want[2])
    assert key_of(state) == key_of(eager)


def test_default_in_jit_moves_on():
    brandom.seed(11)
    compiled = jit(lambda: brandom.random(3))
    drawn = np.array([compiled(), compiled(), compiled()])
    brandom.seed(11)
    assert np.array_equal(drawn, [brandom.random(3) for _ in range(3)])


def test_default_first_used_inside_jit():
    code = (
        "import brainvar.random as r\n"
        "from brainvar.transforms.jit import jit\n"
        "f = jit(lambda: r.random(2))\n"
        "a, b = f(), f()\n"
        "assert (a != b).all(), (a, b)\n"
        "r.seed(5); a = f(); r.seed(5); assert (a == r.random(2)).all()\n"
    )
    run_python(code)


def test_draws_in_a_loop_are_the_eager_ones():
    state, eager = RandomState(4), RandomState(4)
    drawn = for_loop(lambda i: state.random(2) + i, jnp.arange(5))
    assert np.array_equal(drawn, [eager.random(2) + i for i in range(5)])
    assert key_of(state) == key_of(eager)


def test_a_raw_transform_may_not_move_a_state():
    state = RandomState(4)
    with pytest.raises(RawTransformError, match="RandomState"):
        jax.jit(lambda: state.random(2).value)()
    with pytest.raises(RawTransformError, match="RandomState"):
        jax.vmap(lambda x: state.normal(x, 1.0).value)(jnp.zeros(3))
    assert key_of(state) == [0, 4]
    assert state.random(2).shape == (2,)


def test_a_state_made_inside_a_raw_transform_is_free():
    def lane(key):
        state = RandomState(key)
        return state.random(3).value, state.normal(0.0, 2.0).value

    keys = RandomState(4).split_keys(5)
    drawn, normals = jax.jit(jax.vmap(lane))(keys)
    assert np.array_equal(drawn, [RandomState(key).random(3) for key in keys])
    assert len(np.unique(drawn)) == drawn.size
    assert len(np.unique(normals)) == 5


def test_parameters_may_be_traced():
    eager = RandomState(6)
    expected = [eager.normal(3.0, 2.0, 4), eager.randint(-3, 50, 4), eager.bernoulli(0.4, 9)]
    state = RandomState(6)

    @jit
    def draw(loc, scale, low, high, p):
        return state.normal(loc, scale, 4), state.randint(low, high, 4), state.bernoulli(p, 9)

    drawn = draw(3.0, 2.0, -3, 50, 0.4)
    np.testing.assert_allclose(drawn[0], expected[0], rtol=1e-6)
    assert np.array_equal(drawn[1], expected[1])
    assert np.array_equal(drawn[2], expected[2])


# --- the module ----------------------------------------------------------------------------------


def test_importing_starts_nothing():
    code = (
        "import secrets, jax\n"
        "import numpy as np; np.random.seed(0); before = np.random.get_state()[1].copy()\n"
        "def refuse(*args): raise AssertionError('entropy taken')\n"
        "secrets.randbits = refuse\n"
        "import brainvar.random as r\n"
        "assert 'DEFAULT' not in vars(r)\n"
        "assert (np.random.get_state()[1] == before).all()\n"
        "try: jax.numpy.zeros(1)\n"
        "except RuntimeError: print('no backend was started')\n"
    )
    # With a platform that does not exist any use of a backend is an error.
    assert "no backend was started" in run_python(code, JAX_PLATFORMS="nonsense")


def test_default_is_seeded_anew_in_each_process():
    code = "import brainvar.random as r; print(r.DEFAULT.value); assert r.DEFAULT is r.DEFAULT"
    assert run_python(code) != run_python(code)


def test_default_is_the_state_that_functions_use():
    brandom.seed(21)
    state = RandomState(21)
    assert np.array_equal(brandom.rand(2, 3), state.rand(2, 3))
    assert np.array_equal(brandom.uniform(1, 2, size=3), state.uniform(1, 2, size=3))
    assert brandom.split_key().tolist() == state.split_key().tolist()
    assert np.array_equal(brandom.split_keys(2), state.split_keys(2))
    assert key_of(brandom.DEFAULT) == key_of(state)


def test_default_may_be_replaced(monkeypatch):
    mine = RandomState(5, stream="partitionable")
    monkeypatch.setattr(brandom, "DEFAULT", mine)
    expected = RandomState(5, stream="partitionable").random(3)
    assert np.array_equal(brandom.random(3), expected)


def test_module_has_nothing_else():
    with pytest.raises(AttributeError, match="nonsense"):
        brandom.nonsense  # noqa: B018
    assert set(brandom.__all__) <= set(dir(brandom))


def test_eager_evaluation_within_a_transform_moves_the_state_at_each_call():
    state, reference = RandomState(0), RandomState(0)

    @jit
    def f(x):
        with jax.ensure_compile_time_eval():
            state.random()
        return x

    for _ in range(3):
        f(1.0)
        reference.random()
        assert key_of(state) == key_of(reference)
