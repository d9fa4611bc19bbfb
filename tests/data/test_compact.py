from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from argosy.data import compact as compacting
from argosy.data.compact import FANOUT, compact
from argosy.data.part import Layout, distinct
from argosy.data.read import append
from argosy.errors import CapacityError, CorruptError
from argosy.store import Store, datasets, edges, events, executions
from argosy.store.datasets import COMPACT, ROWS, Part, Version
from tests.data.table import DAY, START, dataset, everything, put, rows, take


def day(number: int) -> pl.DataFrame:
    """Three rows of a day; from the fortieth on with one column more, from the fiftieth on with a wider one."""
    frame = rows(3 * number, 3, at=START + number * DAY)
    if number >= 40:
        frame = frame.with_columns(note=pl.format("day {}", pl.lit(number)))
    return frame.with_columns(n=pl.lit(number, pl.Float64 if number >= 50 else pl.Int64))


def fill(store: Store, days: int, first: int = 0) -> Version:
    for number in range(first, first + days):
        version = append(store, "p", day(number), time="t", sources=[str(number)], now=START, cause="")
    return version


def parts(store: Store, number: int, since: int = 0) -> list[Part]:
    with store.read() as conn:
        return datasets.cover(conn, "p", number, since=since)


def held(store: Store, purpose: str) -> list[Part]:
    with store.read() as conn:
        return datasets.parts(conn, "p", 10**6, purpose=purpose)


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store, 100)
    return store


def test_many_small_parts_are_read_as_few(filled: Store) -> None:
    assert len(held(filled, ROWS)) == 100
    spans = [(each.first_version, each.from_version) for each in held(filled, COMPACT)]
    assert spans == [(1, 32), (33, 64), (65, 96)]
    assert [each.rows for each in parts(filled, 100)] == [96, 96, 96, 3, 3, 3, 3]


def test_every_version_and_span_of_versions_reads_as_before(filled: Store) -> None:
    every = [day(each) for each in range(100)]
    spans = [(100, 0), (96, 0), (95, 0), (64, 32), (64, 31), (65, 33), (70, 10), (40, 39), (100, 100), (33, 0), (31, 0)]
    for number, since in spans:
        found = everything(filled, "p", number=number, since=since)
        want = pl.concat(every[:number], how="diagonal_relaxed")[3 * since :]
        assert_frame_equal(found, want, check_column_order=False)
        assert sum(each.rows for each in parts(filled, number, since)) == want.height


def test_a_span_of_time_reads_what_lies_in_it_and_opens_no_other_part(filled: Store) -> None:
    low, high = START + 30 * DAY, START + 70 * DAY + timedelta(hours=1)
    found = everything(filled, "p", low=low, high=high)
    assert found["id"].to_list() == list(range(90, 212))
    with filled.read() as conn:
        near = datasets.cover(conn, "p", 100, low=START + 98 * DAY)
    assert [each.first_version for each in near] == [99, 100]


def test_no_version_comes_of_it_and_none_changes(store: Store) -> None:
    made = fill(store, 32)
    with store.read() as conn:
        assert datasets.versions(conn, "p")[-1] == made == datasets.latest(conn)["p"]
        assert (made.number, made.rows, made.added) == (32, 96, 3)
    again = fill(store, 1, 32)
    with store.read() as conn:
        raw = [each.digest for each in datasets.parts(conn, "p", 33)]
    assert again.rows == 99 and len(raw) == 33 and not set(raw) & {each.digest for each in held(store, COMPACT)}


def test_the_lineage_of_a_compact_part_is_its_parts(store: Store) -> None:
    fill(store, 32)
    (made,) = held(store, COMPACT)
    with store.read() as conn:
        (run,) = executions.of_subject(conn, "parts:p")
        found = edges.of(conn, [run.id])
    assert (run.kind, run.key, run.metrics) == ("compact", "p@1-32", {"rows": 96, "parts": 32})
    read = {each.reference for each in found if each.direction == edges.IN}
    assert read == {each.digest for each in held(store, ROWS)}
    assert [each.reference for each in found if each.direction == edges.OUT] == [made.digest]


def test_parts_of_parts_are_compacted_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FANOUT", 4)
    fill(store, 40)
    spans = [(each.first_version, each.from_version) for each in parts(store, 40)]
    assert spans == [(1, 16), (17, 32), (33, 36), (37, 40)]
    assert everything(store, "p")["id"].to_list() == list(range(120))


