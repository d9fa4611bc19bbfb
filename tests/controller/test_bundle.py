"""Bundles: the same files, the same digest; unpacked without trust; and what is known of their origin."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.controller.bundle import Archive, application, describe, locate, make, unpack
from argosy.errors import CorruptError, DeclarationError, UnknownError, UsageError
from argosy.store.store import Store
from tests.controller.checkout import git

NOW = datetime(2013, 1, 1, tzinfo=UTC)
FILES = {
    "flights.py": "import argosy as ag\nimport polars.selectors\nfrom helpers.steps import clean\n# Fleet(\n",
    "helpers/__init__.py": "",
    "helpers/steps.py": "def clean(rows):\n    import lightgbm\n    return rows\n",
    "helpers/große.py": "x = 1\n",
}


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An empty home."""
    with Store.open(home) as made:
        yield made


def project(root: Path, files: dict[str, str] | None = None) -> Path:
    """A project on disk; its module."""
    for name, text in (files or FILES).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "flights.py"


def test_the_same_files_make_the_same_bundle(tmp_path: Path) -> None:
    one, other = project(tmp_path / "one"), project(tmp_path / "other", dict(reversed(FILES.items())))
    before = make(one)
    for path in other.parent.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    after = make(other)
    assert (after.digest, after.data, after.modules) == (before.digest, before.data, before.modules)
    assert set(before.modules) == set(FILES)
    assert before.imports == {"argosy", "polars", "helpers", "lightgbm"}
    assert before.project == "flights"


@pytest.mark.parametrize("name", FILES)
def test_another_byte_or_name_makes_another(tmp_path: Path, name: str) -> None:
    module = project(tmp_path)
    before = make(module)
    (tmp_path / name).write_text(FILES[name] + "#")
    changed = make(module)
    assert changed.digest != before.digest
    assert {n for n in FILES if changed.modules[n] != before.modules[n]} == {name}
    (tmp_path / "more.py").write_text("")
    assert make(module).digest != changed.digest


