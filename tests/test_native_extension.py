"""The extension module itself: what it registers, how it describes itself, known answers."""

from pathlib import Path

import jax
import numpy as np
import pytest

from brainvar import _native

KNOWN_ANSWERS = Path(__file__).parent / "data" / "threefry_kat.txt"
STREAMS = {"original": np.int32(0), "partitionable": np.int32(1)}
WORDS = {"8": "uint8", "16": "uint16", "32": "uint32", "64": "uint64"}

pytestmark = pytest.mark.usefixtures("need_native")


@pytest.fixture(scope="module")
def cpu():
    return pytest.importorskip("brainvar._cpu", reason="the extension is not built")


@pytest.fixture(autouse=True)
def wide_types():
    with jax.enable_x64(True):
        yield


def lines(kind):
    split = (line.split() for line in KNOWN_ANSWERS.read_text().splitlines())
    return [tuple(words[1:]) for words in split if words and words[0] == kind]


def from_hex(words, dtype="uint32"):
    return np.array([int(word, 16) for word in words], dtype)


def as_bits(array):
    array = np.asarray(array)
    return array.view(f"uint{8 * array.itemsize}").ravel().tolist()


def call(target, results, *operands, **attributes):
    return jax.jit(lambda *args: jax.ffi.ffi_call(target, results)(*args, **attributes))(*operands)


def buffer(shape, dtype):
    return jax.ShapeDtypeStruct(shape, dtype)


def test_registers_every_target_as_a_capsule(cpu):
    registrations = cpu.registrations()
    assert set(registrations) == set(_native.TARGETS)
    assert {type(capsule).__name__ for capsule in registrations.values()} == {"PyCapsule"}


def test_build_info_describes_the_build(cpu):
    info = cpu.build_info()
    assert set(info) == {
        "version",
        "ffi_api_major",
        "ffi_api_minor",
        "compiler",
        "simd",
        "cuda_architectures",
    }
    assert info["simd"] in ("avx512", "avx2", "baseline")
    assert (info["ffi_api_major"], info["ffi_api_minor"]) <= _native.runtime_ffi_version()
    assert info["compiler"]


@pytest.mark.parametrize("words", lines("threefry"))
def test_published_vectors_of_the_cipher(cpu, words):
    k0, k1, c0, c1, x0, x1 = (int(word, 16) for word in words)
    assert cpu.threefry2x32(k0, k1, c0, c1) == (x0, x1)


@pytest.mark.parametrize("bad", [-1, 2**32, 1.5])
def test_hook_takes_32_bit_words_only(cpu, bad):
    with pytest.raises(TypeError):
        cpu.threefry2x32(bad, 0, 0, 0)


@pytest.mark.parametrize("words", lines("fold_in"))
def test_fold_in(words):
    values = from_hex(words)
    result = call(
        "brainvar_threefry_fold_in_v1", buffer((2,), "uint32"), values[:2], values[2].reshape(())
    )
    assert as_bits(result) == values[3:].tolist()


@pytest.mark.parametrize("words", lines("split"), ids=lambda words: " ".join(words[:2]))
def test_split_and_advance(words):
    stream, rows = STREAMS[words[0]], int(words[1])
    values = from_hex(words[2:])
    wanted = values[2:].reshape(rows, 2)
    split = call(
        "brainvar_threefry_split_v1", buffer((rows, 2), "uint32"), values[:2], stream=stream
    )
    assert np.asarray(split).tolist() == wanted.tolist()
    results = (buffer((2,), "uint32"), buffer((rows - 1, 2), "uint32"))
    following, subkeys = call("brainvar_threefry_advance_v1", results, values[:2], stream=stream)
    assert np.asarray(following).tolist() == wanted[0].tolist()
    assert np.asarray(subkeys).tolist() == wanted[1:].tolist()


@pytest.mark.parametrize(
    ("kind", "words"),
    [(kind, words) for kind in ("bits", "uniform") for words in lines(kind)],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:3]),
)
def test_bits_and_uniforms(kind, words):
    stream, dtype, size = STREAMS[words[0]], WORDS.get(words[1], words[1]), int(words[2])
    target = f"brainvar_threefry_{kind}_v1"
    result = call(target, buffer((size,), dtype), from_hex(words[3:5]), stream=stream)
    assert as_bits(result) == [int(word, 16) for word in words[5:]]


@pytest.mark.parametrize("words", lines("digest"), ids=lambda words: " ".join(words[:2]))
def test_digests(words):
    kind, dtype = words[0].split("_")
    size = int(words[2])
    target = f"brainvar_threefry_{kind}_v1"
    key = from_hex(words[3:5])
    result = call(target, buffer((size,), dtype), key, stream=STREAMS[words[1]])
    value = 0xCBF29CE484222325
    for byte in np.asarray(result).tobytes():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    assert f"{value:016x}" == words[5]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_nothing(stream, dtype):
    # Long enough to be shared among threads, against the same stream in calls that are not.
    size, key = 300_001, np.array([5, 6], np.uint32)
    keys = np.repeat(key[None], 2, axis=0)
    attributes = {"stream": STREAMS[stream]}
    target = "brainvar_threefry_normal_v1"
    long = np.asarray(call(target, buffer((size,), dtype), key, **attributes))
    batched = np.asarray(call(target, buffer((2, size), dtype), keys, **attributes))
    assert (batched == long).all()
    if stream == "partitionable":
        start = np.asarray(call(target, buffer((1000,), dtype), key, **attributes))
        assert (long[:1000] == start).all()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1)])
