"""The one generic resource interface over HTTP: list and get of every kind, writes by hand, health."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, get, post
from litestar.di import NamedDependency
from litestar.params import Body, FromPath, FromQuery

from argosy.errors import DeniedError, UnknownError
from argosy.server import act, secret
from argosy.server.act import Order
from argosy.server.desk import Desk
from argosy.store import resources

_ADMINS = frozenset({"tokens"})


class Kinds(msgspec.Struct, frozen=True):
    """What may be asked for, and the fields that a filter may name."""

    kinds: dict[str, list[str]]


@get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False, opt={"open": True})
def health() -> str:
    """Whether the process answers; it says nothing else."""
    return "ok"


@get("/api", sync_to_thread=False)
def kinds() -> Kinds:
    """Every kind with its fields."""
    return Kinds({name: resources.fields(name) for name in resources.names()})


@get("/api/{kind:str}", sync_to_thread=True)
def listed(
    desk: NamedDependency[Desk],
    request: Request[Any, Any, Any],
    kind: FromPath[str],
    where: FromQuery[str] = "",
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> resources.Page:
    """Items of a kind that meet `where`, newest first; follow `next` for more."""
    _allow(request, kind)
    with desk.store.read() as conn:
        return resources.page(conn, kind, where, limit=limit, cursor=cursor)


@get("/api/{kind:str}/{reference:path}", sync_to_thread=True)
def one(
    desk: NamedDependency[Desk], request: Request[Any, Any, Any], kind: FromPath[str], reference: FromPath[str]
) -> dict[str, Any]:
    """One item by its id, name or address."""
    _allow(request, kind)
    with desk.store.read() as conn:
        return resources.get(conn, kind, reference.lstrip("/"))


@post("/api/act", sync_to_thread=True, status_code=200)
def done(
    desk: NamedDependency[Desk], request: Request[Any, Any, Any], data: Annotated[Order, Body()]
) -> dict[str, str]:
    """Do something by hand: approve, refuse, promote, rollback, retrain."""
    return {"said": act.carry_out(desk.store, data, request.auth.name, desk.now())}


def _allow(request: Request[Any, Any, Any], kind: str) -> None:
    if kind not in resources.names():
        raise UnknownError(f"there is no kind {kind[:40]!r}", next=f"use one of: {', '.join(resources.names())}")
    if kind in _ADMINS and request.auth.role != secret.ADMIN:
        raise DeniedError(f"{kind} are for the role admin", next="ask for a token with the role admin")
