"""What calls write is shown once, however the looks fall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.cli.tail import Tail
from argosy.engine import log
from argosy.store.underway import Underway

BEGAN = datetime(2013, 1, 1, tzinfo=UTC)


def at_work(data: bytes, kept: int, began: datetime = BEGAN) -> Underway:
    return Underway(run_id=1, node="fit", element=3, token=1, started_at=began, written=len(data), tail=data[-kept:])


@given(st.lists(st.sampled_from([b"a", b"bc\n", b"\n", "é\n".encode(), b"\xff\n"])), st.data())
def test_every_line_is_shown_once(pieces: list[bytes], data: st.DataObject) -> None:
    """Of a call that writes in pieces, looked at after some of them, and then ended."""
    tail, whole, shown = Tail(), b"".join(pieces), ""
    for end in sorted(data.draw(st.sets(st.integers(1, len(pieces)))) if pieces else ()):
        shown += tail.fresh(at_work(b"".join(pieces[:end]), 100_000))
        assert not shown or shown.endswith("\n")
    assert shown + tail.rest("fit", 3, whole) == whole.decode(errors="replace")


def test_what_came_too_fast_is_counted_and_told_at_the_end() -> None:
    tail = Tail()
    assert tail.fresh(at_work(b"1\n2\n", 4)) == "1\n2\n"
    assert (
        tail.fresh(at_work(b"1\n2\n3\n4\n5\n", 4))
        == "[2 bytes in between: what is kept of them is in the log once the step ends]\n4\n5\n"
    )
    assert tail.rest("fit", 3, b"1\n2\n3\n4\n5\n6") == "6"


def test_a_further_attempt_begins_anew() -> None:
    tail = Tail()
    assert tail.fresh(at_work(b"1\n", 9)) == "1\n"
    again = BEGAN + timedelta(seconds=5)
    assert tail.fresh(at_work(b"1\n2\n", 9, again)) == "1\n2\n"
    assert tail.rest("other", 3, b"whole\n") == "whole\n"


def test_what_an_attempt_wrote_that_ended_before_a_look_is_told_whole() -> None:
    tail = Tail()
    tail.fresh(at_work(b"connecting\nno answer\n", 99))
    assert tail.rest("fit", 3, b"connecting\nits password is old\n") == "connecting\nits password is old\n"
    tail.fresh(at_work(b"connecting\nno answer\n", 99))
    assert tail.rest("fit", 3, b"connecting\n") == "connecting\n"


@pytest.mark.parametrize("seen", [1000, 300_000, 1_100_000, 1_999_998])
def test_of_a_log_with_a_gap_what_was_not_shown_is_told_as_far_as_it_is_kept(tmp_path: Path, seen: int) -> None:
    written = b"".join(b"%07d\n" % n for n in range(250_000))
    (tmp_path / "log").write_bytes(written)
    kept, tail = log.read(tmp_path / "log"), Tail()
    shown = tail.fresh(at_work(written[:seen], 16_384))
    assert shown.endswith("\n")
    begins = int(shown.split()[-1]) + 1  # the line that comes next
    numbers, left = tail.rest("fit", 3, kept).split("\n"), f"[{log.lost(kept)} bytes left out]"
    whole = [int(each) for each in numbers if len(each) == 7]
    assert whole == sorted(set(whole)) and whole[0] >= begins and whole[-1] == 249_999
    assert (left in numbers) is (seen < 1_200_000)
