"""Values of JSON become texts and numbers by dotted key."""

from __future__ import annotations

from argosy.store.tracking import flat

GIVEN = {"a": {"b": 1, "c": {"d": 0.5}}, "flag": True, "none": None, "list": [1, "x"], "empty": {}, "text": "é"}


def test_each_value_is_a_text() -> None:
    assert flat.texts(GIVEN) == {
        "a.b": "1", "a.c.d": "0.5", "flag": "True", "none": "None", "list": '[1,"x"]', "empty": "{}", "text": "é",
    }  # fmt: skip


def test_zero_bytes_which_no_database_takes_are_left_out() -> None:
    assert flat.texts({"a\0b": {"c": "x\0y"}, "list": ["\0"]}) == {"ab.c": "xy", "list": r'["\u0000"]'}
    assert flat.numbers({"a\0": 1}) == {"a": 1.0}


def test_only_numbers_are_numbers() -> None:
    assert flat.numbers(GIVEN) == {"a.b": 1.0, "a.c.d": 0.5}


def test_what_is_too_long_is_cut() -> None:
    ((key, text),) = flat.texts({"k" * 300: "t" * 7000}).items()
    assert (len(key), len(text)) == (flat.KEY, flat.TEXT)
