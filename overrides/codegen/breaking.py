"""`make breaking`: lists the changes of the contract since a release, and whom each one breaks.

`redocly diff` is not used: it is experimental, needs Node, does not say whom a change breaks, rates a changed default
as a patch and an `allOf` around a `$ref` as breaking, and assumes closed clients.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegen import Problem, compare
from codegen.compare import RULES, Rule
from codegen.files import is_path, read_file
from codegen.git import run_git
from codegen.openapi import Node, Unreadable, as_document, operations, parse, without_names
from codegen.openapi.schemas import ANNOTATIONS, as_text
from codegen.text import escaped, shortened

CONTRACT = "openapi.yaml"

# Maximum characters of a printed line: two pointers fit.
MAX_LINE = 2_100

# Rules for names and prose. compare/rules.py has the others.
RENAMED = Rule("clients", "otherwise", "generated code has the name, so callers must rename it too")
SERVER_REMOVED = Rule("clients", "less", "clients that use the address lose it")
WORDING = Rule("", "otherwise", "for readers only: requests and responses keep their meaning")
ADDED = Rule("", "more", "nobody has to use it")

# Levels of a version, as indices: PATCH, MINOR, MAJOR.
LEVELS = ("nothing", "a patch", "a minor version", "a major version")
PATCH, MINOR, MAJOR = 1, 2, 3


@dataclass(frozen=True)
class Change:
    """One change of the contract.

    Attributes:
        place: The place, in words.
        what: The change, in words.
        rule: Whom it breaks, and why.
        old: JSON pointer into the old document; to the parent if the old document lacks the value.
        new: The same for the new document.
    """

    place: str
    what: str
    rule: Rule
    old: str
    new: str

    @property
    def rating(self) -> str:
        return f"breaking for {self.rule.breaks}" if self.rule.breaks else "compatible"

    @property
    def breaks_clients(self) -> bool:
        """True if the change needs a new major version. This includes changes that break only new clients on servers
        that keep the old contract.
        """
        return "clients" in self.rule.breaks or bool(self.rule.note)


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Compare two contracts, as read from YAML or JSON.

    Returns:
        All changes except that of `info.version`, breaking ones first. A change without a rule of its own is rated as
        WORDING.

    Raises:
        Problem: A document is too large to compare.
    """
    found = [*_operation_changes(old, new), *_name_changes(old, new), *_server_changes(old, new)]
    try:
        found += _wording_changes(old, new, [pointer for change in found for pointer in (change.old, change.new)])
    except (RecursionError, ValueError) as error:
        # A YAML alias can make a mapping part of itself.
        raise Problem("the contract is nested without end", "remove its YAML aliases") from error
    order = ("clients and servers", "clients", "servers", "")
    return sorted(dict.fromkeys(found), key=lambda change: order.index(change.rule.breaks))


def level(found: list[Change]) -> int:
    """Return the level by which these changes must raise the contract's version, as an index into LEVELS."""
    if any(change.breaks_clients for change in found):
        return MAJOR
    if any(change.rule != WORDING for change in found):
        return MINOR
    return PATCH if found else 0


def raised_by(old: str, new: str) -> int:
    """Return the level by which a version was raised, as an index into LEVELS; 0 if it is the same or lower."""
    before, after = ([int(part) for part in version.split(".")] for version in (old, new))
    return next((MAJOR - place for place in range(3) if after[place] != before[place]), 0) if after > before else 0


def _next_version(version: str, by: int) -> str:
    parts = [int(part) for part in version.split(".")]
    kept = parts[: MAJOR - by]
    return ".".join(map(str, [*kept, parts[len(kept)] + 1, 0, 0][:3]))


def _operation_changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before, after = operations(old), operations(new)
    both = [key for key in before if key in after]
    differing = {after[key].name: compare.differences(before[key], after[key]) for key in both}
    for difference in compare.deduplicated(differing):
        yield Change(difference.place, difference.what, RULES[difference.kind], difference.old, difference.new)
    for key in [*before, *(key for key in after if key not in before)]:
        place = f"{key[1].upper()} {(before.get(key) or after[key]).path}"
        if key in both:
            continue
        if key in before:
            at = before[key].node.pointer
            yield Change(place, "operation removed", RULES["operation-removed"], at, "#/paths")
        else:
            at = after[key].node.pointer
            yield Change(place, "operation added", RULES["operation-added"], "#/paths", at)


