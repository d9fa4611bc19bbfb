"""The page of an artifact, its bytes, and what is shown of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from argosy.console import artifact, preview
from argosy.console.page import to_html
from argosy.errors import CapacityError, CorruptError, UnknownError, UsageError
from argosy.pipelines import format
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
    assert artifact.download(sea, found).disposition == f'attachment; filename="{found.digest[:12]}.arrow"'
    large = keep(store, 'x"; evil', b"y" * 3_000_000)
    assert b"".join(artifact.content(store, large)) == b"y" * 3_000_000
    assert artifact.download(store, large).disposition == f'attachment; filename="{large.digest[:12]}.bin"'


def saved(store: Store, value: Any) -> Artifact:
    """A value as a step's output."""
    form, made = format.save(value, store.blobs)
    with store.write() as tx:
        found = Artifact(digest=made.digest, kind=form.name, bytes=made.bytes, at=sailed.now(), data=made.data)
        artifacts.add(tx, [found])
    return found


def test_a_value_is_handed_out_as_json_and_a_report_as_a_page(store: Store) -> None:
    found = artifact.download(store, saved(store, {"a": (1, 2)}))
    assert found.name.endswith(".json") and json.loads(b"".join(found.chunks)) == {"a": [1, 2]}
    mixed = artifact.download(store, saved(store, {"a": pl.DataFrame({"x": [1]})}))
    assert mixed.name.endswith(".msgpack")
    page = artifact.download(store, saved(store, Report.markdown("# Sales") + Report.html("<script>1</script>")))
    whole = b"".join(page.chunks)
    assert page.name.endswith(".html") and b"<h1>Sales</h1>" in whole and b"<script" not in whole


@pytest.mark.parametrize(
    ("called", "header"),
    [
        ("scores.csv", 'attachment; filename="scores.csv"'),
        (
            'a";\r\nx: y é.csv',
            "attachment; filename=\"a____x__y__.csv\"; filename*=UTF-8''a%22%3B%0D%0Ax%3A%20y%20%C3%A9.csv",
        ),
    ],
)
def test_a_file_is_handed_out_under_its_own_name_with_its_own_bytes(
    store: Store, tmp_path: Path, called: str, header: str
) -> None:
    path = tmp_path / called
    path.write_bytes(b"a,b\n" * 700_000)
    found = artifact.download(store, saved(store, path))
    assert found.disposition == header and b"".join(found.chunks) == path.read_bytes()


def test_bytes_that_only_call_themselves_a_file_come_as_they_are(store: Store) -> None:
    found = artifact.download(store, keep(store, "file", b"no archive"))
    assert found.name.endswith(".tar") and b"".join(found.chunks) == b"no archive"


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
