"""Paths, methods and credentials: the content of each refusal, and their order."""

import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from codegen.docs import render
from tests.reference_server.app import ReferenceServer, read_contract
from tests.reference_server.database import Credential
from tests.reference_server.seed import (
    DEFINITION_ID,
    EMPTY_DEFINITION_ID,
    FORBIDDEN_DEFINITION_ID,
    FOREIGN_DEFINITION_ID,
    KS_UAT,
    TOKEN,
)
from tests.server.client import Client, Headers

UNKNOWN_DEFINITION_ID = "d1b7c8e2-0f43-4a9d-8c65-2e917ab03f58"
RUNS_PATH = "/v1/workflow-definitions/{}/runs"

AUTHORIZATION = ("authorization", f"Bearer {TOKEN}")
COOKIE = ("cookie", f"ks_uat={KS_UAT}")
WRONG_COOKIE = ("cookie", "ks_uat=wrong")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/v1",
        "/docs/",
        "/v1/workflow-definitions/{}",
        RUNS_PATH + "/",
        RUNS_PATH + "%2F",
        RUNS_PATH + "/x",
        RUNS_PATH + "%0A",
        RUNS_PATH + "%00",
        RUNS_PATH + ";x",
        RUNS_PATH + "%FF",
        RUNS_PATH.upper(),
        "/" + RUNS_PATH,
        "/v1/workflow-definitions//runs",
        "/v1%2Fworkflow-definitions/{}/runs",
        "/openapi.json/",
        "/%FF",
        "/%",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_path_is_not_found_whatever_the_method(client: Client, path: str, method: str) -> None:
    response = client.request(path=path, method=method, headers=[])
    assert response.status_code == 404
    assert response.json() == {"detail": "Not Found"}
    assert "location" not in response.headers


def test_a_percent_encoded_letter_is_that_letter(client: Client) -> None:
    assert client.request(path="/v1/workflow%2Ddefinitions/{}/%72uns").json() == client.request().json()


@pytest.mark.parametrize("path", [RUNS_PATH, "/openapi.json", "/docs"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "BREW"])
def test_other_methods_are_not_allowed(client: Client, path: str, method: str) -> None:
    # Without credentials: the method is judged first.
    response = client.request(path=path, method=method, headers=[])
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
    assert response.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(
    ("definition", "headers"),
    [
        (DEFINITION_ID, [AUTHORIZATION]),
        (DEFINITION_ID, []),
        (UNKNOWN_DEFINITION_ID, [AUTHORIZATION]),
        ("x", [AUTHORIZATION]),
    ],
)
def test_head_is_get_without_the_body(client: Client, definition: str, headers: Headers) -> None:
    get, head = (client.request(definition=definition, headers=headers, method=method) for method in ("GET", "HEAD"))
    assert head.content == b""
    assert head.status_code == get.status_code
    assert without_date(head) == without_date(get)


def without_date(response: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name != "date"}


