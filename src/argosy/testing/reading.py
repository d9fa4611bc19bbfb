"""Reading: every kind through one filter language, one pagination; and lineage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import (
    Store,
    artifacts,
    contracts,
    declarations,
    edges,
    events,
    executions,
    findings,
    leases,
    lineage,
    members,
    resources,
    statistics,
)
from argosy.testing.sample import digest, moment, train


def _fleet(name: str, *, removed: bool = False) -> declarations.NewDeclaration:
    return declarations.NewDeclaration(
        kind="fleet", name=name, fingerprint=digest(name), body={}, at=moment(), actor="ann", removed=removed
    )  # fmt: skip


def _tagged(tags: dict[str, str], *, removed: bool = False) -> declarations.NewDeclaration:
    return declarations.NewDeclaration(
        kind="dataset", name="d", fingerprint=digest("d"), body={"tags": tags}, at=moment(), actor="ann",
        removed=removed,
    )  # fmt: skip


def _keys(items: list[dict[str, Any]]) -> list[str]:
    return [item["key"] for item in items]


class ReadingConformance:
    """Resources and lineage."""

    def test_every_kind_can_be_listed(self, store: Store) -> None:
        """In an empty store and in one that holds something."""
        with store.read() as conn:
            assert all(resources.page(conn, kind).items == [] for kind in resources.names())
        with store.write() as tx:
            train(tx, "late", ["a"])
        with store.read() as conn:
            for kind in resources.names():
                for item in resources.page(conn, kind).items:
                    assert list(item) == resources.fields(kind)

    def test_a_fleet_is_listed_from_its_declaration_on(self, store: Store) -> None:
        """And as long as it has members, also where it is declared no longer."""
        with store.write() as tx:
            declarations.add(tx, [_fleet("new"), _fleet("late"), _fleet("gone"), _fleet("gone", removed=True)])
            train(tx, "late", ["a", "b"])
            train(tx, "old", ["a"])
        with store.read() as conn:
            items = resources.page(conn, "fleets").items
            found = [(item["name"], item["declared"], item["members"], item["versions"]) for item in items]
            assert found == [("late", True, 2, 2), ("new", True, 0, 0), ("old", False, 1, 1)]
            assert [item["version_at"] for item in items] == [moment(), None, moment()]
            assert resources.get(conn, "fleets", "new")["members"] == 0
            some = {"members:0": ["new"], "declared:false": ["old"], "-version_at:none": ["late", "old"]}
            for where, names in some.items():
                assert [item["name"] for item in resources.page(conn, "fleets", where).items] == names
            first = resources.page(conn, "fleets", limit=1)
            rest = resources.page(conn, "fleets", cursor=first.next)
            assert [item["name"] for item in rest.items] == ["new", "old"]

    def test_values_of_columns_that_are_tagged_now_are_not_shown(self, store: Store) -> None:
        """Whenever the fact was recorded, also of a dataset that is declared no longer; what is counted is shown."""
        number = {"type": "Int64", "count": 2, "nulls": 1, "minimum": 41, "edges": [41.0], "total": {"maximum": 41}}
        body = {"age": number, "x": {"minimum": 41, "top": {"41": 1}}}
        suggested = {"age": {"nullable": True, "minimum": 41.0}, "x": {"nullable": False, "allowed": ["41"]}}
        found = findings.NewFinding(
            dataset="d", version=1, rule="range", severity="warn", outcome="warned", rows=1, message="m", at=moment(),
            examples=[{"id": 7, "age": 41}, {"id": 8, "age": None}, "text"],
        )  # fmt: skip
        with store.write() as tx:
            declarations.add(tx, [_tagged({})])
            findings.add(tx, [found, msgspec.structs.replace(found, dataset="undeclared")])
            statistics.add(tx, statistics.NewStatistic(dataset="d", number=1, body=body))
            new = contracts.NewContract(dataset="d", body={"suggested": suggested}, at=moment(), actor="ann")
            contracts.add(tx, new)
        kinds = {"findings": "1", "statistics": "d@1", "contracts": "d"}
        with store.read() as conn:
            before = {kind: resources.get(conn, kind, name) for kind, name in kinds.items()}
        assert (before["findings"]["examples"], before["statistics"]["body"]) == (found.examples, body)
        assert before["contracts"]["body"] == {"suggested": suggested}
        for removed in (False, True):
            with store.write() as tx:
                declarations.add(tx, [_tagged({"age": "pii"}, removed=removed)])
            with store.read() as conn:
                after = {kind: resources.get(conn, kind, name) for kind, name in kinds.items()}
                for kind, item in after.items():
                    assert resources.page(conn, kind).items[-1] == resources.watch(conn, kind, 0)[0] == item
                assert resources.get(conn, "findings", "2")["examples"] == found.examples
                assert statistics.get(conn, "d", 1) == body
            assert after["findings"]["examples"] == [{"id": 7, "age": "(pii)"}, {"id": 8, "age": None}, "text"]
            counted = {"type": "Int64", "count": 2, "nulls": 1, "total": {}}
            assert after["statistics"]["body"] == {"age": counted, "x": body["x"]}
            assert after["contracts"]["body"]["suggested"] == {"age": {"nullable": True}, "x": suggested["x"]}

    def test_previews_show_no_values_of_columns_that_are_tagged_in_what_they_were_made_from(self, store: Store) -> None:
        """Through however many steps and lists; a column of the same name that comes from elsewhere is shown."""
        flows = [
            ("read", "in", "dataset", "d@3"), ("read", "out", "artifact", digest("read")),
            ("list", "in", "artifact", digest("read")), ("list", "out", "list", digest("list")),
            ("join", "in", "list", digest("list")), ("join", "out", "artifact", digest("join")),
            ("other", "in", "dataset", "e@1"), ("other", "out", "artifact", digest("other")),
        ]  # fmt: skip
        body = {
            "kind": "table",
            "rows": 2,
            "columns": {"age": "Int64", "x": "String"},
            "head": [[41, "a"], [None, "b"]],
        }
        odd = {"kind": "table", "columns": ["age"], "head": 41}
        with store.write() as tx:
            names = list(dict.fromkeys(name for name, *_ in flows))
            made = [
                executions.NewExecution(key=each, kind="step", subject=each, started_at=moment(), ended_at=moment())
                for each in names
            ]
            ids = dict(zip(names, executions.record(tx, made), strict=True))
            edges.add(tx, [edges.Edge(execution_id=ids[e], direction=d, kind=k, reference=r) for e, d, k, r in flows])
            artifacts.add(tx, [
                artifacts.Artifact(digest=digest(name), kind="table", bytes=1, at=moment(), body=each)
                for name, each in (("read", body), ("join", body), ("other", body), ("odd", odd))
            ])  # fmt: skip
        for tags in ({}, {"age": "pii"}):
            with store.write() as tx:
                declarations.add(tx, [_tagged(tags)])
            masked = body | {"head": [["(pii)", "a"], [None, "b"]]} if tags else body
            wanted = {"read": masked, "join": masked, "other": body, "odd": odd}
            with store.read() as conn:
                found = {item["digest"]: item["body"] for item in resources.page(conn, "artifacts").items}
                known = artifacts.get(conn, found)
                shown = {key: each.body for key, each in artifacts.masked(conn, list(known.values())).items()}
            assert found == shown == {digest(name): each for name, each in wanted.items()}
            assert known[digest("join")].body == body

    def test_leases_that_were_given_back_are_not_listed(self, store: Store) -> None:
        """What is listed is held, or was left by who died."""
        held, given_back = leases.claim_any(store, ["a", "b"], "ann", moment(), timedelta(hours=1), limit=2)
        leases.release(store, [given_back])
        with store.read() as conn:
            assert [item["name"] for item in resources.page(conn, "leases").items] == [held.name]
            with pytest.raises(UnknownError, match="no lease 'b'"):
                resources.get(conn, "leases", "b")

    @pytest.mark.parametrize("kind", ["members", "versions", "executions"])
    def test_pages_hold_everything_once(self, store: Store, kind: str) -> None:
        """In order, and what comes in between does not disturb."""
        with store.write() as tx:
            train(tx, "late", [f"m{number}" for number in range(7)])
        seen, cursor = [], None
        while True:
            with store.read() as conn:
                page = resources.page(conn, kind, limit=3, cursor=cursor)
            seen += [item.get("member_id") for item in page.items]
            if page.next is None:
                break
            cursor = page.next
            with store.write() as tx:
                members.ensure(tx, "a fleet that sorts before", [f"new{len(seen)}"], moment())
        assert len(seen) == len(set(seen)) == 7
        with store.read() as conn:
            assert len(list(resources.every(conn, kind, "member_id<=7"))) == 7

    @pytest.mark.parametrize(
        ("where", "keys"),
        [
            ("", ["JFK/AA", "JFK/B6", "LGA/AA", "a[b]_%"]),
            ("fleet:late key:JFK/AA", ["JFK/AA"]),
            ("key:JFK/*", ["JFK/AA", "JFK/B6"]),
            ("key:jfk/*", []),
            ("-key:JFK/*", ["LGA/AA", "a[b]_%"]),
            ("key:a[b]_%*", ["a[b]_%"]),
            ('key:"JFK/*"', []),
            ("version_number:none", ["a[b]_%"]),
            ("-version_number:none", ["JFK/AA", "JFK/B6", "LGA/AA"]),
            ("version_number>1", ["JFK/B6", "LGA/AA"]),
            ("-version_number>1", ["JFK/AA", "a[b]_%"]),
            ("version_number>=2 version_number<=2", ["JFK/B6", "LGA/AA"]),
            ("version_at>2013-01-01T00:30", ["JFK/B6", "LGA/AA"]),
            ("version_at:2013-01-01T02:00+01:00", ["JFK/B6", "LGA/AA"]),
            ("target:own -key:*AA", ["JFK/B6"]),
            ("-target:own", ["a[b]_%"]),
            ("champion_id<1", []),
            ("address:late/LGA/AA", ["LGA/AA"]),
        ],
    )
    def test_filters_choose(self, store: Store, where: str, keys: list[str]) -> None:
        """On every back end alike."""
        with store.write() as tx:
            train(tx, "late", ["JFK/AA", "JFK/B6", "LGA/AA"])
            train(tx, "late", ["JFK/B6", "LGA/AA"], hours=1)
            members.ensure(tx, "late", ["a[b]_%"], moment())
        with store.read() as conn:
            assert _keys(resources.page(conn, "members", where).items) == keys

    def test_one_thing_is_got_by_its_address(self, store: Store) -> None:
        """A member, a version, a fact, a fleet."""
        with store.write() as tx:
            (made,) = train(tx, "late", ["JFK/AA"])
            members.ensure(tx, "single", [""], moment())
        with store.read() as conn:
            assert resources.get(conn, "members", "late/JFK/AA")["member_id"] == made.member_id
            assert resources.get(conn, "members", "single")["address"] == "single"
            assert resources.get(conn, "versions", "late/JFK/AA@1")["id"] == made.id
            assert resources.get(conn, "versions", str(made.id))["address"] == "late/JFK/AA"
            fleet = resources.get(conn, "fleets", "late")
            assert {name: fleet[name] for name in ("members", "own", "failing")} == {
                "members": 1,
                "own": 1,
                "failing": 0,
            }
            assert type(fleet["versions"]) is int
            for kind, reference in (("versions", "late/JFK/AA@2"), ("versions", "x"), ("events", "no"), ("ships", "x")):
                with pytest.raises(UnknownError):
                    resources.get(conn, kind, reference)

    def test_facts_are_watched(self, store: Store) -> None:
        """From the last id seen."""
        new = [events.NewEvent(at=moment(), kind="k", subject="s", actor="a", message=str(n)) for n in range(3)]
        with store.write() as tx:
            ids = events.add(tx, new)
        with store.read() as conn:
            assert [item["message"] for item in resources.watch(conn, "events", ids[0])] == ["1", "2"]
            assert [item["message"] for item in resources.watch(conn, "events", 0, "message:1 kind:k")] == ["1"]
            assert resources.watch(conn, "events", ids[-1]) == []
            with pytest.raises(InputError):
                resources.watch(conn, "members", 0)

    def test_what_was_not_given_is_refused(self, store: Store) -> None:
        """Cursors and limits."""
        with store.read() as conn:
            for cursor in ("x", "bm90IGpzb24=", "WzEsIDJd", "WyJhIl0="):
                with pytest.raises(InputError, match="cursor"):
                    resources.page(conn, "events", cursor=cursor)
            for limit in (0, 1001):
                with pytest.raises(InputError, match="limit"):
                    resources.page(conn, "events", limit=limit)

    def test_lineage_leads_back_and_forth(self, store: Store) -> None:
        """Over executions, a step at a time."""
        with store.write() as tx:
            train(tx, "late", ["a", "b"])
        version, flights = lineage.Node("version", "late/a/0"), lineage.Node("dataset", "flights@1")
        with store.read() as conn:
            up = lineage.walk(conn, version, up=1)
            down = lineage.walk(conn, flights, up=0, down=1)
            still = lineage.walk(conn, version, up=0)
            cut = lineage.walk(conn, flights, up=0, down=1, limit=1)
            of_run = lineage.walk(conn, next(node for node in up.nodes if node.kind == "execution"), up=1, down=1)
        assert {node.reference for node in up.nodes if node.kind != "execution"} == {
            "late/a/0",
            "flights@1",
            "weather@1",
            "b",
        }
        assert {node.reference for node in down.nodes if node.kind == "version"} == {"late/a/0", "late/b/0"}
        assert (still.nodes, still.links, still.cut) == ([version], [], False)
        assert cut.cut
        assert not down.cut
        assert of_run.nodes == up.nodes
        assert of_run.links == up.links
