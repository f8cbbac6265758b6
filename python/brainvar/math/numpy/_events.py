"""Event-driven accumulation for the numpy backend."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["accumulate", "accumulate_csr", "add_events", "add_events_csr"]


def _add(
    target: np.ndarray,
    spikes: np.ndarray,
    rows: np.ndarray,
    counts: np.ndarray | int,
    posts: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Add one contribution for each synapse of an active row, in row order."""
    inside = (posts >= 0) & (posts < target.shape[0])
    amounts = np.broadcast_to(weights.astype(target.dtype), posts.shape)
    if spikes.dtype != np.bool_:
        amounts = amounts * np.repeat(spikes[rows].astype(target.dtype), counts)
    np.add.at(target, posts[inside], amounts[inside])


def _check(target: np.ndarray, spikes: np.ndarray, n_pre: int, table: str) -> None:
    if target.ndim != 1:
        raise ValueError(f"target must have one dimension, got shape {target.shape}.")
    if spikes.shape != (n_pre,):
        raise ValueError(
            f"spikes has shape {spikes.shape}, but {table} has {n_pre} rows: one spike for each."
        )


def add_events(target: Any, spikes: Any, targets: Any, weights: Any) -> np.ndarray:
    """Return `target` with the weights of all active rows of a fixed-fanout table added.

    Parameters
    ----------
    target : array_like
        Shape (n_post,). It is not changed.
    spikes : array_like
        Shape (n_pre,); a row is active where it is not 0. A number that is not a bool multiplies
        the weights of its row.
    targets : array_like of integers
        Shape (n_pre, K): where each synapse of a row leads. Indices outside of [0, n_post), the
        negative ones too, are left out.
    weights : array_like
        A scalar, or one for each synapse, of shape (n_pre, K).

    Returns
    -------
    numpy.ndarray
        Shape (n_post,), of the dtype of `target`.
    """
    out = np.array(target)
    accumulate(out, spikes, targets, weights)
    return out


def accumulate(target: np.ndarray, spikes: Any, targets: Any, weights: Any) -> None:
    """Do what `add_events` does, in place."""
    spikes, targets, weights = map(np.asarray, (spikes, targets, weights))
    if targets.ndim != 2:
        raise ValueError(f"targets must have shape (n_pre, K), got {targets.shape}.")
    _check(target, spikes, targets.shape[0], "targets")
    if weights.ndim and weights.shape != targets.shape:
        raise ValueError(
            f"weights must be a scalar or have the shape of targets, {targets.shape}; "
            f"got {weights.shape}."
        )
    rows = np.flatnonzero(spikes)
    chosen = weights if weights.ndim == 0 else weights[rows].ravel()
    _add(target, spikes, rows, targets.shape[1], targets[rows].ravel(), chosen)


def add_events_csr(target: Any, spikes: Any, indptr: Any, indices: Any, weights: Any) -> np.ndarray:
    """Return `target` with the weights of all active rows of a CSR table added.

    Parameters
    ----------
    target, spikes : array_like
        As for `add_events`.
    indptr : array_like of integers
        Shape (n_pre + 1,): the synapses of row i are ``indptr[i]:indptr[i + 1]``.
    indices : array_like of integers
        Shape (nnz,): where each synapse leads; indices outside of [0, n_post) are left out.
    weights : array_like
        A scalar, or one for each synapse, of shape (nnz,).

    Returns
    -------
    numpy.ndarray
        Shape (n_post,), of the dtype of `target`.
    """
    out = np.array(target)
    accumulate_csr(out, spikes, indptr, indices, weights)
    return out


def accumulate_csr(
    target: np.ndarray, spikes: Any, indptr: Any, indices: Any, weights: Any
) -> None:
    """Do what `add_events_csr` does, in place."""
    spikes, indptr, indices, weights = map(np.asarray, (spikes, indptr, indices, weights))
    if indptr.ndim != 1 or indptr.shape[0] < 1 or indices.ndim != 1:
        raise ValueError(
            f"indptr must have shape (n_pre + 1,) and indices (nnz,); got {indptr.shape} and "
            f"{indices.shape}."
        )
    _check(target, spikes, indptr.shape[0] - 1, "indptr")
    if weights.ndim and weights.shape != indices.shape:
        raise ValueError(
            f"weights must be a scalar or have the shape of indices, {indices.shape}; "
            f"got {weights.shape}."
        )
    rows = np.flatnonzero(spikes)
    # A damaged table must not lead outside of it.
    starts = np.clip(indptr[rows], 0, indices.shape[0])
    counts = np.maximum(np.clip(indptr[rows + 1], 0, indices.shape[0]) - starts, 0)
    before = np.cumsum(counts) - counts
    synapses = np.repeat(starts - before, counts) + np.arange(counts.sum())
    chosen = weights if weights.ndim == 0 else weights[synapses]
    _add(target, spikes, rows, counts, indices[synapses], chosen)
