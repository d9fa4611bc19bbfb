"""argosy history, delete and restore."""

from __future__ import annotations

from pathlib import Path

from argosy.store import Store
from argosy.store.models import aliases, registered, versions
from tests.cli.tracks import HAND, NAMES, Tracks


def test_the_trash_is_told_of_with_reasons(run, tracked: Tracks) -> None:
    gone = run("delete", "run", NAMES[1][:8], "--reason", "wrong data")
    assert (
        gone.code == 0 and "(tree 1) is in the trash" in gone.err and f"argosy restore run {NAMES[1][:8]}" in gone.err
    )
    assert "tree 1" not in run("runs", "--experiment", "flights").out
    assert run("restore", "run", NAMES[1][:8], "--json").json()["kind"] == "run"
    assert "tree 1" in run("runs", "--experiment", "flights").out
    past = run("history", "run", NAMES[1], "--json").json()
    assert [(each["field"], each["reason"]) for each in past[:2]] == [("deleted", ""), ("deleted", "wrong data")]
    assert past[-1]["field"] == "created"
    head, _, *rows = run("history", "run", NAMES[1][:8], "--limit", "2").out.splitlines()
    assert head.split() == ["when", "who", "what", "from", "to", "reason"] and len(rows) == 2
    assert "wrong data" in rows[1] and "T" not in rows[1].split("deleted")[1]  # times as people read them


def test_a_deleted_thing_has_its_history(run, tracked: Tracks) -> None:
    with Store.open(tracked.home) as store, store.write() as tx:
        model = registered.create(tx, "late", HAND)
        versions.create(tx, model, "s3://a/1", HAND)
        aliases.put(tx, model, "best", 1, HAND, "it won")
    assert [item["name"] for item in run("get", "models", "--json").json()["items"]] == ["late"]
    for kind, name in (("experiment", "flights"), ("model", "late")):
        assert run("delete", kind, name).code == 0
        assert "deleted" in run("history", kind, name).out
        assert run("delete", kind, name).code == 2
        assert run("restore", kind, name).code == 0
    assert "it won" in run("history", "model", "late").out
    assert {each["field"] for each in run("history", "model", "late", "--json").json()} >= {"@1 created", "alias:best"}


def test_the_aliases_of_a_member_went_somewhere_each(run, inside: Path) -> None:
    found = run("history", "member", "late-order/north", "--json").json()
    assert found and {each["field"] for each in found} <= {"alias:champion", "alias:challenger"}
    assert found[-1]["before"] is None and found[-1]["reason"]


def test_what_has_no_history_is_said(run, tracked: Tracks) -> None:
    for given, says in (
        (("fleet", "x"), "a fleet has no history"), (("model", "x"), "no registered model 'x'"),
        (("experiment", "x"), "no experiment 'x'"), (("run", "abcdef01"), "no run"), (("member", "x/y"), "x/y"),
        (("experiment", "flights", "--limit", "0"), "--limit 0"),
    ):  # fmt: skip
        wrong = run("history", *given)
        assert wrong.code == 2 and says in wrong.err, given
    assert run("delete", "fleet", "x").code == run("restore", "fleet", "x").code == 2
