"""``python -m brainvar``."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import brainvar
import brainvar.math as bm
from brainvar.__main__ import main

SMALL = ["--neurons", "400", "--duration", "0.05", "--no-progress"]


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(brainvar.__file__).parents[1])
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "brainvar", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, **env},
    )


def rate_in(text: str) -> float:
    return float(re.search(r"^mean rate +([\d.]+) Hz$", text, re.MULTILINE)[1])


def test_a_run_prints_configuration_statistics_and_speed(tmp_path):
    figure = tmp_path / "spikes.png"
    done = run("--neurons", "400", "--duration", "0.05", "--seed", "7", "--output", str(figure))
    assert done.returncode == 0, done.stderr
    assert brainvar.__version__ in done.stdout
    assert "400 neurons, 0.05 s in steps of 0.1 ms, seed 7, jax backend" in done.stdout
    for pattern in (
        r"^mean rate +[\d.]+ Hz$",
        r"^interval CV +\S",
        r"^compiled in +[\d.]+ s$",
        r"^ran in +[\d.]+ s, \S+ x real time$",
    ):
        assert re.search(pattern, done.stdout, re.MULTILINE), done.stdout
    if importlib.util.find_spec("matplotlib"):
        assert figure.read_bytes().startswith(b"\x89PNG")
        assert str(figure) in done.stdout


@pytest.mark.slow
def test_the_twin_gives_20_hz_within_2():
    done = run("--no-plot", "--no-progress", BRAINVAR_NATIVE="off")
    assert done.returncode == 0, done.stderr
    assert 18 <= rate_in(done.stdout) <= 22


@pytest.mark.slow
def test_the_numpy_backend_gives_20_hz_within_2(capsys):
    main(["--backend", "numpy", "--no-plot", "--no-progress"])
    assert 18 <= rate_in(capsys.readouterr().out) <= 22


def test_the_numpy_backend_is_used_and_left(capsys):
    assert main([*SMALL, "--backend", "numpy", "--no-plot"]) == 0
    out = capsys.readouterr().out
    assert "numpy backend" in out
    assert "nothing to compile" in out
    assert bm.get_backend_name() == "jax"


def test_the_backend_asked_for_counts_not_the_one_in_use(capsys):
    with bm.backend("numpy"):
        main([*SMALL, "--no-plot"])
    assert re.search(r"^compiled in +[\d.]+ s$", capsys.readouterr().out, re.MULTILINE)


def test_a_seed_gives_the_same_numbers_again(capsys):
    outs = []
    for seed in ("3", "3", "4"):
        main([*SMALL, "--seed", seed, "--no-plot"])
        outs.append(re.findall(r"mean rate.*|interval.*", capsys.readouterr().out))
    assert outs[0] == outs[1] != outs[2]


def test_a_duration_that_is_no_multiple_of_a_part(capsys):
    main(["--neurons", "400", "--duration", "0.1234", "--no-plot", "--no-progress"])
    assert "0.1234 s" in capsys.readouterr().out


def test_without_matplotlib_a_line_says_so(monkeypatch, capsys, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda x, *a: None if x == "matplotlib" else find(x, *a)
    )
    figure = tmp_path / "x.png"
    assert main([*SMALL, "--output", str(figure)]) == 0
    assert "matplotlib is not installed" in capsys.readouterr().out
    assert not figure.exists()


def test_without_tqdm_there_is_no_bar(monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda x, *a: None if x == "tqdm" else find(x, *a)
    )
    assert main(["--neurons", "400", "--duration", "0.05", "--no-plot"]) == 0
    assert "mean rate" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args",
    [
        ["--neurons", "many"],
        ["--neurons", "99"],
        ["--neurons", "1e4"],
        ["--duration", "0"],
        ["--duration", "-1"],
        ["--duration", "nan"],
        ["--duration", "inf"],
        ["--duration", "one"],
        ["--seed", "-1"],
        ["--seed", str(2**64)],
        ["--seed", "1.5"],
        ["--backend", "torch"],
        ["--output", "figure"],
        ["--output", "figure.txt"],
        ["--output", "no/such/folder/figure.png"],
        ["--neuron", "400"],
        ["--fast"],
        ["400"],
        ["--seed"],
    ],
    ids=" ".join,
)
def test_bad_arguments_get_one_line_and_status_2(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("python -m brainvar: error: ")
    assert args[0].removeprefix("--") in err or args[-1] in err


def test_the_largest_seed_is_taken(capsys):
    assert main([*SMALL, "--seed", str(2**64 - 1), "--no-plot"]) == 0
    assert str(2**64 - 1) in capsys.readouterr().out


def test_help_names_the_unit_of_the_duration(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "simulated time in seconds" in capsys.readouterr().out
