"""What actions work with: the store, the online features, the engine, and the directories of one home."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection

from argosy.controller import bundle as bundling
from argosy.controller.project import forget
from argosy.controller.wanted import Wanted
from argosy.engine.cluster import Cluster
from argosy.engine.contract import Engine
from argosy.engine.local import Local
from argosy.engine.ray import Ray
from argosy.spec.function import resolve
from argosy.store import bundles, leases
from argosy.store.store import Store

if TYPE_CHECKING:
    from argosy.controller.watching.memory import Memory
    from argosy.features.online import Online


class Places:
    """The directories of a home beside its facts and blobs. All but `segments` can be rebuilt."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.online = root / "online"
        self.segments = root / "segments"
        self.bundles = root / "bundles"
        self.sets = root / "sets"
        self.scoring = root / "scoring"

    @classmethod
    def of(cls, store: Store) -> Places:
        """The places of a store: its home directory, or what holds its blobs where the facts are on PostgreSQL."""
        return cls(store.blobs.root.parent)


class House:
    """One process's hold on a home. The engine's workers start with the first task and follow the project's code.

    The `environment` says where they are: see `Cluster.of`. On a cluster, every machine sees the home at one path.
    """

    def __init__(
        self, store: Store, *, workers: int | None = None, environment: Mapping[str, str] | None = None,
        actor: str = "controller",
    ) -> None:  # fmt: skip
        self.store = store
        self.places = Places.of(store)
        self.environment = dict(environment or {})
        self.actor = actor
        self.expired_at: datetime | None = None
        self._workers = workers
        self._cluster = Cluster.of(self.environment)
        self._engine: Engine | None = None
        self._engine_bundle: str | None = None
        self._active: str | None = None
        self._held: dict[str, leases.Lease] = {}

    # Polars and NumPy take a fifth of a second to import: a process that only runs pipelines pays for neither.

    @cached_property
    def online(self) -> Online:
        """The features by entity, for the inference server."""
        from argosy.features.online import Online

        return Online(self.places.online)

    @cached_property
    def memory(self) -> Memory:
        """What watches of this process need not look up again."""
        from argosy.controller.watching.memory import Memory

        return Memory(self.store)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers and release the online store; the store itself belongs to the caller."""
        if self._engine is not None:
            self._engine.close()
        if self._cluster is not None:
            self._cluster.close()
        if "online" in self.__dict__:
            self.online.close()

    @property
    def spread(self) -> bool:
        """Whether its workers are those of a cluster."""
        return self._cluster is not None

    def take(self, lease: leases.Lease) -> bool:
        """Act under a lease from now on; false where others may have acted on its subject since this house last did.

        A lease's token grows with every claim: the next one after ours says that nobody came between.
        """
        before = self._held.get(lease.name)
        self._held[lease.name] = lease
        return lease.token == (before.token if before is not None else 0) + 1

    @contextmanager
    def write(self, subject: str) -> Iterator[Connection]:
        """One transaction of an action; LeaseError where its lease was lost meanwhile, as by a suspended machine."""
        with self.store.write() as tx:
            self.hold(tx, subject)
            yield tx

    def hold(self, tx: Connection, subject: str) -> None:
        """Raise LeaseError where the lease that an action runs under was lost: its transaction then leaves nothing."""
        if subject in self._held:
            leases.hold(tx, [self._held[subject]])

    def activate(self, digest: str | None) -> Path | None:
        """Make a bundle's functions callable in this process; returns the directory of its modules."""
        if digest is None:
            return None
        directory = bundling.unpack(self.store.blobs, digest, self.places.bundles)
        if self._active != digest:
            if self._active is not None:
                old = str(self.places.bundles / self._active)
                forget(old)
                sys.path[:] = [entry for entry in sys.path if entry != old]
            sys.path.insert(0, str(directory))
            self._active = digest
        return directory

    def functions(self, wanted: Wanted) -> None:
        """Import what a declaration's code names, from its bundle, so that `resolve` finds the functions of today."""
        self.load(wanted.bundle, wanted.code)

    def load(self, digest: str | None, references: Collection[str]) -> None:
        """Import functions from a bundle, so that `resolve` finds them as they are there."""
        directory = self.activate(digest)
        modules = {reference.partition(":")[0] for reference in references}
        if directory is not None and not all(_lies_in(name, directory) for name in modules):
            forget(str(directory))
        for reference in references:
            resolve(reference, fresh=reference.partition(":")[0] not in sys.modules)

    def engine(self, digest: str | None, preload: Sequence[str]) -> Engine:
        """Warm workers that see the modules of a bundle first; started anew when the bundle changes.

        `preload` is what they import once when they start; whatever else a task needs, it imports itself.
        """
        if self._engine is None or self._engine_bundle != digest:
            if self._engine is not None:
                self._engine.close()
            directory = self.activate(digest)
            paths = [directory] if directory else []
            if self._cluster is None:
                self._engine = Local(self._workers, preload=preload, paths=paths)
            else:
                self._engine = Ray(self._cluster, self._workers, preload=preload, paths=paths)
            self._engine_bundle = digest
        return self._engine

    def bundle(self, conn: Connection, digest: str | None) -> bundles.Bundle | None:
        """The facts of a bundle."""
        return bundles.get(conn, digest) if digest else None


def _lies_in(module: str, directory: Path) -> bool:
    """Whether a module is imported, and from this directory."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and Path(file).is_relative_to(directory)
