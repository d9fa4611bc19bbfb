"""What a run gave, as facts name it."""

from __future__ import annotations

from argosy.controller import result


def test_artifacts_within_an_output_are_found_however_deep() -> None:
    written = {"items": [["table", "a"], None, {"items": [["value", "b"]]}]}
    assert list(result.leaves(written)) == [("table", "a"), ("value", "b")]
    assert list(result.leaves(None)) == []
