"""A private PostgreSQL with PostGIS for the tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, BASE = "planner", "county"
SECRET = "p@ss w0rd/#?%"  # noqa: S105 - of a server that lives for seconds
SECRET_IN_ADDRESS = "p%40ss%20w0rd%2F%23%3F%25"  # noqa: S105
SERVER_USER = "postgres"  # the server refuses to run as root


class Server(NamedTuple):
    """Where the server listens."""

    port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"postgresql://{USER}:{SECRET_IN_ADDRESS}@127.0.0.1:{self.port}/{BASE}"

    @property
    def address_by_socket(self) -> str:
        return f"postgresql:///{BASE}?host={self.folder}&port={self.port}"


def programs() -> Path | None:
    """Return the folder of the newest server's programs, None where there is none."""
    beside = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return next((folder for folder in [*reversed(debian), *beside] if (folder / "initdb").is_file()), None)


def why_not() -> str | None:
    """Return what is missing for a server, None where all is there."""
    folder = programs()
    if folder is None:
        return "no PostgreSQL server: apt install postgresql postgresql-15-postgis-3"
    shares = [
        folder.parents[1] / "share" / "extension",
        Path("/usr/share/postgresql") / folder.parent.name / "extension",
    ]
    if not any((share / "postgis.control").is_file() for share in shares):
        return "PostgreSQL without PostGIS: apt install postgresql-15-postgis-3"
    if os.getuid() == 0:
        try:
            pwd.getpwnam(SERVER_USER)
        except KeyError:
            return f"no user {SERVER_USER}, and the server does not run as root"
    return None


def _run(*command: str | Path) -> None:
    words = [str(word) for word in command]
    if os.getuid() == 0:
        words = ["runuser", "-u", SERVER_USER, "--", *words]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/", timeout=120)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[Server]:
    """Start a server with the database `county`, and stop it in the end."""
    own = programs()
    assert own is not None
    folder = Path(tempfile.mkdtemp(prefix="geo-pg-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, SERVER_USER, SERVER_USER)
        secret = folder / "secret"
        secret.write_text(SECRET, encoding="utf-8")
        secret.chmod(0o644)
        port = _free_port()
        _run(
            own / "initdb",
            "-D",
            folder / "data",
            "-U",
            USER,
            "--pwfile",
            secret,
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        options = f"-p {port} -k {folder} -h 127.0.0.1 -c fsync=off -c shared_buffers=16MB -c max_connections=20"
        _run(own / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start")
        try:
            _run(own / "createdb", "-h", folder, "-p", str(port), "-U", USER, BASE)
            _run(
                own / "psql",
                "-h",
                folder,
                "-p",
                str(port),
                "-U",
                USER,
                "-d",
                BASE,
                "-q",
                "-c",
                "CREATE EXTENSION postgis",
            )
            yield Server(port, folder)
        finally:
            _run(own / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
