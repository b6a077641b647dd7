"""A request and its answer, parsed once: what all checks judge."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response

from codegen.cel import MISSING
from codegen.extensions import Answer, Request, Result, Rule, Verdict
from codegen.extensions.lists import field_of

from .asked import RIGHT, Asked, due, read_request
from .contract import contract
from .operation import DEFAULTS, PARAMETERS, VALID
from .pages import Page, as_integer, key_of
from .under_way import under_way

# How many are kept, the latest, and bytes of their bodies: a check may look at others in between.
KEPT, BYTES = 8, 2**22
# Characters of a text: pages are kept until the end of the run.
LONG = 2**14


@dataclass
class Interaction:
    """One request, what it asks for, and what was answered."""

    response: Response
    case: Case[Any]
    asked: Asked

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def is_documented(self) -> bool:
        """Whether the contract has the status, and this check is not for another method."""
        return self.is_asked and contract().described.response(self.status) is not None

    @property
    def is_asked(self) -> bool:
        """Whether the method is the operation's; the address may be another one."""
        return self.asked.method == contract().described.operation.method.upper()

    @cached_property
    def json(self) -> Any:
        """The body as JSON value, long texts made short; MISSING if it is none."""
        try:
            return brief(self.response.json())
        except (ValueError, RecursionError):
            return MISSING

    @cached_property
    def body(self) -> dict[str, Any] | None:
        """The body of a success, or None if it is none or cannot be read."""
        found = self.json if self.status == contract().page_status else None
        return found if isinstance(found, dict) else None

    def said(self, field: str) -> int | None:
        """The integer that the body has in a field; None if it has none."""
        return as_integer(field_of(self.body, field)) if field else None

    @cached_property
    def due(self) -> frozenset[int] | None:
        """The statuses that are due; None if there is nothing to hold the status against, or another check does."""
        if contract().described.response(self.status) is None or self.status in self.asked.early:
            return None
        return due(self.asked, under_way().target)

    @cached_property
    def items(self) -> list[Any] | None:
        """Those of a page; None if there is no list of items."""
        page = contract().lists.read(self.body)
        return None if page is None else list(page.items)

    @cached_property
    def page(self) -> Page | None:
        """The page, or None if the request or the answer leaves anything about it open."""
        asked = self.asked
        if self.body is None or not self.is_asked or asked.credentials != RIGHT:
            return None
        # What is taken beyond the contract's letter is a page like any other, where it has one meaning. A further
        # parameter may make another list of it.
        if asked.parent_judgement != VALID or asked.invalid_parameters or len(asked.judgements) > 1 + len(DEFAULTS):
            return None
        if len(asked.limit.values) != 1 or len(asked.offset.values) != 1:
            return None
        total, items = self.said(contract().listing.total), self.items
        if total is None or items is None or not all(isinstance(item, dict) for item in items):
            return None
        keys = tuple(map(key_of, items))
        known = tuple(key for key in keys if key is not None)
        if len(known) < len(keys):
            return None
        (limit,), (offset,) = asked.limit.values, asked.offset.values
        return Page(asked.parent, limit, offset, total, tuple(items), known, self.case)

    @property
    def kind(self) -> str:
        """The kind of answer, as the verdict counts them."""
        if self.items is None:
            return str(self.status) if self.status else "no answer"
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
        return judged(self.request, self.status, self.json, earlier, self.now, dict(self.headers))

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
        given = {name: PARAMETERS[name].value(texts) for name, texts in self.asked.texts.items() if name in PARAMETERS}
        parent = {contract().parent: self.asked.parent} if self.asked.parent else {}
        return Request(path=parent, query=given, credentials=self.asked.scheme)

    @cached_property
    def earlier(self) -> Mapping[str, Page]:
        """By key, the page on which each item was read the last time before."""
        if self.page is None:
            return {}
        latest = under_way().latest
        before = {key: latest[key] for key in self.page.keys if key in latest}
        latest.update(dict.fromkeys(self.page.keys, self.page))
        return before

    @cached_property
    def changes(self) -> Mapping[str, Sequence[str]]:
        """By rule about changes, the keys of the items that broke it since they were read before."""
        return {} if self.page is None else broken_changes(self.verdicts, self.page)


