"""What a request asks for, read from the request as it was sent, and which statuses the contract allows in answer.

The request decides, not how it came about: whatever Schemathesis or a probe makes up is judged in the same way. What
the contract leaves to the server, such as a UUID without dashes, may be answered in either way.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, unquote_to_bytes, urlsplit

import requests

from codegen.text import escaped

from .operation import DEFAULTS, INTEROPERABLE, INVALID, LENIENT, PARAMETERS, VALID, loose_integer
from .redaction import disguised
from .target import OPERATION, UUID, Target

LENIENT_UUID = re.compile(r"(urn:uuid:)?\{?([0-9a-f]-?){32}\}?", re.ASCII | re.IGNORECASE)
# What no text has: control characters, and bytes that are no UTF-8, which are read as the last one.
CONTROL = re.compile("[\x00-\x1f\x7f\ufffd]")
# What firewalls take for an attack.
SUSPECT = re.compile(r"'|\bor 1=1|\x00", re.IGNORECASE)
# Characters of an address, or of all headers, that every server takes. Some have a limit of 4 KiB, or of 8.
LONG = 2000
# Servers and proxies may take these in an id for the end of a path segment, or for another route, or refuse them before
# the API is asked.
NO_SEGMENT = re.compile(r"[/\\;{}]|^\.{0,2}$")

# Characters of what was sent, in a message.
SHOWN = 40

RIGHT, WRONG, UNCLEAR = "right", "wrong", "unclear"


@dataclass(frozen=True)
class Integer:
    """One of the two parameters that ask for a page."""

    judgement: str
    values: frozenset[int]
    """What it may mean; empty if it cannot be read."""
    is_given: bool = True

    @property
    def echoes(self) -> frozenset[int]:
        """What a page may name it as: large ones also as near as a floating-point number comes."""
        return self.values | {int(float(value)) for value in self.values if INTEROPERABLE < abs(value) < 10**300}


def read_integer(name: str, texts: list[str]) -> Integer:
    if not texts:
        return Integer(PARAMETERS[name].judge(texts), frozenset({DEFAULTS[name]}), is_given=False)
    found = map(loose_integer, texts)
    return Integer(PARAMETERS[name].judge(texts), frozenset(value for value in found if value is not None))


@dataclass(frozen=True)
class Asked:
    """What one request asks for."""

    method: str
    definition: str
    """The id in lower case, as it was sent otherwise; empty if the address is another one than the operation's."""
    definition_judgement: str
    limit: Integer
    offset: Integer
    others: Mapping[str, str]
    """How the further parameters of the contract are judged, those that are given or have to be."""
    credentials: str
    kind_of_credentials: str
    """In words, for messages; never a secret."""
    texts: Mapping[str, tuple[str, ...]]
    """How each parameter was sent."""
    is_trailing_slash: bool = False
    early: frozenset[int] = frozenset()
    """The statuses with which servers and proxies may refuse it before the API is asked."""

    @property
    def judgements(self) -> dict[str, str]:
        """By parameter."""
        return {
            "definition_id": self.definition_judgement,
            "limit": self.limit.judgement,
            "offset": self.offset.judgement,
            **self.others,
        }

    def sent(self, name: str) -> str:
        """A parameter as it was sent, for messages."""
        texts = self.texts.get(name, ())
        return escaped(" and ".join(f"{name}='{text}'" for text in texts), SHOWN) or f"no {name}"

    @property
    def query(self) -> str:
        """All of them, but the definition."""
        return ", ".join(self.sent(name) for name in self.texts if name != "definition_id") or "without a query"

    @property
    def invalid_parameters(self) -> set[str]:
        return {name for name, judgement in self.judgements.items() if judgement == INVALID}


def read_request(request: requests.PreparedRequest, target: Target) -> Asked:
    url = urlsplit(request.url or "")
    query = parse_qs(url.query, keep_blank_values=True)
    path = url.path.removeprefix(urlsplit(target.base_url).path)
    is_trailing_slash = path.endswith("/runs/")
    before, after = OPERATION.split("{}")
    text = unquote(path.removeprefix(before).removesuffix("/").removesuffix(after))
    if before + path.removeprefix(before).removesuffix("/").removesuffix(after) + after != path.removesuffix("/"):
        text = ""
    if NO_SEGMENT.search(text):
        text = ""
    judgement = VALID if UUID.fullmatch(text) else LENIENT if LENIENT_UUID.fullmatch(text) else INVALID
    return Asked(
        method=request.method or "",
        definition="" if is_trailing_slash else text.lower(),
        definition_judgement=judgement,
        limit=read_integer("limit", query.get("limit", [])),
        offset=read_integer("offset", query.get("offset", [])),
        others={
            name: parameter.judge(query.get(name, []))
            for name, parameter in PARAMETERS.items()
            if name not in DEFAULTS and (name in query or parameter.is_required)
        },
        credentials=judge_credentials(request, target),
        kind_of_credentials=describe_credentials(request, target),
        texts={name: tuple(texts) for name, texts in query.items()} | {"definition_id": (text,)},
        is_trailing_slash=is_trailing_slash,
        early=early_refusals(request),
    )


