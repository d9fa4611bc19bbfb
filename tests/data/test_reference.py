from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from argosy.data.ingest import accept
from argosy.errors import InputError
from argosy.spec.contract import Contract, OnFailure, Reference
from argosy.spec.dataset import Dataset
from argosy.spec.source import Parquet
from argosy.store import Store, datasets, edges
from tests.data.table import DAY, START, dataset, everything, put, rows, take

PLACES = dataset(name="places", key=("place",), source=Parquet("places.parquet"))


def referring(on_failure: OnFailure = "block", reference: Reference | None = None) -> Dataset:
    given = reference or Reference("dest", "places", "place", on_failure)
    return dataset(contract=Contract(references=(given,)))


def places(store: Store, root: Path, *names: str) -> None:
    """Bring in a register with these places."""
    rows(0, len(names), place=list(names)).drop("id").write_parquet(root / "places.parquet")
    take(store, root, PLACES)


DESTS = ["a", "b", None, "x", "a"]


@pytest.mark.parametrize(
    ("on_failure", "status", "kept", "aside"),
    [("block", "rejected", 0, 0), ("quarantine", "accepted", 4, 1), ("warn", "accepted", 5, 0)],
)
def test_a_row_that_refers_to_nothing_is_told_and_treated_as_declared(
    store: Store, root: Path, on_failure: OnFailure, status: str, kept: int, aside: int
) -> None:
    places(store, root, "a", "b")
    put(root, "a", rows(0, 5, dest=DESTS))
    outcome = take(store, root, referring(on_failure))
    assert (outcome.status, outcome.added, outcome.quarantined) == (status, kept, aside)
    (finding,) = outcome.findings
    assert finding.message == "1 of 5 rows: dest is not in places.place (places@1)"
    assert (finding.rule, finding.column, finding.rows) == ("reference", "dest", 1)
    assert finding.examples == [{"id": 3, "t": "2024-01-01T03:00:00Z", "dest": "x"}]
    if aside:
        assert everything(store, purpose="quarantine")["reason"].to_list() == ["dest is not in places.place (places@1)"]


def test_the_version_that_rows_were_checked_against_is_in_the_lineage(store: Store, root: Path) -> None:
    places(store, root, "a")
    places(store, root, "a", "b")
    put(root, "a", rows(0, 2, dest=["a", "b"]))
    outcome = take(store, root, referring())
    assert outcome.findings == () and outcome.version is not None
    with store.read() as conn:
        read = [edge for edge in edges.of(conn, [outcome.version.execution_id or 0]) if edge.direction == edges.IN]
    assert ("dataset", "places@2") in [(edge.kind, edge.reference) for edge in read]


def test_several_columns_refer_together_and_a_null_among_them_passes(store: Store, root: Path) -> None:
    rows(0, 2, place=["a", "b"], gate=[1, 2]).with_columns(pl.col("gate").cast(pl.Int32)).write_parquet(
        root / "places.parquet"
    )
    take(store, root, dataset(name="places", source=Parquet("places.parquet")))
    put(root, "a", rows(0, 4, dest=["a", "a", "z", None], gate=[1, 2, None, 9]))
    reference = Reference(["dest", "gate"], "places", ["place", "gate"], "warn")
    outcome = take(store, root, referring(reference=reference))
    assert [finding.message for finding in outcome.findings] == [
        "1 of 4 rows: dest, gate is not in places.place, places.gate (places@1)"
    ]
    assert outcome.findings[0].examples == [{"id": 1, "t": "2024-01-01T01:00:00Z", "dest": "a", "gate": 2}]


def test_rows_wait_for_the_dataset_that_they_refer_to(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 2, dest=["a", "b"]))
    with pytest.raises(InputError, match="places has no rows yet") as raised:
        take(store, root, referring())
    assert "bring rows into places first" in str(raised.value)
    with store.read() as conn:
        assert datasets.version(conn, "table") is None
    places(store, root, "a", "b")
    assert take(store, root, referring()).added == 2


def test_a_warning_does_not_wait_and_says_that_nothing_was_checked(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 2, dest=["a", "b"]))
    outcome = take(store, root, referring("warn"))
    assert outcome.added == 2
    assert [f.message for f in outcome.findings] == ["dest in places.place was not checked: places has no rows yet"]


@pytest.mark.parametrize(
    ("column", "reference", "message"),
    [
        (["a"], Reference("dest", "places", "gone"), "places@1 has no column 'gone'"),
        (["a"], Reference("gone", "places", "place"), "what arrived has no column 'gone'"),
        ([1], Reference("dest", "places", "place"), "dest is Int64, place in places@1 is String"),
    ],
)
def test_columns_that_cannot_be_compared_are_named(
    store: Store, root: Path, column: list[object], reference: Reference, message: str
) -> None:
    places(store, root, "a")
    put(root, "a", rows(0, 1, dest=column))
    with pytest.raises(InputError, match=message) as raised:
        take(store, root, referring(reference=reference))
    assert raised.value.next


def test_rows_that_were_held_back_can_be_accepted_or_come_again_when_the_register_has_grown(
    store: Store, root: Path
) -> None:
    places(store, root, "a")
    path = put(root, "a", rows(0, 2, dest=["a", "b"]))
    assert take(store, root, referring()).status == "rejected"
    taken = accept(store, referring(), 1, "ann", "b was opened", START + 31 * DAY)
    assert (taken.added, taken.findings[0].outcome) == (2, "accepted")
    places(store, root, "a", "b", "c")
    path.unlink()
    put(root, "b", rows(2, 1, at=START + DAY, dest=["c"]))
    assert take(store, root, referring()).findings == ()
