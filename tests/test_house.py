"""The rules that hold the house up, each as a check over the tree: sizes, safety, import cost, a mirror of tests."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "argosy"
FILE_LINES, FUNCTION_LINES, CLASS_METHODS = 400, 60, 20

# Packages that meet what comes from outside: nothing in them may run code that arrives as data.
EXPOSED = ("server", "serving", "console", "cli", "model")
CARRY_CODE = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
# A pickle that a project trusts is made where it trains, and loaded in a process of its own, which nobody imports.
APART = {SOURCE / "model/trusted/child.py", SOURCE / "model/trusted/pickler.py"}
RUN_CODE = {"eval", "exec", "os.popen", "os.system", "runpy.run_path"}

# What must start fast, and what it must not load to do so.
QUICK = ("argosy.cli", "argosy.console", "argosy.server", "argosy.serving")
HEAVY = ("pandas", "sklearn", "torch")

# Folders of tests that mirror no package, and tests of the whole.
ACROSS = {"bench", "browser", "conformance", "docs", "examples", "faults", "fuzz"}
WHOLE = {"test_dev.py", "test_house.py"}

# Written in two halves, so that this file holds none of them.
OUR_MACHINES = ("/ro" + "ot/", "/wo" + "rk/", "/home/" + "runner")
REGISTRIES = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
    "conda.ana" + "conda.org",
    "crates" + ".io",
    "proxy.go" + "lang.org",
    "deb.deb" + "ian.org",
    "archive.ubu" + "ntu.com",
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def modules(*packages: str) -> list[Path]:
    """Source files of some packages, or of all."""
    return sorted(path for name in packages or ("",) for path in (SOURCE / name).rglob("*.py"))


def offences(paths: list[Path], find: Callable[[ast.Module], Iterator[tuple[int, str]]]) -> list[str]:
    """`file:line: what` for all that `find` yields."""
    return [f"{path.relative_to(ROOT)}:{line}: {what}" for path in paths for line, what in find(tree(path))]


def long_functions(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, Function) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES:
            yield node.lineno, f"{node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines"


def wide_classes(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            methods = {child.name for child in node.body if isinstance(child, Function)}
            methods = {name for name in methods if not name.startswith("test_")}  # cases of a shipped suite
            if len(methods) > CLASS_METHODS:
                yield node.lineno, f"{node.name} has {len(methods)} methods"


def swallowed_errors(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield node.lineno, "a bare except"
            if all(isinstance(step, ast.Pass) or _is_ellipsis(step) for step in node.body):
                yield node.lineno, "an error is swallowed; contextlib.suppress says so in one line"


def _is_ellipsis(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant) and step.value.value is ...


def code_from_data(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Imports of code-carrying formats, calls that run text, and shells."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in CARRY_CODE & {name.partition(".")[0] for name in names}:
                yield node.lineno, f"imports {name}"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func).removeprefix("builtins.")
            if called in RUN_CODE or called.startswith("os.exec") or called.partition(".")[0] in CARRY_CODE:
                yield node.lineno, f"calls {called}"
            for word in node.keywords:
                if word.arg in ("shell", "allow_pickle") and not _is_false(word.value):
                    yield node.lineno, f"{called} with {word.arg}={ast.unparse(word.value)}"


def _is_false(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


@cache
def tracked() -> list[Path]:
    """Files that belong to the project: those git knows or would take; without git, all but the derived ones."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        return [path for name in names if name and (path := ROOT / name).is_file()]
    derived = re.compile(r"(^|/)(\.git|\.venv|\.tools|\.argosy|\.bench|\.hypothesis|__pycache__|dist|\.\w+_cache)(/|$)")
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in found if not derived.search(str(path.relative_to(ROOT)))]


def test_files_are_short() -> None:
    lengths = {path.relative_to(ROOT): path.read_text().count("\n") for path in modules()}
    assert {path: length for path, length in lengths.items() if length > FILE_LINES} == {}


def test_functions_are_short() -> None:
    assert offences(modules(), long_functions) == []


def test_classes_have_few_methods() -> None:
    assert offences(modules(), wide_classes) == []


def test_no_error_is_swallowed() -> None:
    assert offences(modules(), swallowed_errors) == []


def test_nothing_from_outside_is_executed() -> None:
    assert offences([path for path in modules(*EXPOSED) if path not in APART], code_from_data) == []
    assert not [path for path in modules() if "trusted.child" in path.read_text() and path.name != "process.py"]
    assert "trusted import child" not in "".join(path.read_text() for path in modules())


@pytest.mark.parametrize(
    ("find", "bad", "good"),
    [
        (long_functions, "def f():\n" + "    a = 1\n" * FUNCTION_LINES, "def f():\n" + "    a = 1\n" * 59),
        (wide_classes, "class C:\n" + "".join(f"    def m{i}(self): ...\n" for i in range(21)), "class C: x = 1"),
        (swallowed_errors, "try: f()\nexcept ValueError: pass", "try: f()\nexcept ValueError: g()"),
        (swallowed_errors, "try: f()\nexcept: g()", "try: f()\nfinally: g()"),
        (code_from_data, "import pickle", "import json"),
        (code_from_data, "from joblib import load", "from json import load"),
        (code_from_data, "eval(text)", "frame.eval(text)"),
        (code_from_data, "builtins.exec(text)", "connection.execute(text)"),
        (code_from_data, "run(line, shell=True)", "run(line, shell=False)"),
        (code_from_data, "numpy.load(path, allow_pickle=yes)", "numpy.load(path)"),
    ],
)
def test_each_check_tells_bad_from_good(
    find: Callable[[ast.Module], Iterator[tuple[int, str]]], bad: str, good: str
) -> None:
    assert list(find(ast.parse(bad)))
    assert not list(find(ast.parse(good)))


def test_no_file_names_a_machine_or_a_registry() -> None:
    patterns = [pattern.encode() for pattern in (*OUR_MACHINES, *REGISTRIES)]
    texts = ((path, path.read_bytes()) for path in tracked())
    found = [
        f"{path.relative_to(ROOT)}: {pattern!r}" for path, text in texts for pattern in patterns if pattern in text
    ]
    assert found == []


@pytest.mark.parametrize("module", QUICK)
def test_start_loads_nothing_heavy(module: str) -> None:
    look = f"import sys, {module}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    variables = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    seen = subprocess.run([sys.executable, "-c", look], env=variables, capture_output=True, text=True, check=False)
    assert (seen.stdout.split(), seen.stderr) == ([], "")


def test_a_server_starts_without_what_only_pages_of_fleets_need() -> None:
    program = "import sys, argosy.server.run; print(sorted({'numpy', 'polars', 'alembic'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_tests_mirror_the_source() -> None:
    """tests/PACKAGE/test_NAME.py tests src/argosy/PACKAGE/NAME.py, or the package NAME."""
    strays = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.relative_to(ROOT / "tests")
        if place.parts[0] in ACROSS | WHOLE:
            continue
        name, package = path.stem.removeprefix("test_"), SOURCE / place.parent
        if not any(other.exists() for other in (package / f"{name}.py", package / f"_{name}.py", package / name)):
            strays.append(str(place))
    assert strays == []
