"""Wrong credentials that are accepted, valid ones that are refused, and data of other tenants that is shown."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from fastapi import HTTPException, Request, Response
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.database import Definition

from .base import (
    MethodFault,
    ResponseFault,
    accept_if,
    add_mutant,
    authorization,
    edit_body,
    raise_http,
    status_is,
    with_header,
)

CREDENTIALS = "credentials"


for name, condition in {
    "anybody_may_read": lambda request: not authorization(request) and not request.cookies,
    "any_token_will_do": lambda request: authorization(request).startswith("Bearer "),
    "any_cookie_will_do": lambda request: "ks_uat" in request.cookies,
    "prefix_of_the_token": lambda request: (
        len(authorization(request)) > 20 and f"Bearer {seed.TOKEN}".startswith(authorization(request))
    ),
    "token_and_more": lambda request: authorization(request).startswith(f"Bearer {seed.TOKEN}"),
    "prefix_of_the_cookie": lambda request: (
        len(request.cookies.get("ks_uat", "")) > 6 and seed.KS_UAT.startswith(request.cookies["ks_uat"])
    ),
    "any_scheme": lambda request: authorization(request).endswith(f" {seed.TOKEN}"),
    "bare_token": lambda request: authorization(request) == seed.TOKEN,
    "empty_bearer": lambda request: authorization(request) == "Bearer",
    "null_token": lambda request: authorization(request) == "Bearer null",
    "token_in_any_case": lambda request: authorization(request).lower() == f"Bearer {seed.TOKEN}".lower(),
    "cookie_in_any_case": lambda request: request.cookies.get("ks_uat", "").lower() == seed.KS_UAT,
    "later_pages_for_anybody": lambda request: not authorization(request) and request.query_params.get("offset") == "1",
    "other_cookie": lambda request: seed.KS_UAT in request.cookies.values(),
}.items():
    add_mutant(CREDENTIALS, name, accept_if(condition), "credentials_required")


def parse_parameters_first(original: Any, session: Session, request: Request) -> Any:
    server_of(original).parse_parameters(request)
    return original(session, request)


def find_definition_first(original: Any, session: Session, request: Request) -> Any:
    if request.path_params["definition_id"].startswith("d1f0a3c6") and "wrong" in authorization(request):
        raise_http(404, "Workflow definition not found")
    return original(session, request)


def server_of(method: Any) -> ReferenceServer:
    return method.__self__  # type: ignore[no-any-return]


add_mutant(
    CREDENTIALS,
    "parameters_before_credentials",
    MethodFault("authenticate", parse_parameters_first),
    "credentials_required",
)
add_mutant(
    CREDENTIALS,
    "existence_before_credentials",
    MethodFault("authenticate", find_definition_first),
    "credentials_required",
)
add_mutant(
    CREDENTIALS,
    "forbidden_instead_of_unauthorized",
    ResponseFault(lambda response: Response('{"detail": "No"}', 403, media_type="application/json"), status_is(401)),
    "credentials_required",
    "reached",
)
add_mutant(
    CREDENTIALS,
    "session_cookie_refused",
    MethodFault(
        "authenticate",
        lambda original, session, request: original(session, request) if authorization(request) else raise_http(401),
    ),
    "credentials_accepted",
)
add_mutant(
    CREDENTIALS,
    "refused_on_far_pages",
    MethodFault(
        "load_page",
        lambda original, session, parameters: (
            raise_http(401) if parameters.offset > 100 else original(session, parameters)
        ),
    ),
    "credentials_accepted",
)
add_mutant(
    CREDENTIALS,
    "foreign_definition_shown",
    MethodFault(
        "find_definition",
        lambda original, session, user, parameters: (
            session.get(Definition, uuid.UUID(seed.DEFINITION_ID))
            if str(parameters.definition_id) == seed.FOREIGN_DEFINITION_ID
            else original(session, user, parameters)
        ),
    ),
    "foreign_id_hidden",
)
add_mutant(
    CREDENTIALS,
    "unreadable_definition_shown",
    MethodFault("check_access", lambda *_: None),
    "foreign_id_hidden",
)
add_mutant(
    CREDENTIALS,
    "foreign_definition_told_apart",
    MethodFault(
        "find_definition",
        lambda original, session, user, parameters: (
            raise_http(404, "Definition of another tenant")
            if str(parameters.definition_id) == seed.FOREIGN_DEFINITION_ID
            else original(session, user, parameters)
        ),
    ),
    "foreign_id_hidden",
)


@dataclass(frozen=True)
class ForeignDefinitionFault:
    """Numbers each 404, and changes those for definitions of other tenants."""

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
                    response = Response(body, 404, media_type="application/json")
                    is_foreign = request.path_params["definition_id"].lower() == seed.FOREIGN_DEFINITION_ID
                    return fault.change(response, number) if is_foreign else response

        return Server()


for name, change_foreign in {
    "foreign_definition_has_another_header": lambda response, number: with_header(response, "X-Tenant", "other"),
    "foreign_definition_has_another_field": lambda response, number: edit_body(
        response, lambda body: body[:-1] + b',"time":%d,"tenant":%d}' % (number, number)
    ),
}.items():
    add_mutant(CREDENTIALS, name, ForeignDefinitionFault(change_foreign), "foreign_id_hidden")
