"""Whether what was generated fits together: every name is there, and every call has the arguments that it needs.

An import runs no function, so it does not show that. A type checker does, in several times the time that generating
takes: `make lint` and the tests run two over what is generated.
"""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

from codegen import Problem

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_HAVE_NAMES = (*_FUNCTIONS, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def check(name: str, path: Path, module: types.ModuleType) -> None:
    """Checks the calls that a module writes out, as far as what is called is known before it runs.

    Args:
        name: What the file is called in messages.
        path: Its file.
        module: The module, imported.

    Raises:
        Problem: A name is not there, or a call does not fit.
    """
    misfits = sorted(_misfits(ast.parse(path.read_text(encoding="utf-8")), module))
    if misfits:
        line, what = misfits[0]
        raise Problem(
            f"the output does not fit together: {name}:{line}: {what}",
            f"correct what makes {name} in overrides/templates/, overrides/package/ or overrides/codegen/endpoints/",
        )


def _misfits(tree: ast.Module, module: types.ModuleType) -> Iterator[tuple[int, str]]:
    for nodes, local in _scopes(tree):
        for node in nodes:
            if isinstance(node, ast.Attribute):
                yield from _missing(node, module, local)
            elif isinstance(node, ast.Call):
                yield from _unfit(node, module, local)


def _scopes(tree: ast.Module) -> Iterator[tuple[list[ast.AST], frozenset[str]]]:
    """Yields all nodes, once each, with the names that are local there."""
    due: list[ast.AST] = [tree]
    for node in due:
        if isinstance(node, _HAVE_NAMES):
            # With those of all functions in it: what has a local name is not looked for among the globals.
            nodes = list(ast.walk(node))
            yield nodes, frozenset(_names(nodes))
        else:
            yield [node], frozenset()
            due.extend(ast.iter_child_nodes(node))


def _names(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for each in nodes:
        if isinstance(each, ast.arg):
            yield each.arg
        elif isinstance(each, ast.Name):
            if isinstance(each.ctx, ast.Store):
                yield each.id
        elif isinstance(each, _FUNCTIONS[:2]):
            if each is not nodes[0]:
                yield each.name
        elif isinstance(each, ast.Import | ast.ImportFrom):
            yield from ((name.asname or name.name).partition(".")[0] for name in each.names)


def _missing(node: ast.Attribute, module: types.ModuleType, local: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yields what a module does not have; of objects only running shows it."""
    holder = _known(node.value, module, local)
    if isinstance(holder, types.ModuleType) and not hasattr(holder, node.attr):
        yield node.lineno, f"`{ast.unparse(node.value)}` has no `{node.attr}`"


def _unfit(node: ast.Call, module: types.ModuleType, local: frozenset[str]) -> Iterator[tuple[int, str]]:
    called = _known(node.func, module, local)
    if called is None or not callable(called):
        return
    if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
        return
    if not isinstance(called, types.FunctionType) and getattr(called, "__module__", None) == "builtins":
        return  # they change with Python, not with the contract
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*node.args, **{str(each.arg): each for each in node.keywords})
    except TypeError as error:
        yield node.lineno, f"`{ast.unparse(node.func)}` is called in a way that it is not written for: {error}"


def _known(node: ast.expr, module: types.ModuleType, local: frozenset[str]) -> object:
    """Returns what an expression names, a global or what is in a module; None where only running shows it."""
    if isinstance(node, ast.Name):
        return None if node.id in local else vars(module).get(node.id)
    if isinstance(node, ast.Attribute):
        holder = _known(node.value, module, local)
        if isinstance(holder, types.ModuleType | type):
            return getattr(holder, node.attr, None)
    return None
