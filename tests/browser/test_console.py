from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from argosy.controller import signal
from argosy.store import events, members, signals
from tests.console import build
from tests.server.harbour import Harbour

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATHS = [
    "/", "/fleets/late-arrival", "/members/late-arrival/EWR/VX", "/why/late-arrival/EWR/VX", "/events", "/alerts",
    "/lineage/version/late-arrival/EWR/9E@2", "/lineage/dataset/flights@9?up=0&down=2", "/datasets",
    "/datasets/flights", "/plan", "/versions/late-arrival/EWR/9E@2", "/nowhere",
]  # fmt: skip


def test_the_url_signs_in_and_leaves_no_token_behind(page: Page, harbour: Harbour) -> None:
    assert page.url == f"{harbour.url}/"
    page.get_by_role("link", name="late-arrival", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("late-arrival")
    assert page.evaluate("document.cookie") == ""


def test_without_a_token_there_is_only_the_refusal(browser: Browser, harbour: Harbour) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"{harbour.url}/fleets/late-arrival")
    assert answer is not None and answer.status == 401
    expect(page.get_by_role("heading", level=1)).to_have_text("Argosy")
    context.close()


def test_a_chip_filters_and_lifts_its_filter(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/fleets/late-arrival")
    page.locator("a.chip[data-status=drifting]").click()
    expect(page).to_have_url(re.compile(r"q=status%3Adrifting"))
    expect(page.locator(".members tbody tr")).to_have_count(2)
    expect(page.locator(".members .status").first).to_have_text("drifting")
    page.locator("a.chip[data-status=drifting]").click()
    expect(page.locator(".members tbody tr")).to_have_count(36)


def test_slash_focuses_the_query_and_typing_filters(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/fleets/late-arrival")
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("origin:JFK -status:serving")
    expect(page.locator(".members tbody tr").first).to_contain_text("JFK")
    expect(page).to_have_url(re.compile(r"q=origin%3AJFK"))
    keys = page.locator(".members td.who").all_inner_texts()
    assert keys and all(key.startswith("JFK") for key in keys)
    page.locator("#query").fill("colour:red")
    expect(page.get_by_role("alert")).to_contain_text("there is no field")


def test_keys_walk_the_table_and_open_a_member(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/fleets/late-arrival?sort=key")
    for key in ("j", "j", "k", "j", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(f"{harbour.url}/members/late-arrival/EWR/9E")
    expect(page.get_by_role("heading", level=1)).to_contain_text("EWR/9E")
    page.get_by_role("link", name="why").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Why EWR/9E")


def test_a_row_changes_by_itself_when_a_fact_is_written(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/fleets/late-arrival")
    expect(page.locator("#pulse")).to_be_visible()
    row = page.locator("tr", has=page.get_by_role("link", name="LGA/WN", exact=True))
    expect(row.locator(".status")).to_have_text("serving")
    page.wait_for_timeout(300)  # the stream notes what the page shows before it looks for changes
    with harbour.store.write() as tx:
        member = members.ids(tx, "late-arrival", ["LGA/WN"])["LGA/WN"]
        given = {signal.DEGRADED: 1.0, signal.SCORE: 0.777, signal.SCORE_ROWS: 321.0}
        signals.record(
            tx,
            [
                signals.NewSignal(fleet="late-arrival", member_id=member, name=name, value=value, at=build.NOW)
                for name, value in given.items()
            ],
        )
    expect(row.locator(".status")).to_have_text("degraded")
    expect(row).to_contain_text("live log_loss 0.777 on 321 rows")
    expect(page.locator("a.chip[data-status=degraded] b")).to_have_text("2")


@pytest.mark.parametrize(("path", "what"), [("/events", ".lines li"), ("/alerts", ".lines li, details.alert")])
def test_a_line_of_a_narrow_page_is_folded_until_it_is_asked_for(
    page: Page, harbour: Harbour, path: str, what: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(harbour.url + path)
    lines = page.locator(what)
    heights = lines.evaluate_all("found => found.map(each => each.getBoundingClientRect().height)")
    assert heights and max(heights) < 56  # two lines and what is between them
    summary = lines.first.locator("summary").first
    summary.press("Enter")  # a click may meet the link to what the line is about
    expect(lines.first.locator("p").first).to_be_visible()
    assert summary.evaluate("found => found.scrollWidth <= found.clientWidth")


def test_what_comes_live_leaves_open_what_was_opened_and_nothing_out_of_reach(page: Page, harbour: Harbour) -> None:
    def happen(numbers: range) -> None:
        with harbour.store.write() as tx:
            events.add(tx, [
                events.NewEvent(at=build.NOW + timedelta(hours=2 * n), kind="noted", subject=f"s{n}", actor="test",
                                message=f"{'x' * n} was noted")
                for n in numbers
            ])  # fmt: skip

    happen(range(60))
    page.goto(f"{harbour.url}/events?where=kind:noted")
    expect(page.locator("#pulse")).to_be_visible()
    page.wait_for_timeout(300)  # the stream notes what the page shows before it looks for changes
    opened = page.locator(".lines details", has_text="s59")
    opened.locator("summary").press("Enter")
    happen(range(60, 65))
    expect(page.locator(".lines .subject").first).to_have_text("s64")
    expect(opened.locator("p")).to_be_visible()
    expect(opened.locator("summary")).to_be_focused()
    page.get_by_role("link", name="older").click()
    expect(page.locator(".lines .subject").first).to_have_text("s14")


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways_or_complains(browser: Browser, harbour: Harbour, path: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme="dark" if width < 500 else "light"
    )
    page, complaints = context.new_page(), list[str]()
    page.goto(f"{harbour.url}/?token={harbour.token}")
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(harbour.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [text for text in complaints if path != "/nowhere" or "404" not in text] == []
    context.close()


def test_every_page_works_without_javascript(browser: Browser, harbour: Harbour) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{harbour.url}/?token={harbour.token}")
    page.goto(f"{harbour.url}/fleets/late-arrival")
    page.locator("#query").fill("status:failed")
    page.get_by_role("button", name="Filter").click()
    assert page.locator(".members tbody tr").count() == 1
    page.locator(".members td.who a").click()
    assert "EWR/DL" in page.locator("h1").inner_text()
    context.close()


def test_a_button_of_the_member_page_acts(page: Page, harbour: Harbour) -> None:
    page.goto(f"{harbour.url}/members/late-arrival/LGA/DL")
    page.get_by_text("By hand").click()
    page.get_by_role("textbox", name="reason").fill("a hunch")
    page.get_by_role("button", name="retrain").click()
    expect(page).to_have_url(f"{harbour.url}/members/late-arrival/LGA/DL")
    page.goto(f"{harbour.url}/events?where=kind:retrain")
    expect(page.locator(".lines")).to_contain_text("a hunch")
