"""The PRNG implementation for `jax.random`: every function against JAX's own implementation."""

from __future__ import annotations

import copy
import inspect
import pickle

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import brainvar
import brainvar.math as bm
from brainvar._compat import JAX_VERSION, enable_x64, threefry_partitionable

STREAMS = ("original", "partitionable")
SEED = 20211

# Sampling functions of jax.random, each with calls that between them reach every part of it.
_COV = np.array([[2.0, 0.3], [0.3, 0.5]], np.float32)
CALLS = {
    "ball": [lambda k: jr.ball(k, 3, 1.5, (4,))],
    "bernoulli": [lambda k: jr.bernoulli(k, 0.3, (5, 3))],
    "beta": [lambda k: jr.beta(k, 2.5, np.float32([0.5, 1.5]))],
    "binomial": [lambda k: jr.binomial(k, np.float32([3, 100, 1000]), 0.3, (4, 3))],
    "bits": [
        lambda k: jr.bits(k, (7,), np.uint8),
        lambda k: jr.bits(k, (7,), np.uint16),
        lambda k: jr.bits(k, (3, 0, 5)),
        lambda k: jr.bits(k, (3, 1, 5)),
        lambda k: jr.bits(k),
    ],
    "categorical": [
        lambda k: jr.categorical(k, np.arange(12.0).reshape(3, 4), axis=-1),
        lambda k: jr.categorical(k, np.arange(6.0), shape=(4,), replace=False),
    ],
    "cauchy": [lambda k: jr.cauchy(k, (5,))],
    "chisquare": [lambda k: jr.chisquare(k, 3.0, (4,))],
    "choice": [
        lambda k: jr.choice(k, 10, (4,)),
        lambda k: jr.choice(k, np.arange(5), (3,), p=np.arange(1, 6) / 15),
    ],
    "dirichlet": [lambda k: jr.dirichlet(k, np.float32([0.5, 1.5, 3.0]), (2,))],
    "double_sided_maxwell": [lambda k: jr.double_sided_maxwell(k, 1.0, 2.0, (4,))],
    "exponential": [lambda k: jr.exponential(k, (5,))],
    "f": [lambda k: jr.f(k, 3.0, 4.0, (3,))],
    "gamma": [lambda k: jr.gamma(k, np.float32([0.2, 1.0, 7.5]), (2, 3))],
    "generalized_normal": [lambda k: jr.generalized_normal(k, 1.5, (4,))],
    "geometric": [lambda k: jr.geometric(k, 0.2, (5,))],
    "gumbel": [lambda k: jr.gumbel(k, (5,)), lambda k: jr.gumbel(k, (5,), mode="high")],
    "laplace": [lambda k: jr.laplace(k, (5,))],
    "loggamma": [lambda k: jr.loggamma(k, np.float32([0.01, 2.0]))],
    "logistic": [lambda k: jr.logistic(k, (5,))],
    "lognormal": [lambda k: jr.lognormal(k, 0.5, (5,))],
    "maxwell": [lambda k: jr.maxwell(k, (4,)), lambda k: jr.maxwell(k)],
    "multinomial": [lambda k: jr.multinomial(k, 20, np.float32([0.2, 0.3, 0.5]))],
    "multivariate_normal": [lambda k: jr.multivariate_normal(k, np.zeros(2, "f4"), _COV, (3,))],
    "normal": [
        lambda k: jr.normal(k),
        lambda k: jr.normal(k, (3, 4)),
        lambda k: jr.normal(k, (4097,), np.float16),
        lambda k: jr.normal(k, (65,), jnp.bfloat16),
        lambda k: jr.normal(k, (5,), np.complex64),
    ],
    "orthogonal": [lambda k: jr.orthogonal(k, 3, (2,))],
    "pareto": [lambda k: jr.pareto(k, 2.0, (5,))],
    "permutation": [
        lambda k: jr.permutation(k, 100),
        lambda k: jr.permutation(k, np.arange(12).reshape(3, 4), axis=1, independent=True),
    ],
    "poisson": [lambda k: jr.poisson(k, np.float32([0.5, 20.0]))],
    "rademacher": [lambda k: jr.rademacher(k, (9,))],
    "randint": [
        lambda k: jr.randint(k, (5,), 0, 100),
        lambda k: jr.randint(k, (5,), -3, 200, np.uint8),
        lambda k: jr.randint(k, (2, 3), 0, np.array([1, 2, 3])),
    ],
    "rayleigh": [lambda k: jr.rayleigh(k, 2.0, (4,))],
    "t": [lambda k: jr.t(k, 3.0, (4,))],
    "triangular": [lambda k: jr.triangular(k, 0.0, 0.3, 1.0, (4,))],
    "truncated_normal": [lambda k: jr.truncated_normal(k, -1.0, 2.0, (5,))],
    "uniform": [
        lambda k: jr.uniform(k),
        lambda k: jr.uniform(k, (3, 4), minval=-2.0, maxval=5.0),
        lambda k: jr.uniform(k, (300,), np.float16),
        lambda k: jr.uniform(k, (65,), jnp.bfloat16),
        # large: the bits are made in the buffer of the samples
        lambda k: jr.uniform(k, (2**18 + 3,)),
    ],
    "wald": [lambda k: jr.wald(k, 2.0, (4,))],
    "weibull_min": [lambda k: jr.weibull_min(k, 2.0, 1.5, (4,))],
}

