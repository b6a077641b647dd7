"""What Schemathesis cannot know of this operation: the hooks that shape its requests, and checks of the answers.

Schemathesis loads this module (`hooks` in schemathesis.toml), so any of its front ends uses the same checks. Each check
judges one thing; a body that cannot be read is left to `response_schema_conformance`, a status that the contract does
not have to `documented_status`. Returning True means "nothing to judge here". What takes two answers to see is made
sure of before it is called a violation (pages.py). Checks raise instead of using `assert`: under `python -O` they
would pass everything.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import parse_qs, unquote

import schemathesis
import schemathesis.checks
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import JsonSchemaError, UnsupportedMethodResponse

from .alike import Traits, told_apart, traits
from .asked import RIGHT, Asked, due
from .operation import DEFAULTS, DOCUMENTED, INTEGER, PATH, VALID, read_parameters
from .pages import (
    FROZEN,
    Page,
    as_integer,
    asked_for,
    differences,
    proof,
    read_body,
    read_page,
    read_runs,
    read_times,
    shown,
    values,
)
from .probes import UNKNOWN_DEFINITION_ID, probes
from .session import NOT_NOW, SAFE_METHODS, read_retry_after
from .target import UUID
from .under_way import again, under_way

STILL_OPEN, ENDED = ("PENDING", "RUNNING"), ("COMPLETED", "FAILED")
CLOCK_SKEW = timedelta(minutes=5)
# How many requests a check makes to be sure of differences before it gives up on a list that changes all the time.
REQUESTS = 60
# Requests for one look at whether a page that is off by a few is so each time.
LOOKS = 4
# How often it looks again for what exactly is wrong.
TELLING = 4
# How often a run that was gone must be there again: once might be a copy of the database that was a moment behind.
RETURNS = 3
# How many values of a field of an ended run are too many: it may have been mended once while it was read, or twice.
MADE_UP = 4
# Where the fault of a 422 may be.
PLACES = ("path", "query", "header", "cookie", "body")
# By how many a page may be off that was counted at one moment and read at the next.
RACE = 3

# Keys of a path item.
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}
# What is judged of an answer that came in place of another one.
FOR_ANY_STATUS = (
    "response_schema_conformance",
    "response_headers_conformance",
    "strict_json",
    "json_content_type",
    "retry_after_readable",
)

CLASSES: dict[str, tuple[str, ...]] = {
    "schema": ("response_schema_conformance", "strict_json"),
    "bounds and defaults": (
        "valid_request_accepted",
        "invalid_parameter_refused",
        "invalid_parameter_named",
        "defaults_applied",
    ),
    "paging": (
        "limit_and_offset_echoed",
        "number_of_items",
        "same_total",
        "one_order",
        "pages_fit_together",
        "one_list",
    ),
    "identity": ("runs_of_the_definition", "snapshot_of_the_run", "unique_ids"),
    "lifecycle": (
        "completed_at_by_status",
        "error_by_status",
        "times_in_order",
        "nothing_in_the_future",
        "one_running",
        "ended_runs_stay",
        "runs_do_not_go_back",
    ),
    "credentials": ("credentials_required", "credentials_accepted", "foreign_definition_hidden"),
    "errors": ("unknown_definition_not_found", "documented_status", "unavailability_passes"),
    "protocol": (
        "json_content_type",
        "response_headers_conformance",
        "unsupported_method",
        "allow_header_conformance",
        "connection_kept",
        "no_answer",
        "retry_after_readable",
    ),
    "evidence": ("reached",),
}
"""Every check that a run uses, by what it is about. What is not named here is switched off, `transient_answers` aside,
which applies some of these to further answers."""

C = TypeVar("C", bound=Callable[..., Any])


def check(function: C) -> C:
    if not any(function.__name__ in names for names in CLASSES.values()):
        raise LookupError(f"{function.__name__} is in none of the CLASSES")
    schemathesis.check(function)
    return function


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Points the contract's example at the definition under test, and leaves credentials to the security schemes.

    The coverage phase builds all of its requests around the example. The contract states the credentials twice;
    Schemathesis would fuzz those that are stated as parameters.
    """
    parameters = [each.value for each in read_parameters(raw_schema) if each.value["in"] in ("path", "query")]
    for parameter in parameters:
        if parameter["name"] == "definition_id":
            parameter["example"] = under_way().target.definitions[0]
    item = raw_schema["paths"][PATH]
    item.pop("parameters", None)
    item["get"]["parameters"] = parameters
    if not under_way().target.all_methods:
        leave_out_unsafe(raw_schema)


