from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest

from argosy.console import table
from argosy.console.page import to_html
from argosy.data.ingest import accept
from argosy.data.profile import LISTED, profile
from argosy.spec.contract import Column, Contract
from argosy.spec.document import encode
from argosy.store import Store, contracts, datasets, declarations, statistics
from argosy.store.findings import Finding
from tests.data.table import DAY, START, dataset, put, rows, take

NOW = datetime(2013, 6, 1, tzinfo=UTC)


def finding(id: int, version: int, rule: str, outcome: str, rows: int) -> Finding:
    return Finding(
        id=id, dataset="flights", version=version, rule=rule, column=None, severity="warn", outcome=outcome, rows=rows,
        examples=[], message=f"{rows} rows of {version}", at=NOW,
    )  # fmt: skip


def test_findings_of_one_rule_are_one_with_the_latest_in_front() -> None:
    found = table.noted([
        finding(5, 7, "range", "warned", 3), finding(4, 7, "unique", "failed", 1), finding(3, 5, "range", "warned", 4),
        finding(2, 5, "range", "quarantined", 2), finding(1, 5, "range", "warned", 1),
    ])  # fmt: skip
    assert [(each.latest.id, each.first, each.versions, each.rows) for each in found] == [
        (5, 5, 2, 8), (4, 7, 1, 1), (2, 5, 1, 2),
    ]  # fmt: skip
    assert table.noted([]) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conditions.features.0123456789ab", "Rows of the view conditions."),
        ("conditions.features.ffff", "Rows of the view conditions, as it was declared before."),
        ("gone.features.0123456789ab", "Rows of the view gone, as it was declared before."),
        ("late-arrival.predictions", "Rows that were answered for the fleet late-arrival."),
        ("other", "Filled by Argosy."),
    ],
)
def test_what_nobody_declares_is_said_to_be_what_it_is(name: str, words: str) -> None:
    assert table.filled(name, {"conditions": "0123456789abcdef"}) == words


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


def add(store: Store, frame: pl.DataFrame) -> table.TablePage:
    """The page of a dataset once a version that adds these rows is in it, with its statistics."""
    columns = {name: str(dtype) for name, dtype in frame.schema.items()}
    with store.write() as tx:
        last = datasets.version(tx, "table")
        part = datasets.NewPart(digest=f"{last.number if last else 0:064}", rows=frame.height, bytes=1)
        made = datasets.commit(tx, datasets.NewVersion(dataset="table", at=NOW, parts=[part], columns=columns))
        body = profile(frame, statistics.get(tx, "table", last.number) if last else None)
        statistics.add(tx, statistics.NewStatistic(dataset="table", number=made.number, body=body))
    with store.read() as conn:
        return table.read(conn, "table", NOW)


def test_the_statistics_of_a_page_are_of_all_rows(store: Store) -> None:
    first = pl.DataFrame({"x": [1.0, 2.0, 3.0], "k": ["a", "b", None], "id": [str(i) for i in range(3)]})
    many = pl.DataFrame({"x": [9.0] * LISTED, "k": ["a"] * LISTED, "id": [str(i) for i in range(3, LISTED + 3)]})
    page = add(store, first)
    assert {c.name: (c.distinct, c.over) for c in page.columns} == {"x": (3, None), "k": (2, None), "id": (3, None)}
    add(store, many)
    page = add(store, many.clear())
    x, k, id = page.columns
    assert (page.versions[0].added, page.versions[0].rows) == (0, LISTED + 3)
    assert (x.minimum, x.maximum, x.distinct, sum(x.histogram)) == (1.0, 9.0, None, LISTED + 3)
    assert (k.nulls, k.distinct, k.top) == (1 / (LISTED + 3), 2, (("a", LISTED + 1), ("b", 1)))
    assert (id.distinct, id.over, id.top) == (None, LISTED, ())


