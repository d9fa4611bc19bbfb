"""YAML reads back as it was written, and needs no knowledge of which words YAML takes for something else."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from argosy.pipelines.export.document import read, write
from tests.pipelines.export.night import TEXTS

_VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=5
)


@settings(max_examples=40)
@example({"a": "'\n\x85", "b": "x\ny\r", "c": "x\u2028\ny\u2029z"})
@given(st.dictionaries(TEXTS, _VALUES, max_size=3))
def test_documents_read_back(document: dict[str, object]) -> None:
    assert read(write([document, {}])) == [document, {}]


def test_words_that_some_readers_take_for_values_are_quoted() -> None:
    words = ["yes", "No", "on", "null", "~", "1e3", "0o17", "0x1f", "1_000", ".inf", "2025-01-01", "12:30", "", "="]
    lines = write([{"words": words}]).splitlines()[1:]
    assert all(line.startswith('- "') for line in lines), lines


def test_what_can_only_be_text_stands_without_quotes() -> None:
    text = write([{"kind": "CronJob", "image": "registry.example/a:1", "script": "a\nb\n", "shards": [1, 2]}])
    assert text == "kind: CronJob\nimage: registry.example/a:1\nscript: |\n  a\n  b\nshards: [1, 2]\n"
