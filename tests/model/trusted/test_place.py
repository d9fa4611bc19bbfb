"""Where the libraries lie, and that a project in the directory of its environment is not one of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import argosy
from argosy.model.trusted import place


def test_libraries_lie_there_and_the_environment_itself_does_not() -> None:
    found = place.libraries()
    for module in (np, argosy, pytest):
        assert any(Path(str(module.__file__)).resolve().is_relative_to(each) for each in found)
    for each in (Path(sys.prefix), Path(sys.base_prefix), Path(__file__)):
        assert not any(each.resolve().is_relative_to(known) for known in found)


def test_what_a_user_installs_for_all_of_their_own_is_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    own = tmp_path / "lib" / "python3" / "site-packages"
    own.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [*sys.path, str(own), str(tmp_path)])
    place.libraries.cache_clear()
    try:
        found = place.libraries()
    finally:
        place.libraries.cache_clear()
    assert own.resolve() in found and tmp_path.resolve() not in found
