"""Parses a request as it was sent, and derives the statuses that the contract allows.

The request alone decides, not its origin: requests of Schemathesis and probes are judged alike. What the contract
leaves to the server, such as a UUID without dashes, may be accepted or refused.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, unquote_to_bytes, urlsplit

import requests

from codegen.cel import MISSING
from codegen.extensions import Stage
from codegen.text import escaped

from .contract import contract
from .operation import Credential, Operation
from .parameter import INTEROPERABLE, INVALID, VALID, VARIANT, integer_variant
from .redaction import encoded_forms
from .target import NONEXISTENT_IDS, Target

# Not part of text: control characters, and U+FFFD, to which invalid UTF-8 decodes.
CONTROL = re.compile("[\x00-\x1f\x7f\ufffd]")
# Texts that firewalls regard as an attack.
SUSPECT = re.compile(r"'|\bor 1=1|\x00", re.IGNORECASE)
# Characters of a URL, or of all headers, that every server accepts. Some have a limit of 4 or 8 KiB.
LONG_REQUEST = 2000
# Servers and proxies may read these in an id as the end of a segment, or as another route, or refuse them.
NO_SEGMENT = re.compile(r"[/\\;{}]|^\.{0,2}$")

# Statuses for a body of another content type.
BODY_STATUSES = {400, 415}
# Characters of a sent value in a message.
SHOWN = 40

RIGHT, WRONG, UNCLEAR = "right", "wrong", "unclear"


@dataclass(frozen=True)
class Integer:
    """A limit or an offset."""

    judgement: str
    values: frozenset[int]
    """The possible values; empty if it cannot be parsed."""
    is_given: bool = True

    @property
    def echoes(self) -> frozenset[int]:
        """The values that a page may echo: large ones also as the nearest floating-point number."""
        return self.values | {int(float(value)) for value in self.values if INTEROPERABLE < abs(value) < 10**300}


def read_integer(operation: Operation, name: str, texts: list[str]) -> Integer:
    judgement = operation.query[name].judge(texts)
    if not texts:
        return Integer(judgement, frozenset({operation.defaults[name]}), is_given=False)
    found = map(integer_variant, texts)
    return Integer(judgement, frozenset(value for value in found if value is not None))


@dataclass(frozen=True)
class ParsedRequest:
    """A parsed request."""

    operation: Operation
    """The requested operation; the intended one if URL or method match none."""
    method: str
    is_at_address: bool
    """True if the URL is the operation's."""
    parent: str
    """The id in the path: in lower case if it is a UUID, empty if the URL is not the operation's."""
    integers: Mapping[str, Integer]
    """Limit and offset of a list, by name."""
    judgements: Mapping[str, str]
    """The judgement of each parameter that is given or required."""
    credentials: str
    kind_of_credentials: str
    """A description for messages, without secrets."""
    scheme: str
    """The security scheme of the right credential; empty if there is none."""
    texts: Mapping[str, tuple[str, ...]]
    """The texts of each parameter."""
    body: Any = MISSING
    """The body as JSON value."""
    is_discovered: bool = False
    """True if the server gave the id of this item."""
    is_deleted: bool = False
    """True if an earlier request deleted the item."""
    is_trailing_slash: bool = False
    early_statuses: frozenset[int] = frozenset()
    """Statuses with which servers and proxies may refuse it before the API sees it."""

    @property
    def is_operation(self) -> bool:
        """True if it requests the operation."""
        return self.is_at_address and self.method == self.operation.method

    @property
    def parent_judgement(self) -> str:
        return self.judgements.get(self.operation.parent, VALID)

    @property
    def limit(self) -> Integer | None:
        """None if no list is requested."""
        return self.integers.get(self.operation.listing.limit) if self.operation.listing else None

    @property
    def offset(self) -> Integer | None:
        return self.integers.get(self.operation.listing.offset) if self.operation.listing else None

    @property
    def cursor(self) -> str | None:
        """The cursor of the page; None for the first page."""
        texts = self.texts.get(self.operation.listing.cursor, ()) if self.operation.listing else ()
        return texts[0] if texts else None

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """The values of filters as JSON, with defaults."""
        found = {}
        for name, parameter in self.operation.filters.items():
            if name in self.texts:
                found[name] = parameter.value(self.texts[name])
            elif "default" in parameter.schema:
                found[name] = parameter.schema["default"]
        return tuple((name, json.dumps(value, sort_keys=True)) for name, value in sorted(found.items()))

    @property
    def subject(self) -> str:
        """The id in the path, for messages."""
        return f"{self.operation.parent} {self.parent}"

    def sent_text(self, name: str) -> str:
        """Return a parameter as it was sent, for messages."""
        texts = self.texts.get(name, ())
        return escaped(" and ".join(f"{name}='{text}'" for text in texts), SHOWN) or f"no {name}"

    @property
    def query_text(self) -> str:
        """All parameters except that in the path, for messages."""
        return (
            ", ".join(self.sent_text(name) for name in self.texts if name != self.operation.parent) or "without a query"
        )

    @property
    def invalid_parameters(self) -> set[str]:
        return {name for name, judgement in self.judgements.items() if judgement == INVALID}


