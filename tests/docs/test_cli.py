"""The page of the command line names every command and option, and runs each command."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

from argosy.cli.app import NAMES, PLACES
from tests.docs.page import DOCS, blocks, prose, steps

PAGE = DOCS / "cli.md"


def _section(name: str) -> str:
    found = re.search(rf"^## `argosy {name}`\n(.*?)(?=^## |\Z)", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert found, f"docs/cli.md has no section '## `argosy {name}`'"
    return found[1]


def _commands() -> list[str]:
    return [step.command for block in blocks(PAGE) if block.language == "console" for step in steps(block.text)]


def test_the_page_has_these_commands_and_no_other() -> None:
    assert set(re.findall(r"^## `argosy (\w+)`$", prose(PAGE), flags=re.MULTILINE)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_run_on_the_page(name: str) -> None:
    assert any(re.search(rf"\bargosy {name}\b", command) for command in _commands())


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_named(name: str) -> None:
    place = PLACES.get(name, name)
    function = getattr(import_module(f"argosy.cli.{place}"), place)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    shared = {p.name for p in parameters if str(p.annotation).startswith(("Common", "Worked", "Where"))} | {"json"}
    options = [
        f"--{'no-' if each.default is True else ''}{each.name.rstrip('_').replace('_', '-')}"
        for each in parameters
        if each.name not in shared
    ]
    section = _section(name)
    assert [option for option in options if f"`{option}" not in section] == []