def _name_changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before, after = operations(old), operations(new)
    for key in (key for key in before if key in after):
        ours, theirs = before[key], after[key]
        for what, one, two in (
            ("operationId", ours.node.at("operationId"), theirs.node.at("operationId")),
            # The first names the module.
            ("tag", ours.node.at("tags").at(0), theirs.node.at("tags").at(0)),
        ):
            if one.value != two.value:
                yield Change(
                    f"{key[1].upper()} {ours.path}",
                    f"{what} {two.value} instead of {one.value}",
                    RENAMED,
                    one.pointer,
                    two.pointer,
                )
        names = [re.findall(r"\{([^{}]*)\}", operation.path) for operation in (ours, theirs)]
        for name, other in zip(*names, strict=True):
            if name != other:
                yield Change(f"{name} (path)", f"renamed to {other}", RENAMED, ours.item.pointer, theirs.item.pointer)
    schemas = [as_document(document).root.at("components").at("schemas") for document in (old, new)]
    known = [dict(each.items()) for each in schemas]
    for name, node in known[0].items():
        if name not in known[1]:
            yield Change(f"schema {name}", "schema removed or renamed", RENAMED, node.pointer, schemas[1].pointer)
    for name, node in known[1].items():
        if name not in known[0]:
            yield Change(f"schema {name}", "schema added", ADDED, schemas[0].pointer, node.pointer)


def _server_changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    servers = [as_document(document).root.at("servers") for document in (old, new)]
    urls = [{str(node.at("url").value): node.pointer for node in each.elements()} for each in servers]
    for url, pointer in urls[0].items():
        if url not in urls[1]:
            yield Change("servers", f"{url} removed", SERVER_REMOVED, pointer, servers[1].pointer)
    for url, pointer in urls[1].items():
        if url not in urls[0]:
            yield Change("servers", f"{url} added", ADDED, servers[0].pointer, pointer)


def _wording_changes(old: Any, new: Any, reported: list[str]) -> Iterator[Change]:
    """Yield the differences that nothing else reported.

    All that has a meaning is compared elsewhere, so these are spelling and prose.
    """
    for at, there, before, after in _text_differences(as_document(old).root, as_document(new).root):
        if there == "#/info/version" or any(
            _is_reported(each, pointer) for each in reported for pointer in (at, there)
        ):
            continue
        place = re.sub(r"^#/(paths/[^/]*/[a-z]+/|components/)?", "", there)
        if before is False or after is False:
            what = "added" if before is False else "removed"
        else:
            what = f"{shortened(as_text(*after), 60)} instead of {shortened(as_text(*before), 60)}"
        yield Change(place, what, WORDING, at, there)


def _is_reported(reported: str, pointer: str) -> bool:
    """True if a difference at `pointer` is part of the difference reported at `reported`."""
    keyword = pointer.rpartition("/")[2]
    if pointer == reported or reported.startswith(f"{pointer}/"):
        return True
    is_prose = keyword in ANNOTATIONS or (keyword == "message" and "/x-" in pointer)
    return pointer.startswith(f"{reported}/") and not is_prose