# What makes, splits and shows keys; tested below.
NOT_SAMPLERS = {
    *("PRNGKey", "key", "key_data", "key_dtype", "key_impl", "wrap_key_data"),
    *("clone", "fold_in", "split"),
}

# In these JAX 0.8 loops over its own keys in another way (vectorised, by vmap) than over those of
# any other implementation, and XLA's vectorised logarithms and powers differ in the last digit.
GAMMAS = {"ball", "beta", "chisquare", "dirichlet", "f", "gamma", "generalized_normal", "loggamma"}
GAMMAS |= {"t"}


def our_key(stream, seed=SEED):
    return jr.key(seed, impl=brainvar.threefry_prng_impl(stream))


def jax_key(seed=SEED):
    return jr.key(seed, impl="threefry2x32")


def jax_layout(stream):
    return threefry_partitionable(stream == "partitionable")


def raw(keys):
    return np.asarray(jr.key_data(keys))


def test_no_function_of_jax_random_is_left_out():
    functions = {
        name for name in dir(jr)
        if not name.startswith("_") and inspect.isfunction(inspect.unwrap(getattr(jr, name)))
    }  # fmt: skip
    assert functions - NOT_SAMPLERS == set(CALLS)


# Whose programs JAX takes seconds to compile. The quick run has a few of them, in one layout: all
# draw their bits as those do.
LONG = GAMMAS | {"binomial", "choice", "multinomial", "permutation", "poisson"}
LONG |= {"categorical", "multivariate_normal", "orthogonal", "wald"}
QUICK = {"binomial", "categorical", "gamma", "permutation", "poisson"}


