from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from argosy.pipelines.formats.report import Reports
from argosy.pipelines.formats.sink import Sink
from argosy.spec.report import Report
from argosy.store import artifacts, events
from tests.console import build
from tests.server.conftest import World

PAGES = [
    "/", "/fleets/late-arrival", "/fleets/late-arrival?q=status:drifting", "/fleets/late-arrival?sort=drift",
    "/fleets/late-arrival?q=nothing", "/members/late-arrival/EWR/9E", "/members/late-arrival/*",
    "/members/late-arrival/EWR/DL", "/members/late-arrival/JFK/US", "/why/late-arrival/EWR/9E",
    "/why/late-arrival/JFK/US", "/versions/late-arrival/EWR/9E@2", "/events", "/events?where=kind:promoted", "/alerts",
    "/alerts?fleet=late-arrival",
    "/lineage/version/late-arrival/EWR/9E@2", "/lineage/dataset/flights@9?up=0&down=2",
    "/datasets", "/datasets/flights", "/datasets/weather", "/plan", "/runs", "/runs?where=state:failed", "/runs/1",
    "/runs/1/first", "/runs/1/second",
]  # fmt: skip


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag == "a" and name == "href" and value and value.startswith("/"):
                self.found.add(value)
            if name == "style" or name.startswith("on") or (tag == "script" and name == "src" and not value):
                self.inline.append(f"{tag} {name}")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_shown_and_has_a_twin_in_json(world: World, path: str) -> None:
    page = world.viewer.get(path, accept="text/html")
    assert page.status_code == 200 and page.text.rstrip().endswith("</html>")
    twin = world.viewer.get(path, accept="application/json")
    assert twin.status_code == 200 and twin.json() is not None
    mark = "&" if "?" in path else "?"
    assert world.viewer.get(f"{path}{mark}format=json").content == twin.content


@pytest.mark.parametrize("path", PAGES)
def test_nothing_on_a_page_breaks_its_policy(world: World, path: str) -> None:
    page = world.viewer.get(path, accept="text/html").text
    links = _Links()
    links.feed(page)
    assert links.inline == []
    assert re.findall(r"<script(?! src=)", page) == [] and "<style" not in page


