"""Errors: each has the status that the contract names."""

from ..interaction import Interaction, resend
from ..parsed_request import allowed_statuses
from ..run_state import run_state
from .base import UnexpectedStatus, check
from .bounds import one_of

# Statuses that HTTP has for redirects, for unknown methods and for other URLs (RFC 9110).
REDIRECTS, MOVED = {301, 302, 307, 308}, {307, 308}
UNKNOWN_METHOD_STATUSES, UNKNOWN_ADDRESS_STATUSES = {501, 503}, {400, 404, 405}


@check
def unknown_id_not_found(found: Interaction) -> bool | None:
    """An unknown id is refused as such."""
    operation = found.operation
    absent, allowed_here = operation.refused("existence"), found.allowed_statuses or frozenset()
    # It may have existed once.
    if (
        not absent
        or allowed_here - operation.refused("state") != absent
        or found.status in operation.transient_statuses | operation.refused("credentials")
    ):
        return True
    has_others = operation.query or operation.request_body
    is_named = operation.parent.encode() in found.response.content
    if found.status in operation.refused("parameters") and has_others and not is_named:
        # The refusal is about another parameter, rightly or not.
        return True
    if found.status not in allowed_here:
        raise UnexpectedStatus(
            f"{found.parsed.subject} does not exist: the status must be {one_of(allowed_here)} (got {found.status})"
        )
    return None


@check
def documented_status(found: Interaction) -> bool | None:
    """The status is in the contract, and never a 500."""
    parsed, status = found.parsed, found.status
    if not found.is_own_method:
        # `unsupported_method` judges the refusals.
        if status >= 500 and status not in UNKNOWN_METHOD_STATUSES:
            raise UnexpectedStatus(f"a {parsed.method} must be refused with a status below 500 (got {status})")
        return None
    if parsed.is_trailing_slash and status in MOVED:
        run_state().accepted_variants.setdefault("path", set()).add("a trailing slash, which is redirected")
        return None
    if status in parsed.early_statuses or found.operation.described.response(status) is not None:
        return None
    if not parsed.is_at_address and status in REDIRECTS | UNKNOWN_ADDRESS_STATUSES:
        return None
    expected = allowed_statuses(parsed, run_state().target)
    wanted = one_of(expected) if expected else "one that the contract has"
    raise UnexpectedStatus(f"request ({parsed.query_text}): the status must be {wanted} (got {status})")


@check
def unavailability_passes(found: Interaction) -> bool | None:
    """A refusal comes with its own status sooner or later. `valid_request_accepted` judges successes."""
    if found.allowed_statuses is None or found.allowed_statuses == {found.operation.page_status}:
        return True
    # An outage is not the fault of one request.
    if found.status not in found.operation.transient_statuses or run_state().session.is_unavailable:
        return True
    sending = run_state().sendings.get(found.case.id)
    # The session has sent it again already, with the same result.
    status = found.status if sending and sending.transient else resend(found.case).status
    if status in found.operation.transient_statuses:
        raise UnexpectedStatus(f"the status must be {one_of(found.allowed_statuses)} (got {status} each time)")
    if status not in found.allowed_statuses:
        raise UnexpectedStatus(
            f"the status must be {one_of(found.allowed_statuses)} (got {status} after {found.status})"
        )
    return None
