from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from argosy.data import query
from argosy.data.source import past, pending, unmatched
from argosy.errors import ArgosyError, InputError, MissingExtraError, UnknownError
from argosy.spec.contract import Column, Contract
from argosy.spec.dataset import Dataset
from argosy.spec.source import Csv, Function, Parquet, Sql
from argosy.store import Store, events
from tests.data.table import DAY, START, dataset, everything, rows, take

NOW = START + 30 * DAY
MINUTE = timedelta(minutes=1)
asked: list[datetime | None] = []


def deliver(since: datetime | None) -> Iterator[pl.DataFrame]:
    asked.append(since)
    every = rows(0, 48)
    yield every if since is None else every.filter(pl.col("t") >= since)


def fail(since: datetime | None) -> pl.DataFrame:
    raise ConnectionError("the shop is closed")


def fail_later(since: datetime | None) -> Iterator[pl.DataFrame]:
    yield rows(0, 1)
    raise ConnectionError("the shop is closed")


def wrong(since: datetime | None) -> int:
    return 3


@pytest.fixture
def database(root: Path) -> Path:
    path = root / "outside.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table sales (id integer, t text, x real)")
    return path


def sell(path: Path, first: int, count: int) -> None:
    with sqlite3.connect(path) as connection:
        given = [(i, (START + timedelta(hours=i)).isoformat(), i / 2) for i in range(first, first + count)]
        connection.executemany("insert into sales values (?, ?, ?)", given)


def sales(**fields: object) -> Dataset:
    query = {"url": "sqlite:///${FOLDER}/outside.db", "query": "select id, t, x from sales", "cursor": "id", **fields}
    return dataset(source=Sql(**query))  # type: ignore[arg-type]


def pend(store: Store, root: Path, declared: Dataset, now: datetime = NOW) -> tuple[str, ...]:
    with store.read() as conn:
        return pending(conn, declared, root, past(conn, [declared], now)).labels


@pytest.mark.parametrize("cursor", ["id", None])
def test_a_query_gives_what_is_past_its_cursor(store: Store, root: Path, database: Path, cursor: str | None) -> None:
    declared, given = sales(cursor=cursor), {"FOLDER": str(root)}
    sell(database, 0, 5)
    assert pend(store, root, declared) == ("query",)
    assert take(store, root, declared, NOW, environment=given).added == 5
    assert pend(store, root, declared) == ()
    assert take(store, root, declared, NOW + MINUTE, environment=given).status == "nothing"
    sell(database, 5, 3)
    outcome = take(store, root, declared, NOW + 2 * MINUTE, environment=given)
    assert (outcome.added, outcome.unchanged) == (3, 0 if cursor else 5)
    assert everything(store)["id"].to_list() == list(range(8))


def test_rows_of_a_cursor_that_are_not_known_yet_are_kept(store: Store, root: Path, database: Path) -> None:
    sell(database, 0, 5)
    given = {"FOLDER": str(root)}
    assert take(store, root, sales(), START + timedelta(hours=2), environment=given).later == 2
    assert take(store, root, sales(), NOW, environment=given).added == 2
    assert everything(store).height == 5


@pytest.mark.parametrize("key", [("id",), ()])
def test_rows_that_come_late_with_the_last_cursor_or_none_are_taken_once(
    store: Store, root: Path, database: Path, key: tuple[str, ...]
) -> None:
    declared, given = dataset(source=sales(cursor="x").source, key=key), {"FOLDER": str(root)}
    sell(database, 0, 3)
    assert take(store, root, declared, NOW, environment=given).added == 3
    with sqlite3.connect(database) as connection:
        late = [(10, START.isoformat(), 1.0), (11, START.isoformat(), None)]
        connection.executemany("insert into sales values (?, ?, ?)", late)
    outcome = take(store, root, declared, NOW + MINUTE, environment=given)
    assert (outcome.added, outcome.unchanged) == (2, 0)
    for minute in range(2, 4):
        assert str(take(store, root, declared, NOW + minute * MINUTE, environment=given)) == "nothing new"
    sell(database, 3, 1)
    last = take(store, root, declared, NOW + 4 * MINUTE, environment=given)
    assert (last.added, last.unchanged) == (1, 0)
    with sqlite3.connect(database) as connection:
        connection.execute("insert into sales values (12, ?, null)", (START.isoformat(),))
    assert take(store, root, declared, NOW + 5 * MINUTE, environment=given).added == 1
    assert sorted(everything(store)["id"]) == [0, 1, 2, 3, 10, 11, 12]


