"""What a request asks for, read from the request as it was sent, and which statuses the contract allows in answer.

The request decides, not how it came about: whatever Schemathesis or a probe makes up is judged in the same way.

Some spellings break the contract's letter, but FastAPI, which deployments are built on, takes them: `1.0`, `+5`, ` 5`,
`05` and `1_0` for integers, a UUID without dashes, a parameter given twice. Either answer to these is right; one that
takes them is noted as lenient.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests

from .target import OPERATION, UUID, Target

DEFAULTS = {"limit": 20, "offset": 0}
LIMITS = range(1, 101)
# The contract gives offset no upper bound. Beyond what databases count in, a refusal is a fair answer as well.
OFFSETS = range(0, 2**63 + 1)

INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
LENIENT_INTEGER = re.compile(r"\s*([+-]?[0-9]+(?:_[0-9]+)*)(?:\.0*)?\s*", re.ASCII)
LENIENT_UUID = re.compile(r"(urn:uuid:)?\{?([0-9a-f]-?){32}\}?", re.ASCII | re.IGNORECASE)
# Servers and proxies may take these in an id for the end of a path segment, or refuse them before the API is asked.
NO_SEGMENT = re.compile(r"[/\\\x00-\x1f\x7f]|^\.{0,2}$")

VALID, LENIENT, INVALID = "valid", "lenient", "invalid"
RIGHT, WRONG, UNCLEAR = "right", "wrong", "unclear"


@dataclass(frozen=True)
class Integer:
    """One integer parameter of a request."""

    judgement: str
    values: frozenset[int]
    """What a page may name it as; empty if it cannot be read."""
    is_given: bool = True


def read_integer(name: str, texts: list[str]) -> Integer:
    if not texts:
        return Integer(VALID, frozenset({DEFAULTS[name]}), is_given=False)
    allowed = LIMITS if name == "limit" else OFFSETS
    judgements, values = set(), set()
    for text in texts:
        plain, lenient = INTEGER.fullmatch(text), LENIENT_INTEGER.fullmatch(text)
        # int() refuses longer ones.
        if not lenient or len(text) > 4000:
            judgements.add(INVALID)
            continue
        value = int(lenient[1])
        values.add(value)
        if value in allowed:
            judgements.add(VALID if plain else LENIENT)
        else:
            judgements.add(LENIENT if name == "offset" and value >= 0 else INVALID)
    judgement = judgements.pop() if len(texts) == 1 or judgements == {INVALID} else LENIENT
    return Integer(judgement, frozenset(values))


@dataclass(frozen=True)
class Asked:
    """What one request asks for."""

    method: str
    definition: str
    """The id in lower case, as it was sent otherwise; empty if the address is another one than the operation's."""
    definition_judgement: str
    limit: Integer
    offset: Integer
    credentials: str
    is_trailing_slash: bool = False
    is_garbled: bool = False
    """Whether a header holds more than ASCII: a server may refuse that before it looks at anything."""

    @property
    def invalid_parameters(self) -> set[str]:
        judged = {
            "definition_id": self.definition_judgement,
            "limit": self.limit.judgement,
            "offset": self.offset.judgement,
        }
        return {name for name, judgement in judged.items() if judgement == INVALID}

    @property
    def is_lenient(self) -> bool:
        return LENIENT in (self.definition_judgement, self.limit.judgement, self.offset.judgement)


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
        credentials=judge_credentials(request, target),
        is_trailing_slash=is_trailing_slash,
        is_garbled=not (as_text(request.headers.get("Authorization")) or "").isascii(),
    )


def judge_credentials(request: requests.PreparedRequest, target: Target) -> str:
    """Whether they are those given. Unclear is what the contract does not settle: a right one beside a wrong one."""
    header = as_text(request.headers.get("Authorization"))
    pairs = (pair.strip().partition("=") for pair in (as_text(request.headers.get("Cookie")) or "").split(";"))
    cookie = {name: value for name, _, value in pairs}.get("ks_uat")
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
        return frozenset({422})
    if asked.definition_judgement == LENIENT:
        allowed = {200, 403, 404, 422}
    elif asked.definition in target.readable:
        allowed = {200}
    elif asked.definition in target.foreign:
        allowed = {403, 404}
    else:
        allowed = {404}
    if asked.is_lenient:
        allowed |= {422}
    if asked.credentials == UNCLEAR:
        allowed |= {401}
    return frozenset(allowed)
