"""The numbers that every version must draw: stored ones, and those of an independent reference."""

import json
import sys
from itertools import groupby
from pathlib import Path

import jax
import numpy as np
import pytest

import brainvar.math as bm
import threefry_reference as reference

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import make_golden_streams as golden  # noqa: E402

ROWS = golden.read()
SEED = golden.SEED


def name_of(row):
    return f"{golden.identity({**row, 'dtype': '', 'stream': ''}).rstrip('-')}"


def groups(rows):
    """One for each way of calling a method: its draws are compiled together."""
    return [pytest.param(list(rows), id=name) for name, rows in groupby(rows, name_of)]


def compiled(rows):
    """Draw what rows say in one compiled function: return pairs of numbers and keys."""
    with jax.enable_x64(any(row["x64"] for row in rows)):
        return bm.jax.jit(lambda: [golden.draw(row, bm.jax) for row in rows])()


def check(rows):
    traced = [row for row in rows if row["draw"] not in ("shuffle", "bytes", "bits")]
    for row in rows:
        if row not in traced:
            assert not golden.differences(row, *golden.replay(row, bm.jax)), golden.identity(row)
    if not traced:
        return
    # The default integers of 64-bit types are others, so each width has its own program.
    for _, same in groupby(sorted(traced, key=lambda r: r["x64"]), lambda r: r["x64"]):
        same = list(same)
        for row, (drawn, key) in zip(same, compiled(same), strict=True):
            found = golden.differences(row, np.asarray(drawn), np.asarray(key))
            assert not found, f"{golden.identity(row)}: {found}"


def is_common(row):
    return row["level"] == 1 or row["dtype"] in (None, "float32", "int32")


@pytest.mark.parametrize("rows", groups(filter(is_common, ROWS)))
def test_golden_draws(rows, native):
    if not native:  # whose compilations take five times as long
        first = rows[0]["dtype"]
        rows = [row for row in rows if row["dtype"] == first][: 3 - row_level(rows)]
    check(rows)


def row_level(rows):
    return rows[0]["level"]


@pytest.mark.slow
@pytest.mark.parametrize("rows", groups(row for row in ROWS if not is_common(row)))
def test_golden_draws_of_other_dtypes(rows):
    check(rows)


def alternating():
    """One draw of each group, of both streams in turns."""
    for i, (_, rows) in enumerate(groupby(filter(is_common, ROWS), name_of)):
        yield list(rows)[i % 2]


@pytest.mark.parametrize("row", [pytest.param(r, id=golden.identity(r)) for r in alternating()])
def test_golden_draws_of_the_numpy_backend(row, native):
    if not native and row["level"] == 2:
        return  # the same compiled draws as above
    drawn, key = golden.replay(row, bm.numpy)
    if row["args"] and isinstance(row["args"][0], list) and drawn.dtype == np.int64:
        drawn = drawn.astype(row["result"])  # elements of a list, as NumPy converts it
    assert not golden.differences(row, drawn, key)


# --- the table -----------------------------------------------------------------------------------


def test_the_file_is_what_the_table_asks_for():
    asked = list(golden.rows())
    assert [golden.identity(row) for row in ROWS] == [golden.identity(row) for row in asked]
    for row, want in zip(ROWS, asked, strict=True):
        assert {name: row[name] for name in want} == want
    assert json.loads(golden.FILE.read_text())["seed"] == SEED


def test_differences_are_found():
    exact = next(row for row in ROWS if row["draw"] == "random" and row["dtype"] == "float32")
    drawn, key = golden.replay(exact, bm.jax)
    assert golden.differences(exact, drawn, key) == ""
    for place in (0, 100):
        other = drawn.copy()
        other[place] = np.nextafter(other[place], np.float32(1))
        assert golden.differences(exact, other, key)
    assert "key" in golden.differences(exact, drawn, key + np.uint32(1))
    assert "shape" in golden.differences(exact, drawn[None], key)
    close = next(row for row in ROWS if row["draw"] == "normal" and row["dtype"] == "float32")
    want = golden.decode(close["values"], "float32")
    key = np.array(close["key"])
    assert golden.differences(close, want, key) == ""
    assert golden.differences(close, want * np.float32(1 + 3e-7), key) == ""
    assert "ulp" in golden.differences(close, want * np.float32(1 + 3e-6), key)


