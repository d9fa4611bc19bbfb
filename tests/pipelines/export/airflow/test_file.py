"""DAG files load in Airflow, whose tasks then start the command line that was meant."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings

from argosy.errors import UsageError
from argosy.pipelines.export.airflow.check import check
from argosy.pipelines.export.airflow.file import write
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import IMAGE, TEXTS, Stand, asked, bare, daily, eager, nightly

PERFORM = Path(__file__).with_name("perform.py")


def names(order: Order) -> dict[str, Any]:
    """What a file defines, but for its DAG: what needs no Airflow."""
    text = write(order).text
    check(text)
    tree = ast.parse(text)
    kept = [node for node in tree.body if not _needs_airflow(node)]
    found: dict[str, Any] = {"__file__": "/dags/nightly.py", "Param": lambda *value, type: (*value, type)}
    exec(compile(ast.Module(kept, []), "dag", "exec", dont_inherit=True), found)
    return found


def _needs_airflow(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "airflow.sdk"
    return isinstance(node, ast.Expr) or (isinstance(node, ast.FunctionDef) and bool(node.decorator_list))


def test_parameters_have_types_and_defaults() -> None:
    assert names(Order(pipeline=nightly, given={"depth": "8"}))["PARAMS"] == {
        "flights": ("flights", "string"), "depth": (8, "integer"), "rate": (0.5, "number"), "fast": (True, "boolean"),
        "note": ("", "string"),
    }  # fmt: skip
    assert names(Order(pipeline=asked))["PARAMS"]["depth"] == ("integer",)


def test_the_schedule_and_the_policies_are_those_of_airflow() -> None:
    text = write(Order(pipeline=nightly)).text
    assert 'schedule=CronTriggerTimetable("30 6 * * 1-5", timezone="Asia/Kolkata"),' in text
    assert "max_active_runs=1," in text
    made = write(Order(pipeline=eager))
    assert [each.partition(";")[0] for each in made.notes][2:] == ["catch_up='all'", "concurrency='replace'"]
    assert "max_active_runs" not in write(Order(pipeline=daily)).text
    assert "schedule=None," in write(Order(pipeline=nightly, scheduled=False)).text


def test_a_scheduled_span_is_the_interval_of_the_run() -> None:
    text = write(Order(pipeline=daily)).text
    assert 'schedule=CronDataIntervalTimetable("0 6 * * *", timezone="Europe/Berlin"),' in text
    assert names(Order(pipeline=daily))["PARAMS"] == {}
    assert names(Order(pipeline=daily, scheduled=False))["PARAMS"] == {"day": ("string",)}


def test_shards_are_expanded_and_never_written_out() -> None:
    few, many = (write(Order(pipeline=nightly, shards=shards)).text for shards in (2, 200))
    assert few.count("\n") == many.count("\n")
    assert "shard.expand(number=[*range(1, 201)]) >> run()" in many


def test_a_project_lies_beside_the_file() -> None:
    assert names(Order(pipeline=bare, project="a/flights.py"))["RUN"][-1] == "--project=/dags/a/flights.py"
    assert names(Order(pipeline=bare, project="/opt/flights"))["RUN"][-1] == "--project=/opt/flights"


def test_an_image_has_no_place() -> None:
    with pytest.raises(UsageError, match=IMAGE):
        write(Order(pipeline=bare, image=IMAGE))


def test_files_read_well() -> None:
    """As ruff formats and checks them, with its rules for Airflow 3."""
    for order in (Order(pipeline=nightly, shards=3, project="a.py"), Order(pipeline=daily), Order(pipeline=bare)):
        ruff, text = [sys.executable, "-m", "ruff"], write(order).text
        rules = ["--isolated", "--preview", "--select", "AIR,E,F,I,W", "--line-length", "120", "-"]
        checked = subprocess.run([*ruff, "check", *rules], input=text, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout
        formatted = [*ruff, "format", "--isolated", "--line-length", "120", "-"]
        assert subprocess.run(formatted, input=text, capture_output=True, text=True, check=True).stdout == text


def test_ruff_finds_what_airflow_3_has_no_more() -> None:
    text = write(Order(pipeline=nightly)).text.replace("schedule=", "schedule_interval=")
    rules = ["--isolated", "--preview", "--select", "AIR", "-"]
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules], input=text, capture_output=True, text=True
    )
    assert checked.returncode == 1 and "airflow3-removal" in checked.stdout


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(note=TEXTS, chosen=TEXTS)
def test_bash_starts_the_words_that_were_meant(stand: Stand, note: str, chosen: str) -> None:
    found = names(Order(pipeline=nightly, given={"note": note}, project="/it's here"))
    assert found["PARAMS"]["note"] == (note, "string")
    params = {"flights": "flights", "depth": 7, "rate": 0.5, "fast": False, "note": chosen}
    command = jinja2.Environment().from_string(found["command"](params, "--shard=1/2")).render(id="broken")
    sets = ["--set=flights=flights", "--set=depth=7", "--set=rate=0.5", "--set=fast=false", f"--set=note={chosen}"]
    assert not command.endswith((".sh", ".bash"))  # which Airflow takes for the name of a template
    assert stand.run(["bash", "-c", command]) == [["run", "nightly", "--project=/it's here", "--shard=1/2", *sets]]


def perform(
    apart: Callable[[str], Path], place: Path, given: Mapping[str, Any], variables: Mapping[str, str]
) -> dict[str, Any]:
    """What Airflow loads from the files of a directory, all of whose tasks it then executes."""
    own = {
        "AIRFLOW_HOME": str(place / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_ARGOSY": json.dumps({"conn_type": "generic", "password": "postgresql://db/argosy"}),
    }  # fmt: skip
    done = subprocess.run(
        [apart("airflow") / "bin" / "python", PERFORM, place, json.dumps(given)], text=True,
        env={**os.environ, **own, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (found,) = re.findall("^loaded:(.*)$", done.stdout, re.MULTILINE)
    loaded: dict[str, Any] = json.loads(found)
    return loaded


@pytest.mark.slow
def test_airflow_starts_what_was_meant(apart: Callable[[str], Path], stand: Stand, tmp_path: Path) -> None:
    place, note = tmp_path / "dags", 'it\'s {{ conn.argosy.password }}\r\n"$HOME" {% raw %}.sh'
    place.mkdir()
    (place / "nightly.py").write_text(write(Order(pipeline=nightly, shards=3)).text)
    (place / "daily.py").write_text(write(Order(pipeline=daily)).text)
    (place / "asked.py").write_text(write(Order(pipeline=asked)).text)
    given = {"depth": 7, "note": note, "where": "2025-01-01/2025-02-01"}
    loaded = perform(apart, place, given, {"PATH": stand.path})
    assert loaded["errors"] == {}
    found = loaded["dags"]["nightly"]
    assert (found["schedule"], found["zone"], found["active"]) == ("30 6 * * 1-5", "Asia/Kolkata", 1)
    assert found["params"] == {"flights": "flights", "depth": 6, "rate": 0.5, "fast": True, "note": ""}
    assert found["tasks"] == {"shard": ["all_success", []], "run": ["all_done", ["shard"]]}
    assert loaded["dags"]["daily"]["timetable"] == "CronDataIntervalTimetable"
    sets = ["--set=flights=flights", "--set=depth=7", "--set=rate=0.5", "--set=fast=true", f"--set=note={note}"]
    day = "--set=day=2025-01-01T00:00:00+00:00/2025-01-02T00:00:00+00:00"
    wanted = [*(["run", "nightly", f"--shard={number}/3", *sets] for number in (1, 2, 3)), ["run", "nightly", *sets]]
    where = ["--set=depth=7", "--set=where=2025-01-01/2025-02-01", "--set=seed=none", '--set=names=["a","b"]']
    assert sorted(stand.started()) == sorted([*wanted, ["run", "daily", day], ["run", "asked", *where]])
    assert stand.homes() == {"postgresql://db/argosy"}


@pytest.mark.slow
def test_airflow_tells_of_what_does_not_load(apart: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(write(Order(pipeline=bare)).text.replace("max_active_runs", "max_actives"))
    assert list(perform(apart, tmp_path, {}, {})["errors"]) == [str(tmp_path / "bare.py")]
