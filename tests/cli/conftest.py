"""A command run in process, and one project that was written, applied and trained by commands."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl
import pytest

from argosy.cli import main
from tests.cli import gifts, tracks
from tests.cli.pipes import Pipes
from tests.cli.tracks import Tracks


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, as on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the project that `init` writes, applied and trained. Do not change its facts."""
    place = tmp_path_factory.mktemp("late")
    with contextlib.chdir(place):
        for command in (["init", "--sample"], ["apply"], ["train", "late-order"]):
            assert main(command) == 0
        pl.read_parquet("data/orders/sample.parquet").drop("late").head(200).write_csv("rows.csv")
    return place


@pytest.fixture
def inside(late: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the working directory."""
    monkeypatch.chdir(late)
    return late


@pytest.fixture
def pipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipes:
    """A project of pipelines, as the working directory; nothing of it has run."""
    return Pipes(tmp_path, monkeypatch)


@pytest.fixture
def tracked(home: Path, monkeypatch: pytest.MonkeyPatch) -> Tracks:
    """A home with tracked runs, which commands find by themselves."""
    monkeypatch.setenv("ARGOSY_HOME", str(home))
    return tracks.fill(home)


@pytest.fixture(scope="session")
def _ran(tmp_path_factory: pytest.TempPathFactory) -> Pipes:
    place = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ARGOSY_HOME", raising=False)
        made = Pipes(place, patch)
        assert main(["run", "roots"]) == 0
        patch.setenv("PIPES_BREAK", "2")
        assert main(["run", "roots", "--set", "power=2"]) == 1
        patch.delenv("PIPES_BREAK")
        made.module.write_text(made.module.read_text().replace("return sum(xs)", "return sum(xs) + 0"))
        assert main(["run", "roots", "--set", "power=2"]) == 0
    return made


@pytest.fixture
def ran(_ran: Pipes, monkeypatch: pytest.MonkeyPatch) -> Pipes:
    """The same with three runs: one that succeeded; one of another power, whose element 2 failed; the same again with
    another `total`, which succeeded. Do not change its facts."""
    monkeypatch.chdir(_ran.place)
    return _ran


@pytest.fixture(scope="session")
def _given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("given")
    (place / "gifts.py").write_text(gifts.TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ARGOSY_HOME", raising=False)
        patch.chdir(place)
        assert main(["run", "gifts"]) == 0
    return place / ".argosy"


@pytest.fixture
def given(_given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with run 1, which gave something of every format, and an empty directory. Do not change its facts."""
    monkeypatch.setenv("ARGOSY_HOME", str(_given))
    monkeypatch.chdir(tmp_path)
    return _given
