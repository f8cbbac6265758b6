"""Base: names, and finding the Variables and objects that an object holds."""

import copy
import gc
import pickle

import numpy as np
import pytest

import brainvar.math as bm
from brainvar.core.base import Base, BrainPyObject, clear_name_cache
from brainvar.core.collector import ArrayCollector, Collector


class Leaf(Base):
    def __init__(self, size=2, name=None):
        super().__init__(name=name)
        self.w = bm.TrainVar(bm.ones(size))
        self.v = bm.Variable(bm.zeros(size))


class Tree(Base):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.layers = [Leaf(), (Leaf(), {"deep": Leaf()})]
        self.by_name = {"exc": Leaf(), 7: [bm.Variable(0.0)]}
        self.rng = bm.random.RandomState(1)
        self.note = "no Variable"


class Holder(Base):
    pass


def test_alias():
    assert BrainPyObject is Base
    assert bm.BrainPyObject is bm.Base is Base


# -- names ---------------------------------------------------------------------------------------


def test_automatic_names_count_by_class():
    class Counted(Base):
        pass

    class Other(Base):
        pass

    assert [Counted().name, Other().name, Counted().name] == ["Counted0", "Other0", "Counted1"]


def test_automatic_names_pass_over_names_in_use():
    class Skipped(Base):
        pass

    taken = Skipped(name="Skipped0")
    assert Skipped().name == "Skipped1"
    assert taken.name == "Skipped0"


@pytest.mark.parametrize("name", ["two words", "1st", "", "a-b"])
def test_a_name_must_be_an_identifier(name):
    with pytest.raises(ValueError, match="not a valid Python identifier"):
        Holder(name=name)


def test_a_name_must_be_a_string():
    with pytest.raises(TypeError, match="must be a str, got 3"):
        Holder(name=3)


def test_a_name_is_unique_while_its_object_lives():
    first = Holder(name="the_one")
    with pytest.raises(ValueError, match="'the_one' is in use by another object, a Holder"):
        Leaf(name="the_one")
    del first
    assert Leaf(name="the_one").name == "the_one"


def test_a_dead_cycle_frees_its_name():
    gc.disable()
    try:
        first = Holder(name="in_a_cycle")
        first.me = first
        del first
        assert Holder(name="in_a_cycle").name == "in_a_cycle"
    finally:
        gc.enable()


def test_renaming_frees_the_old_name():
    a, b = Holder(name="before"), Holder(name="occupied")
    a.name = "after"
    assert Holder(name="before").name == "before"
    with pytest.raises(ValueError, match="in use"):
        a.name = "occupied"
    assert (a.name, b.name) == ("after", "occupied")
    a.name = "after"


def test_clear_name_cache():
    kept = Holder(name="kept")
    clear_name_cache()
    assert Holder(name="kept").name == kept.name == "kept"


def test_a_class_that_does_not_call_init_has_a_name():
    class Careless(Base):
        def __init__(self):
            self.x = bm.Variable(0.0)

    obj = Careless()
    assert obj.name.startswith("Careless")
    assert list(obj.vars("relative")) == ["x"]


def test_repr_has_the_name():
    assert repr(Holder(name="shown")) == "Holder(name='shown')"


# -- vars and nodes ------------------------------------------------------------------------------


def test_relative_paths_lead_through_containers():
    tree = Tree()
    assert set(tree.vars(method="relative")) == {
        "rng",
        "by_name.7.0",
        *(
            f"{path}.{key}"
            for path in ("layers.0", "layers.1.0", "layers.1.1.deep", "by_name.exc")
            for key in ("w", "v")
        ),
    }
    assert set(tree.nodes(method="relative")) == {
        "",
        "layers.0",
        "layers.1.0",
        "layers.1.1.deep",
        "by_name.exc",
    }


def test_absolute_paths_start_with_the_owner():
    tree = Tree(name="oak")
    found = tree.vars()
    assert type(found) is ArrayCollector
    leaf = tree.layers[0]
    assert found[f"{leaf.name}.w"] is leaf.w
    assert found["oak.rng"] is tree.rng
    assert found["oak.by_name.7.0"] is tree.by_name[7][0]
    nodes = tree.nodes()
    assert type(nodes) is Collector
    assert nodes["oak"] is tree
    assert list(nodes)[0] == "oak"
    assert len(nodes) == 5


