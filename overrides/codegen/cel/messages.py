"""Makes protobuf types from schemas, to check the types of a rule before it is evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, struct_pb2, timestamp_pb2, wrappers_pb2  # type: ignore[import-untyped]

from codegen.cel.shapes import Shape, shape
from codegen.openapi import Node

_Field = descriptor_pb2.FieldDescriptorProto
_WELL_KNOWN = (timestamp_pb2, wrappers_pb2, struct_pb2)
_SCALARS = {
    "int": (_Field.TYPE_INT64, "Int64Value"),
    "double": (_Field.TYPE_DOUBLE, "DoubleValue"),
    "bool": (_Field.TYPE_BOOL, "BoolValue"),
    "string": (_Field.TYPE_STRING, "StringValue"),
    "uuid": (_Field.TYPE_STRING, "StringValue"),
}
_MESSAGES = {"timestamp": "Timestamp", "map": "Struct", "any": "Value"}


def protobuf_types(variables: Mapping[str, Node]) -> tuple[Any, dict[str, str]]:
    """Return a pool with protobuf types for the schemas, and the type of each variable.

    In CEL, only protobuf messages have typed fields. They serve for type checks only, not for evaluation: a missing
    field of a message has a default, unlike one of a JSON object.
    """
    made = _Messages()
    kinds = {name: made.variable(shape(node)) for name, node in variables.items()}
    pool = descriptor_pool.DescriptorPool()
    for module in _WELL_KNOWN:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(made.file.SerializeToString())
    return pool, kinds


class _Messages:
    def __init__(self) -> None:
        self.file = descriptor_pb2.FileDescriptorProto(
            name="rules.proto", package="rules", syntax="proto3", dependency=[m.DESCRIPTOR.name for m in _WELL_KNOWN]
        )
        self.names: dict[str, str] = {}

    def variable(self, found: Shape) -> str:
        """Return the name of a variable's type in CEL."""
        if found.kind == "object":
            return self.message(found)
        if found.kind == "list" and not found.nullable:
            return f"list({self.variable(shape(found.element))})"
        if found.kind in _SCALARS:
            return self.well_known(found.kind) if found.nullable else found.kind.replace("uuid", "string")
        return self.well_known(found.kind)

    def message(self, found: Shape) -> str:
        pointer = found.node.pointer
        if pointer not in self.names:
            name = re.sub(r"\W+", "_", found.name, flags=re.ASCII)
            while name in self.names.values() or not re.match("[A-Za-z_]", name):
                name = f"_{name}"
            self.names[pointer] = name
            message = self.file.message_type.add(name=name)
            for number, (key, node) in enumerate(found.fields.items(), 1):
                # Default JSON names of two fields could be equal, which protobuf refuses.
                field_ = message.field.add(name=key, number=number, json_name=f"f{number}", label=_Field.LABEL_OPTIONAL)
                self.set_type(field_, shape(node))
        return f"rules.{self.names[pointer]}"

    def set_type(self, field_: Any, found: Shape) -> None:
        if found.kind == "list" and not found.nullable:
            element = shape(found.element)
            if element.kind != "list":
                self.set_type(field_, element)
                field_.label = _Field.LABEL_REPEATED
                return
        if found.kind in _SCALARS and not found.nullable:
            field_.type = _SCALARS[found.kind][0]
            return
        field_.type = _Field.TYPE_MESSAGE
        field_.type_name = f".{self.message(found)}" if found.kind == "object" else f".{self.well_known(found.kind)}"

    @staticmethod
    def well_known(kind: str) -> str:
        return "google.protobuf." + (_SCALARS[kind][1] if kind in _SCALARS else _MESSAGES.get(kind, "Value"))
