"""What the processes of the suite do: `main(HOME, BLOBS, JOB, ...)`."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from argosy.store import Store, datasets, events, leases
from argosy.testing.sample import ingest, moment

SHARDS = [f"shard/{number:02}" for number in range(40)]
DYING = b"put before the process died"


def digest_of_dying() -> str:
    """The address of the blob that `die` leaves behind."""
    return hashlib.sha256(DYING).hexdigest()


def append(store: Store, worker: str, count: str) -> None:
    """Commit `count` versions of one source and one event each; print the sources."""
    for number in range(int(count)):
        source = f"{worker}/{number}"
        store.blobs.put(source.encode())
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", source))
            events.add(
                tx, [events.NewEvent(at=moment(), kind="ingested", subject="flights", actor=worker, message=source)]
            )
        _say(source)


def claim(store: Store, worker: str) -> None:
    """Claim shards a few at a time until there are none; print their names."""
    while taken := leases.claim_any(store, SHARDS, worker, moment(), timedelta(hours=1), limit=3):
        for lease in taken:
            _say(lease.name)


def die(store: Store) -> None:
    """Put a blob, write a version, and be killed before the commit."""
    store.blobs.put(DYING)
    with store.write() as tx:
        datasets.commit(tx, ingest("flights", "dying"))
        _say("about to commit")
        os.kill(os.getpid(), signal.SIGKILL)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(home: str, blobs: str, job: str, *arguments: str) -> None:
    """Open the store and do one job."""
    jobs: dict[str, Callable[..., None]] = {"append": append, "claim": claim, "die": die}
    with Store.open(home, blobs=Path(blobs)) as store:
        jobs[job](store, *arguments)
