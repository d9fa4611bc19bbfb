"""Leftovers: what the sweep may take, and what beside it belongs to others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.controller import leftover
from argosy.store import declarations
from argosy.store.store import Store

NOW = datetime.now(UTC)
SET, DRAFT, BUNDLE = "0" * 32, f".{'0' * 32}.ab_1cd2e", f".{'0' * 64}.ab_1cd2e"
SEGMENT = ".1356998400000-000001-17-0a1b2c3d.arrow.part"


def declare(name: str, *, removed: bool) -> declarations.NewDeclaration:
    """A fleet that is declared, or was."""
    return declarations.NewDeclaration(
        kind="fleet", name=name, fingerprint="f", body={}, at=NOW, actor="ann", removed=removed
    )


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """A home that declares the fleet `late`, and declared `gone` before."""
    with Store.open(home) as made:
        with made.write() as tx:
            fleets = [declare("late", removed=False), declare("gone", removed=False)]
            declarations.add(tx, [*fleets, declare("gone", removed=True)])
        yield made


def swept(store: Store, home: Path, *files: str) -> list[str]:
    """What the sweep removes, below the home, where these files were written long ago."""
    for name in files:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"x")
    for path in (*home.rglob("*"), home):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    return [str(each.path.relative_to(home)) for each in leftover.remove(leftover.find(store, NOW))]


@pytest.mark.parametrize(
    "name",
    [
        "sets/train/my-data.parquet",
        "sets/train/2024/set.json",
        f"sets/train/{SET}/set.json",  # of a fleet of another home beside this one
        f"sets/train/{DRAFT}/labels.npy",
        f"sets/late/{SET}/set.json",
        f"sets/gone/{SET}/notes.txt",
        f"sets/gone/{SET}",
        "sets/gone/my-data/set.json",
        f"sets/gone/.{SET}.backup/set.json",
        f"bundles/{BUNDLE}",
        f"bundles/.{'0' * 64}.keep/m.py",
        f"segments/train/{SEGMENT}",
        "segments/late/.mine.arrow.part",
        f"segments/late/{SEGMENT}/a.txt",
        f"blobs/.{'0' * 32}/a.txt",
        ".token.1",
        ".clock.1",
    ],
)
def test_what_is_not_certainly_ours_stays(store: Store, home: Path, name: str) -> None:
    assert swept(store, home, name) == []
    assert (home / name).exists()


@pytest.mark.parametrize("name", [f"sets/gone/{SET}", f"sets/late/{DRAFT}", f"bundles/{BUNDLE}", f"blobs/.{'0' * 32}"])
def test_a_link_to_what_lies_elsewhere_stays(store: Store, home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "set.json").write_bytes(b"{}")
    (home / name).parent.mkdir(parents=True)
    (home / name).symlink_to(tmp_path / "mine")
    assert swept(store, home) == []
    assert (home / name).is_symlink() and (tmp_path / "mine" / "set.json").exists()


@pytest.mark.parametrize(
    ("file", "gone"),
    [
        (f"sets/gone/{SET}/set.json", f"sets/gone/{SET}"),
        (f"sets/late/{DRAFT}/labels.npy", f"sets/late/{DRAFT}"),
        (f"bundles/{BUNDLE}/m.py", f"bundles/{BUNDLE}"),
        (f"segments/late/{SEGMENT}", f"segments/late/{SEGMENT}"),
        (f"blobs/.{'0' * 32}", f"blobs/.{'0' * 32}"),
    ],
)
def test_what_we_left_behind_goes(store: Store, home: Path, file: str, gone: str) -> None:
    assert swept(store, home, file, "sets/gone/mine.txt") == [gone]
    assert (home / "sets/gone/mine.txt").exists()
