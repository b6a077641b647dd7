"""CEL, the language of the contract's rules.

    engine.py    compiles rules and judges values by them: the one module that knows the engine
    tree.py      what a rule reads, from its syntax tree
    changing.py  whether a changed rule asks for more, or for less
    python.py    rules as source of Python, for the testing kit
    shapes.py    what a schema allows, as far as rules can tell
    messages.py  types of CEL by schema, for checking a rule
    values.py    values of CEL, made of JSON by schema

A rule sees JSON by schema, as Kubernetes has it:

| schema | in a rule |
| --- | --- |
| `integer` (`20.0` is one), `number`, `string`, `boolean`, `array` | int, double, string, bool, list |
| `format: date-time` | timestamp, to the nanosecond |
| `format: uuid` | string in lower case |
| `object` with `properties` | its fields; a name that is no identifier is escaped: `is-late` is `is__dash__late` |
| another `object` | map |
| null beside one of these | null or that |
| several types, or none | anything: not checked before it is judged |

A value that its schema does not allow (another type, not in the enumeration, no time) is taken for one that is not
there, and so is one that the engine has no value for: what needs it is not judged. That the value is wrong is for the
schema's own check.
"""

from codegen.cel.engine import Program, Result, RuleError, check_text_arguments, check_types, judge_each, program
from codegen.cel.messages import protobuf_types
from codegen.cel.shapes import Shape, field_name, fits, parts, shape
from codegen.cel.strictness import Change, compare_conditions
from codegen.cel.tree import ELEMENT, Path
from codegen.cel.values import MISSING, Plan, converter, timestamp, to_timestamp

__all__ = [
    "ELEMENT",
    "MISSING",
    "Change",
    "Path",
    "Plan",
    "Program",
    "Result",
    "RuleError",
    "Shape",
    "check_text_arguments",
    "check_types",
    "compare_conditions",
    "converter",
    "field_name",
    "fits",
    "judge_each",
    "parts",
    "program",
    "protobuf_types",
    "shape",
    "timestamp",
    "to_timestamp",
]
