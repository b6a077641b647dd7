"""Values of filter parameters that select different lists."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from codegen.cel import ELEMENT, field_name

from .operation import Operation
from .parameter import VALID, sample_evenly

# Maximum number of values per parameter.
MAX_VALUES = 6


def filter_values(operation: Operation, name: str, samples: Sequence[object]) -> list[Any]:
    """Return values of a filter that select different lists: those of the contract, and those of sample items.

    `x-selects` says which fields a value is compared with. Of many values, both ends and the middle are used.
    """
    parameter = operation.filters[name]
    is_list = parameter.element is not None
    schema = parameter.element.schema if parameter.element else parameter.schema
    found = [value for value in schema.get("enum", ()) if value is not None]
    if "const" in schema:
        found.append(schema["const"])
    if schema.get("type") == "boolean":
        found += [True, False]
    seen: list[Any] = []
    for rule in operation.described.selects.get(name, ()):
        for path in rule.program.uses.reads:
            if path[0] == "item":
                seen += [value for item in samples for value in values_at(path[1:], item)]
    if not found:
        found = unique(value for each in seen for value in (each if isinstance(each, list) else [each]))
        if all(isinstance(value, str) for value in found):
            found.sort()
    if is_list:
        several = [each for each in seen if isinstance(each, list) and len(each) > 1]
        found = [[value] for value in sample_evenly(found, MAX_VALUES - 2)]
        found += [several[len(several) // 2][:2]] if several else []
        found += [[found[0][0], found[-1][0]]] if len(found) > 1 else []
    else:
        found = sample_evenly(found, MAX_VALUES)
    if schema.get("format") == "date-time" and found:
        found += [in_another_zone(found[len(found) // 2])]
    texts = [(value, parameter.serialize(value)) for value in unique(found)]
    return [value for value, text in texts if parameter.judge(text if isinstance(text, list) else [str(text)]) == VALID]


def values_at(path: Sequence[object], item: Any) -> Iterator[Any]:
    for part in path:
        if part == ELEMENT:
            break
        item = next((item[each] for each in item if field_name(each) == part), None) if isinstance(item, dict) else None
    if item is not None and not isinstance(item, dict):
        yield item


def unique(values: Iterable[Any]) -> list[Any]:
    return list({json.dumps(value): value for value in values}.values())


def in_another_zone(text: Any) -> Any:
    """Return the same time in a time zone two hours ahead."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(timezone(timedelta(hours=2))).isoformat()
    except ValueError:
        return text
