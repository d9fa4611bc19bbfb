"""The list of runs, and of pipelines above it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from argosy.console import runs
from argosy.console.page import to_html
from argosy.console.runs import RunsPage
from argosy.controller import pipes
from argosy.errors import UsageError
from argosy.store import Store
from tests.console import sailed


def read(store: Store, where: str = "", cursor: str | None = None) -> RunsPage:
    with store.read() as conn:
        return runs.read(conn, sailed.now(), where=where, cursor=cursor)


def test_runs_are_told_in_a_line_each_the_newest_first(sea: Store) -> None:
    found = read(sea).runs
    assert [(each.id, each.pipeline, each.state) for each in found] == [
        (3, "short", "succeeded"), (2, "voyage", "failed"), (1, "voyage", "failed"),
    ]  # fmt: skip
    assert found[1].counts == {"cached": 3, "executed": 5, "failed": 2, "skipped": 1}
    with sea.read() as conn:
        html = to_html(runs.page(conn, sailed.now()))
    assert html.count("<script") == 1 and 'href="/runs/2"' in html and "asked for" in html
    assert "5 done, 3 cached, 2 failed, 1 skipped" in html


def test_a_filter_and_its_chips(sea: Store) -> None:
    assert [each.id for each in read(sea, "state:failed").runs] == [2, 1]
    assert [each.id for each in read(sea, "pipeline:short").runs] == [3]
    chips = {chip.words: chip for chip in read(sea, "state:failed").chips}
    assert chips["failed"].on and chips["failed"].link == "/runs"
    assert chips["short"].link == "/runs?where=state%3Afailed+pipeline%3Ashort"
    with pytest.raises(UsageError, match="names no state"):
        read(sea, "state:sunk")


def test_pages_of_runs_neither_repeat_nor_miss_one(store: Store) -> None:
    for _ in range(runs.SIZE + 3):
        sailed.depart(store)
    first = read(store)
    second = read(store, cursor=first.next)
    assert [each.id for each in (*first.runs, *second.runs)] == list(range(runs.SIZE + 3, 0, -1))
    assert second.next is None and second.pipelines == ()


def test_a_pipeline_tells_when_it_runs_and_how_it_went(sea: Store) -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    with sea.read() as conn:
        short, voyage = pipes.pipes(conn, moment)
        html = to_html(runs.page(conn, moment))
    assert voyage.starts == ("at 06:00 every day (Europe/Berlin)", "after pipeline short")
    assert voyage.next == datetime(2026, 7, 2, 6, tzinfo=ZoneInfo("Europe/Berlin"))
    assert voyage.last is not None and voyage.last.id == 2
    assert short.paused and short.next is None and short.reason == sailed.EVIL
    assert "2026-07-02 04:00" in html and ">paused</span>" in html and sailed.EVIL in unescape(html)


def test_one_that_is_at_work_takes_as_long_as_it_has(store: Store) -> None:
    sailed.depart(store)
    (found,) = read(store).runs
    assert found.state == "running" and found.took is not None and found.took >= 20
    with store.read() as conn:
        (later,) = runs.read(conn, sailed.now() + timedelta(seconds=50)).runs
    assert later.took is not None and later.took > found.took + 49


def test_nothing_ran_yet(store: Store) -> None:
    with store.read() as conn:
        assert "argosy run PIPELINE" in to_html(runs.page(conn, sailed.now()))