def read_cookies(request: requests.PreparedRequest) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in (as_text(request.headers.get("Cookie")) or "").split(";"))
    return {name: value for name, _, value in pairs if name}


def early_refusals(request: requests.PreparedRequest) -> frozenset[int]:
    """What HTTP allows for what is no fault of a parameter: text that is none, and more than is usual."""
    url, sizes = request.url or "", {name: len(as_text(value) or "") for name, value in request.headers.items()}
    texts = [*map(as_text, request.headers.values()), unquote_to_bytes(url).decode("utf-8", "replace")]
    allowed: set[int] = set()
    if any(CONTROL.search(text or "") for text in texts) or not all((text or "").isascii() for text in texts[:-1]):
        allowed |= {400}
    if any(SUSPECT.search(unquote(text or "")) for text in texts):
        allowed |= {400, 403, 406}
    if len(url) > LONG:
        allowed |= {400, 414}
    if sum(sizes.values()) > LONG:
        allowed |= {400, 431}
    return frozenset(allowed)


def judge_credentials(request: requests.PreparedRequest, target: Target) -> str:
    """Whether they are those given. Unclear is what the contract does not settle: a right one beside a wrong one."""
    header = as_text(request.headers.get("Authorization"))
    cookie = read_cookies(request).get("ks_uat")
    right = {
        header is not None and bool(target.token) and header == f"Bearer {target.token}",
        cookie is not None and bool(target.ks_uat) and cookie == target.ks_uat,
    }
    if header is None or cookie is None:
        if True in right:
            return RIGHT
        scheme, _, token = (header or "").strip().partition(" ")
        swapped = scheme.lower() == "bearer" and token.strip() in (target.token, target.ks_uat) and token.strip()
        return UNCLEAR if swapped or (cookie and cookie == target.token) else WRONG
    return RIGHT if right == {True} else UNCLEAR if True in right else WRONG


def describe_credentials(request: requests.PreparedRequest, target: Target) -> str:
    """What was sent as credentials, in words, for messages. No secret is shown, nor what is nearly one."""
    found = []
    for name, value in request.headers.items():
        text = as_text(value) or ""
        scheme, blank, token = text.partition(" ")
        if name.lower() == "authorization" and scheme.lower() == "bearer":
            found.append(compared("bearer token", token, target))
        elif name.lower() == "authorization" and blank:
            found.append(f"{compared('token', token, target)} with another scheme ('{escaped(scheme, SHOWN)}')")
        elif name.lower() == "authorization":
            found.append(f"{compared('token', text, target)} without a scheme")
        elif name.lower() != "cookie" and any(secret in text for secret in target.secrets.values()):
            found.append(compared(f"header {name}", text, target))
    for name, value in read_cookies(request).items():
        which = "cookie ks_uat" if name == "ks_uat" else f"cookie of another name ('{escaped(name, SHOWN)}')"
        found.append(compared(which, value, target))
    if any(quote(secret, safe="") in (request.url or "") for secret in target.secrets.values()):
        found.append("a credential in the address")
    return " and ".join(found) or "no credentials"


def compared(what: str, value: str, target: Target) -> str:
    """A value, and what it has in common with the secrets."""
    if not value:
        return f"an empty {what}"
    for name, secret in target.secrets.items():
        if value == secret:
            return f"the value of {name} as a {what}"
        if len(value) > 3 and value in secret:
            return f"a part of {name} as a {what}"
        if secret in value:
            return f"{name} and more as a {what}"
        if value.lower() == secret.lower():
            return f"{name} in another case as a {what}"
        if any(form in value for form, _ in disguised(name, secret) if len(form) > 3):
            return f"nearly {name} as a {what}"
    return f"a wrong {what} ('{escaped(value, SHOWN)}')"


def as_text(value: Any) -> str | None:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def due(asked: Asked, target: Target) -> frozenset[int] | None:
    """The statuses that the contract allows in answer, in the order in which it judges; None if it does not say.

    429 and 503, which may happen to any request, are not among them.
    """
    if asked.method != "GET" or not asked.definition:
        return None
    if asked.credentials == WRONG:
        return frozenset({401})
    if asked.invalid_parameters:
        # What is no text is no address either, to some routers.
        return frozenset({404, 422} if CONTROL.search(asked.definition) else {422})
    if asked.definition_judgement == LENIENT:
        allowed = {200, 403, 404, 422}
    elif asked.definition in target.readable:
        allowed = {200}
    elif asked.definition in target.foreign:
        allowed = {403, 404}
    else:
        allowed = {404}
    if LENIENT in asked.judgements.values():
        allowed |= {422}
    if asked.credentials == UNCLEAR:
        allowed |= {401}
    return frozenset(allowed)
