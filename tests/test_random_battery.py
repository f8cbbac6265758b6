"""Statistical tests of the words of tools/rng_words.py, which need no battery of the system."""

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from word_tests import TESTS

TOOLS = Path(__file__).parents[1] / "tools"


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


rng_words = load("rng_words")
rng_battery = load("rng_battery")

N = 2**18

# The words are the same in every run, so that this is never met by chance.
LEVEL = 1e-4


def p_values(words):
    return {test.__name__: test(words) for test in TESTS}


def failures(words):
    """Return the tests that fail, by Bonferroni's bound on all p-values together."""
    found = p_values(words)
    count = sum(map(len, found.values()))
    return {name for name, values in found.items() if min(values) * count < LEVEL}


@pytest.mark.distribution
@pytest.mark.parametrize("stream", rng_words.STREAMS)
@pytest.mark.parametrize("construction", rng_words.CONSTRUCTIONS)
def test_words_are_random(construction, stream):
    blocks = rng_words.words(construction, stream, seed=1, block=N // 4)
    words = np.concatenate(list(itertools.islice(blocks, 4)))
    assert words.dtype == np.uint32
    assert words.size > N * 0.98
    assert failures(words) == set()


def good(seed=0):
    return np.random.PCG64(seed).random_raw(N).astype(np.uint32)


def test_a_good_generator_passes():
    assert failures(good()) == set()
    # p-values are uniform, as far as 12 generators tell.
    found = [p for seed in range(1, 13) for p in sum(p_values(good(seed)[: 2**15]).values(), [])]
    assert 0.4 < np.mean(found) < 0.6
    assert 0.02 < np.mean(np.array(found) < 0.1) < 0.2


def lcg():
    """Return words of a linear congruential generator of 32 bits."""
    words = np.empty(N, np.uint32)
    x = 1
    for i in range(N):
        x = (x * 69069 + 1) % 2**32
        words[i] = x
    return words


FAULTS = {
    "monobit": lambda x: x | (np.random.PCG64(1).random_raw(N) % 50 == 0).astype(np.uint32),
    "byte_frequencies": lambda x: np.where(x & np.uint32(255) == 7, x ^ np.uint32(8), x),
    "runs": lambda x: x & ~(x >> np.uint32(1) & np.uint32(0x01010101)),
    "serial_correlation": lambda x: np.where(np.arange(N) % 128 < 8, np.roll(x, 64), x),
    "birthday_spacings": lambda x: lcg(),
    "gaps": lambda x: np.where(np.arange(N) % 16 == 3, x >> np.uint32(4), x),
    "hamming_weights": lambda x: np.where(np.arange(N) % 8 == 1, ~np.roll(x, 1), x),
    "matrix_ranks": lambda x: np.where(np.arange(N) % 32 == 31, np.roll(x, 1) ^ np.roll(x, 2), x),
}


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_each_test_finds_a_fault(test):
    assert test.__name__ in failures(FAULTS[test.__name__](good()).astype(np.uint32))


def test_equal_lanes_are_found():
    lane = good()[: N // 64]
    assert "hamming_weights" in failures(np.repeat(lane, 64))


# --- what batteries print ------------------------------------------------------------------------


def test_results_of_batteries_are_read():
    text = "\n       p-value of test : 0.5\np-value 0.25 Gap\np-value 1.5e-12 Run U\nwords read 5\n"
    assert rng_battery.read_testu01(text) == [("Gap", 0.25), ("Run U", 1.5e-12)]
    table = (
        "        test_name   |ntup| tsamples |psamples|  p-value |Assessment\n"
        "   diehard_birthdays|   0|       100|     100|0.25018473|  PASSED  \n"
    )
    assert rng_battery.read_dieharder(table) == [("diehard_birthdays", 0.25018473)]
    good = "rng=RNG_stdin32, seed=unknown\nlength= 256 megabytes (2^28 bytes), time= 2.1 seconds\n"
    assert rng_battery.read_practrand(good) == [("all", 0.5)]
    bad = good + "  BCFN(2+0,13-3,T)     R=+22.1    p = 1.7e-9    FAIL !!\n"
    assert rng_battery.read_practrand(bad) == [("BCFN(2+0,13-3,T)", 0.0)]
    assert rng_battery.read_practrand("") == []


def test_the_verdict():
    fields = ("raw", "original", "smallcrush")
    result = rng_battery.Result(*fields, [("Gap", 0.4), ("Run", 1 - 1e-12), ("Rank", 0.01)], 7.0)
    name, p = result.worst
    assert name == "Run"
    assert p == pytest.approx(2e-12, rel=1e-3)
    assert "Run" in result.line()
