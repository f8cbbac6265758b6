"""What all tests share: which kernels are active, subprocesses, Hypothesis settings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import pytest
from hypothesis import settings

import brainvar
from brainvar._native import native_enabled, native_state

SOURCE = Path(brainvar.__file__).parent.parent

# Few examples, always the same ones: each new shape costs a compilation.
settings.register_profile("brainvar", deadline=None, max_examples=20, derandomize=True)
settings.load_profile("brainvar")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option for runs that only have to find what another version of JAX does otherwise."""
    parser.addoption(
        "--cases", type=int, metavar="N", help="run N cases, spread evenly, of tests with more"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep some cases of each test where `--cases` is given."""
    most = config.getoption("--cases")
    if most is None:
        return
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept: set[pytest.Item] = set()
    for cases in tests.values():
        count = min(most, len(cases))
        kept.update(cases[i * len(cases) // count] for i in range(count))
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def pytest_report_header() -> str:
    """Say which kernels this run tests."""
    state = native_state()
    detail = state.info.get("simd") or state.reason
    return f"brainvar: CPU kernels {state.status} ({detail})"


@pytest.fixture(scope="session")
def native() -> bool:
    """Whether the compiled CPU kernels are active in this run."""
    return native_enabled()


@pytest.fixture
def need_native(native: bool) -> None:
    """Skip where the compiled kernels are not active."""
    if not native:
        pytest.skip(f"CPU kernels are {native_state().status}")


@pytest.fixture
def compilations() -> Iterator[Callable[..., object]]:
    """Collect what JAX compiles: ``with compilations() as names: ...; assert not names``."""
    listeners: list[list[str]] = []

    def listen(event: str, duration: float, **kwargs: object) -> None:
        if event.endswith("backend_compile_duration"):
            for names in listeners:
                names.append(str(kwargs.get("fun_name", event)))

    @contextmanager
    def collect() -> Iterator[list[str]]:
        names: list[str] = []
        listeners.append(names)
        try:
            yield names
        finally:
            listeners.remove(names)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield collect
    # JAX keeps its listeners: this one does nothing from here on.
    listeners.clear()


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a snippet in a fresh interpreter: ``run_python(code, native='off')``.

    ``native`` sets BRAINVAR_NATIVE (None: unset). The result has ``returncode``, ``stdout`` and
    ``stderr``; with ``check=True`` (the default) a failure raises, showing the error output.
    """

    def run(
        code: str,
        *,
        native: str | None = None,
        check: bool = True,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        variables = {k: v for k, v in os.environ.items() if k != "BRAINVAR_NATIVE"}
        paths = [str(SOURCE), *filter(None, [variables.get("PYTHONPATH")])]
        variables |= {"PYTHONPATH": os.pathsep.join(paths), "JAX_PLATFORMS": "cpu"} | (env or {})
        if native is not None:
            variables["BRAINVAR_NATIVE"] = native
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and result.returncode:
            raise AssertionError(f"exit status {result.returncode}:\n{result.stderr}")
        return result

    return run
