"""Reads the settings from the environment. The contract determines which variables there are."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema_rs

from .contract import Contract, Problem, contract, either
from .operation import Operation
from .parameter import Parameter
from .target import MAX_ANSWER, Ids, Target

# The kinds of ids: prefix of the variable, and description.
KINDS = {"": "one with {items}", "EMPTY_": "one without", "FOREIGN_": "one that may not be read"}
# Characters of a credential that HTTP transmits unchanged, by place.
ALLOWED = {"cookie": r"[!#-+\--:<-\[\]-~]*"}
ALLOWED_ELSEWHERE = r"[!-~]*"


def read_environment(environment: Mapping[str, str]) -> Target:
    """Return the settings. Raises Problem for the first that is missing or invalid."""
    described = contract()
    given = {name: value.strip() for name, value in environment.items()}
    base_url = given.get("BASE_URL", "")
    ids = {name: read_ids(given, first) for name, first in described.parents.items()}
    target = Target(
        base_url=base_url.rstrip("/"),
        ids=ids,
        secrets=described.secrets_in(given),
        is_deployment=bool(base_url),
        max_examples=read_number("MAX_EXAMPLES", given.get("MAX_EXAMPLES") or "30", least=1),
        seed=read_number("SEED", given.get("SEED") or "0", least=0),
        rate_limit=given.get("RATE_LIMIT") or "20/s",
        report_dir=Path(given.get("REPORT_DIR") or "reports"),
        max_time=read_number("MAX_TIME", given.get("MAX_TIME") or "0", least=0),
        max_answer=read_number("MAX_ANSWER", given.get("MAX_ANSWER") or str(MAX_ANSWER), least=1),
        all_methods=read_switch(given, "ALL_METHODS") or not base_url,
        fail_fast=read_switch(given, "FAIL_FAST"),
        thorough=read_switch(given, "THOROUGH"),
        excluded_checks=tuple(map(str.lower, read_list(given, "EXCLUDE_CHECKS"))),
        mutant=given.get("MUTANT", ""),
        operation=given.get("OPERATION", ""),
    )
    check_operation(target, described)
    if not re.fullmatch(r"[1-9][0-9]*/[smh]", target.rate_limit, re.ASCII):
        raise Problem(
            f"RATE_LIMIT must be a rate (got '{target.rate_limit}')", "give requests per s, m or h: RATE_LIMIT=5/s"
        )
    if not target.is_deployment:
        for name in (name for first in described.parents.values() for name in id_variables(first)):
            if given.get(name):
                raise Problem(
                    f"{name} is given, but not BASE_URL",
                    f"give BASE_URL too; or, to test the reference server, unset {name}",
                )
        return target
    if target.mutant:
        raise Problem(
            "MUTANT is given, and BASE_URL: only the reference server has mutants",
            "unset one of them; to serve a mutant at another address: make serve MUTANT=...",
        )
    check_base_url(target.base_url, described)
    check_credentials(target, described)
    return check_ids(target, described)


def id_variables(described: Operation) -> tuple[str, ...]:
    return tuple(kind + described.parent_variable for kind in KINDS)


def check_operation(target: Target, described: Contract) -> None:
    names = [each.name for each in described.operations]
    if target.operation in ("", *names):
        found = next((each for each in described.operations if each.name == target.operation), None)
        if found and not found.is_safe and not target.all_methods:
            raise Problem(f"{found.name} is a {found.method}, which may change data", "allow it: ALL_METHODS=1")
        return
    if why := described.untestable.get(target.operation):
        raise Problem(f"the operation {target.operation} cannot be tested: {why}", f"choose another: {either(names)}")
    raise Problem(f"OPERATION must be one of the contract (got '{target.operation}')", f"choose {either(names)}")


def check_ids(target: Target, described: Contract) -> Target:
    """Return the target with its missing ids, by operation. Raises Problem if nothing can be tested."""
    unknown: dict[str, str] = {}
    wanted = [
        each
        for each in described.operations
        if target.operation in ("", each.name) and (each.is_safe or target.all_methods)
    ]
    for each in wanted:
        if each.is_safe or each.method == "POST":
            if not any(target.ids_of(one).readable for one in (each, *source_lists(each, described))):
                unknown[each.name] = f"{each.parent_variable} is not given"
        elif not any(target.ids_of(one).readable for one in described.operations if creates(one, each)):
            unknown[each.name] = "no link leads from an operation that creates items"
    if len(unknown) == len(wanted):
        require_id(target, wanted[0], described)
    for first in described.parents.values():
        check_given_ids(target, first)
    return replace(target, missing_ids=unknown)


def creates(one: Operation, other: Operation) -> bool:
    """True if an operation creates items that another one may change or delete, by a link of the contract."""
    return one.method == "POST" and one.name in other.links


def source_lists(operation: Operation, described: Contract) -> list[Operation]:
    """Return the lists whose items link to the operation."""
    return [each for each in described.operations if each.is_safe and each.name in operation.links]


def require_id(target: Target, first: Operation, described: Contract) -> None:
    """Raise Problem if no id is known."""
    first = next(iter(source_lists(first, described)), first)
    name, items, parent = first.parent_variable, first.items_noun, first.parent_noun
    example = first.parameters["path", first.parent].at("example").value or "..." if first.parent else ""
    if not target.ids_of(first).readable:
        refused = either(sorted(first.refused("existence", "access"))[-1:]) or "refusal"
        what = f"lists the {items} of one {parent}" if first.listing else f"is about one {parent}"
        some = f" that has {items}" if first.listing else ""
        raise Problem(
            f"{name} is not given. It is required because the operation {what}, and ids cannot be guessed: without one"
            f"{some} every response would be a {refused}",
            f"give the id of a {parent}{some}: {name}={example}",
        )


def check_given_ids(target: Target, described: Operation) -> None:
    """Raise Problem for an id that is invalid or given twice."""
    items, parent = described.items_noun, described.parent_noun
    example = described.parameters["path", described.parent].at("example").value or "..."
    given = target.ids[described.parent]
    is_id = jsonschema_rs.Draft202012Validator(
        {**described.parent_schema, "components": contract().document.get("components", {})}, validate_formats=True
    ).is_valid
    kind = "UUID" if described.parent_schema.get("format") == "uuid" else f"value of {described.parent}"
    seen: dict[str, str] = {}
    lists = zip(id_variables(described), (given.known, given.empty, given.foreign), strict=True)
    for name, identifier in ((name, identifier) for name, ids in lists for identifier in ids):
        if not is_id(identifier) and not (re.fullmatch("[0-9]+", identifier) and is_id(int(identifier))):
            raise Problem(
                f"{name} must be a {kind} (got '{identifier}')", f"give the id as the API writes it: {name}={example}"
            )
        if identifier in seen:
            raise Problem(
                f"the {parent} {identifier} is given twice, as {seen[identifier]} and as {name}",
                f"give it once: as {either(KINDS.values()).format(items=items)}",
            )
        seen[identifier] = name


def read_ids(given: Mapping[str, str], described: Operation) -> Ids:
    parameter = described.in_path[described.parent]
    return Ids(*(read_id_list(given, name, parameter) for name in id_variables(described)))


def read_id_list(given: Mapping[str, str], name: str, parameter: Parameter) -> tuple[str, ...]:
    ids = read_list(given, name)
    # UUIDs are case-insensitive.
    return tuple(each.lower() for each in ids) if parameter.is_uuid else ids


def read_list(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in given.get(name, "").split(",") if word.strip())


def read_switch(given: Mapping[str, str], name: str) -> bool:
    if given.get(name, "") not in ("", "0", "1"):
        raise Problem(f"{name} must be 0 or 1 (got '{given[name]}')", f"give {name}=1, or unset it")
    return given.get(name) == "1"


def read_number(name: str, text: str, least: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) < least:
        raise Problem(f"{name} must be a number from {least} up (got '{text}')", f"{name}={least + 100}")
    return int(text)


def base_url_fix(described: Contract) -> str:
    """Return the remedy for a wrong BASE_URL."""
    return f"give the part of the API's URLs before {described.prefix}: BASE_URL=https://host.example/api"


def check_base_url(base_url: str, described: Contract) -> None:
    fix = base_url_fix(described)
    try:
        url = urlsplit(base_url)
        # Access validates the port.
        valid = url.scheme in ("http", "https") and url.hostname is not None and url.port != 0
    except ValueError:
        valid = False
        url = urlsplit("")
    if url.username is not None or "@" in base_url.partition("/")[0]:
        # Not shown: it contains a password.
        raise Problem(f"BASE_URL must not contain credentials: they would replace {either(described.variables)}", fix)
    if "://" not in base_url:
        raise Problem(f"BASE_URL must begin with http:// or https:// (got '{base_url}')", f"BASE_URL=http://{base_url}")
    if url.query or url.fragment:
        raise Problem(f"BASE_URL must not have a query or a fragment (got '{base_url}')", fix)
    if not valid or re.search(r"\s", base_url):
        raise Problem(f"BASE_URL must be an http or https URL (got '{base_url}')", fix)
    paths = {each.path.partition("/{")[0] for each in described.operations}
    if any(own and f"{own}/" in f"{url.path}/" for own in paths):
        raise Problem(f"BASE_URL must not contain the path of the operation (got '{base_url}')", fix)


def check_credentials(target: Target, described: Contract) -> None:
    if not target.secrets:
        several = len(described.credentials) > 1
        ways = (f"{each.variable}, {each.description or each.name}".rstrip(".") for each in described.credentials)
        raise Problem(
            f"{'neither ' if several else ''}{' nor '.join(described.variables)} is {'' if several else 'not '}given, "
            "and the API refuses requests without credentials",
            f"set {'; or '.join(ways)}",
        )
    # Messages do not show the value.
    for credential in described.credentials:
        name, value = credential.variable, target.secrets.get(credential.variable, "")
        if not re.fullmatch(ALLOWED.get(credential.place, ALLOWED_ELSEWHERE), value, re.ASCII):
            without = f"'{credential.prefix.strip()}', quotes" if credential.prefix else "quotes"
            raise Problem(
                f"{name} contains characters that a credential cannot have",
                f"give the value alone as {name}, without {without} or blanks",
            )
        if not credential.prefix and value.startswith(f"{credential.name}="):
            raise Problem(
                f"{name} must not contain the name of the {credential.place}",
                f"give the part after {credential.name}=",
            )
