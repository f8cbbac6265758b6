"""Compiled programs write in the buffers of their Variables, and lose nothing by it."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar as bp
import brainvar.math as bm
from brainvar._native import native_enabled

native = pytest.mark.skipif(
    not native_enabled("cpu"), reason="without the extension nothing is donated"
)


def address(v):
    return v._value.unsafe_buffer_pointer()


def program_of(function):
    """Return the only compiled program of a bm.jit function."""
    (plan,) = function._plans.values()
    return plan


def compiled_text(plan, *dynamic):
    values = [v._read() for v in plan.own], [v._read() for v in plan.reads]
    return plan.run._compiled.lower(*values, list(dynamic)).compile().as_text()


@native
def test_a_compiled_write_stays_in_the_buffer():
    v = bm.Variable(np.zeros(5000, np.float32))
    w = bm.Variable(np.ones(5000, np.float32))

    @bm.jit
    def step(x):
        v.value = v + x * w
        w.value = w * 2

    step(1.0)
    before = address(v), address(w)
    for _ in range(5):
        step(1.0)
        assert (address(v), address(w)) == before
    np.testing.assert_array_equal(v, np.full(5000, 63.0))
    np.testing.assert_array_equal(w, np.full(5000, 64.0))


@native
def test_each_variable_keeps_its_own_buffer():
    """One that is only written must not take the buffer of another of the same shape."""
    a, b, c = (bm.Variable(np.full(4096, float(i), np.float32)) for i in range(3))

    @bm.jit
    def step():
        a.value = bm.full(4096, 7.0)  # written, not read
        c.value = c + b
        b.value = b * 2

    step()
    before = address(b), address(c)
    step()
    assert (address(b), address(c)) == before
    assert (a[0], b[0], c[0]) == (7.0, 4.0, 5.0)


def test_what_was_let_out_never_changes():
    v = bm.Variable(np.arange(6.0, dtype=np.float32))
    kept = [v.value, np.asarray(v), v[:], v.T, v.value.addressable_data(0), np.from_dlpack(v)]

    @bm.jit
    def step():
        v.value = v * 2

    for _ in range(3):
        step()
        kept.append(v.value)
    for x in kept[:6]:
        np.testing.assert_array_equal(x, np.arange(6.0))
    for i, x in enumerate(kept[6:], 1):
        np.testing.assert_array_equal(x, np.arange(6.0) * 2**i)


@native
def test_a_shared_buffer_is_copied_without_compiling_again(compilations):
    v = bm.Variable(np.zeros(100, np.float32))

    @bm.jit
    def step():
        v.value = v + 1

    step()
    first = v.value
    step()
    with compilations() as compiled:
        second = v.value
        step()
        step()
    assert not compiled
    assert (first[0], second[0], v[0]) == (1, 2, 4)
    assert sum(v.inplace_stats().copies.values()) == 2
    assert v.inplace_stats().in_place == 4


def test_two_variables_on_one_array():
    x = jnp.zeros(4)
    v, w = bm.Variable(x), bm.Variable(x)

    @bm.jit
    def step():
        v.value = v + 1
        w.value = w - 1

    step()
    step()
    np.testing.assert_array_equal(x, np.zeros(4))
    np.testing.assert_array_equal(v, np.full(4, 2.0))
    np.testing.assert_array_equal(w, np.full(4, -2.0))


def test_two_variables_that_are_given_one_value_inside():
    v, w = bm.Variable(np.zeros(4)), bm.Variable(np.ones(4))

    @bm.jit
    def step():
        x = v + w
        v.value = x
        w.value = x

    for expected in (1.0, 2.0, 4.0):
        step()
        np.testing.assert_array_equal(v, np.full(4, expected))
        np.testing.assert_array_equal(w, np.full(4, expected))
    v[0] = 100.0
    assert w[0] == 4.0


def test_two_variables_that_change_places():
    v, w = bm.Variable(np.zeros(4)), bm.Variable(np.ones(4))

    @bm.jit
    def swap():
        v.value, w.value = w.value, v.value

    for _ in range(3):
        swap()
    assert (v[0], w[0]) == (1, 0)


def test_a_variable_that_is_bound_twice():
    class Model(bp.Base):
        def __init__(self):
            super().__init__()
            self.a = bm.Variable(np.zeros(3))
            self.b = self.a

        def step(self):
            self.a += 1
            self.b *= 2

    model = Model()
    step = bm.jit(model.step)
    step()
    step()
    np.testing.assert_array_equal(model.a, np.full(3, 6.0))


def test_a_variable_that_is_an_argument_too():
    v = bm.Variable(np.zeros(3))

    @bm.jit
    def step(x, raw):
        v.value = v + raw
        x += 1
        return v.value

    for i in range(3):
        raw = v.value
        out = step(v, raw + 1)
        np.testing.assert_array_equal(out, v)
        np.testing.assert_array_equal(raw, np.full(3, [0.0, 2.0, 6.0][i]))
    np.testing.assert_array_equal(v, np.full(3, 14.0))


def test_its_own_value_as_an_argument():
    v = bm.Variable(np.arange(3.0))

    @bm.jit
    def step(raw):
        v.value = v + raw

    step(v.value)
    step(v.value)
    np.testing.assert_array_equal(v, np.arange(3.0) * 4)


def test_the_result_is_no_view_of_the_buffer():
    v = bm.Variable(np.zeros(3))

    @bm.jit
    def step():
        v.value = v + 1
        return v.value, v + 0

    results = [step() for _ in range(4)]
    for i, (x, y) in enumerate(results, 1):
        np.testing.assert_array_equal(x, np.full(3, float(i)))
        np.testing.assert_array_equal(y, np.full(3, float(i)))


@native
def test_a_loop_writes_in_the_buffers():
    ring = bm.Variable(np.zeros((50, 100), np.float32))
    total = bm.Variable(np.zeros(100, np.float32))

    def step(i):
        ring[i % 50] = total.value + i
        total.value = total + 1

    bm.for_loop(step, bm.arange(60))
    before = address(ring), address(total)
    bm.for_loop(step, bm.arange(60))
    assert (address(ring), address(total)) == before
    expected = np.zeros((50, 100))
    for i in range(120):
        expected[i % 60 % 50] = i + i % 60
    np.testing.assert_array_equal(ring, expected)


def whole_copies(text, shape):
    """Return the copies of an array of `shape`, ``f32[50,100]``, that a program makes."""
    return re.findall(rf"= {re.escape(shape)}\S* copy\(", text)


@native
@pytest.mark.parametrize("write", ["row", "element", "indices", "shift", "add_at"])
def test_no_loop_copies_the_operand(write):
    v = bm.Variable(np.zeros((64, 128), np.float32))
    index = jnp.array([3, 5, 5])

    def step(i):
        if write == "row":
            v[i] = bm.ones(128) * i
        elif write == "element":
            v[i, 3] = 1.0
        elif write == "indices":
            v[index] = 2.0
        elif write == "add_at":
            v.add_at(index, 1.0)
        else:
            v[0, 1:] = v[0, :-1]

    from brainvar.transforms import loops

    xs = jnp.arange(10)
    bm.for_loop(step, xs)
    (plan,) = loops._plans.of(step).values()
    text = compiled_text(plan, xs)
    assert not whole_copies(text, "f32[64,128]")
    assert "input_output_alias" in text


class _Failure(Exception):
    pass


def failing(x):
    raise _Failure("on the host")


def calls_back(v):
    def step(fail):
        v.value = v + 1
        if fail:
            v.value = v + jax.pure_callback(
                failing, jax.ShapeDtypeStruct(v.shape, v.dtype), v.value
            )
        return v[0]

    return step


@pytest.mark.parametrize("donate", ["auto", False])
def test_a_callback_that_fails_leaves_every_variable_as_it_was(donate):
    v = bm.Variable(np.zeros(3), name="v")
    step = bm.jit(calls_back(v), static_argnums=0, donate=donate)
    assert step(False) == 1
    with pytest.raises(Exception, match="on the host"):
        step(True)
    np.testing.assert_array_equal(v, np.ones(3))
    assert step(False) == 2


@native
def test_a_lost_value_is_explained_and_can_be_replaced():
    v = bm.Variable(np.zeros(3), name="v")
    other = bm.Variable(np.zeros(3))
    step = bm.jit(calls_back(v), static_argnums=0, donate=True)
    step(False)
    with pytest.raises(Exception, match="on the host"):
        step(True)
    uses = [
        lambda: v + 1,
        lambda: v.value,
        lambda: v[0],
        lambda: v.__setitem__(0, 1.0),
        lambda: step(False),
        lambda: np.asarray(v),
        lambda: bm.jit(lambda: v + other)(),
    ]
    for use in uses:
        with pytest.raises(bp.LostValueError) as error:
            use()
        message = str(error.value)
        assert "named 'v'" in message
        assert "bm.jit(calls_back.<locals>.step)" in message
        assert "donate=False" in message
    assert v.shape == (3,)
    assert "lost" in repr(v)
    v.value = np.full(3, 5.0)
    assert step(False) == 6
    np.testing.assert_array_equal(v, np.full(3, 6.0))


def test_a_callback_that_works_sees_and_gives_values():
    v = bm.Variable(np.zeros(3))
    seen = []

    @bm.jit
    def step():
        jax.debug.callback(lambda x: seen.append(np.array(x)), v.value)
        v.value = jax.pure_callback(
            lambda x: np.asarray(x) + 1, jax.ShapeDtypeStruct(v.shape, v.dtype), v.value
        )

    for _ in range(3):
        step()
    jax.effects_barrier()
    np.testing.assert_array_equal(v, np.full(3, 3.0))
    assert sorted(x[0] for x in seen) == [0, 1, 2]


@pytest.mark.parametrize("donate", ["auto", True])
@pytest.mark.parametrize("use", ["read", "write"])
def test_a_callback_that_uses_what_its_program_writes(use, donate):
    """It may run in a thread of XLA's, for which the call waits that has the Variable."""
    v = bm.Variable(np.zeros(4))

    def callback(x):
        if use == "write":
            v[0] = 3.0
        else:
            v.value  # noqa: B018
        return np.float32(0)

    @bm.jit(donate=donate)
    def step(m):
        v.value = v + jax.pure_callback(callback, jax.ShapeDtypeStruct((), np.float32), m.sum())

    busy = jax.jit(lambda m: jax.lax.fori_loop(0, 20, lambda i, x: x @ x * 1e-3, m))
    refused = use == "write" or (donate is True and native_enabled("cpu"))
    for operand in (jnp.ones((600, 600)), busy(jnp.ones((600, 600)))):
        if refused:
            with pytest.raises(Exception, match="a host callback must not use the Variables"):
                step(operand)
            v.value = np.zeros(4)
            v[0] = 0.0  # its own buffer
        else:
            step(operand)
    np.testing.assert_array_equal(v, np.zeros(4))


