"""Reads fleet.toml: which deployments there are, and how each is tested. Each problem names the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from codegen.text import escaped
from tests.contract.contract import Problem, contract
from tests.contract.redaction import SHORTEST
from tests.contract.settings import id_variables, read_environment
from tests.contract.target import Target

DEFAULTS, DEPLOYMENT, ENV = "defaults", "deployment", "env"
NUMBERS = ("max_time", "max_examples", "max_answer")
LIMITS = ("rate_limit", *NUMBERS)
LARGEST = 999_999_999
# Seconds, where neither the file nor the environment says: one deployment must not hold up the others for ever.
MAX_TIME = 600
# As a file and a test suite may be called.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
# Part of a name that is as long as this and mixes letters and digits is more likely a key than a word.
KEY_LIKE = re.compile(r"(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{12,}", re.ASCII)
SECRET_KEYS = re.compile(r"(?i)token|secret|password|credential|cookie|session|authorization|key")
HEADER = re.compile(r"\s*(\[\[?)\s*([\w\".' -]+?)\s*\]")
KEY = re.compile(r"""\s*(?:"(?P<a>[^"]+)"|'(?P<b>[^']+)'|(?P<c>[\w-]+))\s*(?:\.\s*["']?(?P<below>[\w-]+)["']?\s*)?=""")


@dataclass(frozen=True)
class Deployment:
    """One of the fleet, as the file has it."""

    name: str
    given: Mapping[str, str]
    """By variable of the contract run, credentials aside."""
    credentials: Mapping[str, str]
    """By variable of the contract run, the name of the variable that holds it here."""
    place: Place

    def environment(self, others: Mapping[str, str]) -> dict[str, str]:
        """What the contract run reads, with the credentials.

        Args:
            others: The environment, which has the credentials, and limits that the file leaves out.
        """
        limits = {name.upper(): others.get(name.upper(), "") for name in LIMITS}
        secrets = {name: others.get(source, "") for name, source in self.credentials.items()}
        found = limits | dict(self.given) | secrets
        if found["MAX_TIME"].strip() in ("", "0"):
            found["MAX_TIME"] = str(MAX_TIME)
        return found


@dataclass(frozen=True)
class Fleet:
    """The deployments, in the order of the file."""

    file: Path
    text: str
    deployments: tuple[Deployment, ...]

    def targets(self, environment: Mapping[str, str]) -> dict[str, Target]:
        """What is tested, by name. Raises Problem for the first credential that is not there, or other thing wrong."""
        found = {}
        for each in self.deployments:
            for name, source in each.credentials.items():
                if not environment.get(source, "").strip():
                    problem = f"the environment variable {source}, which is to hold {name} of '{each.name}', is not set"
                    each.place.refuse(problem, f"export {source}=...", f"{ENV}.{name}")
                self.check_secret(each, environment[source].strip())
            try:
                found[each.name] = read_environment(each.environment(environment))
            except Problem as problem:
                told, fix = in_file(problem.problem), in_file(problem.fix)
                names = re.findall(r"\w+", problem.problem)
                keys = [each.place.key_of(name) for name in names if each.place.key_of(name)]
                each.place.refuse(f"'{each.name}': {told}", fix, *keys[:1])
        return found

    def check_secret(self, deployment: Deployment, secret: str) -> None:
        """Raises Problem, which does not show it, where the file has a credential itself."""
        if len(secret) >= SHORTEST and secret in self.text:
            line = self.text[: self.text.index(secret)].count("\n") + 1
            refuse(self.file, line, "a credential stands in the file", "take it out, and give the name of a variable")


def in_file(text: str) -> str:
    """What the contract run says of its variables, with the file's keys instead."""
    for key in sorted(keys(), key=len, reverse=True):
        text = re.sub(rf"\b{key.upper()}=(\S+)", rf'{key} = "\1"', text)
        text = re.sub(rf"\b{key.upper()}\b", key, text)
    return text


def refuse(file: Path, line: int, problem: str, fix: str) -> NoReturn:
    raise Problem(f"{file}:{line}: {problem}", fix)


def ids() -> tuple[str, ...]:
    """The keys for what is tested of a deployment: the contract's own."""
    return tuple(name.lower() for first in contract().parents.values() for name in id_variables(first))


def keys() -> tuple[str, ...]:
    return ("name", "base_url", *ids(), *LIMITS, ENV)


