"""The page of an artifact, its bytes, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.console import artifact, preview
from argosy.console.page import to_html
from argosy.errors import CapacityError, CorruptError, UnknownError, UsageError
from argosy.pipelines.formats.report import Reports
from argosy.pipelines.formats.sink import Sink
from argosy.spec.report import Part, Report
from argosy.store import Store, artifacts, executions
from argosy.store.artifacts import Artifact
from tests.console import declared, sailed


def made(store: Store, node: str) -> str:
    """The digest of what a node gave."""
    with store.read() as conn:
        found = executions.of_subject(conn, f"voyage/{node}")
    return str(found[-1].parameters["outputs"][0][1])


def keep(store: Store, kind: str, data: bytes, body: Any = None) -> Artifact:
    """An artifact of any bytes and any preview, as a project's own format may make."""
    with store.write() as tx:
        found = Artifact(digest=store.blobs.put(data), kind=kind, bytes=len(data), at=sailed.now(), body=body)
        artifacts.add(tx, [found])
    return found


def test_it_tells_who_made_and_who_read_it(sea: Store) -> None:
    digest = made(sea, "load")
    with sea.read() as conn:
        data = artifact.read(conn, sea, digest)
        html = to_html(artifact.page(conn, sea, digest[:12], sailed.now()))
    assert [each.link for each in data.made_by] == ["/runs/1/load"]
    assert [each.link for each in data.read_by] == ["/runs/1/parts"]
    assert data.format == "table" and data.preview.title == "4 rows, 2 columns"
    assert f'href="/artifacts/{digest}/content"' in html and html.count("<script") == 1


def test_its_bytes_are_handed_out_as_a_file_under_a_harmless_name(sea: Store, store: Store) -> None:
    with sea.read() as conn:
        found = artifact.find(conn, made(sea, "load"))
    data = b"".join(artifact.content(sea, found))
    assert data.startswith(b"ARROW1") or len(data) == found.bytes
    assert artifact.name(found) == f"{found.digest[:12]}.arrow"
    large = keep(store, 'x"; evil', b"y" * 3_000_000)
    assert b"".join(artifact.content(store, large)) == b"y" * 3_000_000
    assert artifact.name(large) == f"{large.digest[:12]}.bin"


def test_bytes_that_are_damaged_or_too_many_are_not_handed_out(store: Store) -> None:
    found = keep(store, "file", b"whole")
    store.blobs.path(found.digest).write_bytes(b"other")
    with pytest.raises(CorruptError):
        artifact.content(store, found)
    huge = Artifact(digest=declared.digest("huge"), kind="file", bytes=artifact.LARGEST + 1, at=sailed.now())
    with pytest.raises(CapacityError, match="hands out at most"):
        artifact.content(store, huge)


@pytest.mark.parametrize(("digest", "error"), [("abcd" * 16, UnknownError), ("no digest", UsageError)])
def test_one_that_is_not_there(sea: Store, digest: str, error: type[Exception]) -> None:
    with sea.read() as conn, pytest.raises(error):
        artifact.page(conn, sea, digest, sailed.now())


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "table", "columns": ["a"], "head": 3}, {"kind": "array", "shape": "x", "head": None},
        {"kind": "model"}, {"kind": "report"}, {"kind": ["odd"]}, {"kind": "directory", "names": 1, "files": "many"},
        {"free": sailed.EVIL}, {"kind": "table", "columns": {}, "head": [[{"a": 1}]]},
    ],
)  # fmt: skip
def test_a_preview_that_is_not_as_it_should_be_is_shown_all_the_same(store: Store, body: dict[str, Any]) -> None:
    found = keep(store, "own", b"x", body)
    with store.read() as conn:
        html = to_html(artifact.page(conn, store, found.digest, sailed.now()))
    assert html.count("<script") == 1 and html.rstrip().endswith("</html>")


def test_a_long_preview_is_cut(store: Store) -> None:
    wide = {"kind": "table", "columns": {f"c{n}": "Int64" for n in range(500)}, "head": [list(range(500))] * 500}
    shown = preview.of("table", "", 1, wide)
    assert (len(shown.columns), len(shown.rows)) == (preview.COLUMNS, preview.ROWS)
    assert len(shown.rows[0]) == preview.COLUMNS
    assert (
        len(preview.of("value", "", 1, {"kind": "value", "type": "str", "text": "x" * 10**6}).text) == preview.LETTERS
    )


def test_a_report_that_is_none_has_no_parts(store: Store) -> None:
    for data in (b"\xff\xfe not a report", b"", b"\x91"):
        assert preview.parts(store, keep(store, "report", data)) == ()
    sink = Sink(store.blobs)
    Reports().save(Report((Part("markdown", b"\xff broken"), Part("html", b"<b>x"))), sink)
    saved = sink.finish()
    broken = keep(store, "report", saved.data or b"")
    assert [piece.kind for piece in preview.whole(store, broken).parts] == ["markdown", "html"]


def test_a_report_whose_bytes_are_gone_says_so(store: Store) -> None:
    found = keep(store, "report", b"gone")
    store.blobs.path(found.digest).unlink()
    assert "there is no blob" in preview.whole(store, found).text
