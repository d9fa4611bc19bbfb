"""`argosy approve`: what waits for a person says so everywhere; rows that a contract kept out are taken in."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from argosy.console import member
from argosy.controller.clock import SystemClock
from argosy.registry.card import card
from argosy.store import Store, datasets, events
from tests.cli.conftest import Run

PROJECT = """
import argosy as ag
from argosy.spec.estimator import Estimator

orders = ag.Dataset("orders", time="placed", source=ag.Csv("*.csv"),
                    contract=ag.Contract(columns={"distance": ag.Column(maximum=100)}))
late = ag.Fleet(
    "late", spine=orders, label="late", features=["distance"],
    candidates=[ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))],
)
"""


@pytest.fixture
def rejected(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only version was rejected."""
    (tmp_path / "orders.py").write_text(PROJECT)
    (tmp_path / "a.csv").write_text("placed,distance,late\n2024-01-01T00:00:00Z,7,0\n2024-01-02T00:00:00Z,700,1\n")
    monkeypatch.chdir(tmp_path)
    assert run("apply", "orders.py").code == 0
    told = run("train", "late")
    assert (
        "1 of 2 rows: distance is not at most 100 (mend the source, or correct the contract and argosy apply, "
        "then argosy approve orders@1)" in told.out + told.err
    )
    return tmp_path


def rows(home: Path) -> int:
    with Store.open(home / ".argosy") as store, store.read() as conn:
        version = datasets.version(conn, "orders")
        assert version is not None
        return version.rows


def test_a_rejected_version_is_taken_in_with_who_and_why(run: Run, rejected: Path) -> None:
    assert rows(rejected) == 0
    said = run("approve", "orders@1", "--reason", "a long way")
    assert said.code == 0 and "orders@2: 2 rows added, accepted" in said.err
    assert rows(rejected) == 2
    with Store.open(rejected / ".argosy") as store, store.read() as conn:
        event = events.of_subject(conn, "orders", limit=1)[0]
    assert event.kind == "dataset.accepted" and "a long way" in event.message
    again = run("approve", "orders@1")
    assert again.code == 1 and "orders@1 was accepted before" in again.err
    assert again.err.endswith("next: argosy describe dataset orders\n")


@pytest.mark.parametrize("given", [["orders"], ["orders@1", "--refuse"], ["orders@7"]])
def test_what_is_no_rejected_version_is_told(run: Run, rejected: Path, given: list[str]) -> None:
    said = run("approve", *given)
    assert said.code in (1, 2) and "orders" in said.err and "next:" in said.err
    assert rows(rejected) == 0


WRONG = ("did not pass its gates", "no version has passed", "no pooled model", "has not been judged")
WAITS = "version 1 waits for approval by the shop (argosy approve late-order/north@1)"


