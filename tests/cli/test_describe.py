from __future__ import annotations

from pathlib import Path

import pytest


def test_a_dataset_without_a_version_says_why(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init").code == run("apply").code == 0
    lacking = run("describe", "dataset", "orders")
    assert lacking.code == 2
    said = f"dataset orders has no version yet: data/orders/*.parquet matches no file in {tmp_path}"
    assert said in lacking.err and "next: put files there" in lacking.err
    unknown = run("describe", "dataset", "others")
    assert unknown.code == 2 and "others" in unknown.err and "has no version" not in unknown.err
