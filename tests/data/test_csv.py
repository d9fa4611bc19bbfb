from __future__ import annotations

import gzip
import io
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from argosy.data.source import offers
from argosy.errors import InputError
from argosy.spec.dataset import Dataset
from argosy.spec.source import Csv
from argosy.store import Store, datasets
from tests.data.table import DAY, START, dataset, everything, take

GOOD = "id,t,x,name\n1,2024-01-01T00:00:00Z,1.5,ann\n2,2024-01-01T01:00:00Z,NA,bob\n"


def declared(**fields: object) -> Dataset:
    return dataset(source=Csv("data/*", **fields))  # type: ignore[arg-type]


def write(root: Path, content: str | bytes, name: str = "a.csv") -> None:
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / name).write_bytes(content.encode() if isinstance(content, str) else content)


def test_types_are_inferred_from_all_values(store: Store, root: Path) -> None:
    write(
        root, "id,t,whole,real,flag,code,text\n1,2024-01-01 00:00:00,1,1,true,007,a\n2,2024-01-02,2,2.5,FALSE,010,b\n"
    )
    take(store, root, declared())
    frame = everything(store)
    assert frame.schema == {
        "id": pl.Int64, "t": pl.Datetime("us", "UTC"), "whole": pl.Int64, "real": pl.Float64, "flag": pl.Boolean,
        "code": pl.String, "text": pl.String,
    }  # fmt: skip
    assert frame.row(1)[1:] == (datetime(2024, 1, 2, tzinfo=UTC), 2, 2.5, False, "010", "b")


def test_packed_files_are_read_as_plain_ones(store: Store, root: Path) -> None:
    write(root, gzip.compress(GOOD.encode()), "a.csv.gz")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inner.csv", GOOD.replace("\n1,", "\n3,").replace("\n2,", "\n4,"))
    write(root, buffer.getvalue(), "b.zip")
    assert take(store, root, declared()).added == 4
    assert everything(store)["x"].to_list() == [1.5, 1.5, None, None]


MOST = "id,t,x\n" + "".join(f"{i},2024-01-01T00:00:00Z,{'n/a?' if i == 50 else i}\n" for i in range(1000))
SOME = "id,t,x\n" + "".join(f"{i},2024-01-01T00:00:00Z,{f'B{i}' if i % 5 == 0 else i}\n" for i in range(1000))
HALF = "id,t,x\n" + "".join(f"{i},2024-01-01T00:00:00Z,{i if i < 30 else 'n/k'}\n" for i in range(40))


def test_what_is_text_by_declaration_or_in_good_part_is_text(store: Store, root: Path) -> None:
    write(root, SOME.encode())
    assert take(store, root, declared()).added == 1000
    write(root, MOST.encode())
    take(store, root, dataset(name="said", source=Csv("data/*.csv", types={"x": "String"})))
    assert everything(store).schema["x"] == everything(store, "said").schema["x"] == pl.String


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD + "3,2024-01-01T02:00:00Z,1\n", r"data/a.csv, line 4: 3 fields where the header has 4 \(1 such line\)"),
        (GOOD + "3,2024-01-01T02:00:00Z,1,a,b\n4,2024-01-01T02:00:00Z,1,a\n", r"line 4: 5 fields where"),
        (GOOD + '3,2024-01-01T02:00:00Z,1,"a\nb"\n4,x\n', r"line 6: 2 fields where the header has 4"),
        (GOOD + '3,2024-01-01T02:00:00Z,1,"a', r"data/a.csv, line 4: "),
        (HALF, r"data/a.csv, line 32, column 'x': 'n/k' is not Float64, as the values before it are"),
        (MOST, r"data/a.csv, line 52, column 'x': 'n/a\?' is not a number, as 99.9% are\n.*types={'x': 'String'}"),
        (b"", r"data/a.csv is empty"),
        ("\n\n", r"data/a.csv has no header line"),
        ("id,t,t\n1,2,3\n", r"names column 't' twice"),
        ("id,t,größe\n1,2024-01-01,3\n".encode("latin-1"), r"data/a.csv: the header is not UTF-8 \(byte 0xf6\)"),
        (GOOD.encode() + b"3,2024-01-01T02:00:00Z,1,\xff\n", r"data/a.csv: line 4 is not UTF-8 \(byte 0xff\)"),
        (GOOD + "3,2024-01-01T02:00:00,1,c\n", r"line 4, column 't': '2024-01-01T02:00:00' carries no time zone, and"),
        ("id,t,x\n1,2024-01-01 01:00,3\n2,2024-01-01T01:00Z,3\n", r"line 3.*T01:00Z' carries a time zone, and"),
        (GOOD.encode("utf-16"), r"data/a.csv: the header is not UTF-8 \(byte 0xff\)"),
        (GOOD + "1,2024-01-01T00:00:00Z,9,ann\n", r"id=1, t=.* occurs twice with other values of 'x'"),
        ("id,when,x\n1,2024-01-01,3\n", r"data/a.csv has no column 't', by which .*; it has 'id', 'when', 'x'"),
        ("id,t,x\n1,yesterday,3\n", r"data/a.csv: column 't' is String, not a time"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_line_and_nothing_is_taken(
    store: Store, root: Path, content: str | bytes, message: str
) -> None:
    write(root, content)
    write(root, GOOD.replace("\n1,", "\n8,").replace("\n2,", "\n9,"), "0.csv")
    with pytest.raises(InputError, match=message) as raised:
        take(store, root, declared())
    assert raised.value.next
    with store.read() as conn:
        assert datasets.version(conn, "table") is None
        assert len(offers(conn, declared(), root, START)) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD + "3,2024-01-01T02:00:00,1,c\n", "column 't': a value (pii) carries no time zone"),
        (GOOD + "1,2024-01-01T00:00:00Z,9,ann\n", "the key id=(pii), t=(pii) occurs twice"),
        (GOOD + "3,2024-01-01T02:00:00Z,Ann-Secret,c\n" * 2, "line 4, column 'x': a value (sensitive) is not "),
    ],
)
def test_an_error_shows_no_value_that_is_tagged(store: Store, root: Path, content: str, said: str) -> None:
    write(root, content)
    tags = {"id": "pii", "t": "pii", "x": "sensitive"}
    given = dataset(source=Csv("data/*.csv", types={"x": "Float64"}), tags=tags)
    with pytest.raises(InputError, match=re.escape(said)) as raised:
        take(store, root, given)
    assert not re.search("2024-01|Secret", str(raised.value))


