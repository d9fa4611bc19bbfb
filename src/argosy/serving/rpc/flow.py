"""What one connection sends: no more than its client takes."""

from __future__ import annotations

from collections.abc import Iterable

from argosy.serving.rpc import frame
from argosy.serving.rpc.frame import Broken, Code, Kind
from argosy.serving.rpc.stream import Stream

DEFAULT_WINDOW = 0xFFFF
_OK_HEAD = b"\x88" + frame.literals([(b"content-type", b"application/grpc")])


class Flow:
    """Bytes to be sent as `out`, in which order does not matter between calls.

    `room` is how many bytes of messages the client takes on the connection, `initial` on each call that begins.
    """

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.room = self.initial = DEFAULT_WINDOW

    def put(self, kind: Kind, flags: int, id: int, *numbers: int) -> None:
        """Send a frame that holds numbers of 32 bits."""
        self.out.append(frame.frame(kind, flags, id, b"".join([each.to_bytes(4, "big") for each in numbers])))

    def pump(self, stream: Stream) -> bool:
        """Send what the client takes of an answer; whether that was the last of it."""
        if stream.out and not stream.told:
            self.out.append(frame.frame(Kind.HEADERS, frame.END_HEADERS, stream.id, _OK_HEAD))
            stream.told = True
        while stream.out:
            size = min(self.room, stream.room, frame.MAX_FRAME, len(stream.out))
            if size <= 0:
                return False
            self.out.append(frame.frame(Kind.DATA, 0, stream.id, bytes(memoryview(stream.out)[:size])))
            del stream.out[:size]
            self.room -= size
            stream.room -= size
        if stream.trailers is None:
            return False
        last = stream.trailers if stream.told else _OK_HEAD + stream.trailers
        self.out.append(frame.frame(Kind.HEADERS, frame.END_HEADERS | frame.END_STREAM, stream.id, last))
        return True

    def widen(self, more: int, stream: Stream | None = None) -> None:
        """Let the client take `more` bytes, of one answer or of all; raises Broken."""
        room = more + (self.room if stream is None else stream.room)
        if more < 1 or room > frame.MAX_WINDOW:
            raise Broken(Code.FLOW_CONTROL_ERROR)
        if stream is None:
            self.room = room
        else:
            stream.room = room

    def heed(self, payload: bytes, streams: Iterable[Stream]) -> None:
        """Take a client's settings, for what is under way as well; raises Broken."""
        value = dict(frame.read_settings(payload)).get(frame.INITIAL_WINDOW)  # the last one counts, however many come
        if value is not None:
            more, self.initial = value - self.initial, value
            for stream in streams:
                stream.room += more
            if value > frame.MAX_WINDOW or any(each.room > frame.MAX_WINDOW for each in streams):
                raise Broken(Code.FLOW_CONTROL_ERROR)
        self.put(Kind.SETTINGS, frame.ACK, 0)
