"""Checks of draws on eight devices, run by test_random_sharding.py in a process of its own.

A process has as many CPU devices as it was started with. So this file is a program too: it runs the
checks that are named on its command line, all of them in one process, and prints what became of
each as JSON.
"""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import brainvar.math as bm
from brainvar import ops
from brainvar._native import native_enabled

STREAMS = ("original", "partitionable")
COLLECTIVE = re.compile(
    r"\b(all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter)[\w-]*\("
)
KEY = np.array([5, 0xFFFFFFF6], np.uint32)
KEYS = np.random.default_rng(0).integers(0, 2**32, (8, 4, 2), dtype=np.uint32)

CHECKS: dict[str, Callable[[], None]] = {}
QUICK: list[str] = []  # few programs: XLA takes longer for the twin than for calls of kernels


def check(*, quick: str = "", streams: bool = False) -> Callable[[Any], Any]:
    """Register a check, or one for each stream; `quick` says which one is quick in the twin."""

    def register(function: Callable[..., None]) -> Any:
        forms = {f"{function.__name__}-{s}": s for s in STREAMS} if streams else {}
        for name, stream in forms.items():
            CHECKS[name] = lambda stream=stream: function(stream)
        if not streams:
            CHECKS[function.__name__] = function
        if quick:
            QUICK.append(f"{function.__name__}-{quick}" if streams else function.__name__)
        return function

    return register


# --- meshes --------------------------------------------------------------------------------------


def mesh(*shape: int, order: Sequence[int] | None = None) -> Mesh:
    """Return a mesh of all devices, with axes named x and y."""
    devices = np.array(jax.devices())[list(order or range(8))]
    return Mesh(devices.reshape(shape), ("x", "y")[: len(shape)])


# --- assertions ----------------------------------------------------------------------------------


def as_tuple(out: Any) -> tuple[Any, ...]:
    """Return the results of a function as a tuple, whatever they came in."""
    return tuple(out) if isinstance(out, (list, tuple)) else (out,)


def assert_local(jitted: Any, *args: Any) -> str:
    """Assert that a program moves nothing between devices; return its text."""
    text = jitted.lower(*args).compile().as_text()
    found = sorted({match.group(1) for match in COLLECTIVE.finditer(text)})
    assert not found, f"the program has {found}:\n{text}"
    return text


def assert_draws(
    function: Callable[..., Any], on: Mesh, specs: Sequence[P], *args: Any, own: Any = None
) -> str:
    """Assert that a function gives its numbers under shardings, and each device its own part.

    ``own`` are the arguments of the sharded call where they differ by their placement.
    """
    wanted = jax.jit(lambda *a: as_tuple(function(*a)))(*args)
    shardings = tuple(NamedSharding(on, spec) for spec in specs)
    sharded = jax.jit(lambda *a: as_tuple(function(*a)), out_shardings=shardings)
    args = args if own is None else own
    text = assert_local(sharded, *args)
    for one, many, sharding in zip(wanted, sharded(*args), shardings, strict=True):
        assert many.sharding == sharding
        np.testing.assert_array_equal(np.asarray(many), np.asarray(one))
    return text


# --- layouts -------------------------------------------------------------------------------------


def every_draw(stream: str) -> list[tuple[Callable[[Any], Any], tuple[int, ...]]]:
    """Return a draw of each kind, with its shape."""
    shapes = [(16, 24), (8, 40), (24, 8), (16, 16)]
    kinds: list[Callable[[Any, Any], Any]] = [
        lambda k, s: ops.bits(k, s, 8, stream=stream),
        lambda k, s: ops.bits(k, s, 16, stream=stream),
        lambda k, s: ops.bits(k, s, 32, stream=stream),
        lambda k, s: ops.bits(k, s, 64, stream=stream),
        lambda k, s: ops.uniform(k, s, jnp.float16, stream=stream),
        lambda k, s: ops.uniform(k, s, jnp.bfloat16, stream=stream),
        lambda k, s: ops.uniform(k, s, jnp.float32, stream=stream),
        lambda k, s: ops.uniform(k, s, jnp.float64, stream=stream),
        lambda k, s: ops.normal(k, s, jnp.float32, stream=stream),
        lambda k, s: ops.normal(k, s, jnp.float64, stream=stream),
        lambda k, s: ops.normal(k, s, jnp.bfloat16, stream=stream),
        lambda k, s: ops.randint(k, s, 0, 1000, stream=stream),
    ]
    return [
        (lambda k, kind=kind, s=shapes[i % 4]: kind(k, s), shapes[i % 4])
        for i, kind in enumerate(kinds)
    ]


