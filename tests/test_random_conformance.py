"""All samplers of the table: signatures, errors, shapes and numbers, in every way to draw them."""

import inspect
import re
import warnings

import jax
import numpy as np
import pytest
from scipy import stats

import brainvar.math.numpy.random as host_random
import brainvar.random as brandom
from brainvar.random import RandomState
from brainvar.transforms.jit import jit
from brainvar.transforms.loops import for_loop
from random_table import BRAINPY, LATER, NO_KEY, ROWS

NUMPY = sorted(name for name in dir(np.random.RandomState) if not name.startswith("_"))
ids = [row.name for row in ROWS]
rows = pytest.mark.parametrize("row", ROWS, ids=ids)

N = 10_000
# The seed is fixed and the numbers are the same everywhere, so that this is never met by chance.
P_VALUE = 1e-5


def not_yet(names):
    """Names as parameters; those to come must fail, so that the list of them stays true."""
    mark = pytest.mark.xfail(strict=True, raises=AttributeError)
    return [pytest.param(n, marks=mark) if n in LATER else n for n in names]


# --- names and signatures ------------------------------------------------------------------------


def numpy_parameters(name):
    """Return the names of the positional parameters, and the defaults, as NumPy writes them."""
    text = getattr(np.random.RandomState, name).__doc__.strip().splitlines()[0]
    inside = re.fullmatch(rf"{name}\((.*)\)", text).group(1)
    pairs = [part.partition("=") for part in filter(None, re.split(r",\s*", inside))]
    return [n for n, _, _ in pairs], {n: eval(d) for n, _, d in pairs if d}


def own_parameters(cls, name):
    return {p.name: p for p in list(inspect.signature(getattr(cls, name)).parameters.values())[1:]}