@dataclass
class Discovered:
    """What the server has shown to exist."""

    cursors: set[str] = field(default_factory=set)
    """Cursors of pages. Whether a server accepts others is left to it."""
    ids: dict[str, set[str]] = field(default_factory=dict)
    """Ids from other operations, by parameter."""
    deleted: dict[str, set[str]] = field(default_factory=dict)
    """Ids of items deleted since, by parameter."""


def read_request(
    request: requests.PreparedRequest, target: Target, intended: Operation, discovered: Discovered
) -> ParsedRequest:
    """Parse a request. `intended` is the operation that it was made for; its URL may be another one."""
    url = urlsplit(request.url or "")
    path, method = url.path.removeprefix(urlsplit(target.base_url).path), request.method or ""
    operation, found = intended, intended.address.fullmatch(path)
    if found is None or method != intended.method:
        for each in contract().operations:
            if each.method == method and (other := each.address.fullmatch(path)):
                operation, found = each, other
                break
    query = parse_qs(url.query, keep_blank_values=True)
    text = unquote(found[1]) if found else ""
    is_at_address = found is not None and not (operation.parent and NO_SEGMENT.search(text))
    if not is_at_address:
        text = ""
    is_trailing_slash = bool(found and found[2])
    integers = {name: read_integer(operation, name, query.get(name, [])) for name in operation.defaults}
    others = {
        name: parameter.judge(query.get(name, []))
        for name, parameter in operation.query.items()
        if name not in operation.defaults and (name in query or parameter.is_required)
    }
    cursor = operation.listing.cursor if operation.listing else ""
    if others.get(cursor) == VALID and query[cursor][0] not in discovered.cursors:
        others[cursor] = VARIANT
    parent = operation.in_path.get(operation.parent)
    identifier = "" if is_trailing_slash or parent is None else parent.normalize(text)
    body: Any = MISSING
    if operation.request_body:
        others["body"], body = operation.request_body.judge(request)
    judgement, scheme = judge_credentials(request, target, operation)
    return ParsedRequest(
        operation=operation,
        method=method,
        is_at_address=is_at_address and not is_trailing_slash,
        parent=identifier,
        is_discovered=identifier in discovered.ids.get(operation.parent, ()),
        is_deleted=identifier in discovered.deleted.get(operation.parent, ()),
        integers=integers,
        judgements={
            **({parent.name: parent.judge_one(text)} if parent else {}),
            **{name: integer.judgement for name, integer in integers.items()},
            **others,
        },
        credentials=judgement,
        kind_of_credentials=describe_credentials(request, target, operation),
        scheme=scheme,
        texts={name: tuple(texts) for name, texts in query.items()} | ({parent.name: (text,)} if parent else {}),
        is_trailing_slash=is_trailing_slash,
        early_statuses=early_refusals(request) | (BODY_STATUSES if others.get("body") == VARIANT else set()),
        body=body,
    )


def read_cookies(request: requests.PreparedRequest) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in (as_text(request.headers.get("Cookie")) or "").split(";"))
    return {name: value for name, _, value in pairs if name}


def early_refusals(request: requests.PreparedRequest) -> frozenset[int]:
    """Return statuses that HTTP allows for non-text, suspicious text, and large requests."""
    url, sizes = request.url or "", {name: len(as_text(value) or "") for name, value in request.headers.items()}
    texts = [*map(as_text, request.headers.values()), unquote_to_bytes(url).decode("utf-8", "replace")]
    allowed: set[int] = set()
    if any(CONTROL.search(text or "") for text in texts) or not all((text or "").isascii() for text in texts[:-1]):
        allowed |= {400}
    if any(SUSPECT.search(unquote(text or "")) for text in texts):
        allowed |= {400, 403, 406}
    if len(url) > LONG_REQUEST:
        allowed |= {400, 414}
    if sum(sizes.values()) > LONG_REQUEST:
        allowed |= {400, 431}
    return frozenset(allowed)


def sent_value(request: requests.PreparedRequest, credential: Credential) -> str | None:
    """Return the value that the request sends for this credential."""
    if credential.place == "header":
        return as_text(request.headers.get(credential.name))
    if credential.place == "cookie":
        return read_cookies(request).get(credential.name)
    texts = parse_qs(urlsplit(request.url or "").query, keep_blank_values=True).get(credential.name)
    return texts[-1] if texts else None


def judge_credentials(request: requests.PreparedRequest, target: Target, operation: Operation) -> tuple[str, str]:
    """Judge the credentials. Returns the judgement and the security scheme.

    Unclear are cases that the contract does not define: a right credential beside a wrong one, or in another place.
    """
    right, wrong = [], []
    for credential in operation.credentials:
        value = sent_value(request, credential)
        secret = target.secrets.get(credential.variable)
        if value is not None and secret and value == credential.prefix + secret:
            right.append(credential.scheme)
        elif value is not None:
            wrong.append(without_prefix(value, credential))
    if right:
        return (UNCLEAR if wrong else RIGHT), right[0]
    is_near = len(wrong) == 1 and wrong[0] in target.secrets.values()
    return UNCLEAR if is_near else WRONG, ""


