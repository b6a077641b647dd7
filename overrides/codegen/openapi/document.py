"""A document, and its values with their pointers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from codegen import Problem

# Keys and indices, from the root.
Pointer = tuple[str | int, ...]

# Limits against hostile documents: consecutive references, levels, values, and characters of a pointer.
HOPS = 50
MOST_LEVELS = 100
MOST_VALUES = 200_000
MOST_POINTER = 1_000


def joined(pointer: Pointer) -> str:
    """Return a pointer as in RFC 6901, without a leading `#`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer)


def split(pointer: str) -> Pointer:
    """Return the keys of a pointer such as `#/paths`; indices are strings."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


@dataclass(frozen=True)
class Document:
    """A JSON value with the lines of its source.

    Attributes:
        value: The value.
        name: The name for messages, such as that of the file.
        lines: By pointer such as `#/info`, the line, from 1; that of the key for an entry of a mapping. Empty for a
            document that was not read from a file.
        aliases: By pointer of a YAML alias, the pointer of its anchor.
    """

    value: Any
    name: str = "the document"
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    aliases: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def root(self) -> Node:
        return Node(self, self.value)

    def line(self, pointer: str) -> int | None:
        """Return the line of a value, or of its nearest parent; None if lines are unknown."""
        below = ""
        while pointer not in self.lines and "/" in pointer:
            pointer, _, last = pointer.rpartition("/")
            below = f"/{last}{below}"
            if pointer in self.aliases:
                pointer, below = self.aliases[pointer] + below, ""
        return self.lines.get(pointer)

    def find(self, reference: str) -> Node | None:
        """Return the target of a local reference such as `#/components/schemas/Run`; None if there is none."""
        if reference != "#" and not reference.startswith("#/"):
            return None
        node = self.root
        for part in reference.split("/")[1:]:
            part = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node.value, list) and re.fullmatch(r"[0-9]{1,9}", part, re.ASCII):
                index = int(part)
                if index >= len(node.value):
                    return None
                node = node.at(index)
            elif part in node:
                node = node.at(part)
            else:
                return None
        return node

    def problem(self, pointer: str, what: str, fix: str) -> Problem:
        """Return a problem with file, line and pointer."""
        line = self.line(pointer)
        shown = pointer.removeprefix("#/").replace("~1", "/").replace("~0", "~") if pointer != "#" else ""
        return Problem(
            f"{self.name}{f':{line}' if line else ''}: {what}" + (f" (at {shown})" if shown else ""),
            fix,
        )


def check_size(value: Any) -> None:
    """Check a JSON value from another parser against the limits above.

    Raises:
        Problem: It has too many values, too many levels, or names that are too long.
    """
    count, level = 1, [(value, 1)]
    for _ in range(MOST_LEVELS):
        below = []
        for each, length in level:
            entries = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
            count += len(each) if isinstance(each, dict | list) else 0
            if count > MOST_VALUES:
                raise _too_large(f"it has more than {MOST_VALUES:,} values")
            for key, inner in entries:
                longer = length + 1 + len(str(key))
                if longer > MOST_POINTER:
                    raise _too_large("names in it are too long")
                if isinstance(inner, dict | list):
                    below.append((inner, longer))
        if not below:
            return
        level = below
    raise _too_large(f"it is nested more than {MOST_LEVELS} levels deep")


def _too_large(why: str) -> Problem:
    return Problem(f"the document is too large to compare: {why}", "check that it is the right document")


def as_document(value: Any) -> Document:
    """Wrap a JSON value in a document; return a document as it is."""
    return value if isinstance(value, Document) else Document(value)


@dataclass(frozen=True)
class Node:
    """A value with its document and pointer."""

    document: Document = field(repr=False)
    value: Any
    pointer: str = "#"

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    @property
    def line(self) -> int | None:
        return self.document.line(self.pointer)

    def problem(self, what: str, fix: str) -> Problem:
        """Return a problem with this value, with file and line."""
        return self.document.problem(self.pointer, what, fix)

    def at(self, key: str | int) -> Node:
        """Return the child at a key. Its value is None if there is none."""
        pointer = self.pointer + joined((key,))
        if isinstance(self.value, dict):
            return Node(self.document, self.value.get(key), pointer)
        if isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            return Node(self.document, self.value[key], pointer)
        return Node(self.document, None, pointer)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a mapping. Keys become strings: other parsers may read statuses as integers."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield str(key), self.at(key)

    def elements(self) -> Iterator[Node]:
        """Yield the elements of a list."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self.at(index)

    def resolved(self) -> Node | None:
        """Follow local `$ref`s; None if they are dangling, circular or external."""
        node: Node | None = self
        for _ in range(HOPS):
            if node is None or "$ref" not in node:
                return node
            reference = node.value["$ref"]
            node = self.document.find(reference) if isinstance(reference, str) else None
        return None

    def followed(self) -> Node:
        """Follow local `$ref`s. Return the node itself if it has none.

        Raises:
            Problem: A reference is dangling, circular or external.
        """
        node, seen = self, [self.pointer]
        while "$ref" in node:
            reference = node.at("$ref")
            if not isinstance(reference.value, str):
                raise reference.problem("a `$ref` must be text", "write it as `#/components/...`")
            if not reference.value.startswith("#/"):
                what = f"`{reference.value}` points outside the file"
                raise reference.problem(what, "keep the contract in one file: `#/components/...`")
            target = self.document.find(reference.value)
            if target is None:
                what = f"`{reference.value}` does not exist"
                raise reference.problem(what, "correct the name, or add the target")
            if target.pointer in seen:
                what = f"`{reference.value}` refers to itself"
                raise reference.problem(what, "replace one of the references by its content")
            if len(seen) > HOPS:
                what = f"`{reference.value}` follows {HOPS} other references"
                raise reference.problem(what, "refer to the target directly")
            seen.append(target.pointer)
            node = target
        return node
