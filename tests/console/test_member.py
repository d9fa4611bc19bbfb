"""The member page tells what was measured of a member, and what is an estimate."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

import argosy as ag
from argosy.console import member
from argosy.console.page import to_html
from argosy.controller import signal
from argosy.spec.rollout import Gradual, kind
from argosy.store import Store, aliases, declarations, members, rollouts, signals, versions
from tests.console import build
from tests.console.trained import train

FLEET = "late-arrival"
BAD = {"feature": "pressure", "check": "null", "value": 0.31, "reference": 0.02, "limit": 0.1, "rows": 400}


def wish(store: Store, key: str, about: str) -> member.Wish:
    with store.read() as conn:
        data = member.read(conn, f"{FLEET}/{key}", build.NOW)
    return next(each for each in data.wishes if each.about == about)


def tell(
    store: Store, key: str, name: str, value: float | None, body: dict[str, object] | None = None,
    at: datetime = build.NOW - timedelta(hours=1),
) -> None:  # fmt: skip
    with store.write() as tx:
        id = members.ids(tx, FLEET, [key])[key]
        signals.record(tx, [signals.NewSignal(fleet=FLEET, member_id=id, name=name, value=value, at=at, body=body)])


def test_bad_values_are_told_with_their_share(tmp_path: Path) -> None:
    with build.home(tmp_path) as store:
        assert wish(store, "EWR/UA", "data quality").true == "not measured yet"
        tell(store, "EWR/UA", signal.QUALITY, 0.0, BAD)
        assert wish(store, "EWR/UA", "data quality").true == "as in training"
        tell(store, "EWR/UA", signal.QUALITY, 2.9, BAD)
        found = wish(store, "EWR/UA", "data quality")
        assert (found.true, found.holds) == ("pressure is null in 31 % of rows, 2 % before", False)


def test_what_is_wanted_says_since_when_it_is_so(tmp_path: Path) -> None:
    with build.home(tmp_path) as store:
        with store.read() as conn:
            moved = aliases.history(conn, members.ids(conn, FLEET, ["EWR/UA"])["EWR/UA"], aliases.CHAMPION)[0]
        assert wish(store, "EWR/UA", "answers").since == moved.at
        days = {day: build.NOW - timedelta(days=day) for day in (5, 4, 3, 2, 1)}
        for day, value in zip(days, (1.4, 0.3, 1.2, 1.1, 2.0), strict=True):
            tell(store, "EWR/UA", signal.QUALITY, value, BAD, at=days[day])
        assert wish(store, "EWR/UA", "data quality").since == days[3]
        tell(store, "EWR/UA", signal.QUALITY, 0.9, BAD)
        found = wish(store, "EWR/UA", "data quality")
        assert (found.holds, found.since) == (True, build.NOW - timedelta(hours=1))
        with store.read() as conn:
            html = to_html(member.page(conn, f"{FLEET}/EWR/UA", build.NOW))
        at = build.NOW - timedelta(hours=1)
        told = f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}" title="{at:%Y-%m-%d %H:%M:%S} UTC">{at:%Y-%m-%d}</time>'
        assert f'before <span class="since">since {told}</span>' in html


def test_an_estimate_stands_beside_the_score_and_is_called_one(tmp_path: Path) -> None:
    with build.home(tmp_path) as store:
        with store.read() as conn:
            before = member.page(conn, f"{FLEET}/EWR/UA", build.NOW)
        assert "k-estimate" not in to_html(before)
        tell(store, "EWR/UA", signal.ESTIMATE, 0.4321, {"rows": 900, "waiting": 250})
        with store.read() as conn:
            after = member.page(conn, f"{FLEET}/EWR/UA", build.NOW)
        said = wish(store, "EWR/UA", "live log_loss").true
        assert said.endswith("; estimated 0.432 with 250 rows that have no label yet")
        assert "an estimate: rows without a label" in to_html(after)


def test_versions_that_are_left_out_are_counted(tmp_path: Path) -> None:
    with build.home(tmp_path) as store:
        with store.read() as conn:
            few = member.page(conn, f"{FLEET}/EWR/UA", build.NOW)
        assert few.data.count == len(few.data.versions) and "argosy get versions" not in to_html(few)
        with store.write() as tx:
            ids = members.ids(tx, FLEET, ["EWR/UA"])
            for day in range(14):
                at = build.NOW - timedelta(days=14 - day)
                train(store, tx, build.fleet(), ids, at, random.Random(day), {"EWR/UA": "serving"})
        with store.read() as conn:
            many = member.page(conn, f"{FLEET}/EWR/UA", build.NOW)
        shown, count = len(many.data.versions), many.data.count
        assert count == few.data.count + 14 > shown
        said = f"the latest {shown} of {count}; all: <code>argosy get versions --where address:{FLEET}/EWR/UA</code>"
        assert said in to_html(many)


@pytest.mark.parametrize(
    ("rollout", "wanted", "next"),
    [
        (ag.Canary(steps=[0.05, 0.2], bake="2d"), "canary on 5%, 20% for 2d each",
         "The canary is widened to 20% of the rows unless it does worse than the champion."),
        (ag.Shadow(bake="1d"), "shadow of 100% for 1d",
         "The shadow is promoted unless it does worse than the champion."),
        (ag.ABTest(longest="9d"), "A/B test on 50% for 9d at most",
         "The champion stays, unless the losses of the A/B test have decided before."),
    ],
)  # fmt: skip
def test_every_kind_of_rollout_is_told_as_what_it_is(tmp_path: Path, rollout: Gradual, wanted: str, next: str) -> None:
    began = build.NOW - timedelta(hours=2)
    with build.home(tmp_path) as store:
        with store.write() as tx:
            known = declarations.get(tx, "fleet", FLEET)
            version = versions.find(tx, FLEET, "EWR/UA")
            assert known is not None and version is not None
            body = known.body | {"rollout": msgspec.to_builtins(rollout)}
            given = {"fingerprint": "anew", "body": body, "at": began, "actor": "ann", "bundle": known.bundle}
            declarations.add(tx, [declarations.NewDeclaration(kind="fleet", name=FLEET, **given)])
            who = {"fleet": FLEET, "member_id": version.member_id, "version_id": version.id, "at": began}
            started = rollouts.NewRollout(kind=kind(rollout), state="started", share=rollout.share, **who)
            rollouts.record(tx, [started])
        with store.read() as conn:
            data = member.read(conn, f"{FLEET}/EWR/UA", build.NOW)
    told = next_of(data)
    found = {each.about: each for each in data.wishes}["rollout"]
    assert found.wanted == wanted and found.true.startswith(f"under way on {rollout.share:.0%} since ")
    assert told[next] == began + rollout.deadlines[0]
    assert any(each.kind == "canary" and each.at == began for each in data.happenings)


def next_of(data: member.MemberPage) -> dict[str, datetime | None]:
    """What is to come, and when."""
    return {each.words: each.at for each in data.ahead}
