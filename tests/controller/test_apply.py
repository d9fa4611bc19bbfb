"""Applying: what becomes a fact, what does not, and what training depends on."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from argosy.controller.apply import Applied, Difference, differences, draft, root
from argosy.controller.bundle import locate, make
from argosy.controller.house import House
from argosy.controller.project import found, load, recorded
from argosy.controller.wanted import wanted
from argosy.errors import DeclarationError, UnknownError
from argosy.spec.feature import FeatureView
from argosy.spec.resource import Resources
from argosy.store import applications, declarations, events
from tests.controller.checkout import git
from tests.controller.desk import ALL, FLIGHTS, HELPERS, Desk, verbs


def test_applying_twice_changes_nothing(desk: Desk) -> None:
    first = desk.apply()
    assert verbs(first) == {("add", name) for name in ALL}
    assert first.project == "flights"
    before = desk.facts()
    assert desk.apply() == Applied("flights", first.bundle, ())
    assert desk.facts() == before == (5, 1)
    with desk.store.read() as conn:
        found = recorded(conn)
        made = applications.latest(conn, "flights")
        assert made is not None and (made.bundle, made.git_commit, made.dirty) == (first.bundle, None, False)
        (event,) = events.of_subject(conn, "project:flights")
        assert root(conn, "flights") == desk.folder
    assert {each.name for each in found.declarations()} == ALL
    assert (event.kind, event.actor, event.body["bundle"]) == ("applied", "ann", first.bundle)
    assert desk.store.blobs.get(first.bundle)


def test_files_that_enter_the_bundle_are_told(desk: Desk) -> None:
    desk.edit(
        "LIMIT = 20",
        "from pathlib import Path\nLIMIT = len((Path(__file__).parent / 'codes.json').read_text())",
        "helpers.py",
    )
    desk.write("codes.json", "[]")
    first = desk.apply()
    assert first.files == ("codes.json", "flights.py", "helpers.py")
    assert first.message.startswith("add dataset flights, ")
    desk.write("more.py", "")
    second = desk.apply()
    assert (second.files, second.message) == (("more.py",), "code only")
    (desk.folder / "more.py").unlink()
    assert desk.apply().files == ()


def test_what_git_ignores_and_what_is_secret_is_neither_counted_nor_bundled(desk: Desk) -> None:
    reading = "import pathlib\nLIMIT = [pathlib.Path(__file__).with_name(name).read_text() for name in NAMES]"
    desk.edit("LIMIT = 20", "NAMES = 'local.json', 'credentials.json'\n" + reading, "helpers.py")
    desk.write("credentials.json", "1")
    desk.write("local.json", "1")
    desk.write(".gitignore", "local.*\n")
    git(desk.folder, "init", "-q")
    first = desk.apply()
    assert first.files == ("flights.py", "helpers.py")
    desk.write("credentials.json", "2")
    desk.write("local.json", "2")
    assert desk.apply() == Applied("flights", first.bundle, ())
    desk.write("local.py", "")
    desk.edit("import pathlib", "import pathlib, local", "helpers.py")
    with pytest.raises(DeclarationError, match=r"flights.py imports local.py, which is no part of its bundle: git ig"):
        desk.apply()


def test_a_file_that_vanishes_while_a_project_is_applied_is_in_its_bundle(desk: Desk) -> None:
    desk.edit("LIMIT = 20", "LIMIT = 'codes.json'", "helpers.py")
    desk.write("codes.json", "[]")
    resources = Resources()
    drafts = draft(load(desk.folder / "flights.py")[0], resources)
    (desk.folder / "codes.json").unlink()
    named = {file for each in drafts for file in each.files}
    assert set(make(desk.folder / "flights.py", named, (), resources.inventory).modules) >= {"codes.json"}


def test_a_function_without_source_is_refused(desk: Desk) -> None:
    desk.edit("from helpers import scale, warm", "from helpers import scale, warm\nscale.__module__ = 'shadow'")
    desk.write(
        "helpers.py",
        HELPERS + "import sys, types\nshadow = sys.modules['shadow'] = types.ModuleType('shadow')\n"
        "shadow.scale, shadow.__file__ = scale, __file__[:-10] + 'shadow.so'\n",
    )
    with pytest.raises(DeclarationError, match=r"shadow:scale is a function of the project, but .*shadow.so shows no"):
        desk.apply()


SHOP = {
    "shop/__init__.py": """
import argosy as ag

from shop.views import conditions, weather

late = ag.Dataset("late", time="t", source=ag.Parquet("data/*.parquet"))
""",
    "shop/views.py": """
import json
from pathlib import Path

import argosy as ag

from . import steps
from common.units import FACTOR

weather = ag.Dataset("weather", time="t", source=ag.Parquet("w.parquet"))


@ag.feature_view(dataset=weather, entity="origin")
def conditions(rows):
    return steps.warm(rows, json.loads((Path(__file__).parent / "codes.json").read_text()), FACTOR)
