"""`argosy pause`: let a pipeline start no runs by itself."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller import pausing


def pause(pipeline: str, /, *, reason: str = "", common: Common | None = None) -> int:
    """Let a pipeline start no runs by itself, until it is resumed. Runs that have begun go on.

    For example:
      argosy pause nightly --reason "the source is being moved"
      argosy get events --where "kind:pipeline.paused"        (who paused what, and why)

    Parameters
    ----------
    pipeline
        The pipeline.
    reason
        Why; kept with it.
    """
    given = common or Common()
    with home.open(given.home) as store:
        said = pausing.pause(store, pipeline, home.clock(store).now(), home.actor(), reason)
    show.emit({"done": said}) if given.json else show.say(said)
    return 0
