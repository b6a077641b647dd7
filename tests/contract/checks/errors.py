"""Errors: each with the status that is due."""

from ..interaction import Interaction, resend
from ..parsed_request import allowed_statuses
from ..run_state import run_state
from .base import UnexpectedStatus, check
from .bounds import one_of

# What HTTP has for redirects, for servers that do not know a method, and for what is no address of theirs (RFC 9110).
REDIRECTS, MOVED = {301, 302, 307, 308}, {307, 308}
UNKNOWN_METHOD_STATUSES, UNKNOWN_ADDRESS_STATUSES = {501, 503}, {400, 404, 405}


@check
def unknown_id_not_found(found: Interaction) -> bool | None:
    """What does not exist is answered so."""
    operation = found.operation
    absent, allowed_here = operation.refused("existence"), found.allowed_statuses or frozenset()
    # It may have been there once.
    if (
        not absent
        or allowed_here - operation.refused("state") != absent
        or found.status in operation.transient_statuses | operation.refused("credentials")
    ):
        return True
    has_others = operation.query or operation.request_body
    is_named = operation.parent.encode() in found.response.content
    if found.status in operation.refused("parameters") and has_others and not is_named:
        # About another parameter, wrong as it may be.
        return True
    if found.status not in allowed_here:
        raise UnexpectedStatus(
            f"{found.parsed.subject}, which does not exist, was answered with {found.status}, not "
            f"{one_of(allowed_here)}"
        )
    return None


@check
def documented_status(found: Interaction) -> bool | None:
    """The contract has the status; never a 500."""
    parsed, status = found.parsed, found.status
    if not found.is_own_method:
        # `unsupported_method` judges the refusals.
        if status >= 500 and status not in UNKNOWN_METHOD_STATUSES:
            raise UnexpectedStatus(f"{status} in answer to {parsed.method}")
        return None
    if parsed.is_trailing_slash and status in MOVED:
        run_state().accepted_variants.setdefault("path", set()).add("a trailing slash, which is redirected")
        return None
    if status in parsed.early_statuses or found.operation.described.response(status) is not None:
        return None
    if not parsed.is_at_address and status in REDIRECTS | UNKNOWN_ADDRESS_STATUSES:
        return None
    expected = allowed_statuses(parsed, run_state().target)
    instead = f"; here it wants {one_of(expected)}" if expected else ""
    raise UnexpectedStatus(f"{status}, which the contract does not have{instead}")


@check
def unavailability_passes(found: Interaction) -> bool | None:
    """What is refused is refused with its own status, sooner or later. A page has a check of its own."""
    if found.allowed_statuses is None or found.allowed_statuses == {found.operation.page_status}:
        return True
    # Nor is one request accused of what the server says to all of them.
    if found.status not in found.operation.transient_statuses or run_state().session.is_unavailable:
        return True
    sending = run_state().sendings.get(found.case.id)
    # What was sent again already, and got the same, need not be asked for once more.
    status = found.status if sending and sending.transient else resend(found.case).status
    if status in found.operation.transient_statuses:
        raise UnexpectedStatus(f"{status} each time that it is asked, where {one_of(found.allowed_statuses)} is due")
    if status not in found.allowed_statuses:
        raise UnexpectedStatus(f"{status} after {found.status}, where {one_of(found.allowed_statuses)} is due")
    return None
