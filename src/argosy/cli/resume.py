"""`argosy resume`: let a paused pipeline start by itself again."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller import pausing


def resume(pipeline: str, /, *, reason: str = "", common: Common | None = None) -> int:
    """Let a paused pipeline start by itself again.

    What becomes of scheduled times that it missed meanwhile is what its `catch_up` says: with "none" they are skipped,
    with "last" the latest gets its run, with "all" each does. What happened meanwhile that it starts upon starts it
    once.

    For example:
      argosy resume nightly

    Parameters
    ----------
    pipeline
        The pipeline.
    reason
        Why; kept with it.
    """
    given = common or Common()
    with home.open(given.home) as store:
        said = pausing.resume(store, pipeline, home.clock(store).now(), home.actor(), reason)
    show.emit({"done": said}) if given.json else show.say(said)
    return 0
