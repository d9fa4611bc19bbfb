"""Settings, read from the environment once, at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from argosy.errors import InputError, UsageError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
PORT, INFERENCE_PORT, GRPC_PORT = 8075, 8076, 8077
RUNS, TRASH_DAYS = 2, 30
WORKERS, CACHE_MB, FLUSH_SECONDS = 1, 512, 1.0
_LAST, _MOST_RUNS, _MOST_DAYS = 65_535, 100, 36_500
_MOST_WORKERS, _LEAST_MB, _MOST_MB = 64, 16, 1_000_000
_LEAST_FLUSH, _MOST_FLUSH = 0.05, 60.0


class Inference(msgspec.Struct, frozen=True, kw_only=True):
    """How the inference server works: `workers` processes, each with at most `cache_mb` of loaded models.

    Models of members that match a pattern in `pinned` are always loaded. What a crash may lose of the recorded answers
    are those of the last `flush_seconds`; with `durable` none, and each answer waits for the disk. Without `trusted`,
    versions that are pickles are not loaded.
    """

    workers: int = WORKERS
    cache_mb: int = CACHE_MB
    pinned: tuple[str, ...] = ()
    flush_seconds: float = FLUSH_SECONDS
    durable: bool = False
    trusted: bool = True


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
    inference: Inference = Inference()


def read(environment: Mapping[str, str], home: str | None = None) -> Settings:
    """From ARGOSY_HOME (unless `home` is given) and ARGOSY_ followed by BLOBS, HOST, PORT, HOSTS, RUNS and TRASH_DAYS.

    And of the inference server: WORKERS, CACHE_MB, PINNED, FLUSH_SECONDS, DURABLE and TRUSTED. ARGOSY_HOSTS lists
    further names, separated by commas, and so does ARGOSY_PINNED. Raises `UsageError` for a port or a number that is
    none, `InputError` for no home.
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
        runs=runs, trash_days=days, inference=_inference(environment),
    )  # fmt: skip


def _inference(environment: Mapping[str, str]) -> Inference:
    text = environment.get("ARGOSY_FLUSH_SECONDS") or str(FLUSH_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _LEAST_FLUSH <= seconds <= _MOST_FLUSH:
        limit = f"a number of seconds from {_LEAST_FLUSH} to {_MOST_FLUSH:g}"
        raise UsageError(
            f"ARGOSY_FLUSH_SECONDS is {text[:20]!r}, which is not {limit}", next=f"leave it out, for {FLUSH_SECONDS:g}"
        )
    patterns = [each.strip() for each in environment.get("ARGOSY_PINNED", "").split(",")]
    return Inference(
        workers=_whole(environment, "ARGOSY_WORKERS", WORKERS, 1, _MOST_WORKERS),
        cache_mb=_whole(environment, "ARGOSY_CACHE_MB", CACHE_MB, _LEAST_MB, _MOST_MB),
        pinned=tuple(filter(None, patterns)), flush_seconds=seconds,
        durable=bool(_whole(environment, "ARGOSY_DURABLE", 0, 0, 1)),
        trusted=bool(_whole(environment, "ARGOSY_TRUSTED", 1, 0, 1)),
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


def works(workers: int) -> None:
    """Raise UsageError for a number of processes that no inference server has."""
    if not 1 <= workers <= _MOST_WORKERS:
        raise UsageError(f"--workers is {workers}", next=f"give a number from 1 to {_MOST_WORKERS}")
