"""What the two processes say to each other: a head in MessagePack, then numbers. Nothing that is read is executed."""

from __future__ import annotations

import socket
import struct
import time
from typing import TypeVar

import msgspec

_LENGTHS = struct.Struct("<IQ")
_HEAD = 1 << 16
_CHUNK = 1 << 20
_SHOWN = 300


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A request: to `load` the body under an id, to `drop` it, or to have it answer the body's rows.

    `rows` are as many as the body holds of float64, each of `features`. It may take `seconds`. Its answer repeats its
    `number`.
    """

    verb: str
    id: int
    rows: int = 0
    features: int = 0
    seconds: float = 0.0
    number: int = 0


class Told(msgspec.Struct, frozen=True, array_like=True):
    """An answer: what went wrong, or nothing, and then the body holds a float64 a row. `fence` is what stands of it.

    `number` is that of what was asked.
    """

    error: str = ""
    fence: tuple[str, ...] = ()
    number: int = 0


Head = TypeVar("Head", Ask, Told)


class Broken(Exception):
    """The other side ended, or does not speak as agreed."""


def send(line: socket.socket, head: Ask | Told, body: bytes | memoryview = b"") -> None:
    """Say something. Raises OSError."""
    packed = msgspec.msgpack.encode(head)
    line.sendall(_LENGTHS.pack(len(packed), len(body)) + packed)
    if len(body):
        line.sendall(body)


def receive(line: socket.socket, kind: type[Head], most: int, until: float | None = None) -> tuple[Head, bytearray]:
    """What the other side says, with a body of at most `most` bytes, until a moment of `time.monotonic`.

    Raises Broken, and TimeoutError where it is silent for too long.
    """
    head, body = _LENGTHS.unpack(_exactly(line, _LENGTHS.size, until))
    if head > _HEAD or body > most:
        raise Broken(f"it says {head:,} and {body:,} bytes")
    try:
        said = msgspec.msgpack.decode(_exactly(line, head, until), type=kind)
    except msgspec.DecodeError as error:
        raise Broken(str(error)) from error
    return said, _exactly(line, body, until)


def shown(text: str) -> str:
    """Any text on a line of 300 characters at most, all of which can be printed and sent."""
    line = " ".join(text[:_SHOWN].split())
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)[:_SHOWN]


def _exactly(line: socket.socket, size: int, until: float | None) -> bytearray:
    found, place = bytearray(size), 0
    while place < size:
        if until is not None:
            line.settimeout(max(until - time.monotonic(), 1e-6))
        try:
            count = line.recv_into(memoryview(found)[place:], min(size - place, _CHUNK))
        except TimeoutError:
            raise
        except OSError as error:
            raise Broken(str(error)) from error
        if not count:
            raise Broken("it ended")
        place += count
    return found
