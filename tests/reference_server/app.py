"""The operation: a class with one method for each step, and the FastAPI application around it.

FastAPI's parsing is laxer than the contract (it accepts `1_0` as an integer and `{...}` as a UUID). So requests are
parsed and checked below, in the order that the contract promises.

Where the contract leaves a choice:
- The path is matched before decoding: `%2F` is part of a (malformed) id, no separator. A path with a trailing slash
  does not exist: 404, no redirect.
- GET and HEAD are allowed (RFC 9110, section 9.1: every general-purpose server supports both). Every other method is
  405, OPTIONS, TRACE and unknown methods included.
- An integer has one spelling, that of JSON without `-0`: `05`, `+5`, `5.0`, `1e1`, `1_0`, ` 5` and an empty value
  are 422. A repeated parameter is 422: no rule says which value counts.
- A UUID has dashes, and letters in either case.
- Unknown query parameters are ignored, badly encoded ones included.
- A repeated header or cookie is a malformed credential. Quotes around a cookie's value are part of it.
"""

import hmac
import json
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic_core import to_json
from sqlalchemy import Integer, bindparam, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.routing import BaseRoute, Match, request_response
from starlette.types import Receive, Scope, Send

from codegen import Problem
from codegen.openapi import read

from .churn import Churn
from .database import Credential, Definition, ReadAccess, Run, User, open_database, update_statistics
from .models import RunBody
from .seed import RUNS, hash_token, seed

OPENAPI = Path(__file__).parents[2] / "openapi.yaml"
METHODS = ("GET", "HEAD")

