"""`argosy route`: a caller's rows go where it says, and what is laid is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.cli import main
from tests.cli.conftest import Run


@pytest.mark.slow
def test_a_rule_is_laid_listed_and_ended(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--sample"]) == main(["apply"]) == 0
    assert run("token", "create", "shop", "--role", "caller").code == 0
    said = run("route", "late-order", "--caller", "shop", "--to", "challenger", "--reason", "a look ahead")
    assert said.code == 0 and "the version under trial answers shop's rows of late-order now" in said.out + said.err
    [found] = run("get", "rules", "--where", "caller:shop", "--json").json()["items"]
    assert (found["address"], found["target"], found["reason"]) == ("late-order", "challenger", "a look ahead")
    assert run("route", "late-order", "--caller", "shop", "--end").code == 0
    said = run("route", "late-order", "--caller", "shop", "--end")
    assert said.code == 1 and "there is no rule for 'shop' and late-order" in said.err
    said = run("route", "late-order", "--caller", "shop", "--end", "--to", "champion")
    assert said.code == 2 and "--end ends whatever rule there is" in said.err
    said = run("route", "late-order@1", "--caller", "nobody")
    assert said.code == 2 and "there is no member late-order" in said.err