def leave_out_unsafe(raw_schema: dict[str, Any]) -> None:
    """The session would not send them (session.py); here the verdict learns which these are."""
    for path, item in raw_schema["paths"].items():
        for method in METHODS & item.keys():
            if method.upper() not in SAFE_METHODS:
                del item[method]
                under_way().left_out.add(f"{method.upper()} {path}")


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    operation = context.operation
    if operation is not None and (operation.path, operation.method.lower()) == (PATH, "get"):
        # Schemathesis sends examples from the last to the first.
        examples[:] = probes(examples[0], under_way().target)[::-1]


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    _ = failure.message
    if isinstance(failure, JsonSchemaError):
        # What it says is settled now. Of each answer that fails, it would keep the whole until the end.
        failure.instance = None
    # Where there was no answer there is nothing else to judge.
    return response.status_code != 0 or failure.title.endswith("`no_answer`")


def due_here(response: Response) -> tuple[Asked, frozenset[int]] | None:
    """What was asked and what is due; None if there is nothing to hold the status against, or another check does."""
    asked = asked_for(response)
    allowed = due(asked, under_way().target)
    if allowed is None or response.status_code not in DOCUMENTED or response.status_code in asked.early:
        return None
    return asked, allowed


# Schema: `response_schema_conformance` is Schemathesis's own.


# Before it is decoded: of a large body each copy counts.
SURROGATE = re.compile(rb"\\u[dD]")


class Repeated(Exception):
    pass


def no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Repeated(next(name for name in names if names.count(name) > 1))
    return found


def no_constant(name: str) -> None:
    raise AssertionError(f"the body holds {name}, which is no JSON")


