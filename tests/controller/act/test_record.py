"""Taking in segments: each once, and whatever type a feature has been given since."""

from __future__ import annotations

import errno
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from argosy.controller import survey
from argosy.controller.act import record
from argosy.controller.action import Record
from argosy.controller.house import House
from argosy.controller.plan import predictions
from argosy.controller.watching import answered, spans
from argosy.controller.watching.kept import Kept
from argosy.data.dtype import INSTANT
from argosy.data.read import append, scan
from argosy.errors import CapacityError
from argosy.monitoring.bins import Bins
from argosy.store import datasets, events
from tests.controller.conftest import START

FLEET = "late-arrival"


def land(house: House, name: str, distance: list[float] | list[str]) -> None:
    """A segment with a row for each value of `distance`."""
    folder = house.places.segments / FLEET
    folder.mkdir(parents=True, exist_ok=True)
    rows = pl.DataFrame({"distance": distance}).with_row_index("row").with_columns(
        row_key=pl.format("{} {}", pl.lit(name), "row"), member=pl.lit("LGA/AA"), version=pl.lit(f"{FLEET}/LGA/AA@1"),
        at=pl.lit(START - timedelta(hours=1)).cast(INSTANT), route=pl.lit("own"), prediction=pl.lit(0.2),
        stale=pl.lit(False),
    )  # fmt: skip
    rows.drop("row").write_ipc(folder / name)


def take_in(house: House) -> str:
    return record.run(house, survey.observe(house, START), Record(FLEET, "a test"), START)


def test_a_segment_is_taken_in_once_though_it_is_still_there(house: House) -> None:
    land(house, "1.arrow", [700.0, 800.0])
    assert "2 answered rows from 1 segment" in take_in(house)
    land(house, "1.arrow", [700.0, 800.0])
    assert "0 answered rows from 0 segments" in take_in(house)
    assert not list((house.places.segments / FLEET).iterdir())


def test_many_segments_are_taken_in_by_portions_and_each_that_is_in_stays_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "PORTION", 5)
    for name, size in (("1", 2), ("2", 3), ("3", 1), ("4", 9), ("5", 5)):
        land(house, f"{name}.arrow", [700.0] * size)
    folder, calls = house.places.segments / FLEET, []

    def full(*given: Any, **more: Any) -> Any:
        calls.append(more["sources"])
        if len(calls) == 3:
            raise CapacityError("the disk is full", next="free some")
        return append(*given, **more)

    monkeypatch.setattr(record, "append", full)
    with pytest.raises(CapacityError):
        take_in(house)
    assert calls == [["1.arrow", "2.arrow"], ["3.arrow"], ["4.arrow"]]
    assert sorted(file.name for file in folder.iterdir()) == ["4.arrow", "5.arrow"]
    assert "14 answered rows from 2 segments" in take_in(house)
    assert not list(folder.iterdir())
    with house.store.read() as conn:
        assert [each.added for each in datasets.versions(conn, predictions(FLEET))] == [5, 1, 9, 5]


def test_a_segment_that_cannot_be_read_is_moved_aside_and_stops_none_of_the_others(house: House) -> None:
    for name in "1234":
        land(house, f"{name}.arrow", [700.0, 800.0])
    folder = house.places.segments / FLEET
    bad = {"0.arrow": b"", "2.arrow": (folder / "2.arrow").read_bytes()[:200], "3.arrow": b"?" * 300}
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    pl.DataFrame({"at": ["noon"]}).write_ipc(folder / "5.arrow")
    bad["5.arrow"] = (folder / "5.arrow").read_bytes()
    assert take_in(house).endswith("4 answered rows from 2 segments; 4 that cannot be read were moved to .bad")
    assert record.waiting(house.places.segments, FLEET) == []
    assert {file.name: file.read_bytes() for file in (folder / record.BAD).iterdir()} == bad
    with house.store.read() as conn:
        found = [each for each in events.of_subject(conn, f"predictions:{FLEET}") if each.kind == "failed"]
    assert [each.message.split()[1] for each in reversed(found)] == sorted(bad)
    assert found[0].message.endswith("it has no times 'at', but String")


def test_a_segment_whose_damage_makes_the_reader_panic_is_moved_aside(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object) -> None:
        raise pl.exceptions.PanicException("range end index 99 out of range")

    land(house, "1.arrow", [700.0])
    monkeypatch.setattr(pl, "read_ipc", panic)
    assert "0 answered rows from 0 segments; 1 that" in take_in(house)
    assert [file.name for file in (house.places.segments / FLEET / record.BAD).iterdir()] == ["1.arrow"]


def test_where_the_machine_is_short_of_means_segments_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    land(house, "1.arrow", [700.0])
    with monkeypatch.context() as patch, pytest.raises(OSError, match="Too many"):
        patch.setattr(Path, "read_bytes", full)
        take_in(house)
    assert "1 answered row from 1 segment" in take_in(house)


def test_a_feature_of_another_type_is_recorded_and_counted_beside_what_it_was(house: House) -> None:
    land(house, "1.arrow", [700.0, 800.0])
    take_in(house)
    land(house, "2.arrow", ["far", "near", "near"])
    land(house, "3.arrow", [900.0])
    take_in(house)
    with house.store.read() as conn:
        rows = scan(conn, house.store, predictions(FLEET)).collect()
        assert rows["distance"].to_list() == [700.0, 800.0, None, None, None, 900.0]
        assert rows["distance as String"].to_list() == [None, None, "far", "near", "near", None]
        version = datasets.version(conn, predictions(FLEET))
        assert version is not None
        seen = answered.answers(conn, house.store, FLEET, START - timedelta(days=1), START)
        for values, nulls in (([700.0, 900.0], 3), (["far", "near"], 3)):
            frame = pl.DataFrame({"distance": values, "late": [0, 1]})
            bins = Bins.fit(frame, task="binary", prediction="late", features=["distance"])
            (day,) = spans.days(conn, house.store, Kept(), FLEET, version, seen, bins).values()
            assert (day.rows, int(day.table.counts[0, bins.features[0].cells - 1])) == (6, nulls)
