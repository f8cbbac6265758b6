"""Keys and bits: the cipher, both counter layouts, kernel against twin against jax.random."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainvar import _compat, ops
from brainvar.ops import _sampling
from brainvar.ops import _threefry as twin

STREAMS = ("original", "partitionable")
KEY = np.array([0, 1234], np.uint32)
KEYS = np.arange(12, dtype=np.uint32).reshape(2, 3, 2) * np.uint32(2654435761)


def as_jax(stream):
    """Let jax.random use this layout."""
    return _compat.threefry_partitionable(stream == "partitionable")


def reference_cipher(key, counter):
    """Threefry-2x32-20 in Python integers, written from the paper's description."""
    mask = 0xFFFFFFFF
    schedule = [*key, 0x1BD11BDA ^ key[0] ^ key[1]]
    x, y = (counter[0] + schedule[0]) & mask, (counter[1] + schedule[1]) & mask
    for i in range(20):
        r = (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]
        x = (x + y) & mask
        y = (((y << r) | (y >> (32 - r))) & mask) ^ x
        if i % 4 == 3:
            j = i // 4 + 1
            x = (x + schedule[j % 3]) & mask
            y = (y + schedule[(j + 1) % 3] + j) & mask
    return x, y


def reference_words(key, n):
    """The original layout: n words of one key."""
    key, half = tuple(map(int, key)), (n + 1) // 2
    blocks = [reference_cipher(key, (i, half + i if half + i < n else 0)) for i in range(half)]
    return ([x for x, _ in blocks] + [y for _, y in blocks])[:n]


words = st.integers(0, 2**32 - 1)


@given(st.tuples(words, words), st.tuples(words, words))
def test_the_twin_is_the_cipher(key, counter):
    arrays = [np.array([x], np.uint32) for x in (*key, *counter)]
    got = jax.jit(twin.threefry2x32)(*arrays)
    assert tuple(int(x[0]) for x in got) == reference_cipher(key, counter)


def known_answers(kind):
    path = Path(__file__).parent / "data" / "threefry_kat.txt"
    rows = [line.split() for line in path.read_text().splitlines()]
    return [row[1:] for row in rows if row and row[0] == kind]


def hexadecimal(words, dtype=np.uint32):
    return np.array([int(w, 16) for w in words], dtype)


def test_known_answers_of_the_cipher():
    rows = known_answers("threefry")
    assert len(rows) >= 3  # Random123's published vectors
    for row in rows:
        k0, k1, c0, c1, *expected = hexadecimal(row)
        got = TWIN_CIPHER(*(x[None] for x in (k0, k1, c0, c1)))
        assert [int(x[0]) for x in got] == expected
        assert reference_cipher((int(k0), int(k1)), (int(c0), int(c1))) == tuple(expected)


TWIN_CIPHER = jax.jit(twin.threefry2x32)


def test_known_answers_of_split_and_fold_in():
    for stream, n, *row in known_answers("split"):
        key, expected = hexadecimal(row[:2]), hexadecimal(row[2:]).reshape(-1, 2)
        np.testing.assert_array_equal(ops.split(key, int(n), stream=stream), expected)
        by_twin = jax.jit(partial(twin.split, n=int(n), stream=stream))(key)
        np.testing.assert_array_equal(by_twin, expected)
    for row in known_answers("fold_in"):
        k0, k1, data, *expected = hexadecimal(row)
        key = np.array([k0, k1])
        assert ops.fold_in(key, data).tolist() == expected
        assert TWIN_FOLD_IN(key, data).tolist() == expected


TWIN_FOLD_IN = jax.jit(twin.fold_in)


def test_known_answers_of_bits(native):
    for stream, width, size, *row in known_answers("bits"):
        width, shape = int(width), (int(size),)
        key, expected = hexadecimal(row[:2]), hexadecimal(row[2:], f"uint{width}")
        with _compat.enable_x64(width == 64):
            got = ops.bits(key, shape, width, stream=stream)
            np.testing.assert_array_equal(got, expected)
            if native and shape in ((8,), (13,)):  # without kernels it was the twin already
                draw = partial(twin.bits, shape=shape, width=width, stream=stream)
                np.testing.assert_array_equal(jax.jit(draw)(key), expected)


