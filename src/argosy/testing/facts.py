"""Facts: what is recorded is read back, and the latest of it is in force."""

from __future__ import annotations

import pytest

from argosy.errors import UnknownError
from argosy.store import (
    Store,
    alerts,
    applications,
    bundles,
    declarations,
    events,
    executions,
    resources,
    tokens,
    windows,
)
from argosy.testing.sample import digest, event, moment


class FactsConformance:
    """Events, declarations, bundles, executions, alerts, windows and tokens."""

    def test_events_are_followed_by_id(self, store: Store) -> None:
        """In order, from the last seen, a bounded number at a time."""
        with store.write() as tx:
            ids = events.add(tx, [event(str(number)) for number in range(5)])
        with store.read() as conn:
            first = events.since(conn, limit=2)
            rest = events.since(conn, first[-1].id)
        assert [event.id for event in first + rest] == ids == sorted(ids)

    def test_the_newest_event_of_a_kind_about_each_subject_is_found(self, store: Store) -> None:
        """By id, and only what came after the last seen."""
        with store.write() as tx:
            a, b, again = events.add(tx, [event("", subject) for subject in ("a", "b", "a")])
        kind = event("a").kind
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

    def test_what_was_declared_at_a_time_is_known(self, store: Store) -> None:
        """What was declared, or removed, later does not count."""
        new = declarations.NewDeclaration(kind="fleet", name="late", fingerprint="1", body={}, at=moment(), actor="ann")
        fields = {name: getattr(new, name) for name in new.__struct_fields__}
        later = [{"at": moment(2), "fingerprint": "2"}, {"at": moment(4), "removed": True}]
        with store.write() as tx:
            declarations.add(tx, [new, *(declarations.NewDeclaration(**(fields | each)) for each in later)])
        with store.read() as conn:
            seen = {hours: declarations.standing(conn, moment(hours)) for hours in (-1, 0, 1, 2, 3, 4)}
        assert {hours: [each.fingerprint for each in found] for hours, found in seen.items()} == {
            -1: [], 0: ["1"], 1: ["1"], 2: ["2"], 3: ["2"], 4: [],
        }  # fmt: skip

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
