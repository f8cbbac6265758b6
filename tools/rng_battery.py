"""Run a statistical battery of the system on the words of `rng_words`.

    python tools/rng_battery.py                        # about a minute: SmallCrush
    python tools/rng_battery.py --effort long          # the figures in benchmarks/results
    python tools/rng_battery.py --tests crush --construction lanes --stream original
    python tools/rng_battery.py --produce raw original | RNG_test stdin32

It takes PractRand (``RNG_test`` on the PATH) if that is there, else TestU01 (a C compiler and
libtestu01, on Debian ``libtestu01-0-dev`` from non-free), else dieharder. Without any of them it
says so and ends with status 3. It ends with status 1 if a generator fails.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
NOTHING_INSTALLED = 3

# Of all p-values of a run together, by Bonferroni's bound: a good generator fails once in 1e6.
LEVEL = 1e-6


@dataclass(frozen=True)
class Battery:
    """A program that judges words on its standard input."""

    name: str
    commands: dict[str, list[str]]
    """By the name of a selection of tests."""
    read: Callable[[str], list[tuple[str, float]]]
    """From what it prints to names of tests and p-values; PractRand's verdicts are 0 or 0.5."""
    short: tuple[str, ...]
    long: tuple[str, ...]


def practrand() -> Battery | None:
    """Return PractRand's RNG_test."""
    program = shutil.which("RNG_test")
    if program is None:
        return None
    commands = {
        size: [program, "stdin32", "-tlmax", size, "-tlmin", size, "-te", "0"]
        for size in ("256MB", "4GB", "32GB")
    }
    return Battery("PractRand", commands, read_practrand, ("256MB",), ("32GB",))


def read_practrand(text: str) -> list[tuple[str, float]]:
    """Return 0 for a verdict of failure and 0.5 if there is none, for each line of results."""
    if not re.search(r"length= ", text):
        return []
    failed = re.findall(r"^\s*(\S+).*\bFAIL\b", text, re.MULTILINE)
    return [(name, 0.0) for name in failed] or [("all", 0.5)]


def testu01(folder: Path) -> Battery | None:
    """Compile the program that runs TestU01 on its standard input."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program = folder / "testu01_stdin"
    libraries = ["-ltestu01", "-ltestu01probdist", "-ltestu01mylib", "-lm"]
    built = subprocess.run(
        [compiler, "-O2", str(HERE / "testu01_stdin.c"), *libraries, "-o", str(program)],
        capture_output=True,
        check=False,
    )
    if built.returncode:
        return None
    tests = {
        "smallcrush": ["smallcrush"],
        "smallcrush-reversed": ["smallcrush", "0", "reversed"],
        "alphabit": ["alphabit", "30"],
        "alphabit-reversed": ["alphabit", "30", "reversed"],
        "rabbit": ["rabbit", "26"],
        "crush": ["crush"],
        "bigcrush": ["bigcrush"],
    }
    return Battery(
        "TestU01",
        {name: [str(program), *arguments] for name, arguments in tests.items()},
        read_testu01,
        ("smallcrush",),
        ("smallcrush", "smallcrush-reversed", "alphabit"),
    )


def read_testu01(text: str) -> list[tuple[str, float]]:
    """Return the p-values that testu01_stdin prints."""
    found = re.findall(r"^p-value ([\d.e+-]+) (.+)$", text, re.MULTILINE)
    return [(name, float(p)) for p, name in found]


def dieharder() -> Battery | None:
    """Return dieharder."""
    program = shutil.which("dieharder")
    if program is None:
        return None
    # 200: raw words from standard input. The tests of the short run take seconds each; those
    # left out of the long one are marked in dieharder's own list as suspect or as broken.
    numbers = [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 15, 16, 17, 100, 101, 102, 200, 201, 202, 203]
    commands = {
        f"d{number}": [program, "-g", "200", "-d", str(number), *extra]
        for number, extra in [(n, ["-n", "4"] if n >= 200 else []) for n in numbers]
    }
    short = ("d2", "d8", "d15", "d100")
    return Battery("dieharder", commands, read_dieharder, short, tuple(commands))


def read_dieharder(text: str) -> list[tuple[str, float]]:
    """Return the p-values in dieharder's table."""
    rows = [line.split("|") for line in text.splitlines()]
    return [
        (row[0].strip(), float(row[4]))
        for row in rows
        if len(row) == 6 and re.fullmatch(r"\s*[\d.e-]+\s*", row[4])
    ]


