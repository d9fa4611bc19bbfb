"""What a run is recorded to be made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.controller.reproduce import recipe
from argosy.controller.reproduce.recipe import Piped
from argosy.errors import ArgosyError, ConflictError, UnknownError
from argosy.store import Store, bundles, runs
from argosy.store.runs import NewEnding, NewRun

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CODE = bundles.Bundle(
    digest="b" * 64, project="flow", at=NOW, libraries={"python": "3.11.7", "polars": "1.0.0"}, modules={}, actor="ann"
)
BODY = {"recipes": {"flow:fit": {"libraries": {"polars": "1.2.0", "lightgbm": "4.6.0"}}}, "nodes": []}


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        with opened.write() as tx:
            bundles.add(tx, CODE)
        yield opened


def begin(store: Store, *, ended: bool = True, bundle: str | None = CODE.digest) -> int:
    with store.write() as tx:
        inputs = {"flights": "flights@3", "started by": "flights@2", "planes": "planes@1"}
        new = NewRun(
            pipeline="flow", key="k", at=NOW, actor="ann", cause="asked for", bundle=bundle, inputs=inputs, body=BODY
        )
        run = runs.begin(tx, new)
        if ended:
            runs.end(tx, [NewEnding(run_id=run.id, at=NOW, outcome=runs.SUCCEEDED, actor="ann")])
        return run.id


def test_libraries_of_steps_go_before_those_of_the_bundle_and_datasets_have_their_highest_version(store) -> None:
    id = begin(store)
    with store.read() as conn:
        found = recipe.find(conn, str(id))
    assert isinstance(found, Piped) and found.name == f"run {id} of flow"
    assert found.libraries == {"python": "3.11.7", "polars": "1.2.0", "lightgbm": "4.6.0"}
    assert found.datasets == {"flights": 3, "planes": 1}


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"ended": False}, ConflictError, "run 1 of flow has not ended"),
        ({"bundle": None}, UnknownError, "the code of run 1 of flow is not on record"),
    ],
)
def test_what_has_no_end_or_no_code_is_refused(store, how, error: type[ArgosyError], said: str) -> None:
    begin(store, **how)
    with pytest.raises(error, match=said), store.read() as conn:
        recipe.find(conn, "1")
