"""Files that code names: what is found, where, and what is not taken for a part of a project."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from argosy.errors import DeclarationError
from argosy.spec.code import fingerprint
from argosy.spec.resource import LARGEST, Resources
from tests.spec.village import House

TREE = (
    "top.json", "x", "house/own.json", "house/tables/codes.json", "house/tables/deep/more.csv", "data/all.csv",
    "other/codes.json",
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with some files, beside which lies another."""
    folder = tmp_path / "project"
    for name in (*TREE, ".env", ".secret/key", "env/lib/python3.11/site-packages/x.json", "../other/outside.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def named(root: Path, *texts: str, lists: bool = False) -> dict[str, str]:
    """The files that some texts name, with their digests."""
    return Resources().named([frozenset(texts[:1]), frozenset(texts[1:])], [root], lists=lists)


@pytest.mark.parametrize(
    ("texts", "files"),
    [
        (["own.json"], {"house/own.json"}),
        (["/own.json"], {"house/own.json"}),
        (["%s/own.json"], {"house/own.json"}),
        (["..\\house\\own.json"], {"house/own.json"}),
        (["top.json, own.json and no more"], {"top.json", "house/own.json"}),
        (["codes.json"], {"house/tables/codes.json", "other/codes.json"}),
        (["tables/deep", "more.csv"], {"house/tables/deep/more.csv"}),
        (["a " * 1000 + "more.csv"], {"house/tables/deep/more.csv"}),
        (["x"], {"x"}),
        (["data/x"], {"x"}),
        (["ax.json", "house", "tables", "nothing.json", "", " ", "/", ".", "..", "own.jso", "wn.json"], set()),
        ([".env", ".secret", "key", ".secret/key"], set()),
        (["env/lib/python3.11/site-packages", "x.json"], set()),
        (["../../other/outside.json", "/etc/passwd", "../..", "outside.json"], set()),
        (["own.jso\0n", "own", "ü" * 255], set()),
    ],
)
def test_files_are_found_by_name(root: Path, texts: list[str], files: set[str]) -> None:
    assert set(named(root, *texts)) == files


@pytest.mark.parametrize(
    ("texts", "files"),
    [
        (["tables"], {"house/tables/codes.json", "house/tables/deep/more.csv"}),
        (["house/tables/*.csv"], {"house/own.json", "house/tables/codes.json", "house/tables/deep/more.csv"}),
        (["/deep/"], {"house/tables/deep/more.csv"}),
        (["deep", "top.json"], {"house/tables/deep/more.csv", "top.json"}),
        (["*.csv"], {"house/tables/deep/more.csv", "data/all.csv"}),
        (["c?des*"], {"house/tables/codes.json", "other/codes.json"}),
        (["*", "**", "table", "no tables", "[a-z"], set()),
    ],
)
def test_code_that_lists_folders_names_all_in_them(root: Path, texts: list[str], files: set[str]) -> None:
    assert set(named(root, *texts, lists=True)) == files


@pytest.mark.parametrize(
    ("texts", "files"),
    [
        (["tables", "*.csv"], {"house/tables/codes.json", "house/tables/deep/more.csv"}),
        (["tables", "^.*_delay$", "select * from x.y", "*", ".*", "c?des"], set()),
    ],
)
def test_a_pattern_lists_whoever_reads_it(root: Path, texts: list[str], files: set[str]) -> None:
    assert set(named(root, *texts)) == files


def test_folders_that_are_listed_are_not_large(root: Path) -> None:
    for number in range(1000):
        (root / f"data/{number}.csv").touch()
    assert len(named(root, "all.csv", "tables", lists=True)) == 3
    said = r"names data, which holds 1,001 files; at most 1,000 .*\n  next: declare them as a dataset"
    with pytest.raises(DeclarationError, match=said):
        named(root, "data", lists=True)


def test_content_counts_as_it_was_first_read(root: Path) -> None:
    resources, texts = Resources(), [frozenset({"own.json"})]
    before = resources.named(texts, [root], lists=False)
    assert before == {"house/own.json": hashlib.sha256(b"house/own.json").hexdigest()}
    (root / "house/own.json").write_text("changed")
    assert resources.named(texts, [root], lists=False) == before
    assert named(root, "own.json") == {"house/own.json": hashlib.sha256(b"changed").hexdigest()}
    (root / "house/own.json").unlink()
    assert named(root, "own.json") == {}


def test_links_count_with_what_they_lead_to_if_that_counts(root: Path) -> None:
    (root / "credentials.json").touch()
    (root / "house/inside.json").symlink_to(root / "top.json")
    (root / "house/out.json").symlink_to(root.parent / "other/outside.json")
    (root / "house/hidden.json").symlink_to(root / ".env")
    (root / "house/held.json").symlink_to(root / "credentials.json")
    (root / "house/circle").symlink_to(root / "house/circle")
    (root / "house/up").symlink_to(root)
    found = named(root, "inside.json", "out.json", "hidden.json", "held.json", "circle", "up")
    assert found == {"house/inside.json": hashlib.sha256(b"top.json").hexdigest()}


def test_what_is_large_is_no_part_of_the_code(root: Path) -> None:
    path = root / "house/own.json"
    path.write_bytes(b"x" * LARGEST)
    assert set(named(root, "own.json")) == {"house/own.json"}
    path.write_bytes(b"x" * (LARGEST + 1))
    assert named(root, "own.json") == {}


def test_a_file_is_named_below_each_root_and_without_one_there_is_none(root: Path) -> None:
    texts = [frozenset({"own.json"})]
    assert set(Resources().named(texts, [root, root / "house"], lists=False)) == {"house/own.json", "own.json"}
    assert Resources().named(texts, [], lists=False) == {}


def test_files_that_the_code_names(house: House) -> None:
    house.edit("numbers.py", "* x", "* len(open('codes.txt').read())")
    (table := house.root / "house" / "codes.txt").write_text("a")
    before = house.print()
    assert before.files == ("house/codes.txt",)
    table.write_text("b")
    assert before.changes(house.print()) == {"house/codes.txt": "changed"}
    assert before.digest != house.print().digest
    assert house.print("even").files == fingerprint(house.module().late, files=False).files == ()


CODES = "house/tables/codes.json"


@pytest.mark.parametrize(
    "reading",
    [
        "open(f'{HERE}/codes.json').read()",
        "open(f'{HERE}/tables/codes.json').read()",
        "open(os.path.dirname(__file__) + '/tables/codes.json').read()",
        "open('%s/codes.json' % HERE).read()",
        "open(b'codes.json').read()",
        "(HERE / 'tables' / 'codes.json').read_text()",
        "[path.read_text() for path in (HERE / 'tables').glob('*.json')]",
        "[path.read_text() for path in HERE.rglob('*.json')]",
        "[open(name).read() for name in os.listdir(HERE / 'tables')]",
        "[open(name).read() for name in os.listdir(f'{HERE}/tables')]",
        "pl.read_ndjson(HERE / 'tables' / '*.json')",
        "(lambda name='codes.json': open(name).read())()",
        "resources.files('house').joinpath('tables/codes.json').read_text()",
    ],
)
def test_a_table_counts_however_it_is_named(house: House, reading: str) -> None:
    (house.root / "house/tables").mkdir()
    (house.root / CODES).write_text("a")
    house.edit("shapes.py", "SIDE = 2", f"import os\nHERE = None\nSIDE = lambda: {reading}")
    before = house.print()
    assert before.files == (CODES,)
    (house.root / CODES).write_text("b")
    assert before.changes(house.print()) == {CODES: "changed"}


@pytest.mark.parametrize("path", ["codes.json", Path("tables/codes.json"), b"codes.json", ["codes.json"]])
def test_a_table_counts_whose_name_a_closure_holds(house: House, path: object) -> None:
    (house.root / "house/tables").mkdir()
    (house.root / CODES).write_text("a")
    assert fingerprint(house.module().make(path)).files == (CODES,)


def test_prints_of_one_moment_see_one_state_of_a_file(house: House) -> None:
    house.edit("units.py", "60", "'codes.txt'")
    (table := house.root / "house/codes.txt").write_text("a")
    resources = Resources()
    before = fingerprint(house.module().late, resources=resources)
    table.unlink()
    assert fingerprint(house.module().late, resources=resources) == before
    assert fingerprint(house.module().late).files == ()
