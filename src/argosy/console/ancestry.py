"""The lineage page: the neighbourhood of a thing, members collapsed into counted groups, never the world."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import graph, links, words
from argosy.console.graph import Box
from argosy.console.page import Page
from argosy.errors import UnknownError
from argosy.store import calls, executions, origin
from argosy.store.lineage import EXECUTION, Graph, Node, walk
from argosy.store.origin import Data, Origin

MOST = 200
_ALIKE = 4
_STEPS = 4


class AncestryPage(msgspec.Struct, frozen=True):
    """What the lineage page shows; `hidden` is how many nodes stand within groups.

    `version` or `dataset` is the whole origin of what was asked for, beyond the steps that are drawn. `page` is
    the address that shows most of it.
    """

    kind: str
    reference: str
    up: int
    down: int
    boxes: tuple[Box, ...]
    arrows: tuple[tuple[str, str], ...]
    hidden: int
    cut: bool
    page: str
    version: Origin | None = None
    dataset: Data | None = None


def page(conn: Connection, kind: str, reference: str, now: datetime, *, up: int = 2, down: int = 1) -> Page:
    """The neighbourhood of a thing. Raises UnknownError for what no fact names."""
    data = read(conn, kind, reference, up=min(max(up, 0), _STEPS), down=min(max(down, 0), _STEPS))
    return Page(
        f"Lineage of {reference}", "lineage.html", data, now, trail=(("lineage", None), (f"{kind} {reference}", None)),
        command=f"argosy lineage {_asked(kind, reference)}", pictures={"graph": graph.draw(data.boxes, data.arrows)},
    )  # fmt: skip


def _asked(kind: str, reference: str) -> str:
    """The thing as the command line takes it."""
    return reference if kind in ("version", "dataset") else f"'{kind}:{reference}'"


def read(conn: Connection, kind: str, reference: str, *, up: int, down: int) -> AncestryPage:
    """The snapshot of the lineage page."""
    start = Node(kind, reference)
    found = walk(conn, start, up=up, down=down, limit=MOST)
    runs = executions.get(
        conn, [int(n.reference) for n in found.nodes if n.kind == EXECUTION and n.reference.isdigit()]
    )
    groups = _groups(found, start, runs)
    boxes = []
    for name, nodes in groups.items():
        boxes.append(_box(name, nodes, runs, start))
    place = {node: name for name, nodes in groups.items() for node in nodes}
    arrows = dict.fromkeys((place[link.source], place[link.target]) for link in found.links)
    known = origin.of(conn, start)
    if len(found.nodes) == 1 and known is None and not runs and up + down:
        raise UnknownError(f"nothing is recorded of {kind} {reference}", next="start from a version or a dataset")
    return AncestryPage(
        kind, reference, up, down, tuple(boxes), tuple(pair for pair in arrows if pair[0] != pair[1]),
        len(found.nodes) - len(boxes), found.cut, _page(conn, start, runs),
        known if isinstance(known, Origin) else None, known if isinstance(known, Data) else None,
    )  # fmt: skip


def _page(conn: Connection, start: Node, runs: dict[int, executions.Execution]) -> str:
    """Where most is shown of what was asked for: of an execution of a step, the call that it was made for."""
    run = next((each for each in runs.values() if start == Node(EXECUTION, str(each.id))), None)
    call = calls.first(conn, [run.id]).get(run.id) if run is not None and run.kind == "step" else None
    return links.thing(start.kind, start.reference) if call is None else links.call(call)


def _groups(found: Graph, start: Node, runs: dict[int, executions.Execution]) -> dict[str, list[Node]]:
    """Nodes by the name of the box they stand in: alone, or with more than a few that have the same neighbours."""
    near: defaultdict[Node, set[tuple[str, Node]]] = defaultdict(set)
    for link in found.links:
        near[link.source].add(("to", link.target))
        near[link.target].add(("from", link.source))
    alike: defaultdict[tuple[object, ...], list[Node]] = defaultdict(list)
    for node in found.nodes:
        likeness = tuple(sorted((way, _kind(other, runs, start)) for way, other in near[node]))
        alike[(_kind(node, runs, start), node == start, frozenset(likeness))].append(node)
    groups: dict[str, list[Node]] = {}
    for nodes in alike.values():
        if len(nodes) >= _ALIKE:
            groups[f"group of {nodes[0].kind} {nodes[0].reference}"] = nodes
        else:
            groups.update({f"{node.kind} {node.reference}": [node] for node in nodes})
    return groups


def _kind(node: Node, runs: dict[int, executions.Execution], start: Node) -> str:
    """What makes two nodes alike: the kind of an execution, the fleet of a version, the name of a dataset."""
    if node == start:
        return "start"
    if node.kind == EXECUTION and node.reference.isdigit() and int(node.reference) in runs:
        run = runs[int(node.reference)]
        return f"{run.kind} {run.subject.partition('/')[0]}"
    if node.kind == "version":
        return f"version {node.reference.partition('/')[0]}"
    return f"{node.kind} {node.reference.partition('@')[0]}" if node.kind == "dataset" else node.kind


def _box(name: str, nodes: list[Node], runs: dict[int, executions.Execution], start: Node) -> Box:
    node = nodes[0]
    if len(nodes) > 1:
        noun = _kind(node, runs, start)
        full = "\n".join(each.reference for each in nodes[:20])
        return Box(name, f"{len(nodes):,} of {noun}", "collapsed into one", "group", None, full)
    run = runs.get(int(node.reference)) if node.kind == EXECUTION and node.reference.isdigit() else None
    if run is not None:
        note = f"{words.moment(run.started_at)} {run.outcome}"
        subject = run.subject.removeprefix(f"{run.kind}:").removeprefix("view:")
        return Box(name, f"{run.kind} {subject}", note, "execution", links.lineage(node.kind, node.reference))
    link = links.thing(node.kind, node.reference) if node == start else links.lineage(node.kind, node.reference)
    kind = node.kind if node.kind in ("dataset", "version") else "other"
    shown = node.reference[:12] + "…" if len(node.reference) == 64 else node.reference
    return Box(name, shown, node.kind, f"{kind} start" if node == start else kind, link)
