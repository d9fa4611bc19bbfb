"""JSON is read by blocks as it would be read at once, and what is broken is told by its line."""

from __future__ import annotations

import json as standard
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.controller.scoring import block, json
from argosy.controller.scoring.block import Block
from argosy.errors import InputError

TEXTS = st.sampled_from(["a", 'say "hi"', "two\nlines", "{[", "]}", "\\", '\\"', "köln", "", "x" * 40])
ROWS = st.lists(
    st.fixed_dictionaries({"text": TEXTS, "n": st.integers(-9, 9)}, optional={"more": st.lists(TEXTS, max_size=3)}),
    min_size=1, max_size=40,
)  # fmt: skip


def decoded(blocks: Iterator[Block]) -> list[object]:
    """All objects, which stand where their blocks say."""
    found: list[object] = []
    for text, skipped in blocks:
        assert skipped == len(found)
        found += [standard.loads(line) for line in text.split(b"\n") if line.strip()]
    return found


@settings(max_examples=80)
@given(rows=ROWS, size=st.integers(1, 300), indent=st.sampled_from([None, 1, 4]), end=st.sampled_from(["", "\n "]))
def test_a_list_is_cut_between_its_objects(
    tmp_path_factory: pytest.TempPathFactory, rows: list[object], size: int, indent: int | None, end: str
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "rows.json"
    path.write_text(end + standard.dumps(rows, indent=indent, ensure_ascii=indent is None) + end)
    assert decoded(json.listed(path, size)) == rows
    path.write_text("\n".join(map(standard.dumps, rows)))
    assert decoded(json.lines(path, size)) == rows


def test_lines_and_lists_come_to_the_same_rows(tmp_path: Path) -> None:
    rows = [{"a": n if n < 70 else n / 4, "b": None if n < 90 else "late"} for n in range(120)]
    (tmp_path / "list.json").write_text(standard.dumps(rows, indent=2))
    (tmp_path / "lines.json").write_text("\n".join(map(standard.dumps, rows)))
    found = [json.scan(tmp_path / name)[0].collect() for name in ("list.json", "lines.json")]
    assert found[0].equals(found[1]) and found[0].equals(pl.DataFrame(rows, infer_schema_length=None))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read by a few lines at a time."""
    cut = json.lines
    monkeypatch.setattr(json, "lines", lambda path: cut(path, 60))


@pytest.mark.usefixtures("small")
def test_what_only_later_lines_hold_is_there_for_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows: list[dict[str, object]] = [{"a": n, "mixed": n} for n in range(200)]
    rows += [{"a": 0.5, "late": True, "mixed": {"x": n}} for n in range(3)] + [{"mixed": "text"}, {"a": None}]
    path.write_text("\n".join(map(standard.dumps, rows)))
    found, large = json.scan(path)
    assert large
    whole = found.collect()
    assert dict(whole.schema) == {"a": pl.Float64(), "mixed": pl.String(), "late": pl.Boolean()}
    assert whole.height == 205 and whole["late"].to_list() == [None] * 200 + [True] * 3 + [None] * 2
    assert whole["mixed"][199:].to_list() == ["199", '{"x": 0}', '{"x": 1}', '{"x": 2}', "text", None]
    assert found.select("mixed").slice(202, 2).collect().equals(whole.select("mixed").slice(202, 2))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"a": 1}, {"a": 2]', "object 2 is no JSON object"),
        ('[{"a": 1} {"a": 2}]', r"after 1 objects the list goes on with '\{\"a\": 2\}\]'"),
        ('[{"a": 1}', "after 1 objects the list does not end"),
        ('[{"a": 1},]', "after 1 objects the list goes on with ',]'"),
        ('[{"a": 1}] x', "after 1 objects the list goes on with '] x'"),
        ("[1, 2]", "after 0 objects the list goes on with"),
        ("[[1], [2]]", "object 1 is no JSON object: Expected `object`, got `array`"),
        ('[{"a": "two\nlines"}]', "object 1 is no JSON object"),
        ('{"a": 1}\n\n{"a": 2\n{"a": 3}', "line 3 is no JSON object"),
        ('{"a": 1}\n5', "line 2 is no JSON object"),
        ('{"a": 1} {"a": 2}', "line 1 is no JSON object"),
        ('{"a": NaN}', "line 1 is no JSON object"),
    ],
)
def test_what_is_broken_is_told_by_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "rows.json").write_text(text)
    with pytest.raises(InputError, match=rf"rows\.json.* {says}"):
        json.scan(tmp_path / "rows.json")


@pytest.mark.parametrize("cut", [json.lines, json.listed])
def test_a_record_that_does_not_end_is_told_before_all_of_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Callable[[Path, int], Iterator[Block]]
) -> None:
    monkeypatch.setattr(block, "RECORD", 1_000)
    (tmp_path / "rows.json").write_text('[{"a": "' + "x" * 10_000)
    with pytest.raises(InputError, match="does not end within"):
        list(cut(tmp_path / "rows.json", 100))
