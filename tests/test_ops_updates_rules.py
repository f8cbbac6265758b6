"""In-place updates on raw arrays: batches, derivatives, what is compiled, and errors."""

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainvar import ops
from brainvar.ops import _updates_twin as twin
from updates_model import KINDS, OPS, POINT, model

PUBLIC = {"slices": ops.update_slices, "at": ops.update_at, "masked": ops.update_masked}
SHAPE, SIZE, LANES = (3, 4), 8, 3
RNG = np.random.default_rng(0)

# For each lane what says where to write, in the order of the operands; of the offsets some meet.
PLACES = {
    "slices": {
        "slices": [
            [(2, 2, -1, 3), (0, 3, 1, 1)],
            [(0, 3, 1, 0), (3, 2, -2, 1)],
            [(0, 1, 1, 0), (1, 0, 1, 1)],
        ]
    },
    "at": {
        "offsets": [np.array(x, np.int32) for x in ([4, 0, 4, -1], [8, 8, 8, 0], [0, 12, 4, 8])],
        "spec": [
            [(0, 4, 0, 2), POINT, (1, 2, 2, 1)],
            [(0, 3, 0, 1), POINT, (3, 4, -1, 0)],
            [(0, 4, 0, 0), POINT, (0, 2, 1, 7)],
        ],
    },
    "masked": {
        "mask": [np.array(x) for x in ([True, False, True], [False] * 3, [True] * 3)],
        "spec": [
            [(0, 2, 0, 2), (0, 2, 3, 1)],
            [(0, 3, 0, 0), (3, 4, -1, 1)],
            [(0, 2, 0, 1), (0, 4, 1, 0)],
        ],
    },
}


def encoded(name, place):
    return place if name in ("offsets", "mask") else ops.encode_spec(place)


def operands(kind, lane=0):
    return [encoded(name, places[lane]) for name, places in PLACES[kind].items()]


def where(kind, *lanes):
    """The places as the model takes them; each operand may come from another lane."""
    lanes = lanes if len(lanes) > 1 else lanes * len(PLACES[kind])
    items = zip(PLACES[kind].items(), lanes, strict=True)
    return {name: places[lane] for (name, places), lane in items}


def problem(seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(LANES, *SHAPE)).astype("float32"),
        rng.normal(size=(LANES, SIZE)).astype("float32"),
    )


# --- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["set", "add"])
@pytest.mark.parametrize("kind", KINDS)
def test_vmap_is_the_loop(kind, op):
    targets, values = problem()
    stacked = [targets, values, *(np.stack(x) for x in zip(*map_lanes(kind), strict=True))]
    single = [x[0] for x in stacked]
    subsets = [m for m in itertools.product((0, None), repeat=len(stacked)) if any_mapped(m)]

    @jax.jit
    def all_subsets(stacked, single):
        return [
            jax.vmap(lambda *args: PUBLIC[kind](*args, op=op), axes)(
                *(x if a == 0 else y for x, y, a in zip(stacked, single, axes, strict=True))
            )
            for axes in subsets
        ]

    for axes, got in zip(subsets, all_subsets(stacked, single), strict=True):
        for lane in range(LANES):
            at = [lane if a == 0 else 0 for a in axes]
            expected = model(targets[at[0]], values[at[1]], where(kind, *at[2:]), op)
            np.testing.assert_array_equal(got[lane], expected, err_msg=str(axes))


def map_lanes(kind):
    return [operands(kind, lane) for lane in range(LANES)]


def any_mapped(axes):
    return any(a is not None for a in axes)


@pytest.mark.parametrize("kind", KINDS)
def test_nested_vmap_along_any_axis(kind):
    targets, values = problem()
    places = [np.stack(x) for x in zip(*map_lanes(kind), strict=True)]
    inner_axes = (None, 0, *[0] * (len(places) - 1), None)
    outer_axes = (2, None, *[None] * (len(places) - 1), 0)
    several = jax.vmap(jax.vmap(PUBLIC[kind], inner_axes), outer_axes, 1)
    got = jax.jit(several)(np.moveaxis(targets, 0, 2), values, *places)
    assert got.shape == (LANES, LANES, *SHAPE)
    for outer, inner in itertools.product(range(LANES), repeat=2):
        lanes = [inner] * (len(places) - 1) + [outer]
        expected = model(targets[outer], values[inner], where(kind, *lanes), "set")
        np.testing.assert_array_equal(got[inner, outer], expected)


