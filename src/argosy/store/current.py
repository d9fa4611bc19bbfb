"""The projection of facts that says what is true of each member now, kept in the transaction that adds the facts.

Only the modules of those facts call `joined` ... `signalled`; `rebuild` derives the same rows from the facts alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from argosy.store import schema
from argosy.store.codec import to_json, to_micros, to_number
from argosy.store.rows import Row, among, insert, update

if TYPE_CHECKING:
    from argosy.store.aliases import Move
    from argosy.store.executions import NewExecution
    from argosy.store.rollouts import NewRollout
    from argosy.store.signals import NewSignal
    from argosy.store.versions import Version

_TABLE = schema.current
_VERSION = (
    "version_id = ?",
    "version_number = ?",
    "version_at = ?",
    "version_rows = ?",
    "version_key = ?",
    "version_signature = ?",
)
_NUMBER = "(SELECT number FROM version WHERE id = ?)"
_CHAMPION = ("target = ?", "champion_id = ?", f"champion_number = {_NUMBER}", "champion_since = ?")
_ROLLOUT = (
    "rollout_id = ?",
    "rollout_version_id = ?",
    "rollout_kind = ?",
    "rollout_state = ?",
    "rollout_share = ?",
    "rollout_at = ?",
)
_EXECUTION = (
    "execution_id = ?",
    "execution_key = ?",
    "execution_outcome = ?",
    "execution_reason = ?",
    "execution_at = ?",
    "failures = failures * ? + ?",
)


class _Fresh(Row, frozen=True, kw_only=True):
    member_id: int
    fleet: str
    key: str
    failures: int = 0
    signals: dict[str, float | None]


def joined(tx: Connection, members: Iterable[tuple[int, str, str]]) -> None:
    """New members: (id, fleet, key)."""
    insert(tx, _TABLE, [_Fresh(member_id=id, fleet=fleet, key=key, signals={}) for id, fleet, key in members])


def versioned(tx: Connection, versions: Sequence[Version]) -> None:
    """New versions, in order."""
    values = [(v.id, v.number, to_micros(v.at), v.rows, v.key, v.signature, v.member_id) for v in versions]
    update(tx, _TABLE, _VERSION, "member_id", values)


def moved(tx: Connection, moves: Sequence[Move]) -> None:
    """Moved aliases, in order; only champion and challenger are kept here."""
    champions = [
        (m.target, m.version_id, m.version_id, to_micros(m.at), m.member_id) for m in moves if m.alias == "champion"
    ]
    challengers = [(m.version_id, m.member_id) for m in moves if m.alias == "challenger"]
    update(tx, _TABLE, _CHAMPION, "member_id", champions)
    update(tx, _TABLE, ("challenger_id = ?",), "member_id", challengers)


def rolled(tx: Connection, rollouts: Sequence[tuple[int, NewRollout]]) -> None:
    """New rollout states with their ids, in order."""
    values = [
        (id, r.version_id, r.kind, r.state, to_number(r.share), to_micros(r.at), r.member_id) for id, r in rollouts
    ]
    update(tx, _TABLE, _ROLLOUT, "member_id", values)


def executed(tx: Connection, executions: Sequence[tuple[int, NewExecution]]) -> None:
    """Attempts at a member with their ids, in order."""
    values = []
    for id, run in executions:
        failed = int(run.outcome == "failed")
        at = to_micros(run.ended_at)
        values.append((id, run.key, run.outcome, run.reason, at, failed, failed, run.member_id))
    update(tx, _TABLE, _EXECUTION, "member_id", values)


def signalled(tx: Connection, signals: Sequence[NewSignal]) -> None:
    """New values of signals, in order."""
    fresh: dict[int, dict[str, Any]] = {}
    for signal in signals:
        fresh.setdefault(signal.member_id, {})[signal.name] = to_number(signal.value)
    query = select(_TABLE.c.member_id, _TABLE.c.signals).where(among(_TABLE.c.member_id, fresh))
    values = [(to_json(known | fresh[id]), id) for id, known in tx.execute(query).fetchall()]
    update(tx, _TABLE, ("signals = ?",), "member_id", values)
