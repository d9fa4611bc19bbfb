"""gRPC's own client against the wire, and clients that mean no good."""

from __future__ import annotations

import asyncio
import queue
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.serving.rpc import frame, wire
from argosy.serving.rpc.frame import ACK, END_HEADERS, END_STREAM, MAX_FRAME, PREFACE, Code, Kind
from argosy.serving.rpc.stream import WINDOW
from argosy.serving.rpc.wire import Connections
from tests.serving.rpc.wired import LIMIT, MANY, UNARY, Echo, Wired, parsed

PAYLOADS = st.binary(max_size=40) | st.just(b"\x84")
FRAMES = st.lists(
    st.tuples(st.sampled_from([*Kind, 77]), st.integers(0, 255), st.integers(0, 7), PAYLOADS), max_size=12
)


@pytest.fixture(scope="module")
def server() -> Iterator[Wired]:
    found = Wired(Echo())
    found.start()
    yield found
    found.stop()


def refused(call: grpc.UnaryUnaryMultiCallable, message: bytes, **more: object) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call(message, timeout=60, **more)
    return error.value.code(), error.value.details()


@pytest.mark.parametrize("size", [0, 1, MAX_FRAME, 70_000, WINDOW + 1, LIMIT])
def test_messages_of_any_size_come_and_go(server: Wired, size: int) -> None:
    with server.client() as channel:
        call = channel.unary_unary(UNARY)
        assert call(bytes(size), timeout=60) == bytes(size)
        assert call(b"big:%d" % size, timeout=60) == bytes(size)


@pytest.mark.parametrize("kind", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_messages_may_come_compressed(server: Wired, kind: grpc.Compression) -> None:
    with server.client() as channel:
        call = channel.unary_unary(UNARY)
        assert call(bytes(WINDOW), compression=kind, timeout=60) == bytes(WINDOW)
        assert refused(call, bytes(LIMIT + 1), compression=kind)[0] == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_calls_share_a_connection_and_end_in_any_order(server: Wired) -> None:
    with server.client() as channel:
        call = channel.unary_unary(UNARY)
        names = [b"%s%d" % (b"wait:" if i % 3 else b"", i) for i in range(2 * wire.MAX_STREAMS)]
        assert [each.result(20) for each in [call.future(name) for name in names]] == names


def test_a_failure_ends_its_call_alone(server: Wired) -> None:
    with server.client() as channel:
        call = channel.unary_unary(UNARY)
        assert refused(call, b"no") == (grpc.StatusCode.NOT_FOUND, "not here: 100 %")
        assert refused(call, bytes(LIMIT + 1))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused(call, b"a", metadata=[("stranger", "1")]) == (grpc.StatusCode.UNAUTHENTICATED, "who?")
        assert refused(call, bytes(LIMIT), metadata=[("stranger", "1")])[0] == grpc.StatusCode.UNAUTHENTICATED
        assert call(b"fine", timeout=60) == b"fine"


def test_a_stream_answers_each_message_in_its_turn(server: Wired) -> None:
    with server.client() as channel:
        messages = [b"wait:%d" % i if i % 50 == 0 else b"%d" % i * 500 for i in range(1_000)]
        assert list(channel.stream_stream(MANY)(iter(messages), timeout=60)) == messages


def test_a_stream_stays_open_while_its_client_waits(server: Wired) -> None:
    asked: queue.Queue[bytes | None] = queue.Queue()
    with server.client() as channel:
        answers = channel.stream_stream(MANY)(iter(asked.get, None), timeout=60)
        for message in (b"one", b"two"):
            asked.put(message)
            assert next(answers) == message
        asked.put(None)
        assert list(answers) == [] and answers.code() == grpc.StatusCode.OK


def test_a_client_that_reads_slowly_gets_all_of_it(server: Wired) -> None:
    with server.client() as channel:
        answers = channel.stream_stream(MANY)(iter([b"big:3000000"] * 5), timeout=60)
        found = []
        for each in answers:
            time.sleep(0.02)
            found.append(len(each))
        assert found == [3_000_000] * 5


def test_a_call_that_its_client_gives_up_leaves_the_others_alone(server: Wired) -> None:
    with server.client() as channel:
        call = channel.unary_unary(UNARY)
        given_up = [call.future(b"wait:%d" % i) for i in range(20)]
        for each in given_up:
            each.cancel()
        assert call(b"fine", timeout=60) == b"fine"


def test_draining_answers_what_is_under_way_and_ends_streams() -> None:
    echo = Echo()
    server = Wired(echo)
    server.start()
    asked: queue.Queue[bytes | None] = queue.Queue()
    with server.client() as channel, server.client() as other:
        answers = channel.stream_stream(MANY)(iter(asked.get, None), timeout=60)
        asked.put(b"one")
        assert next(answers) == b"one"
        late = other.unary_unary(UNARY).future(b"wait:1", timeout=60)
        while b"wait:1" not in echo.asked:
            time.sleep(0.01)
        server.stop()
        assert late.result() == b"wait:1"
        with pytest.raises(grpc.RpcError) as error:
            next(answers)
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        asked.put(None)


async def turns() -> None:
    """Let the loop take up all that has arrived."""
    for _ in range(20):
        await asyncio.sleep(0)


def goodbye(frames: list[tuple[int, int, bytes]]) -> int:
    """The code with which the server ended the connection."""
    kind, _, payload = frames[-1]
    assert kind == Kind.GOAWAY
    return int.from_bytes(payload[4:8], "big")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n" + bytes(20), Code.PROTOCOL_ERROR),
        (PREFACE + frame.frame(Kind.PING, 0, 0, b"short"), Code.FRAME_SIZE_ERROR),
        (PREFACE + frame.frame(Kind.PUSH_PROMISE, 0, 1, b""), Code.PROTOCOL_ERROR),
        (PREFACE + frame.frame(Kind.DATA, 0, 1, b"a"), Code.PROTOCOL_ERROR),
        (PREFACE + frame.frame(Kind.HEADERS, END_HEADERS, 2, b"\x84"), Code.PROTOCOL_ERROR),
        (PREFACE + frame.frame(Kind.HEADERS, END_HEADERS, 0, b"\x84"), Code.PROTOCOL_ERROR),
        (PREFACE + frame.frame(Kind.HEADERS, END_HEADERS, 1, b"\xff"), Code.COMPRESSION_ERROR),
        (PREFACE + frame.frame(Kind.WINDOW_UPDATE, 0, 0, bytes(4)), Code.FLOW_CONTROL_ERROR),
        (PREFACE + frame.frame(Kind.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), Code.FLOW_CONTROL_ERROR),
        (PREFACE + frame.settings({frame.INITIAL_WINDOW: 1 << 31}), Code.FLOW_CONTROL_ERROR),
        (PREFACE + frame.frame(Kind.RST_STREAM, 0, 1, b""), Code.FRAME_SIZE_ERROR),
    ],
)
def test_who_breaks_http_is_told_how_and_left(server: Wired, said: bytes, code: Code) -> None:
    with server.raw() as raw:
        raw.send(said)
        assert goodbye(raw.frames()) == code


