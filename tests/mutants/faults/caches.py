"""Caches with incomplete keys, and Cache-Control headers that let shared caches store responses (RFC 9111)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer

from .base import ResponseFault, add_mutant, authorization, is_page, path_id, respond_with, status_is
from .wrong_credentials import bearer_token, session_cookie

CREDENTIALS = "credentials"


@dataclass(frozen=True)
class CacheFault:
    """Sends the cached response to requests with the same key."""

    key: Callable[[Request], object]
    when: Callable[[Request, int], bool] = lambda request, status: status == 200
    change: Callable[[Response], Response] = lambda response: response

    def __call__(self) -> ReferenceServer:
        fault = self
        kept: dict[object, Response] = {}

        class Server(ReferenceServer):
            def list_runs(self, request: Request) -> Response:
                key = fault.key(request)
                if key in kept:
                    return fault.change(kept[key])
                try:
                    response = super().list_runs(request)
                except HTTPException as refusal:
                    if fault.when(request, refusal.status_code):
                        kept[key] = respond_with(refusal.status_code)(Response())
                    raise
                if fault.when(request, response.status_code):
                    kept[key] = response
                return response

        return Server()


def url_of(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}"


def is_later_page(request: Request, status: int) -> bool:
    return status == 200 and request.query_params.get("offset", "0") != "0"


add_mutant("credentials", "cached_for_anybody", CacheFault(url_of, is_later_page), "credentials_required")
add_mutant(
    "credentials",
    "cached_for_anybody_without_query",
    CacheFault(url_of, lambda request, status: status == 200 and not request.url.query),
    "credentials_required",
)
add_mutant(
    "credentials",
    "empty_definition_cached_for_anybody",
    CacheFault(url_of, lambda request, status: status == 200 and seed.EMPTY_DEFINITION_ID in request.url.path),
    "credentials_required",
)
add_mutant(
    "rules",
    "cached_by_query_alone",
    CacheFault(lambda request: (request.url.query, request.headers.get("authorization")), is_later_page),
    "runs_of_the_definition",
    "credentials_required",
    "foreign_id_hidden",
    "one_list",
    "same_total",
)
add_mutant(
    "bounds and defaults",
    "not_found_cached_by_query",
    CacheFault(
        lambda request: (request.url.query, request.headers.get("authorization")),
        lambda request, status: status == 404 and "offset" in request.query_params,
    ),
    "valid_request_accepted",
    "credentials_required",
)
add_mutant(
    "credentials", "refusal_cached", CacheFault(url_of, lambda request, status: status == 401), "credentials_accepted"
)
add_mutant(
    "paging",
    "cached_by_offset_alone",
    CacheFault(
        lambda request: (request.url.path, request.query_params.get("offset"), request.headers.get("authorization")),
        lambda request, status: status == 200 and request.query_params.get("offset") == "74",
    ),
    "limit_and_offset_echoed",
    "number_of_items",
)
add_mutant(
    "protocol",
    "cached_page_is_text",
    CacheFault(
        lambda request: (url_of(request), request.headers.get("authorization")),
        is_later_page,
        lambda response: Response(response.body, 200, media_type="text/plain"),
    ),
    "json_content_type",
    "credentials_required",
)
add_mutant(
    "protocol",
    "cached_page_is_gone",
    CacheFault(
        lambda request: (url_of(request), request.headers.get("authorization")),
        lambda request, status: status == 200 and not request.url.query,
        respond_with(404),
    ),
    "credentials_required",
)


def credentials_of(request: Request) -> tuple[str, str, str]:
    """Return the parts of a cache key that are never forgotten: method and credentials."""
    return request.method, authorization(request), request.headers.get("cookie", "")


for name, key, when, killed_by in (
    (
        "cached_for_any_cookie",
        lambda request: (url_of(request), authorization(request)),
        lambda request, status: status == 200 and bool(session_cookie(request)),
        ("credentials_required",),
    ),
    (
        "cached_by_the_kind_of_credential",
        lambda request: (url_of(request), bool(bearer_token(request)), bool(session_cookie(request))),
        is_later_page,
        ("credentials_required",),
    ),
    (
        "cached_by_half_of_the_token",
        lambda request: (url_of(request), authorization(request)[: 7 + len(seed.TOKEN) // 2], session_cookie(request)),
        lambda request, status: status == 200,
        ("credentials_required", "unsupported_method"),
    ),
    (
        "cached_by_most_of_the_id",
        lambda request: (path_id(request)[:-1], request.url.query, credentials_of(request)),
        lambda request, status: status == 200,
        ("runs_of_the_definition", "unknown_id_not_found"),
    ),
    (
        "cached_in_any_case",
        lambda request: (request.url.path, request.url.query.lower(), credentials_of(request)),
        lambda request, status: status == 200 and request.url.query.islower(),
        ("defaults_applied", "pages_fit_together"),
    ),
    (
        "cached_by_sorted_values",
        lambda request: (path_id(request), tuple(sorted(request.query_params.values())), credentials_of(request)),
        lambda request, status: status == 200 and len(request.query_params) == 2,
        ("defaults_applied", "limit_and_offset_echoed", "number_of_items", "pages_fit_together"),
    ),
    (
        "cached_by_names_of_parameters",
        lambda request: (path_id(request), tuple(request.query_params), credentials_of(request)),
        lambda request, status: status == 200 and tuple(request.query_params) == ("offset",),
        ("limit_and_offset_echoed", "number_of_items"),
    ),
    (
        "invalid_cached_for_anybody",
        url_of,
        status_is(422),
        ("credentials_required", "response_schema_conformance"),
    ),
    (
        "unknown_cached_for_anybody",
        url_of,
        status_is(404),
        ("credentials_required",),
    ),
    (
        "forbidden_cached_for_anybody",
        url_of,
        status_is(403),
        ("credentials_required",),
    ),
    (
        "refusal_cached_for_the_cookie",
        lambda request: (url_of(request), bool(authorization(request))),
        lambda request, status: status == 401 and not authorization(request),
        ("credentials_accepted",),
    ),
    (
        "forbidden_cached_by_the_credential",
        credentials_of,
        status_is(403),
        ("valid_request_accepted", "invalid_parameter_refused"),
    ),
):
    add_mutant("rules" if "id" in name.split("_") else CREDENTIALS, name, CacheFault(key, when), *killed_by)


class PopularPagesCached(ReferenceServer):
    """Caches pages that were read twice, and sends them without authentication."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, list[Response]] = {}

    def list_runs(self, request: Request) -> Response:
        kept = self.read.setdefault(url_of(request), [])
        if len(kept) >= 2:
            return kept[-1]
        response = super().list_runs(request)
        kept.append(response)
        return response


