"""Run the code cells of the documentation page in one namespace, as a notebook would.

Prints a JSON list: for each cell what it displays, and whether what must also hold does.
"""

import ast
import importlib.util
import json
import sys
from pathlib import Path

import brainvar
from brainvar._brainpy_alias import install_as_brainpy


def run(code: str, scope: dict) -> str | None:
    body = ast.parse(code).body
    shown = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), scope)
    if shown is None:
        return None
    value = eval(compile(ast.Expression(shown.value), "<cell>", "eval"), scope)
    return None if value is None else repr(value)


def main() -> None:
    cells = json.loads(Path(sys.argv[1]).read_text())
    install_as_brainpy(force=importlib.util.find_spec("brainpy") is not None)
    scope: dict = {}
    results = []
    for cell in cells:
        shown = run(cell["code"], scope)
        also = eval(cell["also"], scope) if "also" in cell else True
        results.append({"shown": shown, "also": also})
    assert scope["bp"] is brainvar
    print(json.dumps(results))


main()
