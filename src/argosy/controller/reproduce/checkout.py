"""Checking out: a home of its own that holds what a recipe names, its data by links to the blobs of the other home."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from argosy.controller import libraries
from argosy.controller.reproduce.recipe import Recipe, Trained
from argosy.errors import CorruptError, UnknownError
from argosy.spec.quantity import plural
from argosy.store import Blobs, Store, bundles, datasets, declarations, executions
from argosy.store.bundles import Bundle
from argosy.store.datasets import COMPACT, ROWS, Part, Version
from argosy.store.declarations import Declaration, NewDeclaration
from argosy.store.executions import Execution, NewExecution
from argosy.training import plan

_SHOWN = 3


class _Data(msgspec.Struct, frozen=True):
    versions: list[Version]
    parts: list[Part]


def check_out(store: Store, recipe: Recipe, place: Path) -> None:
    """Make a home in the directory `place` with the bundle, the datasets at their versions and what was declared.

    The other home is only read: its blobs are linked, and a link is replaced where anything is written in its place.
    Raises CorruptError where an archive or a part of a dataset is gone, UnknownError where a version is not on record.
    """
    with store.read() as conn:
        data = [_data(conn, store.blobs, name, number) for name, number in recipe.datasets.items()]
        declared = recipe.declared if isinstance(recipe, Trained) else []
        code = bundles.some(conn, {recipe.bundle.digest, *(each.bundle for each in declared if each.bundle)})
    _check(store.blobs, recipe, data)
    with Store.open(place) as made:
        digests = [recipe.bundle.digest, *(part.digest for each in data for part in each.parts)]
        _link(store.blobs, made.blobs, digests)
        with made.write() as tx:
            _record(tx, code.values(), data, declared)
            if isinstance(recipe, Trained) and recipe.tuning is not None:
                executions.record(tx, [_tuning(recipe, recipe.tuning)])


def _data(conn: Connection, blobs: Blobs, name: str, number: int) -> _Data:
    found = [each for each in datasets.versions(conn, name) if each.number <= number]
    if not found or found[-1].number != number:
        raise UnknownError(f"{name}@{number}, which was read, is not on record", next="argosy get datasets")
    compact = [each for each in datasets.parts(conn, name, number, purpose=COMPACT) if blobs.has(each.digest)]
    return _Data(found, [*datasets.parts(conn, name, number), *compact])


def _check(blobs: Blobs, recipe: Recipe, data: Iterable[_Data]) -> None:
    if not blobs.has(recipe.bundle.digest):
        raise CorruptError(
            f"the code of {recipe.name} is gone: there is no blob {recipe.bundle.digest}",
            next="restore it from a backup of the home's blobs",
        )
    for each in data:
        last, rows = each.versions[-1], [part for part in each.parts if part.purpose == ROWS]
        gone = [part.digest for part in rows if not blobs.has(part.digest)]
        if gone:
            shown = ", ".join(gone[:_SHOWN]) + ", …" * (len(gone) > _SHOWN)
            raise CorruptError(
                f"{last.dataset}@{last.number}, which {recipe.name} read, cannot be read again: "
                f"{len(gone)} of its {plural(len(rows), 'part')} are gone: {shown}",
                next="restore them from a backup of the home's blobs",
            )


def _link(source: Blobs, target: Blobs, digests: Iterable[str]) -> None:
    for digest in set(digests):
        path = target.path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(source.path(digest))


def _record(tx: Connection, code: Iterable[Bundle], data: Iterable[_Data], declared: Iterable[Declaration]) -> None:
    for facts in code:
        bundles.add(tx, facts)
    found = list(data)
    datasets.adopt(
        tx, [version for each in found for version in each.versions], [part for each in found for part in each.parts]
    )
    fields = NewDeclaration.__struct_fields__
    declarations.add(tx, [NewDeclaration(**{name: getattr(each, name) for name in fields}) for each in declared])


def _tuning(recipe: Trained, found: Execution) -> NewExecution:
    """The recorded tuning, as one that is found with the libraries of this process."""
    parts = recipe.parts
    body = next(each.body for each in recipe.declared if (each.kind, each.name) == ("fleet", recipe.address.fleet))
    key = plan.tuning(parts["code"], parts["declaration"], libraries.installed(body.get("packages", ())).digest)
    kept = {name: getattr(found, name) for name in NewExecution.__struct_fields__}
    return NewExecution(**{**kept, "key": key, "member_id": None, "parent_id": None})
