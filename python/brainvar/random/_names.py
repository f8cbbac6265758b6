"""What a RandomState does with its key, by the names of BrainPy and NumPy; samplers like arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brainvar._compat import at_top_level
from brainvar.core.errors import StaticChangeError
from brainvar.random._arguments import as_shape, host_value, unwrap
from brainvar.random._base import DrawMethods
from brainvar.random._keys import stream_of, to_key
from brainvar.random._streams import check_stream

__all__ = ["KeyMethods", "LikeMethods"]

_ALGORITHM = "threefry2x32"


class KeyMethods(DrawMethods):
    """Reading, setting and keeping the key. A backend gives `value`, `seed` and `clone`."""

    value: Any
    seed: Any
    clone: Any
    _backup: Any

    def get_key(self) -> Any:
        """Return the key.

        Returns
        -------
        jax.Array or numpy.ndarray
            Raw key, uint32 of shape (2,). It stays as it is when the state moves on.
        """
        return self._key_out(self.value)

    def get_key_data(self) -> Any:
        """Return the key; the same as `get_key`."""
        return self.get_key()

    def set_key(self, seed_or_key: Any) -> None:
        """Go on from a key.

        Parameters
        ----------
        seed_or_key : int or key
            As the seed of the class.
        """
        if seed_or_key is None:
            raise TypeError("set_key needs a seed or a key; seed() takes one from the system")
        self.seed(seed_or_key)

    def split_key(self, n: int | None = None, backup: bool = False) -> Any:
        """Draw a key, for another RandomState or for `jax.random`.

        Parameters
        ----------
        n : int, optional
            How many keys, as for `split_keys`; one, without an axis, if not given.
        backup : bool
            Call `backup_key` first.

        Returns
        -------
        jax.Array or numpy.ndarray
            Raw key, uint32 of shape (2,), or (n, 2). A plain array of the backend.
        """
        if n is None and not backup:
            return super().split_key()
        if n is not None:
            _check_count(n)
        if backup:
            self.backup_key()
        return super().split_key() if n is None else super().split_keys(n)

    def split_keys(self, n: int, backup: bool = False) -> Any:
        """Draw `n` keys with one step of the state.

        Parameters
        ----------
        n : int
            How many, at least 0.
        backup : bool
            Call `backup_key` first.

        Returns
        -------
        jax.Array or numpy.ndarray
            Raw keys, uint32 of shape (n, 2). A plain array of the backend.

        Notes
        -----
        The state becomes row 0 of ``split(key, n + 1)``; the others are returned.
        """
        if backup:
            _check_count(n)
            self.backup_key()
        return super().split_keys(n)

    def backup_key(self) -> None:
        """Keep the key, for `restore_key`. Copies of the RandomState do not have it.

        Raises
        ------
        ValueError
            If one is kept already.
        StaticChangeError
            Inside a compiled function, whose keys have no value yet.
        """
        self._check_eager("backup_key")
        if getattr(self, "_backup", None) is not None:
            raise ValueError("a key is kept already, and has not been restored")
        self._backup = np.array(self.value)

    def restore_key(self) -> None:
        """Go back to the key that `backup_key` kept, which is then kept no longer.

        Raises
        ------
        ValueError
            If none is kept.
        StaticChangeError
            Inside a compiled function.
        """
        self._check_eager("restore_key")
        kept = getattr(self, "_backup", None)
        if kept is None:
            raise ValueError("no key is kept: call backup_key first")
        self.seed(kept)
        self._backup = None

    def _check_eager(self, what: str) -> None:
        if not at_top_level():
            raise StaticChangeError(
                f"{what} is about more than the value of a Variable, which is all that a compiled "
                "function can read and write: call it outside; get_key and set_key work inside"
            )

    @contextlib.contextmanager
    def seed_context(self, seed_or_key: Any) -> Iterator[None]:
        """Draw from another key within a ``with`` block, and go on as before after it.

        Parameters
        ----------
        seed_or_key : int or key
            As the seed of the class.
        """
        before = self.get_key()
        self.set_key(seed_or_key)
        try:
            yield
        finally:
            self.set_key(before)

    def self_assign_multi_keys(self, n: int, backup: bool = True) -> None:
        """Make ready for `n` lanes of a batched function.

        A RandomState holds one key, and batched functions give each lane its own: all there is to
        do is to move on, so that the keys of these lanes are not handed out again.

        Parameters
        ----------
        n : int
            How many lanes, at least 1.
        backup : bool
            Call `backup_key` first.
        """
        _check_count(n)
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        self.split_keys(n, backup)

    def clone_rng(self, seed_or_key: Any = None, clone: bool = True) -> Any:
        """Return an independent generator.

        Parameters
        ----------
        seed_or_key : int, key or RandomState, optional
            What it starts from. A RandomState, this one without it, gives a key that is drawn from
            it, see `clone`.
        clone : bool
            If False, the RandomState itself is returned.
        """
        if seed_or_key is None or isinstance(seed_or_key, DrawMethods):
            state: Any = self if seed_or_key is None else seed_or_key
            return state.clone() if clone else state
        return self._made_from(seed_or_key)

    def default_rng(self, seed_or_key: Any = None) -> Any:
        """Return this RandomState, or a new one for a seed.

        Parameters
        ----------
        seed_or_key : int, key or RandomState, optional
            What the new one starts from, in the layout of this one unless a key brings its own. A
            RandomState is returned as it is.
        """
        if isinstance(seed_or_key, DrawMethods):
            return seed_or_key
        return self if seed_or_key is None else self._made_from(seed_or_key)

    def _made_from(self, seed_or_key: Any) -> Any:
        make: Any = type(self)
        return make(seed_or_key, stream=stream_of(seed_or_key, default=self._stream))

    def get_state(self, legacy: bool = True) -> Any:
        """Return all that `set_state` needs to draw the same numbers again.

        Parameters
        ----------
        legacy : bool
            Whether as a tuple or as a dictionary.

        Returns
        -------
        tuple or dict
            ``('threefry2x32', key, stream)``, or the same under the names ``bit_generator``,
            ``state`` (with ``key`` in it) and ``stream``. `key` is a `numpy.ndarray` uint32[2].
        """
        self._check_eager("get_state")
        key = np.array(self.value)
        if legacy:
            return _ALGORITHM, key, self._stream
        return {"bit_generator": _ALGORITHM, "state": {"key": key}, "stream": self._stream}

    def set_state(self, state: Any) -> None:
        """Go back to what `get_state` returned.

        Parameters
        ----------
        state : tuple or dict
            What it holds, the stream included, is what this RandomState goes on with.

        Raises
        ------
        TypeError
            If it is neither a tuple nor a dictionary.
        ValueError
            If it is the state of another kind of generator, such as NumPy's.
        StaticChangeError
            If the stream is another one, inside a compiled function.
        """
        if isinstance(state, Mapping):
            parts = state.get("bit_generator"), state.get("state"), state.get("stream")
            name, key, stream = parts
            key = key.get("key") if isinstance(key, Mapping) else key
        elif isinstance(state, (tuple, list)):
            name = state[0] if state else None
            key, stream = state[1:] if len(state) == 3 else (None, None)
        else:
            raise TypeError("state must be a tuple or a dictionary that get_state has returned")
        if name != _ALGORITHM or key is None:
            raise ValueError(f"state is not that of a {_ALGORITHM} generator but of {name!r}")
        stream = check_stream(stream)
        key = to_key(np.asarray(key), stream)
        if stream != self._stream:
            self._check_eager("set_state with another stream")
            self._set_stream(stream)
        self.seed(key)

    def _set_stream(self, stream: str) -> None:
        self._stream = stream


class LikeMethods(DrawMethods):
    """Samplers that take shape and dtype from an array."""

    random: Any
    standard_normal: Any
    randint: Any

    def rand_like(
        self, input: Any, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw numbers uniform in [0, 1), as many as an array has.

        Parameters
        ----------
        input : array_like
            What gives the shape, and the dtype if it is a floating one.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.
        """
        shape, dtype = _like(input, dtype, jnp.floating)
        return self.random(shape, dtype=dtype, key=key, sharding=sharding)

    def randn_like(
        self, input: Any, *, dtype: Any = None, key: Any = None, sharding: Any = None
    ) -> Any:
        """Draw standard normal numbers, as many as an array has.

        Parameters
        ----------
        input : array_like
            What gives the shape, and the dtype if it is a floating one.
        dtype : dtype, optional
            float16, bfloat16, float32 or float64.
        key, sharding : optional
            As for `random`.
        """
        shape, dtype = _like(input, dtype, jnp.floating)
        return self.standard_normal(shape, dtype=dtype, key=key, sharding=sharding)

    def randint_like(
        self,
        input: Any,
        low: Any = 0,
        high: Any = None,
        *,
        dtype: Any = None,
        key: Any = None,
        sharding: Any = None,
    ) -> Any:
        """Draw integers uniform in [low, high), as many as an array has.

        Parameters
        ----------
        input : array_like
            What gives the shape, and the dtype if it is an integer one.
        low, high : int or array_like of ints
            The bounds; `high` is not included, and is the largest element of `input` if it is not
            given.
        dtype : dtype, optional
            An integer type.
        key, sharding : optional
            As for `random`.

        Raises
        ------
        ValueError
            As for `randint`, and if `input` is empty and `high` not given.
        """
        shape, dtype = _like(input, dtype, jnp.integer)
        if high is None:
            if 0 in shape:
                raise ValueError("high must be given if input is empty")
            largest = host_value(input)
            high = jnp.max(unwrap(input)) if largest is None else largest.max()
        dtype = int if dtype is None else dtype
        return self.randint(low, high, shape, dtype, key=key, sharding=sharding)


def _like(x: Any, dtype: Any, kind: Any) -> tuple[tuple[int, ...], Any]:
    """Return the shape of an array_like, and its dtype if none is asked for and it is of a kind."""
    x = unwrap(x)
    if dtype is None and jnp.issubdtype(getattr(x, "dtype", object), kind):
        dtype = jax.dtypes.canonicalize_dtype(x.dtype)
    return np.shape(x), dtype


def _check_count(n: Any) -> None:
    if n is None or len(as_shape(n)) != 1:
        raise TypeError(f"n must be an integer, got {n!r}")
