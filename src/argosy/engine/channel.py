"""Messages between two processes over a socket, large buffers beside the pickle rather than inside it."""

from __future__ import annotations

import pickle
import select
import socket
import struct
from typing import Any

_HEAD = struct.Struct("<IQ")  # number of buffers, bytes of the pickle
_SIZE = struct.Struct("<Q")
_APART = 1 << 16  # buffers below this are cheaper inside the pickle
_READ = 1 << 16
_VECTORS = 512  # below every system's IOV_MAX


def split(message: object) -> list[Any]:
    """The pickle of a message, then its large buffers. Raises what pickle raises."""
    buffers: list[memoryview] = []

    def inside(buffer: pickle.PickleBuffer) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if raw.nbytes < _APART:
            return True
        buffers.append(raw)
        return False

    return [pickle.dumps(message, protocol=5, buffer_callback=inside), *buffers]


class Channel:
    """One end of a stream of pickled messages. Owns the socket. Not for several threads.

    Only ever used between a process and the children that it started itself.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._socket = stream
        self._ahead = bytearray()
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)

    def fileno(self) -> int:
        """The descriptor, so that a selector can wait for it."""
        return self._socket.fileno()

    @property
    def ahead(self) -> bool:
        """Whether bytes of a further message were read already: a selector would not tell."""
        return bool(self._ahead)

    def waits(self) -> bool:
        """Whether a message, or the other end's close, can be read right now."""
        return bool(self._ahead or self._poll.poll(0))

    @staticmethod
    def encode(message: object) -> list[Any]:
        """The parts of a message, ready to be written. Raises what pickle raises."""
        body, *buffers = split(message)
        head = _HEAD.pack(len(buffers), len(body)) + b"".join(_SIZE.pack(part.nbytes) for part in buffers)
        return [head + body, *buffers] if len(body) < _APART else [head, body, *buffers]

    @staticmethod
    def decode(parts: list[Any]) -> Any:
        """The message of the parts that `read` or `split` returned. Raises what unpickling raises."""
        return pickle.loads(parts[0], buffers=parts[1:])

    def write(self, parts: list[Any]) -> None:
        """Send encoded parts without joining them. Raises `OSError` if the other end is gone."""
        if len(parts) == 1:
            self._socket.sendall(parts[0])
            return
        views = [memoryview(part).cast("B") for part in parts]
        while views:
            sent = self._socket.sendmsg(views[:_VECTORS])
            while views and sent >= views[0].nbytes:
                sent -= views.pop(0).nbytes
            if sent:
                views[0] = views[0][sent:]

    def send(self, message: object) -> None:
        """Encode and write one message."""
        self.write(self.encode(message))

    def read(self) -> list[Any]:
        """The parts of the next message. Raises `EOFError` when the other end closed, even in mid-message."""
        count, size = _HEAD.unpack(self._take(_HEAD.size))
        if not count:
            return [self._take(size)]
        sizes = [_SIZE.unpack(self._take(_SIZE.size))[0] for _ in range(count)]
        return [self._take(length) for length in (size, *sizes)]

    def receive(self) -> Any:
        """Read and decode one message."""
        return self.decode(self.read())

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _take(self, size: int) -> bytearray:
        if size > _READ:
            return self._take_large(size)
        while len(self._ahead) < size:
            data = self._socket.recv(_READ)
            if not data:
                raise EOFError
            self._ahead += data
        taken = self._ahead[:size]
        del self._ahead[:size]
        return taken

    def _take_large(self, size: int) -> bytearray:
        taken = bytearray(size)
        filled = min(size, len(self._ahead))
        taken[:filled] = self._ahead[:filled]
        del self._ahead[:filled]
        view = memoryview(taken)
        while filled < size:
            received = self._socket.recv_into(view[filled:])
            if not received:
                raise EOFError
            filled += received
        return taken
