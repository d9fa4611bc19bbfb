"""init, plan, apply: from nothing to a project in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controller.checkout import git


@pytest.fixture
def project(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run("init", "mine", "--sample").code == 0
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def test_init_writes_what_it_says_and_overwrites_nothing(run, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    made = run("init", place, "--json")
    assert made.json() == {"written": [str(place / "project.py")]}
    (place / "project.py").write_text("mine\n")
    again = run("init", place, "--sample")
    assert again.code == 1
    assert "project.py is there already" in again.err and "next:" in again.err
    assert (place / "project.py").read_text() == "mine\n"
    assert not (place / "data").exists()


def test_a_new_project_is_all_additions(run, project: Path) -> None:
    planned = run("plan")
    assert planned.code == 0
    assert planned.out.splitlines()[:2] == ["+ dataset orders", "+ fleet late-order"]
    assert "ingest orders" in planned.out and "wait: dataset orders" in planned.out
    assert "Then the controller would do 2 things" in planned.err
    assert not (project / ".argosy").exists()  # a plan writes nothing
    assert run("plan", "--check").code == 3


def test_what_a_project_trusts_is_named(run, project: Path) -> None:
    file = project / "project.py"
    text = file.read_text()
    file.write_text(text.replace("min_child_samples=40)", "min_child_samples=40), trusted=True"))
    said = "    candidates[0].trusted: a model of it may be a pickle, which runs its code where it answers"
    assert run("plan").out.splitlines()[:3] == ["+ dataset orders", "+ fleet late-order", said]
    assert said in run("apply").out.splitlines() and said not in run("plan").out
    file.write_text(text)
    assert "    candidates[0].trusted: True -> False" in run("plan").out.splitlines()


def test_apply_records_once(run, project: Path) -> None:
    done = run("apply", "--json").json()
    assert done["home"] == str(project / ".argosy")
    assert [(d["verb"], d["name"]) for d in done["differences"]] == [("add", "orders"), ("add", "late-order")]
    again = run("apply")
    assert again.code == 0 and again.out == "" and "nothing changed" in again.err


def test_what_enters_the_bundle_is_named(run, project: Path) -> None:
    for number in range(7):
        (project / f"more{number}.py").touch()
    assert (
        "  new in its bundle: more0.py, more1.py, more2.py, more3.py, more4.py, more5.py and 2 more\n"
        in run("plan").err
    )
    assert run("plan", "--json").json()["files"] == [*(f"more{number}.py" for number in range(7)), "project.py"]
    assert "and 2 more\n" in run("apply").err
    assert "new in" not in run("plan").err + run("apply").err
    (project / "more7.py").touch()
    assert run("apply", "--json").json()["files"] == ["more7.py"]


def test_the_same_code_in_another_commit_is_told(run, project: Path) -> None:
    (project / ".gitignore").write_text(".argosy\n")
    git(project, "init", "-q")
    run("apply")
    git(project, "add", "project.py")
    git(project, "commit", "-qm", "first")
    commit = git(project, "rev-parse", "HEAD")[:10]
    assert f"project project: the same code, now in commit {commit}, recorded in " in run("apply").err
    assert "project project: nothing changed in " in run("apply").err
    (project / "project.py").write_text((project / "project.py").read_text() + "# a comment\n")
    assert "project project: code only, recorded in " in run("apply").err


def test_a_package_is_planned_and_applied(run, project: Path) -> None:
    (project / "shop").mkdir()
    (project / "project.py").rename(project / "shop/__init__.py")
    assert "Applying shop would change 2 declarations.\n" in run("plan", "shop").err
    assert "project shop: 2 declarations recorded in " in run("apply", "shop").err
    assert (project / ".argosy").is_dir()
    again = run("plan")
    assert "Applying shop would change no declaration.\n" in again.err and "ingest orders" in again.out


def test_another_project_takes_a_name_over_only_where_that_is_said(run, project: Path) -> None:
    run("apply")
    text = (project / "project.py").read_text()
    (project / "shop.py").write_text(text.replace("num_leaves=7", "num_leaves=9"))
    refused = run("apply", "shop.py")
    assert refused.code == 1 and "fleet late-order is declared by project 'project'" in refused.err
    assert "argosy apply shop.py --take-from project" in refused.err
    assert run("plan", "shop.py").code == 1
    done = run("apply", "shop.py", "--take-from", "project")
    assert done.code == 0 and "project: project -> shop" in done.out


def test_plan_shows_what_changes_and_what_would_be_done(run, project: Path) -> None:
    run("apply")
    (project / "project.py").write_text((project / "project.py").read_text().replace("num_leaves=7", "num_leaves=9"))
    planned = run("plan", "--json").json()
    (difference,) = planned["differences"]
    assert (difference["verb"], difference["name"]) == ("change", "late-order")
    assert "num_leaves: 7 -> 9" in difference["changes"][0]
    assert planned["actions"][0]["headline"] == "ingest orders"
    shown = run("plan")
    assert "~ fleet late-order" in shown.out and "ingest orders" in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 80


def test_a_broken_project_names_the_line_and_changes_nothing(run, project: Path) -> None:
    (project / "project.py").write_text((project / "project.py").read_text() + "\n1 / 0\n")
    done = run("apply")
    assert done.code == 2
    assert "project.py line" in done.err and "ZeroDivisionError" in done.err and "Traceback" not in done.err
    assert run("get", "declarations").code == 0


def test_a_directory_without_a_project(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("apply").code == 2
    shown = run("plan")
    assert shown.code == 2 and "next: argosy init" in shown.err


def test_the_home_of_the_environment_wins_over_the_nearest(run, project: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "other"))
    assert run("apply", "--json").json()["home"] == str(tmp_path / "other")
    assert run("get", "declarations", "--home", project / ".argosy").code == 2


def test_postgres_without_a_place_for_blobs_is_refused(run) -> None:
    shown = run("get", "members", "--home", "postgresql://argosy@127.0.0.1:1/none")
    assert shown.code == 1
    assert "ARGOSY_BLOBS" in shown.err


def test_a_changed_fleet_says_whom_it_trains_why_and_at_what_cost(
    run, inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = inside / ".argosy"
    changed = tmp_path / "project.py"
    changed.write_text((inside / "project.py").read_text().replace("num_leaves=7", "num_leaves=9"))
    refused = run("plan", changed, "--home", home)
    assert refused.code == 1 and "which is still there" in refused.err and "--take-from project" in refused.err
    planned = run("plan", changed, "--take-from", "project", "--home", home, "--json").json()
    train = next(each for each in planned["actions"] if each["action"] == "train")
    assert train["pooled"] and train["groups"] == [
        {"cause": "what its training depends on was declared anew", "members": ["harbour", "north", "south"]}
    ]
    assert train["estimate"]["count"] == 4 and train["estimate"]["cpu_s"] > 0
    assert not [each for each in run("plan", "--json").json()["actions"] if each["action"] == "train"]