@pytest.mark.parametrize(
    "headers",
    [
        [AUTHORIZATION],
        [("authorization", f"bearer {TOKEN}")],
        [("authorization", f"BEARER {TOKEN}")],
        [("authorization", f"bEaReR   {TOKEN}")],
        [("AUTHORIZATION", f"Bearer {TOKEN}")],
        [("authorization", f"Bearer {KS_UAT}")],
        [COOKIE],
        [("cookie", f"a=b; ks_uat={KS_UAT}; c")],
        [("cookie", f"ks_uat={KS_UAT};;=;")],
        [("cookie", "a=b"), COOKIE],
        [AUTHORIZATION, COOKIE],
        [AUTHORIZATION, WRONG_COOKIE],
        [AUTHORIZATION, ("x-long", "x" * 8192)],
    ],
    ids=str,
)
def test_good_credentials_are_accepted(client: Client, headers: Headers) -> None:
    assert client.request(headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "none"),
        ([("authorization", "")], "empty"),
        ([("authorization", "Bearer")], "a scheme alone"),
        ([("authorization", TOKEN)], "a token alone"),
        ([("authorization", f"Basic {TOKEN}")], "another scheme"),
        ([("authorization", f"Bearer{TOKEN}")], "no space between"),
        ([("authorization", f"Bearer\t{TOKEN}")], "a tab between"),
        ([("authorization", f"Bearer:{TOKEN}")], "a colon between"),
        ([("authorization", f"Bearer {TOKEN}x")], "more than the token"),
        ([("authorization", f"Bearer {TOKEN[:-1]}")], "less than the token"),
        ([("authorization", f"Bearer {TOKEN} x")], "something behind the token"),
        ([("authorization", f"Bearer {TOKEN}, Bearer {TOKEN}")], "two in one"),
        ([("authorization", f'Bearer "{TOKEN}"')], "quotes"),
        ([("authorization", f"Bearer {TOKEN.upper()}")], "tokens are exact, case included"),
        ([("authorization", "Bearer null")], "a word"),
        ([("authorization", "Bearer wrong")], "an unknown token"),
        ([("authorization", b"Bearer \xff\xfe")], "no ASCII"),
        ([("authorization", "Bearer " + "x" * 8192)], "very long"),
        ([("authorization", "B" * 8192)], "a very long scheme"),
        ([AUTHORIZATION, AUTHORIZATION], "the header twice"),
        ([("authorization", "Bearer wrong"), AUTHORIZATION], "the header twice, once right"),
        ([("cookie", "")], "an empty cookie header"),
        ([("cookie", "ks_uat")], "a cookie without a value"),
        ([("cookie", "ks_uat=")], "an empty cookie"),
        ([WRONG_COOKIE], "an unknown token in the cookie"),
        ([("cookie", f'ks_uat="{KS_UAT}"')], "quotes belong to the value"),
        ([("cookie", f"KS_UAT={KS_UAT}")], "names of cookies are exact, case included"),
        ([("cookie", f"ks_uat ={KS_UAT}")], "another name"),
        ([("cookie", f"ks_uat={KS_UAT}, a=b")], "a comma separates nothing"),
        ([("cookie", f"ks_uat=wrong; ks_uat={KS_UAT}")], "the cookie twice"),
        ([COOKIE, COOKIE], "the cookie twice, in two headers"),
        ([("cookie", b"ks_uat=\xff\x80")], "no ASCII in the cookie"),
        ([("cookie", "ks_uat=" + "x" * 8192)], "a very long cookie"),
        ([("cookie", f"ks_uat={TOKEN}")], "an API key is no session"),
        ([("authorization", "Bearer wrong"), COOKIE], "the header decides"),
        ([("authorization", ""), COOKIE], "an empty header decides, too"),
        ([("authorization", "Basic x"), COOKIE], "a header of another scheme decides, too"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_credentials_are_refused(client: Client, headers: Headers, reason: str) -> None:
    response = client.request(headers=headers)
    assert response.status_code == 401, reason
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {"detail": "Could not validate credentials"}


def test_tokens_are_stored_hashed(tmp_path: Path) -> None:
    server = ReferenceServer(f"sqlite:///{tmp_path}/runs.db")
    with Session(server.engine) as session:
        digests = session.scalars(select(Credential.digest)).all()
    server.close()
    assert {len(digest) for digest in digests} == {32}
    stored = (tmp_path / "runs.db").read_bytes()
    assert TOKEN.encode() not in stored
    assert KS_UAT.encode() not in stored


# The status of a request with two faults shows which is checked first.
ORDER: dict[str, tuple[int, dict[str, Any]]] = {
    "a wrong path before a wrong method": (404, {"path": RUNS_PATH + "/", "method": "POST", "headers": []}),
    "a wrong method before missing credentials": (405, {"method": "POST", "headers": []}),
    "a wrong method before a malformed id": (405, {"method": "POST", "definition": "x"}),
    "a wrong method before an unknown id": (405, {"method": "POST", "definition": UNKNOWN_DEFINITION_ID}),
    "missing credentials before a malformed id": (401, {"definition": "x", "headers": []}),
    "missing credentials before a bad limit": (401, {"query": "limit=0", "headers": []}),
    "missing credentials before an unknown id": (401, {"definition": UNKNOWN_DEFINITION_ID, "headers": []}),
    "missing credentials before missing access": (401, {"definition": FORBIDDEN_DEFINITION_ID, "headers": []}),
    "a bad limit before an unknown id": (422, {"query": "limit=0", "definition": UNKNOWN_DEFINITION_ID}),
    "a bad limit before another tenant's id": (422, {"query": "limit=0", "definition": FOREIGN_DEFINITION_ID}),
    "a bad offset before missing access": (422, {"query": "offset=-1", "definition": FORBIDDEN_DEFINITION_ID}),
    "another tenant's before missing access": (404, {"definition": FOREIGN_DEFINITION_ID}),
    "missing access": (403, {"definition": FORBIDDEN_DEFINITION_ID}),
}


@pytest.mark.parametrize("case", ORDER)
def test_order_of_judgement(client: Client, case: str) -> None:
    status, request = ORDER[case]
    assert client.request(**request).status_code == status


def test_a_definition_without_access_is_refused(client: Client) -> None:
    assert client.request(definition=FORBIDDEN_DEFINITION_ID).json() == {"detail": "Not enough permissions"}
    assert client.request(definition=EMPTY_DEFINITION_ID).status_code == 200


def test_another_tenants_definition_looks_unknown(client: Client) -> None:
    foreign, unknown, other = (
        client.request(definition=text)
        for text in (FOREIGN_DEFINITION_ID, UNKNOWN_DEFINITION_ID, str(uuid.UUID(int=1)))
    )
    assert unknown.json() == {"detail": "Workflow definition not found"}
    assert foreign.status_code == unknown.status_code == other.status_code == 404
    assert foreign.content == unknown.content == other.content
    assert without_date(foreign) == without_date(unknown) == without_date(other)


def test_the_document_is_the_repositorys_contract(client: Client) -> None:
    response = client.request(path="/openapi.json", headers=[])
    assert response.json() == read_contract()


def test_docs_shows_the_contract(client: Client) -> None:
    response = client.http.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text == render(read_contract())
