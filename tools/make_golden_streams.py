"""Write the golden streams: what every sampler of level 1 and 2 draws from a fixed seed.

    python tools/make_golden_streams.py            # adds rows; refuses to change one
    python tools/make_golden_streams.py --force    # a new stream contract: see docs/streams.md

Each row of ``tests/data/golden_streams.json`` is one draw::

    draw, args, kwargs   the method of RandomState and its arguments (`bits` is `ops.advance_bits`)
    dtype, stream, x64   the dtype of the numbers, the counter layout, whether 64-bit types are on
    level, ulp           see docs/streams.md; how many units in the last place may differ
    result, shape        dtype and shape of the result
    values               integers, or the bits of floats as hexadecimal digits; for level 1 the
                         first numbers only, and for all of them
    sha256               the first 16 digits of the hash of their little-endian bytes
    key                  the state after the draw

To add a sampler add a line to `TABLE`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

__all__ = ["FILE", "TABLE", "differences", "draw", "identity", "read", "replay", "rows"]

FILE = Path(__file__).parents[1] / "tests" / "data" / "golden_streams.json"

SEED = 0x0123456789ABCDEF
STREAMS = ("original", "partitionable")
SHOWN = 6

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DEFAULTS = (None,)
"""For samplers that take no dtype."""


class Case(NamedTuple):
    """A sampler, and how it is called; ``dtypes`` are those that it is called with."""

    level: int
    draw: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    dtypes: tuple[str | None, ...] = FLOATS
    ulp: int = 0


_N = 101  # odd, for the last word of the original layout
_SIZE = {"size": _N}
_SMALL = {"size": 7}


def _formula(draw: str, *args: Any, ulp: int = 8, **kwargs: Any) -> Case:
    return Case(2, draw, args, {**_SMALL, **kwargs}, ulp=ulp)


TABLE = (
    Case(1, "split_key", dtypes=DEFAULTS),
    Case(1, "split_keys", (3,), dtypes=DEFAULTS),
    Case(1, "bits", (_N,), dtypes=("uint8", "uint16", "uint32", "uint64")),
    Case(1, "bytes", (_N,), dtypes=DEFAULTS),
    Case(1, "random", (), _SIZE),
    Case(1, "random_sample", (), _SIZE, ("float32",)),
    Case(1, "ranf", (), _SIZE, ("float32",)),
    Case(1, "sample", (), _SIZE, ("float32",)),
    Case(1, "rand", (3, 5), {}, ("float32",)),
    Case(1, "rand_like", ([0, 0, 0],), {}, ("float32",)),
    Case(1, "uniform", (), _SIZE, ("float32",)),
    Case(1, "randint", (0, 100), _SIZE, INTEGERS),
    Case(1, "randint", (-100, 101), _SIZE, ("int8", "int16", "int32", "int64")),
    Case(1, "randint", (0, 2**8), _SIZE, ("uint8",)),
    Case(1, "randint", (0, 2**16), _SIZE, ("uint16",)),
    Case(1, "randint", (0, 2**32), _SIZE, ("uint32",)),
    Case(1, "randint", (0, 2**64), _SIZE, ("uint64",)),
    Case(1, "randint", (-(2**63), 2**63), _SIZE, ("int64",)),
    Case(1, "randint", (0, 2), _SIZE, ("bool",)),
    Case(1, "randint", ([0, -5, 7], [3, 1000, 8]), {}, ("int32",)),
    Case(1, "randint_like", ([0, 0, 0], 5, 50), {}, ("int32",)),
    Case(1, "random_integers", (6,), _SIZE, ("int32", "int64")),
    Case(1, "tomaxint", (), _SIZE, DEFAULTS),
    Case(1, "bernoulli", (0.3,), _SIZE, DEFAULTS),
    Case(1, "permutation", (_N,), dtypes=DEFAULTS),
    Case(1, "permutation", ([[1, 2, 3], [4, 5, 6]],), {"axis": 1}, DEFAULTS),
    Case(1, "permutation", ([[1, 2, 3], [4, 5, 6]],), {"axis": 1, "independent": True}, DEFAULTS),
    Case(1, "shuffle", (list(range(_N)),), dtypes=DEFAULTS),
    Case(1, "choice", (1000,), _SIZE, DEFAULTS),
    Case(1, "choice", (1000,), {**_SIZE, "replace": False}, DEFAULTS),
    Case(1, "choice", ([[10, 20, 30]],), {"size": 5, "axis": 1}, DEFAULTS),
    Case(2, "standard_normal", (), _SMALL, ulp=4),
    Case(2, "normal", (1.0, 2.5), _SMALL, ulp=8),
    Case(2, "randn", (7,), {}, ("float32",), ulp=4),
    Case(2, "randn_like", ([0, 0, 0],), {}, ("float32",), ulp=4),
    Case(2, "uniform", (-1.0, 2.5), _SMALL, ulp=8),
    Case(2, "choice", (4,), {**_SMALL, "p": [0.1, 0.2, 0.3, 0.4]}, DEFAULTS),
    Case(2, "choice", (4,), {"size": 3, "replace": False, "p": [0.1, 0.2, 0.3, 0.4]}, DEFAULTS),
    Case(2, "categorical", ([0.5, 1.0, -1.0, 0.0],), _SMALL, DEFAULTS),
    Case(2, "geometric", (0.3,), _SMALL, ("int32", "int64")),
    Case(2, "logseries", (0.6,), _SMALL, ("int32", "int64")),
    _formula("standard_exponential"),
    _formula("exponential", 2.5),
    _formula("truncated_normal", -1.0, 2.0, loc=0.5, scale=1.5, ulp=16),
    _formula("cauchy", 1.0, 2.0),
    _formula("standard_cauchy"),
    _formula("gumbel", 1.0, 2.0),
    _formula("laplace", 1.0, 2.0),
    _formula("logistic", 1.0, 2.0),
    _formula("lognormal", 0.5, 0.75),
    _formula("maxwell"),
    _formula("pareto", 3.0),
    _formula("power", 3.0),
    _formula("rayleigh", 2.0),
    _formula("triangular", -1.0, 0.5, 2.0),
    _formula("wald", 1.5, 2.0, ulp=16),
    _formula("weibull", 1.5),
    _formula("weibull_min", 1.5, 2.0),
)
"""What is stored, both streams each."""


def rows() -> Iterator[dict[str, Any]]:
    """Yield what the table asks for, without results."""
    for case in TABLE:
        for dtype in case.dtypes:
            for stream in STREAMS:
                yield {
                    "draw": case.draw,
                    "args": _as_json(case.args),
                    "kwargs": _as_json(case.kwargs),
                    "dtype": dtype,
                    "stream": stream,
                    "x64": str(dtype).endswith("64"),
                    "level": case.level,
                    "ulp": case.ulp,
                }


def _as_json(x: Any) -> Any:
    return json.loads(json.dumps(x))


def identity(row: dict[str, Any]) -> str:
    """Return what tells a row from the others, in words."""
    arguments = [*map(str, row["args"]), *(f"{k}={v}" for k, v in row["kwargs"].items())]
    return f"{row['draw']}({', '.join(arguments)})-{row['dtype']}-{row['stream']}"


def replay(row: dict[str, Any], backend: Any) -> tuple[np.ndarray, np.ndarray]:
    """Draw what a row says; return the numbers and the key after it.

    Parameters
    ----------
    row : dict
        As from `rows` or `read`.
    backend : module
        ``bm.jax`` or ``bm.numpy``.
    """
    with jax.enable_x64(True) if row["x64"] else nullcontext():
        drawn, key = draw(row, backend)
    if isinstance(drawn, bytes):
        drawn = np.frombuffer(drawn, np.uint8)
    return np.asarray(drawn), np.array(key)


def draw(row: dict[str, Any], backend: Any) -> tuple[Any, Any]:
    """Draw what a row says, as `replay`, where 64-bit types are on or off as it says."""
    state = backend.RandomState(SEED, stream=row["stream"])
    if row["draw"] == "bits":
        return _bits(state, *row["args"], np.dtype(row["dtype"]))
    kwargs = dict(row["kwargs"])
    if row["dtype"] is not None:
        kwargs["dtype"] = jax.numpy.dtype(row["dtype"])
    method = getattr(state, row["draw"])
    if row["draw"] != "shuffle":
        return method(*row["args"], **kwargs), state.value
    shuffled = np.array(*row["args"])
    method(shuffled, **kwargs)
    return shuffled, state.value


def _bits(state: Any, size: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    from brainvar import ops

    key = np.array(state.value)
    following, out = ops.advance_bits(key, (size,), 8 * dtype.itemsize, stream=state.stream)
    return np.asarray(out), np.asarray(following)


def result(row: dict[str, Any], backend: Any) -> dict[str, Any]:
    """Return a row with its results."""
    drawn, key = replay(row, backend)
    flat = drawn.reshape(-1)
    shown = flat[:SHOWN] if row["level"] == 1 else flat
    kind = {"result": drawn.dtype.name, "shape": list(drawn.shape)}
    filled = {**row, **kind, "values": encode(shown)}
    if row["level"] == 1:
        filled["sha256"] = digest(flat)
    return {**filled, "key": key.tolist()}


def encode(x: np.ndarray) -> list[Any]:
    """Return integers as such, and floats as the hexadecimal digits of their bits."""
    if x.dtype.kind in "iub":
        return x.astype(object).tolist() if x.dtype.kind != "b" else x.astype(int).tolist()
    width = x.dtype.itemsize
    return [f"{bits:0{2 * width}x}" for bits in x.view(f"u{width}").tolist()]


def decode(values: list[Any], dtype: Any) -> np.ndarray:
    """Return the numbers that `encode` was given."""
    dtype = jax.numpy.dtype(dtype)
    if dtype.kind in "iub":
        return np.array(values, dtype)
    return np.array([int(x, 16) for x in values], f"u{dtype.itemsize}").view(dtype)


def digest(x: np.ndarray) -> str:
    """Return the beginning of a hash of the numbers."""
    order = x.dtype if x.dtype.itemsize == 1 or x.dtype.name == "bfloat16" else None
    little = x if order is not None else x.astype(x.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest()[:16]


def differences(row: dict[str, Any], drawn: np.ndarray, key: np.ndarray) -> str:
    """Return how a draw differs from its golden row, in words; nothing if it does not.

    Floats of level 2 may differ by the row's `ulp`, relative to their own size and that of 1.
    """
    if key.tolist() != row["key"]:
        return f"the key is {key.tolist()} instead of {row['key']}"
    if drawn.dtype.name != row["result"]:
        return f"the dtype is {drawn.dtype.name} instead of {row['result']}"
    if list(drawn.shape) != row["shape"]:
        return f"the shape is {list(drawn.shape)} instead of {row['shape']}"
    flat = drawn.reshape(-1)
    if row["level"] == 1:
        if encode(flat[:SHOWN]) != row["values"]:
            return f"the numbers begin {encode(flat[:SHOWN])} instead of {row['values']}"
        return "" if digest(flat) == row["sha256"] else "later numbers differ"
    want = decode(row["values"], flat.dtype)
    if flat.dtype.kind in "iub":
        return "" if np.array_equal(flat, want) else f"{flat.tolist()} instead of {want.tolist()}"
    eps = float(jax.numpy.finfo(flat.dtype).eps)
    got, want = flat.astype(np.float64), want.astype(np.float64)
    off = np.max(np.abs(got - want) / (eps * np.maximum(np.abs(want), 2.0**-4)))
    return "" if off <= row["ulp"] else f"{off:.1f} ulp from {want.tolist()}: {got.tolist()}"


def read() -> list[dict[str, Any]]:
    """Return the golden rows."""
    return json.loads(FILE.read_text(encoding="utf-8"))["draws"]


def write(golden: list[dict[str, Any]]) -> None:
    """Write the golden rows, one on each line."""
    lines = ",\n".join(json.dumps(row) for row in golden)
    FILE.write_text(f'{{"seed": {SEED}, "draws": [\n{lines}\n]}}\n', encoding="utf-8")


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--force", action="store_true", help="change rows that are there")
    force = parser.parse_args().force

    import brainvar.math as bm

    old = {identity(row): row for row in read()} if FILE.exists() else {}
    new, refused = [], []
    for row in rows():
        name = identity(row)
        kept = old.pop(name, None)
        if kept is not None and not force:
            changed = differences({**kept, "ulp": row["ulp"]}, *replay(row, bm.jax))
            if changed:
                refused.append(f"{name}: {changed}")
            new.append({**kept, "ulp": row["ulp"], "level": row["level"]})
        else:
            new.append(result(row, bm.jax))
    refused += [] if force else [f"{name}: no longer in the table" for name in old]
    if refused:
        print("Nothing written; --force would change", *refused, sep="\n  ")
        return 1
    write(new)
    print(f"{len(new)} draws in {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
