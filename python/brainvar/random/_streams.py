"""The two counter layouts, and which of them a RandomState has if none is asked for."""

from __future__ import annotations

from typing import Any

__all__ = ["STREAMS", "check_stream", "get_default_stream", "set_default_stream"]

STREAMS = ("original", "partitionable")


def check_stream(stream: Any) -> str:
    """Return `stream` if it names a counter layout.

    Raises
    ------
    ValueError
        If it does not.
    """
    if stream not in STREAMS:
        raise ValueError(f"stream must be 'original' or 'partitionable', got {stream!r}")
    return str(stream)


class _Default:
    stream: str = "original"


class set_default_stream:  # noqa: N801  (it is used as a function)
    """Choose the counter layout of RandomStates that are made without one.

    Those that exist keep theirs, ``DEFAULT`` included if it has been used before. The choice
    holds for both backends and all threads, from the call on; as a context manager, until its end.
    A compiled function keeps the choice that it was compiled under.

    Parameters
    ----------
    stream : {'original', 'partitionable'}
        See `RandomState`.

    Raises
    ------
    ValueError
        If there is no such layout.

    Examples
    --------
    >>> import brainvar.math as bm
    >>> with bm.random.set_default_stream("partitionable"):
    ...     state = bm.random.RandomState(0)
    >>> state.stream, bm.random.get_default_stream()
    ('partitionable', 'original')
    """

    def __init__(self, stream: str):
        self._stream = check_stream(stream)
        self._previous = _Default.stream
        _Default.stream = self._stream

    def __enter__(self) -> set_default_stream:
        _Default.stream = self._stream  # once more, if it has been left before
        return self

    def __exit__(self, *exc: object) -> None:
        _Default.stream = self._previous


def get_default_stream() -> str:
    """Return the counter layout of RandomStates that are made without one."""
    return _Default.stream
