"""Frames out of the bytes of one connection."""

from __future__ import annotations

from argosy.serving.rpc.frame import (
    END_HEADERS,
    HEAD_LIMIT,
    MAX_FRAME,
    MAX_WINDOW,
    PREFACE,
    Broken,
    Code,
    Kind,
    stripped,
)

Frame = tuple[int, int, int, bytes]
"""What it is, its flags, its stream and what it holds; a head comes whole and without padding."""
_PREFIX = 9


class Reader:
    """Cuts what comes into frames. It holds no more than one frame and one head, and raises Broken for what is none."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._flags, self._stream = 0, 0
        self._head: bytes | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole with these bytes."""
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._begun:
            if not PREFACE.startswith(data[: len(PREFACE)]):
                raise Broken(Code.PROTOCOL_ERROR)
            if len(data) < len(PREFACE):
                self._rest = data
                return []
            self._begun, at = True, len(PREFACE)
        found: list[Frame] = []
        size = len(data)
        while size - at >= _PREFIX:
            length = int.from_bytes(data[at : at + 3], "big")
            if length > MAX_FRAME:
                raise Broken(Code.FRAME_SIZE_ERROR)
            end = at + _PREFIX + length
            if end > size:
                break
            stream = int.from_bytes(data[at + 5 : at + _PREFIX], "big") & MAX_WINDOW
            whole = (data[at + 3], data[at + 4], stream, data[at + _PREFIX : end])
            if whole[0] == Kind.DATA and self._head is None:
                found.append(whole)
            elif (other := self._joined(whole)) is not None:
                found.append(other)
            at = end
        self._rest = data[at:]
        return found

    def _joined(self, whole: Frame) -> Frame | None:
        """A frame as it is handed on: a head once all of it is there."""
        kind, flags, stream, payload = whole
        if self._head is not None:
            if kind != Kind.CONTINUATION or stream != self._stream:
                raise Broken(Code.PROTOCOL_ERROR)
            self._head += payload
            if len(self._head) > HEAD_LIMIT:
                raise Broken(Code.ENHANCE_YOUR_CALM)
            if not flags & END_HEADERS:
                return None
            head, self._head = self._head, None
            return Kind.HEADERS, self._flags, stream, head
        if kind == Kind.CONTINUATION:
            raise Broken(Code.PROTOCOL_ERROR)
        if kind != Kind.HEADERS:
            return whole
        head = stripped(flags, payload)
        if flags & END_HEADERS:
            return kind, flags, stream, head
        self._head, self._flags, self._stream = head, flags, stream
        return None