@pytest.mark.parametrize("path", PAGES)
def test_times_have_one_form_and_days_another(world: World, path: str) -> None:
    page = world.viewer.get(path, accept="text/html").text
    assert re.findall(r"\d\d? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b", page) == []
    told = re.findall(r'<time datetime="([^"]+)" title="([^"]+)">([^<]+)</time>', page)
    spelt = [shown for _, _, shown in told if re.match(r"[0-9]{2}", shown) and "UTC" not in shown]
    assert [shown for shown in spelt if not re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?|\d+[smhd]", shown)] == []
    whole = {title for stamp, title, _ in told if stamp.replace("T", " ").replace("Z", " UTC") != title}
    assert whole <= {"the time that everything on this page is told from"}


def test_no_link_leads_nowhere(world: World) -> None:
    parser = _Links()
    for path in (path for path in PAGES if "none" not in path):
        parser.feed(world.viewer.get(path, accept="text/html").text)
    sample = sorted(parser.found)[::5]
    assert len(sample) > 30
    broken = [link for link in sample if world.viewer.get(link, accept="text/html").status_code != 200]
    assert broken == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fleets/none", 404), ("/members/late-arrival/XX", 404), ("/members/none", 404), ("/why/none", 404),
        ("/versions/late-arrival/EWR/9E@99", 404), ("/versions/late-arrival", 404), ("/datasets/none", 404),
        ("/fleets/late-arrival/cell/99", 404), ("/nowhere", 404), ("/fleets/late-arrival?page=x", 400),
        ("/fleets/late-arrival?q=colour:red", 400), ("/fleets/late-arrival?q=rows>many", 400),
        ("/events?where=%22", 400), ("/static/app.py", 404),
        ("/runs/99", 404), ("/runs/1/none", 404), ("/runs/1/second?element=9", 404), ("/runs/x", 404),
        ("/runs?where=state:sunk", 400), (f"/artifacts/{'ab' * 32}", 404), (f"/artifacts/{'ab' * 32}/content", 404),
        ("/artifacts/x", 400), (f"/artifacts/{'ab' * 32}/parts/0", 404),
        ("/lineage/dataset/none@1", 404), ("/lineage/dataset/flights@9?up=x", 400),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_on_a_page(world: World, path: str, status: int) -> None:
    answer = world.viewer.get(path, accept="text/html")
    assert answer.status_code == status and "<h1>" in answer.text and "Traceback" not in answer.text


def test_a_query_that_cannot_be_read_keeps_the_page_and_the_text(world: World) -> None:
    page = world.viewer.get("/fleets/late-arrival?q=colour:red", accept="text/html").text
    assert "there is no field" in page and 'value="colour:red"' in page and "EWR/9E" in page


def test_a_fragment_is_the_results_alone(world: World) -> None:
    answer = world.viewer.get("/fleets/late-arrival?q=status:failed", accept="text/html", x_fragment="results")
    assert "<html" not in answer.text and answer.text.count("<tr id=") == 1
    assert answer.headers["x-live"] == "/fleets/late-arrival/live?q=status%3Afailed&sort=status&page=1"


def test_text_from_outside_is_never_markup(own: World) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    with own.store.write() as tx:
        events.add(tx, [events.NewEvent(at=build.NOW, kind="noted", subject=evil, actor=evil, message=evil)])
    for path in (
        "/events",
        f"/fleets/late-arrival?q={evil}",
        f"/events?where=subject:%22{evil[:20]}%22",
        "/fleets/%3Cb%3E",
    ):
        page = own.viewer.get(path, accept="text/html").text
        assert "<script>alert" not in page and "<img src=x" not in page and "<b>" not in page.split("<main>")[1][:200]


def test_what_a_report_holds_is_handed_out_so_that_it_can_do_nothing(own: World) -> None:
    report = Report.markdown("# Told") + Report.html("<script>1</script>") + Report.plot("<svg onload='1'/>")
    sink = Sink(own.store.blobs)
    Reports().save(report, sink)
    saved = sink.finish()
    kept = artifacts.Artifact(digest=saved.digest, kind="report", bytes=saved.bytes, at=build.NOW, data=saved.data)
    with own.store.write() as tx:
        artifacts.add(tx, [kept])
    place = f"/artifacts/{saved.digest}"
    whole = own.viewer.get(f"{place}/content")
    assert b"<h1>Told</h1>" in whole.content and b"<script" not in whole.content
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-disposition"] == f'attachment; filename="{saved.digest[:12]}.html"'
    assert own.viewer.get(f"{place}/parts/0").status_code == own.viewer.get(f"{place}/parts/3").status_code == 404
    framed = own.viewer.get(f"{place}/parts/1", sec_fetch_dest="iframe")
    alone = own.viewer.get(f"{place}/parts/1")
    picture = own.viewer.get(f"{place}/parts/2", sec_fetch_dest="image")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    for answer in (framed, alone, picture):
        rules = [rule.strip() for rule in answer.headers["content-security-policy"].split(";")]
        assert "sandbox" in rules and "default-src 'none'" in rules and "frame-ancestors 'self'" in rules
        assert not any(rule.startswith(("script-src", "form-action")) for rule in rules)
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in framed.headers
    assert alone.headers["content-disposition"].startswith("attachment")


def test_a_filter_of_runs_that_cannot_be_read_keeps_the_page_and_the_text(world: World) -> None:
    page = world.viewer.get("/runs?where=state:sunk", accept="text/html").text
    assert "names no state" in page and 'value="state:sunk"' in page and 'href="/runs/1"' in page
    assert world.viewer.get("/runs?where=state:sunk", accept="application/json").status_code == 400


def test_a_card_can_be_kept(world: World) -> None:
    text = world.viewer.get("/versions/late-arrival/EWR/9E@2?format=markdown")
    assert text.headers["content-type"].startswith("text/markdown") and text.text.startswith("# late-arrival/EWR/9E@2")
    kept = world.viewer.get("/versions/late-arrival/EWR/9E@2?format=html")
    assert kept.headers["content-disposition"].startswith("attachment")


def test_a_prediction_is_asked_for_by_a_form(world: World) -> None:
    answer = world.viewer.get("/fleets/late-arrival/predictions?id=%20r-1/2%20")
    assert (answer.status_code, answer.headers["location"]) == (303, "/fleets/late-arrival/predictions/r-1/2")
    found = world.viewer.get("/fleets/late-arrival/predictions/r-1/2")
    assert found.status_code == 404 and "r-1/2" in found.text and "has been recorded" in found.text


def test_a_cell_of_a_large_map_leads_to_its_member(world: World) -> None:
    answer = world.viewer.get("/fleets/late-arrival/cell/1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/members/late-arrival/EWR/9E")


def test_static_files_are_what_the_package_holds(world: World) -> None:
    assert world.viewer.get("/static/argosy.js").headers["content-type"].startswith("text/javascript")
    assert "argosy" in world.anyone.get("/static/argosy.css").text or world.anyone.get("/static/argosy.css").text
