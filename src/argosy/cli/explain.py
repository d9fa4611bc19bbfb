"""`argosy explain`: how much each feature moved the answer to a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.cli.role import Readers
from argosy.controller.house import Places
from argosy.controller.prediction import Prediction, read
from argosy.errors import UsageError
from argosy.serving.batch import Answer
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.check import decision
from argosy.serving.door import records
from argosy.serving.routing import Routing
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from argosy.spec.quantity import plural
from argosy.store import Store

_SHOWN = 10


def explain(fleet: str, /, *, row: str | None = None, file: Path | None = None, common: Common | None = None) -> int:
    """Show how much each feature moved the answer to a row: one that was answered and recorded, or rows of a file.

    The contributions sum, with the base value, to the raw score of the version that answered: to the log-odds of a
    probability, to the value of a regression, or to its logarithm where the model was trained so.

    For example:
      argosy explain late-arrival --row UA1545-2013-04-01
      argosy explain late-arrival --file rows.json
      argosy explain late-arrival --file rows.json --json | jq .[0].contributions

    Parameters
    ----------
    fleet
        The fleet.
    row
        The key of a recorded row, or the id of a request, whose first row is meant.
    file
        At most 1,000 rows as JSON: a list of objects, answered by whoever serves now. Nothing is recorded as served.
    """
    given = common or Common()
    if (row is None) == (file is None):
        raise UsageError("give one of --row and --file", next=f"argosy explain {fleet} --file rows.json")
    with home.open(given.home) as store:
        if row is not None:
            with store.read() as conn:
                return _recorded(read(conn, store, fleet, row), json=given.json)
        assert file is not None
        if not file.exists():
            raise UsageError(f"there is no file {file}", next="check --file")
        return _rows(_answered(store, fleet, file), json=given.json)


def _recorded(found: Prediction, *, json: bool) -> int:
    if json:
        show.emit(found)
        return 0
    why = found.explained
    answered = "failed on" if found.prediction is None else f"answered {show.text(found.prediction)} for"
    title = f"{found.version} {answered} row {found.row} at {found.at:%Y-%m-%d %H:%M} UTC"
    if why.reason:
        show.say(title, f"no contributions: {why.reason}")
        return 0
    lines = [(each.feature, each.value, each.contribution) for each in why.moved]
    _table(title, lines, why.base, why.score, why.space)
    return 0


def _answered(store: Store, fleet: str, file: Path) -> Answer:
    """The answers to the rows of a file: as of their event times minus the fleet's lead where they have any, or now."""
    now = home.clock(store).now()
    endpoint = (Source(store)() or Routing(0, {})).endpoint(fleet)
    batch = records.parse(file.read_bytes(), endpoint)
    if batch.at is None and endpoint.time in batch.columns:
        batch.at = decision(endpoint, batch.columns, "event", batch.count)
    batch.explain = True
    scorer = Scorer(
        ModelCache(blob_loader(store.blobs)), lambda: now, Readers(str(Places.of(store).root))(store.home)
    )  # fmt: skip
    return scorer.answer(scorer.plan(batch))


def _rows(answer: Answer, *, json: bool) -> int:
    why = answer.explanation
    assert why is not None
    answered = list(zip(answer.predictions, answer.versions, answer.routes, strict=True))
    if json:
        pairs = zip(answered, why.told(), strict=True)
        show.emit([{"prediction": p, "version": v, "route": r} | told for (p, v, r), told in pairs])
        return 0
    for place, (prediction, version, _) in enumerate(answered[:_SHOWN]):
        lines = [
            (name, values[place], contribution)
            for (name, values), contribution in zip(why.values.items(), why.contributions[place].tolist(), strict=True)
        ]
        lines.sort(key=lambda line: -abs(line[2]))
        base = why.base[place]
        title = f"{version} answers {show.text(prediction)} for row {place}"
        _table(title, lines, base, base + sum(line[2] for line in lines), why.space[place])
    if len(answered) > _SHOWN:
        show.say(f"the first {_SHOWN} of {plural(len(answered), 'row')}; --json has all of them")
    return 0


def _table(
    title: str, lines: Sequence[tuple[str, Any, float]], base: float | None, score: float | None, space: str | None
) -> None:
    ends = [("(base)", None, base), (f"(score: {space})", None, score)]
    show.put(title)
    show.table(["feature", "value", ">contribution"], [*lines, *ends], counts=())
