"""Experiments, tracked runs and their artifacts over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from argosy.store import Store
from argosy.store.models import registered, versions
from argosy.store.rows import execute
from tests.console import tracks
from tests.server.conftest import World


@pytest.fixture(scope="module")
def shore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of tracked runs that is only read."""
    with tracks.home(tmp_path_factory.mktemp("shore")) as store:
        yield World(store)


def name(store: Store, called: str = "the first") -> str:
    with store.read() as conn:
        return str(execute(conn, "SELECT run FROM tracked WHERE name = ?", (called,)).fetchone()[0])


def model(store: Store) -> str:
    with store.read() as conn:
        return str(execute(conn, "SELECT model FROM logged ORDER BY id").fetchone()[0])


def paths(store: Store) -> list[str]:
    run, other = name(store), name(store, "under way")
    return [
        "/experiments", "/experiments?view=deleted", "/experiments?where=tum", "/experiments/1",
        "/experiments/1?where=metrics.validation_auc>0.99&sort=-metrics.validation_auc&columns=params.num_leaves",
        "/experiments/1?view=deleted&keys=loss", f"/compare?run={run}&run={other}",
        f"/compare?run={run}&run={name(store, 'sweep')}&only=differences&smooth=0.5", f"/tracked/{run}",
        f"/logged/{model(store)}", f"/logged/{model(store)}?path=report/page.html",
        f"/tracked/{run}?path=report/plot.svg", f"/tracked/{run}?path=report/page.html", f"/tracked/{other}",
    ]  # fmt: skip


def test_a_page_is_shown_has_a_twin_in_json_and_keeps_to_its_policy(shore: World) -> None:
    for path in paths(shore.store):
        page = shore.viewer.get(path, accept="text/html")
        assert page.status_code == 200 and page.text.rstrip().endswith("</html>"), path
        assert re.findall(r"<script(?! src=)|<style| on[a-z]+=\"| style=", page.text) == [], path
        twin = shore.viewer.get(path, accept="application/json")
        assert twin.status_code == 200 and twin.json() is not None, path


def test_no_link_leads_nowhere(shore: World) -> None:
    found: set[str] = set()
    for path in paths(shore.store):
        found |= set(re.findall(r'(?:href|src)="(/[^"]*)"', shore.viewer.get(path, accept="text/html").text))
    sample = [link.replace("&amp;", "&") for link in sorted(found)[::4]]
    assert len(sample) > 20
    assert [link for link in sample if shore.viewer.get(link, accept="text/html").status_code != 200] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/experiments?where=colour = 1", 400), ("/experiments/99", 404), ("/experiments/x", 404),
        ("/experiments/1?where=colour = red", 400), ("/experiments/1?sort=colour", 400), ("/experiments/1?page=x", 400),
        ("/compare", 400), ("/compare?run=x&run=y", 400), (f"/compare?run={'ab' * 16}&run={'cd' * 16}", 404),
        (f"/tracked/{'ab' * 16}", 404), ("/tracked/x", 400), ("/logged/m-x", 404), ("/compare?smooth=x", 400),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_on_a_page(shore: World, path: str, status: int) -> None:
    answer = shore.viewer.get(path, accept="text/html")
    assert answer.status_code == status and "<h1>" in answer.text and "Traceback" not in answer.text


def test_a_filter_that_cannot_be_read_keeps_the_page_and_the_text(shore: World) -> None:
    page = shore.viewer.get("/experiments/1?where=colour = red&columns=params.seed", accept="text/html").text
    assert 'value="colour = red"' in page and 'role="alert"' in page and "under way" in page
    assert shore.viewer.get("/experiments/1?where=colour = red", accept="application/json").status_code == 400


def test_a_fragment_is_the_table_alone(shore: World) -> None:
    answer = shore.viewer.get("/experiments/1?where=status = FAILED", accept="text/html", x_fragment="results")
    assert "<html" not in answer.text and answer.text.count('name="run"') == 1
    assert answer.headers["x-live"] == "/experiments/live?id=1&where=status+%3D+FAILED"


