"""Training a fleet: tune the parent once, the pooled model first, then every member whose key is new."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from argosy.engine.contract import Engine, Progress, Result, Task
from argosy.spec import duration
from argosy.spec.fleet import POOLED, Fleet
from argosy.store import Store, executions
from argosy.training import rivals
from argosy.training.boost import direct
from argosy.training.fit import Job
from argosy.training.land import Context, Landed, Write, land
from argosy.training.plan import Basis, Fallback, Fit, everyone, keys, plan, relevant, tuning
from argosy.training.request import TrainReport, TrainRequest
from argosy.training.rows import Member

PRELOAD = ("lightgbm", "sklearn.pipeline", "sqlalchemy")
"""What an engine for any training imports once, for all its workers. Nothing of argosy: Polars starts threads."""


def preload(fleets: Iterable[Fleet]) -> tuple[str, ...]:
    """What an engine for these fleets should import once: without scikit-learn where LightGBM itself is enough."""
    plain = any(not direct(candidate.estimator) for fleet in fleets for candidate in fleet.candidates)
    return PRELOAD if plain else ("numpy", "sqlalchemy")


_BATCH = 250
_SECONDS = 10.0
_WHOLE_FLEET = 10
_Done = tuple[Fit | Fallback, Result | None]
_Settings = dict[str, tuple[dict[str, Any], ...]]


def train(
    store: Store, engine: Engine, request: TrainRequest, now: datetime,
    on_progress: Callable[[Progress], None] | None = None, write: Write | None = None,
) -> TrainReport:  # fmt: skip
    """Train what is not trained yet and record it.

    A member whose key was done before is not fitted again, so a call may be repeated, also after it was killed: at most
    the last few hundred members are lost. One that raises, hangs or kills its worker is recorded as failed and the
    others land; it is tried again by the next call. A fallback is not, as long as its key stays.

    Two calls at once for one fleet would do the work twice: the caller keeps them apart. Every result is recorded in
    a transaction of `write` (default: the store's); where that raises, as when the right to the work was lost
    meanwhile, the call ends with its error, and what landed before stays.
    """
    return _Training(store, engine, request, now, on_progress, write or store.write).run()


class _Training:
    """One call of `train`."""

    def __init__(
        self, store: Store, engine: Engine, request: TrainRequest, now: datetime,
        on_progress: Callable[[Progress], None] | None, write: Write,
    ) -> None:  # fmt: skip
        self._store, self._engine, self._request, self._now = store, engine, request, now
        self._on_progress, self._write = on_progress, write
        self._fleet = request.fleet
        self._context = Context(request.fleet.name, now, request.bundle, request.inputs)
        self._landed = Landed({}, {}, {})
        self._unchanged: dict[str, str] = {}
        self._cpu = 0.0

    def run(self) -> TrainReport:
        """Tune, pool, fit, land."""
        settings = self._tuned()
        job = Job(self._fleet, self._request.signature, self._request.data, settings, str(self._store.blobs.root))
        basis = Basis.of(
            self._fleet, self._request.signature, settings, code=self._request.code,
            environment=self._request.environment,
        )  # fmt: skip
        if self._fleet.pooled and self._request.pooled and self._request.members:
            self._pooled(job, basis)
        self._members(job, basis)
        return TrainReport(
            {key: version.id for key, version in self._landed.versions.items()}, self._landed.failed,
            self._landed.fallbacks, self._unchanged, {name: list(found) for name, found in settings.items()}, self._cpu,
        )  # fmt: skip

    def _tuned(self) -> _Settings:
        """Each searched candidate's best settings: of the tuning on record, else of one now; none if that fails.

        Tuned again when the code, the libraries or the declaration change, not with every new row.
        """
        searched = [candidate.name for candidate in self._fleet.candidates if candidate.search]
        if not searched or not self._request.members:
            return {}
        made_of = {"tune": relevant(self._fleet), "code": self._request.code}
        key = tuning(self._request.code, made_of["tune"], self._request.environment)
        with self._store.read() as conn:
            known = executions.finished(conn, [key]).get(key)
        if known is not None:
            return {name: tuple(found) for name, found in known.parameters["settings"].items()}
        job = Job(self._fleet, self._request.signature, self._request.data, {}, str(self._store.blobs.root))
        tasks = [Task(name, (job, self._request.members, name)) for name in searched]
        results = list(self._map("argosy.training.tune:tune", tasks, self._fleet.search.trials))
        settings = {result.key: result.value.settings for result in results if result.failure is None}
        trials = [trial for result in results if result.failure is None for trial in result.value.trials]
        reasons = [f"{r.key}: {r.failure.kind}: {r.failure.message}" for r in results if r.failure is not None]
        wall = max(result.wall_s for result in results)
        run = executions.NewExecution(
            key=key, kind="tune", subject=self._fleet.name, started_at=self._now,
            ended_at=self._now + timedelta(seconds=wall), reason="; ".join(reasons),
            outcome=executions.FAILED if reasons else executions.SUCCEEDED, cpu_s=sum(r.cpu_s for r in results),
            wall_s=wall, peak_bytes=max(result.peak_bytes for result in results), bundle=self._request.bundle,
            parameters={"settings": settings, "parts": made_of}, metrics={"trials": msgspec.to_builtins(trials)},
        )  # fmt: skip
        with self._write() as tx:
            executions.record(tx, [run])
        return {} if reasons else settings

    def _pooled(self, job: Job, basis: Basis) -> None:
        members = self._request.members
        whole = Member(POOLED, 0, sum(member.rows for member in members), everyone(members))
        wanted = plan([whole], basis, self._fleet.minimum_rows, self._done([whole], basis))
        self._unchanged |= wanted.unchanged
        champion = rivals.champions(self._store, self._fleet.name, [POOLED]).get(POOLED)
        tasks = [Task(POOLED, (job, members, champion)) for _ in wanted.fits]
        self._run("argosy.training.pool:fit", wanted.fits, tasks, wanted.fallbacks, _WHOLE_FLEET)

    def _members(self, job: Job, basis: Basis) -> None:
        only = self._request.only
        members = [member for member in self._request.members if only is None or member.key in only]
        wanted = plan(members, basis, self._fleet.minimum_rows, self._done(members, basis))
        self._unchanged |= wanted.unchanged
        if wanted.fits and self._fleet.pooled:
            new = self._landed.versions.get(POOLED)
            key = new.key if new is not None else self._unchanged.get(POOLED)
            job = msgspec.structs.replace(job, pooled=rivals.pooled(self._store, self._fleet, key))
        names = [item.member.key for item in wanted.fits]
        champions = rivals.champions(self._store, self._fleet.name, names) if names else {}
        tasks = [Task(item.member.key, (job, item.member, champions.get(item.member.key))) for item in wanted.fits]
        self._run("argosy.training.fit:fit", wanted.fits, tasks, wanted.fallbacks, 1)

    def _done(self, members: Sequence[Member], basis: Basis) -> dict[str, executions.Execution]:
        with self._store.read() as conn:
            return executions.finished(conn, [key for _, key, _ in keys(members, basis)])

    def _run(
        self, function: str, fits: Sequence[Fit], tasks: Sequence[Task], fallbacks: Sequence[Fallback], scale: int
    ) -> None:
        """Fit and land as results come, in batches; the plan's fallbacks land first."""
        waiting: list[_Done] = [(fallback, None) for fallback in fallbacks]
        by_name = {item.member.key: item for item in fits}
        landed = time.monotonic()
        for result in self._map(function, tasks, scale):
            waiting.append((by_name[result.key], result))
            if len(waiting) >= _BATCH or time.monotonic() - landed > _SECONDS:
                self._land(waiting)
                landed = time.monotonic()
        self._land(waiting)

    def _land(self, waiting: list[_Done]) -> None:
        for start in range(0, len(waiting), _BATCH):
            found = land(self._store, self._write, self._context, waiting[start : start + _BATCH])
            self._landed.versions.update(found.versions)
            self._landed.failed.update(found.failed)
            self._landed.fallbacks.update(found.fallbacks)
        waiting.clear()

    def _map(self, function: str, tasks: Sequence[Task], scale: int) -> Iterator[Result]:
        """Run tasks that may each take `scale` times what one member may take."""
        if not tasks:
            return
        limit = duration.parse(self._fleet.time_limit).total_seconds() * scale
        memory = self._fleet.memory_mb * 2**20 * math.ceil(math.log2(scale + 1))
        for result in self._engine.map(function, tasks, timeout=limit, memory=memory, on_progress=self._on_progress):
            self._cpu += result.cpu_s
            yield result