def without_prefix(value: str, credential: Credential) -> str:
    """Return the value without its prefix, in any case."""
    prefix = credential.prefix
    value = value.strip()
    return value[len(prefix) :].strip() if value.lower().startswith(prefix.lower()) else "" if prefix else value


def describe_credentials(request: requests.PreparedRequest, target: Target, operation: Operation) -> str:
    """Describe the credentials for messages, without secrets or near-secrets."""
    found = []
    known = {
        (each.place, each.name.lower() if each.place == "header" else each.name): each for each in operation.credentials
    }
    for name, value in request.headers.items():
        text, credential = as_text(value) or "", known.get(("header", name.lower()))
        if credential and credential.prefix:
            found.append(describe_header(text, credential, target))
        elif credential or (name.lower() != "cookie" and any(secret in text for secret in target.secrets.values())):
            found.append(describe_value(f"header {name}", text, target))
    for name, value in read_cookies(request).items():
        is_known = ("cookie", name) in known
        which = f"cookie {name}" if is_known else f"cookie named '{escaped(name, SHOWN)}'"
        found.append(describe_value(which, value, target))
    if any(quote(secret, safe="") in (request.url or "") for secret in target.secrets.values()):
        found.append("a credential in the address")
    return " and ".join(found) or "no credentials"


def describe_header(text: str, credential: Credential, target: Target) -> str:
    """Describe a header with an authentication scheme."""
    wanted = credential.prefix.strip().lower()
    scheme, blank, token = text.partition(" ")
    if scheme.lower() == wanted:
        return describe_value(f"{wanted} token", token, target)
    if blank:
        return f"{describe_value('token', token, target)} with another scheme ('{escaped(scheme, SHOWN)}')"
    return f"{describe_value('token', text, target)} without a scheme"


def describe_value(what: str, value: str, target: Target) -> str:
    """Describe a value, and what it has in common with the secrets."""
    if not value:
        return f"an empty {what}"
    for name, secret in target.secrets.items():
        if value == secret:
            return f"the value of {name} as a {what}"
    for name, secret in target.secrets.items():
        if len(value) > 3 and value in secret:
            return f"a part of {name} as a {what}"
        if secret in value:
            return f"{name} and more as a {what}"
        if value.lower() == secret.lower():
            return f"{name} in another case as a {what}"
        if any(form in value for form, _ in encoded_forms(name, secret) if len(form) > 3):
            return f"nearly {name} as a {what}"
    return f"a wrong {what} ('{escaped(value, SHOWN)}')"


def as_text(value: Any) -> str | None:
    return value.decode("latin-1") if isinstance(value, bytes) else value


PASSES, FAILS, OPEN = "passes", "fails", "open"


def allowed_statuses(parsed: ParsedRequest, target: Target) -> frozenset[int] | None:
    """Return the statuses that the contract allows, by its order of judgement; None if it does not say.

    Statuses that any request may get, such as 429, are not included.
    """
    operation = parsed.operation
    stages = operation.described.judged
    if not parsed.is_operation or not stages:
        return None
    allowed: set[int] = set()
    for stage in stages:
        outcome = stage_result(stage, parsed, target)
        if outcome != PASSES:
            allowed |= set(stage.statuses)
        if outcome == FAILS:
            if stage.name == "parameters" and CONTROL.search(parsed.parent):
                # Some routers treat non-text as another URL.
                allowed |= operation.refused("existence")
            if stage.name == "existence" and parsed.parent not in NONEXISTENT_IDS:
                # It may have existed once.
                allowed |= operation.refused("state")
            return frozenset(allowed)
    return frozenset(allowed | {operation.page_status})


def stage_result(stage: Stage, parsed: ParsedRequest, target: Target) -> str:
    """Return whether the request passes a stage of `x-judged`; open if the contract leaves it to the server."""
    if stage.name == "credentials":
        return {RIGHT: PASSES, WRONG: FAILS}.get(parsed.credentials, OPEN)
    if stage.name == "parameters":
        return FAILS if parsed.invalid_parameters else OPEN if VARIANT in parsed.judgements.values() else PASSES
    if stage.name in ("existence", "access"):
        if parsed.parent_judgement != VALID or stage.parameter not in ("", parsed.operation.parent):
            return OPEN
        ids = target.ids_of(parsed.operation)
        if parsed.is_deleted:
            return PASSES if parsed.operation.refused("state") else FAILS if stage.name == "existence" else OPEN
        if parsed.is_discovered:
            return PASSES
        if parsed.parent in ids.readable:
            return PASSES
        if parsed.parent in ids.foreign:
            # Of another tenant, or without access: unknown which.
            return FAILS if stage.name == "access" else OPEN
        return FAILS if stage.name == "existence" else PASSES
    if stage.name == "state":
        return FAILS if parsed.is_deleted else OPEN
    return PASSES