def find_battery(folder: Path, name: str | None) -> Battery | None:
    """Return the battery asked for, or the first one that is installed."""
    makers = {"practrand": practrand, "testu01": lambda: testu01(folder), "dieharder": dieharder}
    for maker in makers.values() if name is None else [makers[name]]:
        battery = maker()
        if battery is not None:
            return battery
    return None


@dataclass(frozen=True)
class Result:
    """What one battery found in one construction."""

    construction: str
    stream: str
    tests: str
    p_values: list[tuple[str, float]]
    seconds: float

    @property
    def worst(self) -> tuple[str, float]:
        """The most extreme test, and its two-sided p-value."""
        name, p = min(self.p_values, key=lambda item: min(item[1], 1 - item[1]))
        return name, 2 * min(p, 1 - p)

    def line(self) -> str:
        """Return the result as a row of a table."""
        name, p = self.worst
        return (
            f"{self.construction:<9} {self.stream:<14} {self.tests:<20} "
            f"{len(self.p_values):>8}  {p:<9.3g} {name:<38} {self.seconds:6.0f} s"
        )


def judge(battery: Battery, tests: str, construction: str, stream: str, seed: int) -> Result:
    """Run one selection of tests on one construction."""
    started = time.monotonic()
    produce = [sys.executable, __file__, "--produce", construction, stream, "--seed", str(seed)]
    with subprocess.Popen(produce, stdout=subprocess.PIPE) as producer:
        judged = subprocess.run(
            battery.commands[tests], stdin=producer.stdout, capture_output=True, text=True
        )
        assert producer.stdout is not None
        producer.stdout.close()
    p_values = battery.read(judged.stdout)
    if not p_values:
        raise RuntimeError(f"{battery.name} {tests} gave no result:\n{judged.stderr[-2000:]}")
    return Result(construction, stream, tests, p_values, time.monotonic() - started)


def produce(construction: str, stream: str, seed: int) -> None:
    """Write words to the standard output until nobody reads them."""
    from rng_words import words

    try:
        for block in words(construction, stream, seed):
            sys.stdout.buffer.write(block)
    except BrokenPipeError:
        # The interpreter would fail once more when it flushes what is left.
        sys.stdout = None


def versions() -> str:
    """Return what is tested, and on what."""
    import jax

    import brainvar

    native = brainvar.config_dict()["native"]["status"]
    return f"brainvar {brainvar.__version__}, CPU kernels {native}, jax {jax.__version__}"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--battery", choices=("practrand", "testu01", "dieharder"))
    parser.add_argument("--effort", choices=("short", "long"), default="short")
    parser.add_argument("--tests", nargs="+", help="selections of tests, instead of --effort")
    parser.add_argument("--construction", nargs="+", default=["raw", "splits", "lanes", "strided"])
    parser.add_argument("--stream", nargs="+", default=["original", "partitionable"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    parser.add_argument("--produce", nargs=2, metavar=("CONSTRUCTION", "STREAM"))
    return parser.parse_args()


def main() -> int:
    """Run the command."""
    args = arguments()
    if args.produce:
        produce(*args.produce, args.seed)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        battery = find_battery(Path(folder), args.battery)
        if battery is None:
            print(f"No battery of tests is installed ({args.battery or 'none of three'}).")
            return NOTHING_INSTALLED
        selected = args.tests or getattr(battery, args.effort)
        print(f"{battery.name}; {versions()}; seed {args.seed}", flush=True)
        head = f"{'words':<9} {'stream':<14} {'tests':<20} {'p-values':>8}  most extreme, two-sided"
        print(head, flush=True)
        tasks = [
            (battery, tests, construction, stream, args.seed)
            for tests in selected
            for construction in args.construction
            for stream in args.stream
        ]
        results = []
        with ThreadPoolExecutor(args.jobs) as pool:
            for result in pool.map(lambda task: judge(*task), tasks):
                results.append(result)
                print(result.line(), flush=True)
    count = sum(len(result.p_values) for result in results)
    failed = [result for result in results if result.worst[1] * count < LEVEL]
    print(f"{count} p-values; failed: {len(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
