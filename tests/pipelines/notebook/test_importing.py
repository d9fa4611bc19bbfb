"""Imports, each once, sorted."""

from __future__ import annotations

import pytest

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Cell
from argosy.pipelines.notebook.importing import Import, imports, written
from argosy.pipelines.notebook.statement import body


def found(*sources: str) -> list[Import]:
    return imports(one for number, source in enumerate(sources, 1) for one in body(Cell(number, source)).statements)


def test_sections_and_order() -> None:
    made = found(
        "from __future__ import annotations\nimport numpy as np, os.path, os",
        "import os\nfrom sub import b10, b9, A, C_D",
        "import own\nfrom numpy import sum as total, sum\nfrom own.part import x",
    )  # fmt: skip
    assert written(made, [Import("own.part", "x")], {"own"}) == [
        "from __future__ import annotations",
        "",
        "import os",
        "import os.path",
        "",
        "import numpy as np",
        "from numpy import sum",
        "from numpy import sum as total",
        "from sub import C_D, A, b9, b10",
        "",
        "import own",
        "from own.part import x  # noqa: F401",
    ]


def test_one_name_for_two_things_is_refused() -> None:
    with pytest.raises(InputError, match="cell 1 and cell 2 both import np: import numpy as np, import polars as np"):
        found("import numpy as np", "import polars as np")
    with pytest.raises(InputError, match=r"both import a: import a.b, from c import a"):
        found("import a.b", "from c import a")
