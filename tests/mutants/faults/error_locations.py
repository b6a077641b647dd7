"""422 responses whose `loc` names the wrong parameter."""

from collections.abc import Callable
from typing import Any

from fastapi import HTTPException, Request

from .base import Body, MethodFault, add_mutant


def errors_fault(
    change: Callable[[list[Body]], object], when: Callable[[Request], bool] = lambda request: True
) -> MethodFault:
    """Changes the errors that a 422 lists."""

    def parse(original: Any, request: Request) -> Any:
        try:
            return original(request)
        except HTTPException as refusal:
            faults: Any = refusal.detail
            for fault in faults:
                fault["loc"] = list(fault["loc"])
            if when(request):
                change(faults)
            raise

    return MethodFault("parse_parameters", parse)


def each_error(change: Callable[[Body], object]) -> Callable[[list[Body]], object]:
    return lambda faults: [change(fault) for fault in faults]


def rename_parameters(*places: tuple[str, str]) -> Callable[[list[Body]], object]:
    """Replace names of parameters in `loc`."""
    names = dict(places)
    return each_error(lambda fault: fault.update(loc=[fault["loc"][0], names.get(fault["loc"][-1], fault["loc"][-1])]))


def relocate(new: str, *names: str) -> Callable[[list[Body]], object]:
    return each_error(lambda fault: fault.update(loc=[new, *fault["loc"][1:]]) if fault["loc"][-1] in names else None)


def query_is(name: str, *texts: str) -> Callable[[Request], bool]:
    return lambda request: request.query_params.get(name) in texts


BOTH = (("limit", "offset"), ("offset", "limit"))
for name, fault in {
    "limit_and_offset_confused": errors_fault(rename_parameters(*BOTH)),
    "offset_blamed_for_the_limit": errors_fault(rename_parameters(("limit", "offset"))),
    "offset_blamed_for_large_limits": errors_fault(
        rename_parameters(("limit", "offset")), query_is("limit", "101", "1000")
    ),
    "offset_blamed_for_words": errors_fault(rename_parameters(("limit", "offset")), query_is("limit", "abc")),
    "limit_blamed_for_the_id": errors_fault(each_error(lambda fault: fault.update(loc=["query", "limit"]))),
    "query_called_path": errors_fault(relocate("path", "limit", "offset")),
    "query_called_body": errors_fault(relocate("body", "limit", "offset")),
    "offset_called_header": errors_fault(relocate("header", "offset")),
    "id_called_query": errors_fault(relocate("query", "definition_id")),
    "all_are_blamed": errors_fault(
        lambda faults: faults.extend({**faults[0], "loc": loc} for loc in (["query", "limit"], ["query", "offset"]))
    ),
    "id_blamed_as_well": errors_fault(lambda faults: faults.append({**faults[0], "loc": ["path", "definition_id"]})),
    "header_blamed_as_well": errors_fault(
        lambda faults: faults.append({**faults[0], "loc": ["header", "authorization"]})
    ),
    "number_of_the_fault": errors_fault(each_error(lambda fault: fault.update(loc=["query", 0]))),
    "input_of_another": errors_fault(each_error(lambda fault: fault.update(input="20"))),
    "last_fault_blamed_on_limit": errors_fault(
        lambda faults: faults[-1].update(loc=["query", "limit"]), lambda request: "limit" not in request.query_params
    ),
}.items():
    add_mutant("bounds and defaults", name, fault, "invalid_parameter_named")

for name, fault in {
    "parameters_in_capitals": errors_fault(
        each_error(lambda fault: fault.update(loc=[fault["loc"][0], fault["loc"][1].title()]))
    ),
    "only_the_query_blamed": errors_fault(each_error(lambda fault: fault.update(loc=fault["loc"][:1]))),
    "nothing_blamed": errors_fault(each_error(lambda fault: fault.update(loc=[]))),
    "first_input_for_all": errors_fault(lambda faults: [fault.update(input=faults[0]["input"]) for fault in faults]),
    "repeated_limit_blamed_on_offset": errors_fault(
        rename_parameters(("limit", "offset")), lambda request: len(request.query_params.getlist("limit")) > 1
    ),
    "id_blamed_with_101": errors_fault(
        lambda faults: faults.insert(0, {**faults[0], "loc": ["path", "definition_id"]}), query_is("limit", "101")
    ),
    "negative_offset_blamed_on_limit": errors_fault(rename_parameters(("offset", "limit")), query_is("offset", "-1")),
    "unknown_id_blamed": errors_fault(
        rename_parameters(("limit", "definition_id")),
        lambda request: request.path_params["definition_id"].startswith("d1f0"),
    ),
    "cookie_blamed": errors_fault(each_error(lambda fault: fault.update(loc=["cookie", fault["loc"][-1]]))),
}.items():
    add_mutant("bounds and defaults", name, fault, "invalid_parameter_named")
