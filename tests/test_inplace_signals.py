"""Ctrl-C at any moment: every Variable is as before or after the write that it hit."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPEATED = {
    "indices": ["elements", "indices", "held", "add_events"],
    "arithmetic": ["augmented", "add_at", "large", "assigned"],
    "random numbers": ["draws", "splits"],
    "compiled": ["compiled", "compiled_many", "compiled_shared", "looped"],
}
FIRST = {
    "eager": ["elements", "indices", "augmented", "add_at", "held", "draws"],
    "compiled": ["compiled", "compiled_many", "compiled_shared", "looped"],
}
CLEARED = ["elements_after_clearing", "elements_of_other_kinds", "compiled_after_clearing"]


def interrupt(run_python, names, times, *, first=False, native="on"):
    """Run cases of `inplace_interrupts`; with the kernels, a step writes all or nothing."""
    run_python(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import inplace_interrupts\n"
        f"inplace_interrupts.run({names}, {times}, first={first}, whole={native == 'on'})",
        native=native,
    )


@pytest.mark.usefixtures("need_native")
@pytest.mark.parametrize("group", REPEATED)
def test_interrupted_writes(run_python, group):
    interrupt(run_python, REPEATED[group], 250)


@pytest.mark.usefixtures("need_native")
@pytest.mark.parametrize("group", FIRST)
def test_interrupted_first_calls(run_python, group):
    """Those in which a program is compiled."""
    interrupt(run_python, FIRST[group], 4, first=True)


@pytest.mark.usefixtures("need_native")
def test_interrupted_calls_after_the_programs_were_forgotten(run_python):
    interrupt(run_python, CLEARED, 20)


@pytest.mark.usefixtures("need_native")
def test_interrupts_while_the_first_result_is_handed_over(run_python):
    run_python(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import inplace_interrupts\n"
        "inplace_interrupts.run_at_the_end(['elements', 'compiled', 'looped'])",
        native="on",
    )


def test_interrupted_writes_without_the_kernels(run_python):
    """Each Variable by itself is as before or after; several may differ."""
    interrupt(run_python, ["elements", "draws", "compiled"], 100, native="off")


def test_interrupted_first_calls_without_the_kernels(run_python):
    interrupt(run_python, ["elements", "compiled"], 5, first=True, native="off")
