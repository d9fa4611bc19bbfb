"""Why: who answers and since when, why the latest training ran, what gates said, and what happens next or keeps it.

Pure functions of the facts and of a snapshot: the command line and the console tell the same story.
"""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import intake, signal, turn
from argosy.controller import plan as planning
from argosy.controller.action import Action, Finish, Gate, Ingest, Materialise, Train, Wait, headline
from argosy.controller.condition import Explanation, explain, rule
from argosy.controller.libraries import changes
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.standing import answers, hindrance
from argosy.controller.status import counts, status
from argosy.controller.survey import member_row
from argosy.controller.topic import Topic, Why
from argosy.controller.watching import unknown
from argosy.errors import UnknownError
from argosy.registry.address import Address, parse
from argosy.spec.fleet import POOLED
from argosy.spec.metric import greater_is_better
from argosy.spec.quantity import plural
from argosy.spec.rollout import NOUNS
from argosy.store import aliases, datasets, decisions, members, rollouts, signals, verdicts, versions
from argosy.training.plan import changed

_PARTS = {
    "rows": "its labelled rows",
    "code": "the project's code",
    "environment": "the installed libraries",
    "declaration": "the declaration",
    "features": "the features' names or kinds",
    "settings": "what tuning chose",
    "member": "its key",
}
_SHOWN = 10


def why(conn: Connection, snapshot: Snapshot, address: str, now: datetime) -> Why:
    """Explain a member, a version (`…@7`), a fleet, a dataset or a pipeline. Raises UnknownError for anything else."""
    asked = parse(address)
    if asked.fleet in snapshot.fleets:
        row = member_row(snapshot, asked.fleet, asked.key)
        if row is not None:
            state = snapshot.fleets[asked.fleet]
            if asked.number is not None:
                return _version(conn, state, asked, row, now)
            return _member(conn, snapshot, asked, row, now)
        if not asked.key:
            return _fleet(conn, snapshot, snapshot.fleets[asked.fleet], now)
        raise UnknownError(f"fleet {asked.fleet} has no member {asked.key!r}", next=_near(snapshot, asked))
    version = None if asked.key else datasets.version(conn, asked.fleet, asked.number)
    if version is not None or (("dataset", asked.fleet) in snapshot.wanted and asked.number is None):
        return intake.dataset(conn, snapshot, asked, version, now)
    if ("pipeline", address) in snapshot.wanted:
        return turn.pipeline(conn, address, now)
    known = [
        f"{kind}s: {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
        for kind in ("fleet", "dataset", "pipeline")
        if (names := [name for each, name in snapshot.wanted if each == kind])
    ]
    raise UnknownError(
        f"{address!r} is no fleet, member, dataset or pipeline",
        next=f"argosy why NAME; {'; '.join(known) or 'none is declared yet'}",
    )


def _near(snapshot: Snapshot, asked: Address) -> str:
    """The next step where there is no such member: one whose values hold a "/" may be meant."""
    for key in snapshot.fleets[asked.fleet].table["key"]:
        found = Address(asked.fleet, key)
        if "%" in key and "/".join(found.values) == asked.key:
            return f"argosy why {shlex.quote(found.member)} (a '/' within a value is written %2F)"
    return f"argosy get members --where fleet:{asked.fleet}"


def _member(conn: Connection, snapshot: Snapshot, asked: Address, row: dict[str, Any], now: datetime) -> Why:
    state = snapshot.fleets[asked.fleet]
    member = int(row["member_id"])
    history = versions.of(conn, [member])
    latest = history[-1] if history else None
    topics = [_who(conn, snapshot, asked, row), _trained(conn, state, member, row)]
    if latest is not None:
        topics.append(_gates(conn, state, asked, latest))
    if row["rollout_state"] is not None:
        topics.append(_rollout(conn, asked, row, now))
    if len(history) > 1:
        topics.append(_difference(state, asked, history[-2], history[-1]))
    topics.append(_next(snapshot, state, asked.key, row, now))
    word, reason = _status(conn, snapshot, state, asked.key, now)
    return Why(str(asked), "member", now, f"{word}: {reason}" if reason else word, tuple(topics))


