"""What tests of every package share: places to write, a real PostgreSQL, Chromium, others' tools, no silent skip."""

from __future__ import annotations

import glob
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

import psycopg
import pytest
from hypothesis import settings

from argosy.store import Store, schema

ROOT = Path(__file__).resolve().parents[1]

# Reasons for which a test may be skipped, word for word, each with a comment that says why. Any other skip fails.
EXPECTED_SKIPS: frozenset[str] = frozenset()

settings.register_profile("house", deadline=None, print_blob=True)  # a busy machine is not a defect
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("ARGOSY_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty directory to serve as ARGOSY_HOME."""
    place = tmp_path / "home"
    place.mkdir()
    return place


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the maintenance database of a PostgreSQL server that lives as long as this session, without fsync."""
    binaries = _postgres_binaries()
    root = Path(tempfile.mkdtemp(prefix="argosy-postgres-"))
    owner = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:  # the server refuses to run as root
        owner = next(name for name in ("postgres", "nobody") if _is_user(name))
        shutil.chown(root, owner, pwd.getpwnam(owner).pw_gid)
    try:
        server, port = _start(binaries, root, owner)
        try:
            yield f"postgresql+psycopg://argosy@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)
    finally:
        shutil.rmtree(root)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    with _database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def _settled(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database in which the migrations made the tables of a home."""
    with _database(postgres_url) as url:
        Store.open(url, blobs=tmp_path_factory.mktemp("blobs")).close()
        yield url


@pytest.fixture
def postgres_home(_settled: str) -> Iterator[str]:
    """URL of a home without facts. Tests have it one after another, each as empty as the first: to make one is slow."""
    yield _settled
    with psycopg.connect(_settled.replace("+psycopg", "")) as connection:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(f'DELETE FROM "{table.name}"')


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium, for `playwright.chromium.launch(executable_path=...)`."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    return path or pytest.fail(f"none of {', '.join(names)} is on the PATH; next: scripts/system", pytrace=False)


@pytest.fixture(scope="session")
def apart() -> Callable[[str], Path]:
    """The directory of an environment that holds what lock/KIND.txt lists; made where it is not there yet."""

    @cache
    def find(kind: str) -> Path:
        ask = "import runpy, sys; print(runpy.run_path('dev')['apart'](sys.argv[1]))"
        made = subprocess.run([sys.executable, "-B", "-c", ask, kind], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert made.returncode == 0, f"the environment of lock/{kind}.txt could not be made"
        return Path(made.stdout.strip())

    return find


_numbers = itertools.count(1)


@contextmanager
def _database(server: str) -> Iterator[str]:
    """URL of an empty database on the server, which is dropped in the end."""
    address, _, _ = server.replace("+psycopg", "").rpartition("/")
    name = f"test_{next(_numbers)}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
    yield f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _postgres_binaries() -> Path:
    """Directory of initdb and postgres: of the PATH, else the newest where Debian keeps them."""
    on_path = shutil.which("initdb")
    kept = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]))
    found = [*kept, *([on_path] if on_path else [])]
    if not found:
        pytest.fail("no PostgreSQL server is installed (initdb is missing); next: scripts/system", pytrace=False)
    return Path(found[-1]).resolve().parent


def _start(binaries: Path, root: Path, owner: str) -> tuple[subprocess.Popen[bytes], int]:
    """Initialise a cluster below `root` and start it on a free port of the loopback, as user `owner`."""
    data, log = root / "data", root / "log"
    with log.open("wb") as output:
        initialise = ("-D", data, "-U", "argosy", "-A", "trust", "-E", "UTF8", "--no-sync")
        if _spawn(owner, root, output, binaries / "initdb", *initialise).wait(60):
            pytest.fail(f"PostgreSQL could not be initialised:\n{log.read_text()}", pytrace=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        quick = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=64MB")
        where = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "max_connections=200")
        options = itertools.chain.from_iterable(("-c", option) for option in (*quick, *where))
        server = _spawn(owner, root, output, binaries / "postgres", "-D", data, *options)
    deadline = time.monotonic() + 30
    while not _answers(port):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}", pytrace=False)
        time.sleep(0.02)
    return server, port


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


def _unexpected(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip that is not in EXPECTED_SKIPS into a failure."""
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return
    path, line, message = report.longrepr
    reason = message.removeprefix("Skipped: ")
    if reason not in EXPECTED_SKIPS:
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: skipped for a reason that tests/conftest.py does not expect: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _unexpected(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _unexpected(report)
    return report
