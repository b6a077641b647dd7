"""The check of calls in generated modules: visited nodes and local names."""

from __future__ import annotations

import ast
import types
from pathlib import Path

import pytest

from codegen import ROOT, Problem, signatures

MODULES = sorted((ROOT / "generated").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_call_is_visited_once(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    looked_at = [node for nodes, _ in signatures._scopes(tree) for node in nodes if isinstance(node, ast.Call)]
    assert len(looked_at) == len(set(looked_at))
    assert set(looked_at) == {node for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize(
    "within",
    [
        *("%s", "def f(): return %s", "class A:\n def f(self): return %s", "async def f():\n def g(): return %s"),
        *("[%s for _ in ()]", "x = lambda: %s", "class A:\n x = %s", "@%s\ndef f(): pass", "def f(x=%s): pass"),
    ],
)
def test_wrong_call_is_found_at_any_place(tmp_path: Path, within: str) -> None:
    module = types.ModuleType("module")
    exec("def callee(one): return one", vars(module))
    path = tmp_path / "module.py"
    path.write_text("\n" + within % "callee(1)")
    signatures.check("module.py", path, module)
    path.write_text("\n" + within % "callee()")
    with pytest.raises(Problem, match=r"module\.py:\d: the call of `callee` does not match its signature"):
        signatures.check("module.py", path, module)


@pytest.mark.parametrize("local", ["def f(callee): %s", "def f():\n callee = 1\n %s", "def f():\n import callee\n %s"])
def test_local_names_are_not_looked_up_as_globals(tmp_path: Path, local: str) -> None:
    module = types.ModuleType("module")
    exec("def callee(one): return one", vars(module))
    path = tmp_path / "module.py"
    path.write_text(local % "callee()")
    signatures.check("module.py", path, module)


def test_first_wrong_call_is_reported(tmp_path: Path) -> None:
    module = types.ModuleType("module")
    exec("def callee(one): return one", vars(module))
    path = tmp_path / "module.py"
    path.write_text("if True:\n if True:\n  def f(): callee()\ncallee()\n")
    with pytest.raises(Problem, match=r"module\.py:3:"):
        signatures.check("module.py", path, module)
