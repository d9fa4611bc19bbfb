"""Runs in Chromium: one goes on while it is looked at, logs are searched, and nothing that a step wrote executes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from argosy.store import executions
from tests.browser.conftest import Desk
from tests.console import sailed
from tests.server.harbour import Harbour, open_harbour

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BLOCKED = (
    "Blocked script execution in", "violates the following Content Security Policy directive",
    "Unsafe attempt to initiate navigation", "status of 400",
)  # fmt: skip
"""What the browser says of a report that it holds back, and of the page of a filter that is wrong."""


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    root = tmp_path_factory.mktemp("sea")
    sailed.home(root).close()
    with open_harbour(root / "home") as found:
        yield found


@pytest.fixture
def page(desk: Desk, harbour: Harbour) -> Iterator[Page]:
    """A page that is signed in; what it holds back of a report is no complaint."""
    found = desk.page()
    found.goto(f"{harbour.url}/?token={harbour.token}")
    yield found
    desk.complaints[:] = [said for said in desk.complaints if not any(text in said for text in BLOCKED)]


def paper(harbour: Harbour) -> str:
    """The digest of the report that the last voyage gave."""
    with harbour.store.read() as conn:
        return str(executions.of_subject(conn, "voyage/paper")[0].parameters["outputs"][0][1])


def paths(harbour: Harbour) -> list[str]:
    return [
        "/runs", "/runs?where=state:failed", "/runs?where=state:sunk", "/runs/1", "/runs/2", "/runs/2/score",
        "/runs/2/score?element=3", "/runs/1/load", "/runs/2/load", "/runs/1/paper", "/runs/1/raised",
        f"/artifacts/{paper(harbour)}", f"/lineage/artifact/{paper(harbour)}",
    ]  # fmt: skip


def test_a_run_goes_on_while_it_is_looked_at(page: Page, harbour: Harbour) -> None:
    run, lease = sailed.depart(harbour.store)
    page.goto(f"{harbour.url}/runs")
    page.get_by_role("link", name="tide", exact=True).first.click()
    expect(page.locator("h1 .status")).to_have_text("running")
    expect(page.locator(".gantt .r-running .name")).to_have_text("first")
    expect(page.locator("#pulse")).to_be_visible()
    page.wait_for_timeout(300)  # the stream notes what the page shows before it looks for changes
    sailed.land(harbour.store, run, "first")
    expect(page.locator(".gantt .r-running .name")).to_have_text("second")
    sailed.land(harbour.store, run, "second", 200)
    expect(page.locator(".nodes tr", has_text="second")).to_contain_text("200 done")
    expect(page.locator(".totals")).to_contain_text("201 done")
    sailed.land(harbour.store, run, "third")
    sailed.arrive(harbour.store, run, lease)
    expect(page.locator("h1 .status")).to_have_text("succeeded")
    expect(page.locator(".gantt .r-running")).to_have_count(0)


def test_a_step_is_watched_while_it_writes(page: Page, harbour: Harbour) -> None:
    run, lease = sailed.depart(harbour.store)
    sailed.at_work(harbour.store, run, lease, "first", *(f"line {n}" for n in range(60)))
    page.goto(f"{harbour.url}/runs/{run.id}/first")
    log = page.locator("pre.log")
    expect(log.locator(".line")).to_have_count(60)
    expect(page.locator("#pulse")).to_be_visible()
    assert log.evaluate("log => log.scrollTop + log.clientHeight >= log.scrollHeight - 8")
    page.wait_for_timeout(300)
    sailed.at_work(harbour.store, run, lease, "first", *(f"line {n}" for n in range(90)))
    expect(log.locator(".line")).to_have_count(90)
    assert log.evaluate("log => log.scrollTop + log.clientHeight >= log.scrollHeight - 8")
    log.evaluate("log => log.scrollTop = 100")
    page.wait_for_timeout(100)
    sailed.at_work(harbour.store, run, lease, "first", *(f"line {n}" for n in range(120)))
    expect(log.locator(".line")).to_have_count(120)
    assert log.evaluate("log => log.scrollTop") == 100, "who scrolled up to read is left where he is"
    sailed.land(harbour.store, run, "first")
    expect(page.get_by_role("heading", name="Outputs")).to_be_visible()
    sailed.at_work(harbour.store, run, lease, "second", "half way", elements=[0, 1])
    page.goto(f"{harbour.url}/runs/{run.id}")
    expect(page.locator(".nodes tr", has_text="second")).to_contain_text("2 at work")
    sailed.arrive(harbour.store, run, lease)


def test_a_new_run_comes_to_the_list_by_itself(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/runs?where=pipeline:tide")
    expect(page.locator("#pulse")).to_be_visible()
    page.wait_for_timeout(300)
    run, lease = sailed.depart(harbour.store)
    row = page.locator(".runs tbody tr", has=page.get_by_role("link", name=str(run.id), exact=True))
    expect(row.locator(".status")).to_have_text("running")
    sailed.arrive(harbour.store, run, lease)
    expect(row.locator(".status")).to_have_text("succeeded")


def test_a_log_is_searched_while_typing(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/runs/1/load")
    expect(page.locator(".log .line")).to_have_count(400)
    page.keyboard.press("/")
    page.keyboard.type("row 59")
    expect(page.locator(".log .line")).to_have_count(11)
    expect(page.locator(".log .line").first).to_contain_text("row 59 of the harbour")
    page.goto(f"{harbour.url}/runs/1/score?element=2")
    page.locator("#query").fill("nothing like it")
    expect(page.locator("#results")).to_contain_text("0 lines of 1")
    assert "element=2" in page.url


def test_nothing_that_a_step_wrote_executes(page: Page, harbour: Harbour) -> None:
    for path in paths(harbour):
        page.goto(harbour.url + path)
        for frame in page.locator("iframe").all():
            frame.scroll_into_view_if_needed()
        page.wait_for_timeout(150)
        assert "owned" not in page.title(), path
        assert page.locator("img[src=x]").count() == 0, path


def test_html_of_a_report_is_shown_in_a_frame_that_may_do_nothing(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/artifacts/{paper(harbour)}")
    page.locator("iframe").scroll_into_view_if_needed()
    inside = page.frame_locator("iframe")
    expect(inside.locator("h1")).to_have_text("Its own")
    expect(inside.locator("#told")).to_have_text("still")
    inside.get_by_text("go", exact=True).click()
    page.wait_for_timeout(300)
    assert "/artifacts/" in page.url and page.title().startswith("Artifact")
    picture = page.locator(".part img")
    assert picture.evaluate("found => found.decode().then(() => found.naturalWidth)") == 90


def test_bytes_of_an_artifact_are_only_ever_downloaded(page: Page, harbour: Harbour) -> None:
    digest = paper(harbour)
    page.goto(f"{harbour.url}/artifacts/{digest}")
    with page.expect_download() as got:
        page.get_by_role("link", name="download").click()
    assert got.value.suggested_filename == f"{digest[:12]}.html"
    with page.expect_download() as got:
        page.evaluate(f"location.href = '/artifacts/{digest}/parts/1'")
    assert got.value.suggested_filename == f"{digest[:12]}.html"
    page.goto(f"{harbour.url}/artifacts/{digest}/parts/2")
    page.wait_for_timeout(150)
    assert page.title() != "owned"


def test_no_page_of_runs_scrolls_sideways_or_complains(browser: Browser, harbour: Harbour, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme="dark" if width < 500 else "light"
    )
    page, complaints = context.new_page(), list[str]()
    page.goto(f"{harbour.url}/?token={harbour.token}")
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in paths(harbour):
        page.goto(harbour.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark is (width < 500)
    context.close()
    assert [text for text in complaints if not any(each in text for each in BLOCKED)] == []
