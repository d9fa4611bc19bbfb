"""Ingest: files become versions, what fails is set aside or kept out, and what blocks waits for a person."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from argosy.data.ingest import accept
from argosy.data.read import scan
from argosy.data.source import offers
from argosy.data.state import blocked, stale
from argosy.errors import ConflictError, CorruptError, InputError, UnknownError
from argosy.spec.contract import Column, Contract, Rule
from argosy.spec.expression import Expression
from argosy.store import Store, contracts, datasets, edges, events, executions, findings, statistics
from tests.data.table import DAY, START, dataset, everything, put, rows, take


def waiting(store: Store, root: Path, declared=None, now=START + 30 * DAY) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    with store.read() as conn:
        return tuple(each.label for each in offers(conn, declared or dataset(), root, now))


def test_files_become_versions_that_can_be_read_again(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 10))
    assert waiting(store, root) == ("data/a.parquet",)
    first = take(store, root)
    assert (first.status, first.added, first.version and first.version.number) == ("accepted", 10, 1)
    assert waiting(store, root) == ()
    put(root, "b", rows(10, 5, at=START + DAY))
    second = take(store, root)
    assert second.version is not None and (second.version.rows, second.version.added) == (15, 5)
    assert_frame_equal(everything(store), pl.concat([rows(0, 10), rows(10, 5, at=START + DAY)]))
    assert_frame_equal(everything(store, number=1), rows(0, 10))
    assert_frame_equal(everything(store, since=1), rows(10, 5, at=START + DAY))
    assert take(store, root).status == "nothing"


def test_a_version_commits_with_all_that_refers_to_it(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 10, late=[True] * 3 + [False] * 7))
    outcome = take(store, root)
    assert outcome.version is not None and outcome.version.execution_id is not None
    with store.read() as conn:
        run = executions.get(conn, [outcome.version.execution_id])[outcome.version.execution_id]
        assert (run.kind, run.subject, run.outcome) == ("ingest", "table", "succeeded")
        made = {(edge.direction, edge.kind, edge.reference.split("#")[0]) for edge in edges.of(conn, [run.id])}
        assert made == {("in", "file", "data/a.parquet"), ("out", "dataset", "table@1")}
        body = statistics.get(conn, "table", 1)
        assert body is not None and body["x"]["mean"] == 4.5 and body["late"]["top"] == {"false": 7, "true": 3}
        contract = contracts.current(conn, "table")
        assert contract is not None and contract.body["types"]["x"] == "Float64"
        assert [event.kind for event in events.since(conn)] == ["dataset.ingested"]


def test_a_touched_file_adds_nothing_and_a_changed_one_what_is_new(store: Store, root: Path) -> None:
    path = put(root, "a", rows(0, 10))
    take(store, root)
    os.utime(path, ns=(1, 1))
    assert waiting(store, root) == ("data/a.parquet",)
    assert take(store, root).status == "nothing"
    assert waiting(store, root) == ()
    put(root, "a", rows(0, 12))
    outcome = take(store, root)
    assert (outcome.added, outcome.unchanged, outcome.corrected) == (2, 10, 0)
    assert_frame_equal(everything(store), rows(0, 12))


def test_without_a_key_the_same_row_is_the_same_row(store: Store, root: Path) -> None:
    unkeyed = dataset(key=())
    put(root, "a", pl.concat([rows(0, 3), rows(0, 1)]))
    assert (take(store, root, unkeyed).added, everything(store).height) == (3, 3)
    put(root, "b", pl.concat([rows(2, 1, at=START + timedelta(hours=2)), rows(2, 1)]))
    assert take(store, root, unkeyed).added == 1


def test_a_later_known_time_corrects_and_an_equal_one_does_not(store: Store, root: Path) -> None:
    declared = dataset(known="k")
    put(root, "a", rows(0, 3).with_columns(k=pl.col("t")))
    take(store, root, declared)
    amended = rows(1, 1, at=START + timedelta(hours=1)).with_columns(x=pl.lit(99.0))
    put(root, "b", amended.with_columns(k=pl.col("t") + DAY))
    outcome = take(store, root, declared)
    assert (outcome.added, outcome.corrected) == (1, 1)
    assert everything(store).sort("k").filter(id=1)["x"].to_list() == [1.0, 99.0]
    assert everything(store, latest=True).sort("id")["x"].to_list() == [0.0, 99.0, 2.0]
    put(root, "c", amended.with_columns(k=pl.col("t") + DAY, x=pl.lit(5.0), y=pl.lit(1)).drop("y"))
    outcome = take(store, root, declared)
    assert (outcome.added, outcome.unchanged) == (0, 1)
    with store.read() as conn:
        assert "same key and k" in events.since(conn)[-1].message


def test_rows_known_later_come_exactly_once_when_they_are_known(store: Store, root: Path) -> None:
    declared = dataset(known="k")
    whole = rows(0, 48).with_columns(k=pl.col("t") + timedelta(hours=1))
    path = put(root, "a", whole)
    now = START + timedelta(hours=10)
    outcome = take(store, root, declared, now)
    assert (outcome.added, outcome.later) == (10, 38)
    assert waiting(store, root, declared, now) == ()
    path.unlink()
    for hours in (20, 30, 60):
        now = START + timedelta(hours=hours)
        assert len(waiting(store, root, declared, now)) == 1
        take(store, root, declared, now)
        assert waiting(store, root, declared, now) == ()
        assert_frame_equal(everything(store), whole.filter(pl.col("k") <= now))


def test_rows_that_are_amended_before_they_are_known_come_amended(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 2, at=START + DAY))
    put(root, "b", rows(9, 1))
    take(store, root, now=START)
    put(root, "a", rows(0, 2, at=START + DAY, x=[7.0, 8.0]))
    take(store, root, now=START)
    take(store, root, now=START + 2 * DAY)
    assert everything(store)["x"].to_list() == [9.0, 7.0, 8.0]


def test_a_duplicate_key_with_other_values_is_refused_with_both_places(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 3))
    put(root, "b", rows(2, 1, at=START + timedelta(hours=2)).with_columns(x=pl.lit(-1.0)))
    with pytest.raises(InputError, match=r"id=2.*'x' \(data/a.parquet, row 3 and data/b.parquet, row 1; 1 such\)"):
        take(store, root)
    with store.read() as conn:
        assert datasets.version(conn, "table") is None
    assert len(waiting(store, root)) == 2


def test_failing_rows_are_set_aside_with_the_reason(store: Store, root: Path) -> None:
    declared = dataset(contract=Contract({"x": Column(maximum=5, on_failure="quarantine")}))
    put(root, "a", rows(0, 8))
    outcome = take(store, root, declared)
    assert (outcome.status, outcome.added, outcome.quarantined) == ("accepted", 6, 2)
    aside = everything(store, purpose="quarantine")
    assert aside["reason"].to_list() == ["x is not at most 5"] * 2
    assert outcome.findings[0].message == "2 of 8 rows: x is not at most 5"
    put(root, "a", rows(0, 9))
    assert take(store, root, declared).quarantined == 1
    assert everything(store, purpose="quarantine")["id"].to_list() == [6, 7, 8]


def test_a_finding_shows_rows_with_what_their_rule_reads_and_no_value_that_is_tagged(store: Store, root: Path) -> None:
    short = Rule("short", Expression.of(pl.col("note").str.len_chars() < 100, "note"), "quarantine")
    contract = Contract({"mail": Column(pattern="@", on_failure="quarantine")}, rules=(short,))
    declared = dataset(contract=contract, tags={"mail": "pii"})
    put(root, "a", rows(0, 3, mail=["a@b", "none", None], note=["x", None, "y" * 200]))
    mail, note = take(store, root, declared).findings
    assert mail.examples == [{"id": 1, "t": "2024-01-01T01:00:00Z", "mail": "(pii)"}]
    assert [(each["id"], each["note"]) for each in note.examples] == [(2, "y" * 80 + "…")]
    assert note.column is None


def test_a_version_that_blocks_is_kept_out_until_it_is_accepted(store: Store, root: Path) -> None:
    good = Rule("small", Expression.of(pl.col("x") < 100, "x"))
    declared = dataset(contract=Contract(rules=(good,)))
    put(root, "a", rows(0, 5))
    take(store, root, declared)
    put(root, "b", rows(98, 4, at=START + DAY))
    outcome = take(store, root, declared)
    assert (outcome.status, outcome.added) == ("rejected", 0)
    with store.read() as conn:
        assert "small does not hold" in blocked(conn, ["table", "other"])["table"]
        assert findings.of(conn, "table", 2)[0].outcome == "failed"
    assert everything(store).height == 5
    assert waiting(store, root, declared) == ()
    taken = accept(store, declared, 2, "ann", "they are real", START + 40 * DAY)
    assert (taken.status, taken.added, taken.findings[0].outcome) == ("accepted", 4, "accepted")
    assert_frame_equal(everything(store), pl.concat([rows(0, 5), rows(98, 4, at=START + DAY)]))
    with store.read() as conn:
        assert blocked(conn, ["table"]) == {}
        event = events.since(conn)[-1]
        assert (event.kind, event.actor) == ("dataset.accepted", "ann") and "they are real" in event.message
    with pytest.raises(ConflictError, match="accepted before"):
        accept(store, declared, 2, "ann", "again", START + 40 * DAY)
    with pytest.raises(UnknownError, match="no rejected rows"):
        accept(store, declared, 1, "ann", "", START)


def test_a_corrected_file_after_a_rejected_one_unblocks(store: Store, root: Path) -> None:
    declared = dataset(contract=Contract({"x": Column(maximum=5)}))
    put(root, "a", rows(0, 8))
    assert take(store, root, declared).status == "rejected"
    put(root, "a", rows(0, 6))
    assert take(store, root, declared).added == 6
    with store.read() as conn:
        assert blocked(conn, ["table"]) == {}


def test_a_parquet_of_no_rows_is_taken_once_and_adds_nothing(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 0))
    outcome = take(store, root)
    assert (outcome.status, str(outcome)) == ("nothing", "no row in data/a.parquet")
    assert waiting(store, root) == ()
    with store.read() as conn:
        assert datasets.version(conn, "table") is None
        (event,) = events.since(conn)
    assert event.message == "table: 0 added, no row in data/a.parquet"
    assert str(take(store, root)) == "nothing new"


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"PAR1 not really", "is no Parquet file")])
def test_a_broken_file_is_named_and_nothing_is_taken(store: Store, root: Path, content: bytes, message: str) -> None:
    put(root, "a", rows(0, 2))
    (root / "data/b.parquet").write_bytes(content)
    with pytest.raises(InputError, match=f"data/b.parquet {message}"):
        take(store, root)
    with store.read() as conn:
        assert datasets.version(conn, "table") is None


def test_times_of_any_unit_and_zone_are_kept_in_utc_and_a_mix_is_refused(store: Store, root: Path) -> None:
    berlin = rows(0, 3).with_columns(pl.col("t").dt.convert_time_zone("Europe/Berlin").dt.cast_time_unit("ns"))
    put(root, "a", berlin)
    take(store, root)
    assert_frame_equal(everything(store), rows(0, 3))
    put(root, "b", rows(3, 3, at=START + DAY).with_columns(pl.col("t").dt.replace_time_zone(None)))
    with pytest.raises(
        InputError, match=r"data/b.parquet: the times of column 't' carry no time zone; those read before"
    ):
        take(store, root)


def test_a_changed_declaration_is_a_new_contract(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 5))
    take(store, root)
    put(root, "b", rows(5, 5, at=START + DAY))
    take(store, root, dataset(contract=Contract({"x": Column(minimum=0)})))
    with store.read() as conn:
        assert [each.reason for each in contracts.history(conn, "table")] == [
            "declared anew", "inferred from the first rows",
        ]  # fmt: skip


def test_a_dataset_that_gets_nothing_goes_stale(store: Store, root: Path) -> None:
    declared = dataset(contract=Contract(freshness="2d"))
    put(root, "a", rows(0, 5))
    assert take(store, root, declared, START + DAY).findings == ()
    with store.read() as conn:
        assert stale(conn, [declared], START + DAY) == {}
        assert stale(conn, [declared], START + 3 * DAY)["table"].newest == START + timedelta(hours=4)


def test_a_flipped_byte_is_found_before_it_is_read(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 5))
    take(store, root)
    with store.read() as conn:
        (part,) = datasets.parts(conn, "table", 1)
        path = store.blobs.path(part.digest)
        content = bytearray(path.read_bytes())
        content[40] ^= 1
        path.write_bytes(content)
        with pytest.raises(CorruptError, match=rf"a part of table@1 is damaged: blob {part.digest}"):
            scan(conn, store, "table")
        path.unlink()
        with pytest.raises(UnknownError, match=rf"a part of table@1 is damaged: there is no blob {part.digest}"):
            scan(conn, store, "table")


def test_unique_columns_beside_the_key_are_looked_up_in_what_is_there(store: Store, root: Path) -> None:
    declared = dataset(contract=Contract(unique=("mail",)))
    put(root, "a", rows(0, 2, mail=["a", "b"]))
    assert take(store, root, declared).status == "accepted"
    put(root, "b", rows(2, 2, at=START + DAY, mail=["c", "b"]))
    outcome = take(store, root, declared)
    assert outcome.status == "rejected" and "share their mail" in outcome.findings[0].message
