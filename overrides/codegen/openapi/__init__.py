"""The model of OpenAPI documents: what the driver and the checks of the contract run know them by.

    reading.py      YAML and JSON into a `Document`, with the line of each value
    document.py     `Document` and `Node`: where a value stands, and what a `$ref` leads to
    operations.py   operations, with their parameters, bodies, responses, headers, links and credentials
    schemas.py      what a schema allows, in canonical form
    promises.py     every node that promises something

A document may be anybody's: nothing is fetched, references that lead in a circle end, and what is too deep or too large
is a `Problem`.
"""

from codegen.openapi.document import Document, Node, Pointer, as_document
from codegen.openapi.loader import Unreadable, parse, read
from codegen.openapi.operations import METHODS, Operation, operations, schema_of, without_names

__all__ = [
    "METHODS",
    "Document",
    "Node",
    "Operation",
    "Pointer",
    "Unreadable",
    "as_document",
    "operations",
    "parse",
    "read",
    "schema_of",
    "without_names",
]
