"""rng.trace(): counts of draws, and keys that are used twice."""

import copy
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar
import brainvar.math as bm
from brainvar import KeyReuseError, KeyReuseWarning, ops
from brainvar.random._trace_hooks import hooks

BACKENDS = {"jax": bm.jax.random, "numpy": bm.numpy.random}


@pytest.fixture(params=BACKENDS)
def random(request):
    return BACKENDS[request.param]


def line_of(where):
    """Return the text of the line that a place names."""
    file, line = re.fullmatch(r"(.+):(\d+) \(.+\)", where).groups()
    assert file == __file__
    with open(file, encoding="utf-8") as source:  # noqa: PTH123
        return source.read().splitlines()[int(line) - 1].strip()


def reused(record):
    return [(r.first.what, r.second.what) for r in record.reuses]


# --- counts --------------------------------------------------------------------------------------


def test_a_package_next_to_this_one_is_a_caller():
    neighbour = f"{brainvar.__path__[0]}_models/model.py"
    names = {}
    exec(compile("def step(rng):\n    return rng.random()\n", neighbour, "exec"), names)
    rng = bm.random.RandomState(0)
    with rng.trace() as record:
        names["step"](rng)
        rng.seed(0)
        names["step"](rng)
    assert [reuse.first.where for reuse in record.reuses] == [f"{neighbour}:2 (step)"]


def test_counts_of_draws_numbers_and_keys(random):
    rng, other = random.RandomState(0), random.RandomState(1)
    with rng.trace() as record:
        rng.normal(size=(2, 3))
        rng.normal(1.0, 2.0, size=4)
        rng.randn(3)
        rng.choice(5, 2)
        rng.shuffle(np.arange(4))
        rng.random(3, key=rng.split_key())
        rng.split_keys(4)
        rng.clone()
        other.random(100)
    assert record.draws == {"normal": 2, "randn": 1, "choice": 1, "shuffle": 1, "random": 1}
    assert record.numbers == {"normal": 10, "randn": 3, "choice": 2, "shuffle": 4, "random": 3}
    assert record.keys == 6
    assert (record.compiled_steps, record.unknown_moves, record.compiled) == (0, 0, [])
    assert record.reuses == []


def test_traces_of_several_states_and_of_all(random):
    one, two, three = (random.RandomState(i) for i in range(3))
    with one.trace(two) as both, random.trace() as everything:
        for state in (one, two, three):
            state.random(3)
        with three.trace() as inner:
            three.random(4)
        random.seed(77)
        random.rand(5)
    assert both.numbers == {"random": 6}
    assert everything.numbers == {"random": 13, "rand": 5}
    assert inner.numbers == {"random": 4}


def test_a_trace_changes_no_numbers(random):
    plain, traced = random.RandomState(9), random.RandomState(9)

    def draws(rng):
        keys = rng.split_keys(2)
        return [rng.random(3), rng.normal(size=3), rng.permutation(5), keys, rng.random(3, key=1)]

    with traced.trace():
        numbers = draws(traced)
    for got, want in zip(numbers, draws(plain), strict=True):
        assert np.array_equal(got, want)
    assert np.array_equal(traced.value, plain.value)