def test_a_mapped_target_is_not_moved_and_a_shared_spec_not_repeated():
    spec = ops.encode_spec([(0, 4, 1, 1)])
    several = jax.vmap(ops.update_slices, (0, None, None))
    text = str(jax.make_jaxpr(several)(np.zeros((5, 4), "f"), np.ones(4, "f"), spec))
    assert "f32[5,4] = brainvar_update_slices" in text
    assert not re.search(r"transpose|u32\[5", text)


# --- derivatives ---------------------------------------------------------------------------------


def matrices(kind, op):
    """What an operation that is linear in target and values does to each."""
    size = int(np.prod(SHAPE))
    zero, none = np.zeros(SHAPE), np.zeros(SIZE)
    in_target = [model(e.reshape(SHAPE), none, where(kind, 0), op) for e in np.eye(size)]
    in_values = [model(zero, e, where(kind, 0), op) for e in np.eye(SIZE)]
    return (
        np.stack([x.ravel() for x in in_target], 1),
        np.stack([x.ravel() for x in in_values], 1),
    )


@pytest.mark.parametrize("op", ["set", "add"])
@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_linear_updates(kind, op):
    targets, values = problem()
    target, values = targets[0], values[0]
    in_target, in_values = matrices(kind, op)

    def update(t, v):
        return PUBLIC[kind](t, v, *operands(kind), op=op).ravel()

    @jax.jit
    def derivatives(t, v):
        loss = lambda t, v: (update(t, v) ** 3).sum()  # noqa: E731
        by_values = jax.jacrev(lambda v: update(jnp.zeros(SHAPE), v))
        return (
            jax.jacrev(update, (0, 1))(t, v),
            jax.jacfwd(update, (0, 1))(t, v),
            (jax.jacrev(update, 0)(t, v), by_values(v)),
            jax.hessian(loss, (0, 1))(t, v),
        )

    *jacobians, hessian = derivatives(target, values)
    for d_target, d_values in jacobians:
        np.testing.assert_array_equal(d_target.reshape(in_target.shape), in_target)
        np.testing.assert_array_equal(d_values, in_values)
    out = np.diag(6 * np.asarray(update(target, values)))
    for row, left in zip(hessian, (in_target, in_values), strict=True):
        for got, right in zip(row, (in_target, in_values), strict=True):
            expected = left.T @ out @ right
            np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=1e-5)


def test_one_value_for_all_gets_the_sum_of_their_cotangents():
    weights = np.arange(12, dtype=np.float32).reshape(SHAPE)
    spec = ops.encode_spec([(0, 3, 1, 0), (1, 2, 2, 0)])
    mask = weights % 3 == 0
    for kind, places, written in (
        ("slices", (spec,), np.isin(np.arange(12) % 4, (1, 3)).reshape(SHAPE)),
        ("masked", (mask, ops.encode_spec([(0, 12, 0, 0)])), mask),
    ):

        def loss(v, kind=kind, places=places):
            return (PUBLIC[kind](jnp.zeros(SHAPE), v, *places) * weights).sum()

        got = jax.grad(loss)(np.ones(1, "f"))
        np.testing.assert_array_equal(got, [weights[written].sum()])


