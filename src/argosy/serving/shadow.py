"""Shadows: versions that score rows beside whoever answers them, off the path of the answer; and why they got it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence

from argosy.errors import ArgosyError
from argosy.model.trusted.process import beside
from argosy.serving.answered import Answered
from argosy.serving.batch import Columns
from argosy.serving.cache import Loaded, ModelCache
from argosy.serving.explainer import Explainer
from argosy.serving.failure import Failed
from argosy.serving.prediction import Given, predict
from argosy.serving.recorder import Recorder
from argosy.serving.routing import TRIED, Assignment, Endpoint, VersionRef, shadowing
from argosy.serving.segment import Line, Stream

ROUTE = "shadow"
_LOG = logging.getLogger("argosy.serving")
_PAUSE = 0.02
_PORTION = 4_096


class Shadows:
    """Scores answered rows by the shadows of their members, on a thread of its own, and records what they say.

    Rows that are to be explained are explained there, too.

    Whoever answers never waits for it and never fails by it: `offer` takes a batch or, where `limit` rows wait already,
    drops and counts it. Rows go to a recorder of its own, which `close` closes. Threads share it.
    """

    def __init__(self, cache: ModelCache, recorder: Recorder, *, limit: int = 20_000) -> None:
        self.scored = self.failed = self.dropped = 0
        self._cache, self._recorder, self._limit = cache, recorder, limit
        self._state = threading.Condition()
        self._queue: deque[Answered] = deque()
        self._waiting = 0
        self._busy = self._closing = False
        self._told: set[int] = set()
        self._streams: dict[tuple[str, str, frozenset[str]], Stream] = {}
        self.explainer = Explainer(cache, recorder)
        self._thread = threading.Thread(target=self._run, name="argosy-shadows", daemon=True)
        self._thread.start()

    def offer(self, batch: Answered) -> None:
        """Take a batch, unless too many rows wait; never blocks on the scoring of others."""
        with self._state:
            if self._waiting + len(batch.rows) > self._limit or self._closing:
                self.dropped += len(batch.rows)
                return
            self._waiting += len(batch.rows)
            self._queue.append(batch)
            self._state.notify_all()

    def text(self) -> str:
        """Its counters, as Prometheus reads them."""
        why = self.explainer
        return _counter("shadow", scored=self.scored, failed=self.failed, dropped=self.dropped) + _counter(
            "explained", recorded=why.recorded, failed=why.failed, dropped=why.dropped
        )

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until every row that was taken is scored and on disk; raises CapacityError as the recorder does."""
        with self._state:
            self._state.wait_for(lambda: not self._queue and not self._busy, timeout)
        self._recorder.flush(timeout)

    def close(self) -> None:
        """Score what is left, write it, and stop; a shadow that hangs is not waited for."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        self._thread.join(5.0)
        self._recorder.close()

    def _run(self) -> None:
        beside()
        while True:
            with self._state:
                self._state.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                self._busy, closing = True, self._closing
            if not closing:
                threading.Event().wait(_PAUSE)  # rows of many requests are scored at once, which costs the others less
            taken = self._take()
            try:
                self._score(taken)
                self.explainer.take(taken)
            except Exception:  # whatever goes wrong here is no reason to score no more
                _LOG.exception("rows were not scored by their shadows, or not explained")
            finally:
                with self._state:
                    self._waiting -= sum(len(each.rows) for each in taken)
                    self._busy = False
                    self._state.notify_all()

    def _take(self) -> list[Answered]:
        taken, rows = list[Answered](), 0
        with self._state:
            while self._queue and rows < _PORTION:
                taken.append(self._queue.popleft())
                rows += len(taken[-1].rows)
        return taken

    def _score(self, taken: Sequence[Answered]) -> None:
        """Rows of one shadow that carry the same columns are scored together."""
        groups: dict[tuple[VersionRef, frozenset[str], frozenset[str]], list[tuple[Answered, int]]] = {}
        for batch in [each for each in taken if each.shadowed]:
            for row, (key, name, route) in enumerate(zip(batch.keys, batch.rows, batch.routes, strict=True)):
                ref = shadowing(batch.endpoint, key, name) if route not in TRIED else None
                if ref is not None:
                    group = (ref, frozenset(batch.columns), batch.endpoint.redacted)
                    groups.setdefault(group, []).append((batch, row))
        for (ref, carried, _), rows in groups.items():
            self._by(ref, carried, rows)

    def _by(self, ref: VersionRef, carried: frozenset[str], rows: list[tuple[Answered, int]]) -> None:
        """Score rows by one shadow, and record them; those that it fails on as rows without a prediction."""
        try:
            loaded = self._cache.get(ref)
        except Exception as error:  # whatever keeps it from loading is its failure
            self._fail(ref, rows, error)
            return
        names = [name for name in loaded.signature.names if name in carried]
        lost = [(b, row) for b, row in rows if any(row in b.lost[name].why for name in names if name in b.lost)]
        if lost:
            self._fail(ref, lost, ArgosyError("a request feature that it takes cannot be made"))
            refused = {(id(batch), row) for batch, row in lost}
            rows = [(batch, row) for batch, row in rows if (id(batch), row) not in refused]
        while rows:
            columns = {name: [batch.columns[name][row] for batch, row in rows] for name in names}
            every = Assignment([ref] * len(rows), ["own"] * len(rows), {ref: list(range(len(rows)))})
            try:
                answers = predict({ref: loaded}, every, Given(columns, len(rows)))
            except Failed as failed:
                bad = {place: failure for failure in failed.failures for place in failure.rows}
                self._fail(ref, [rows[place] for place in bad], next(iter(bad.values())).error)
                rows = [each for place, each in enumerate(rows) if place not in bad]
            else:
                self._record(ref, loaded, rows, answers, columns)
                return

    def _record(
        self, ref: VersionRef, loaded: Loaded, rows: Sequence[tuple[Answered, int]], answers: Sequence[float],
        columns: Columns,
    ) -> None:  # fmt: skip
        stream = self._stream(rows[0][0].endpoint, loaded)
        values = [columns[name] for name in stream.names]
        lines = [
            (*batch.named(row, ref, ROUTE), answer, batch.stale[row] if batch.stale else False, None, None, *features)
            for (batch, row), answer, *features in zip(rows, answers, *values, strict=True)
        ]
        self._write(stream, lines)
        self.scored += len(lines)

    def _fail(self, ref: VersionRef, rows: Sequence[tuple[Answered, int]], error: Exception) -> None:
        if ref.id not in self._told:
            self._told.add(ref.id)
            _LOG.error("version %s fails as a shadow: %s", ref.address, error)
        stream = self._stream(rows[0][0].endpoint, None)
        self._write(stream, [(*batch.named(row, ref, ROUTE), None, None, None, None) for batch, row in rows])
        self.failed += len(rows)

    def _write(self, stream: Stream, lines: list[Line]) -> None:
        try:
            self._recorder.add(stream, lines)
        except ArgosyError as error:  # there is no room for them
            self.dropped += len(lines)
            _LOG.error("%s rows of a shadow are not recorded: %s", len(lines), error)

    def _stream(self, endpoint: Endpoint, loaded: Loaded | None) -> Stream:
        signature = loaded.signature if loaded is not None else None
        key = (endpoint.fleet, signature.digest if signature is not None else "", endpoint.redacted)
        known = self._streams.get(key)
        if known is None:
            known = self._streams[key] = Stream(endpoint.fleet, signature, endpoint.redacted)
        return known


def _counter(of: str, **counts: int) -> str:
    lines = [f'argosy_{of}_rows_total{{outcome="{name}"}} {count}' for name, count in counts.items()]
    return "\n".join([f"# TYPE argosy_{of}_rows_total counter", *lines]) + "\n"
