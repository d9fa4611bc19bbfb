"""`argosy run`: a pipeline now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.address import exists, find
from argosy.cli.course import Course
from argosy.cli.log import quietly
from argosy.cli.option import Worked
from argosy.controller import code as coding
from argosy.controller import running
from argosy.controller.action import Ingest
from argosy.controller.bundle import locate
from argosy.controller.clock import SystemClock
from argosy.controller.code import Code
from argosy.controller.house import House
from argosy.controller.tutor import Tutor
from argosy.errors import UnknownError, UsageError
from argosy.pipelines.claiming import Shard
from argosy.pipelines.foresee import Outlook, foresee
from argosy.pipelines.past import Past, last
from argosy.pipelines.setting import Setting
from argosy.store import Store, applications, runs
from argosy.store.runs import Run

_POLL = 0.5


def run(
    pipeline: str, /, *, set: Annotated[tuple[str, ...], Parameter(negative="")] = (), project: str = ".",
    dry_run: Annotated[bool, Parameter(negative="")] = False, shard: str | None = None, common: Worked | None = None,
) -> int:  # fmt: skip
    """Run a pipeline, and use again what was done before.

    The code is that of the project here, whether it was applied or not; where there is none that declares the pipeline,
    that which was applied. Steps whose code, arguments, inputs and libraries are what they were are not run again. A
    run that was cut off goes on where it came to, and one that another process is at work on is followed. New data of
    the datasets that it reads is taken in first, where they were applied. Ctrl-C ends it; what is done stays.

    For example:
      argosy run nightly
      argosy run nightly --set depth=8 --set flights=flights@12
      argosy run nightly --dry-run              (what would run and why, and what is cached)
      argosy run nightly --project pipelines.py --json
      argosy run nightly --shard 2/4

    Parameters
    ----------
    pipeline
        The pipeline.
    set
        A parameter, as NAME=VALUE; again for each. Lists and dicts as JSON, a dataset as NAME or NAME@NUMBER.
    project
        The module, the directory of one, or a package.
    dry_run
        Show what would run, and run nothing.
    shard
        I/N: one of N processes that share a home and begin this at once, the Ith. Each begins with its part of the
        elements of every map, takes over what no other has begun, and ends with the result.
    """
    given = common or Worked()
    parameters, part = parse(set), parse_shard(shard)
    quietly()
    module = here(project, pipeline, given.home)
    with (
        home.open(given.home, module, create=module is not None) as store,
        House(store, actor=home.actor(), environment=given.environment()) as house,
    ):
        found = declared(house, module, pipeline)
        take_in(house, found)
        made = running.setting(house, found, parameters)
        if dry_run:
            return _foretell(store, found, made, json=given.json)
        asked = running.request(house, found, parameters, f"asked for by {house.actor}", shard=part)
        where = home.option(given.home, module)
        return complete(house, found, running.begun(house, asked, made), made, home=where, json=given.json)


def parse(given: Sequence[str]) -> dict[str, str]:
    """Parameters written as NAME=VALUE. Raises UsageError for one that is not, and for a name that comes twice."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {each} gives no parameter a value", next="write --set NAME=VALUE")
        if name in found:
            raise UsageError(f"parameter {name} is set twice", next="leave one out")
        found[name] = value
    return found


def parse_shard(given: str | None) -> Shard | None:
    """`2/4` as the second of four. Raises UsageError."""
    if given is None:
        return None
    number, _, of = given.partition("/")
    if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise UsageError(f"--shard {given} names no part of a whole", next="write --shard 1/4 to --shard 4/4")
    return Shard(int(number) - 1, int(of))


def complete(
    house: House, found: Code, run: Run, made: Setting, *, before: int = 0, home: str, json: bool
) -> int:  # fmt: skip
    """Bring a run to its end and tell of it: by this process, or by the one that is at work on it.

    `before` is the last ending that it had before that, 0 where it had none; `home` is for what is told: see `Course`.
    """
    course = Course(run, home=home, quiet=json)
    try:
        outcome = _bring(house, found, run, made, before, course)
    except KeyboardInterrupt:
        course.interrupt(_state(house.store, run))
        raise
    with house.store.read() as conn:
        ending = runs.endings(conn, [run.id])[run.id]
    if json:
        show.emit({"run": run.id, "pipeline": run.pipeline, "outcome": outcome, "reason": ending.reason, **ending.body})
    else:
        course.close(ending)
    return 0 if outcome == runs.SUCCEEDED else 1


def _bring(house: House, found: Code, run: Run, made: Setting, before: int, course: Course) -> str:
    told = False
    with Tutor(house.store, home.clock(house.store).now, f"a step of run {run.id}", house.actor) as train:
        options: dict[str, Any] = {"before": before, "train": train, "on_ended": course.ended, "tick": course.tick}
        while (outcome := running.carry_out(house, found, run, made, **options)) is None:
            if not told:
                told = True
                course.follow()
            if (outcome := _ended(house.store, run)) is not None:
                break
            time.sleep(_POLL)
    return outcome


def here(project: str, pipeline: str, given: str | None) -> Path | None:
    """The module of the project here that a command means; None where the default names none.

    It is then a pipeline that was applied: to the home that is `given`, or found from here.
    """
    try:
        return locate(project, pipeline)
    except UnknownError:
        if project != "." or not exists(find(given)):
            raise
        return None


def declared(house: House, module: Path | None, pipeline: str) -> Code:
    """The pipeline that the project here declares, else the one that was applied, which is said.

    Raises UnknownError.
    """
    lacking = UnknownError(
        f"there is no pipeline {pipeline!r}: no module here declares it, and it was not applied",
        next="name the module that declares it with --project FILE",
    )
    if module is not None:
        try:
            return coding.of_files(house, module, pipeline, SystemClock().now())
        except UnknownError as error:
            lacking = error
    try:
        found = coding.of_store(house, pipeline)
    except UnknownError:
        raise lacking from None
    with house.store.read() as conn:
        (*_, last) = applications.of(conn, [found.bundle])[found.bundle]
    where = f"{module.name} declares no {pipeline}" if module is not None else f"no module here declares {pipeline}"
    show.say(f"the code that was applied on {show.text(last.at)} (project {last.project}); {where}")
    return found


def take_in(house: House, found: Code) -> None:
    """Take in new data, where the pipeline reads datasets."""
    if any(each.kind == "dataset" for each in found.pipeline.parameters):
        from argosy.controller.loop import tick  # a quarter of a second, which a run that reads no dataset is spared

        for done in tick(house, home.clock(house.store).now(), only=(Ingest,)):
            show.say(f"  {done.said}")


def _ended(store: Store, run: Run) -> str | None:
    state = _state(store, run)
    return None if state in (runs.RUNNING, runs.INTERRUPTED) else state


def _state(store: Store, run: Run) -> str:
    with store.read() as conn:
        return runs.states(conn, [run.id], SystemClock().now())[run.id]


def _foretell(store: Store, found: Code, made: Setting, *, json: bool) -> int:
    with store.read() as conn:
        before = last(conn, found.pipeline.name)
        past = Past(conn, before)
    outlooks = foresee(store, made, past, SystemClock().now(), before.id if before else None)
    if json:
        show.emit({"pipeline": found.pipeline.name, "nodes": outlooks})
        return 0
    show.table(["step", "would", ">calls", ">cached", "why"], [_row(each) for each in outlooks])
    return 0


def _row(each: Outlook) -> list[Any]:
    words = {"run": "run", "cached": "be used again", "skip": "be skipped", "open": "run, or not"}
    return [each.node, words[each.verdict], each.calls, each.cached, "; ".join(each.why)]
