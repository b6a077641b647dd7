"""Translates a rule to Python source for the testing kit, which has no engine.

The source calls functions of overrides/package/_testing/cel.py. Times and durations are integers of nanoseconds there.
`&&` and `||` are functions: if one operand decides the result, an error in the other is ignored.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from codegen.cel.engine import Program
from codegen.cel.tree import ELEMENT, Path, Tree, tree

# By CEL function, the function of the kit's module `cel`.
_FUNCTIONS = {
    **{"_&&_": "all_of", "_||_": "any_of", "!_": "negated", "_<_": "less", "_<=_": "less_or_equal"},
    **{"_+_": "plus", "_-_": "minus", "_*_": "times", "_/_": "quotient", "_%_": "remainder", "_[_]": "at"},
    **{"@in": "is_in", "in": "is_in", "size": "size", "matches": "matches"},
    **{"startsWith": "starts_with", "endsWith": "ends_with", "contains": "contains"},
}
# Functions that are another one with reversed arguments.
_REVERSED = {"_>_": "_<_", "_>=_": "_<=_"}
_DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|us|ns|m|s))+")
_UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_ESCAPED = {"__dash__": "-", "__dot__": ".", "__slash__": "/", "__underscores__": "__"}


class Untranslatable(Exception):
    """A rule that cannot be translated. The message has the reason."""


class Condition(NamedTuple):
    """An operand of the `&&` of a rule.

    Attributes:
        source: A Python expression over the rule's variables.
        reads: The paths that it reads of the main variable, by property; ELEMENT for each element of a list.
        texts: The texts that it compares with these paths.
    """

    source: str
    reads: Sequence[Path]
    texts: Sequence[tuple[Path, str]]


def conditions(program: Program, of: str) -> list[Condition]:
    """Return the conditions that a rule joins by `&&`.

    Args:
        program: The rule.
        of: The main variable, whose paths `Condition.reads` has.

    Raises:
        Untranslatable: It uses something unsupported.
    """
    waiting, found = [tree(program.one.serialize(), as_written=True)], list[Condition]()
    while waiting:
        match waiting.pop():
            case ("_&&_", _, *sides):
                waiting += reversed(sides)
            case other:
                paths = dict.fromkeys(_reads(other, {of: (of,)}))
                source = _source(other, {name: name for name in program.variables})
                compared = [(_named(each.path), each.text) for each in program.uses.literals if each.path in paths]
                found.append(Condition(source, [_named(path) for path in paths if len(path) > 1], compared))
    return found


def _named(path: Path) -> Path:
    return tuple(part if part == ELEMENT else _property(part) for part in path[1:])


def _reads(expression: Tree, scope: Mapping[str, Path]) -> Iterator[Path]:
    """Yield the paths that an expression reads of the variables in a scope."""
    path = _path(expression, scope)
    if path is not None:
        yield path
        return
    match expression:
        case (".", holder, *_):
            yield from _reads(holder, scope)
        case ("for", (str(name), str(), ""), held, *steps):
            yield from _reads(held, scope)
            path = _path(held, scope)
            inside = {key: value for key, value in scope.items() if key != name}
            for step in steps:
                yield from _reads(step, inside if path is None else {**inside, name: (*path, ELEMENT)})
        case (str(), *rest):
            for each in rest:
                yield from _reads(each, scope)


def _path(expression: Tree, scope: Mapping[str, Path]) -> Path | None:
    match expression:
        case ("$", str(name)):
            return scope.get(name)
        case (".", holder, str(name), bool()):
            path = _path(holder, scope)
            return path and (*path, name)
    return None


def _source(expression: Tree, names: Mapping[str, str]) -> str:
    match expression:
        case ("=", value) if not isinstance(value, bytes):
            return repr(value)
        case ("$", str(name)) if name in names:
            return names[name]
        case (".", holder, str(name), bool(is_test)):
            held = _source(holder, names)
            return f"cel.has({held}, {_property(name)!r})" if is_test else f"{held}[{_property(name)!r}]"
        case ("[]", *elements):
            return f"[{', '.join(_source(each, names) for each in elements)}]"
        case ("for", (str(name), str(result), ""), *parts):
            return _loop(name, result, tuple(parts), names)
        case (str(function), bool(), *arguments):
            return _call(function, tuple(arguments), names)
    raise Untranslatable(f"it uses {expression[0] if isinstance(expression, tuple) else expression!r}")


def _call(function: str, arguments: tuple[Tree, ...], names: Mapping[str, str]) -> str:
    if function in ("duration", "timestamp"):
        return _constant(function, arguments)
    sources = [_source(each, names) for each in arguments]
    if function in ("_==_", "_!=_"):
        return _equality(function == "_==_", arguments, sources)
    if function in ("_&&_", "_||_"):
        return f"cel.{_FUNCTIONS[function]}({', '.join(f'lambda: {each}' for each in sources)})"
    if function in _FUNCTIONS:
        return f"cel.{_FUNCTIONS[function]}({', '.join(sources)})"
    if function in _REVERSED:
        return f"cel.{_FUNCTIONS[_REVERSED[function]]}({', '.join(reversed(sources))})"
    match function, sources:
        case "-_", [one]:
            return f"cel.minus(0, {one})"
        case "_?_:_", [condition, one, other]:
            return f"({one} if cel.true({condition}) else {other})"
    raise Untranslatable(f"it uses `{function.strip('_')}`")


def _equality(is_equal: bool, arguments: tuple[Tree, ...], sources: list[str]) -> str:
    if ("=", None) in arguments:
        one = sources[1] if arguments[0] == ("=", None) else sources[0]
        return f"({one} is {'' if is_equal else 'not '}None)"
    if any(isinstance(each, tuple) and each[0] == "=" and isinstance(each[1], str) for each in arguments):
        return f"({sources[0]} {'==' if is_equal else '!='} {sources[1]})"
    equal = f"cel.equal({', '.join(sources)})"
    return equal if is_equal else f"(not {equal})"


def _loop(name: str, result: str, parts: tuple[Tree, ...], names: Mapping[str, str]) -> str:
    held, first, _, step, last = parts
    source = _source(held, names)
    variable = f"{name}_" if keyword.iskeyword(name) or name in ("cel", "found") else name
    inside = {**names, name: variable, result: "found"}
    for word, start, function in (("_&&_", True, "all_each"), ("_||_", False, "any_each")):
        match step:
            case (joined, _, ("$", known), condition) if (joined, known) == (word, result) and first == ("=", start):
                return f"cel.{function}({source}, lambda {variable}: {_source(condition, inside)})"
    # `map`, `filter` and `exists_one`: a fold over the elements.
    return (
        f"cel.fold({source}, {_source(first, names)}, lambda found, {variable}: {_source(step, inside)}, "
        f"lambda found: {_source(last, inside)})"
    )


def _constant(function: str, arguments: tuple[Tree, ...]) -> str:
    match arguments:
        case (("=", str(text)),) if function == "timestamp":
            return f"cel.moment({text!r})"
        case (("=", str(text)),) if _DURATION.fullmatch(text):
            parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|ns|m|s)", text)
            total = sum(round(float(number) * _UNITS[unit]) for number, unit in parts)
            return f"cel.seconds({(-total if text.startswith('-') else total) / 10**9!r})"
    raise Untranslatable(f"it uses `{function}` of a value")


def _property(name: str) -> str:
    """Return the property for a name in a rule, the inverse of `field_name`."""
    if re.fullmatch("__(true|false|null|in)__", name):
        return name[2:-2]
    return re.sub("__(dash|dot|slash|underscores)__", lambda found: _ESCAPED[found[0]], name)
