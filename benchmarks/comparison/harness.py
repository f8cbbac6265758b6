"""Timing of alternatives side by side.

All contenders of a case live in one process and take turns, round by round, so that a slow phase
of the machine falls on all of them. A sample of a short call is the mean over a batch that lasts
some milliseconds; what is compared is the median of the samples.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib.metadata
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax.monitoring

Call = Callable[[], Any]

BATCH_SECONDS = 0.02


class MissingError(Exception):
    """A contender cannot run here; the message says why in a few words."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a ratio of medians, peer divided by brainvar, is to reach."""

    ratio: float
    text: str

    @staticmethod
    def faster(times: float) -> Goal:
        """At least so many times faster than the peer."""
        return Goal(times, f">= {times:g} x faster")

    @staticmethod
    def within(times: float) -> Goal:
        """At most so many times the peer's time."""
        return Goal(1 / times, f"<= {times:g} x its time")

    def met(self, ratio: float) -> bool:
        """Whether a measured ratio reaches the goal."""
        return ratio >= self.ratio


@dataclasses.dataclass
class Contender:
    """One way of doing the work.

    Attributes
    ----------
    label : str
        What it is.
    make : callable
        Prepares it and returns the call to time. The call waits for its result. It may return
        a float instead of None: then that is its time in seconds, measured by itself, or
        whatever else the case is about.
        Raises `MissingError` where it cannot run.
    goal : Goal, optional
        What brainvar is to reach against it.
    """

    label: str
    make: Callable[[], Call]
    goal: Goal | None = None


@dataclasses.dataclass
class Case:
    """One piece of work: brainvar first, then the peers. `unit` is ``"s"`` or ``"B"``, bytes."""

    work: str
    ours: Contender
    peers: list[Contender]
    rounds: int = 15
    unit: str = "s"


@dataclasses.dataclass
class Timing:
    """The samples of one contender in seconds, or why there are none."""

    label: str
    goal: Goal | None
    samples: list[float]
    missing: str = ""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    @property
    def least(self) -> float:
        """The smallest sample."""
        return min(self.samples)


def require(distribution: str) -> str:
    """Return the version of an installed distribution, or raise `MissingError`."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise MissingError("not installed") from None


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """Collect what JAX traces, lowers and compiles inside of the block."""
    events: list[str] = []

    def note(event: str, duration_secs: float, **details: Any) -> None:
        if event.startswith("/jax/core/compile/"):
            events.append(event.rsplit("/", 1)[1])

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        yield events
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


def measure(case: Case) -> list[Timing]:
    """Time a case: the first result is brainvar's, the others stand in the order of its peers.

    Raises
    ------
    MissingError
        If brainvar itself cannot run the case.
    """
    timings, live = [], []
    for contender in (case.ours, *case.peers):
        timing = Timing(contender.label, contender.goal, [])
        timings.append(timing)
        try:
            call = contender.make()
            call()  # compiles
            batch = _batch_size(call)
        except MissingError as error:
            if contender is case.ours:
                raise
            timing.missing = str(error)
        except Exception as error:  # a peer that is broken here is reported, and stops nothing
            if contender is case.ours:
                raise
            timing.missing = f"fails here: {type(error).__name__}: {_one_line(error)}"
        else:
            live.append((timing, call, batch))
    gc.collect()
    gc.disable()
    try:
        for turn in range(case.rounds):
            # Who goes first changes, so that nobody always follows the same neighbour.
            shift = turn % len(live)
            for timing, call, batch in live[shift:] + live[:shift]:
                timing.samples.append(_sample(call, batch))
    finally:
        gc.enable()
    return timings


def _sample(call: Call, batch: int) -> float:
    own = 0.0
    result = None
    start = time.perf_counter()
    for _ in range(batch):
        result = call()
        if type(result) is float:
            own += result
        # Freed here, inside of the time, as a loop of a user's would.
        result = None
    elapsed = time.perf_counter() - start
    return (own or elapsed) / batch


def _batch_size(call: Call) -> int:
    """Return how many calls make a batch, from a few calls after the first one."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        if times[-1] > BATCH_SECONDS:
            return 1
    return max(1, int(BATCH_SECONDS / min(times)))


def _one_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:80] if text else ""
