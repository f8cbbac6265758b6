"""The benchmarks measure what they say: references agree, and the tools run."""

import importlib
import inspect
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar
import brainvar.math as bm
from brainvar.examples.coba import COBA

pytestmark = pytest.mark.slow  # runs the benchmarks

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def load(name: str):
    return importlib.import_module(name)


# -- the reference networks ----------------------------------------------------------------------


def test_the_plain_and_the_expert_jax_network_are_the_same_network():
    coba_jax = load("references.coba_jax")
    plain, expert = (np.asarray(coba_jax.build(name)(200)) for name in ("plain", "expert"))
    assert plain.sum() > 800
    # Sums are made in another order, so that the trajectories part some time.
    np.testing.assert_array_equal(plain[:100], expert[:100])
    assert expert.sum() == pytest.approx(plain.sum(), rel=0.05)


def test_the_references_are_our_network():
    """On the same synapses and the same initial state, the same spikes."""
    parameters, coba_jax = load("references.parameters"), load("references.coba_jax")
    setup = parameters.make(0)
    net = COBA(seed=0)
    net.V.value = setup.V
    for name in ("exc", "inh"):
        table = parameters.padded_rows(
            getattr(setup, f"{name}_indptr"), getattr(setup, f"{name}_indices"), 4000
        )
        setattr(net, f"{name}_targets", bm.Variable(table))
    ours = np.asarray(bm.for_loop(net.update, bm.arange(100)))
    np.testing.assert_array_equal(ours, np.asarray(coba_jax.build("plain")(100)))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["plain", "expert"])
def test_the_jax_references_fire_at_the_rate_of_the_model(variant):
    spikes = load("references.coba_jax").build(variant)(10_000)
    assert float(spikes.sum()) / 4000 == pytest.approx(21.3, abs=4 * 1.2)


@pytest.mark.slow
def test_the_brainpy_references_fire_at_the_rate_of_the_model():
    pytest.importorskip("brainpy", reason="a peer that is compared with")
    coba_brainpy = load("references.coba_brainpy")
    for network, backend in itertools.product(coba_brainpy.NETWORKS, coba_brainpy.event_backends()):
        spikes = np.asarray(coba_brainpy.build(network, backend)(10_000))
        assert spikes.sum() / 4000 == pytest.approx(21.3, abs=4 * 1.2), (network, backend)


def test_padded_rows_hold_the_rows():
    parameters = load("references.parameters")
    table = parameters.padded_rows(np.array([0, 2, 2, 5]), np.array([7, 8, 1, 2, 3]), 9)
    np.testing.assert_array_equal(table, [[7, 8, 9], [9, 9, 9], [1, 2, 3]])


# -- compare.py ----------------------------------------------------------------------------------


def compare(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / "compare.py"), *args],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    source = str(Path(brainvar.__file__).parents[1])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")])),
    }


def test_compare_prints_each_peer_with_ratio_goal_and_verdict(tmp_path):
    file = tmp_path / "figures.json"
    done = compare("--quick", "--only", "split_key", "--json", str(file))
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert figures["machine"]["cores"] >= 1
    rows = {row["peer"]: row for row in figures["results"]}
    for peer, row in rows.items():
        assert peer in done.stdout
        if row["missing"]:
            assert row["missing"] in done.stdout
        else:
            ratio = row["peer_median"] / row["brainvar_median"]
            assert row["ratio"] == pytest.approx(ratio)
            assert row["brainvar_min"] <= row["brainvar_median"]
    judged = rows["jax.random.split, keys[0], keys[1]"]
    assert judged["goal"] == ">= 25 x faster"
    assert judged["met"] == (judged["ratio"] >= 25)
    # Whatever is missing here is named, not left out.
    assert {"BrainPy split_key()", "brainstate split_key()", "flax.nnx rngs()"} <= rows.keys()


