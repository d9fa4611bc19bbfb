"""`argosy stream`: rows that arrive as messages of Redis or Kafka, answered as messages."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from argosy.cli import show
from argosy.cli.address import located
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.cli.progress import Progress
from argosy.cli.role import Readers
from argosy.errors import UsageError
from argosy.server import settings
from argosy.serving.stream.address import Address, parse
from argosy.serving.stream.flow import Pace
from argosy.serving.stream.measure import Measures
from argosy.serving.stream.service import Options, run
from argosy.spec.quantity import plural

_MOST_ROWS = 100_000


def stream(
    fleet: str, /, *, from_: str, to: str, dead: str | None = None,
    group: str | None = None, batch: int = 1_000, wait: float = 0.01, message_mb: int = 4, keep: int = 1_000_000,
    idle: float = 30.0, once: Annotated[bool, Parameter(negative="")] = False, common: Common | None = None,
) -> int:  # fmt: skip
    """Answer messages, each with rows, until SIGTERM or Ctrl-C; what was read is answered before it ends.

    A message is a JSON record, or what POST /predict takes: a list of records, or Arrow. Each is answered and recorded
    at least once, and its answer bears its id. On Redis an answer is added once: the message is settled with it. What
    cannot be answered is kept beside, with its reason, and stops nothing. Several of one group share the messages; what
    one that died left behind is taken over.

    For example:
      argosy stream late-arrival --from redis://127.0.0.1/flights --to predictions
      argosy stream late-arrival --from redis://127.0.0.1/flights --to predictions --once --json
      argosy stream late-arrival --from redis://127.0.0.1/predictions-dead --to predictions --once   (try again)

    Parameters
    ----------
    fleet
        The fleet.
    from_
        Where messages come from: redis://HOST/STREAM, redis://HOST/DATABASE/STREAM or rediss:// for TLS, or
        kafka://HOST:PORT,HOST:PORT/TOPIC.
    to
        The stream or topic of the same broker that answers go to.
    dead
        The stream that messages go to which cannot be answered, with the reason. Default: what --to names, and -dead.
    group
        The name under which consumers share the messages. Default: argosy- and the fleet.
    batch
        Messages that are scored at once, at most.
    wait
        How many seconds a message waits for others to be scored with.
    message_mb
        The size of a message, at most.
    keep
        How many of the newest answers, and of dead letters, stay in Redis.
    idle
        After how many seconds a consumer that has not settled a message is taken for dead.
    once
        End when nothing is left in the stream.
    """
    given = common or Common()
    _check(batch, wait, message_mb, keep, idle)
    place, answers, letters = _streams(from_, to, dead)
    home, blobs = located(given.home)
    root, serving = Path(blobs).parent, settings.read(os.environ, home).inference
    options = Options(
        home=home, fleet=fleet, source=place, to=answers, dead=letters, group=group or f"argosy-{fleet}",
        blobs=Path(blobs), predictions=root / "segments", readers=Readers(str(root)),
        cache_mb=serving.cache_mb, trusted=serving.trusted, message_mb=message_mb, keep=keep, idle_seconds=idle,
        pace=Pace(most=batch, wait_seconds=wait, once=once),
    )  # fmt: skip
    quietly()
    return _run(options, json=given.json)


def _streams(source: str, to: str, dead: str | None) -> tuple[Address, str, str]:
    """Where messages come from, and the names of the streams of answers and of dead letters."""
    place = parse(source, "--from")
    answers = place.beside(to, "--to")
    letters = place.beside(dead, "--dead") if dead is not None else f"{answers}-dead"
    if len({place.name, answers, letters}) < 3:
        raise UsageError(
            f"--from, --to and --dead are {place.name}, {answers} and {letters}", next="name three different streams"
        )
    return place, answers, letters


def _run(options: Options, *, json: bool) -> int:
    progress, began = Progress(), time.monotonic()
    show.say(f"{options.source.broker}: {options.source.name} is answered on {options.to}; Ctrl-C stops it")
    try:
        done = run(options, lambda found: progress.tell(lambda: _told(found, time.monotonic() - began)))
    finally:
        progress.end()
    if json:
        counts = {"messages": done.messages, "answered": done.answered, "dead": done.dead, "rows": done.rows}
        show.emit(counts | {"behind": done.behind})
    else:
        show.say(_told(done, time.monotonic() - began))
        if done.dead:
            show.say(f"  next: {options.dead} says why {plural(done.dead, 'message')} could not be answered")
    return 0


def _told(found: Measures, seconds: float) -> str:
    rate = found.rows / seconds if seconds else 0.0
    return (
        f"{plural(found.answered, 'message')} answered, {plural(found.rows, 'row')}, {rate:,.0f} rows/s, "
        f"{found.dead:,} dead, {found.behind:,} behind"
    )


def _check(batch: int, wait: float, message_mb: int, keep: int, idle: float) -> None:
    for option, given, least, most in (
        ("--batch", batch, 1, _MOST_ROWS), ("--wait", wait, 0, 10), ("--message-mb", message_mb, 1, 512),
        ("--keep", keep, 1, 10**12), ("--idle", idle, 1, 86_400),
    ):  # fmt: skip
        if not least <= given <= most:
            raise UsageError(f"{option} is {given}", next=f"give a number from {least:,} to {most:,}")
