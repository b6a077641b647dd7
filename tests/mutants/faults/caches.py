"""Caches with keys that lack something, and what is said to the caches of others (RFC 9111)."""

from collections.abc import Callable

from fastapi import Request, Response

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer

from .impostors import cookie, token
from .making import AnswerFault, header, is_page, mutant, on
from .shared import CacheFault, is_later, url

CREDENTIALS = "credentials"


def presented(request: Request) -> tuple[str, str, str]:
    """The credentials; and the method, which no cache forgets."""
    return request.method, header(request), request.headers.get("cookie", "")


def path_id(request: Request) -> str:
    return str(request.path_params["definition_id"])


for name, key, when, killed_by in (
    (
        "cached_for_any_cookie",
        lambda request: (url(request), header(request)),
        lambda request, status: status == 200 and bool(cookie(request)),
        ("credentials_required",),
    ),
    (
        "cached_by_the_kind_of_credential",
        lambda request: (url(request), bool(token(request)), bool(cookie(request))),
        is_later,
        ("credentials_required",),
    ),
    (
        "cached_by_half_of_the_token",
        lambda request: (url(request), header(request)[: 7 + len(seed.TOKEN) // 2], cookie(request)),
        lambda request, status: status == 200,
        ("credentials_required", "unsupported_method"),
    ),
    (
        "cached_by_most_of_the_id",
        lambda request: (path_id(request)[:-1], request.url.query, presented(request)),
        lambda request, status: status == 200,
        ("runs_of_the_definition", "unknown_id_not_found"),
    ),
    (
        "cached_in_any_case",
        lambda request: (request.url.path, request.url.query.lower(), presented(request)),
        lambda request, status: status == 200 and request.url.query.islower(),
        ("defaults_applied", "pages_fit_together"),
    ),
    (
        "cached_by_sorted_values",
        lambda request: (path_id(request), sorted(request.query_params.values()).__repr__(), presented(request)),
        lambda request, status: status == 200 and len(request.query_params) == 2,
        ("defaults_applied", "limit_and_offset_echoed", "number_of_items", "pages_fit_together"),
    ),
    (
        "cached_by_names_of_parameters",
        lambda request: (path_id(request), tuple(request.query_params), presented(request)),
        lambda request, status: status == 200 and tuple(request.query_params) == ("offset",),
        ("limit_and_offset_echoed", "number_of_items"),
    ),
    (
        "invalid_cached_for_anybody",
        url,
        on(422),
        ("credentials_required", "response_schema_conformance"),
    ),
    (
        "unknown_cached_for_anybody",
        url,
        on(404),
        ("credentials_required",),
    ),
    (
        "forbidden_cached_for_anybody",
        url,
        on(403),
        ("credentials_required",),
    ),
    (
        "refusal_cached_for_the_cookie",
        lambda request: (url(request), bool(header(request))),
        lambda request, status: status == 401 and not header(request),
        ("credentials_accepted",),
    ),
    (
        "forbidden_cached_by_the_credential",
        presented,
        on(403),
        ("valid_request_accepted", "invalid_parameter_refused"),
    ),
):
    mutant("rules" if "id" in name.split("_") else CREDENTIALS, name, CacheFault(key, when), *killed_by)


class WarmedByHead(ReferenceServer):
    """Keeps the answer to HEAD, which has no body, for the next GET."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: set[tuple[str, object]] = set()

    def list_runs(self, request: Request) -> Response:
        answer = super().list_runs(request)
        key = url(request), presented(request)[1:]
        if request.method == "HEAD":
            self.kept.add(key)
        elif key in self.kept:
            self.kept.remove(key)
            return Response(b"", 200, media_type="application/json")
        return answer


class HeadOpens(ReferenceServer):
    """Once somebody has asked by HEAD, the page is there for anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Response] = {}

    def list_runs(self, request: Request) -> Response:
        if request.method == "GET" and url(request) in self.kept:
            return self.kept[url(request)]
        answer = super().list_runs(request)
        if request.method == "HEAD":
            self.kept[url(request)] = answer
        return answer


mutant("protocol", "warmed_by_head", WarmedByHead, "head_changes_nothing")
mutant(CREDENTIALS, "head_opens_it_to_anybody", HeadOpens, "head_changes_nothing", "credentials_required")


class OldRowsWithNewTotals(ReferenceServer):
    """Keeps the rows of each page, but not the total; its list changes with every twentieth request."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[object, object] = {}
        self.requests = 0

    def list_runs(self, request: Request) -> Response:
        self.requests += 1
        if self.requests % 20 == 0:
            self.churn.change()
        return super().list_runs(request)

    def load_page(self, session, parameters):  # type: ignore[no-untyped-def]
        total, runs = super().load_page(session, parameters)
        return total, self.kept.setdefault(parameters, runs)


mutant(
    "paging",
    "old_rows_with_new_totals",
    OldRowsWithNewTotals,
    *("pages_fit_together", "one_order", "unique_ids", "one_running", "items_do_not_go_back"),
)


# What shared caches may keep, and give to anybody.


def says(**headers: str) -> Callable[[Response], Response]:
    def changed(answer: Response) -> Response:
        for name, value in headers.items():
            for each in value.split(" | "):
                answer.headers.append(name.replace("_", "-"), each)
        return answer

    return changed


def by_token(request: Request, status: int) -> bool:
    return status == 200 and bool(token(request))


def by_cookie(request: Request, status: int) -> bool:
    return status == 200 and bool(cookie(request))


TOMORROW = "Fri, 01 Jan 2999 00:00:00 GMT"
for name, headers, when in (
    ("pages_are_public", {"cache_control": "public"}, is_page),
    ("pages_are_public_for_a_minute", {"cache_control": "public, max-age=60"}, by_token),
    ("shared_for_a_minute", {"cache_control": "s-maxage=60"}, by_token),
    ("shared_longer_than_kept", {"cache_control": "max-age=0, s-maxage=600"}, by_token),
    ("revalidated_after_a_minute", {"cache_control": "max-age=60, must-revalidate"}, by_token),
    ("cookie_pages_for_a_minute", {"cache_control": "max-age=60"}, by_cookie),
    ("cookie_pages_until_a_date", {"expires": TOMORROW}, by_cookie),
    ("public_by_language", {"cache_control": "public, max-age=60", "vary": "Accept-Language, Origin"}, is_page),
    ("public_by_the_other_credential", {"cache_control": "public, max-age=60", "vary": "Cookie"}, by_token),
    ("public_in_two_lines", {"cache_control": "max-age=60 | PUBLIC"}, by_token),
    ("refusals_are_public", {"cache_control": "public, max-age=300"}, on(401)),
    ("refusals_of_nobody_are_kept", {"cache_control": "max-age=300"}, on(401)),
    ("unknown_is_public", {"cache_control": "public, max-age=60"}, on(404)),
    ("invalid_is_public", {"cache_control": "public, max-age=60"}, on(422)),
    ("forbidden_is_shared", {"cache_control": "s-maxage=5"}, on(403)),
    (
        "far_pages_are_public",
        {"cache_control": "public"},
        lambda request, status: status == 200 and request.query_params.get("offset") == "100",
    ),
):
    mutant(CREDENTIALS, name, AnswerFault(says(**headers), when), "kept_from_shared_caches")