def _version(conn: Connection, state: FleetState, asked: Address, row: dict[str, Any], now: datetime) -> Why:
    member = int(row["member_id"])
    history = {version.number: version for version in versions.of(conn, [member])}
    version = history.get(asked.number or 0)
    if version is None:
        raise UnknownError(f"there is no version {asked}", next=f"argosy get versions --where address:{asked.member}")
    waits = _waits(state, version)
    topics = [_made(conn, member, version), _scores(version), _gates(conn, state, asked, version)]
    topics.append(_traffic(conn, version, waits))
    before = history.get(version.number - 1)
    if before is not None:
        topics.append(_difference(state, asked, before, version))
    answers = row["champion_id"] == version.id and row["target"] == aliases.OWN
    summary = "it answers for its member" if answers else "it does not answer (any more, or yet)"
    if waits is not None and not answers:
        summary = waits.told
    return Why(str(asked), "version", now, summary, tuple(topics))


def _fleet(conn: Connection, snapshot: Snapshot, state: FleetState, now: datetime) -> Why:
    fleet = state.fleet
    frame = _statuses(conn, snapshot, state, now)
    found = counts(frame.filter(pl.col("key") != POOLED))
    stopped = _hindrance(snapshot, state)
    none = f"no members yet: {stopped}" if stopped else "no members yet"
    summary = ", ".join(f"{count} {name}" for name, count in found.items()) or none
    actions = [a for a in planning.of_fleet(snapshot, state, now) if not _aside(a, fleet.name)]
    topics = (
        Topic("Members", summary, tuple(f"{row['key']}: {row['status']}, {row['reason']}" for row in
                                        frame.filter(pl.col("status") != "serving").iter_rows(named=True))),
        *_strange(conn, state),
        intake.data(snapshot, state),
        Topic("What happens next", "; ".join(f"{headline(a)}: {a.why}" for a in actions) or "nothing is due"),
    )  # fmt: skip
    return Why(fleet.name, "fleet", now, summary, topics)


def _strange(conn: Connection, state: FleetState) -> list[Topic]:
    """Which keys were asked for that are no members, where there were any lately."""
    seen = unknown.read(conn, state.table)
    if seen is None:
        return []
    lines = [f"{key}: {plural(rows, 'row')}" for key, rows in seen.first]
    more = [f"and {seen.keys - len(lines):,} more"] * (seen.keys > len(lines))
    return [Topic("Unknown keys", seen.says(state.fleet.spine), (*lines, *more))]


def _who(conn: Connection, snapshot: Snapshot, asked: Address, row: dict[str, Any]) -> Topic:
    """Who answers for a member, since when, and the figures that decided it."""
    target, state = row["target"], snapshot.fleets[asked.fleet]
    moved = next(iter(aliases.history(conn, int(row["member_id"]), aliases.CHAMPION, limit=1)), None)
    since = f" since {_time(moved.at)}" if moved else ""
    details = (moved.reason,) if moved and moved.reason else ()
    pooled = members.state(conn, asked.fleet, POOLED) if state.fleet.pooled and asked.key != POOLED else None
    behind = f"{asked.fleet}/{POOLED}@{pooled.champion_number}" if pooled and pooled.champion_number else None
    if target == aliases.OWN:
        version = f"{asked.member}@{row['champion_number']}"
        return Topic("Who answers", f"{version}{since}", details, evidence={"version": version})
    if behind is not None and target == aliases.POOLED:
        return Topic("Who answers", f"the pooled model, {behind}{since}", details, evidence={"version": behind})
    if behind is not None:
        return Topic("Who answers", f"the pooled model, {behind}", (_lacks(state, row),), evidence={"version": behind})
    waits = [each for each in state.undecided.waiting if pooled is not None and each.version_id == pooled.version_id]
    also = tuple(f"of the pooled model, {each.told}" for each in waits)
    return Topic("Who answers", f"nobody: {_lacks(state, row)}", also)