@pytest.mark.parametrize("key", [("id",), ()])
@pytest.mark.parametrize("known", [None, "read_at"])
def test_a_column_that_reads_differently_each_time_makes_no_row_new(
    store: Store, root: Path, database: Path, key: tuple[str, ...], known: str | None
) -> None:
    query = "select id, t, x, strftime('%Y-%m-%dT%H:%M:%fZ', 'now') as read_at, random() as drawn from sales"
    source, given = sales(cursor="x", query=query).source, {"FOLDER": str(root)}
    declared, late = dataset(source=source, key=key, known=known), datetime.now(UTC) + DAY
    sell(database, 0, 3)
    assert take(store, root, declared, late, environment=given).added == 3
    for minute in range(1, 3):
        assert str(take(store, root, declared, late + minute * MINUTE, environment=given)) == "nothing new"
    for extra in (10, 11):
        with sqlite3.connect(database) as connection:
            connection.execute("insert into sales values (?, ?, 1)", (extra, START.isoformat()))
        outcome = take(store, root, declared, late + extra * MINUTE, environment=given)
        assert (outcome.added, outcome.unchanged, outcome.findings) == (1, 0, ())
    assert sorted(everything(store)["id"]) == [0, 1, 2, 10, 11]


@pytest.mark.parametrize("on_failure", ["quarantine", "block"])
def test_a_late_row_brings_none_of_those_again_that_were_set_aside_rejected_or_kept_back(
    store: Store, root: Path, database: Path, on_failure: str
) -> None:
    contract = Contract({"x": Column(minimum=1, on_failure=on_failure)})  # type: ignore[arg-type]
    source, given = sales(query="select *, 1 as y from sales", cursor="y").source, {"FOLDER": str(root)}
    declared = dataset(source=source, contract=contract)
    sell(database, 0, 5)
    first = START + timedelta(hours=3)
    take(store, root, declared, first, environment=given)
    with sqlite3.connect(database) as connection:
        connection.execute("insert into sales values (10, ?, 0)", (START.isoformat(),))
    take(store, root, declared, first + MINUTE, environment=given)
    aside = everything(store, purpose="quarantine" if on_failure == "quarantine" else "rejected")
    assert sorted(aside["id"]) == ([0, 1, 10] if on_failure == "quarantine" else [0, 1, 2, 3, 10])
    take(store, root, dataset(source=source), NOW, environment=given)
    assert sorted(everything(store)["id"]) == ([2, 3, 4] if on_failure == "quarantine" else [4])


def test_a_pass_over_a_query_with_nothing_new_reads_no_row(store: Store, root: Path, database: Path) -> None:
    declared, given = sales(query="select abs(id) as id, t, x from sales", cursor="x"), {"FOLDER": str(root)}
    with sqlite3.connect(database) as connection:
        alike = [(i, START.isoformat(), None if i % 2 else 7.0) for i in range(10)]
        connection.executemany("insert into sales values (?, ?, ?)", alike)
    assert take(store, root, declared, NOW, environment=given).added == 10
    with sqlite3.connect(database) as connection:
        connection.execute("update sales set id = ?", (-(2**63),))  # of which reading abs fails
    assert str(take(store, root, declared, NOW + MINUTE, environment=given)) == "nothing new"
    sell(database, 10, 1)
    with sqlite3.connect(database) as connection:
        connection.execute("insert into sales values (11, ?, null)", (START.isoformat(),))
    with pytest.raises(InputError, match="integer overflow"):
        take(store, root, declared, NOW + 2 * MINUTE, environment=given)