def test_known_answers_of_uniform(native):
    for stream, name, size, *row in known_answers("uniform"):
        dtype, shape = jnp.dtype(name), (int(size),)
        carrier = f"uint{dtype.itemsize * 8}"
        key, expected = hexadecimal(row[:2]), hexadecimal(row[2:], carrier)
        with _compat.enable_x64(dtype.itemsize == 8):
            got = ops.uniform(key, shape, dtype, stream=stream)
            np.testing.assert_array_equal(np.asarray(got).view(carrier), expected)
            if native and shape == (10,):
                draw = partial(twin.uniform, shape=shape, dtype=dtype, stream=stream)
                got = np.asarray(jax.jit(draw)(key)).view(carrier)
                np.testing.assert_array_equal(got, expected)


def fnv1a(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return digest


def test_the_kernels_normals_have_the_pinned_bits(need_native):
    rows = [row for row in known_answers("digest") if row[:2] == ["normal_float32", "original"]]
    assert rows
    for _, stream, size, k0, k1, digest in rows:
        sample = np.asarray(ops.normal(hexadecimal([k0, k1]), int(size), "f4", stream=stream))
        assert fnv1a(sample.astype("<f4").tobytes()) == int(digest, 16)


# --- against jax.random --------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 100])
def test_split_is_jax_random_split(stream, n):
    with as_jax(stream):
        expected = jax.random.split(KEY, n)
    got = ops.split(KEY, n, stream=stream)
    assert got.dtype == np.uint32
    assert got.shape == (n, 2)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("data", [0, 1, 2**31, 2**32 - 1])
def test_fold_in_is_jax_random_fold_in(data):
    np.testing.assert_array_equal(ops.fold_in(KEY, data), jax.random.fold_in(KEY, np.uint32(data)))


def test_fold_in_takes_every_integer_modulo_2_to_the_32():
    expected = ops.fold_in(KEY, 2**32 - 1)
    for data in (-1, 2**64 - 1, np.int8(-1), np.int64(-1), np.array(-1), np.uint64(2**64 - 1)):
        np.testing.assert_array_equal(ops.fold_in(KEY, data), expected)
    np.testing.assert_array_equal(ops.fold_in(KEY, jnp.int32(-1)), expected)


SHAPES = [(4, 0, 2), (3, 7)]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_bits_are_jax_random_bits(stream, width):
    for shape in [*SHAPES, ()] if width == 32 else SHAPES:
        with as_jax(stream), _compat.enable_x64(width == 64):
            expected = jax.random.bits(KEY, shape, f"uint{width}")
            got = ops.bits(KEY, shape, width, stream=stream)
        assert got.dtype == expected.dtype
        assert got.shape == shape
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("flag", [False, True])
def test_the_layout_does_not_depend_on_jax_threefry_partitionable(stream, flag):
    expected = np.asarray(ops.bits(KEY, (9,), stream=stream))
    with _compat.threefry_partitionable(flag):
        np.testing.assert_array_equal(ops.bits(KEY, (9,), stream=stream), expected)
        np.testing.assert_array_equal(
            jax.jit(partial(twin.bits, shape=(9,), width=32, stream=stream))(KEY), expected
        )


def test_the_stream_of_the_specification():
    state, seen = KEY, []
    for _ in range(2):
        state, _ = ops.advance(state, 1)
        seen.append(state.tolist())
    assert seen == [[2113592192, 1902136347], [1076515368, 3893328283]]
    assert ops.advance(state, 1)[1].tolist() == [[3028232624, 826525938]]


# --- advance, and the fused draws ----------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("key", [KEY, KEYS], ids=["one", "batch"])
def test_advance_is_row_0_and_the_rest_of_split(stream, n, key):
    following, subkeys = ops.advance(key, n, stream=stream)
    rows = np.asarray(ops.split(key, n + 1, stream=stream))
    np.testing.assert_array_equal(following, rows[..., 0, :])
    np.testing.assert_array_equal(subkeys, rows[..., 1:, :])


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("key", [KEY, KEYS], ids=["one", "batch"])
@pytest.mark.parametrize(
    ("fused", "plain", "kind"),
    [
        (ops.advance_bits, ops.bits, 32),
        (ops.advance_bits, ops.bits, 8),
        (ops.advance_uniform, ops.uniform, np.float32),
        (ops.advance_uniform, ops.uniform, np.float16),
        (ops.advance_normal, ops.normal, np.float32),
    ],
)
def test_fused_draws_are_split_and_draw(stream, key, fused, plain, kind):
    rows = np.asarray(ops.split(key, 2, stream=stream))
    for shape in ((), (5,), (0,)):
        following, sample = fused(key, shape, kind, stream=stream)
        np.testing.assert_array_equal(following, rows[..., 0, :])
        expected = plain(rows[..., 1, :], shape, kind, stream=stream)
        assert sample.dtype == expected.dtype
        np.testing.assert_array_equal(sample, expected)


# --- beyond one block ----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [8, 32, 64])
@pytest.mark.parametrize("size", [4, 10, 20, 23])
def test_draws_beyond_a_block_go_on_with_split_keys(width, size):
    block, n_words = 5, -(-size * width // 32)
    n_blocks, rest = divmod(n_words, block)
    drawn = []
    if n_blocks:
        keys = np.reshape(reference_words(KEY, 2 * (n_blocks + 1)), (-1, 2))
        for key in keys[:-1]:
            drawn += reference_words(key, block)
        drawn += reference_words(keys[-1], rest)
    else:
        drawn = reference_words(KEY, n_words)
    drawn = np.array(drawn, np.uint32)
    if width == 64:
        expected = (drawn[:size].astype(np.uint64) << np.uint64(32)) | drawn[size:]
    else:
        expected = drawn.astype("<u4").view(f"<u{width // 8}")[:size]
    with _compat.enable_x64(width == 64):
        draw = jax.jit(
            partial(twin.bits, shape=(size,), width=width, stream="original", block_words=block)
        )
        np.testing.assert_array_equal(draw(KEY), expected)
        if size == 20:
            np.testing.assert_array_equal(draw(KEYS)[1, 2], draw(KEYS[1, 2]))


def test_large_partitionable_counters_use_both_words(monkeypatch):
    # Beyond 2**32 numbers the counters are made in another way; here from the 9th on.
    draw = partial(twin.bits, shape=(2**16 + 3,), width=32, stream="partitionable")
    np.testing.assert_array_equal(jax.jit(draw)(KEY), jax.jit(partial(draw, low_words=8))(KEY))
    # The counters themselves, of rows of 2**16 that start at 2**32 - 2**16.
    monkeypatch.setattr(twin, "threefry2x32", lambda key0, key1, high, low: (high, low))
    first = 2**16 - 1

    def iota(dtype, dims, axis):
        return jax.lax.broadcasted_iota(dtype, dims, axis) + np.uint32(first if axis == 0 else 0)

    monkeypatch.setattr(twin, "lax", SimpleNamespace(broadcasted_iota=iota))
    high, low = twin._partitionable_words(KEY, 3 * 2**16, low_words=8)
    counters = np.asarray(high, np.uint64) << np.uint64(32) | np.asarray(low, np.uint64)
    np.testing.assert_array_equal(counters, np.arange(3 * 2**16) + first * 2**16)


# --- kernel against twin -------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("key", [KEY, KEYS, KEYS[:0]], ids=lambda k: str(k.shape))
def test_the_active_path_equals_the_twin(stream, key):
    def check(name, got, **params):
        expected = jax.jit(partial(getattr(twin, name), stream=stream, **params))(key)
        jax.tree.map(np.testing.assert_array_equal, got, expected)

    check("split", ops.split(key, 3, stream=stream), n=3)
    for width, shape in ((8, (37,)), (16, (37,)), (32, (4099,)), (64, (37,))):
        with _compat.enable_x64(width == 64):
            got = ops.bits(key, shape, width, stream=stream)
            check("bits", got, shape=shape, width=width)
    data = np.arange(np.prod(key.shape[:-1]), dtype=np.uint32).reshape(key.shape[:-1])
    np.testing.assert_array_equal(ops.fold_in(key, data), jax.jit(twin.fold_in)(key, data))


@given(st.integers(0, 2**64 - 1), st.sampled_from([1, 2, 9, 70]), st.sampled_from(STREAMS))
def test_any_seed_any_size(seed, size, stream):
    key = ops.seed_to_key(seed)
    got = np.asarray(ops.bits(key, (size,), stream=stream))
    if stream == "partitionable":
        blocks = [reference_cipher(tuple(map(int, key)), (0, i)) for i in range(size)]
        expected = [x ^ y for x, y in blocks]
    else:
        expected = reference_words(key, size)
    assert got.tolist() == expected


# --- transformations -----------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_vmap_over_keys_is_the_loop_over_keys(stream):
    keys = KEYS.reshape(6, 2)
    for f in (
        lambda k: ops.split(k, 3, stream=stream),
        lambda k: ops.bits(k, (5,), 16, stream=stream),
        lambda k: ops.advance(k, 2, stream=stream),
        lambda k: ops.advance_uniform(k, (5,), np.float32, stream=stream),
    ):
        expected = jax.tree.map(lambda *x: np.stack(x), *[f(k) for k in keys])
        jax.tree.map(np.testing.assert_array_equal, jax.vmap(f)(keys), expected)
        jax.tree.map(
            np.testing.assert_array_equal, jax.vmap(f, in_axes=1)(np.asarray(keys).T), expected
        )


def test_vmap_of_fold_in_over_either_operand():
    keys, data = KEYS.reshape(6, 2), np.arange(6, dtype=np.uint32)
    for in_axes in ((0, 0), (0, None), (None, 0)):
        args = [x if a == 0 else x[0] for x, a in zip((keys, data), in_axes, strict=True)]
        got = jax.vmap(ops.fold_in, in_axes=in_axes)(*args)
        rows = [
            ops.fold_in(keys[i if in_axes[0] == 0 else 0], data[i if in_axes[1] == 0 else 0])
            for i in range(6)
        ]
        np.testing.assert_array_equal(got, np.stack(rows))


def test_draws_inside_scan_are_the_eager_draws():
    def step(key, _):
        return ops.advance_bits(key, (3,))

    last, drawn = jax.lax.scan(step, jnp.asarray(KEY), None, length=4)
    key = KEY
    for row in np.asarray(drawn):
        key, expected = ops.advance_bits(key, (3,))
        np.testing.assert_array_equal(row, expected)
    np.testing.assert_array_equal(last, key)


def test_everything_runs_with_jit_disabled():
    with jax.disable_jit():
        got = ops.split(KEY, 2)
    np.testing.assert_array_equal(got, ops.split(KEY, 2))


def test_a_jaxpr_shows_one_primitive():
    jaxpr = str(jax.make_jaxpr(lambda k: ops.advance(k, 1))(KEY))
    assert jaxpr.count("brainvar_advance[n=1 stream=original]") == 1
    assert "threefry2x32" not in jaxpr


CALLS = [
    ("split", lambda k: ops.split(k, 2)),
    ("advance", lambda k: ops.advance(k, 2)),
    ("fold_in", lambda k: ops.fold_in(k, 1)),
    ("bits", lambda k: ops.bits(k, (3,), 8)),
    ("uniform", lambda k: ops.uniform(k, (3,), jnp.bfloat16)),
    ("normal", lambda k: ops.normal(k, (3,), np.float32)),
    ("advance_bits", lambda k: ops.advance_bits(k, (3,))),
    ("advance_uniform", lambda k: ops.advance_uniform(k, (3,), np.float32)),
    ("advance_normal", lambda k: ops.advance_normal(k, (3,), np.float32)),
]


@pytest.mark.parametrize(("name", "function"), CALLS)
def test_cpu_lowers_to_the_kernel_where_active_and_cuda_to_the_twin(name, function, native):
    target = f"@brainvar_threefry_{name}_v1"
    traced = jax.jit(function).trace(KEY)
    assert (target in traced.lower(lowering_platforms=("cpu",)).as_text()) == native
    for platform in ("cuda", "tpu"):
        text = traced.lower(lowering_platforms=(platform,)).as_text()
        assert "brainvar_threefry" not in text
        assert "xor" in text


def test_half_normals_lower_to_the_twin():
    text = jax.jit(lambda k: ops.normal(k, (3,), np.float16)).trace(KEY).lower().as_text()
    assert "brainvar_threefry_normal" not in text


def test_a_new_key_does_not_recompile():
    function = _sampling._bits((11,), 32, "original")
    before = function._cache_size()
    for seed in range(3):
        ops.bits(jnp.asarray(ops.seed_to_key(seed)), (11,))
    assert function._cache_size() <= before + 1


# --- seeds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("x64", [False, True])
def test_seeds_keep_all_64_bits(x64):
    with _compat.enable_x64(x64):
        for seed, key in (
            (0, [0, 0]),
            (1234, [0, 1234]),
            (2**32, [1, 0]),
            (2**32 - 1, [0, 2**32 - 1]),
            (2**64 - 1, [2**32 - 1] * 2),
            (np.int64(2**40 + 1), [256, 1]),
            (np.uint64(2**63), [2**31, 0]),
            (np.array(7), [0, 7]),
            (np.int8(7), [0, 7]),
        ):
            got = ops.seed_to_key(seed)
            assert isinstance(got, np.ndarray)
            assert got.dtype == np.uint32
            assert got.tolist() == key


@pytest.mark.parametrize("seed", [-1, 2**64, np.int64(-5)])
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(ValueError, match=r"seed must be in \[0, 2\*\*64\), got"):
        ops.seed_to_key(seed)


@pytest.mark.parametrize("seed", [1.0, "1", None, np.float32(3), [1, 2], np.array([1, 2])])
def test_seeds_that_are_not_integers_are_refused(seed):
    with pytest.raises(TypeError, match=r"seed must be an integer in \[0, 2\*\*64\)"):
        ops.seed_to_key(seed)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ([0, 1234], "list"),
        (np.zeros(2, np.float32), r"float32\[2\]"),
        (np.zeros(3, np.uint32), r"uint32\[3\]"),
        (np.uint32(1), r"uint32\[\]"),
    ],
)
def test_what_is_not_a_raw_key_is_refused(key, hint):
    for call in (lambda k: ops.split(k, 2), lambda k: ops.bits(k, ()), lambda k: ops.fold_in(k, 1)):
        with pytest.raises(TypeError, match=rf"raw key array, uint32\[\.\.\., 2\]; got {hint}"):
            call(key)