def _lacks(state: FleetState, row: dict[str, Any]) -> str:
    """Why a member has no version of its own that answers."""
    number, rows, fleet = row["version_number"], int(row[signal.ROWS] or 0), state.fleet
    waits = next((each for each in state.undecided.waiting if each.version_id == row["version_id"]), None)
    if waits is not None:
        return waits.told
    if row["target"] == aliases.POOLED:
        return "the pooled model was chosen for it" + ("" if fleet.pooled else f", and {fleet.name} has none by now")
    if number is not None:
        judged = row[signal.JUDGED] == row["version_id"] and row["version_id"] not in state.undecided.again
        return f"version {number} {'did not pass' if judged else 'waits for'} its gates"
    if row["key"] != POOLED and rows < fleet.minimum_rows:
        return f"it has {plural(rows, 'labelled row')}, {fleet.minimum_rows} are needed for its own model"
    return row["execution_reason"] or "it has no version yet"


def _waits(state: FleetState, version: versions.Version) -> verdicts.Waiting | None:
    """What a version waits for from a person; None where it does not."""
    return next((each for each in state.undecided.waiting if each.version_id == version.id), None)


def _trained(conn: Connection, state: FleetState, member: int, row: dict[str, Any]) -> Topic:
    """The latest training and what asked for it."""
    made = next((d for d in decisions.of_member(conn, member) if d.action == "train"), None)
    failed = (f"the last attempt failed: {row['execution_reason']}",) if row["failures"] else ()
    if made is None:
        return Topic("Latest training", "it was never trained", failed)
    saw = made.body.get("saw")
    tree = msgspec.convert(saw, Explanation) if saw else None
    unasked = ["its condition did not hold then, and was not what asked for it"] * (tree is not None and not tree.holds)
    outcome = f"outcome: {made.body.get('outcome', 'not recorded')}"
    details = (outcome, *unasked, *failed, *_upgraded(state, row["key"]))
    says = f"{_time(made.at)}, because {made.reason}"
    return Topic("Latest training", says, details, tree, {"decision": made.id})


def _upgraded(state: FleetState, key: str) -> tuple[str, ...]:
    """Whether the libraries are others now; that alone makes nobody due."""
    changed = planning.upgraded(state).get(key)
    return (f"the libraries are others now: {changed}; it is fitted anew when it is next due",) if changed else ()


def _made(conn: Connection, member: int, version: versions.Version) -> Topic:
    asked = next((d for d in decisions.of_member(conn, member) if d.action == "train" and d.at == version.at), None)
    because = f", because {asked.reason}" if asked else ""
    span = f" from {_time(version.span_low)} to {_time(version.span_high)}" if version.span_low else ""
    details = [f"on {plural(version.rows, 'labelled row')}{span}"]
    if version.body.get("candidate"):
        details.append(f"candidate {version.body['candidate']}")
    saw = asked.body.get("saw") if asked else None
    tree = msgspec.convert(saw, Explanation) if saw else None
    says = f"trained at {_time(version.at)}{because}"
    return Topic("How it came", says, tuple(details), tree, {"execution": version.execution_id})


def _scores(version: versions.Version) -> Topic:
    held = version.body.get("held_out", {}).get("rows", 0)
    shown = ", ".join(f"{name} {value:.4g}" for name, value in version.metrics.items())
    lines = []
    for rival, by_score in version.body.get("rivals", {}).items():
        for name, seen in by_score.items():
            gain = seen["difference"] if greater_is_better(name) else -seen["difference"]
            word = "better" if gain > 0 else "worse"
            lines.append(f"{name}: {seen['own']:.4g} against {seen['rival']:.4g} of the {rival}, {word}")
    choice = version.body.get("answer", {}).get("reason")
    return Topic("Held-out rows", f"{plural(held, 'row')}: {shown}", (*lines, *((choice,) if choice else ())))


