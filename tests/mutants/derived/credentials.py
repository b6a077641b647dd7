"""From security schemes: right credentials that are refused, and others that let somebody in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from codegen.openapi import Node
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Credential, Operation

from .asking import ONE_PAGE, answering, let_in, presented, rewriting, shut_out, titled, when
from .exchange import Answer, Ask, Asked
from .making import EVERYWHERE, ONE_IN_THREE, Built, Derived, Equivalent, family
from .world import World

WHERES = (EVERYWHERE, ONE_IN_THREE, ONE_PAGE)


class Taken(NamedTuple):
    """One way to take for right what is wrong."""

    detail: str
    fits: Callable[[str, str, str], bool]
    """By the value presented, what stands before a right one, and a right one."""


def bare(value: str, prefix: str) -> str:
    return value.removeprefix(prefix) if value.startswith(prefix) else ""


TAKEN = (
    Taken("any", lambda value, prefix, secret: True),
    Taken("empty", lambda value, prefix, secret: value.strip() in ("", prefix.strip())),
    Taken("beginning", lambda value, prefix, secret: secret.startswith(bare(value, prefix) or " ")),
    Taken("more", lambda value, prefix, secret: bare(value, prefix).startswith(secret)),
    Taken("other_case", lambda value, prefix, secret: bare(value, prefix).lower() == secret.lower()),
)
# Of those that stand behind the name of a scheme.
OF_SCHEMES = (
    Taken("without_scheme", lambda value, prefix, secret: value == secret),
    Taken("other_scheme", lambda value, prefix, secret: value.endswith(f" {secret}") and not bare(value, prefix)),
)


@family
def credentials() -> Iterator[Derived]:
    for operation in contract().operations:
        for credential in operation.credentials:
            yield from of_credential(operation, credential)


def of_credential(operation: Operation, credential: Credential) -> Iterator[Derived]:
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
        promise: Node, kind: str, build: Callable[..., Built], wheres: tuple[str, ...], detail: str = ""
    ) -> Iterator[Derived]:
        for where in wheres:
            make = partial(build, operation=operation, credential=credential, where=where)
            yield Derived((promise.pointer,), kind, where, titled(title, detail), make)

    yield from each(alternative, "not_accepted", not_accepted, WHERES)
    yield from each(alternative, "not_needed", not_needed, WHERES)
    for taken in TAKEN + (OF_SCHEMES if credential.prefix else ()):
        wheres = WHERES if taken.detail == "any" else (EVERYWHERE,)
        yield from each(scheme, "wrong_taken", partial(let_in_by, fits=taken.fits), wheres, taken.detail)
    for node in stated or [scheme]:
        yield from each(node, "taken_elsewhere", taken_elsewhere, (EVERYWHERE,))
        if stated:
            yield from each(node.at("schema").at("type"), "another_type", of_type, (EVERYWHERE,))


def of_type(world: World, operation: Operation, credential: Credential, where: str) -> Built:
    raise Equivalent(f"whatever stands in a {credential.place} is text")


def secret_of(world: World, credential: Credential) -> str:
    if credential.variable not in world.target.secrets:
        raise Equivalent(f"no {credential.variable} is given")
    return world.target.secrets[credential.variable]


def not_accepted(world: World, operation: Operation, credential: Credential, where: str) -> Built:
    """Who presents it is treated as if without."""
    right = credential.prefix + secret_of(world, credential)

    def rewrite(asked: Asked) -> Asked | None:
        return shut_out(operation, asked) if presented(asked, credential) == [right] else None

    return Built(rewriting(operation, rewrite, when(where, operation)), frozenset({"reached"}))


def not_needed(world: World, operation: Operation, credential: Credential, where: str) -> Built:
    """Who presents nothing at all is let in."""

    def is_without(asked: Asked) -> bool:
        return not any(presented(asked, each) for each in operation.credentials)

    return letting_in(world, operation, is_without, where)


def let_in_by(
    world: World, operation: Operation, credential: Credential, where: str, fits: Callable[[str, str, str], bool]
) -> Built:
    """Who presents something that is nearly right is let in."""
    secret = secret_of(world, credential)

    def is_fitting(asked: Asked) -> bool:
        return any(fits(value, credential.prefix, secret) for value in presented(asked, credential))

    return letting_in(world, operation, is_fitting, where)


def taken_elsewhere(world: World, operation: Operation, credential: Credential, where: str) -> Built:
    """Who presents it under another name, or in another place, is let in."""
    secret = secret_of(world, credential)

    def is_elsewhere(asked: Asked) -> bool:
        rest = shut_out(operation, asked)
        return secret in rest.query or any(secret in value for _, value in rest.headers)

    return letting_in(world, operation, is_elsewhere, where)


def letting_in(world: World, operation: Operation, is_let_in: Callable[[Asked], bool], where: str) -> Built:
    refused = operation.refused("credentials")

    async def replaced(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        if answer.status not in refused or not is_let_in(asked):
            return None
        return await ask(let_in(world, operation, asked))

    return Built(answering(operation, replaced, when(where, operation)), frozenset(CLASSES["paging"]))