def test_shapes_without_much_in_them(shape):
    key = np.array([[1, 2], [3, 4]], np.uint32)
    results = (buffer((2, 2), "uint32"), buffer((2, *shape), "float32"))
    target = "brainvar_threefry_advance_uniform_v1"
    following, sample = call(target, results, key, stream=STREAMS["original"])
    split = call(
        "brainvar_threefry_split_v1", buffer((2, 2, 2), "uint32"), key, stream=STREAMS["original"]
    )
    assert sample.shape == (2, *shape)
    assert (np.asarray(following) == np.asarray(split)[:, 0]).all()


KEY = np.array([1, 2], np.uint32)
BAD_CALLS = {
    "key of three words": (
        "split", buffer((1, 2), "uint32"), (np.zeros(3, np.uint32),), 0, "must be 2",
    ),
    "unknown stream": ("split", buffer((1, 2), "uint32"), (KEY,), 2, "stream must be"),
    "subkeys of three words": ("split", buffer((1, 3), "uint32"), (KEY,), 0, "subkeys must have"),
    "batch lost": (
        "bits", buffer((3,), "uint32"), (np.zeros((2, 2), np.uint32),), 0, "batch dimensions",
    ),
    "normals of a half": ("normal", buffer((3,), "float16"), (KEY,), 0, "dtype"),
    "uniform integers": ("uniform", buffer((3,), "int32"), (KEY,), 0, "dtype"),
    "signed key": ("bits", buffer((3,), "uint32"), (np.zeros(2, np.int32),), 0, "dtype"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CALLS)
def test_a_wrong_call_is_an_error(name):
    target, results, operands, stream, message = BAD_CALLS[name]
    with pytest.raises(jax.errors.JaxRuntimeError, match=message):
        call(f"brainvar_threefry_{target}_v1", results, *operands, stream=np.int32(stream))


def add_events(target, spikes, table, weights):
    result = buffer(target.shape, target.dtype)
    return call("brainvar_add_events_v1", result, target, spikes, table, weights)


def test_add_events_leaves_its_operand_alone():
    target = np.ones((1, 4), np.float32)
    table = np.array([[0, 9], [-1, 2], [3, 3]], np.int32)
    result = add_events(target, np.array([[False, True, True]]), table, np.float32(0.5))
    assert np.asarray(result).tolist() == [[1.0, 1.0, 1.5, 2.0]]
    assert target.tolist() == [[1.0] * 4]


def test_add_events_refuses_mixed_types():
    table = np.zeros((3, 2), np.int32)
    with pytest.raises(jax.errors.JaxRuntimeError, match="one dtype"):
        add_events(np.ones((1, 4), np.float32), np.ones((1, 3), bool), table, np.float64(1))
    with pytest.raises(jax.errors.JaxRuntimeError, match="spikes must have"):
        add_events(np.ones((1, 4), np.float32), np.ones((1, 2), bool), table, np.float32(1))


SPEC = np.zeros((1, 4, 2), np.uint32)
F4, F2X4 = np.zeros(4, np.float32), np.zeros((2, 4), np.float32)
BAD_UPDATES = {
    "no spec": ("slices", (F4, F4[:1], SPEC[0]), "with the batch dimensions of the spec"),
    "rows lost": ("slices", (F2X4, F4[:1], SPEC), "with 2 rows"),
    "two dtypes": ("slices", (F4, np.zeros(1), SPEC), "must have one dtype"),
    "other batches": ("slices", (F2X4, np.zeros((3, 1), "f"), SPEC[None]), "batch dimensions"),
    "offsets of bytes": ("at", (F4, F4[:1], np.zeros(2, np.int8), SPEC[[0, 0]]), "offsets must be"),
    "mask too long": ("masked", (F4, F4[:1], np.zeros(5, bool), SPEC), "the mask must have"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_UPDATES)
def test_a_wrong_update_is_an_error(name):
    kind, operands, message = BAD_UPDATES[name]
    result = buffer(operands[0].shape, operands[0].dtype)
    with pytest.raises(jax.errors.JaxRuntimeError, match=message):
        call(f"brainvar_update_{kind}_v1", result, *operands, op=np.int32(0))


def test_an_unknown_update_is_an_error():
    with pytest.raises(jax.errors.JaxRuntimeError, match="op must be 0"):
        call("brainvar_update_slices_v1", buffer((4,), "float32"), F4, F4[:1], SPEC, op=np.int32(5))


@pytest.mark.parametrize("stream", [0, 1])
@pytest.mark.parametrize(
    ("shape", "tile"),
    [([2**33, 2**33], [2**31 - 1, 2**31 - 1]), ([2**62, 2], [0, 0]), ([-1, 3], [0, 0])],
)
def test_blocks_of_impossible_shapes_are_refused(stream, shape, tile):
    with pytest.raises(Exception, match="elements|negative"):
        jax.block_until_ready(
            call(
                "brainvar_threefry_bits_block_v1",
                buffer((3, 3), np.uint32),
                np.zeros(2, np.uint32),
                np.array(tile, np.int32),
                stream=np.int32(stream),
                shape=np.array(shape, np.int64),
            )
        )
