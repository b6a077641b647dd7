"""Checks that a server can be tested, and collects what the tests need to know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests

from codegen.extensions import Answer, Request, Result

from .contract import Problem, contract, either, follow_links
from .exchange import NoAnswer, root_cause
from .operation import Operation
from .parameter import sample_evenly
from .session import Ended, Session
from .settings import base_url_fix
from .target import Ids, Target

# Larger totals are not numbers of items; offsets cannot be computed from them.
LARGEST_TOTAL = 2**53
# Items per sampled page and sampled pages of a list by cursors; ids that are taken from lists.
SMALL_PAGE, SAMPLED_PAGES, LINKED = 7, 5, 5
# Pages of the largest size that are read of a list by cursors, for their cursors.
LARGEST_READ = 20
# Items created per operation, to be changed or deleted.
ITEMS_CREATED = 6
# Statuses of proxies without a backend.
UNAVAILABLE = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


def preflight(target: Target, session: Session) -> Target:
    """Check that a server can be tested, and return the target with totals, samples and ids. Raises Problem if it
    cannot.

    A response that violates the contract is no reason: the tests report it.
    """
    try:
        return Preflight(target, session).run()
    except Ended as ended:
        raise Problem(f"nothing could be tested: {ended}", "raise MAX_TIME") from ended


class Preflight:
    """Collects what has to be known of a server before it can be tested."""

    def __init__(self, target: Target, session: Session) -> None:
        self.target, self.session = target, session
        self.totals: dict[tuple[str, str], int] = {}
        self.samples: dict[str, list[Any]] = {}
        self.cursors: dict[str, list[str]] = {}
        self.linked: dict[str, list[str]] = {}
        """Ids of other operations that lists link to, by parameter."""

    def run(self) -> Target:
        wanted = [each for each in contract().operations if self.target.operation in ("", each.name) and each.is_safe]
        sources = [each for each in contract().operations if any(each.name in one.links for one in wanted)]
        for each in contract().operations:
            if each.is_safe and each.listing and (each in wanted or each in sources):
                self.count(each)
                is_needed = each in sources or each.filters or each.is_cursor_list
                if self.session.failure is None and is_needed and self.target.ids_of(each).known:
                    self.sample(each)
        for each in wanted:
            if each.listing is None and self.session.failure is None:
                self.check_ids(each)
        if self.target.all_methods and self.session.failure is None:
            self.create_items()
        found = replace(self.target, totals=self.totals)
        found = replace(found, samples={name: tuple(items) for name, items in self.samples.items()})
        found = replace(found, cursors={name: tuple(cursors) for name, cursors in self.cursors.items()})
        return with_linked_ids(found, wanted, self.linked)

    def record_links(self, described: Operation, request: Request, answer: Answer) -> None:
        """Record the ids that a response gives for other operations."""
        for name, identifier in follow_links(described, request, answer):
            self.linked.setdefault(name, []).append(identifier)

    def count(self, described: Operation) -> None:
        """Record the totals of a list, by parent id. Raises Problem if the list cannot be tested."""
        target, session = self.target, self.session
        parent, items, variable = described.parent_noun, described.items_noun, described.parent_variable
        ids = target.ids_of(described)
        for name, value in target.secrets.items():
            if name not in {each.variable for each in described.credentials}:
                continue
            for definition in ids.readable:
                response = send(target, described, {name: value}, definition)
                if session.failure is not None:
                    check_failure(target, session.failure)
                    # The tests report it, and each further request may take as long.
                    return
                check_answer(target, described, name, response, definition)
                body = read_object(response)
                lists = described.lists
                page = lists.read(body) if lists and response.status_code == described.page_status else None
                if page is None:
                    continue
                is_none = page.total == 0 if described.is_offset_list else page.next_cursor is None
                if not page.items and is_none and definition in ids.known:
                    raise Problem(
                        f"the {parent} {definition} has no {items}, so no page with {items} can be tested",
                        f"give the {variable} of one that has {items}, or create some first"
                        if target.is_deployment
                        else "seed the reference server with some: SEED_RUNS=1 or more",
                    )
                if definition in ids.empty and page.items and belongs_to(described, definition, body):
                    if contract().parents[described.parent] is not described:
                        continue
                    raise Problem(
                        f"the {parent} {definition}, given as EMPTY_{variable}, has {items}",
                        "give the id of one that has none, or unset it",
                    )
                if page.total is not None and 0 <= page.total <= LARGEST_TOTAL:
                    self.totals[described.name, definition] = page.total

    def sample(self, described: Operation) -> None:
        """Read some items: the first and last page, or the first pages by cursor, with all cursors of the largest
        pages."""
        listing, lists, target = described.listing, described.lists, self.target
        assert listing is not None and lists is not None
        parent, most = target.ids_of(described).known[0], described.limits[-1]
        total = self.totals.get((described.name, parent), 0)
        queries: list[dict[str, Any]] = [{listing.limit: most}]
        if described.is_offset_list and total > most:
            queries.append({listing.limit: most, listing.offset: total - most})
        if described.is_cursor_list:
            queries.append({listing.limit: max(min(most, SMALL_PAGE), described.limits[0])})
        small = queries[-1][listing.limit]
        left = {most: LARGEST_READ, small: SAMPLED_PAGES}
        name = next(each.variable for each in described.credentials if each.variable in target.secrets)
        for query in queries:
            response = send(target, described, {name: target.secrets[name]}, parent, query)
            body = read_object(response)
            page = lists.read(body) if response.status_code == described.page_status else None
            if page is None:
                return
            self.record_links(described, Request({described.parent: parent}, query), Answer(response.status_code, body))
            if query[listing.limit] == small:
                self.samples.setdefault(described.name, []).extend(
                    each for each in page.items if isinstance(each, dict)
                )
            if page.next_cursor and left[query[listing.limit]] > 0:
                left[query[listing.limit]] -= 1
                self.cursors.setdefault(described.name, []).append(page.next_cursor)
                queries.append({**query, listing.cursor: page.next_cursor})

    def create_items(self) -> None:
        """Create the items that other requests may change or delete."""
        target, created = self.target, dict[str, list[str]]()
        for each in contract().operations:
            needs = [other for other in contract().operations if each.name in other.links and not other.is_safe]
            if each.method != "POST" or each.request_body is None or not needs or not target.ids_of(each).known:
                continue
            parent = target.ids_of(each).known[0]
            for number, body in enumerate(list(each.request_body.samples())[:1] * ITEMS_CREATED):
                sent = each.request_body.vary(body, number + 100 * (target.seed + 1))
                response = send(target, each, self.secrets(each), parent, {}, sent)
                answer = Answer(response.status_code, read_object(response))
                if response.status_code == each.page_status and answer.body is not None:
                    for parameter, identifier in follow_links(
                        each, Request({each.parent: parent}, {}, body=sent), answer
                    ):
                        if identifier not in created.setdefault(parameter, []):
                            created[parameter].append(identifier)
        missing = {
            each.name: f"{either(each.links)} created no item for it"
            for each in contract().operations
            if not each.is_safe and each.method != "POST" and each.links and each.parent not in created
        }
        for name, ids in created.items():
            self.session.created_ids.setdefault(name, []).extend(ids)
        deleted = self.delete_one_of_each(created)
        known = {name: tuple(ids) for name, ids in created.items()}
        self.target = replace(
            target, ids={**target.ids, **deleted}, created_ids=known, missing_ids=missing | dict(target.missing_ids)
        )

    def delete_one_of_each(self, created: Mapping[str, list[str]]) -> dict[str, Ids]:
        """Delete one of each kind of created items, to test requests for a deleted item."""
        found = dict[str, Ids]()
        for each in contract().operations:
            ids = created.get(each.parent, [])
            if each.method == "DELETE" and len(ids) > 1:
                response = send(self.target, each, self.secrets(each), ids[-1], {})
                if response.status_code == each.page_status:
                    found[each.parent] = replace(self.target.ids_of(each), deleted=(ids.pop(),))
        return found

    def secrets(self, described: Operation) -> dict[str, str]:
        """Return the first given credential of an operation."""
        names = (each.variable for each in described.credentials if each.variable in self.target.secrets)
        return {name: self.target.secrets[name] for name in islice(names, 1)}

    def check_ids(self, described: Operation) -> None:
        """Raise Problem if a given id cannot be read."""
        for name, value in self.target.secrets.items():
            for identifier in self.target.ids_of(described).known:
                if name in {each.variable for each in described.credentials}:
                    response = send(self.target, described, {name: value}, identifier)
                    if self.session.failure is not None:
                        check_failure(self.target, self.session.failure)
                        return
                    check_answer(self.target, described, name, response, identifier)


def with_linked_ids(target: Target, wanted: Sequence[Operation], found: Mapping[str, Sequence[str]]) -> Target:
    """Return the target with ids from lists, and the operations for which no id is known."""
    ids, unknown = dict(target.ids), dict(target.missing_ids)
    for each in wanted:
        given, texts = ids.get(each.parent, Ids()), list(dict.fromkeys(found.get(each.parent, ())))
        if texts:
            known = dict.fromkeys([*given.known, *sample_evenly(texts, LINKED)])
            gone = {*given.empty, *given.foreign}
            ids[each.parent] = replace(given, known=tuple(text for text in known if text not in gone))
        elif each.parent and not given.readable and each.links:
            unknown[each.name] = f"the responses of {either(each.links)} contain no {each.parent}"
    return replace(target, ids=ids, missing_ids=unknown)


def belongs_to(described: Operation, definition: str, body: Any) -> bool:
    """True if the items belong to the requested parent, by the rules that say so. Others are a violation."""
    request, answer = Request(path={described.parent: definition}), Answer(described.page_status, body)
    rules = {
        rule.id
        for rule in described.described.answers.get(str(described.page_status), ())
        if any(path[:2] == ("request", "path") for path in rule.program.uses.reads)
    }
    verdicts = described.promised.judge_answer(described.described, request, answer, datetime.now(UTC))
    return all(each.result is Result.HOLDS for each in verdicts if each.rule_id in rules)


def check_failure(target: Target, failure: NoAnswer) -> None:
    """Raise Problem if no server answers. A slow or too large response is a violation instead."""
    if failure.is_silent:
        raise Problem(
            f"{target.base_url} did not respond within {target.answer_within} seconds",
            "check that BASE_URL is right, that the server runs, and that no firewall blocks it",
        )
    if not (failure.is_late or failure.is_large):
        raise Problem(
            f"{target.base_url} cannot be tested: {failure}", "check that BASE_URL is right and that the server runs"
        )


def send(
    target: Target,
    described: Operation,
    secrets: Mapping[str, str],
    parent: str,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
) -> requests.Response:
    """Send a request, by default for the smallest page. Raises Problem if there is no connection."""
    smallest = {described.listing.limit: described.limits[0]} if described.listing and query is None else {}
    sent: dict[str, dict[str, Any]] = {
        "query": dict(query or smallest),
        "header": {},
        "cookie": {},
    }
    for credential in described.credentials:
        if credential.variable in secrets:
            for place, values in credential.parameters_for(secrets[credential.variable]).items():
                sent[place] |= values
    try:
        return requests.request(
            described.method,
            target.base_url + described.path_of(parent),
            params=sent["query"],
            headers=sent["header"],
            cookies=sent["cookie"],
            json=body,
            allow_redirects=False,
        )
    except requests.exceptions.SSLError as error:
        raise Problem(
            f"no secure connection to {target.base_url}: {root_cause(error)}",
            "for a private CA give its certificate: REQUESTS_CA_BUNDLE=/path/to/ca.pem; for a server without TLS, a "
            "BASE_URL that begins with http://",
        ) from error
    # The errors of the library are OSErrors, as is a missing CA file.
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


def check_answer(target: Target, described: Operation, name: str, response: requests.Response, definition: str) -> None:
    """Raise Problem unless the response is a page or violates the contract. `name` is the variable of the secret."""
    status, body = response.status_code, read_object(response)
    parent, variable = described.parent_noun, described.parent_variable
    if status in described.refused("credentials"):
        raise Problem(
            f"{target.base_url} refuses the credentials in {name} ({status})",
            f"give valid ones as {name}: neither expired nor revoked, and of this deployment",
        )
    if status in described.refused("existence") and knows_operation(target, described, name, definition):
        raise Problem(
            f"there is no {parent} {definition} ({status}), or the credentials in {name} belong to another tenant",
            f"check {variable}, and that the {parent}, BASE_URL and the credentials belong together",
        )
    if status in described.refused("access") - described.refused("existence"):
        raise Problem(
            f"the credentials in {name} may not read the {parent} {definition} ({status})",
            f"give credentials that may read it, or another {variable}",
        )
    retry_after = response.headers.get("Retry-After")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Problem(
            f"the quota is exceeded already ({status})",
            f"wait {retry_after} s, as the server says" if retry_after else "wait, and run this again",
        )
    if status in UNAVAILABLE | described.transient_statuses:
        raise Problem(
            f"{target.base_url} is not available ({status})",
            "wait, or check the server, and run this again",
        )
    if 300 <= status < 400:
        place = urlsplit(response.headers.get("Location", ""))._replace(query="", fragment="").geturl()
        fix = base_url_fix(contract())
        raise Problem(f"{target.base_url} is not the API: it redirects to '{place}' ({status})", fix)
    is_json = "json" in response.headers.get("Content-Type", "").lower()
    fields = {name.partition(".")[0] for name in described.fields}
    other_page = status == described.page_status and body is not None and bool(fields) and not fields & body.keys()
    if status == HTTPStatus.NOT_FOUND or other_page or (status < 500 and not is_json and body is None):
        kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise Problem(f"{target.base_url} answers, but is not the API ({status}, {kind})", base_url_fix(contract()))


def knows_operation(target: Target, described: Operation, name: str, definition: str) -> bool:
    """True if a 404 is about the id: a URL without an API answers 404 to anything."""
    malformed = send(target, described, {name: target.secrets[name]}, "malformed")
    if malformed.status_code in described.refused("parameters") - described.refused("existence"):
        return True
    return send(target, described, {}, definition).status_code in described.refused("credentials")
