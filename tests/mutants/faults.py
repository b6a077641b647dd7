"""The mutants: what is wrong with each, and which checks must say so.

A fault that fits into one line is a function that changes a run, a page or an answer; the others replace one step of
the reference server.
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from itertools import count
from random import Random
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse

from tests.reference_server import seed
from tests.reference_server.app import InvalidParameter, Parameters, ReferenceServer
from tests.reference_server.database import Definition, Run, User

Body = dict[str, Any]
OTHER_ID = "9d3f6a10-4c7e-4b52-8f61-0e2a7c95d4b8"
# Number of a run that only a reader of the whole list meets, counted from the newest.
RARE = 119
# Seconds. A hang is one when it outlasts this; the contract run is more patient with deployments.
ANSWER_WITHIN = 4


@dataclass(frozen=True)
class Mutant:
    """A server with one fault."""

    name: str
    kind: str
    """The class of checks that the fault belongs to."""
    start: Callable[[], ReferenceServer]
    killed_by: frozenset[str]
    """Exactly the checks that must fail."""


@dataclass(frozen=True)
class RunFault:
    """Changes one run, or those that `where` picks, as they are rendered."""

    change: Callable[[Body], object]
    where: Callable[[Body], bool] | None = None

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def render_run(self, run: Run) -> Body:
                body = super().render_run(run)
                is_rare = run.sequence == seed.RUNS - RARE
                if fault.where(body) if fault.where else is_rare:
                    fault.change(body)
                return body

        return Server()


@dataclass(frozen=True)
class PageFault:
    """Changes a page before it is rendered as JSON."""

    change: Callable[[Body, Parameters], object]

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
                page = super().render_page(total, runs, parameters)
                fault.change(page, parameters)
                return page

        return Server()


@dataclass(frozen=True)
class AskedFault:
    """Reads other parameters than were sent."""

    change: Callable[[Parameters], Parameters]
    when: Callable[[Request], bool] = lambda request: True
    is_echoed: bool = False

    def __call__(self) -> ReferenceServer:
        fault = self

        class Server(ReferenceServer):
            def load_page(self, session: Session, parameters: Parameters) -> tuple[int, Sequence[Run]]:
                return super().load_page(session, parameters if fault.is_echoed else fault.change(parameters))

            def parse_parameters(self, request: Request) -> Parameters:
                parameters = super().parse_parameters(request)
                return fault.change(parameters) if fault.is_echoed and fault.when(request) else parameters

        return Server()


@dataclass(frozen=True)
class AnswerFault:
    """Answers in another way: where `when` says so, and of those requests only every `every`th."""

    answer: Callable[[Response], Response]
    when: Callable[[Request, int], bool]
    every: int = 1

    def __call__(self) -> ReferenceServer:
        fault, requests = self, count(1)

        class Server(ReferenceServer):
            def list_runs(self, request: Request) -> Response:
                try:
                    response = super().list_runs(request)
                except HTTPException as refusal:
                    headers = dict(refusal.headers or {})
                    response = Response(
                        json.dumps({"detail": refusal.detail}), refusal.status_code, headers, "application/json"
                    )
                is_due = request.method == "GET" and fault.when(request, response.status_code)
                return fault.answer(response) if is_due and next(requests) % fault.every == 0 else response

        return Server()


@dataclass(frozen=True)
class StepFault:
    """Replaces one step of the server; the step gets the original one as its first argument."""

    step: str
    new: Callable[..., Any]

    def __call__(self) -> ReferenceServer:
        server = ReferenceServer()
        original = getattr(server, self.step)
        setattr(server, self.step, lambda *arguments: self.new(original, *arguments))
        return server


@dataclass(frozen=True)
class ForeignToldApart:
    """Each 404 has a number of its own; those about definitions of other tenants are told apart by the change."""

    change: Callable[[Response, int], Response]

    def __call__(self) -> ReferenceServer:
        fault, numbers = self, count(1)

        class Server(ReferenceServer):
            def list_runs(self, request: Request) -> Response:
                try:
                    return super().list_runs(request)
                except HTTPException as refusal:
                    if refusal.status_code != 404:
                        raise
                    number = next(numbers)
                    body = json.dumps({"detail": refusal.detail, "request": number})
                    answer = Response(body, 404, media_type="application/json")
                    is_foreign = request.path_params["definition_id"].lower() == seed.FOREIGN_DEFINITION_ID
                    return fault.change(answer, number) if is_foreign else answer

        return Server()


MUTANTS: dict[str, Mutant] = {}


def mutant(kind: str, name: str, start: Callable[[], ReferenceServer], *killed_by: str) -> None:
    if name in MUTANTS:
        raise LookupError(f"there are two mutants named {name}")
    MUTANTS[name] = Mutant(name, kind, start, frozenset(killed_by))


def named(name: str) -> Mutant:
    """Raises LookupError, which says what to take instead."""
    if name not in MUTANTS:
        alike = ", ".join(get_close_matches(name, MUTANTS, cutoff=0))
        raise LookupError(f"take one from tests/mutants/faults.py, such as {alike}")
    return MUTANTS[name]


# Functions that the lambdas below need, as assignments and raising are no expressions.


def put(body: Body, *path_and_value: Any) -> Any:
    *path, last, value = path_and_value
    for key in path:
        body = body[key]
    body[last] = value


def refuse(status: int, detail: Any = "No") -> Any:
    raise HTTPException(status, detail)


def with_body(response: Response, change: Callable[[bytes], bytes]) -> Response:
    response.body = change(bytes(response.body))
    response.headers["Content-Length"] = str(len(response.body))
    return response


def with_bytes(change: Callable[[bytes], bytes]) -> Callable[[Response], Response]:
    return lambda response: with_body(response, change)


def instead(
    status: int, text: str = '{"detail": "No"}', kind: str = "application/json"
) -> Callable[[Response], Response]:
    return lambda response: Response("" if status == 204 else text, status, media_type=kind)


def with_header(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response


def is_page(request: Request, status: int) -> bool:
    return status == 200


def asks(name: str, *texts: str) -> Callable[[Request, int], bool]:
    """Whether the request has one of these values of the parameter, and would be answered with a page."""
    return lambda request, status: status == 200 and request.query_params.get(name) in texts


def always(request: Request, status: int) -> bool:
    return True


def on(wanted: int) -> Callable[[Request, int], bool]:
    return lambda request, status: status == wanted


# Schema: what is wrong with one row in 137, or with every page.

SCHEMA = ("response_schema_conformance",)
for name, change in {
    "rare_field_missing": lambda run: run.pop("error"),
    "rare_snapshot_field_missing": lambda run: run["run_snapshot"].pop("workflow_name"),
    "rare_path_field_missing": lambda run: run["run_snapshot"]["sources"][0].pop("materialized_path"),
    "rare_null": lambda run: put(run, "started_at", None),
    "rare_new_status": lambda run: put(run, "status", "CANCELLED"),
    "rare_new_runner_type": lambda run: (
        put(run, "runner_type", "CLOUD"),
        put(run, "run_snapshot", "runner_type", "CLOUD"),
    ),
    "rare_new_part_type": lambda run: put(run, "run_snapshot", "sources", 0, "part_type", "IMAGE"),
    "rare_uuid_without_dashes": lambda run: put(run, "id", run["id"].replace("-", "")),
    "rare_time_without_offset": lambda run: put(run, "created_at", run["created_at"].removesuffix("Z")),
    "rare_time_with_blank": lambda run: put(run, "updated_at", run["updated_at"].replace("T", " ")),
    "rare_time_as_number": lambda run: put(run, "created_at", 1_776_000_000),
    "rare_duration_as_text": lambda run: put(run, "run_snapshot", "max_run_duration_seconds", "300"),
    "rare_sources_null": lambda run: put(run, "run_snapshot", "sources", None),
    "rare_template_as_text": lambda run: put(run, "run_snapshot", "template", "digest.md"),
    "rare_further_field": lambda run: put(run, "cost", 1),
    "rare_further_snapshot_field": lambda run: put(run, "run_snapshot", "model", "large"),
}.items():
    mutant("schema", name, RunFault(change), *SCHEMA)
mutant("schema", "total_as_text", PageFault(lambda page, _: put(page, "total", str(page["total"]))), *SCHEMA)
mutant("schema", "total_missing", PageFault(lambda page, _: page.pop("total")), *SCHEMA)
mutant("schema", "further_page_field", PageFault(lambda page, _: put(page, "has_more", True)), *SCHEMA)
mutant(
    "schema",
    "null_past_the_end",
    PageFault(lambda page, _: page["items"] or put(page, "items", None)),
    *SCHEMA,
    "reached",
)
mutant(
    "schema",
    "page_in_an_envelope",
    AnswerFault(lambda answer: with_body(answer, lambda body: b'{"data":' + body + b"}"), is_page),
    *SCHEMA,
    "reached",
)
UNREADABLE = (*SCHEMA, "reached")
for name, change_bytes, killed_by in (
    ("key_twice", lambda body: body.replace(b'"total"', b'"total":0,"total"'), ("strict_json",)),
    (
        "not_a_number",
        lambda body: body.replace(b'"max_run_duration_seconds":300', b'"max_run_duration_seconds":NaN'),
        ("strict_json", *SCHEMA),
    ),
    (
        "half_a_character",
        lambda body: body.replace(b'"materialized_path":"/', b'"materialized_path":"\\ud800/'),
        ("strict_json",),
    ),
    ("latin_1", lambda body: body.decode().encode("latin-1", "replace"), SCHEMA),
    ("byte_order_mark", lambda body: b"\xef\xbb\xbf" + body, UNREADABLE),
    ("utf_16", lambda body: body.decode().encode("utf-16-le"), UNREADABLE),
    ("comma_at_the_end", lambda body: body[:-1] + b",}", UNREADABLE),
):
    mutant("schema", name, AnswerFault(with_bytes(change_bytes), is_page), *killed_by)

# Bounds and defaults.


def clamp(original: Any, request: Request) -> int:
    """Takes what is out of bounds for the nearest bound."""
    try:
        return int(original(request))
    except InvalidParameter as invalid:
        return 100 if invalid.fault["type"] == "less_than_equal" else 1


def take(name: str, text: str, value: int) -> Callable[[Any, Request], int]:
    """Takes one text for a value, instead of refusing it."""
    return lambda original, request: value if request.query_params.get(name) == text else original(request)


def deny(name: str, text: str) -> Callable[[Any, Request], int]:
    def parse(original: Any, request: Request) -> int:
        if request.query_params.get(name) == text:
            raise InvalidParameter(("query", name), "int_parsing", "Input should be another one", text)
        return int(original(request))

    return parse


def keep_16_bits(original: Any, request: Request) -> int:
    text = request.query_params.get("limit", "")
    return int(text) % 2**16 if text == str(2**16 + 20) else int(original(request))


def refuse_offsets_from(least: int) -> Callable[[Any, Request], int]:
    def parse(original: Any, request: Request) -> int:
        offset = int(original(request))
        if offset >= least:
            raise InvalidParameter(("query", "offset"), "less_than", "Input should be less", str(offset))
        return offset

    return parse


def blame(original: Any, *arguments: Any) -> Any:
    try:
        return original(*arguments)
    except HTTPException as refusal:
        if refusal.status_code == 422:
            refusal.detail = [{"loc": ["query", "page"], "msg": "wrong", "type": "value_error"}]  # type: ignore[assignment]
        raise


BOUNDS = "bounds and defaults"
taken: dict[str, Callable[[], ReferenceServer]] = {
    "limit_0_taken": StepFault("parse_limit", take("limit", "0", 1)),
    "limit_101_taken": StepFault("parse_limit", take("limit", "101", 101)),
    "limit_101_taken_with_offset": StepFault(
        "parse_limit",
        lambda original, request: 100 if str(request.query_params) == "limit=101&offset=0" else original(request),
    ),
    "last_bits_of_limit_taken": StepFault("parse_limit", keep_16_bits),
    "negative_limit_taken": StepFault("parse_limit", take("limit", "-1", 20)),
    "offset_minus_1_taken": StepFault("parse_offset", take("offset", "-1", 0)),
    "word_taken": StepFault("parse_limit", take("limit", "abc", 20)),
    "empty_limit_taken": StepFault("parse_limit", take("limit", "", 20)),
    "fraction_taken": StepFault("parse_offset", take("offset", "1.5", 1)),
    "null_taken": StepFault("parse_offset", take("offset", "null", 0)),
    "existence_before_parameters": StepFault(
        "parse_parameters",
        lambda original, request: (
            refuse(404, "Workflow definition not found")
            if request.path_params["definition_id"].startswith("d1f0a3c6")
            else original(request)
        ),
    ),
    "malformed_id_not_found": AnswerFault(
        lambda answer: Response('{"detail": "Not found"}', 404, media_type="application/json"),
        lambda request, status: status == 422 and len(request.path_params["definition_id"]) < 30,
    ),
}
for name, fault in taken.items():
    mutant(BOUNDS, name, fault, "invalid_parameter_refused")
# A server may take it, but for what it means.
mutant(
    BOUNDS,
    "exponent_cut_off",
    StepFault("parse_limit", take("limit", "1e1", 1)),
    "limit_and_offset_echoed",
    "number_of_items",
)
mutant(
    BOUNDS,
    "limit_clamped",
    StepFault("parse_limit", clamp),
    "invalid_parameter_refused",
    "limit_and_offset_echoed",
    "number_of_items",
)
for name, fault in {
    "limit_100_refused": StepFault("parse_limit", deny("limit", "100")),
    "limit_1_refused": StepFault("parse_limit", deny("limit", "1")),
    "offset_0_refused": StepFault("parse_offset", deny("offset", "0")),
    "large_offset_refused": StepFault("parse_offset", refuse_offsets_from(2**31)),
    "past_the_end_not_found": StepFault(
        "load_page",
        lambda original, session, asked: refuse(404) if 137 <= asked.offset < 2**53 else original(session, asked),
    ),
    "empty_definition_not_found": StepFault(
        "load_page",
        lambda original, session, asked: (
            refuse(404) if str(asked.definition_id) == seed.EMPTY_DEFINITION_ID else original(session, asked)
        ),
    ),
    "readable_definition_forbidden": StepFault(
        "check_access",
        lambda original, session, user, definition: (
            refuse(403) if str(definition.id) == seed.EMPTY_DEFINITION_ID else original(session, user, definition)
        ),
    ),
    "unknown_parameter_refused": StepFault(
        "parse_parameters",
        lambda original, request: (
            refuse(422, [{"loc": ["query", "page"], "msg": "No", "type": "extra_forbidden"}])
            if "page" in request.query_params
            else original(request)
        ),
    ),
    "always_locked_at_one_place": StepFault(
        "load_page", lambda original, session, asked: refuse(503) if asked.offset == 20 else original(session, asked)
    ),
    "upper_case_id_not_found": StepFault(
        "parse_parameters",
        lambda original, request: (
            refuse(404) if request.path_params["definition_id"] == seed.DEFINITION_ID.upper() else original(request)
        ),
    ),
}.items():
    mutant(BOUNDS, name, fault, "valid_request_accepted")
mutant(BOUNDS, "fault_not_named", StepFault("parse_parameters", blame), "invalid_parameter_named")
mutant(
    BOUNDS,
    "no_fault_listed",
    AnswerFault(lambda answer: with_body(answer, lambda _: b'{"detail":[]}'), on(422)),
    "invalid_parameter_named",
)


def absent(name: str) -> Callable[[Request], bool]:
    return lambda request: name not in request.query_params


mutant(
    BOUNDS,
    "default_limit_50",
    AskedFault(lambda asked: replace(asked, limit=50), absent("limit"), is_echoed=True),
    "defaults_applied",
)
mutant(
    BOUNDS,
    "default_limit_19",
    AskedFault(lambda asked: replace(asked, limit=19), absent("limit"), is_echoed=True),
    "defaults_applied",
)
mutant(
    BOUNDS,
    "default_offset_1",
    AskedFault(lambda asked: replace(asked, offset=1), absent("offset"), is_echoed=True),
    "defaults_applied",
    "one_order",
    "pages_fit_together",
)

# Paging.

PAGING = "paging"
mutant(PAGING, "limit_not_echoed", PageFault(lambda page, _: put(page, "limit", 20)), "limit_and_offset_echoed")
mutant(
    PAGING,
    "offset_echoed_as_page",
    PageFault(lambda page, asked: put(page, "offset", asked.offset // asked.limit)),
    "limit_and_offset_echoed",
)
mutant(
    PAGING,
    "limit_is_number_of_items",
    PageFault(lambda page, _: put(page, "limit", len(page["items"]) or 1)),
    "defaults_applied",
    "limit_and_offset_echoed",
)
mutant(
    PAGING,
    "last_item_missing",
    PageFault(lambda page, asked: asked.offset and page["items"] and page["items"].pop()),
    "number_of_items",
)
mutant(
    PAGING,
    "limit_capped_in_silence",
    PageFault(lambda page, _: put(page, "items", page["items"][:50])),
    "number_of_items",
)
mutant(
    PAGING,
    "middling_limits_capped",
    AskedFault(lambda asked: replace(asked, limit=50 if 50 < asked.limit < 99 else asked.limit)),
    "number_of_items",
)
mutant(
    PAGING,
    "last_page_filled_up",
    StepFault(
        "load_page",
        lambda original, session, asked: original(
            session, replace(asked, offset=137 - asked.limit) if 137 - asked.limit < asked.offset < 137 else asked
        ),
    ),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "limit_ignored",
    AskedFault(lambda asked: replace(asked, limit=20)),
    "number_of_items",
)
mutant(
    PAGING,
    "offset_ignored",
    AskedFault(lambda asked: replace(asked, offset=min(asked.offset, 137) and 0)),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "offset_counts_pages",
    AskedFault(lambda asked: replace(asked, offset=asked.offset * asked.limit)),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "total_of_the_page",
    PageFault(lambda page, _: put(page, "total", len(page["items"]))),
    "number_of_items",
    "same_total",
)
mutant(
    PAGING,
    "total_off_at_the_start",
    PageFault(lambda page, asked: asked.offset == 0 and page["total"] > 100 and put(page, "total", page["total"] + 3)),
    "same_total",
)
mutant(
    PAGING, "total_0_past_the_end", PageFault(lambda page, asked: page["items"] or put(page, "total", 0)), "same_total"
)
mutant(
    PAGING,
    "total_capped",
    PageFault(lambda page, asked: put(page, "total", min(page["total"], 100))),
    "number_of_items",
)
mutant(
    PAGING,
    "row_repeated_between_pages",
    AskedFault(lambda asked: replace(asked, offset=max(asked.offset - 1, 0))),
    "number_of_items",
    "pages_fit_together",
)
mutant(
    PAGING,
    "row_lost_in_the_middle",
    StepFault("load_page", lambda original, session, asked: shift(original, session, asked)),
    "pages_fit_together",
)


def shift(original: Any, session: Session, asked: Parameters) -> Any:
    """In the middle of the list, and only there, reads one row too far."""
    if 40 < asked.offset < 80 and asked.limit <= 40:
        return original(session, replace(asked, offset=asked.offset + 1))
    return original(session, asked)


def ordered(key: Callable[[Run, Parameters], Any]) -> Callable[..., Any]:
    """The page cut from the whole list in another order."""

    def load(original: Any, session: Session, asked: Parameters) -> Any:
        total, _ = original(session, asked)
        runs = session.scalars(select(Run).where(Run.workflow_definition_id == asked.definition_id)).all()
        runs = sorted(runs, key=lambda run: key(run, asked))
        return total, runs[asked.offset : asked.offset + asked.limit]

    return load


dice = Random(1)
mutant(PAGING, "no_order", StepFault("load_page", ordered(lambda run, asked: dice.random())), "one_order")
mutant(
    PAGING,
    "order_by_page_size",
    StepFault("load_page", ordered(lambda run, asked: run.sequence if asked.limit > 50 else -run.sequence)),
    "one_order",
    "pages_fit_together",
)
mutant(
    PAGING,
    "ties_at_random",
    StepFault("load_page", ordered(lambda run, asked: (run.status, dice.random()))),
    "one_order",
)
mutant(
    PAGING,
    "page_sorted_by_itself",
    StepFault(
        "load_page",
        lambda original, session, asked: (
            (found := original(session, asked))[0],
            sorted(found[1], key=lambda run: run.started_at if asked.limit % 2 else run.id.hex),
        ),
    ),
    "one_order",
    "pages_fit_together",
)


class CachedByLimit(ReferenceServer):
    """Keeps the first page for each limit, whatever the offset."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[Any, Any] = {}

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> Body:
        page = super().render_page(total, runs, parameters)
        page["items"] = self.pages.setdefault((parameters.definition_id, parameters.limit, len(runs)), page["items"])
        return page


