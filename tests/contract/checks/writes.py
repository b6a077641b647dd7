"""A created item exists, a deleted one does not, and nothing else is changed or deleted."""

from urllib.parse import urlsplit

import requests
from schemathesis import CheckContext

from codegen.extensions import Answer

from ..contract import contract, follow_links
from ..interaction import Interaction
from ..operation import Operation
from ..pages import shorten
from ..parsed_request import RIGHT
from ..run_state import run_state
from .base import Check, UnexpectedStatus, Violation, check
from .bounds import one_of, read_item, read_operations

# Checked items per run, and items deleted at its end.
LOOKS, CLEANED = 8, 300


class CreatedItems(Check):
    def __init__(self) -> None:
        self.probes_left = LOOKS

    def judge(self, found: Interaction) -> bool | None:
        operation = found.operation
        if operation.is_safe or found.body is None or not found.is_own_method:
            return True
        for target in contract().operations:
            if target.method != "GET" or operation.name not in target.links or self.probes_left == 0:
                continue
            for name, identifier in follow_links(
                operation, found.request, Answer(found.status, found.body, found.headers)
            ):
                if name == target.parent:
                    self.probes_left -= 1
                    self.require(found, target, identifier)
                    break
        return None

    @staticmethod
    def require(found: Interaction, target: Operation, identifier: str) -> None:
        seen = read_item(found, target, identifier)
        if seen.status in {0} | target.transient_statuses:
            return
        if seen.status != target.page_status:
            raise UnexpectedStatus(
                f"{found.operation.name} created {target.parent} {identifier}: {target.name} must answer "
                f"{target.page_status} (got {seen.status})"
            )
        place = ", ".join(found.response.headers.get("location") or [])
        here = urlsplit(run_state().target.base_url).path
        path = urlsplit(place).path
        if place and not any(
            (match := target.address.fullmatch(form))
            and target.in_path[target.parent].normalize(match[1]) == identifier
            for form in (path, path.removeprefix(here))
        ):
            raise Violation(f"Location must be the URL of {target.parent} {identifier} (got '{shorten(place)}')")

    def after_run(self, ctx: CheckContext) -> None:
        """Delete what the run created, if the contract has an operation for it."""
        state = run_state()
        headers: dict[str, str] = {}
        for each in contract().operations:
            if each.method != "DELETE" or not each.links or state.ended_early:
                continue
            for credential in each.credentials:
                if credential.variable in state.target.secrets and credential.place == "header":
                    headers |= credential.parameters_for(state.target.secrets[credential.variable])["header"]
                    break
            made = dict.fromkeys(state.created_ids.get(each.parent, ()))
            left = [
                identifier for identifier in made if identifier not in state.discovered.deleted.get(each.parent, ())
            ]
            for identifier in left[:CLEANED]:
                requests.delete(state.target.base_url + each.path_of(identifier), headers=headers)


class DeletedItems(Check):
    def __init__(self) -> None:
        self.probes_left = LOOKS

    def judge(self, found: Interaction) -> bool | None:
        operation, parsed = found.operation, found.parsed
        is_deletion = operation.method == "DELETE" and parsed.is_operation and found.status == operation.page_status
        if not is_deletion or parsed.credentials != RIGHT:
            return True
        for reader in read_operations(operation.path):
            if self.probes_left > 0:
                self.probes_left -= 1
                seen = read_item(found, reader, parsed.parent)
                wanted = reader.refused("existence", "state")
                if seen.status not in wanted | reader.transient_statuses | {0}:
                    raise UnexpectedStatus(
                        f"{parsed.subject} was deleted: {reader.name} must answer {one_of(wanted)} (got {seen.status})"
                    )
        return None


if any(not each.is_safe for each in contract().operations):

    @check
    class made_is_there(CreatedItems):
        """A created item exists afterwards, also at the Location of the response."""

    @check
    class deleted_is_gone(DeletedItems):
        """A deleted item no longer exists."""
