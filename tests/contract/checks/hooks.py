"""Hooks that shape Schemathesis's requests, and decide which of its failures count."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import CustomFailure, Failure
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import JsonSchemaError, UnsupportedMethodResponse

from ..contract import contract
from ..interaction import request_key
from ..operation import SAFE_METHODS, Operation
from ..probes import probes
from ..run_state import run_state
from ..target import Target

# Bytes and characters.
LARGE, LONGEST_MESSAGE = 2**20, 10_000
# Keys of a path item.
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}


@schemathesis.hook
def before_load_schema(context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Make the list under test the contract's example, and leave credentials to the security schemes.

    The coverage phase builds all of its requests around the example. Credentials that the contract also declares as
    parameters would be fuzzed.
    """
    target = run_state().target
    tested = {each.label: each for each in target.tested}
    for path, item in raw_schema["paths"].items():
        for method in METHODS & item.keys():
            label = f"{method.upper()} {path}"
            if label in tested:
                item[method]["parameters"] = adjusted_parameters(tested[label], target)
            elif method.upper() not in SAFE_METHODS and not target.all_methods:
                # The session refuses to send them (session.py). Removed here, they appear in the verdict.
                run_state().not_sent.add(label)
                del item[method]
        if any(label.partition(" ")[2] == path for label in tested):
            item.pop("parameters", None)


def adjusted_parameters(operation: Operation, target: Target) -> list[Any]:
    credential_names = {(each.place, each.name.lower()) for each in operation.credentials}
    return [
        {**node.value, "example": target.ids_to_send(operation).readable[-1 if not operation.is_safe else 0]}
        if (place, name) == ("path", operation.parent)
        else node.value
        for (place, name), node in operation.parameters.items()
        if (place, name.lower()) not in credential_names
    ]


@schemathesis.hook
def before_add_examples(context: HookContext, examples: list[Case[Any]]) -> None:
    operation = contract().operation(context.operation.label) if context.operation is not None else None
    if operation is not None:
        # Schemathesis sends examples in reverse order.
        examples[:] = probes(examples[0], run_state().target, operation)[::-1]


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Skip repeated requests of the coverage phase: it counts an explicit default as new."""
    operation, sent = contract().operation(case.operation.label), run_state().request_keys
    is_of_coverage = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
    if not is_of_coverage or operation is None or operation.request_body:
        return True
    is_new = (each := request_key(case)) not in sent
    sent.add(each)
    return is_new


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    if isinstance(failure, JsonSchemaError):
        # Schemathesis would copy all of a large response for the message, and keep it until the end.
        if len(response.content) > LARGE:
            failure.instance = None
        failure.message = failure.message[:LONGEST_MESSAGE]
        failure.instance = None
    elif isinstance(failure, CustomFailure):
        # The traceback's frames hold the response.
        failure.exception.__traceback__ = failure.exception.__context__ = None
    # Without a response there is nothing else to judge.
    return response.status_code != 0 or failure.title == "no_answer"


@schemathesis.hook("filter_failure")
def allow_other_refusals(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Accept 501 for any method (RFC 9110, section 15.6.2), and 400 for TRACE and QUERY."""
    is_refused = response.status_code == 501 or (response.status_code == 400 and case.method in ("TRACE", "QUERY"))
    return not (is_refused and isinstance(failure, UnsupportedMethodResponse))
