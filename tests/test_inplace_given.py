"""What is put in a Variable is its own; readers that are not done yet, and looks, see one value."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar as bp
import brainvar.math as bm
from inplace_ways import WRITES, double, is_alive

# -- what comes from NumPy ------------------------------------------------------------------------


def aligned(values, dtype=np.float32):
    """Return a NumPy array that begins at a multiple of 64 bytes, which JAX may alias for good."""
    values = np.asarray(values, dtype)
    memory = np.zeros(values.nbytes + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    array = memory[begin : begin + values.nbytes].view(dtype).reshape(values.shape)
    array[...] = values
    return array


PUTS = {
    "Variable(x)": (np.zeros(0), lambda v, x: bm.Variable(x)),
    "Variable(x, dtype)": (np.zeros(0), lambda v, x: bm.Variable(x, dtype=np.float32)),
    "Variable([x])": (np.zeros(0), lambda v, x: bm.Variable([x])[0]),
    "v.value = x": (np.zeros(4096), lambda v, x: setattr(v, "value", x)),
    "v.update(x)": (np.zeros(4096), lambda v, x: v.update(x)),
    "v[...] = x": (np.zeros(4096), lambda v, x: v.__setitem__(..., x)),
    "v[:] = x": (np.zeros(4096), lambda v, x: v.__setitem__(slice(None), x)),
    "v[1] = x": (np.zeros((3, 4096)), lambda v, x: v.__setitem__(1, x)),
    "v[::2] = x": (np.zeros(8192), lambda v, x: v.__setitem__(slice(None, None, 2), x)),
    "v[indices] = x": (np.zeros(8192), lambda v, x: v.__setitem__(np.arange(4096), x)),
    "v[mask] = x": (np.zeros(4096), lambda v, x: v.__setitem__(np.ones(4096, bool), x)),
    "v += x": (np.zeros(4096), lambda v, x: v.__iadd__(x)),
    "np.add(v, x, out=v)": (np.zeros(4096), lambda v, x: np.add(v, x, out=v)),
    "np.copyto": (np.zeros(4096), lambda v, x: np.copyto(v, x)),
    "v.add_at": (np.zeros(4096), lambda v, x: v.add_at(np.arange(4096), x)),
    "v.put": (np.zeros(4096), lambda v, x: v.put(np.arange(4096), x)),
    "bm.jit": (np.zeros(4096), lambda v, x: bm.jit(lambda y: v.update(y))(x)),
    "bm.for_loop": (np.zeros(4096), lambda v, x: bm.for_loop(lambda y: v.update(y), x[None])),
}


@pytest.mark.parametrize("put", PUTS)
def test_a_numpy_array_changed_after_it_was_put_in(put):
    initial, function = PUTS[put]
    values = np.arange(4096, dtype=np.float32)
    for _ in range(5):
        v = bm.Variable(initial, dtype=np.float32)
        x = aligned(values)
        returned = function(v, x)
        x[...] = -1  # at once, while JAX may still be reading
        v = v if returned is None else returned
        found = np.asarray(v + 0)
        where = found[1] if found.ndim == 2 else found
        if put == "v[::2] = x":
            where = where[::2]
        np.testing.assert_array_equal(where.ravel()[:4096], values)


GIVEN = {
    "Variable(x)": bm.Variable,
    "Variable([x])": lambda x: bm.Variable([x]),
    "Variable(x, dtype)": lambda x: bm.Variable(x, dtype=x.dtype),
    "TrainVar(x)": bm.TrainVar,
    "v.value = x": lambda x: _with_value(x, lambda v, x: setattr(v, "value", x)),
    "v.update(x)": lambda x: _with_value(x, lambda v, x: v.update(x)),
    "v[...] = x": lambda x: _with_value(x, lambda v, x: v.__setitem__(..., x)),
    "np.copyto": lambda x: _with_value(x, np.copyto),
    "np.positive(out=)": lambda x: _with_value(x, lambda v, x: np.positive(x, out=v)),
    "bm.jit, an argument": lambda x: _with_value(x, lambda v, x: bm.jit(lambda y: v.update(y))(x)),
    "bm.jit, a constant": lambda x: _with_value(x, lambda v, x: bm.jit(lambda: v.update(x))()),
    "bm.for_loop": lambda x: _with_value(
        x, lambda v, x: bm.for_loop(lambda i: v.update(x), np.zeros(2))
    ),
    "bm.for_loop, no step": lambda x: _with_value(
        x, lambda v, x: (v.update(x), bm.for_loop(lambda i: v.__iadd__(i), np.zeros(0, np.float32)))
    ),
    "unflatten": lambda x: jax.tree.unflatten(jax.tree.structure(bm.Variable(x * 0)), [x]),
}


def _with_value(x, put):
    v = bm.Variable(np.zeros(x.shape))
    put(v, x)
    return v


@pytest.mark.parametrize("give", GIVEN)
@pytest.mark.parametrize("wrap", [lambda x: x, bm.JaxArray], ids=["jax.Array", "JaxArray"])
def test_an_array_that_was_given_is_not_written_to(give, wrap):
    values = np.arange(4096, dtype=np.float32)
    x = wrap(jnp.asarray(values))
    v = GIVEN[give](x)
    for i in range(3):
        v[..., i] = -1
        v += 1
        double(v)
        assert is_alive(x)
        np.testing.assert_array_equal(x, values)


def test_writing_to_what_came_from_numpy_does_not_write_to_numpy():
    x = aligned(np.arange(4096))
    v = bm.Variable(x)
    alias = bm.Variable(jax.device_put(x))  # JAX looks at the memory of x itself
    for w in (v, alias):
        w[0] = 5
        w += 1
        double(w)
    np.testing.assert_array_equal(x, np.arange(4096))


@pytest.mark.parametrize(
    "use",
    [
        lambda v, i: v.__setitem__(i, 1),
        lambda v, i: v.add_at(i, 1),
        lambda v, i: np.add.at(v, i, 1),
        lambda v, i: v.put(i, 1),
        lambda v, i: bm.jit(lambda j: v.__setitem__(j, 1))(i),
    ],
)
def test_an_index_array_changed_after_its_use(use):
    for _ in range(5):
        v = bm.Variable(np.zeros(10000))
        index = aligned(np.arange(5000), np.int32)
        use(v, index)
        index[...] = 9999
        np.testing.assert_array_equal(v, np.arange(10000) < 5000)


def test_a_mask_changed_after_its_use():
    for _ in range(5):
        v = bm.Variable(np.zeros(10000))
        mask = aligned(np.arange(10000) < 5000, np.bool_)
        v[mask] = 1
        mask[...] = True
        np.testing.assert_array_equal(v, np.arange(10000) < 5000)


# -- readers that are not done yet ----------------------------------------------------------------


@jax.jit
def slowly(x):
    """Return twice the argument, in some tens of milliseconds."""
    power = jax.lax.fori_loop(0, 40, lambda i, m: jnp.cos(m @ m), jnp.ones((128, 128)))
    return x * (power[0, 0] * 0 + 2)


@pytest.mark.parametrize("write", WRITES)
def test_a_pending_reader_keeps_the_old_value(write):
    v = bm.Variable(np.zeros((512, 512)))
    model = np.arange(512 * 512, dtype=np.float32).reshape(512, 512) % 100
    slowly(v.value).block_until_ready()
    for _ in range(3):
        v[...] = model
        pending = slowly(v.value)
        eager = v * 3  # not let out: the only reader that knows the buffer is the runtime
        twice = slowly(eager.value)
        WRITES[write](v)
        v[0] = -5
        np.testing.assert_array_equal(pending, 2 * model)
        np.testing.assert_array_equal(twice, 6 * model)


def test_a_pending_reader_in_a_compiled_function_keeps_the_old_value():
    v, w = bm.Variable(np.zeros((512, 512))), bm.Variable(np.zeros((512, 512)))
    copy = bm.jit(lambda: w.update(slowly(v.value)))
    for i in range(5):
        v[...] = i
        copy()
        v[...] = -1  # while `copy` reads it
        w[0] = 7  # while `copy` computes it
        expected = np.full((512, 512), 2 * i)
        expected[0] = 7
        np.testing.assert_array_equal(w, expected)


def test_writes_wait_for_the_value_that_they_start_from():
    v = bm.Variable(np.zeros((512, 512)))
    for i in range(5):
        v.value = slowly(jnp.full((512, 512), i))
        for column in range(20):
            v[:, column] = column
        v += 1
        expected = np.full((512, 512), 2 * i + 1)
        expected[:, :20] = np.arange(20) + 1
        np.testing.assert_array_equal(v, expected)


def test_the_value_of_a_write_may_be_pending():
    v = bm.Variable(np.zeros((512, 512)))
    for i in range(5):
        x = slowly(jnp.full(512, i))
        v[3] = x
        v[5] += x
        del x
        assert float(v[3, 0]) == 2 * i
    assert float(v[5, 7]) == 2 * (0 + 1 + 2 + 3 + 4)


# -- what looks only ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look",
    [repr, str, lambda v: f"{v}", lambda v: v == 1, lambda v: 3 in v, lambda v: v.sum().item()],
)
def test_a_look_between_writes(look):
    """JAX keeps the NumPy value that it once showed of an array: never that of another value."""
    v = bm.Variable(np.zeros(3))
    for i in range(5):
        v[1] = i
        look(v)
        v[2] = i
        assert str(v) == str(jnp.array([0.0, i, i]))
        assert v.tolist() == [0.0, i, i]


@pytest.mark.parametrize("convert", [float, int, bool, complex, lambda v: f"{v:.1f}"])
def test_a_number_between_writes(convert):
    v = bm.Variable(np.zeros(()))
    for i in range(5):
        v[()] = i
        assert convert(v) == convert(np.float32(i))
        v += 1
        assert convert(v) == convert(np.float32(i + 1))


def test_saving_between_writes(tmp_path):
    v = bm.Variable(np.zeros(4))
    for i in range(3):
        v[i] = i + 1
        bp.save_states(tmp_path / f"{i}.npz", {"v": v})
    v[:] = -1
    for i in reversed(range(3)):
        bp.load_states(tmp_path / f"{i}.npz", {"v": v})
        np.testing.assert_array_equal(v, np.where(np.arange(4) <= i, np.arange(4) + 1, 0))
        v[0] = 50  # of the Variable, not of what was loaded