LAYOUTS = (P("x"), P(None, "x"), P("x", "y"), P("y", "x"), P(("y", "x")), P(None, ("x", "y")))


@check(streams=True)
def all_kinds_on_all_meshes(stream: str) -> None:
    """Each kind of draw in several layouts, those of a mesh in one program."""
    draws = every_draw(stream)
    with jax.enable_x64(True):
        for number, on in enumerate((mesh(8), mesh(4, 2, order=(3, 1, 0, 2, 7, 5, 6, 4)))):
            layouts = LAYOUTS[:2] if len(on.axis_names) == 1 else LAYOUTS
            specs = [layouts[(i + number) % len(layouts)] for i in range(len(draws))]
            text = assert_draws(lambda k: [draw(k) for draw, _ in draws], on, specs, KEY)
            if native_enabled():
                for name in ("bits", "uniform", "normal"):
                    assert f"brainvar_threefry_{name}_block_v1" in text
                    assert f"brainvar_threefry_{name}_v1" not in text


@check()
def samplers_that_reject() -> None:
    """Each in several layouts, with parameters for all, for each element and for each key."""
    rows = np.linspace(0.1, 60.0, 16 * 24, dtype=np.float32).reshape(16, 24)
    trials = np.arange(16 * 24, dtype=np.int32).reshape(16, 24)
    keys, each = KEYS[0], np.array([0.3, 5.0, 11.0, 1e4], np.float32)[:, None, None]
    draws: list[tuple[Callable[..., Any], tuple[int, ...]]] = [
        (lambda k, *_: ops.gamma(k, (16, 24), 0.5), (16, 24)),
        (lambda k, x, *_: ops.gamma(k, (16, 24), x, log=True), (16, 24)),
        (lambda k, x, *_: ops.poisson(k, (16, 24), x), (16, 24)),
        (lambda k, x, n, *_: ops.binomial(k, (16, 24), n, x / 60), (16, 24)),
        (lambda k, *_: ops.binomial(k, (8, 8, 4), 70, 0.4), (8, 8, 4)),
        (lambda k, *_: ops.hypergeometric(k, (16, 8), 30, 40, 25), (16, 8)),
        (lambda k, x, n, ks, e: ops.poisson(ks, (16, 8), e), (4, 16, 8)),
    ]
    two = mesh(4, 2, order=(3, 1, 0, 2, 7, 5, 6, 4))
    for on, spec in ((mesh(8), P(None, "x")), (two, P("y", "x"))):
        specs = [spec] * len(draws)  # those that share a parameter need it cut in one way
        operands = (KEY, rows, trials, keys, each)
        if native_enabled():
            text = assert_draws(lambda *a: [draw(*a) for draw, _ in draws], on, specs, *operands)
            for name in ("gamma", "poisson", "binomial", "hypergeometric"):
                assert f"brainvar_threefry_{name}_block_v1" in text
                assert f"brainvar_threefry_{name}_v1" not in text
            continue
        # In pure JAX the devices agree on whether another attempt is needed, and on nothing else.
        shardings = tuple(NamedSharding(on, spec) for spec in specs)
        function = lambda *a: tuple(draw(*a) for draw, _ in draws)  # noqa: E731
        sharded = jax.jit(function, out_shardings=shardings)
        text = sharded.lower(*operands).compile().as_text()
        found = {match.group(1) for match in COLLECTIVE.finditer(text)}
        assert found <= {"all-reduce"}, found
        for one, many in zip(jax.jit(function)(*operands), sharded(*operands), strict=True):
            np.testing.assert_allclose(np.asarray(many), np.asarray(one), rtol=3e-6)