def test_rows_of_the_last_cursor_that_were_rejected_are_not_judged_again(
    store: Store, root: Path, database: Path
) -> None:
    declared, given = sales(cursor="id"), {"FOLDER": str(root)}
    declared = dataset(source=declared.source, contract=Contract({"x": Column(maximum=1)}))
    sell(database, 0, 4)
    assert take(store, root, declared, NOW, environment=given).status == "rejected"
    assert take(store, root, declared, NOW + MINUTE, environment=given).status == "nothing"
    sell(database, 4, 1)
    assert take(store, root, declared, NOW + 2 * MINUTE, environment=given).status == "rejected"
    assert everything(store, purpose="rejected")["id"].to_list() == [0, 1, 2, 3, 4]


def test_rows_that_are_asked_for_again_are_rejected_once_for_one_reason(
    store: Store, root: Path, database: Path
) -> None:
    source, given = sales(cursor=None).source, {"FOLDER": str(root)}
    declared, other = (dataset(source=source, contract=Contract({"x": Column(maximum=most)})) for most in (1, 0.5))
    sell(database, 0, 4)
    asked = [declared, declared, other, other, dataset(source=source), dataset(source=source)]
    outcomes = [take(store, root, each, NOW + at * MINUTE, environment=given) for at, each in enumerate(asked)]
    assert [each.status for each in outcomes] == ["rejected", "nothing", "rejected", "nothing", "accepted", "nothing"]
    with sqlite3.connect(database) as connection:
        connection.execute("insert into sales values (9, ?, 9)", (START.isoformat(),))
    assert take(store, root, declared, NOW + 9 * MINUTE, environment=given).status == "rejected"
    assert everything(store)["id"].to_list() == [0, 1, 2, 3]


def test_more_rows_of_one_cursor_than_an_answer_holds_are_refused(
    store: Store, root: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "LARGEST", 3)
    given, start = {"FOLDER": str(root)}, START.isoformat()
    sell(database, 0, 5)
    assert take(store, root, sales(), NOW, environment=given).added == 2
    assert take(store, root, sales(), NOW + MINUTE, environment=given).added == 3
    assert everything(store)["id"].to_list() == list(range(5))
    for value in (9, None):
        with sqlite3.connect(database) as connection:
            connection.execute("delete from sales where id > 4")
            connection.executemany("insert into sales values (?, ?, ?)", [(value, start, i) for i in range(4)])
        with pytest.raises(InputError, match=f"table: more than 3 rows have {value or 'null'}.* as their cursor 'id'"):
            take(store, root, sales(), NOW + 2 * MINUTE, environment=given)


def test_text_that_is_no_time_is_named(store: Store, root: Path, database: Path) -> None:
    sell(database, 0, 2)
    with sqlite3.connect(database) as connection:
        connection.execute("insert into sales values (9, 'soon', 1)")
    with pytest.raises(InputError, match=r"row 3, column 't': 'soon' is no time"):
        take(store, root, sales(), NOW, environment={"FOLDER": str(root)})


def test_a_query_that_cannot_run_says_why_and_shows_no_password(store: Store, root: Path, database: Path) -> None:
    with pytest.raises(UnknownError, match=r"\$\{FOLDER\} of its URL is not set"):
        take(store, root, sales())
    with pytest.raises(InputError, match=rf"table: the query over sqlite:///{database} failed: no such table: gone"):
        take(store, root, sales(query="select * from gone"), environment={"FOLDER": str(root)})
    hidden = sales(url="postgresql+psycopg://ann:${SECRET}@127.0.0.1:1/none")
    with pytest.raises(InputError, match=r"table: postgresql\+psycopg://ann:\*\*\*@127.0.0.1:1/none cannot") as raised:
        take(store, root, hidden, environment={"SECRET": "open-sesame"})
    assert "open-sesame" not in str(raised.value)


