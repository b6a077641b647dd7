"""The body as such: `response_schema_conformance` is Schemathesis's own."""

import json
import re
from collections import Counter
from typing import Any

from codegen.cel import MISSING

from ..interaction import Interaction
from ..pages import shorten
from .base import Violation, check

# Before it is decoded: of a large body each copy counts.
SURROGATE = re.compile(rb"\\u[dD]")


class DuplicateKey(Exception):
    pass


def reject_duplicates(pairs: list[tuple[str, Any]]) -> None:
    """Keeps nothing: the body was parsed already, and may be large."""
    names = Counter(name for name, _ in pairs)
    if len(names) < len(pairs):
        raise DuplicateKey(names.most_common(1)[0][0])


def reject_constant(name: str) -> None:
    raise Violation(f"the body holds {name}, which is no JSON")


@check
def strict_json(found: Interaction) -> bool | None:
    """Python's parser takes more than others: NaN, a key twice, half characters, a byte order mark, other encodings."""
    if not found.is_documented or found.json is MISSING:
        return True
    try:
        text = found.response.content.decode("utf-8")
        json.loads(text, object_pairs_hook=reject_duplicates, parse_constant=reject_constant)
        if SURROGATE.search(found.response.content):
            json.dumps(found.response.json(), ensure_ascii=False).encode()
    except DuplicateKey as repeated:
        raise Violation(f"the body has the key '{shorten(str(repeated))}' twice in one object") from None
    except UnicodeEncodeError:
        raise Violation("the body holds one half of a surrogate pair, which is no character") from None
    except UnicodeDecodeError as error:
        raise Violation(f"the body is not UTF-8: {error}") from None
    except json.JSONDecodeError as error:
        raise Violation(f"the body is no JSON: {error}") from None
    return None
