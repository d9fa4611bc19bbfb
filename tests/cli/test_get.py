"""get, describe, why, lineage, events, doctor, schema: looking at a trained project."""

from __future__ import annotations

import os
import shlex
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from argosy.cli import show
from argosy.controller.status import ORDER
from argosy.store import Store, aliases, declarations, leases, members

pytestmark = pytest.mark.slow  # a fleet is trained once for all of them


def test_members_have_a_status(run, inside: Path) -> None:
    items = run("get", "members", "--json").json()["items"]
    assert [item["address"] for item in items] == [
        "late-order/*", "late-order/harbour", "late-order/north", "late-order/south",
    ]  # fmt: skip
    assert items[0]["status"] == "serving" and items[0]["answers"] == "own @1"
    assert all(item["reason"] for item in items)
    status = items[1]["status"]
    found = run("get", "members", "--where", f'status:{status} -key:"*"', "--json").json()["items"]
    assert [i["address"] for i in found] == [i["address"] for i in items[1:] if i["status"] == status]
    assert run("get", "members", "--where", "status:fine").code == 2


def test_a_member_that_was_given_nobody_is_answered_by_the_pooled_model(run, late: Path, tmp_path: Path) -> None:
    shutil.copytree(late, tmp_path / "late")
    with Store.open(tmp_path / "late" / ".argosy") as store, store.write() as tx:
        members.ensure(tx, "late-order", ["west"], datetime(2024, 1, 1, tzinfo=UTC))
    asked = ("get", "members", "--where", "key:west", "--json", "--home", tmp_path / "late" / ".argosy")
    (item,) = run(*asked).json()["items"]
    assert (item["target"], item["answers"]) == (None, "pooled")


def test_the_pooled_model_answers_for_nobody_where_the_fleet_is_declared_without_one(
    run, late: Path, tmp_path: Path
) -> None:  # fmt: skip
    shutil.copytree(late, tmp_path / "late")
    at = datetime(2024, 1, 1, tzinfo=UTC)
    asked = ("get", "members", "--where", "key:west", "--json", "--home", tmp_path / "late" / ".argosy")
    with Store.open(tmp_path / "late" / ".argosy") as store:
        with store.write() as tx:
            [member] = members.ensure(tx, "late-order", ["west"], at).values()
            who = {"fleet": "late-order", "member_id": member, "alias": "champion", "actor": "ann"}
            aliases.move(tx, [aliases.Move(target="pooled", at=at, **who)])
        assert run(*asked).json()["items"][0]["answers"] == "pooled"
        with store.write() as tx:
            former = declarations.get(tx, "fleet", "late-order")
            assert former is not None
            new = declarations.NewDeclaration(
                kind="fleet",
                name="late-order",
                fingerprint="f",
                body={**former.body, "pooled": False},
                at=at,
                actor="ann",
            )
            declarations.add(tx, [new])
    (item,) = run(*asked).json()["items"]
    assert (item["target"], item["answers"], item["status"]) == ("pooled", None, "new")
    assert item["reason"].endswith("answered for it; nothing answers yet")