def test_a_file_is_kept_and_never_opened(shore: World) -> None:
    for of in (f"/tracked/{name(shore.store)}", f"/logged/{model(shore.store)}"):
        page = shore.viewer.get(f"{of}/files/report/page.html")
        assert page.content.startswith(b"<h1>Its own") and page.headers["content-type"] == "application/octet-stream"
        assert page.headers["content-disposition"] == 'attachment; filename="page.html"'
        assert shore.viewer.get(f"{of}/files/model/model.bin").content == bytes(range(256)) * 80


def test_what_is_looked_at_can_do_nothing(shore: World) -> None:
    place = f"/tracked/{name(shore.store)}/shown"
    framed = shore.viewer.get(f"{place}/report/page.html", sec_fetch_dest="iframe")
    alone = shore.viewer.get(f"{place}/report/page.html")
    picture = shore.viewer.get(f"{place}/report/plot.svg", sec_fetch_dest="image")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    for answer in (framed, alone, picture):
        rules = [rule.strip() for rule in answer.headers["content-security-policy"].split(";")]
        assert "sandbox" in rules and "default-src 'none'" in rules
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in framed.headers
    assert alone.headers["content-disposition"] == 'attachment; filename="page.html"'
    assert shore.viewer.get(f"{place}/notes.md").status_code == 404


@pytest.mark.parametrize("path", ["../../x", "%2e%2e/x", "a//b", "none", "model", "a\\b", "x\0y", "%252e%252e/x"])
@pytest.mark.parametrize("way", ["files", "shown"])
def test_a_path_that_leads_out_is_refused(shore: World, way: str, path: str) -> None:
    for of in (f"/tracked/{name(shore.store)}", f"/logged/{model(shore.store)}"):
        for written in (quote(path), quote(f"{path}.png")):
            assert shore.viewer.get(f"{of}/{way}/{written}").status_code in (400, 404), written


def test_nobody_looks_without_a_token(shore: World) -> None:
    for path in [*paths(shore.store), f"/tracked/{name(shore.store)}/files/notes.md"]:
        assert shore.anyone.get(path).status_code == 401


def test_what_argosy_did_itself_is_a_run_with_links_both_ways(own: World) -> None:
    member = own.viewer.get("/members/late-arrival/EWR/9E", accept="text/html").text
    link = re.findall(r'href="(/tracked/e[0-9a-f]{31})"', member)[0]
    run = own.viewer.get(link, accept="text/html")
    assert run.status_code == 200 and 'href="/members/late-arrival/EWR/9E"' in run.text
    assert re.search(r'href="/versions/late-arrival/EWR/9E@\d+"', run.text)
    (lineage,) = re.findall(r'href="(/lineage/execution/\d+)"', run.text)
    assert own.viewer.get(lineage, accept="text/html").status_code == 200
    pipeline = own.viewer.get("/runs/1", accept="text/html").text
    (link,) = re.findall(r'href="(/tracked/a[0-9a-f]{31})"', pipeline)
    assert 'href="/runs/1"' in own.viewer.get(link, accept="text/html").text
    versions_compared = "/compare?run=late-arrival/EWR/9E@1&run=late-arrival/EWR/9E@2"
    assert "<h1>2 runs compared" in own.viewer.get(versions_compared, accept="text/html").text
    listed = own.viewer.get("/experiments", accept="application/json").json()["experiments"]
    assert {"late-arrival", "tide"} <= {each["name"] for each in listed}


def test_a_model_is_registered_and_shown(own: World) -> None:
    with own.store.write() as tx:
        made = registered.create(tx, "delay model", tracks.HAND)
        versions.create(tx, made, "mlflow-artifacts:/0/x", tracks.HAND)
    page = own.viewer.get("/models", accept="text/html").text
    assert 'href="/models/delay%20model"' in page
    assert own.viewer.get("/models/delay%20model", accept="text/html").status_code == 200
    assert own.viewer.get("/models/none", accept="text/html").status_code == 404
    assert own.viewer.get("/models?where=colour = red", accept="text/html").status_code == 400
