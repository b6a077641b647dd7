"""Reads and validates fleet.toml, the list of deployments. Each problem names the line."""

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
# Seconds; the default when neither the file nor the environment sets it. One deployment must not block the others.
MAX_TIME = 600
# Valid as the name of a file and of a test suite.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
# A part of a variable's name this long that mixes letters and digits is more likely a key than a word.
KEY_LIKE = re.compile(r"(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{12,}", re.ASCII)
SECRET_KEYS = re.compile(r"(?i)token|secret|password|credential|cookie|session|authorization|key")
HEADER = re.compile(r"\s*(\[\[?)\s*([\w\".' -]+?)\s*\]")
KEY = re.compile(r"""\s*(?:"(?P<a>[^"]+)"|'(?P<b>[^']+)'|(?P<c>[\w-]+))\s*(?:\.\s*["']?(?P<below>[\w-]+)["']?\s*)?=""")


@dataclass(frozen=True)
class Deployment:
    """A deployment listed in the file."""

    name: str
    settings: Mapping[str, str]
    """Variables of the contract run and their values, without credentials."""
    credentials: Mapping[str, str]
    """For each credential variable of the contract run, the environment variable that holds it."""
    table: Table

    def environment(self, others: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of the contract run, credentials included.

        Args:
            others: The environment, for the credentials and for limits that the file does not set.
        """
        limits = {name.upper(): others.get(name.upper(), "") for name in LIMITS}
        secrets = {name: others.get(source, "") for name, source in self.credentials.items()}
        found = limits | dict(self.settings) | secrets
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
        """Return the target of each deployment, by name. Raises Problem for the first missing or invalid setting."""
        found = {}
        for each in self.deployments:
            for name, source in each.credentials.items():
                if not environment.get(source, "").strip():
                    problem = f"the environment variable {source}, for {name} of '{each.name}', is not set"
                    each.table.fail(problem, f"export {source}=...", f"{ENV}.{name}")
                self.check_no_secret(each, environment[source].strip())
            try:
                found[each.name] = read_environment(each.environment(environment))
            except Problem as problem:
                message, fix = use_file_keys(problem.problem), use_file_keys(problem.fix)
                names = re.findall(r"\w+", problem.problem)
                keys = [each.table.key_of(name) for name in names if each.table.key_of(name)]
                each.table.fail(f"'{each.name}': {message}", fix, *keys[:1])
        return found

    def check_no_secret(self, deployment: Deployment, secret: str) -> None:
        """Raise Problem if the file contains a credential. The message does not show it."""
        if len(secret) >= SHORTEST and secret in self.text:
            line = self.text[: self.text.index(secret)].count("\n") + 1
            fail(self.file, line, "the file contains a credential", "replace it by the name of a variable")


def use_file_keys(text: str) -> str:
    """Replace the contract run's variables by the file's keys, in a message of the contract run."""
    for key in sorted(allowed_keys(), key=len, reverse=True):
        text = re.sub(rf"\b{key.upper()}=(\S+)", rf'{key} = "\1"', text)
        text = re.sub(rf"\b{key.upper()}\b", key, text)
    return text


def fail(file: Path, line: int, problem: str, fix: str) -> NoReturn:
    raise Problem(f"{file}:{line}: {problem}", fix)


def id_keys() -> tuple[str, ...]:
    """Return the keys for the ids under test. They follow from the contract."""
    return tuple(name.lower() for first in contract().parents.values() for name in id_variables(first))


def allowed_keys() -> tuple[str, ...]:
    return ("name", "base_url", *id_keys(), *LIMITS, ENV)


class LineIndex:
    """Line numbers of tables and keys, which tomllib does not report."""

    def __init__(self, text: str) -> None:
        self.found: dict[tuple[str, int, str], int] = {}
        """By table, number of the deployment (0 elsewhere) and key."""
        table, number, subtable, in_string = "", 0, "", False
        for line, content in enumerate(text.split("\n"), 1):
            was_in_string, quotes = in_string, len(re.findall(r"\"\"\"|'''", content))
            in_string = in_string != bool(quotes % 2)
            if was_in_string:
                continue
            if header := HEADER.match(content):
                table, _, subtable = re.sub(r"[\"' ]", "", header[2]).partition(".")
                number += header[1] == "[[" and table == DEPLOYMENT and not subtable
                self.found.setdefault((table, number * (table == DEPLOYMENT), subtable), line)
            elif key := KEY.match(content):
                names = [subtable, key["a"] or key["b"] or key["c"], key["below"]]
                place = table, number * (table == DEPLOYMENT)
                self.found.setdefault((*place, ".".join(filter(None, names))), line)

    def line(self, table: str, number: int, key: str) -> int:
        """Return the line of the key, else of its table, else 1."""
        for each in (key, key.partition(".")[0], ""):
            if line := self.found.get((table, number, each)):
                return line
        return self.found.get(("", 0, table), 1)


@dataclass(frozen=True)
class Table:
    """A table of the file: [defaults], a [[deployment]], or the top level."""

    file: Path
    lines: LineIndex
    name: str
    number: int = 0
    """Of a deployment, from 1."""
    keys: frozenset[str] = frozenset()
    """The keys that the table sets itself; the others come from [defaults]."""

    def key_of(self, variable: str) -> str:
        """Return the key for a variable of the contract run, or "" if the file does not set it."""
        name = variable.lower()
        is_known = name in allowed_keys() and (name in self.keys or (DEFAULTS, 0, name) in self.lines.found)
        return name if is_known else f"{ENV}.{variable}" if variable in contract().variables else ""

    def fail(self, problem: str, fix: str, key: str = "") -> NoReturn:
        """Raise Problem with the line of the key."""
        is_here = self.name != DEPLOYMENT or not key or key.partition(".")[0] in self.keys
        line = self.lines.line(self.name, self.number, key) if is_here else self.lines.line(DEFAULTS, 0, key)
        fail(self.file, line, problem, fix)


def read_fleet(file: Path) -> Fleet:
    """Read and validate the file. Raises Problem, with the line."""
    try:
        text = file.read_text("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise Problem(
            f"cannot read {file}: {error.strerror}",
            "write it, or name another file: FLEET=fleet.toml; .venv/bin/python -m tests.fleet --help has an example",
        ) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{file} is not UTF-8 text", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        where = re.search(r"line (\d+)", str(error))
        line = int(where[1]) if where else len(text.split("\n"))
        raise Problem(f"{file}:{line}: invalid TOML: {escaped(str(error))}", "correct that line") from error
    lines = LineIndex(text)
    whole = Table(file, lines, "")
    for key in data.keys() - {DEFAULTS, DEPLOYMENT}:
        fail(file, lines.line(key, 0, "") if (key, 0, "") in lines.found else lines.line("", 0, key), *unknown_key(key))
    defaults = data.get(DEFAULTS, {})
    if not isinstance(defaults, dict):
        whole.fail(f"'{DEFAULTS}' must be a table (got {toml_type(defaults)})", f"write [{DEFAULTS}]", DEFAULTS)
    check_table(Table(file, lines, DEFAULTS, keys=frozenset(defaults)), defaults, excluded=("name", "base_url"))
    given = data.get(DEPLOYMENT, [])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        whole.fail(f"'{DEPLOYMENT}' must be a list of tables", f"write each as [[{DEPLOYMENT}]]", DEPLOYMENT)
    if not given:
        raise Problem(f"{file}: it lists no deployment", f'add one: [[{DEPLOYMENT}]], name = "...", base_url = "..."')
    found = [
        read_deployment(Table(file, lines, DEPLOYMENT, number, frozenset(each)), each, defaults)
        for number, each in enumerate(given, 1)
    ]
    check_unique_names(found)
    return Fleet(file, text, tuple(found))


def check_unique_names(found: list[Deployment]) -> None:
    seen: dict[str, Deployment] = {}
    for each in found:
        # Names become folder names, which some systems compare without case.
        first = seen.setdefault(each.name.lower(), each)
        if first is not each:
            line = first.table.lines.line(DEPLOYMENT, first.table.number, "name")
            each.table.fail(f"'name' must be unique (got '{each.name}', also on line {line})", "choose another", "name")


def read_deployment(table: Table, given: dict[str, Any], defaults: dict[str, Any]) -> Deployment:
    check_table(table, given)
    for key in ("name", "base_url"):
        if key not in given:
            table.fail(f"'{key}' must be given for each deployment", f'{key} = "..."')
    data = defaults | given
    if not data.get(ENV):
        first = contract().variables[0] if contract().variables else "TOKEN"
        fix = f'name the environment variable that holds one: {ENV} = {{ {first} = "..." }}'
        table.fail(f"'{given['name']}' has no credentials", fix)
    values = {key: to_text(data[key]) for key in allowed_keys() if key in data and key not in ("name", ENV)}
    return Deployment(given["name"], {key.upper(): text for key, text in values.items()}, data[ENV], table)


def to_text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def check_table(table: Table, given: dict[str, Any], excluded: tuple[str, ...] = ()) -> None:
    """Raise Problem for the first invalid key, in the order of the lines."""
    for key in sorted(given, key=lambda key: table.lines.line(table.name, table.number, key)):
        value = given[key]
        if key not in allowed_keys() or key in excluded:
            table.fail(*unknown_key(key, excluded), key)
        for problem, fix, where in check_value(key, value):
            table.fail(problem, fix, where)


def check_value(key: str, value: Any) -> Iterator[tuple[str, str, str]]:
    """Yield problem, fix and key for each way in which a value is invalid."""
    if key == ENV:
        yield from check_credentials(value)
    elif key in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
            got = value if isinstance(value, int) and not isinstance(value, bool) else toml_type(value)
            yield f"'{key}' must be an integer between 1 and {LARGEST} (got {got})", f"{key} = 300", key
    elif key in id_keys() and isinstance(value, list):
        if not all(isinstance(each, str) for each in value):
            yield f"'{key}' must be text or a list of text", f'{key} = ["...", "..."]', key
    elif not isinstance(value, str):
        yield f"'{key}' must be text (got {toml_type(value)})", f'{key} = "..."', key
    elif key == "name" and not NAME.fullmatch(value):
        problem = f"'name' must be letters, digits, '.', '_' and '-', 63 at most (got '{escaped(value, 80)}')"
        yield problem, 'name = "berlin-1"', key
    elif key == "base_url" and not value.strip():
        yield "'base_url' must be an address (got '')", 'base_url = "https://host.example/api"', key


def check_credentials(value: Any) -> Iterator[tuple[str, str, str]]:
    known = contract().variables
    if not isinstance(value, dict):
        yield f"'{ENV}' must be a table (got {toml_type(value)})", f'{ENV} = {{ {known[0]} = "..." }}', ENV
        return
    for name, source in value.items():
        key = f"{ENV}.{name}"
        if name not in known:
            fix = f"use {' or '.join(known)}"
            yield f"'{escaped(name, 80)}' must be one of the contract's credentials, {', '.join(known)}", fix, key
        elif not isinstance(source, str):
            problem = f"'{key}' must be the name of an environment variable (got {toml_type(source)})"
            yield problem, credential_fix(name), key
        elif not VARIABLE.fullmatch(source) or any(map(KEY_LIKE.fullmatch, source.split("_"))):
            # The message does not show the value: it may be the credential itself.
            problem = f"'{key}' must be the name of an environment variable, in capitals (got what looks like a "
            yield f"{problem}credential)", credential_fix(name), key


def credential_fix(name: str) -> str:
    return f'export the credential in a variable, and name that here: {ENV} = {{ {name} = "BERLIN_{name}" }}'


def unknown_key(key: str, excluded: tuple[str, ...] = ()) -> tuple[str, str]:
    allowed = [each for each in allowed_keys() if each not in excluded]
    if key in excluded:
        return f"'{key}' is not allowed in [{DEFAULTS}]: each deployment has its own", f"move it to a [[{DEPLOYMENT}]]"
    if SECRET_KEYS.search(key):
        return f"there is no key '{escaped(key, 80)}', and credentials must not be in the file", credential_fix(
            contract().variables[0] if contract().variables else "TOKEN"
        )
    near = get_close_matches(key, allowed, 1)
    return f"there is no key '{escaped(key, 80)}'", f"use {near[0] if near else 'one of ' + ', '.join(allowed)}"


def toml_type(value: Any) -> str:
    """Return TOML's name for the type of a value."""
    names = {bool: "a Boolean", int: "an integer", float: "a float", str: "text", list: "an array", dict: "a table"}
    return names.get(type(value), "a date or a time")
