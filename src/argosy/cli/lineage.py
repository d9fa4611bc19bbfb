"""`argosy lineage`: what a thing was made from, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from argosy.cli import home, record, show
from argosy.cli.option import Common
from argosy.cli.origin import lines
from argosy.controller import provenance
from argosy.errors import UnknownError
from argosy.registry.address import parse
from argosy.store import applications, bundles, datasets, executions, members, origin, versions
from argosy.store import lineage as graphs
from argosy.store.lineage import EXECUTION, Graph, Node
from argosy.store.logs import LOG
from argosy.store.tracking import identity
from argosy.store.tracking.executed import TRACKED


def lineage(address: str, id: str | None = None, /, *, up: int = 4, down: int = 0, common: Common | None = None) -> int:
    """Show where a thing comes from: rows, files, code, environment and declaration, then the steps that made it.

    For example:
      argosy lineage late-arrival/JFK/AA@7
      argosy lineage late-arrival/JFK/AA          (the version that answers)
      argosy lineage flights@3 --up 1 --down 2    (a dataset's version)
      argosy lineage artifact 5d45b018
      argosy lineage execution:17 --json
      argosy lineage run 3f2a91c0                  (a tracked run)

    Parameters
    ----------
    address
        A version or a member, a dataset or one of its versions, KIND:REFERENCE, or a kind alone.
    id
        Of a kind, which one; of an artifact or a tracked run the beginning is enough.
    up
        How many executions back.
    down
        How many executions forward.
    """
    given = common or Common()
    with home.open(given.home) as store, store.read() as conn:
        start = _node(conn, address if id is None else f"{address}:{id}")
        graph = graphs.walk(conn, start, up=up, down=down)
        runs = {
            str(id): run
            for id, run in executions.get(conn, [int(n.reference) for n in graph.nodes if n.kind == EXECUTION]).items()
        }
        code = {run.bundle: bundles.get(conn, run.bundle) for run in runs.values() if run.bundle}
        applied = applications.of(conn, code)
        known = origin.of(conn, start)
    if given.json:
        show.emit({"start": start, "origin": known, "nodes": graph.nodes, "links": graph.links, "cut": graph.cut,
                   "executions": list(runs.values()), "bundles": list(code.values()),
                   "applications": [each for made in applied.values() for each in made]})  # fmt: skip
        return 0
    ran = {id: _ran(run, code.get(run.bundle or ""), applied.get(run.bundle or "", ())) for id, run in runs.items()}
    if not graph.links:
        show.say(f"nothing is recorded of where {start.kind} {start.reference} comes from")
    if up:
        if known is not None:
            show.put(f"{start.kind} {start.reference}", *lines(known), "", "step by step:")
        show.put(*_draw(start, graph, ran, back=True))
    if down:
        show.put("", "and what came of it:", *_draw(start, graph, ran, back=False))
    if graph.cut:
        show.say("there is more: ask for fewer steps, or start further along")
    return 0


def _node(conn: Connection, text: str) -> Node:
    """The node that an address means. Raises UnknownError, and UsageError for a digest that is none."""
    kind, colon, reference = text.partition(":")
    if colon and kind.replace(" ", "").isalpha():
        if kind == "artifact":
            kept = provenance.artifact(conn, reference)
            return Node(LOG if kept.format == LOG else kind, kept.digest)
        if kind == "run" and record.meant(conn, reference):
            (run,) = identity.find(conn, [reference])
            return Node(kind, run.run)
        return Node(kind, reference)
    address = parse(text)
    state = members.state(conn, address.fleet, address.key)
    if state is not None:
        number = address.number or state.champion_number or state.version_number
        if number is None or versions.find(conn, address.fleet, address.key, number) is None:
            raise UnknownError(f"there is no version {text}", next=f"argosy get versions --where fleet:{address.fleet}")
        return Node("version", f"{address.member}@{number}")
    version = None if address.key else datasets.version(conn, address.fleet, address.number)
    if version is None:
        last = None if address.key else datasets.version(conn, address.fleet)
        if last is not None:
            raise datasets.absent(str(address), last)
        raise UnknownError(
            f"there is no member, version or dataset {text!r}", next="argosy get members, or argosy get datasets"
        )
    return Node("dataset", f"{version.dataset}@{version.number}")


def _draw(start: Node, graph: Graph, ran: Mapping[str, str], *, back: bool) -> list[str]:
    """The graph as an indented tree from `start`; what was drawn before is named again, not unfolded again."""
    following: dict[Node, list[Node]] = {}
    for link in graph.links:
        near, far = (link.target, link.source) if back else (link.source, link.target)
        following.setdefault(near, []).append(far)
    drawn: set[Node] = set()
    drawing: list[str] = []

    def descend(node: Node, depth: int) -> None:
        again = " (above)" if node in drawn and following.get(node) else ""
        drawing.append(f"{'  ' * depth}{_name(node, ran)}{again}")
        if node in drawn:
            return
        drawn.add(node)
        for each in sorted(following.get(node, ())):
            descend(each, depth + 1)

    descend(start, 0)
    return drawing


def _name(node: Node, ran: Mapping[str, str]) -> str:
    told = ran.get(node.reference) if node.kind == EXECUTION else None
    return told or f"{node.kind} {node.reference[:80]}"


def _ran(run: executions.Execution, bundle: bundles.Bundle | None, given: Sequence[applications.Application]) -> str:
    """An execution in a line, with the code that ran and its commit."""
    what = f"run {run.subject}" if run.kind == TRACKED else run.kind
    text = f"{what} at {show.text(run.ended_at)} (execution {run.id}, {run.outcome})"
    if bundle is None:
        return text
    made = applications.source(given, run.started_at)
    commit = f", {made.commit}" if made and made.commit else ""
    return f"{text}, code {bundle.project}:{bundle.digest[:10]}{commit}"
