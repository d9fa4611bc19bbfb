"""Addresses of streams: which broker, and which of its topics."""

from __future__ import annotations

from typing import Literal, cast
from urllib.parse import unquote, urlsplit

import msgspec

from argosy.errors import UsageError

Scheme = Literal["redis", "rediss", "kafka"]
_SCHEMES = ("redis", "rediss", "kafka")
_PORTS = {"redis": 6379, "rediss": 6379, "kafka": 9092}
_FORMS = "redis://HOST/STREAM, redis://HOST/DATABASE/STREAM or kafka://HOST,HOST/TOPIC"


class Address(msgspec.Struct, frozen=True):
    """The stream `name` of a broker: `servers` with their ports, a `database` and who asks, both of Redis alone."""

    scheme: Scheme
    servers: tuple[str, ...]
    name: str
    database: int = 0
    user: str = ""
    password: str = ""

    @property
    def broker(self) -> str:
        """The broker as it may be shown: without a password."""
        return f"{self.scheme}://{','.join(self.servers)}" + (f"/{self.database}" if self.database else "")

    def beside(self, text: str, option: str) -> str:
        """The name of another stream of this broker, from a name or a whole address; raises UsageError."""
        if "://" not in text:
            return _named(text, option, text)
        other = parse(text, option)
        if (other.broker, other.user) != (self.broker, self.user):
            raise UsageError(
                f"{option} is on {other.broker}, and --from on {self.broker}",
                next="answer to the same broker: it settles a message and its answer at once",
            )
        return other.name


def parse(text: str, option: str) -> Address:
    """What an option names; raises UsageError for what is no address of a stream."""
    try:
        parts = urlsplit(text)
        user, password = parts.username, parts.password
    except ValueError:
        raise _wrong(text, option) from None
    place = [unquote(each) for each in parts.path.split("/")[1:]]
    known = parts.scheme in _SCHEMES and not parts.query and not parts.fragment
    if not known or len(place) not in ((1,) if parts.scheme == "kafka" else (1, 2)):
        raise _wrong(text, option)
    database = place[0] if len(place) == 2 else "0"
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not database.isdigit() or not all(hosts) or (len(hosts) > 1 and parts.scheme != "kafka"):
        raise _wrong(text, option)
    if parts.scheme == "kafka" and user is not None:
        raise UsageError(f"{option} names a user for Kafka", next="Kafka is asked without a user here: leave it out")
    port = _PORTS[parts.scheme]
    servers = tuple(each if each.rpartition(":")[2].isdigit() else f"{each}:{port}" for each in hosts)
    return Address(
        cast("Scheme", parts.scheme), servers, _named(place[-1], option, text), int(database), unquote(user or ""),
        unquote(password or ""),
    )  # fmt: skip


def _named(name: str, option: str, text: str) -> str:
    if not name or any(each.isspace() for each in name):
        raise _wrong(text, option)
    return name


def _wrong(text: str, option: str) -> UsageError:
    shown = text.rpartition("@")[2][:80]
    return UsageError(f"{option} is {shown!r}, which is no address of a stream", next=f"write {_FORMS}")