def test_typed_keys_are_refused_with_advice():
    with pytest.raises(TypeError, match=r"pass jax\.random\.key_data\(key\)"):
        ops.split(jax.random.key(0), 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.split(KEY, -1), ValueError, "n must not be negative"),
        (lambda: ops.split(KEY, 1.0), TypeError, "n must be an integer, got 1.0"),
        (lambda: ops.split(KEY, 2, stream="new"), ValueError, "use 'original' or 'partitionable'"),
        (lambda: ops.bits(KEY, 3, 7), ValueError, "widths of 8, 16, 32 or 64"),
        (lambda: ops.bits(KEY, 3, 64), ValueError, "jax_enable_x64"),
        (lambda: ops.bits(KEY, (3, -1)), ValueError, "shape must not be negative, got -1"),
        (lambda: ops.bits(KEY, "3"), TypeError, "shape must be an integer, got '3'"),
        (lambda: ops.fold_in(KEY, 1.5), TypeError, "data must be an integer or integers"),
        (lambda: ops.fold_in(KEYS, np.zeros(5, int)), ValueError, "broadcast"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
    with pytest.raises(error, match=message):  # and again: no cache entry was left
        call()


def test_sizes_may_be_numpy_integers():
    expected = ops.split(KEY, 3)
    np.testing.assert_array_equal(ops.split(KEY, np.int64(3)), expected)
    expected = ops.bits(KEY, (2, 3))
    np.testing.assert_array_equal(ops.bits(KEY, [np.int32(2), 3]), expected)
    np.testing.assert_array_equal(ops.bits(KEY, np.array([2, 3])), expected)
    np.testing.assert_array_equal(ops.bits(KEY, 6).reshape(2, 3), expected)
