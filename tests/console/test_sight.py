"""Files of clients, to look at."""

from __future__ import annotations

import pytest

from argosy.console import sight
from argosy.console.preview import Preview
from argosy.console.sight import Sight
from argosy.store import Store
from argosy.store.artifacts import Artifact
from tests.console.tracks import EVIL, NOW


def see(store: Store, path: str, data: bytes) -> Sight:
    found = Artifact(digest=store.blobs.put(data), kind="file", bytes=len(data), at=NOW)
    return sight.see(store, path, found)


@pytest.mark.parametrize("path", ["a/table.csv", "table.tsv", "table.json"])
def test_tables_are_tables(store: Store, path: str) -> None:
    data = {
        "csv": b'fold,auc\n0,0.98\n1,"0,99"\n', "tsv": b"fold\tauc\n0\t0.98\n1\t0,99\n",
        "json": b'{"columns": ["fold", "auc"], "data": [["0", "0.98"], ["1", "0,99"]]}',
    }[sight.ending(path)]  # fmt: skip
    shown = see(store, path, data).preview
    assert [each.name for each in shown.columns] == ["fold", "auc"]
    assert shown.rows == (("0", "0.98"), ("1", "0,99")) and not shown.text


def test_markdown_is_rendered_without_the_html_in_it(store: Store) -> None:
    (part,) = see(store, "notes.md", f"# Seen\n\n{EVIL} [x](javascript:1)".encode()).preview.parts
    assert "<h1>Seen</h1>" in part.html and "<script" not in part.html and 'href="javascript' not in part.html


def test_json_and_text_are_set_out(store: Store) -> None:
    assert see(store, "a.json", b'{"a":{"b":1}}').preview.text == '{\n  "a": {\n    "b": 1\n  }\n}'
    assert see(store, "a.json", b"{broken").preview.text == "{broken"
    assert see(store, "MLmodel", b"flavors: {}").preview.text == "flavors: {}"
    assert len(see(store, "a.txt", b"x" * 100_000).preview.text) == 20_000


def test_pictures_and_pages_have_addresses_of_their_own(store: Store) -> None:
    assert see(store, "plot.PNG", b"\x89PNG").frame == see(store, "plot.svg", b"<svg/>").frame == "image"
    page = see(store, "page.html", EVIL.encode())
    assert page.frame == "page" and page.preview == Preview()


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"\xff\xfe\x00", "it is no text"), (b"a\0b", "it is no text"), (b"x" * ((4 << 20) + 1), "larger")],
)
def test_what_is_not_shown_says_why(store: Store, data: bytes, why: str) -> None:
    found = see(store, "model.bin", data)
    assert why in found.why and found.preview == Preview()
