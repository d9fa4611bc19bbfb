"""What the query of `/predict` says beside the rows."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from argosy.errors import InputError


class Query(msgspec.Struct, frozen=True):
    """What a client asks for in the query: a name of the request, a decision time, contributions."""

    id: str | None = None
    at: str | None = None
    explain: bool = False


_NOTHING = Query()
_FLAG = {"true": True, "false": False}


def parse(query: bytes) -> Query:
    """Raises InputError for what is not known, so that nothing misspelt is passed over."""
    if not query:
        return _NOTHING
    found = {name: each[-1] for name, each in parse_qs(query.decode("latin-1"), keep_blank_values=True).items()}
    if unknown := sorted(found.keys() - {*Query.__struct_fields__}):
        raise InputError(f"the query has {unknown[0][:40]!r}", next="give some of id, at, explain")
    explain = found.get("explain", "false")
    if explain.lower() not in _FLAG:
        raise InputError(f"`explain` is {explain[:40]!r} in the query", next="give true or false")
    return Query(found.get("id"), found.get("at"), _FLAG[explain.lower()])
