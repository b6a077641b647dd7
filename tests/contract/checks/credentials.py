"""Credentials: who is let in, and to what."""

from functools import partial
from typing import Any

from schemathesis import Case, Response

from ..alike import Traits, told_apart, traits
from ..asked import RIGHT
from ..contract import contract
from ..interaction import Interaction, again
from ..operation import VALID
from ..under_way import under_way
from .base import Check, StatusNotDue, Violation, check
from .bounds import one_of

# How many kinds of answers about a list that must not be shown are kept: each may be told apart.
KINDS = 8


@check
def credentials_required(found: Interaction) -> bool | None:
    """Without right credentials the request is refused as such, whatever else is wrong with it."""
    refused = contract().refused("credentials")
    if found.due is None or found.due != refused or found.status in contract().not_now:
        return True
    if found.status not in refused:
        kind = found.asked.kind_of_credentials
        raise StatusNotDue(f"a request with {kind} was answered with {found.status}, not {one_of(refused)}")
    return None


@check
def credentials_accepted(found: Interaction) -> bool | None:
    """Each of the credentials given is enough, by itself."""
    if found.due is None or found.asked.credentials != RIGHT or found.status in contract().not_now:
        return True
    if found.status in contract().refused("credentials"):
        raise StatusNotDue(f"a request with {found.asked.kind_of_credentials} was answered with {found.status}")
    return None


def hides() -> bool:
    """Whether what belongs to another tenant is answered exactly as what is not there."""
    return any(stage.hides_other_tenants for stage in contract().described.judged)


@check
class foreign_definition_hidden(Check):
    """A list that the credentials may not read shows nothing: no access, or as if it did not exist.

    Nor is it told from one that does not exist where credentials or parameters are refused.
    """

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, str], set[int]] = {}
        self.compared: set[tuple[str, object]] = set()
        self.unknown: dict[object, Traits] = {}
        self.hidden: dict[tuple[str, object], list[tuple[Case[Any], Traits]]] = {}

    def judge(self, found: Interaction) -> bool | None:
        if found.due is None or found.status in contract().not_now:
            return True
        asked, due, status = found.asked, found.due, found.status
        before, absent = contract().refused("credentials", "parameters"), contract().refused("existence")
        is_foreign = asked.parent in under_way().target.foreign
        if is_foreign and not due & before and status not in before:
            under_way().foreign.add(status)
            if status not in due:
                raise StatusNotDue(
                    f"{asked.named} may not be read with these credentials, and must be answered with {one_of(due)} "
                    f"(got {status})"
                )
            # Either credential may be somebody else's.
            seen = self.statuses.setdefault((asked.parent, asked.scheme), set())
            seen.add(status)
            if len(seen) > 1:
                raise StatusNotDue(f"{asked.named} is answered with {' and with '.join(map(str, sorted(seen)))}")
            if status in absent:
                self.compare(asked.parent, status, found.case)
        if status not in due or status not in before | absent or asked.parent_judgement != VALID:
            return True
        # What was sent else, as far as it may matter.
        names = found.response.request.headers.keys() & {"Authorization", "Cookie"}
        sent = asked.query if status in contract().refused("parameters") else sorted(names)
        key = status, str(sent)
        if is_foreign:
            self.note(asked.parent, key, found)
        elif asked.parent not in under_way().target.readable:
            self.unknown.setdefault(key, traits(found.response, asked.parent))
        for (parent, each), answers in self.hidden.items():
            for case, answer in answers if each in self.unknown else ():
                if answer != self.unknown[each]:
                    # Perhaps they vary anyway.
                    self.compare(parent, each, case)
        return None if is_foreign else True

    def note(self, parent: str, key: object, found: Interaction) -> None:
        """Keeps one of each kind of answers."""
        answers, answer = self.hidden.setdefault((parent, key), []), traits(found.response, parent)
        if len(answers) < KINDS and all(answer != each for _, each in answers):
            answers.append((found.case, answer))

    def compare(self, parent: str, key: object, case: Case[Any]) -> None:
        if (parent, key) in self.compared or not hides():
            return
        self.compared.add((parent, key))
        name = contract().parent
        # As it was sent: a server may tell its capitals apart.
        if how := told_apart(partial(refusal, case), str(case.path_parameters[name]), under_way().target.seed):
            raise Violation(f"{name} {parent} must be answered exactly as one that does not exist, but {how}")


def refusal(case: Case[Any], parent: str) -> Response | None:
    """What answers the same request for another list; None if it is no refusal."""
    other = case.derive(keep_auth=True)
    other.path_parameters = {contract().parent: parent}
    response = again(other).response
    refusals = contract().refused("credentials", "parameters", "existence")
    return response if response.status_code in refusals else None
