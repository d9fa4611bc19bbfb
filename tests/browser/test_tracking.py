"""Experiments in Chromium: a table that is filtered and compared, curves that grow, files that execute nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from argosy.store.models import registered, versions
from argosy.store.rows import execute
from argosy.store.tracking import metrics, runs
from argosy.store.tracking.metrics import Point
from tests.browser.conftest import Desk
from tests.console import tracks
from tests.server.harbour import Harbour, open_harbour

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BLOCKED = ("Blocked script execution in", "status of 400", "violates the following Content Security Policy directive")
"""What the browser says of a page of a client that it holds back, and of the page of a filter that is wrong."""


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    root = tmp_path_factory.mktemp("shore")
    with tracks.home(root) as store, store.write() as tx:
        made = registered.create(tx, "tumour", tracks.HAND, tracks.EVIL)
        versions.create(tx, made, "mlflow-artifacts:/1/x", tracks.HAND, run="ab" * 16)
    with open_harbour(root / "home") as found:
        yield found


@pytest.fixture
def page(desk: Desk, harbour: Harbour) -> Iterator[Page]:
    """A page that is signed in; what it holds back of a client's page is no complaint."""
    found = desk.page()
    found.goto(f"{harbour.url}/?token={harbour.token}")
    yield found
    desk.complaints[:] = [said for said in desk.complaints if not any(text in said for text in BLOCKED)]


def name(harbour: Harbour, called: str) -> str:
    with harbour.store.read() as conn:
        return str(execute(conn, "SELECT run FROM tracked WHERE name = ?", (called,)).fetchone()[0])


def model(harbour: Harbour) -> str:
    with harbour.store.read() as conn:
        return str(execute(conn, "SELECT model FROM logged").fetchone()[0])


def paths(harbour: Harbour) -> list[str]:
    run = f"/tracked/{name(harbour, 'the first')}"
    return [
        "/experiments", "/experiments?view=deleted", "/experiments/1?keys=loss", "/experiments/1?where=colour = red",
        f"/compare?run={name(harbour, 'the first')}&run={name(harbour, 'leaves 7')}&run={name(harbour, 'sweep')}",
        run, f"{run}?path=report/page.html", f"{run}?path=report/plot.svg", f"{run}?path=importance.csv",
        f"{run}?smooth=0.8&curve=metrics.validation_loss", f"/logged/{model(harbour)}?path=report/page.html",
        "/models", "/models/tumour",
    ]  # fmt: skip


def test_runs_are_filtered_sorted_chosen_and_compared(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/experiments")
    page.get_by_role("link", name="tumours", exact=True).click()
    rows = page.locator(".tracked tbody tr")
    expect(rows).to_have_count(21)
    page.keyboard.press("/")
    page.keyboard.type("params.num_leaves = 15")
    expect(rows).to_have_count(6)
    page.reload()
    expect(rows).to_have_count(6)
    page.get_by_role("link", name="validation_auc", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("validation_auc")
    scores = [float(text) for text in page.locator("td[data-name=validation_auc]").all_inner_texts()]
    assert scores == sorted(scores, reverse=True) and "num_leaves" in page.url
    for place in (0, 2):
        page.locator("input[name=run]").nth(place).check()
    page.get_by_role("button", name="Compare the chosen").click()
    expect(page.locator("h1")).to_have_text("2 runs compared")
    expect(page.locator(".matrix tbody tr", has_text="objective")).to_have_count(1)
    page.get_by_role("link", name="only differences").click()
    expect(page.locator(".matrix tbody tr", has_text="objective")).to_have_count(0)
    page.get_by_label("curves of").fill("metrics.validation_loss")
    page.get_by_label("smoothed by").fill("0.6")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("svg.plot path.line:not([class*=' h'])")).to_have_count(2)
    expect(page.get_by_role("link", name="only differences")).to_have_attribute("aria-current", "true")


def test_a_run_is_watched_while_it_logs(page: Page, harbour: Harbour) -> None:
    with harbour.store.write() as tx:
        run = runs.create(tx, 0, "grows", tracks.NOW, tracks.HAND)
        metrics.log(tx, run.id, 0, [Point("loss", 1.0, 0, 0), Point("loss", 0.9, 1, 1)])
    page.goto(f"{harbour.url}/tracked/{run.run}")
    row = page.locator(".plain tr", has_text="loss")
    expect(row).to_contain_text("0.9")
    expect(page.locator("#pulse")).to_be_visible()
    page.wait_for_timeout(300)
    with harbour.store.write() as tx:
        metrics.log(tx, run.id, 0, [Point("loss", 0.25, 2, 2)])
    expect(row).to_contain_text("0.25")
    with harbour.store.write() as tx:
        runs.change(tx, run, tracks.HAND, status=runs.SUCCEEDED, ended_at=tracks.NOW)
    expect(page.locator("h1 .status")).to_have_text("succeeded")


def test_what_is_checked_stays_checked_while_runs_come(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/experiments/1?where=params.num_leaves = 3")
    expect(page.locator("#pulse")).to_be_visible()
    page.wait_for_timeout(300)
    page.locator("input[name=run]").nth(1).check()
    chosen = page.locator("input[name=run]").nth(1).get_attribute("value")
    with harbour.store.write() as tx:
        found = runs.get(tx, name(harbour, "the first"))
        runs.set_tags(tx, found, {"mlflow.runName": f"renamed {time.monotonic()}"}, tracks.HAND)
    expect(page.get_by_role("link", name="renamed")).to_be_visible()
    expect(page.locator(f"input[value='{chosen}']")).to_be_checked()
    with harbour.store.write() as tx:
        found = runs.get(tx, found.run)
        runs.set_tags(tx, found, {"mlflow.runName": "the first"}, tracks.HAND)


def test_the_pointer_tells_the_value_of_a_curve(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/tracked/{name(harbour, 'the first')}?curve=metrics.validation_auc")
    chart = page.locator("svg.chart")
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".tip")).to_contain_text("validation_auc 0.9")


def test_the_addresses_that_clients_print_lead_to_the_pages(page: Page, harbour: Harbour) -> None:
    run = name(harbour, "leaves 7")
    for told, meant in (
        ("experiments/1", "/experiments/1"), (f"experiments/1/runs/{run}", f"/tracked/{run}"),
        ("models/tumour/versions/1", "/models/tumour"),
    ):  # fmt: skip
        page.goto(f"{harbour.url}/#/{told}")
        page.reload()
        page.wait_for_url(f"{harbour.url}{meant}")


def test_nothing_that_a_client_wrote_executes(page: Page, harbour: Harbour) -> None:
    for path in paths(harbour):
        page.goto(harbour.url + path)
        for frame in page.locator("iframe").all():
            frame.scroll_into_view_if_needed()
        page.wait_for_timeout(150)
        assert "owned" not in page.title(), path
        assert page.locator("img[src=x]").count() == 0, path


def test_pages_work_without_scripts(browser: Browser, harbour: Harbour) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{harbour.url}/experiments/1?token={harbour.token}")
    for place in (3, 5, 7):
        page.locator("input[name=run]").nth(place).check()
    page.get_by_role("button", name="Compare the chosen").click()
    expect(page.locator("h1")).to_have_text("3 runs compared")
    page.locator(".matrix thead a.swatch").first.click()
    page.locator(".tree a", has_text="sweep").first.click()
    expect(page.locator("h1")).to_contain_text("sweep")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_the_screen(browser: Browser, harbour: Harbour, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{harbour.url}/?token={harbour.token}")
    for path in paths(harbour):
        page.goto(harbour.url + path)
        page.locator("main").wait_for()
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide at {width}"
    context.close()
