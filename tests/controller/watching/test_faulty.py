"""Bad values of members: what rose over training, where it matters to the model."""

from __future__ import annotations

import polars as pl

import argosy as ag
from argosy.controller import signal
from argosy.controller.watching.faulty import measure, worst
from tests.monitoring.fleet import MEMBERS, bins, rows, windows

IMPORTANCE = pl.DataFrame(
    [(member, feature, 0.5) for member in MEMBERS[:3] for feature in ("temp", "plane")],
    schema=["member", "feature", "importance"],
    orient="row",
)


def measured(live: pl.DataFrame, *monitors: ag.Quality) -> dict[str, dict[str, object]]:
    frame = rows(70)
    on = bins(frame)
    before, now = windows(frame, on), windows(live, on)
    return worst([measure(each, before, now, on, IMPORTANCE)[0] for each in monitors or (ag.Quality(limit=0.2),)])


def test_the_worst_check_of_each_member_is_told_with_its_evidence() -> None:
    code = pl.col("code")
    live = rows(71).with_columns(
        temp=pl.when(code == 0).then(1048.0).otherwise("temp"),
        plane=pl.when(code == 1).then(pl.lit("A380")).otherwise("plane"),
        rain=pl.when(code >= 2).then(None).otherwise("rain"),
    )
    found = measured(live)
    assert found[MEMBERS[0]][signal.QUALITY] == 5.0
    assert found[MEMBERS[0]]["body"]["feature"] == "temp"  # type: ignore[index]
    body = found[MEMBERS[1]]["body"]
    assert isinstance(body, dict) and (body["feature"], body["check"], body["value"]) == ("plane", "unseen", 1.0)
    assert found[MEMBERS[2]][signal.QUALITY] == 0.0  # it does not look at the rain
    assert found[MEMBERS[3]][signal.QUALITY] == 5.0  # nobody knows what this one looks at


def test_what_chance_explains_is_no_fault() -> None:
    assert {each[signal.QUALITY] for each in measured(rows(72)).values()} == {0.0}


def test_few_rows_say_nothing_and_the_strictest_monitor_speaks() -> None:
    few = rows(73, 200).with_columns(temp=pl.lit(1048.0))
    assert measured(few, ag.Quality(minimum_rows=500)) == {}
    found = measured(few, ag.Quality(limit=1), ag.Quality(limit=0.5, minimum_rows=10))
    assert {each[signal.QUALITY] for each in found.values()} == {2.0}
