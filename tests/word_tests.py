"""Statistical tests of 32-bit words: each returns p-values, uniform in (0, 1) for good words."""

from __future__ import annotations

import numpy as np
from scipy import stats


def monobit(words):
    """The number of ones in all, and in each of the 32 places."""
    n = words.size
    counts = np.array([np.count_nonzero(words & np.uint32(1 << i)) for i in range(32)])
    chi2 = np.sum((counts - n / 2) ** 2 / (n / 4))
    total = stats.norm.sf(abs(counts.sum() - 16 * n) / np.sqrt(8 * n)) * 2
    return [total, stats.chi2.sf(chi2, 32)]


def byte_frequencies(words):
    """How often each value of each byte comes."""
    found = []
    for shift in (0, 8, 16, 24):
        counts = np.bincount((words >> np.uint32(shift)) & np.uint32(255), minlength=256)
        found.append(stats.chisquare(counts).pvalue)
    return found


def runs(words):
    """The number of changes between successive bits, over all of them."""
    bits = np.unpackbits(words.view(np.uint8))
    n = bits.size - 1
    changes = np.count_nonzero(bits[1:] != bits[:-1])
    return [2 * stats.norm.sf(abs(changes - n / 2) / np.sqrt(n / 4))]


def serial_correlation(words):
    """Correlation of words with those some places on."""
    u = words.astype(np.float64) / 2**32 - 0.5
    found = []
    for lag in (1, 2, 3, 64, 1024):
        r = np.sum(u[lag:] * u[:-lag]) * 12 / np.sqrt(u.size - lag)
        found.append(2 * stats.norm.sf(abs(r)))
    return found


def birthday_spacings(words):
    """How many spacings between 4096 sorted birthdays in a year of 2**32 days are equal.

    G. Marsaglia's test: their number is close to Poisson of mean 4096**3 / 4 / 2**32 = 4.
    """
    groups = words[: words.size // 4096 * 4096].reshape(-1, 4096)
    spacings = np.sort(np.diff(np.sort(groups, axis=1).astype(np.int64), axis=1), axis=1)
    equal = np.count_nonzero(np.diff(spacings, axis=1) == 0)
    mean = 4.0 * len(groups)
    return [2 * min(stats.poisson.cdf(equal, mean), stats.poisson.sf(equal - 1, mean), 0.5)]


def gaps(words):
    """How many words pass between those in the lowest sixteenth of the range."""
    places = np.flatnonzero(words < 2**28)
    lengths = np.diff(places) - 1
    p = (1 / 16) * (15 / 16) ** np.arange(64)
    counts = np.bincount(np.minimum(lengths, 64), minlength=65)
    return [stats.chisquare(counts, np.append(p, 1 - p.sum()) * lengths.size).pvalue]


def hamming_weights(words):
    """Numbers of ones in a word against those in the next one, and one some lanes on."""
    weight = np.bitwise_count(words).astype(np.int64)
    edges = [0, 14, 15, 16, 17, 18, 33]
    cell = np.digitize(weight, edges[1:-1])
    p = np.diff(stats.binom.cdf(np.array(edges) - 1, 32, 0.5))
    found = []
    for lag in (1, 2, 64):
        pairs = np.bincount(cell[lag:] * 6 + cell[:-lag], minlength=36)
        found.append(stats.chisquare(pairs, np.outer(p, p).ravel() * pairs.sum()).pvalue)
    return found


def matrix_ranks(words):
    """Ranks of 32 by 32 matrices over two elements."""
    rows = words[: words.size // 32 * 32].reshape(-1, 32).copy()
    count = len(rows)
    rank = np.zeros(count, np.int64)
    every = np.arange(count)
    for i in range(32):
        bit = np.uint32(1 << i)
        # A row below those that are done which has this bit.
        free = ((rows & bit) != 0) & (np.arange(32) >= rank[:, None])
        has = free.any(axis=1)
        pivot, place = free.argmax(axis=1), np.minimum(rank, 31)
        taken = rows[every, pivot].copy()
        rows[every[has], pivot[has]] = rows[every[has], place[has]]
        rows[every[has], place[has]] = taken[has]
        clear = ((rows & bit) != 0) & has[:, None]
        clear[every, place] = False
        rows ^= np.where(clear, taken[:, None], np.uint32(0))
        rank += has
    full = np.prod(1 - 2.0 ** -np.arange(1, 33))
    # All but one: the sum over which row of the matrix depends on those before it.
    one_less = full * 2.0**-1 * (1 - 2.0**-32) / (1 - 2.0**-1) ** 2 * (1 - 2.0**-32)
    expected = np.array([full, one_less, 1 - full - one_less]) * count
    counts = [np.sum(rank == 32), np.sum(rank == 31), np.sum(rank < 31)]
    return [stats.chisquare(counts, expected).pvalue]


TESTS = [
    monobit,
    byte_frequencies,
    runs,
    serial_correlation,
    birthday_spacings,
    gaps,
    hamming_weights,
    matrix_ranks,
]
