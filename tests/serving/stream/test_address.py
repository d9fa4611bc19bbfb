from __future__ import annotations

import pytest

from argosy.errors import UsageError
from argosy.serving.stream.address import Address, parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("redis://cache/orders", Address("redis", ("cache:6379",), "orders")),
        ("redis://cache:7000/3/orders", Address("redis", ("cache:7000",), "orders", 3)),
        ("rediss://me:p%40ss@cache/orders", Address("rediss", ("cache:6379",), "orders", 0, "me", "p@ss")),
        ("redis://[::1]:7000/a%2Fb", Address("redis", ("[::1]:7000",), "a/b")),
        ("kafka://one,two:9093/orders", Address("kafka", ("one:9092", "two:9093"), "orders")),
    ],
)
def test_a_stream_is_named_by_its_broker_and_its_name(text: str, found: Address) -> None:
    assert parse(text, "--from") == found


@pytest.mark.parametrize(
    "text",
    [
        "orders", "http://cache/orders", "redis://cache", "redis://cache/", "redis:///orders", "redis://cache/x/orders",
        "redis://cache/1/2/orders", "redis://one,two/orders", "kafka://one,/orders", "kafka://one/1/orders",
        "redis://cache/orders?group=x", "redis://cache/a%20b", "redis://[::1/orders", "kafka://me:secret@one/orders",
    ],
)  # fmt: skip
def test_what_names_no_stream_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--from") as refused:
        parse(text, "--from")
    assert "secret" not in str(refused.value)


def test_a_password_is_shown_nowhere() -> None:
    found = parse("redis://me:secret@cache/2/orders", "--from")
    assert found.broker == "redis://cache:6379/2"
    with pytest.raises(UsageError) as refused:
        parse("redis://me:secret@cache", "--from")
    assert "secret" not in str(refused.value)


def test_answers_go_to_the_broker_that_the_messages_come_from() -> None:
    found = parse("redis://cache/orders", "--from")
    assert found.beside("scored", "--to") == "scored"
    assert found.beside("redis://cache:6379/scored", "--to") == "scored"
    for other in (
        "redis://elsewhere/scored",
        "redis://cache/1/scored",
        "kafka://cache/scored",
        "rediss://cache/scored",
    ):
        with pytest.raises(UsageError, match="--to is on"):
            found.beside(other, "--to")
