"""A request and its response, parsed once for all checks."""

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

# Kept interactions, and bytes of their bodies: a check may request others before the next check judges one.
MAX_KEPT, MAX_KEPT_BYTES = 8, 2**22
# Characters of a text: pages are kept until the end of the run.
LONG = 2**14


@dataclass
class Interaction:
    """A request, what it asks for, and the response."""

    response: Response
    case: Case[Any]
    parsed: ParsedRequest
    preceding: Mapping[int, requests.PreparedRequest] = field(default_factory=dict)
    """The latest responses without items since the last one with items, by status."""

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def is_documented(self) -> bool:
        """True if the contract has the status, and the method is the operation's."""
        return self.is_own_method and self.operation.described.response(self.status) is not None

    @property
    def operation(self) -> Operation:
        """The operation that was requested, or intended."""
        return self.parsed.operation

    @property
    def is_own_method(self) -> bool:
        """True if the method is the operation's; the URL may be another one."""
        return self.parsed.method == self.operation.method

    @cached_property
    def json(self) -> Any:
        """The body as JSON value with long texts abbreviated; MISSING if it is not JSON."""
        try:
            return abbreviate(self.response.json())
        except (ValueError, RecursionError):
            return MISSING

    @cached_property
    def body(self) -> dict[str, Any] | None:
        """The body of a success if it is an object."""
        found = self.json if self.status == self.operation.page_status else None
        return found if isinstance(found, dict) else None

    def integer_at(self, field: str) -> int | None:
        """Return the integer in a field of the body; None if there is none."""
        return as_integer(field_of(self.body, field)) if field else None

    @cached_property
    def allowed_statuses(self) -> frozenset[int] | None:
        """The allowed statuses; None if the contract does not say, or another check judges the status."""
        if self.operation.described.response(self.status) is None or self.status in self.parsed.early_statuses:
            return None
        return allowed_statuses(self.parsed, run_state().target)

    @cached_property
    def items(self) -> list[Any] | None:
        """The items of a page; None if there is no list of items."""
        lists = self.operation.lists
        page = lists.read(self.body) if lists else None
        return None if page is None else list(page.items)

    @property
    def is_unambiguous(self) -> bool:
        """True if the request has one meaning."""
        parsed = self.parsed
        if self.body is None or not self.is_own_method or parsed.credentials != RIGHT:
            return False
        # An accepted variant of limit or offset has one meaning. A variant of another parameter may select another
        # list.
        others = (each for name, each in parsed.judgements.items() if name not in parsed.integers)
        return not parsed.invalid_parameters and all(each == VALID for each in others)

    @cached_property
    def page(self) -> Page | None:
        """The page of a list; None if request or response is ambiguous."""
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
        """The items in the response, of a page or a single one, to compare with other reads of them."""
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
        """The kind of response, as counted in the verdict."""
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
        """The verdicts of the contract's rules, by rule, including those about changes since the last read."""
        if not self.is_documented or self.json is MISSING:
            return {}
        earlier = {key: page.by_key[key] for key, page in self.earlier.items()}
        if self.operation.listing is None:
            # Without a list, the body is the one item.
            earlier = dict(zip([""], earlier.values(), strict=False))
        return judge_rules(self.operation, self.request, self.status, self.json, earlier, self.now, dict(self.headers))

    @cached_property
    def now(self) -> datetime:
        """The clock that is ahead: this machine's or the server's."""
        now = datetime.now(UTC)
        return max(now, self.server_time) if self.server_time else now

    @property
    def headers(self) -> Mapping[str, str]:
        return {name: ", ".join(values) for name, values in self.response.headers.items()}

    @cached_property
    def request(self) -> Request:
        """The request as rules see it."""
        known = self.operation.query
        given = {name: known[name].value(texts) for name, texts in self.parsed.texts.items() if name in known}
        parent = {self.operation.parent: self.parsed.parent} if self.parsed.parent else {}
        return Request(path=parent, query=given, credentials=self.parsed.scheme, body=self.parsed.body)

    @cached_property
    def earlier(self) -> Mapping[str, Page]:
        """The previous page with each item, by key."""
        snapshot = self.snapshot
        if snapshot is None:
            return {}
        latest, schema = run_state().latest, self.operation.item_schema
        before = {key: latest[schema, key] for key in snapshot.keys if (schema, key) in latest}
        latest.update({(schema, key): snapshot for key in snapshot.keys})
        return before

    @cached_property
    def changes(self) -> Mapping[str, Sequence[str]]:
        """The keys of items that broke a rule about changes since their last read, by rule."""
        return {} if self.snapshot is None else broken_transitions(self.verdicts, self.snapshot)


