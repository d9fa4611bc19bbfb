"""What doctor says of a home that is sound and lacks something."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select, update

from argosy.store import Store, artifacts, datasets, resources, schema
from tests.cli.pipes import Pipes

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def empty(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is applied and whose source matches no file."""
    monkeypatch.chdir(tmp_path)
    assert run("init").code == 0
    assert run("apply").code == 0
    return tmp_path


def test_a_dataset_without_a_file_is_named_and_is_no_fault(run, empty: Path) -> None:
    found = run("doctor", "--json")
    (check,) = (each for each in found.json() if each["name"] == "dataset orders")
    assert check["outcome"] == "note"
    assert check["found"] == f"data/orders/*.parquet matches no file in {empty}"
    assert check["next"].startswith("put files there")
    assert found.code == 0


def test_a_home_that_is_not_up_says_how_to_start_it(run, empty: Path) -> None:
    (check,) = (each for each in run("doctor", "--json").json() if each["name"] == "up")
    assert check == {"name": "up", "outcome": "note", "found": "not on this machine", "next": "argosy up"}


def test_why_a_version_was_rejected_is_said_once(run, empty: Path) -> None:
    project = empty / "project.py"
    contract = 'owner="you", contract=ag.Contract(columns={"parcels": ag.Column(minimum=5, on_failure="block")})'
    project.write_text(project.read_text().replace('owner="you"', contract, 1))
    (empty / "data" / "orders").mkdir(parents=True)
    rows = {"order_id": ["a"], "left_at": [AT], "recorded_at": [AT], "depot": ["north"], "kilometres": [1.0]}
    pl.DataFrame({**rows, "parcels": [1], "late": [False]}).write_parquet(empty / "data" / "orders" / "a.parquet")
    assert run("apply").code == 0
    assert run("train", "late-order").code == 1
    found = {each["name"]: each["found"] for each in run("doctor", "--json").json()}
    assert found["dataset orders"].startswith("blocked: version 1 was rejected: 1 of 1 rows: parcels is not at least 5")
    assert found["fleet late-order"] == "orders: blocked"


@pytest.mark.slow
def test_a_damaged_blob_is_told_by_what_it_holds(run, inside: Path, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(inside / ".argosy", home)
    with Store.open(home) as store, store.read() as conn:
        (part,) = datasets.parts(conn, "orders", 1)
        version = resources.get(conn, "versions", "late-order/north@1")
        slot = artifacts.get(conn, [version["artifact"]])[version["artifact"]].slot
        files = {"part of orders@1: blob ": store.blobs.path(part.digest)}
        files["model of late-order/harbour@1, late-order/north@1, late-order/south@1: blob "] = store.blobs.path(
            slot.pack or slot.digest
        )
    for said, path in files.items():
        whole = path.read_bytes()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        found = run("doctor", "--home", home, "--json")
        (check,) = (each for each in found.json() if each["name"] == "blobs")
        assert found.code == 1 and check["outcome"] == "bad" and check["found"].startswith(said)
        assert path.name in check["found"]
        path.write_bytes(whole)


def test_what_lies_in_its_row_is_checked_there(run, ran: Pipes) -> None:
    (check,) = (each for each in run("doctor", "--json").json() if each["name"] == "blobs")
    assert check["outcome"] == "good" and not check["found"].startswith("0 ")


def test_a_row_that_was_damaged_is_told(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    with Store.open(pipes.home) as store, store.write() as tx:
        digest = (
            tx.execute(select(schema.artifact.c.digest).where(schema.artifact.c.data.is_not(None))).scalars().first()
        )
        tx.execute(update(schema.artifact).where(schema.artifact.c.digest == digest).values(data=b"other"))
    found = run("doctor", "--json")
    (check,) = (each for each in found.json() if each["name"] == "blobs")
    assert found.code == 1 and check["outcome"] == "bad"
    assert check["found"] == f"artifact {digest[:12]} does not match its content address"
