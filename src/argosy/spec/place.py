"""Where in a project's code an error comes from."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path


def own(file: str | None) -> bool:
    """Whether a file of code belongs to a project: not to the standard library, a distribution, or argosy itself."""
    if not file or file.startswith((_STDLIB, _ARGOSY, "<")):
        return False
    return not {"site-packages", "dist-packages"} & set(Path(file).parts)


def of(error: BaseException) -> str:
    """The last line of a project's code that an error passed: `flow.py line 12, in nightly`; empty where it did none.

    What is at the top of a module is in nothing.
    """
    trace, found = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if own(code.co_filename):
            within = f", in {code.co_name}" if code.co_name != "<module>" else ""
            found = f"{Path(code.co_filename).name} line {trace.tb_lineno}{within}"
        trace = trace.tb_next
    return found


def told(error: BaseException) -> str:
    """An error with where it comes from: `flow.py line 12, in nightly: RuntimeError: no such market`."""
    return ": ".join(filter(None, (of(error), type(error).__name__, str(error))))


_STDLIB = sysconfig.get_paths()["stdlib"]
_ARGOSY = str(Path(__file__).parents[1]) + os.sep
