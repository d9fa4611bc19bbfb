"""What tests of every package share: places to write, a real PostgreSQL, Chromium, others' tools, no silent skip."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from argosy.store import Store, schema
from tests.postgres import server

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
    with server() as running:
        yield running.url


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


@pytest.fixture
def uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pinned uv is on the PATH, and is told of the way out as pip was."""
    ask = (
        "import json, runpy; dev = runpy.run_path('dev'); assert dev['tools'](); "
        "print(json.dumps({'PATH': str(dev['TOOLS'] / 'bin'), **dev['network']()}))"
    )
    made = subprocess.run([sys.executable, "-B", "-c", ask], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(made.stdout)
    monkeypatch.setenv("PATH", found.pop("PATH"), prepend=os.pathsep)
    for name, value in found.items():
        monkeypatch.setenv(name, value)


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
