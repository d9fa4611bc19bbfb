"""The model card of a version: everything a person must know before trusting it, from facts alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.registry import sheet
from argosy.registry.address import parse
from argosy.registry.bounds import Bounds, Quantiles
from argosy.registry.duel import Duel, duels
from argosy.registry.limit import limits
from argosy.spec import document
from argosy.spec.fleet import Fleet
from argosy.spec.rollout import NOUNS
from argosy.store import (
    aliases,
    applications,
    approvals,
    artifacts,
    bundles,
    declarations,
    edges,
    executions,
    members,
    verdicts,
    versions,
)  # fmt: skip
from argosy.store.store import Store


class Span(msgspec.Struct, frozen=True):
    """Some rows and the times between which they lie."""

    rows: int
    low: datetime | None = None
    high: datetime | None = None


class Input(msgspec.Struct, frozen=True):
    """A feature: its kind, where it comes from, and its share of what the model leans on."""

    name: str
    kind: str
    origin: str
    importance: float


class Score(msgspec.Struct, frozen=True):
    """A score on the held-out rows with its 95 % interval; `reason` says why it is undefined."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    rows: int
    reason: str = ""


class Sliced(msgspec.Struct, frozen=True):
    """The held-out rows of one value of a slice: the means of labels and predictions, and scores by name.

    A score is (value, low, high); one that is undefined on these rows is left out.
    """

    value: str
    rows: int
    label: float
    prediction: float
    scores: dict[str, tuple[float, float, float]]


class Ruling(msgspec.Struct, frozen=True):
    """What a gate said; `passed` is None while it waits for a person."""

    gate: str
    passed: bool | None
    message: str
    at: datetime


class Link(msgspec.Struct, frozen=True):
    """Something that the training read ("in") or made ("out")."""

    direction: str
    kind: str
    reference: str


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A version's card. Times are UTC, importances shares of 1, cost in CPU seconds, bytes and milliseconds."""

    address: str
    fleet: str
    member: str
    number: int
    role: str
    made: datetime
    purpose: str
    owner: str
    label: str
    lead: str | None
    trained: Span
    held_out: Span
    datasets: tuple[str, ...]
    inputs: tuple[Input, ...]
    candidate: str
    settings: dict[str, Any]
    trials: int
    scores: tuple[Score, ...]
    sliced_by: tuple[str, ...]
    slices: dict[str, tuple[Sliced, ...]]
    interval: Bounds | None
    quantiles: Quantiles | None
    duels: tuple[Duel, ...]
    uncompared: dict[str, str]
    answer: str
    gates: tuple[Ruling, ...]
    format: str
    digest: str
    proof: float | None
    cost: dict[str, float]
    bundle: str | None
    project: str
    git_commit: str | None
    dirty: bool
    libraries: dict[str, str]
    lineage: tuple[Link, ...]
    warnings: tuple[str, ...]
    limits: tuple[str, ...]


def card(conn: Connection, store: Store, address: str) -> Card:
    """The card of the version at `address` (`late-arrival/JFK/AA@7`); the member's latest where it has no number.

    Raises `UsageError` for what is no address, `UnknownError` if there is no such version.
    """
    named = parse(address)
    fleet, key = named.fleet, named.key
    version = versions.find(conn, fleet, key, named.number)
    if version is None:
        raise UnknownError(f"there is no version {address}", next=f"argosy get versions --where fleet:{fleet}")
    wanted = declarations.get(conn, "fleet", fleet)
    spec = _fleet(wanted.body if wanted else None)
    run = executions.get(conn, [version.execution_id])[version.execution_id]
    bundle = bundles.get(conn, run.bundle) if run.bundle else None
    made = applications.of(conn, [bundle.digest] if bundle else ())
    applied = applications.source(made[bundle.digest], run.started_at) if bundle and made else None
    found = edges.of(conn, [version.execution_id])
    body, held = version.body, version.body.get("held_out", {})
    return Card(
        address=f"{named.member}@{version.number}", fleet=fleet, member=key, number=version.number,
        role=_role(conn, version, spec), made=version.at,
        purpose=spec.description if spec else "", owner=spec.owner if spec else "",
        label=spec.label.column if spec else "", lead=spec.lead if spec else None,
        trained=Span(version.rows, version.span_low, version.span_high),
        held_out=Span(int(held.get("rows", 0)), _time(held.get("low")), _time(held.get("high"))),
        datasets=tuple(e.reference for e in found if e.kind == "dataset" and e.direction == edges.IN),
        inputs=tuple(_inputs(conn, store, version)), candidate=body.get("candidate", ""),
        settings=body.get("settings", {}), trials=len(body.get("trials", ())),
        scores=tuple(_scores(body)), sliced_by=_sliced_by(body),
        slices=_slices(body), interval=msgspec.convert(body.get("interval"), Bounds | None),
        quantiles=msgspec.convert(body.get("quantiles"), Quantiles | None),
        duels=tuple(duels(body)), uncompared=body.get("uncompared", {}),
        answer=body.get("answer", {}).get("reason", ""), gates=_gates(conn, version.id),
        format=version.format, digest=version.artifact, proof=body.get("proof"), cost=_cost(version),
        bundle=run.bundle, project=bundle.project if bundle else "",
        git_commit=applied.git_commit if applied else None, dirty=bool(applied and applied.dirty),
        libraries=bundle.libraries if bundle else {},
        lineage=tuple(Link(e.direction, e.kind, e.reference) for e in found),
        warnings=tuple(body.get("warnings", ())), limits=tuple(limits(spec, version, key)),
    )  # fmt: skip


