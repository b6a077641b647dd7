"""The samples of `make docs`: how to call an operation with curl and with the generated client."""

from __future__ import annotations

import builtins
import json
import keyword
import pprint
import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from codegen import PACKAGE
from codegen.extensions.examples import example_request
from codegen.extensions.model import Described
from codegen.openapi import Node, Operation
from codegen.openapi.operations import followed_entries

# Variables in the samples.
_ANSWER, _ITEM = "page", "item"


class Sample(NamedTuple):
    """A sample.

    Attributes:
        kind: `curl`, `client` for a whole list, or `page` for one response.
        text: The command or program.
    """

    kind: str
    text: str


def samples(described: Described, address: str) -> list[Sample]:
    """Return the samples for an operation, with the examples and defaults of its parameters.

    Args:
        described: The operation.
        address: The address of a server.
    """
    request = _SampleRequest(described)
    found = [Sample("curl", request.curl(address)), Sample("page", request.page())]
    if described.listing is not None:
        found.insert(1, Sample("client", request.whole_list()))
    return found


def credential_header(scheme: Node, token: str) -> str:
    """Return the header, or the query parameter, that carries a credential."""
    scheme = scheme.resolved() or scheme
    kind, where, name, word = (scheme.at(key).value for key in ("type", "in", "name", "scheme"))
    if kind == "apiKey":
        return {"cookie": f"Cookie: {name}={token}", "query": f"?{name}={token}"}.get(str(where), f"{name}: {token}")
    return f"Authorization: {str(word or 'bearer').capitalize()} {token}"


def python_name(name: str) -> str:
    """Return the client's name for a parameter or an operation."""
    # The algorithm of openapi-python-client, which takes a second to import.
    spaced = " ".join(re.split("([A-Z]?[a-z]+)", name)) if name.lower() != name else name
    made = "_".join(re.findall(r"[^\W_]+", spaced)).lower()
    is_taken = keyword.iskeyword(made) or (hasattr(builtins, made) and made != "id") or made in ("self", "datetime")
    return f"{made}_" if is_taken else made


class _SampleRequest:
    """An operation with sample values for its parameters and body."""

    def __init__(self, described: Described) -> None:
        self.operation: Operation = described.operation
        self.listing = described.listing
        request = example_request(described)
        query = {**described.defaults, **request.query}
        self.path = {name: request.path.get(name) for place, name in described.parameters if place == "path"}
        self.query = {
            name: query.get(name, "...")
            for (place, name), node in described.parameters.items()
            if place == "query" and (name in query or node.at("required").value is True)
        }
        self.media, self.schema, self.body = "", "", None
        body = self.operation.request_body
        for name, media in followed_entries(body, "content").items() if body else ():
            reference = str(media.at("schema").at("$ref").value or "")
            self.media, self.schema = name, reference.rpartition("/")[2]
            self.body = media.value.get("example") if "example" in media else _first(media)
            break

    def curl(self, address: str) -> str:
        lines = ["curl" if self.operation.method != "get" else "curl --get" if self.query else "curl"]
        if self.operation.method != "get":
            lines[0] += f" --request {self.operation.method.upper()}"
        if sent := self.credential():
            lines[0] += f' --header "{sent}"'
        if self.media:
            lines.append(f"--header {shlex.quote(f'Content-Type: {self.media}')}")
            lines.append(f"--data {shlex.quote(json.dumps(self.body, ensure_ascii=False))}")
        is_in_address = self.operation.method != "get"
        pairs = [(name, each) for name, value in self.query.items() for each in _each(value)]
        if not is_in_address:
            lines += [_data(name, literal(value)) for name, value in pairs]
        query = "&".join(f"{quote(name)}={quote(literal(value))}" for name, value in pairs) if is_in_address else ""
        path = self.operation.path
        for name, value in self.path.items():
            if value is not None:
                path = path.replace(f"{{{name}}}", quote(literal(value), safe=""))
        lines.append(f'"{address}{path}{"?" * bool(query)}{query}"')
        return " \\\n  ".join(lines)

    def credential(self) -> str:
        """Return the header of the first accepted credential; empty if it is not a header."""
        schemes = self.operation.node.document.root.at("components").at("securitySchemes")
        for alternative in self.operation.security.elements():
            for name, _ in alternative.items():
                sent = credential_header(schemes.at(name), "$TOKEN")
                return sent if ": " in sent else ""
        return ""

    def arguments(self) -> list[str]:
        return ["..." if value is None else _python(value) for value in self.path.values()]

    def whole_list(self) -> str:
        assert self.listing is not None
        pager = f"iter_{python_name(self.operation.name).removeprefix('list_')}"
        arguments = ", ".join(["client", *self.arguments()])
        key = f".{'.'.join(map(python_name, self.listing.key.split('.')))}" if self.listing.key else ""
        return "\n".join(
            (
                f"from {PACKAGE} import AuthenticatedClient, {pager}",
                "",
                "with AuthenticatedClient() as client:",
                f"    for {_ITEM} in {pager}({arguments}):",
                f"        print({_ITEM}{key})",
            )
        )

    def page(self) -> str:
        name = python_name(self.operation.name)
        tag = python_name(str(next(iter(self.operation.node.value.get("tags") or ()), "default")))
        lines = [f"from {PACKAGE} import AuthenticatedClient", f"from {PACKAGE}.api.{tag} import {name}"]
        more = [*self.arguments(), "client=client"]
        if self.schema:
            lines.append(f"from {PACKAGE}.models import {self.schema}")
            more.append(f"body={self.schema}.model_validate({_python(self.body)})")
        more += [f"{python_name(key)}={_python(value)}" for key, value in self.query.items()]
        one_line = f"{name}.sync({', '.join(more)})"
        if len(one_line) > 70:
            one_line = f"{name}.sync(\n        {', '.join(more)}\n    )"
        call = [f"    {one_line}"]
        if any(self.read()):
            call = [f"    {_ANSWER} = {one_line}", f"    print({', '.join(self.read())})"]
        return "\n".join([*lines, "", "with AuthenticatedClient() as client:", *call])

    def read(self) -> Iterator[str]:
        """Yield what a sample prints: the total and the keys of a list, or the whole response if it has a body."""
        listing = self.listing
        if listing is None:
            successes = [node for key, node in self.operation.responses.items() if key.startswith("2")]
            if any(node.at("content").value for node in successes):
                yield _ANSWER
            return
        if listing.total:
            yield f"{_ANSWER}.{_dotted(listing.total)}"
        key = f"{_ITEM}.{_dotted(listing.key)}" if listing.key else _ITEM
        yield f"[{key} for {_ITEM} in {_ANSWER}.{_dotted(listing.items)}]"


def _first(media: Node) -> Any:
    return next(
        (each.at("value").value for each in followed_entries(media, "examples").values() if "value" in each), {}
    )


def _dotted(name: str) -> str:
    return ".".join(map(python_name, name.split(".")))


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def literal(value: Any) -> str:
    """Return text as it is, any other JSON value as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _data(name: str, text: str) -> str:
    plain = f"{name}={text}"
    is_plain = re.fullmatch(r"[\w.=-]+", plain, re.ASCII)
    return f"--data {plain}" if is_plain else f"--data-urlencode {shlex.quote(plain)}"


def _python(value: Any) -> str:
    """Return a value as Python source; text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else pprint.pformat(value, width=10_000)
