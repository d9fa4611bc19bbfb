"""Facts: what is recorded is read back, transactions are whole, snapshots hold still."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from argosy.errors import ConflictError, InputError, UnknownError
from argosy.store import (
    Store,
    alerts,
    applications,
    bundles,
    contracts,
    datasets,
    declarations,
    events,
    executions,
    findings,
    resources,
    statistics,
    tokens,
    windows,
)
from argosy.testing.sample import attempt, digest, ingest, moment, part


def _event(message: str, subject: str = "flights") -> events.NewEvent:
    return events.NewEvent(at=moment(), kind="ingested", subject=subject, actor="ann", message=message)


class FactsConformance:
    """Everything but members."""

    def test_a_transaction_that_fails_leaves_nothing(self, store: Store) -> None:
        """All or nothing."""
        with pytest.raises(ZeroDivisionError), store.write() as tx:
            events.add(tx, [_event("lost")])
            raise ZeroDivisionError
        with store.read() as conn:
            assert events.since(conn) == []

    def test_a_snapshot_does_not_see_later_writes(self, store: Store) -> None:
        """Two queries of one snapshot agree."""
        with store.read() as conn:
            assert events.since(conn) == []
            with store.write() as tx:
                events.add(tx, [_event("later")])
            assert events.since(conn) == []
        with store.read() as conn:
            assert [event.message for event in events.since(conn)] == ["later"]

    def test_a_snapshot_cannot_write(self, store: Store) -> None:
        """The database itself refuses."""
        with pytest.raises(DBAPIError), store.read() as conn:
            events.add(conn, [_event("no")])

    def test_values_come_back_as_they_went_in(self, store: Store) -> None:
        """Time zones, JSON, text of any script."""
        body = {"a": [1, 2.5, None, True], "é": {"nested": "✓"}}
        new = events.NewEvent(at=moment(0.123456), kind="k", subject="s", actor="Ωé", message="a%b?c'd", body=body)
        with store.write() as tx:
            (id,) = events.add(tx, [new])
        with store.read() as conn:
            (found,) = events.since(conn)
        assert (found.id, found.at, found.body, found.actor, found.message) == (id, new.at, body, "Ωé", "a%b?c'd")

    def test_a_time_without_zone_is_refused(self, store: Store) -> None:
        """Before anything is stored."""
        with pytest.raises(InputError, match="no time zone"), store.write() as tx:
            events.add(tx, [events.NewEvent(at=datetime(2013, 1, 1), kind="k", subject="s", actor="a", message="m")])

    def test_events_are_followed_by_id(self, store: Store) -> None:
        """In order, from the last seen, a bounded number at a time."""
        with store.write() as tx:
            ids = events.add(tx, [_event(str(number)) for number in range(5)])
        with store.read() as conn:
            first = events.since(conn, limit=2)
            rest = events.since(conn, first[-1].id)
        assert [event.id for event in first + rest] == ids == sorted(ids)

    def test_the_newest_event_of_a_kind_about_each_subject_is_found(self, store: Store) -> None:
        """By id, and only what came after the last seen."""
        with store.write() as tx:
            a, b, again = events.add(tx, [_event("", subject) for subject in ("a", "b", "a")])
        kind = _event("a").kind
        with store.read() as conn:
            assert [(each.id, each.subject) for each in events.newest(conn, [kind])] == [(b, "b"), (again, "a")]
            assert [each.id for each in events.newest(conn, [kind, "other"], b)] == [again]
            assert events.newest(conn, ["other"]) == [] and set(events.get(conn, [a, 99])) == {a}

    def test_the_latest_declaration_is_the_current_one(self, store: Store) -> None:
        """Until it is removed."""
        new = declarations.NewDeclaration(kind="fleet", name="late", fingerprint="1", body={}, at=moment(), actor="ann")
        steps = [("1", False), ("2", False), ("2", True)]
        seen = []
        for fingerprint, removed in steps:
            with store.write() as tx:
                fields = {name: getattr(new, name) for name in new.__struct_fields__}
                step = declarations.NewDeclaration(**(fields | {"fingerprint": fingerprint, "removed": removed}))
                declarations.add(tx, [step])
            with store.read() as conn:
                seen.append([each.fingerprint for each in declarations.current(conn, "fleet")])
        assert seen == [["1"], ["2"], []]
        with store.read() as conn:
            assert declarations.get(conn, "fleet", "late") is None
            assert [each.removed for each in declarations.history(conn, "fleet", "late")] == [True, False, False]

    def test_a_bundle_is_recorded_once(self, store: Store) -> None:
        """As it was first recorded."""
        new = bundles.Bundle(
            digest=digest("b"), project="p", at=moment(), libraries={"a": "1"}, modules={}, actor="ann"
        )
        with store.write() as tx:
            bundles.add(tx, new)
            bundles.add(
                tx, bundles.Bundle(digest=digest("b"), project="q", at=moment(), libraries={}, modules={}, actor="b")
            )
        with store.read() as conn:
            assert bundles.get(conn, digest("b")) == new
            assert bundles.get(conn, digest("c")) is None

    def test_a_bundle_is_applied_from_many_commits(self, store: Store) -> None:
        """All are kept; the clean one is named for what ran before it, unless there was one already."""
        made = [
            applications.NewApplication(
                bundle=digest("b"), project=project, at=moment(hour), actor="ann", git_commit=commit, dirty=dirty
            )
            for project, hour, commit, dirty in (
                ("p", 1, None, False), ("p", 2, "c1", True), ("p", 3, "c1", False), ("q", 4, "c2", True),
                ("p", 5, "c2", False),
            )
        ]  # fmt: skip
        with store.write() as tx:
            bundles.add(
                tx, bundles.Bundle(digest=digest("b"), project="p", at=moment(), libraries={}, modules={}, actor="ann")
            )
            ids = applications.add(tx, made)
        with store.read() as conn:
            found = applications.of(conn, [digest("b"), digest("c")])[digest("b")]
            assert [each.id for each in found] == ids and applications.of(conn, [digest("c")]) == {}
            last, other = applications.latest(conn, "p"), applications.latest(conn, "q")
            assert last is not None and other is not None and (last.id, other.id) == (ids[4], ids[3])
            assert applications.latest(conn, "r") is None
            (item,) = resources.page(conn, "bundles").items
            assert (item["digest"], item["git_commit"], item["dirty"]) == (digest("b"), "c2", False)
        cases = [(found, 0, 3), (found, 2, 3), (found, 4, 3), (found, 6, 5), (found[:2], 1, 1), (found[:2], 2, 2)]
        named = [applications.source(given, moment(at)) for given, at, _ in cases]
        assert [each.at for each in named if each] == [moment(hour) for *_, hour in cases]
        assert applications.source([], moment()) is None

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

    def test_a_finished_task_is_found_by_its_key(self, store: Store) -> None:
        """A failed one is not finished; costs are means of what was measured."""
        runs = [
            executions.NewExecution(
                key=key, kind="join", subject="s", started_at=moment(), ended_at=moment(1), outcome=outcome, cpu_s=cpu
            )
            for key, outcome, cpu in (("k", "succeeded", 1.0), ("k", "failed", 2.0), ("j", "failed", None))
        ]
        with store.write() as tx:
            ids = executions.record(tx, runs)
        with store.read() as conn:
            assert {key: run.id for key, run in executions.finished(conn, ["k", "j", "none"]).items()} == {"k": ids[0]}
            cost = executions.cost(conn, "join")
            assert (cost.count, cost.cpu_s, cost.peak_bytes) == (3, 1.5, None)
            assert executions.cost(conn, "join", fleet="f").count == 0
            assert [run.id for run in executions.of_subject(conn, "s")] == ids[::-1]
            assert set(executions.get(conn, [*ids, 99])) == set(ids)

    def test_alerts_are_raised_until_resolved(self, store: Store) -> None:
        """Per fleet, member and name; a fleet's own alert has no member. One that changed is raised still."""
        steps = [("drift", "raised"), ("late", "raised"), ("drift", "resolved"), ("late", "changed")]
        with store.write() as tx:
            ids = alerts.add(
                tx, [alerts.NewAlert(fleet="f", name=n, state=s, at=moment(), message="m") for n, s in steps]
            )
        with store.read() as conn:
            assert [alert.id for alert in alerts.raised(conn, "f")] == [ids[3]]
            assert alerts.raised(conn, "g") == []

    def test_windows_are_kept_once_per_dataset_version(self, store: Store) -> None:
        """The highest version of a span counts."""
        made = [
            windows.NewWindow(
                fleet="f",
                start=moment(h),
                stop=moment(h + 1),
                kind="in",
                digest=d,
                rows=1,
                at=moment(),
                dataset_version=v,
            )
            for h, v, d in ((0, 1, "a"), (0, 1, "again"), (0, 2, "b"), (1, 1, "c"))
        ]
        with store.write() as tx:
            windows.add(tx, made)
        with store.read() as conn:
            assert [window.digest for window in windows.between(conn, "f", "in")] == ["b", "c"]
            assert [window.digest for window in windows.between(conn, "f", "in", start=moment(1))] == ["c"]
            assert [window.digest for window in windows.between(conn, "f", "in", stop=moment(1))] == ["b"]

    def test_a_token_ends(self, store: Store) -> None:
        """By its time, or when revoked."""
        token = tokens.Token(digest=digest("secret"), name="ci", role="editor", at=moment(), expires_at=moment(2))
        with store.write() as tx:
            tokens.add(tx, token)
        with store.read() as conn:
            assert tokens.find(conn, token.digest, moment(1)) == token
            assert tokens.find(conn, token.digest, moment(2)) is None
            assert tokens.find(conn, digest("other"), moment(1)) is None
        with store.write() as tx:
            tokens.revoke(tx, token.digest, moment(0.5))
            assert tokens.find(tx, token.digest, moment(1)) is None
            with pytest.raises(UnknownError):
                tokens.revoke(tx, digest("other"), moment(1))

    def test_a_reference_to_nothing_is_refused(self, store: Store) -> None:
        """Foreign keys hold."""
        with pytest.raises(ConflictError), store.write() as tx:
            executions.record(tx, [attempt(99, "nobody")])
