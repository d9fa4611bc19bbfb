"""Dataset pages: the list, and one dataset with its versions, contract, findings, and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.console import facts, svg, words
from argosy.console.page import Page
from argosy.controller import supply
from argosy.controller.supply import Lack
from argosy.controller.wanted import kinds, wanted
from argosy.data import state as state_of_data
from argosy.data.profile import LISTED
from argosy.data.state import Staleness
from argosy.errors import UnknownError
from argosy.spec.quantity import plural
from argosy.store import contracts, datasets, declarations, resources
from argosy.store.findings import Finding

_VERSIONS, _FINDINGS = 20, 1000


class Entry(msgspec.Struct, frozen=True):
    """A dataset in the list."""

    name: str
    description: str
    owner: str
    number: int
    rows: int
    columns: int
    at: datetime | None
    blocked: str | None
    lack: Lack | None
    stale: Staleness | None

    @property
    def status(self) -> str:
        """As `argosy get datasets` says it; one without a version, which is not listed there, is empty."""
        if self.blocked is not None:
            return "blocked"
        return "empty" if not self.number else "stale" if self.stale is not None else "ready"


class Noted(msgspec.Struct, frozen=True):
    """A finding of a rule, with what the same rule found in versions before: `rows` in all `versions`."""

    latest: Finding
    first: int
    versions: int
    rows: int


class Column(msgspec.Struct, frozen=True):
    """A column: its statistics over all rows, and what the contract asks of it.

    `distinct` is None where nobody counts them over versions; `over` is how many they are more than, where each is
    counted only up to there.
    """

    name: str
    type: str
    tag: str
    nulls: float | None
    distinct: int | None
    over: int | None
    minimum: float | str | None
    mean: float | None
    maximum: float | str | None
    edges: tuple[float, ...]
    histogram: tuple[float, ...]
    top: tuple[tuple[str, int], ...]
    contract: str


class TablePage(msgspec.Struct, frozen=True):
    """What a dataset's page shows. `findings` are by rule, that of the latest version first.

    The statistics of its `columns` are of all its rows. `lack` says why rows are lacking, where they are; `dropped`
    columns are no longer given by the source, as somebody accepted.
    """

    name: str
    description: str
    owner: str
    source: str
    time: str
    key: tuple[str, ...]
    versions: tuple[datasets.Version, ...]
    count: int
    contract: dict[str, Any] | None
    contract_number: int
    dropped: tuple[str, ...]
    findings: tuple[Noted, ...]
    columns: tuple[Column, ...]
    blocked: str | None
    lack: Lack | None
    stale: Staleness | None


def index(conn: Connection, now: datetime) -> Page:
    """The list of datasets."""
    latest = datasets.latest(conn)
    bodies = {each.name: each.body for each in declarations.current(conn, "dataset")}
    views = _views(conn)
    names = sorted({*latest, *bodies}, key=lambda name: (name not in bodies, name))
    stopped = state_of_data.blocked(conn, names)
    asked = wanted(conn)
    lacks = supply.lacks(conn, asked, names, latest)
    old = state_of_data.stale(conn, tuple(kinds(asked)[0].values()), now)
    found = []
    for name in names:
        body, version = bodies.get(name, {}), latest.get(name)
        text = body.get("description", "") or ("" if body else filled(name, views))
        found.append(
            Entry(
                name, text, facts.owner(body), version.number if version else 0, version.rows if version else 0,
                len(version.columns) if version else 0, version.at if version else None, stopped.get(name),
                lacks.get(name), old.get(name),
            )
        )  # fmt: skip
    return Page("Datasets", "datasets.html", tuple(found), now, here="datasets", command="argosy get datasets")


def page(conn: Connection, name: str, now: datetime) -> Page:
    """One dataset. Raises `UnknownError` if it is neither declared nor filled."""
    data = read(conn, name, now)
    pictures = {column.name: _picture(column) for column in data.columns}
    pictures["\0rows"] = svg.bars(
        [float(v.added) for v in data.versions[::-1]], 240.0, 28.0,
        [f"version {v.number}: {plural(v.added, 'row')}" for v in data.versions[::-1]],
    )  # fmt: skip
    return Page(
        name, "dataset.html", data, now, trail=(("datasets", "/datasets"), (name, None)), here="datasets",
        command=f"argosy describe dataset {name}", pictures=pictures,
    )  # fmt: skip


def read(conn: Connection, name: str, now: datetime) -> TablePage:
    """The snapshot of a dataset's page."""
    declared, versions = facts.declared(conn, name), datasets.versions(conn, name)[::-1]
    if declared is None and not versions:
        raise UnknownError(f"there is no dataset {name!r}", next="argosy get datasets")
    latest = versions[0] if versions else None
    contract = contracts.current(conn, name)
    body: dict[str, Any] | None = contract.body["contract"] if contract else None
    found = resources.page(conn, "findings", f'dataset:"{name}"', limit=_FINDINGS).items
    source = msgspec.to_builtins(declared.source) if declared else {}
    tags = declared.tags if declared else {}
    return TablePage(
        name=name, description=declared.description if declared else filled(name, _views(conn)),
        owner=declared.owner if declared else "",
        source=" ".join(str(v) for v in source.values() if isinstance(v, str)),
        time=declared.time if declared else "", key=declared.key if declared else (),
        versions=tuple(versions[:_VERSIONS]), count=len(versions), contract=body,
        contract_number=contract.number if contract else 0,
        dropped=tuple(contract.body.get("dropped", ())) if contract else (),
        findings=tuple(noted([Finding(**item) for item in found])),
        columns=tuple(_columns(conn, latest, body or {}, tags)),
        blocked=state_of_data.blocked(conn, [name]).get(name),
        lack=supply.lacks(conn, wanted(conn), [name], [name] if latest else ()).get(name),
        stale=state_of_data.stale(conn, [declared] if declared else [], now).get(name),
    )  # fmt: skip


