"""A request and its answer, parsed once: what all checks judge."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

import requests
import schemathesis
from schemathesis import Case, HookContext, Response

from codegen.cel import MISSING
from codegen.extensions import Answer, Request, Result, Rule, Verdict
from codegen.extensions.lists import field_of

from .contract import contract, follow_links
from .operation import SAFE_METHODS, Operation
from .pages import Page, as_integer, key_of
from .parameter import VALID
from .parsed_request import RIGHT, ParsedRequest, allowed_statuses, read_request
from .run_state import run_state
from .session import NOT_SENT

# How many are kept, the latest, and bytes of their bodies: a check may look at others in between.
MAX_KEPT, MAX_KEPT_BYTES = 8, 2**22
# Characters of a text: pages are kept until the end of the run.
LONG = 2**14


@dataclass
class Interaction:
    """One request, what it asks for, and what was answered."""

    response: Response
    case: Case[Any]
    parsed: ParsedRequest
    preceding: Mapping[int, requests.PreparedRequest] = field(default_factory=dict)
    """What was answered without items since the last answer that had some, by status."""

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def is_documented(self) -> bool:
        """Whether the contract has the status, and this check is not for another method."""
        return self.is_own_method and self.operation.described.response(self.status) is not None

    @property
    def operation(self) -> Operation:
        """That which was asked, or was meant to be."""
        return self.parsed.operation

    @property
    def is_own_method(self) -> bool:
        """Whether the method is the operation's; the address may be another one."""
        return self.parsed.method == self.operation.method

    @cached_property
    def json(self) -> Any:
        """The body as JSON value, long texts made short; MISSING if it is none."""
        try:
            return abbreviate(self.response.json())
        except (ValueError, RecursionError):
            return MISSING

    @cached_property
    def body(self) -> dict[str, Any] | None:
        """The body of a success, or None if it is none or cannot be read."""
        found = self.json if self.status == self.operation.page_status else None
        return found if isinstance(found, dict) else None

    def integer_at(self, field: str) -> int | None:
        """The integer that the body has in a field; None if it has none."""
        return as_integer(field_of(self.body, field)) if field else None

    @cached_property
    def allowed_statuses(self) -> frozenset[int] | None:
        """The statuses that are due; None if there is nothing to hold the status against, or another check does."""
        if self.operation.described.response(self.status) is None or self.status in self.parsed.early_statuses:
            return None
        return allowed_statuses(self.parsed, run_state().target)

    @cached_property
    def items(self) -> list[Any] | None:
        """Those of a page; None if there is no list of items."""
        lists = self.operation.lists
        page = lists.read(self.body) if lists else None
        return None if page is None else list(page.items)

    @property
    def is_unambiguous(self) -> bool:
        """Whether nothing about what was asked for is left open."""
        parsed = self.parsed
        if self.body is None or not self.is_own_method or parsed.credentials != RIGHT:
            return False
        # What is taken beyond the contract's letter is a page like any other, where it has one meaning. A further
        # parameter may make another list of it.
        others = (each for name, each in parsed.judgements.items() if name not in parsed.integers)
        return not parsed.invalid_parameters and all(each == VALID for each in others)

    @cached_property
    def page(self) -> Page | None:
        """The page of a list, or None if the request or the answer leaves anything about it open."""
        parsed, listing = self.parsed, self.operation.listing
        if listing is None or not self.is_unambiguous or parsed.limit is None or len(parsed.limit.values) != 1:
            return None
        if parsed.offset is not None and len(parsed.offset.values) != 1:
            return None
        total, items = self.integer_at(listing.total), self.items
        if items is None or not all(isinstance(item, dict) for item in items) or (total is None and listing.total):
            return None
        keys = tuple(key_of(self.operation.lists, item) for item in items)
        known = tuple(key for key in keys if key is not None)
        if len(known) < len(keys):
            return None
        (limit,), (offset,) = parsed.limit.values, parsed.offset.values if parsed.offset else (0,)
        following = field_of(self.body, listing.next_cursor) if listing.next_cursor else None
        return Page(
            self.operation,
            parsed.parent,
            limit,
            offset,
            -1 if total is None else total,
            tuple(items),
            known,
            self.case,
            parsed.filters,
            parsed.cursor,
            following if isinstance(following, str) else None,
            parsed.limit.is_given,
            self.preceding,
        )

    @cached_property
    def snapshot(self) -> Page | None:
        """The items that it shows, of a list or the one that was asked for, to be held against other sights of them."""
        if self.operation.listing or self.page:
            return self.page
        if not self.is_unambiguous or not self.operation.is_safe or not self.operation.item_schema:
            return None
        keys = self.operation.key_reader
        key = key_of(keys, self.body) if keys else self.parsed.parent
        if self.body is None or key is None or (keys is None and not self.operation.parent):
            return None
        return Page(self.operation, self.parsed.parent, 1, 0, -1, (self.body,), (key,), self.case, self.parsed.filters)

    @property
    def kind(self) -> str:
        """The kind of answer, as the verdict counts them."""
        if self.items is None:
            return str(self.status) if self.status else "not sent" if self.response.message == NOT_SENT else "no answer"
        return f"{self.status} with items" if self.items else f"{self.status} without items"

    @cached_property
    def server_time(self) -> datetime | None:
        with suppress(TypeError, ValueError):
            return parsedate_to_datetime((self.response.headers.get("date") or [""])[0]).astimezone(UTC)
        return None

    @cached_property
    def verdicts(self) -> Mapping[str, Sequence[Verdict]]:
        """What the contract's rules make of it, by rule; those about changes since the last time are among them."""
        if not self.is_documented or self.json is MISSING:
            return {}
        earlier = {key: page.by_key[key] for key, page in self.earlier.items()}
        if self.operation.listing is None:
            # Of what is no list, the body is the one item.
            earlier = dict(zip([""], earlier.values(), strict=False))
        return judge_rules(self.operation, self.request, self.status, self.json, earlier, self.now, dict(self.headers))

    @cached_property
    def now(self) -> datetime:
        """By this machine's clock or the server's, whichever is ahead."""
        now = datetime.now(UTC)
        return max(now, self.server_time) if self.server_time else now

    @property
    def headers(self) -> Mapping[str, str]:
        return {name: ", ".join(values) for name, values in self.response.headers.items()}

    @cached_property
    def request(self) -> Request:
        """What rules know of the request."""
        known = self.operation.query
        given = {name: known[name].value(texts) for name, texts in self.parsed.texts.items() if name in known}
        parent = {self.operation.parent: self.parsed.parent} if self.parsed.parent else {}
        return Request(path=parent, query=given, credentials=self.parsed.scheme, body=self.parsed.body)

    @cached_property
    def earlier(self) -> Mapping[str, Page]:
        """By key, the page on which each item was read the last time before."""
        snapshot = self.snapshot
        if snapshot is None:
            return {}
        latest, schema = run_state().latest, self.operation.item_schema
        before = {key: latest[schema, key] for key in snapshot.keys if (schema, key) in latest}
        latest.update({(schema, key): snapshot for key in snapshot.keys})
        return before

    @cached_property
    def changes(self) -> Mapping[str, Sequence[str]]:
        """By rule about changes, the keys of the items that broke it since they were read before."""
        return {} if self.snapshot is None else broken_transitions(self.verdicts, self.snapshot)