def rows():
    for name in sorted(CALLS):
        for stream in STREAMS:
            slow = name in LONG and (stream == "original" or name not in QUICK)
            yield pytest.param(name, stream, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize(("name", "stream"), list(rows()))
def test_numbers_are_those_of_jax(name, stream):
    key = our_key(stream)
    for call in CALLS[name]:
        with jax_layout(stream):
            expected = np.asarray(call(jax_key()))
        if name == "poisson":  # by the detour that the documentation names
            with jax_layout(stream):
                drawn = call(jr.wrap_key_data(jr.key_data(key), impl="threefry2x32"))
        else:
            drawn = call(key)
        assert drawn.dtype == expected.dtype
        if name in GAMMAS and JAX_VERSION < (0, 10):
            np.testing.assert_allclose(drawn, expected, rtol=3e-6)
        else:
            np.testing.assert_array_equal(drawn, expected)


def test_poisson_is_refused_by_jax_itself():
    """The day that JAX takes other implementations, its row above can lose its detour."""
    with pytest.raises(NotImplementedError, match="only implemented for the threefry2x32"):
        jr.poisson(our_key("partitionable"), 3.0)


@pytest.mark.parametrize("stream", STREAMS)
def test_64_bit_numbers(stream):
    calls = [
        lambda k: jr.bits(k, (5,), np.uint64),
        lambda k: jr.bits(k, (), np.uint64),
        lambda k: jr.uniform(k, (2**17 + 1,)),
        lambda k: jr.normal(k, (9,)),
        lambda k: jr.randint(k, (5,), -(2**40), 2**40),
    ]
    with enable_x64(True):
        for call in calls:
            with jax_layout(stream):
                expected = call(jax_key())
            drawn = call(our_key(stream))
            assert drawn.dtype == expected.dtype
            assert drawn.dtype.itemsize == 8
            np.testing.assert_array_equal(drawn, expected)


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize(
    "seed",
    [0, 1234, 2**31, 2**32 + 7, 2**63 - 1, -1, np.int8(-3), np.uint32(2**32 - 1), np.int64(2**40)],
    ids=repr,
)
def test_seeds_are_cut_as_jax_cuts_them(seed, x64):
    with enable_x64(x64):
        expected = raw(jax_key(seed))
        for stream in STREAMS:
            np.testing.assert_array_equal(raw(our_key(stream, seed)), expected)
            given = jnp.asarray(np.asarray(seed))
            traced = jax.jit(lambda s, stream=stream: our_key(stream, s))(given)
            np.testing.assert_array_equal(raw(traced), raw(jax_key(given)))
        if x64 and isinstance(seed, int) and seed >= 0:
            np.testing.assert_array_equal(expected, [seed >> 32, seed & 0xFFFFFFFF])


@pytest.mark.parametrize("x64", [False, True])
def test_all_bits_of_a_seed_by_way_of_raw_keys(x64):
    seed = 2**64 - 5
    with enable_x64(x64):
        impl = brainvar.threefry_prng_impl("partitionable")
        key = jr.wrap_key_data(brainvar.ops.seed_to_key(seed), impl=impl)
        np.testing.assert_array_equal(raw(key), [2**32 - 1, 2**32 - 5])


@pytest.mark.parametrize("seed", [1.5, np.bool_(True)], ids=repr)
def test_seeds_that_are_no_integers(seed):
    with pytest.raises(TypeError, match="integer"):
        our_key("original", seed)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("shape", [2, 0, (3,), (2, 3), (), (2, 0), (300,), (2, 2, 2)], ids=repr)
def test_split(stream, shape):
    with jax_layout(stream):
        expected = jr.split(jax_key(), shape)
    for split in (jr.split, jax.jit(jr.split, static_argnums=1)):
        keys = split(our_key(stream), shape)
        assert keys.shape == expected.shape
        np.testing.assert_array_equal(raw(keys), raw(expected))


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("data", [0, 7, 2**32 - 1, np.uint8(3), np.int64(2**31)], ids=repr)
def test_fold_in(stream, data):
    expected = raw(jr.fold_in(jax_key(), data))
    np.testing.assert_array_equal(raw(jr.fold_in(our_key(stream), data)), expected)
    compiled = jax.jit(jr.fold_in)(our_key(stream), np.asarray(data, np.uint32))
    np.testing.assert_array_equal(raw(compiled), expected)


def test_two_layouts_and_no_more():
    with pytest.raises(ValueError, match="'original' or 'partitionable'"):
        brainvar.threefry_prng_impl("threefry")
    with pytest.raises(ValueError, match="'original' or 'partitionable'"):
        brainvar.threefry_prng_impl(["original"])  # pyright: ignore[reportArgumentType]


# --- keys as arrays and objects ------------------------------------------------------------------


def test_the_implementation_is_one_object():
    for stream in STREAMS:
        impl = brainvar.threefry_prng_impl(stream)
        assert brainvar.threefry_prng_impl(stream=stream) is impl
        assert jr.key_impl(our_key(stream)) == impl
        assert hash(jr.key_impl(our_key(stream))) == hash(impl)
        assert repr(impl) == f"PRNGSpec('brainvar_threefry_{stream}')"
        assert f"key<bvt-{stream}>" in repr(our_key(stream))
    one, other = map(brainvar.threefry_prng_impl, STREAMS)
    assert one != other
    assert our_key("original").dtype != our_key("partitionable").dtype


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    "again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy, jr.clone]
)
def test_copies_of_keys(stream, again):
    keys = jr.split(our_key(stream), (2, 3))
    copied = again(keys)
    assert copied.dtype == keys.dtype
    assert jr.key_impl(copied) == brainvar.threefry_prng_impl(stream)
    np.testing.assert_array_equal(raw(copied), raw(keys))
    np.testing.assert_array_equal(jr.uniform(copied[1, 2], 3), jr.uniform(keys[1, 2], 3))


