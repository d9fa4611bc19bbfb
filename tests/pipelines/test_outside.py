"""Files and directories outside of the store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import InputError
from argosy.pipelines import outside


def test_what_has_no_content_that_stays_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").touch()
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path)):
        with pytest.raises(InputError, match="is a device, a pipe or a socket"):
            outside.read(path)
