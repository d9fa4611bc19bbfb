"""argosy describe model."""

from __future__ import annotations

from argosy.store import Store
from argosy.store.models import aliases, registered, versions
from argosy.store.tracking import labels
from argosy.store.tracking.changes import VERSION
from tests.cli.tracks import HAND, NAMES, Tracks


def _fill(tracked: Tracks) -> None:
    with Store.open(tracked.home) as store, store.write() as tx:
        model = registered.create(tx, "late", HAND, "who is\n late", {"team": "ops"})
        for number in (1, 2):
            model = registered.get(tx, "late")
            made = versions.create(tx, model, f"runs:/{number}", HAND, run=NAMES[number])
        labels.put(tx, VERSION, made.entity, {"reviewed": "yes"}, HAND)
        versions.describe(tx, made, "the second", HAND)
        aliases.put(tx, model, "prod", 2, HAND)


def test_a_model_is_shown_with_its_aliases_and_the_runs_of_its_versions(run, tracked: Tracks) -> None:
    _fill(tracked)
    said = run("describe", "model", "late")
    assert [" ".join(line.split()) for line in said.out.splitlines() if line] == [
        "model late: 2 versions", "made 2026-03-01 12:00 UTC", "changed 2026-03-01 12:00 UTC", "about who is late",
        "aliases", "prod version 2", "tags", "team ops", "versions",
        f"2 2026-03-01 12:00, run {NAMES[2][:8]}, runs:/2, reviewed=yes, the second",
        f"1 2026-03-01 12:00, run {NAMES[1][:8]}, runs:/1",
    ]  # fmt: skip
    assert "argosy history model late" in said.err
    found = run("describe", "model", "late", "--json").json()
    assert found["aliases"] == {"prod": 2} and found["tags"] == {"team": "ops"} and found["versions"] == 2
    assert [(each["number"], each["run"]) for each in found["editions"]] == [(2, NAMES[2]), (1, NAMES[1])]


def test_a_run_tells_the_versions_that_are_of_it(run, tracked: Tracks) -> None:
    _fill(tracked)
    assert "registered  late version 2" in run("describe", "run", NAMES[2]).out
    assert run("describe", "run", NAMES[2], "--json").json()["versions"] == [{"model": "late", "number": 2}]
    assert "registered" not in run("describe", "run", NAMES[3]).out


def test_a_model_that_is_not_there_or_in_the_trash_says_what_to_do(run, tracked: Tracks) -> None:
    _fill(tracked)
    lost = run("describe", "model", "lte")
    assert lost.code == 2 and "there is no model 'lte'" in lost.err and "argosy get models" in lost.err
    assert run("delete", "model", "late").code == 0
    gone = run("describe", "model", "late")
    assert gone.code == 2 and "model 'late' is in the trash" in gone.err and "argosy restore model late" in gone.err