def test_a_page_tells_a_finding_of_an_earlier_version(shown: Store) -> None:
    with shown.read() as conn:
        (noted,) = table.read(conn, "weather", NOW).findings
    assert (noted.latest.version, noted.versions) == (3, 1)


def test_a_page_tells_rows_that_were_set_aside_what_is_dropped_and_that_it_is_stale(home: Path, tmp_path: Path) -> None:
    contract = Contract({"x": Column(maximum=5, on_failure="quarantine")}, freshness="2d")
    declared = dataset(contract=contract, tags={"x": "sensitive"})
    with Store.open(home) as store:
        body = msgspec.json.decode(encode(declared))
        new = declarations.NewDeclaration(
            kind="dataset", name="table", fingerprint="", body=body, at=START, actor="ada"
        )
        with store.write() as tx:
            declarations.add(tx, [new])
        put(tmp_path, "a", rows(0, 8, y=1))
        take(store, tmp_path, declared)
        put(tmp_path, "b", rows(8, 1, at=START + DAY).with_columns(x=0.5))
        accept(store, declared, take(store, tmp_path, declared).version.number, "ann", "", START + DAY)
        now = START + 3 * DAY + timedelta(hours=1)
        with store.read() as conn:
            pages = [table.page(conn, "table", each) for each in (now - timedelta(hours=1), now)]
            lists = [table.index(conn, each).data[0].stale for each in (now - timedelta(hours=1), now)]
    data, html = pages[1].data, to_html(pages[1])
    assert (pages[0].data.stale, lists[0]) == (None, None)
    said = "stale since 2024-01-04 00:00: the newest event is 2d 1h old, more than 2d"
    assert str(data.stale) == str(lists[1]) == said
    assert str(data.stale) in html and "stale" not in to_html(pages[0])
    assert data.dropped == ("y",) and "dropped y" in html
    (aside,) = [each.latest for each in data.findings if each.latest.outcome == "quarantined"]
    assert [(each["id"], each["x"]) for each in aside.examples] == [(6, "(sensitive)"), (7, "(sensitive)")]
    id, x = (each for each in data.columns if each.name in ("id", "x"))
    assert (id.minimum, id.maximum) == (0, 8) and sum(id.histogram) == 7
    assert (x.nulls, x.minimum, x.maximum, x.mean, x.histogram, x.top) == (0, None, None, None, (), ())
    assert "<summary>2 of 2 rows</summary>" in html and "<td>(sensitive)</td>" in html


def test_references_are_told_with_the_columns_that_they_are_about(store: Store) -> None:
    references = [
        {"columns": ["dest"], "dataset": "airports", "to": ["faa"], "on_failure": "warn"},
        {"columns": ["dest", "day"], "dataset": "schedule"},
    ]
    with store.write() as tx:
        body = {"contract": {"columns": {"day": {"nullable": False}}, "references": references}}
        contracts.add(tx, contracts.NewContract(dataset="table", body=body, at=NOW, actor="ada"))
    page = add(store, pl.DataFrame({"dest": ["LAX"], "day": [1.0], "free": [2.0]}))
    both = "found in schedule (dest, day together)"
    assert {column.name: column.contract for column in page.columns} == {
        "dest": f"found in airports as faa; else warn; {both}", "day": f"never null; {both}", "free": "",
    }  # fmt: skip


def test_limits_of_a_contract_are_told_to_the_digit(store: Store) -> None:
    asked = {"low": {"minimum": 900.0}, "both": {"minimum": 0.25, "maximum": 1100.0}, "high": {"maximum": 1234567}}
    with store.write() as tx:
        body = {"contract": {"columns": asked}}
        contracts.add(tx, contracts.NewContract(dataset="table", body=body, at=NOW, actor="ada"))
    page = add(store, pl.DataFrame({name: [1.0] for name in asked}))
    assert {column.name: column.contract for column in page.columns} == {
        "low": "at least 900", "both": "0.25 to 1,100", "high": "at most 1,234,567",
    }  # fmt: skip