def brief(value: Any) -> Any:
    """The same to compare, and small to keep: of a long text its beginning, and a number that stands for the rest."""
    if isinstance(value, dict):
        return {brief(name): brief(each) for name, each in value.items()}
    if isinstance(value, list):
        return [brief(each) for each in value]
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}... ({hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()})"
    return value


def judged(
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
    for verdict in contract().promised.judge_answer(contract().described, request, answer, now, earlier):
        found.setdefault(verdict.rule_id, []).append(verdict)
    return found


def all_rules() -> dict[str, Rule]:
    """The rules that an answer of the operation can be judged by, by id, in the contract's order."""
    described = contract().described
    at_schemas = [rule for rules in contract().promised.rules.values() for rule in rules]
    return {rule.id: rule for rule in (*at_schemas, *(rule for rules in described.answers.values() for rule in rules))}


RULES = all_rules()
CHANGES = {name for name, rule in RULES.items() if rule.is_transition}


def as_body(items: Sequence[Any]) -> Any:
    """A body that has these items, and nothing else."""
    body: Any = list(items)
    for name in reversed(contract().listing.items.split(".")):
        body = {name: body}
    return body


def broken_changes(verdicts: Mapping[str, Sequence[Verdict]], page: Page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    before = "".join(f"/{name}" for name in contract().listing.items.split(".")) + "/"
    for name in CHANGES & verdicts.keys():
        for verdict in verdicts[name]:
            if verdict.result is Result.BROKEN:
                index = verdict.pointer.removeprefix(before).partition("/")[0]
                found.setdefault(name, []).append(page.keys[int(index)])
    return found


def changed(first: Page, second: Page) -> dict[str, list[str]]:
    """By rule about changes, the keys of the items of both pages that break it from the first to the second."""
    common = [key for key in second.by_key if key in first.by_key and first.by_key[key] != second.by_key[key]]
    if not common:
        return {}
    items = [second.by_key[key] for key in common]
    part = Page(second.parent, 0, 0, 0, tuple(items), tuple(common), second.case)
    earlier = {key: first.by_key[key] for key in common}
    status = contract().page_status
    return broken_changes(judged(Request(), status, as_body(items), earlier, datetime.now(UTC)), part)


def is_other(first: Page, second: Page, key: str) -> bool:
    """Whether an item of both pages is another one by a rule about changes, whichever was read first."""
    return any(key in keys for pair in ((first, second), (second, first)) for keys in changed(*pair).values())


def twice(first: Page, second: Page) -> bool:
    """Whether one key stands on two items, or an item changed that must not: which is another matter than its place."""
    return bool(changed(first, second) or changed(second, first))


def interaction(response: Response, case: Case[Any]) -> Interaction:
    """What is known of an answer; the same object each time."""
    kept = under_way().interactions
    found: Interaction | None = kept.get(id(response))
    if found is None or found.response is not response:
        while kept and (len(kept) >= KEPT or sum(len(each.response.content) for each in kept.values()) > BYTES):
            kept.pop(next(iter(kept)))
        found = kept[id(response)] = Interaction(response, case, read_request(response.request, under_way().target))
    return found


def again(case: Case[Any]) -> Interaction:
    """Sends the same request once more."""
    response = case.derive(keep_auth=True).call()
    found = interaction(response, case)
    # Not kept: what is judged at the moment must not make room for it.
    under_way().interactions.pop(id(response))
    return found


def ask_again(case: Case[Any]) -> Page | None:
    """The page that the same request gets once more."""
    return again(case).page


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    # Here, as what Schemathesis keeps of an answer is cut.
    found = interaction(response, case)
    under_way().kinds[case.id] = found.kind
    for item in found.items or ():
        for name, texts in contract().choices.items():
            if isinstance(item, dict) and item.get(name) in texts:
                under_way().choices.setdefault(name, set()).add(item[name])
