"""Reads the syntax tree of a rule.

The engine returns the tree as protobuf bytes. This module decodes the few fields that it needs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# A variable and the fields below it. ELEMENT is any element of a list, or any value of a map.
Path = tuple[str, ...]
ELEMENT = "*"


class Literal(NamedTuple):
    """A text that a rule compares with a value."""

    path: Path
    text: str


class Loop(NamedTuple):
    """A loop over the list `path` for each element of the list `outer`."""

    path: Path
    outer: Path


@dataclass
class Uses:
    """The values that a rule uses.

    Attributes:
        reads: By path, whether the whole value is read; if not, only its type, length or presence.
        selects: The fields that it selects, read or not.
        literals: The texts that it compares values with.
        loops: Its nested loops.
        texts: The literal arguments of functions, as (function, text).
    """

    reads: dict[Path, bool] = field(default_factory=dict)
    selects: list[Path] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def read(self, path: Path, deep: bool = True) -> None:
        self.reads[path] = self.reads.get(path, False) or deep


# Field numbers of cel.expr.CheckedExpr and cel.expr.Expr (syntax.proto).
_EXPRESSION = 4
_CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = range(3, 10)
_NULL, _BOOL, _INT, _UINT, _DOUBLE, _STRING = range(1, 7)

Message = dict[int, list[Any]]


def _decoded(data: bytes) -> Message:
    """Return the fields of a protobuf message, by number: integers, and bytes for text and messages."""
    fields: Message = {}
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = data[place]
            place += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while place < len(data):
        tag = varint()
        value: Any = None
        if tag & 7 == 0:
            value = varint()
        else:
            length = {1: 8, 5: 4}.get(tag & 7) or varint()
            value = data[place : place + length]
            place += length
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def uses(serialized: bytes, variables: tuple[str, ...]) -> Uses:
    """Return the values that a compiled rule uses.

    Args:
        serialized: The rule, serialized by the engine.
        variables: Its variables.
    """
    # The second field of an Any is the CheckedExpr.
    expression = _decoded(_decoded(serialized)[2][0])[_EXPRESSION][0]
    walk = _UsesVisitor({name: (name,) for name in variables})
    walk.read(expression)
    return walk.uses


Tree = str | int | float | bytes | None | tuple["Tree", ...] | frozenset["Tree"]


def tree(serialized: bytes, as_written: bool = False) -> Tree:
    """Return the normalized syntax tree of a compiled rule: without positions, and with the operands of `&&` and `||`
    as sets.

    Args:
        serialized: The rule, serialized by the engine.
        as_written: Keeps the order around `&&` and `||`. Constants are `("=", value)`, names `("$", name)`.
    """
    return _tree(_decoded(_decoded(serialized)[2][0])[_EXPRESSION][0], as_written)


def operands(operator: str, expression: Tree) -> frozenset[Tree]:
    """Return the operands of an operator; the expression itself if that is not the outermost one."""
    if isinstance(expression, tuple) and expression[:1] == (operator,) and isinstance(expression[1], frozenset):
        return expression[1]
    return frozenset([expression])


def equal_pairs(serialized: bytes) -> list[tuple[Path, Path]]:
    """Return the pairs of values that a rule states to be equal: `a.b == c`, also as an operand of `&&`, and for each
    element of a list in `all`.

    Args:
        serialized: The rule, serialized by the engine.
    """
    return list(_equal_pairs(tree(serialized), {}))


def _equal_pairs(expression: Tree, scope: dict[str, Path | None]) -> Iterator[tuple[Path, Path]]:
    for part in operands("_&&_", expression):
        match part:
            case ("_==_", False, one, other):
                paths = _path_of(one, scope), _path_of(other, scope)
                if paths[0] and paths[1]:
                    yield paths[0], paths[1]
            case ("for", (name, result, ""), held, _, _, ("_&&_", frozenset() as steps), last):
                # The expansion of `all`: the result so far `&&` the condition for each element.
                found = next((each for each in steps if each == last and _name_of(each) == result), None)
                path = _path_of(held, scope)
                if found is not None and path is not None and isinstance(name, str):
                    for step in steps - {found}:
                        yield from _equal_pairs(step, {**scope, name: (*path, ELEMENT)})


def _path_of(expression: Tree, scope: dict[str, Path | None]) -> Path | None:
    match expression:
        case (".", holder, str(name), False):
            path = _path_of(holder, scope)
            return path and (*path, name)
    name_found = _name_of(expression)
    return None if name_found is None else scope.get(name_found, (name_found,))


def _name_of(expression: Tree) -> str | None:
    match expression:
        case (number, bytes(data)) if number == _IDENT:
            return _text(_decoded(data), 1)
    return None


def _tree(expression: bytes, as_written: bool = False) -> Tree:
    node = _decoded(expression)

    def below(part: bytes) -> Tree:
        return _tree(part, as_written)

    if _SELECT in node:
        select = _decoded(node[_SELECT][0])
        return (".", below(select[1][0]), _text(select, 2), bool(select.get(3)))
    if _CALL in node:
        call = _decoded(node[_CALL][0])
        function = _text(call, 2)
        arguments = tuple(map(below, [*call.get(1, ()), *call.get(3, ())]))
        if as_written or function not in ("_&&_", "_||_"):
            return (function, 1 in call, *arguments)
        joined = frozenset(part for each in arguments for part in operands(function, each))
        return (function, joined) if len(joined) > 1 else next(iter(joined))
    if _LIST in node:
        return ("[]", *map(below, _decoded(node[_LIST][0]).get(1, ())))
    if _STRUCT in node:
        entries = [_decoded(entry) for entry in _decoded(node[_STRUCT][0]).get(2, ())]
        return ("{}", *(tuple(below(part) for number in (3, 4) for part in entry.get(number, ())) for entry in entries))
    if _COMPREHENSION in node:
        parts = _decoded(node[_COMPREHENSION][0])
        names = tuple(_text(parts, number) for number in (1, 3, 8))
        return ("for", names, *(below(parts[number][0]) for number in (2, 4, 5, 6, 7)))
    if as_written:
        return ("=", _value(node[_CONST][0])) if _CONST in node else ("$", _text(_decoded(node[_IDENT][0]), 1))
    # Constants and names are compared by their bytes.
    return next(((number, *node[number]) for number in (_CONST, _IDENT) if number in node), None)


def _value(constant: bytes) -> Tree:
    """Return the value of a constant: null, a Boolean, an integer, a number or text; bytes for any other one."""
    [(number, [value])] = _decoded(constant).items()
    if number in (_INT, _UINT):
        return int(value) - (2**64 if value >= 2**63 and number == _INT else 0)
    if number == _DOUBLE:
        return float(struct.unpack("<d", value)[0])
    return {_NULL: None, _BOOL: bool(value), _STRING: str(value, "utf-8") if number == _STRING else ""}.get(
        number, constant
    )


class _UsesVisitor:
    """Visits a syntax tree and collects the values that it uses. Methods return the path of an expression's value."""

    def __init__(self, scope: dict[str, Path | None]) -> None:
        self.uses = Uses()
        self.scope = scope
        # The lists of the enclosing loops.
        self.inside: list[Path] = []

    def read(self, expression: bytes, deep: bool = True) -> Path | None:
        """Visit an expression whose value is used."""
        path = self.path(expression)
        if path is not None:
            self.uses.read(path, deep)
        return path

    def path(self, expression: bytes) -> Path | None:
        node = _decoded(expression)
        if _IDENT in node:
            return self.scope.get(_text(_decoded(node[_IDENT][0]), 1))
        if _SELECT in node:
            return self.select(_decoded(node[_SELECT][0]))
        if _CALL in node:
            return self.call(_decoded(node[_CALL][0]))
        if _COMPREHENSION in node:
            self.comprehension(_decoded(node[_COMPREHENSION][0]))
        for element in _decoded(node[_LIST][0]).get(1, ()) if _LIST in node else ():
            self.read(element)
        for entry in _decoded(node[_STRUCT][0]).get(2, ()) if _STRUCT in node else ():
            for number in (3, 4):
                for part in _decoded(entry).get(number, ()):
                    self.read(part)
        return None

    def select(self, node: Message) -> Path | None:
        path = self.path(node[1][0])
        if path is None:
            return None
        path = (*path, _text(node, 2))
        self.uses.selects.append(path)
        if node.get(3):
            # has(): only the presence.
            self.uses.read(path, deep=False)
            return None
        return path

    def call(self, node: Message) -> Path | None:
        function = _text(node, 2)
        arguments = [*node.get(1, ()), *node.get(3, ())]
        if function == "_[_]":
            path = self.path(arguments[0])
            index = _constant(arguments[1])
            if index is None:
                self.read(arguments[1])
            return path and (*path, index if isinstance(index, str) else ELEMENT)
        if function in ("_==_", "_!=_"):
            self.compare(arguments)
        elif function in ("@in", "_in_", "in"):
            path = self.read(arguments[0])
            held = self.read(arguments[1])
            if held is not None:
                self.loop(held)
            for element in _elements(arguments[1]):
                self.literal(path, element)
        else:
            for argument in arguments:
                self.read(argument, deep=function != "size")
                if isinstance(text := _constant(argument), str):
                    self.uses.texts.append((function, text))
        return None

    def compare(self, arguments: list[bytes]) -> None:
        with_null = any(_is_null(argument) for argument in arguments)
        paths = [self.read(argument, deep=not with_null) for argument in arguments]
        for path, other in zip(paths, arguments[::-1], strict=True):
            self.literal(path, other)

    def literal(self, path: Path | None, expression: bytes) -> None:
        text = _constant(expression)
        if path is not None and isinstance(text, str):
            self.uses.literals.append(Literal(path, text))

    def comprehension(self, node: Message) -> None:
        # The expansion of `all`, `exists`, `map` and so on.
        path = self.read(node[2][0], deep=False)
        if path is not None:
            self.loop(path)
        outer, self.scope = self.scope, dict(self.scope)
        self.read(node[4][0])
        self.scope[_text(node, 1)] = path and (*path, ELEMENT)
        self.scope[_text(node, 3)] = None
        if path is not None:
            self.inside.append(path)
        for number in (5, 6, 7):
            self.read(node[number][0])
        if path is not None:
            self.inside.pop()
        self.scope = outer

    def loop(self, path: Path) -> None:
        """Record a loop inside a loop over another list, unless the inner list is part of the outer element."""
        others = (outer for outer in self.inside if path[: len(outer) + 1] != (*outer, ELEMENT))
        self.uses.loops += [Loop(path, outer) for outer in others]


def _text(node: Message, number: int) -> str:
    return str(node[number][0], "utf-8") if number in node else ""


def _constant(expression: bytes) -> str | int | None:
    """Return a literal text, 0 for another literal, None for anything else."""
    node = _decoded(expression)
    if _CONST not in node:
        return None
    constant = _decoded(node[_CONST][0])
    return _text(constant, _STRING) if _STRING in constant else 0


def _is_null(expression: bytes) -> bool:
    node = _decoded(expression)
    return _CONST in node and _NULL in _decoded(node[_CONST][0])


def _elements(expression: bytes) -> Sequence[bytes]:
    node = _decoded(expression)
    return _decoded(node[_LIST][0]).get(1, []) if _LIST in node else []
