"""The backend switch, and the numpy backend: its random numbers, transforms and events."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
import brainvar.math.numpy as bn
from brainvar.core.base import Base

# -- the switch ----------------------------------------------------------------------------------


def test_the_default_is_jax():
    assert bm.get_backend_name() == "jax"
    assert bm.is_jax_backend()
    assert not bm.is_numpy_backend()
    assert bm.Variable is bm.jax.Variable


def test_use_backend_and_the_context_manager():
    with bm.backend("numpy") as module:
        assert module is bm.numpy
        assert bm.get_backend_name() == "numpy"
        assert bm.is_numpy_backend()
        assert not bm.is_jax_backend()
        assert bm.Variable is bm.numpy.Variable
        assert bm.sin is np.sin
        assert bm.linalg.norm is np.linalg.norm
        assert bm.fft.fft is np.fft.fft
        assert bm.random.RandomState is bm.numpy.RandomState
        with bm.backend("jax"):
            assert bm.Variable is bm.jax.Variable
        bm.use_backend("jax")
        assert bm.is_jax_backend()
        bm.use_backend("numpy")
        assert bm.is_numpy_backend()
    assert bm.is_jax_backend()


def test_an_error_restores_the_backend():
    with pytest.raises(KeyError), bm.backend("numpy"):
        raise KeyError
    assert bm.is_jax_backend()


@pytest.mark.parametrize("name", ["torch", "JAX", "", None])
def test_an_unknown_backend_is_an_error(name):
    with pytest.raises(ValueError, match="choose 'jax' or 'numpy'"):
        bm.use_backend(name)
    with pytest.raises(ValueError, match="choose 'jax' or 'numpy'"), bm.backend(name):
        pass
    assert bm.is_jax_backend()


def test_names_are_looked_up_at_each_use():
    random = bm.random
    with bm.backend("numpy"):
        assert random.random is bm.numpy.random.random
    assert random.random is bm.jax.random.random
    from brainvar.math import Variable

    with bm.backend("numpy"):
        assert Variable is bm.jax.Variable


def test_a_name_of_the_other_backend_only_is_an_error_that_says_so():
    with bm.backend("numpy"), pytest.raises(AttributeError, match="the jax backend has it"):
        _ = bm.JaxArray
    with pytest.raises(AttributeError, match="the numpy backend has it"):
        _ = bm.copyto


def test_dir_lists_the_backend_in_use():
    assert {"Variable", "sin", "linalg", "random", "use_backend", "jit", "relu"} <= set(dir(bm))
    assert "JaxArray" in dir(bm)
    assert {"normal", "DEFAULT", "seed"} <= set(dir(bm.random))
    with bm.backend("numpy"):
        assert "JaxArray" not in dir(bm)
        assert "copyto" in dir(bm)
        assert {"normal", "DEFAULT", "seed"} <= set(dir(bm.random))


def test_star_import():
    scope = {}
    exec("from brainvar.math import *", scope)
    assert scope["Variable"] is bm.jax.Variable
    assert scope["sin"] is bm.jax.sin


def test_both_backends_have_the_same_names_of_their_own():
    public = {n for n in vars(bm.jax) if not n.startswith("_")} - set(dir(jnp))
    assert public - set(dir(bm.numpy)) == {"JaxArray", "as_jaxarray"}


# -- random numbers ------------------------------------------------------------------------------

DRAWS = {
    "random": lambda s: s.random(5),
    "rand": lambda s: s.rand(2, 3),
    "randn": lambda s: s.randn(4),
    "uniform": lambda s: s.uniform(-1, [2, 3], size=(4, 2)),
    "normal": lambda s: s.normal(loc=np.zeros(3)),
    "exponential": lambda s: s.exponential(2.0, 3),
    "randint": lambda s: s.randint(0, 100, size=7),
    "bernoulli": lambda s: s.bernoulli(0.3, size=9),
    "truncated_normal": lambda s: s.truncated_normal(-1, 1, size=3),
    "permutation": lambda s: s.permutation(9),
    "choice": lambda s: s.choice(10, 4, replace=False),
    "split_key": lambda s: s.split_key(),
    "split_keys": lambda s: s.split_keys(3),
    "scalar": lambda s: s.random(),
}


@pytest.mark.parametrize("stream", ["original", "partitionable"])
@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_are_those_of_the_jax_backend(name, stream):
    draw = DRAWS[name]
    ours = bn.RandomState(1234, stream=stream)
    theirs = bm.jax.RandomState(1234, stream=stream)
    for _ in range(2):
        a, b = draw(ours), np.asarray(draw(theirs))
        assert isinstance(a, np.ndarray)
        assert not isinstance(a, bn.Variable)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(ours.value, np.asarray(theirs.value))


def test_random_state_of_the_numpy_backend():
    state = bn.random.RandomState(seed=1234)
    assert repr(state) == "RandomState([   0, 1234], dtype=uint32)"
    state.random(1)
    np.testing.assert_array_equal(state.value, [2113592192, 1902136347])
    x = np.arange(10)
    state.shuffle(x)
    assert sorted(x) == list(range(10))
    assert list(x) != list(range(10))
    y = state.random(3)
    y[0] = 5  # what it gives may be written to
    other = bn.RandomState(3, stream="partitionable")
    assert repr(other) == "RandomState([0, 3], dtype=uint32, stream='partitionable')"
    other.value = state
    np.testing.assert_array_equal(other, state)
    other.value = jax.random.key_data(jax.random.key(7, impl="threefry2x32"))
    np.testing.assert_array_equal(other, [0, 7])
    with pytest.raises((TypeError, ValueError)):
        other.value = 3.5
    other.seed(9)
    np.testing.assert_array_equal(other, [0, 9])


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_copies_of_a_random_state_go_on_alike(clone):
    state = bn.RandomState(5, stream="partitionable", name="noise")
    again = clone(state)
    assert (type(again), again.stream, again.name) == (bn.RandomState, "partitionable", "noise")
    np.testing.assert_array_equal(again.random(3), state.random(3))
    child = state.clone()
    assert child.stream == "partitionable"
    assert not np.array_equal(child.random(3), state.random(3))


def test_the_default_stream_goes_on_when_the_backend_changes():
    bm.random.seed(11)
    expected = np.asarray(bm.random.random(6))
    bm.random.seed(11)
    parts = [np.asarray(bm.random.random(1))]
    with bm.backend("numpy"):
        parts.append(bm.random.random(1))
        with bm.backend("numpy"):
            parts.append(bm.random.random(1))
    parts.append(np.asarray(bm.random.random(1)))
    reference = bm.jax.RandomState(11)
    np.testing.assert_array_equal(
        np.concatenate(parts), np.concatenate([np.asarray(reference.random(1)) for _ in range(4)])
    )
    assert len({float(x) for x in np.concatenate(parts)}) == 4
    assert expected.shape == (6,)


def test_seeding_in_either_backend():
    with bm.backend("numpy"):
        bm.random.seed(3)
        first = bm.random.random(2)
    bm.random.seed(3)
    np.testing.assert_array_equal(np.asarray(bm.random.random(2)), first)


def test_the_numpy_backend_can_be_used_in_a_compiled_function():
    bm.random.seed(0)

    @bm.jit
    def f(x):
        with bm.backend("numpy"):
            constant = bm.ones(2) * 2
        return x * constant + bm.random.random(2)

    f(jnp.ones(2))
    assert bm.is_jax_backend()
    reference = bm.jax.RandomState(0)
    reference.random(2)
    np.testing.assert_array_equal(np.asarray(bm.random.DEFAULT), np.asarray(reference))


def test_numpy_random_is_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    with bm.backend("numpy"):
        bm.random.seed(5)
        bm.random.normal(size=10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


# -- transforms ----------------------------------------------------------------------------------


def walk(steps):
    """A small model, written once for both backends."""

    class Walker(Base):
        def __init__(self):
            super().__init__()
            self.x = bm.Variable(bm.zeros(3, dtype=np.float32))
            self.count = bm.Variable(bm.zeros((), dtype=np.int32))
            self.rng = bm.random.RandomState(3)

        def step(self, by):
            self.x += by * self.rng.normal(size=3)
            self.count += 1
            return self.x, {"total": self.x.sum(), "by": by}

    walker = Walker()
    jitted = bm.jit(walker.step)
    jitted(np.float32(0.5))
    by = np.linspace(0, 1, steps, dtype=np.float32)
    out = bm.for_loop(walker.step, by)
    backwards = bm.for_loop(walker.step, by, reverse=True)
    return jax.tree.map(
        np.asarray,
        (out, backwards, walker.vars("relative").dict()),
        is_leaf=lambda x: hasattr(x, "value"),
    )


def test_a_model_gives_the_same_in_both_backends():
    expected = walk(5)
    with bm.backend("numpy"):
        got = walk(5)
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_for_loop_of_the_numpy_backend():
    total = bn.Variable(0.0)

    def add(x, y=0.0):
        total.value = total + x + y
        return total

    got = bn.for_loop(add, np.arange(4.0))
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, [0, 1, 3, 6])
    np.testing.assert_array_equal(bn.for_loop(add, (np.arange(2), np.ones(2))), [7, 9])
    np.testing.assert_array_equal(bn.for_loop(add, {"x": np.zeros(2), "y": np.ones(2)}), [10, 11])
    np.testing.assert_array_equal(bn.for_loop(add, np.arange(3.0), reverse=True), [14, 14, 13])
    np.testing.assert_array_equal(bn.for_loop(add, jnp.zeros(2)), [14, 14])
    assert bn.for_loop(lambda x: None, np.zeros(3)) is None
    rows = bn.for_loop(lambda row: (row * 2, row.sum()), np.ones((2, 3)))
    assert [x.shape for x in rows] == [(2, 3), (2,)]


def test_errors_of_for_loop():
    with pytest.raises(ValueError, match="scalar"):
        bn.for_loop(lambda x: x, 3.0)
    with pytest.raises(ValueError, match="lengths"):
        bn.for_loop(lambda x, y: x, (np.zeros(2), np.zeros(3)))
    with pytest.raises(ValueError, match="length 0"):
        bn.for_loop(lambda x: x, np.zeros(0))
    with pytest.raises(TypeError, match="must be callable"):
        bn.for_loop(3, np.zeros(2))


def test_for_loop_shows_progress(capsys):
    pytest.importorskip("tqdm")
    bn.for_loop(lambda x: x, np.zeros(3), progress_bar=True)
    assert "3/3" in capsys.readouterr().err


def test_jit_of_the_numpy_backend():
    @bn.jit
    def double(x):
        """Double it."""
        return x * 2

    @bn.jit(static_argnums=1)
    def power(x, n):
        return x**n

    assert double(3) == 6
    assert double.__doc__ == "Double it."
    assert power(3, 2) == 9

    class Model(Base):
        def __init__(self):
            super().__init__()
            self.v = bn.Variable(0.0)

        @bn.jit
        def step(self):
            self.v += 1
            return self.v

        def __call__(self):
            return self.step() * 10

    model = Model()
    assert model.step() is model.v
    assert bn.jit(model)() == 20
    with pytest.raises(TypeError, match="callable"):
        bn.jit(3)


# -- events --------------------------------------------------------------------------------------


def reference_events(target, spikes, rows, weights):
    out = target.copy()
    for i, s in enumerate(spikes):
        for k, j in enumerate(rows[i]):
            if s and 0 <= j < len(out):
                out[j] += weights[i][k] * (1 if spikes.dtype == bool else s)
    return out


@pytest.fixture(params=["bool", "float"])
def table(request):
    rng = np.random.default_rng(0)
    spikes = rng.random(20) < 0.4
    if request.param == "float":
        spikes = np.where(spikes, rng.integers(1, 4, 20), 0).astype(np.float32)
    targets = rng.integers(-2, 12, (20, 5)).astype(np.int32)
    weights = rng.integers(1, 9, (20, 5)).astype(np.float32)
    return np.ones(10, np.float32), spikes, targets, weights


@pytest.mark.parametrize("name", ["jax", "numpy"])
def test_add_events(name, table):
    target, spikes, targets, weights = table
    with bm.backend(name):
        for w in (weights, np.float32(0.5)):
            expected = reference_events(target, spikes, targets, np.broadcast_to(w, targets.shape))
            got = bm.add_events(bm.Variable(target), spikes, targets, w)
            assert type(got) is bm.Array
            assert got.dtype == np.float32
            np.testing.assert_array_equal(np.asarray(got), expected)
    np.testing.assert_array_equal(target, 1)


@pytest.mark.parametrize("name", ["jax", "numpy"])
def test_add_events_csr(name, table):
    target, spikes, targets, weights = table
    counts = np.arange(20) % 6
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    rows = [targets[i, : counts[i]] for i in range(20)]
    row_weights = [weights[i, : counts[i]] for i in range(20)]
    indices, flat = np.concatenate(rows), np.concatenate(row_weights)
    with bm.backend(name):
        got = bm.add_events_csr(bm.Variable(target), spikes, indptr, indices, flat)
        assert type(got) is bm.Array
        np.testing.assert_array_equal(
            np.asarray(got), reference_events(target, spikes, rows, row_weights)
        )
        got = bm.add_events_csr(target, spikes, indptr, indices, np.float32(2))
        halves = [np.full(len(r), 2.0) for r in rows]
        np.testing.assert_array_equal(
            np.asarray(got), reference_events(target, spikes, rows, halves)
        )


def test_event_methods_of_a_numpy_variable(table):
    target, spikes, targets, weights = table
    v = bn.Variable(target)
    assert v.add_events(spikes, targets, weights) is None
    np.testing.assert_array_equal(v, reference_events(target, spikes, targets, weights))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda t, s, j, w: bn.add_events(t[None], s, j, w),
        lambda t, s, j, w: bn.add_events(t, s[1:], j, w),
        lambda t, s, j, w: bn.add_events(t, s, j[0], w),
        lambda t, s, j, w: bn.add_events(t, s, j, w[:, 1:]),
        lambda t, s, j, w: bn.add_events_csr(t, s, np.zeros(20, int), j[0], 1.0),
        lambda t, s, j, w: bn.add_events_csr(t, s, np.zeros(21, int), j, 1.0),
        lambda t, s, j, w: bn.add_events_csr(t, s, np.zeros(21, int), j[0], w[0, 1:]),
    ],
)
def test_errors_of_add_events(table, wrong):
    with pytest.raises(ValueError, match="shape|rows|dimension"):
        wrong(*table)


def test_no_events_change_nothing(table):
    target, _, targets, weights = table
    none = np.zeros(20, bool)
    np.testing.assert_array_equal(bn.add_events(target, none, targets, weights), target)
    empty = np.zeros((0, 5), np.int32)
    np.testing.assert_array_equal(bn.add_events(target, none[:0], empty, 1.0), target)
    np.testing.assert_array_equal(
        bn.add_events_csr(target, none, np.zeros(21, int), np.zeros(0, int), 1.0), target
    )