def test_large_parts_stay_as_they_are(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "_SMALL", 2)
    fill(store, 40)
    assert held(store, COMPACT) == []


def test_one_that_was_killed_before_its_facts_is_done_by_the_next_and_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    fill(store, 31)
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "compact", die)
        with pytest.raises(KeyboardInterrupt):
            fill(store, 1, 31)
    assert held(store, COMPACT) == [] and everything(store, "p").height == 96
    fill(store, 8, 32)
    (made,) = held(store, COMPACT)
    assert (made.first_version, made.from_version, made.rows) == (1, FANOUT, 96)
    with store.read() as conn:
        version = datasets.version(conn, "p")
    assert version is not None
    compact(store, version, START)
    assert held(store, COMPACT) == [made]


def test_two_at_once_leave_one(filled: Store) -> None:
    (first, *_) = held(filled, COMPACT)
    with filled.write() as tx:
        assert datasets.compact(tx, "p", first) is False
    assert len(held(filled, COMPACT)) == 3


def test_a_damaged_compact_part_is_found_before_it_is_read(filled: Store) -> None:
    path = filled.blobs.path(held(filled, COMPACT)[1].digest)
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptError):
        everything(filled, "p")


def failures(store: Store, subject: str) -> list[str]:
    with store.read() as conn:
        return [each.message for each in events.of_subject(conn, subject) if each.kind == "failed"]


def test_a_damaged_part_that_cannot_be_compacted_fails_no_append_and_is_told(store: Store) -> None:
    fill(store, 31)
    path = store.blobs.path(held(store, ROWS)[3].digest)
    path.write_bytes(path.read_bytes()[:-1])
    assert fill(store, 17, 31).number == 48
    assert held(store, COMPACT) == [] and len(held(store, ROWS)) == 48
    told = failures(store, "p")
    assert len(told) == 3 and all(each.startswith("the small parts of p are not brought together: ") for each in told)
    assert path.name in told[0]


@pytest.mark.parametrize("error", [CapacityError("the disk is full", next="free some"), OSError("no such device")])
def test_an_ingest_that_is_committed_succeeds_where_the_disk_is_too_full_to_compact(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    for number in range(31):
        put(root, f"{number:02}", rows(3 * number, 3))
        take(store, root)
    put(root, "31", rows(93, 3))
    monkeypatch.setattr(compacting.part, "compacted", full)
    assert take(store, root).added == 3
    (told,) = failures(store, "table")
    assert told == f"the small parts of table are not brought together: {error}"


def test_ingested_rows_are_told_apart_from_those_in_compact_parts(store: Store, root: Path) -> None:
    declared = dataset(known="k")
    for number in range(40):
        put(root, f"{number:02}", rows(3 * number, 3, at=START + number * DAY).with_columns(k=pl.col("t")))
        assert take(store, root, declared, START + 90 * DAY).added == 3
    with store.read() as conn:
        assert len(datasets.cover(conn, "table", 40)) == 9
    put(root, "x", rows(0, 6).with_columns(k=pl.when(pl.col("id") < 3).then(pl.col("t")).otherwise(START + 50 * DAY)))
    outcome = take(store, root, declared, START + 90 * DAY)
    assert (outcome.added, outcome.corrected, outcome.unchanged) == (3, 3, 3)
    assert everything(store, latest=True).height == 120


def test_keys_are_known_to_be_distinct_until_one_is_corrected_or_the_key_is_another(store: Store, root: Path) -> None:
    def said(*key: str) -> bool:
        with store.read() as conn:
            return distinct(datasets.cover(conn, "table", 10**6), Layout("t", "k", key))

    declared = dataset(known="k")
    for number in range(FANOUT):
        put(root, f"{number:02}", rows(3 * number, 3, at=START + number * DAY).with_columns(k=pl.col("t")))
        take(store, root, declared, START + 90 * DAY)
    assert said("id") and not said("id", "t")
    put(root, "x", rows(0, 1).with_columns(k=pl.lit(START + 50 * DAY)))
    assert take(store, root, declared, START + 90 * DAY).corrected == 1
    assert not said("id")
    assert_frame_equal(everything(store, latest=True).sort("id").select("id"), rows(0, 3 * FANOUT).select("id"))
