"""What a step's key counts, where that is hard to see: variables, libraries, and what is easily overlooked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import argosy as ag
from argosy.controller.project import load
from argosy.errors import DeclarationError
from argosy.pipelines import recipe
from argosy.spec.interface import MISSING
from tests.pipelines.workshop import Workshop


def test_what_is_kept_of_a_variable_does_not_tell_its_value(tmp_path: Path) -> None:
    step = "@ag.step(environment=['TOKEN', 'OTHER'])\ndef f() -> int:\n    return 1\n"
    workshop = Workshop(tmp_path, {"project.py": HEAD + step})
    made = vars(load(workshop.root / "files" / "project.py")[1])["f"]
    one, other = (recipe.of(made, {"TOKEN": each, "MORE": "1"}) for each in ("hunter2", "hunter3"))
    assert one == recipe.of(made, {"TOKEN": "hunter2"})
    assert one.variables["OTHER"] is None and one.variables["TOKEN"] != other.variables["TOKEN"]
    assert one.digest != other.digest and "hunter2" not in str(one)


ARGOSY = "import sys\nfrom argosy.cli.app import run\nsys.exit(run(sys.argv[1:]))"
LIBRARY = """
import argosy as ag
import tinylib


@ag.step
def f(x: int) -> int:
    return x + tinylib.VALUE


@ag.pipeline
def go():
    return f(1)
