"""Every block of every page runs, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.page import FILE, ROOT, blocks, pages
from tests.docs.session import Session

LONG = {
    "README.md",
    "docs/tutorial.md",
    "docs/edge.md",
    "docs/explanations.md",
    "docs/exports.md",
    "docs/grpc.md",
    "docs/cli.md",
    "docs/http.md",
    "docs/inference.md",
    "docs/mlflow.md",
    "docs/operations.md",
    "docs/pipelines.md",
    "docs/rollouts.md",
    "docs/schedules.md",
    "docs/streams.md",
}
"""Pages whose blocks train, serve or wait."""


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _cases() -> list[object]:
    found = [page for page in pages() if blocks(page)]
    return [
        pytest.param(page, id=_name(page), marks=[pytest.mark.slow] if _name(page) in LONG else []) for page in found
    ]


@pytest.mark.parametrize("page", _cases())
def test_blocks_run(page: Path, tmp_path: Path, apart: Callable[[str], Path]) -> None:
    with Session(tmp_path / "page", apart) as session:
        for block in blocks(page):
            try:
                session.run(block)
            except AssertionError as error:
                raise AssertionError(f"{_name(page)}:{block.line}: {error}") from None


def test_a_file_that_a_page_writes_is_used_by_it() -> None:
    for page in pages():
        found = blocks(page)
        for block in found:
            if FILE in block.options:
                path = Path(block.options[FILE])
                later = [other.text for other in found if other.line > block.line]
                used = any(path.stem in text or f"cd {path.parent.name}" in text for text in later)
                assert used, f"{_name(page)}:{block.line}: nothing uses {path}"


def test_long_pages_exist() -> None:
    assert {_name(page) for page in pages()} >= LONG
