"""`argosy get`: list any kind of thing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller.clock import SystemClock
from argosy.errors import UnknownError, UsageError
from argosy.spec import schedule
from argosy.store import resources
from argosy.store.calls import WHOLE

_COLUMNS: dict[str, tuple[str, ...]] = {
    "alerts": ("at", "state", "address", "name", "message"),
    "aliases": ("at", "address", "alias", "target", "reason", "actor"),
    "approvals": ("at", "address", "number", "granted", "actor", "reason"),
    "applications": ("at", "project", "bundle", "git_commit", "dirty", "actor"),
    "artifacts": ("at", "digest", "kind", "bytes"),
    "bundles": ("at", "digest", "project", "git_commit", "dirty", "actor"),
    "calls": ("run_id", "pipeline", "node", "element", "state", "execution_id", "at", "reason"),
    "dataset-versions": ("at", "dataset", "number", "added", "rows", "cause"),
    "contracts": ("dataset", "number", "at", "actor", "reason"),
    "datasets": ("name", "status", "number", "rows", "added", "at", "reason"),
    "decisions": ("at", "address", "action", "reason"),
    "declarations": ("kind", "name", "at", "actor", "reason"),
    "events": ("at", "kind", "subject", "message"),
    "executions": ("id", "ended_at", "kind", "subject", "outcome", "cpu_s", "reason"),
    "experiments": ("id", "name", "at", "actor", "location"),
    "findings": ("dataset", "version", "rule", "severity", "rows", "message"),
    "fleets": ("name", "status", "members", "versions", "reason"),
    "leases": ("name", "owner", "token", "expires_at"),
    "members": ("address", "status", "answers", "trained", "reason"),
    "models": ("name", "versions", "at", "actor", "description"),
    "pauses": ("at", "pipeline", "paused", "actor", "reason"),
    "pipelines": ("name", "project", "starts", "next", "paused", "last", "status", "reason"),
    "rollouts": ("at", "address", "kind", "state", "share", "reason"),
    "rules": ("at", "address", "caller", "target", "number", "actor", "reason"),
    "runs": ("id", "pipeline", "at", "outcome", "ended_at", "cause", "reason"),
    "signals": ("at", "address", "name", "value"),
    "statistics": ("dataset", "number", "columns"),
    "tokens": ("name", "role", "at", "expires_at", "revoked_at"),
    "tracked": ("run", "experiment", "name", "status", "started_at", "ended_at", "owner"),
    "verdicts": ("at", "address", "number", "gate", "passed", "message"),
    "versions": ("address", "number", "at", "rows", "format", "metrics"),
    "windows": ("fleet", "kind", "start", "stop", "rows"),
}
_SCORES = ("roc_auc", "log_loss", "rmse", "mae", "r2")
_DIGESTS = ("bundle", "digest", "git_commit")
TRACKED = ("experiments", "tracked")
_WITH_STATUS = ("datasets", "fleets", "members", "pipelines")


def get(
    kind: str | None = None,
    /,
    *,
    where: str = "",
    limit: int = 50,
    cursor: str | None = None,
    common: Common | None = None,
) -> int:
    """List things of a kind, the newest first.

    For example:
      argosy get members --where "fleet:late-arrival status:drifting"
      argosy get versions --where "address:late-arrival/JFK/AA number>3"
      argosy get events --where "kind:rolled_back at>=2013-06-01"
      argosy get members --json --limit 1000

    Parameters
    ----------
    kind
        What to list: members, versions, fleets, datasets, events, alerts, decisions, ... None lists all kinds.
    where
        Terms that must all hold: field:value, field>1, -field:value (not), field:none (absent), * for anything.
    limit
        How many, at most 1,000.
    cursor
        Where to go on: `next` of the page before.
    """
    given = common or Common()
    if kind is None:
        raise UsageError("name the kind to list", next=f"use one of: {', '.join(resources.names())}")
    name = plural(kind)
    with home.look(given.home, tracked=name in TRACKED) as (store, conn):
        if name in _WITH_STATUS:
            from argosy.cli import status  # it needs Polars, which other kinds do not

            page = status.page(conn, name, where, limit, cursor, home.clock(store).now())
        else:
            page = resources.page(conn, name, _living(name, where), limit=limit, cursor=cursor)
    if given.json:
        show.emit(page)
        return 0
    if not page.items:
        show.say(f"no {name}" + (f" with {where}" if where else " at this moment" if name == "leases" else " yet"))
        return 0
    columns = _COLUMNS.get(name) or tuple(key for key, value in page.items[0].items() if not isinstance(value, dict))
    rows = [[_cell(item, column) for column in columns] for item in page.items]
    headers = [_header(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    show.table(headers, rows)
    if page.next:
        show.say(f"more: {again(['get', name], where, limit, page.next, given.home)}")
    return 0


def again(command: Sequence[str], where: str, limit: int, cursor: str, place: str | None) -> str:
    """The command that goes on, to be pasted: with all that this one was given."""
    asked = [f"--where={where}"] if where.startswith("-") else ["--where", where] if where else []
    at = ["--home", place] if place else []
    return shlex.join(["argosy", *command, *asked, "--limit", str(limit), "--cursor", cursor, *at])


def plural(kind: str) -> str:
    """The kind that is meant: `member` stands for `members`. Raises UnknownError that lists all."""
    known = resources.names()
    for name in (kind, f"{kind}s"):
        if name in known:
            return name
    raise UnknownError(f"there is no kind {kind!r}", next=f"use one of: {', '.join(known)}")


def _living(name: str, where: str) -> str:
    """The filter; of leases only those that are held now: they run on the machine's time, whatever the home's clock."""
    return f"{where} expires_at>{SystemClock().now().isoformat()}".strip() if name == "leases" else where


def _cell(item: dict[str, object], column: str) -> object:
    if column == "columns" and isinstance(body := item.get("body"), dict):
        return list(body)
    value = item[column]
    if column in _DIGESTS and value is not None:
        return str(value)[:12]
    if column == "element" and value == WHOLE:
        return None
    if column == "next" and isinstance(value, datetime):
        return schedule.moment(value)
    if column == "dirty" and item["git_commit"] is None:
        return None
    if column == "target" and item["number"] is not None:
        return f"{value} @{item['number']}"
    if column == "metrics" and isinstance(value, dict):
        return {name: value[name] for name in _SCORES if name in value}
    return value


def _header(column: str, values: list[object]) -> str:
    numeric = any(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return (">" if numeric else "") + column.replace("_", " ")
