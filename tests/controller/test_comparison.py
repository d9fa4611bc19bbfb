"""Several tracked runs, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from argosy.controller import bundle
from argosy.controller.comparison import BUNDLE, compare
from argosy.errors import UnknownError, UsageError
from argosy.store import Store, artifacts, bundles, executions, members, versions
from argosy.store.artifacts import Artifact
from argosy.store.tracking import absorb, experiments, inputs, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Point
from tests.controller.test_tracked import NOW

HAND = Hand("ann", NOW)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    """An open store that holds the default experiment alone."""
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        with store.write() as tx:
            experiments.ensure_default(tx)
        yield store


def _run(
    store: Store, values: Mapping[str, str], measured: Mapping[str, float], tags: Mapping[str, str] | None = None,
    digest: str = "",
) -> str:  # fmt: skip
    with store.write() as tx:
        run = runs.create(tx, 0, "x", NOW, HAND, tags=tags)
        texts.put(tx, texts.PARAMETER, run.id, 0, values, HAND)
        metrics.log(tx, run.id, 0, [Point(key, value, 0, 0) for key, value in measured.items()])
        if digest:
            given = [Input(Source("orders", each, "local", "x"), {}) for each in digest.split()]
            inputs.log(tx, run.id, 0, given)
    return run.run


def test_only_what_differs_is_there(store: Store) -> None:
    alike, tags = {"a": 1.0, "b": math.nan}, [{"team": each, "mlflow.source.name": f"{each}.py"} for each in "xy"]
    names = [
        _run(store, {"depth": "1", "seed": "7"}, alike, tags[0], "d1"),
        _run(store, {"depth": "1"}, alike, tags[1], "d1 d2"),
    ]
    with store.read() as conn:
        found = compare(store, conn, names)
    rows = [(row.name, row.values) for row in found.parameters + found.metrics + found.datasets + found.tags]
    assert rows == [
        ("seed", ["7", None]), ("orders", ["d1", "d1, d2"]), ("mlflow.source.name", ["x.py", "y.py"]),
    ]  # fmt: skip
    assert found.patches == [] and not found.none


def test_code_is_compared_with_that_of_the_first_that_has_any(store: Store, tmp_path: Path) -> None:
    made = []
    for number in range(2):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "project.py").write_text(f"import argosy\na = {number}\n")
        made.append(bundle.make(place / "project.py"))
        store.blobs.put(made[-1].data)
        with store.write() as tx:
            bundles.add(tx, bundle.describe(made[-1], NOW, "ann"))
    tags = [{}, {BUNDLE: made[0].digest}, {BUNDLE: made[1].digest}, {BUNDLE: made[1].digest}]
    names = [_run(store, {}, {}, each) for each in tags]
    with store.read() as conn:
        found = compare(store, conn, names)
        (patch,) = found.patches
        assert (patch.before, patch.after, patch.lines[-2:]) == (1, 2, ["-a = 0", "+a = 1"])
        assert compare(store, conn, names[2:]).none


def test_a_version_stands_for_the_execution_that_made_it(store: Store) -> None:
    fields = {"kind": "train", "started_at": NOW, "ended_at": NOW}
    kept = Artifact(digest="d" * 64, kind="model", bytes=1, at=NOW)
    with store.write() as tx:
        artifacts.add(tx, [kept])
        ids = list(members.ensure(tx, "late", ["JFK/AA", "JFK/B6"], NOW).values())
        made = executions.record(
            tx,
            [
                executions.NewExecution(key=f"k{n}", subject=f"late/{n}", metrics={"auc": n / 10}, **fields)
                for n in (3, 4)
            ],
        )
        new = {"fleet": "late", "artifact": kept.digest, "format": "x", "at": NOW, "rows": 1}
        for id, execution in zip(ids, made, strict=True):
            versions.add(tx, [versions.NewVersion(member_id=id, key="k", execution_id=execution, **new)])
    absorb.catch_up(store, NOW)
    with store.read() as conn:
        found = compare(store, conn, ["late/JFK/B6@1", "e1"])
        assert found.names == ["late/JFK/B6@1", "e1"]
        assert ("auc", [0.4, 0.3]) in [(row.name, row.values) for row in found.metrics]
        for wrong in ("late/JFK/B6@2", "late/JFK/XX@1", "early/JFK/B6@1"):
            with pytest.raises(UnknownError, match=f"there is no version {wrong}"):
                compare(store, conn, ["e1", wrong])


def test_the_number_of_queries_does_not_grow_with_the_runs(home: Path) -> None:
    with Store.open(home) as store:
        with store.write() as tx:
            experiments.ensure_default(tx)
        names = [_run(store, {"depth": str(number)}, {"a": number / 10}) for number in range(20)]
        counts = []
        with store.read() as conn:
            for some in (names[:2], names):
                told: list[str] = []
                conn.connection.dbapi_connection.set_trace_callback(told.append)  # type: ignore[union-attr]
                assert len(compare(store, conn, some).parameters[0].values) == len(some)
                counts.append(len(told))
    assert counts[0] == counts[1] < 15


def test_two_to_a_hundred_are_compared(store: Store) -> None:
    with store.read() as conn:
        for number, named in ((0, "0 runs"), (1, "1 run"), (101, "101 runs")):
            with pytest.raises(UsageError, match=f"{named} cannot be compared"):
                compare(store, conn, ["a" * 8] * number)
