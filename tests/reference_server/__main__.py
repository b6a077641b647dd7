"""`python -m tests.reference_server`: runs the server in the foreground until it is interrupted.

The first line on stdout, `Listening on <base URL>`, is printed when requests are accepted; a parent process may wait
for it. Exit code 0 after SIGINT or SIGTERM, 2 if it could not start.

Environment variables; an empty one counts as unset:
    DATABASE_URL    sqlite:///FILE or postgresql+psycopg://... (default: SQLite in memory)
    SEED_RUNS       number of runs in an empty database (default: 137)
    CHURN           changes of the list per second (default: 0)
    SEED            seed of the random changes (default: 0)
    MUTANT          name of a deliberate fault in tests/mutants/faults (default: none)
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

# Seeding more runs than this takes seconds.
SLOW_SEED = 20_000

COMMAND = "python -m tests.reference_server"


def fail(problem: str, fix: str) -> NoReturn:
    print(f"problem: {problem}\nfix: {fix}", file=sys.stderr)
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(message, f"see {COMMAND} --help, or the variables of make help")


def port_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a port between 0 and 65535 (got '{text}')")
    return int(text)


def open_socket(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            fail(f"port {port} on {host} is in use", "stop the server there, or use a free port: make serve PORT=0")
        # Python appends the address in brackets; the message has it already.
        reason = str(getattr(error, "strerror", error)).partition(" (")[0]
        fail(
            f"cannot listen on {host}, port {port}: {reason}",
            f"use an address of this machine: {COMMAND} --host 127.0.0.1",
        )


def read_number(name: str, default: int) -> int:
    """Return the value of an environment variable."""
    text = os.environ.get(name, "")
    if not re.fullmatch(r"[0-9]{0,9}", text, re.ASCII):
        fail(f"{name} must be an integer between 0 and 999999999 (got '{text}')", f"set it in digits: {name}=20")
    return int(text or default)


def open_server(churn: int) -> ReferenceServer:
    runs = read_number("SEED_RUNS", RUNS)
    if runs > SLOW_SEED:
        # One write: two servers may start at the same time.
        sys.stderr.write(f"Adding {runs:,} runs if the database is empty; this can take a minute.\n")
    try:
        # Empty variables count as unset.
        url, churn_seed = os.environ.get("DATABASE_URL") or "sqlite://", os.environ.get("SEED") or "0"
        return ReferenceServer(url, runs, churn, churn_seed)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        # The first line of the database's own error; the rest is SQL and links.
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        if isinstance(error, ValueError):
            # Its message quotes part of the URL, which may contain a password.
            reason = "not a valid URL"
        fail(
            f"cannot use the database of DATABASE_URL: {reason}",
            "set a file, DATABASE_URL=sqlite:///runs.db, or a running PostgreSQL, "
            "DATABASE_URL=postgresql+psycopg://user:password@host/database; or unset it for a database in memory",
        )


def open_mutant(name: str) -> tuple[ReferenceServer, Callable[[ASGIApp], ASGIApp]]:
    # Imported late: mutants import this package.
    from tests.mutants.runner import server_for

    if given := [variable for variable in ("DATABASE_URL", "SEED_RUNS", "CHURN") if os.environ.get(variable)]:
        fail(f"MUTANT uses its own database in memory, and {given[0]} is set", f"unset {' and '.join(given)}")
    try:
        return server_for(name)
    except LookupError as error:
        fail(f"there is no mutant '{name}'", error.args[0])


def start_message(url: str, server: ReferenceServer, churn: int) -> str:
    """Return the text that is printed at start. The first line is for programs; the last one can be pasted."""
    # Not SEED_RUNS: the database may have been seeded before.
    runs = server.churn.initial_runs
    changing = f", with {churn} changes per second" if churn else ""
    return f"""\
Listening on {url}

Workflow definitions:
  {DEFINITION_ID}  has {runs} runs{changing}
  {EMPTY_DEFINITION_ID}  has no runs
  {FORBIDDEN_DEFINITION_ID}  is not readable with this token (403)
  {FOREIGN_DEFINITION_ID}  belongs to another tenant (404)

Credentials, either one is enough:
  authorization: Bearer {TOKEN}
  cookie: ks_uat={KS_UAT}

The contract: {url}/docs

Try it (Ctrl+C stops the server):
  curl -H 'authorization: Bearer {TOKEN}' '{url}/v1/workflow-definitions/{DEFINITION_ID}/runs?limit=2'
"""


def exit_with_stdin() -> None:
    """Exit when standard input is closed."""

    def watch() -> None:
        # Not sys.stdin: the waiting thread would hold its lock when the process exits for another reason.
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
    parser.add_argument("--port", default=8000, type=port_number, help="0: any free port (default: %(default)s)")
    parser.add_argument(
        "--end-with-input",
        action="store_true",
        help="exit when standard input is closed; with a pipe, this also works when the parent process is killed",
    )
    options = parser.parse_args()

    # uvicorn handles both signals while it runs, stops cleanly and raises the signal again, which arrives here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    if options.end_with_input:
        exit_with_stdin()

    listener = open_socket(options.host, options.port)
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    churn = read_number("CHURN", 0)
    mutant = os.environ.get("MUTANT")
    server, around = open_mutant(mutant) if mutant else (open_server(churn), lambda app: app)
    try:
        text = start_message(url, server, churn)
        try:
            app = around(create_app(server))
        except ValueError as error:
            fail(str(error), "correct openapi.yaml; make generate names the line")
        UvicornServer(app, lambda: print(text, end="", flush=True)).run([listener])
    finally:
        server.close()


if __name__ == "__main__":
    main()
