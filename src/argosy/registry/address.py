"""Addresses: how people and programs name a fleet's member and its versions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from argosy.errors import UsageError


class Address(msgspec.Struct, frozen=True):
    """A member of a fleet, and one of its versions where `number` is given.

    `key` holds the values of the fleet's key columns joined by "/", with "%" and "/" inside a value percent-encoded;
    it is "" for a fleet without key and "*" for the pooled model.
    """

    fleet: str
    key: str = ""
    number: int | None = None

    @classmethod
    def of(cls, fleet: str, values: Iterable[str], number: int | None = None) -> Address:
        """The address of the member with these values of the key columns."""
        return cls(fleet, "/".join(_encode(value) for value in values), number)

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the key columns; none for a fleet without key."""
        return tuple(_decode(part) for part in self.key.split("/")) if self.key else ()

    @property
    def member(self) -> str:
        """The address without a version: `late-arrival/JFK/AA`."""
        return f"{self.fleet}/{self.key}" if self.key else self.fleet

    def __str__(self) -> str:
        return self.member if self.number is None else f"{self.member}@{self.number}"


def parse(text: str) -> Address:
    """The address written as `late-arrival/JFK/AA@7`; raises UsageError for anything else.

    What follows the last "@" is a version's number if it is one; a key value that itself ends so needs its version
    written behind it.
    """
    member, number = text, None
    before, at, after = text.rpartition("@")
    if at and after.isascii() and after.isdigit():
        member, number = before, int(after)
    fleet, slash, key = member.partition("/")
    if number == 0:
        raise UsageError(f"{text[:80]!r} names no version: they are counted from 1", next=f"write {member[:80]}@1")
    if not fleet or (slash and not key) or "@" in fleet or text != text.strip():
        raise UsageError(
            f"{text[:80]!r} is not an address", next="write FLEET, FLEET/KEY or FLEET/KEY@NUMBER: late-arrival/JFK/AA@7"
        )
    return Address(fleet, key, number)


def _encode(value: str) -> str:
    return value.replace("%", "%25").replace("/", "%2F")


def _decode(part: str) -> str:
    return part.replace("%2F", "/").replace("%2f", "/").replace("%25", "%")