def _gates(conn: Connection, state: FleetState, asked: Address, version: versions.Version) -> Topic:
    """What each gate said of a version."""
    said = verdicts.of(conn, [version.id])
    name = f"{asked.member}@{version.number}"
    if not said:
        return Topic("Gates", f"{name} has not been judged yet", evidence={"version": name})
    marks = {True: "✓", False: "✗", None: "…"}
    lines = tuple(f"{marks[v.passed]} {v.gate}: {v.message}" for v in said)
    failed, waits = sum(v.passed is False for v in said), _waits(state, version)
    says = f"{failed} refused it" if failed else "all passed"
    if waits is not None:
        says = f"{waits.message} ({waits.command})"
    elif version.id in state.undecided.answered:
        says = f"{answers(conn, state.undecided)[version.id]}; its gates are to be asked again, with the next pass"
    elif version.id in state.undecided.again:
        says = "who was to approve it is declared no more, and its gates are to be asked again"
    return Topic("Gates", f"{name}: {says}", lines, evidence={"version": name})


def _rollout(conn: Connection, asked: Address, row: dict[str, Any], now: datetime) -> Topic:
    """The member's latest rollout, and what the rows say of it while it is under way."""
    last = rollouts.history(conn, int(row["member_id"]), limit=1)[0]
    number = versions.get(conn, [last.version_id])[last.version_id].number
    share = f", {last.share:.0%} of the rows" if last.state == rollouts.STARTED and last.share else ""
    noun, state = NOUNS.get(last.kind, last.kind), last.state.replace("_", " ")
    says = f"{noun} of {asked.member}@{number}: {state} at {_time(last.at)}{share}"
    details = [last.reason] if last.reason else []
    if last.state == rollouts.STARTED:
        seen = signals.bodies(conn, signal.CANARY, [last.member_id]).get(last.member_id)
        details.append(_compared(seen, last.kind) if seen else "no rows have been compared yet")
    return Topic("Rollout", says, tuple(details), evidence=last.evidence)


def _compared(seen: dict[str, Any], kind: str) -> str:
    rows, others = plural(seen.get("canary_rows", 0), "row"), seen.get("champion_rows", 0)
    told = f"of both, on {plural(seen.get('paired', 0), 'row')}" if kind == "shadow" else f"{others:,} of the champion"
    of = "labelled" if kind == "shadow" else "of the canary" if kind == "canary" else "of the challenger"
    return f"{seen.get('reason', '')} ({rows} {of}, {told})".strip()


def _traffic(conn: Connection, version: versions.Version, waits: verdicts.Waiting | None) -> Topic:
    """What became of a version."""
    states = [r for r in rollouts.history(conn, version.member_id) if r.version_id == version.id]
    lines = tuple(f"{_time(r.at)} {r.kind} {r.state.replace('_', ' ')}: {r.reason}" for r in reversed(states))
    none = "it never reached traffic" if waits is None else f"it has not reached traffic: it {waits.message}"
    return Topic("What became of it", plural(len(lines), "step") if lines else none, lines)


def _difference(state: FleetState, asked: Address, before: versions.Version, after: versions.Version) -> Topic:
    """Which part of the key made a version another one than the one before."""
    parts = changed(before.body.get("parts", {}), after.body.get("parts", {}))
    words = ", ".join(_PARTS.get(part, part) for part in parts)
    title = f"What changed from @{before.number} to @{after.number}"
    details = []
    if "rows" in parts:
        details.append(f"{plural(before.rows, 'labelled row')} then, {after.rows:,} now")
    if "environment" in parts:
        details.extend(_other_libraries(state, before, after))
    return Topic(title, words or "nothing that a model depends on", tuple(details))


