"""`argosy why`: the explanation of one thing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from argosy.cli import home, show
from argosy.cli.account import identity
from argosy.cli.course import WORDS, place
from argosy.cli.option import Common
from argosy.controller import cause, course
from argosy.controller.cause import Cause, Causes
from argosy.errors import UsageError
from argosy.spec.quantity import plural
from argosy.store.calls import WHOLE

_GROUPS, _ELEMENTS = 3, 200


def why(
    address: str, id: str | None = None, /, *, step: str | None = None, element: int | None = None,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Explain who answers, why it was trained, what its gates said, and why nothing happens now; when a pipeline starts
    and what it waits for; or why each step of a run was executed or not, compared with the run before.

    For example:
      argosy why late-arrival/JFK/AA          (a member: what holds, what is waited for)
      argosy why late-arrival/JFK/AA@7        (a version: how it came, what became of it)
      argosy why late-arrival                 (a fleet)
      argosy why weather                      (a dataset: what its contract found)
      argosy why nightly                      (a pipeline: what starts it, and what it waits for)
      argosy why run 12                       (a run: what of its steps had changed)
      argosy why run 12 --step fit --element 3

    Parameters
    ----------
    address
        A member, a version, a fleet, a dataset or a pipeline; or the word run.
    id
        After run: which one.
    step
        Of a run: one step, and each of its elements.
    element
        Of a mapped step: one element, counted from 0.
    """
    given = common or Common()
    if id is not None and address == "run":
        return _run(identity("run", id), step, element, given)
    if address == "run":
        raise UsageError("which run is meant is not said", next="argosy why run ID, as argosy runs lists them")
    if id is not None or step is not None or element is not None:
        raise UsageError("only a run has an id and steps", next=f"argosy why run ID, or argosy why {address}")
    return _explain(address, given)


def _explain(address: str, given: Common) -> int:
    from argosy.controller import survey  # they need Polars, which runs do not
    from argosy.controller import why as reasons
    from argosy.controller.house import House

    with home.open(given.home) as store:
        now = home.clock(store).now()
        with House(store) as house:
            snapshot = survey.observe(house, now)
            with store.read() as conn:
                found = reasons.why(conn, snapshot, address, now)
    if given.json:
        show.emit(found)
        return 0
    show.put(f"{found.address}: {found.summary}")
    for topic in found.topics:
        show.put("", f"{topic.title}", f"  {topic.says}", *(f"    {line}" for line in topic.details))
        if topic.tree is not None:
            show.put(*(f"    {line}" for line in topic.tree.lines()))
    return 0


def _run(id: int, step: str | None, element: int | None, given: Common) -> int:
    with home.open(given.home) as store, store.read() as conn:
        found = cause.causes(conn, course.find(conn, id), step, element)
    if given.json:
        show.emit(found)
        return 0
    before = f"compared with run {found.before}, the one before" if found.before else "the first of its pipeline"
    show.put(f"run {id} of {found.pipeline}, {before}", "")
    show.put(*(_each(found) if step is not None else _grouped(found)))
    if not found.calls:
        show.say("  it has not come to any step yet")
    return 0


def _each(found: Causes) -> Iterator[str]:
    """A line for each call."""
    some = found.calls[:_ELEMENTS]
    yield from _lines((place(each.node, each.element), WORDS[each.state], _why(each) + _by(each)) for each in some)
    if len(found.calls) > _ELEMENTS:
        yield f"  … {len(found.calls) - _ELEMENTS:,} more: --element N, or --json"


def _grouped(found: Causes) -> Iterator[str]:
    """A line for each node; of a mapped one, for the commonest reasons."""
    nodes: dict[str, list[Cause]] = {}
    for each in found.calls:
        nodes.setdefault(each.node, []).append(each)
    rows = []
    for node, calls in nodes.items():
        groups = Counter((each.state, _why(each)) for each in calls)
        mapped = calls[0].element != WHOLE
        for (state, why), count in groups.most_common(_GROUPS):
            rows.append((node, f"{count:,} {WORDS[state]}" if mapped else WORDS[state], why))
        if len(groups) > _GROUPS:
            rest = len(calls) - sum(count for _, count in groups.most_common(_GROUPS))
            rows.append((node, "…", f"{plural(rest, 'call')} for other reasons: --step {node}"))
    return _lines(rows)


def _lines(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Who, what and why, each below the other."""
    found = list(rows)
    widths = [max((len(row[column]) for row in found), default=0) for column in (0, 1)]
    return (f"  {who:<{widths[0]}}  {what:<{widths[1]}}  {why}".rstrip() for who, what, why in found)


def _by(each: Cause) -> str:
    return f" (execution {each.execution_id})" if each.execution_id is not None else ""


def _why(each: Cause) -> str:
    return "; ".join(each.why).replace("\n", " ")[:500]
