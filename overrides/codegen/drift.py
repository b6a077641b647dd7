"""`make drift`: what a deployment's own OpenAPI document promises, next to the contract.

A deployment built on FastAPI serves a document that is inferred from its code, at /openapi.json. It says what the code
says, not what the server does (`make contract` finds that out), but it says it for every input, and in one request.

The document is untrusted: its size and the time that it may take are bounded, no redirect and no `$ref` out of it is
followed, no credentials are sent, and what is printed of it cannot steer a terminal.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from codegen import ROOT, Problem, compare
from codegen.compare import RULES, Difference
from codegen.contract import Contract
from codegen.openapi import Operation, as_document, operations
from codegen.openapi.document import check_size
from codegen.text import escaped

# Bytes and seconds; a document of this API has some hundred kilobytes.
MAX_BYTES = 10_000_000
MAX_SECONDS = 10
MAX_SHOWN = 60
MAX_LINE = 300

PROMISES = {
    "less": "less: a client may rely on it by the contract, and this document does not promise it",
    "more": "more: this document promises it, and the contract does not",
    "otherwise": "otherwise: both promise something, and neither what the other does",
}


class NoDocument(Problem):
    """There is no document, as far as anybody without credentials can tell."""


def drift(root: Path) -> int:
    """Compares the document of the deployment at BASE_URL of the environment with the contract. 1 if they differ."""
    base_url = os.environ.get("BASE_URL", "").strip()
    if not base_url:
        raise Problem(
            "BASE_URL is not given: which deployment is meant?", "make drift BASE_URL=https://host.example/api"
        )
    contract = Contract(root / "openapi.yaml")
    document = fetch(base_url)
    found = differences(contract.document, document)
    count = f"{len(found)} difference{'s' * (len(found) != 1)}"
    print(_printable(f"{_address(base_url)} next to openapi.yaml {contract.version}: {count}."))
    for promise, meaning in PROMISES.items():
        of_kind = [difference for difference in found if RULES[difference.kind].promise == promise]
        if of_kind:
            print(f"\n{meaning}")
        for difference in of_kind[:MAX_SHOWN]:
            print(_printable(f"  {difference.place}: {difference.what}"))
            print(_printable(f"      contract  {difference.old}"))
            print(_printable(f"      document  {difference.new}"))
        if len(of_kind) > MAX_SHOWN:
            print(f"  and {len(of_kind) - MAX_SHOWN} more")
    if not found:
        print("\nThe deployment's document promises what the contract does.")
        return 0
    print(
        "\nproblem: the deployment says that it is another API than the contract has\n"
        "fix: find out which of the two the server keeps to (make contract BASE_URL=...), and correct the other"
    )
    return 1


def summary_line(base_url: str, read: Callable[[str], bytes] | None = None) -> str:
    """Returns the outcome in one line, for the verdict of the contract run; nothing where there is no document.

    Args:
        base_url: The deployment.
        read: Gets what is at an address, as `fetch` has it: a contract run asks for it as for all else.
    """
    try:
        found = differences(Contract(ROOT / "openapi.yaml").document, fetch(base_url, read))
    except NoDocument:
        return ""
    except Problem as problem:
        return _printable(f"the server's own /openapi.json cannot be compared: {problem.what}")
    if not found:
        return "none: the server's own /openapi.json promises the same"
    places = f"{len(found)} place{'s' * (len(found) > 1)}"
    return _printable(f"the server's own /openapi.json differs in {places}: make drift BASE_URL={base_url}")


def differences(contract: dict[str, Any], document: Any) -> list[Difference]:
    """Compares each operation of the contract with the one that a document has in its place, prefixes of paths aside.

    Rules, lists, orders of judgement and links count where the document states any: most say nothing of them.

    Args:
        contract: The contract, as read.
        document: What a deployment serves: any JSON value.

    Raises:
        Problem: It is no OpenAPI 3 document, has an operation several times, or is too large.
    """
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("3.") or not isinstance(document.get("paths"), dict):
        raise Problem("the document is not an OpenAPI 3 document", "check BASE_URL: is it this API's?")
    check_size(document)
    with_extensions, with_links = (
        states(as_document(document)) for states in (compare.has_extensions, compare.has_links)
    )
    found: list[Difference] = []
    differing: dict[str, list[Difference]] = {}
    for (path, method), operation in operations(contract).items():
        there = _matching_operation(document, path, method)
        if there is None:
            place, what = f"{method.upper()} {operation.path}", "there is no such operation"
            found.append(Difference("operation-removed", place, what, operation.node.pointer, "#/paths"))
        else:
            differing[operation.name] = compare.differences(
                operation,
                there,
                credentials_as_parameters=True,
                with_extensions=with_extensions,
                with_links=with_links,
            )
    return [*found, *compare.deduplicated(differing)]


def _matching_operation(document: dict[str, Any], path: str, method: str) -> Operation | None:
    """Returns the operation whose path ends like that; what stands before it is where the API is mounted."""
    fitting = {
        there: operation
        for (there, used), operation in operations(document).items()
        if used == method and there.rstrip("/").endswith(path)
    }
    if path in fitting:
        return fitting[path]
    if len(fitting) > 1:
        names = escaped(", ".join(operation.path for operation in list(fitting.values())[:10]))
        raise Problem(f"the document has the operation several times: {names}", "ask whoever runs it which is served")
    return next(iter(fitting.values()), None)


def fetch(base_url: str, read: Callable[[str], bytes] | None = None) -> Any:
    """Returns the document that a deployment serves: any JSON value.

    Args:
        base_url: The deployment.
        read: Gets what is at an address, within bounds of its own; raises NoDocument or Problem. Ours if not given.

    Raises:
        NoDocument: The server cannot be reached, or has no such document.
        Problem: The document is too large, too slow, or no JSON.
    """
    _check_address(base_url)
    url = _address(base_url)
    try:
        text = read(url) if read else asyncio.run(_fetch(url))
    except TimeoutError as error:
        raise Problem(
            f"{url} was not there after {MAX_SECONDS} s", "check that BASE_URL is right, and that the server runs"
        ) from error
    # A CA file that does not exist is an OSError, a certificate that is not trusted an HTTPError.
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise NoDocument(
            f"{url} cannot be read: {reason}", "check that BASE_URL is right, and that the server runs"
        ) from error
    try:
        return json.loads(text, parse_constant=_reject_constant, parse_float=_parse_float)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise Problem(f"{url} is not JSON: {reason}", "check BASE_URL: is it this API's?") from error


async def _fetch(url: str) -> bytes:
    # A private CA is named as `make contract` has it. Without TLS there is nothing to verify, and nothing to load.
    authorities = os.environ.get("REQUESTS_CA_BUNDLE")
    secure = url.startswith("https:")
    verify = ssl.create_default_context(cafile=authorities) if secure and authorities else secure
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    # The whole exchange is to end in time, however slowly the bytes drip.
    async with asyncio.timeout(MAX_SECONDS):
        async with (
            httpx2.AsyncClient(verify=verify, timeout=MAX_SECONDS, headers=headers) as client,
            client.stream("GET", url) as response,
        ):
            if response.is_redirect:
                place = escaped(response.headers.get("location", ""))
                fix = "give the address that it leads to, without /openapi.json, as BASE_URL"
                raise NoDocument(f"{url} redirects to {place} ({response.status_code}), which is not followed", fix)
            if response.status_code != 200:
                fix = "check BASE_URL; a deployment may keep its document to itself, then there is nothing to compare"
                raise NoDocument(f"{url} answers {response.status_code}, not with a document", fix)
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                # A few bytes could unfold to any number of them.
                what = f"{url} comes compressed, though it was asked for as it is"
                raise Problem(what, "check what stands between: a proxy has to keep to Accept-Encoding")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    fix = "check BASE_URL: is it this API's?"
                    raise Problem(f"{url} has more than {MAX_BYTES // 1_000_000} MB", fix)
            return bytes(body)


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{escaped(text, 40)} is too large a number")
    return number


def _check_address(base_url: str) -> None:
    fix = "give what comes before /v1 in the API's addresses: BASE_URL=https://host.example/api"
    try:
        url = urlsplit(base_url)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid, url = False, urlsplit("")
    if url.username is not None:
        # Not shown: there is a password in it.
        raise Problem("BASE_URL holds credentials, and none are needed for the document", fix)
    if not valid or url.query or url.fragment or re.search(r"\s", base_url):
        raise Problem(f"BASE_URL is '{base_url}', which is not an http or https address", fix)


def _address(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/openapi.json"


def _printable(line: str) -> str:
    """A line that moves no cursor, hides nothing, and can be written in any encoding."""
    return escaped(escaped(line, MAX_LINE).encode("ascii", "backslashreplace").decode(), MAX_LINE)
