from __future__ import annotations

import pytest

from tests.docs.likeness import like
from tests.docs.page import Step, steps


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("", "whatever\n"),
        ("3 rows", "3 rows\n"),
        ("at 2026-01-02 03:04, 0.25 after 7s", "at 2030-11-21 23:59, 117.5 after 12s"),
        ("one\n...\nthree", "one\ntwo\ntwo and a half\nthree"),
        ("one\n...\nthree", "one\nthree"),
        ("a ... z", "a to z"),
        ("name    rows\n──────\nx       3", "name rows\n─────────\nx 3"),
        ("code 0123456789ab", "code ffffffffffffffff"),
        ("  fit  done", "  1 call done, 2 at work, 2.01 s\n  1,200 calls done, 2 at work, 4 s\n  fit  done"),
    ],
)
def test_figures_of_the_day_are_not_compared(shown: str, printed: str) -> None:
    assert like(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("3 rows", "4 rows"),
        ("one", "one\ntwo"),
        ("a ... z", "a\nz"),
        ("3 rows\n...", "no rows"),
        ("no", ""),
        ("2 calls done", "3 calls done"),
    ],
)
def test_words_and_counts_are(shown: str, printed: str) -> None:
    assert not like(shown, printed)


def test_a_block_is_commands_and_what_they_print() -> None:
    text = "$ cd late\n$ for x in 1 2; do\n>   echo $x\n> done\n1\n2\n"
    assert steps(text) == [Step("cd late", ""), Step("for x in 1 2; do\n  echo $x\ndone", "1\n2\n")]


def test_a_block_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match="begins with a command"):
        steps("3 rows\n")
