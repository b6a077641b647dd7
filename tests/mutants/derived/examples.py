"""Example responses from the contract, for transient statuses: the embedded server never sends them."""

from __future__ import annotations

from codegen.extensions.examples import examples_of
from codegen.openapi import schema_of
from codegen.openapi.operations import followed_entries
from tests.contract.bodies import smallest_value
from tests.contract.operation import Operation

from .middleware import HttpResponse

# The session waits as long as this header says: not at all.
RETRY_AFTER, AT_ONCE = "retry-after", "0"


def example_response(operation: Operation, status: int) -> HttpResponse:
    """Return the contract's example of a response; without one, the smallest body that its schema allows."""
    documented = operation.described.operation.responses[str(status)]
    names = followed_entries(documented, "headers")
    headers = {name.lower(): AT_ONCE for name in names if name.lower() == RETRY_AFTER}
    response = HttpResponse(status, tuple(headers.items()), b"")
    for media in followed_entries(documented, "content"):
        examples = [each.value for each in examples_of(documented)]
        body = examples[0] if examples else smallest_value(schema_of(documented))
        return response.replace(body=body, headers={"content-type": media})
    return response