""",
    "shop/steps.py": "def warm(rows, codes, factor):\n    return rows.with_columns(x=codes['x'] * factor)\n",
    "shop/codes.json": '{"x": 1}',
    "shop/unused.py": "",
    "common/__init__.py": "",
    "common/units.py": "FACTOR = 1\n",
    "beside.py": "import shop\n",
}


def test_a_package_is_a_project(desk: Desk) -> None:
    for name, text in SHOP.items():
        (desk.folder / name).parent.mkdir(exist_ok=True)
        desk.write(name, text)
    module = locate(desk.folder / "shop")
    assert module == locate(desk.folder / "shop/__init__.py") == desk.folder / "shop"
    first = desk.apply("shop")
    assert (first.project, verbs(first)) == ("shop", {("add", each) for each in ("late", "weather", "conditions")})
    assert set(first.files) == SHOP.keys() - {"beside.py"}
    with desk.store.read() as conn:
        assert root(conn, "shop") == desk.folder and found(desk.folder, "shop") == module
        held = wanted(conn)["feature_view", "conditions"]
    assert held.code.keys() == {"shop.views:conditions"} and held.project == "shop"
    changes = (
        ("shop/steps.py", "codes['x']", "1 + codes['x']"),
        ("shop/codes.json", "1", "2"),
        ("common/units.py", "1", "3"),
    )
    for (name, old, new), value in zip(changes, (1, 2, 3), strict=True):
        with House(desk.store) as house, desk.store.read() as conn:
            view = wanted(conn)["feature_view", "conditions"]
            house.functions(view)
            assert isinstance(view.declaration, FeatureView)
            made = view.declaration(pl.LazyFrame({"origin": ["JFK"]})).collect()
        assert made["x"].to_list() == [value]
        desk.edit(old, new, name)
        second = desk.apply("shop")
        assert second.differences == (
            Difference("feature_view", "conditions", "change", ("code of shop.views:conditions: changed",)),
        )
        assert desk.apply("shop") == Applied("shop", second.bundle, ())


def test_going_back_to_an_older_state_is_recorded_once(desk: Desk) -> None:
    first = desk.apply()
    desk.edit("LIMIT = 20", "LIMIT = 20  # degrees", "helpers.py")
    second = desk.apply()
    assert second.bundle != first.bundle
    assert second.differences == ()
    desk.edit("LIMIT = 20  # degrees", "LIMIT = 20", "helpers.py")
    third = desk.apply()
    assert third.bundle == first.bundle
    before = desk.facts()
    assert before == (5, 3)
    desk.apply()
    assert desk.facts() == before


def test_the_same_code_in_another_commit_is_applied_once_more(desk: Desk) -> None:
    git(desk.folder, "init", "-q")
    git(desk.folder, "add", ".")
    git(desk.folder, "commit", "-qm", "first")
    desk.edit("LIMIT = 20", "LIMIT = 20  # not committed", "helpers.py")
    first = desk.apply()
    git(desk.folder, "add", ".")
    git(desk.folder, "commit", "-qm", "second")
    second = desk.apply()
    commit = git(desk.folder, "rev-parse", "HEAD")
    assert (second.bundle, second.differences) == (first.bundle, ())
    assert second.message == f"the same code, now in commit {commit[:10]}"
    (desk.folder / "notes.txt").write_text("not in the bundle")
    assert desk.apply() == Applied("flights", first.bundle, ())
    with desk.store.read() as conn:
        made = applications.of(conn, [first.bundle])[first.bundle]
        latest, *_ = events.of_subject(conn, "project:flights")
    assert [(each.dirty, each.git_commit == commit) for each in made] == [(True, False), (False, True)]
    assert latest.message == f"applied: {second.message}"
    assert desk.facts() == (5, 2)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("LIMIT = 20", "LIMIT = 21", {"conditions", "late"}),
        ("rows > LIMIT", "rows >= LIMIT", {"conditions", "late"}),
        ("values * 2", "values * 3", {"late"}),
        ("return values\n", "return -values\n", set()),
        ('    """Warm or not."""\n', "    # Warm?\n", set()),
    ],
)
def test_code_that_is_reached_counts(desk: Desk, old: str, new: str, names: set[str]) -> None:
    desk.apply()
    revision = desk.body()["revision"]
    desk.edit(old, new, "helpers.py")
    changed = desk.apply()
    assert verbs(changed) == {("change", name) for name in names}
    assert all("code of" in line for each in changed.differences for line in each.changes)
    assert desk.body()["revision"] == revision + ("late" in names)


@pytest.mark.parametrize(
    ("old", "new", "grows"),
    [
        ("minimum=0.6", "minimum=0.7", False),
        ('owner="ops",\n)', 'owner="ann",\n)', False),
        ('older_than("60d")', "never()", False),
        ('retrain=ag.older_than("60d")', 'rollout=ag.Canary(), memory_mb=512, time_limit="1h"', False),
        ('ag.Parquet("f.parquet"), owner="ops"', 'ag.Parquet("g.parquet"), owner="ann"', False),
        ('"""The weather."""', '"""The weather, hourly."""', False),
        ("max_iter=200", "max_iter=300", True),
        ("max_iter=200", "max_iter=200, C=1.0", False),
        ('ag.Search("roc_auc")', 'ag.Search("roc_auc", trials=5)', True),
        ('ag.Search("roc_auc")', 'ag.Search("roc_auc", trials=20)', False),
        ('label="late"', 'label=ag.Label("late", known_at="arrived")', True),
        ('by=["origin"]', 'by=["origin"], lead="1h"', True),
        ('by=["origin"]', "by=[]", True),
        ('["distance", conditions]', '["distance"]', True),
        ('ttl="6h"', 'ttl="7h"', True),
        ('ttl="6h"', 'ttl="360m"', False),
        ('"flights", time="t"', '"flights", time="t", known="k"', True),
        ('"weather", time="t"', '"weather", time="u"', True),
        ('"planes", time="t"', '"planes", time="u"', False),
    ],
)
def test_the_revision_grows_with_what_training_depends_on(desk: Desk, old: str, new: str, grows: bool) -> None:
    desk.apply()
    desk.edit(old, new)
    desk.apply()
    with desk.store.read() as conn:
        bodies = [each.body["revision"] for each in declarations.history(conn, "fleet", "late")]
    assert bodies[0] == (2 if grows else 1)
    assert desk.apply().differences == ()


def test_what_is_no_longer_declared_is_withdrawn(desk: Desk) -> None:
    desk.apply()
    desk.edit('planes = ag.Dataset("planes", time="t", source=ag.Parquet("p.parquet"))', "")
    assert desk.apply().differences == (Difference("dataset", "planes", "remove"),)
    with desk.store.read() as conn:
        assert declarations.get(conn, "dataset", "planes") is None
        assert declarations.history(conn, "dataset", "planes")[0].reason == "no longer declared"
    assert desk.apply().differences == ()
    desk.write("flights.py", FLIGHTS)
    assert verbs(desk.apply()) == {("add", "planes")}
    with desk.store.read() as conn:
        assert declarations.history(conn, "dataset", "planes")[0].reason == "declared again"


def test_what_the_code_imports_is_recorded(desk: Desk) -> None:
    desk.write("helpers.py", HELPERS.replace("return values * 2", "return msgspec.json.encode(values)"))
    desk.edit("LIMIT = 20", "import msgspec\nLIMIT = 20", "helpers.py")
    desk.apply()
    assert desk.body()["packages"] == ["msgspec", "polars", "sklearn"]
    assert desk.body("feature_view", "conditions")["packages"] == ["polars"]
    assert desk.body("dataset", "flights")["packages"] == []


def test_moving_the_project_is_recorded(desk: Desk, tmp_path: Path) -> None:
    desk.apply()
    moved = tmp_path / "moved"
    desk.folder.rename(moved)
    desk.folder = moved
    assert desk.apply().differences == ()
    with desk.store.read() as conn:
        assert root(conn, "flights") == moved
        with pytest.raises(UnknownError, match="project 'nothing' was never applied"):
            root(conn, "nothing")


def test_a_change_says_what_changed(desk: Desk) -> None:
    desk.apply()
    desk.edit("minimum=0.6", "minimum=0.7")
    desk.edit('owner="ops",\n)', "\n)")
    (change,) = desk.apply().differences
    assert change.changes == ("gates[0].minimum: 0.6 -> 0.7", "owner: ops -> ")
    with desk.store.read() as conn:
        assert declarations.history(conn, "fleet", "late")[0].reason == "; ".join(change.changes)


def test_differences_may_be_asked_for_without_applying(desk: Desk) -> None:
    project, _ = load(desk.folder / "flights.py")
    with desk.store.read() as conn:
        assert {each.name for each in differences(conn, draft(project), desk.folder / "flights.py")} == ALL
    assert desk.facts() == (0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import argosy\n1 / 0\n", r"flights.py failed: flights.py line 2: ZeroDivisionError"),
        ("import argosy\nimport nowhere\n", r"flights.py line 2: ModuleNotFoundError: No module named 'nowhere'"),
        ("def (:\n", "SyntaxError"),
        ("x = 1\n", "declares nothing"),
        ("from helpers import gone\n", "ImportError"),
        (
            "import argosy as ag\nd = ag.Dataset('d', time='t', source=ag.Sql('mysql://ann:a/b@db', 'select 1'))\n",
            "^d: the password of its URL is written out",
        ),
    ],
)
def test_a_broken_project_leaves_no_trace(desk: Desk, text: str, message: str) -> None:
    desk.write("flights.py", text)
    with pytest.raises(DeclarationError, match=message):
        desk.apply()
    assert desk.facts() == (0, 0)