def test_the_generator_changes_nothing_unasked(tmp_path, monkeypatch, capsys):
    few = [row for row in golden.rows() if row["draw"] in ("split_key", "randint_like")]
    file = tmp_path / "golden.json"
    monkeypatch.setattr(golden, "FILE", file)
    monkeypatch.setattr(golden, "rows", lambda: iter(few))
    monkeypatch.setattr(sys, "argv", ["make_golden_streams.py"])
    assert golden.main() == 0
    written = file.read_text()
    assert golden.main() == 0
    assert file.read_text() == written
    rows = golden.read()
    rows[0]["values"][0] ^= 1
    golden.write(rows)
    changed = file.read_text()
    assert golden.main() == 1
    assert "split_key()-None-original: the numbers begin" in capsys.readouterr().out
    assert file.read_text() == changed
    monkeypatch.setattr(sys, "argv", ["make_golden_streams.py", "--force"])
    assert golden.main() == 0
    assert file.read_text() == written


# --- the reference -------------------------------------------------------------------------------


def test_the_reference_gives_the_published_vectors():
    assert reference.block((0, 0), 0, 0) == (0x6B200159, 0x99BA4EFE)
    ones = 2**32 - 1
    assert reference.block((ones, ones), ones, ones) == (0x1CB996FC, 0xBB002BE7)
    pi = (0x13198A2E, 0x03707344), 0x243F6A88, 0x85A308D3
    assert reference.block(*pi) == (0xC4923A9C, 0x483DF7A0)


def drawn_by_reference(row):
    """Return all numbers of a row, None if the reference does not know the sampler."""
    key, stream, name, args = reference.seed_key(SEED), row["stream"], row["draw"], row["args"]
    count, kwargs = int(np.prod(row["shape"])), row["kwargs"]
    if name == "split_key":
        return list(reference.step(key, stream)[1])
    if name == "split_keys":
        return [word for words in reference.split(key, args[0] + 1, stream)[1:] for word in words]
    drawn = reference.step(key, stream)[1]
    if name == "bits":
        return reference.bits(drawn, count, np.dtype(row["dtype"]).itemsize * 8, stream)
    if name in ("random", "random_sample", "ranf", "sample", "rand", "rand_like") or (
        name == "uniform" and not args
    ):
        return reference.uniform(drawn, count, row["dtype"], stream)
    if name == "bernoulli":
        p = np.float32(args[0])
        return [float(u) < p for u in reference.uniform(drawn, count, "float32", stream)]
    bounds = None
    if name == "randint" and isinstance(args[0], int):
        bounds = args
    elif name == "randint_like":
        bounds = args[1:]
    elif name == "random_integers":
        bounds = 1, args[0] + 1
    elif name == "choice" and isinstance(args[0], int) and len(kwargs) == 1:
        bounds = 0, args[0]
    if bounds is not None:
        width = 64 if str(row["dtype"]).endswith("64") else 32
        return reference.randint(drawn, count, *bounds, width, stream)
    if name in ("permutation", "shuffle") and (isinstance(args[0], int) or name == "shuffle"):
        return reference.permutation(drawn, count, stream)
    if name == "choice" and kwargs.get("replace") is False and row["level"] == 1:
        return reference.permutation(drawn, args[0], stream)[:count]
    return None


REFERENCE = [(row, drawn_by_reference(row)) for row in ROWS if row["level"] == 1]
KNOWN = [(row, numbers) for row, numbers in REFERENCE if numbers is not None]


@pytest.mark.parametrize(
    ("row", "numbers"), [pytest.param(*case, id=golden.identity(case[0])) for case in KNOWN]
)
def test_golden_draws_are_those_of_the_reference(row, numbers):
    dtype = jax.numpy.dtype(row["result"])
    values = np.array([float(x) if dtype.kind not in "iub" else int(x) for x in numbers])
    if dtype.name == "uint64":  # beyond NumPy's default integers
        values = np.array(numbers, np.uint64)
    values = values.astype(dtype)
    assert golden.encode(values[: golden.SHOWN]) == row["values"]
    assert golden.digest(values) == row["sha256"]
    rows = row["args"][0] + 1 if row["draw"] == "split_keys" else 2
    assert list(reference.split(reference.seed_key(SEED), rows, row["stream"])[0]) == row["key"]


def test_the_reference_knows_most_of_level_1():
    assert len(KNOWN) > 0.8 * len(REFERENCE)
    assert {row["stream"] for row, _ in KNOWN} == set(golden.STREAMS)