class Lines:
    """Where what the file has stands: tomllib does not say."""

    def __init__(self, text: str) -> None:
        self.found: dict[tuple[str, int, str], int] = {}
        table, number, below, is_text = "", 0, "", False
        for line, content in enumerate(text.split("\n"), 1):
            was_text, quotes = is_text, len(re.findall(r"\"\"\"|'''", content))
            is_text = is_text != bool(quotes % 2)
            if was_text:
                continue
            if header := HEADER.match(content):
                table, _, below = re.sub(r"[\"' ]", "", header[2]).partition(".")
                number += header[1] == "[[" and table == DEPLOYMENT and not below
                self.found.setdefault((table, number * (table == DEPLOYMENT), below), line)
            elif key := KEY.match(content):
                names = [below, key["a"] or key["b"] or key["c"], key["below"]]
                place = table, number * (table == DEPLOYMENT)
                self.found.setdefault((*place, ".".join(filter(None, names))), line)

    def line(self, table: str, number: int, key: str) -> int:
        """That of the key, or of what it stands in."""
        for each in (key, key.partition(".")[0], ""):
            if line := self.found.get((table, number, each)):
                return line
        return self.found.get(("", 0, table), 1)


@dataclass(frozen=True)
class Place:
    """A table of the file: the defaults, a deployment, or the whole."""

    file: Path
    lines: Lines
    table: str
    number: int = 0
    """Of deployments, from 1."""
    keys: frozenset[str] = frozenset()
    """Those that it has itself; the others have their default."""

    def key_of(self, variable: str) -> str:
        """The key for a variable of the contract run; empty if it has none here."""
        name = variable.lower()
        is_known = name in keys() and (name in self.keys or (DEFAULTS, 0, name) in self.lines.found)
        return name if is_known else f"{ENV}.{variable}" if variable in contract().variables else ""

    def refuse(self, problem: str, fix: str, key: str = "") -> NoReturn:
        """Raises Problem, at the line of the key."""
        is_here = self.table != DEPLOYMENT or not key or key.partition(".")[0] in self.keys
        line = self.lines.line(self.table, self.number, key) if is_here else self.lines.line(DEFAULTS, 0, key)
        refuse(self.file, line, problem, fix)


