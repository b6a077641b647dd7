"""What may be answered to any request, "not now": the correct server that is embedded never does, so it is made up."""

from __future__ import annotations

from codegen.extensions.examples import examples_of
from codegen.openapi import schema_of
from codegen.openapi.operations import followed_entries
from tests.contract.bodies import smallest_value
from tests.contract.operation import Operation

from .exchange import Answer

# The header that the session waits for; at once, so that nobody has to.
RETRY_AFTER, AT_ONCE = "retry-after", "0"


def made_up(operation: Operation, status: int) -> Answer:
    """An answer as the contract's example has it; without one, the least that its schema wants."""
    response = operation.described.operation.responses[str(status)]
    names = followed_entries(response, "headers")
    headers = {name.lower(): AT_ONCE for name in names if name.lower() == RETRY_AFTER}
    answer = Answer(status, tuple(headers.items()), b"")
    for media in followed_entries(response, "content"):
        examples = [each.value for each in examples_of(response)]
        body = examples[0] if examples else smallest_value(schema_of(response))
        return answer.replaced(body=body, headers={"content-type": media})
    return answer
