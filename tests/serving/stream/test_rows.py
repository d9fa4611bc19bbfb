from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import msgspec
import polars as pl
import pytest

from argosy.errors import InputError
from argosy.serving.stream.rows import read
from tests.serving.stream.conftest import Streaming, message, record


def test_a_message_is_a_record_or_what_the_door_for_people_takes(streaming: Streaming) -> None:
    endpoint = streaming.endpoint()
    frame = pl.DataFrame([record(0), record(1)]).with_columns(pl.col("departure").str.to_datetime(time_zone="UTC"))
    stream, file = BytesIO(), BytesIO()
    frame.write_ipc_stream(stream)
    frame.write_ipc(file)
    for body, rows in [
        (record(), 1), ([record()], 1), ([record(0), record(1)], 2), ({"records": [record(0), record(1)]}, 2),
        (record(dest='the "records"'), 1), (stream.getvalue(), 2), (file.getvalue(), 2),
    ]:  # fmt: skip
        asked = read(message(body), endpoint)
        assert asked.batch.count == rows
        assert asked.batch.columns["flight"] == [f"f{number}" for number in range(rows)]


def test_what_is_delivered_again_has_the_same_names_and_the_same_time(streaming: Streaming) -> None:
    endpoint = streaming.endpoint()
    taken = datetime(2013, 4, 1, 14, tzinfo=UTC)
    named = read(message(record(7), key="its own"), endpoint).batch
    assert (named.names, named.at, named.id) == (["f7"], taken, "in/1-0")
    assert read(message(record(flight=None), key="its own"), endpoint).batch.names == ["its own"]
    assert read(message(record(flight=None)), endpoint).batch.names == ["in/1-0"]
    several = read(message([record(flight=None), record(3)], key="its own"), endpoint).batch
    assert several.names == ["in/1-0:0", "f3"]
    assert read(message([record(flight=None)] * 2), endpoint).batch.names == ["in/1-0:0", "in/1-0:1"]
    stated = read(message({"records": [record()], "id": "mine", "at": "2013-03-01T00:00:00Z"}), endpoint).batch
    assert (stated.id, stated.at) == ("mine", datetime(2013, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"hello", b"null", b"{", b'{"records"', b'{"records": 1}', b"\xff\xff\xff\xff", b"ARROW1",
        b"[" * 5_000, msgspec.json.encode(record(dest=None)), msgspec.json.encode(record(distance="far")),
        msgspec.json.encode(record()) + b"," + msgspec.json.encode(record(dest=None)),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(streaming: Streaming, body: bytes) -> None:
    with pytest.raises(InputError):
        read(message(body), streaming.endpoint())