def abbreviate(value: Any) -> Any:
    """Return the value with long texts replaced by their beginning and a hash: equal values stay equal."""
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
    """Judge a response by the rules. Returns the verdicts by rule."""
    answer = Answer(status, body, headers or {})
    found: dict[str, list[Verdict]] = {}
    for verdict in operation.promised.judge_answer(operation.described, request, answer, now, earlier):
        found.setdefault(verdict.rule_id, []).append(verdict)
    return found


def all_rules() -> dict[str, Rule]:
    """Return the rules about responses by id, in the contract's order."""
    at_schemas = [rule for rules in contract().promised.rules.values() for rule in rules]
    at_answers = [rule for each in contract().operations for rules in each.described.answers.values() for rule in rules]
    return {rule.id: rule for rule in (*at_schemas, *at_answers)}


RULES = all_rules()
TRANSITION_RULES = {name for name, rule in RULES.items() if rule.is_transition}


def body_with_items(operation: Operation, items: Sequence[Any]) -> Any:
    """Return a body with these items and nothing else."""
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
    """Return the keys of items that break a rule about changes from the first page to the second, by rule."""
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
    """True if a rule about changes says that the item differs, whichever page was read first."""
    return any(
        key in keys for pair in ((first, second), (second, first)) for keys in transitions_between(*pair).values()
    )


def identity_changed(first: Page, second: Page) -> bool:
    """True if two items share a key, or an item changed that must not: not a matter of paging."""
    return bool(transitions_between(first, second) or transitions_between(second, first))


def interaction(response: Response, case: Case[Any]) -> Interaction:
    """Return the interaction of a response; the same object each time."""
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
    """Send the same request again."""
    response = case.derive(keep_auth=True).call()
    found = interaction(response, case)
    # Not kept: it must not displace the one that is being judged.
    run_state().interactions.pop(id(response))
    return found


def resend_for_page(case: Case[Any]) -> Page | None:
    """Send the same request again, and return its items."""
    return resend(case).snapshot


def send_together(found: Sequence[Interaction]) -> list[Interaction]:
    """Send these requests again, concurrently."""
    answers = run_state().session.send_concurrently([each.response.request for each in found])
    together = []
    for before, answer in zip(found, answers, strict=True):
        response = Response.from_requests(answer, verify=before.response.verify)
        together.append(Interaction(response, before.case, parse(response.request, before.case)))
        name = before.operation.name
        run_state().requests_by_operation[name] = run_state().requests_by_operation.get(name, 0) + 1
    return together


def request_key(case: Case[Any]) -> object:
    """Return a key of what a case requests, independent of order and of explicit defaults."""
    operation = contract().operation(case.operation.label)
    defaults = operation.defaults if operation else {}
    query = {(name, str(value)) for name, value in (case.query or {}).items() if str(value) != str(defaults.get(name))}
    path = {(name, str(value)) for name, value in (case.path_parameters or {}).items()}
    return case.operation.label, case.method, frozenset(path), frozenset(query)


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    # Parsed here, because Schemathesis truncates the recorded response.
    found = interaction(response, case)
    state, name = run_state(), found.operation.name
    if found.items:
        found.preceding, state.preceding = state.preceding, {}
    elif found.status and (found.parsed.method in SAFE_METHODS or found.status == HTTPStatus.METHOD_NOT_ALLOWED):
        # In order of arrival, the latest of each status.
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
    """Record the ids that the response gives for other operations."""
    answer, seen = Answer(found.status, found.json, found.headers), run_state().discovered
    for name, identifier in follow_links(found.operation, found.request, answer):
        if identifier not in seen.deleted.get(name, ()):
            seen.ids.setdefault(name, set()).add(identifier)
            if not found.operation.is_safe:
                run_state().created_ids.setdefault(name, []).append(identifier)