@pytest.mark.parametrize("stream", STREAMS)
def test_keys_are_arrays(stream):
    keys = jr.split(our_key(stream), 6)
    table = raw(keys)
    for arranged, expected in [
        (keys[2], table[2]),
        (keys[1:4], table[1:4]),
        (keys[jnp.array([3, 0])], table[[3, 0]]),
        (keys.reshape(2, 3), table.reshape(2, 3, 2)),
        (keys.reshape(2, 3).T, table.reshape(2, 3, 2).transpose(1, 0, 2)),
        (jnp.concatenate([keys, keys[:1]]), np.concatenate([table, table[:1]])),
        (jnp.stack([keys[4], keys[1]]), table[[4, 1]]),
        (jnp.where(jnp.arange(6) < 3, keys, keys[0]), np.r_[table[:3], table[[0, 0, 0]]]),
        (keys.at[2].set(keys[0]), table[[0, 1, 0, 3, 4, 5]]),
    ]:
        np.testing.assert_array_equal(raw(arranged), expected)
    back = jr.wrap_key_data(table, impl=brainvar.threefry_prng_impl(stream))
    assert bool((back == keys).all())
    [leaf] = jax.tree.leaves({"keys": keys})
    assert leaf is keys
    assert jax.eval_shape(lambda k: k[0], keys).dtype == keys.dtype


def test_layouts_do_not_mix():
    with pytest.raises((TypeError, ValueError)):
        jnp.concatenate([our_key("original")[None], our_key("partitionable")[None]])


def test_numbers_do_not_depend_on_the_flag_of_jax():
    for stream in STREAMS:
        drawn = []
        for flag in (True, False):
            with threefry_partitionable(flag):
                key = our_key(stream)
                drawn.append([raw(jr.split(key, 3)), jr.bits(key, (5,)), jr.normal(key, (5,))])
        for one, other in zip(*drawn, strict=True):
            np.testing.assert_array_equal(one, other)


# --- transforms ----------------------------------------------------------------------------------

