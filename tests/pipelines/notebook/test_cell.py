"""What is a notebook, and what its tags say."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import InputError, UnknownError
from argosy.pipelines.notebook.cell import read
from tests.pipelines.notebook.paper import TEXT, notebook, opened


def test_cells_are_counted_with_texts_and_have_the_heading_above(tmp_path: Path) -> None:
    found = opened(
        tmp_path,
        (TEXT, "# All of *it*\n\n## Load `rows`_now_ ##\n"),
        ("step:load,hide-input", "\n# first\nrows = 1"),
        ("", "  \n"),
        ("injected-parameters", "depth = 3"),
    )
    assert found.title == "All of it"
    assert [(each.number, each.role, each.step, each.heading) for each in found.cells] == [
        (2, "step", "load", "Load rowsnow"), (4, "parameters", "", ""),
    ]  # fmt: skip
    assert [str(each) for each in found.cells] == ["cell 2 (# first)", "cell 4 (depth = 3)"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"import numpy", "is no Jupyter notebook"),
        (b"\xff\xfe", "is no Jupyter notebook"),
        (b"[]", "is no Jupyter notebook"),
        (b'{"cells": []}', "is no Jupyter notebook"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "is no Jupyter notebook"),
        (b'{"nbformat": 3, "worksheets": []}', "is in notebook format 3; 4 can be read"),
        (notebook(language_info={"name": "R"}), "is written in R; steps are Python"),
        (notebook(kernelspec={"language": "julia"}), "is written in julia; steps are Python"),
        (notebook(("step:a,parameters", "x = 1")), "cell 1 is tagged step:a, parameters"),
        (notebook(("step:a,step:b", "x = 1")), "cell 1 is tagged step:a, step:b"),
        (notebook(("step:", "x = 1")), "cell 1 is tagged step:"),
        (notebook(("skip:a", "x = 1")), "cell 1 is tagged skip:a"),
        (notebook(("stepp:a", "x = 1")), "cell 1 is tagged stepp:a, which says nothing of what it is for"),
        (notebook(("hide-input,parameter", "x = 1")), "next: tag it parameters, if that is meant"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "late.ipynb"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith("late.ipynb") and said in str(caught.value) and "next:" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="cannot be read: No such file"):
        read(tmp_path / "late.ipynb")
    with pytest.raises(UnknownError, match="cannot be read: Is a directory"):
        read(tmp_path)
