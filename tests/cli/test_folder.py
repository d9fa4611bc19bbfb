from __future__ import annotations

from pathlib import Path

import pytest

from argosy.cli.folder import write
from argosy.errors import ConflictError, InputError


def test_a_directory_appears_whole_and_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "made"
    write(place, {"mark": b"1", "old": b""}, "mark", replace=False)
    write(place, {"mark": b"2", "sub/new": b"3"}, "mark", replace=True)
    assert sorted(path.name for path in place.iterdir()) == ["mark", "sub"] and (place / "mark").read_bytes() == b"2"
    assert (place / "sub" / "new").read_bytes() == b"3"
    assert list(tmp_path.iterdir()) == [place]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    place = tmp_path / "thesis"
    place.mkdir()
    (place / "chapter").write_text("1")
    with pytest.raises(ConflictError, match="holds no mark"):
        write(place, {"mark": b""}, "mark", replace=True)
    with pytest.raises(ConflictError, match="is there already"):
        write(place, {"mark": b""}, "mark", replace=False)
    assert (place / "chapter").read_text() == "1" and list(tmp_path.iterdir()) == [place]
    with pytest.raises(InputError, match="no directory"):
        write(tmp_path / "a" / "b", {}, "mark", replace=False)


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "made"
    write(place, {"mark": b"1"}, "mark", replace=False)
    with pytest.raises(FileNotFoundError):
        write(place, {"mark": b"2", "no/such/place": b""}, "mark", replace=True)
    assert (place / "mark").read_bytes() == b"1" and list(tmp_path.iterdir()) == [place]
