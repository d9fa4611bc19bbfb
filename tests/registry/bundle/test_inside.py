"""The code that travels: it takes rows as Argosy does, and says what is wrong with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.model.signature import encode_rows
from argosy.registry.bundle.content import pack
from argosy.registry.bundle.inside import Model
from tests.registry.bundle.conftest import Made

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.sampled_from(["JFK", "LGA", "E|WR"]),
    st.decimals(), st.just(10**400), st.just([1]), st.sampled_from([np.int8(3), np.float32(0.1), np.bool_(True)]),
)  # fmt: skip
NAMES = ("miles", "temp", "hour", "place", "wet")
GOOD = {"miles": 1.0, "temp": None, "hour": 3, "place": "JFK", "wet": True}


@pytest.fixture(scope="module")
def packed(made: Callable[[str], Made], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    source, trial = made("lightgbm")
    content = pack(source, trial)
    folder = Path(tmp_path_factory.mktemp("bundles")) / content.name
    folder.mkdir()
    for name, data in content.files.items():
        (folder / name).write_bytes(data)
    return folder, (source, trial)


@given(row=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)))
def test_rows_are_taken_as_argosy_takes_them(packed: tuple[Path, Made], row: dict[str, Any]) -> None:
    folder, (source, _) = packed
    bundle = Model(folder)
    try:
        wanted = encode_rows([row], source.signature)
    except InputError:
        with pytest.raises(ValueError, match="row 1"):
            bundle.encode([row])
        return
    assert np.array_equal(bundle.encode([row]), wanted, equal_nan=True)


def test_no_rows_have_no_predictions(packed: tuple[Path, Made]) -> None:
    assert Model(packed[0]).predict([]) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**GOOD, "wet": "yes"}, "row 2: 'wet' is str, wanted a boolean"),
        ({"miles": 1}, "row 2 has no 'temp'; null stands for a missing value"),
        ({**GOOD, "miles": 10**400}, "row 2: 'miles' is beyond what a float64 holds"),
        ([1, 2], "row 2 is list, wanted an object"),
    ],
)
def test_what_is_wrong_is_named(packed: tuple[Path, Made], row: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Model(packed[0]).predict([GOOD, row])


def run(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", folder.name, *arguments]
    return subprocess.run(command, cwd=folder.parent, input=given, capture_output=True, text=True, check=False)


def test_the_command_line_reads_rows_from_a_file_and_from_a_pipe(packed: tuple[Path, Made], tmp_path: Path) -> None:
    folder, (_, trial) = packed
    text = json.dumps(trial.rows[:3])
    (tmp_path / "rows.json").write_text(text)
    wanted = Model(folder).predict(trial.rows[:3])
    assert json.loads(run(folder, str(tmp_path / "rows.json")).stdout) == wanted
    assert json.loads(run(folder, given=text).stdout) == wanted
    bad = run(folder, given='[{"miles": 1}]')
    assert bad.returncode == 2 and bad.stderr == "error: row 1 has no 'temp'; null stands for a missing value\n"
    for text, said in (("{}", "no JSON list of objects"), ("no JSON", "no JSON: Expecting value"), ("", "no JSON: ")):
        wrong = run(folder, given=text)
        assert wrong.returncode == 2 and wrong.stderr.startswith(f"error: the rows are {said}")
    assert run(folder, str(tmp_path / "absent.json")).returncode == 2


def test_the_self_test_tells_a_file_that_was_changed(packed: tuple[Path, Made], tmp_path: Path) -> None:
    folder = tmp_path / packed[0].name
    folder.mkdir()
    for path in packed[0].glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    assert run(folder, "--self-test").returncode == 0
    test = json.loads((folder / "selftest.json").read_text())
    test["answers"]["prediction"][4] += 1e-6
    (folder / "selftest.json").write_text(json.dumps(test))
    changed = run(folder, "--self-test")
    assert changed.returncode == 1 and changed.stderr == "error: selftest.json is not the file that was packed\n"
    (folder / "MANIFEST.json").write_text('{"files": {}}')
    differs = run(folder, "--self-test")
    assert differs.returncode == 1 and "error: predictions of late/JFK@3 differ by 1e-06, tolerance " in differs.stderr
