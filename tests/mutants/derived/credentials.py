"""Mutants of security schemes: valid credentials are refused, wrong or missing ones accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from codegen.openapi import Node
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Credential, Operation

from .base import EVERYWHERE, ONE_IN_THREE, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .middleware import Forward, HttpRequest, HttpResponse
from .reroute import (
    ONE_PAGE,
    condition_for,
    presented_values,
    replace_responses,
    rewrite_requests,
    title_with,
    with_credentials,
    without_credentials,
)

WHERES = (EVERYWHERE, ONE_IN_THREE, ONE_PAGE)


class LaxComparison(NamedTuple):
    """One way to accept a wrong credential."""

    detail: str
    matches: Callable[[str, str, str], bool]
    """Takes the value sent, the prefix of the scheme (`Bearer `) and the valid secret."""


def without_prefix(value: str, prefix: str) -> str:
    return value.removeprefix(prefix) if value.startswith(prefix) else ""


LAX_COMPARISONS = (
    LaxComparison("any", lambda value, prefix, secret: True),
    LaxComparison("empty", lambda value, prefix, secret: value.strip() in ("", prefix.strip())),
    LaxComparison("beginning", lambda value, prefix, secret: secret.startswith(without_prefix(value, prefix) or " ")),
    LaxComparison("more", lambda value, prefix, secret: without_prefix(value, prefix).startswith(secret)),
    LaxComparison("other_case", lambda value, prefix, secret: without_prefix(value, prefix).lower() == secret.lower()),
)
# For credentials with the name of a scheme before them.
LAX_SCHEMES = (
    LaxComparison("without_scheme", lambda value, prefix, secret: value == secret),
    LaxComparison(
        "other_scheme", lambda value, prefix, secret: value.endswith(f" {secret}") and not without_prefix(value, prefix)
    ),
)


@family
def credentials() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        for credential in operation.credentials:
            yield from credential_mutants(operation, credential)


def credential_mutants(operation: Operation, credential: Credential) -> Iterator[DerivedMutant]:
    described, name = operation.described.operation, credential.name
    schemes = described.node.document.root.at("components").at("securitySchemes")
    scheme = schemes.at(credential.scheme).resolved() or schemes.at(credential.scheme)
    [alternative, *_] = (node for node in described.security.elements() if credential.scheme in node)
    stated = [
        node
        for (place, known), node in operation.parameters.items()
        if place == credential.place and (known.lower() == name.lower() if place == "header" else known == name)
    ]
    title = f"{operation.name}!{credential.scheme}"

    def each(
        promise: Node, kind: str, build: Callable[..., BuiltMutant], wheres: tuple[str, ...], detail: str = ""
    ) -> Iterator[DerivedMutant]:
        for where in wheres:
            make = partial(build, operation=operation, credential=credential, where=where)
            yield DerivedMutant((promise.pointer,), kind, where, title_with(title, detail), make)

    yield from each(alternative, "not_accepted", reject_valid, WHERES)
    yield from each(alternative, "not_needed", accept_anonymous, WHERES)
    for comparison in LAX_COMPARISONS + (LAX_SCHEMES if credential.prefix else ()):
        wheres = WHERES if comparison.detail == "any" else (EVERYWHERE,)
        yield from each(
            scheme, "wrong_taken", partial(accept_similar, matches=comparison.matches), wheres, comparison.detail
        )
    for node in stated or [scheme]:
        yield from each(node, "taken_elsewhere", accept_misplaced, (EVERYWHERE,))
        if stated:
            yield from each(node.at("schema").at("type"), "another_type", wrong_type, (EVERYWHERE,))


def wrong_type(baseline: Baseline, operation: Operation, credential: Credential, where: str) -> BuiltMutant:
    raise Equivalent(f"every {credential.place} is text")


def secret_of(baseline: Baseline, credential: Credential) -> str:
    if credential.variable not in baseline.target.secrets:
        raise Equivalent(f"{credential.variable} is not set")
    return baseline.target.secrets[credential.variable]


def reject_valid(baseline: Baseline, operation: Operation, credential: Credential, where: str) -> BuiltMutant:
    """The valid credential is ignored."""
    right = credential.prefix + secret_of(baseline, credential)

    def rewrite(request: HttpRequest) -> HttpRequest | None:
        return without_credentials(operation, request) if presented_values(request, credential) == [right] else None

    return BuiltMutant(rewrite_requests(operation, rewrite, condition_for(where, operation)), frozenset({"reached"}))


def accept_anonymous(baseline: Baseline, operation: Operation, credential: Credential, where: str) -> BuiltMutant:
    """Requests without any credentials are accepted."""

    def is_without(request: HttpRequest) -> bool:
        return not any(presented_values(request, each) for each in operation.credentials)

    return accept_if(baseline, operation, is_without, where)


def accept_similar(
    baseline: Baseline,
    operation: Operation,
    credential: Credential,
    where: str,
    matches: Callable[[str, str, str], bool],
) -> BuiltMutant:
    """Credentials similar to the valid one are accepted."""
    secret = secret_of(baseline, credential)

    def is_similar(request: HttpRequest) -> bool:
        return any(matches(value, credential.prefix, secret) for value in presented_values(request, credential))

    return accept_if(baseline, operation, is_similar, where)


def accept_misplaced(baseline: Baseline, operation: Operation, credential: Credential, where: str) -> BuiltMutant:
    """The valid secret is accepted under another name or in another place."""
    secret = secret_of(baseline, credential)

    def is_elsewhere(request: HttpRequest) -> bool:
        rest = without_credentials(operation, request)
        return secret in rest.query or any(secret in value for _, value in rest.headers)

    return accept_if(baseline, operation, is_elsewhere, where)


def accept_if(
    baseline: Baseline, operation: Operation, is_authenticated: Callable[[HttpRequest], bool], where: str
) -> BuiltMutant:
    refused = operation.refused("credentials")

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        if response.status not in refused or not is_authenticated(request):
            return None
        return await forward(with_credentials(baseline, operation, request))

    return BuiltMutant(
        replace_responses(operation, replacement, condition_for(where, operation)), frozenset(CLASSES["paging"])
    )
