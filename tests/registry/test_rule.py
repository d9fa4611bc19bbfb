"""Rules for callers: laid, replaced and ended; refused where what they name is not there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

import argosy as ag
from argosy.errors import ArgosyError, ConflictError
from argosy.registry import rule
from argosy.registry.address import parse
from argosy.spec import document
from argosy.spec.estimator import Estimator
from argosy.store import declarations, events, rules, tokens
from argosy.store.store import Store
from argosy.testing import sample

NOW = sample.moment(1000)
TODAY = NOW + timedelta(days=4000)


@pytest.fixture
def fleet(store: Store) -> Store:
    """A fleet by carrier with two versions of AA, one without a key, and tokens of each role."""
    forms: dict[str, Any] = {"late": {"by": ["carrier"]}, "lone": {}}
    with store.write() as tx:
        for name, form in forms.items():
            declared = ag.Fleet(
                name, spine="flights", label="late", features=["distance"], pooled=name == "late",
                candidates=[Estimator("lightgbm.sklearn:LGBMClassifier")], **form,
            )  # fmt: skip
            body = msgspec.json.decode(document.encode(declared))
            mark = document.fingerprint(declared)
            new = declarations.NewDeclaration(kind="fleet", name=name, fingerprint=mark, body=body, at=NOW, actor="ann")
            declarations.add(tx, [new])
        for hours in (1, 2):
            sample.train(tx, "late", ["AA", "*"], hours=hours)
            sample.train(tx, "lone", [""], hours=hours)
        ends = {"gone": TODAY - timedelta(days=1), "shop": None, "eyes": None}
        for name, at in ends.items():
            role = "viewer" if name == "eyes" else "caller"
            tokens.add(tx, tokens.Token(digest=name, name=name, role=role, at=NOW, expires_at=at))
    return store


def lay(store: Store, address: str, to: rule.Target | None = None, caller: str = "shop") -> str:
    return rule.lay(store, parse(address), caller, to, "ann", "a trial", NOW, today=TODAY)


def known(store: Store, fleet: str = "late") -> list[tuple[Any, ...]]:
    with store.read() as conn:
        return [(each.key, each.caller, each.target, each.number) for each in rules.current(conn, fleet)]


def test_a_rule_stays_until_another_takes_its_place_or_it_ends(fleet: Store) -> None:
    assert lay(fleet, "late", "challenger") == "the version under trial answers shop's rows of late now"
    assert lay(fleet, "late/AA@1") == "version 1 of late/AA answers shop's rows of late/AA now"
    assert known(fleet) == [(None, "shop", "challenger", None), ("AA", "shop", "version", 1)]
    lay(fleet, "late", "pooled")
    assert known(fleet) == [("AA", "shop", "version", 1), (None, "shop", "pooled", None)]
    said = rule.end(fleet, parse("late/AA"), "shop", "ann", "", NOW)
    assert said == "shop's rows of late/AA are answered as those of others now"
    assert known(fleet) == [(None, "shop", "pooled", None)]
    with fleet.read() as conn:
        told = [(each.kind, each.subject, each.message) for each in events.since(conn, 0)]
    assert told[0] == ("routed", "late", "the version under trial answers shop's rows of late now: a trial")
    assert [subject for _, subject, _ in told] == ["late", "late/AA", "late", "late/AA"]


def test_a_version_of_the_pooled_model_answers_for_the_whole_fleet(fleet: Store) -> None:
    assert lay(fleet, "late/*@2") == "version 2 of late/* answers shop's rows of late now"
    assert known(fleet) == [(None, "shop", "version", 2)]
    rule.end(fleet, parse("late"), "shop", "ann", "", NOW)
    assert known(fleet) == []


def test_a_fleet_without_a_key_is_its_own_member(fleet: Store) -> None:
    lay(fleet, "lone@1")
    lay(fleet, "lone", "champion")
    assert known(fleet, "lone") == [("", "shop", "champion", None)]


@pytest.mark.parametrize(
    ("address", "to", "caller", "why"),
    [
        ("nowhere", "champion", "shop", "there is no fleet 'nowhere'"),
        ("late/ZZ", "champion", "shop", "there is no member late/ZZ"),
        ("late/AA@9", None, "shop", "there is no version late/AA@9"),
        ("late@1", None, "shop", "there is no member late"),
        ("late/*", "champion", "shop", r"late/\* is no member that anybody asks for"),
        ("late/AA", None, "shop", "neither a version nor --to is named"),
        ("late/AA@1", "champion", "shop", "both a version and --to are named"),
        ("lone", "pooled", "shop", "fleet 'lone' has no pooled model"),
        ("late", "champion", "shp", r"no token in force .* called 'shp' \(such are: shop\)"),
        ("late", "champion", "gone", "no token in force .* called 'gone'"),
        ("late", "champion", "eyes", "no token in force .* called 'eyes'"),
    ],
)
def test_what_is_not_there_is_refused(
    fleet: Store, address: str, to: rule.Target | None, caller: str, why: str
) -> None:  # fmt: skip
    with pytest.raises(ArgosyError, match=why):
        lay(fleet, address, to, caller)
    assert known(fleet) == known(fleet, "lone") == []


def test_a_rule_that_is_not_there_cannot_end(fleet: Store) -> None:
    lay(fleet, "late", "champion")
    with pytest.raises(ConflictError, match="there is no rule for 'shop' and late/AA"):
        rule.end(fleet, parse("late/AA"), "shop", "ann", "", NOW)