@pytest.fixture
def asking(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trained project in which a person is asked about every version."""
    monkeypatch.chdir(tmp_path)
    assert run("init", "--sample").code == 0
    text = (tmp_path / "project.py").read_text()
    (tmp_path / "project.py").write_text(re.sub(r"gates=\[.*\]", 'gates=[ag.Approval("the shop")]', text))
    assert run("apply").code == 0
    trained = run("train", "late-order")
    assert trained.code == 0
    assert "late-order: 0 of 4 versions passed the gates; version 1 waits for approval by the shop (" in trained.err
    assert trained.err.rstrip().endswith("), and 3 more")
    pl.read_parquet("data/orders/sample.parquet").filter(depot="north").head(5).write_parquet("rows.parquet")
    return tmp_path


def topics(run: Run, address: str) -> dict[str, str]:
    told = run("why", address, "--json").json()
    said = {topic["title"]: topic["says"] for topic in told["topics"]} | {"summary": told["summary"]}
    assert not [wrong for wrong in WRONG for text in said.values() if wrong in text]
    return said


@pytest.mark.slow
def test_while_a_version_waits_every_place_says_for_whom_and_how_to_answer(run: Run, asking: Path) -> None:
    items = {item["key"]: item for item in run("get", "members", "--json").json()["items"]}
    assert {item["status"] for item in items.values()} == {"waiting"}
    assert items["north"]["reason"] == WAITS
    (fleet,) = run("get", "fleets", "--json").json()["items"]
    assert (fleet["status"], fleet["reason"]) == ("waiting", "3 waiting")
    said = topics(run, "late-order/north")
    assert said["summary"] == f"waiting: {WAITS}"
    assert said["Who answers"] == f"nobody: {WAITS}"
    assert said["Gates"].endswith("waits for approval by the shop (argosy approve late-order/north@1)")
    assert said["Now"] == f"wait: approval of late-order: {WAITS}"
    version = topics(run, "late-order/north@1")
    assert version["summary"] == WAITS
    assert version["What became of it"] == "it has not reached traffic: it waits for approval by the shop"
    (action,) = run("plan", "--json").json()["actions"]
    assert action["why"] == (
        "version 1 waits for approval by the shop (argosy approve 'late-order/*@1'), and 3 more"
    )  # fmt: skip
    refused = run("predict", "late-order", "--file", "rows.parquet", "--json")
    (reason,) = {row["reason"] for row in refused.json() if row["depot"] == "north"}
    assert refused.code == 1 and not [wrong for wrong in WRONG if wrong in reason]
    assert "'late-order/north' has no champion: version 1 waits for approval by the shop" in reason
    assert "next: argosy approve late-order/north@1" in reason
    with Store.open(asking / ".argosy") as store, store.read() as conn:
        page = member.read(conn, "late-order/north", SystemClock().now())
        wishes = {wish.about: (wish.true, wish.holds) for wish in page.wishes}
        assert wishes["answers"] == (f"no model of its own yet: {WAITS}", None)
        assert wishes["gates"] == (WAITS, None)
        assert f"V{WAITS[1:]}." in [each.words for each in page.ahead]
        role = card(conn, store, "late-order/north@1").role
        assert role == "waits for approval by the shop (argosy approve late-order/north@1)"


@pytest.mark.slow
def test_what_a_person_answered_is_told_until_the_gates_are_asked_again(run: Run, asking: Path) -> None:
    assert run("approve", "late-order/*").code == 0
    assert run("approve", "late-order/north", "--refuse", "--reason", "December is missing").code == 0
    items = {item["key"]: item for item in run("get", "members", "--json").json()["items"]}
    assert (items["north"]["status"], items["*"]["status"]) == ("new", "new")
    then = "it takes effect with the next pass (argosy up, or argosy train late-order)"
    for key, word in (("north", "refused"), ("*", "approved")):
        assert items[key]["reason"].startswith(f"version 1 was {word} by ")
        assert items[key]["reason"].endswith(f"; {then}; nothing answers yet")
    assert ": December is missing; " in items["north"]["reason"]
    said = topics(run, "late-order/north")["Gates"]
    assert "1: refused by " in said and said.endswith(
        ": December is missing; its gates are to be asked again, with the next pass"
    )
    run("train", "late-order")
    items = {item["key"]: item for item in run("get", "members", "--json").json()["items"]}
    assert items["*"]["status"] == "serving"
    assert items["north"]["reason"] == "version 1 did not pass its gates; the pooled model answers"
    assert items["south"]["status"] == "waiting"
    refused = run("why", "late-order/north", "--json").json()["topics"]
    (answers,) = [topic for topic in refused if topic["title"] == "Who answers"]
    assert answers["says"] == "the pooled model, late-order/*@1"
    assert answers["details"] == ["version 1 did not pass its gates"]
    (verdicts,) = [topic for topic in refused if topic["title"] == "Gates"]
    assert any("refused by " in each and each.endswith(": December is missing") for each in verdicts["details"])
    waiting = run("why", "late-order/south", "--json").json()["topics"]
    (answers,) = [topic for topic in waiting if topic["title"] == "Who answers"]
    assert answers["details"] == [WAITS.replace("north", "south")]
    assert run("predict", "late-order", "--file", "rows.parquet").code == 0
