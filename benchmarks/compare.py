"""Compare brainvar with its peers, side by side in one process.

Usage::

    python benchmarks/compare.py [--quick] [--only PATTERN] [--json FILE]

Prints one line for each piece of work and peer: medians, the ratio of the medians (peer divided
by brainvar: above 1, brainvar is faster), the goal where there is one, and whether it is met.
Peers that are not installed, or fail here, are listed as such.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jax

import brainvar
from comparison import (
    coba_cases,
    inplace_cases,
    orders_cases,
    prng_cases,
    random_cases,
    rejection_cases,
    sampler_cases,
    sharding_cases,
    step_cases,
)
from comparison.harness import Case, Timing, measure

PEERS = ("brainpy", "brainevent", "numba", "brainstate", "flax", "brian2")


def machine() -> dict[str, Any]:
    """Describe where the figures come from."""
    try:
        text = Path("/proc/cpuinfo").read_text()
        model = re.search(r"model name\s*:\s*(.*)", text).group(1)  # type: ignore[union-attr]
    except (OSError, AttributeError):
        model = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": model,
        "cores": cores,
        "system": platform.platform(),
        "load": [round(x, 2) for x in os.getloadavg()],
        "devices": [str(d) for d in jax.devices()],
    }


def versions() -> dict[str, str]:
    """Return the versions of all that takes part."""
    found = {"python": platform.python_version(), "brainvar": brainvar.__version__}
    for name in ("jax", "jaxlib", "numpy", *PEERS):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def seconds(x: float) -> str:
    """Format a time with three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if x >= scale:
            return f"{x / scale:.3g} {unit}"
    return f"{x * 1e9:.3g} ns"


def amount(x: float, unit: str) -> str:
    """Format a time, or a number of bytes."""
    return seconds(x) if unit == "s" else f"{x / 1e6:.3g} MB"


def rows(case: Case, timings: list[Timing]) -> list[dict[str, Any]]:
    """Return one record for each peer of a case."""
    ours, *peers = timings
    result = []
    for peer in peers:
        row = {
            "work": case.work,
            "unit": case.unit,
            "peer": peer.label,
            "brainvar_median": ours.median,
            "brainvar_min": ours.least,
            "goal": peer.goal.text if peer.goal else None,
            "missing": peer.missing or None,
        }
        if not peer.missing:
            ratio = peer.median / ours.median
            row |= {
                "peer_median": peer.median,
                "peer_min": peer.least,
                "ratio": ratio,
                "met": peer.goal.met(ratio) if peer.goal else None,
            }
        result.append(row)
    return result


def line(row: dict[str, Any]) -> str:
    """Format a record."""
    goal = row["goal"] or ""
    if row["missing"]:
        return f"  {row['peer']:38} {row['missing']}" + (
            f"   goal {goal}: not measured" if goal else ""
        )
    verdict = "" if row["met"] is None else ("met" if row["met"] else "MISSED")
    return (
        f"  {row['peer']:38} {amount(row['peer_median'], row['unit']):>9}"
        f" {amount(row['peer_min'], row['unit']):>9}"
        f" {row['ratio']:>9.3g}  {goal:18} {verdict}"
    ).rstrip()


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller work, fewer rounds")
    parser.add_argument("--only", metavar="PATTERN", default="", help="regex on the work's name")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to a file")
    parser.add_argument("--list", action="store_true", help="print the names of the work and stop")
    parser.add_argument(
        "--brian2-python",
        metavar="PYTHON",
        default=sys.executable,
        help="the interpreter that has Brian2, where it is another environment's",
    )
    args = parser.parse_args()
    try:
        wanted = re.compile(args.only)
    except re.error as error:
        parser.error(f"--only {args.only!r} is no regular expression: {error}")

    cases = [
        *random_cases.cases(args.quick),
        *orders_cases.cases(args.quick),
        *sharding_cases.cases(args.quick),
        *prng_cases.cases(args.quick),
        *sampler_cases.cases(args.quick),
        *rejection_cases.cases(args.quick),
        *step_cases.cases(args.quick),
        *inplace_cases.cases(args.quick),
        *coba_cases.cases(args.quick, args.brian2_python),
    ]
    cases = [case for case in cases if wanted.search(case.work)]
    if not cases:
        parser.error(f"--only {args.only!r} matches no work; --list shows the names")
    if args.list:
        print(*(case.work for case in cases), sep="\n")
        return 0

    about = {"machine": machine(), "versions": versions(), "config": brainvar.config_dict()}
    print(*(f"{key:9} {value}" for key, value in about["machine"].items()), sep="\n")
    print("versions ", ", ".join(f"{k} {v}" for k, v in about["versions"].items()))
    brainvar.show_config()
    print(f"\n{'':40} {'median':>9} {'min':>9} {'ratio':>9}  goal")
    results = []
    for case in cases:
        if args.quick:
            case = dataclasses.replace(case, rounds=min(case.rounds, 3))
        timings = measure(case)
        ours = timings[0]
        print(f"\n{case.work}")
        figures = (amount(x, case.unit) for x in (ours.median, ours.least))
        print(f"  {'brainvar':38}", *(f"{figure:>9}" for figure in figures))
        for row in rows(case, timings):
            print(line(row), flush=True)
            results.append(row)
    judged = [row["met"] for row in results if row.get("met") is not None]
    print(f"\n{sum(judged)} of {len(judged)} measured goals met")
    if args.json:
        args.json.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