def read_fleet(file: Path) -> Fleet:
    """Returns the fleet, with nothing read but the file. Raises Problem, with the line."""
    try:
        text = file.read_text("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise Problem(
            f"the fleet cannot be read: {file}: {error.strerror}",
            "name its file, FLEET=fleet.toml; .venv/bin/python -m tests.fleet --help shows what stands in one",
        ) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{file} is not UTF-8 text", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        where = re.search(r"line (\d+)", str(error))
        line = int(where[1]) if where else len(text.split("\n"))
        raise Problem(f"{file}:{line}: {escaped(str(error))}, so it is no TOML", "mend that line") from error
    lines = Lines(text)
    whole = Place(file, lines, "")
    for key in data.keys() - {DEFAULTS, DEPLOYMENT}:
        refuse(file, lines.line(key, 0, "") if (key, 0, "") in lines.found else lines.line("", 0, key), *unknown(key))
    defaults = data.get(DEFAULTS, {})
    if not isinstance(defaults, dict):
        whole.refuse(f"'{DEFAULTS}' must be a table (got {kind(defaults)})", f"write [{DEFAULTS}]", DEFAULTS)
    check_table(Place(file, lines, DEFAULTS, keys=frozenset(defaults)), defaults, without=("name", "base_url"))
    given = data.get(DEPLOYMENT, [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        whole.refuse(f"'{DEPLOYMENT}' must be a list of tables", f"write each as [[{DEPLOYMENT}]]", DEPLOYMENT)
    if not given:
        raise Problem(f"{file}: there is no deployment", f'write one: [[{DEPLOYMENT}]], name = "...", base_url = "..."')
    found = [
        read_one(Place(file, lines, DEPLOYMENT, number, frozenset(each)), each, defaults)
        for number, each in enumerate(given, 1)
    ]
    check_names(found)
    return Fleet(file, text, tuple(found))


def check_names(found: list[Deployment]) -> None:
    seen: dict[str, Deployment] = {}
    for each in found:
        # Files of some systems do not tell them apart.
        first = seen.setdefault(each.name.lower(), each)
        if first is not each:
            line = first.place.lines.line(DEPLOYMENT, first.place.number, "name")
            each.place.refuse(f"the name '{each.name}' is given twice, first on line {line}", "give another", "name")


def read_one(place: Place, given: dict[str, Any], defaults: dict[str, Any]) -> Deployment:
    check_table(place, given)
    for key in ("name", "base_url"):
        if key not in given:
            place.refuse(f"'{key}' must be given for each deployment", f'{key} = "..."')
    data = defaults | given
    if not data.get(ENV):
        first = contract().variables[0] if contract().variables else "TOKEN"
        fix = f'name the variable that holds one: {ENV} = {{ {first} = "..." }}'
        place.refuse(f"'{given['name']}' has no credentials", fix)
    values = {key: as_text(data[key]) for key in keys() if key in data and key not in ("name", ENV)}
    return Deployment(given["name"], {key.upper(): text for key, text in values.items()}, data[ENV], place)


def as_text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def check_table(place: Place, given: dict[str, Any], without: tuple[str, ...] = ()) -> None:
    """Raises Problem for the first key, by line, that is wrong."""
    for key in sorted(given, key=lambda key: place.lines.line(place.table, place.number, key)):
        value = given[key]
        if key not in keys() or key in without:
            place.refuse(*unknown(key, without), key)
        for problem, fix, where in wrong(key, value):
            place.refuse(problem, fix, where)


def wrong(key: str, value: Any) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a value, with a fix and the key."""
    if key == ENV:
        yield from wrong_variables(value)
    elif key in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
            got = value if isinstance(value, int) and not isinstance(value, bool) else kind(value)
            yield f"'{key}' must be an integer between 1 and {LARGEST} (got {got})", f"{key} = 300", key
    elif key in ids() and isinstance(value, list):
        if not all(isinstance(each, str) for each in value):
            yield f"'{key}' must be text, or a list of texts", f'{key} = ["...", "..."]', key
    elif not isinstance(value, str):
        yield f"'{key}' must be text (got {kind(value)})", f'{key} = "..."', key
    elif key == "name" and not NAME.fullmatch(value):
        problem = f"'name' must be letters, digits, '.', '_' and '-', 63 at most (got '{escaped(value, 80)}')"
        yield problem, 'name = "berlin-1"', key
    elif key == "base_url" and not value.strip():
        yield "'base_url' must be an address (got '')", 'base_url = "https://host.example/api"', key


def wrong_variables(value: Any) -> Iterator[tuple[str, str, str]]:
    known = contract().variables
    if not isinstance(value, dict):
        yield f"'{ENV}' must be a table (got {kind(value)})", f'{ENV} = {{ {known[0]} = "..." }}', ENV
        return
    for name, source in value.items():
        key = f"{ENV}.{name}"
        if name not in known:
            fix = f"give {' or '.join(known)}"
            yield f"'{escaped(name, 80)}' must be one of the contract's credentials, {', '.join(known)}", fix, key
        elif not isinstance(source, str):
            yield f"'{key}' must be the name of an environment variable (got {kind(source)})", rename(name), key
        elif not VARIABLE.fullmatch(source) or any(map(KEY_LIKE.fullmatch, source.split("_"))):
            # Not shown: it may be the credential itself.
            problem = f"'{key}' must be the name of an environment variable, in capitals; what is there looks like a "
            yield f"{problem}credential", rename(name), key


def rename(name: str) -> str:
    return f'export the credential under a name, and give that: {ENV} = {{ {name} = "BERLIN_{name}" }}'


def unknown(key: str, without: tuple[str, ...] = ()) -> tuple[str, str]:
    allowed = [each for each in keys() if each not in without]
    if key in without:
        return f"'{key}' must not be in [{DEFAULTS}]: each deployment has its own", f"move it to a [[{DEPLOYMENT}]]"
    if SECRET_KEYS.search(key):
        return f"there is no key '{escaped(key, 80)}', and no credential may be in the file", rename(
            contract().variables[0] if contract().variables else "TOKEN"
        )
    near = get_close_matches(key, allowed, 1)
    return f"there is no key '{escaped(key, 80)}'", f"give {near[0] if near else 'one of ' + ', '.join(allowed)}"


def kind(value: Any) -> str:
    """What TOML calls it."""
    names = {bool: "a Boolean", int: "an integer", float: "a float", str: "text", list: "an array", dict: "a table"}
    return names.get(type(value), "a date or a time")
