"""What stands between the socket and the console: uvicorn, with a bound on heads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from uvicorn import Server

from argosy.server import wire
from argosy.server.wire import configured
from argosy.serving.watch import listen


async def echo(
    scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[dict[str, Any]], Any]
) -> None:  # fmt: skip
    """Answers with the body of the request."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )  # fmt: skip
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wire that waits for nobody long; to be asked for before `client`."""
    for name, seconds in (("_LULL_SECONDS", 0.4), ("_LOOK_SECONDS", 0.05)):
        monkeypatch.setattr(wire, name, seconds)


@pytest.fixture
def client() -> Iterator[socket.socket]:
    """A connection to a server that runs `echo`."""
    listener = listen("127.0.0.1", 0)
    server = Server(configured(echo, drain_seconds=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    with socket.create_connection(listener.getsockname(), 5) as client:
        try:
            yield client
        finally:
            server.should_exit = True
            thread.join(60)
            listener.close()


def test_an_answer_is_dated_and_says_nothing_of_the_server(client: socket.socket) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\nhi")
    received = b""
    while not received.endswith(b"\r\n\r\nhi"):
        received += client.recv(1 << 16)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\ndate: " in received
    assert b"server:" not in received


def test_a_head_without_end_is_refused(client: socket.socket) -> None:
    received = b""
    with pytest.raises(ConnectionError):
        client.sendall(b"GET / HTTP/1.1\r\nx: ")
        for _ in range(1_000):  # the socket's own buffers take some of it after the server has closed
            client.sendall(b"x" * 10_000)
        received = client.recv(1 << 16)
    assert received == b""


@pytest.mark.parametrize("long", [b"x-y: " + b"z" * 70_000, b"x-y: z\r\n" * 10_000 + b"x-y: z"])
def test_a_head_above_the_limit_is_refused_though_one_read_brings_it_whole(client: socket.socket, long: bytes) -> None:
    client.sendall(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n" + long + b"\r\n\r\nhi")
    received = b""
    while piece := client.recv(1 << 16):
        received += piece
    assert received.startswith(b"HTTP/1.1 431 ") and b"65,536 bytes" in received and not received.endswith(b"hi")
    assert received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("more", [b"x: " + b"x" * 9_000, b"x: y\r\n" * 2_000])
def test_what_follows_a_body_is_bounded(client: socket.socket, more: bytes) -> None:
    with pytest.raises(ConnectionError):
        client.sendall(b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        for _ in range(2_000):  # the socket's own buffers take some of it after the server has closed
            client.sendall(more)
        while client.recv(1 << 16):
            pass


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HTTP/1.1\r\nho", b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\n\r\n", b"\r\n"],
)
def test_who_owes_the_rest_of_a_request_is_broken_off(client: socket.socket, begun: bytes) -> None:
    client.sendall(begun)
    with suppress(ConnectionError):
        while client.recv(1 << 16):
            pass


@pytest.mark.usefixtures("hasty")
def test_a_head_that_drips_is_broken_off(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nx: ")
    with pytest.raises(ConnectionError):
        for _ in range(200):
            client.sendall(b"x")
            time.sleep(0.05)


@pytest.mark.usefixtures("hasty")
def test_a_body_that_keeps_coming_is_waited_for_and_an_idle_connection_stands(client: socket.socket) -> None:
    for _ in range(2):
        client.sendall(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 5000\r\n\r\n")
        for _ in range(10):
            client.sendall(b"x" * 500)
            time.sleep(0.1)
        received = b""
        while not received.endswith(b"x" * 5000):
            received += client.recv(1 << 16)
        time.sleep(1)