def test_a_time_that_never_was_is_not_shown_where_it_is_tagged(store: Store, root: Path) -> None:
    write(root, "id,t,x\n1,2024-03-31 02:30,1\n")
    for tags, shown in (({}, "2024-03-31 02:30:00"), ({"t": "pii"}, r"\(pii\)")):
        with pytest.raises(InputError, match=f"row 1: {shown} does not exist in Europe/Berlin"):
            take(store, root, dataset(source=Csv("data/*.csv", zone="Europe/Berlin"), tags=tags))


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00 nothing", gzip.compress(GOOD.encode())[:-9]])
def test_a_damaged_archive_is_named(store: Store, root: Path, content: bytes) -> None:
    write(root, content, "a.csv.gz")
    with pytest.raises(InputError, match=r"data/a.csv.gz cannot be unpacked"):
        take(store, root, declared())


def test_a_column_keeps_its_type_in_later_files(store: Store, root: Path) -> None:
    write(root, GOOD)
    take(store, root, declared())
    write(root, "id,t,x,name\n3,2024-01-02T00:00:00Z,2,77\n", "b.csv")
    take(store, root, declared())
    assert everything(store)["name"].to_list() == ["ann", "bob", "77"]
    write(root, "id,t,x,name\n4,2024-01-03T00:00:00Z,2,a\n5,2024-01-03T00:00:00Z,two,a\n", "c.csv")
    with pytest.raises(InputError, match=r"data/c.csv, line 3, column 'x': 'two' is not Float64"):
        take(store, root, declared())


def test_a_whole_number_column_that_gets_fractions_widens(store: Store, root: Path) -> None:
    write(root, "id,t,x\n1,2024-01-01T00:00:00Z,1\n")
    take(store, root, declared())
    write(root, "id,t,x\n2,2024-01-02T00:00:00Z,1.5\n", "b.csv")
    assert "widens from Int64 to Float64" in take(store, root, declared()).findings[0].message
    assert everything(store)["x"].to_list() == [1.0, 1.5]


def test_given_types_and_nulls_are_followed(store: Store, root: Path) -> None:
    write(root, HALF.replace("n/k", "-"))
    take(store, root, declared(types={"x": "Int32"}, nulls=("-",)))
    assert everything(store)["x"].dtype == pl.Int32
    assert everything(store)["x"].null_count() == 10


def test_times_without_a_zone_are_read_in_the_declared_one(store: Store, root: Path) -> None:
    write(root, "id,t\n1,2024-07-01T12:00:00\n2,2024-12-01 12:00\n")
    take(store, root, declared(zone="Europe/Berlin"), START + 365 * DAY)
    assert [each.hour for each in everything(store)["t"]] == [10, 11]


def test_a_wall_clock_time_that_never_was_is_refused(store: Store, root: Path) -> None:
    write(root, "id,t\n1,2024-03-31T01:00:00\n2,2024-03-31T02:30:00\n")
    with pytest.raises(InputError, match=r"row 2: 2024-03-31 02:30:00 does not exist in Europe/Berlin"):
        take(store, root, declared(zone="Europe/Berlin"), START + 365 * DAY)


def test_offsets_count(store: Store, root: Path) -> None:
    write(root, "id,t\n1,2024-01-01T12:00:00+02:00\n2,2024-01-01T12:00:00.250-0530\n3,2024-01-01T12:00:00Z\n")
    take(store, root, declared())
    assert everything(store)["t"].dt.strftime("%H:%M:%S%.3f").to_list() == [
        "10:00:00.000",
        "12:00:00.000",
        "17:30:00.250",
    ]


@pytest.mark.parametrize(
    ("content", "next"),
    [
        (GOOD.replace(",", ";"), "ag.Csv(…, separator=';')"),
        ("id,when,x\n1,2024-01-01,3\n", "add it, or name another as the time, known or key"),
        (GOOD.encode("utf-16"), "iconv -f UTF-16 -t UTF-8 data/a.csv"),
        (GOOD.replace("ann", "é").encode("latin-1"), "iconv -f LATIN1 -t UTF-8 data/a.csv"),
        (GOOD + "3,2024-01-01T02:00:00,1,c\n", "write every time of the column with a zone"),
    ],
)
def test_the_next_step_fits_what_is_wrong(store: Store, root: Path, content: str | bytes, next: str) -> None:
    write(root, content)
    with pytest.raises(InputError) as raised:
        take(store, root, declared())
    assert next in str(raised.value.next)


def test_a_file_of_a_header_alone_adds_nothing_and_is_told(store: Store, root: Path) -> None:
    write(root, "id,t,x,name\n")
    outcome = take(store, root, declared())
    assert (outcome.status, str(outcome)) == ("nothing", "no row in data/a.csv")
    write(root, GOOD, "b.csv")
    assert str(take(store, root, declared())) == "table@1: 2 rows added, accepted"
