"""Collector: a dictionary of Variables that is picked apart, put together and assigned."""

import jax
import numpy as np
import pytest

import brainvar.math as bm
from brainvar.core.collector import ArrayCollector, Collector, TensorCollector


@pytest.fixture
def parts():
    w = bm.TrainVar(bm.ones(2), name="w")
    p = bm.Parameter(bm.zeros(3), type="gain")
    v = bm.Variable(bm.zeros(1), type="synapse")
    return {"w": w, "p": p, "v": v}


@pytest.fixture
def collector(parts):
    return ArrayCollector(parts)


def test_a_key_keeps_its_object(collector, parts):
    collector["w"] = parts["w"]
    with pytest.raises(ValueError, match=r"'w' already holds TrainVar named 'w' of shape \(2,\)"):
        collector["w"] = parts["v"]
    assert collector["w"] is parts["w"]


def test_the_constructor_refuses_conflicts_and_keeps_the_order(parts):
    assert list(Collector([("b", 1), ("a", 2)])) == ["b", "a"]
    with pytest.raises(ValueError, match="'w' already holds"):
        Collector([("w", parts["w"]), ("w", parts["v"])])


def test_array_collectors_hold_variables_only(collector):
    with pytest.raises(TypeError, match="'x' must be a Variable, got int"):
        collector["x"] = 3
    with pytest.raises(TypeError, match="'x' must be a Variable, got JaxArray"):
        collector["x"] = bm.ones(2)
    assert TensorCollector is ArrayCollector


def test_replace(collector, parts):
    new = bm.Variable(0.0)
    collector.replace("w", new)
    assert collector["w"] is new
    with pytest.raises(KeyError):
        collector.replace("nothing", new)
    with pytest.raises(TypeError):
        collector.replace("p", 3)
    assert collector["p"] is parts["p"]


def test_update_adds_all_or_nothing(collector, parts):
    other = bm.Variable(1.0)
    assert collector.update({"x": other}, y=other) is collector
    assert collector["x"] is collector["y"] is other
    with pytest.raises(ValueError, match="'w' already holds"):
        collector.update({"fresh": other, "w": other})
    assert "fresh" not in collector
    collector.update([parts["w"], parts["v"]])
    assert list(collector)[-2:] == ["_var5", "_var6"]
    with pytest.raises(TypeError, match="takes a dict, a list or a tuple"):
        collector.update(3)


def test_addition_makes_a_new_collector(collector):
    other = bm.Variable(1.0)
    both = collector + {"x": other}
    assert type(both) is ArrayCollector
    assert list(both) == ["w", "p", "v", "x"]
    assert "x" not in collector
    assert list(collector | {"x": other}) == list(both)
    collector |= {"x": other}
    assert "x" in collector
    with pytest.raises(ValueError, match="already holds"):
        collector + {"w": other}


def test_subtraction(collector, parts):
    assert list(collector - {"w": parts["w"]}) == ["p", "v"]
    assert list(collector - ["w", parts["v"]]) == ["p"]
    with pytest.raises(ValueError, match="no such key"):
        collector - {"nothing": parts["w"]}
    with pytest.raises(ValueError, match="not the same object"):
        collector - {"w": parts["v"]}
    with pytest.raises(ValueError, match="'nothing': it is not in this collector"):
        collector - ["nothing"]
    with pytest.raises(ValueError, match="Variable of shape"):
        collector - [bm.Variable(0.0)]
    with pytest.raises(TypeError, match="can be taken off"):
        collector - 3


def test_subtracting_an_object_removes_it_under_every_key(collector, parts):
    twice = collector + {"again": parts["w"]}
    assert list(twice - [parts["w"]]) == ["p", "v"]


def test_subset_by_class_tag_variable_and_predicate(collector, parts):
    assert list(collector.subset(bm.TrainVar)) == ["w"]
    assert list(collector.subsets(bm.Parameter)) == ["p"]
    assert list(collector.subset(bm.Variable)) == ["w", "p", "v"]
    assert list(collector.subset((bm.TrainVar, bm.Parameter))) == ["w", "p"]
    assert list(collector.subset(bm.TrainVar | bm.Parameter)) == ["w", "p"]
    assert list(collector.subset("synapse")) == ["v"]
    assert list(collector.subset("gain", bm.TrainVar)) == ["w", "p"]
    assert list(collector.subset(bm.Variable(0.0, type="synapse"))) == ["v"]
    assert list(collector.subset(lambda x: x.size > 1)) == ["w", "p"]
    assert list(collector.not_subset(bm.TrainVar)) == ["p", "v"]
    assert type(collector.subset(bm.TrainVar)) is ArrayCollector
    with pytest.raises(TypeError, match="takes a class, a type tag"):
        collector.subset(3)


def test_unique_keeps_the_first_key(collector, parts):
    twice = collector + {"again": parts["w"]}
    assert list(twice.unique()) == ["w", "p", "v"]
    # Equal values are not the same Variable.
    assert len(Collector(a=bm.Variable(0.0), b=bm.Variable(0.0)).unique()) == 2


def test_dict_and_data_give_values(collector, parts):
    values = collector.dict()
    assert type(values) is dict
    assert isinstance(values["w"], jax.Array)
    assert [x.shape for x in collector.data()] == [(2,), (3,), (1,)]
    assert Collector(a=3).dict() == {"a": 3}


def test_assign_by_key_and_in_order(collector, parts):
    collector.assign({"w": [3.0, 4.0]})
    np.testing.assert_array_equal(parts["w"], [3, 4])
    collector.assign([0.0, np.ones(3, np.float32), 7.0])
    np.testing.assert_array_equal(parts["w"], [0, 0])
    np.testing.assert_array_equal(parts["p"], [1, 1, 1])
    np.testing.assert_array_equal(parts["v"], [7])


def test_a_failed_assign_changes_nothing(collector, parts):
    with pytest.raises(KeyError, match="nothing"):
        collector.assign({"w": 5.0, "nothing": 0.0})
    with pytest.raises(ValueError, match="2 values for 3 Variables"):
        collector.assign([1.0, 2.0])
    with pytest.raises(ValueError, match="does not broadcast"):
        collector.assign([5.0, 5.0, np.zeros(4)])
    np.testing.assert_array_equal(parts["w"], [1, 1])
    np.testing.assert_array_equal(parts["p"], [0, 0, 0])


def test_a_failed_assign_changes_nothing_in_the_numpy_backend():
    a, b = bm.numpy.Variable(np.ones(2)), bm.numpy.Variable(np.ones(2))
    with pytest.raises(ValueError, match="does not broadcast"):
        ArrayCollector(a=a, b=b).assign([5.0, np.zeros(3)])
    np.testing.assert_array_equal(a, [1, 1])


def test_copy_setdefault_and_repr(collector, parts):
    again = collector.copy()
    assert type(again) is ArrayCollector
    assert again == collector or list(again) == list(collector)
    assert again is not collector
    assert again.setdefault("w", bm.Variable(0.0)) is parts["w"]
    assert repr(Collector(a=1)) == "Collector({'a': 1})"


def test_a_collector_is_a_pytree(collector):
    doubled = jax.tree.map(lambda x: x * 2, collector)
    assert type(doubled) is ArrayCollector
    assert list(doubled) == ["w", "p", "v"]
    np.testing.assert_array_equal(doubled["w"], [2, 2])
