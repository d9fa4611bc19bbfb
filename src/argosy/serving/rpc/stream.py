"""One call on a connection: what came of its messages, and what is still to be sent."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.serving.compression import unpacked
from argosy.serving.rpc.frame import Head, literals
from argosy.serving.rpc.status import Outcome, Status, of_http, percent_encoded

PREFIX = 5
WINDOW = 1 << 20
"""Bytes that a client may send on a stream before some of them are taken."""


_OK = literals([(b"grpc-status", b"0")])


class Unfit(Exception):
    """What came is no message that can be taken; `outcome` says why."""

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(text)
        self.outcome = Outcome(status=status, text=text)


class Stream:
    """A call. `many`: each side may send several messages. `due` is when a request must be whole, and an answer taken.

    `room` is how many bytes the client takes, `taken` how many it has sent since it was last allowed more, `ended` that
    it sends no more. `told` and `trailers` are how far the answer is: its head has left; what is to follow it last.
    """

    __slots__ = (
        "busy", "due", "ended", "head", "id", "many", "out", "partial", "room", "taken", "told", "trailers",
    )  # fmt: skip

    def __init__(self, id: int, head: Head, room: int, due: float, *, many: bool) -> None:
        self.id, self.head, self.room, self.due, self.many = id, head, room, due, many
        self.partial, self.out = bytearray(), bytearray()
        self.taken = 0
        self.ended = self.busy = self.told = False
        self.trailers: bytes | None = None

    def take(self, data: bytes, limit: int) -> None:
        """Add these bytes; raises Unfit for a first message above `limit` bytes, and for a second where one is all."""
        self.partial += data
        self._end(limit)

    def next(self, limit: int) -> bytes | None:
        """The first message, once it is whole; raises Unfit for one above `limit` bytes, packed or not.

        The others wait as they came: unpacked, a thousand times as much could wait.
        """
        end, partial = self._end(limit), self.partial
        if not end or len(partial) < end:
            return None
        packed, message = partial[0], bytes(memoryview(partial)[PREFIX:end])
        del partial[:end]
        return self._unpacked(message, limit) if packed else message

    def answer(self, message: bytes) -> None:
        """Let a message follow what is to be sent."""
        self.out += b"\0%b%b" % (len(message).to_bytes(4, "big"), message)

    def finish(self, outcome: Outcome) -> None:
        """Let the status of the call follow what is to be sent."""
        if outcome.status == Status.OK and not outcome.fields:
            self.trailers = _OK
            return
        fields = [(b"grpc-status", b"%d" % outcome.status), *outcome.fields]
        if outcome.text:
            fields.append((b"grpc-message", percent_encoded(outcome.text)))
        self.trailers = literals(fields)

    def _end(self, limit: int) -> int:
        """Where the first message ends; 0 while that is not known."""
        partial = self.partial
        if len(partial) < PREFIX:
            return 0
        end = PREFIX + int.from_bytes(partial[1:PREFIX], "big")
        if end > PREFIX + limit:
            raise Unfit(
                Status.RESOURCE_EXHAUSTED,
                f"the message is above the limit of {limit:,} bytes\n  next: send fewer rows in each request",
            )
        if len(partial) > end and not self.many:
            raise Unfit(Status.INVALID_ARGUMENT, "the call takes one message\n  next: call once for each")
        return end

    def _unpacked(self, message: bytes, limit: int) -> bytes:
        encoding = self.head.get(b"grpc-encoding", b"")
        if encoding not in (b"gzip", b"deflate"):
            text = f"the message is {encoding[:20].decode('latin-1')!r}\n  next: send it as it is, gzip or deflate"
            raise Unfit(Status.UNIMPLEMENTED, text)
        try:
            return unpacked(message, encoding, limit)
        except ArgosyError as error:
            raise Unfit(of_http(error.status), str(error)) from error
