"""A throw-away PostgreSQL cluster on a free port, with a database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.nats_server import HOST, free_port

SUPERUSER = "masq"
_FAST = "fsync=off"
"""The tests kill the server, never the machine."""


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed; None: there is none."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(debian, key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).parent if on_path else None


def require_programs() -> Path:
    """Return where PostgreSQL is; without it fail in CI, and skip on a laptop."""
    folder = programs()
    if folder is None:
        reason = "PostgreSQL is not installed; on Debian: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


class PostgresCluster:
    """One server that a test can stop and start again with its files."""

    def __init__(self, binaries: Path) -> None:
        self._binaries, self._databases = binaries, 0
        self.port = free_port()
        # Below /tmp and its own: the server's user must be able to reach it.
        self.folder = Path(tempfile.mkdtemp(prefix="masq-postgres-"))
        # As root the server refuses to run; Debian's package brings a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", self._data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "-N")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        options = f"-h {HOST} -p {self.port} -k {self.folder} -c {_FAST}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def create_database(self) -> str:
        """Return the URL of a new database."""
        self._databases += 1
        name = f"books_{self._databases}"
        self._run("createdb", "-h", HOST, "-p", str(self.port), "-U", SUPERUSER, name)
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://{SUPERUSER}@{HOST}:{self.port}/{database}"

    def dump(self, database: str) -> bytes:
        """Return all that the server would write out of a database, data in hexadecimal."""
        arguments = ("-h", HOST, "-p", str(self.port), "-U", SUPERUSER, database)
        return self._run("pg_dump", *arguments)

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> bytes:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            user=self._user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            # Not pipes: a server that pg_ctl starts would hold them open.
            stdout=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            stderr=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, (program, done.stderr)
        return done.stdout or b""
