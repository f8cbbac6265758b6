"""``python -m brainvar``: simulate the COBA network and say how fast it was."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import brainvar as bp
import brainvar.math as bm
from brainvar.examples import coba, report

FORMATS = (".png", ".pdf", ".svg")
STEPS_PER_SECOND = round(1000 / coba.DT)
# Step numbers are int32 on the jax backend.
MAX_STEPS = 2**31 - 1 - coba.REFRACTORY


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the usage lines in front of it."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def _number(kind: type, low: float, high: float, what: str) -> Callable[[str], Any]:
    """Return a reader of numbers in [low, high] for argparse."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {what}, got {text!r}") from None
        if not low <= value <= high:  # false for nan too
            raise argparse.ArgumentTypeError(f"expected {what}, got {text}")
        return value

    return read


def _figure_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        raise argparse.ArgumentTypeError(
            f"expected a file name that ends in {', '.join(FORMATS)}, got {text!r}"
        )
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder, give a file name")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m brainvar",
        description="Simulate the COBA network of Vogels and Abbott (2005): leaky "
        "integrate-and-fire neurons with conductance-based synapses. Prints the firing "
        "statistics and the speed, and draws the spikes.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--neurons",
        type=_number(int, 100, 10**7, "an integer from 100 to 10000000"),
        default=4000,
        metavar="N",
        help="number of neurons, each with 80 targets on average (default: 4000)",
    )
    longest = MAX_STEPS / STEPS_PER_SECOND
    add(
        "--duration",
        type=_number(float, coba.DT / 1000, longest, f"seconds from 0.0001 to {longest:.0f}"),
        default=1.0,
        metavar="SECONDS",
        help="simulated time in seconds (default: 1)",
    )
    add(
        "--seed",
        type=_number(int, 0, 2**64 - 1, "an integer from 0 to 2**64 - 1"),
        default=0,
        help="seed of the synapses and the initial state (default: 0)",
    )
    add(
        "--backend",
        choices=("jax", "numpy"),
        default="jax",
        help="jax compiles the loop; numpy runs it step by step, to debug (default: jax)",
    )
    add(
        "--output",
        type=_figure_path,
        default=Path("coba.png"),
        metavar="FILE",
        help=f"the figure, {', '.join(FORMATS)} (default: coba.png)",
    )
    add("--no-plot", action="store_true", help="draw no figure")
    add("--no-progress", action="store_true", help="show no progress bar")
    return parser


@contextlib.contextmanager
def _progress(steps: int, wanted: bool) -> Iterator[Callable[[int], Any] | None]:
    """Give the function that moves a progress bar, None where there is no bar."""
    if not wanted or importlib.util.find_spec("tqdm") is None:
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=steps, unit=" steps", leave=False) as bar:
        yield bar.update


def _compile(net: coba.COBA, steps: int) -> float:
    """Compile what `coba.simulate` will run, and return the seconds that it took.

    The loops are run once on the network as it stands; then the state is put back.
    """
    if bm.is_numpy_backend():
        return 0.0
    part = coba.steps_per_part(net)
    state = [(variable, variable.value) for variable in net.vars().unique().values()]
    start = time.perf_counter()
    for length in {min(part, steps), steps % part or part}:
        coba.simulate(net, 0, min(length, steps))
    elapsed = time.perf_counter() - start
    for variable, value in state:
        variable.value = value
    return elapsed


def _draw(spikes: coba.Spikes, net: coba.COBA, steps: int, path: Path) -> str:
    """Draw the figure and return the line to print about it."""
    if importlib.util.find_spec("matplotlib") is None:
        return "figure       none: matplotlib is not installed (pip install matplotlib)"
    try:
        report.plot(spikes, net, steps, path)
    except OSError as error:
        return f"figure       none: cannot write {path}: {error.strerror or error}"
    return f"figure       {path}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        The exit status, 0. Bad arguments raise `SystemExit` with status 2.
    """
    args = _parser().parse_args(argv)
    steps = max(1, round(args.duration * STEPS_PER_SECOND))
    simulated = steps / STEPS_PER_SECOND
    bp.show_config()
    with bm.backend(args.backend):
        start = time.perf_counter()
        net = coba.COBA(args.neurons, args.seed)
        built = time.perf_counter() - start
        compiled = _compile(net, steps)
        with _progress(steps, not args.no_progress) as on_progress:
            start = time.perf_counter()
            spikes = coba.simulate(net, 0, steps, on_progress)
            elapsed = time.perf_counter() - start

    rate = report.mean_rate(spikes, net.n, steps)
    cv = report.interval_cv(spikes, net.n)
    print()
    print(
        f"network      {net.n} neurons, {simulated:g} s in steps of {coba.DT} ms, "
        f"seed {args.seed}, {args.backend} backend"
    )
    print(f"mean rate    {rate:.2f} Hz")
    print("interval CV  " + ("no neuron with three spikes" if math.isnan(cv) else f"{cv:.2f}"))
    print(f"built in     {built:.2f} s")
    if args.backend == "numpy":
        print("compiled in  nothing to compile on this backend")
    else:
        print(f"compiled in  {compiled:.2f} s")
    print(f"ran in       {elapsed:.3f} s, {simulated / elapsed:.3g} x real time")
    if not args.no_plot:
        print(_draw(spikes, net, steps, args.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
