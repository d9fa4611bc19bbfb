"""What is wanted: the declarations in force."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.spec.dataset import Dataset
from argosy.spec.document import Declaration, recorded
from argosy.spec.feature import FeatureView
from argosy.spec.fleet import Fleet
from argosy.store import declarations


class Wanted(msgspec.Struct, frozen=True):
    """A declaration in force, with the bundle it came in and the revision of what its training depends on.

    `packages` are what its code imports beside the project's own modules.
    """

    declaration: Declaration
    bundle: str | None
    project: str
    code: dict[str, str]
    fingerprint: str = ""
    revision: int = 0
    packages: tuple[str, ...] = ()


def wanted(conn: Connection) -> dict[tuple[str, str], Wanted]:
    """Every declaration in force by (kind, name); one query."""
    return {
        (row.kind, row.name): Wanted(
            _declared(msgspec.json.encode(row.body)),
            row.bundle,
            row.body.get("project", ""),
            row.body.get("code", {}),
            row.fingerprint,
            int(row.body.get("revision", 0)),
            tuple(row.body.get("packages", ())),
        )
        for row in declarations.current(conn)
    }


@lru_cache(maxsize=4096)
def _declared(body: bytes) -> Declaration:
    """A recorded declaration; the same text is the same frozen value, made once."""
    return recorded(msgspec.json.decode(body))


def kinds(
    wanted: Mapping[tuple[str, str], Wanted],
) -> tuple[dict[str, Dataset], dict[str, FeatureView], dict[str, Fleet]]:
    """The declarations in force by kind and name."""
    found: dict[str, dict[str, Any]] = {"dataset": {}, "feature_view": {}, "fleet": {}, "pipeline": {}}
    for (kind, name), each in wanted.items():
        found[kind][name] = each.declaration
    return found["dataset"], found["feature_view"], found["fleet"]
