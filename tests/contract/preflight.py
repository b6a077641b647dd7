"""Whether a server can be tested at all, and how many items there are; each problem told with what to do about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from codegen.extensions import Answer, Request, Result

from .contract import Problem, contract
from .exchange import NoAnswer, root_cause
from .session import Ended, Session
from .settings import right_address
from .target import Target

# Larger ones are no number of items; nor can offsets be made of them.
LARGEST_TOTAL = 2**53
# What proxies say where there is nothing behind them.
UNAVAILABLE = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


def preflight(target: Target, session: Session) -> Target:
    """Finds out whether a server can be tested, and how many items there are. Raises Problem if it cannot be.

    An answer that breaks the contract is no reason: the tests will tell.
    """
    try:
        return replace(target, totals=count_items(target, session))
    except Ended as ended:
        raise Problem(f"nothing could be tested: {ended}", "give it more time: MAX_TIME") from ended


def count_items(target: Target, session: Session) -> dict[str, int]:
    """By what they belong to, as far as the server says."""
    described = contract()
    parent, items, variable = described.parent_noun, described.items_noun, described.parent_variable
    totals: dict[str, int] = {}
    for name, value in target.secrets.items():
        for definition in target.readable:
            response = ask(target, {name: value}, definition)
            if session.failure is not None:
                check_failure(target, session.failure)
                # The tests will tell; each further request might cost as much time.
                return totals
            check_answer(target, name, response, definition)
            body = read_object(response)
            page = described.lists.read(body) if response.status_code == described.page_status else None
            if page is None:
                continue
            if not page.items and page.total == 0 and definition in target.definitions:
                raise Problem(
                    f"the {parent} {definition} has no {items}, so no page with {items} can ever be seen",
                    f"give the {variable} of one that has {items}, or make some first"
                    if target.is_deployment
                    else "give the reference server some: SEED_RUNS=1 or more",
                )
            if definition in target.empty and page.items and is_of(definition, body):
                raise Problem(
                    f"the {parent} {definition}, given as EMPTY_{variable}, has {items}",
                    "give the id of one that has none, or leave it out",
                )
            if page.total is not None and 0 <= page.total <= LARGEST_TOTAL:
                totals[definition] = page.total
    return totals


def is_of(definition: str, body: Any) -> bool:
    """Whether the items are those of what was asked for, by the rules that say so; others are the server's fault."""
    described = contract()
    request, answer = Request(path={described.parent: definition}), Answer(described.page_status, body)
    rules = {
        rule.id
        for rule in described.described.answers.get(str(described.page_status), ())
        if any(path[:2] == ("request", "path") for path in rule.program.uses.reads)
    }
    verdicts = described.promised.judge_answer(described.described, request, answer, datetime.now(UTC))
    return all(each.result is Result.HOLDS for each in verdicts if each.rule_id in rules)


def check_failure(target: Target, failure: NoAnswer) -> None:
    """Raises Problem where there is no server, as far as can be told. To say too much, or slowly, is a fault."""
    if failure.is_silent:
        raise Problem(
            f"{target.base_url} gave no answer within {target.answer_within} seconds",
            "check that BASE_URL is right, that the server runs, and that no firewall is in between",
        )
    if not (failure.is_late or failure.is_large):
        raise Problem(
            f"{target.base_url} cannot be tested: {failure}", "check that BASE_URL is right and that the server runs"
        )


def ask(target: Target, secrets: Mapping[str, str], parent: str) -> requests.Response:
    """Asks for the smallest page."""
    described = contract()
    sent: dict[str, dict[str, Any]] = {
        "query": {described.listing.limit: described.limits[0]},
        "header": {},
        "cookie": {},
    }
    for credential in described.credentials:
        if credential.variable in secrets:
            for place, values in credential.carried(secrets[credential.variable]).items():
                sent[place] |= values
    try:
        return requests.get(
            target.base_url + described.path_of(parent),
            params=sent["query"],
            headers=sent["header"],
            cookies=sent["cookie"],
            allow_redirects=False,
        )
    except requests.exceptions.SSLError as error:
        raise Problem(
            f"no secure connection to {target.base_url}: {root_cause(error)}",
            "for a private CA, name its certificate: REQUESTS_CA_BUNDLE=/path/to/ca.pem; a server without TLS has a "
            "BASE_URL that begins with http://",
        ) from error
    # The library's own errors are OSErrors; so is a CA file that does not exist.
    except (OSError, ValueError) as error:
        raise Problem(
            f"{target.base_url} cannot be reached: {root_cause(error)}",
            "check that BASE_URL is right and that the server runs",
        ) from error


def read_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def check_answer(target: Target, name: str, response: requests.Response, definition: str) -> None:
    """Raises Problem unless the answer is a page, or breaks the contract. `name` is the variable of the credentials."""
    described = contract()
    status, body = response.status_code, read_object(response)
    parent, variable = described.parent_noun, described.parent_variable
    if status in described.refused("credentials"):
        raise Problem(
            f"{target.base_url} refuses the credentials in {name} ({status})",
            f"give valid ones as {name}: not expired, not revoked, and of this deployment",
        )
    if status in described.refused("existence") and knows_operation(target, name, definition):
        raise Problem(
            f"there is no {parent} {definition} ({status}), or the credentials in {name} are another tenant's",
            f"check {variable}, and that the {parent}, BASE_URL and the credentials belong together",
        )
    if status in described.refused("access") - described.refused("existence"):
        raise Problem(
            f"the credentials in {name} may not read the {parent} {definition} ({status})",
            f"give credentials that may, or the {variable} of another {parent}",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Problem(
            f"the quota is exceeded already ({status})",
            f"wait; the server says {response.headers.get('Retry-After')} s",
        )
    if status in UNAVAILABLE | described.not_now:
        raise Problem(
            f"{target.base_url} says that the API is not available at the moment ({status})",
            "wait, or see to the server, and run this again",
        )
    if 300 <= status < 400:
        place = urlsplit(response.headers.get("Location", ""))._replace(query="", fragment="").geturl()
        fix = right_address(described)
        raise Problem(f"{target.base_url} is not the API: it redirects to '{place}' ({status})", fix)
    is_json = "json" in response.headers.get("Content-Type", "").lower()
    fields = {name.partition(".")[0] for name in described.fields}
    other_page = status == described.page_status and body is not None and not fields & body.keys()
    if status == HTTPStatus.NOT_FOUND or other_page or (status < 500 and not is_json and body is None):
        kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise Problem(f"{target.base_url} answers, but is not the API ({status}, {kind})", right_address(described))


def knows_operation(target: Target, name: str, definition: str) -> bool:
    """Whether a refusal is about the definition; an address where there is no API says 404 as well, to anything."""
    described = contract()
    malformed = ask(target, {name: target.secrets[name]}, "malformed")
    if malformed.status_code in described.refused("parameters") - described.refused("existence"):
        return True
    return ask(target, {}, definition).status_code in described.refused("credentials")