def test_a_callback_inside_a_loop():
    v = bm.Variable(np.zeros(3))

    def step(i):
        v.value = v + jax.pure_callback(
            lambda x: np.asarray(x), jax.ShapeDtypeStruct((), np.int32), i
        )

    bm.for_loop(step, bm.arange(4))
    np.testing.assert_array_equal(v, np.full(3, 6.0))


def test_a_program_that_does_not_donate_keeps_the_old_buffer():
    v = bm.Variable(np.zeros(3))

    @bm.jit(donate=False)
    def step():
        v.value = v + 1

    step()
    before = v._value
    step()
    assert not before.is_deleted()
    np.testing.assert_array_equal(before, np.ones(3))
    np.testing.assert_array_equal(v, np.full(3, 2.0))


@pytest.mark.parametrize(
    "call",
    [
        lambda: bm.jit(lambda: None, donate="never"),
        lambda: bm.for_loop(lambda x: None, bm.arange(2), donate="never"),
    ],
    ids=["jit", "for_loop"],
)
def test_an_unknown_choice_of_donation(call):
    with pytest.raises(ValueError, match="donate takes 'auto', True or False, got 'never'"):
        call()


def test_an_error_while_tracing_donates_nothing():
    v = bm.Variable(np.zeros(3))

    @bm.jit
    def step(x):
        v.value = v + 1
        if x.shape == (2,):
            raise _Failure
        return v.value

    step(jnp.ones(3))
    with pytest.raises(_Failure):
        step(jnp.ones(2))
    np.testing.assert_array_equal(v, np.ones(3))
    step(jnp.ones(3))
    np.testing.assert_array_equal(v, np.full(3, 2.0))


