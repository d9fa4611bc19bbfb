"""Parameters in a notebook's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import read
from argosy.pipelines.notebook.injection import Injection, injection
from tests.pipelines.notebook.paper import TEXT, notebook

CELLS = (
    (TEXT, "# A"),
    ("parameters", "depth = 1\nnames = []\n%time"),
    ("injected-parameters", "depth = 2"),
    ("", "depth"),
)


def put(place: Path, parameters: dict[str, Any], *cells: tuple[str, str]) -> Injection:
    path = place / "late.ipynb"
    path.write_bytes(notebook(*cells or CELLS))
    return injection(read(path), json.loads(path.read_bytes()), parameters)


def test_they_come_behind_the_cell_that_is_tagged_and_replace_earlier_ones(tmp_path: Path) -> None:
    found = put(tmp_path, {"names": ["a", 'b"'], "depth": float("inf")})
    assert found.numbers == (1, 2, 0, 4)
    assert found.content["cells"][2]["source"] == "# Parameters\nnames = ['a', 'b\"']\ndepth = float(\"inf\")"
    assert [each["id"] for each in found.content["cells"]] == ["cell-1", "cell-2", "injected-parameters", "cell-4"]
    assert put(tmp_path, {}).numbers == (1, 2, 4)


def test_plain_values_mean_themselves(tmp_path: Path) -> None:
    given = {"a": None, "b": True, "c": -1.5, "d": (1,), "e": {"k": [(), {}]}, "f": "ä\n'''", "g": (1, "x")}
    found = put(tmp_path, given, ("parameters", "a = b = c = d = e = f = g = 0"))
    names: dict[str, Any] = {}
    exec(found.content["cells"][1]["source"], names)
    assert {name: names[name] for name in given} == given


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"detph": 1}, "late.ipynb has no parameter 'detph': it has depth, names"),
        ({"depth": object()}, "late.ipynb: parameter depth is a object, and no plain value"),
        ({"names": [{1, 2}]}, "late.ipynb: parameter names is a set, and no plain value"),
    ],
)
def test_what_cannot_be_set_is_refused(tmp_path: Path, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        put(tmp_path, parameters)


def test_a_notebook_without_parameters_has_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cell that is tagged parameters assigns any"):
        put(tmp_path, {"depth": 1}, ("", "depth = 1"))
