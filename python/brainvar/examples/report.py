"""Numbers and a figure that describe the spikes of the COBA network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brainvar.examples.coba import COBA, DT, Spikes

__all__ = ["interval_cv", "mean_rate", "plot"]

MS_PER_SECOND = 1000.0


def mean_rate(spikes: Spikes, n: int, steps: int) -> float:
    """Return the spikes of one neuron and second, in Hz, averaged over `n` neurons."""
    return len(spikes.step) / (n * steps * DT / MS_PER_SECOND)


def interval_cv(spikes: Spikes, n: int, at_least: int = 3) -> float:
    """Return the coefficient of variation of the inter-spike intervals.

    It is the standard deviation of the intervals of a neuron divided by their mean, averaged over
    the neurons with `at_least` spikes; NaN if there are none. A Poisson process has 1, a clock 0.
    """
    order = np.lexsort((spikes.step, spikes.neuron))
    step, neuron = spikes.step[order], spikes.neuron[order]
    same = neuron[1:] == neuron[:-1]
    interval, owner = np.diff(step)[same].astype(np.float64), neuron[1:][same]
    count = np.bincount(owner, minlength=n)
    enough = count >= at_least - 1
    if not enough.any():
        return float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(owner, interval, n) / count
        variance = np.bincount(owner, (interval - mean[owner]) ** 2, n) / count
        cv = np.sqrt(variance) / mean
    return float(cv[enough].mean())


def plot(spikes: Spikes, net: COBA, steps: int, path: Path, max_points: int = 200_000) -> None:
    """Write a raster of the spikes and the population rates over time to an image file.

    Parameters
    ----------
    spikes : Spikes
        What to show.
    net : COBA
        The network that they come from.
    steps : int
        How many time steps were run.
    path : Path
        The file; its ending says the format.
    max_points : int
        The raster leaves neurons out, evenly, where there are more spikes than this.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    """
    # Without pyplot, so that no window system is asked for.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    raster, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    every = max(1, -(-len(spikes.step) // max_points))
    shown = spikes.neuron % every == 0
    duration = steps * DT
    width = max(duration / 400, 1.0)  # ms
    edges = np.append(np.arange(0.0, duration - width / 2, width), duration)
    for name, color, first, last in (
        ("excitatory", "tab:blue", 0, net.n_exc),
        ("inhibitory", "tab:red", net.n_exc, net.n),
    ):
        mine = (spikes.neuron >= first) & (spikes.neuron < last)
        visible = mine & shown
        raster.plot(spikes.step[visible] * DT, spikes.neuron[visible], ",", color=color, label=name)
        counts, _ = np.histogram(spikes.step[mine] * DT, edges)
        hertz = counts / (last - first) / np.diff(edges) * MS_PER_SECOND
        rate.stairs(hertz, edges, color=color, label=name)
    raster.set(ylabel="neuron", ylim=(0, net.n), title=f"COBA network, {net.n} neurons")
    rate.set(xlabel="time (ms)", ylabel="rate (Hz)", xlim=(0, duration))
    rate.legend(loc="upper right")
    figure.savefig(path, dpi=120)
