"""`python -m tests.reference_server`: runs the server in the foreground until it is interrupted.

The first line on stdout, `Listening on <base URL>`, comes once requests are accepted; a parent process may wait for
it. Exit code 0 after SIGINT or SIGTERM, 2 when it could not start.

Environment variables, of which an empty one counts as none:
    DATABASE_URL    where the runs are kept: sqlite:///FILE or postgresql+psycopg://... (default: SQLite in memory)
    SEED_RUNS       how many runs to fill the database with, if it is empty (default: 137)
    CHURN           how many times a second the list of runs changes (default: 0)
    SEED            another number, other changes (default: 0)
    MUTANT          the name of a deliberate fault in tests/mutants/faults (default: none)
"""

import argparse
import errno
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.types import ASGIApp

from .app import ReferenceServer, create_app
from .seed import (
    DEFINITION_ID,
    EMPTY_DEFINITION_ID,
    FORBIDDEN_DEFINITION_ID,
    FOREIGN_DEFINITION_ID,
    KS_UAT,
    RUNS,
    TOKEN,
)
from .uvicorn_server import UvicornServer, listen

# More runs than are made in a moment.
MANY = 20_000

COMMAND = "python -m tests.reference_server"


def fail(problem: str, fix: str) -> NoReturn:
    print(f"problem: {problem}\nfix: {fix}", file=sys.stderr)
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(message, f"see {COMMAND} --help, or the variables of make help")


def port_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: expected a number from 0 to 65535")
    return int(text)


def open_socket(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            fail(f"port {port} on {host} is in use", "stop what listens there, or take a free port: make serve PORT=0")
        # Without the address, which Python appends in brackets.
        reason = str(getattr(error, "strerror", error)).partition(" (")[0]
        fail(
            f"cannot listen on {host}, port {port}: {reason}",
            f"name an address of this machine: {COMMAND} --host 127.0.0.1",
        )


def whole_number(name: str, default: int) -> int:
    """What the environment variable says."""
    text = os.environ.get(name, "")
    if not re.fullmatch(r"[0-9]{0,9}", text, re.ASCII):
        fail(
            f"{name} is '{text}', which is no whole number below 1,000,000,000", f"give one in digits, as in {name}=20"
        )
    return int(text or default)


def open_server(churn: int) -> ReferenceServer:
    runs = whole_number("SEED_RUNS", RUNS)
    if runs > MANY:
        # In one piece: two servers may start at once.
        sys.stderr.write(f"If the database is empty, it is filled with {runs:,} runs: that can take a while.\n")
    try:
        # Empty variables count as none.
        url, churn_seed = os.environ.get("DATABASE_URL") or "sqlite://", os.environ.get("SEED") or "0"
        return ReferenceServer(url, runs, churn, churn_seed)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        # Only the first line, and of the database's own error where there is one: the rest is SQL and links.
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        if isinstance(error, ValueError):
            # Its message quotes part of the URL, which may hold a password.
            reason = "it is no URL"
        fail(
            f"the database that DATABASE_URL names cannot be used: {reason}",
            "name a file, DATABASE_URL=sqlite:///runs.db, or a PostgreSQL that runs, "
            "DATABASE_URL=postgresql+psycopg://user:password@host/database; or unset it for a database in memory",
        )


def open_mutant(name: str) -> tuple[ReferenceServer, Callable[[ASGIApp], ASGIApp]]:
    # Only now: mutants are built on this package.
    from tests.mutants.trial import served

    if given := [variable for variable in ("DATABASE_URL", "SEED_RUNS", "CHURN") if os.environ.get(variable)]:
        fail(f"{given[0]} is given, but a mutant has runs of its own, in memory", f"unset {' and '.join(given)}")
    try:
        return served(name)
    except LookupError as error:
        fail(f"there is no mutant '{name}'", error.args[0])


def introduction(url: str, server: ReferenceServer, churn: int) -> str:
    """What a newcomer needs. The first line is for machines; the last one can be pasted."""
    # Not as many as were asked for, where the database was filled before; nor as there are now, if they change.
    runs = server.churn.found
    changing = f", which change {churn} times a second" if churn else ""
    return f"""\
Listening on {url}

Workflow definitions:
  {DEFINITION_ID}  has {runs} runs{changing}
  {EMPTY_DEFINITION_ID}  has none
  {FORBIDDEN_DEFINITION_ID}  may not be read with this token (403)
  {FOREIGN_DEFINITION_ID}  belongs to another tenant (404)

Either credential suffices:
  authorization: Bearer {TOKEN}
  cookie: ks_uat={KS_UAT}

The contract: {url}/docs

Try it (Ctrl+C stops the server):
  curl -H 'authorization: Bearer {TOKEN}' '{url}/v1/workflow-definitions/{DEFINITION_ID}/runs?limit=2'
"""


def end_with_input() -> None:
    """Ends this process when its standard input does."""

    def watch() -> None:
        # Not sys.stdin: a thread that waits in there would hold its lock when the process ends for another reason.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    parser = Parser(
        prog=COMMAND,
        description="Runs the reference server until it is interrupted.",
        epilog=(__doc__ or "").partition("\n\n")[2].partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", default=8000, type=port_number, help="0 means any free one (default: %(default)s)")
    parser.add_argument(
        "--end-with-input",
        action="store_true",
        help="end when the standard input does: with a pipe there, however the process ends that started this one",
    )
    options = parser.parse_args()

    # uvicorn takes both signals over while it runs, stops cleanly, and raises the signal once more: that ends here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    if options.end_with_input:
        end_with_input()

    listener = open_socket(options.host, options.port)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    churn = whole_number("CHURN", 0)
    mutant = os.environ.get("MUTANT")
    server, around = open_mutant(mutant) if mutant else (open_server(churn), lambda app: app)
    try:
        text = introduction(url, server, churn)
        try:
            app = around(create_app(server))
        except ValueError as error:
            fail(str(error), "mend it; make generate names the line")
        UvicornServer(app, lambda: print(text, end="", flush=True)).run([listener])
    finally:
        server.close()


if __name__ == "__main__":
    main()
