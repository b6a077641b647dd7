"""`make drift`: compares the OpenAPI document that a deployment serves with the contract.

FastAPI infers such a document from the code and serves it at /openapi.json. It states what the code declares, not how
the server behaves (`make contract` tests that), but it covers every input and needs one request.

The document is untrusted: size and time are bounded, redirects and external `$ref`s are not followed, no credentials
are sent, and output is escaped for the terminal.
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

# Bytes and seconds. A document of this API has some hundred kilobytes.
MAX_BYTES = 10_000_000
MAX_SECONDS = 10
MAX_SHOWN = 60
MAX_LINE = 300

PROMISES = {
    "less": "less: the contract promises it to clients, the document does not",
    "more": "more: the document promises it, the contract does not",
    "otherwise": "otherwise: the two make different promises",
}


class NoDocument(Problem):
    """The deployment serves no document, or not without credentials."""


def drift(root: Path) -> int:
    """Compare the document of the deployment at BASE_URL with the contract. Return 1 if they differ."""
    base_url = os.environ.get("BASE_URL", "").strip()
    if not base_url:
        raise Problem(
            "BASE_URL must be the address of a deployment (got nothing)", "make drift BASE_URL=https://host.example/api"
        )
    contract = Contract(root / "openapi.yaml")
    document = fetch(base_url)
    found = differences(contract.document, document)
    count = f"{len(found)} difference{'s' * (len(found) != 1)}"
    print(_printable(f"{_address(base_url)} compared with openapi.yaml {contract.version}: {count}."))
    for promise, meaning in PROMISES.items():
        of_kind = [difference for difference in found if RULES[difference.kind].promise == promise]
        if of_kind:
            print(f"\n{meaning}")
        for difference in of_kind[:MAX_SHOWN]:
            print(_printable(f"  {difference.place}: {difference.what}"))
            print(_printable(f"      contract  {difference.old}"))
            print(_printable(f"      document  {difference.new}"))
        if len(of_kind) > MAX_SHOWN:
            print(f"  ... and {len(of_kind) - MAX_SHOWN} more")
    if not found:
        print("\nThe deployment's document makes the same promises as the contract.")
        return 0
    print(
        "\nproblem: the deployment's document and the contract differ\n"
        "fix: test which of them the server conforms to (make contract BASE_URL=...), and correct the other"
    )
    return 1


def summary_line(base_url: str, read: Callable[[str], bytes] | None = None) -> str:
    """Return the result in one line, for the verdict of the contract run; empty if there is no document.

    Args:
        base_url: The deployment.
        read: See `fetch`. The contract run passes its own transport.
    """
    try:
        found = differences(Contract(ROOT / "openapi.yaml").document, fetch(base_url, read))
    except NoDocument:
        return ""
    except Problem as problem:
        return _printable(f"the server's own /openapi.json cannot be compared: {problem.what}")
    if not found:
        return "none: the server's own /openapi.json makes the same promises"
    places = f"{len(found)} place{'s' * (len(found) > 1)}"
    return _printable(f"the server's own /openapi.json differs in {places}: make drift BASE_URL={base_url}")


def differences(contract: dict[str, Any], document: Any) -> list[Difference]:
    """Compare each operation of the contract with the same one of a document. A prefix of its path is ignored.

    Extensions and links count only if the document has any: most documents have none.

    Args:
        contract: The contract.
        document: The document, any JSON value.

    Raises:
        Problem: It is not an OpenAPI 3 document, has an operation several times, or is too large.
    """
    version = document.get("openapi") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("3.") or not isinstance(document.get("paths"), dict):
        raise Problem("the document is not an OpenAPI 3 document", "check that BASE_URL is this API")
    check_size(document)
    with_extensions, with_links = (
        states(as_document(document)) for states in (compare.has_extensions, compare.has_links)
    )
    found: list[Difference] = []
    differing: dict[str, list[Difference]] = {}
    for (path, method), operation in operations(contract).items():
        there = _matching_operation(document, path, method)
        if there is None:
            place, what = f"{method.upper()} {operation.path}", "operation missing"
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
    """Return the operation whose path ends with `path`: the API may be mounted below a prefix."""
    matching = {
        there: operation
        for (there, used), operation in operations(document).items()
        if used == method and there.rstrip("/").endswith(path)
    }
    if path in matching:
        return matching[path]
    if len(matching) > 1:
        names = escaped(", ".join(operation.path for operation in list(matching.values())[:10]))
        raise Problem(f"the document has the operation several times: {names}", "ask the operator which one is served")
    return next(iter(matching.values()), None)


def fetch(base_url: str, read: Callable[[str], bytes] | None = None) -> Any:
    """Return the document that a deployment serves: any JSON value.

    Args:
        base_url: The deployment.
        read: Sends the GET request and returns the body, bounded; raises NoDocument or Problem. By default, `_fetch`.

    Raises:
        NoDocument: The server cannot be reached, or has no such document.
        Problem: The document is too large, too slow, or not JSON.
    """
    _check_address(base_url)
    url = _address(base_url)
    try:
        text = read(url) if read else asyncio.run(_fetch(url))
    except TimeoutError as error:
        raise Problem(
            f"{url} timed out after {MAX_SECONDS} s", "check that BASE_URL is right, and that the server runs"
        ) from error
    # OSError: for example a missing CA file. HTTPError: for example an untrusted certificate.
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise NoDocument(
            f"{url} cannot be read: {reason}", "check that BASE_URL is right, and that the server runs"
        ) from error
    try:
        return json.loads(text, parse_constant=_reject_constant, parse_float=_parse_float)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise Problem(f"{url} is not JSON: {reason}", "check that BASE_URL is this API") from error


async def _fetch(url: str) -> bytes:
    # The variable of a private CA is that of `make contract`. Without TLS, no CA is loaded.
    authorities = os.environ.get("REQUESTS_CA_BUNDLE")
    secure = url.startswith("https:")
    verify = ssl.create_default_context(cafile=authorities) if secure and authorities else secure
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    # Bounds the whole exchange: a timeout per read would not stop a server that sends a byte at a time.
    async with asyncio.timeout(MAX_SECONDS):
        async with (
            httpx2.AsyncClient(verify=verify, timeout=MAX_SECONDS, headers=headers) as client,
            client.stream("GET", url) as response,
        ):
            if response.is_redirect:
                place = escaped(response.headers.get("location", ""))
                fix = "use the target, without /openapi.json, as BASE_URL"
                raise NoDocument(
                    f"{url} redirects to {place} ({response.status_code}); redirects are not followed", fix
                )
            if response.status_code != 200:
                fix = "check BASE_URL; a deployment need not publish its document, and then nothing can be compared"
                raise NoDocument(f"{url} must answer 200 (got {response.status_code})", fix)
            if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                # A few bytes could decompress to any number of them.
                what = f"{url} is compressed, but the request accepts only `identity`"
                raise Problem(what, "check the proxies in between: they must obey Accept-Encoding")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    fix = "check that BASE_URL is this API"
                    raise Problem(f"{url} must have at most {MAX_BYTES // 1_000_000} MB (got more)", fix)
            return bytes(body)


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {escaped(text, 40)} is too large")
    return number


def _check_address(base_url: str) -> None:
    fix = "use the part of the API's addresses before /v1: BASE_URL=https://host.example/api"
    try:
        url = urlsplit(base_url)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        valid, url = False, urlsplit("")
    if url.username is not None:
        # The URL is not shown, as it has a password.
        raise Problem("BASE_URL must not have credentials; the document needs none", fix)
    if not valid or url.query or url.fragment or re.search(r"\s", base_url):
        raise Problem(f"BASE_URL must be an http or https address (got '{base_url}')", fix)


def _address(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/openapi.json"


def _printable(line: str) -> str:
    """Return a line of ASCII without control characters."""
    return escaped(escaped(line, MAX_LINE).encode("ascii", "backslashreplace").decode(), MAX_LINE)
