"""Inventories: what git ignores and what is secret is left out, and a file is what it was when it was first read."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import DeclarationError
from argosy.spec import inventory
from argosy.spec.inventory import Inventory
from tests.controller.checkout import git

OWN = ("flights.py", "tables/codes.json", "tables/große.json", "build/x.py", "tokenizer.json", "monkey.json")
SECRET = (
    "credentials.json", "tables/gcp-credential.txt", "client_secret.json", "secrets/a.json", "api_token.txt",
    "tokens.json", "a.pem", "server.key", "prod.env", "passwords.csv", "id_rsa",
)  # fmt: skip
FOREIGN = (
    ".env", ".git-credentials", ".hidden/x.py", "__pycache__/x.pyc", "node_modules/x.js", "env/pyvenv.cfg",
    "env/lib/x.py", "lib/python3.11/site-packages/x.py", "home/argosy.db", "home/bundles/0a/flights.py",
)  # fmt: skip
MODULES = ("token.py", "secrets/__init__.py", "credentials.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with some of everything."""
    for name in (*OWN, *SECRET, *FOREIGN, *MODULES):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "project"


def test_what_is_hidden_installed_or_secret_is_left_out(root: Path) -> None:
    assert Inventory().files(root) == {*OWN, *MODULES}
    assert Inventory().files(root / "tables") == {"codes.json", "große.json"}
    assert Inventory().files(root / "nowhere") == frozenset()
    git(root, "init", "-q")
    assert Inventory().files(root) == {*OWN, *MODULES}
    git(root, "add", "-A")
    assert Inventory().files(root) == {*OWN, *MODULES}


def test_what_git_ignores_is_left_out(root: Path) -> None:
    git(root, "init", "-q")
    (root / ".gitignore").write_text("tables/codes.json\n/build/\nsettings.*\n")
    for name in ("settings.py", "settings.json", "settings.toml"):
        (root / name).touch()
    git(root, "add", "-f", "settings.toml")
    assert Inventory().files(root) == {*OWN, *MODULES, "settings.toml"} - {"tables/codes.json", "build/x.py"}
    assert Inventory().files(root / "tables") == {"große.json"}


def test_where_git_ignores_the_directory_itself_all_is_listed(root: Path) -> None:
    git(root.parent, "init", "-q")
    (root.parent / ".gitignore").write_text("project/\n")
    assert Inventory().files(root) == {*OWN, *MODULES}


def test_a_repository_within_is_listed_too(root: Path) -> None:
    git(root, "init", "-q")
    git(root / "tables", "init", "-q")
    (root / "tables/.gitignore").write_text("more.json\n")
    (root / "tables/more.json").touch()
    assert Inventory().files(root) == {*OWN, *MODULES}
    git(root / "tables", "add", "codes.json")
    git(root / "tables", "commit", "-qm", "codes")
    git(root, "add", "-A")
    assert Inventory().files(root) == {*OWN, *MODULES}


def test_a_directory_is_listed_once_and_a_file_read_once(root: Path) -> None:
    held = Inventory()
    before = held.files(root)
    assert held.read(root / "flights.py") == b"flights.py"
    (root / "flights.py").unlink()
    (root / "new.py").touch()
    assert held.files(root) == before
    assert held.read(root / "flights.py") == b"flights.py"


def test_what_cannot_be_read_is_an_error(root: Path) -> None:
    with pytest.raises(DeclarationError, match=r"gone.json is a part .* cannot be read: No such file or directory\n"):
        Inventory().read(root / "gone.json")
    with pytest.raises(DeclarationError, match=r"tables is a part .* cannot be read: Is a directory\n  next: "):
        Inventory().read(root / "tables")


def test_all_that_is_read_is_bounded(root: Path) -> None:
    held = Inventory()
    (root / "large.bin").write_bytes(b"x" * (inventory.BYTES - 10))
    held.read(root / "large.bin")
    held.read(root / "flights.py")
    with pytest.raises(DeclarationError, match=r"larger than 67,108,864 bytes, with .*codes.json\n  next: declare"):
        held.read(root / "tables/codes.json")
