"""The body as JSON: `response_schema_conformance` is Schemathesis's own."""

import json
import re
from collections import Counter
from typing import Any

from codegen.cel import MISSING

from ..interaction import Interaction
from ..pages import shorten
from .base import Violation, check

# On the encoded body: a large one is not copied.
SURROGATE = re.compile(rb"\\u[dD]")


class DuplicateKey(Exception):
    pass


def reject_duplicates(pairs: list[tuple[str, Any]]) -> None:
    """Raise DuplicateKey for repeated names. Returns None to save memory: the body was parsed already."""
    names = Counter(name for name, _ in pairs)
    if len(names) < len(pairs):
        raise DuplicateKey(names.most_common(1)[0][0])


def reject_constant(name: str) -> None:
    raise Violation(f"the body must be JSON (got {name} as a number)")


@check
def strict_json(found: Interaction) -> bool | None:
    """The body is JSON that all parsers read alike: no NaN, repeated key, lone surrogate or byte order mark; UTF-8."""
    if not found.is_documented or found.json is MISSING:
        return True
    try:
        text = found.response.content.decode("utf-8")
        json.loads(text, object_pairs_hook=reject_duplicates, parse_constant=reject_constant)
        if SURROGATE.search(found.response.content):
            json.dumps(found.response.json(), ensure_ascii=False).encode()
    except DuplicateKey as repeated:
        raise Violation(f"an object must have each key once (got '{shorten(str(repeated))}' twice)") from None
    except UnicodeEncodeError:
        raise Violation("the body must have whole characters (got half of a surrogate pair)") from None
    except UnicodeDecodeError as error:
        raise Violation(f"the body must be UTF-8: {error}") from None
    except json.JSONDecodeError as error:
        raise Violation(f"the body must be JSON: {error}") from None
    return None
