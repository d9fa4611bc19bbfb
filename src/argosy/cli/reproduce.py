"""`argosy reproduce`: a run or a version once more, from what is recorded of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import msgspec
from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.course import cut
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.cli.section import lines
from argosy.controller.reproduce import environment, manual, recipe
from argosy.controller.reproduce.again import Report, again
from argosy.controller.reproduce.compare import Difference
from argosy.controller.reproduce.manual import Manual
from argosy.controller.reproduce.recipe import Recipe
from argosy.errors import UsageError
from argosy.spec.quantity import plural
from argosy.store import Store
from argosy.store.tracking.runs import Run as Tracked

_DIFFERENT, _MOST, _LONGEST, _DIGITS = 3, 30, 60, 12
_KINDS = {"state": "state", "count": "count", "metric": "metric", "artifact": "digest"}


def reproduce(
    target: str, /, *, here: Annotated[bool, Parameter(negative="")] = False, keep: Path | None = None,
    tolerance: float = 0.0, common: Common | None = None,
) -> int:  # fmt: skip
    """Do a run of a pipeline, or the training of a version, once more, and tell what differs from what is recorded.

    An environment of the recorded libraries is built, once for the same ones; in it the recorded code runs on the
    recorded versions of datasets, in a home of its own. Metrics and digests are compared: the exit code is 0 where all
    is the same, else 3. Of a client's run it tells what is recorded, what is missing, and what to do by hand.

    For example:
      argosy reproduce 12
      argosy reproduce late-arrival/JFK/AA@7
      argosy reproduce e31 --here
      argosy reproduce 12 --tolerance 1e-9 --keep again

    Parameters
    ----------
    target
        The number of a pipeline's run, the first digits of a tracked run, or a version as FLEET/KEY@NUMBER.
    here
        Take the environment of this command, and build none.
    keep
        A directory that is not there yet, for the home in which it is done.
    tolerance
        By how much metrics may differ, relative or absolute; the bytes of what has such metrics count then no more.
    """
    given = common or Common()
    if not tolerance >= 0:
        raise UsageError(f"--tolerance {tolerance} is below 0", next="leave it out, or write --tolerance 1e-9")
    if keep is not None and keep.exists():
        raise UsageError(f"--keep {keep} is there already", next="name a directory that is not there")
    quietly()
    with home.look(given.home, tracked=True) as (store, conn):
        found = recipe.find(conn, target)
        told = manual.of(conn, found) if isinstance(found, Tracked) else None
    if told is not None:
        return _leave(told, json=given.json)
    assert not isinstance(found, Tracked)
    with home.open(given.home) as store:
        report = _here(store, found, keep, tolerance) if here else _apart(store, found, target, keep, tolerance)
    if report is None:
        return 1
    if given.json:
        show.emit(report)
    else:
        show.put(*_lines(report))
    return 0 if report.compared.alike else _DIFFERENT


def _here(store: Store, found: Recipe, keep: Path | None, tolerance: float) -> Report:
    with _place(keep) as place:
        report = again(
            store, found, place, variables=os.environ, tolerance=tolerance, actor=home.actor(), tell=show.say
        )
    return msgspec.structs.replace(report, home=str(keep) if keep else "")


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep.resolve()
        return
    with TemporaryDirectory(prefix="argosy-reproduce-") as folder:
        yield Path(folder)


def _apart(store: Store, found: Recipe, target: str, keep: Path | None, tolerance: float) -> Report | None:
    """The same by this command in an environment of its own; None where it failed, which it has told then."""
    place = environment.build(found.libraries, environment.cache(), show.say)
    command = [str(place / "bin" / "argosy"), "reproduce", target, "--here", "--json", f"--tolerance={tolerance}"]
    command += [f"--keep={keep}"] if keep is not None else []
    done = subprocess.run(command, env={**environment.variables(), "ARGOSY_HOME": store.home}, stdout=subprocess.PIPE)
    if done.returncode not in (0, _DIFFERENT):
        return None
    return msgspec.json.decode(done.stdout, type=Report)


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.name}: bundle {report.bundle[:_DIGITS]}, {_read(report)}, Python {report.python}"
    if report.libraries:
        yield f"other libraries than recorded: {report.libraries}"
    found = report.compared
    same = ", ".join(plural(found.same[kind], word) for kind, word in _KINDS.items() if found.same.get(kind))
    verdict = "the same as recorded" if found.alike else "not the same as recorded"
    yield f"{verdict}, in {show.span(report.wall_s)}: {same or 'nothing'} agree"
    counted = [_told(each) for each in found.differences if each.counted]
    yield from lines("differences", counted, _MOST)
    yield from lines("within the tolerance", [_told(each) for each in found.differences if not each.counted], _MOST)
    if report.home:
        yield f"kept in {report.home}"


def _read(report: Report) -> str:
    return ", ".join(f"{name}@{number}" for name, number in report.datasets.items()) or "no dataset"


def _told(each: Difference) -> str:
    name = f" {each.name}" if each.name else ""
    kind = "" if each.kind == "artifact" else f" {each.kind}"
    return f"{each.place}{kind}{name}: {_value(each.before)} -> {_value(each.after)}: {each.why}"


def _value(value: float | str | None) -> str:
    if value is None:
        return "none"
    return value[:_DIGITS] if isinstance(value, str) else f"{value:.12g}"


def _leave(told: Manual, *, json: bool) -> int:
    """Tell what there is to be done by hand: nothing was reproduced."""
    if json:
        show.emit(told)
        return 1
    show.say(f"argosy: run {told.run} was logged by a client, which ran its code itself")
    known = [f"{what}: {cut(value, _LONGEST)}" for what, value in told.recorded.items()]
    known += [f"parameter {name}: {cut(value, _LONGEST)}" for name, value in told.parameters.items()]
    known += [f"dataset: {each}" for each in told.datasets]
    for title, found in (("recorded", known), ("not recorded", told.missing), ("by hand", told.commands)):
        show.put(*lines(title, found, _MOST))
    return 1