@pytest.mark.parametrize("cls", [RandomState, host_random.RandomState], ids=["jax", "numpy"])
@pytest.mark.parametrize("name", not_yet(NUMPY))
def test_the_signature_is_that_of_numpy(cls, name):
    own = own_parameters(cls, name)
    if name in ("rand", "randn"):
        assert [p.kind.name for p in own.values()][:1] == ["VAR_POSITIONAL"]
        return
    names, defaults = numpy_parameters(name)
    positional = [n for n, p in own.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional[: len(names)] == names
    for n in names:
        if n in defaults:
            assert own[n].default == defaults[n]
    # What is ours comes after it, and is not needed.
    for n in set(own) - set(names):
        assert own[n].default is not inspect.Parameter.empty


@pytest.mark.parametrize("name", not_yet(sorted(BRAINPY)))
def test_brainpys_names_are_there(name):
    own = own_parameters(RandomState, name)
    wanted = BRAINPY[name].split()
    assert set(wanted) <= set(own)
    if not hasattr(np.random.RandomState, name):
        positional = [n for n in own if n in wanted]
        assert positional == wanted
    assert name in NO_KEY or "key" in own
    for module in (brandom, host_random):
        assert callable(getattr(module, name))
        assert name in dir(module)


@pytest.mark.parametrize("name", not_yet(NUMPY))
def test_numpys_names_are_functions_too(name):
    for module in (brandom, host_random):
        assert callable(getattr(module, name))


@rows
def test_all_take_a_key_and_a_sharding(row):
    own = own_parameters(RandomState, row.name)
    for name in ("key", "sharding"):
        assert own[name].kind is inspect.Parameter.KEYWORD_ONLY


# --- arguments -----------------------------------------------------------------------------------


def numpys(row, args):
    """Return what NumPy draws."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that of random_integers
        return getattr(np.random.RandomState(0), row.name)(*args)


@rows
def test_bad_arguments_are_refused_as_by_numpy(row):
    for args in row.bad:
        error = ValueError
        if row.numpy:
            with pytest.raises((ValueError, TypeError, OverflowError)) as raised:
                numpys(row, args)
            error = raised.type
        for cls in (RandomState, host_random.RandomState):
            state = cls(3)
            with pytest.raises((ValueError, TypeError, OverflowError)) as raised:
                getattr(state, row.name)(*args)
            # What is no number at all is a TypeError here, and often a ValueError in NumPy.
            strings = any(isinstance(x, str) for x in args)
            assert raised.type is (TypeError if strings else error), args
            np.testing.assert_array_equal(np.asarray(state.value), [0, 3])


def forms(row):
    """Return arguments that NumPy turns into draws of different shapes."""
    count = len(row.args)
    for size in ((), (None,), (4,), ((2, 3),), ((0,),)):
        yield (*row.args, *size)
    for i in range(count):
        column = [np.full((3, 1), x) if j == i else x for j, x in enumerate(row.args)]
        yield tuple(column)
        yield (*column, (2, 3, 4))
    if count > 1:
        yield np.full((3, 1), row.args[0]), *([x] * 2 for x in row.args[1:])
    if count:
        yield tuple([x, x] for x in row.args)


def result_shape(row, args):
    """Return the shape that NumPy gives, or would give."""
    if row.numpy and row.name != "random_integers":  # which takes no arrays there
        return np.shape(numpys(row, args))
    count = len(row.args)
    size = args[count] if len(args) > count else None
    if size is None:
        return np.broadcast_shapes(*map(np.shape, args[:count]))
    return (size,) if isinstance(size, int) else size


@pytest.mark.slow  # each form is compiled
@rows
def test_shapes_and_dtypes(row):
    state = host_random.RandomState(0)
    kind = {"bernoulli": "b", "tomaxint": "i"}.get(row.name, "i" if row.integer else "f")
    for args in forms(row):
        drawn = getattr(state, row.name)(*args)
        assert drawn.shape == result_shape(row, args), args
        assert drawn.dtype.kind == kind
        assert drawn.dtype.itemsize == (1 if kind == "b" else 4)
    if row.args:
        short = [np.full(3, x) for x in row.args]
        for size in ((2, 2), (4,)):
            with pytest.raises(ValueError, match="size"):
                getattr(state, row.name)(*short, size)


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", [r for r in ROWS if not r.integer and r.name != "tomaxint"], ids=lambda r: r.name
)
def test_floats_of_half_width(row):
    for dtype in ("float16", "bfloat16"):
        drawn = getattr(RandomState(0), row.name)(*row.args, size=200, dtype=dtype)
        assert drawn.dtype == dtype
        assert np.isfinite(np.asarray(drawn, np.float32)).all()


# --- distributions -------------------------------------------------------------------------------


@pytest.mark.distribution
@rows
def test_distributions(row):
    for seed, args in enumerate((row.args, *row.more)):
        drawn = np.asarray(getattr(RandomState(seed), row.name)(*args, size=N), np.float64)
        expected = row.expected(*args)
        p_value = chi_square(drawn, expected) if row.integer else ks(drawn, expected)
        assert p_value > P_VALUE, args


def ks(drawn, expected):
    return stats.kstest(drawn, expected.cdf).pvalue


def chi_square(drawn, expected):
    """Compare counts, the rare ones at the upper end together."""
    first = int(expected.support()[0])
    values = np.arange(first, first + 2000)
    probability = expected.pmf(values)
    common = np.flatnonzero(probability * len(drawn) > 5)
    last = common.max()
    wanted = np.append(probability[: last + 1], max(expected.sf(values[last]), 0)) * len(drawn)
    place = np.minimum(drawn.astype(int) - first, last + 1)
    assert place.min() >= 0
    counts = np.bincount(place, minlength=last + 2)
    enough = wanted > 1e-9
    assert not counts[~enough].any()
    if enough.sum() == 1:
        return 1.0
    counts, wanted = counts[enough], wanted[enough]
    return stats.chisquare(counts, wanted * counts.sum() / wanted.sum()).pvalue


# --- ways to draw --------------------------------------------------------------------------------


@rows
def test_every_way_gives_the_same_numbers(row):
    def draw(state, **more):
        return getattr(state, row.name)(*row.args, size=5, **more)

    eager = RandomState(11)
    expected = np.stack([np.asarray(draw(eager)) for _ in range(2)])

    def same(drawn):
        drawn = np.asarray(drawn)
        assert drawn.dtype == expected.dtype
        # Programs may contract multiply-adds differently.
        np.testing.assert_allclose(drawn, expected, rtol=5e-6, atol=1e-6)

    state = RandomState(11)
    step = jit(lambda: draw(state))
    same([np.asarray(step()) for _ in range(2)])
    np.testing.assert_array_equal(state.value, eager.value)

    state = RandomState(11)
    same(for_loop(lambda _: draw(state), np.arange(2)))
    np.testing.assert_array_equal(state.value, eager.value)

    state = RandomState(11)
    keys = np.stack([np.asarray(state.split_key()) for _ in range(2)])
    same([np.asarray(draw(RandomState(0), key=key)) for key in keys])
    same(jax.vmap(lambda key: draw(state, key=key).value)(keys))
    np.testing.assert_array_equal(state.value, eager.value)

    state = host_random.RandomState(11)
    same([draw(state) for _ in range(2)])
    np.testing.assert_array_equal(state.value, eager.value)


def test_partitionable_streams_give_other_numbers_of_the_same_kind():
    for row in ROWS:
        drawn = getattr(RandomState(0, stream="partitionable"), row.name)(*row.args)
        assert drawn.shape == ()
