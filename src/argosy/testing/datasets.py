"""Datasets: versions are their parts so far, and what is known of them is kept beside them."""

from __future__ import annotations

import msgspec
import pytest

from argosy.errors import ConflictError
from argosy.store import Store, contracts, datasets, findings, statistics
from argosy.testing.sample import digest, ingest, moment, part


class DatasetsConformance:
    """Versions, their parts, contracts, statistics and findings."""

    def test_versions_of_a_dataset_are_their_parts_so_far(self, store: Store) -> None:
        """Each can be read again; quarantined rows do not count."""
        with store.write() as tx:
            one = datasets.commit(tx, ingest("flights", "a", "b"))
            bad = datasets.NewVersion(
                dataset="flights", at=moment(), parts=[part("c"), part("d", purpose="quarantine")], columns={}, after=1
            )
            two = datasets.commit(tx, bad)
        with store.read() as conn:
            assert (one.number, one.rows, two.number, two.rows, two.added) == (1, 20, 2, 30, 10)
            assert [len(datasets.parts(conn, "flights", number)) for number in (1, 2)] == [2, 3]
            assert [p.digest for p in datasets.parts(conn, "flights", 2, since=1)] == [digest("c")]
            assert [p.digest for p in datasets.parts(conn, "flights", 2, purpose="quarantine")] == [digest("d")]
            assert datasets.parts(conn, "flights", 2, low=moment(25)) == []
            assert datasets.latest(conn) == {"flights": two} == {"flights": datasets.version(conn, "flights")}
            assert datasets.versions(conn, "flights") == [one, two]
        assert one.digest != two.digest

    def test_versions_of_another_home_are_adopted_as_they_are(self, store: Store) -> None:
        """Their numbers, digests and parts; who made them stays there."""
        with store.write() as tx:
            for name in "ab":
                datasets.commit(tx, ingest("flights", name))
            versions, parts = datasets.versions(tx, "flights"), datasets.parts(tx, "flights", 2)
            renamed = [msgspec.structs.replace(each, dataset="adopted", execution_id=None) for each in versions]
            datasets.adopt(tx, renamed, [msgspec.structs.replace(each, dataset="adopted") for each in parts])
        with store.read() as conn:
            found = datasets.versions(conn, "adopted")
            assert [(each.number, each.digest, each.rows, each.columns) for each in found] == [
                (each.number, each.digest, each.rows, each.columns) for each in versions
            ]
            assert [p.digest for p in datasets.parts(conn, "adopted", 2)] == [p.digest for p in parts]
            assert [p.digest for p in datasets.parts(conn, "adopted", 1)] == [parts[0].digest]
        with pytest.raises(ConflictError), store.write() as tx:
            datasets.adopt(tx, renamed, [])

    def test_a_source_goes_in_once(self, store: Store) -> None:
        """The second try leaves nothing behind."""
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", "a"))
        with pytest.raises(ConflictError, match="already in flights: a"), store.write() as tx:
            datasets.commit(tx, ingest("flights", "b", "a"))
        with pytest.raises(ConflictError, match="at version 1, not 0"), store.write() as tx:
            datasets.commit(tx, ingest("flights", "b", after=0))
        with store.read() as conn:
            assert datasets.ingested(conn, "flights", ["a", "b"]) == {"a"}
            assert [version.number for version in datasets.versions(conn, "flights")] == [1]

    def test_a_compact_part_stands_for_the_parts_of_its_versions(self, store: Store) -> None:
        """Only where all of them are asked for; it changes no version, and there is one over the same versions."""
        with store.write() as tx:
            for name in "abcd":
                last = datasets.commit(tx, ingest("flights", name))
            compact = msgspec.structs.replace(part("abc", rows=30), source={"versions": [1, 3]})
            compact = msgspec.structs.replace(compact, purpose=datasets.COMPACT)
            assert [datasets.compact(tx, "flights", compact) for _ in range(2)] == [True, False]
        a, b, c, d = (digest(f"flights/{name}") for name in "abcd")
        with store.read() as conn:
            for number, since, digests in ((4, 0, [digest("abc"), d]), (3, 0, [digest("abc")]), (2, 0, [a, b]),
                                           (4, 1, [b, c, d]), (4, 3, [d])):  # fmt: skip
                found = datasets.cover(conn, "flights", number, since=since)
                assert [each.digest for each in found] == digests
            assert datasets.cover(conn, "flights", 4, low=moment(25)) == []
            assert datasets.latest(conn) == {"flights": last}
            assert len(datasets.parts(conn, "flights", 4)) == 4

    def test_what_brings_no_version_is_noted(self, store: Store) -> None:
        """Sources are taken, and parts of other purposes are found, before the first version and after."""
        with store.write() as tx:
            datasets.note(tx, "flights", ["a"], [part("w", purpose="waiting")])
            datasets.commit(tx, ingest("flights", "b"))
        with pytest.raises(ConflictError, match="already in flights: a"), store.write() as tx:
            datasets.note(tx, "flights", ["a"], [part("x", purpose="waiting")])
        with store.read() as conn:
            assert datasets.ingested(conn, "flights", ["a", "b", "c"]) == {"a", "b"}
            assert datasets.ingested(conn, "flights", []) == set()
            waiting = datasets.parts(conn, "flights", 1, purpose="waiting")
            assert [each.digest for each in waiting] == [digest("w")]
            version = datasets.version(conn, "flights")
        assert version is not None and (version.number, version.rows) == (1, 10)

    def test_equal_parts_make_equal_digests(self, store: Store) -> None:
        """In whatever order they came."""
        with store.write() as tx:
            for dataset, order in (("x", "ab"), ("y", "ba")):
                for name in order:
                    datasets.commit(
                        tx, datasets.NewVersion(dataset=dataset, at=moment(), parts=[part(name)], columns={})
                    )
            latest = datasets.latest(tx)
        assert latest["x"].digest == latest["y"].digest

    def test_contracts_statistics_and_findings_are_kept(self, store: Store) -> None:
        """By dataset and version."""
        found = findings.NewFinding(
            dataset="d", version=1, rule="range", severity="error", outcome="failed", rows=3, message="m", at=moment()
        )
        with store.write() as tx:
            numbers = [
                contracts.add(tx, contracts.NewContract(dataset="d", body={"n": n}, at=moment(), actor="ann"))
                for n in range(2)
            ]
            statistics.add(tx, statistics.NewStatistic(dataset="d", number=1, body={"distance": {"nulls": 0}}))
            findings.add(tx, [found])
        with store.read() as conn:
            current = contracts.current(conn, "d")
            assert current is not None
            assert (numbers, current.number, current.body) == ([1, 2], 2, {"n": 1})
            assert statistics.get(conn, "d", 1) == {"distance": {"nulls": 0}}
            assert statistics.get(conn, "d", 2) is None
            assert [each.rows for each in findings.of(conn, "d", 1)] == [3]

    def test_findings_alike_are_told_as_one(self, store: Store) -> None:
        """Counted over all versions, with the latest of them; another column or outcome is another."""
        found = findings.NewFinding(
            dataset="d", version=1, rule="range", severity="error", outcome="warned", rows=3, message="m", at=moment()
        )
        more = [
            msgspec.structs.replace(found, **changes)
            for changes in (
                {"column": "x"}, {"version": 2, "rows": 4}, {"version": 2, "rows": 5},
                {"version": 7, "outcome": "failed"}, {"version": 9, "dataset": "e"},
            )
        ]  # fmt: skip
        with store.write() as tx:
            findings.add(tx, [found, *more])
        with store.read() as conn:
            told = findings.repeated(conn, "d")
        assert [(each.latest.version, each.latest.column, each.versions, each.first, each.rows) for each in told] == [
            (7, None, 1, 7, 3), (2, None, 2, 1, 12), (1, "x", 1, 1, 3),
        ]  # fmt: skip