def test_a_sqlite_file_lies_in_the_project_and_is_not_made(store: Store, root: Path, database: Path) -> None:
    sell(database, 0, 5)
    assert take(store, root, sales(url="sqlite:///outside.db")).added == 5
    with pytest.raises(UnknownError, match=f"table: there is no SQLite file {root / 'gone.db'}"):
        take(store, root, sales(url="sqlite:///gone.db"), NOW + MINUTE)
    assert not (root / "gone.db").exists()


@pytest.mark.parametrize(
    ("url", "kind", "next"),
    [
        ("oracel://host/db", InputError, "write DIALECT"),
        ("mysql://host/db", MissingExtraError, "pip install one for mysql"),
    ],
)
def test_a_url_that_nothing_can_open_says_what_to_write(
    store: Store, root: Path, url: str, kind: type[ArgosyError], next: str
) -> None:
    with pytest.raises(kind, match=url) as raised:
        take(store, root, sales(url=url))
    assert next in str(raised.value.next)


def test_a_function_is_called_with_the_time_read_so_far(store: Store, root: Path) -> None:
    asked.clear()
    declared = dataset(source=Function(deliver))  # type: ignore[arg-type]
    assert take(store, root, declared, START + timedelta(hours=10)).added == 11
    assert pend(store, root, declared, START + timedelta(hours=10)) == ()
    outcome = take(store, root, declared, NOW)
    assert (outcome.added, outcome.unchanged) == (37, 1)
    assert take(store, root, declared, NOW + MINUTE).status == "nothing"
    assert asked == [None, START + timedelta(hours=10), START + timedelta(hours=47)]
    with store.read() as conn:
        assert len(events.since(conn)) == 2


def test_a_function_that_gives_no_frames_is_named(store: Store, root: Path) -> None:
    with pytest.raises(InputError, match="wrong returned int, not frames"):
        take(store, root, dataset(source=Function(wrong)))  # type: ignore[arg-type]


def test_what_a_function_raises_says_whose_source_it_is(store: Store, root: Path) -> None:
    for source in (fail, fail_later):
        with pytest.raises(ConnectionError, match="the shop is closed") as raised:
            take(store, root, dataset(source=Function(source)))  # type: ignore[arg-type]
        assert raised.value.__notes__ == [f"raised by tests.data.test_source:{source.__name__}, the source of table"]


def test_a_pattern_that_matches_no_file_is_named_with_its_place(store: Store, root: Path) -> None:
    assert unmatched(Parquet("data/*.parquet"), root) == (
        f"data/*.parquet matches no file in {root}", "put files there, or mend the path of its source and apply that",
    )  # fmt: skip
    (root / "data").mkdir()
    (said, next) = unmatched(Csv("data"), root) or ("", "")
    assert (said, next[:33]) == (f"{root / 'data'} is a directory, no file", "name the files in it: data/*.parq")
    (said, next) = unmatched(Csv("data/*.csv"), root / "moved") or ("", "")
    assert (said, next) == (f"the project's directory {root / 'moved'} is not there",
                            "apply the project from where it lies now")  # fmt: skip
    assert unmatched(Csv(f"{root}/*.csv"), root / "moved") == (
        f"{root}/*.csv matches no file", "put files there, or mend the path of its source and apply that",
    )  # fmt: skip
    (root / "data" / "a.csv").write_text("id,t\n")
    assert unmatched(Csv("data/*.csv"), root) is None
    assert unmatched(Function(wrong), root) is None  # type: ignore[arg-type]


def test_asking_what_is_pending_among_four_hundred_files_is_cheap(store: Store, root: Path) -> None:
    (root / "data").mkdir()
    for index in range(400):
        (root / "data" / f"{index}.parquet").write_bytes(b"x" * index)
    declared = dataset(source=Parquet("data/*.parquet"))
    assert len(pend(store, root, declared)) == 400
    best = 1.0
    for _ in range(10):
        started = time.process_time()
        pend(store, root, declared)
        best = min(best, time.process_time() - started)
    assert best < 0.012  # 3 ms where nothing else runs
