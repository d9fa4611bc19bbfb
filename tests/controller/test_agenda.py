"""Which runs are to be started: from what is known and the time alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from argosy.controller.action import Start
from argosy.controller.agenda import agenda, ahead, due
from argosy.controller.almanac import Entry
from argosy.spec import trigger
from argosy.spec.pipeline import Parameter, Pipeline
from argosy.spec.schedule import Cron
from argosy.spec.trigger import Trigger
from argosy.store.events import Newest
from argosy.store.pauses import Pause

START = datetime(2013, 1, 1, tzinfo=UTC)
SPAN = Parameter(name="span", kind="span", required=True)
DAILY = Cron("0 6 * * *")


def at(day: int, hour: int = 7, minute: int = 0) -> datetime:
    """A time of January 2013."""
    return datetime(2013, 1, day, hour, minute, tzinfo=UTC)


def entry(*, span: bool = False, on: Any = (), schedule: Cron | None = DAILY, catch_up: Any = "last",
          concurrency: Any = "forbid", **known: Any) -> Entry:  # fmt: skip
    pipeline = Pipeline(
        name="nightly", function="m:f", parameters=(SPAN,) if span else (), schedule=schedule, on=trigger.of(on) if on
        else (), catch_up=catch_up, concurrency=concurrency,
    )  # fmt: skip
    return Entry(pipeline=pipeline, **{"since": START, **known})


def fail(name: str, error: Exception) -> None:
    """None is to fail."""
    raise error


def happened(each: Trigger, id: int, run: int | None = None) -> dict[str, Any]:
    return {"happened": {each: (Newest(id=id, at=at(2), kind="promoted", subject="late/JFK"), run)}}


@pytest.mark.parametrize(
    ("catch_up", "last", "now", "expected"),
    [
        ("last", None, at(1, 5), None),
        ("last", None, at(1, 6), at(1, 6)),
        ("last", None, at(9), at(9, 6)),
        ("last", at(9, 6), at(9), None),
        ("all", None, at(9), at(1, 6)),
        ("all", at(4, 6), at(9), at(5, 6)),
        ("none", None, at(9), None),
        ("none", None, at(9, 6, 5), at(9, 6)),
        ("none", at(9, 6), at(9, 6, 5), None),
        ("none", None, at(9, 6, 10), at(9, 6)),
    ],
)
def test_a_time_that_came_gets_its_run(
    catch_up: str, last: datetime | None, now: datetime, expected: datetime | None
) -> None:
    found = due(entry(catch_up=catch_up, last=last), now)
    assert (found and found.due_at) == expected
    assert found is None or (found.why, found.span) == ("schedule: 0 6 * * *", None)


def test_a_run_under_way_holds_up_is_replaced_or_neither() -> None:
    assert due(entry(under_way=(7,)), at(9)) is None
    allowed = due(entry(under_way=(7,), concurrency="allow", catch_up="all"), at(9))
    assert allowed is not None and (allowed.due_at, allowed.replaces) == (at(1, 6), ())
    replacing = due(entry(under_way=(7,), concurrency="replace", catch_up="all"), at(9))
    assert replacing is not None and (replacing.due_at, replacing.replaces) == (at(9, 6), (7,))


def test_a_pause_holds_up_all_and_what_was_missed_meanwhile_is_made_up_for_as_declared() -> None:
    def pause(paused: bool) -> Pause:
        return Pause(id=1, pipeline="nightly", paused=paused, at=at(5), actor="ann")

    for catch_up in ("none", "last", "all"):
        assert due(entry(catch_up=catch_up, pause=pause(True)), at(9, 6)) is None
    assert due(entry(catch_up="none", pause=pause(False)), at(5, 7)) is None
    resumed = due(entry(catch_up="all", pause=pause(False), last=at(2, 6)), at(9))
    assert resumed is not None and resumed.due_at == at(3, 6)


def test_something_newer_than_the_last_run_starts_one() -> None:
    new = entry(schedule=None, on=trigger.new_version("flights"), versions={"flights": 12})
    found = due(new, at(9))
    assert found == Start("nightly", "new version flights@12")
    assert due(entry(schedule=None, on=trigger.new_version("flights"), versions={"flights": 12},
                     read={"flights": 12}), at(9)) is None  # fmt: skip
    promoted, after = trigger.event("promoted", "late"), trigger.after("ingest")
    assert due(entry(schedule=None, on=promoted, began=5, **happened(promoted, 5)), at(9)) is None
    told = due(entry(schedule=None, on=promoted, began=5, **happened(promoted, 6)), at(9))
    assert told is not None and told.why == "event promoted of late/JFK"
    told = due(entry(schedule=None, on=after, began=5, **happened(after, 6, 12)), at(9))
    assert told is not None and told.why == "after ingest run 12"


def test_before_the_first_run_only_what_happened_since_it_was_declared_counts() -> None:
    promoted = trigger.event("promoted")
    assert due(entry(schedule=None, on=promoted, since=at(3), **happened(promoted, 6)), at(9)) is None
    assert due(entry(schedule=None, on=promoted, since=at(1), **happened(promoted, 6)), at(9)) is not None


def test_a_span_is_that_of_the_schedule_or_what_passed_since_the_last_one() -> None:
    found = due(entry(span=True, catch_up="all", last=at(3, 6)), at(9))
    assert found is not None and found.span == "2013-01-03T06:00Z/2013-01-04T06:00Z"
    flights = trigger.new_version("flights")
    given: dict[str, Any] = {"span": True, "schedule": None, "on": flights, "versions": {"flights": 1}}
    found = due(entry(**given), at(9))
    assert found is not None and found.span == "2013-01-01/2013-01-09T07:00Z"
    found = due(entry(stop=at(8), **given), at(9))
    assert found is not None and found.span == "2013-01-08T07:00Z/2013-01-09T07:00Z"
    assert due(entry(stop=at(9), **given), at(9)) is None


def test_what_was_due_first_comes_first() -> None:
    one, other = entry(last=at(8, 6)), entry(schedule=Cron("30 5 * * *"))
    assert [each.due_at for each in agenda([one, other], at(9), fail)] == [at(9, 5, 30), at(9, 6)]


def test_what_is_not_due_waits_for_its_time_or_says_for_what() -> None:
    wait = ahead(entry(span=True), at(9))
    assert wait is not None and wait.until == at(10, 6)
    assert wait.why == "starts for 2013-01-09T06:00Z/2013-01-10T06:00Z at 06:00 every day (UTC)"
    wait = ahead(entry(under_way=(7,)), at(9))
    assert wait is not None and wait.why == "run 7 has not ended"
    wait = ahead(entry(schedule=None, on=trigger.after("ingest")), at(9))
    assert wait is not None and (wait.why, wait.until) == ("after pipeline ingest", None)
    assert ahead(entry(schedule=None), at(9)) is None


def test_a_thousand_pipelines_with_nothing_due_cost_next_to_nothing() -> None:
    import time

    many = [entry(last=at(9, 6), schedule=Cron(f"{n % 60} 6 * * *")) for n in range(1000)]
    agenda(many, at(9, 5), fail)
    began = time.process_time()
    for minute in range(5):
        assert agenda(many, at(9, 5) + timedelta(minutes=minute), fail) == []
    assert (time.process_time() - began) / 5 < 0.05


def test_a_pipeline_of_which_it_cannot_be_said_is_told_and_the_others_go_on() -> None:
    last = entry(schedule=Cron("0 6 29 2 *"), since=datetime(9999, 1, 1, tzinfo=UTC))
    told = []
    found = agenda([last, entry()], at(9), lambda name, error: told.append((name, type(error))))
    assert [each.due_at for each in found] == [at(9, 6)]
    assert told == [("nightly", OverflowError)]
