"""Which credentials the client takes: the security schemes of the contract, as arguments and headers."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from codegen.openapi import Document, Node, operations

# Arguments of the client besides credentials.
_ARGUMENTS = {"base_url", "timeout", "retry", "strict", "headers", "verify_ssl", "httpx_args", "self", "arguments"}
# By such a word package/_text.py knows a header that holds a credential, which it keeps out of errors.
_WORDS = ("auth", "cookie", "key", "token", "secret", "session", "password")


@dataclass(frozen=True)
class Credential:
    """One credential.

    Attributes:
        name: The argument that takes it.
        variable: The variable of the environment that it is taken from where it is not given.
        header: The header that carries it.
        prefix: What the header holds before it.
        description: What the contract says of it.
    """

    name: str
    variable: str
    header: str
    prefix: str
    description: str


def variable_of(package: str, name: str) -> str:
    """Returns the variable of the environment for an argument of a package's client. It begins with the first word of
    the package's name, once: `KS_TOKEN` for `token` of `ks_workflow_runs`, `KS_UAT` for `ks_uat`.
    """
    first = package.partition("_")[0]
    return name.upper() if name.startswith(f"{first}_") else f"{first}_{name}".upper()


def credentials(document: Document, package: str) -> list[Credential]:
    """Returns the credentials that operations ask for, in the order in which the contract defines them.

    Args:
        document: The contract.
        package: The name of the package.

    Raises:
        Problem: One is of a kind that the client cannot send.
    """
    used = {
        name
        for operation in operations(document).values()
        for alternative in operation.security.elements()
        for name, _ in alternative.items()
    }
    found: dict[tuple[str, str], Credential] = {}
    for name, scheme in document.root.at("components").at("securitySchemes").items():
        if name in used:
            each = credential_of(scheme.followed(), name, package)
            first = found.setdefault((each.header, each.prefix), each)
            if any(other is not first and other.name == first.name for other in found.values()):
                raise _unsupported(scheme, name, f"two credentials would be the argument `{first.name}`")
    return list(found.values())


def credential_of(scheme: Node, name: str, package: str) -> Credential:
    """Returns the credential of one security scheme.

    Raises:
        Problem: It is of a kind that the client cannot send.
    """
    kind, where, word = (str(scheme.at(key).value) for key in ("type", "in", "scheme"))
    said = " ".join(str(scheme.at("description").value or "").split())
    if kind in ("oauth2", "openIdConnect") or (kind == "http" and word.lower() == "bearer"):
        return Credential("token", variable_of(package, "token"), "Authorization", "Bearer ", said)
    carrier = str(scheme.at("name").value)
    if kind != "apiKey" or where not in ("header", "cookie"):
        raise _unsupported(scheme, name, "it is neither a bearer token nor a key in a header or cookie")
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", carrier, re.ASCII):
        raise _unsupported(scheme.at("name"), name, f"`{carrier}` is no name of a {where}")
    argument = re.sub(r"\W", "_", carrier.lower(), flags=re.ASCII).removeprefix("x_").strip("_")
    if not argument.isidentifier() or keyword.iskeyword(argument) or argument in _ARGUMENTS:
        raise _unsupported(scheme.at("name"), name, f"`{argument}` cannot be an argument of the client")
    variable = variable_of(package, argument)
    if where == "cookie":
        return Credential(argument, variable, "Cookie", f"{carrier}=", said)
    if not any(part in carrier.lower() for part in _WORDS):
        what = f"the header `{carrier}` does not look like one with a credential, and would be shown in errors"
        raise _unsupported(scheme.at("name"), name, what)
    return Credential(argument, variable, carrier, "", said)


def _unsupported(node: Node, name: str, why: str) -> Exception:
    return node.problem(
        f"the security scheme `{name}` is not supported: {why}",
        "take it out of the contract, or extend overrides/codegen/credentials.py",
    )
