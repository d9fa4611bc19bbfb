from __future__ import annotations

import random

import msgspec
import polars as pl
import pytest

from argosy.errors import CapacityError
from argosy.serving.routing import Route
from argosy.serving.stream.answerer import Answerer
from argosy.serving.stream.message import Message
from tests.serving.stream.conftest import Streaming, message, record


def several(count: int) -> list[Message]:
    """Messages of every form."""
    found = []
    for number in range(count):
        row = record(number)
        body = [
            row, [row, record(number + 1)], {"records": [row], "at": "2013-03-31T10:00:00Z"},
            row | {"temp": 1.0, "wind": 2.0}, {"records": [row, row], "explain": True}, row | {"origin": "EWR"},
        ][number % 6]  # fmt: skip
        found.append(message(body, f"in/{number}-0"))
    return found


def test_messages_are_answered_together_as_each_would_be_alone(streaming: Streaming) -> None:
    endpoint, messages = streaming.endpoint(), several(36)
    together = streaming.answerer.answer(endpoint, messages)
    alone = [streaming.answerer.answer(endpoint, [each])[0] for each in messages]
    assert [each.message.id for each in together] == [each.id for each in messages]
    assert [msgspec.json.decode(each.body) for each in together] == [msgspec.json.decode(each.body) for each in alone]
    assert not any(each.reason for each in together)


def test_bounds_and_quantiles_are_told_of_each(streaming: Streaming) -> None:
    for key in ("JFK/AA", "JFK/B6", "*"):
        streaming.fleet.add_version(key, 30, levels=(0.1, 0.5, 0.9))
    endpoint = msgspec.structs.replace(streaming.endpoint(), quantiles=(0.1, 0.5, 0.9), bounded=True)
    messages = [message(record(number), f"in/{number}-0") for number in range(6)]
    for found in (streaming.answerer.answer(endpoint, messages), streaming.answerer.answer(endpoint, messages[:1])):
        for each in found:
            told = msgspec.json.decode(each.body)
            assert told["q10"] <= told["q50"] == told["prediction"] <= told["q90"]
            assert {"lower", "upper"} <= told.keys()


def test_what_cannot_be_answered_costs_no_other(streaming: Streaming) -> None:
    messages = several(40)
    bad = {
        3: message(b"hello", "in/3-0"),
        11: message(record(11, dest=None), "in/11-0"),
        17: message(record(17, departure="never"), "in/17-0"),
        23: message(record(23) | {"records": 1}, "in/23-0"),
        39: message(b"x" * 200_000, "in/39-0"),
    }
    messages = [bad.get(number, each) for number, each in enumerate(messages)]
    found = streaming.answerer.answer(streaming.endpoint(), messages)
    assert [number for number, each in enumerate(found) if each.reason] == sorted(bad)
    assert all(found[number].body == bad[number].body for number in bad if number != 39)
    assert found[39].body == b"" and "200,000 bytes, above the limit of 100,000" in found[39].reason
    assert "lacks the input 'dest'" in found[11].reason


def test_rows_that_a_version_refuses_are_found_among_the_others(streaming: Streaming) -> None:
    """Members that nobody answers for are known only once rows are routed, all of a batch at once."""
    endpoint = msgspec.structs.replace(streaming.endpoint(), pooled=Route())
    numbers = random.Random(7).sample(range(64), 5)
    messages = [
        message(record(number, carrier="UA" if number in numbers else "AA"), f"in/{number}-0") for number in range(64)
    ]
    found = streaming.answerer.answer(endpoint, messages)
    assert [number for number, each in enumerate(found) if each.reason] == sorted(numbers)


def test_answers_are_recorded_under_the_names_of_their_rows(streaming: Streaming) -> None:
    messages = [message(record(0), "in/0-0"), message(record(1, flight=None), "in/1-0", key="k")]
    messages.append(message([record(2, flight=None), record(3, flight=None)], "in/2-0"))
    for _ in range(2):  # delivered again, they are recorded as the same rows
        streaming.answerer.answer(streaming.endpoint(), messages)
    streaming.recorder.flush()
    rows = pl.concat([pl.read_ipc(path) for path in streaming.segments.rglob("*.arrow")], how="diagonal")
    assert sorted(rows.unique(["row_key", "at"])["row_key"]) == ["f0", "in/2-0:0", "in/2-0:1", "k"]
    assert rows.height == 8


def test_a_full_disk_is_no_fault_of_the_messages(streaming: Streaming) -> None:
    endpoint = streaming.endpoint()
    streaming.recorder.close()  # it takes no more, as where it has no room
    with pytest.raises(CapacityError):
        Answerer(streaming.scorer, 100_000).answer(endpoint, several(3))