def test_a_copy_is_reported_at_the_line_that_writes():
    v = bm.Variable(np.zeros(3))
    writes = [
        lambda: v.__setitem__(0, 1.0),
        lambda: v.__iadd__(1),
        bm.jit(lambda: v.update(v + 1)),
    ]
    for write in writes:
        kept = v.value
        with bm.on_copy("warn"), pytest.warns(bp.CopyWarning) as warned:
            write()
        assert [Path(w.filename).name for w in warned] == ["test_donation.py"]
        del kept


@native
def test_copies_can_be_forbidden_in_compiled_calls():
    v = bm.Variable(np.zeros(3), name="v")
    w = bm.Variable(np.zeros(3))

    @bm.jit
    def step():
        v.value = v + 1
        w.value = w + 1

    step()
    with bm.on_copy("error"):
        step()
        kept = v.value
        with pytest.raises(bp.CopyError, match="named 'v' copies its 12 bytes"):
            step()
    np.testing.assert_array_equal(v, np.full(3, 2.0))
    np.testing.assert_array_equal(w, np.full(3, 2.0))
    with bm.on_copy("warn"), pytest.warns(bp.CopyWarning, match="let out"):
        step()
    np.testing.assert_array_equal(kept, np.full(3, 2.0))
    np.testing.assert_array_equal(v, np.full(3, 3.0))