add_mutant("credentials", "popular_pages_for_anybody", PopularPagesCached, "credentials_required")


class WarmedByHead(ReferenceServer):
    """Sends the empty body of a HEAD response to the next GET."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: set[tuple[str, object]] = set()

    def list_runs(self, request: Request) -> Response:
        response = super().list_runs(request)
        key = url_of(request), credentials_of(request)[1:]
        if request.method == "HEAD":
            self.kept.add(key)
        elif key in self.kept:
            self.kept.remove(key)
            return Response(b"", 200, media_type="application/json")
        return response


class CachedByHead(ReferenceServer):
    """After a HEAD request, sends the page without authentication."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Response] = {}

    def list_runs(self, request: Request) -> Response:
        if request.method == "GET" and url_of(request) in self.kept:
            return self.kept[url_of(request)]
        response = super().list_runs(request)
        if request.method == "HEAD":
            self.kept[url_of(request)] = response
        return response


add_mutant("protocol", "warmed_by_head", WarmedByHead, "head_changes_nothing")
add_mutant(CREDENTIALS, "head_opens_it_to_anybody", CachedByHead, "head_changes_nothing", "credentials_required")


class OldRowsWithNewTotals(ReferenceServer):
    """Caches the rows of each page but not the total, while the list changes with every twentieth request."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[object, object] = {}
        self.requests = 0

    def list_runs(self, request: Request) -> Response:
        self.requests += 1
        if self.requests % 20 == 0:
            self.churn.change()
        return super().list_runs(request)

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        total, runs = super().load_page(session, parameters)
        return total, self.kept.setdefault(parameters, runs)


add_mutant(
    "paging",
    "old_rows_with_new_totals",
    OldRowsWithNewTotals,
    *("pages_fit_together", "one_order", "unique_ids", "one_running", "items_do_not_go_back"),
)


# Responses that shared caches may store and send to other users.


def headers_added(**headers: str) -> Callable[[Response], Response]:
    def changed(response: Response) -> Response:
        for name, value in headers.items():
            for each in value.split(" | "):
                response.headers.append(name.replace("_", "-"), each)
        return response

    return changed


def page_for_token(request: Request, status: int) -> bool:
    return status == 200 and bool(bearer_token(request))


def page_for_cookie(request: Request, status: int) -> bool:
    return status == 200 and bool(session_cookie(request))


TOMORROW = "Fri, 01 Jan 2999 00:00:00 GMT"
for name, headers, when in (
    ("pages_are_public", {"cache_control": "public"}, is_page),
    ("pages_are_public_for_a_minute", {"cache_control": "public, max-age=60"}, page_for_token),
    ("shared_for_a_minute", {"cache_control": "s-maxage=60"}, page_for_token),
    ("shared_longer_than_kept", {"cache_control": "max-age=0, s-maxage=600"}, page_for_token),
    ("revalidated_after_a_minute", {"cache_control": "max-age=60, must-revalidate"}, page_for_token),
    ("cookie_pages_for_a_minute", {"cache_control": "max-age=60"}, page_for_cookie),
    ("cookie_pages_until_a_date", {"expires": TOMORROW}, page_for_cookie),
    ("public_by_language", {"cache_control": "public, max-age=60", "vary": "Accept-Language, Origin"}, is_page),
    ("public_by_the_other_credential", {"cache_control": "public, max-age=60", "vary": "Cookie"}, page_for_token),
    ("public_in_two_lines", {"cache_control": "max-age=60 | PUBLIC"}, page_for_token),
    ("refusals_are_public", {"cache_control": "public, max-age=300"}, status_is(401)),
    ("refusals_of_nobody_are_kept", {"cache_control": "max-age=300"}, status_is(401)),
    ("unknown_is_public", {"cache_control": "public, max-age=60"}, status_is(404)),
    ("invalid_is_public", {"cache_control": "public, max-age=60"}, status_is(422)),
    ("forbidden_is_shared", {"cache_control": "s-maxage=5"}, status_is(403)),
    (
        "far_pages_are_public",
        {"cache_control": "public"},
        lambda request, status: status == 200 and request.query_params.get("offset") == "100",
    ),
):
    add_mutant(CREDENTIALS, name, ResponseFault(headers_added(**headers), when), "kept_from_shared_caches")
