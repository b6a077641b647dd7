"""Checks the calls in the generated modules: each name exists, and each call matches the signature.

An import does not run functions, so it finds neither. A type checker does, but takes several times as long as the
generation: `make lint` and the tests run two of them.
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
    """Check the calls in a module whose target is known statically.

    Args:
        name: The name of the file in messages.
        path: The file.
        module: The imported module.

    Raises:
        Problem: A name does not exist, or a call does not match the signature.
    """
    misfits = sorted(_misfits(ast.parse(path.read_text(encoding="utf-8")), module))
    if misfits:
        line, what = misfits[0]
        raise Problem(
            f"the output is inconsistent: {name}:{line}: {what}",
            f"correct the source of {name} in overrides/templates/, overrides/package/ or overrides/codegen/endpoints/",
        )


def _misfits(tree: ast.Module, module: types.ModuleType) -> Iterator[tuple[int, str]]:
    for nodes, local in _scopes(tree):
        for node in nodes:
            if isinstance(node, ast.Attribute):
                yield from _missing(node, module, local)
            elif isinstance(node, ast.Call):
                yield from _unfit(node, module, local)


def _scopes(tree: ast.Module) -> Iterator[tuple[list[ast.AST], frozenset[str]]]:
    """Yield each node once, with the names that are local there."""
    queue: list[ast.AST] = [tree]
    for node in queue:
        if isinstance(node, _HAVE_NAMES):
            # Includes the names of nested functions: a local name is never looked up as a global.
            nodes = list(ast.walk(node))
            yield nodes, frozenset(_names(nodes))
        else:
            yield [node], frozenset()
            queue.extend(ast.iter_child_nodes(node))


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
    """Yield attributes that a module lacks. Attributes of other objects are known only at run time."""
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
        return  # signatures of builtins depend on Python, not on the contract
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*node.args, **{str(each.arg): each for each in node.keywords})
    except TypeError as error:
        yield node.lineno, f"the call of `{ast.unparse(node.func)}` does not match its signature: {error}"


def _known(node: ast.expr, module: types.ModuleType, local: frozenset[str]) -> object:
    """Return the object that an expression names; None if it is known only at run time."""
    if isinstance(node, ast.Name):
        return None if node.id in local else vars(module).get(node.id)
    if isinstance(node, ast.Attribute):
        holder = _known(node.value, module, local)
        if isinstance(holder, types.ModuleType | type):
            return getattr(holder, node.attr, None)
    return None
