"""The code of a pipeline: that of a project's files as they are now, or that of the bundle which was applied."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import msgspec

from argosy.controller import bundle as bundling
from argosy.controller.house import House
from argosy.controller.project import imported, load
from argosy.controller.wanted import wanted
from argosy.errors import UnknownError
from argosy.spec import code
from argosy.spec.function import resolve
from argosy.spec.inventory import Inventory
from argosy.spec.pipeline import Pipeline
from argosy.spec.resource import Resources
from argosy.store import bundles, runs


class Code(msgspec.Struct, frozen=True):
    """A pipeline whose functions are those of a bundle, imported in this process."""

    pipeline: Pipeline
    bundle: str


def of_files(house: House, module: Path, name: str, now: datetime) -> Code:
    """The pipeline that a project's module declares now; its code is recorded as a bundle, and nothing is applied.

    Raises UnknownError where it declares none of that name.
    """
    project, _ = load(module)
    if name not in project.pipelines:
        known = ", ".join(sorted(project.pipelines)) or "none"
        raise UnknownError(f"project {module.stem} declares no pipeline {name!r}", next=f"its pipelines are: {known}")
    pipeline, inventory = project.pipelines[name], Inventory()
    resources = Resources(inventory)
    files = {file for each in project.functions(pipeline) for file in _files(each, resources)}
    archive = bundling.make(module, files, imported(module.parent), inventory)
    with house.store.read() as conn:
        known_before = bundles.get(conn, archive.digest) is not None
    if not known_before or not house.store.blobs.has(archive.digest):
        house.store.blobs.put(archive.data)
        facts = bundling.describe(archive, now, house.actor)
        with house.store.write() as tx:
            bundles.add(tx, facts)
    house.load(archive.digest, project.functions(pipeline))
    return Code(pipeline, archive.digest)


def of_store(house: House, name: str) -> Code:
    """The pipeline that was applied. Raises UnknownError where none of that name was."""
    with house.store.read() as conn:
        found = wanted(conn)
    each = found.get(("pipeline", name))
    if each is None or not isinstance(each.declaration, Pipeline) or each.bundle is None:
        known = ", ".join(sorted(other for kind, other in found if kind == "pipeline")) or "none was applied"
        raise UnknownError(f"there is no pipeline {name!r}", next=f"argosy apply PROJECT; the pipelines are: {known}")
    house.load(each.bundle, _functions(each.declaration))
    return Code(each.declaration, each.bundle)


def of_run(house: House, run: runs.Run) -> Code:
    """The pipeline of a run, as it was when that began. Raises UnknownError where its code is not on record."""
    function = run.body.get("function", "")
    with house.store.read() as conn:
        facts = bundles.get(conn, run.bundle) if run.bundle and function else None
    if facts is None:
        raise UnknownError(f"the code of run {run.id} is not on record", next=f"argosy run {run.pipeline}")
    house.load(facts.digest, (function,))  # several projects may lie in one bundle: the function says which it is
    declared = vars(sys.modules[function.partition(":")[0]]).values()
    pipeline = next(each for each in declared if isinstance(each, Pipeline) and each.name == run.pipeline)
    house.load(facts.digest, _functions(pipeline))
    return Code(pipeline, facts.digest)


def _functions(pipeline: Pipeline) -> tuple[str, ...]:
    return tuple(filter(None, (pipeline.function, pipeline.on_failure)))


def _files(name: str, resources: Resources) -> tuple[str, ...]:
    return code.fingerprint(resolve(name), resources=resources).files
