"""The shipped suite, on both back ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.testing import StoreConformance


class TestSQLite(StoreConformance):
    @pytest.fixture
    def store(self, home: Path) -> Iterator[Store]:
        with Store.open(home) as store:
            yield store


@pytest.mark.postgres
class TestPostgres(StoreConformance):
    @pytest.fixture
    def store(self, postgres_home: str, tmp_path: Path) -> Iterator[Store]:
        with Store.open(postgres_home, blobs=tmp_path / "blobs") as store:
            yield store


def test_a_home_must_be_there_unless_it_may_be_made(home: Path) -> None:
    with pytest.raises(UnknownError, match="no store in"):
        Store.open(home, create=False)
    Store.open(home).close()
    with Store.open(home, create=False) as store:
        assert store.home == str(home)
        assert store.blobs.root == home / "blobs"


def test_a_postgres_home_needs_a_place_for_blobs() -> None:
    with pytest.raises(InputError, match="keeps no blobs"):
        Store.open("postgresql://ann@127.0.0.1/argosy")


@pytest.mark.postgres
def test_an_empty_database_is_not_made_a_home_unasked(postgres: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="no Argosy tables"):
        Store.open(postgres, blobs=tmp_path, create=False)


@pytest.mark.postgres
def test_a_password_is_not_shown(postgres: str, tmp_path: Path) -> None:
    with Store.open(postgres.replace("argosy@", "argosy:hunter2@"), blobs=tmp_path) as store:
        assert "hunter2" not in repr(store) + store.shown
