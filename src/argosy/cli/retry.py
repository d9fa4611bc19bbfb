"""`argosy retry`: a run goes on."""

from __future__ import annotations

import os

from argosy.cli import home
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.cli.run import complete
from argosy.controller import code as coding
from argosy.controller import course, running, tenure
from argosy.controller.clock import SystemClock
from argosy.controller.house import House
from argosy.errors import ConflictError
from argosy.store import Store, runs
from argosy.store.runs import Run


def retry(id: int, /, *, common: Common | None = None) -> int:
    """Go on with a run that failed, was cancelled or was cut off, under its id.

    It has the code, the parameters and the versions of datasets that it had. What it did is not done again; what failed
    is, and what never came to run. With code that was corrected, run the pipeline again instead: that is a new run,
    which uses what this one did as far as it is the same.

    For example:
      argosy retry 12
      argosy retry 12 --json

    Parameters
    ----------
    id
        The run.
    """
    given = common or Common()
    quietly()
    with home.open(given.home) as store:
        where = home.option(given.home)
        run, before = _open(store, id, where)
        with House(store, actor=home.actor(), environment=os.environ) as house:
            found = coding.of_run(house, run)
            made = running.setting(house, found, run.parameters, pinned=run.inputs)
            return complete(house, found, run, made, before=before, home=where, json=given.json)


def _open(store: Store, id: int, where: str) -> tuple[Run, int]:
    """The run, if there is something to go on with, and the last ending that it had, 0 where it had none."""
    with store.read() as conn:
        run = course.find(conn, id)
        ending = runs.endings(conn, [id]).get(id)
        state = runs.states(conn, [id], SystemClock().now())[id]
    with tenure.hold(store, run.lease) as lease:  # the lease of a process that was killed here counts no more
        if lease is None:
            raise ConflictError(
                f"run {id} of {run.pipeline} is at work",
                next=f"argosy logs {id} --follow{where}, or argosy cancel {id}{where}",
            )
    if state == runs.SUCCEEDED:
        raise ConflictError(
            f"run {id} of {run.pipeline} succeeded: it has nothing to try again", next=f"argosy run {run.pipeline}"
        )
    return run, ending.id if ending is not None else 0
