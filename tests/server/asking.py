"""A client that sends requests exactly as written, and holds every answer against the contract."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs

from tests.reference_server.app import read_contract
from tests.reference_server.seed import DEFINITION_ID, TOKEN

ROOT = Path(__file__).parents[2]
CONTRACT = read_contract()
OPERATION = CONTRACT["paths"]["/v1/workflow-definitions/{definition_id}/runs"]["get"]

# As pairs, so that one can be sent twice.
Headers = Sequence[tuple[str, str | bytes]]


def validator(status: str) -> jsonschema_rs.Draft202012Validator:
    schema = OPERATION["responses"][status]["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": CONTRACT["components"]}, validate_formats=True)


VALIDATORS = {int(status): validator(status) for status in OPERATION["responses"]}


class Client:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # No proxy from the environment.
        self.http = httpx2.Client(base_url=base_url, timeout=30, trust_env=False)

    def ask(
        self,
        query: str = "",
        *,
        definition: str = DEFINITION_ID,
        path: str = "/v1/workflow-definitions/{}/runs",
        method: str = "GET",
        headers: Headers | None = None,
    ) -> httpx2.Response:
        """With the bearer token, unless there are other headers. Nothing in path and query is quoted or normalised."""
        if headers is None:
            headers = [("authorization", f"Bearer {TOKEN}")]
        target = path.format(definition) + (f"?{query}" if query else "")
        response = self.http.request(
            method,
            "/",
            headers=[(name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers],
            extensions={"target": target.encode()},
        )
        assert response.headers["content-type"] == "application/json"
        if method != "HEAD" and path.startswith("/v1") and response.status_code in VALIDATORS:
            VALIDATORS[response.status_code].validate(read(response))
        return response


def read(response: httpx2.Response) -> Any:
    """The body, whatever the length of its integers; int() alone refuses more than 4300 digits."""
    return json.loads(response.content, parse_int=lambda text: int(Decimal(text)))
