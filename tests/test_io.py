"""Saving and loading the Variables of a model."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

import brainvar as bp
import brainvar.math as bm


class Model(bp.Base):
    def __init__(self, seed=0, stream="original"):
        super().__init__()
        self.w = bm.TrainVar(bm.arange(6.0).reshape(2, 3))
        self.layers = [bm.Variable(bm.ones(2)), {"b": bm.Variable(3)}]
        self.half = bm.Variable(jnp.arange(3, dtype=jnp.bfloat16))
        self.again = self.w
        self.rng = bm.random.RandomState(seed, stream=stream)

    def change(self):
        for var in self.vars().unique().values():
            if var is not self.rng:
                var.value = var * 0
        self.rng.random(10)


def values(model):
    return {path: np.asarray(v.value) for path, v in model.vars(method="relative").items()}


def test_loading_brings_back_every_value_and_the_stream_of_random_numbers(tmp_path):
    model = Model()
    before = values(model)
    bp.save_states(tmp_path / "s.npz", model)
    numbers = model.rng.random(5)
    model.change()
    bp.load_states(tmp_path / "s.npz", model)
    after = values(model)
    assert before.keys() == after.keys()
    for path in before:
        np.testing.assert_array_equal(before[path], after[path])
        assert before[path].dtype == after[path].dtype
    np.testing.assert_array_equal(model.rng.random(5), numbers)


def test_another_instance_of_the_model_can_load(tmp_path):
    model, other = Model(seed=1), Model(seed=2)
    bp.save_states(tmp_path / "s.npz", model)
    bp.load_states(tmp_path / "s.npz", other)
    np.testing.assert_array_equal(other.rng.value, model.rng.value)


def test_a_shared_variable_is_saved_once(tmp_path):
    bp.save_states(tmp_path / "s.npz", Model())
    with np.load(tmp_path / "s.npz") as archive:
        assert len([name for name in archive.files if name in ("w", "again")]) == 1


def test_a_collection_can_be_saved_on_its_own(tmp_path):
    model = Model()
    bp.save_states(tmp_path / "s.npz", model.train_vars(method="relative"))
    model.change()
    with pytest.raises(ValueError, match="missing in the file"):
        bp.load_states(tmp_path / "s.npz", model)
    bp.load_states(tmp_path / "s.npz", model, strict=False)
    np.testing.assert_array_equal(model.w, np.arange(6.0).reshape(2, 3))
    assert (model.layers[0] == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m, "w2", bm.Variable(1.0)), "missing in the file: \\['w2'\\]"),
        (lambda m: m.layers.pop(), "only in the file: \\['layers.1.b'\\]"),
        (lambda m: m.layers.__setitem__(0, bm.Variable(bm.ones(3))), "'layers.0' is float32"),
        (lambda m: m.layers.__setitem__(0, bm.Variable([1, 2])), "the Variable is int32"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(tmp_path, change, message):
    bp.save_states(tmp_path / "s.npz", Model())
    other = Model(seed=5)
    other.w.value = other.w + 1
    change(other)
    before = values(other)
    with pytest.raises(ValueError, match=message):
        bp.load_states(tmp_path / "s.npz", other)
    for path, value in values(other).items():
        np.testing.assert_array_equal(value, before[path])


def test_the_stream_of_a_random_state_must_be_the_saved_one(tmp_path):
    bp.save_states(tmp_path / "s.npz", Model(stream="partitionable"))
    with pytest.raises(ValueError, match=r"Make it as RandomState\(stream='partitionable'\)"):
        bp.load_states(tmp_path / "s.npz", Model())


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.ones(2))
    head = json.dumps({"format": 99, "variables": {}})
    np.savez(tmp_path / "newer.npz", __brainvar__=np.array(head))
    for name in ("text", "other.npz"):
        with pytest.raises(ValueError, match="is no file that"):
            bp.load_states(tmp_path / name, Model())
    with pytest.raises(ValueError, match="newer"):
        bp.load_states(tmp_path / "newer.npz", Model())
    with pytest.raises(FileNotFoundError):
        bp.load_states(tmp_path / "none.npz", Model())
    with pytest.raises(TypeError, match="expected a model"):
        bp.save_states(tmp_path / "x.npz", [1])
    with pytest.raises(TypeError, match="is no Variable"):
        bp.save_states(tmp_path / "x.npz", {"a": np.ones(2)})


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    bp.save_states(tmp_path / "s.npz", Model())
    old = (tmp_path / "s.npz").read_bytes()

    def full(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="disk full"):
        bp.save_states(tmp_path / "s.npz", Model())
    assert (tmp_path / "s.npz").read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["s.npz"]


def test_numpy_backend(tmp_path):
    with bm.backend("numpy"):
        v = bm.Variable(bm.arange(3.0))
        bp.save_states(tmp_path / "s.npz", {"v": v})
        v += 1
        bp.load_states(tmp_path / "s.npz", {"v": v})
        np.testing.assert_array_equal(v, [0.0, 1.0, 2.0])


def test_any_name_can_be_saved(tmp_path):
    names = ("file", "allow_pickle", "args", "a/b", "x.npy", "x")
    bp.save_states(tmp_path / "s.npz", {n: bm.Variable(float(i)) for i, n in enumerate(names)})
    new = {name: bm.Variable(-1.0) for name in names}
    bp.load_states(tmp_path / "s.npz", new)
    assert [float(v) for v in new.values()] == list(map(float, range(len(names))))


def test_a_saved_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    bp.save_states(tmp_path / "s.npz", Model())
    assert (tmp_path / "s.npz").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_damaged_file_is_refused(tmp_path):
    bp.save_states(tmp_path / "s.npz", Model())
    content = (tmp_path / "s.npz").read_bytes()
    for part in (content[: len(content) // 2], content.replace(b"NUMPY", b"XXXXX")):
        (tmp_path / "s.npz").write_bytes(part)
        with pytest.raises(ValueError, match="is no file that"):
            bp.load_states(tmp_path / "s.npz", Model())