def filled(name: str, views: Mapping[str, str]) -> str:
    """What a dataset holds that nobody declares: a view's rows, by its name and fingerprint, or answered rows."""
    about, kind, print = name.partition(".features.")
    if kind:
        now = views.get(about, "").startswith(print)
        return f"Rows of the view {about}" + ("." if now else ", as it was declared before.")
    fleet, kind, _ = name.rpartition(".predictions")
    return f"Rows that were answered for the fleet {fleet}." if kind else "Filled by Argosy."


def noted(found: Sequence[Finding]) -> list[Noted]:
    """Findings, newest first, one for each rule, column and outcome."""
    alike: dict[tuple[str, str | None, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding.rule, finding.column, finding.outcome), []).append(finding)
    return [
        Noted(
            group[0], min(each.version for each in group), len({each.version for each in group}),
            sum(each.rows for each in group),
        )
        for group in alike.values()
    ]  # fmt: skip


def _views(conn: Connection) -> dict[str, str]:
    """The fingerprint of each view that is declared."""
    return {each.name: each.fingerprint for each in declarations.current(conn, "feature_view")}


def _columns(conn: Connection, latest: datasets.Version | None, contract: dict[str, Any], tags: Any) -> list[Column]:
    if latest is None:
        return []
    found = resources.page(conn, "statistics", f'dataset:"{latest.dataset}" number:{latest.number}', limit=1).items
    body = found[0]["body"] if found else {}
    asked, elsewhere = contract.get("columns", {}), contract.get("references", ())
    return [
        _column(name, kind, body.get(name, {}), _asked(name, asked.get(name, {}), elsewhere), tags.get(name, ""))
        for name, kind in latest.columns.items()
    ]


def _column(name: str, kind: str, body: dict[str, Any], asked: str, tag: str) -> Column:
    total = body.get("total") or body
    rows, over = total.get("count") or 0, LISTED if "counts" in total and total["counts"] is None else None
    ranked = sorted((total.get("counts") or {}).items(), key=lambda item: -item[1])[:12]
    return Column(
        name, kind.partition("(")[0], tag, total.get("nulls", 0) / rows if rows else None,
        _distinct(body, total), over, total.get("minimum"),
        total.get("mean"), total.get("maximum"), tuple(total.get("edges", ())), tuple(total.get("histogram", ())),
        tuple(ranked), asked,
    )  # fmt: skip


def _distinct(body: dict[str, Any], total: dict[str, Any]) -> int | None:
    """How many values all rows hold: known where one version added all of them, or where each value is counted."""
    if total.get("count") == body.get("count"):
        return body.get("distinct")
    counts = total.get("counts")
    return None if counts is None else len(counts)


def _asked(name: str, column: dict[str, Any], references: Sequence[dict[str, Any]]) -> str:
    """What the contract asks of a column, its references included, in a line."""
    own = _limits(column)
    found = [_reference(each) for each in references if name in each["columns"]]
    return "; ".join([own, *found] if own else found)


def _reference(given: dict[str, Any]) -> str:
    columns, to = given["columns"], given.get("to") or given["columns"]
    named = f" as {', '.join(to)}" if to != columns else ""
    together = f" ({', '.join(columns)} together)" if len(columns) > 1 else ""
    failing = given.get("on_failure", "block")
    return f"found in {given['dataset']}{named}{together}" + (f"; else {failing}" if failing != "block" else "")


def _limits(column: dict[str, Any]) -> str:
    low, high = column.get("minimum"), column.get("maximum")
    parts = []
    if low is not None and high is not None:
        parts.append(f"{words.exact(low)} to {words.exact(high)}")
    elif low is not None or high is not None:
        parts.append(f"at most {words.exact(high)}" if low is None else f"at least {words.exact(low)}")
    if column.get("nullable") is False:
        parts.append("never null")
    if column.get("presence"):
        parts.append(f"{words.percent(column['presence'])} present")
    if column.get("allowed"):
        allowed = column["allowed"]
        parts.append("one of " + ", ".join(map(str, allowed[:4])) + (", …" if len(allowed) > 4 else ""))
    if column.get("pattern"):
        parts.append(f"like {column['pattern']}")
    if parts and column.get("on_failure", "block") != "block":
        parts.append(f"else {column['on_failure']}")
    return "; ".join(parts)


def _picture(column: Column) -> Any:
    """A small histogram, or the shares of the most frequent values."""
    if column.histogram:
        edges = [words.measure(edge) for edge in column.edges]
        spans = [
            f"before {edges[0]}",
            *(f"{a} to {b}" for a, b in pairwise(edges)),
            f"beyond {edges[-1]}",
        ]
        titles = [f"{span}: {plural(int(rows), 'row')}" for span, rows in zip(spans, column.histogram, strict=False)]
        return svg.bars(column.histogram, titles=titles, outer=True)
    return svg.bars(
        [float(count) for _, count in column.top], titles=[f"{name}: {count:,}" for name, count in column.top]
    )
