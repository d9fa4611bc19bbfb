"""Arrow at the door: the rows and the answers are those of JSON, in any of the types that hold them."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from struct import pack, unpack_from
from typing import Any

import httpx
import polars as pl
import pyarrow as pa
import pytest

from argosy.errors import InputError
from argosy.serving.door.arrow import Reader
from tests.serving.served import Served

URL = "/predict/late-arrival"
STREAM, FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
AT = datetime(2013, 4, 1, 15, 30, tzinfo=UTC)
ROWS: dict[str, Any] = {
    "flight": ["f0", "f1", "f2"],
    "origin": ["JFK", "JFK", "LGA"],
    "carrier": ["AA", "B6", "UA"],
    "departure": [AT, AT, AT],
    "distance": [0.25, None, -1.5],
    "dest": ["LAX", "a place with a long name", None],
}


def stream(frame: pl.DataFrame, **more: Any) -> bytes:
    written = BytesIO()
    frame.write_ipc_stream(written, **more)
    return written.getvalue()


def written(table: pa.Table, **more: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**more)) as writer:
        writer.write_table(table, max_chunksize=2)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def send(served: Served, content: bytes, kind: str = STREAM, query: str = "", **headers: str) -> httpx.Response:
    found: httpx.Response = served.run(
        lambda c: c.post(URL + query, content=content, headers={"Content-Type": kind, **headers})
    )
    return found


def wanted(served: Served) -> list[dict[str, Any]]:
    rows = [dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True)]
    answer = served.post([row | {"departure": row["departure"].isoformat()} for row in rows], URL)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def test_a_frame_of_polars_is_answered_as_its_records_are(served: Served) -> None:
    frame, told = pl.DataFrame(ROWS), wanted(served)
    categories = frame.with_columns(pl.col("origin", "dest").cast(pl.Categorical), pl.col("distance").cast(pl.Float32))
    for given in (stream(frame), stream(categories), stream(frame, compat_level=pl.CompatLevel.oldest())):
        answer = send(served, given)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == STREAM and answer.headers["argosy-request-id"]
        found = pl.read_ipc_stream(answer.content)
        assert found.to_dicts() == told and found.schema["stale"] == pl.Boolean
    file = BytesIO()
    frame.write_ipc(file)
    answer = send(served, file.getvalue(), FILE)
    assert answer.headers["Content-Type"] == FILE and pl.read_ipc(answer.content).to_dicts() == told


def test_the_client_accepts_the_form_of_its_answer(served: Served) -> None:
    given = stream(pl.DataFrame(ROWS))
    answer = send(served, given, Accept="application/json", query="?id=mine")
    assert answer.json() == {"id": "mine", "predictions": wanted(served)}
    row = {name: values[0] for name, values in ROWS.items()} | {"departure": AT.isoformat()}
    answer = served.post([row], URL, headers={"Accept": f"text/html, {STREAM}"})
    assert wanted(served)[0] == pl.read_ipc_stream(answer.content).to_dicts()[0] | {"flags": ""}


def test_tables_of_arrow_itself_come_in_batches_dictionaries_and_other_types(served: Served) -> None:
    table = pa.table(
        {
            **ROWS,
            "origin": pa.array(ROWS["origin"]).dictionary_encode(),
            "carrier": pa.array(ROWS["carrier"], pa.large_string()),
            "departure": pa.array(ROWS["departure"], pa.timestamp("ns", "America/New_York")),
            "dest": pa.array(ROWS["dest"], pa.string_view()),
            "distance": pa.array([Decimal("0.25"), None, Decimal("-1.50")], pa.decimal128(9, 2)),
        }
    )
    told = [pl.read_ipc_stream(send(served, written(each)).content).to_dicts() for each in (table, table[:0])[:1]]
    assert told == [wanted(served)]
    assert Reader(written(table), ROWS).rows == 3


def test_every_plain_type_is_read_as_it_is() -> None:
    values: dict[str, pa.Array] = {
        "null": pa.nulls(3),
        "bool": pa.array([True, None, False]),
        **{f"{t}": pa.array([1, None, 3], t) for t in (pa.int8(), pa.uint16(), pa.int32(), pa.uint64())},
        "half": pa.array([1.5, None, float("nan")], pa.float16()),
        "day": pa.array([date(2020, 1, 2), None, date(1960, 1, 1)]),
        "day64": pa.array([date(2020, 1, 2), None, date(1960, 1, 1)], pa.date64()),
        "second": pa.array([datetime(2020, 1, 2, tzinfo=UTC), None, AT], pa.timestamp("s", "UTC")),
        "words": pa.array(["a", None, "ä"]).dictionary_encode(),
    }
    found = Reader(written(pa.table(values)), values).columns
    at = [datetime(2020, 1, 2, tzinfo=UTC), None, datetime(1960, 1, 1, tzinfo=UTC)]
    assert found["null"] == [None] * 3 and found["bool"] == [True, None, False]
    assert all(found[t] == [1, None, 3] for t in ("int8", "uint16", "int32", "uint64"))
    assert found["half"] == [1.5, None, None] and found["day"] == found["day64"] == at
    assert found["second"] == [at[0], None, AT] and found["words"] == ["a", None, "ä"]


def test_dictionaries_may_grow_between_batches() -> None:
    sink, schema = pa.BufferOutputStream(), pa.schema({"x": pa.dictionary(pa.int32(), pa.string())})
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for words in (["a", "b"], ["a", "b", "c"]):
            values = pa.DictionaryArray.from_arrays(pa.array([len(words) - 1], pa.int32()), pa.array(words))
            writer.write_batch(pa.record_batch([values], schema=schema))
    assert Reader(sink.getvalue().to_pybytes(), ["x"]).columns == {"x": ["b", "c"]}


def test_a_frame_may_ask_what_moved_its_answers(served: Served) -> None:
    answer = send(served, stream(pl.DataFrame(ROWS)), query="?explain=true")
    found = pl.read_ipc_stream(answer.content)
    named = [name for name in found.columns if name.startswith("contribution.")]
    assert named == [f"contribution.{name}" for name in ("distance", "hour", "temp", "wind", "dest")]
    score = found.select(pl.sum_horizontal("base", *named)).to_series()
    chance = 1 / (1 + (-score).exp())
    assert (chance - found["prediction"]).abs().max() < 1e-9 and found["space"].n_unique() == 1


REFUSED: list[tuple[bytes, str]] = [
    (b"", "no Arrow data"),
    (b"PAR1 and so on", "begins no Arrow message"),
    (written(pa.table({"x": [1]}))[:-40], "ends within|no Arrow"),
    (written(pa.table({"x": [1.5, 2.5]}), compression="zstd"), "is compressed within"),
    (written(pa.table({"x": [[1]]})), "of a type that no input has"),
    (written(pa.table({"x": [datetime(2020, 1, 1)]})), "times without a zone"),
    (written(pa.table([pa.array([1]), pa.array([2])], ["x", "x"])), "comes twice"),
    (written(pa.table({"x": pa.array([2**62], pa.timestamp("s", "UTC"))})), "beyond the year 9999"),
    (written(pa.table({"x": [float("inf")]})), "wanted a finite number"),
    (stream(pl.DataFrame({"x": pl.zeros(1_000_001, dtype=pl.Int8, eager=True)})), "1,000,001 rows"),
]


@pytest.mark.parametrize(("data", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_is_not_taken_is_named(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Reader(data, ["x"])


def test_the_check_of_rows_is_that_of_every_door(served: Served) -> None:
    frame = pl.DataFrame(ROWS)
    for given, says in [
        (frame.drop("dest"), "lacks the input 'dest'"),
        (frame.with_columns(colour=pl.lit("red")), "no input 'colour'"),
        (frame.with_columns(distance=pl.lit("far")), "holds 'far'"),
        (frame.clear(), "no rows"),
    ]:
        answer = send(served, stream(given))
        assert answer.status_code == 400 and says in answer.json()["error"], answer.text
    assert "the query has 'when'" in send(served, stream(frame), query="?when=now").json()["error"]


def test_few_bytes_are_not_the_text_of_every_row_without_a_bound() -> None:
    text, rows = b"x" * 1_000_000, 150
    views = pack("<i4sii", len(text), text[:4], 0, 0) * rows
    seen = pa.Array.from_buffers(pa.string_view(), rows, [None, pa.py_buffer(views), pa.py_buffer(text)])
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array([text.decode()]))
    for column in (seen, coded):
        sink = BytesIO()
        batch = pa.record_batch([column], ["a"])
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        with pytest.raises(InputError, match="characters"):
            Reader(sink.getvalue(), ["a"])
        assert Reader(sink.getvalue(), ["b"]).rows == rows


def test_a_batch_is_taken_once_though_the_file_lists_it_twice() -> None:
    content, tables = BytesIO(), [pa.table({"a": [text]}) for text in ("x", "y" * 20_000)]
    with pa.ipc.new_file(content, tables[0].schema) as writer:
        for table in tables:
            writer.write(table)
    data = content.getvalue()
    assert Reader(data, ["a"]).rows == 2
    at = len(data) - 10 - int.from_bytes(data[-10:-6], "little")
    while True:
        (start, head, _, body), following = unpack_from("<qiiq", data, at), unpack_from("<q", data, at + 24)[0]
        if start and start + head + body == following:
            break
        at += 4
    with pytest.raises(InputError, match="or one twice"):
        Reader(data[:at] + data[at + 24 : at + 48] * 2 + data[at + 48 :], ["a"])


def test_a_name_is_short_since_many_columns_may_share_it() -> None:
    with pytest.raises(InputError, match="a name of 5,000 bytes"):
        Reader(written(pa.table({"a" * 5_000: [1]})), ["a"])


def test_no_altered_bytes_do_harm() -> None:
    frame = pl.DataFrame(ROWS).with_columns(pl.col("dest").cast(pl.Categorical))
    file = BytesIO()
    frame.write_ipc(file)
    kinds = [stream(frame), stream(frame, compat_level=pl.CompatLevel.oldest()), file.getvalue()]
    kinds.append(written(pa.table({**ROWS, "origin": pa.array(ROWS["origin"]).dictionary_encode()})))
    chance = random.Random(7)
    for turn in range(8_000):
        data = bytearray(kinds[turn % len(kinds)])
        for _ in range(chance.choice([1, 1, 2, 8])):
            at = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[at] = chance.randrange(256)
            elif chance.random() < 0.7:
                data[at // 4 * 4 : at // 4 * 4 + 4] = chance.choice([b"\xff" * 4, bytes(4), b"\xff\xff\xff\x7f"])
            else:
                del data[at:]
                data += b"\0"
        try:
            found = Reader(bytes(data), ROWS)
        except InputError:
            continue
        assert all(len(values) == found.rows for values in found.columns.values())