def _other_libraries(state: FleetState, before: versions.Version, after: versions.Version) -> list[str]:
    known = {each.digest: each.versions for each in state.libraries.values()}
    old, new = (known.get(each.body.get("parts", {}).get("environment", "")) for each in (before, after))
    return [changes(old, new)] if old is not None and new is not None else []


def _next(snapshot: Snapshot, state: FleetState, key: str, row: dict[str, Any], now: datetime) -> Topic:
    """What the controller would do about a member now, or what keeps it from doing anything; with the live tree."""
    tree = explain(state.fleet.retrain, row, now)
    actions = [a for a in planning.plan(snapshot, now).actions if _concerns(a, state, key, row)]
    if actions:
        return Topic("Now", "; ".join(f"{headline(a)}: {_because(a, state, key)}" for a in actions), (), tree)
    fleet, rows = state.fleet, int(row[signal.ROWS] or 0)
    if key != POOLED and rows < fleet.minimum_rows:
        says = f"nothing: {plural(rows, 'labelled row')} of the {fleet.minimum_rows} that its own model needs"
    elif row["trained_at"] is None:
        says = "nothing: its labelled rows have not been counted yet"
    else:
        says = f"nothing: its condition does not hold, {rule(fleet.retrain)}"
    ahead = [a for a in planning.plan(snapshot, now).actions if isinstance(a, (Ingest, Materialise))]
    more = tuple(f"first the controller will {headline(a)}: {a.why}" for a in ahead)
    return Topic("Now", says, more, tree)


def _concerns(action: Action, state: FleetState, key: str, row: dict[str, Any]) -> bool:
    name = state.fleet.name
    match action:
        case Train(fleet=fleet, pooled=pooled):
            return fleet == name and (key in action.members or (key == POOLED and pooled))
        case Gate(fleet=fleet, versions=asked):
            return fleet == name and row["version_id"] in asked
        case Finish(fleet=fleet, promote=promote, roll_back=back, widen=wider):
            return fleet == name and row["rollout_version_id"] in (*promote, *back, *dict(wider))
        case Wait(members=waiting):
            if _aside(action, name):
                return False
            return key in waiting or (not waiting and name in action.why)
        case _:
            return False


def _aside(action: Action, fleet: str) -> bool:
    """Told with the latest training of its members: it is no reason why nothing happens."""
    return isinstance(action, Wait) and action.about == planning.next_training(fleet)


def _because(action: Action, state: FleetState, key: str) -> str:
    if isinstance(action, Wait) and action.about == planning.approval(state.fleet.name):
        return "; ".join(each.told for each in state.undecided.waiting if each.key == key)
    if isinstance(action, Train):
        return next((group.cause for group in action.groups if key in group.members), action.why)
    if isinstance(action, Wait) and action.until is not None:
        return f"{action.why}, at {_time(action.until)}"
    return action.why


def _status(conn: Connection, snapshot: Snapshot, state: FleetState, key: str, now: datetime) -> tuple[str, str]:
    row = _statuses(conn, snapshot, state, now).filter(pl.col("key") == key).row(0, named=True)
    return row["status"], row["reason"]


def _statuses(conn: Connection, snapshot: Snapshot, state: FleetState, now: datetime) -> pl.DataFrame:
    undecided = state.undecided
    waits = {each.version_id: each.told for each in undecided.waiting}
    return status(
        state.table, state.fleet, now, approvals=waits, again=undecided.again, answers=answers(conn, undecided),
        blocked=_hindrance(snapshot, state),
    )  # fmt: skip


def _hindrance(snapshot: Snapshot, state: FleetState) -> str | None:
    spine = snapshot.versions.get(state.fleet.spine)
    return hindrance(state.fleet, snapshot.wanted, snapshot.blocked, spine)


def _time(at: datetime | None) -> str:
    return "an unknown time" if at is None else f"{at:%Y-%m-%d %H:%M}"
