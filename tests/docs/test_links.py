"""Links within the project lead somewhere, and every decision is in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.page import DOCS, ROOT, pages, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
LATER = {"docs/console.png"}
"""Pictures that are added by hand after the pages were written."""


def _links(page: Path) -> list[str]:
    return [one or other for one, other in _LINK.findall(prose(page))]


def _anchors(page: Path) -> set[str]:
    """The anchors that hosts make of headings."""
    heads = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.replace("`", "").lower()) for head in heads)
    return {head.strip().replace(" ", "-") for head in plain}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    broken = []
    for link in _links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if str(target.relative_to(ROOT)) in LATER:
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = ((page.parent / link.partition("#")[0]).resolve() for link in _links(page) if "://" not in link)
        waiting += [target for target in targets if target.suffix == ".md" and target.exists()]
    assert set(DOCS.rglob("*.md")) - seen == set()


def test_every_decision_is_in_the_index() -> None:
    index = (DOCS / "decisions" / "README.md").read_text()
    files = sorted(path for path in (DOCS / "decisions").glob("0*.md"))
    listed = re.findall(r"\[([^\]]+)\]\((0[^)]+\.md)\)", index)
    heads = [path.read_text().partition("\n")[0].lstrip("# 0123456789.:") for path in files]
    assert listed == [(head, path.name) for head, path in zip(heads, files, strict=True)]
