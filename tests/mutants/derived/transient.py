"""What may be answered to any request, "not now": the correct server that is embedded never does, so it is made up."""

from __future__ import annotations

from codegen.extensions.examples import examples_of
from codegen.openapi.operations import followed_entries
from tests.contract.contract import Operation

from .exchange import Answer

# The header that the session waits for; at once, so that nobody has to.
RETRY_AFTER, AT_ONCE = "retry-after", "0"


def made_up(operation: Operation, status: int) -> Answer:
    """An answer as the contract's example has it."""
    response = operation.described.operation.responses[str(status)]
    [media, *_] = followed_entries(response, "content")
    body = next(iter(examples_of(response))).value
    headers = {name.lower(): AT_ONCE for name in followed_entries(response, "headers") if name.lower() == RETRY_AFTER}
    return Answer(status, (("content-type", media), *headers.items()), b"").replaced(body=body)
