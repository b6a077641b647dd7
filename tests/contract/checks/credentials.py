"""Credentials: which are accepted, and what they give access to."""

from functools import partial
from typing import Any

from schemathesis import Case, Response

from ..indistinguishable import Traits, find_difference, traits
from ..interaction import Interaction, resend
from ..operation import Operation
from ..parameter import VALID
from ..parsed_request import RIGHT
from ..run_state import run_state
from .base import Check, UnexpectedStatus, Violation, check
from .bounds import one_of

# Kept refusals per foreign id: each may differ from that of an unknown id.
KINDS = 8
# Operation, status and what was sent.
Kind = tuple[str, int, str]


@check
def credentials_required(found: Interaction) -> bool | None:
    """Without valid credentials the request is refused for that reason, whatever else is wrong."""
    refused = found.operation.refused("credentials")
    if (
        found.allowed_statuses is None
        or found.allowed_statuses != refused
        or found.status in found.operation.transient_statuses
    ):
        return True
    if found.status not in refused:
        kind = found.parsed.kind_of_credentials
        raise UnexpectedStatus(f"request with {kind}: the status must be {one_of(refused)} (got {found.status})")
    return None


@check
def credentials_accepted(found: Interaction) -> bool | None:
    """Each of the given credentials is sufficient alone."""
    if (
        found.allowed_statuses is None
        or found.parsed.credentials != RIGHT
        or found.status in found.operation.transient_statuses
    ):
        return True
    if found.status in found.operation.refused("credentials"):
        raise UnexpectedStatus(
            f"request with {found.parsed.kind_of_credentials}: the credentials must be accepted (got {found.status})"
        )
    return None


def hides_foreign_ids(operation: Operation) -> bool:
    """True if the contract hides items of other tenants: refused exactly as if they did not exist."""
    return any(stage.hides_other_tenants for stage in operation.described.judged)


@check
class foreign_id_hidden(Check):
    """An item that the credentials may not read is refused: no access, or as if it did not exist.

    Where credentials or parameters are refused, its refusal does not differ from that of an unknown id either.
    """

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, str, str], set[int]] = {}
        self.compared: set[tuple[str, object]] = set()
        self.unknown: dict[Kind, Traits] = {}
        self.hidden: dict[tuple[str, Kind], list[tuple[Case[Any], Traits]]] = {}

    def judge(self, found: Interaction) -> bool | None:
        operation = found.operation
        if found.allowed_statuses is None or found.status in operation.transient_statuses or not operation.parent:
            return True
        parsed, allowed, status = found.parsed, found.allowed_statuses, found.status
        before, absent = operation.refused("credentials", "parameters"), operation.refused("existence")
        ids = run_state().target.ids_of(operation)
        is_foreign = parsed.parent in ids.foreign
        if is_foreign and not allowed & before and status not in before:
            run_state().foreign_statuses.add(status)
            if status not in allowed:
                raise UnexpectedStatus(
                    f"{parsed.subject} may not be read with these credentials: the status must be {one_of(allowed)} "
                    f"(got {status})"
                )
            # The two credentials may belong to different users.
            seen = self.statuses.setdefault((operation.name, parsed.parent, parsed.scheme), set())
            seen.add(status)
            if len(seen) > 1:
                statuses = " and ".join(map(str, sorted(seen)))
                raise UnexpectedStatus(f"{parsed.subject} must always be refused with the same status (got {statuses})")
            if status in absent:
                self.compare(operation, parsed.parent, (operation.name, status), found.case)
        if status not in allowed or status not in before | absent or parsed.parent_judgement != VALID:
            return True
        # The rest of the request, as far as it may matter.
        names = found.response.request.headers.keys() & {"Authorization", "Cookie"}
        sent = parsed.query_text if status in operation.refused("parameters") else sorted(names)
        key = operation.name, status, str(sent)
        if is_foreign:
            self.note(parsed.parent, key, found)
        elif parsed.parent not in ids.readable:
            self.unknown.setdefault(key, traits(found.response, parsed.parent))
        for (parent, each), answers in self.hidden.items():
            if each[0] != operation.name:
                continue
            for case, answer in answers if each in self.unknown else ():
                if answer != self.unknown[each]:
                    # The refusals may vary from request to request.
                    self.compare(operation, parent, each, case)
        return None if is_foreign else True

    def note(self, parent: str, key: Kind, found: Interaction) -> None:
        """Keep one of each kind of refusal."""
        answers, answer = self.hidden.setdefault((parent, key), []), traits(found.response, parent)
        if len(answers) < KINDS and all(answer != each for _, each in answers):
            answers.append((found.case, answer))

    def compare(self, operation: Operation, parent: str, key: object, case: Case[Any]) -> None:
        if (parent, key) in self.compared or not hides_foreign_ids(operation):
            return
        self.compared.add((parent, key))
        name = operation.parent
        # As sent: a server may distinguish upper and lower case.
        if how := find_difference(
            partial(refusal, operation, case), str(case.path_parameters[name]), run_state().target.seed
        ):
            raise Violation(f"{name} {parent} must be refused exactly as one that does not exist, but {how}")


def refusal(operation: Operation, case: Case[Any], parent: str) -> Response | None:
    """Send the same request for another id; None if the response is no refusal."""
    other = case.derive(keep_auth=True)
    other.path_parameters = {operation.parent: parent}
    response = resend(other).response
    refusals = operation.refused("credentials", "parameters", "existence")
    return response if response.status_code in refusals else None
