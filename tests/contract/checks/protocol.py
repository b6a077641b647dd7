"""Protocol: `unsupported_method` and `allow_header_conformance` are Schemathesis's own."""

from email.message import Message
from typing import Any

import schemathesis
import schemathesis.checks
from schemathesis import Case, CheckContext, Response

from ..interaction import Interaction
from ..pages import shorten
from ..run_state import run_state
from ..session import NOT_SENT, read_retry_after
from .base import Violation, check

# Checks of a transient response.
FOR_ANY_STATUS = (
    "response_schema_conformance",
    "response_headers_conformance",
    "strict_json",
    "json_content_type",
    "retry_after_readable",
)


@check
def json_content_type(found: Interaction) -> bool | None:
    """Every documented response has the content type of the contract, in UTF-8."""
    parsed, status = found.parsed, found.status
    if not found.is_documented or not parsed.is_at_address:
        return True
    if status in parsed.early_statuses or (parsed.early_statuses and status in found.operation.refused("existence")):
        return True
    documented = found.operation.described.response(status)
    allowed = {name.lower() for name, _ in documented[1].at("content").items()} if documented else set()
    if not allowed:
        return True
    message = Message()
    message["Content-Type"] = ", ".join(found.response.headers.get("content-type") or ["missing"])
    charset = str(message.get_param("charset", "utf-8")).lower()
    if message.get_content_type() not in allowed or charset not in ("utf-8", "utf8"):
        raise Violation(
            f"the content type of the {status} must be {' or '.join(sorted(allowed))} in UTF-8 (got "
            f"{shorten(message['Content-Type'])})"
        )
    return None


@check
def connection_kept(found: Interaction) -> bool | None:
    """No connection is closed instead of a response."""
    sending = run_state().sendings.get(found.case.id)
    if sending and sending.cut:
        raise Violation("the connection was closed without a response; the same request, sent again, got one")
    return None


@check
def no_answer(found: Interaction) -> bool | None:
    """Every request gets a complete response of bounded size, in time."""
    if found.status == 0 and found.response.message == NOT_SENT:
        return True
    if found.status == 0:
        raise Violation(found.response.message)
    return None


@check
def retry_after_readable(found: Interaction) -> bool | None:
    """`Retry-After` is a number of seconds or a date, in any response."""
    texts = found.response.headers.get("retry-after") or []
    for text in texts:
        if read_retry_after(text) is None:
            raise Violation(f"Retry-After of the {found.status} must be seconds or an HTTP date (got '{text}')")
    return None if texts else True


@schemathesis.check
def transient_answers(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """Transient responses keep the contract as well. run.py reports the check that fails."""
    sending = run_state().sendings.get(case.id)
    names = set(FOR_ANY_STATUS) - set(run_state().target.excluded_checks)
    checks: list[Any] = schemathesis.checks.CHECKS.get_by_names(sorted(names))
    for answer in sending.transient if sending else ():
        case.validate_response(answer, checks=checks)
    return None if sending and sending.transient else True
