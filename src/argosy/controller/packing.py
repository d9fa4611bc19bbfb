"""Packing: a version as a bundle that predicts without Argosy, proven on rows of its fleet's training set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.controller import trial
from argosy.controller.house import Places
from argosy.controller.tagging import tags
from argosy.errors import InputError, UnknownError
from argosy.model.signature import Signature
from argosy.registry.address import Address
from argosy.registry.bundle.content import Content, Source, Trial, pack, pack_fleet
from argosy.spec import document
from argosy.spec.fleet import POOLED, Fleet
from argosy.store import Store, aliases, artifacts, declarations, edges, executions, members, versions
from argosy.store.versions import Version


class Packed(NamedTuple):
    """A bundle, the number of its version (of a fleet's, when its newest version was made) and when that was."""

    content: Content
    number: int
    at: datetime


def packed(store: Store, conn: Connection, address: Address, *, dockerfile: bool = False) -> Packed:
    """The bundle of a version: of the member's latest where the address has no number.

    The address of a fleet with a key, without one, means all its members: the champion of each that has one of its own,
    and the pooled champion for all others. A bundle is proven on rows of the newest training set on this machine, of
    which some travel with it; in these, values of tagged columns are made up. Raises UnknownError for a version that is
    not there, InputError where no training set has its features or it has no portable form, ConflictError where the
    bundle would answer otherwise.
    """
    version = versions.find(conn, address.fleet, address.key, address.number)
    if version is not None:
        meant = Address(address.fleet, address.key, version.number)
        ((source, rows),) = _sources(store, conn, address.fleet, {meant: version})
        return Packed(pack(source, rows, dockerfile=dockerfile), version.number, version.at)
    declared = _declared(conn, address.fleet)
    if address.key or address.number or declared is None or not declared.by:
        raise UnknownError(f"there is no version {address}", next=f"argosy get versions --where fleet:{address.fleet}")
    found = _champions(conn, address.fleet)
    if not found:
        raise UnknownError(f"no version of {address.fleet} answers", next=f"argosy why {address.fleet}")
    content = pack_fleet(address.fleet, declared.by, _sources(store, conn, address.fleet, found), dockerfile=dockerfile)
    at = max(each.at for each in found.values())
    return Packed(content, int(f"{at:%Y%m%d%H%M%S}"), at)


def _declared(conn: Connection, name: str) -> Fleet | None:
    wanted = declarations.get(conn, "fleet", name)
    found = document.recorded(wanted.body) if wanted is not None else None
    return found if isinstance(found, Fleet) else None


def _champions(conn: Connection, fleet: str) -> dict[Address, Version]:
    """The versions that answer for members by themselves, and the pooled one that answers for all others."""
    table = members.table(conn, fleet)
    lines = zip(table["key"], table["champion_id"], table["target"], strict=True)
    keys = {id: key for key, id, target in lines if id is not None and (target == aliases.OWN or key == POOLED)}
    return {Address(fleet, keys[id], each.number): each for id, each in versions.get(conn, keys).items()}


def _sources(
    store: Store, conn: Connection, fleet: str, wanted: Mapping[Address, Version]
) -> list[tuple[Source, Trial]]:  # fmt: skip
    """What bundles need of versions, and the rows that prove them; a constant number of queries."""
    known = artifacts.get(conn, {name for each in wanted.values() for name in (each.artifact, each.signature or "")})
    runs = executions.get(conn, {each.execution_id for each in wanted.values()})
    read: dict[int, list[str]] = {}
    for edge in edges.of(conn, runs, edges.IN):
        if edge.kind == "dataset":
            read.setdefault(edge.execution_id, []).append(edge.reference)
    held = {each.signature for each in wanted.values() if each.signature in known}
    signatures = {name: Signature.from_json(artifacts.content(store.blobs, known[name])) for name in held if name}
    hidden = tags(conn, fleet, {name for each in read.values() for name in each}, [*signatures.values()])
    declared, ids = _declared(conn, fleet), [each.id for each in wanted.values()]
    interval = declared.interval if declared is not None else None
    margins = versions.metric(conn, ids, interval.metric) if interval is not None else {}
    sets = trial.opened(Places.of(store).sets / fleet)
    found = []
    for address, version in wanted.items():
        signature = signatures.get(version.signature or "")
        if signature is None:
            raise InputError(f"how {address} takes its rows is not on record", next=f"argosy train {fleet}")
        source = Source(
            address=address, format=version.format, model=artifacts.content(store.blobs, known[version.artifact]),
            signature=signature, at=version.at, datasets=tuple(read.get(version.execution_id, ())),
            code=runs[version.execution_id].bundle, margin=margins.get(version.id),
        )  # fmt: skip
        found.append((source, trial.rows(sets, address, version, signature, hidden)))
    return found
