"""The kinds of differences, and what each does to whom: the table that `breaking` and `drift` rate by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rule:
    """What a kind of difference does.

    Attributes:
        breaks: Whom, if the second document takes the place of the first: who keeps to the first no longer fits.
        promise: What the second document promises, measured by the first.
        why: In words, as said of a change.
    """

    breaks: Literal["", "clients", "servers", "clients and servers"]
    promise: Literal["less", "more", "otherwise"]
    why: str


CLOSED = "the client of this repository keeps what it does not know; a client that refuses it (a closed one) breaks"

# Narrower: fewer requests are allowed, or fewer answers. Wider: more. Other: neither contains the other.
RULES = {
    "request-narrower": Rule("clients and servers", "less", "a request that was allowed has to be refused now"),
    "request-wider": Rule("servers", "more", "a server has to accept what it had to refuse"),
    "request-other": Rule("clients and servers", "otherwise", "other requests are allowed than before"),
    "response-narrower": Rule(
        "servers", "more", "a server may no longer send all that it could; who read it still can"
    ),
    "response-wider": Rule("clients", "less", "a client has to expect what could not come before"),
    "response-other": Rule("clients and servers", "otherwise", "other answers are allowed than before"),
    "value-added": Rule("", "less", CLOSED),
    "opened": Rule("", "less", CLOSED),
    "field-added": Rule("", "more", CLOSED),
    "required-field-added": Rule("servers", "more", f"a server has to send more; {CLOSED}"),
    "field-removed": Rule("clients", "less", "who reads the field finds it no more"),
    "status-added": Rule("", "more", CLOSED),
    "success-added": Rule("clients", "otherwise", "a success that no client expects"),
    "status-removed": Rule("servers", "less", "a server may no longer answer with it; who handles it still can"),
    "success-removed": Rule("clients and servers", "less", "the answer that clients wait for is gone"),
    "header-added": Rule("", "more", "who does not know the header ignores it"),
    "required-header-added": Rule("servers", "more", "a server has to send more"),
    "header-removed": Rule("clients", "less", "who reads the header finds it no more"),
    "media-added": Rule("", "more", "a client gets what its Accept header asks for"),
    "media-removed": Rule("clients and servers", "less", "who asks for this type gets it no more"),
    "parameter-added": Rule(
        "servers", "more", "a server has to honour one more parameter; who does not send it need not"
    ),
    "parameter-removed": Rule("clients", "less", "who sends it is not understood any more"),
    "default-added": Rule("servers", "more", "a server has to keep to the default"),
    "default-changed": Rule("clients and servers", "otherwise", "who leaves it out gets something else"),
    "default-removed": Rule("clients", "less", "who leaves it out no longer knows what comes"),
    "credential-added": Rule("servers", "more", "a server has to accept one more kind of credentials"),
    "credential-removed": Rule("clients and servers", "less", "who presents it is refused"),
    "operation-added": Rule("servers", "more", "a server has to offer one more operation"),
    "operation-removed": Rule("clients", "less", "who calls it finds it no more"),
    "unreadable": Rule("clients and servers", "otherwise", "it cannot be read, so nothing is promised"),
}


@dataclass(frozen=True)
class Difference:
    """One difference between two documents.

    Attributes:
        kind: A key of RULES.
        place: Where, in words, such as `200 body.items[].status`; of a component that is used in several, the first.
        what: The difference, in words.
        old: JSON pointer into the first document; where it has nothing, to what would hold it.
        new: The same for the second document.
    """

    kind: str
    place: str
    what: str
    old: str
    new: str
