"""The console in Chromium, over a home of each test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.console import build
from tests.server.harbour import Harbour, open_harbour


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    root = tmp_path_factory.mktemp("browser") / "home"
    build.home(root).close()
    with open_harbour(root) as found:
        yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=quiet)
        yield found
        found.close()


class Desk:
    """A browser context with what its pages complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.context, self.complaints = context, list[str]()

    def page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page


@pytest.fixture(params=[1280, 390], ids=["wide", "narrow"])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = Desk(context)
    yield found
    context.close()
    assert found.complaints == []


@pytest.fixture
def page(desk: Desk, harbour: Harbour) -> Page:
    """A page that is signed in."""
    found = desk.page()
    found.goto(f"{harbour.url}/?token={harbour.token}")
    return found