def test_nothing_stays_behind():
    names = ("_step", "_run", "_assign", "split_key")
    before = [vars(bm.jax.random.RandomState).get(name) for name in names]
    rng = bm.jax.random.RandomState(0)
    records = []

    def fail():
        with rng.trace() as record, rng.trace():
            records.append(record)
            rng.random(3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [vars(bm.jax.random.RandomState).get(name) for name in names] == before
    assert hooks.traces == ()
    rng.random(3)
    assert records[0].numbers == {"random": 3}


# --- keys used twice -----------------------------------------------------------------------------


def test_a_state_that_was_set_back(random):
    rng = random.RandomState(3)
    with rng.trace() as record:
        start = rng.value
        rng.random(3)
        rng.normal(size=3)
        rng.value = start
        rng.randint(5, size=3)
        rng.split_key()
        rng.seed(4)
        rng.random(3)
    assert reused(record) == [("random", "randint"), ("normal", "split_key")]
    first = record.reuses[0]
    assert (first.key, first.stream) == ((0, 3), "original")
    assert first.first.state is rng
    assert first.second.state is rng
    assert line_of(first.first.where) == "rng.random(3)"
    assert line_of(first.second.where) == "rng.randint(5, size=3)"


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_shares_the_key(random, how):
    rng = random.RandomState(3)
    with rng.trace() as record:
        twin = how(rng)
        rng.random(3)
        twin.random(3)
    assert reused(record) == [("random", "random")]
    assert record.reuses[0].second.state is twin
    assert record.numbers == {"random": 3}  # of this state alone


def test_two_states_seeded_alike_and_on_both_backends():
    with bm.random.trace() as record:
        bm.jax.random.RandomState(8).random(3)
        bm.numpy.random.RandomState(8).random(3)
        bm.jax.random.RandomState(8, stream="partitionable").random(3)
    assert reused(record) == [("random", "random")]


def test_states_that_are_not_traced_are_not_reported(random):
    rng, one, two = random.RandomState(0), random.RandomState(5), random.RandomState(5)
    with rng.trace() as record:
        one.random(3)
        two.random(3)
    assert record.reuses == []


def test_a_key_given_twice(random):
    rng = random.RandomState(0)
    key = rng.split_key()
    with rng.trace() as record:
        rng.random(3, key=key)
        rng.normal(size=3, key=key)
        random.RandomState(key).random(3)
    assert reused(record) == [("random", "normal"), ("random", "random")]


def test_the_key_that_a_draw_is_made_from_is_used_too(random):
    rng = random.RandomState(0)
    with rng.trace() as record:
        drawn = ops.split(np.array(rng.value), 2)[1]
        first = rng.random(3)
        assert np.array_equal(rng.random(3, key=drawn), first)
    assert reused(record) == [("random", "random")]


def test_clones_and_handed_out_keys_are_no_reuse(random):
    rng = random.RandomState(0)
    with rng.trace() as record:
        for key in rng.split_keys(3):
            rng.random(3, key=key)
        rng.clone().random(3)
        random.RandomState(rng.split_key()).random(3)
        rng.random(3)
    assert record.reuses == []


def draw_twice(rng, on_reuse):
    rng.seed(0)
    with rng.trace(on_reuse=on_reuse):
        rng.random(3)
        rng.seed(0)
        rng.normal(size=3)


def test_policies(random):
    rng = random.RandomState(0)
    with pytest.warns(KeyReuseWarning, match="random at .*again normal at") as caught:
        draw_twice(rng, "warn")
    assert caught[0].filename == __file__
    with pytest.raises(KeyReuseError, match="random at .*again normal at"):
        draw_twice(rng, "error")
    assert np.asarray(rng.value).tolist() == [0, 0]  # nothing was drawn
    with rng.trace(on_reuse="error"):
        rng.random(3)
        with pytest.raises(KeyReuseError, match="random at"):
            rng.random(3, key=0)


def test_wrong_arguments(random):
    with pytest.raises(TypeError, match="RandomStates"):
        random.trace(5)
    with pytest.raises(ValueError, match="'record', 'warn', 'error'"):
        random.RandomState(0).trace(on_reuse="stop")


# --- compiled code -------------------------------------------------------------------------------


def test_steps_of_compiled_code_are_counted_at_each_run():
    rng = bm.jax.random.RandomState(0)
    f = bm.jax.jit(lambda: (rng.normal(size=3), rng.random(2)))

    def loop():
        return bm.jax.for_loop(lambda i: rng.random(2) + i, jnp.arange(5))

    with rng.trace() as record:
        f()
        f()
        rng.random(3)
        loop()
    assert record.compiled_steps == 2 * 2 + 5
    assert record.unknown_moves == 0
    assert record.draws == {"random": 1}
    seen = [(draw.what, draw.shape) for draw in record.compiled]
    assert seen == [("normal", (3,)), ("random", (2,)), ("random", (2,))]
    assert "bm.jit(" in record.compiled[0].program
    assert "for_loop" in record.compiled[2].program
    assert "rng.normal(size=3), rng.random(2)" in line_of(record.compiled[0].where)
    assert record.reuses == []


def test_keys_that_compiled_code_uses_again():
    rng = bm.jax.random.RandomState(0)
    f = bm.jax.jit(lambda: rng.random(2))
    f()
    with rng.trace() as record:
        rng.seed(0)
        f()
        rng.random(3)
        rng.seed(0)
        f()
        f()
    assert record.compiled_steps == 3
    assert reused(record) == [("compiled code", "compiled code"), ("random", "compiled code")]
    assert "rng.random(3)" in line_of(record.reuses[1].first.where)
    assert record.reuses[1].second.where.startswith("between ")
    assert record.compiled == []  # it was compiled before


def test_a_move_that_cannot_be_followed():
    rng = bm.jax.random.RandomState(0)
    f = bm.jax.jit(lambda: rng.split_keys(3))
    with rng.trace() as record:
        f()
    assert (record.unknown_moves, record.compiled_steps) == (1, 0)
    other = bm.jax.random.RandomState(0, stream="partitionable")
    f = bm.jax.jit(lambda: other.split_keys(3))
    with other.trace() as record:
        f()
    assert (record.unknown_moves, record.compiled_steps) == (0, 1)


def test_draws_with_a_key_inside_a_transform_of_jax():
    rng = bm.jax.random.RandomState(0)
    keys = rng.split_keys(3)
    with rng.trace() as record:
        jax.vmap(lambda key: rng.random(2, key=key).value)(keys)
    assert record.draws == {}
    assert [(d.what, d.shape, d.program) for d in record.compiled] == [
        ("random", (2,), "a transform of JAX")
    ]


def test_the_report(random):
    rng = random.RandomState(0)
    with rng.trace() as record:
        rng.random(3)
        rng.seed(0)
        rng.split_key()
    report = str(record)
    assert re.search(r"^ +1 +3  random$", report, re.MULTILINE)
    assert "keys handed out: 1" in report
    assert re.search(r"key \[0, 0\] \(original\): random at .*, again split_key at ", report)
