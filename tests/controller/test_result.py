"""What a run gave, as facts name it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest

import argosy as ag
from argosy.controller import provenance, result
from argosy.engine.local import Local
from argosy.errors import UnknownError, UsageError
from argosy.store import Store, calls, executions
from tests.pipelines.runs import Place


@ag.step
def split(x: int) -> tuple[Annotated[int, "train"], Annotated[int, "test"], int]:
    return x, x + 1, x + 2


@ag.step
def pair(x: int) -> tuple[int, int]:
    return x, x + 1


@ag.pipeline
def both(x: int = 1) -> Any:
    return {"split": split(x)[0], "pair": pair.map([x, x + 1])[1]}


def test_artifacts_within_an_output_are_found_however_deep() -> None:
    written = {"items": [["table", "a"], None, {"items": [["value", "b"]]}]}
    assert list(result.leaves(written)) == [("table", "a"), ("value", "b")]
    assert list(result.leaves(None)) == []


def test_outputs_of_a_step_are_found_by_name_and_by_number(home: Path) -> None:
    with Store.open(home) as store, Local(1) as engine:
        id = Place(store, engine).run(both).run.id
        with store.read() as conn:
            found = executions.of_subject(conn, "both/split")[0]
            train, test, rest = found.parameters["outputs"]
            assert [result.find(conn, id, f"split.{name}") for name in ("train", "1", "test", "3")] == [
                train, train, test, rest,
            ]  # fmt: skip
            listed = result.find(conn, id, "pair.2")
            assert [len(each["items"]) for each in (listed, result.find(conn, id, "pair.1"))] == [2, 2]
            with pytest.raises(UsageError) as caught:
                result.find(conn, id, "split")
            assert caught.value.next == "name one of them: split.train, split.test, split.3"
            with pytest.raises(UsageError, match="pair gives 2 outputs"):
                result.find(conn, id, "pair.3")
            for name in ("split.", "split.none", "pair.x"):
                with pytest.raises(UnknownError, match="no step"):
                    result.find(conn, id, name)
            assert [each.name for each in provenance.execution(conn, found.id).made] == ["train", "test", "3"]
            (one, *_) = [each for each in calls.of(conn, id, node="pair") if each.execution_id is not None]
            assert one.execution_id is not None
            made = provenance.execution(conn, one.execution_id).made
            assert [each.name for each in made] == ["output 1", "output 2"]
