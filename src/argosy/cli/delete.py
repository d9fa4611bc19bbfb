"""`argosy delete`: what clients keep goes into the trash."""

from __future__ import annotations

import shlex

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller import disposal
from argosy.store.tracking.changes import Hand


def delete(kind: str, name: str, /, *, reason: str = "", common: Common | None = None) -> int:
    """Put an experiment with its runs, a tracked run, a model with its versions or one of them into the trash.

    Its name is free then. `argosy restore` takes it out again.

    For example:
      argosy delete run 3f2a91c0
      argosy delete experiment trials --reason "the data was wrong"
      argosy delete model late
      argosy delete version late/3

    Parameters
    ----------
    kind
        What it is: experiment, run, model (a registered one), version (of one) or logged (a logged model).
    name
        Its name; of a run the first digits are enough, a version is named as late/3.
    reason
        Why; kept with its history.
    """
    given = common or Common()
    with home.open(given.home) as store, store.write() as tx:
        done = disposal.delete(tx, kind, name, Hand(home.actor(), home.clock(store).now()), reason)
    if given.json:
        show.emit(done._asdict())
    else:
        show.say(done.said, f"  next: argosy restore {done.kind} {shlex.quote(done.name)}, to undo it")
    return 0