@pytest.mark.parametrize("op", ["set", "add"])
def test_gradients_of_batches(op):
    targets, values = problem()
    spec = operands("slices")[0]
    in_target, in_values = matrices("slices", op)

    @jax.jit
    def gradients(targets, values):
        def loss(targets, values):
            several = jax.vmap(lambda t: ops.update_slices(t, values, spec, op=op))
            return (several(targets) ** 2).sum()

        return jax.grad(loss, (0, 1))(targets, values)

    d_targets, d_values = gradients(targets, values[0])
    out = np.stack([in_target @ t.ravel() + in_values @ values[0] for t in targets])
    np.testing.assert_allclose(
        d_targets.reshape(LANES, -1), 2 * out @ in_target, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(d_values, 2 * (out @ in_values).sum(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_every_lane(kind):
    targets, values = problem()
    places = [np.stack(x) for x in zip(*map_lanes(kind), strict=True)]

    def loss(*args):
        return (PUBLIC[kind](*args) ** 2).sum()

    several = jax.jit(jax.vmap(jax.grad(loss, (0, 1))))(targets, values, *places)
    for lane in range(LANES):
        one = jax.grad(loss, (0, 1))(targets[lane], values[lane], *operands(kind, lane))
        for got, expected in zip(several, one, strict=True):
            np.testing.assert_allclose(got[lane], expected, rtol=1e-6)


def test_the_last_of_many_duplicates_takes_the_gradient():
    # Rows that are written several times, in many more writes than the twin does at once.
    n = 4 * twin.MIN_BLOCK
    rows = np.array([0, 1, 0, 1, 2, 0], np.int32)
    spec = ops.encode_spec([(0, 6, 0, 1), POINT, (0, n, 1, 0)])
    target, values = np.zeros((4, n), np.float32), np.arange(6, dtype=np.float32)
    weights = RNG.integers(1, 5, (4, n)).astype("float32")

    def loss(t, v):
        return (ops.update_at(t, v, rows * n, spec) * weights).sum()

    got = jax.grad(loss, (0, 1))(target, values)
    np.testing.assert_array_equal(got[0], weights * [[0], [0], [0], [1]])
    sums = weights.sum(1)
    np.testing.assert_array_equal(got[1], [0, 0, 0, sums[1], sums[2], sums[0]])


@pytest.mark.parametrize("op", ["multiply", "minimum", "maximum"])
@pytest.mark.parametrize("kind", ["slices", "masked"])
def test_derivatives_of_the_other_operations(kind, op):
    targets, values = problem()
    args = targets[0], values[0]
    _, place = matrices(kind, "add")  # of the values, onto the elements
    written = place.any(1)

    def reference(t, v):
        new = jnp.asarray(place, np.float32) @ v
        combined = {"multiply": jnp.multiply, "minimum": jnp.minimum, "maximum": jnp.maximum}[op]
        return jnp.where(written, combined(t.ravel(), new), t.ravel())

    def update(t, v):
        return PUBLIC[kind](t, v, *operands(kind), op=op).ravel()

    @jax.jit
    def derivatives(t, v):
        return [
            (jax.jacrev(f, (0, 1))(t, v), jax.jacfwd(f, (0, 1))(t, v)) for f in (update, reference)
        ]

    got, expected = derivatives(*args)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6), got, expected)


@pytest.mark.parametrize("op", ["multiply", "minimum", "maximum"])
def test_what_has_no_derivative_says_what_to_write(op):
    targets, values = problem()
    update = lambda t: ops.update_at(t, values[0], *operands("at"), op=op).sum()  # noqa: E731
    assert np.isfinite(update(targets[0]))
    with pytest.raises(NotImplementedError, match=rf"{op}_at has no derivative.*write v\[i\] = "):
        jax.grad(update)(targets[0])


def test_integers_have_no_tangents():
    spec = operands("slices")[0]
    target = np.arange(12).reshape(SHAPE).astype(np.int32)

    def total(x):
        done = ops.update_slices(target, np.ones(SIZE, np.int32), spec, op="multiply")
        return (done * x).sum()

    assert jax.grad(total)(2.0) == target.sum()
    assert (
        jax.jvp(
            lambda t: ops.update_at(t, t.ravel(), *operands("at")), (target,), (zero_of(target),)
        )[1].dtype
        == jax.dtypes.float0
    )


def zero_of(x):
    return np.zeros(x.shape, jax.dtypes.float0)


# --- what is compiled ----------------------------------------------------------------------------

BIG = 1_000_000


def point(i):
    return ops.encode_spec(jnp.stack([jnp.asarray(x, np.int32) for x in (i, 1, 1, 0)])[None])


ONE_ROW = ops.encode_spec([(0, 4, 0, 1), POINT])
WRITES = {
    "slices": lambda t, i: ops.update_slices(t, jnp.ones(1), point(i), op="add"),
    "at": lambda t, i: ops.update_at(t, jnp.ones(4), jnp.arange(4) + i, ONE_ROW, op="add"),
    "set_at": lambda t, i: ops.update_at(t, jnp.ones(4), jnp.arange(4) // 2 + i, ONE_ROW),
    "masked": lambda t, i: ops.update_masked(
        t, jnp.ones(1), jnp.arange(BIG) == i, ops.encode_spec([(0, 1, 0, 0)]), op="add"
    ),
}
PROGRAMS = {
    "once": lambda write: lambda t: write(t, 3),
    "twice": lambda write: lambda t: write(write(t, 3), 7),
    "scan": lambda write: (
        lambda t: jax.lax.scan(lambda c, i: (write(c, i), c.ndim), t, jnp.arange(5))[0]
    ),
    "while": lambda write: (
        lambda t: jax.lax.while_loop(
            lambda s: s[0] < 5, lambda s: (s[0] + 1, write(s[1], s[0])), (0, t)
        )[1]
    ),
    "cond": lambda write: lambda t: jax.lax.cond(t[0] > 0, lambda t: write(t, 3), lambda t: t, t),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("write", WRITES)
def test_nothing_copies_the_operand(write, program):
    # Of a donated operand of 4 MB there is no second buffer in the compiled program, by the twin
    # as little as by the kernel.
    function = jax.jit(PROGRAMS[program](WRITES[write]), donate_argnums=0)
    compiled = function.lower(jax.ShapeDtypeStruct((BIG,), np.float32)).compile()
    text = compiled.as_text()
    assert re.search(r"input_output_alias=\{[^\n]*\(0, \{\}, m", text)
    assert not re.search(rf"f32\[(1,)?{BIG}\]\S* copy\(", text)
    if write != "masked":  # the mask has to be somewhere
        assert compiled.memory_analysis().temp_size_in_bytes < 100_000


def read_then_write(settled):
    """Look up what is there, write next to it, keep what was there."""

    def step(t, i):
        old = jax.lax.dynamic_slice(t, (i,), (3,))
        if settled:
            t, old = ops.in_order(t, old)
        return ops.update_slices(t, old[:1] * 2, point(i + 1)), old

    return lambda t: jax.lax.scan(step, t, jnp.arange(5))


def test_reads_before_writes_copy_nothing_when_put_in_order(native):
    target = np.arange(BIG, dtype=np.float32)
    plain, settled = (jax.jit(read_then_write(b), donate_argnums=0) for b in (False, True))
    jax.tree.map(np.testing.assert_array_equal, plain(target.copy()), settled(target.copy()))
    assert jax.vmap(ops.in_order)(target[:4], target[:4])[0].shape == (4,)
    if native:
        compiled = settled.lower(jax.ShapeDtypeStruct((BIG,), np.float32)).compile()
        assert compiled.memory_analysis().temp_size_in_bytes < 100_000


def test_putting_in_order_is_the_identity():
    t, r = np.arange(4.0, dtype=np.float32), np.arange(2, dtype=np.int32)
    same = jax.jit(ops.in_order)
    for got in (ops.in_order(t, r), same(t, r), jax.vmap(same, (0, None), (0, None))(t, r)):
        jax.tree.map(np.testing.assert_array_equal, got, (t, r))

    def loss(t):
        t, first = ops.in_order(t, t[:2])
        return (t**2).sum() + 3 * first.sum()

    for derivative in (jax.grad, jax.jacfwd):
        np.testing.assert_array_equal(derivative(loss)(t), 2 * t + [3, 3, 0, 0])
    assert jax.jit(jax.grad(lambda t: ops.in_order(t, r)[0].sum()))(t).tolist() == [1] * 4
    traced = same.trace(t, r)
    assert "brainvar_in_order" not in traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("write", WRITES)
def test_a_donated_buffer_keeps_its_place(write, need_native):
    function = jax.jit(WRITES[write], donate_argnums=0)
    target = jnp.zeros(BIG)
    for i in range(3):
        address = target.unsafe_buffer_pointer()
        target = function(target, i)
        assert target.unsafe_buffer_pointer() == address
    assert float(target.sum()) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_new_indices_do_not_compile(kind):
    count = 0

    @jax.jit
    def update(*args):
        nonlocal count
        count += 1
        return [PUBLIC[kind](*args, op=op) for op in OPS]

    targets, values = problem()
    for lane in range(LANES):
        update(targets[0], values[0], *operands(kind, lane))
    assert count == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", OPS)
def test_cpu_lowers_to_the_kernel_where_active_and_cuda_to_the_twin(kind, op, native):
    targets, values = problem()
    traced = jax.jit(PUBLIC[kind], static_argnames="op").trace(
        targets[0], values[0], *operands(kind), op=op
    )
    name = f"@brainvar_update_{kind}_v1"
    assert (name in traced.lower(lowering_platforms=("cpu",)).as_text()) == native
    text = traced.lower(lowering_platforms=("cuda",)).as_text()
    assert "custom_call" not in text
    assert ("stablehlo.scatter" in text) == (kind == "at")


def test_dtypes_without_kernel_take_the_twin():
    target = jnp.zeros(4, jnp.float8_e4m3fn)
    spec = ops.encode_spec([(1, 2, 1, 0)])
    traced = jax.jit(ops.update_slices).trace(target, target[:1] + 1, spec)
    assert "brainvar_update" not in traced.lower().as_text()
    got = ops.update_slices(target, (target + 1)[:1], spec)
    np.testing.assert_array_equal(got.astype("float32"), [0, 1, 1, 0])


# --- errors --------------------------------------------------------------------------------------

T, V, S = np.zeros((2, 3), "f"), np.ones(6, "f"), np.zeros((2, 4, 2), np.uint32)
S1, S3 = S[:1], np.zeros((3, 4, 2), np.uint32)
K, M = np.zeros(4, np.int32), np.ones(2, bool)


@pytest.mark.parametrize(
    ("kind", "args", "message"),
    [
        ("slices", (T, V, S1), r"spec must be uint32\[2, 4, 2\], got uint32\[1, 4, 2\]"),
        ("slices", (T, V, S.astype(np.int32)), r"spec must be uint32\[2, 4, 2\], got int32"),
        ("slices", (T, V, S[0, 0]), r"spec must be uint32\[\.\.\., rows, 4, 2\]"),
        ("slices", (T, V[None], S), r"values must be float32\[m\] as the target"),
        ("slices", (T, V.astype(np.int32), S), r"values must be float32\[m\].*got int32\[6\]"),
        ("at", (T, V, K, S), r"spec must be uint32\[3, 4, 2\]"),
        ("at", (T, V, K.astype("f"), S3), "offsets must be integers, got float32"),
        ("at", (T, V, K[None], S3), r"offsets must be int32\[K\] or uint32\[K, 2\], got int32"),
        ("masked", (T, V, M, S3), r"spec must be uint32\[2, 4, 2\]"),
        ("masked", (T, V, np.ones(3, bool), S), r"mask must be bool over leading dimensions"),
        ("masked", (T, V, M.astype(int), S), r"mask must be bool"),
    ],
)
def test_wrong_operands_are_named(kind, args, message):
    with pytest.raises(TypeError, match=message):
        PUBLIC[kind](*args)


def test_unknown_operations_are_named():
    with pytest.raises(ValueError, match="op='subtract' is not an update: use one of 'set', 'add'"):
        ops.update_slices(T, V, S, op="subtract")
