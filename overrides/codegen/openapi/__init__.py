"""The model of OpenAPI documents, for the driver and for the checks of the contract run.

    loader.py       YAML and JSON into a `Document`, with the line of each value
    document.py     `Document` and `Node`: a value with its pointer, and references
    operations.py   operations, with their parameters, bodies, responses, headers, links and credentials
    schemas.py      schemas in canonical form
    promises.py     all nodes that promise something

Documents may be untrusted: nothing is fetched, circular references end, and one that is too deep or too large is a
`Problem`.
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