@check(quick="original", streams=True)
def all_dimensions(stream: str) -> None:
    """Every way of placing two mesh axes on three dimensions, and one axis or none."""
    places = [(x, y) for x in (None, 0, 1, 2) for y in (None, 0, 1, 2)]
    specs = []
    for x, y in places:
        spec: list[Any] = [None, None, None]
        if x is not None:
            spec[x] = "x"
        if y is not None:
            spec[y] = "y" if x != y else ("x", "y")
        specs.append(P(*spec))

    def draws(k: Any) -> list[Any]:
        return [ops.uniform(k, (8, 16, 8), jnp.float32, stream=stream) for _ in places]

    on = mesh(4, 2) if stream == "original" else mesh(2, 4)
    assert_draws(draws, on, specs, KEY)


@check(streams=True)
def steps_of_the_key(stream: str) -> None:
    """The fused forms, splits and advances: the next key is everywhere, the rest is cut."""

    def draws(k: Any) -> list[Any]:
        out = [
            *ops.advance_bits(k, (16, 8), 16, stream=stream),
            *ops.advance_uniform(k, (16, 8), jnp.float32, stream=stream),
            *ops.advance_normal(k, (16, 8), jnp.float32, stream=stream),
            *ops.advance(k, 16, stream=stream),
            *ops.advance(k, 1024, stream=stream),
        ]
        return [*out, ops.split(k, 8, stream=stream), ops.split(k, 1024, stream=stream)]

    specs = [P(), P("x", "y"), P(), P("y"), P(), P(None, "x"), P(), P("x"), P(), P(("x", "y"))]
    assert_draws(draws, mesh(4, 2), [*specs, P("x"), P(("y", "x"))], KEY)


@check(streams=True)
def many_keys(stream: str) -> None:
    """Batches of keys, cut as their samples are: each device has keys of its own."""
    on = mesh(2, 4)

    def draws(k: Any) -> list[Any]:
        return [
            ops.uniform(k, (8, 3), jnp.float32, stream=stream),
            *ops.advance_normal(k, (8, 3), jnp.float32, stream=stream),
            ops.split(k, 3, stream=stream),
            *ops.advance(k, 2, stream=stream),
            ops.fold_in(k, jnp.arange(4)),
        ]

    for spec in (P("x", "y"), P(None, "y")):
        own = jax.device_put(KEYS, NamedSharding(on, spec))
        assert_draws(draws, on, [spec] * 7, KEYS, own=(own,))
    # The keys in one dimension, the numbers in another; and keys that are everywhere.
    for given, spec in ((P("x"), P("x", None, "y")), (P(), P("y", None, "x")), (P(), P("x", "y"))):
        own = jax.device_put(KEYS, NamedSharding(on, given))
        assert_draws(lambda k: draws(k)[0], on, [spec], KEYS, own=(own,))


