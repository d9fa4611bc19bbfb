"""Many small writes in few transactions: whoever waits for the same writer commits together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection

from argosy.errors import CapacityError, ConflictError
from argosy.store.faults import translated
from argosy.store.rows import execute
from argosy.store.store import Store

R = TypeVar("R")
Work = Callable[[Connection], R]
_MOST, _WAITING = 256, 20_000


class Batch:
    """One thread that writes for many: what was handed in while it wrote lands in its next transaction.

    Safe to use from many threads. A work that raises is undone alone, and its error is the future's; a future has its
    result once the transaction is committed. Works are done in the order in which they were handed in; one whose future
    was cancelled before is not done.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="argosy-writer", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, work: Work[R]) -> Future[R]:
        """Have `work` done in a write transaction. Raises CapacityError while too many wait."""
        if self._closed:
            raise ConflictError("the server is stopping", next="ask again once it is back")
        if self._queue.qsize() >= _WAITING:
            raise CapacityError(f"{_WAITING:,} writes are waiting", next="ask again later")
        future: Future[R] = Future()
        self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            taken = [self._queue.get()]
            while len(taken) < _MOST and not self._queue.empty():
                taken.append(self._queue.get())
            ended = None in taken
            works = [each for each in taken if each is not None]
            if works:
                self._write(works)

    def _write(self, works: list[tuple[Work[Any], Future[Any]]]) -> None:
        works = [(work, future) for work, future in works if future.set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any]] = []
        refused: list[tuple[Future[Any], Exception]] = []
        try:
            with self._store.write() as tx:
                if len(works) == 1:  # undone with the transaction, which is its own
                    [(work, future)] = works
                    done.append((future, work(tx)))
                else:
                    for work, future in works:
                        result, raised = _alone(tx, work)
                        if raised is None:
                            done.append((future, result))
                        else:
                            refused.append((future, raised))
        except Exception as failure:  # the transaction did not land: none of them did
            done, told = [], {id(future) for future, _ in refused}
            refused += [(future, failure) for _, future in works if id(future) not in told]
        for future, result in done:
            future.set_result(result)
        for future, raised in refused:
            future.set_exception(raised)


def _alone(tx: Connection, work: Work[R]) -> tuple[R | None, Exception | None]:
    """Do a work so that it can be undone without the others; what it returned, and what it raised.

    That is raised here too where the database undid the whole transaction, as SQLite does where a disk is full.
    """
    execute(tx, "SAVEPOINT work")
    try:
        with translated():
            result, raised = work(tx), None
    except Exception as error:
        result, raised = None, error
        try:
            execute(tx, "ROLLBACK TO SAVEPOINT work")
        except Exception:
            raise error from None
    execute(tx, "RELEASE SAVEPOINT work")
    return result, raised
