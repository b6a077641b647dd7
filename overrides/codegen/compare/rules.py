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
        note: What has to be said besides, also for the number of the version.
    """

    breaks: Literal["", "clients", "servers", "clients and servers"]
    promise: Literal["less", "more", "otherwise"]
    why: str
    note: str = ""


NEW_CLIENTS = "clients generated from the new contract fail on servers that keep the old one"
UNDECIDED = "undecided: whether it asks for more or for less cannot be told, so it counts as both"
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
    "body-narrower": Rule(
        "servers", "more", "a server may no longer send all that it could; who read it still can", NEW_CLIENTS
    ),
    "body-wider": Rule("clients", "less", "a client has to expect what could not come before"),
    "body-other": Rule("clients and servers", "otherwise", "other answers are allowed than before", NEW_CLIENTS),
    "response-other": Rule("clients and servers", "otherwise", "other answers are allowed than before"),
    "value-added": Rule("", "less", CLOSED),
    "opened": Rule("", "less", CLOSED),
    "field-added": Rule("", "more", CLOSED),
    "required-field-added": Rule("servers", "more", f"a server has to send more; {CLOSED}", NEW_CLIENTS),
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
    "body-added": Rule("servers", "more", "a server has to take a body; who sends none need not"),
    "body-removed": Rule("clients", "less", "who sends it is not understood any more"),
    "default-added": Rule("servers", "more", "a server has to keep to the default"),
    "default-changed": Rule("clients and servers", "otherwise", "who leaves it out gets something else"),
    "default-removed": Rule("clients", "less", "who leaves it out no longer knows what comes"),
    "credential-added": Rule("servers", "more", "a server has to accept one more kind of credentials"),
    "credential-removed": Rule("clients and servers", "less", "who presents it is refused"),
    "operation-added": Rule("servers", "more", "a server has to offer one more operation"),
    "operation-removed": Rule("clients", "less", "who calls it finds it no more"),
    "rule-added": Rule("servers", "more", "a server has to keep one more rule"),
    "rule-removed": Rule("clients", "less", "who relies on the rule can do so no more"),
    "rule-tightened": Rule("servers", "more", "the rule asks for more than before"),
    "rule-loosened": Rule("clients", "less", "the rule promises less than before"),
    "rule-undecided": Rule("clients and servers", "otherwise", UNDECIDED),
    "rule-renamed": Rule("", "otherwise", "what holds is the same; reports name it otherwise"),
    "selection-added": Rule("servers", "more", "a server has to pick exactly these items"),
    "selection-removed": Rule("clients", "less", "who uses the parameter no longer knows what comes"),
    "selection-changed": Rule("clients and servers", "otherwise", "the parameter picks other items than before"),
    "tag-added": Rule("", "more", "what is allowed is the same; it is said which field tells alternatives apart"),
    "tag-removed": Rule("clients", "less", "generated code tells alternatives apart by that field"),
    "tag-changed": Rule("clients and servers", "otherwise", "the same value stands for another alternative"),
    "link-added": Rule("servers", "more", "a server has to keep one more promise: that what it leads to can be called"),
    "link-removed": Rule("clients", "less", "who follows it can do so no more"),
    "link-changed": Rule("clients and servers", "otherwise", "it leads elsewhere than before"),
    "list-added": Rule("servers", "more", "a server has to keep one more promise of its list"),
    "list-removed": Rule("clients", "less", "who relies on it can do so no more"),
    "list-changed": Rule("clients and servers", "otherwise", "the list works otherwise than before"),
    "judged-added": Rule("servers", "more", "a server has to judge in this order"),
    "judged-removed": Rule("clients", "less", "of several faults, nobody knows which one is told"),
    "judged-order": Rule(
        "clients and servers", "otherwise", "a request with several faults is answered with another status than before"
    ),
    "stage-added": Rule("clients and servers", "otherwise", "requests that passed are refused now"),
    "stage-removed": Rule("clients and servers", "otherwise", "requests that were refused pass now"),
    "stage-narrower": Rule("servers", "more", "a server has less choice of what to answer"),
    "stage-wider": Rule("clients", "less", "a client has to expect an answer that was not due before"),
    "stage-other": Rule("clients and servers", "otherwise", "another answer is due than before"),
    "stage-follows": Rule("", "otherwise", "it follows from a status that is new or gone, which is told by itself"),
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
