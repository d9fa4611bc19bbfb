"""`argosy backfill`: a pipeline over a range of time."""

from __future__ import annotations

import os
from collections import Counter
from typing import Annotated

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.cli.run import complete, declared, here, parse, take_in
from argosy.controller import running
from argosy.controller.clock import SystemClock
from argosy.controller.code import Code
from argosy.controller.house import House
from argosy.pipelines.foresee import foresee
from argosy.pipelines.past import Past, last
from argosy.pipelines.setting import Setting
from argosy.spec.partition import Range
from argosy.spec.quantity import plural
from argosy.store import Store


def backfill(
    pipeline: str, /, *, from_: str, to: str, by: str, zone: str = "UTC",
    set: Annotated[tuple[str, ...], Parameter(negative="")] = (), project: str = ".",
    dry_run: Annotated[bool, Parameter(negative="")] = False, common: Common | None = None,
) -> int:  # fmt: skip
    """Run a pipeline over a range of time that is cut into spans, in one run.

    The pipeline takes an ag.Span. It is put together once for each span; what was done before is used again, and where
    one span fails, the others go on. A run that was cut off goes on where it came to, and `argosy retry` tries again
    what failed. The code is found as `argosy run` finds it.

    For example:
      argosy backfill nightly --from 2013-01-01 --to 2013-12-31 --by month
      argosy backfill nightly --from 2013-01-01 --to 2013-01-31 --by day --zone Europe/Berlin --set depth=8
      argosy backfill nightly --from 2013-01-01T06:00Z --to 2013-01-02T06:00Z --by 6h --dry-run

    Parameters
    ----------
    pipeline
        The pipeline.
    from_
        Where the range begins: a day, or a time.
    to
        Where it ends: a day, which is in it, or a time, which is not.
    by
        What it is cut into: hour, day, week, month, quarter, year, or a duration such as 6h. At most 10,000 spans.
    zone
        On whose clocks days and hours begin.
    set
        A parameter, as NAME=VALUE; again for each.
    project
        The module, the directory of one, or a package.
    dry_run
        Show what would run, and run nothing.
    """
    given = common or Common()
    quietly()
    module = here(project, pipeline, given.home)
    with (
        home.open(given.home, module, create=module is not None) as store,
        House(store, actor=home.actor(), environment=os.environ) as house,
    ):
        found = declared(house, module, pipeline)
        range = Range(start=from_, stop=to, by=by, zone=zone)
        parameters = found.pipeline.filling(range, parse(set))
        take_in(house, found)
        made = running.setting(house, found, parameters)
        if dry_run:
            return _foretell(store, found, made, json=given.json)
        cause = f"backfill, asked for by {house.actor}"
        asked = running.request(house, found, parameters, cause)
        show.say(f"{plural(len(range.spans()), 'span')} of {pipeline} from {range.start} to {range.stop} by {range.by}")
        where = home.option(given.home, module)
        return complete(house, found, running.begun(house, asked, made), made, home=where, json=given.json)


def _foretell(store: Store, found: Code, made: Setting, *, json: bool) -> int:
    """A line for each span: how many of its steps would run, or be used again, or hang on others."""
    with store.read() as conn:
        before = last(conn, found.pipeline.name)
        past = Past(conn, before)
    outlooks = foresee(store, made, past, SystemClock().now(), before.id if before else None)
    counts: dict[str, Counter[str]] = {}
    for each in outlooks:
        counts.setdefault(each.node.partition("/")[0], Counter())[each.verdict] += 1
    if json:
        show.emit({"pipeline": found.pipeline.name, "spans": counts})
        return 0
    words = {"run": "run", "cached": "be used again", "skip": "be skipped", "open": "run, or not"}
    rows = [
        [span, ", ".join(f"{n} {words[verdict]}" for verdict, n in count.items())] for span, count in counts.items()
    ]
    show.table(["span from", "steps that would"], rows)
    return 0
