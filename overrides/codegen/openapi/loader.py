"""Reads YAML: the part of YAML 1.2 that JSON has, with the line of each value.

PyYAML (libyaml) splits the text into events. This module resolves scalars by the core schema of YAML 1.2 (section
10.3.2), because PyYAML uses that of 1.1, where `on`, `off`, `yes` and `no` are Booleans and `010` is 8.

Refused, because other tools drop or misread it: duplicate keys, what JSON does not have (dates, sets, binary data,
infinity), merge keys, several documents in one file, and endless nesting.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from codegen import Problem
from codegen.files import read_file
from codegen.openapi.document import MOST_LEVELS, MOST_POINTER, MOST_VALUES, Document, joined
from codegen.text import escaped

# The C loader is twenty times as fast, with the same events. PyYAML's wheels have it.
_LOADER = getattr(yaml, "CLoader", yaml.Loader)

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAG = "tag:yaml.org,2002:"


class Unreadable(Problem):
    """A text that is not valid, or that this module refuses.

    Attributes:
        name: The name of the text.
        reason: What is wrong, without the place.
        place: The place, as `name:line:column`; the name alone if line and column are unknown.
    """

    def __init__(self, name: str, place: str, reason: str, fix: str, prefix: str = "") -> None:
        super().__init__(f"{name}{place}: {prefix}{reason}", fix)
        self.reason, self.place, self.name = reason, name + place, name

    def __str__(self) -> str:
        return f"{self.name} cannot be read: {self.reason} ({self.place})"


def read(path: Path) -> Document:
    """Read a YAML or JSON file.

    Raises:
        Problem: It cannot be read, is not valid, or has something that this module refuses.
    """
    try:
        text = read_file(path).decode()
    except OSError as error:
        raise Problem(f"{path.name} cannot be read: {error.strerror}", f"git checkout -- {path.name}") from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path.name} is not UTF-8: byte {error.start}", "save it as UTF-8") from error
    return parse(text, path.name)


def parse(text: str, name: str) -> Document:
    """Read YAML or JSON from a text.

    Args:
        text: The text.
        name: The name for messages, such as that of the file.

    Raises:
        Unreadable: It is not valid, or has something that this module refuses.
    """
    try:
        return _Composer(name).document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        reason = ": ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(name, place, reason, "correct the line", "not YAML: ") from error
    except (yaml.YAMLError, ValueError) as error:
        # Characters that YAML does not allow: PyYAML reports no line.
        raise Unreadable(name, "", " ".join(str(error).split()), "correct it", "not YAML: ") from error


class _Open:
    """A list or mapping that is being read.

    Attributes:
        value: The part that was read.
        pointer: Its pointer.
        anchor: Its anchor, if any.
        key: The key of a mapping whose value comes next.
        values: The number of values, itself included.
        levels: The number of nested lists and mappings, itself included.
    """

    def __init__(self, value: Any, pointer: str, anchor: str | None) -> None:
        self.value, self.pointer, self.anchor = value, pointer, anchor
        self.key: str | None = None
        self.values = self.levels = 1


class _Anchored(NamedTuple):
    value: Any
    pointer: str
    values: int
    levels: int


class _Composer:
    """Builds a document from events, without recursion, so that any depth can be refused with a message."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        self.aliases: dict[str, str] = {}
        self.anchors: dict[str, _Anchored] = {}
        self.open: list[_Open] = []
        self.values = 0
        self.root: Any = None
        self.begun = False

    def problem(self, event: Any, what: str, fix: str) -> Problem:
        mark = event.start_mark
        return Unreadable(self.name, f":{mark.line + 1}:{mark.column + 1}", what, fix)

    def document(self, events: Any) -> Document:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.begun:
                    raise self.problem(event, "the file must have one document; a second one begins here", "split it")
                self.begun = True
            elif isinstance(event, yaml.ScalarEvent):
                self.scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self.start(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.end()
        return Document(self.root, self.name, self.lines, self.aliases)

    # --- events -----------------------------------------------------------------------------------------------------

    def start(self, event: Any) -> None:
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        kind = "map" if isinstance(value, dict) else "seq"
        if self.expects_key():
            raise self.problem(event, "a key must be text (got a list or a mapping)", "write text as the key")
        if event.tag not in (None, "!", _TAG + kind):
            raise self.not_json(event, event.tag)
        self.check_levels(event, 1)
        self.open.append(_Open(value, self.place(value, event), event.anchor))

    def end(self) -> None:
        ended = self.open.pop()
        if self.open:
            self.open[-1].values += ended.values
            self.open[-1].levels = max(self.open[-1].levels, ended.levels + 1)
        if ended.anchor is not None:
            self.anchors[ended.anchor] = _Anchored(ended.value, ended.pointer, ended.values, ended.levels)

    def scalar(self, event: Any) -> None:
        if self.expects_key():
            self.key(event)
            return
        value = self.meaning(event)
        pointer = self.place(value, event)
        if self.open:
            self.open[-1].values += 1
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, pointer, 1, 0)

    def alias(self, event: Any) -> None:
        if self.expects_key():
            raise self.problem(event, "a key must be text (got an alias)", "write the key out")
        if any(each.anchor == event.anchor for each in self.open):
            raise self.problem(
                event, f"the alias `*{escaped(event.anchor, 40)}` makes the value part of itself", "write the value out"
            )
        if event.anchor not in self.anchors:
            raise self.problem(event, f"the alias `*{escaped(event.anchor, 40)}` is not defined", "write the value out")
        anchored = self.anchors[event.anchor]
        self.check_levels(event, anchored.levels)
        self.values += anchored.values - 1
        pointer = self.place(anchored.value, event)
        self.aliases[pointer] = anchored.pointer
        if self.open:
            self.open[-1].values += anchored.values
            self.open[-1].levels = max(self.open[-1].levels, anchored.levels + 1)

    # --- places -----------------------------------------------------------------------------------------------------

    def expects_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].value, dict) and self.open[-1].key is None

    def key(self, event: Any) -> None:
        holder, key = self.open[-1], event.value
        if key == "<<" and event.implicit[0]:
            raise self.problem(event, "merge keys (`<<`) are not part of YAML 1.2", "write the keys out")
        if event.anchor is not None or event.tag not in (None, "!", _TAG + "str"):
            raise self.problem(event, f"the key `{escaped(key, 40)}` must not have an anchor or a tag", "remove it")
        if key in holder.value:
            raise self.problem(event, f'duplicate key "{escaped(key, 100)}"', "keep one of the two")
        holder.key = key
        self.locate(event, key)

    def place(self, value: Any, event: Any) -> str:
        """Add a value to the innermost list or mapping, and return its pointer."""
        self.values += 1
        if self.values > MOST_VALUES:
            what = f"more than {MOST_VALUES:,} values, with those that aliases repeat"
            raise self.problem(event, what, "make it smaller")
        if not self.open:
            self.root, self.lines["#"] = value, 1
            return "#"
        holder = self.open[-1]
        if isinstance(holder.value, list):
            holder.value.append(value)
            return self.locate(event, len(holder.value) - 1)
        assert holder.key is not None
        pointer = holder.pointer + joined((holder.key,))
        holder.value[holder.key], holder.key = value, None
        return pointer

    def locate(self, event: Any, key: str | int) -> str:
        """Record the line of the next value of the innermost list or mapping, and return its pointer."""
        pointer = self.open[-1].pointer + joined((key,))
        if len(pointer) > MOST_POINTER:
            raise self.problem(event, "nested too deeply, or names are too long", "make it flatter")
        self.lines[pointer] = event.start_mark.line + 1
        return pointer

    def check_levels(self, event: Any, more: int) -> None:
        if len(self.open) + more > MOST_LEVELS:
            raise self.problem(event, f"nested more than {MOST_LEVELS} levels deep", "make it flatter")

    # --- scalars ----------------------------------------------------------------------------------------------------

    def meaning(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if tag in ("!", _TAG + "str") or (tag is None and not event.implicit[0]):
            return text
        if tag is None:
            return self.plain(event, text)
        value = self.plain(event, text)
        wanted = {"null": type(None), "bool": bool, "int": int, "float": float}.get(tag.removeprefix(_TAG))
        if tag == _TAG + "float" and type(value) is int:
            return float(value)
        if type(value) is not wanted:
            raise self.not_json(event, tag)
        return value

    def plain(self, event: Any, text: str) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        try:
            if _INTEGER.fullmatch(text):
                return int(text, 0) if text.startswith("0") and text[1:2] in ("o", "x") else int(text)
            if _FLOAT.fullmatch(text):
                number = float(text)
                if math.isfinite(number):
                    return number
                raise self.problem(event, f"the number `{escaped(text, 40)}` is too large", "write a smaller one")
        except ValueError as error:
            raise self.problem(event, f"a number of {len(text):,} digits", "write a smaller one") from error
        if _INFINITE.fullmatch(text):
            raise self.not_json(event, f"`{text}`")
        return text

    def not_json(self, event: Any, what: str) -> Problem:
        return self.problem(event, f"{escaped(what, 80)} is not part of JSON", "use a JSON value; quote text")
