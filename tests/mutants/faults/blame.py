"""A 422 that blames what is not at fault."""

from collections.abc import Callable
from typing import Any

from fastapi import HTTPException, Request

from .making import Body, StepFault, mutant


def told(change: Callable[[list[Body]], object], when: Callable[[Request], bool] = lambda request: True) -> StepFault:
    """Changes the faults that are listed."""

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

    return StepFault("parse_parameters", parse)


def each(change: Callable[[Body], object]) -> Callable[[list[Body]], object]:
    return lambda faults: [change(fault) for fault in faults]


def rename(*places: tuple[str, str]) -> Callable[[list[Body]], object]:
    """Names another parameter."""
    names = dict(places)
    return each(lambda fault: fault.update(loc=[fault["loc"][0], names.get(fault["loc"][-1], fault["loc"][-1])]))


def kind(new: str, *names: str) -> Callable[[list[Body]], object]:
    return each(lambda fault: fault.update(loc=[new, *fault["loc"][1:]]) if fault["loc"][-1] in names else None)


def gives(name: str, *texts: str) -> Callable[[Request], bool]:
    return lambda request: request.query_params.get(name) in texts


BOTH = (("limit", "offset"), ("offset", "limit"))
for name, fault in {
    "limit_and_offset_confused": told(rename(*BOTH)),
    "offset_blamed_for_the_limit": told(rename(("limit", "offset"))),
    "offset_blamed_for_large_limits": told(rename(("limit", "offset")), gives("limit", "101", "1000")),
    "offset_blamed_for_words": told(rename(("limit", "offset")), gives("limit", "abc")),
    "limit_blamed_for_the_id": told(each(lambda fault: fault.update(loc=["query", "limit"]))),
    "query_called_path": told(kind("path", "limit", "offset")),
    "query_called_body": told(kind("body", "limit", "offset")),
    "offset_called_header": told(kind("header", "offset")),
    "id_called_query": told(kind("query", "definition_id")),
    "all_are_blamed": told(
        lambda faults: faults.extend({**faults[0], "loc": loc} for loc in (["query", "limit"], ["query", "offset"]))
    ),
    "id_blamed_as_well": told(lambda faults: faults.append({**faults[0], "loc": ["path", "definition_id"]})),
    "header_blamed_as_well": told(lambda faults: faults.append({**faults[0], "loc": ["header", "authorization"]})),
    "number_of_the_fault": told(each(lambda fault: fault.update(loc=["query", 0]))),
    "input_of_another": told(each(lambda fault: fault.update(input="20"))),
    "last_fault_blamed_on_limit": told(
        lambda faults: faults[-1].update(loc=["query", "limit"]), lambda request: "limit" not in request.query_params
    ),
}.items():
    mutant("bounds and defaults", name, fault, "invalid_parameter_named")

for name, fault in {
    "parameters_in_capitals": told(each(lambda fault: fault.update(loc=[fault["loc"][0], fault["loc"][1].title()]))),
    "only_the_query_blamed": told(each(lambda fault: fault.update(loc=fault["loc"][:1]))),
    "nothing_blamed": told(each(lambda fault: fault.update(loc=[]))),
    "first_input_for_all": told(lambda faults: [fault.update(input=faults[0]["input"]) for fault in faults]),
    "repeated_limit_blamed_on_offset": told(
        rename(("limit", "offset")), lambda request: len(request.query_params.getlist("limit")) > 1
    ),
    "id_blamed_with_101": told(
        lambda faults: faults.insert(0, {**faults[0], "loc": ["path", "definition_id"]}), gives("limit", "101")
    ),
    "negative_offset_blamed_on_limit": told(rename(("offset", "limit")), gives("offset", "-1")),
    "unknown_id_blamed": told(
        rename(("limit", "definition_id")), lambda request: request.path_params["definition_id"].startswith("d1f0")
    ),
    "cookie_blamed": told(each(lambda fault: fault.update(loc=["cookie", fault["loc"][-1]]))),
}.items():
    mutant("bounds and defaults", name, fault, "invalid_parameter_named")
