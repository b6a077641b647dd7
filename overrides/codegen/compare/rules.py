"""The kinds of differences, and whom each one breaks: `breaking` and `drift` rate by this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rule:
    """The effect of a kind of difference.

    Attributes:
        breaks: Who breaks if the second document replaces the first: those that conform to the first only.
        promise: What the second document promises compared with the first.
        why: The reason, in words.
        note: A further effect, which also counts for the version.
    """

    breaks: Literal["", "clients", "servers", "clients and servers"]
    promise: Literal["less", "more", "otherwise"]
    why: str
    note: str = ""


NEW_CLIENTS = "clients generated from the new contract fail on servers that keep the old one"
UNDECIDED = "undecided: the rule may require more or less than before, so it counts as both"
CLOSED = "the client of this repository keeps unknown values and fields; a closed client, which refuses them, breaks"

# Narrower: fewer requests or responses are allowed. Wider: more. Other: neither set contains the other.
RULES = {
    "request-narrower": Rule("clients and servers", "less", "a server must refuse requests that were allowed"),
    "request-wider": Rule("servers", "more", "a server must accept requests that it had to refuse"),
    "request-other": Rule("clients and servers", "otherwise", "the set of allowed requests is different"),
    "response-narrower": Rule(
        "servers", "more", "a server may no longer send everything that was allowed; old clients can still read it"
    ),
    "response-wider": Rule("clients", "less", "a client must expect responses that were not allowed"),
    "body-narrower": Rule(
        "servers",
        "more",
        "a server may no longer send everything that was allowed; old clients can still read it",
        NEW_CLIENTS,
    ),
    "body-wider": Rule("clients", "less", "a client must expect responses that were not allowed"),
    "body-other": Rule("clients and servers", "otherwise", "the set of allowed responses is different", NEW_CLIENTS),
    "response-other": Rule("clients and servers", "otherwise", "the set of allowed responses is different"),
    "value-added": Rule("", "less", CLOSED),
    "opened": Rule("", "less", CLOSED),
    "field-added": Rule("", "more", CLOSED),
    "required-field-added": Rule("servers", "more", f"a server must send a further field; {CLOSED}", NEW_CLIENTS),
    "field-removed": Rule("clients", "less", "clients that read the field do not get it"),
    "status-added": Rule("", "more", CLOSED),
    "success-added": Rule("clients", "otherwise", "no client expects this success"),
    "status-removed": Rule("servers", "less", "a server may no longer answer with it; old clients can still handle it"),
    "success-removed": Rule("clients and servers", "less", "clients expect this success"),
    "header-added": Rule("", "more", "clients ignore unknown headers"),
    "required-header-added": Rule("servers", "more", "a server must send a further header"),
    "header-removed": Rule("clients", "less", "clients that read the header do not get it"),
    "media-added": Rule("", "more", "a client gets what its Accept header names"),
    "media-removed": Rule("clients and servers", "less", "clients that accept only this type get no response"),
    "parameter-added": Rule("servers", "more", "a server must support a further parameter; clients need not send it"),
    "parameter-removed": Rule("clients", "less", "servers no longer support the parameter"),
    "body-added": Rule("servers", "more", "a server must accept a body; clients need not send one"),
    "body-removed": Rule("clients", "less", "servers no longer accept a body"),
    "default-added": Rule("servers", "more", "a server must apply the default"),
    "default-changed": Rule("clients and servers", "otherwise", "a request without the value gets another result"),
    "default-removed": Rule("clients", "less", "the result of a request without the value is no longer defined"),
    "credential-added": Rule("servers", "more", "a server must accept a further kind of credential"),
    "credential-removed": Rule("clients and servers", "less", "requests with this credential are refused"),
    "operation-added": Rule("servers", "more", "a server must implement a further operation"),
    "operation-removed": Rule("clients", "less", "calls of the operation fail"),
    "rule-added": Rule("servers", "more", "a server must satisfy a further rule"),
    "rule-removed": Rule("clients", "less", "clients can no longer rely on the rule"),
    "rule-tightened": Rule("servers", "more", "the rule requires more than before"),
    "rule-loosened": Rule("clients", "less", "the rule promises less than before"),
    "rule-undecided": Rule("clients and servers", "otherwise", UNDECIDED),
    "rule-renamed": Rule("", "otherwise", "the condition is the same; reports use the new name"),
    "selection-added": Rule("servers", "more", "a server must select exactly these items"),
    "selection-removed": Rule("clients", "less", "which items the parameter selects is no longer defined"),
    "selection-changed": Rule("clients and servers", "otherwise", "the parameter selects other items than before"),
    "tag-added": Rule("", "more", "the allowed values are the same; the discriminator is now stated"),
    "tag-removed": Rule("clients", "less", "generated code selects the alternative by this field"),
    "tag-changed": Rule("clients and servers", "otherwise", "the same value selects another alternative"),
    "link-added": Rule("servers", "more", "a server must support the linked call"),
    "link-removed": Rule("clients", "less", "clients can no longer follow the link"),
    "link-changed": Rule("clients and servers", "otherwise", "the link has another target or other values"),
    "list-added": Rule("servers", "more", "a server must keep a further promise about its list"),
    "list-removed": Rule("clients", "less", "clients can no longer rely on it"),
    "list-changed": Rule("clients and servers", "otherwise", "the list works differently"),
    "judged-added": Rule("servers", "more", "a server must check requests in this order"),
    "judged-removed": Rule("clients", "less", "for a request with several errors, the status is no longer defined"),
    "judged-order": Rule("clients and servers", "otherwise", "a request with several errors gets another status"),
    "stage-added": Rule("clients and servers", "otherwise", "requests that were accepted are refused"),
    "stage-removed": Rule("clients and servers", "otherwise", "requests that were refused are accepted"),
    "stage-narrower": Rule("servers", "more", "a server may answer with fewer statuses"),
    "stage-wider": Rule("clients", "less", "a client must expect a status that was not allowed here"),
    "stage-other": Rule("clients and servers", "otherwise", "the status is different"),
    "stage-follows": Rule("", "otherwise", "follows from an added or removed status, which is reported separately"),
    "unreadable": Rule("clients and servers", "otherwise", "it is not valid, so it promises nothing"),
}


@dataclass(frozen=True)
class Difference:
    """One difference between two documents.

    Attributes:
        kind: A key of RULES.
        place: The place in words, such as `200 body.items[].status`; the first one for a component used several times.
        what: The difference, in words.
        old: JSON pointer into the first document; to the parent if that document lacks the value.
        new: The same for the second document.
    """

    kind: str
    place: str
    what: str
    old: str
    new: str
