"""What is packed of a home: which versions there are, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller.packing import packed
from argosy.errors import UnknownError
from argosy.registry.address import parse
from argosy.store import Store


def test_what_is_not_there_is_said(home: Path) -> None:
    with Store.open(home) as store, store.read() as conn, pytest.raises(UnknownError, match="no version late@2"):
        packed(store, conn, parse("late@2"))
