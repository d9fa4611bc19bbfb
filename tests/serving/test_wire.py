"""HTTP between the socket and an application: what leaves in one packet, and what may not wait for more."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from uvicorn import Server

from argosy.serving.watch import listen
from argosy.serving.wire import configured

Send = Callable[[dict[str, Any]], Any]


async def echo(scope: dict[str, Any], receive: Callable[[], Any], send: Send) -> None:
    """Answers with the body of the request, "/slow" a while later; "/broken" begins an answer and fails."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = (await receive())["body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(0.1)
    head = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    if scope["path"] == "/broken":
        raise RuntimeError("it fails")
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(*, whole: bool) -> Iterator[socket.socket]:
    """A connection to a server that runs `echo`."""
    listener = listen("127.0.0.1", 0)
    server = Server(configured(echo, drain_seconds=1, whole=whole))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    with socket.create_connection(listener.getsockname(), 5) as client:
        try:
            yield client
        finally:
            server.should_exit = True
            thread.join(10)
            listener.close()


@pytest.fixture
def client() -> Iterator[socket.socket]:
    """A connection to a server of whole answers."""
    with served(whole=True) as found:
        yield found


def asked(method: str, path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: here", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_head_and_body_of_a_whole_answer_leave_together(client: socket.socket) -> None:
    for number in range(50):
        body = b"%d" % number
        client.sendall(asked("POST", "/", body))
        assert client.recv(1 << 16) == b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def test_requests_sent_in_one_packet_are_answered_in_order(client: socket.socket) -> None:
    client.sendall(b"".join(asked("POST", "/", b"%d" % number) for number in range(10)))
    received = b""
    while not received.endswith(b"\r\n\r\n9"):
        received += client.recv(1 << 16)
    bodies = [part.partition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"%d" % number for number in range(10)]


def test_a_large_answer_arrives_whole(client: socket.socket) -> None:
    body = bytes(range(256)) * 200
    client.sendall(asked("POST", "/", body))
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < len(body):
        received += client.recv(1 << 16)
    assert received.partition(b"\r\n\r\n")[2] == body


def test_a_client_that_waits_to_be_told_to_go_on_is_told(client: socket.socket) -> None:
    request = asked("POST", "/", b"late", "expect: 100-continue")
    client.sendall(request.removesuffix(b"late"))
    assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"late")
    assert client.recv(1 << 16).endswith(b"\r\n\r\nlate")


def test_the_head_of_an_answer_without_body_leaves_by_itself(client: socket.socket) -> None:
    client.sendall(asked("HEAD", "/", b""))
    assert client.recv(1 << 16) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    client.sendall(asked("POST", "/", b""))
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")


def test_an_answer_that_breaks_off_is_not_left_hanging(client: socket.socket) -> None:
    client.sendall(asked("POST", "/broken", b"twelve bytes"))
    received = b""
    while piece := client.recv(1 << 16):
        received += piece
    assert received.endswith(b"content-length: 12\r\n\r\n")


def test_clients_that_leave_while_they_are_answered_break_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with served(whole=True) as client:
        for _ in range(20):
            with socket.create_connection(client.getpeername(), 5) as other:
                other.sendall(asked("POST", "/slow", b"gone") * 2)
        client.sendall(asked("POST", "/slow", b"here"))
        assert client.recv(1 << 16).endswith(b"\r\n\r\nhere")
        gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_only_an_application_that_may_stream_dates_its_answers() -> None:
    with served(whole=False) as client:
        client.sendall(asked("POST", "/", b""))
        assert b"\r\ndate: " in client.recv(1 << 16)
