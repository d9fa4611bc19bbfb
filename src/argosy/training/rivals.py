"""The recorded versions that new models are compared with, read for a whole fleet in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from argosy.model.signature import Signature
from argosy.spec.fleet import POOLED, Fleet
from argosy.spec.rollout import Immediate
from argosy.store import Store, aliases, artifacts, members, versions
from argosy.training.fit import Rival
from argosy.training.land import address


def champions(store: Store, fleet: str, keys: Iterable[str]) -> dict[str, Rival]:
    """Who answers for each of `keys` now: its own champion, or the pooled model's where the pooled model answers."""
    table = _table(store, fleet)
    pooled = table.get(POOLED, {}).get("champion_id")
    answering: dict[str, int] = {}
    for key in keys:
        now = table.get(key, {})
        version = pooled if now.get("target") == aliases.POOLED else now.get("champion_id")
        if version is not None:
            answering[key] = version
    loaded = load(store, fleet, set(answering.values()))
    return {key: loaded[version] for key, version in answering.items() if version in loaded}


def pooled(store: Store, fleet: Fleet, key: str | None = None) -> Rival | None:
    """The pooled model that will answer beside a member that is trained now: the champion, else the latest version.

    Of an immediate rollout the latest, if the task `key` made it: it takes the champion's place as soon as it has
    passed its gates. A canary may be long in coming, or never.
    """
    now = _table(store, fleet.name).get(POOLED, {})
    made = isinstance(fleet.rollout, Immediate) and key is not None and now.get("version_key") == key
    version = now.get("version_id") if made else now.get("champion_id") or now.get("version_id")
    return load(store, fleet.name, {version}).get(version) if version is not None else None


def load(store: Store, fleet: str, ids: Iterable[int]) -> dict[int, Rival]:
    """Versions by id, ready to be compared with. One without a signature is left out: its rows cannot be encoded."""
    with store.read() as conn:
        found = versions.get(conn, ids)
        slots = artifacts.get(conn, {version.artifact for version in found.values()})
        names = members.get(conn, {version.member_id for version in found.values()})
    digests = {version.signature for version in found.values() if version.signature}
    signatures = {digest: Signature.from_json(store.blobs.get(digest)) for digest in digests}
    return {
        id: Rival(
            f"{address(fleet, names[version.member_id].key)}@{version.number}",
            version.format,
            slots[version.artifact].slot,
            signatures[version.signature],
        )
        for id, version in found.items()
        if version.signature
    }


def _table(store: Store, fleet: str) -> Mapping[str, Mapping[str, Any]]:
    with store.read() as conn:
        columns = members.table(conn, fleet)
    wanted = ("version_id", "version_key", "champion_id", "target")
    return {
        key: dict(zip(wanted, row, strict=True))
        for key, row in zip(columns["key"], zip(*(columns[name] for name in wanted), strict=True), strict=True)
    }
