"""What two processes say to each other: it comes as it was said, and anything else is told from it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.model.trusted.wire import Ask, Broken, Told, receive, send, shown

Lines = tuple[socket.socket, socket.socket]
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def lines() -> Iterator[Lines]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def soon() -> float:
    return time.monotonic() + 0.2


@SHARED
@given(
    st.builds(Ask, st.text(), *[st.integers(0, 2**63 - 1)] * 3, st.floats(allow_nan=False)), st.binary(max_size=5000)
)
def test_what_is_said_is_heard(lines: Lines, said: Ask, body: bytes) -> None:
    send(lines[0], said, body)
    assert receive(lines[1], Ask, 5000, soon()) == (said, body)


@pytest.mark.parametrize(
    "text", [b"\0" * 40, b"\xff" * 40, b"\1\0\0\0" + b"\0" * 8 + b"\xc1", b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_message_breaks_it(lines: Lines, text: bytes) -> None:
    lines[0].sendall(text)
    lines[0].close()
    with pytest.raises(Broken):
        receive(lines[1], Told, 1000, soon())


def test_more_than_was_asked_for_breaks_it(lines: Lines) -> None:
    send(lines[0], Told(), b"x" * 9)
    with pytest.raises(Broken, match="9 bytes"):
        receive(lines[1], Told, 8, soon())


def test_silence_ends_at_its_time(lines: Lines) -> None:
    lines[0].sendall(b"\1")
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        receive(lines[1], Told, 8, soon())
    assert time.monotonic() - began < 2


@given(st.text(st.characters(), max_size=900))
def test_any_text_is_shown_on_one_bounded_line_that_can_be_sent(text: str) -> None:
    line = shown(text)
    assert line.isprintable() and len(line) <= 300 and line.encode() is not None
    if len(text) < 300 and text.isprintable() and text == " ".join(text.split(" ")).strip() and "  " not in text:
        assert line == text
