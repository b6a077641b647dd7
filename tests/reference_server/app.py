"""The operation itself: one class with one method for each step, and the FastAPI application around it.

FastAPI's own parsing is laxer than the contract (`1_0` is an integer to it, `{...}` a UUID), so it only carries the
requests here; judging them is written out below, in the order that the contract promises.

What the contract leaves open is decided so:
- The path is matched as it was sent: `%2F` is part of an id (a malformed one), not a separator. A trailing slash makes
  another path, hence 404; there are no redirects.
- GET and HEAD are answered (RFC 9110, section 9.1: every general-purpose server supports both); every other method is
  405, known or not, OPTIONS and TRACE included.
- Each integer has one spelling, that of JSON without `-0`: `05`, `+5`, `5.0`, `1e1`, `1_0`, ` 5` and an empty value
  are 422. So is a repeated parameter: nothing says which one counts.
- A UUID is written with dashes, its letters in either case.
- Query parameters that the contract does not know are ignored, badly encoded ones included.
- A header or cookie that is sent twice is a malformed credential. Quotes around a cookie's value belong to it.
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
from .database import Credential, Definition, ReadAccess, Run, User, open_database, settle
from .models import RunBody
from .seed import RUNS, digest, seed

OPENAPI = Path(__file__).parents[2] / "openapi.yaml"
METHODS = ("GET", "HEAD")

BEARER = re.compile(r"bearer +(.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
INTEGER = re.compile(r"0|-?[1-9][0-9]*")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

Fault = dict[str, Any]
"""One entry of a 422 body."""

# Built once: SQLAlchemy takes longer to build a statement than SQLite to answer it. They select columns: a row has the
# attributes of the mapped class that the methods below name, and costs a third of its object.
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
    """Carries what is wrong with one parameter."""

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
    """Each method is one step. A mutant overrides exactly one of them."""

    def __init__(
        self, database_url: str = "sqlite://", runs: int = RUNS, churn: float = 0, churn_seed: str = "0"
    ) -> None:
        """Opens the database, and seeds it if it is empty; from then on changes it `churn` times a second.

        Raises what `open_database` raises.
        """
        self.engine = open_database(database_url)
        with Session(self.engine) as session:
            if session.scalar(select(Definition.id).limit(1)) is None:
                seed(session, runs, now=datetime.now(UTC))
                session.commit()
                settle(self.engine)
        self.churn = Churn(self.engine, churn_seed)
        if churn:
            self.churn.start(churn)

    def close(self) -> None:
        """Closes the database; one in memory is gone then."""
        self.churn.stop()
        self.engine.dispose()

    def list_runs(self, request: Request) -> Response:
        """Answers one request to the operation's path. A refusal is an HTTPException."""
        self.check_method(request)
        try:
            # One transaction, so that a page and its total describe the same moment.
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                user = self.authenticate(session, request)
                parameters = self.parse_parameters(request)
                definition = self.find_definition(session, user, parameters)
                self.check_access(session, user, definition)
                total, runs = self.load_page(session, parameters)
                body = self.render_page(total, runs, parameters)
        except OperationalError as error:
            # Nothing that the request could help: somebody holds a lock, or PostgreSQL has gone away.
            raise HTTPException(503, "The resource is locked, try again") from error
        # Unlike the json module, this writes integers of any length.
        return Response(to_json(body), media_type="application/json")

    def check_method(self, request: Request) -> None:
        if request.method not in METHODS:
            raise HTTPException(405, "Method Not Allowed", {"Allow": ", ".join(METHODS)})

    def authenticate(self, session: Session, request: Request) -> User:
        """The user whose credential was sent, else 401."""
        presented = digest(self.presented_token(request))
        from_cookie = "authorization" not in request.headers
        user = None
        # All are compared, in constant time each: how long it takes tells nothing about which was nearly right.
        for credential in session.connection().execute(CREDENTIALS):
            if hmac.compare_digest(credential.digest, presented) and (credential.is_user_token or not from_cookie):
                user = credential
        if user is None:
            raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
        return cast(User, user)

    def presented_token(self, request: Request) -> bytes:
        """The token that counts: the header's if there is a header, else the cookie's. Empty if it is malformed."""
        if headers := request.headers.getlist("authorization"):
            match = BEARER.fullmatch(headers[0])
            return match[1].encode("latin-1") if match and len(headers) == 1 else b""
        pairs = ";".join(request.headers.getlist("cookie")).split(";")
        values = [value for name, _, value in (pair.strip(" \t").partition("=") for pair in pairs) if name == "ks_uat"]
        return values[0].encode("latin-1") if len(values) == 1 else b""

    def parse_parameters(self, request: Request) -> Parameters:
        """The parameters as values, else 422 with every fault at once."""
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
        # int() alone refuses more than 4300 digits.
        value = int(Decimal(text))
        if value < least:
            message = f"Input should be greater than or equal to {least}"
            raise InvalidParameter(place, "greater_than_equal", message, text, ge=least)
        return value

    def find_definition(self, session: Session, user: User, parameters: Parameters) -> Definition:
        """The definition, else 404; one of another tenant is answered as if it did not exist."""
        definition = session.connection().execute(DEFINITION, {"id": parameters.definition_id}).first()
        if definition is None or definition.tenant_id != user.tenant_id:
            raise HTTPException(404, "Workflow definition not found")
        return cast(Definition, definition)

    def check_access(self, session: Session, user: User, definition: Definition) -> None:
        if session.connection().scalar(ACCESS, {"user_id": user.id, "definition_id": definition.id}) is None:
            raise HTTPException(403, "Not enough permissions")

    def load_page(self, session: Session, parameters: Parameters) -> tuple[int, Sequence[Run]]:
        """The definition's number of runs, and those of the page, newest first."""
        connection = session.connection()
        asked = {"definition_id": parameters.definition_id}
        total = connection.scalar(TOTAL, asked) or 0
        # No database takes an offset beyond 64 bits.
        if parameters.offset >= total:
            return total, []
        # Where the page begins. An offset is walked, entry by entry: so from the nearer end, and in the index alone.
        if parameters.offset < total / 2:
            statement, steps = FIRST_FROM_NEWEST, parameters.offset
        else:
            statement, steps = FIRST_FROM_OLDEST, total - 1 - parameters.offset
        first = connection.execute(statement, {**asked, "steps": steps}).scalar_one()
        rows = connection.execute(PAGE, {**asked, "first": first, "limit": parameters.limit}).all()
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


class Resource(BaseRoute):
    """One path, matched segment by segment as sent.

    Starlette matches the decoded path, in which `%2F` has become a separator, and lets a newline follow the end.
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
    """Raises ValueError with what is wrong with openapi.yaml."""
    try:
        return read(OPENAPI).value
    except Problem as problem:
        raise ValueError(str(problem)) from problem


def create_app(server: ReferenceServer) -> FastAPI:
    """The application that answers with `server`, and serves the repository's contract as its own."""
    document = read_contract()

    @cache
    def page() -> str:
        # When it is asked for: most servers are started for the operation alone.
        from codegen.docs import render

        return render(document)

    def fixed(text: Callable[[], str], media_type: str) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            server.check_method(request)
            return Response(text(), media_type=media_type)

        return respond

    app = FastAPI(openapi_url=None)
    app.router.routes += [
        Resource("/v1/workflow-definitions/{definition_id}/runs", server.list_runs),
        Resource("/openapi.json", fixed(lambda: json.dumps(document), "application/json")),
        Resource("/docs", fixed(page, "text/html")),
    ]
    return app
