"""Settings, read from the environment once, at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from argosy.errors import InputError, UsageError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PORT = 8075
RUNS, TRASH_DAYS = 2, 30
_LAST, _MOST_RUNS, _MOST_DAYS = 65_535, 100, 36_500


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the server is reached and how it guards itself.

    `hosts` are the names (without port) that a request's Host may bear: others are refused, so that a page elsewhere
    cannot reach the server under a name of its own (DNS rebinding). `body_limit` is in bytes; `believed_seconds` is for
    how long a token that was found is not looked up again. `runs` is how many runs of pipelines the controller has at
    work at once. `trash_days` is for how long what was deleted can be restored.
    """

    home: str
    blobs: Path | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    hosts: tuple[str, ...] = LOOPBACK
    body_limit: int = 64 * 1024
    streams: int = 200
    poll_seconds: float = 1.0
    believed_seconds: float = 5.0
    runs: int = RUNS
    trash_days: int = TRASH_DAYS


def read(environment: Mapping[str, str], home: str | None = None) -> Settings:
    """From ARGOSY_HOME (unless `home` is given) and ARGOSY_ followed by BLOBS, HOST, PORT, HOSTS, RUNS and TRASH_DAYS.

    ARGOSY_HOSTS lists further names, separated by commas. Raises `UsageError` for a port or a number that is none,
    `InputError` for no home.
    """
    chosen = home or environment.get("ARGOSY_HOME")
    if not chosen:
        raise InputError("no home is named", next="export ARGOSY_HOME=DIRECTORY")
    port = environment.get("ARGOSY_PORT") or str(PORT)
    listens(int(port) if port.isascii() and port.isdigit() else -1, f"ARGOSY_PORT is {port[:20]!r}")
    runs = _whole(environment, "ARGOSY_RUNS", RUNS, 1, _MOST_RUNS)
    days = _whole(environment, "ARGOSY_TRASH_DAYS", TRASH_DAYS, 0, _MOST_DAYS)
    blobs = environment.get("ARGOSY_BLOBS")
    host = environment.get("ARGOSY_HOST") or LOOPBACK[0]
    named = [name.strip().lower() for name in environment.get("ARGOSY_HOSTS", "").split(",")]
    hosts = dict.fromkeys([*LOOPBACK, f"[{host}]" if ":" in host else host.lower(), *filter(None, named)])
    return Settings(
        home=chosen, blobs=Path(blobs) if blobs else None, host=host, port=int(port), hosts=tuple(hosts),
        runs=runs, trash_days=days,
    )  # fmt: skip


def _whole(environment: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    given = environment.get(name) or str(usual)
    if not (given.isascii() and given.isdigit() and least <= int(given) <= most):
        limit = f"a whole number from {least} to {most}"
        raise UsageError(f"{name} is {given[:20]!r}, which is not {limit}", next=f"leave it out, for {usual}")
    return int(given)


def listens(port: int, given: str) -> None:
    """Raise UsageError, which begins with what was `given`, for what is no port that a server can listen on."""
    if not 0 <= port <= _LAST:
        raise UsageError(f"{given}, which is no port", next=f"give one from 0 to {_LAST}; 0 takes a free one")