@pytest.mark.parametrize(
    "name",
    [".hidden/x.py", "__pycache__/x.py", "build/x.py", "env/lib/python3.11/site-packages/x.py", "notes.txt", "x.pyc"],
)
def test_what_is_no_module_of_the_project_is_left_out(tmp_path: Path, name: str) -> None:
    module = project(tmp_path)
    before = make(module)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    (tmp_path / "env").mkdir(exist_ok=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    assert make(module).digest == before.digest


def test_files_that_the_code_reads_travel_with_it(tmp_path: Path, store: Store) -> None:
    module = project(tmp_path / "project")
    table = tmp_path / "project/helpers/codes.json"
    table.write_text("import this")
    (tmp_path / "project/helpers/other.json").write_text("")
    before, after = make(module), make(module, {"helpers/codes.json", "helpers/steps.py", "elsewhere.json"})
    assert set(after.modules) == {*FILES, "helpers/codes.json"}
    assert after.imports == before.imports
    assert after.digest != before.digest
    store.blobs.put(after.data)
    folder = unpack(store.blobs, after.digest, tmp_path / "cache")
    assert (folder / "helpers/codes.json").read_text() == "import this"
    table.write_text("import that")
    assert make(module, {"helpers/codes.json"}).digest != after.digest


def test_a_neighbour_that_does_not_parse_is_taken_as_it_is(tmp_path: Path) -> None:
    module = project(tmp_path, FILES | {"old.py": "print 'python 2'"})
    assert "old.py" in make(module).modules


def test_too_many_files(tmp_path: Path) -> None:
    module = project(tmp_path, FILES | {f"m{number}.py": "" for number in range(2000)})
    with pytest.raises(DeclarationError, match=r"flights.py lies beside 2004 files of code, .* at most 2000"):
        make(module)


def test_unpacking_gives_the_modules_back_once(tmp_path: Path, store: Store) -> None:
    archive = make(project(tmp_path / "project"))
    digest = store.blobs.put(archive.data)
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: unpack(store.blobs, archive.digest, cache), range(8)))
    assert found == {cache / archive.digest}
    assert digest in (None, archive.digest)
    folder = found.pop()
    assert {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*.py")} == FILES
    assert [path.name for path in cache.iterdir()] == [archive.digest]  # nothing half done is left
    assert unpack(store.blobs, archive.digest, cache) == folder


def evil(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """An archive with one member of a bad name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, 0 if link else 4
        archive.addfile(info, io.BytesIO(b"evil"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        evil("../evil.py"),
        evil("/evil.py"),
        evil("a/../../evil.py"),
        evil("link", tarfile.SYMTYPE, "/etc/passwd"),
        evil("link", tarfile.SYMTYPE, "../../.."),
        evil("link", tarfile.LNKTYPE, "../x"),
        evil("device", tarfile.CHRTYPE),
        b"not an archive at all" * 100,
    ],
    ids=["above", "absolute", "above from below", "absolute link", "link above", "hard link", "device", "noise"],
)
def test_an_archive_cannot_leave_its_place(tmp_path: Path, store: Store, data: bytes) -> None:
    cache = tmp_path / "cache"
    digest = store.blobs.put(data)
    before = {path for path in tmp_path.rglob("*") if store.blobs.root not in path.parents}
    with pytest.raises(CorruptError, match=f"bundle {digest} cannot be unpacked"):
        unpack(store.blobs, str(digest), cache)
    after = {path for path in tmp_path.rglob("*") if store.blobs.root not in path.parents}
    assert after - before == {cache}


def test_the_commit_and_whether_the_tree_was_dirty(tmp_path: Path) -> None:
    module = project(tmp_path / "project")

    def seen() -> tuple[str | None, bool]:
        made = application(make(module), module.parent, NOW, "ann")
        assert (made.bundle, made.project, made.at, made.actor) == (make(module).digest, "flights", NOW, "ann")
        return made.git_commit, made.dirty

    assert seen() == (None, False)
    git(tmp_path, "init", "-q")
    assert seen() == (None, False)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    first = git(tmp_path, "rev-parse", "HEAD")
    assert seen() == (first, False)
    (tmp_path / "elsewhere.txt").write_text("")
    (module.parent / "data.csv").write_text("")
    assert seen() == (first, False)
    module.write_text(FILES["flights.py"] + "x = 1\n")
    assert seen() == (first, True)


@pytest.mark.parametrize("ignored", ["helpers/", "/project/flights.py\n/project/helpers/", "project/"])
def test_a_commit_that_lacks_a_file_of_the_bundle_is_dirty(tmp_path: Path, ignored: str) -> None:
    module = project(tmp_path / "project")
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text(ignored)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    git(tmp_path, "add", "-f", "project/flights.py")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "second")
    whole = Archive("flights", b"", dict.fromkeys(FILES, ""), frozenset())
    assert application(whole, module.parent, NOW, "ann").dirty
    part = Archive("flights", b"", {"flights.py": ""}, frozenset())
    assert not application(part, module.parent, NOW, "ann").dirty


@pytest.mark.parametrize("how", ["untracked", "staged", "repository"])
def test_a_file_that_is_not_in_the_commit_makes_it_dirty(tmp_path: Path, how: str) -> None:
    module = project(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "flights.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    if how == "staged":
        git(tmp_path, "add", "helpers")
    if how == "repository":
        git(tmp_path / "helpers", "init", "-q")
        git(tmp_path / "helpers", "add", ".")
        git(tmp_path / "helpers", "commit", "-q", "-m", "inner")
    made = make(module)
    assert set(made.modules) == set(FILES)
    assert application(made, module.parent, NOW, "ann").dirty


def test_a_package_is_bundled_by_its_directory(tmp_path: Path) -> None:
    module = project(tmp_path).parent / "helpers"
    made = make(module, imported=["flights.py"])
    assert (made.project, set(made.modules)) == ("helpers", set(FILES))
    assert set(make(module).modules) == {name for name in FILES if name.startswith("helpers/")}


def test_what_is_imported_and_cannot_be_bundled_is_refused(tmp_path: Path) -> None:
    module = project(tmp_path, FILES | {".hidden/more.py": ""})
    with pytest.raises(DeclarationError, match=r"flights.py imports .hidden/more.py, which is no part of its bundle"):
        make(module, imported=[".hidden/more.py", "helpers/steps.py"])


def test_libraries_are_those_imported(tmp_path: Path) -> None:
    module = project(tmp_path)
    facts = describe(make(module), NOW, "ann")
    assert set(facts.libraries) == {"python", "argosy", "polars", "lightgbm"}
    assert (facts.actor, facts.at, facts.project) == ("ann", NOW, "flights")


def test_locating_a_project(tmp_path: Path) -> None:
    module = project(tmp_path)
    assert locate(module) == locate(tmp_path) == locate(str(tmp_path)) == module
    with pytest.raises(UnknownError, match=r"nowhere' does not exist"):
        locate(tmp_path / "nowhere")
    (tmp_path / "rows.csv").touch()
    with pytest.raises(UnknownError, match=r"rows.csv' is neither a .py file nor a directory"):
        locate(tmp_path / "rows.csv")
    (tmp_path / "second.py").write_text("import argosy as ag\nx = ag.Dataset()")
    with pytest.raises(UnknownError, match=r"2 modules with a fleet, dataset or pipeline \(flights.py, second.py\)"):
        locate(tmp_path)
    with pytest.raises(UnknownError, match="holds 0 modules"):
        locate(tmp_path / "helpers")


def test_of_several_modules_it_is_the_one_that_declares_the_pipeline(tmp_path: Path) -> None:
    head = "import argosy as ag\n\n@ag.pipeline"
    for name, text in {
        "a": f"{head}\ndef sales(n: int = 1): ...\n{head[19:]}\ndef other(): ...\n\ndef bakery(): ...\n",
        "b": f"{head}(\n    schedule=ag.every('1h'),\n    name='nightly-sales',\n)\ndef hidden(): ...\n",
        "c": 'import argosy as ag\n\ndef work(): ...\n\nmade = ag.pipeline(name="made")(work)\n@ag.pipeline\n',
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    where = {name: locate(tmp_path, name).name for name in ("sales", "other", "nightly-sales", "made")}
    assert where == {"sales": "a.py", "other": "a.py", "nightly-sales": "b.py", "made": "c.py"}
    with pytest.raises(UnknownError, match=r"none of the 3 modules .* declares pipeline 'bakery': a.py, b.py, c.py"):
        locate(tmp_path, "bakery")
    (tmp_path / "d.py").write_text(f"{head}\ndef sales(): ...\n")
    with pytest.raises(UsageError, match=r"2 modules .* declare pipeline 'sales': a.py, d.py\n.*--project a.py"):
        locate(tmp_path, "sales")


def test_locating_a_package(tmp_path: Path) -> None:
    project(tmp_path, {f"{name}/__init__.py": FILES["flights.py"] for name in ("shop", "shop.v2")})
    project(tmp_path, {"shop/late.py": FILES["flights.py"], "alone/__init__.py": "", "alone/late.py": "argosy Fleet("})
    project(tmp_path, {"bakery/__init__.py": "from .flow import sales", "bakery/flow.py": "argosy @ag.pipeline"})
    assert locate(tmp_path / "bakery") == tmp_path / "bakery"
    assert locate(tmp_path / "shop") == locate(tmp_path / "shop/__init__.py") == tmp_path / "shop"
    assert locate(tmp_path / "shop/late.py") == tmp_path / "shop/late.py"
    assert locate(tmp_path / "alone") == tmp_path / "alone/late.py"
    assert locate(tmp_path / "alone/__init__.py") == tmp_path / "alone"
    with pytest.raises(UnknownError, match=r"shop.v2' cannot be imported by its name, shop.v2\n  next: rename"):
        locate(tmp_path / "shop.v2")
