"""CEL, the language of the contract's rules.

    engine.py      compiles rules and evaluates them: the only module that imports the engine
    tree.py        the syntax tree of a rule, and what the rule reads
    strictness.py  whether a changed rule is tighter or looser
    python.py      rules as Python source, for the testing kit
    shapes.py      schemas as rules see them
    messages.py    CEL types of schemas, for type checks
    values.py      CEL values of JSON values

The types of JSON values in a rule are those of Kubernetes:

| schema | in a rule |
| --- | --- |
| `integer` (`20.0` is one), `number`, `string`, `boolean`, `array` | int, double, string, bool, list |
| `format: date-time` | timestamp, to the nanosecond |
| `format: uuid` | string in lower case |
| `object` with `properties` | its fields; a name that is no identifier is escaped: `is-late` is `is__dash__late` |
| another `object` | map |
| one of these, or null | that type, or null |
| several types, or none | dyn: no type check before the evaluation |

A value that its schema does not allow (another type, not in the enum, not a time), or that the engine cannot represent,
counts as missing: rules that need it are not judged. The check of the schema reports such a value.
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
