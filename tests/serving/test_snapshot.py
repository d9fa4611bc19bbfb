"""The routing picture follows the facts of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import polars as pl
import pytest

from argosy.model.signature import Feature, Signature
from argosy.serving.routing import Endpoint, Routing
from argosy.serving.snapshot import Source
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView, request_features
from argosy.spec.fleet import Fleet
from argosy.spec.gate import Approval
from argosy.spec.interval import Interval
from argosy.spec.search import Search
from argosy.spec.source import Parquet
from argosy.store import aliases, approvals, declarations, members, rollouts, routes, rules, verdicts, versions
from tests.serving import conftest
from tests.serving.conftest import FLEET, FLIGHTS, NOW, SIGNATURE, Fixture, declared


def picture(source: Source) -> Endpoint:
    found = source()
    assert isinstance(found, Routing)
    return found.endpoints["late-arrival"]


def test_the_picture_holds_what_the_facts_say(fleet: Fixture) -> None:
    endpoint = picture(Source(fleet.store))
    assert (endpoint.task, endpoint.by, endpoint.row_key) == ("binary", ("origin", "carrier"), "flight")
    assert (endpoint.time, endpoint.lead) == ("departure", timedelta(hours=1))
    assert set(endpoint.routes) == {"JFK/AA", "JFK/B6", "LGA/UA"}
    assert endpoint.routes["LGA/UA"].champion is None
    assert endpoint.pooled.champion is not None and endpoint.pooled.champion.address == "late-arrival/*@1"
    [view] = endpoint.views
    assert (view.name, view.entity, view.columns, view.ttl) == (
        "conditions", ("origin",), ("temp", "wind"), timedelta(hours=6),
    )  # fmt: skip
    assert {each.name: each.datatype for each in endpoint.inputs}["departure"] == "TIME"


def test_nothing_new_gives_no_picture_and_a_later_one_is_larger(fleet: Fixture) -> None:
    source = Source(fleet.store)
    first = source()
    assert first is not None and source() is None
    fleet.add_version("JFK/AA", 5, champion=False, share=0.25)
    second = source()
    assert second is not None and second.version > first.version and source() is None
    route = second.endpoints["late-arrival"].routes["JFK/AA"]
    assert route.champion is not None and route.champion.address.endswith("@1")
    assert route.canary is not None and route.canary.address.endswith("@2") and route.share == 0.25


def test_rules_for_callers_are_in_the_picture_until_they_end(fleet: Fixture) -> None:
    old = fleet.add_version("JFK/AA", 5, champion=False)
    source = Source(fleet.store)
    assert picture(source).callers == {}

    def lay(target: str, *, key: str | None = None, version: int | None = None) -> None:
        with fleet.store.write() as tx:
            member = None if key is None else members.ids(tx, FLEET.name, [key])[key]
            who = {"fleet": FLEET.name, "caller": "tests", "at": NOW, "actor": "ann"}
            rules.add(tx, [rules.NewRule(member_id=member, target=target, version_id=version, **who)])

    with fleet.store.read() as conn:
        found = versions.find(conn, FLEET.name, "JFK/AA", 2)
    assert found is not None
    lay("challenger")
    lay("version", key="JFK/AA", version=found.id)
    rules_of = picture(source).callers["tests"]
    assert rules_of[None].target == "challenger" and rules_of[None].version is None
    pinned = rules_of["JFK/AA"].version
    assert pinned is not None and pinned.address == old
    lay("pooled")
    assert picture(source).callers["tests"][None].target == "pooled"
    lay("none")
    assert list(picture(source).callers["tests"]) == ["JFK/AA"]
    lay("none", key="JFK/AA")
    assert picture(source).callers == {}


def test_the_challenger_of_an_ab_test_is_told_from_a_canary(fleet: Fixture) -> None:
    fleet.add_version("JFK/AA", 5, champion=False, share=0.25, kind="ab_test")
    fleet.add_version("JFK/B6", 6, champion=False, share=0.25)
    routed = picture(Source(fleet.store)).routes
    assert (routed["JFK/AA"].tried, routed["JFK/B6"].tried) == ("challenger", "canary")


def test_a_member_pointed_at_the_pooled_model_has_no_champion(fleet: Fixture) -> None:
    with fleet.store.write() as tx:
        [member] = members.ids(tx, FLEET.name, ["JFK/AA"]).values()
        move = aliases.Move(fleet=FLEET.name, member_id=member, alias="champion", target="pooled", at=NOW, actor="test")
        aliases.move(tx, [move])
    assert picture(Source(fleet.store)).routes["JFK/AA"].champion is None


def test_who_waits_for_a_person_is_in_the_picture_until_somebody_spoke(fleet: Fixture) -> None:
    asking = msgspec.structs.replace(FLEET, gates=(Approval("ops"),))
    fleet.add_version("LGA/UA", 7, champion=False)
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(asking)])
    source = Source(fleet.store)
    assert picture(source).waiting == {}
    with fleet.store.write() as tx:
        version = versions.find(tx, FLEET.name, "LGA/UA")
        assert version is not None
        asked = {"version_id": version.id, "gate": "approval by ops", "passed": None, "message": "waits for ops"}
        verdicts.add(tx, [verdicts.NewVerdict(at=NOW, **asked)])
    assert {key: each.told for key, each in picture(source).waiting.items()} == {
        "LGA/UA": "version 1 waits for ops (argosy approve late-arrival/LGA/UA@1)"
    }
    with fleet.store.write() as tx:
        approvals.add(tx, [approvals.NewApproval(version_id=version.id, granted=True, at=NOW, actor="ann")])
    assert picture(source).waiting == {}


def test_versions_trained_before_a_redeclaration_keep_their_features(fleet: Fixture) -> None:
    before = picture(Source(fleet.store))
    narrow = msgspec.structs.replace(FLEET, features=FLEET.features[:2], lead=None)
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(narrow)])
    after = picture(Source(fleet.store))
    assert after.lead == timedelta(0)
    assert after.views == before.views and after.request_features == before.request_features


def test_a_withdrawn_fleet_is_not_served(fleet: Fixture) -> None:
    with fleet.store.write() as tx:
        declarations.add(tx, [msgspec.structs.replace(declared(FLEET), removed=True)])
    found = Source(fleet.store)()
    assert found is not None and found.endpoints == {}


def test_a_fleet_whose_facts_are_damaged_keeps_its_routes_and_holds_up_no_other(fleet: Fixture) -> None:
    source = Source(fleet.store)
    before = picture(source)
    orphan = msgspec.structs.replace(FLEET, name="orphan", spine="nowhere")
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(orphan)])
    found = source()
    assert found is not None and found.endpoints == {FLEET.name: before}

    with fleet.store.write() as tx:
        spine = declarations.history(tx, "dataset", FLEET.spine, limit=1)[0]
        fields = {name: getattr(spine, name) for name in declarations.NewDeclaration.__struct_fields__}
        declarations.add(tx, [declarations.NewDeclaration(**fields | {"removed": True})])
    without = source()
    assert without is not None and without.endpoints == {FLEET.name: before}


def test_a_signature_that_cannot_be_read_costs_no_version_of_another_one(
    fleet: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = picture(Source(fleet.store))
    other = Signature((*SIGNATURE.features[:4], Feature("seats", "number")), "binary", "late")
    monkeypatch.setattr(conftest, "SIGNATURE", other)
    fleet.add_version("JFK/AA", 7)
    fleet.store.blobs.path(other.digest).unlink()
    found = picture(Source(fleet.store))
    assert found.inputs == before.inputs and found.routes.keys() == before.routes.keys()
    fleet.store.blobs.path(SIGNATURE.digest).unlink()
    assert (last := Source(fleet.store)()) is not None and not last.endpoints


@pytest.mark.parametrize("text", ["1", "2", "3", "4"])  # the order of the signatures' digests is none of ours
def test_what_only_a_canary_needs_is_optional_until_it_is_champion(
    fleet: Fixture, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    before = {each.name: each for each in picture(Source(fleet.store)).inputs}
    docks = FeatureView("docks", "weather", ("gate",), "flights:docks")
    cargo = request_features(heavy=pl.col("cargo") > 10)
    new = (
        Feature("distance", "category", (text,)),
        Feature("seats", "number"),
        Feature("heavy", "boolean", origin="request"),
        Feature("free", "number", origin="view:docks"),
        SIGNATURE.features[4],
    )
    monkeypatch.setattr(conftest, "SIGNATURE", Signature(new, "binary", "late"))
    canary = fleet.add_version("JFK/AA", 7, champion=False, share=0.001)
    with fleet.store.write() as tx:
        wider = msgspec.structs.replace(FLEET, features=(*FLEET.features, cargo, docks))
        declarations.add(tx, [declared(docks), declared(wider)])
    during = {each.name: each for each in picture(Source(fleet.store)).inputs}
    assert {name: during[name] for name in before} == before
    added = {name for name in during if name not in before}
    assert added == {"seats", "cargo", "gate", "heavy", "free"} and not any(during[name].required for name in added)

    for key in ("JFK/AA", "JFK/B6", "*"):
        fleet.add_version(key, 8)
    after = {each.name: each for each in picture(Source(fleet.store)).inputs}
    assert all(after[name].required for name in ("seats", "cargo", "gate"))
    assert after["distance"].datatype == "BYTES" and canary.endswith("@2")


def test_what_comes_of_tagged_columns_is_not_to_be_recorded(fleet: Fixture) -> None:
    flights = msgspec.structs.replace(FLIGHTS, tags={"dest": "pii", "departure": "sensitive", "flight": "pii"})
    weather = Dataset("weather", time="observed", source=Parquet("weather.parquet"), tags={"wind": "sensitive"})
    assert picture(Source(fleet.store)).redacted == frozenset()
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(flights), declared(weather)])
    assert picture(Source(fleet.store)).redacted == {"dest", "hour", "wind"}


def test_what_a_view_makes_of_a_tagged_column_is_not_to_be_recorded_whichever_version_takes_it(
    fleet: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(reads: str) -> Signature:
        temp = msgspec.structs.replace(SIGNATURE.features[2], reads=(reads,))
        return Signature((*SIGNATURE.features[:2], temp, *SIGNATURE.features[3:]), "binary", "late")

    weather = Dataset("weather", time="observed", source=Parquet("weather.parquet"), tags={"celsius": "sensitive"})
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(weather)])
    for number, reads in enumerate(("kelvin", "celsius", "kelvin")):
        monkeypatch.setattr(conftest, "SIGNATURE", taken(reads))
        fleet.add_version("JFK/AA" if number < 2 else "JFK/B6", 50 + number, champion=number != 1, share=0.25)
    assert picture(Source(fleet.store)).redacted == {"temp"}


def test_a_picture_that_is_brought_up_to_date_equals_one_that_is_built_anew(fleet: Fixture) -> None:
    source = Source(fleet.store)
    source()
    changes: list[Callable[[], object]] = [
        lambda: fleet.add_version("JFK/AA", 31),
        lambda: fleet.add_version("JFK/B6", 32, champion=False, share=0.25),
        lambda: fleet.add_version("EWR/VX", 33),
        lambda: _end_rollout(fleet, "JFK/B6"),
        lambda: fleet.add_version("*", 34),
        lambda: _declare(fleet, msgspec.structs.replace(FLEET, pooled=False)),
        lambda: _declare(fleet, FLEET),
    ]
    for change in changes:
        change()
        assert picture(source) == picture(Source(fleet.store))


def _end_rollout(fleet: Fixture, key: str) -> None:
    with fleet.store.write() as tx:
        [version] = [route for route in routes.table(tx, FLEET.name) if (route.key, route.role) == (key, "rollout")]
        assert version.version_id is not None
        ended = rollouts.NewRollout(
            fleet=FLEET.name, member_id=version.member_id, version_id=version.version_id, kind="canary",
            state="rejected", share=0.0, at=NOW,
        )  # fmt: skip
        rollouts.record(tx, [ended])


def _declare(fleet: Fixture, declaration: Fleet) -> None:
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(declaration)])


def test_margins_are_those_of_the_interval_that_is_declared(fleet: Fixture) -> None:
    fleet.add_version("JFK/AA", 5, metrics={"margin_90": 2.0, "margin_80": 1.0})
    source = Source(fleet.store)

    def margins(interval: Interval | None) -> tuple[bool, float | None, float | None]:
        wanted = msgspec.structs.replace(FLEET, search=Search(metric="mae"), interval=interval)
        with fleet.store.write() as tx:
            declarations.add(tx, [declared(wanted)])
        found = picture(source)
        own, other = (found.routes[key].champion for key in ("JFK/AA", "JFK/B6"))
        assert own is not None and other is not None
        return found.bounded, own.margin, other.margin

    assert margins(None) == (False, None, None)
    assert margins(Interval(0.9)) == (True, 2.0, None)
    assert margins(Interval(0.8)) == (True, 1.0, None)
    fleet.add_version("JFK/B6", 6, metrics={"margin_80": 3.0})
    found = picture(source).routes["JFK/B6"].champion
    assert found is not None and found.margin == 3.0
    assert margins(Interval(0.95)) == (True, None, None)
