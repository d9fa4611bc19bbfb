"""`argosy plan`: what applying would change, and what the controller would do, why, and at what cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.apply import lines
from argosy.cli.option import Common
from argosy.controller import apply as applying
from argosy.controller import plan as planning
from argosy.controller import survey
from argosy.controller.action import Action, Train, Wait, headline
from argosy.controller.apply import Difference
from argosy.controller.bundle import locate
from argosy.controller.estimate import Estimate, estimate
from argosy.controller.house import House
from argosy.controller.project import load
from argosy.errors import UnknownError

DIFFERENT = 3
_SHOWN = 6
_Costed = list[tuple[Action, Estimate | None]]


def plan(
    project: str | None = None, /, *, check: Annotated[bool, Parameter(negative="")] = False,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Show what applying a project would change, then what the controller would do next. Nothing is written.

    The second part is about what is applied now: apply a change first to see what follows from it.
    Costs are the mean of past executions times the number to come; a dash means that none ran yet.

    With --check the exit code is 3 if the project differs from what is applied, or if the controller
    would do anything (waiting does not count); without it, a plan that could be made exits with 0.

    Examples:
      argosy plan
      argosy plan flights.py
      argosy plan flights.py --check        (in a pipeline: 0 nothing to do, 3 something)
      argosy plan --json

    Parameters
    ----------
    project
        The module, or the directory of one. Default: the one beside the home or here, if there is one.
    check
        Exit with 3 where something would change.
    """
    given = common or Common()
    module = _module(project)
    differences: list[Difference] | None = None
    actions: _Costed = []
    try:
        with home.open(given.home, module) as store:
            now = home.clock(store).now()
            with House(store) as house, store.read() as conn:
                actions = [(a, estimate(conn, a)) for a in planning.plan(survey.observe(house, now), now).actions]
                if module is not None:
                    differences = applying.differences(conn, applying.draft(load(module)[0]), module.stem)
    except UnknownError:
        if module is None:
            raise
        differences = [Difference(d.kind, d.name, "add") for d in applying.draft(load(module)[0])]
    if given.json:
        show.emit({"differences": differences, "actions": [_object(*each) for each in actions]})
    else:
        _show(module, differences, actions)
    busy = bool(differences) or any(not isinstance(action, Wait) for action, _ in actions)
    return DIFFERENT if check and busy else 0


def _module(project: str | None) -> Path | None:
    """The project's module; where none was named, the one that is here, if it is one."""
    if project is not None:
        return locate(project)
    try:
        return locate(".")
    except UnknownError:
        return None


def _show(module: Path | None, differences: list[Difference] | None, actions: _Costed) -> None:
    if differences is not None and module is not None:
        show.say(f"Applying {module.name} would change {len(differences) or 'no'} declaration(s).")
        for each in differences:
            show.put(*lines(each))
    if not actions:
        show.say("The controller has nothing to do.")
        return
    show.say(f"The controller would do {len(actions)} thing(s):")
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
