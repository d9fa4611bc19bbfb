"""Messages arrive as they were sent, whatever their size, with large buffers left out of the pickle."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.engine.channel import Channel


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Channel, Channel]]:
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.close()
    other.close()


def passed(pair: tuple[Channel, Channel], messages: list[Any]) -> list[Any]:
    def send() -> None:
        for message in messages:
            pair[0].send(message)

    sender = threading.Thread(target=send)
    sender.start()
    found = [pair[1].receive() for _ in messages]
    sender.join()
    assert not pair[1].ahead
    return found


@given(messages=st.lists(st.binary() | st.text() | st.integers(0, 400_000).map(bytes), max_size=5))
def test_messages_arrive_in_order(pair: tuple[Channel, Channel], messages: list[Any]) -> None:
    assert passed(pair, messages) == messages


def test_many_arrays_of_many_sizes(pair: tuple[Channel, Channel]) -> None:
    arrays = [np.arange(size, dtype=np.float64) for size in (0, 1, 10_000, 1_000_000)] + [np.ones(9_000)] * 700
    (found,) = passed(pair, [arrays])
    for array, other in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(array, other)
    assert found[3].flags.writeable


def test_large_arrays_are_not_copied_into_the_pickle() -> None:
    array = np.arange(1_000_000, dtype=np.float64)
    body, buffer = Channel.encode({"weights": array})
    assert len(body) < 1_000
    assert np.shares_memory(np.frombuffer(buffer, dtype=np.float64), array)


def test_layouts_that_have_no_single_buffer(pair: tuple[Channel, Channel]) -> None:
    array = np.arange(400_000, dtype=np.float64).reshape(1000, 400)
    for view in (array[:, ::2], array.T, np.asfortranarray(array)):
        np.testing.assert_array_equal(passed(pair, [view])[0], view)


def test_nothing_is_sent_of_what_cannot_be_pickled(pair: tuple[Channel, Channel]) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        pair[0].send([1, lambda: 2])
    assert passed(pair, ["next"]) == ["next"]


@pytest.mark.parametrize("sent", [0, 5, 100, 70_000])
def test_closed_other_end(sent: int) -> None:
    one, other = socket.socketpair()
    one.sendall(b"".join(Channel.encode(bytes(200_000)))[:sent])
    one.close()
    channel = Channel(other)
    with pytest.raises(EOFError):
        channel.receive()
    channel.close()


def test_what_waits_can_be_asked() -> None:
    one, other = map(Channel, socket.socketpair())
    assert not other.waits()
    for number in range(3):
        one.send(number)
    for number in range(3):
        assert other.waits()
        assert other.receive() == number
    assert not other.waits()
    one.close()
    assert other.waits()
    other.close()
