from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from argosy.errors import ConflictError, UnknownError
from argosy.server import run, secret
from argosy.server.settings import Settings
from argosy.store import events
from tests.console import build
from tests.server.harbour import Harbour, open_harbour


@pytest.fixture
def harbour(template: Path, tmp_path: Path) -> Iterator[Harbour]:
    shutil.copytree(template, tmp_path / "home")
    with open_harbour(tmp_path / "home") as found:
        yield found


def note(harbour: Harbour, message: str) -> int:
    with harbour.store.write() as tx:
        new = events.NewEvent(at=build.NOW, kind="noted", subject="late-arrival", actor="ada", message=message)
        return events.add(tx, [new])[0]


def test_it_serves_over_the_wire_compressed(harbour: Harbour) -> None:
    answer = httpx.get(f"{harbour.url}/fleets/late-arrival", headers={"authorization": f"Bearer {harbour.token}"})
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert httpx.get(f"{harbour.url}/healthz").text == "ok"


def test_facts_are_followed_and_none_is_missed_after_a_break(harbour: Harbour) -> None:
    headers = {"authorization": f"Bearer {harbour.token}"}
    with httpx.stream("GET", f"{harbour.url}/api/watch", headers=headers, timeout=60) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line) == ": alive"
        first = note(harbour, "one")
        assert next(line for line in lines if line.startswith("id:")) == f"id: {first}"
    second = note(harbour, "two")
    back = {**headers, "last-event-id": str(first)}
    with httpx.stream("GET", f"{harbour.url}/api/watch", headers=back, timeout=60) as stream:
        assert next(line for line in stream.iter_lines() if line.startswith("id:")) == f"id: {second}"


def test_a_stream_ends_with_the_token_that_opened_it(harbour: Harbour) -> None:
    text = secret.issue(harbour.store, "short", secret.VIEWER, build.NOW)
    with (
        httpx.stream("GET", f"{harbour.url}/api/watch", headers={"authorization": f"Bearer {text}"}, timeout=60) as one,
        httpx.stream(
            "GET", f"{harbour.url}/api/watch", headers={"authorization": f"Bearer {harbour.token}"}, timeout=60
        ) as other,
    ):
        lines, others = one.iter_lines(), other.iter_lines()
        assert {next(line for line in each if line) for each in (lines, others)} == {": alive"}
        secret.revoke(harbour.store, "short", build.NOW)
        assert len([line for line in lines if line.startswith("event:")]) <= 1  # of its own end, and then no more
        first = note(harbour, "after the end of the one")
        assert next(line for line in others if line == f"id: {first}")


def test_it_stops_with_streams_open(harbour: Harbour) -> None:
    headers = {"authorization": f"Bearer {harbour.token}"}
    with httpx.stream("GET", f"{harbour.url}/events/live", headers=headers, timeout=60) as stream:
        next(stream.iter_lines())
        begun = time.monotonic()
        harbour.running.stop()
        harbour.thread.join(60)
        assert not harbour.thread.is_alive() and time.monotonic() - begun < 5


def test_too_many_streams_are_refused_in_words(template: Path) -> None:
    from argosy.errors import CapacityError
    from argosy.server.app import create
    from argosy.store import Store

    with Store.open(template) as store:
        _, desk = create(store, Settings(home=str(template), streams=1), lambda: build.NOW)
        with desk.stream(), pytest.raises(CapacityError, match="1 streams are open"), desk.stream():
            pass
        with desk.stream():
            pass


def test_a_home_without_a_store_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="no store"):
        run.serve(Settings(home=str(tmp_path)), signals=False)
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_taken_is_told_in_words(harbour: Harbour) -> None:
    with pytest.raises(ConflictError, match=f"cannot listen on 127.0.0.1:{harbour.port}"):
        run.serve(Settings(home=harbour.store.home, port=harbour.port), signals=False)