class SometimesBehind(ReferenceServer):
    """Reads from a copy of the database that lacks the newest run, for some requests."""

    def __init__(self) -> None:
        super().__init__()
        self.dice = Random(1)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if self.dice.random() < 0.3 and str(parameters.definition_id) == seed.DEFINITION_ID:
            total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + 1))
            return total - 1, runs
        return super().load_page(session, parameters)


class OwnRunsForCookie(ReferenceServer):
    """A session sees fewer runs than an API key."""

    def list_runs(self, request: Request) -> Response:
        self.skipped = 0 if "authorization" in request.headers else 5
        return super().list_runs(request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, replace(parameters, offset=parameters.offset + self.skipped))
        return max(total - self.skipped, 0), runs


class Changing(ReferenceServer):
    """Its list changes with every tenth request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) % 10 == 0:
            self.churn.change()
        return super().list_runs(request)


class RowLostInAChangingList(Changing):
    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return shift(super().load_page, session, parameters)


class TotalOffInAChangingList(Changing):
    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, parameters)
        return total + (total > 100 and parameters.offset == 0), runs


mutant(PAGING, "row_lost_in_a_changing_list", RowLostInAChangingList, "pages_fit_together")
mutant(PAGING, "total_off_in_a_changing_list", TotalOffInAChangingList, "same_total")
mutant(PAGING, "cached_by_limit", CachedByLimit, "pages_fit_together")
mutant(PAGING, "sometimes_behind", SometimesBehind, "one_order")
mutant(PAGING, "own_runs_for_the_cookie", OwnRunsForCookie, "same_total")

# Identity.

IDENTITY = "identity"


def always_true(run: Body) -> bool:
    return True


mutant(
    IDENTITY,
    "rare_foreign_run",
    RunFault(
        lambda run: (
            put(run, "workflow_definition_id", OTHER_ID),
            put(run, "run_snapshot", "workflow_definition_id", OTHER_ID),
        )
    ),
    "runs_of_the_definition",
)
mutant(
    IDENTITY,
    "snapshot_of_another_definition",
    RunFault(lambda run: put(run, "run_snapshot", "workflow_definition_id", OTHER_ID)),
    "snapshot_of_the_run",
)
mutant(
    IDENTITY,
    "snapshot_of_another_user",
    RunFault(lambda run: put(run, "run_snapshot", "user_id", OTHER_ID)),
    "snapshot_of_the_run",
)


class SharedId(ReferenceServer):
    """Two runs far apart have one id."""

    def render_run(self, run: Run) -> Body:
        return super().render_run(run) | ({"id": OTHER_ID} if run.sequence in (10, 130) else {})


class NeighboursShareId(ReferenceServer):
    def render_run(self, run: Run) -> Body:
        return super().render_run(run) | ({"id": OTHER_ID} if run.sequence in (17, 18) else {})


class PathIgnored(ReferenceServer):
    """Always the runs of one definition, whichever was asked for."""

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return super().load_page(session, replace(parameters, definition_id=uuid.UUID(seed.DEFINITION_ID)))


mutant(IDENTITY, "one_id_on_two_runs", SharedId, "unique_ids")
mutant(IDENTITY, "one_id_on_neighbours", NeighboursShareId, "unique_ids")
mutant(
    IDENTITY,
    "another_id_each_time",
    RunFault(lambda run: put(run, "id", str(uuid.UUID(int=dice.getrandbits(128), version=4))), always_true),
    "unique_ids",
)
mutant(
    IDENTITY,
    "snapshot_as_it_is_now",
    RunFault(lambda run: dice.shuffle(run["run_snapshot"]["sources"]), always_true),
    "unique_ids",
)
mutant(IDENTITY, "path_id_ignored", PathIgnored, "runs_of_the_definition")
mutant(
    IDENTITY,
    "runs_of_all_definitions",
    StepFault(
        "load_page",
        lambda original, session, asked: (
            len(runs := session.scalars(select(Run).order_by(Run.sequence)).all()),
            runs[asked.offset : asked.offset + asked.limit],
        ),
    ),
    "runs_of_the_definition",
    "one_running",
)

# Lifecycle.

LIFECYCLE = "lifecycle"


def now() -> str:
    return datetime.now(UTC).isoformat()


def later(run: Body) -> list[tuple[str, str]]:
    """Its times, two hours later."""
    names = [name for name in ("created_at", "started_at", "completed_at", "updated_at") if run[name]]
    return [(name, (datetime.fromisoformat(run[name]) + timedelta(hours=2)).isoformat()) for name in names]


def has(status: str) -> Callable[[Body], bool]:
    return lambda run: run["status"] == status


mutant(
    LIFECYCLE,
    "running_with_end",
    RunFault(lambda run: put(run, "completed_at", run["updated_at"]), has("RUNNING")),
    "completed_at_by_status",
)
mutant(
    LIFECYCLE,
    "pending_with_end",
    RunFault(lambda run: put(run, "completed_at", run["updated_at"]), has("PENDING")),
    "completed_at_by_status",
)
mutant(
    LIFECYCLE,
    "completed_without_end",
    RunFault(lambda run: run["status"] == "COMPLETED" and put(run, "completed_at", None)),
    "completed_at_by_status",
)
mutant(
    LIFECYCLE, "failed_without_error", RunFault(lambda run: put(run, "error", None), has("FAILED")), "error_by_status"
)
mutant(
    LIFECYCLE,
    "completed_with_error",
    RunFault(lambda run: run["status"] == "COMPLETED" and put(run, "error", "late")),
    "error_by_status",
)
mutant(
    LIFECYCLE,
    "error_empty_when_completed",
    RunFault(lambda run: put(run, "error", ""), has("COMPLETED")),
    "error_by_status",
)
mutant(
    LIFECYCLE,
    "started_before_created",
    RunFault(lambda run: put(run, "created_at", run["completed_at"])),
    "times_in_order",
)
mutant(
    LIFECYCLE,
    "updated_before_completed",
    RunFault(lambda run: put(run, "updated_at", run["created_at"])),
    "times_in_order",
)
mutant(
    LIFECYCLE,
    "local_time_as_utc",
    RunFault(lambda run: put(run, "updated_at", run["updated_at"].replace("Z", "+12:00"))),
    "times_in_order",
)
mutant(
    LIFECYCLE,
    "updated_in_the_future",
    RunFault(lambda run: put(run, "updated_at", "2999-01-01T00:00:00Z")),
    "nothing_in_the_future",
)
mutant(
    LIFECYCLE,
    "two_running",
    RunFault(
        lambda run: (put(run, "status", "RUNNING"), put(run, "completed_at", None), put(run, "error", None)),
        lambda run: run["status"] in ("RUNNING", "PENDING"),
    ),
    "one_running",
)
mutant(
    LIFECYCLE,
    "stuck_in_running",
    RunFault(lambda run: (put(run, "status", "RUNNING"), put(run, "completed_at", None), put(run, "error", None))),
    "one_running",
)

mutant(
    LIFECYCLE,
    "completed_when_read",
    RunFault(
        lambda run: (put(run, "completed_at", now()), put(run, "updated_at", now())),
        lambda run: bool(run["completed_at"]),
    ),
    "ended_runs_stay",
)
mutant(
    LIFECYCLE, "updated_when_read", RunFault(lambda run: put(run, "updated_at", now()), always_true), "ended_runs_stay"
)
mutant(
    LIFECYCLE,
    "failures_shortened_in_small_pages",
    PageFault(
        lambda page, asked: (
            asked.limit < 30 and [put(run, "error", "It failed.") for run in page["items"] if run["status"] == "FAILED"]
        )
    ),
    "ended_runs_stay",
)
mutant(
    LIFECYCLE,
    "local_time_ahead",
    RunFault(lambda run: [put(run, *each) for each in later(run)], always_true),
    "nothing_in_the_future",
)

# Credentials.

CREDENTIALS = "credentials"


def somebody(session: Session) -> User:
    user = session.get(User, seed.USER)
    assert user is not None
    return user


def lets_in(condition: Callable[[Request], bool]) -> StepFault:
    return StepFault(
        "authenticate",
        lambda original, session, request: somebody(session) if condition(request) else original(session, request),
    )


def header(request: Request) -> str:
    return request.headers.get("authorization", "")


for name, condition in {
    "anybody_may_read": lambda request: not header(request) and not request.cookies,
    "any_token_will_do": lambda request: header(request).startswith("Bearer "),
    "any_cookie_will_do": lambda request: "ks_uat" in request.cookies,
    "prefix_of_the_token": lambda request: (
        len(header(request)) > 20 and f"Bearer {seed.TOKEN}".startswith(header(request))
    ),
    "token_and_more": lambda request: header(request).startswith(f"Bearer {seed.TOKEN}"),
    "prefix_of_the_cookie": lambda request: (
        len(request.cookies.get("ks_uat", "")) > 6 and seed.KS_UAT.startswith(request.cookies["ks_uat"])
    ),
    "any_scheme": lambda request: header(request).endswith(f" {seed.TOKEN}"),
    "bare_token": lambda request: header(request) == seed.TOKEN,
    "empty_bearer": lambda request: header(request) == "Bearer",
    "null_token": lambda request: header(request) == "Bearer null",
    "token_in_any_case": lambda request: header(request).lower() == f"Bearer {seed.TOKEN}".lower(),
    "cookie_in_any_case": lambda request: request.cookies.get("ks_uat", "").lower() == seed.KS_UAT,
    "later_pages_for_anybody": lambda request: not header(request) and request.query_params.get("offset") == "1",
    "other_cookie": lambda request: seed.KS_UAT in request.cookies.values(),
}.items():
    mutant(CREDENTIALS, name, lets_in(condition), "credentials_required")


def read_first(original: Any, session: Session, request: Request) -> Any:
    server_of(original).parse_parameters(request)
    return original(session, request)


def look_first(original: Any, session: Session, request: Request) -> Any:
    if request.path_params["definition_id"].startswith("d1f0a3c6") and "wrong" in header(request):
        refuse(404, "Workflow definition not found")
    return original(session, request)


def server_of(method: Any) -> ReferenceServer:
    return method.__self__  # type: ignore[no-any-return]


mutant(CREDENTIALS, "parameters_before_credentials", StepFault("authenticate", read_first), "credentials_required")
mutant(CREDENTIALS, "existence_before_credentials", StepFault("authenticate", look_first), "credentials_required")
mutant(
    CREDENTIALS,
    "forbidden_instead_of_unauthorized",
    AnswerFault(lambda answer: Response('{"detail": "No"}', 403, media_type="application/json"), on(401)),
    "credentials_required",
    "reached",
)
mutant(
    CREDENTIALS,
    "session_cookie_refused",
    StepFault(
        "authenticate",
        lambda original, session, request: original(session, request) if header(request) else refuse(401),
    ),
    "credentials_accepted",
)
mutant(
    CREDENTIALS,
    "refused_on_far_pages",
    StepFault(
        "load_page", lambda original, session, asked: refuse(401) if asked.offset > 100 else original(session, asked)
    ),
    "credentials_accepted",
)
mutant(
    CREDENTIALS,
    "foreign_definition_shown",
    StepFault(
        "find_definition",
        lambda original, session, user, asked: (
            session.get(Definition, uuid.UUID(seed.DEFINITION_ID))
            if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID
            else original(session, user, asked)
        ),
    ),
    "foreign_definition_hidden",
)
mutant(
    CREDENTIALS,
    "unreadable_definition_shown",
    StepFault("check_access", lambda *_: None),
    "foreign_definition_hidden",
)
mutant(
    CREDENTIALS,
    "foreign_definition_told_apart",
    StepFault(
        "find_definition",
        lambda original, session, user, asked: (
            refuse(404, "Definition of another tenant")
            if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID
            else original(session, user, asked)
        ),
    ),
    "foreign_definition_hidden",
)

for name, change_foreign in {
    "foreign_definition_has_another_header": lambda answer, number: with_header(answer, "X-Tenant", "other"),
    "foreign_definition_has_another_field": lambda answer, number: with_body(
        answer, lambda body: body[:-1] + b',"time":%d,"tenant":%d}' % (number, number)
    ),
}.items():
    mutant(CREDENTIALS, name, ForeignToldApart(change_foreign), "foreign_definition_hidden")

# Errors.

ERRORS = "errors"
mutant(
    ERRORS,
    "unknown_is_empty",
    StepFault("find_definition", lambda original, session, user, asked: found_or_any(original, session, user, asked)),
    "unknown_definition_not_found",
)


def found_or_any(original: Any, session: Session, user: User, asked: Parameters) -> Any:
    try:
        return original(session, user, asked)
    except HTTPException:
        if str(asked.definition_id) == seed.FOREIGN_DEFINITION_ID:
            raise
        return session.get(Definition, uuid.UUID(seed.EMPTY_DEFINITION_ID))


mutant(
    ERRORS,
    "unknown_is_forbidden",
    StepFault(
        "find_definition", lambda original, *asked: instead_of_404(403, "Not enough permissions", original, *asked)
    ),
    "unknown_definition_not_found",
    "reached",
)
mutant(
    ERRORS,
    "unknown_is_invalid",
    StepFault(
        "find_definition",
        lambda original, *asked: instead_of_404(
            422,
            [{"loc": ["path", "definition_id"], "msg": "No such definition", "type": "value_error"}],
            original,
            *asked,
        ),
    ),
    "reached",
    "unknown_definition_not_found",
)
mutant(
    ERRORS,
    "nobody_is_invalid",
    AnswerFault(
        lambda answer: Response(
            '{"detail":[{"loc":["path","definition_id"],"msg":"No","type":"uuid_version"}]}',
            422,
            media_type="application/json",
        ),
        lambda request, status: status == 404 and request.path_params["definition_id"].startswith("00000000"),
    ),
    "unknown_definition_not_found",
)
mutant(
    ERRORS,
    "unknown_is_unavailable",
    StepFault("find_definition", lambda original, *asked: instead_of_404(503, "Try again", original, *asked)),
    "reached",
)


def instead_of_404(status: int, detail: Any, original: Any, *asked: Any) -> Any:
    try:
        return original(*asked)
    except HTTPException:
        raise HTTPException(status, detail) from None


for status in (401, 404):
    mutant(
        ERRORS,
        f"detail_missing_in_{status}",
        AnswerFault(lambda answer: with_body(answer, lambda _: b'{"message":"No"}'), on(status)),
        *SCHEMA,
    )
mutant(
    ERRORS,
    "detail_as_text_in_422",
    AnswerFault(lambda answer: with_body(answer, lambda _: b'{"detail":"limit"}'), on(422)),
    *SCHEMA,
)
mutant(
    ERRORS,
    "loc_as_text_in_422",
    AnswerFault(
        lambda answer: with_body(answer, lambda _: b'{"detail":[{"loc":"limit","msg":"No","type":"no"}]}'), on(422)
    ),
    *SCHEMA,
)
for name, status, when in (
    ("server_error_at_large_offset", 500, asks("offset", str(2**63 - 1), str(2**63))),
    ("server_error_for_word", 500, lambda request, status: request.query_params.get("limit") == "abc"),
    ("no_content_past_the_end", 204, asks("offset", "137", "138")),
    ("partial_content", 206, asks("limit", "7")),
    ("server_error_for_a_huge_offset", 500, asks("offset", str(2**64))),
    ("server_error_for_nul", 500, lambda request, status: "\0" in request.path_params["definition_id"]),
    ("server_error_for_a_letter", 500, lambda request, status: not header(request).isascii()),
):
    mutant(
        ERRORS,
        name,
        AnswerFault(instead(status), when),
        "documented_status",
    )
mutant(ERRORS, "bad_request_instead_of_422", AnswerFault(instead(400), on(422)), "documented_status", "reached")
mutant(
    ERRORS,
    "redirect_to_sign_in",
    AnswerFault(lambda answer: RedirectResponse("/sign-in", 302), on(401)),
    "documented_status",
    "reached",
)

# Protocol and robustness.

PROTOCOL = "protocol"
mutant(
    PROTOCOL,
    "html_not_found",
    AnswerFault(lambda answer: Response("<h1>Not Found</h1>", 404, media_type="text/html"), on(404)),
    "json_content_type",
)
mutant(
    PROTOCOL,
    "text_content_type",
    AnswerFault(lambda answer: with_header(answer, "Content-Type", "text/plain"), is_page),
    "json_content_type",
)
mutant(
    PROTOCOL,
    "latin_1_charset",
    AnswerFault(lambda answer: with_header(answer, "Content-Type", "application/json; charset=iso-8859-1"), is_page),
    "json_content_type",
)
mutant(
    PROTOCOL,
    "one_in_50_fails",
    AnswerFault(lambda answer: Response("Internal Server Error", 500), always, every=50),
    "documented_status",
)
mutant(
    PROTOCOL,
    "one_in_50_unavailable_page",
    AnswerFault(lambda answer: Response("<h1>502</h1>", 502, media_type="text/html"), always, every=50),
    "documented_status",
)
mutant(
    PROTOCOL,
    "one_in_30_empty",
    AnswerFault(
        lambda answer: with_body(answer, lambda body: json.dumps(json.loads(body) | {"items": []}).encode()),
        is_page,
        every=30,
    ),
    "number_of_items",
)


class AnswersMixedUp(ReferenceServer):
    """Now and then gives the answer to an earlier request."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)
        self.kept = Response()

    def list_runs(self, request: Request) -> Response:
        answer = super().list_runs(request)
        if next(self.requests) % 30 == 0:
            return self.kept
        self.kept = answer
        return answer