def test_random_states_are_listed():
    tree = Tree()
    assert list(tree.vars("relative").subset(bm.random.RandomState)) == ["rng"]


def test_train_vars():
    tree = Tree()
    trained = tree.train_vars(method="relative")
    assert set(trained) == {
        "layers.0.w",
        "layers.1.0.w",
        "layers.1.1.deep.w",
        "by_name.exc.w",
    }


def test_levels():
    inner, middle, outer = Leaf(), Holder(), Holder()
    middle.inner, outer.middle = inner, middle
    outer.x = bm.Variable(0.0)
    assert list(outer.vars("relative", level=0)) == ["x"]
    assert list(outer.nodes("relative", level=0)) == [""]
    assert list(outer.nodes("relative", level=1)) == ["", "middle"]
    assert list(outer.vars("relative", level=1)) == ["x"]
    assert list(outer.vars("relative", level=2)) == ["x", "middle.inner.w", "middle.inner.v"]
    assert list(outer.nodes("relative")) == ["", "middle", "middle.inner"]


def test_without_self():
    outer = Holder()
    outer.x, outer.leaf = bm.Variable(0.0), Leaf()
    assert list(outer.vars("relative", include_self=False)) == ["leaf.w", "leaf.v"]
    assert list(outer.nodes("relative", include_self=False)) == ["leaf"]
    assert outer.name not in outer.nodes(include_self=False)


def test_exclude_types():
    leaf = Leaf()
    assert list(leaf.vars("relative", exclude_types=bm.TrainVar)) == ["v"]


@pytest.mark.parametrize("method", ["absolutely", None, 1])
def test_an_unknown_method_is_an_error(method):
    with pytest.raises(ValueError, match="must be 'absolute' or 'relative'"):
        Leaf().vars(method=method)
    with pytest.raises(ValueError, match="must be 'absolute' or 'relative'"):
        Leaf().nodes(method=method)


def test_a_shared_variable_is_listed_under_each_path_and_once_in_unique():
    a, b, top = Holder(), Holder(), Holder()
    shared = bm.Variable(0.0)
    a.x = b.y = shared
    a.again = [shared]
    top.a, top.b = a, b
    found = top.vars(method="relative")
    assert list(found) == ["a.x", "a.again.0", "b.y"]
    assert all(v is shared for v in found.values())
    assert list(found.unique()) == ["a.x"]
    assert list(top.unique("relative")) == ["a.x"]


def test_a_shared_object_is_listed_under_each_path():
    leaf, top = Leaf(), Holder()
    top.a, top.b = leaf, [leaf]
    assert list(top.nodes("relative")) == ["", "a", "b.0"]
    assert list(top.vars("relative")) == ["a.w", "a.v", "b.0.w", "b.0.v"]
    assert len(top.vars()) == 2
    assert len(top.unique("relative")) == 2


def test_cycles():
    a, b = Leaf(), Leaf()
    a.other, b.other = b, a
    a.me = a
    assert list(a.nodes("relative")) == ["", "other"]
    assert set(a.nodes()) == {a.name, b.name}
    assert len(a.vars()) == 4
    assert list(b.vars("relative")) == ["w", "v", "other.w", "other.v"]


def test_a_list_that_contains_itself():
    top = Holder()
    loop = [bm.Variable(0.0)]
    loop.append(loop)
    top.loop = loop
    assert list(top.vars("relative")) == ["loop.0"]


def test_objects_that_all_know_each_other_are_listed_in_time():
    everyone = [Leaf() for _ in range(30)]
    for one in everyone:
        one.friends = everyone
    assert len(everyone[0].nodes()) == 30
    assert len(everyone[0].unique("relative")) == 60


def test_keys_that_cannot_be_told_apart_are_an_error():
    top = Holder()
    top.table = {1: bm.Variable(0.0), "1": bm.Variable(0.0)}
    with pytest.raises(ValueError, match=r"table\.1' already holds Variable"):
        top.vars()


def test_implicit_vars_and_nodes():
    top, leaf = Holder(), Leaf()
    a, b, c = (bm.Variable(float(i)) for i in range(3))
    top.register_implicit_vars(a, [b], {"c": c}, again=c)
    top.register_implicit_nodes(leaf)
    assert list(top.vars("relative", level=0)) == ["var0", "var1", "c", "again"]
    assert top.nodes()[leaf.name] is leaf
    assert f"{leaf.name}.w" in top.vars()
    top.register_implicit_vars(a)
    assert len(top.vars(level=0)) == 4
    with pytest.raises(TypeError, match="only Variables"):
        top.register_implicit_vars(3)
    with pytest.raises(TypeError, match="only Base objects"):
        top.register_implicit_nodes([a])


