"""What `argosy events` follows."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from argosy.store import Store, events

START = "import sys; from argosy.cli import main; sys.exit(main())"


def _record(store: Store, *kinds: str) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    with store.write() as tx:
        events.add(tx, [events.NewEvent(at=at, kind=kind, subject="s", actor="a", message=kind) for kind in kinds])


def test_what_is_followed_meets_the_filter_too(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        _record(store, "promoted", "trained")
        follow = ["events", "-w", "--where", "kind:promoted", "--json", "--home", str(tmp_path)]
        with subprocess.Popen([sys.executable, "-c", START, *follow], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                seen = [process.stdout.readline()]
                _record(store, "trained", "promoted")
                seen.append(process.stdout.readline())
            finally:
                process.terminate()
    assert [(item["id"], item["kind"]) for item in map(msgspec.json.decode, seen)] == [(1, "promoted"), (4, "promoted")]


def test_no_event_that_meets_the_filter_is_said(run, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        _record(store, "trained")
    assert run("events", "--where", "kind:promoted", "--home", tmp_path).err == (
        "no events with kind:promoted\n  no event of kind 'promoted' was ever recorded here, only of trained\n"
    )


def test_a_kind_that_no_event_has_is_told_with_those_there_are(run, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        _record(store, "trained", "alert.raised")
    shown = run("events", "--where", "kind:traned subject:s", "--home", tmp_path)
    assert shown.err.splitlines()[1] == (
        "  no event of kind 'traned' was ever recorded here, only of alert.raised, trained"
    )
    assert len(run("events", "--where", "kind:train* subject:t", "--home", tmp_path).err.splitlines()) == 1


def test_kinds_and_subjects_are_columns(run, tmp_path: Path) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    names = [("gated", "late-arrival/EWR/AA"), ("dataset.ingested", "flights")]
    with Store.open(tmp_path) as store, store.write() as tx:
        events.add(tx, [events.NewEvent(at=at, kind=k, subject=s, actor="a", message="said") for k, s in names])
    lines = run("events", "--home", tmp_path).out.splitlines()
    assert {(line.index(subject), line.index("said")) for line, (_, subject) in zip(lines, names, strict=True)} == {
        (36, 57)
    }
