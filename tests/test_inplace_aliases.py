"""What was let out of a Variable stays as it was, and what is put in is the Variable's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainvar.math as bm
from inplace_ways import VARIABLES, WAYS, WRITES, content, double, fresh, is_alive

bm_step = bm.jit(lambda v: v.__setitem__(0, v[1]))


def loop(v):
    bm.for_loop(lambda i: v.__setitem__(i, 3), bm.arange(2))


COMPILED = {
    "bm.jit": (double, lambda m: m.__imul__(2)),
    "bm.jit of an index": (bm_step, lambda m: m.__setitem__(0, m[1])),
    "bm.for_loop": (loop, lambda m: m.__setitem__(slice(0, 2), 3)),
}


def start():
    """Return a Variable whose buffer nobody else holds, and what it holds."""
    model = np.arange(12, dtype=np.float32).reshape(4, 3)
    return fresh(model), model


@pytest.mark.parametrize("way", WAYS)
def test_what_is_held_outlives_every_write(way):
    v, model = start()
    take, look = WAYS[way]
    held, expected = take(v), look(model).copy()
    for name, write in WRITES.items():
        write(v)
        write(model)
        np.testing.assert_array_equal(np.asarray(v + 0), model, name)
        assert is_alive(held), name
    np.testing.assert_array_equal(content(held, expected.shape), expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("write", COMPILED)
def test_what_is_held_outlives_compiled_writes(way, write):
    v, model = start()
    take, look = WAYS[way]
    held, expected = take(v), look(model).copy()
    step, step_model = COMPILED[write]
    for _ in range(2):
        step(v)
        step_model(model)
    assert is_alive(held)
    np.testing.assert_array_equal(content(held, expected.shape), expected)
    np.testing.assert_array_equal(v, model)


@pytest.mark.parametrize("write", WRITES)
def test_all_ways_at_once(write):
    v, model = start()
    held = {name: (take(v), look(model).copy()) for name, (take, look) in WAYS.items()}
    for _ in range(3):
        WRITES[write](v)
        WRITES[write](model)
    for name, (thing, expected) in held.items():
        assert is_alive(thing), name
        np.testing.assert_array_equal(content(thing, expected.shape), expected, name)
    np.testing.assert_array_equal(v, model)


@pytest.mark.parametrize("way", VARIABLES)
@pytest.mark.parametrize("write", [*WRITES, *COMPILED])
def test_writing_to_a_variable_made_of_another(way, write):
    v, model = start()
    w, copy = WAYS[way][0](v), model.copy()
    change, change_model = COMPILED.get(write, (WRITES.get(write),) * 2)
    for _ in range(2):
        change(w)
        change_model(copy)
        np.testing.assert_array_equal(np.asarray(v + 0), model)
        np.testing.assert_array_equal(np.asarray(w + 0), copy)
    v[2] = -1
    np.testing.assert_array_equal(w, copy)


@pytest.mark.parametrize("way", WAYS)
def test_each_write_after_each_look(way):
    """Looks and writes in turn: all that was held keeps the value of its moment."""
    v, model = start()
    take, look = WAYS[way]
    held = []
    for write in WRITES.values():
        held.append((take(v), look(model).copy()))
        write(v)
        write(model)
    for thing, expected in held:
        np.testing.assert_array_equal(content(thing, expected.shape), expected)
    np.testing.assert_array_equal(v, model)


# -- compiled results -----------------------------------------------------------------------------

STEPS = {
    "new value": lambda v: (v.__iadd__(1), v.value)[1],
    "new value twice": lambda v: (v.__iadd__(1), v.value, v.value)[1:],
    "new value reshaped": lambda v: (v.__iadd__(1), v.reshape(-1).reshape(v.shape))[1],
    "equal expressions": lambda v: (v + 1, v.__iadd__(1))[0],
    "old value": lambda v: (v.value, v.__iadd__(1))[0],
    "unchanged value": lambda v: (v.update(v.value), v.value)[1],
    "unchanged value, read only": lambda v: v.value,
    "the same row": lambda v: (v.__setitem__(0, v[0]), v.value)[1],
}


@pytest.mark.parametrize("step", STEPS)
def test_results_of_a_compiled_step_are_not_the_state(step):
    v, _ = start()
    f = bm.jit(STEPS[step])
    for _ in range(3):
        results = jax.tree.leaves(f(v))
        now = np.array(v + 0)
        before = [np.array(x) for x in results]
        v[1] = 50
        v += 1
        f(v)
        for x, expected in zip(results, before, strict=True):
            assert is_alive(x)
            np.testing.assert_array_equal(x, expected)
        v[...] = now


def test_two_states_that_end_with_one_value():
    v, w = bm.Variable(np.zeros(5)), bm.Variable(np.ones(5))

    @bm.jit
    def both():
        v.value = w + 1
        w.value = v.value
        return v.value

    for _ in range(3):
        result = both()
        expected = np.array(result)
        v[0] = -1
        np.testing.assert_array_equal(w, expected)
        w[1] = -2
        np.testing.assert_array_equal(result, expected)
        assert float(v[0]) == -1
        assert float(v[1]) == expected[1]


def test_two_states_that_change_places():
    v, w = bm.Variable(np.zeros(5)), bm.Variable(np.ones(5))

    @bm.jit
    def exchange():
        v.value, w.value = w.value, v.value

    for i in range(1, 6):
        exchange()
        v[2] = i
        w[3] = -i
        assert float(v[2]) == i
        assert float(w[3]) == -i
        assert float(v[0]) == i % 2


def test_a_read_only_state_and_a_written_one_on_one_array():
    array = jnp.arange(5.0)
    v, w = bm.Variable(array), bm.Variable(array)
    add = bm.jit(lambda: v.__iadd__(w))
    for _ in range(2):
        add()
    np.testing.assert_array_equal(v, 3 * np.arange(5))
    np.testing.assert_array_equal(w, np.arange(5))
    np.testing.assert_array_equal(array, np.arange(5))


def test_an_argument_that_is_the_array_of_a_written_state():
    v = bm.Variable(np.arange(5.0))
    add = bm.jit(lambda x: v.__iadd__(x).value)
    for power in range(3):
        held = v.value
        result = add(held)
        np.testing.assert_array_equal(held, 2**power * np.arange(5))
        np.testing.assert_array_equal(result, 2 ** (power + 1) * np.arange(5))
    bm.for_loop(lambda x: v.__iadd__(x), v.value)
    np.testing.assert_array_equal(v, 8 * np.arange(5) + 80)
    bm.for_loop(lambda x: v.__iadd__(x), v)
    np.testing.assert_array_equal(v, 8 * np.arange(5) + 80 + 480)


# -- what JAX promises ----------------------------------------------------------------------------

FUNCTIONS = {
    "identity": lambda x, y: (x, y),
    "pass-through": lambda x, y: (x, x + y),
    "one argument": lambda x, y: y,
    "duplicates": lambda x, y: (x, x),
    "duplicated results": lambda x, y: ((z := x + y), z),
    "equal expressions": lambda x, y: (x + y, x + y),
    "equal after reordering": lambda x, y: (x + y, y + x),
    "nothing to do": lambda x, y: (x + 0, x * 1),
    "reshape": lambda x, y: (x.reshape(64, 64).reshape(-1), y.reshape(64, 64)),
    "astype": lambda x, y: (x.astype(x.dtype), y.astype(y.dtype)),
    "stop_gradient": lambda x, y: jax.lax.stop_gradient((x, y)),
    "slices": lambda x, y: (x[:], y[0:4096], x[...]),
    "exchange": lambda x, y: (y, x),
    "inner jit": lambda x, y: jax.jit(lambda a: (a, a))(x),
    "loop without steps": lambda x, y: jax.lax.fori_loop(0, 0, lambda i, a: a + 1, x),
    "scan": lambda x, y: jax.lax.scan(lambda c, _: (c, c), x, None, length=1),
    "cond": lambda x, y: jax.lax.cond(x[0] == 0, lambda: x, lambda: y),
    "bitcast": lambda x, y: jax.lax.bitcast_convert_type(x, jnp.int32),
    "concatenate": lambda x, y: jnp.concatenate([x]),
}


def pointers(arrays):
    return [x.unsafe_buffer_pointer() for x in arrays]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("size", [4096, 1 << 18])
def test_results_of_an_undonated_jit_alias_nothing(name, size):
    """Ownership trusts this of the installed JAX: results are new memory, each of its own."""
    x, y = jnp.zeros(4096), jnp.ones(4096)
    function = FUNCTIONS[name]
    if size > 4096:
        x, y = jnp.zeros((size // 4096, 4096)), jnp.ones((size // 4096, 4096))
        function = jax.vmap(function)
    results = jax.tree.leaves(jax.jit(function)(x, y))
    found = pointers([x, y, *results])
    assert len(set(found)) == len(found)
    assert not any(a is b for a in results for b in (x, y))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_of_a_donated_jit_alias_each_other_never(name):
    x, y = jnp.zeros(4096), jnp.ones(4096)
    function = jax.jit(lambda x, y: (FUNCTIONS[name](x, y), x + y), donate_argnums=0)
    results = jax.tree.leaves(function(x, y))
    found = pointers([y, *results])
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"bitcast", "loop without steps"}))
def test_results_of_eager_operations_on_a_variable_are_not_its_buffer(name):
    """The same functions through a Variable, op by op: nothing that they gave ever changes."""
    v, w = bm.Variable(np.zeros(4096)), bm.Variable(np.ones(4096))
    v[0], w[0] = 0, 1
    results = jax.tree.leaves(FUNCTIONS[name](v, w))
    expected = [np.array(x) for x in results]
    v[...] = 5
    w[1] = 6
    for x, before in zip(results, expected, strict=True):
        np.testing.assert_array_equal(x, before)


# -- what the tracing of JAX keeps -----------------------------------------------------------------


def raw(x):
    return x.value if isinstance(x, bm.JaxArray) else x


KEPT = {
    "jit": (lambda v: jax.jit(lambda x: raw(v * x)), lambda f: f(2.0)),
    "jit of an index": (lambda v: jax.jit(lambda x: raw(v[0] * x)), lambda f: f(2.0)),
    "jit of a method": (lambda v: jax.jit(lambda x: v.sum().value * x), lambda f: f(2.0)),
    "vjp": (lambda v: jax.vjp(lambda x: raw(v * x), 2.0)[1], lambda f: f(jnp.ones((4, 3)))),
    "vjp, reflected": (lambda v: jax.vjp(lambda x: raw(x * v), 2.0)[1], lambda f: f(ONES)),
    "vjp of a method": (lambda v: jax.vjp(lambda x: raw(v.dot(x)), ROW)[1], lambda f: f(ROW4)),
    "linearize": (lambda v: jax.linearize(lambda x: raw(v * x), 2.0)[1], lambda f: f(1.0)),
    "make_jaxpr": (lambda v: jax.make_jaxpr(lambda x: raw(v * x))(2.0), lambda j: j.consts),
    "two Variables": (
        lambda v: jax.vjp(lambda x: raw((bm.JaxArray(x) + 1) * v), 2.0)[1],
        lambda f: f(ONES),
    ),
    "a ufunc of NumPy": (
        lambda v: jax.vjp(lambda x: raw(np.multiply(v, bm.JaxArray(x))), 2.0)[1],
        lambda f: f(ONES),
    ),
    "a function of bm": (
        lambda v: jax.vjp(lambda x: raw(bm.multiply(v, x)), 2.0)[1],
        lambda f: f(ONES),
    ),
    "indexing by a tracer": (lambda v: jax.jit(lambda i: raw(v[i])), lambda f: f(1)),
    "another Variable's update": (
        lambda v: jax.vjp(lambda x: (v.at[0].multiply(x)).value, 2.0)[1],
        lambda f: f(ONES),
    ),
}
ONES, ROW, ROW4 = jnp.ones((4, 3)), jnp.ones(3), jnp.ones(4)


@pytest.mark.parametrize("name", KEPT)
def test_what_jax_keeps_of_a_trace_outlives_writes(name):
    """Residuals and constants of a trace are values that somebody holds."""
    v, _ = start()
    keep, use = KEPT[name]
    held = keep(v)
    first = jax.tree.map(np.array, use(held))
    for write in WRITES.values():
        write(v)
    jax.tree.map(np.testing.assert_array_equal, use(held), first)


WRONG = {
    "v[1] = x": lambda v: lambda x: v.__setitem__(1, x),
    "v[:] = x": lambda v: lambda x: v.__setitem__(slice(None), x),
    "v *= x": lambda v: v.__imul__,
    "bm.jit": lambda v: bm.jit(lambda x: v.__imul__(x)),
}

SETTINGS = {
    "disable_jit": jax.disable_jit,
    "debug_nans": lambda: jax.debug_nans(True),
    "checking_leaks": jax.checking_leaks,
    "matmul precision": lambda: jax.default_matmul_precision("float32"),
}


@bm.jit
def take_over(v, w):
    v.value = w


@bm.jit
def take_over_argument(v, x):
    v.value = x


@pytest.mark.parametrize("way", [".value", "[:]", "np.asarray", "Variable(v)", "T.T"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_under_settings_of_jax(way, setting):
    v, model = start()
    other = bm.Variable(model)
    other[0, 0] = 0
    take, look = WAYS[way]
    with SETTINGS[setting]():
        for name, write in WRITES.items():
            held, expected = take(v), look(model).copy()
            write(v)
            write(model)
            np.testing.assert_array_equal(v, model, name)
            np.testing.assert_array_equal(content(held, expected.shape), expected)
        np.copyto(v, other)
        np.positive(other, out=v)
        v.value = other
        v += 1
        double(other)
        v[...] = other
        v[1] = 5
        take_over(v, other)
        v[1] = 5
        given = other.value
        take_over_argument(v, given)
        v[1] = 5
    np.testing.assert_array_equal(other, np.arange(12).reshape(4, 3) * 2)
    np.testing.assert_array_equal(given, other)


@pytest.mark.parametrize("flag", ["jax_debug_nans", "jax_debug_infs"])
@pytest.mark.parametrize("give_up", WRONG)
def test_a_result_that_jax_refuses(flag, give_up):
    """JAX raises when the result is there: the Variable is as before."""
    v = bm.Variable(np.ones(4))
    bad = np.float32(np.nan if flag == "jax_debug_nans" else np.inf)
    write = WRONG[give_up](v)
    write(1.0), write(1.0)
    jax.config.update(flag, True)
    try:
        with pytest.raises(FloatingPointError):
            write(bad)
        write(1.0)
        v[2] = 5
    finally:
        jax.config.update(flag, False)
    np.testing.assert_array_equal(v, [1, 1, 5, 1])


# -- several devices ------------------------------------------------------------------------------

SHARDED = """
import jax, numpy as np, jax.numpy as jnp
import brainvar.math as bm
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