@check(quick="yes")
def positions_beyond_32_bits() -> None:
    """A corner of an array of 2**34 elements, against the kernels' or the twin's own positions."""
    from brainvar.ops import _blocks, _threefry

    side, row, column = 2**17, 2**15, 2**15 + 3
    position = 2 * row * side + 2 * column  # of the block's first element
    tile = jnp.array([row, column], jnp.int32)
    draw = jax.jit(
        lambda k, stream: _blocks.bits_block_p.bind(
            k, tile, shape=(side, side), local=(2, 2), width=32, stream=stream
        ),
        static_argnums=1,
    )
    got = np.asarray(draw(KEY, "partitionable"))
    where = position + np.array([[0, 1], [side, side + 1]], np.uint64)
    x0, x1 = _threefry.threefry2x32(*KEY, (where >> 32).astype(np.uint32), where.astype(np.uint32))
    np.testing.assert_array_equal(got, np.asarray(x0 ^ x1))

    got = np.asarray(draw(KEY, "original"))
    words, part_words = side * side, 2**32 - 1
    part, index = where // part_words, where % part_words
    assert len(np.unique(part)) == 1
    assert part[0, 0] < words // part_words
    subkey = ops.split(KEY, words // part_words + 1)[int(part[0, 0])]
    half = (part_words + 1) // 2
    lane = np.where(index < half, index, index - half)
    second = np.where(lane == half - 1, 0, lane + half)
    x0, x1 = _threefry.threefry2x32(*subkey, lane.astype(np.uint32), second.astype(np.uint32))
    np.testing.assert_array_equal(got, np.where(index < half, x0, x1))


# --- uneven shards ---------------------------------------------------------------------------


@check(quick="partitionable", streams=True)
def uneven_sizes(stream: str) -> None:
    """Inside a program a size need not divide: the last devices have less, or nothing.

    Only what leaves the program has to be put together, for a jax.Array divides evenly.
    """
    shapes = {(10,): P("x"), (7, 5): P("x", "y"), (3, 4): P(("x", "y")), (2, 9): P(None, "y")}
    for on in (mesh(4, 2),) if stream == "original" else (mesh(2, 4),):
        shardings = [NamedSharding(on, spec) for spec in shapes.values()]

        def constrained(k: Any, shardings: Any = shardings) -> Any:
            draws = [ops.uniform(k, shape, jnp.float32, stream=stream) for shape in shapes]
            return [
                jax.lax.with_sharding_constraint(x, sharding)
                for x, sharding in zip(draws, shardings, strict=True)
            ]

        sharded = jax.jit(constrained)
        wanted = [ops.uniform(KEY, shape, jnp.float32, stream=stream) for shape in shapes]
        for one, many in zip(wanted, sharded(KEY), strict=True):
            np.testing.assert_array_equal(np.asarray(many), np.asarray(one))
        if native_enabled():
            text = sharded.lower(KEY).compile().as_text()
            blocks = re.findall(r"f32\[([\d,]*)\][^\n]*custom-call[^\n]*uniform_block", text)
            counts = dict(on.shape) | {None: 1, ("x", "y"): 8}
            local = {
                ",".join(str(-(-n // counts[axis])) for n, axis in zip(s, spec, strict=False))
                if len(spec) == len(s)
                else f"{-(-s[0] // counts[spec[0]])},{s[1]}"
                for s, spec in shapes.items()
            }
            assert set(blocks) == local, (blocks, local)

    # A sum over the elements sees no padding.
    on = NamedSharding(mesh(8), P("x"))
    total = jax.jit(
        lambda k: jax.lax.with_sharding_constraint(ops.bits(k, 11, stream=stream), on).sum()
    )
    assert total(KEY) == np.asarray(ops.bits(KEY, 11, stream=stream)).sum(dtype=np.uint32)


# --- within other transformations ----------------------------------------------------------------


@check(streams=True)
def shard_map(stream: str) -> None:
    """Inside shard_map a draw is that of one device: with one key for all, or one for each."""
    on = mesh(4, 2)
    every = P(("x", "y"))
    mapped = jax.jit(
        jax.shard_map(
            lambda k: tuple(ops.advance_uniform(k[0, 0], (4,), jnp.float32, stream=stream)),
            mesh=on,
            in_specs=P("x", "y"),
            out_specs=(every, every),
        )
    )
    keys = KEYS[:4, :2]
    text = assert_local(mapped, keys)
    assert "block_v1" not in text
    following, sample = mapped(keys)
    one = ops.advance_uniform(keys.reshape(8, 2), (4,), jnp.float32, stream=stream)
    np.testing.assert_array_equal(following.reshape(8, 2), one[0])
    np.testing.assert_array_equal(sample.reshape(8, 4), one[1])

    same = jax.jit(
        jax.shard_map(
            lambda k: ops.normal(k, (4,), jnp.float32, stream=stream),
            mesh=on,
            in_specs=P(),
            out_specs=P(),
        )
    )
    assert_local(same, KEY)
    np.testing.assert_array_equal(same(KEY), ops.normal(KEY, (4,), jnp.float32, stream=stream))


@check(streams=True)
def shard_map_over_some_axes(stream: str) -> None:
    """Where one axis is the program's and the other XLA's, XLA cuts the twin."""
    on = mesh(4, 2)

    def draw(k: Any) -> Any:
        sample = ops.bits(k[0, 0], (6,), stream=stream)
        return jax.lax.with_sharding_constraint(sample, NamedSharding(on.abstract_mesh, P("y")))

    mapped = jax.jit(
        jax.shard_map(draw, mesh=on, in_specs=P("x"), out_specs=P("x"), axis_names={"x"})
    )
    keys = KEYS[:4]
    assert_local(mapped, keys)
    np.testing.assert_array_equal(
        mapped(keys).reshape(4, 6), ops.bits(keys[:, 0], (6,), stream=stream)
    )


@check()
def vmap() -> None:
    """Lanes are cut as any other dimension."""
    on = mesh(2, 4)
    lanes = jax.vmap(jax.vmap(lambda k: ops.normal(k, (8,), jnp.float32)))
    for given, spec in ((P("x", "y"), P("x", "y")), (P(), P(None, "y", "x"))):
        own = jax.device_put(KEYS, NamedSharding(on, given))
        assert_draws(lanes, on, [spec], KEYS, own=(own,))


@check()
def loops_and_branches() -> None:
    """In the body of a scan and of a cond."""
    sharding = NamedSharding(mesh(4, 2), P("y", "x"))

    def steps(k: Any, flag: Any, place: Callable[[Any], Any]) -> Any:
        def step(k: Any, _: None) -> tuple[Any, Any]:
            k, u = ops.advance_uniform(k, (8, 8), jnp.float32)
            z = jax.lax.cond(
                flag, lambda: place(ops.normal(k, (8, 8), jnp.float32)), lambda: place(u * 0)
            )
            return k, place(u) + z

        return jax.lax.scan(step, k, None, length=3)

    sharded = jax.jit(
        lambda k, f: steps(k, f, lambda x: jax.lax.with_sharding_constraint(x, sharding))
    )
    assert_local(sharded, KEY, True)
    one, many = jax.jit(lambda k, f: steps(k, f, lambda x: x))(KEY, True), sharded(KEY, True)
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(np.asarray(b), np.asarray(a))


@check()
def arrays_elsewhere() -> None:
    """Draws that nobody asked to cut, from keys that are on a mesh already."""
    on = mesh(4, 2)
    for spec in (P(), P("x"), P(("x", "y"))):
        keys = jax.device_put(KEYS, NamedSharding(on, spec))
        np.testing.assert_array_equal(ops.bits(keys, 5), ops.bits(KEYS, 5))
        np.testing.assert_array_equal(ops.split(keys, 300), ops.split(KEYS, 300))
    assert ops.bits(jax.device_put(KEY, NamedSharding(on, P())), ()).shape == ()
    assert ops.bits(jax.device_put(KEY, NamedSharding(on, P())), (0, 8)).shape == (0, 8)


@check()
def exported() -> None:
    """A program for several devices is exported without kernels and callbacks."""
    on = mesh(8)
    draw = jax.jit(
        lambda k: ops.uniform(k, 16, jnp.float32), out_shardings=NamedSharding(on, P("x"))
    )
    program = jax.export.export(draw)(KEY)
    assert program.nr_devices == 8
    assert "brainvar_threefry" not in program.mlir_module()
    key = jax.device_put(KEY, NamedSharding(on, P()))
    np.testing.assert_array_equal(jax.jit(program.call)(key), ops.uniform(KEY, 16, jnp.float32))


# --- RandomState ---------------------------------------------------------------------------------


def close(a: Any, b: Any) -> None:
    """Assert that two samples are the same, up to what fusing elementwise functions may change."""
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=3e-6)


@check(streams=True)
def states(stream: str) -> None:
    """``sharding=``: the sample has it, the state has not, and nothing compiles twice."""
    compiled: list[str] = []

    def listen(event: str, duration: float, **kwargs: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(str(kwargs.get("fun_name", event)))

    rng = bm.random.RandomState(3, stream=stream)
    one = bm.random.RandomState(3, stream=stream)
    where = rng.value.sharding
    shardings = NamedSharding(mesh(4, 2), P("x", "y")), NamedSharding(mesh(8), P(None, "x"))
    draws: list[tuple[str, tuple[Any, ...]]] = [
        ("random", ()),
        ("normal", (1.0, 2.0)),
        ("exponential", (2.0,)),
        ("randint", (0, 100)),
        ("bernoulli", (0.3,)),
        ("truncated_normal", (-1.0, 2.0)),
    ]
    draws = draws if stream == "original" else draws[:2]
    for turn in range(2):
        if turn:
            jax.monitoring.register_event_duration_secs_listener(listen)
        for sharding in shardings:
            for name, params in draws if sharding is shardings[0] else draws[:2]:
                sample = getattr(rng, name)(*params, size=(8, 16), sharding=sharding)
                close(sample, getattr(one, name)(*params, size=(8, 16)))
                assert sample.value.sharding == sharding
                assert rng.value.sharding == where
                np.testing.assert_array_equal(rng.value, one.value)
    assert not compiled, compiled
    close(rng.normal(size=5), one.normal(size=5))


@check(quick="yes")
def parameters_elsewhere() -> None:
    """What is committed to other devices is refused before the state has moved."""
    sharding = NamedSharding(mesh(8), P("x"))
    rng = bm.random.RandomState(3)
    there = jax.device_put(np.arange(8.0, dtype=np.float32), jax.devices()[1])
    for draw in (rng.permutation, rng.exponential):
        with pytest.raises(ValueError, match=r"committed to other devices, \[1\]"):
            draw(there, sharding=sharding)
        np.testing.assert_array_equal(rng.value, [0, 3])
    drawn = rng.permutation(jax.device_put(there, sharding), sharding=sharding)
    np.testing.assert_array_equal(drawn, bm.random.RandomState(3).permutation(np.asarray(there)))


@check(quick="yes")
def samplers_in_shard_map() -> None:
    """Loops until all are accepted, of which each device has its own."""
    rng, line = bm.random.RandomState(0), Mesh(np.array(jax.devices()), "x")
    keys = rng.split_keys(8)
    for name, args in {
        "binomial": (100, 0.4),
        "gamma": (0.5,),
        "hypergeometric": (10, 10, 5),
        "poisson": (3.0,),
        "vonmises": (0.0, 1.0),
        "zipf": (2.5,),
    }.items():

        def draw(key: Any, name: str = name, args: tuple[Any, ...] = args) -> Any:
            return getattr(rng, name)(*args, size=3, key=key).value

        lanes = jax.jit(
            jax.shard_map(
                lambda key, draw=draw: draw(key[0])[None],
                mesh=line,
                in_specs=P("x"),
                out_specs=P("x"),
            )
        )
        close(lanes(keys), np.stack([draw(key) for key in np.asarray(keys)]))


@check(quick="yes")
def shuffles_in_place() -> None:
    """A Variable on several devices stays there, cut as it was."""
    sharding = NamedSharding(mesh(8), P("x"))
    x = bm.Variable(jax.device_put(np.arange(16), sharding))
    y = np.arange(16)
    rng, one = bm.random.RandomState(3), bm.random.RandomState(3)
    for _ in range(2):
        rng.shuffle(x)
        one.shuffle(y)
        np.testing.assert_array_equal(x, y)
        assert x.value.sharding == sharding
    rng.shuffle(x, key=jax.device_put(np.array([0, 1], np.uint32), jax.devices()[2]))
    assert x.value.sharding == sharding


@check()
def states_in_programs() -> None:
    """In bm.jit and bm.for_loop, and eagerly after them."""
    sharding = NamedSharding(mesh(2, 4), P("y", "x"))
    rng, one = bm.random.RandomState(4), bm.random.RandomState(4)

    @bm.jit
    def draw() -> Any:
        return rng.normal(size=(8, 8), sharding=sharding)

    for _ in range(2):
        sample = draw()
        assert sample.value.sharding == sharding
        close(sample, one.normal(size=(8, 8)))
    # The state, like all that such a program writes, is now everywhere; and draws on as before.
    assert rng.value.sharding.is_fully_replicated
    other = NamedSharding(Mesh(np.array(jax.devices()[:2]), "x"), P("x"))
    close(rng.random(6, sharding=other), one.random(6))
    close(rng.random(3), one.random(3))
    np.testing.assert_array_equal(rng.split_key(), one.split_key())

    many = bm.for_loop(lambda i: rng.random((8, 8), sharding=sharding) + i, np.arange(3.0))
    each = bm.for_loop(lambda i: one.random((8, 8)) + i, np.arange(3.0))
    close(many, each)


def main() -> None:
    """Run the checks that are named."""
    results = {}
    for name in sys.argv[1:]:
        try:
            CHECKS[name]()
        except Exception:
            results[name] = traceback.format_exc()
        else:
            results[name] = ""
    print(json.dumps(results))


if __name__ == "__main__":
    main()