# Functions of an array of six keys.
PROGRAMS = {
    "vmap": jax.vmap(lambda k: jr.normal(k, (3,))),
    "jit of vmap": jax.jit(jax.vmap(lambda k: jr.normal(k, (3,)))),
    "vmap twice": lambda keys: jax.vmap(jax.vmap(jr.uniform))(keys.reshape(2, 3)),
    "narrow": jax.vmap(lambda k: jr.bits(k, (), np.uint8)),
    "large": jax.jit(jax.vmap(lambda k: jr.bits(k, (2**16,)))),
    "split": jax.vmap(lambda k: jr.key_data(jr.split(k, (2, 2)))),
    "split in jit": jax.jit(jax.vmap(lambda k: jr.key_data(jr.split(k)))),
    "few in jit": jax.jit(lambda keys: jr.key_data(jax.vmap(jr.split)(keys[:2]))),
    "fold_in, one key": lambda keys: jax.vmap(lambda i: jr.uniform(jr.fold_in(keys[0], i)))(
        jnp.arange(9)
    ),
    "fold_in, one datum": jax.jit(lambda keys: jax.vmap(lambda k: jr.bits(jr.fold_in(k, 3)))(keys)),
    "fold_in, one each": lambda keys: jax.vmap(lambda k, i: jr.bits(jr.fold_in(k, i)))(
        keys, jnp.arange(6)
    ),
    "scan": lambda keys: jax.lax.scan(
        lambda key, _: (jr.split(key)[0], jr.uniform(key, (2,))), keys[0], None, length=4
    )[1],
    "map": lambda keys: jax.lax.map(lambda k: jr.exponential(k, (5,)), keys),
    "while": lambda keys: jax.lax.while_loop(
        lambda carry: carry[1] < 0.9,
        lambda carry: (jr.fold_in(carry[0], 1), jr.uniform(carry[0])),
        (keys[1], 0.0),
    )[1],
    "cond": lambda keys: jax.lax.cond(
        keys.size > 3, lambda k: jr.normal(k, (2,)), lambda k: jnp.zeros(2), keys[2]
    ),
    "grad": jax.grad(lambda x, keys: (x * jr.normal(keys[3], x.shape)).sum()),
    "jvp": lambda x, keys: jax.jvp(lambda x: x * jr.normal(keys[3], x.shape), (x,), (x,))[1],
    "remat": jax.grad(jax.checkpoint(lambda x, keys: (x**2 * jr.normal(keys[0], x.shape)).sum())),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_programs(name, stream):
    def run(key):
        arguments = [jr.split(key, 6)]
        if name in ("grad", "jvp", "remat"):
            arguments.insert(0, jnp.arange(1.0, 7.0))
        return PROGRAMS[name](*arguments)

    with jax_layout(stream):
        expected = run(jax_key())
    np.testing.assert_array_equal(run(our_key(stream)), expected)


def test_shard_map():
    mesh = jax.make_mesh((1,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("x")

    def shard(keys, base):
        lane = jr.fold_in(base, jax.lax.axis_index("x"))
        rows = jr.split(keys[0], 3)
        return (
            jax.vmap(lambda k: jr.normal(k, (2,)))(keys),
            jr.uniform(lane, (5,)),
            jax.vmap(jr.bits)(rows),
        )

    sharded = jax.shard_map(
        shard,
        mesh=mesh,
        in_specs=(spec, jax.sharding.PartitionSpec()),
        out_specs=spec,
    )
    keys, base = jr.split(our_key("partitionable"), 4), our_key("partitionable")
    expected = jax.jit(sharded)(jr.split(jax_key(), 4), jax_key())
    for ours, theirs in zip(jax.jit(sharded)(keys, base), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_reuse_is_noticed_by_jax():
    jax.clear_caches()  # JAX 0.8 does not look at what is compiled already
    key = our_key("partitionable")
    with jax.debug_key_reuse(True):
        jr.cauchy(key)
        with pytest.raises(jax.errors.KeyReuseError):
            jr.laplace(key)
        jr.gumbel(jr.clone(key))


def test_large_samples_lie_where_the_bits_were(need_native):
    """One buffer of the samples' size, and no second one for the bits."""
    n = 2**20
    for draw in (jr.uniform, jr.normal):
        compiled = jax.jit(lambda k, draw=draw: draw(k, (n,))).lower(our_key("original")).compile()
        assert "brainvar_threefry_bits_v1" in compiled.as_text()
        assert compiled.memory_analysis().temp_size_in_bytes < n


def test_what_a_program_calls(need_native):
    """A block or two is left to XLA, more is a call of a kernel."""

    def text(function):
        return jax.jit(function).lower(our_key("partitionable")).as_text()

    for few in (lambda k: jr.uniform(k), lambda k: jr.key_data(jr.split(k, 3))):
        assert "brainvar_threefry" not in text(few)
    assert "brainvar_threefry_bits_v1" in text(lambda k: jr.uniform(k, (100,)))
    assert "brainvar_threefry_split_v1" in text(lambda k: jr.key_data(jr.split(k, 100)))
    many = lambda k: jr.key_data(jax.vmap(jr.fold_in, (None, 0))(k, jnp.arange(100)))  # noqa: E731
    assert "brainvar_threefry_fold_in_v1" in text(many)


def test_other_platforms_get_pure_jax():
    lowered = jax.jit(lambda k: jr.normal(jr.fold_in(jr.split(k)[0], 2), (2**20,))).trace(
        our_key("partitionable")
    )
    assert "brainvar_threefry" not in lowered.lower(lowering_platforms=("cuda",)).as_text()


# --- RandomState ---------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["jax", "numpy"])
@pytest.mark.parametrize("stream", STREAMS)
def test_states_and_typed_keys(stream, backend):
    module = getattr(bm, backend).random
    other = STREAMS[1 - STREAMS.index(stream)]
    key = our_key(stream)
    state = module.RandomState(key)
    assert state.stream == stream
    assert jr.key_impl(key) == state.impl
    np.testing.assert_array_equal(np.asarray(state.value), raw(key))
    assert module.RandomState(key, stream=stream).stream == stream
    state.seed(our_key(stream, 5))
    np.testing.assert_array_equal(np.asarray(state.value), [0, 5])

    for wrong in (
        lambda: module.RandomState(key, stream=other),
        lambda: state.seed(our_key(other)),
        lambda: state.random(2, key=our_key(other)),
    ):
        with pytest.raises(ValueError, match=rf"'{other}'.*stream=|stream='{other}'"):
            wrong()
    np.testing.assert_array_equal(np.asarray(state.value), [0, 5])
    # JAX's own keys are of either layout, and raw ones are too.
    for stream_given in STREAMS:
        assert module.RandomState(jr.key(3), stream=stream_given).stream == stream_given
        assert module.RandomState(raw(key), stream=stream_given).stream == stream_given


@pytest.mark.parametrize("stream", STREAMS)
def test_typed_keys_of_a_state_give_its_numbers(stream):
    state = bm.jax.random.RandomState(7, stream=stream)
    twin = bm.jax.random.RandomState(7, stream=stream)
    key = jr.wrap_key_data(state.split_key(), impl=state.impl)
    np.testing.assert_array_equal(jr.uniform(key, (5,)), twin.random(5).value)
    keys = jr.wrap_key_data(state.split_keys(3), impl=state.impl)
    assert keys.shape == (3,)
    np.testing.assert_array_equal(jax.vmap(jr.bits)(keys), [jr.bits(k) for k in keys])


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("seed", [2**32, 2**40 + 3, 2**63, 2**64 - 1, np.uint64(2**64 - 2)])
def test_states_keep_all_bits_of_a_seed(seed, x64):
    expected = [int(seed) >> 32, int(seed) & 0xFFFFFFFF]
    with enable_x64(x64):
        for module in (bm.jax.random, bm.numpy.random):
            state = module.RandomState(seed)
            np.testing.assert_array_equal(np.asarray(state.value), expected)
            state.seed(0)
            state.seed(seed)
            np.testing.assert_array_equal(np.asarray(state.value), expected)


# --- libraries -----------------------------------------------------------------------------------


def test_flax_linen():
    linen = pytest.importorskip("flax.linen")

    class Model(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.Dropout(0.5, deterministic=False)(linen.Dense(8)(x))
            return linen.Dense(3)(x)

    def run(key):
        model, x = Model(), jnp.ones((4, 5))
        parameters = model.init({"params": key, "dropout": jr.fold_in(key, 1)}, x)
        return parameters, model.apply(parameters, x, rngs={"dropout": jr.fold_in(key, 2)})

    ours, theirs = run(our_key("partitionable")), run(jax_key())
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_flax_nnx():
    nnx = pytest.importorskip("flax.nnx")

    def run(key):
        rngs = nnx.Rngs(key)
        layer = nnx.Linear(5, 8, rngs=rngs)
        dropout = nnx.Dropout(0.5, rngs=rngs)

        @nnx.jit
        def apply(layer, dropout, x):
            return dropout(layer(x))

        return layer.kernel[...], apply(layer, dropout, jnp.ones((4, 5))), rngs.normal((3,))

    for ours, theirs in zip(run(our_key("partitionable")), run(jax_key()), strict=True):
        np.testing.assert_array_equal(ours, theirs)
