"""A client that sends requests exactly as given, and validates every response against the contract."""

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

# Pairs, so that a header can be repeated.
Headers = Sequence[tuple[str, str | bytes]]


def validator(status: str) -> jsonschema_rs.Draft202012Validator:
    schema = OPERATION["responses"][status]["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": CONTRACT["components"]}, validate_formats=True)


VALIDATORS = {int(status): validator(status) for status in OPERATION["responses"]}


class Client:
    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # Without the environment's proxy.
        self.http = httpx2.Client(base_url=base_url, timeout=30, trust_env=False)

    def request(
        self,
        query: str = "",
        *,
        definition: str = DEFINITION_ID,
        path: str = "/v1/workflow-definitions/{}/runs",
        method: str = "GET",
        headers: Headers | None = None,
    ) -> httpx2.Response:
        """Send a request, with the bearer token unless `headers` is given. Path and query are sent unchanged."""
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
            VALIDATORS[response.status_code].validate(parse_body(response))
        return response


def parse_body(response: httpx2.Response) -> Any:
    """Parse a JSON body with integers of any length. int() alone rejects more than 4300 digits."""
    return json.loads(response.content, parse_int=lambda text: int(Decimal(text)))