"""


@pytest.mark.slow
def test_the_version_of_a_library_that_a_step_imports_counts(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(LIBRARY)
    site = tmp_path / "site-packages"

    def install(version: str, value: int) -> None:
        shutil.rmtree(site, ignore_errors=True)
        for name in ("tinylib", f"tinylib-{version}.dist-info"):
            (site / name).mkdir(parents=True)
        (site / "tinylib" / "__init__.py").write_text(f"VALUE = {value}\n")
        (site / f"tinylib-{version}.dist-info" / "METADATA").write_text(f"Name: tinylib\nVersion: {version}\n")

    def argosy(*options: str) -> Any:
        command = [sys.executable, "-c", ARGOSY, "run", "go", "--project", "project.py", "--json", *options]
        environment = {**os.environ, "PYTHONPATH": str(site), "ARGOSY_HOME": str(tmp_path / "home")}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    install("1.0", 1)
    assert argosy()["counts"] == {"executed": 1}
    install("2.0", 2)
    (node,) = argosy("--dry-run")["nodes"]
    assert (node["verdict"], node["why"]) == ("run", ["library tinylib: 1.0 -> 2.0 (since run 1)"])
    assert argosy()["counts"] == {"executed": 1}
    install("1.0", 1)
    assert argosy()["counts"] == {"cached": 1}


TRAPS = {
    "function in a closure with the name of another": (
        "import functools\ndef shape(x: int) -> int: ...\ndef make(by):\n    @functools.wraps(shape)\n"
        "    def inner(x):\n        return x * by\n    return inner\nf = ag.step(make(3))\n", {},
        {"project.py": ("make(3)", "make(4)")},
    ),
    "its body": (
        "import functools\ndef shape(x: int) -> int: ...\ndef make(by):\n    @functools.wraps(shape)\n"
        "    def inner(x):\n        return x * by\n    return inner\nf = ag.step(make(3))\n", {},
        {"project.py": ("x * by", "x + by")},
    ),
    "decorator of the project's own": (
        "from deco import twice\n@ag.step\n@twice\ndef f(x: int) -> int:\n    return x\n",
        {"deco.py": "import functools\ndef twice(g):\n    @functools.wraps(g)\n    def inner(x):\n"
                    "        return 2 * g(x)\n    return inner\n"},
        {"deco.py": ("2 *", "3 *")},
    ),
    "helper with a cache": (
        "import functools\nK = 1\n@functools.lru_cache\ndef g(x: int) -> int:\n    return x + K\nf = ag.step(g)\n", {},
        {"project.py": ("K = 1", "K = 2")},
    ),
    "branch of an import": (
        "try:\n    from one import h\nexcept ImportError:\n    from two import h\n"
        "@ag.step\ndef f(x: int) -> int:\n    return h(x)\n",
        {"one.py": "def h(x):\n    return x + 1\n", "two.py": "def h(x):\n    return x\n"},
        {"one.py": ("1", "2")},
    ),
    "condition of an import": (
        "FAST = True\nif FAST:\n    from one import h\nelse:\n    from two import h\n"
        "@ag.step\ndef f(x: int) -> int:\n    return h(x)\n",
        {"one.py": "def h(x):\n    return x + 1\n", "two.py": "def h(x):\n    return x\n"},
        {"project.py": ("FAST = True", "FAST = False")},
    ),
    "branch of an import in a body": (
        "@ag.step\ndef f(x: int) -> int:\n    if x:\n        from one import h\n    else:\n        from two import h\n"
        "    return h(x)\n",
        {"one.py": "def h(x):\n    return x + 1\n", "two.py": "def h(x):\n    return x\n"},
        {"one.py": ("1", "2")},
    ),
    "star that binds anew": (
        "K = 1\nfrom one import *\n@ag.step\ndef f(x: int) -> int:\n    return x + K\n",
        {"one.py": "K = 5\n"}, {"one.py": ("5", "6")},
    ),
    "table that a function fills": (
        "T = {}\ndef fill(t, v):\n    t['k'] = v\nfill(T, 1)\n@ag.step\ndef f(x: int) -> int:\n    return T['k']\n", {},
        {"project.py": ("fill(T, 1)", "fill(T, 2)")},
    ),
    "registry that a decorator fills": (
        "T = {}\ndef keep(g):\n    T[g.__name__] = g\n    return g\n@keep\ndef h(x):\n    return x + 1\n"
        "@ag.step\ndef f(x: int) -> int:\n    return T['h'](x)\n", {},
        {"project.py": ("x + 1", "x + 2")},
    ),
    "list that a comprehension fills": (
        "T = []\n[T.append(i) for i in range(2)]\n@ag.step\ndef f(x: int) -> int:\n    return len(T)\n", {},
        {"project.py": ("range(2)", "range(3)")},
    ),
    "constant that a function sets": (
        "K = 0\ndef setup(v):\n    global K\n    K = v\nsetup(1)\n@ag.step\ndef f(x: int) -> int:\n    return K\n", {},
        {"project.py": ("setup(1)", "setup(2)")},
    ),
    "file named in a call of a declaration": (
        "@ag.step\ndef f(x: int) -> str:\n"
        "    return ag.whole(pathlib.Path(__file__).with_name('codes.txt').read_text()).value\n",
        {"codes.txt": "a"}, {"codes.txt": ("a", "b")},
    ),
    "docstring that is read": (
        "def prompt():\n    'one'\n@ag.step\ndef f(x: int) -> str:\n    return prompt.__doc__\n", {},
        {"project.py": ("'one'", "'two'")},
    ),
    "method of what an annotation names": (
        "import msgspec\nclass S(msgspec.Struct):\n    a: int = 1\n    def total(self):\n        return self.a + 1\n"
        "@ag.step\ndef f(x: S = S()) -> int:\n    return x.total()\n", {},
        {"project.py": ("self.a + 1", "self.a + 2")},
    ),
}  # fmt: skip
"""Files of a project, and an edit that changes what its step gives by ways that are easily overlooked."""
HEAD = "import pathlib\nimport argosy as ag\n@ag.pipeline\ndef go():\n    return [f()]\n"


@pytest.mark.parametrize("what", TRAPS)
def test_what_is_easily_overlooked_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    body, files, edit = TRAPS[what]
    workshop = Workshop(tmp_path, {"project.py": HEAD + body, **files})
    monkeypatch.syspath_prepend(str(tmp_path / "files"))

    def made() -> tuple[object, str]:
        step = vars(load(tmp_path / "files" / "project.py")[1])["f"]
        given = () if step.interface.inputs["x"].default is not MISSING else (3,)
        return step(*given), recipe.of(step, {}).digest

    gives, digest = made()
    assert made() == (gives, digest)
    workshop.edit(edit)
    other, changed = made()
    assert other != gives and changed != digest


def test_formats_of_modules_that_are_gone_do_not_count(tmp_path: Path) -> None:
    step = "@ag.step\ndef f(x: int) -> int:\n    return x\n"
    own = "class P: ...\n@ag.format(P)\nclass PF(ag.Format):\n    name = 'p-of-one'\n    save = load = None\n"
    one = Workshop(tmp_path / "one", {"project.py": HEAD + step + own})
    two = Workshop(tmp_path / "two", {"project.py": HEAD + step})
    found = [recipe.of(vars(load(each.root / "files" / "project.py")[1])["f"], {}) for each in (two, one, two)]
    assert found[0] == found[2] != found[1]


CLASH = """
import functools
def shape(x: int) -> int: ...
def make(by):
    @functools.wraps(shape)
    def inner(x):
        return x * by
    return inner
f, g = ag.step(make(3)), ag.step(name="g")(make(4))
@ag.pipeline
def both():
    return [f(1), g(1)]
"""


def test_functions_of_one_name_cannot_be_told_apart(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, {"project.py": HEAD + CLASH})
    _, module = load(workshop.root / "files" / "project.py")
    with pytest.raises(DeclarationError, match="step shape is of a function that is called project:shape, and so is"):
        module.both.trace({})
    with pytest.raises(DeclarationError, match=r"environment is .* as step g of the same function says"):
        ag.step(environment=["TZ"])(module.g.plain)
