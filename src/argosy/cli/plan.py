"""`argosy plan`: what applying would change, and what the controller would do, why, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from sqlalchemy import Connection

from argosy.cli import home, show
from argosy.cli.apply import entering, lines
from argosy.cli.option import Common
from argosy.controller import apply as applying
from argosy.controller import plan as planning
from argosy.controller import survey
from argosy.controller.action import Action, Train, Wait, headline
from argosy.controller.agenda import ahead, due
from argosy.controller.almanac import Almanac, Entry
from argosy.controller.apply import Difference, Draft
from argosy.controller.bundle import locate
from argosy.controller.estimate import Estimate, estimate
from argosy.controller.house import House
from argosy.controller.project import found
from argosy.errors import UnknownError
from argosy.spec import document
from argosy.spec.pipeline import Pipeline
from argosy.spec.quantity import plural
from argosy.store import Store, declarations

DIFFERENT = 3
_SHOWN = 6
_Costed = list[tuple[Action, Estimate | None]]


def plan(
    project: str | None = None, /, *, check: Annotated[bool, Parameter(negative="")] = False,
    take_from: str | None = None, common: Common | None = None,
) -> int:  # fmt: skip
    """Show what applying a project would change, and what the controller would do then. Nothing is written.

    This imports the project's module, so its code runs.
    Costs are the mean of past executions times the number to come; a dash means that none ran yet.

    With --check the exit code is 3 if the project differs from what is applied, or if the controller
    would do anything (waiting does not count); without it, a plan that could be made exits with 0.

    For example:
      argosy plan
      argosy plan flights.py
      argosy plan flights.py --check        (in a pipeline: 0 nothing to do, 3 something)
      argosy plan --json

    Parameters
    ----------
    project
        The module, the directory of one, or a package. Default: the one that was applied; before any was, the one here.
    check
        Exit with 3 where something would change.
    take_from
        A project whose declarations this one would take over, as `argosy apply --take-from` does.
    """
    given = common or Common()
    module = locate(project) if project is not None else None
    with ExitStack() as held:
        try:
            store = held.enter_context(home.open(given.home, module))
        except UnknownError:
            module = module or locate(".")
            store = held.enter_context(Store.open(held.enter_context(TemporaryDirectory(prefix="argosy-"))))
        now = home.clock(store).now()
        house, conn = held.enter_context(House(store)), held.enter_context(store.read())
        module = module or _applied(conn)
        drafts, differences, files = list[Draft](), list[Difference](), tuple[str, ...]()
        if module is not None:
            drafts, archive = applying.prepare(module)
            differences = applying.differences(conn, drafts, module, take_from)
            files = applying.entering(conn, archive)
        if module is not None and differences:
            snapshot = survey.foresee(house, now, drafts, module)
        else:
            snapshot = survey.observe(house, now)
        planned = [*planning.plan(snapshot, now).actions, *_pipelines(conn, drafts, now)]
        actions = [(action, estimate(conn, action)) for action in planned]
    if given.json:
        show.emit({"differences": differences, "files": files, "actions": [_object(*each) for each in actions]})
    else:
        _show(module, differences, files, actions)
    busy = bool(differences) or any(not isinstance(action, Wait) for action, _ in actions)
    return DIFFERENT if check and busy else 0


def _pipelines(conn: Connection, drafts: list[Draft], now: datetime) -> Iterator[Action]:
    """What would become of each pipeline: those that were applied, and those that would be."""
    known = {each.pipeline.name: each for each in Almanac().read(conn)}
    for draft in drafts:
        drafted = document.decode(draft.body)
        if isinstance(drafted, Pipeline):
            before = known.get(drafted.name)
            new = Entry(pipeline=drafted, since=now)
            known[drafted.name] = msgspec.structs.replace(before, pipeline=drafted) if before else new
    for _, entry in sorted(known.items()):
        action = due(entry, now) or ahead(entry, now)
        if action is not None:
            yield action


def _applied(conn: Connection) -> Path | None:
    """The module of the one project that was applied to this home, if it is still where it was."""
    projects = {row.body.get("project", "") for row in declarations.current(conn)}
    if len(projects) != 1:
        return None
    (name,) = projects
    module = found(applying.root(conn, name), name)
    return module if module.exists() else None


def _show(module: Path | None, differences: list[Difference], files: tuple[str, ...], actions: _Costed) -> None:
    if module is not None:
        changed = plural(len(differences), "declaration") if differences else "no declaration"
        show.say(f"Applying {module.name} would change {changed}.")
        for each in differences:
            show.put(*lines(each))
        show.say(*entering(files))
    if not actions:
        show.say(f"The controller would have nothing {'more ' if differences else ''}to do.")
        return
    show.say(f"{'Then the' if differences else 'The'} controller would do {plural(len(actions), 'thing')}:")
    show.table(("action", "why", ">count", ">CPU s"), [row for each in actions for row in _rows(*each)])


def _rows(action: Action, cost: Estimate | None) -> list[tuple[object, ...]]:
    spent = None if cost is None else cost.cpu_s
    count = None if cost is None else cost.count
    if not isinstance(action, Train):
        return [(headline(action), action.why, count, spent)]
    rows: list[tuple[object, ...]] = [(f"train {action.fleet}", action.why, count, spent)]
    rows += [("  the pooled model", "", 1, None)] * action.pooled
    for group in action.groups:
        shown = ", ".join(group.members[:_SHOWN]) + (", …" if len(group.members) > _SHOWN else "")
        rows.append((f"  {shown}", group.cause, len(group.members), None))
    return rows


def _object(action: Action, cost: Estimate | None) -> dict[str, Any]:
    return {"headline": headline(action), **msgspec.to_builtins(action), "estimate": msgspec.to_builtins(cost)}
