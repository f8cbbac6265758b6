"""The documentation page that the package implements: every cell as written, and its display.

And `install_as_brainpy`, which lets the cells import the package under BrainPy's name.

The page was written with an old JAX, so of what it shows, ``DeviceArray`` is ``Array`` today and
``True`` of a NumPy scalar is ``np.True_``. Numbers drawn without a seed are compared by their
count, kind and container. Random numbers of the numpy backend are those of the jax backend bit
for bit, float32, where the page's numpy backend drew float64.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
CELLS = json.loads((DATA / "spec_cells.json").read_text())
NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d*)?(e[+-]?\d+)?(?!\w)")


def run_cells(**environment):
    done = subprocess.run(
        [sys.executable, DATA / "run_spec_cells.py", DATA / "spec_cells.json"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def results():
    return run_cells()


def normalize(text, cell):
    """Reduce a display to what does not depend on line breaks or versions."""
    text = text.replace("DeviceArray", "Array")
    text = re.sub(r"\s+", "", text).replace("np.True_", "True")
    if cell.get("values") == "random":
        # Whole numbers and fractions stay apart: a RandomState holds no fractions.
        text = NUMBER.sub(lambda m: "0.5" if m.group(1) else "5", text)
        # Only the numpy backend's arrays stand outside of an Array(...).
        if "Array(" not in text:
            text = text.replace(",dtype=float32)", ")")
    return text


@pytest.mark.parametrize("number", range(len(CELLS)))
def test_cell(results, number):
    cell, result = CELLS[number], results[number]
    assert result["also"] is True
    if "shows" not in cell:
        assert result["shown"] is None
        return
    assert normalize(result["shown"], cell) == normalize(cell["shows"], cell)


def test_every_seeded_display_is_compared_exactly():
    exact = [cell["shows"] for cell in CELLS if "shows" in cell and "values" not in cell]
    numbers = " ".join(exact)
    for seed_or_key in ("1234]", "2113592192", "1076515368", "3028232624", "1662729797", "654321]"):
        assert seed_or_key in numbers


def test_the_cells_show_the_same_without_the_compiled_kernels(results):
    twin = run_cells(BRAINVAR_NATIVE="off")
    for cell, native_result, twin_result in zip(CELLS, results, twin, strict=True):
        if "shows" in cell and "values" not in cell:
            assert twin_result["shown"] == native_result["shown"]


def test_normalize_tells_displays_apart():
    """Guard against a comparison that accepts anything."""
    drawn = {"values": "random"}
    assert normalize("array([0.1, 0.2])", drawn) == normalize("array([0.3, 0.25])", drawn)
    assert normalize("array([0.1])", drawn) != normalize("array([0.1, 0.2])", drawn)
    assert normalize("Variable([0.1])", drawn) != normalize("array([0.1])", drawn)
    assert normalize("array([1, 2])", drawn) != normalize("array([0.1, 0.2])", drawn)
    assert normalize("Array([0.1],dtype=float32)", drawn) != normalize("Array([0.1])", drawn)
    assert normalize("RandomState(DeviceArray([0, 1]))", {}) != normalize("Array([0, 1])", {})
    assert normalize("Array([0, 1])", {}) != normalize("Array([0, 2])", {})


# -- install_as_brainpy --------------------------------------------------------------------------

# A stand-in for the real BrainPy, in a folder on the path.
REAL = {"brainpy/__init__.py": "REAL = True\n", "brainpy/math.py": "REAL = True\n"}


@pytest.fixture
def real_brainpy(tmp_path):
    for name, text in REAL.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"


HIDE_ANY_INSTALLED = """
import importlib.util, brainvar
brainvar.install_as_brainpy(force=importlib.util.find_spec("brainpy") is not None)
"""


def test_the_modules_under_brainpys_name_are_the_same_objects(run_python):
    run_python(
        HIDE_ANY_INSTALLED
        + """
brainvar.install_as_brainpy()  # again: nothing happens
import brainpy as bp, brainpy.math as bm, brainpy.math.random as random
import brainpy.core.base, brainpy.math.jax.random
from brainpy.math import Variable, linalg
from brainpy.math.numpy import RandomState
import brainvar.core.base, brainvar.math.jax.random
assert bp is brainvar and bm is brainvar.math and random is brainvar.math.random
assert bp.core.base is brainvar.core.base
assert brainpy.math.jax.random is brainvar.math.jax.random
assert Variable is brainvar.math.jax.Variable and linalg is brainvar.math.linalg
assert RandomState is brainvar.math.numpy.RandomState
for module in (bp, bm, random, brainvar.core.base):
    assert module.__name__.startswith("brainvar")
    assert module.__spec__.name == module.__name__
try:
    import brainpy.no_such_module
except ModuleNotFoundError as error:
    assert "brainpy.no_such_module" in str(error)
else:
    raise AssertionError
"""
    )


def test_the_real_brainpy_is_not_hidden_unless_forced(run_python, real_brainpy):
    run_python(
        real_brainpy
        + """
import brainvar
for imported in (False, True):
    if imported:
        import brainpy, brainpy.math
    try:
        brainvar.install_as_brainpy()
    except RuntimeError as error:
        assert "force=True" in str(error)
        assert ("imported from" if imported else "installed at") in str(error), error
    else:
        raise AssertionError
real = brainpy
assert real.REAL and real.math.REAL
brainvar.install_as_brainpy(force=True)
import brainpy, brainpy.math
assert brainpy is brainvar and brainpy.math is brainvar.math
assert real.REAL
brainvar.install_as_brainpy()
"""
    )
