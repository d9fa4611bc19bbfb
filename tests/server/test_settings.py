from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import InputError, UsageError
from argosy.server.settings import LOOPBACK, Inference, read, works


def test_what_is_not_set_is_the_loopback(tmp_path: Path) -> None:
    found = read({}, home=str(tmp_path))
    assert (found.host, found.port, found.blobs) == ("127.0.0.1", 8075, None)
    assert set(found.hosts) == set(LOOPBACK)


def test_the_environment_is_read(tmp_path: Path) -> None:
    given = {"ARGOSY_HOME": "postgresql://db/argosy", "ARGOSY_BLOBS": str(tmp_path), "ARGOSY_PORT": "0",
             "ARGOSY_HOSTS": "models.example, other.example"}  # fmt: skip
    found = read(given)
    assert (found.home, found.blobs, found.port) == ("postgresql://db/argosy", tmp_path, 0)
    assert {"models.example", "other.example"} < set(found.hosts)


@pytest.mark.parametrize(
    "given", [{}, {"ARGOSY_HOME": "x", "ARGOSY_PORT": "http"}, {"ARGOSY_HOME": "x", "ARGOSY_PORT": "70000"}]
)
def test_what_cannot_be_meant_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InputError):
        read(given)


@pytest.mark.parametrize("port", ["http", "70000", "-1", "8075.5"])
def test_a_port_that_is_none_is_misuse_and_told_with_the_limit(port: str) -> None:
    with pytest.raises(UsageError, match=rf"ARGOSY_PORT is '{port}'.*\n.*from 0 to 65535"):
        read({"ARGOSY_HOME": "x", "ARGOSY_PORT": port})


@pytest.mark.parametrize("runs", ["0", "two", "1000", "-1"])
def test_a_number_of_runs_that_is_none_is_refused(runs: str) -> None:
    with pytest.raises(UsageError, match=rf"ARGOSY_RUNS is '{runs}'.*from 1 to 100"):
        read({"ARGOSY_HOME": "x", "ARGOSY_RUNS": runs})
    assert read({"ARGOSY_HOME": "x", "ARGOSY_RUNS": "7"}).runs == 7


@pytest.mark.parametrize("days", ["-1", "36501", "1.5", "a month"])
def test_a_retention_that_cannot_be_is_refused(days: str) -> None:
    with pytest.raises(UsageError, match=rf"ARGOSY_TRASH_DAYS is '{days}'.*from 0 to 36500"):
        read({"ARGOSY_HOME": "x", "ARGOSY_TRASH_DAYS": days})
    assert read({"ARGOSY_HOME": "x", "ARGOSY_TRASH_DAYS": "0"}).trash_days == 0


def test_how_the_inference_server_works_is_read_and_bounded() -> None:
    given = {
        "ARGOSY_HOME": "x", "ARGOSY_WORKERS": "4", "ARGOSY_CACHE_MB": "2048", "ARGOSY_FLUSH_SECONDS": "0.25",
        "ARGOSY_DURABLE": "1", "ARGOSY_TRUSTED": "0", "ARGOSY_PINNED": "late-arrival/*, prices",
    }  # fmt: skip
    assert read(given).inference == Inference(
        workers=4, cache_mb=2048, flush_seconds=0.25, durable=True, trusted=False, pinned=("late-arrival/*", "prices")
    )
    assert read({"ARGOSY_HOME": "x"}).inference == Inference()
    wrong = {"WORKERS": "0", "CACHE_MB": "8", "FLUSH_SECONDS": "soon", "DURABLE": "yes", "TRUSTED": "no"}
    for name, value in wrong.items():
        with pytest.raises(UsageError, match=f"ARGOSY_{name} is '{value}', which is not"):
            read({"ARGOSY_HOME": "x", f"ARGOSY_{name}": value})
    for workers in (0, 65):
        with pytest.raises(UsageError, match=f"--workers is {workers}"):
            works(workers)
