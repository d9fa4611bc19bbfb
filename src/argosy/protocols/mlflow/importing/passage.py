"""What the parts of an import share: where from, where to, whose hand, and how many work at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from argosy.errors import ArgosyError
from argosy.protocols.mlflow.fault import Fault
from argosy.protocols.mlflow.importing.client import LostError
from argosy.protocols.mlflow.importing.report import Report
from argosy.protocols.mlflow.importing.source import Broken, Source
from argosy.store.batch import Batch
from argosy.store.codec import EPOCH
from argosy.store.store import Store
from argosy.store.tracking.changes import Hand

T = TypeVar("T")
_LAST_MS = 253_402_300_799_999


class Passage(NamedTuple):
    """An import at work. `things` do one run or model each, `downloads` one file each; a `dry` one writes nothing."""

    source: Source
    store: Store
    batch: Batch
    report: Report
    things: Executor
    downloads: Executor
    actor: str
    now: Callable[[], datetime]
    artifacts: bool
    dry: bool

    @property
    def hand(self) -> Hand:
        """Whoever imports, now."""
        return Hand(self.actor, self.now())

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do a work in a transaction, with what others are about to write; it is there when this returns."""
        return self.batch.submit(work).result()

    def sound(self, kind: str, page: Sequence[T | Broken]) -> list[T]:
        """Those of a page that can be read; the others are told of."""
        self.report.add(kind, found=len(page))
        for each in page:
            if isinstance(each, Broken):
                self.report.fail(kind, each.name, each.reason)
        return [each for each in page if not isinstance(each, Broken)]

    def each(self, kind: str, things: Iterable[tuple[str, Callable[[], object]]]) -> None:
        """Do what is to be done, several at once; one that fails stops no other. Raises LostError."""
        waiting: list[tuple[str, Future[object]]] = [(name, self.things.submit(act)) for name, act in things]
        lost: LostError | None = None
        for name, future in waiting:
            try:
                future.result()
            except LostError as error:
                lost = error
            except Exception as error:  # whatever it is, it is of this one alone
                self.report.fail(kind, name, reason(error))
        if lost is not None:
            raise lost


def reason(error: Exception) -> str:
    """Why something failed, in one line."""
    if isinstance(error, (ArgosyError, Fault)):
        return error.message
    return f"{type(error).__name__}: {str(error)[:500]}"


def moment(milliseconds: int) -> datetime:
    """A time since 1970; one that cannot be is the nearest that can."""
    return EPOCH + timedelta(milliseconds=min(max(milliseconds, 0), _LAST_MS))
