"""An import: experiments with their logged models and runs, then the registry, a page at a time.

What is here already is left as it is, so whatever ends it, the same import again goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime

from argosy.errors import UnknownError
from argosy.protocols.mlflow.importing import experiments, logged, registry, runs
from argosy.protocols.mlflow.importing.passage import Passage
from argosy.protocols.mlflow.importing.registry import Birth
from argosy.protocols.mlflow.importing.report import EXPERIMENT, Report
from argosy.protocols.mlflow.importing.source import Broken, Experiment, Source
from argosy.store.batch import Batch
from argosy.store.store import Store
from argosy.store.tracking.experiments import ensure_default

WORKERS = 8
"""Runs and models that are done at once, and files that are downloaded at once."""


def bring(
    store: Store, source: Source, actor: str, now: Callable[[], datetime], report: Report, *,
    only: Sequence[str] = (), artifacts: bool = True, dry: bool = False, workers: int = WORKERS,
) -> None:  # fmt: skip
    """Bring what a source holds into a store, and tell of it in `report`.

    With `only`, experiments of these names alone, and nothing of the registry. Raises UnknownError for a name that is
    not there, and whatever ends the whole: a source that does not answer any more, a disk that is full.
    """
    with ExitStack() as stack:
        batch = Batch(store)
        stack.callback(batch.close)
        stack.callback(source.close)
        things, files = ThreadPoolExecutor(workers), ThreadPoolExecutor(workers)
        for pool in (things, files):
            stack.callback(pool.shutdown, cancel_futures=True)
        stack.callback(source.stop)
        if not dry:
            batch.submit(ensure_default).result()
        passage = Passage(source, store, batch, report, things, files, actor, now, artifacts, dry)
        missing = set(only)
        for found in source.experiments():
            for each in passage.sound(EXPERIMENT, _wanted(found, only)):
                missing.discard(each.name)
                _experiment(passage, each)
        if missing:
            raise UnknownError(f"{source.name} has no experiment {min(missing)!r}", next="see the names that it has")
        if not only:
            _registry(passage)


def _wanted(found: Sequence[Experiment | Broken], only: Sequence[str]) -> list[Experiment | Broken]:
    return [each for each in found if not only or (isinstance(each, Experiment) and each.name in only)]


def _experiment(passage: Passage, there: Experiment) -> None:
    """Its logged models come first: runs tell of them."""
    here = experiments.bring(passage, there)
    for models in passage.source.logged(there):
        logged.bring(passage, there, here, models)
    for page in passage.source.runs(there):
        runs.bring(passage, there, here, page)


def _registry(passage: Passage) -> None:
    born: dict[str, Birth] = {}
    for models in passage.source.models():
        born |= {each.name: Birth(each.at, each.aliases) for each in models if not isinstance(each, Broken)}
        registry.bring_models(passage, models)
    for versions in passage.source.versions():
        registry.bring_versions(passage, versions, born)
