"""What a version goes back to, over a small world: two days of files, a view over them, and a training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from argosy.store import (
    Store,
    applications,
    artifacts,
    bundles,
    datasets,
    declarations,
    edges,
    executions,
    members,
    origin,
    versions,
)  # fmt: skip
from argosy.store.lineage import Node
from argosy.store.origin import Data, Origin
from argosy.testing.sample import digest, moment, part

STATE = "state.features.0123456789ab"


def run(tx: Connection, hours: float, read: list[tuple[str, str]], made: tuple[str, str], **more: Any) -> int:
    one = executions.NewExecution(
        key=digest(f"{made}"), kind="step", subject="s", started_at=moment(hours), ended_at=moment(hours),
        bundle=digest("bundle"), **more,
    )  # fmt: skip
    (id,) = executions.record(tx, [one])
    flows = [("in", *each) for each in read] + [("out", *made)]
    edges.add(tx, [edges.Edge(execution_id=id, direction=d, kind=k, reference=r) for d, k, r in flows])
    return id


def grow(tx: Connection, dataset: str, hours: float, read: list[tuple[str, str]], **more: Any) -> None:
    """One more version, of one part of ten rows that lie within the day that ends then."""
    last = datasets.version(tx, dataset)
    number = last.number + 1 if last else 1
    id = run(tx, hours, read, ("dataset", f"{dataset}@{number}"), **more)
    new = part(f"{dataset}{number}", low=hours - 24, high=hours - 1)
    datasets.commit(
        tx,
        datasets.NewVersion(dataset=dataset, at=moment(hours), parts=[new], columns={"x": "Int64"}, execution_id=id),
    )


def declare(tx: Connection, kind: str, name: str, print: str, hours: float, **body: Any) -> None:
    new = declarations.NewDeclaration(
        kind=kind, name=name, fingerprint=print, body=body, at=moment(hours), actor="ada", bundle=digest("bundle")
    )
    declarations.add(tx, [new])


def train(tx: Connection) -> None:
    """`late/JFK@1`, trained at hour 50 on the versions of that time."""
    read = [("dataset", "flights@2"), ("dataset", f"{STATE}@2"), ("rows", "r" * 64), ("training set", "t" * 64)]
    (member,) = members.ensure(tx, "late", ["JFK"], moment(50)).values()
    id = run(tx, 50, read, ("version", "late/JFK@1"), member_id=member, cpu_s=0.5)
    artifacts.add(tx, [artifacts.Artifact(digest=digest("model"), kind="model", bytes=5, at=moment(50))])
    made = versions.NewVersion(
        fleet="late", member_id=member, key=digest("task"), artifact=digest("model"), format="lightgbm",
        execution_id=id, at=moment(50), rows=17, span_low=moment(1), span_high=moment(40),
    )  # fmt: skip
    versions.add(tx, [made])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(Path(tmp_path_factory.mktemp("home"))) as found:
        with found.write() as tx:
            bundles.add(tx, bundles.Bundle(
                digest=digest("bundle"), project="p", at=moment(), libraries={"polars": "2.1.0"},
                modules={"p.py": digest("p.py")}, actor="ada",
            ))  # fmt: skip
            applications.add(tx, [applications.NewApplication(
                bundle=digest("bundle"), project="p", at=moment(), actor="ada", git_commit="3f2a9c1d77", dirty=True,
            )])  # fmt: skip
            declare(tx, "dataset", "flights", "d1", 0, description="Flights.", owner="ops")
            declare(tx, "feature_view", "state", "v1", 0, code={"p:state": digest("state")})
            declare(tx, "fleet", "late", "f1", 0, description="Late by 15 minutes.", code={"p:state": digest("state")})
            for day in (1, 2, 3):
                if day == 3:
                    train(tx)
                    declare(tx, "feature_view", "state", "v2", 60, code={"p:state": digest("another")})
                    declare(tx, "fleet", "late", "f2", 60, description="Late by 30 minutes.")
                grow(tx, "flights", 24.0 * day, [("file", f"day{day}.csv#{day}")])
                asked = {"view": "state", "fingerprint": "v1"}
                grow(tx, STATE, 24.0 * day, [("dataset", f"flights@{day}")], parameters=asked)
        yield found


def found(store: Store, kind: str, reference: str) -> Origin | Data | None:
    with store.read() as conn:
        return origin.of(conn, Node(kind, reference))


def test_a_version_goes_back_to_its_rows_its_code_and_what_was_asked_for(store: Store) -> None:
    made = found(store, "version", "late/JFK@1")
    assert isinstance(made, Origin)
    assert (made.rows, made.low, made.high) == (17, moment(1), moment(40))
    assert (made.slice, made.training_set, made.artifact) == ("r" * 64, "t" * 64, digest("model"))
    assert made.execution.cpu_s == 0.5
    assert made.code is not None and made.code.functions == {"p:state": digest("state")}
    assert (made.code.git_commit, made.code.dirty, made.code.libraries) == ("3f2a9c1d77", True, {"polars": "2.1.0"})


def test_what_was_asked_for_is_the_declaration_of_that_time(store: Store) -> None:
    made = found(store, "version", "late/JFK@1")
    assert made is not None and made.requirement is not None
    assert (made.requirement.fingerprint, made.requirement.description) == ("f1", "Late by 15 minutes.")
    assert not made.requirement.standing


def test_data_goes_back_to_every_file_up_to_its_version_and_to_none_that_came_later(store: Store) -> None:
    made = found(store, "version", "late/JFK@1")
    assert isinstance(made, Origin)
    flights, state = made.data
    assert (flights.number, flights.rows, flights.parts) == (2, 20, 2)
    assert flights.read == (("file", "day1.csv#1"), ("file", "day2.csv#2"))
    assert (flights.low, flights.high) == (moment(0), moment(47))
    assert flights.requirement is not None and flights.requirement.owner == "ops" and flights.requirement.standing
    assert state.dataset == STATE and state.read == ()
    assert [(each.dataset, each.number) for each in state.made_of] == [("flights", 2)]
    assert state.requirement is not None and state.requirement.kind == "feature_view"
    assert (state.requirement.fingerprint, state.requirement.standing) == ("v1", False)


def test_a_dataset_has_an_origin_of_its_own(store: Store) -> None:
    state = found(store, "dataset", f"{STATE}@3")
    assert isinstance(state, Data) and state.code is not None
    assert state.code.functions == {"p:state": digest("state")}
    (flights,) = state.made_of
    assert flights.number == 3 and len(flights.read) == 3


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("version", "late/JFK@2"), ("version", "late/JFK"), ("version", "late/JFK@x"), ("dataset", "flights@4"),
        ("dataset", "flights"), ("file", "day1.csv#1"), ("execution", "1"), ("version", "@1"),
    ],
)  # fmt: skip
def test_what_is_not_there_has_none(store: Store, kind: str, reference: str) -> None:
    assert found(store, kind, reference) is None
