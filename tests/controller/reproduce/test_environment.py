"""Environments of recorded versions, built by the tools that people have."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from argosy.controller.reproduce import environment
from argosy.errors import ArgosyError, UsageError


def test_what_is_installed_is_told_by_version() -> None:
    found = environment.installed(["msgspec", "no-such-library", "python"])
    assert found == {"python": platform.python_version(), "msgspec": metadata.version("msgspec")}


def test_variables_lead_to_no_other_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("KEPT", "1")
    found = environment.variables()
    assert "PYTHONPATH" not in found and found["KEPT"] == "1"


def test_a_cache_may_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert environment.cache() == tmp_path / "argosy" / "environments"


def test_without_uv_another_python_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"Python 3\.9 is recorded, and this is 3") as refused:
        environment.build({"python": "3.9.1"}, tmp_path / "cache")
    assert "--here" in refused.value.next


@pytest.mark.slow
def test_an_environment_holds_the_pins_and_is_made_once(uv: None, tmp_path: Path) -> None:
    pins = {"python": platform.python_version(), "argosy": "0.0.1", "msgspec": metadata.version("msgspec")}
    told: list[str] = []
    place = environment.build(pins, tmp_path, told.append)
    assert environment.build(pins, tmp_path, told.append) == place
    assert len(told) == 1 and "and 1 pin in " in told[0]
    ask = "from importlib.metadata import version; print(version('msgspec'), version('argosy'))"
    found = subprocess.run([place / "bin" / "python", "-c", ask], stdout=subprocess.PIPE, text=True, check=True)
    assert found.stdout.split() == [metadata.version("msgspec"), metadata.version("argosy")]
    assert (place / "bin" / "argosy").exists()


@pytest.mark.slow
def test_a_version_that_is_nowhere_is_told_with_what_the_tool_said(uv: None, tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match=r"could not be made: .*msgspec") as refused:
        environment.build({"msgspec": "0.0.0.1"}, tmp_path)
    assert "--here" in refused.value.next
    assert not [path for path in tmp_path.rglob("argosy.stamp")]