def test_variables_of_the_numpy_backend_are_found():
    with bm.backend("numpy"):
        leaf = Leaf()
        leaf.rng = bm.random.RandomState(0)
        assert list(leaf.vars("relative")) == ["w", "v", "rng"]
        assert list(leaf.train_vars("relative")) == ["w"]
        assert type(leaf.vars().dict()[f"{leaf.name}.v"]) is np.ndarray


# -- attributes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["jax", "numpy"])
def test_assigning_an_array_writes_into_the_variable(name):
    with bm.backend(name):
        leaf = Leaf()
        v = leaf.v
        for new in (bm.ones(2), np.array([3.0, 4.0]), 5, np.float32(2), leaf.v + 1):
            leaf.v = new
            assert leaf.v is v
            np.testing.assert_array_equal(np.asarray(v), np.broadcast_to(np.asarray(new), 2))
        leaf.v += 1
        assert leaf.v is v
        with pytest.raises(ValueError, match="does not broadcast"):
            leaf.v = bm.zeros(3)


def test_assigning_a_variable_or_another_object_replaces_the_attribute():
    leaf = Leaf()
    new = bm.Variable(bm.zeros(5))
    leaf.v = new
    assert leaf.v is new
    leaf.v = None
    assert leaf.v is None
    leaf.x = bm.ones(3)
    leaf.x = bm.ones(4)
    assert leaf.x.shape == (4,)


# -- copies --------------------------------------------------------------------------------------


def test_a_deep_copy_has_variables_and_a_name_of_its_own():
    tree = Tree(name="original")
    tree.layers[0].parent = tree
    again = copy.deepcopy(tree)
    assert again.name != "original"
    assert again.name.startswith("Tree")
    assert again.layers[0].parent is again
    again.layers[0].w.value = 9.0
    np.testing.assert_array_equal(tree.layers[0].w, [1, 1])
    assert set(again.vars("relative")) == set(tree.vars("relative"))
    assert not set(again.vars()) & set(tree.vars())


def test_pickle_keeps_a_free_name():
    leaf = Leaf(name="pickled")
    leaf.w.value = [3.0, 4.0]
    data = pickle.dumps(leaf)
    assert pickle.loads(data).name != "pickled"
    del leaf
    again = pickle.loads(data)
    assert again.name == "pickled"
    np.testing.assert_array_equal(again.w, [3, 4])
    assert type(again.w) is bm.TrainVar
    with pytest.raises(ValueError, match="in use"):
        Holder(name="pickled")


# -- in compiled functions -----------------------------------------------------------------------


def test_an_object_is_filled_in_where_it_is_made():
    @bm.jit
    def run(x):
        local = Holder()
        local.x = x
        local.x = x + 1
        return local.x * 2

    np.testing.assert_array_equal(run(bm.ones(2)), [4, 4])


def test_writing_an_attribute_that_is_a_variable_is_compiled():
    leaf = Leaf()

    @bm.jit
    def step():
        leaf.v = leaf.v + 1.0

    step()
    step()
    np.testing.assert_array_equal(leaf.v, [2, 2])


def test_rebinding_an_array_in_a_compiled_method_is_an_error():
    holder = Holder(name="rebound")
    holder.x = bm.ones(2)

    @bm.jit
    def step():
        holder.x = holder.x + 1

    with pytest.raises(TypeError, match="'x' of 'rebound'"):
        step()
    np.testing.assert_array_equal(holder.x, [1, 1])


def test_compiled_functions_see_attributes_that_were_exchanged():
    class Model(Base):
        def __init__(self):
            super().__init__()
            self.v = bm.Variable(1.0)
            self.parts = [bm.Variable(1.0), {"x": bm.Variable(1.0)}]

        def total(self):
            return self.v + self.parts[0] + self.parts[1]["x"]

    model = Model()
    total = bm.jit(model.total)
    assert total() == 3
    del model.v
    model.v = bm.Variable(2.0)
    assert total() == 4
    model.parts = [bm.Variable(3.0), {"x": bm.Variable(4.0)}]
    assert total() == 9