def test_compare_names_all_work_of_the_table():
    done = compare("--list")
    assert done.returncode == 0, done.stderr
    work = done.stdout.splitlines()
    for expected in (
        "split_key(), eager",
        "random(1), eager",
        "uniform float32, 1e6",
        "uniform float32, 1e8",
        "normal float32, 1e6",
        "normal float32, 1e8",
        "jitted step, 10 Variables of 1000",
        "v[i] = 1., eager, float32[1e7]",
        "40 kinds of index, new values, 1e6",
        "v.add_at(i, x), 1e5 into 1e6, NumPy arrays",
        "v += x, eager, float32[1e7]",
        "peak memory of v += x, float32[1e7], besides x",
        "ring buffer float32[1e8], a step of a loop",
        "COBA network, 1 s",
    ):
        assert expected in work


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_compare_measures_memory_too(tmp_path):
    file = tmp_path / "figures.json"
    done = compare("--quick", "--only", "peak memory", "--json", str(file))
    assert done.returncode == 0, done.stderr
    rows = {row["peer"]: row for row in json.loads(file.read_text())["results"]}
    one, jax = rows["one buffer"], rows["v = v + x"]
    assert one["unit"] == "B"
    assert one["peer_median"] == 4e7
    assert "40 MB" in done.stdout
    # What is not in place needs another buffer, at least for a moment.
    assert jax["peer_median"] > 1.5 * one["peer_median"]
    if brainvar.config_dict()["native"]["status"] == "loaded":
        assert one["met"]


@pytest.mark.parametrize(
    ("args", "message"), [(["--only", "("], "regular expression"), (["--only", "zzz"], "no work")]
)
def test_compare_refuses_a_pattern_that_finds_nothing(args, message):
    done = compare(*args)
    assert done.returncode == 2
    assert message in done.stderr


# -- the harness ---------------------------------------------------------------------------------


def test_goals_are_judged_the_right_way_round():
    harness = load("comparison.harness")
    faster, within = harness.Goal.faster(20), harness.Goal.within(1.6)
    # The ratio is the peer's time divided by ours.
    assert faster.met(20.5)
    assert not faster.met(19.5)
    assert within.met(1 / 1.5)
    assert not within.met(1 / 1.7)


def test_compilations_are_noticed():
    harness = load("comparison.harness")
    double = jax.jit(lambda x: x * 2)
    with harness.compilations() as events:
        double(jnp.ones(3))
    assert "backend_compile_duration" in events
    with harness.compilations() as events:
        double(jnp.zeros(3))
    double(jnp.ones(4))  # after the block: not counted
    assert not events


def test_the_kinds_of_index_are_forty_and_numpy_takes_them():
    index_kinds = load("comparison.index_kinds")
    first, second = index_kinds.rounds(4096, 2)
    assert len(first) == len(second) == 40
    arrays = {"flat": np.zeros(4096, np.float32), "table": np.zeros((64, 64), np.float32)}
    ours = {name: bm.Variable(x) for name, x in arrays.items()}
    for target, index, value in [*first, *second]:
        arrays[target][np.asarray(index) if isinstance(index, jax.Array) else index] = value
        ours[target][index] = value
        np.testing.assert_array_equal(ours[target], arrays[target])


def test_a_missing_peer_is_reported_and_a_broken_one_too():
    harness = load("comparison.harness")

    def broken():
        raise ValueError("no such thing\nand more")

    def absent():
        harness.require("a-package-that-is-not-there")

    case = harness.Case(
        "work",
        harness.Contender("ours", lambda: lambda: sum(range(100))),
        [
            harness.Contender("absent", absent),
            harness.Contender("broken", broken),
            harness.Contender("its own clock", lambda: lambda: 2.5),
        ],
        rounds=3,
    )
    ours, missing, failing, own = harness.measure(case)
    assert len(ours.samples) == 3
    assert 0 < ours.least <= ours.median < 1e-3
    assert missing.missing == "not installed"
    assert failing.missing == "fails here: ValueError: no such thing"
    assert own.median == 2.5


# -- asv -----------------------------------------------------------------------------------------


def asv_benchmarks():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        for file in sorted((BENCHMARKS / "suites").glob("[!_]*.py")):
            module = importlib.import_module(f"suites.{file.stem}")
            for name, cls in inspect.getmembers(module, inspect.isclass):
                if cls.__module__ == module.__name__ and hasattr(cls, "params"):
                    yield pytest.param(module, cls, id=f"{file.stem}.{name}")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize(("module", "cls"), list(asv_benchmarks()))
def test_each_asv_benchmark_runs(module, cls, monkeypatch):
    if hasattr(module, "STEPS"):
        monkeypatch.setattr(module, "STEPS", 20)
    small = [[x for x in values if not isinstance(x, int) or x <= 10**4] for values in cls.params]
    assert len(cls.params) == len(cls.param_names)
    methods = [name for name in dir(cls) if name.startswith(("time_", "peakmem_"))]
    assert methods
    for values in itertools.product(*small):
        benchmark = cls()
        benchmark.setup(*values)
        for method in methods:
            getattr(benchmark, method)(*values)
