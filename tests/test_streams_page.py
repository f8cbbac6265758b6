"""The page of the stream contract names every sampler, at the level at which it is tested."""

import json
import re
from pathlib import Path

import numpy as np

import brainvar.random as brandom
from brainvar.random._functions import FUNCTIONS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
GOLDEN = json.loads((ROOT / "tests" / "data" / "golden_streams.json").read_text())["draws"]

# Those of keys and states, which draw nothing.
NO_SAMPLERS = {
    *("backup_key", "clone_rng", "default_rng", "get_key", "get_key_data", "get_state"),
    *("restore_key", "seed", "seed_context", "self_assign_multi_keys", "set_key", "set_state"),
}


def named():
    """Return the samplers of each level in the second table of the page."""
    table = PAGE[PAGE.index("| level | samplers |") :]
    rows = re.findall(r"^\| (\d) \| (.*) \|$", table, re.MULTILINE)
    return {int(level): set(re.findall(r"`(\w+)`", text)) - {"p"} for level, text in rows}


def test_every_sampler_has_a_level():
    levels = named()
    assert set(levels) == {1, 2, 3}
    assert set(FUNCTIONS) - NO_SAMPLERS <= set.union(*levels.values())
    # With other arguments these two are of level 2.
    assert levels[1] & levels[2] == {"uniform", "choice"}
    assert not levels[3] & (levels[1] | levels[2])
    assert all(callable(getattr(brandom, name)) for name in levels[1] | levels[2])


def test_golden_streams_are_those_of_the_levels():
    levels = named()
    for level in (1, 2):
        stored = {row["draw"] for row in GOLDEN if row["level"] == level} - {"bits"}
        assert stored == levels[level]
    assert {row["dtype"] for row in GOLDEN} >= {
        *("float16", "bfloat16", "float32", "float64", "bool"),
        *(np.dtype(c).name for c in "bhilqBHILQ"),
    }
