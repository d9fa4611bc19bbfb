"""Owners: where a project was applied from, which module is another one, and what one takes from another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from argosy.controller import owner
from argosy.controller.apply import Difference, differences, draft, foreseen, root
from argosy.controller.project import load
from argosy.errors import ConflictError
from argosy.store import declarations, events
from argosy.store.store import Store
from argosy.testing.sample import moment
from tests.controller.desk import ALL, Desk, verbs


def test_where_a_project_was_applied_is_known_whatever_happened_since(home: Path) -> None:
    kinds = ["applied", *["failed"] * 120]
    with Store.open(home) as store:
        with store.write() as tx:
            told = [
                events.NewEvent(at=moment(), kind=kind, subject="project:shop", actor="ann", message="m")
                for kind in kinds
            ]
            first = events.add(tx, told)[0]
        with store.read() as conn:
            last = owner.applied(conn, "shop")
            assert owner.applied(conn, "other") is None
    assert last is not None and last.id == first


def test_a_place_that_cannot_be_looked_at_is_still_there(tmp_path: Path) -> None:
    (module := tmp_path / "shop.py").touch()
    closed = tmp_path / ("x" * 300) / "shop.py"  # too long a name: the system refuses to look, whoever asks
    with pytest.raises(ConflictError, match="which cannot be looked at") as refused:
        owner.check_place(closed, module, [("fleet", "late")])
    assert "--take-from shop" in refused.value.next


def test_a_place_that_is_gone_or_the_same_is_no_other(tmp_path: Path) -> None:
    (module := tmp_path / "shop.py").touch()
    (link := tmp_path / "link.py").symlink_to(module)
    for before in (module, link, tmp_path / "gone" / "shop.py", module / "shop.py"):
        owner.check_place(before, module, [("fleet", "late")])


def test_other_projects_are_left_alone(desk: Desk) -> None:
    desk.apply()
    desk.write("second.py", 'import argosy as ag\nother = ag.Dataset("other", time="t", source=ag.Parquet("o"))\n')
    assert verbs(desk.apply("second.py")) == {("add", "other")}
    desk.apply()
    with desk.store.read() as conn:
        assert declarations.get(conn, "dataset", "other") is not None
        assert {row.name for row in declarations.current(conn)} == ALL | {"other"}


DELAYS = """
import argosy as ag
from sklearn.linear_model import LogisticRegression

flights = ag.Dataset("flights", time="t", source=ag.Parquet("f.parquet"), owner="ops")
early = ag.Fleet(
    "early", spine=flights, label="late", features=["distance"], candidates=[LogisticRegression()],
)
"""


def test_what_another_project_declares_otherwise_is_refused(desk: Desk) -> None:
    desk.apply()
    before = desk.facts()
    desk.write("delays.py", DELAYS.replace("ops", "ann"))
    with pytest.raises(ConflictError) as refused:
        desk.apply("delays.py")
    said = f"dataset flights is declared by project 'flights', applied from {desk.folder}; "
    assert refused.value.message == said + "project 'delays' declares it otherwise"
    assert "argosy apply delays.py --take-from flights" in refused.value.next
    assert desk.facts() == before and desk.body("dataset", "flights")["owner"] == "ops"


def test_what_another_project_takes_over_is_its_own_from_then_on(desk: Desk) -> None:
    desk.apply()
    desk.write("delays.py", DELAYS)
    assert verbs(desk.apply("delays.py")) == {("add", "early")}  # the dataset is the same in both: it stays
    assert desk.body("dataset", "flights")["project"] == "flights"
    moved = desk.apply("delays.py", "flights")
    assert moved.differences == (Difference("dataset", "flights", "change", ("project: flights -> delays",)),)
    assert desk.body("dataset", "flights")["project"] == "delays"
    assert desk.apply("delays.py", "flights").differences == () == desk.apply().differences
    desk.write("delays.py", DELAYS.replace("ops", "ann"))
    assert verbs(desk.apply("delays.py")) == {("change", "flights")}
    with pytest.raises(ConflictError, match=r"by project 'delays', .* project 'flights' declares it otherwise"):
        desk.apply()


def test_what_another_project_reads_is_not_withdrawn(desk: Desk) -> None:
    desk.apply()
    desk.write("delays.py", DELAYS)
    desk.apply("delays.py")
    before = desk.facts()
    planes = 'import argosy as ag\nplanes = ag.Dataset("planes", time="t", source=ag.Parquet("p.parquet"))\n'
    desk.write("flights.py", planes)
    with pytest.raises(ConflictError, match=r"no longer declared by project 'flights', but fleet early of .* reads it"):
        desk.apply()
    assert desk.facts() == before
    desk.apply("delays.py", "flights")
    assert verbs(desk.apply()) == {("remove", "weather"), ("remove", "conditions"), ("remove", "late")}


def test_a_project_of_the_same_name_elsewhere_does_not_push_the_first_one_out(desk: Desk, tmp_path: Path) -> None:
    desk.apply()
    before, first = desk.facts(), desk.folder
    desk.folder = tmp_path / "elsewhere"
    desk.folder.mkdir()
    desk.write(
        "flights.py", 'import argosy as ag\nplanes = ag.Dataset("planes", time="t", source=ag.Parquet("p.parquet"))\n'
    )
    project, _ = load(desk.folder / "flights.py")
    with desk.store.read() as conn, pytest.raises(ConflictError, match="which is still there"):
        differences(conn, draft(project), desk.folder / "flights.py")  # a plan says so too
    with pytest.raises(ConflictError) as refused:
        desk.apply()
    assert f"was applied from {first / 'flights.py'}, which is still there" in refused.value.message
    assert "would change or withdraw dataset flights and 3 more" in refused.value.message
    assert desk.facts() == before
    assert verbs(desk.apply("flights.py", "flights")) == {("remove", name) for name in ALL - {"planes"}}
    with desk.store.read() as conn:
        assert root(conn, "flights") == desk.folder


def test_a_copy_of_a_project_is_applied_in_its_place_while_it_is_the_same(desk: Desk, tmp_path: Path) -> None:
    desk.apply()
    shutil.copytree(desk.folder, tmp_path / "copy")
    desk.folder = tmp_path / "copy"
    assert desk.apply().differences == ()
    desk.edit("minimum=0.6", "minimum=0.7")
    assert verbs(desk.apply()) == {("change", "late")}


def test_what_another_project_declares_alike_is_foreseen_as_that_projects(desk: Desk) -> None:
    desk.write(
        "planes.py", 'import argosy as ag\nplanes = ag.Dataset("planes", time="t", source=ag.Parquet("p.parquet"))\n'
    )
    desk.apply("planes.py")
    project, _ = load(desk.folder / "flights.py")
    with desk.store.read() as conn:
        found = foreseen(conn, draft(project), "flights")
    assert found["dataset", "planes"].project == "planes" and found["dataset", "planes"].bundle is not None
    assert {each.project for key, each in found.items() if key != ("dataset", "planes")} == {"flights"}
    assert found["fleet", "late"].revision == 1
