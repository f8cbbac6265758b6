"""Loading of the compiled extension: absent, off, broken, required; and show_config."""

import io
import sys
import types
import warnings

import pytest

from brainvar import _config, _native

RUNTIME = _native.runtime_ffi_version()


def fake_extension(monkeypatch, **overrides):
    """Put a module in the extension's place that describes itself like the real one."""
    info = {
        "ffi_api_major": RUNTIME[0],
        "ffi_api_minor": RUNTIME[1],
        "compiler": "none",
        "simd": "baseline",
        "version": "0",
        "cuda_architectures": "",
    } | overrides
    module = types.ModuleType(_native.EXTENSION)
    module.build_info = lambda: info
    module.registrations = lambda: {}
    monkeypatch.setitem(sys.modules, _native.EXTENSION, module)
    return module


def load(mode):
    """Load as at import; return the state and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        state = _native._load_cpu(mode)
    return state, [str(w.message) for w in caught if w.category is RuntimeWarning]


def test_the_runtime_version_is_one_that_this_jaxlib_can_have():
    # jaxlib 0.8.0 has 0.1, and every later one at least that.
    assert RUNTIME[0] == 0
    assert 1 <= RUNTIME[1] < 100


def test_the_runtime_version_without_the_header_is_the_lowest(monkeypatch, tmp_path):
    monkeypatch.setattr(_native.jax.ffi, "include_dir", lambda: str(tmp_path))
    assert _native.runtime_ffi_version() == (0, 1)


def test_absent_is_silent(monkeypatch):
    monkeypatch.setitem(sys.modules, _native.EXTENSION, None)
    state, messages = load("auto")
    assert state.status == "absent"
    assert messages == []


def test_absent_but_required_is_an_import_error(monkeypatch):
    monkeypatch.setitem(sys.modules, _native.EXTENSION, None)
    with pytest.raises(ImportError, match=r"BRAINVAR_NATIVE=on, but there is no brainvar\._cpu"):
        _native._load_cpu("on")


@pytest.mark.parametrize("version", [(RUNTIME[0], RUNTIME[1] + 1), (RUNTIME[0] + 1, 0)])
def test_too_new_is_refused_before_registering(monkeypatch, version):
    fake_extension(monkeypatch, ffi_api_major=version[0], ffi_api_minor=version[1])
    registered = []
    monkeypatch.setattr(
        _native.jax.ffi, "register_ffi_target", lambda *a, **k: registered.append(a)
    )
    state, messages = load("auto")
    assert state.status == "broken"
    assert registered == []
    (message,) = messages
    assert f"built for XLA FFI API {version[0]}.{version[1]}" in message
    assert "upgrade jaxlib or reinstall brainvar" in message
    assert "BRAINVAR_NATIVE=off" in message
    with pytest.raises(ImportError, match="BRAINVAR_NATIVE=on, but .* was built for XLA FFI API"):
        _native._load_cpu("on")


def test_an_extension_without_the_kernels_is_refused(monkeypatch):
    fake_extension(monkeypatch)
    state, (message,) = load("auto")
    assert state.status == "broken"
    assert "another version of brainvar: it lacks brainvar_add_events_csr_v1" in message


def test_an_extension_that_cannot_describe_itself_is_refused(monkeypatch):
    module = fake_extension(monkeypatch)
    del module.build_info
    state, (message,) = load("auto")
    assert state.status == "broken"
    assert "does not describe itself" in message


def test_an_extension_that_fails_to_import_is_refused(monkeypatch):
    def fail(name):
        raise ImportError("libgone.so.1: cannot open shared object file")

    monkeypatch.setattr(_native.importlib, "import_module", fail)
    state, (message,) = load("auto")
    assert state.status == "broken"
    assert "libgone.so.1" in message


def test_off_does_not_even_look(monkeypatch):
    monkeypatch.setattr(_native.importlib, "import_module", lambda name: pytest.fail("looked"))
    assert _native._load_cpu("off").status == "off"


@pytest.mark.parametrize(("value", "mode"), [("ON", "on"), (" off ", "off"), ("", "auto")])
def test_the_variable_is_read_leniently(monkeypatch, value, mode):
    monkeypatch.setenv("BRAINVAR_NATIVE", value)
    assert _native._read_mode() == mode


def test_there_are_kernels_for_the_cpu_only():
    assert _native.native_enabled("cpu") == (_native.native_state().status == "loaded")
    assert not _native.native_enabled("cuda")
    assert "no kernels for platform 'cuda'" in _native.native_state("cuda").reason


# --- in fresh interpreters -----------------------------------------------------------------------


def test_a_bad_value_is_an_error_that_names_the_variable(run_python):
    result = run_python("import brainvar.ops", native="yes", check=False)
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: environment variable BRAINVAR_NATIVE='yes'")
    assert "'auto', 'on' or 'off'" in last


DRAW = """
import numpy as np
from brainvar import _native, ops
key = np.array([0, 1234], np.uint32)
print(_native.native_state().status)
print(ops.advance(key, 2)[1].tolist(), ops.uniform(key, 5, 'float32').tolist())
print(ops.bits(key, 5, 8, stream='partitionable').tolist(), ops.randint(key, 4, 0, 9).tolist())
print(ops.add_events(np.zeros(3, 'f'), np.ones(2, bool), np.array([[0, 1], [1, 2]]), 0.1).tolist())
"""


def test_off_gives_the_same_numbers(run_python):
    off = run_python(DRAW, native="off").stdout.splitlines()
    auto = run_python(DRAW).stdout.splitlines()
    assert off[0] == "off"
    assert auto[0] in ("loaded", "absent")
    assert off[1:] == auto[1:]


BROKEN = """
import sys, types, warnings
module = types.ModuleType('brainvar._cpu')
module.build_info = lambda: {'ffi_api_major': 0, 'ffi_api_minor': 99}
module.registrations = lambda: {}
sys.modules['brainvar._cpu'] = module
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    import brainvar
    from brainvar import _config, _native, ops
    import numpy as np
    ops.split(np.zeros(2, np.uint32), 2)
print(len([w for w in caught if w.category is RuntimeWarning]), _native.native_state().status)
_config.show_config()
"""


def test_broken_warns_once_and_works(run_python):
    lines = run_python(BROKEN).stdout.splitlines()
    assert lines[0] == "1 broken"
    (status,) = [line for line in lines if line.startswith("CPU kernels")]
    assert "broken" in status
    assert "XLA FFI API 0.99" in status


# --- show_config ---------------------------------------------------------------------------------


def test_show_config_prints_what_config_dict_holds():
    config = _config.config_dict()
    text = io.StringIO()
    _config.show_config(text)
    printed = text.getvalue()
    for name, version in config["versions"].items():
        assert f"{name} " in printed
        assert version in printed
    assert set(config["versions"]) == {"brainvar", "jax", "jaxlib", "numpy", "python"}
    assert config["native"]["status"] in printed
    assert config["ffi"]["runtime"] in printed
    assert config["backend"] in printed
    assert "BRAINVAR_NATIVE" in printed
    assert "64-bit types" in printed
    if config["native"]["status"] == "loaded":
        assert config["native"]["simd"] in printed


def test_config_dict_can_leave_the_devices_alone():
    assert "devices" not in _config.config_dict(devices=False)


def test_show_config_prints_to_standard_output(capsys):
    _config.show_config()
    assert "jaxlib" in capsys.readouterr().out
