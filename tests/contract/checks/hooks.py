"""What shapes Schemathesis's requests, and which of its failures count."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import CustomFailure, Failure
from schemathesis.openapi.checks import JsonSchemaError, UnsupportedMethodResponse

from ..contract import contract
from ..probes import probes
from ..session import SAFE_METHODS
from ..under_way import under_way

# Bytes and characters.
LARGE, LONGEST_MESSAGE = 2**20, 10_000
# Keys of a path item.
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Points the contract's example at the list under test, and leaves credentials to the security schemes.

    The coverage phase builds all of its requests around the example. A contract may state the credentials twice;
    Schemathesis would fuzz those that are stated as parameters.
    """
    carried = {(each.place, each.name.lower()) for each in contract().credentials}
    parameters = [
        {**node.value, "example": under_way().target.definitions[0]}
        if (place, name) == ("path", contract().parent)
        else node.value
        for (place, name), node in contract().parameters.items()
        if (place, name.lower()) not in carried
    ]
    operation = contract().described.operation
    item = raw_schema["paths"][operation.path]
    item.pop("parameters", None)
    item[operation.method]["parameters"] = parameters
    if not under_way().target.all_methods:
        leave_out_unsafe(raw_schema)


def leave_out_unsafe(raw_schema: dict[str, Any]) -> None:
    """The session would not send them (session.py); here the verdict learns which these are."""
    for path, item in raw_schema["paths"].items():
        for method in METHODS & item.keys():
            if method.upper() not in SAFE_METHODS:
                del item[method]
                under_way().left_out.add(f"{method.upper()} {path}")


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    operation, ours = context.operation, contract().described.operation
    if operation is not None and (operation.path, operation.method.lower()) == (ours.path, ours.method):
        # Schemathesis sends examples from the last to the first.
        examples[:] = probes(examples[0], under_way().target)[::-1]


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    if isinstance(failure, JsonSchemaError):
        # It would copy the whole of a large answer for what it says, and keep it until the end.
        if len(response.content) > LARGE:
            failure.instance = None
        failure.message = failure.message[:LONGEST_MESSAGE]
        failure.instance = None
    elif isinstance(failure, CustomFailure):
        # Its frames hold the answer.
        failure.exception.__traceback__ = failure.exception.__context__ = None
    # Where there was no answer there is nothing else to judge.
    return response.status_code != 0 or failure.title == "no_answer"


@schemathesis.hook("filter_failure")
def keep_refused_methods(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """A server need not know a method to refuse it (501, RFC 9110, section 15.6.2); of an odd one some say 400."""
    is_refused = response.status_code == 501 or (response.status_code == 400 and case.method in ("TRACE", "QUERY"))
    return not (is_refused and isinstance(failure, UnsupportedMethodResponse))
