"""Event-driven accumulation: values, batches, gradients, costs and errors."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainvar import _compat, ops
from brainvar.ops import _events_twin as twin

RNG = np.random.default_rng(0)


def by_hand(target, spikes, targets, weights):
    """The definition, for one lane of a fixed-fanout table."""
    out = np.array(target)
    weights = np.broadcast_to(np.asarray(weights, out.dtype), targets.shape)
    for i in range(len(spikes)):
        for k in range(targets.shape[1]):
            if spikes[i] != 0 and 0 <= targets[i, k] < len(out):
                scale = 1 if spikes.dtype == bool else spikes[i]
                with np.errstate(over="ignore"):  # integers wrap, here as there
                    out[targets[i, k]] += weights[i, k] * scale
    return out


def dense(targets, weights, n_post):
    """The same table as a matrix [n_pre, n_post], differentiable in the weights."""
    weights = jnp.broadcast_to(weights, targets.shape)
    hit = jax.nn.one_hot(targets, n_post, dtype=weights.dtype)  # 0 for what is outside
    return jnp.einsum("ik,ikj->ij", weights, hit)


def as_csr(targets):
    return np.arange(targets.shape[0] + 1, dtype=np.int32) * targets.shape[1], targets.reshape(-1)


def by_csr(target, spikes, targets, weights):
    indptr, indices = as_csr(targets)
    flat = weights.reshape(-1) if np.ndim(weights) else weights
    return ops.add_events_csr(target, spikes, indptr, indices, flat)


def both_forms(target, spikes, targets, weights):
    yield "fixed", ops.add_events(target, spikes, targets, weights)
    yield "csr", by_csr(target, spikes, targets, weights)


def problem(n_pre=50, n_post=40, fanout=6, dtype="float32", rate=0.2):
    targets = RNG.integers(-2, n_post + 2, (n_pre, fanout)).astype(np.int32)
    if np.dtype(dtype).kind == "f":
        target, weights = (
            RNG.random(n_post).astype(dtype),
            RNG.random((n_pre, fanout)).astype(dtype),
        )
    else:
        target = RNG.integers(-50, 50, n_post).astype(dtype)
        weights = RNG.integers(-50, 50, (n_pre, fanout)).astype(dtype)
    return target, RNG.random(n_pre) < rate, targets, weights


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "bfloat16", "int32", "int64", "int8", "uint16"]
)
@pytest.mark.parametrize("scalar", [False, True])
def test_values_are_those_of_the_definition(dtype, scalar):
    dtype = jnp.dtype(dtype)
    with _compat.enable_x64(dtype.itemsize == 8):
        target, spikes, targets, weights = problem(
            dtype="float32" if dtype.kind in "fV" else "int8"
        )
        target, weights = target.astype(dtype), weights.astype(dtype)
        if scalar:
            weights = weights[0, 0]
        expected = by_hand(target, spikes, targets, weights)
        for form, got in both_forms(target, spikes, targets, weights):
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, expected, err_msg=form)  # the same order of sums


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_no_spike_and_every_spike(rate):
    problem_ = problem(rate=2 * rate)
    for form, got in both_forms(*problem_):
        np.testing.assert_array_equal(got, by_hand(*problem_), err_msg=form)


def test_graded_spikes_scale_their_row():
    target, spikes, targets, weights = problem()
    graded = np.where(spikes, RNG.normal(size=50), 0).astype(np.float32)
    for form, got in both_forms(target, graded, targets, weights):
        np.testing.assert_allclose(
            got, by_hand(target, graded, targets, weights), rtol=1e-5, atol=1e-6, err_msg=form
        )
    counts = spikes.astype(np.int32) * 3  # integers may drive floats
    for form, got in both_forms(target, counts, targets, weights):
        np.testing.assert_allclose(
            got, by_hand(target, counts, targets, weights), rtol=1e-5, err_msg=form
        )


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint32, np.int64, np.uint64])
def test_tables_may_have_any_integer_dtype(kind):
    target, spikes, targets, weights = problem()
    table = np.clip(targets, 0, 127).astype(kind)
    if kind in (np.int64, np.uint64):
        table[:, 0] = 2**32 + 3  # outside, and 3 if it were cut to 32 bits
    expected = by_hand(target, spikes, table.astype(object), weights)
    with _compat.enable_x64(np.dtype(kind).itemsize == 8):
        for form, got in both_forms(target, spikes, table, weights):
            np.testing.assert_array_equal(got, expected, err_msg=form)


def test_64_bit_tables_without_64_bit_types_are_not_cut_to_their_low_half():
    table = np.array([[2**32 + 1, 2], [-(2**32), 3]])
    assert table.dtype == np.int64
    target, spikes = np.zeros(4, np.float32), np.ones(2, bool)
    for tables in (table, table.tolist()):
        got = ops.add_events(target, spikes, tables, 1.0)
        np.testing.assert_array_equal(got, [0, 0, 1, 1])
    indptr = np.array([0, 2, 2**32 + 4])
    got = ops.add_events_csr(target, spikes, indptr, table.reshape(-1), 1.0)
    np.testing.assert_array_equal(got, [0, 0, 1, 1])


def test_sizes_beyond_the_tables_are_refused():
    spikes, few, many = (jax.ShapeDtypeStruct((n,), np.int32) for n in (3, 4, 2**31))
    with pytest.raises(ValueError, match=r"tables reach 2\*\*31 - 1 targets"):
        jax.eval_shape(ops.add_events_csr, many, spikes, few, few, few)
    with pytest.raises(ValueError, match="2147483648 indices need an indptr of dtype int64"):
        jax.eval_shape(ops.add_events_csr, few, spikes, few, many, many)


@pytest.mark.parametrize(
    ("n_pre", "n_post", "fanout"), [(0, 5, 3), (5, 0, 3), (5, 5, 0), (1, 1, 1), (130, 3, 2)]
)
def test_odd_sizes(n_pre, n_post, fanout):
    problem_ = problem(n_pre, n_post, fanout, rate=0.7)
    for form, got in both_forms(*problem_):
        np.testing.assert_array_equal(got, by_hand(*problem_), err_msg=form)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize("scalar", [False, True])
def test_csr_rows_of_different_lengths(kind, scalar):
    lengths = np.array([0, 3, 300, 0, 128, 1, 129, 0])  # around the chunks of the twin
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(kind)
    indices = RNG.integers(0, 30, indptr[-1]).astype(np.int32)
    weights = np.float32(0.5) if scalar else RNG.random(len(indices)).astype(np.float32)
    spikes = np.array([1, 1, 1, 0, 1, 0, 1, 1], bool)
    expected = np.zeros(30, np.float32)
    for i in np.flatnonzero(spikes):
        for j in range(indptr[i], indptr[i + 1]):
            expected[indices[j]] += weights if scalar else weights[j]
    with _compat.enable_x64(kind is np.int64):
        got = ops.add_events_csr(np.zeros(30, np.float32), spikes, indptr, indices, weights)
    np.testing.assert_array_equal(got, expected)


def test_a_wrong_indptr_stays_inside_the_table():
    indices, spikes = np.arange(4, dtype=np.int32), np.ones(2, bool)
    for indptr in ([-5, 2, 99], [0, 10**9, 4]):
        got = np.asarray(
            ops.add_events_csr(
                np.zeros(4, np.float32), spikes, np.array(indptr, np.int32), indices, 1.0
            )
        )
        assert ((got >= 0) & (got <= 2)).all()


@given(st.data())
def test_kernel_and_twin_agree(data):
    n_pre, n_post, fanout, lanes = data.draw(
        st.sampled_from([(1, 1, 1, 1), (70, 9, 4, 1), (9, 70, 5, 3), (300, 2, 1, 2)])
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    targets = rng.integers(-1, n_post + 1, (n_pre, fanout)).astype(np.int32)
    weights = rng.normal(size=(n_pre, fanout)).astype(np.float32)
    target = rng.normal(size=(lanes, n_post)).astype(np.float32)
    spikes = rng.random((lanes, n_pre)) < data.draw(st.sampled_from([0.0, 0.05, 0.9]))
    got = ops.add_events(target, spikes, targets, weights)
    np.testing.assert_array_equal(got, TWIN(target, spikes, targets, weights))
    indptr, indices = as_csr(targets)
    got = ops.add_events_csr(target, spikes, indptr, indices, weights.reshape(-1))
    np.testing.assert_array_equal(
        got, TWIN_CSR(target, spikes, indptr, indices, weights.reshape(-1))
    )


TWIN, TWIN_CSR = jax.jit(twin.add_events), jax.jit(twin.add_events_csr)


def test_the_argument_stays_as_it_was():
    target, spikes, targets, weights = problem(rate=1.0)
    target = jnp.asarray(target)
    before = np.array(target)
    for _, got in both_forms(target, spikes, targets, weights):
        assert (np.asarray(got) != before).any()
        np.testing.assert_array_equal(target, before)


# --- batches -------------------------------------------------------------------------------------


def test_leading_dimensions_broadcast():
    target, _, targets, weights = problem()
    spikes = RNG.random((2, 3, 50)) < 0.2
    for form, got in both_forms(target, spikes, targets, weights):
        assert got.shape == (2, 3, 40)
        np.testing.assert_array_equal(
            got[1, 2], by_hand(target, spikes[1, 2], targets, weights), err_msg=form
        )
    several = np.stack([target, -target])
    for form, got in both_forms(several, spikes[0, 0], targets, weights):
        np.testing.assert_array_equal(
            got[1], by_hand(-target, spikes[0, 0], targets, weights), err_msg=form
        )


CASES = [(mapped, False, True) for mapped in ("t", "s", "ts", "p", "tspw")]
CASES += [(m, scalar, boolean) for m in ("w", "sw") for scalar in (0, 1) for boolean in (0, 1)]


@pytest.mark.parametrize(("mapped", "scalar", "boolean"), CASES)
def test_vmap_is_the_loop(mapped, scalar, boolean):
    n = 3
    target = RNG.random((n, 8)).astype(np.float32)
    spikes = RNG.integers(0, 2, (n, 5)).astype(bool if boolean else np.float32)
    targets = RNG.integers(-1, 9, (n, 5, 4)).astype(np.int32)
    weights = RNG.random((n, 1, 1) if scalar else (n, 5, 4)).astype(np.float32)
    weights = weights.reshape(n) if scalar else weights
    axes = [0 if name in mapped else None for name in "tspw"]
    args = [
        x if a == 0 else x[0] for x, a in zip((target, spikes, targets, weights), axes, strict=True)
    ]

    for function in (ops.add_events, by_csr):
        got = jax.vmap(function, axes)(*args)
        for lane in range(n):
            one = [x[lane] if a == 0 else x for x, a in zip(args, axes, strict=True)]
            np.testing.assert_allclose(got[lane], by_hand(*one), rtol=1e-6)


@pytest.mark.parametrize("weight", [np.inf, np.nan])
def test_silent_rows_stay_silent_when_scalar_weights_are_mapped(weight):
    targets = np.array([[0], [1]], np.int32)
    for spikes in (np.array([False, True]), np.array([0.0, 2.0], np.float32)):
        for function in (ops.add_events, by_csr):
            several = jax.vmap(function, (None, None, None, 0))
            got = several(np.zeros(2, np.float32), spikes, targets, np.array([weight, 0.0], "f"))
            np.testing.assert_array_equal(got, [[0, weight], [0, 0]])


def test_shared_tables_are_not_repeated_by_vmap():
    target, spikes, targets, weights = problem()
    several = jax.vmap(ops.add_events, (None, 0, None, None))
    text = str(jax.make_jaxpr(several)(target, np.stack([spikes] * 7), targets, weights))
    assert re.search(r":f32\[7,40\] = brainvar_add_events", text)
    assert "[7,50,6]" not in text


# --- gradients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["fixed", "csr"])
@pytest.mark.parametrize("scalar", [False, True])
def test_derivatives_are_those_of_the_dense_product(form, scalar):
    target, spikes, targets, weights = problem(12, 9, 4, rate=0.6)
    spikes = np.where(spikes, RNG.normal(size=12), 0).astype(np.float32)
    weights = weights[0, 0] if scalar else weights
    indptr, indices = as_csr(targets)

    def events(t, s, w):
        if form == "fixed":
            return ops.add_events(t, s, targets, w)
        return ops.add_events_csr(t, s, indptr, indices, w if scalar else w.reshape(-1))

    def product(t, s, w):
        return t + s @ dense(targets, w, 9)

    def loss(f):
        return lambda *args: (f(*args) ** 3).sum()

    args = (target, spikes, weights)

    @jax.jit
    def derivatives(args):
        return [
            (
                jax.grad(loss(f), (0, 1, 2))(*args),
                jax.jacfwd(f, (0, 1, 2))(*args),
                jax.jacrev(f, (0, 1, 2))(*args),
                jax.hessian(loss(f), (1, 2))(*args),
            )
            for f in (events, product)
        ]

    got, expected = derivatives(args)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4), got, expected)


def test_gradients_with_boolean_spikes_and_empty_tables():
    target, spikes, targets, weights = problem(12, 9, 4, rate=0.6)
    got = jax.grad(lambda w: ops.add_events(target, spikes, targets, w).sum())(weights)
    inside = (targets >= 0) & (targets < 9)
    np.testing.assert_array_equal(got, (inside & spikes[:, None]).astype(np.float32))
    for n_pre, n_post, fanout in ((0, 5, 3), (5, 0, 3), (5, 5, 0)):
        target, spikes, targets, weights = problem(n_pre, n_post, fanout)
        indptr, indices = as_csr(targets)

        def total(t, s, w, targets=targets, indptr=indptr, indices=indices):
            fixed = ops.add_events(t, s, targets, w)
            return ops.add_events_csr(fixed, s, indptr, indices, w.reshape(-1)).sum()

        grads = jax.jit(jax.grad(total, (0, 1, 2)))(target, spikes.astype(np.float32), weights)
        assert [g.shape for g in grads] == [(n_post,), (n_pre,), (n_pre, fanout)]


# --- lowering and cost ---------------------------------------------------------------------------


def test_cpu_lowers_to_the_kernel_where_active_and_cuda_to_the_twin(native):
    target, spikes, targets, weights = problem()
    indptr, indices = as_csr(targets)
    for name, traced in (
        ("add_events", jax.jit(ops.add_events).trace(target, spikes, targets, weights)),
        (
            "add_events_csr",
            jax.jit(ops.add_events_csr).trace(target, spikes, indptr, indices, weights.reshape(-1)),
        ),
    ):
        text = traced.lower(lowering_platforms=("cpu",)).as_text()
        assert (f"@brainvar_{name}_v1" in text) == native
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
        assert "custom_call" not in text
        assert "stablehlo.while" in text
    half = jax.jit(ops.add_events).trace(target.astype("float16"), spikes, targets, np.float16(1))
    assert "@brainvar_add_events" not in half.lower().as_text()


def test_the_twin_touches_no_array_of_the_size_of_the_table():
    target, spikes, targets, weights = problem(64, 40, 6)
    lowered = jax.jit(twin.add_events).lower(target[None], spikes[None], targets, weights)
    text = lowered.as_text()
    # The whole table appears as an operand of loops and of slices, never of arithmetic.
    for line in text.splitlines():
        if "tensor<64x6x" in line and "stablehlo." in line:
            assert re.search(r"stablehlo\.(while|dynamic_slice|return)", line), line


# --- errors --------------------------------------------------------------------------------------

T, S, TAB, W = np.zeros(4, np.float32), np.zeros(3, bool), np.zeros((3, 2), np.int32), np.float32(1)
PTR, IND = np.zeros(4, np.int32), np.zeros(6, np.int32)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((T, S, TAB[0], W), ValueError, r"targets must be \[n_pre, K\] with n_pre = 3"),
        ((T, S, TAB[:2], W), ValueError, r"n_pre = 3 as the spikes, got \(2, 2\)"),
        ((T, S, TAB, np.ones(2, np.float32)), ValueError, "weights must be a scalar or"),
        ((T, S, TAB.astype(float), W), TypeError, "targets must be integers, got float"),
        ((T[0], S, TAB, W), ValueError, r"\[\.\.\., n_post\] and \[\.\.\., n_pre\]"),
        ((T.astype(int), S, TAB, W), TypeError, "weights of dtype float32 cannot be added to"),
        ((T.astype(int), S.astype("f"), TAB, 1), TypeError, "spikes of dtype float32 cannot"),
        ((T.astype(bool), S, TAB, True), TypeError, "target of dtype bool"),
        ((T.astype(complex), S, TAB, 1), TypeError, "complex64 cannot be accumulated"),
        ((np.zeros((2, 4), "f"), np.zeros((3, 3), bool), TAB, W), ValueError, "do not match"),
    ],
)
def test_wrong_arguments_of_add_events_are_named(args, error, message):
    with pytest.raises(error, match=message):
        ops.add_events(*args)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((T, S, PTR[:3], IND, W), ValueError, r"indptr must be \[n_pre \+ 1\] with n_pre = 3"),
        ((T, S, PTR, TAB, W), ValueError, r"indices must be \[nnz\]"),
        ((T, S, PTR, IND, np.ones(3, "f")), ValueError, "weights must be a scalar or"),
        ((T, S, PTR.astype("f"), IND, W), TypeError, "indptr must be integers"),
        ((T, S, PTR, IND.astype("f"), W), TypeError, "indices must be integers"),
    ],
)
def test_wrong_arguments_of_add_events_csr_are_named(args, error, message):
    with pytest.raises(error, match=message):
        ops.add_events_csr(*args)
