"""Errors: each with the status that is due."""

from ..asked import due
from ..interaction import Interaction, again
from ..under_way import under_way
from .base import StatusNotDue, check
from .bounds import one_of

# What HTTP has for redirects, for servers that do not know a method, and for what is no address of theirs (RFC 9110).
REDIRECTS, MOVED = {301, 302, 307, 308}, {307, 308}
OF_ODD_METHODS, OF_OTHER_ADDRESSES = {501, 503}, {400, 404, 405}


@check
def unknown_definition_not_found(found: Interaction) -> bool | None:
    """What does not exist is answered so."""
    operation = found.operation
    absent, due_here = operation.refused("existence"), found.due or frozenset()
    # It may have been there once.
    if (
        not absent
        or due_here - operation.refused("state") != absent
        or found.status in operation.not_now | operation.refused("credentials")
    ):
        return True
    has_others = operation.query or operation.carried
    is_named = operation.parent.encode() in found.response.content
    if found.status in operation.refused("parameters") and has_others and not is_named:
        # About another parameter, wrong as it may be.
        return True
    if found.status not in due_here:
        raise StatusNotDue(
            f"{found.asked.named}, which does not exist, was answered with {found.status}, not {one_of(due_here)}"
        )
    return None


@check
def documented_status(found: Interaction) -> bool | None:
    """The contract has the status; never a 500."""
    asked, status = found.asked, found.status
    if not found.is_asked:
        # `unsupported_method` judges the refusals.
        if status >= 500 and status not in OF_ODD_METHODS:
            raise StatusNotDue(f"{status} in answer to {asked.method}")
        return None
    if asked.is_trailing_slash and status in MOVED:
        under_way().lenient.setdefault("path", set()).add("a trailing slash, which is redirected")
        return None
    if status in asked.early or found.operation.described.response(status) is not None:
        return None
    if not asked.is_here and status in REDIRECTS | OF_OTHER_ADDRESSES:
        return None
    expected = due(asked, under_way().target)
    instead = f"; here it wants {one_of(expected)}" if expected else ""
    raise StatusNotDue(f"{status}, which the contract does not have{instead}")


@check
def unavailability_passes(found: Interaction) -> bool | None:
    """What is refused is refused with its own status, sooner or later. A page has a check of its own."""
    if found.due is None or found.due == {found.operation.page_status}:
        return True
    # Nor is one request accused of what the server says to all of them.
    if found.status not in found.operation.not_now or under_way().session.is_out:
        return True
    sending = under_way().sendings.get(found.case.id)
    # What was sent again already, and got the same, need not be asked for once more.
    status = found.status if sending and sending.transient else again(found.case).status
    if status in found.operation.not_now:
        raise StatusNotDue(f"{status} each time that it is asked, where {one_of(found.due)} is due")
    if status not in found.due:
        raise StatusNotDue(f"{status} after {found.status}, where {one_of(found.due)} is due")
    return None
