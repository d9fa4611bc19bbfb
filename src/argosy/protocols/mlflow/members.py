"""Members of fleets as registered models: listed among the others, read as the others, promoted as their gates allow.

What Argosy alone does with a member is refused: versions come of training, and members of the fleet's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from argosy.errors import ConflictError, UnknownError
from argosy.protocols.mlflow import limit, registered, registry, versions, wire
from argosy.protocols.mlflow.endpoint import Endpoint
from argosy.protocols.mlflow.fault import INVALID, Fault
from argosy.protocols.mlflow.registered import Latest, OfAlias
from argosy.protocols.mlflow.registry import OfModel, OfVersion
from argosy.protocols.mlflow.versions import Search
from argosy.protocols.mlflow.wire import Tag
from argosy.registry.address import Address
from argosy.store import aliases
from argosy.store import versions as trained
from argosy.store.aliases import CHALLENGER, CHAMPION, NONE, OWN, POOLED, Move
from argosy.store.codec import to_micros
from argosy.store.models import members, search
from argosy.store.models.members import Member, Version
from argosy.store.models.search import LATEST, Page
from argosy.store.models.versions import NONE as NO_STAGE
from argosy.store.models.versions import PRODUCTION, STAGES, STAGING
from argosy.store.tracking import clause, labels, pages, term
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.clause import Order
from argosy.store.tracking.grammar import MODELS, VERSIONS
from argosy.store.tracking.place import SCHEME
from argosy.store.tracking.term import Term

_STAGES = {CHAMPION: PRODUCTION, CHALLENGER: STAGING}
"""At which stage a version is shown by its alias; any other is at none."""


def over(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The same endpoints, that know members of fleets as well."""
    return [_over(each) for each in endpoints]


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Registered models and members that a filter describes, in order."""
    clauses, orders = clause.parse(request.filter or "", MODELS), clause.orders(request.order_by or (), MODELS)
    most, token = limit.page(request.max_results, registered.USUAL, registered.MOST), request.page_token or None
    named = search.models(conn, clauses, orders, limit=most, token=token)
    ours = members.page(conn, clauses, orders, limit=most, token=token)
    found = _merged(named, ours, orders, {"name": True}, most)
    shown = _together(conn, found.items, Member, told, registered.told)
    return wire.filled({"registered_models": shown, "next_page_token": found.next})


def find_versions(conn: Connection, request: Search) -> dict[str, Any]:
    """Their versions that a filter describes, in order."""
    clauses, orders = clause.parse(request.filter or "", VERSIONS), clause.orders(request.order_by or (), VERSIONS)
    most, token = limit.page(request.max_results, versions.USUAL, versions.MOST), request.page_token or None
    named = search.of_versions(conn, clauses, orders, limit=most, token=token)
    ours = members.of_versions(conn, clauses, orders, limit=most, token=token)
    found = _merged(named, ours, orders or [LATEST], {"name": True, "version_number": False}, most)
    shown = _together(conn, found.items, Version, versions_told, versions.told)
    return wire.filled({"model_versions": shown, "next_page_token": found.next})


def told(conn: Connection, found: Sequence[Member]) -> list[dict[str, Any]]:
    """Members as registered models, with their aliases and latest versions; a constant number of queries."""
    ids = [each.id for each in found]
    tags, pointing = labels.of(conn, members.MEMBER, map(str, ids)), members.aliases(conn, ids)
    wanted = {id for named in pointing.values() for id in named.values()}
    known = members.versions(conn, wanted | {each.version_id for each in found if each.version_id is not None})
    each_told = dict(zip(known, versions_told(conn, list(known.values())), strict=True))
    return [
        wire.filled({
            "name": each.name, "creation_timestamp": limit.milliseconds(each.at),
            "last_updated_timestamp": limit.milliseconds(each.updated_at),
            "latest_versions": [each_told[id] for id in _latest(each, pointing.get(each.id, {}))],
            "tags": wire.pairs(tags.get(str(each.id), {})),
            "aliases": [
                {"alias": alias, "version": str(known[id].number)} for alias, id in pointing.get(each.id, {}).items()
            ],
        })
        for each in found
    ]  # fmt: skip


def versions_told(conn: Connection, found: Sequence[Version]) -> list[dict[str, Any]]:
    """Versions of members as those of registered models; two queries."""
    tags = labels.of(conn, members.VERSION, [str(each.id) for each in found])
    pointing: dict[int, list[str]] = {}
    for named in members.aliases(conn, {each.member_id for each in found}).values():
        for alias, id in named.items():
            pointing.setdefault(id, []).append(alias)
    return [
        wire.filled({
            "name": each.name, "version": str(each.number), "creation_timestamp": limit.milliseconds(each.at),
            "last_updated_timestamp": limit.milliseconds(each.at), "current_stage": _stage(pointing.get(each.id, ())),
            "source": f"{SCHEME}{each.location}", "run_id": each.run, "status": "READY",
            "tags": wire.pairs(tags.get(str(each.id), {})), "aliases": pointing.get(each.id),
        })
        for each in found
    ]  # fmt: skip


def _over(endpoint: Endpoint) -> Endpoint:
    act = endpoint.act
    if act in _SEARCHES:
        chosen: Callable[..., Any] = _SEARCHES[act]
    elif endpoint.writes:

        def chosen(tx: Connection, hand: Hand, request: OfModel) -> Any:
            member = members.find(tx, request.name or "")
            return act(tx, hand, request) if member is None else _WRITES.get(act, _refuse)(tx, hand, member, request)

    else:

        def chosen(conn: Connection, request: OfModel) -> Any:
            member = members.find(conn, request.name or "")
            return act(conn, request) if member is None else _READS[act](conn, member, request)

    return Endpoint(
        endpoint.method, endpoint.path, endpoint.request, chosen, needs=endpoint.needs, writes=endpoint.writes,
        prefix="",
    )  # fmt: skip


def _merged(
    named: Page[Any], ours: Page[Any], orders: Sequence[Order], last: Mapping[str, bool], most: int
) -> Page[Any]:  # fmt: skip
    """The first of both lists in their common order, and the token at which both go on."""
    ways = {each.key: each.ascending for each in orders}
    ways |= {key: ascending for key, ascending in last.items() if key not in ways}
    terms = [Term("", ascending) for ascending in ways.values()]
    rows = [(_place(each, ways), each) for each in (*named.items, *ours.items)]
    rows.sort(key=lambda row: term.key(terms, row[0]))
    more = len(rows) > most or named.next is not None or ours.next is not None
    return Page([each for _, each in rows[:most]], pages.mark(rows[most - 1][0]) if more else None)


def _place(found: Any, keys: Mapping[str, bool]) -> list[Any]:
    values: Mapping[str, Callable[[], Any]] = {
        "name": lambda: found.name,
        "version_number": lambda: found.number,
        "creation_timestamp": lambda: to_micros(found.at),
        "last_updated_timestamp": lambda: to_micros(found.at if isinstance(found, Version) else found.updated_at),
    }
    return [values[key]() for key in keys]


def _together(
    conn: Connection, items: Sequence[Any], kind: type, ours: Callable[..., Any], named: Callable[..., Any]
) -> list[Any]:
    """What is told of items of `kind` and of the others, in their order."""
    some = iter(ours(conn, [each for each in items if isinstance(each, kind)]))
    rest = iter(named(conn, [each for each in items if not isinstance(each, kind)]))
    return [next(some if isinstance(each, kind) else rest) for each in items]


def _latest(member: Member, pointing: Mapping[str, int]) -> list[int]:
    """The ids of the version at each stage, the newest first: the champion, the challenger, the newest."""
    ids = {pointing[alias] for alias in _STAGES if alias in pointing}
    return sorted(ids if member.version_id is None else ids | {member.version_id}, reverse=True)


def _stage(pointing: Sequence[str]) -> str:
    return next((stage for alias, stage in _STAGES.items() if alias in pointing), NO_STAGE)


def _get(conn: Connection, member: Member, request: OfModel) -> dict[str, Any]:
    return {"registered_model": told(conn, [member])[0]}


def _get_latest(conn: Connection, member: Member, request: Latest) -> dict[str, Any]:
    stages = {registry.stage(each) for each in request.stages or STAGES}
    found = told(conn, [member])[0].get("latest_versions", [])
    return wire.filled({"model_versions": [each for each in found if each["current_stage"] in stages]})


def _by_alias(conn: Connection, member: Member, request: OfAlias) -> dict[str, Any]:
    alias = registry.called(request.alias)
    id = members.aliases(conn, [member.id]).get(member.id, {}).get(alias)
    if alias.lower() == registry.LATEST:
        id = member.version_id
    if id is None:
        pooled = alias == CHAMPION and member.target == POOLED
        why = f" The pooled model answers for {member.name}: ask for {member.fleet}/*." if pooled else ""
        raise Fault(INVALID, f"Registered model alias {alias} not found.{why}")
    return {"model_version": versions_told(conn, list(members.versions(conn, [id]).values()))[0]}


def _get_version(conn: Connection, member: Member, request: OfVersion) -> dict[str, Any]:
    return {"model_version": versions_told(conn, [_version(conn, member, request)])[0]}


def _location(conn: Connection, member: Member, request: OfVersion) -> dict[str, Any]:
    return {"artifact_uri": f"{SCHEME}{_version(conn, member, request).location}"}


def _version(conn: Connection, member: Member, request: OfVersion) -> Version:
    number = registry.number(request.version)
    found = members.version(conn, member, number)
    if found is None:
        raise UnknownError(
            f"Model Version (name={member.name}, version={number}) not found", next="argosy get versions"
        )
    return found


def _set_alias(tx: Connection, hand: Hand, member: Member, request: OfAlias) -> None:
    """The champion is promoted; any other alias but the challenger moves at once."""
    alias, version = registry.called(request.alias, new=True), _version(tx, member, request)
    why = f"by {hand.actor} through MLflow"
    if alias == CHALLENGER:
        raise _theirs(member, "the challenger is moved by rollouts alone")
    if alias == CHAMPION:
        from argosy.registry import petition  # what judges gates loads NumPy and Polars

        address = Address(member.fleet, member.key)
        try:
            petition.promote(tx, address, trained.get(tx, [version.id])[version.id], hand.actor, why, hand.at)
        except ConflictError as error:
            raise Fault(INVALID, f"{error.message} ({error.next})") from None
    elif members.aliases(tx, [member.id]).get(member.id, {}).get(alias) != version.id:
        _move(tx, hand, member, alias, version.id)


def _delete_alias(tx: Connection, hand: Hand, member: Member, request: OfAlias) -> None:
    alias = registry.called(request.alias)
    if alias in _STAGES:
        raise _theirs(member, f"the {alias} is taken from no member: argosy rollback {member.name}")
    if alias in members.aliases(tx, [member.id]).get(member.id, {}):
        _move(tx, hand, member, alias, None)


def _move(tx: Connection, hand: Hand, member: Member, alias: str, version: int | None) -> None:
    move = Move(
        fleet=member.fleet, member_id=member.id, alias=alias, target=NONE if version is None else OWN,
        version_id=version, at=hand.at, actor=hand.actor, reason="through MLflow",
    )  # fmt: skip
    aliases.move(tx, [move])


def _set_tag(tx: Connection, hand: Hand, member: Member, request: registered.SetTag) -> None:
    tags = versions.checked([Tag(request.key or "", request.value or "")])
    labels.put(tx, members.MEMBER, str(member.id), tags, hand)


def _delete_tag(tx: Connection, hand: Hand, member: Member, request: registered.SetTag) -> None:
    with suppress(UnknownError):
        labels.remove(tx, members.MEMBER, str(member.id), limit.key(request.key or "", "key"), hand)


def _tag_version(tx: Connection, hand: Hand, member: Member, request: versions.SetTag) -> None:
    tags = versions.checked([Tag(request.key or "", request.value or "")])
    labels.put(tx, members.VERSION, str(_version(tx, member, request).id), tags, hand)


def _untag_version(tx: Connection, hand: Hand, member: Member, request: versions.SetTag) -> None:
    found = _version(tx, member, request)
    with suppress(UnknownError):
        labels.remove(tx, members.VERSION, str(found.id), limit.key(request.key or "", "key"), hand)


def _refuse(tx: Connection, hand: Hand, member: Member, request: OfModel) -> None:
    name = member.name.replace("/", "%2F")  # clients since 3 take no slash where an alias is set
    raise _theirs(
        member,
        "its versions come of training and its name of its rows; to promote a version, set the alias champion of "
        f"{name!r}",
    )


def _theirs(member: Member, why: str) -> Fault:
    return Fault(INVALID, f"{member.name} is a member of the fleet {member.fleet}: {why}")


_SEARCHES: dict[Callable[..., Any], Callable[..., Any]] = {registered.find: find, versions.find: find_versions}
_READS: dict[Callable[..., Any], Callable[..., Any]] = {
    registered.get: _get, registered.latest: _get_latest, registered.by_alias: _by_alias, versions.get: _get_version,
    versions.location: _location,
}  # fmt: skip
_WRITES: dict[Callable[..., Any], Callable[..., Any]] = {
    registered.set_alias: _set_alias, registered.delete_alias: _delete_alias, registered.set_tag: _set_tag,
    registered.delete_tag: _delete_tag, versions.set_tag: _tag_version, versions.delete_tag: _untag_version,
}  # fmt: skip
ENDPOINTS = over([*registered.ENDPOINTS, *versions.ENDPOINTS])
