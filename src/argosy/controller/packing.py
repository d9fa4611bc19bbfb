"""Packing: a version as a bundle that predicts without Argosy, proven on rows of its fleet's training set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.controller import trial
from argosy.controller.house import Places
from argosy.errors import InputError, UnknownError
from argosy.model.signature import Signature
from argosy.registry.address import Address
from argosy.registry.bundle.content import Content, Source, pack
from argosy.spec import document
from argosy.spec.dataset import Dataset
from argosy.spec.feature import RequestFeatures
from argosy.spec.fleet import Fleet
from argosy.spec.tag import tagged
from argosy.store import Store, artifacts, declarations, edges, executions, versions
from argosy.store.versions import Version


class Packed(NamedTuple):
    """A bundle, and the version that is in it."""

    content: Content
    version: Version


def packed(store: Store, conn: Connection, address: Address, *, dockerfile: bool = False) -> Packed:
    """The bundle of a version: of the member's latest where the address has no number.

    It is proven on rows of the newest training set on this machine, of which some travel with it; in these, values of
    tagged columns are missing. Raises UnknownError for a version that is not there, InputError where no training set
    has its features or it has no portable form, ConflictError where the bundle would answer otherwise.
    """
    version = versions.find(conn, address.fleet, address.key, address.number)
    if version is None:
        raise UnknownError(f"there is no version {address}", next=f"argosy get versions --where fleet:{address.fleet}")
    meant = Address(address.fleet, address.key, version.number)
    known = artifacts.get(conn, [version.artifact, version.signature or ""])
    if version.signature not in known:
        raise InputError(f"how {meant} takes its rows is not on record", next=f"argosy train {meant.fleet}")
    signature = Signature.from_json(artifacts.content(store.blobs, known[version.signature]))
    run = executions.get(conn, [version.execution_id])[version.execution_id]
    read = [each.reference for each in edges.of(conn, [run.id], edges.IN) if each.kind == "dataset"]
    source = Source(
        address=meant, format=version.format, model=artifacts.content(store.blobs, known[version.artifact]),
        signature=signature, at=version.at, datasets=tuple(read), code=run.bundle,
    )  # fmt: skip
    kept_back = hidden(conn, meant.fleet, read) & frozenset(signature.names)
    rows = trial.rows(Places.of(store).sets / meant.fleet, meant, version, signature, kept_back)
    return Packed(pack(source, rows, dockerfile=dockerfile), version)


def hidden(conn: Connection, fleet: str, read: Sequence[str]) -> frozenset[str]:
    """The columns that are tagged in any of the datasets (as NAME@NUMBER), and the fleet's features made of them."""
    names = {each.rpartition("@")[0] for each in read}
    last = [found for name in sorted(names) for found in declarations.history(conn, "dataset", name, limit=1)]
    wanted = declarations.get(conn, "fleet", fleet)
    declared = [document.recorded(each.body) for each in (*last, *filter(None, [wanted]))]
    features = [each.features for each in declared if isinstance(each, Fleet)]
    made = [each.expressions for some in features for each in some if isinstance(each, RequestFeatures)]
    expressions = {name: each for some in made for name, each in some.items()}
    return tagged([each for each in declared if isinstance(each, Dataset)], expressions)