@check
def strict_json(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Python's parser takes more than others: NaN, a key twice, half characters, a byte order mark, other encodings."""
    if response.status_code not in DOCUMENTED or case.method != "GET":
        return True
    try:
        response.json()
    except (ValueError, RecursionError):
        return True
    try:
        text = response.content.decode("utf-8")
        body = json.loads(text, object_pairs_hook=no_repetition, parse_constant=no_constant)
        if SURROGATE.search(response.content):
            json.dumps(body, ensure_ascii=False).encode()
    except Repeated as repeated:
        raise AssertionError(f"the body has the key '{shown(str(repeated))}' twice in one object") from None
    except UnicodeEncodeError:
        raise AssertionError("the body holds one half of a surrogate pair, which is no character") from None
    except UnicodeDecodeError as error:
        raise AssertionError(f"the body is not UTF-8: {error}") from None
    except json.JSONDecodeError as error:
        raise AssertionError(f"the body is no JSON: {error}") from None
    return None


# Bounds and defaults.


@check
def valid_request_accepted(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A valid request for a definition that the credentials may read is answered with 200."""
    found = due_here(response)
    if found is None or found[1] != {200} or response.status_code == 401:
        return True
    status = response.status_code
    if status in NOT_NOW:
        if under_way().session.is_out:
            return True
        sending = under_way().sendings.get(case.id)
        times = f", {len(sending.transient) + 1} times in a row" if sending else ""
        raise AssertionError(
            f"a valid request, {found[0].query}, was answered with {status}{times}, while others were answered"
        )
    if status != 200:
        raise AssertionError(f"a valid request, {found[0].query}, was answered with {status}")
    return None


@check
def invalid_parameter_refused(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """An invalid parameter is answered with 422, before it is looked whether the definition exists."""
    found = due_here(response)
    if found is None or 422 not in found[1] or response.status_code in NOT_NOW | {401}:
        return True
    asked, allowed = found
    if response.status_code not in allowed:
        if invalid := " and ".join(map(asked.sent, sorted(asked.invalid_parameters))):
            raise AssertionError(f"{invalid} is invalid, which is 422, but the answer is {response.status_code}")
        wanted = " or ".join(map(str, sorted(allowed)))
        raise AssertionError(f"{asked.query} must be answered with {wanted} (got {response.status_code})")
    if response.status_code == 422 and len(asked.invalid_parameters) > 1 and asked.credentials == RIGHT:
        refuse_each(case, response, asked)
    if response.status_code == 200:
        for name, judgement in asked.judgements.items():
            if judgement != VALID and (how := leniency(response, name)):
                under_way().lenient.setdefault(name, set()).add(how)
    return None


def read_faults(response: Response) -> list[dict[str, Any]] | None:
    """What the body of a 422 lists; None if it cannot be read."""
    try:
        faults = response.json()["detail"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    if not isinstance(faults, list):
        return None
    return faults if all(isinstance(each, dict) and isinstance(each.get("loc"), list) for each in faults) else None


def refuse_each(case: Case[Any], response: Response, asked: Asked) -> None:
    """A server may name the first fault only: then the others are asked for by themselves."""
    named = {part for fault in read_faults(response) or () for part in fault["loc"] if isinstance(part, str)}
    for name in sorted(asked.invalid_parameters - named):
        alone = case.derive(keep_auth=True, query={name: case.query[name]} if name in case.query else {})
        if name != "definition_id":
            alone.path_parameters = {"definition_id": under_way().target.definitions[0]}
        answer = again(alone)
        found = due_here(answer)
        if found and answer.status_code not in found[1] | NOT_NOW:
            raise AssertionError(
                f"{asked.sent(name)} is invalid by itself, which is 422, but the answer is {answer.status_code}"
            )


def leniency(response: Response, name: str) -> str:
    """In what the spelling breaks the contract's letter; empty if it does not."""
    if name == "definition_id":
        return "without dashes"
    url = (response.request.url or "").partition("?")
    texts = parse_qs(url[2], keep_blank_values=True)[name]
    if len(texts) > 1:
        return "given twice"
    return "" if INTEGER.fullmatch(texts[0]) else f"'{texts[0]}'"


@check
def invalid_parameter_named(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """The body of a 422 names a parameter that is invalid, or in a spelling that a server may refuse; and no other."""
    asked = asked_for(response)
    faults = read_faults(response)
    if response.status_code != 422 or set(asked.judgements.values()) == {VALID} or asked.credentials != RIGHT:
        return True
    if faults is None:
        return True
    if wrong := misnamed(asked.judgements, [fault["loc"] for fault in faults]):
        raise AssertionError(wrong)
    for fault in faults:
        require_right_place(fault, asked)
    return None


def misnamed(judgements: Mapping[str, str], places: list[list[Any]]) -> str:
    """What is wrong with the parameters that a 422 names, by how each is judged; empty if nothing."""
    faulty = {name for name, judgement in judgements.items() if judgement != VALID}
    named = {name for place in places for name in judgements if name in place}
    if named and named <= faulty:
        return ""
    wrong = " and ".join(sorted(named - faulty)) or shown(places) if places else "nothing"
    return f"the 422 must name {' or '.join(sorted(faulty))}, but it names {wrong}"


def require_right_place(fault: dict[str, Any], asked: Asked) -> None:
    """What a fault says of its parameter is so: where it stands, and which value was refused."""
    place = fault["loc"]
    name = next((name for name in asked.judgements if name in place), "")
    where = "path" if name == "definition_id" else "query"
    if place and place[0] in PLACES and (not name or place[0] != where):
        raise AssertionError(f"the 422 says that the fault is at {shown(place)}, where nothing is wrong")
    sent, refused = asked.texts.get(name, ()), fault.get("input")
    if len(sent) != 1 or not sent[0] or not sent[0].isascii() or not isinstance(refused, str):
        return
    # As it was sent, or as it was read so far.
    if not sent[0].strip().lower().startswith(unquote(refused).strip().lower()):
        raise AssertionError(
            f"the 422 says that {name}='{shown(refused)}' was refused, but {asked.sent(name)} was sent"
        )


@check
def defaults_applied(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Without a limit, it is 20; without an offset, it is 0."""
    page = read_page(response, case)
    asked, body = asked_for(response), read_body(response) or {}
    if page is None or (asked.limit.is_given and asked.offset.is_given):
        return True
    for name, parameter in (("limit", asked.limit), ("offset", asked.offset)):
        said = as_integer(body.get(name))
        if not parameter.is_given and said is not None and said != DEFAULTS[name]:
            raise AssertionError(f"no {name} was given, which means {DEFAULTS[name]}, but the page says {said}")
    return None


# Paging.


@check
def limit_and_offset_echoed(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A page names the limit and the offset that were asked for."""
    body, asked = read_body(response), asked_for(response)
    if body is None or case.method != "GET":
        return True
    judged = False
    for name, parameter in (("limit", asked.limit), ("offset", asked.offset)):
        said = as_integer(body.get(name))
        if parameter.is_given and parameter.values and parameter.judgement != "invalid" and said is not None:
            judged = True
            if said not in parameter.echoes:
                wanted = " or ".join(map(str, sorted(parameter.values)))
                raise AssertionError(f"{name} {wanted} was asked for, but the page says {said}")
    return None if judged else True


@check
class number_of_items:  # In lower case like all checks: it is the name that reports show.
    """A page holds max(0, min(limit, total - offset)) runs."""

    def __init__(self) -> None:
        self.totals: dict[str, set[int]] = {}
        self.is_sure = False
        self.looks = REQUESTS // LOOKS

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        page, body = read_page(response, case), read_body(response) or {}
        if page is None:
            return True
        # Without a limit, the one that the page names counts: whether it is the right one is for `defaults_applied`.
        limit = page.limit if asked_for(response).limit.is_given else as_integer(body.get("limit"))
        if limit is None:
            return True
        wrong = self.surplus(page, limit)
        if wrong and (self.is_sure or abs(wrong) > RACE or not self.is_explained(page, limit)):
            self.is_sure = True
            raise AssertionError(
                f"limit {limit}, offset {page.offset} and the page's total {page.total} make {len(page.runs) - wrong} "
                f"items, but it has {len(page.runs)}"
            )
        self.totals.setdefault(page.definition, set()).add(page.total)
        return None

    @staticmethod
    def surplus(page: Page, limit: int) -> int:
        return len(page.runs) - max(0, min(limit, page.total - page.offset))

    def is_explained(self, page: Page, limit: int) -> bool:
        """Whether a list that changes explains it: a server may count the runs first, and read them a moment later."""
        if self.looks == 0:
            under_way().unsettled.add(type(self).__name__)
            return True
        self.looks -= 1
        pages = [read_page(again(page.case), page.case) for _ in range(LOOKS)]
        totals = {page.total, *self.totals.get(page.definition, ()), *(each.total for each in pages if each)}
        # A fault would be the same one each time.
        return len(totals) > 1 and any(self.surplus(each, limit) != self.surplus(page, limit) for each in pages if each)


class Comparing:
    """A check that holds each page against earlier ones of the same definition."""

    def __init__(self) -> None:
        self.requests = REQUESTS
        self.is_done = False

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        page = read_page(response, case)
        if page is None or self.is_done:
            return True
        return self.compare(page)

    def compare(self, page: Page) -> bool | None:
        raise NotImplementedError

    def confirmed(
        self, first: Page, second: Page, differ: Callable[[Page, Page], object]
    ) -> tuple[Page, Page] | Literal[False] | None:
        """Asks for both again. Gives pages at most once: of what was found, one case is enough."""
        found = None
        if self.requests > 0:
            sent = under_way().sent
            found = proof(first, second, differ)
            self.requests -= under_way().sent - sent
        if found is None:
            under_way().unsettled.add(type(self).__name__)
        if not found:
            under_way().doubts.append(second)
        self.is_done = bool(found)
        return found


@check
class same_total(Comparing):
    """The total does not depend on limit or offset."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Page] = {}

    @staticmethod
    def differ(first: Page, second: Page) -> object:
        return first.total != second.total and (first.total, second.total)

    def compare(self, page: Page) -> bool | None:
        earlier = self.seen.setdefault(page.definition, page)
        if earlier.total != page.total:
            if found := self.confirmed(earlier, page, self.differ):
                one, other = found
                raise AssertionError(
                    f"the total is {one.total} with {one.place}, but {other.total} with {other.place}, repeatedly and "
                    "by turns"
                )
            self.seen[page.definition] = page
        return None


@check
class one_order(Comparing):
    """Two runs never change places, whatever is added or deleted, and none that was gone is there again.

    Needs no second look: no change of the list explains it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, dict[tuple[str, ...], Page]] = {}
        self.gone: set[str] = set()
        self.returns = 0

    def compare(self, page: Page) -> bool | None:
        seen = self.seen.setdefault(page.definition, {})
        if len(set(page.ids)) < len(page.ids):
            return None
        self.note_returns(page, list(seen.values()))
        if page.ids in seen:
            # Now the latest one.
            seen[page.ids] = seen.pop(page.ids)
            return None
        for earlier in seen.values():
            places = {identifier: number for number, identifier in enumerate(earlier.ids)}
            if twice(earlier, page):
                continue
            common = [identifier for identifier in page.ids if identifier in places]
            for before, after in pairwise(common):
                if places[before] > places[after]:
                    raise AssertionError(
                        f"run {shown(before)} stands before run {shown(after)} with {page.place}, but after it with "
                        f"{earlier.place}"
                    )
        seen[page.ids] = page
        return None

    def note_returns(self, page: Page, earlier: list[Page]) -> None:
        back = self.gone.intersection(page.ids)
        self.gone -= back
        self.returns += bool(back)
        if back and self.returns == RETURNS:
            raise AssertionError(
                f"run {shown(min(back))} was gone, and is there again with {page.place}; it happened {RETURNS} times: "
                "old states of the list are shown, as by a cache, or by a copy of the database that is behind"
            )
        is_last = len(page.runs) < page.limit and page.offset + len(page.runs) == page.total
        for other in earlier[-10:]:
            common = [number for number, identifier in enumerate(other.ids) if identifier in page.ids]
            if common and not twice(other, page):
                # What stood between two that are on this page would be on it as well.
                first = 0 if page.offset == 0 else common[0]
                last = len(other.ids) if is_last else common[-1]
                self.gone |= set(other.ids[first:last]).difference(page.ids)


@check
class pages_fit_together(Comparing):
    """Pages of any size are cut from one list: each place holds one run, and each run has one place."""

    def __init__(self) -> None:
        super().__init__()
        self.by_place: dict[tuple[str, int], Page] = {}
        self.by_id: dict[tuple[str, str], Page] = {}

    @staticmethod
    def differ(first: Page, second: Page) -> bool:
        ids = dict(enumerate(first.ids, first.offset))
        places = {identifier: place for place, identifier in ids.items()}
        return any(
            ids.get(place, identifier) != identifier or places.get(identifier, place) != place
            for place, identifier in enumerate(second.ids, second.offset)
        )

    def differ_at_rest(self, first: Page, second: Page) -> bool | None:
        return self.differ(first, second) if first.total == second.total else None

    @staticmethod
    def conflict(first: Page, second: Page) -> str:
        """What does not go together, of two pages that do not."""
        if common := [key for key in first.ids if key in second.ids and first.number(key) != second.number(key)]:
            what = f"run {shown(common[0])} is number"
            one, other = (f"{page.number(common[0])} with {page.place}" for page in (first, second))
        else:
            here, there = (dict(enumerate(page.ids, page.offset)) for page in (first, second))
            number = min(key for key in here.keys() & there.keys() if here[key] != there[key])
            what = f"number {number} of the list is run"
            one, other = f"{shown(here[number])} with {first.place}", f"{shown(there[number])} with {second.place}"
        return f"{what} {one}, but {other}, repeatedly and by turns: a run is missing between pages, or there twice"

    def compare(self, page: Page) -> bool | None:
        for place, identifier in enumerate(page.ids, page.offset):
            for earlier in (self.by_place.get((page.definition, place)), self.by_id.get((page.definition, identifier))):
                if earlier is None or not self.differ(earlier, page):
                    continue
                if twice(earlier, page):
                    # One id on two runs, which is another matter.
                    return True
                # Where the totals differ, the list changed; if it did not, that is for `same_total`.
                if earlier.total == page.total and (found := self.confirmed(earlier, page, self.differ_at_rest)):
                    raise AssertionError(self.conflict(*found))
                # The list changed: what was seen before says nothing about it any more.
                self.by_place.clear()
                self.by_id.clear()
        for place, identifier in enumerate(page.ids, page.offset):
            self.by_place[page.definition, place] = self.by_id[page.definition, identifier] = page
        return None


# Identity.


@check
def runs_of_the_definition(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Every run of a page belongs to the definition that was asked for."""
    runs, asked = read_runs(response), asked_for(response)
    if not runs or asked.definition_judgement != VALID or not asked.definition:
        return True
    for index, run in enumerate(runs):
        owner = run.get("workflow_definition_id")
        if isinstance(owner, str) and UUID.fullmatch(owner) and owner.lower() != asked.definition:
            raise AssertionError(
                f"the runs of definition {asked.definition} were asked for, but items[{index}], run "
                f"{shown(run.get('id'))}, is one of {owner}"
            )
    return None


@check
def snapshot_of_the_run(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A run's snapshot names the definition, the user and the runner type that the run names."""
    runs = read_runs(response)
    for run in runs:
        snapshot = run.get("run_snapshot")
        for name in ("workflow_definition_id", "user_id", "runner_type"):
            own, copied = run.get(name), snapshot.get(name) if isinstance(snapshot, dict) else None
            if isinstance(own, str) and isinstance(copied, str) and own.lower() != copied.lower():
                raise AssertionError(
                    f"run {shown(run.get('id'))} has the {name} {shown(own)}, but its snapshot has {shown(copied)}"
                )
    return None if runs else True


def changed(first: Page, second: Page, identifier: str) -> list[tuple[str, Any, Any]]:
    """In what a run of both pages differs, of what never changes."""
    one, other = first.run(identifier), second.run(identifier)
    if values(one, FROZEN) == values(other, FROZEN):
        return []
    names = [name for name in FROZEN if values(one, [name]) != values(other, [name])]
    return [found for name in names for found in differences(one.get(name), other.get(name), name)]


def twice(first: Page, second: Page) -> bool:
    """Whether one id stands on two runs: they differ in what never changes of a run."""
    runs = dict(zip(first.ids, first.frozen, strict=True))
    return any(runs.get(identifier, what) != what for identifier, what in zip(second.ids, second.frozen, strict=True))


@check
class unique_ids(Comparing):
    """No two runs share an id, neither of one page nor of two, and no run has two; what is frozen never changes."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = TELLING
        self.seen: dict[str, Page] = {}
        self.pages: dict[tuple[str, int, int], Page] = {}

    def compare(self, page: Page) -> bool | None:
        under_way().rows.setdefault(page.definition, set()).update(page.ids)
        before = self.pages.setdefault((page.definition, page.limit, page.offset), page)
        if len(page.runs) > 1 and not set(before.ids).intersection(page.ids) and before.frozen == page.frozen:
            raise AssertionError(
                f"the runs with {page.place} have other ids each time that they are read: the first one had "
                f"{shown(before.ids[0])}, and has {shown(page.ids[0])}"
            )
        for index, identifier in enumerate(page.ids):
            if identifier in page.ids[:index]:
                raise AssertionError(
                    f"the id {shown(identifier)} stands twice on one page, as items[{page.ids.index(identifier)}] and "
                    f"items[{index}] with {page.place}"
                )
            earlier = self.seen.setdefault(identifier, page)
            if earlier is not page and changed(earlier, page, identifier):
                raise AssertionError(self.tell(earlier, page, identifier))
        return None

    def tell(self, first: Page, second: Page, identifier: str) -> str:
        """Whether it is one run that changed, or one id on two runs: those both stay, each in its place."""
        if first.definition != second.definition:
            return (
                f"runs of two definitions, {first.definition} ({first.place}) and {second.definition} "
                f"({second.place}), share the id {shown(identifier)}"
            )
        if self.requests > 0:
            self.requests -= 1
            one, other = (read_page(again(page.case), page.case) or page for page in (first, second))
            if identifier in one.ids and identifier in other.ids and changed(one, other, identifier):
                first, second = one, other
        field, before, after = changed(first, second, identifier)[0]
        values = f"{shown(before)} ({first.place}) and {shown(after)} ({second.place})"
        here, there = first.number(identifier), second.number(identifier)
        if here != there and first.total == second.total:
            return (
                f"two runs, numbers {here} and {there} of the list, share the id {shown(identifier)}: {field} {values}"
            )
        return f"run {shown(identifier)} changed in what is frozen: its {field} was read as {values}"


# Lifecycle.


@check
def completed_at_by_status(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """`completed_at` is set exactly for runs that have ended."""
    runs = [run for run in read_runs(response) if run.get("status") in STILL_OPEN + ENDED and "completed_at" in run]
    for run in runs:
        status, completed_at = run["status"], run["completed_at"]
        if (completed_at is not None) != (status in ENDED):
            raise AssertionError(
                f"run {shown(run.get('id'))} is {status}, but its completed_at is {shown(completed_at)}"
            )
    return None if runs else True


@check
def error_by_status(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """`error` is set exactly for runs that failed."""
    runs = [run for run in read_runs(response) if run.get("status") in STILL_OPEN + ENDED and "error" in run]
    for run in runs:
        if (run["error"] is not None) != (run["status"] == "FAILED"):
            error = shown(run["error"]) or "an empty text"
            raise AssertionError(f"run {shown(run.get('id'))} is {run['status']}, but its error is {error}")
    return None if runs else True


# What is settled when a run ends.
OUTCOME = ("status", "started_at", "completed_at", "error")


@check
def times_in_order(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """`created_at` <= `started_at` <= `completed_at`, where set, <= `updated_at`."""
    runs = read_runs(response)
    for run in runs:
        times = read_times(run)
        for (name, moment), (next_name, next_moment) in pairwise(times):
            if moment > next_moment:
                raise AssertionError(
                    f"run {shown(run.get('id'))} has a {name}, {moment}, after its {next_name}, {next_moment}"
                )
    return None if runs else True


@check
def nothing_in_the_future(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """No time lies in the future, by this machine's clock or the server's, whichever is ahead."""
    runs = read_runs(response)
    now = datetime.now(UTC)
    with suppress(TypeError, ValueError):
        now = max(now, parsedate_to_datetime((response.headers.get("date") or [""])[0]))
    for run in runs:
        for name, moment in read_times(run):
            if moment > now + CLOCK_SKEW:
                raise AssertionError(
                    f"run {shown(run.get('id'))} has a {name} in the future, {moment}; now it is {now}"
                )
    return None if runs else True


@check
class one_running(Comparing):
    """At most one run of a definition is running."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Page] = {}

    @staticmethod
    def running(*pages: Page) -> set[str]:
        return {
            key
            for page in pages
            for key, run in zip(page.ids, page.runs, strict=True)
            if run.get("status") == "RUNNING"
        }

    def differ(self, first: Page, second: Page) -> bool:
        return len(self.running(first, second)) > 1

    def compare(self, page: Page) -> bool | None:
        here = self.running(page)
        if not here:
            return None if page.runs else True
        if len(here) > 1:
            raise AssertionError(
                f"{len(here)} runs of one page are RUNNING, among them {' and '.join(map(shown, sorted(here)[:2]))}"
            )
        earlier = self.seen.setdefault(page.definition, page)
        if self.differ(earlier, page):
            if found := self.confirmed(earlier, page, self.differ):
                both = " and ".join(map(shown, sorted(self.running(*found))))
                raise AssertionError(
                    f"{both} are RUNNING, with {earlier.place} and with {page.place}, at the same time"
                )
            self.seen[page.definition] = page
        return None


@check
class ended_runs_stay(Comparing):
    """A run that has ended reads the same wherever it is read. Once it may change, as when somebody mends old data."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Page] = {}
        self.values: dict[tuple[str, str], list[Any]] = {}
        """The different ones of a run's field, in the order in which they were seen."""
        self.looks = TELLING

    @staticmethod
    def ended(page: Page) -> dict[str, dict[str, Any]]:
        return {key: run for key, run in zip(page.ids, page.runs, strict=True) if run.get("status") in ENDED}

    def differ(self, first: Page, second: Page) -> bool:
        return any(self.changes(first, second, OUTCOME))

    def changes(self, first: Page, second: Page, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The runs that had ended on both pages, with each field that is another one."""
        before, after = self.ended(first), self.ended(second)
        for identifier in after:
            for name in names if identifier in before else ():
                if values(before[identifier], [name]) != values(after[identifier], [name]):
                    yield identifier, name

    def compare(self, page: Page) -> bool | None:
        runs = self.ended(page)
        for earlier in {id(each): each for each in map(self.seen.get, runs) if each}.values():
            if twice(earlier, page):
                continue
            if found := list(self.changes(earlier, page, (*OUTCOME, "updated_at"))):
                self.refuse_what_is_made_up(earlier, page, found)
            if self.differ(earlier, page):
                if pair := self.confirmed(earlier, page, self.differ):
                    raise AssertionError(self.tell(*pair))
                break
        self.seen |= dict.fromkeys(runs, page)
        return None if runs else True

    def refuse_what_is_made_up(self, earlier: Page, page: Page, changes: list[tuple[str, str]]) -> None:
        """A run may be mended now and then, but is not another one each time that it is read."""
        pages = [earlier, page]
        if self.looks > 0:
            self.looks -= 1
            pages += [each for _ in range(2) if (each := read_page(again(page.case), page.case))]
        for identifier, name in changes:
            seen = self.values.setdefault((identifier, name), [])
            for runs in map(self.ended, pages):
                if identifier in runs and (value := values(runs[identifier], [name])[0]) not in seen:
                    seen.append(value)
            if len(seen) >= MADE_UP:
                self.is_done = True
                raise AssertionError(
                    f"run {shown(identifier)} has ended, but its {name} is another one each time that it is read, with "
                    f"{page.place}: {', '.join(map(shown, seen[-3:]))}"
                )

    def tell(self, first: Page, second: Page) -> str:
        identifier, name = next(self.changes(first, second, OUTCOME))
        one, other = (shown(page.run(identifier).get(name)) for page in (first, second))
        return (
            f"run {shown(identifier)} has ended, but its {name} is {one} with {first.place}, and {other} with "
            f"{second.place}, repeatedly and by turns"
        )


# Credentials.


@check
def credentials_required(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Without right credentials the answer is 401, whatever else is wrong with the request."""
    found = due_here(response)
    if found is None or found[1] != {401} or response.status_code in NOT_NOW:
        return True
    if response.status_code != 401:
        kind = found[0].kind_of_credentials
        raise AssertionError(f"a request with {kind} was answered with {response.status_code}, not 401")
    return None


@check
def credentials_accepted(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Each of the credentials given is enough, by itself."""
    found = due_here(response)
    if found is None or found[0].credentials != RIGHT or response.status_code in NOT_NOW:
        return True
    if response.status_code == 401:
        raise AssertionError(f"a request with {found[0].kind_of_credentials} was answered with 401")
    return None


@check
class foreign_definition_hidden:
    """A definition that the credentials may not read shows nothing: 403, or the 404 of one that is not there.

    Nor is it told from that where there are no right credentials (401), or where the parameters are invalid (422).
    """

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, bool], set[int]] = {}
        self.compared: set[tuple[str, object]] = set()
        self.unknown: dict[object, Traits] = {}
        self.hidden: dict[tuple[str, object], tuple[Case[Any], Traits]] = {}

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        found = due_here(response)
        if found is None or response.status_code in NOT_NOW:
            return True
        asked, allowed = found
        status, foreign = response.status_code, asked.definition in under_way().target.foreign
        if foreign and not allowed & {401, 422} and status not in (401, 422):
            under_way().foreign.add(status)
            if status not in allowed:
                raise AssertionError(
                    f"definition {asked.definition} may not be read with these credentials, and must be answered with "
                    f"403 or 404 (got {status})"
                )
            # Either credential may be somebody else's.
            seen = self.statuses.setdefault((asked.definition, "Authorization" in response.request.headers), set())
            seen.add(status)
            if len(seen) > 1:
                raise AssertionError(f"definition {asked.definition} is answered with 403 and with 404")
            if status == 404:
                self.compare(asked.definition, 404, case)
        if status not in allowed or status not in (401, 404, 422) or asked.definition_judgement != VALID:
            return True
        # What was sent else, as far as it may matter.
        sent = asked.query if status == 422 else sorted(response.request.headers.keys() & {"Authorization", "Cookie"})
        key = status, str(sent)
        if foreign:
            self.hidden.setdefault((asked.definition, key), (case, traits(response, asked.definition)))
        elif asked.definition not in under_way().target.readable:
            self.unknown.setdefault(key, traits(response, asked.definition))
        for (definition, each), (asking, found_there) in self.hidden.items():
            if each in self.unknown and found_there != self.unknown[each]:
                # Perhaps they vary anyway.
                self.compare(definition, each, asking)
        return None if foreign else True

    def compare(self, definition: str, key: object, case: Case[Any]) -> None:
        if (definition, key) in self.compared:
            return
        self.compared.add((definition, key))
        if how := told_apart(partial(refusal, case), definition, under_way().target.seed):
            raise AssertionError(
                f"definition {definition} must be answered exactly as one that does not exist, but {how}"
            )


def refusal(case: Case[Any], definition: str) -> Response | None:
    """What answers the same request for another definition; None if it is no refusal."""
    other = case.derive(keep_auth=True)
    other.path_parameters = {"definition_id": definition}
    response = again(other)
    return response if response.status_code in (401, 404, 422) else None


# Errors.


@check
def unknown_definition_not_found(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """An unknown definition is answered with 404."""
    found = due_here(response)
    if found is None or found[1] != {404} or response.status_code in NOT_NOW | {401}:
        return True
    if response.status_code == 422 and b'"definition_id"' not in (response.content or b""):
        # About another parameter, wrong as it may be.
        return True
    if response.status_code != 404:
        raise AssertionError(f"a definition that does not exist was answered with {response.status_code}, not 404")
    return None


@check
def documented_status(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """The contract has the status; never a 500."""
    asked, status = asked_for(response), response.status_code
    if asked.method != "GET":
        # `unsupported_method` judges the refusals.
        if status >= 500 and status not in (501, 503):
            raise AssertionError(f"{status} in answer to {asked.method}")
        return None
    if asked.is_trailing_slash and status in (307, 308):
        under_way().lenient.setdefault("path", set()).add("a trailing slash, which is redirected")
        return None
    if status in asked.early:
        return None
    if status in DOCUMENTED or (not asked.definition and status in (301, 302, 307, 308, 400, 405)):
        return None
    expected = due(asked, under_way().target)
    instead = f"; here it wants {' or '.join(map(str, sorted(expected)))}" if expected else ""
    raise AssertionError(f"{status}, which the contract does not have{instead}")


# Protocol: `unsupported_method` and `allow_header_conformance` are Schemathesis's own.


@schemathesis.hook("filter_failure")
def keep_refused_methods(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """A server need not know a method to refuse it (501, RFC 9110, section 15.6.2); of an odd one some say 400."""
    is_refused = response.status_code == 501 or (response.status_code == 400 and case.method in ("TRACE", "QUERY"))
    return not (is_refused and isinstance(failure, UnsupportedMethodResponse))


@check
def json_content_type(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Every documented answer says that it is JSON, and names no other character set than JSON's own."""
    asked = asked_for(response)
    if response.status_code not in DOCUMENTED or asked.method != "GET" or not asked.definition:
        return True
    if response.status_code in asked.early or (response.status_code == 404 and asked.early):
        return True
    message = Message()
    message["Content-Type"] = ", ".join(response.headers.get("content-type") or ["missing"])
    charset = message.get_param("charset", "utf-8")
    if message.get_content_type() != "application/json" or str(charset).lower() not in ("utf-8", "utf8"):
        raise AssertionError(f"{response.status_code} with the content type {shown(message['Content-Type'])}")
    return None


@check
def connection_kept(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """No connection is cut in place of an answer."""
    sending = under_way().sendings.get(case.id)
    if sending and sending.cut:
        raise AssertionError("the connection was cut without an answer; the same request, repeated, was answered")
    return None


@check
def no_answer(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Every request is answered, in time, and with no more than can be read."""
    if response.status_code == 0:
        raise AssertionError(response.message)
    return None


@check
def retry_after_readable(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """`Retry-After` is a number of seconds or a date, wherever it stands."""
    texts = response.headers.get("retry-after") or []
    for text in texts:
        if read_retry_after(text) is None:
            raise AssertionError(f"{response.status_code} with Retry-After: '{text}', neither seconds nor an HTTP date")
    return None if texts else True


@schemathesis.check
def transient_answers(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """What was answered with 429 or 503 at first keeps the contract as well; run.py names the check that it fails."""
    sending = under_way().sendings.get(case.id)
    names = set(FOR_ANY_STATUS) - set(under_way().target.excluded_checks)
    checks: list[Any] = schemathesis.checks.CHECKS.get_by_names(sorted(names))
    for answer in sending.transient if sending else ():
        case.validate_response(answer, checks=checks)
    return None if sending and sending.transient else True


# Evidence.


@check
class reached:
    """The run saw what it is about: pages with items, and each kind of refusal. Otherwise it proved nothing."""

    MEANING: ClassVar = {
        "200 with items": "a page that has runs; give a DEFINITION_ID that has some",
        "200 without items": "a page past the end",
        "401": "a refusal of missing or wrong credentials; both were sent",
        "404": f"a refusal of an unknown definition; {UNKNOWN_DEFINITION_ID} was asked for",
        "422": "a refusal of an invalid parameter; malformed ids, limits and offsets were sent",
    }

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> None:
        body = read_body(response)
        # Another address, or another method, is refused for other reasons.
        if not asked_for(response).definition or case.method != "GET":
            return
        if body is None:
            self.seen.add(str(response.status_code))
        elif isinstance(body.get("items"), list):
            self.seen.add("200 with items" if body["items"] else "200 without items")

    def after_run(self, ctx: CheckContext) -> None:
        missing = [f"{kind} ({meaning})" for kind, meaning in self.MEANING.items() if kind not in self.seen]
        # A phase that ended before its time has not shown what it would have shown.
        if missing and under_way().sent == under_way().answered and not under_way().ended_early:
            raise AssertionError("never seen: " + "; ".join(missing))


# They build on those above.
from . import steadiness  # noqa: E402, F401
