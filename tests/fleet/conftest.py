"""A fleet of test servers on loopback: correct, slow, broken, hanging, unreachable."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest

from codegen import ROOT
from tests.contract_run.hostile import hostile
from tests.fleet.__main__ import main
from tests.fleet.results import Result
from tests.mutants.faults import MUTANTS
from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.network_faults import Latency
from tests.reference_server.uvicorn_server import running

# Credentials by environment variable. All servers have the same credentials, under different variables.
TOKENS = {"FLEET_TOKEN": seed.TOKEN, "WRONG_TOKEN": "nobody-has-this-one", "SESSION": seed.KS_UAT}
ALL_IDS = f"""\
definition_id = "{seed.DEFINITION_ID}"
empty_definition_id = "{seed.EMPTY_DEFINITION_ID}"
foreign_definition_id = ["{seed.FOREIGN_DEFINITION_ID}", "{seed.FORBIDDEN_DEFINITION_ID}"]
"""
DEFAULTS = f"""\
[defaults]
rate_limit = "1000/s"
max_examples = 1
max_time = 200
env = {{ TOKEN = "FLEET_TOKEN", KS_UAT = "SESSION" }}
{ALL_IDS}
"""
MUTANT, OTHER_MUTANT = "limit_not_echoed", "default_limit_50"


@dataclass
class Member:
    """A server of the fleet."""

    name: str
    url: str
    settings: str = ""


@dataclass
class ServerFleet:
    """Servers, and the fleet.toml that lists them."""

    folder: Path
    members: list[Member] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "fleet.toml"

    def write(self) -> None:
        entries = (
            f'[[deployment]]\nname = "{each.name}"\nbase_url = "{each.url}"\n{each.settings}' for each in self.members
        )
        self.file.write_text(DEFAULTS + "\n".join(entries), "utf-8")

    def command(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs `python -m tests.fleet`."""
        return subprocess.run(
            [sys.executable, "-m", "tests.fleet", command],
            cwd=ROOT,
            env=self.environment(variables),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    def main(self, command: str, **variables: str) -> int:
        """Run a command in this process. Not for `run`, which starts processes."""
        return main([command], self.environment(variables))

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        ours = {"FLEET": str(self.file), "REPORT_DIR": str(self.folder / "reports"), "COLUMNS": "120", "JOBS": "2"}
        others = {name: value for name, value in os.environ.items() if name not in {"SHARD", "RESUME", "NEW_ONLY"}}
        return others | {"PYTHONPATH": f"{ROOT / 'generated'}:{ROOT / 'overrides'}"} | TOKENS | ours | dict(variables)

    def document(self) -> Result:
        found: Result = json.loads((self.folder / "reports/fleet.json").read_text("utf-8"))
        return found

    def results(self) -> dict[str, Result]:
        return {each["name"]: each for each in self.document()["deployments"]}


DYING_SERVER = """
import os, signal
from itertools import count
from tests.reference_server.app import ReferenceServer
from tests.reference_server.uvicorn_server import running

requests = count()

class Dying(ReferenceServer):
    def parse_limit(self, request):
        if next(requests) > 60:
            os._exit(0)
        return super().parse_limit(request)

with running(Dying()) as base_url:
    print(base_url, flush=True)
    signal.pause()
"""


@contextmanager
def dying_server() -> Iterator[str]:
    """Run a server that exits after some requests."""
    command = [sys.executable, "-c", DYING_SERVER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def hanging_server() -> Iterator[str]:
    """Run a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def refusing_address() -> Iterator[str]:
    """Yield an address where no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    yield f"http://127.0.0.1:{address[1]}"


@contextmanager
def echoing_server() -> Iterator[str]:
    """Run a server that redirects to an address that contains the credential."""
    answer = b"HTTP/1.1 302 Found\r\nLocation: /%s\r\nContent-Length: 0\r\n\r\n" % seed.TOKEN.encode()
    with hostile({0: lambda: iter([answer])}) as (base_url, _):
        yield base_url


def mutant_server(name: str) -> AbstractContextManager[str]:
    return running(MUTANTS[name].start())


def server_kinds() -> dict[str, Callable[[], AbstractContextManager[str]]]:
    """Return the kinds of servers, by name."""
    return {
        "good": running,
        "churning": lambda: running(ReferenceServer(churn=5)),
        "slow": lambda: running(faults=repeat(Latency(0.02))),
        "hanging": hanging_server,
        "refusing": refusing_address,
        "other": running,
        "part": running,
        "dying": dying_server,
        "echoing": echoing_server,
        **{name: partial(mutant_server, name) for name in (MUTANT, OTHER_MUTANT)},
    }


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[Callable[..., ServerFleet]]:
    """Makes a fleet with one server for each name, a key of `server_kinds`."""
    with ExitStack() as cleanup:

        def make_fleet(*names: str, **settings: str) -> ServerFleet:
            fleet = ServerFleet(tmp_path)
            for number, name in enumerate(names):
                url = cleanup.enter_context(server_kinds()[name]())
                fleet.members.append(Member(f"{name}-{number}", url, settings.get(name, "")))
            fleet.write()
            return fleet

        yield make_fleet