def test_a_fleet_that_was_only_applied_is_listed_with_the_reason(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("init")
    assert run("apply").code == 0
    (item,) = run("get", "fleets", "--json").json()["items"]
    assert (item["name"], item["declared"], item["members"], item["versions"]) == ("late-order", True, 0, 0)
    assert (item["status"], item["reason"]) == (
        "new", "no members yet: orders has no rows (argosy up, or argosy train late-order)",
    )  # fmt: skip
    assert "late-order" in run("get", "fleets").out
    assert run("get", "fleets", "--where", "status:serving", "--json").json()["items"] == []
    assert len(run("get", "fleets", "--where", "status:new members:0", "--json").json()["items"]) == 1
    assert run("get", "fleets", "--where", "status:fine").code == 2
    project = tmp_path / "project.py"
    project.write_text(project.read_text().replace('"late-order"', '"late-parcel"'))
    assert run("apply").code == 0
    assert [item["name"] for item in run("get", "fleets", "--json").json()["items"]] == ["late-parcel"]


def test_a_fleet_has_the_status_of_its_worst_member(run, inside: Path) -> None:
    (fleet,) = run("get", "fleets", "--json").json()["items"]
    pooled, *words = [item["status"] for item in run("get", "members", "--json").json()["items"]]
    worst = min(words, key=ORDER.index)
    assert (fleet["status"], fleet["members"], pooled) == (worst, 3, "serving")
    assert fleet["reason"].startswith(f"{words.count(worst)} {worst}")
    assert run("why", "late-order").out.splitlines()[0] == f"late-order: {fleet['reason']}"


def test_an_alias_tells_which_version_it_points_at(run, inside: Path) -> None:
    items = run("get", "aliases", "--json").json()["items"]
    assert {(item["target"], item["number"]) for item in items} <= {("own", 1), ("pooled", None), ("none", None)}
    assert ("own", 1) in {(item["target"], item["number"]) for item in items}
    assert "own @1" in run("get", "aliases").out
    assert run("get", "aliases", "--where", "number:1", "--json").json()["items"]


def test_only_leases_that_are_held_are_listed(run, late: Path, tmp_path: Path) -> None:
    shutil.copytree(late / ".argosy", tmp_path / "copy")
    shown = run("get", "leases", "--home", tmp_path / "copy")
    assert shown.code == 0 and "no leases at this moment" in shown.err + shown.out
    now = datetime.now(UTC)
    with Store.open(tmp_path / "copy") as store:
        assert leases.claim(store, "watch:expired", "a", now - timedelta(hours=2), timedelta(hours=1))
        assert leases.claim(store, "watch:held", "b", now, timedelta(hours=1))
    items = run("get", "leases", "--home", tmp_path / "copy", "--json").json()["items"]
    assert [item["name"] for item in items] == ["watch:held"]
    assert run("get", "leases", "--where", "owner:a", "--home", tmp_path / "copy", "--json").json()["items"] == []


def test_tables_fit_eighty_columns_and_have_no_colour(run, inside: Path) -> None:
    for kind in ("members", "versions", "events", "aliases", "verdicts", "executions", "datasets", "fleets"):
        shown = run("get", kind)
        assert shown.code == 0 and "\x1b" not in shown.out
        assert max(len(line) for line in shown.out.splitlines()) <= 80, kind


def test_pages_go_on(run, inside: Path) -> None:
    first = run("get", "events", "--limit", "2", "--json").json()
    second = run("get", "events", "--limit", "2", "--cursor", first["next"], "--json").json()
    ids = [item["id"] for item in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 4


@pytest.mark.parametrize("where", [["--where", "subject:* -kind:trained"], ["--where=-kind:trained subject:*"]])
def test_the_way_to_the_next_page_can_be_pasted(run, inside: Path, where: list[str]) -> None:
    asked = ["get", "events", *where, "--limit", "2", "--home", str(inside / ".argosy")]
    (more,) = [line for line in run(*asked).err.splitlines() if line.startswith("more: argosy ")]
    pasted = shlex.split(more)[2:]
    cursor = pasted.index("--cursor")
    assert pasted[:cursor] + pasted[cursor + 2 :] == asked
    first, second = (run(*each, "--json").json()["items"] for each in (asked, pasted))
    assert second and {item["id"] for item in second}.isdisjoint(item["id"] for item in first)
    assert "trained" not in {item["kind"] for item in second}


def test_what_is_shown_of_members_can_be_asked_for(run, inside: Path) -> None:
    some = run("get", "members", "--where", "trained>2000-01-01", "--json").json()["items"]
    assert len(some) == 4
    assert run("get", "members", "--where", "trained>2100-01-01", "--json").json()["items"] == []
    assert run("get", "members", "--where", f"trained>2000-01-01 status:{some[0]['status']}", "--json").json()["items"]
    unknown = run("get", "members", "--where", "depot:north")
    assert unknown.code == 2 and "there is no field 'depot'" in unknown.err
    assert all(f" {name}," in unknown.err for name in ("status", "trained")) and "key:VALUE" in unknown.err


def test_ids_and_numbers_are_plain_and_counts_are_apart() -> None:
    assert [show.text(12_345), show.text(12_345, counted=True)] == ["12345", "12,345"]
    row = {"rows": 1048, "seen": "2013-02-12T10:00:00+02:00", "note": "a" * 60}
    told = {
        "id": 1922,
        "rows": 26_114,
        "at": "2026-11-23T09:04:36.649667Z",
        "found": [{"rows": 1200, "examples": [row]}],
    }
    lines = [line.strip() for line in show.tree(told)]
    assert lines[:3] == ["id: 1922", "rows: 26,114", "at: 2026-11-23 09:04"]
    assert lines[5] == "rows: 1,200" and lines[8:10] == ["rows: 1048", "seen: 2013-02-12 08:00"]


def test_an_application_without_version_control_is_neither_clean_nor_dirty(run, inside: Path) -> None:
    (item,) = run("get", "applications", "--json").json()["items"]
    (line,) = run("get", "applications").out.splitlines()[2:]
    assert item["git_commit"] is None and line.split()[3:6] == [item["bundle"][:12], "-", "-"]


def test_wrong_kinds_filters_and_names(run, inside: Path) -> None:
    assert run("get", "boats").code == 2
    for where in ("colour:red", "number>many", "number>>3", "fleet>>3", "number", "at>yesterday", 'address:"open'):
        shown = run("get", "versions", "--where", where)
        assert (shown.code, shown.out) == (2, "") and "filter" in shown.err and "next:" in shown.err
    for wrong in (["--limit", "0"], ["--limit", "1001"], ["--cursor", "x"]):
        assert run("get", "versions", *wrong).code == 2
    assert run("events", "--where", "colour:red").code == run("events", "--limit", "0").code == 2
    assert run("lineage", "late-order/north@1", "--up", "-1").code == 2
    assert run("why", "@").code == run("approve", "late-order/").code == 2
    shown = run("describe", "version", "late-order/north@9")
    assert shown.code == 2 and "there is no version 'late-order/north@9'" in shown.err
    assert "there is no dataset version 'orders@9'" in run("describe", "dataset-versions", "orders@9").err


def test_describe_shows_every_field(run, inside: Path) -> None:
    found = run("describe", "member", "late-order/north", "--json").json()
    shown = run("describe", "member", "late-order/north").out
    assert all(f"{name}:" in shown for name in found)


def test_the_card_of_a_version_begins_with_who_answers_gates_and_scores(run, inside: Path) -> None:
    shown = run("describe", "version", "late-order/north@1")
    lines = shown.out.splitlines()
    assert lines[0] == "# late-order/north@1" and "Made" in lines[2]
    titles = [line for line in lines if line.startswith("## ")]
    assert titles[:4] == ["## Gates", "## Scores on the held-out rows", "## Code and environment", "## What it is for"]
    assert len(titles) == len(set(titles)) >= 9
    assert "next: argosy describe version late-order/north@1 --json" in shown.err
    found = run("describe", "version", "late-order/north@1", "--json").json()
    assert run("describe", "version", found["id"]).out == shown.out and found["body"]["predictions"]


def test_a_fleet_tells_what_it_declares(run, inside: Path) -> None:
    told = run("describe", "fleet", "late-order", "--json").json()["declares"]
    assert (told["spine"], told["by"], told["label"]) == ("orders", ["depot"], "late")
    assert told["retrain"] == "(drifted() | degraded() | older_than('30d')) & new_rows(200)"
    assert told["rollout"].startswith("Canary(") and any(each.startswith("Drift(") for each in told["monitors"])
    shown = run("describe", "fleet", "late-order").out
    assert f"retrain: {told['retrain']}" in shown and f"rollout: {told['rollout']}" in shown


def test_a_tree_says_how_much_it_leaves_out() -> None:
    value = {"plain": list(range(10)), "names": [f"a feature with a long name {n}" for n in range(12)],
             "shares": {f"f{n}": {"share": n / 3} for n in range(31)}}  # fmt: skip
    lines = list(show.tree(value))
    assert lines[0] == "plain: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert lines[1:4] == ["names:", "  [0]: a feature with a long name 0", "  [1]: a feature with a long name 1"]
    assert lines[12:14] == ["  … 2 more (--json has them)", "shares:"]
    assert lines[-1] == "  … 1 more (--json has them)" and len(lines) == 1 + 12 + 32
    (counts,) = show.tree({"counts": list(range(200))})
    assert counts == "counts: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (200 in all; --json has them)"


def test_why_a_member(run, inside: Path) -> None:
    told = run("why", "late-order/north", "--json").json()
    topics = {topic["title"]: topic for topic in told["topics"]}
    assert set(topics) >= {"Who answers", "Latest training", "Gates", "Now"}
    assert "asked for by" in topics["Latest training"]["says"]
    assert topics["Now"]["says"].startswith("nothing: its condition does not hold")
    assert topics["Now"]["tree"]["holds"] is False
    shown = run("why", "late-order/north").out
    assert "✗ new_rows(200): 0 new labelled rows" in shown


@pytest.mark.parametrize(
    ("address", "kind"),
    [("late-order", "fleet"), ("late-order/*", "member"), ("late-order/south@1", "version"), ("orders", "dataset"),
     ("orders@1", "dataset")],
)  # fmt: skip
def test_why_anything(run, inside: Path, address: str, kind: str) -> None:
    told = run("why", address, "--json").json()
    assert (told["kind"], told["address"]) == (kind, address)
    assert told["summary"] and all(topic["says"] for topic in told["topics"])


@pytest.mark.parametrize("address", ["late-order/west", "late-order/north@7", "nothing", "orders@9"])
def test_why_nothing(run, inside: Path, address: str) -> None:
    shown = run("why", address)
    assert shown.code == 2 and "next:" in shown.err


def test_lineage_leads_back_to_the_file_and_the_code(run, inside: Path) -> None:
    found = run("lineage", "late-order/north@1", "--json").json()
    kinds = {node["kind"] for node in found["nodes"]}
    assert kinds >= {"version", "execution", "dataset", "rows"}
    assert found["bundles"][0]["project"] == "project"
    known = found["origin"]
    (orders,) = known["data"]
    assert known["requirement"]["name"] == "late-order" and known["code"]["modules"].keys() == {"project.py"}
    assert orders["rows"] > known["rows"] > 0 and len(orders["read"]) == orders["parts"] == 1
    shown = run("lineage", "late-order/north@1").out
    for name in ("model", "made by", "rows", "asked by", "code", "environment", "data"):
        assert f"\n  {name} " in shown
    assert "dataset orders@1" in shown and "sample.parquet" in shown and "code project:" in shown
    down = run("lineage", "orders@1", "--up", "0", "--down", "1").out
    assert "version late-order/north@1" in down
    assert run("lineage", "late-order/north@5").code == 2
    assert "there is no version orders@77; the latest is orders@1" in run("lineage", "orders@77").err


def test_events_in_order(run, inside: Path) -> None:
    lines = run("events", "--json").out.splitlines()
    kinds = [msgspec.json.decode(line)["kind"] for line in lines]
    assert kinds[0] == "applied" and kinds.index("trained") < kinds.index("gated")


def test_a_sound_home(run, inside: Path) -> None:
    checks = run("doctor", "--json")
    assert checks.code == 0
    assert {c["name"] for c in checks.json()} >= {"argosy", "home", "disk", "facts", "blobs"}


def test_what_a_killed_process_left_is_told(run, late: Path, tmp_path: Path) -> None:
    shutil.copytree(late / ".argosy", tmp_path / "copy")
    assert "leftovers" not in run("doctor", "--home", tmp_path / "copy").out
    draft = tmp_path / "copy" / "blobs" / f".{'a' * 32}"
    draft.write_bytes(b"x" * 3_000_000)
    os.utime(draft, (1e9, 1e9))
    shown = run("doctor", "--home", tmp_path / "copy")
    assert shown.code == 0 and "· leftovers: 1 unfinished write of processes that were killed, 3.0 MB" in shown.out


def test_a_flipped_byte_is_found(run, late: Path, tmp_path: Path) -> None:
    shutil.copytree(late / ".argosy", tmp_path / "copy")
    parts = [path for path in (tmp_path / "copy" / "blobs").rglob("*") if path.is_file()]
    for path in parts:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
    shown = run("doctor", "--home", tmp_path / "copy")
    assert shown.code == 1 and "✗ blobs" in shown.out


def test_no_home_is_bad(run, tmp_path: Path) -> None:
    assert run("doctor", "--home", tmp_path / "none").code == 1


def test_the_schema_is_one_of_json(run) -> None:
    assert run("schema").json()["discriminator"]["propertyName"] == "kind"


def test_the_next_time_of_a_pipeline_has_its_seconds(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rarely.py").write_text(
        "import argosy as ag\n\n@ag.step\ndef one() -> int:\n    return 1\n\n"
        "@ag.pipeline(schedule='100003s')\ndef rarely():\n    return one()\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run("apply").code == 0
    (item,) = run("get", "pipelines", "--json").json()["items"]
    shown = datetime.fromisoformat(item["next"]).astimezone(UTC)
    assert f"{shown:%Y-%m-%d %H:%M:%S}".removesuffix(":00") in run("get", "pipelines").out