def abbreviate(value: Any) -> Any:
    """The same to compare, and small to keep: of a long text its beginning, and a number that stands for the rest."""
    if isinstance(value, dict):
        return {abbreviate(name): abbreviate(each) for name, each in value.items()}
    if isinstance(value, list):
        return [abbreviate(each) for each in value]
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}... ({hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()})"
    return value


def judge_rules(
    operation: Operation,
    request: Request,
    status: int,
    body: Any,
    earlier: Mapping[str, Any],
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> dict[str, list[Verdict]]:
    """What the rules make of an answer, by rule."""
    answer = Answer(status, body, headers or {})
    found: dict[str, list[Verdict]] = {}
    for verdict in operation.promised.judge_answer(operation.described, request, answer, now, earlier):
        found.setdefault(verdict.rule_id, []).append(verdict)
    return found


def all_rules() -> dict[str, Rule]:
    """The rules that an answer can be judged by, by id, in the contract's order."""
    at_schemas = [rule for rules in contract().promised.rules.values() for rule in rules]
    at_answers = [rule for each in contract().operations for rules in each.described.answers.values() for rule in rules]
    return {rule.id: rule for rule in (*at_schemas, *at_answers)}


RULES = all_rules()
TRANSITION_RULES = {name for name, rule in RULES.items() if rule.is_transition}


def body_with_items(operation: Operation, items: Sequence[Any]) -> Any:
    """A body that has these items, and nothing else."""
    if operation.listing is None:
        return items[0]
    body: Any = list(items)
    for name in reversed(operation.listing.items.split(".")):
        body = {name: body}
    return body


def broken_transitions(verdicts: Mapping[str, Sequence[Verdict]], page: Page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    listing = page.operation.listing
    before = "".join(f"/{name}" for name in listing.items.split(".")) + "/" if listing else ""
    for name in TRANSITION_RULES & verdicts.keys():
        for verdict in verdicts[name]:
            if verdict.result is Result.BROKEN:
                index = verdict.pointer.removeprefix(before).partition("/")[0] if listing else "0"
                found.setdefault(name, []).append(page.keys[int(index)])
    return found


def transitions_between(first: Page, second: Page) -> dict[str, list[str]]:
    """By rule about changes, the keys of the items of both pages that break it from the first to the second."""
    common = [key for key in second.by_key if key in first.by_key and first.by_key[key] != second.by_key[key]]
    if not common:
        return {}
    items, operation = [second.by_key[key] for key in common], second.operation
    part = Page(operation, second.parent, 0, 0, 0, tuple(items), tuple(common), second.case)
    earlier = {key if operation.listing else "": first.by_key[key] for key in common}
    body = body_with_items(operation, items)
    return broken_transitions(
        judge_rules(operation, Request(), operation.page_status, body, earlier, datetime.now(UTC)), part
    )


def is_another_item(first: Page, second: Page, key: str) -> bool:
    """Whether an item of both pages is another one by a rule about changes, whichever was read first."""
    return any(
        key in keys for pair in ((first, second), (second, first)) for keys in transitions_between(*pair).values()
    )


def identity_changed(first: Page, second: Page) -> bool:
    """Whether one key stands on two items, or an item changed that must not: which is another matter than its place."""
    return bool(transitions_between(first, second) or transitions_between(second, first))


def interaction(response: Response, case: Case[Any]) -> Interaction:
    """What is known of an answer; the same object each time."""
    kept = run_state().interactions
    found: Interaction | None = kept.get(id(response))
    if found is None or found.response is not response:
        while kept and (
            len(kept) >= MAX_KEPT or sum(len(each.response.content) for each in kept.values()) > MAX_KEPT_BYTES
        ):
            kept.pop(next(iter(kept)))
        found = kept[id(response)] = Interaction(response, case, parse(response.request, case))
    return found


def parse(request: Any, case: Case[Any]) -> ParsedRequest:
    state = run_state()
    intended = contract().operation(case.operation.label) or contract().operations[0]
    return read_request(request, state.target, intended, state.discovered)


def resend(case: Case[Any]) -> Interaction:
    """Sends the same request once more."""
    response = case.derive(keep_auth=True).call()
    found = interaction(response, case)
    # Not kept: what is judged at the moment must not make room for it.
    run_state().interactions.pop(id(response))
    return found


def resend_for_page(case: Case[Any]) -> Page | None:
    """What the same request shows once more."""
    return resend(case).snapshot


def send_together(found: Sequence[Interaction]) -> list[Interaction]:
    """Sends these requests once more, all at the same time."""
    answers = run_state().session.send_concurrently([each.response.request for each in found])
    together = []
    for before, answer in zip(found, answers, strict=True):
        response = Response.from_requests(answer, verify=before.response.verify)
        together.append(Interaction(response, before.case, parse(response.request, before.case)))
        name = before.operation.name
        run_state().requests_by_operation[name] = run_state().requests_by_operation.get(name, 0) + 1
    return together


def request_key(case: Case[Any]) -> object:
    """What it asks for: the same for each order of its parameters, and whether a default is given or left out."""
    operation = contract().operation(case.operation.label)
    defaults = operation.defaults if operation else {}
    query = {(name, str(value)) for name, value in (case.query or {}).items() if str(value) != str(defaults.get(name))}
    path = {(name, str(value)) for name, value in (case.path_parameters or {}).items()}
    return case.operation.label, case.method, frozenset(path), frozenset(query)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    # Here, as what Schemathesis keeps of an answer is cut.
    found = interaction(response, case)
    state, name = run_state(), found.operation.name
    if found.items:
        found.preceding, state.preceding = state.preceding, {}
    elif found.status and (found.parsed.method in SAFE_METHODS or found.status == HTTPStatus.METHOD_NOT_ALLOWED):
        # In the order in which they came, by the latest of each status.
        state.preceding.pop(found.status, None)
        state.preceding[found.status] = response.request
    state.kinds[case.id] = found.kind
    state.requests_by_operation[name] = state.requests_by_operation.get(name, 0) + 1
    if found.parsed.credentials == RIGHT:
        state.request_keys.add(request_key(case))
    if found.page and found.page.next_cursor:
        state.discovered.cursors.add(found.page.next_cursor)
    if found.body is not None and found.is_own_method:
        record_links(found)
    if found.parsed.is_operation and found.operation.method == "DELETE" and found.status == found.operation.page_status:
        state.discovered.ids.get(found.operation.parent, set()).discard(found.parsed.parent)
        state.discovered.deleted.setdefault(found.operation.parent, set()).add(found.parsed.parent)
    for item in found.items or ():
        for member, texts in found.operation.choices.items():
            if isinstance(item, dict) and item.get(member) in texts:
                state.choices.setdefault((name, member), set()).add(item[member])


def record_links(found: Interaction) -> None:
    """What the answer gives for other operations is there."""
    answer, seen = Answer(found.status, found.json, found.headers), run_state().discovered
    for name, identifier in follow_links(found.operation, found.request, answer):
        if identifier not in seen.deleted.get(name, ()):
            seen.ids.setdefault(name, set()).add(identifier)
            if not found.operation.is_safe:
                run_state().created_ids.setdefault(name, []).append(identifier)