def test_a_random_state_keeps_its_stream_in_donating_programs():
    rng, expected = bm.random.RandomState(3), bm.random.RandomState(3)
    v = bm.Variable(np.zeros(2))

    @bm.jit
    def step():
        v.value = v + rng.uniform(size=2)

    total = np.zeros(2)
    for _ in range(3):
        step()
        total += np.asarray(expected.uniform(size=2), total.dtype)
    np.testing.assert_allclose(v, total, rtol=1e-6)
    np.testing.assert_array_equal(rng.value, expected.value)


def test_donating_programs_nest():
    v = bm.Variable(np.zeros(3))
    inner = bm.jit(lambda: v.update(v + 1))

    @bm.jit
    def outer():
        inner()
        bm.for_loop(lambda i: v.update(v + i), bm.arange(3))
        inner()

    outer()
    outer()
    inner()
    np.testing.assert_array_equal(v, np.full(3, 11.0))


READS_AND_WRITES = {
    "two augmented elements": lambda v, i: (
        v.__setitem__(5, v[5] * 0.9),
        v.__setitem__(5, v[5] + i),
    ),
    "write, read, write": lambda v, i: (
        v.__setitem__(i, v[i] * 0.9),
        v.__setitem__(i, v[i] + 1),
    ),
    "write and read beside": lambda v, i: (v.__setitem__(i, 1.0), v.__setitem__(i + 1, v[i] + 1)),
    "accumulate, read, write": lambda v, i: (
        v.add_at(5, 1.0),
        v.__setitem__(i, v[5]),
        v.multiply_at(5, 0.5),
    ),
    "delay": lambda v, i: (v.__setitem__(i, v[i - 1]), v[i - 2])[1],
    "put": lambda v, i: v.put(i, 1.0),
}


def swap(v, i):
    v[i], v[i + 1] = v[i + 1], v[i]


@native
@pytest.mark.parametrize("name", [*READS_AND_WRITES, "swap"])
@pytest.mark.parametrize("shape", [(100_000,), (1000, 100)])
def test_no_loop_copies_what_it_reads_and_writes(name, shape):
    from brainvar.transforms import loops

    body = swap if name == "swap" else READS_AND_WRITES[name]
    model = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) % 7
    v = bm.Variable(model)

    def step(i):
        return body(v, i)

    xs = jnp.arange(5)
    bm.for_loop(step, xs)
    w = bm.Variable(model)
    for i in range(5):
        body(w, i)
    np.testing.assert_allclose(v, w, rtol=1e-6)
    (plan,) = loops._plans.of(step).values()
    values = [v._read() for v in plan.own], [v._read() for v in plan.reads]
    compiled = plan.run._compiled.lower(*values, [xs]).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < model.nbytes / 2


def test_a_program_without_donation_tells_of_its_copies():
    v = bm.Variable(np.zeros(3))

    @bm.jit
    def step():
        jax.debug.callback(lambda x: None, v[0])
        v.value = v + 1

    step()
    with bm.on_copy("error"), pytest.raises(bp.CopyError, match="compiled without donation"):
        step()
    np.testing.assert_array_equal(v, np.ones(3))
    assert sum(v.inplace_stats().copies.values()) == 1


def test_a_variable_made_inside_a_transform_of_jax_within_ours():
    def local(x):
        u = bm.Variable(jnp.zeros(3))
        u[0] = x
        u += 1
        return u.value

    expected = np.array([[i + 1, 1, 1] for i in range(3)])
    out = bm.jit(lambda x: jax.vmap(local)(x))(jnp.arange(3.0))
    np.testing.assert_array_equal(out, expected)
    gradient = bm.jit(lambda x: jax.grad(lambda y: local(y).sum())(x))(2.0)
    assert gradient == 1