def test_a_client_that_sends_more_than_it_may_is_left(server: Wired) -> None:
    full = frame.frame(Kind.DATA, 0, 1, b"\0" + (MAX_FRAME - 5).to_bytes(4, "big") + bytes(MAX_FRAME - 5))
    with server.raw() as raw:
        raw.greet()
        raw.call(1, path=MANY)
        raw.send(frame.frame(Kind.DATA, 0, 1, b"\0\0\0\0\5wait:"), full * (WINDOW // MAX_FRAME + 1))
        assert goodbye(raw.frames()) == Code.FLOW_CONTROL_ERROR


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\0\2a"])
def test_a_call_that_ends_too_early_is_the_fault_of_its_client(server: Wired, data: bytes) -> None:
    with server.raw() as raw:
        raw.greet()
        raw.call(1)
        raw.send(frame.frame(Kind.DATA, END_STREAM, 1, data), frame.frame(Kind.PING, 0, 0, bytes(9)))
        [(kind, stream, head), _] = raw.frames()
        assert (kind, stream) == (Kind.HEADERS, 1) and b"\x0bgrpc-status\x013" in head


def test_calls_of_other_kinds_and_above_the_number_are_refused(server: Wired) -> None:
    with server.raw() as raw:
        raw.greet()
        raw.call(1, end=True, **{"content-type": "text/html"})
        for id in range(3, 2 * wire.MAX_STREAMS + 5, 2):
            raw.call(id)
        raw.send(frame.frame(Kind.PING, ACK, 0, bytes(8)), frame.frame(Kind.PING, 0, 0, bytes(9)))
        first, second, _ = raw.frames()
        assert first[:2] == (Kind.HEADERS, 1) and b"415" in first[2]
        assert second == (Kind.RST_STREAM, 2 * wire.MAX_STREAMS + 3, Code.REFUSED_STREAM.to_bytes(4, "big"))


@settings(max_examples=200, deadline=None)
@given(FRAMES)
def test_whatever_comes_leaves_the_server_as_it_was(frames: list[tuple[int, int, int, bytes]]) -> None:
    async def talk() -> None:
        loop = asyncio.get_running_loop()
        connections = Connections(Echo(), loop)
        server = await loop.create_server(connections.accept, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(PREFACE)
        for kind, flags, id, payload in frames:
            writer.write(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + id.to_bytes(4, "big") + payload)
        writer.write_eof()
        await reader.read()
        writer.close()
        server.close()
        while connections.open:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(talk(), 60))


@pytest.mark.parametrize("many", [False, True])
def test_what_stands_still_is_ended(many: bool) -> None:
    async def talk() -> list[tuple[int, int, bytes]]:
        loop = asyncio.get_running_loop()
        connections = Connections(Echo(), loop)
        server = await loop.create_server(connections.accept, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        head = frame.literals([(b":path", (MANY if many else UNARY).encode()), (b"content-type", b"application/grpc")])
        writer.write(PREFACE + frame.frame(Kind.HEADERS, END_HEADERS, 1, head))
        await turns()
        connections.sweep(loop.time() + 29)
        connections.sweep(loop.time() + 31)
        assert len(connections.open) == 1
        connections.sweep(loop.time() + wire.IDLE_SECONDS + 60)
        data = await asyncio.wait_for(reader.read() if not many else reader.read(1 << 16), 10)
        writer.close()
        server.close()
        return parsed(data)

    found = asyncio.run(talk())
    if many:
        assert found == []  # a stream may wait for its next message as long as it likes
    else:
        assert b"\x0bgrpc-status\x014" in found[0][2] and goodbye(found) == Code.NO_ERROR


def test_who_takes_no_goodbye_is_left() -> None:
    async def talk() -> None:
        loop = asyncio.get_running_loop()
        connections = Connections(Echo(), loop)
        with socket.socket() as listener, socket.socket() as client:
            for each, option in ((listener, socket.SO_SNDBUF), (client, socket.SO_RCVBUF)):
                each.setsockopt(socket.SOL_SOCKET, option, 2048)
            listener.bind(("127.0.0.1", 0))
            server = await loop.create_server(connections.accept, sock=listener)
            client.connect(listener.getsockname())
            head = frame.literals([(b":path", UNARY.encode()), (b"content-type", b"application/grpc")])
            client.sendall(PREFACE + frame.frame(Kind.HEADERS, END_HEADERS, 1, head))
            client.sendall(frame.frame(Kind.DATA, END_STREAM, 1, b"\0\0\0\0\x09big:50000"))
            client.sendall(frame.frame(Kind.PUSH_PROMISE, 0, 1, b""))
            await turns()
            assert len(connections.open) == 1
            for _ in range(3):
                connections.sweep(loop.time() + wire.IDLE_SECONDS + 60)
                await turns()
            assert not connections.open
            server.close()

    asyncio.run(asyncio.wait_for(talk(), 60))


def test_settings_that_come_a_thousand_times_in_one_frame_are_heeded_once(server: Wired) -> None:
    with server.raw() as client:
        client.greet()
        for id in range(1, 2 * wire.MAX_STREAMS, 2):
            client.call(id, path=MANY)
        many = frame.frame(Kind.SETTINGS, 0, 0, b"\0\4\0\0\xff\xff" * (MAX_FRAME // 6))
        begun = time.process_time()
        client.send(*[many] * 100, frame.frame(Kind.PUSH_PROMISE, 0, 1, b""))
        assert goodbye(client.frames()) == Code.PROTOCOL_ERROR
    assert time.process_time() - begun < 2.0


def test_strangers_make_room_for_who_comes_and_who_has_shown_a_token_does_not() -> None:
    fields = {":path": UNARY, "content-type": "application/grpc", "authorization": "ada"}
    head = frame.literals([(name.encode(), value.encode()) for name, value in fields.items()])
    begin = PREFACE + frame.settings({}) + frame.frame(Kind.HEADERS, END_HEADERS, 1, head)

    async def talk() -> None:
        connections = Connections(Echo(), asyncio.get_running_loop(), most=1)
        server = await asyncio.get_running_loop().create_server(connections.accept, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        reader, stranger = await asyncio.open_connection(*address)
        assert await reader.read(1 << 16)
        heard, known = await asyncio.open_connection(*address)
        known.write(begin)
        assert await _left(reader)
        known.write(frame.frame(Kind.PING, 0, 0, b"are here"))
        await heard.readuntil(b"are here")  # so the head before it was read
        late, other = await asyncio.open_connection(*address)
        assert await _left(late)
        known.write(frame.frame(Kind.DATA, END_STREAM, 1, b"\0\0\0\0\2hi"))
        await heard.readuntil(b"\0\0\0\0\2hi")
        for each in (stranger, known, other):
            each.close()
        server.close()

    asyncio.run(asyncio.wait_for(talk(), 60))


async def _left(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionResetError):
        await reader.read()
    return True
