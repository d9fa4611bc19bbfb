"""Many threads and processes on one store, some of which die."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from argosy.store import Store, datasets, events, leases, members, versions
from argosy.testing import labour
from argosy.testing.sample import ingest, moment, train

WORKERS = 8
EACH = 20


def _start(store: Store, job: str, *arguments: str) -> subprocess.Popen[bytes]:
    program = f"import sys; from {labour.__name__} import main; main(*sys.argv[1:])"
    command = [sys.executable, "-c", program, store.home, str(store.blobs.root), job, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _finish(workers: Sequence[subprocess.Popen[bytes]]) -> list[list[str]]:
    outputs = [worker.communicate(timeout=120)[0].decode().split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers)
    return outputs


class ProcessesConformance:
    """What holds when many write at once and some are killed."""

    def test_processes_that_append_lose_nothing(self, store: Store) -> None:
        """Every source is in once, numbers have no gap, every event is there in commit order."""
        outputs = _finish([_start(store, "append", str(worker), str(EACH)) for worker in range(WORKERS)])
        total = WORKERS * EACH
        with store.read() as conn:
            numbers = [version.number for version in datasets.versions(conn, "flights")]
            last = datasets.version(conn, "flights")
            sources = [f"{worker}/{number}" for worker in range(WORKERS) for number in range(EACH)]
            assert datasets.ingested(conn, "flights", sources) == set(sources)
            messages = [event.message for event in events.since(conn)]
        assert numbers == list(range(1, total + 1))
        assert last is not None
        assert last.rows == 10 * total
        assert sorted(messages) == sorted(sources)
        assert sorted(source for output in outputs for source in output) == sorted(sources)

    def test_processes_never_share_a_lease(self, store: Store) -> None:
        """Each shard has exactly one owner."""
        outputs = _finish([_start(store, "claim", str(worker)) for worker in range(4)])
        claimed = [name for output in outputs for name in output]
        assert sorted(claimed) == sorted(labour.SHARDS)

    def test_a_process_killed_before_its_commit_leaves_no_version(self, store: Store) -> None:
        """The blob may stay, nothing refers to it, and the next writer is not held up."""
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", "before"))
        worker = _start(store, "die")
        assert worker.communicate(timeout=60)[0].strip() == b"about to commit"
        assert worker.returncode == -signal.SIGKILL
        with store.read() as conn:
            assert [version.number for version in datasets.versions(conn, "flights")] == [1]
            assert datasets.ingested(conn, "flights", ["dying"]) == set()
        assert store.blobs.get(labour.digest_of_dying()) == labour.DYING
        with store.write() as tx:
            assert datasets.commit(tx, ingest("flights", "dying")).number == 2

    def test_threads_share_a_store(self, store: Store) -> None:
        """Writers take turns, readers see whole transactions."""

        def work(worker: int) -> None:
            for step in range(5):
                with store.write() as tx:
                    train(tx, "late", ["shared", f"own{worker}"], hours=worker * 10 + step)
                with store.read() as conn:
                    table = members.table(conn, "late")
                    assert table["version_id"] == table["champion_id"]

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        with store.read() as conn:
            shared = members.ids(conn, "late")["shared"]
            assert [version.number for version in versions.of(conn, [shared])] == list(range(1, 21))

    def test_a_lease_can_be_taken_while_facts_are_written(self, store: Store) -> None:
        """A heartbeat after a write, from another thread, is answered."""
        held = leases.claim(store, "a", "ann", moment(), timedelta(hours=1))
        assert held is not None
        with ThreadPoolExecutor(1) as pool:
            with store.write() as tx:
                events.add(tx, [])
                beat = pool.submit(leases.heartbeat, store, [held], moment(0.5), timedelta(hours=1))
            assert [lease.expires_at for lease in beat.result(timeout=60)] == [moment(1.5)]
