from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller import survey
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import plan
from argosy.store import members, versions
from tests.controller.conftest import START

SLICES = 'slices=["weekday", '


def declare(project: Path, slices: str) -> Path:
    module = project / "flights.py"
    text = module.read_text()
    assert SLICES in text
    module.write_text(text.replace(SLICES, slices))
    return module


@pytest.mark.slow
def test_versions_tell_of_the_slices_of_their_held_out_rows(house: House) -> None:
    with house.store.read() as conn:
        found = versions.of(conn, list(members.ids(conn, "late-arrival").values()))
    assert {version.member_id for version in found} > set()
    for version in found:
        held, slices = version.body["held_out"]["rows"], version.body["slices"]
        assert set(slices) == {"weekday", "long haul"}
        for shares in slices.values():
            assert sum(share["rows"] for share in shares) == held
            assert all(set(share["scores"]) <= {"log_loss", "roc_auc"} for share in shares)
            mean = sum(share["rows"] * share["scores"]["log_loss"][0] for share in shares) / held
            assert mean == pytest.approx(version.metrics["log_loss"])
        assert {share["value"] for share in slices["weekday"]} == set("1234567")
        assert {share["value"] for share in slices["long haul"]} <= {"true", "false"}


@pytest.mark.slow
def test_other_slices_make_nobody_train(house: House, project: Path) -> None:
    apply(house.store, declare(project, 'slices=["dest", '), START, "tester")
    actions = plan(survey.observe(house, START), START).actions
    assert not [action for action in actions if type(action).__name__ == "Train"]


@pytest.mark.slow
def test_a_slice_of_an_unknown_column_fails_the_training_with_its_name(fresh: House, project: Path) -> None:
    apply(fresh.store, declare(project, 'slices=["wekday", '), START, "tester")
    said = [done.said for done in tick(fresh, START) if done.failed]
    assert len(said) == 1
    assert "slice 'wekday' of late-arrival reads 'wekday', no column of flights and no feature" in said[0]