mutant(PROTOCOL, "one_in_30_mixed_up", AnswersMixedUp, "limit_and_offset_echoed", "number_of_items")
mutant(
    PROTOCOL,
    "one_in_30_truncated",
    AnswerFault(lambda answer: with_body(answer, lambda body: body[: len(body) // 2]), is_page, every=30),
    *SCHEMA,
)
mutant(
    PROTOCOL,
    "cut_short",
    AnswerFault(lambda answer: with_header(answer, "Content-Length", "1000000"), asks("limit", "99")),
    "no_answer",
)
mutant(
    PROTOCOL,
    "quota_without_retry_after",
    AnswerFault(
        lambda answer: Response('{"detail": "Quota exceeded"}', 429, media_type="application/json"), always, every=40
    ),
    "response_headers_conformance",
)


class Hangs(ReferenceServer):
    """Gives one input no answer, for longer than anybody waits."""

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        if parameters.limit == 19:
            threading.Event().wait(ANSWER_WITHIN + 1)
        return super().load_page(session, parameters)


mutant(
    PROTOCOL,
    "not_compressed",
    AnswerFault(lambda answer: with_header(answer, "Content-Encoding", "gzip"), asks("limit", "7")),
    "no_answer",
)
mutant(PROTOCOL, "hangs", Hangs, "no_answer")
mutant(
    PROTOCOL,
    "post_taken",
    StepFault("check_method", lambda original, request: None if request.method == "POST" else original(request)),
    "unsupported_method",
)


def allow(value: str | None) -> Callable[[Any, Request], None]:
    """Refuses as before, but with another `Allow` header."""

    def check(original: Any, request: Request) -> None:
        try:
            original(request)
        except HTTPException as refusal:
            refusal.headers = {"Allow": value} if value else None
            raise

    return check


mutant(PROTOCOL, "no_allow_header", StepFault("check_method", allow(None)), "unsupported_method")
mutant(PROTOCOL, "allow_header_without_get", StepFault("check_method", allow("POST")), "allow_header_conformance")


class CutsConnections(ReferenceServer):
    """Now and then closes the connection in place of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = count(1)

    def list_runs(self, request: Request) -> Response:
        if next(self.requests) % 30 == 0 and request.client:
            cut((request.client.host, request.client.port))
        return super().list_runs(request)


def cut(peer: tuple[str, int]) -> None:
    """Shuts down this process's socket to that peer: nothing above it lets anybody do so."""
    for descriptor in range(3, 200):
        try:
            found = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        with found, suppress(OSError):
            if found.getpeername() == peer:
                found.shutdown(socket.SHUT_RDWR)


mutant(PROTOCOL, "one_in_30_cut", CutsConnections, "connection_kept")

# Evidence.

mutant(
    "evidence",
    "no_past_the_end",
    PageFault(lambda page, asked: page["items"] or put(page, "items", "none")),
    "reached",
    *SCHEMA,
)
