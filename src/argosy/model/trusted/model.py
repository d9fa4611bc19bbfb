"""A trusted estimator as a model: asked in a process of its own, and left in peace for a while where it ended that."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from itertools import count

import numpy as np
import numpy.typing as npt

from argosy.model import kernel
from argosy.model.matrix import Matrix, checked
from argosy.model.space import Space, log_odds
from argosy.model.trusted.content import unpack
from argosy.model.trusted.process import Ended, Process, current

_CELLS = 1_000_000
_REST, _LONGEST = 5.0, 300.0
# Bytes of an estimator in memory over those of its pickle, measured on forests and neighbours; and the pickle is here.
_MEMORY_PER_BYTE = 3
_MEMORY_FIXED = 100_000
_IDS = count()


class Trusted:
    """An estimator of scikit-learn's kind, pickled. Values are rounded to float32 first, as when it was fitted.

    Thread-safe: who asks waits for those before. One that ended its process, or took too long, also when it was loaded,
    is not asked again for some seconds, twice as many each time.
    """

    apart = True
    """It answers when its process does: nobody who must go on meanwhile may ask it."""

    def __init__(
        self, data: bytes, process: Process | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        content = unpack(data)
        self.features = content.features
        self.space: Space = "log_odds" if content.task == "binary" else "value"
        self.bytes_in_memory = len(data) * _MEMORY_PER_BYTE + _MEMORY_FIXED
        self._background = np.frombuffer(content.background, "<f4").reshape(-1, content.features).astype(np.float64)
        self._link = log_odds if content.task == "binary" else np.asarray
        self._data, self._given, self._clock = data, process, clock
        self._seats: dict[Process, _Seat] = {}
        self._seat().load()

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """See `Model.predict`. Raises Ended while the estimator rests, and what `Process.answer` raises."""
        rows = checked(matrix, self.features).astype(np.float32).astype(np.float64)
        step = max(1, _CELLS // max(1, self.features))
        parts = [self._seat().ask(rows[start : start + step]) for start in range(0, len(rows), step)]
        return np.concatenate(parts) if parts else np.empty(0)

    def explain(self, matrix: Matrix) -> Matrix:
        """See `Model.explain`: kernel SHAP against what is typical of the rows that it was fitted on."""
        rows = checked(matrix, self.features)
        return kernel.explain(self.predict, self._link, rows, self._background)

    def _seat(self) -> _Seat:
        """Where it is asked by this thread."""
        process = self._given or current()
        found = self._seats.get(process)
        if found is None:  # of two threads that come at once, one finds the other's
            found = self._seats.setdefault(process, _Seat(process, self._data, self._clock))
        return found


class _Seat:
    """An estimator in one process, loaded when it is first asked there, and left in peace where it ended that.

    It holds the process's own lock within its own, and never the other way round.
    """

    def __init__(self, process: Process, data: bytes, clock: Callable[[], float]) -> None:
        self._process, self._data, self._id, self._clock = process, data, next(_IDS), clock
        self._lock = threading.Lock()
        self._ended, self._until, self._why, self._turn = 0, 0.0, "", 0
        weakref.finalize(self, process.drop, self._id).atexit = False

    def load(self) -> None:
        """Have it loaded. Raises as `Process.load`, but for Ended: it rests then, as one that ended it later does.

        Else each try would end it, for all others too.
        """
        try:
            self._turn = self._process.load(self._id, self._data)
        except Ended as error:
            self._rest(error)

    def ask(self, rows: Matrix) -> npt.NDArray[np.float64]:
        """A number a row. Raises as `Trusted.predict`."""
        with self._lock:  # those that waited while it ended its process are not to end the next
            left = self._until - self._clock() if self._ended else 0.0
            if left > 0:
                raise Ended(
                    f"{self._why}, and rests for {left:.0f} s", next="train it again, or take another candidate"
                )
            try:
                found, self._turn = self._process.answer(self._id, self._data, self._turn, rows)
            except Ended as error:
                self._rest(error)
                raise
            self._ended = 0
            return found

    def _rest(self, error: Ended) -> None:
        self._ended, self._why = self._ended + 1, error.message
        self._until = self._clock() + min(_REST * 2 ** min(self._ended - 1, 10), _LONGEST)
