"""Members of fleets are found as registered models are, page by page, and their versions too."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence

import pytest

from argosy.store import Store, aliases, members
from argosy.store.aliases import Move
from argosy.store.models import members as models
from argosy.store.models import registered, search
from argosy.store.tracking import labels, naming, pages
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.clause import Clause, Order
from argosy.testing import sample
from argosy.testing.sample import moment

FLEETS = {"late": ["JFK/AA", "JFK/DL", "*", "a%2Fb"], "late-x": ["A", "B"], "solo": [""], "solo2": ["k"], "zoo": ["1"]}
NAMES = sorted(f"{fleet}/{key}" if key else fleet for fleet, keys in FLEETS.items() for key in keys)
"""By bytes, `late-x/A` comes before `late/*`."""


@pytest.fixture
def fleets(store: Store) -> Store:
    with store.write() as tx:
        for hours, (fleet, keys) in enumerate(FLEETS.items()):
            sample.train(tx, fleet, keys, hours=hours)
    return store


def _pages(store: Store, clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), limit: int = 2) -> Iterator[str]:
    token = None
    while True:
        with store.read() as conn:
            found = models.page(conn, clauses, orders, limit=limit, token=token)
        assert len(found.items) <= limit
        yield from (each.name for each in found.items)
        token = found.next
        if token is None:
            return


def _name(operator: str, value: str | tuple[str, ...]) -> Clause:
    return Clause("attribute", "name", operator, value)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_are_in_the_order_of_names(fleets: Store, limit: int) -> None:
    assert list(_pages(fleets, limit=limit)) == NAMES
    assert list(_pages(fleets, (), [Order("attribute", "name", ascending=False)], limit)) == NAMES[::-1]


@pytest.mark.parametrize(
    "name", ["", "late", "late-", "late/", "late/JFK", "late/JFK/AA", "late0", "solo", "solo/", "zz"]
)
def test_a_page_begins_after_any_name(fleets: Store, name: str) -> None:
    with fleets.read() as conn:
        token = pages.mark([name])
        assert [each.name for each in models.page(conn, token=token).items] == [each for each in NAMES if each > name]
        down = models.page(conn, (), [Order("attribute", "name", ascending=False)], token=token)
        assert [each.name for each in down.items] == [each for each in NAMES[::-1] if each < name]


@pytest.mark.parametrize(
    "pattern", ["late/%", "late%", "%/A%", "l_te/JFK/%", "solo", "so%", "%", "late/JFK/AA", "x%", "late/J%A"]
)
def test_names_that_are_alike_are_found(fleets: Store, pattern: str) -> None:
    glob = pattern.replace("%", "*").replace("_", "?")
    alike = {name: fnmatch.fnmatchcase(name, glob) for name in NAMES}
    any_case = {name: fnmatch.fnmatchcase(name.lower(), glob.lower()) for name in NAMES}
    assert list(_pages(fleets, [_name("LIKE", pattern)])) == [name for name, holds in alike.items() if holds]
    assert list(_pages(fleets, [_name("ILIKE", pattern)])) == [name for name, holds in any_case.items() if holds]


def test_names_are_asked_for_with_and_without_slashes(fleets: Store) -> None:
    assert list(_pages(fleets, [_name("=", "late/JFK/AA")])) == ["late/JFK/AA"]
    assert list(_pages(fleets, [_name("=", "late%2FJFK%2FAA")])) == ["late/JFK/AA"]
    assert list(_pages(fleets, [_name("IN", ("zoo%2F1", "solo", "none"))])) == ["solo", "zoo/1"]
    assert list(_pages(fleets, [_name("!=", "solo")])) == [name for name in NAMES if name != "solo"]
    last = [Order("attribute", "last_updated_timestamp", ascending=False)]
    assert list(_pages(fleets, [_name("IN", ("zoo/1", "late/JFK/AA"))], last)) == ["zoo/1", "late/JFK/AA"]


def test_the_last_trained_come_first_where_that_is_asked_for(fleets: Store) -> None:
    found = list(_pages(fleets, (), [Order("attribute", "last_updated_timestamp", ascending=False)]))
    assert found == ["zoo/1", "solo2/k", "solo", "late-x/A", "late-x/B", *NAMES[2:6]]


def test_a_member_is_found_by_its_address(fleets: Store) -> None:
    with fleets.read() as conn:
        for name in ("late/JFK/AA", "late%2FJFK%2FAA", "late%2fJFK%2fAA"):
            found = models.find(conn, name)
            assert found is not None
            assert (found.name, found.at, found.updated_at, found.target) == ("late/JFK/AA", moment(), moment(), "own")
        assert (odd := models.find(conn, "late%2Fa%252Fb")) is not None and odd.key == "a%2Fb"
        assert [models.find(conn, name) for name in ("late", "late/none", "", "late/JFK/AA/", "late%2FJFK%252FAA")] == [
            None
        ] * 5


def test_a_model_that_is_registered_by_the_name_of_a_fleet_stands_before_it(fleets: Store, hand: Hand) -> None:
    with fleets.write() as tx:
        made = registered.create(tx, "solo", hand)
        registered.create(tx, "late", hand)
        assert models.find(tx, "solo") is None and "late/*" in NAMES
    assert list(_pages(fleets)) == [name for name in NAMES if name != "solo"]
    with fleets.write() as tx:
        assert [each.name for each in models.of_versions(tx, [_name("=", "solo")]).items] == []
        registered.delete(tx, made, hand)
    assert list(_pages(fleets)) == NAMES


def test_members_are_found_by_their_tags(fleets: Store, hand: Hand) -> None:
    with fleets.write() as tx:
        found = models.find(tx, "zoo/1")
        assert found is not None
        labels.put(tx, models.MEMBER, str(found.id), {"team": "ops"}, hand)
    assert list(_pages(fleets, [Clause("tag", "team", "=", "ops")])) == ["zoo/1"]
    assert list(_pages(fleets, [Clause("tag", search.PROMPT, "!=", "true")])) == NAMES
    assert list(_pages(fleets, [Clause("tag", search.PROMPT, "=", "true")])) == []


def test_versions_are_found_by_name_number_and_run(fleets: Store) -> None:
    with fleets.write() as tx:
        sample.train(tx, "late", ["JFK/AA"], hours=50)
        ids = members.ids(tx, "late")

    def found(*clauses: Clause, orders: Sequence[Order] = (), limit: int = 100) -> list[tuple[str, int]]:
        seen, token = [], None
        while True:
            with fleets.read() as conn:
                page = models.of_versions(conn, clauses, orders, limit=limit, token=token)
            seen += [(each.name, each.number) for each in page.items]
            token = page.next
            if token is None:
                return seen

    both = [("late/JFK/AA", 2), ("late/JFK/AA", 1)]
    assert found(_name("=", "late%2FJFK%2FAA")) == both
    assert found(_name("=", "late/JFK/AA"), Clause("attribute", "version_number", ">", 1)) == both[:1]
    with fleets.read() as conn:
        last = models.of_versions(conn, limit=1).items[0]
        assert models.versions(conn, [last.id]) == {last.id: last}
        member = models.find(conn, "late/JFK/AA")
        assert (
            member is not None and models.version(conn, member, 2) == last and models.version(conn, member, 3) is None
        )
    assert (last.member_id, last.run, last.location) == (
        ids["JFK/AA"], naming.of_execution(last.execution_id), f"versions/{last.id}"
    )  # fmt: skip
    assert found(Clause("attribute", "run_id", "=", last.run)) == both[:1]
    assert found(Clause("attribute", "run_id", "IN", (last.run, "0" * 32))) == both[:1]
    assert (
        found(Clause("attribute", "run_id", "LIKE", f"%{last.execution_id:x}"), _name("LIKE", "late/JFK/AA"))
        == both[:1]
    )
    assert found(Clause("attribute", "source_path", "=", f"mlflow-artifacts:/{last.location}")) == both[:1]
    assert len(found()) == len(NAMES) + 1 and found(limit=2) == found()
    assert found(Clause("attribute", "run_id", "=", "0" * 32)) == []


def test_aliases_point_at_the_last_version_that_they_were_given(fleets: Store) -> None:
    with fleets.write() as tx:
        first, second = sample.train(tx, "new", ["a"]) + sample.train(tx, "new", ["a"], hours=1, promoted=False)
        given = {"fleet": "new", "member_id": first.member_id, "at": moment(), "actor": "ann"}
        aliases.move(tx, [
            Move(alias="best", target="own", version_id=first.id, **given),
            Move(alias="best", target="own", version_id=second.id, **given),
            Move(alias="gone", target="own", version_id=second.id, **given),
            Move(alias="gone", target="none", **given),
        ])  # fmt: skip
    with fleets.read() as conn:
        assert models.aliases(conn, [first.member_id]) == {
            first.member_id: {"best": second.id, "champion": first.id}
        }  # fmt: skip
