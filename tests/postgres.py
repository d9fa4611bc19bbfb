"""A real PostgreSQL server of one's own, on the loopback, without fsync: for tests, and for what is measured on one."""

from __future__ import annotations

import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import psycopg


class Server(NamedTuple):
    """A running server: the URL of its maintenance database, and the process above all of its own."""

    url: str
    pid: int


@contextmanager
def server() -> Iterator[Server]:
    """A server that lives as long as this context. Raises RuntimeError where there is none, or it does not start."""
    binaries = _binaries()
    root = Path(tempfile.mkdtemp(prefix="argosy-postgres-"))
    owner = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:  # the server refuses to run as root
        owner = next(name for name in ("postgres", "nobody") if _is_user(name))
        shutil.chown(root, owner, pwd.getpwnam(owner).pw_gid)
    try:
        process, port = _start(binaries, root, owner)
        try:
            yield Server(f"postgresql+psycopg://argosy@127.0.0.1:{port}/postgres", process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(root)


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _binaries() -> Path:
    """Directory of initdb and postgres: of the PATH, else the newest where Debian keeps them."""
    on_path = shutil.which("initdb")
    kept = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]))
    found = [*kept, *([on_path] if on_path else [])]
    if not found:
        raise RuntimeError("no PostgreSQL server is installed (initdb is missing); next: scripts/system")
    return Path(found[-1]).resolve().parent


def _start(binaries: Path, root: Path, owner: str) -> tuple[subprocess.Popen[bytes], int]:
    """Initialise a cluster below `root` and start it on a free port of the loopback, as user `owner`."""
    data, log = root / "data", root / "log"
    with log.open("wb") as output:
        initialise = ("-D", data, "-U", "argosy", "-A", "trust", "-E", "UTF8", "--no-sync")
        if _spawn(owner, root, output, binaries / "initdb", *initialise).wait(60):
            raise RuntimeError(f"PostgreSQL could not be initialised:\n{log.read_text()}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        quick = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=64MB")
        where = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "max_connections=200")
        options = itertools.chain.from_iterable(("-c", option) for option in (*quick, *where))
        process = _spawn(owner, root, output, binaries / "postgres", "-D", data, *options)
    deadline = time.monotonic() + 60
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.02)
    return process, port


def _spawn(owner: str, root: Path, output: IO[bytes], *command: str | Path) -> subprocess.Popen[bytes]:
    """Start `command` as user `owner`, away from the terminal's signals and settings."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    user = pwd.getpwnam(owner) if os.geteuid() == 0 else None
    return subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=output,
        stderr=output,
        start_new_session=True,
        user=user and user.pw_uid,
        group=user and user.pw_gid,
        extra_groups=[] if user else None,
    )


def _answers(port: int) -> bool:
    """Whether the server takes queries: while it starts it accepts connections and refuses them."""
    try:
        with psycopg.connect(f"postgresql://argosy@127.0.0.1:{port}/postgres", connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False
