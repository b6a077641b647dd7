"""What a rule does with values, read from its syntax tree.

The engine gives the tree as protobuf bytes, of which the few fields that matter here are decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# A variable, and the fields that are selected of it; ELEMENT stands for any element of a list, any value of a map.
Path = tuple[str, ...]
ELEMENT = "*"


class Literal(NamedTuple):
    """A text that a rule compares with a value."""

    path: Path
    text: str


class Loop(NamedTuple):
    """A list that a rule goes through once for each element of another one."""

    path: Path
    outer: Path


@dataclass
class Uses:
    """What a rule does with values.

    Attributes:
        reads: By path, whether all that is below the value is read; else its type, its length, or that it is there.
        selects: The fields that it selects, whether or not the value is read.
        literals: The texts that it compares values with.
        loops: Lists that it goes through once for each element of another list, or of the same one.
        texts: The texts that it gives to functions, each with the function's name.
    """

    reads: dict[Path, bool] = field(default_factory=dict)
    selects: list[Path] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def read(self, path: Path, deep: bool = True) -> None:
        self.reads[path] = self.reads.get(path, False) or deep


# The fields of cel.expr.CheckedExpr and cel.expr.Expr (syntax.proto) that are read here, by number.
_EXPRESSION = 4
_CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = range(3, 10)
_NULL, _BOOL, _INT, _UINT, _DOUBLE, _STRING = range(1, 7)

Message = dict[int, list[Any]]


def _decoded(data: bytes) -> Message:
    """Returns the fields of a protobuf message, by number: integers, and bytes for text and messages."""
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
    """Returns what a compiled rule does with the values of its variables.

    Args:
        serialized: The rule, as the engine serializes it.
        variables: What it may speak of.
    """
    # An Any, whose second field is the CheckedExpr.
    expression = _decoded(_decoded(serialized)[2][0])[_EXPRESSION][0]
    walk = _UsesVisitor({name: (name,) for name in variables})
    walk.read(expression)
    return walk.uses


Tree = str | int | float | bytes | None | tuple["Tree", ...] | frozenset["Tree"]


def tree(serialized: bytes, as_written: bool = False) -> Tree:
    """Returns the syntax tree of a compiled rule in a form that is equal for rules that are written otherwise: without
    places, and what `&&` or `||` joins as a set.

    Args:
        serialized: The rule, as the engine serializes it.
        as_written: Keeps the order around `&&` and `||`, and has constants as `("=", value)`, names as `("$", name)`.
    """
    return _tree(_decoded(_decoded(serialized)[2][0])[_EXPRESSION][0], as_written)


def operands(operator: str, expression: Tree) -> frozenset[Tree]:
    """Returns what an operator joins; the expression itself where it is not the outermost one."""
    if isinstance(expression, tuple) and expression[:1] == (operator,) and isinstance(expression[1], frozenset):
        return expression[1]
    return frozenset([expression])


def equal_pairs(serialized: bytes) -> list[tuple[Path, Path]]:
    """Returns the pairs of values that are equal wherever a rule holds, as far as it says so itself: `a.b == c`, also
    as one of several that `&&` joins, and of each element of a list within `all`.

    Args:
        serialized: The rule, as the engine serializes it.
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
                # As `all` is written out: true at first, and what was found so far with the condition of each element.
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
    # A constant or a name: equal bytes mean the same.
    return next(((number, *node[number]) for number in (_CONST, _IDENT) if number in node), None)


def _value(constant: bytes) -> Tree:
    """Returns the value of a constant: null, a Boolean, an integer, a number or text; bytes of any other one."""
    [(number, [value])] = _decoded(constant).items()
    if number in (_INT, _UINT):
        return int(value) - (2**64 if value >= 2**63 and number == _INT else 0)
    if number == _DOUBLE:
        return float(struct.unpack("<d", value)[0])
    return {_NULL: None, _BOOL: bool(value), _STRING: str(value, "utf-8") if number == _STRING else ""}.get(
        number, constant
    )


class _UsesVisitor:
    """Walks a syntax tree. What an expression evaluates to is a path, where it is a value of a variable."""

    def __init__(self, scope: dict[str, Path | None]) -> None:
        self.uses = Uses()
        self.scope = scope
        # The lists that are gone through at this place.
        self.inside: list[Path] = []

    def read(self, expression: bytes, deep: bool = True) -> Path | None:
        """Walks an expression whose value is used."""
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
            # has(): that it is there.
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
        # What `all`, `exists`, `map` and so on are made of.
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
        """Notes a list that is gone through within another one that it is not a part of."""
        others = (outer for outer in self.inside if path[: len(outer) + 1] != (*outer, ELEMENT))
        self.uses.loops += [Loop(path, outer) for outer in others]


def _text(node: Message, number: int) -> str:
    return str(node[number][0], "utf-8") if number in node else ""


def _constant(expression: bytes) -> str | int | None:
    """Returns a literal text, 0 for another literal, None for anything else."""
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
