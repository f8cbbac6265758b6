"""The examples in docstrings and documentation run and show what they say."""

import ast
import doctest
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import brainvar

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def docstrings():
    """Yield what is written in the package's files, not what a wrapper took over from JAX."""
    for info in pkgutil.walk_packages(brainvar.__path__, "brainvar."):
        if info.name.rpartition(".")[2].startswith("_cpu") or info.name.endswith("__main__"):
            continue
        source = Path(importlib.util.find_spec(info.name).origin)
        yield from in_file(info.name, source)
    yield from in_file("brainvar", Path(brainvar.__file__))


def in_file(module, source):
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                yield module, getattr(node, "name", ""), text


CASES = list(docstrings())


def run(test):
    output = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, out=output.append)
    assert not runner.summarize(verbose=False).failed, "".join(output)
    return runner.tries


@pytest.mark.parametrize(
    ("module", "name", "text"), CASES, ids=[f"{module}:{name}" for module, name, _ in CASES]
)
def test_docstring(module, name, text, monkeypatch):
    monkeypatch.chdir(ROOT)
    scope = {"bp": brainvar, "bm": brainvar.math, **vars(importlib.import_module(module))}
    assert run(doctest.DocTestParser().get_doctest(text, scope, f"{module}.{name}", None, 0))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page):
    text = page.read_text(encoding="utf-8")
    assert run(doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0))


def test_there_are_docstrings_with_examples():
    assert len(CASES) > 5