def to_markdown(card: Card) -> str:
    """The card as Markdown, to keep beside code or to send."""
    return sheet.render("card.md", card)


def to_html(card: Card) -> str:
    """The card as an HTML page that stands on its own: no script, nothing loaded from elsewhere."""
    return sheet.render("card.html", card)


def article(card: Card) -> str:
    """The card as an HTML fragment, for a page with a style of its own."""
    return sheet.render("article.html", card)


def _fleet(body: dict[str, Any] | None) -> Fleet | None:
    if body is None:
        return None
    found = document.recorded(body)
    return found if isinstance(found, Fleet) else None


def _role(conn: Connection, version: versions.Version, fleet: Fleet | None) -> str:
    """Champion since when, under trial, waiting for whom, or why none of these."""
    state = members.states(conn, [version.member_id])[version.member_id]
    if state.champion_id == version.id and state.champion_since:
        return f"champion since {state.champion_since:%Y-%m-%d %H:%M} UTC"
    if state.rollout_state == "started" and state.rollout_version_id == version.id:
        started = NOUNS[state.rollout_kind or "canary"]
        article = "an" if started[0] == "A" else "a"
        return f"challenger: {article} {started} on {state.rollout_share or 0:.0%} of the rows"
    undecided = verdicts.undecided(conn, version.fleet, fleet.approval if fleet else None)
    if waits := [each for each in undecided.waiting if each.version_id == version.id]:
        return f"{waits[0].message} ({waits[0].command})"
    moves = aliases.history(conn, version.member_id, aliases.CHAMPION)
    once = [move.at for move in moves if move.version_id == version.id]
    return f"was champion from {min(once):%Y-%m-%d %H:%M} UTC" if once else "never was champion"


def _inputs(conn: Connection, store: Store, version: versions.Version) -> Iterator[Input]:
    """Features, the one that the model leans on most first."""
    importance: dict[str, float] = version.body.get("importance", {})
    known: dict[str, dict[str, Any]] = {}
    if version.signature and (held := artifacts.get(conn, [version.signature]).get(version.signature)):
        known = {each["name"]: each for each in msgspec.json.decode(store.blobs.read(held.slot))["features"]}
    for name, share in sorted(importance.items(), key=lambda item: (-item[1], item[0])):
        feature = known.get(name, {})
        yield Input(name, feature.get("kind", ""), feature.get("origin", "column"), share)


def _scores(body: dict[str, Any]) -> Iterator[Score]:
    for name, found in body.get("scores", {}).items():
        value, low, high = (found.get(part) for part in ("value", "low", "high"))
        yield Score(name, value, low, high, int(found.get("rows", 0)), found.get("reason", ""))


def _sliced_by(body: dict[str, Any]) -> tuple[str, ...]:
    """The names of the scores that any slice has, in the order of the version's own."""
    told = {name for parts in body.get("slices", {}).values() for part in parts for name in part["scores"]}
    return tuple(name for name in body.get("scores", {}) if name in told)


def _slices(body: dict[str, Any]) -> dict[str, tuple[Sliced, ...]]:
    """The values of each slice: in their order where all are numbers, else as recorded, those of most rows first."""
    found = msgspec.convert(body.get("slices", {}), dict[str, tuple[Sliced, ...]])
    return {name: _ordered(parts) for name, parts in found.items()}


def _ordered(parts: tuple[Sliced, ...]) -> tuple[Sliced, ...]:
    try:
        return tuple(sorted(parts, key=lambda part: float(part.value)))
    except ValueError:
        return parts


def _gates(conn: Connection, version: int) -> tuple[Ruling, ...]:
    said = [Ruling(v.gate, v.passed, v.message, v.at) for v in verdicts.of(conn, [version])]
    for approval in approvals.of(conn, [version]).values():
        words = f"{approval.actor}: {approval.reason or ('granted' if approval.granted else 'refused')}"
        said.append(Ruling("answer of a person", approval.granted, words, approval.at))
    return tuple(said)


def _cost(version: versions.Version) -> dict[str, float]:
    spent = version.body.get("cost", {})
    names = ("latency_p50_ms", "latency_p99_ms", "size_kb")
    return {
        **{name: spent[name] for name in ("cpu_s", "wall_s", "peak_bytes") if spent.get(name) is not None},
        **{name: version.metrics[name] for name in names if version.metrics.get(name) is not None},
    }


def _time(value: Any) -> datetime | None:
    return None if value is None else msgspec.convert(value, datetime, strict=False)
