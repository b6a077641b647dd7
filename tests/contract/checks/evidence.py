"""Evidence: the run saw each kind of response that every server must give."""

from schemathesis import CheckContext

from ..interaction import Interaction
from ..operation import Operation
from ..run_state import run_state
from .base import Check, Violation, check


def required_kinds(operation: Operation) -> dict[str, str]:
    """Return the kinds of responses that every server must give, with a description of each."""
    status, parent = operation.page_status, operation.parent
    found = {}
    if operation.listing:
        give = f"; give a {operation.parent_variable} that has some" if parent else ""
        found[f"{status} with items"] = f"a page that has items{give}"
    elif operation.is_safe:
        found[str(status)] = "a success"
    if operation.is_offset_list:
        found[f"{status} without items"] = "a page past the end"
    # Unsafe requests are few.
    if not operation.is_safe:
        return found
    for stage, meaning in (
        ("credentials", "a refusal of missing or wrong credentials; both were sent"),
        ("existence", f"a refusal of an unknown {parent}; the run requests one that does not exist"),
        ("parameters", "a refusal of an invalid parameter; malformed ids, limits and offsets were sent"),
    ):
        if (stage, parent) != ("existence", "") and (stage, operation.credentials) != ("credentials", ()):
            found |= {str(each): meaning for each in sorted(operation.refused(stage))}
    return found


@check
class reached(Check):
    """The run saw pages with items, and each kind of refusal. Otherwise it proves nothing."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def judge(self, found: Interaction) -> bool | None:
        # Other URLs and methods are refused for other reasons.
        if found.parsed.is_operation and (
            found.body is None or found.items is not None or found.operation.listing is None
        ):
            self.seen.add((found.operation.name, found.kind))
        return None

    def after_run(self, ctx: CheckContext) -> None:
        tested = run_state().target.tested
        missing = [
            f"{kind} ({meaning})" + (f" from {each.name}" if len(tested) > 1 else "")
            for each in tested
            for kind, meaning in required_kinds(each).items()
            if (each.name, kind) not in self.seen
        ]
        # A phase that ended early has not sent all of its requests.
        if missing and run_state().sent == run_state().answered and not run_state().ended_early:
            raise Violation("never seen: " + "; ".join(missing)).by(type(self).__name__, None)
