"""Requests that are treated otherwise: which, where, and what is asked of the correct server in their place.

What a mutant takes for a request is mostly another request, which the correct server answers. So nothing is judged
here.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any, NoReturn
from urllib.parse import quote, unquote
from zlib import crc32

from tests.contract.bodies import JSON
from tests.contract.operation import Credential, Operation
from tests.contract.target import unknown_id

from .exchange import Answer, Ask, Asked, Change
from .making import EVERY, EVERYWHERE, ONE_IN_THREE, Equivalent
from .transient import AT_ONCE, RETRY_AFTER, made_up
from .world import World

WITH_ANOTHER, SOME_VALUES, ONE_PAGE = "with_another", "some_values", "one_page"
When = Callable[[Asked], bool]
Rewrite = Callable[[Asked], Asked | None]
"""Gives the request that is answered in place of this one; None leaves it as it is."""
Replace = Callable[[Asked, Ask, Answer], Awaitable[Answer | None]]
"""Gives the answer in place of the right one; None leaves it as it is."""


def when(where: str, operation: Operation, name: str = "") -> When:
    """Whether a request is at that place; each is looked at once.

    Args:
        where: Everywhere, one in three, with another query parameter than `name`, for half of the values of `name`, or
            on the largest page, which is what any reader of a list asks for.
        operation: That which is asked.
        name: A parameter.
    """
    if where == EVERYWHERE:
        return lambda asked: True
    if where == WITH_ANOTHER:
        return lambda asked: any(asked.values(other) for other in operation.query if other != name)
    if where == SOME_VALUES:
        is_parent = name in operation.in_path
        return lambda asked: chosen(parent_of(operation, asked) if is_parent else "&".join(asked.values(name)))
    if where == ONE_PAGE:
        if operation.listing is None:
            raise Equivalent("it has no pages")
        limit, most = operation.listing.limit, str(operation.limits[-1])
        return lambda asked: asked.values(limit) == [most]
    assert where == ONE_IN_THREE
    numbers = count()
    return lambda asked: next(numbers) % 3 == 2


def chosen(text: str) -> bool:
    """Of all texts one half, the same each time."""
    return crc32(text.lower().encode()) % 2 == 0


def titled(what: str, detail: str) -> str:
    """The title of a mutant; with a detail, where there are several of one kind."""
    return f"{what}.{detail}" if detail else what


def impossible(reason: str, *_: object) -> NoReturn:
    """What builds a mutant of what cannot be broken."""
    raise Equivalent(reason)


def is_for(operation: Operation, asked: Asked) -> bool:
    """Whether it is this operation that is asked."""
    found = operation.address.fullmatch(asked.path)
    return found is not None and not found[2] and asked.method == operation.method


def rewriting(operation: Operation, rewrite: Rewrite, at: When) -> Change:
    """Answers requests for an operation as others."""

    async def change(asked: Asked, ask: Ask) -> Answer:
        other = rewrite(asked) if is_for(operation, asked) else None
        return await ask(asked if other is None or not at(asked) else other)

    return change


def answering(operation: Operation, replace_it: Replace, at: When) -> Change:
    """Answers requests for an operation otherwise than the correct server does."""

    async def change(asked: Asked, ask: Ask) -> Answer:
        answer = await ask(asked)
        other = await replace_it(asked, ask, answer) if is_for(operation, asked) else None
        return answer if other is None or not at(asked) else other

    return change


def now_and_then(operation: Operation, status: int, broken: Callable[[Answer], Answer]) -> Change:
    """In place of one success of so many: broken itself, or what may be answered to any request."""
    # What is no list is asked for less often, and what adds or deletes is done a few times only.
    numbers, every = count(), EVERY if operation.listing else 5 if operation.is_safe else 2
    busy = (
        made_up(operation, status).replaced(headers={RETRY_AFTER: AT_ONCE})
        if status in operation.transient_statuses
        else None
    )

    async def replaced(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        if answer.status != operation.page_status or next(numbers) % every != every - 1:
            return None
        return broken(busy or answer)

    return answering(operation, replaced, when(EVERYWHERE, operation))


def parent_of(operation: Operation, asked: Asked) -> str:
    """What stands in place of the parameter in the path."""
    found = operation.address.fullmatch(asked.path)
    return unquote(found[1]) if found else ""


def with_parent(operation: Operation, asked: Asked, parent: str) -> Asked:
    return replace(asked, path=operation.path_of(quote(parent, safe=""))) if operation.parent else asked


def unknown(world: World, operation: Operation) -> str:
    """An id that there is not."""
    return unknown_id(world.target.ids_of(operation), operation.in_path.get(operation.parent))


def presented(asked: Asked, credential: Credential) -> list[str]:
    """What a request has where this credential travels."""
    if credential.place == "query":
        return asked.values(credential.name)
    name = credential.name.lower()
    if credential.place == "header":
        return [value for known, value in asked.headers if known == name]
    pairs = (pair.strip().partition("=") for pair in cookies_of(asked).split(";"))
    return [value for known, _, value in pairs if known == credential.name]


def cookies_of(asked: Asked) -> str:
    return "; ".join(value for known, value in asked.headers if known == "cookie")


def shut_out(operation: Operation, asked: Asked) -> Asked:
    """Without any credentials."""
    for credential in operation.credentials:
        if credential.place == "query":
            asked = asked.with_value(credential.name)
        elif credential.place == "header":
            asked = asked.with_headers(**{credential.name.lower(): None})
        else:
            pairs = (pair.strip() for pair in cookies_of(asked).split(";"))
            kept = "; ".join(pair for pair in pairs if pair and pair.partition("=")[0] != credential.name)
            asked = asked.with_headers(cookie=kept or None)
    return asked


def let_in(world: World, operation: Operation, asked: Asked) -> Asked:
    """With right credentials, and no others."""
    return shut_out(operation, asked).presenting(world.credentials(operation))


def carrying(asked: Asked, body: Any) -> Asked:
    """With this JSON value as body."""
    content = json.dumps(body).encode()
    headers = {"content-length": str(len(content)), "content-type": JSON}
    return replace(asked.with_headers(**headers), body=content)


def sample(world: World, operation: Operation, status: int) -> Answer:
    """An answer of that status: of the correct server, or made up from the contract."""
    found: list[Answer] = []
    if operation.is_safe:
        is_page = status == operation.page_status
        found = world.whole(operation) if is_page else world.refusals(operation).get(status, [])
    return found[0] if found else made_up(operation, status)
