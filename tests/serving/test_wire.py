"""HTTP between the socket and an application: what leaves together, what waits its turn, and what is refused."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress

import pytest
import uvloop

from argosy.serving import wire
from argosy.serving.request import Call, Reply, Request
from argosy.serving.watch import listen
from argosy.serving.wire import Connections, serve

LIMIT, DRAIN = 100_000, 60
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%b"
CLOSED = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"


def said(body: bytes, status: int = 200) -> Reply:
    return Reply(status, body, b"text/plain")


class Echo:
    """Answers with the body of a request, "/slow" a while later, "/path" with what it was asked; refuses "/no"."""

    body_limit = LIMIT

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.drained = False

    def open(self, request: Request) -> Call:
        request.caller = request.headers.get(b"authorization", b"").decode()
        return Call(request, 0.0, refusal=said(b"no", 401) if request.path == "/no" else None)

    def overflow(self, call: Call) -> None:
        call.refusal = said(b"large", 413)

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        if call.refusal is not None:
            return call.refusal
        self.asked.append(call.request)
        if call.request.path == "/slow":
            return self._slow(call.request.body)
        return said(call.request.path.encode() if call.request.path.startswith("/path") else call.request.body)

    def drain(self) -> None:
        self.drained = True

    async def _slow(self, body: bytes) -> Reply:
        await asyncio.sleep(0.15)
        return said(body)


class Server:
    """An `Echo` that is served; `stop` it to see it drain."""

    def __init__(self) -> None:
        self.app, self._ready = Echo(), threading.Event()
        self._listener = listen("127.0.0.1", 0)
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(60)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await serve(self.app, self._listener, self._stop, drain_seconds=DRAIN)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def join(self) -> float:
        """Seconds until it has ended."""
        begun = time.monotonic()
        self._thread.join(2 * DRAIN)
        assert not self._thread.is_alive()
        return time.monotonic() - begun

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(self.address, 60) as client:
            yield client


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.stop()
    found.join()


@pytest.fixture
def client(server: Server) -> Iterator[socket.socket]:
    with server.connected() as found:
        yield found


def asked(path: str, body: bytes, *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "host: here", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def until(client: socket.socket, end: bytes) -> bytes:
    """What the server sends up to `end`."""
    received = b""
    while not received.endswith(end):
        piece = client.recv(1 << 16)
        assert piece, received
        received += piece
    return received


def rest(client: socket.socket) -> bytes:
    """What the server sends until it closes."""
    received = b""
    while piece := client.recv(1 << 16):
        received += piece
    return received


def test_head_and_body_of_an_answer_leave_together(client: socket.socket) -> None:
    for number in range(50):
        body = b"%d" % number
        client.sendall(asked("/", body))
        assert client.recv(1 << 16) == OK % (len(body), body)


def test_a_request_that_comes_again_is_what_it_was_but_for_its_body(server: Server, client: socket.socket) -> None:
    for body in (b"one", b"two"):
        client.sendall(asked("/path?a", body, "X-Y: z"))
        until(client, b"/path")
    first, second = server.app.asked
    assert first.headers == second.headers and second.headers[b"x-y"] == b"z"
    assert (second.method, second.path, second.query, second.body) == ("POST", "/path", b"a", b"two")
    client.sendall(asked("/slow", b"yes") + asked("/path?a", b"six", "X-Y: z"))
    assert until(client, b"/path") == OK % (3, b"yes") + OK % (5, b"/path")
    whole = asked("/path?a", b"new", "X-Y: z")
    client.sendall(whole[:-1])
    time.sleep(0.05)
    client.sendall(whole[-1:] + asked("/path?a", b"end", "X-Y: z") * 2)
    assert until(client, (OK % (5, b"/path")) * 3)
    assert [each.body for each in server.app.asked[-3:]] == [b"new", b"end", b"end"]
    for _ in range(2):
        with server.connected() as other:
            other.sendall(asked("/path?a", b"bye", "Connection: close"))
            assert rest(other) == CLOSED % (5, b"/path")
            assert server.app.asked[-1].body == b"bye"


def test_requests_sent_in_one_packet_are_answered_in_order_also_where_some_take_longer(client: socket.socket) -> None:
    paths = ["/slow" if number in (2, 5) else "/" for number in range(8)]
    client.sendall(b"".join(asked(path, b"%d" % number) for number, path in enumerate(paths)))
    received = until(client, b"\r\n\r\n7")
    assert received == b"".join(OK % (1, b"%d" % number) for number in range(8))
    client.sendall(asked("/", b"more"))
    assert client.recv(1 << 16) == OK % (4, b"more")


def test_bytes_that_come_one_by_one_make_the_same_request(server: Server, client: socket.socket) -> None:
    for byte in asked("/path?a=%20b", b"x", "X-Two-Words: A b"):
        client.sendall(bytes([byte]))
    until(client, b"/path")
    [request] = server.app.asked
    assert (request.method, request.path, request.query) == ("POST", "/path", b"a=%20b")
    assert request.headers[b"x-two-words"] == b"A b" and request.body == b"x"


@pytest.mark.parametrize(
    ("target", "path"),
    [("/path%2Fa%20b?q", "/path/a b"), ("http://here:80/path/x?q", "/path/x"), ("/path/%C3%A4%FF", "/path/ä�")],
)
def test_the_path_is_that_of_the_target(client: socket.socket, target: str, path: str) -> None:
    client.sendall(asked(target, b""))
    until(client, path.encode())


def test_a_large_answer_arrives_whole_and_a_client_that_takes_none_is_not_read_from(client: socket.socket) -> None:
    body = bytes(range(256)) * 380
    for _ in range(40):
        client.sendall(asked("/", body))
    client.setblocking(False)
    sent, request = 0, asked("/", body)
    end = time.monotonic() + 2
    while time.monotonic() < end:  # the socket's buffers fill, since nothing is taken
        try:
            sent += client.send(request[sent % len(request) :])
            end = time.monotonic() + 0.3
        except BlockingIOError:
            time.sleep(0.01)
    assert sent < 64 << 20
    client.settimeout(60)
    answer = OK % (len(body), body)
    received = b""
    while len(received) < 20 * len(answer):
        received += client.recv(1 << 20)
    assert received[: 20 * len(answer)] == answer * 20


def test_a_chunked_body_is_put_together_and_bounded(client: socket.socket) -> None:
    head = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"
    client.sendall(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert client.recv(1 << 16) == OK % (5, b"abcde")
    client.sendall(head)
    with pytest.raises(ConnectionError):
        while True:
            client.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")


@pytest.mark.parametrize("path", ["/", "/no"])
@pytest.mark.parametrize("more", [b"x: " + bytes(9_000).replace(b"\0", b"x"), b"x: y\r\n" * 2_000])
def test_what_follows_a_body_is_bounded(client: socket.socket, path: str, more: bytes) -> None:
    with pytest.raises(ConnectionError):
        client.sendall(b"POST %b HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" % path.encode())
        for _ in range(2_000):  # the socket's own buffers take some of it after the server has closed
            client.sendall(more)
        rest(client)


def test_what_follows_a_body_changes_nothing_of_the_head(server: Server, client: socket.socket) -> None:
    head = b"POST /path HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"
    client.sendall(head + b"1\r\na\r\n0\r\nhost: there\r\nargosy-timeout-ms: 1\r\n\r\n")
    until(client, b"/path")
    assert server.app.asked[0].headers == {b"host": b"here", b"transfer-encoding": b"chunked"}


def test_a_header_that_comes_twice_is_a_list_as_every_reader_takes_it(server: Server, client: socket.socket) -> None:
    client.sendall(asked("/path", b"", "Host: there", "Accept: a", "accept: b", "accept: c"))
    until(client, b"/path")
    headers = server.app.asked[0].headers
    assert (headers[b"host"], headers[b"accept"]) == (b"here, there", b"a, b, c")


@pytest.mark.parametrize("target", ["http://[::/path", "http://here:99999999/path", "foo://:/path"])
def test_a_target_that_is_no_address_is_no_path_and_no_defect_of_ours(
    server: Server, client: socket.socket, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    client.sendall(asked(target, b"a"))
    until(client, b"a")
    assert server.app.asked[0].path == "" and not caplog.records


@pytest.mark.parametrize("long", ["x-y: " + "z" * 70_000, "x-y: z\r\n" * 10_000 + "x-y: z"])
def test_a_head_above_the_limit_is_refused_though_one_read_brings_it_whole(
    server: Server, client: socket.socket, long: str
) -> None:
    client.sendall(asked("/", b"a", "x-y: " + "z" * 60_000) + asked("/", b"bc", long) + asked("/", b"d"))
    received = rest(client)
    assert received.startswith(OK % (1, b"a")) and received.count(b"HTTP/1.1 431 ") == received.count(b"HTTP/1.1") - 1
    assert b"connection: close" in received and b"65,536 bytes" in received
    assert [request.body for request in server.app.asked] == [b"a"]


def test_a_body_above_the_limit_is_refused(client: socket.socket) -> None:
    client.sendall(asked("/", b"x" * LIMIT))
    until(client, b"x" * LIMIT)
    client.sendall(asked("/", b"x" * (LIMIT + 1)))
    assert rest(client).startswith(b"HTTP/1.1 413 ")


def test_a_request_that_its_head_refuses_is_answered_at_once_and_its_body_dropped(client: socket.socket) -> None:
    whole = asked("/no", b"x" * 5_000)
    client.sendall(whole[:-4_000])
    assert b" 401 " in until(client, b"\r\n\r\nno")
    client.sendall(whole[-4_000:] + asked("/", b"next"))
    assert client.recv(1 << 16) == OK % (4, b"next")
    client.sendall(asked("/no", b"whole"))
    until(client, b"\r\n\r\nno")


def test_a_refused_body_above_the_limit_is_not_read_to_its_end(client: socket.socket) -> None:
    client.sendall(b"POST /no HTTP/1.1\r\nhost: here\r\ncontent-length: 100000000\r\n\r\n")
    until(client, b"\r\n\r\nno")
    with pytest.raises(ConnectionError):
        while True:
            client.sendall(b"x" * 10_000)


def test_a_client_that_waits_to_be_told_to_go_on_is_told(client: socket.socket) -> None:
    client.sendall(asked("/", b"late", "expect: 100-continue").removesuffix(b"late"))
    assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"late")
    assert client.recv(1 << 16) == OK % (4, b"late")
    client.sendall(asked("/no", b"late", "expect: 100-continue").removesuffix(b"late"))
    assert rest(client).endswith(b"connection: close\r\n\r\nno")


def test_an_answer_to_head_has_none_of_its_body(client: socket.socket) -> None:
    client.sendall(asked("/path", b"", method="HEAD") + asked("/", b"next"))
    assert until(client, b"next") == (OK % (5, b"")) + OK % (4, b"next")


@pytest.mark.parametrize(
    "request_",
    [
        asked("/", b"old", version="1.0"),
        asked("/", b"old", "connection: keep-alive", version="1.0"),
        asked("/", b"old", "connection: close"),
    ],
)
def test_who_does_not_keep_connections_is_answered_and_let_go(client: socket.socket, request_: bytes) -> None:
    client.sendall(request_)
    assert rest(client) == CLOSED % (3, b"old")


def test_who_would_speak_another_protocol_is_answered_in_this_one(client: socket.socket) -> None:
    client.sendall(b"GET /path HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
    assert rest(client) == CLOSED % (5, b"/path")


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
)
def test_what_is_no_request_is_refused_after_what_was(client: socket.socket, junk: bytes) -> None:
    client.sendall(asked("/", b"good") + junk)
    assert (
        rest(client)
        == OK % (4, b"good") + b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )


def test_who_sends_no_more_is_still_answered(client: socket.socket) -> None:
    client.sendall(asked("/", b"next") + asked("/slow", b"half"))
    client.shutdown(socket.SHUT_WR)
    assert rest(client) == OK % (4, b"next") + CLOSED % (4, b"half")


def test_clients_that_leave_while_they_are_answered_break_nothing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        with server.connected() as other:
            other.sendall(asked("/slow", b"gone") * 2)
    with server.connected() as client:
        client.sendall(asked("/slow", b"here"))
        assert client.recv(1 << 16).endswith(b"\r\n\r\nhere")
    gc.collect()
    assert caplog.records == []


def test_those_that_stand_still_are_closed_each_at_its_time_and_those_that_wait_for_us_are_not() -> None:
    async def talk() -> None:
        loop = asyncio.get_running_loop()
        connections = Connections(Echo(), loop)
        server = await loop.create_server(connections.accept, "127.0.0.1", 0)
        links = [await asyncio.open_connection(*server.sockets[0].getsockname()) for _ in range(3)]
        (idle, _), (slow, partly), (waiting, whole) = links
        partly.write(asked("/", b"never whole")[:-1])
        whole.write(asked("/slow", b"kept"))
        await _turns()
        connections.sweep(loop.time() + 29)
        await _turns()
        assert len(connections.open) == 3
        connections.sweep(loop.time() + 31)
        await _turns()
        assert len(connections.open) == 2 and await _left(slow)
        connections.sweep(loop.time() + wire.IDLE_SECONDS + 1)
        await _turns()
        assert len(connections.open) == 1 and await _left(idle)
        assert (await waiting.read(1 << 16)).endswith(b"kept")
        for _, writer in links:
            writer.close()
        server.close()

    asyncio.run(asyncio.wait_for(talk(), 60))


async def _turns() -> None:
    """Let the loop take up all that has arrived."""
    for _ in range(20):
        await asyncio.sleep(0)


async def _left(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    return True


def test_a_server_looks_by_itself_for_those_that_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("IDLE_SECONDS", 0.1), ("_WHOLE_SECONDS", 0.1), ("_SWEEP_SECONDS", 0.02)):
        monkeypatch.setattr(wire, name, seconds)
    server = Server()
    with server.connected() as idle, server.connected() as slow:
        slow.sendall(asked("/", b"never whole")[:-1])
        for each in (slow, idle):
            with pytest.raises(ConnectionError):
                assert each.recv(1) or _ended()
    server.stop()
    server.join()


def _ended() -> None:
    raise ConnectionError("closed")


def test_strangers_make_room_for_who_comes_and_who_has_shown_a_token_does_not() -> None:
    async def talk() -> None:
        connections = Connections(Echo(), asyncio.get_running_loop(), most=2)
        server = await asyncio.get_running_loop().create_server(connections.accept, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        known, stranger = await asyncio.open_connection(*address), await asyncio.open_connection(*address)
        assert (await _told(known, "authorization: ada")).endswith(b"hi")
        assert (await _told(stranger)).endswith(b"hi")
        late = await asyncio.open_connection(*address)
        assert (await _told(late, "authorization: ben")).endswith(b"hi") and await _left(stranger[0])
        nobody = await asyncio.open_connection(*address)
        assert await _left(nobody[0])
        for each in (known, late):
            assert (await _told(each)).endswith(b"hi")
        for _, writer in (known, stranger, late, nobody):
            writer.close()
        server.close()

    asyncio.run(asyncio.wait_for(talk(), 60))


async def _told(link: tuple[asyncio.StreamReader, asyncio.StreamWriter], *headers: str) -> bytes:
    reader, writer = link
    writer.write(asked("/", b"hi", *headers))
    return await reader.read(1 << 16)


def test_connections_find_out_when_a_client_has_vanished() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as one,
    ):
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_a_server_that_stops_lets_go_the_idle_and_answers_what_is_under_way(server: Server) -> None:
    with server.connected() as idle, server.connected() as partly, server.connected() as slow:
        partly.sendall(asked("/", b"partly")[:-2])
        slow.sendall(asked("/slow", b"slow") + asked("/", b"next"))
        while not server.app.asked:  # then what the others sent before has arrived as well
            time.sleep(0.01)
        server.stop()
        assert idle.recv(1) == b""
        assert rest(slow) == OK % (4, b"slow") + CLOSED % (4, b"next")
        partly.sendall(b"ly")
        assert rest(partly) == CLOSED % (6, b"partly")
    assert server.join() < DRAIN / 2 and server.app.drained
    with pytest.raises(ConnectionError), server.connected():
        pass