def _text_differences(old: Node, new: Node) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield the places where two documents differ, as (old pointer, new pointer, before, after).

    `before` and `after` are the values in tuples, or, if only one document has the value, whether it has.
    """
    if isinstance(old.value, dict) and isinstance(new.value, dict):
        # Parameters of a path may be renamed.
        keys = [
            {without_names(str(key)) if node.pointer == "#/paths" else key: key for key in node.value}
            for node in (old, new)
        ]
        for key in [*keys[0], *(key for key in keys[1] if key not in keys[0])]:
            below = old.at(keys[0].get(key, key)), new.at(keys[1].get(key, key))
            if key in keys[0] and key in keys[1]:
                yield from _text_differences(*below)
            else:
                yield below[0].pointer, below[1].pointer, key in keys[0], key in keys[1]
        return
    if isinstance(old.value, list) and isinstance(new.value, list):
        names = [[_identity(value) for value in node.value] for node in (old, new)]
        if None not in (*names[0], *names[1]) and all(len(set(each)) == len(each) for each in names):
            for index, name in enumerate(names[0]):
                if name in names[1]:
                    yield from _text_differences(old.at(index), new.at(names[1].index(name)))
                else:
                    yield old.at(index).pointer, new.pointer, True, False
            for index, name in enumerate(names[1]):
                if name not in names[0]:
                    yield old.pointer, new.at(index).pointer, False, True
            return
        if len(old.value) == len(new.value):
            for index in range(len(old.value)):
                yield from _text_differences(old.at(index), new.at(index))
            return
    if as_text(old.value) != as_text(new.value):
        yield old.pointer, new.pointer, (old.value,), (new.value,)


def _identity(value: Any) -> str | None:
    """Return what identifies an element of a list, independent of the order; None if nothing does."""
    if isinstance(value, dict) and value.get("in") == "path":
        # The name is not sent.
        return "path"
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return f"id {value['id']}"
    if isinstance(value, dict) and "stage" in value:
        return f"stage {value['stage']} {value.get('parameter')}"
    if isinstance(value, dict) and ("name" in value or "url" in value):
        return f"{value.get('in')} {value.get('name')} {value.get('url')}"
    return None


# --- the command ------------------------------------------------------------------------------------------------------


def breaking(root: Path) -> int:
    """Print each change since BASE of the environment, rated. Return 1 if clients break within a major version."""
    base = os.environ.get("BASE", "") or _default_base(root)
    old = _parse_contract(*_contract_at(root, base))
    new = _parse_contract(_read_text(root / CONTRACT, CONTRACT, f"git checkout -- {CONTRACT}"), CONTRACT)
    found = changes(old, new)
    versions = [str(document["info"]["version"]) for document in (old, new)]
    print(
        f"{CONTRACT} {versions[1]} compared with {base} ({versions[0]}): {len(found)} change{'s' * (len(found) != 1)}."
    )
    rating = ""
    for change in found:
        if change.rating != rating:
            rating = change.rating
            print(f"\n{rating}")
        at = change.new if change.new == change.old else f"{change.old} -> {change.new}"
        print(escaped(f"  {change.place}: {change.what}", MAX_LINE))
        print(f"      {change.rule.why}")
        if change.rule.note:
            print(f"      {change.rule.note}")
        print(escaped(f"      {at}", MAX_LINE))
    needed = level(found)
    is_raised_enough = raised_by(*versions) >= needed
    count = sum(change.breaks_clients for change in found)
    print()
    if count and not is_raised_enough:
        print(
            f"problem: {count} of them break{'s' * (count == 1)} clients, but {versions[1]} is no new major version\n"
            f"fix: raise info.version in {CONTRACT} to {_next_version(versions[0], needed)}, or revert the changes"
        )
        return 1
    print("Clients break; the major version is raised accordingly." if count else "No client breaks.")
    if not is_raised_enough:
        print(f"next: raise info.version in {CONTRACT} to {_next_version(versions[0], needed)}")
    return 0


def last_release(root: Path) -> str | None:
    """Return the version of the last release, from the highest tag such as v1.0.0; None if there is none."""
    tags = re.findall(r"^v(\d+\.\d+\.\d+)$", run_git(root, "tag", "--merged", "HEAD").stdout, flags=re.MULTILINE)
    return max(tags, key=lambda tag: [int(part) for part in tag.split(".")], default=None)


def _default_base(root: Path) -> str:
    version = last_release(root)
    if version is None:
        raise Problem(
            "there is no release to compare with: no tag such as v1.0.0 (a shallow clone has none: git fetch --tags)",
            "name a commit or a file to compare with: make breaking BASE=HEAD",
        )
    return f"v{version}"


def _read_text(path: Path, name: str, fix: str) -> str:
    try:
        return read_file(path).decode()
    except OSError as error:
        raise Problem(f"{name} cannot be read: {error.strerror}", fix) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{name} is not UTF-8: byte {error.start}", fix) from error


def _contract_at(root: Path, base: str) -> tuple[str, str]:
    """Return the text of the contract that BASE names, and its name for messages."""
    if is_path(root / base):
        return _read_text(root / base, base, "name another one: make breaking BASE=..."), base
    commit = run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}").stdout.strip()
    if not commit:
        raise Problem(
            f"BASE must be a file, commit, branch or tag (got '{base}')", "use, for example, make breaking BASE=HEAD"
        )
    done = run_git(root, "show", f"{commit}:./{CONTRACT}")
    if done.returncode != 0:
        raise Problem(f"{base} has no {CONTRACT}", "name a commit that has: git log -- openapi.yaml")
    return done.stdout, f"{CONTRACT} of {base}"


def _parse_contract(text: str, name: str) -> dict[str, Any]:
    """Parse a contract. Only what the comparison needs is checked: an old one may have what is refused today."""
    fix = "make generate, which names the line" if name == CONTRACT else "name another one: make breaking BASE=..."
    try:
        document: Any = parse(text, name).value
    except Unreadable as error:
        raise Problem(f"{name} is not YAML: {error.reason} ({error.place})", fix) from error
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise Problem(f"{name} is not an OpenAPI document: it has no `paths`", fix)
    info = document.get("info")
    info_version = info.get("version") if isinstance(info, dict) else None
    if not re.fullmatch(r"\d+\.\d+\.\d+", str(info_version), re.ASCII):
        raise Problem(f"{name}: `info.version` must be a semantic version (got {info_version!r})", fix)
    return document
