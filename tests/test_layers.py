"""The layout of the source: dependencies one way, single-purpose files, versions in one place."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "brainvar"
SOURCES = sorted(PACKAGE.rglob("*.py"))
NATIVE_SOURCES = sorted(
    path
    for path in (ROOT / "csrc").rglob("*")
    if path.suffix in (".h", ".cc", ".cu", ".cuh", ".cpp", ".hpp")
)

# What each layer may import, besides itself. Modules at the top (``__init__``, ``__main__``,
# ``io``...) may import everything.
LAYERS = {
    "_compat": set(),
    "_native": {"_compat"},
    "ops": {"_compat", "_native"},
    "core": {"_compat", "_native", "ops"},
    "random": {"_compat", "_native", "ops", "core"},
    "transforms": {"_compat", "_native", "ops", "core"},
    "math": {"_compat", "_native", "ops", "core", "random", "transforms"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layer_of(module: str) -> str:
    return module.partition(".")[0]


class Imports(ast.NodeVisitor):
    """Collects the modules of this package that a module imports when it runs."""

    def __init__(self, path: Path):
        self.package = path.parent.relative_to(PACKAGE).parts
        self.found: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            for part in node.orelse:
                self.visit(part)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.startswith("brainvar."):
                self.found.add(alias.name.removeprefix("brainvar."))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level:
            base = self.package[: len(self.package) - node.level + 1]
            parts = (*base, *(node.module or "").split("."))
        elif node.module and node.module.partition(".")[0] == "brainvar":
            parts = tuple(node.module.split(".")[1:])
        else:
            return
        parts = tuple(part for part in parts if part)
        for alias in node.names:
            self.found.add(".".join((*parts, alias.name)))


def imports_of(path: Path) -> set[str]:
    visitor = Imports(path)
    visitor.visit(ast.parse(path.read_text()))
    return visitor.found


def test_the_visitor_sees_imports_of_all_forms():
    """Guard the tests below against a scan that finds nothing."""
    visitor = Imports(PACKAGE / "math" / "jax" / "__init__.py")
    visitor.visit(
        ast.parse(
            "import brainvar.core.array\n"
            "from brainvar.random import seed\n"
            "from brainvar import ops\n"
            "from ... import _compat\n"
            "from . import linalg\n"
            "from .._wrap import wrap\n"
            "def f():\n    from ...transforms import jit\n"
            "if TYPE_CHECKING:\n    from brainvar.io import save\n"
        )
    )
    assert visitor.found == {
        "core.array",
        "random.seed",
        "ops",
        "_compat",
        "math.jax.linalg",
        "math._wrap.wrap",
        "transforms.jit",
    }


def test_every_layer_is_there():
    assert {layer_of(module_name(path)) for path in SOURCES} >= set(LAYERS)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_dependencies_point_one_way(path):
    layer = layer_of(module_name(path))
    if layer not in LAYERS:
        return
    allowed = LAYERS[layer] | {layer}
    wrong = {name for name in imports_of(path) if layer_of(name) not in allowed}
    assert not wrong, f"{module_name(path)} ({layer}) imports {sorted(wrong)}"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_versions_of_jax_are_read_in_one_place(path):
    if path.name == "_compat.py":
        return
    pattern = r"\bjax(lib)?(\.version)?\.__version(_info)?__|\bjax\._src\b|version\(\s*['\"]jax"
    found = [match.group() for match in re.finditer(pattern, path.read_text())]
    assert not found, "JAX's version and private modules are for _compat.py only"


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_kernels_are_registered_in_one_place(path):
    if path.name == "_native.py":
        return
    assert "register_ffi" not in path.read_text()


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_python_files_are_short(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 500


@pytest.mark.parametrize("path", NATIVE_SOURCES, ids=lambda path: path.name)
def test_native_files_are_short(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 250


def test_native_files_are_found():
    assert len(NATIVE_SOURCES) > 3


def native_includes(path: Path) -> set[str]:
    return set(re.findall(r'#include "(?:csrc/)?(?:\.\./)*([\w/]+)\.\w+"', path.read_text()))


@pytest.mark.parametrize("path", NATIVE_SOURCES, ids=lambda path: path.name)
def test_core_headers_need_the_standard_library_only(path):
    if path.parent.name != "core":
        return
    text = path.read_text()
    assert not {name for name in native_includes(path) if name.startswith(("cpu", "cuda"))}
    assert not re.search(r"#include [<\"](xla|pybind11|cuda|Python)", text)
