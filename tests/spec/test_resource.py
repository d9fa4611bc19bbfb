"""Files that code names: what is found, where, and what is not taken for a part of a project."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from argosy.spec.resource import LARGEST, named

TREE = ("top.json", "house/own.json", "house/tables/codes.json", "house/tables/deep/more.csv", "data/all.csv")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with some files, beside which lies another."""
    folder = tmp_path / "project"
    for name in (*TREE, ".env", ".secret/key", "env/lib/python3.11/site-packages/x.json", "../other/outside.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def found(root: Path, *texts: str) -> set[str]:
    """The files that some texts in a module of the package `house` name."""
    return set(named(texts, [root / "house"], (root,)))


@pytest.mark.parametrize(
    ("texts", "files"),
    [
        (["own.json"], {"house/own.json"}),
        (["tables/codes.json"], {"house/tables/codes.json"}),
        (["house/tables/codes.json"], {"house/tables/codes.json"}),
        (["tables", "codes.json"], {"house/tables/codes.json"}),
        (["more.csv", "deep", "tables"], {"house/tables/deep/more.csv"}),
        (["top.json"], {"top.json"}),
        (["../top.json", "./own.json"], {"top.json", "house/own.json"}),
        (["data", "all.csv", "own.json"], {"data/all.csv", "house/own.json"}),
        (["codes.json", "all.csv"], set()),  # in folders that nothing names
        (["tables", "house", "nothing.json", "", " ", "/", ".", ".."], set()),
        ([".env", ".secret", "key", ".secret/key"], set()),
        (["env/lib/python3.11/site-packages", "x.json"], set()),
        (["../../other/outside.json", "/etc/passwd", "../..", "other", "outside.json"], set()),
        (["own.json\0", "x" * 255, "ü" * 255, "own.json/x", "own.json" + " " * 300], set()),
    ],
)
def test_files_are_found_by_name(root: Path, texts: list[str], files: set[str]) -> None:
    assert found(root, *texts) == files


def test_content_counts(root: Path) -> None:
    assert named(["own.json"], [root / "house"], (root,)) == {
        "house/own.json": hashlib.sha256(b"house/own.json").hexdigest()
    }


def test_links_count_with_what_they_lead_to_if_that_is_the_projects(root: Path) -> None:
    (root / "house/inside.json").symlink_to(root / "top.json")
    (root / "house/out.json").symlink_to(root.parent / "other/outside.json")
    (root / "house/circle").symlink_to(root / "house/circle")
    (root / "house/up").symlink_to(root)
    assert found(root, "inside.json", "out.json", "circle", "up") == {"house/inside.json"}
    content = hashlib.sha256(b"top.json").hexdigest()
    assert named(["inside.json"], [root / "house"], (root,)) == {"house/inside.json": content}


def test_what_is_large_is_no_part_of_the_code(root: Path) -> None:
    path = root / "house/own.json"
    path.write_bytes(b"x" * LARGEST)
    assert found(root, "own.json") == {"house/own.json"}
    path.write_bytes(b"x" * (LARGEST + 1))
    assert found(root, "own.json") == set()


def test_without_a_root_there_is_no_file(root: Path) -> None:
    assert named(["own.json"], [root / "house"], ()) == {}