BEARER = re.compile(r"bearer +(.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
INTEGER = re.compile(r"0|-?[1-9][0-9]*")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

Fault = dict[str, Any]
"""One entry of a 422 response."""

# Built once: SQLAlchemy takes longer to build a statement than SQLite to answer it. They select columns instead of
# mapped objects: a row has the same attributes at a third of the cost.
CREDENTIALS = select(Credential.digest, Credential.is_user_token, User.id, User.tenant_id).join_from(Credential, User)
DEFINITION = select(Definition.__table__).where(Definition.id == bindparam("id"))
ACCESS = select(ReadAccess.user_id).where(
    ReadAccess.user_id == bindparam("user_id"), ReadAccess.definition_id == bindparam("definition_id")
)
TOTAL = select(Definition.runs).where(Definition.id == bindparam("definition_id"))
OF_DEFINITION = Run.workflow_definition_id == bindparam("definition_id")
FIRST = select(Run.sequence).where(OF_DEFINITION).limit(1).offset(bindparam("steps", type_=Integer))
FIRST_FROM_NEWEST, FIRST_FROM_OLDEST = (FIRST.order_by(order) for order in (Run.sequence.desc(), Run.sequence.asc()))
PAGE = (
    select(Run.__table__)
    .where(OF_DEFINITION, Run.sequence <= bindparam("first"))
    .order_by(Run.sequence.desc())
    .limit(bindparam("limit", type_=Integer))
)


class InvalidParameter(Exception):
    """One parameter is invalid."""

    def __init__(self, place: tuple[str, str], kind: str, message: str, value: object, **context: object) -> None:
        self.fault: Fault = {"type": kind, "loc": place, "msg": message, "input": value}
        if context:
            self.fault["ctx"] = context


@dataclass(frozen=True)
class Parameters:
    definition_id: uuid.UUID
    limit: int
    offset: int


class ReferenceServer:
    """Answers requests. Each method is one step, and a mutant overrides one step."""

    def __init__(
        self, database_url: str = "sqlite://", runs: int = RUNS, churn: float = 0, churn_seed: str = "0"
    ) -> None:
        """Open the database, seed it if it is empty, and change it `churn` times per second.

        Raises the exceptions of `open_database`.
        """
        self.engine = open_database(database_url)
        with Session(self.engine) as session:
            if session.scalar(select(Definition.id).limit(1)) is None:
                seed(session, runs, now=datetime.now(UTC))
                session.commit()
                update_statistics(self.engine)
        self.churn = Churn(self.engine, churn_seed)
        if churn:
            self.churn.start(churn)

    def close(self) -> None:
        """Close the database. Data in memory is lost."""
        self.churn.stop()
        self.engine.dispose()

    def list_runs(self, request: Request) -> Response:
        """Answer one request. Raises HTTPException for every status but 200."""
        self.check_method(request)
        try:
            # One transaction: the page and its total are consistent.
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                user = self.authenticate(session, request)
                parameters = self.parse_parameters(request)
                definition = self.find_definition(session, user, parameters)
                self.check_access(session, user, definition)
                total, runs = self.load_page(session, parameters)
                body = self.render_page(total, runs, parameters)
        except OperationalError as error:
            # Not the request's fault: a lock is held, or PostgreSQL is not reachable.
            raise HTTPException(503, "The resource is locked, try again") from error
        # Unlike json, to_json serializes integers of any length.
        return Response(to_json(body), media_type="application/json")

    def check_method(self, request: Request) -> None:
        if request.method not in METHODS:
            raise HTTPException(405, "Method Not Allowed", {"Allow": ", ".join(METHODS)})

    def authenticate(self, session: Session, request: Request) -> User:
        """Return the user of the credential, or raise 401."""
        presented = hash_token(self.presented_token(request))
        from_cookie = "authorization" not in request.headers
        user = None
        # Compare all, each in constant time: the response time must not reveal a nearly correct token.
        for credential in session.connection().execute(CREDENTIALS):
            if hmac.compare_digest(credential.digest, presented) and (credential.is_user_token or not from_cookie):
                user = credential
        if user is None:
            raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
        return cast(User, user)

    def presented_token(self, request: Request) -> bytes:
        """Return the token: of the header if there is one, else of the cookie. Empty if it is malformed."""
        if headers := request.headers.getlist("authorization"):
            match = BEARER.fullmatch(headers[0])
            return match[1].encode("latin-1") if match and len(headers) == 1 else b""
        pairs = ";".join(request.headers.getlist("cookie")).split(";")
        values = [value for name, _, value in (pair.strip(" \t").partition("=") for pair in pairs) if name == "ks_uat"]
        return values[0].encode("latin-1") if len(values) == 1 else b""

    def parse_parameters(self, request: Request) -> Parameters:
        """Return the parameters, or raise 422 with all faults."""
        faults: list[Fault] = []
        values: dict[str, Any] = {}
        for name, parse in (
            ("definition_id", self.parse_definition_id),
            ("limit", self.parse_limit),
            ("offset", self.parse_offset),
        ):
            try:
                values[name] = parse(request)
            except InvalidParameter as invalid:
                faults.append(invalid.fault)
        if faults:
            raise HTTPException(422, faults)
        return Parameters(**values)

    def parse_definition_id(self, request: Request) -> uuid.UUID:
        text = request.path_params["definition_id"]
        if not UUID.fullmatch(text):
            reason = "expected 32 hexadecimal digits in groups of 8-4-4-4-12"
            message = f"Input should be a valid UUID, {reason}"
            raise InvalidParameter(("path", "definition_id"), "uuid_parsing", message, text, error=reason)
        return uuid.UUID(text)

    def parse_limit(self, request: Request) -> int:
        limit = self.parse_integer(request, "limit", default=20, least=1)
        if limit > 100:
            message = "Input should be less than or equal to 100"
            raise InvalidParameter(
                ("query", "limit"), "less_than_equal", message, request.query_params["limit"], le=100
            )
        return limit

    def parse_offset(self, request: Request) -> int:
        return self.parse_integer(request, "offset", default=0, least=0)

    def parse_integer(self, request: Request, name: str, default: int, least: int) -> int:
        texts = request.query_params.getlist(name)
        if not texts:
            return default
        place = ("query", name)
        if len(texts) > 1:
            raise InvalidParameter(place, "int_type", "Input should be a valid integer, given once", texts)
        text = texts[0]
        if not INTEGER.fullmatch(text):
            message = "Input should be a valid integer, unable to parse string as an integer"
            raise InvalidParameter(place, "int_parsing", message, text)
        # int() alone rejects more than 4300 digits.
        value = int(Decimal(text))
        if value < least:
            message = f"Input should be greater than or equal to {least}"
            raise InvalidParameter(place, "greater_than_equal", message, text, ge=least)
        return value

    def find_definition(self, session: Session, user: User, parameters: Parameters) -> Definition:
        """Return the definition, or raise 404. One of another tenant counts as missing."""
        definition = session.connection().execute(DEFINITION, {"id": parameters.definition_id}).first()
        if definition is None or definition.tenant_id != user.tenant_id:
            raise HTTPException(404, "Workflow definition not found")
        return cast(Definition, definition)

    def check_access(self, session: Session, user: User, definition: Definition) -> None:
        if session.connection().scalar(ACCESS, {"user_id": user.id, "definition_id": definition.id}) is None:
            raise HTTPException(403, "Not enough permissions")

    def load_page(self, session: Session, parameters: Parameters) -> tuple[int, Sequence[Run]]:
        """Return the total, and the runs of the page, newest first."""
        connection = session.connection()
        bind = {"definition_id": parameters.definition_id}
        total = connection.scalar(TOTAL, bind) or 0
        # Also because databases reject offsets beyond 64 bits.
        if parameters.offset >= total:
            return total, []
        # Find the first run of the page. Databases walk an offset entry by entry, so start at the nearer end.
        if parameters.offset < total / 2:
            statement, steps = FIRST_FROM_NEWEST, parameters.offset
        else:
            statement, steps = FIRST_FROM_OLDEST, total - 1 - parameters.offset
        first = connection.execute(statement, {**bind, "steps": steps}).scalar_one()
        rows = connection.execute(PAGE, {**bind, "first": first, "limit": parameters.limit}).all()
        return total, cast(Sequence[Run], rows)

    def render_page(self, total: int, runs: Sequence[Run], parameters: Parameters) -> dict[str, Any]:
        return {
            "items": [self.render_run(run) for run in runs],
            "total": total,
            "limit": parameters.limit,
            "offset": parameters.offset,
        }

    def render_run(self, run: Run) -> dict[str, Any]:
        return RunBody.model_validate(run).model_dump(mode="json")


class RawPathRoute(BaseRoute):
    """A route that splits the path before decoding it.

    Starlette matches the decoded path, where `%2F` is a separator, and accepts a newline at its end.
    """

    def __init__(self, template: str, respond: Callable[[Request], Response]) -> None:
        self.template = template.split("/")
        self.app = request_response(respond)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        segments = [unquote(segment) for segment in scope.get("raw_path", b"").decode("latin-1").split("/")]
        if scope["type"] != "http" or len(segments) != len(self.template):
            return Match.NONE, {}
        values = {}
        for expected, segment in zip(self.template, segments, strict=True):
            if expected.startswith("{") and segment:
                values[expected.strip("{}")] = segment
            elif expected != segment:
                return Match.NONE, {}
        return Match.FULL, {"path_params": values}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def read_contract() -> Any:
    """Read openapi.yaml. Raises ValueError if it is invalid."""
    try:
        return read(OPENAPI).value
    except Problem as problem:
        raise ValueError(str(problem)) from problem


def create_app(server: ReferenceServer) -> FastAPI:
    """Return the application of a server. It serves the contract as /openapi.json and /docs."""
    document = read_contract()

    @cache
    def page() -> str:
        # Rendered on the first request: most tests never need it.
        from codegen.docs import render

        return render(document)

    def static_response(text: Callable[[], str], media_type: str) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            server.check_method(request)
            return Response(text(), media_type=media_type)

        return respond

    app = FastAPI(openapi_url=None)
    app.router.routes += [
        RawPathRoute("/v1/workflow-definitions/{definition_id}/runs", server.list_runs),
        RawPathRoute("/openapi.json", static_response(lambda: json.dumps(document), "application/json")),
        RawPathRoute("/docs", static_response(page, "text/html")),
    ]
    return app