mesh = Mesh(np.array(jax.devices()), ("x",))
for spec in (P("x"), P()):
    sharding = NamedSharding(mesh, spec)
    model = np.arange(16, dtype=np.float32)
    v = bm.Variable(jax.device_put(jnp.asarray(model), sharding))
    for step in range(3):
        here = v.value.sharding
        held = {
            "value": v.value,
            "put": jax.device_put(v.value, here),
            "put elsewhere": jax.device_put(v.value, sharding),
            "numpy": np.asarray(v),
            "single": jax.make_array_from_single_device_arrays(
                (16,), here, [s.data for s in v.value.addressable_shards]),
        }
        shards = [(s.data, np.array(s.data)) for s in v.value.addressable_shards]
        expected = model.copy()
        v[step] = 5
        model[step] = 5
        v += 1
        model += 1
        v[1:] = v[:-1]
        model[1:] = model[:-1]
        bm.jit(lambda: v.__imul__(2))()
        model *= 2
        v[3:9:2] = 7
        model[3:9:2] = 7
        v[[1, 2, 2]] = 3
        model[[1, 2, 2]] = 3
        v[np.arange(16) > 12] = 1
        model[13:] = 1
        assert v.value.sharding.is_equivalent_to(here, 1)
        np.testing.assert_array_equal(np.asarray(v + 0), model)
        for name, x in held.items():
            np.testing.assert_array_equal(np.asarray(x), expected, name)
        for x, before in shards:
            np.testing.assert_array_equal(np.asarray(x), before)
"""


def test_shards_that_are_held(run_python):
    run_python(SHARDED, env={"XLA_FLAGS": "--xla_force_host_platform_device_count=2"})
