"""Reading a page as its user would: blocks run in order, in one directory, with what the blocks before them left."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from tests.docs.likeness import like
from tests.docs.page import BACKGROUND, FILE, OF, ROOT, Block, Step, steps

PORTS = (8075, 8076, 8078, 6379, 8077)
"""The ports that pages name: of the console, of the inference server and of Redis, the last one for gRPC."""
_PATIENCE = 240.0
_DEVELOPER = re.compile(r"^\./dev (\w+)")
_CLIENT = re.compile(r"^pip install '?(mlflow|tritonclient)\b")
_CLIENTS = {"mlflow": "mlflow318", "tritonclient": "inference"}
"""What installs another program's client on a page, and the environment whose Python the page has from there on."""


class Session:
    """One page's directory, shell and Python names. As a context it ends what the page left running.

    `apart` gives the directory of an environment of another program's client.
    """

    def __init__(self, place: Path, apart: Callable[[str], Path]) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self._place, self._state = place, place.parent / f".{place.name}.state"
        self._state.write_text(f"cd {shlex.quote(str(place))}\n")
        self._apart = apart
        self._names: dict[str, Any] = {"__name__": "page"}
        self._running: list[subprocess.Popen[bytes]] = []
        self._ports = {port: _free_port() for port in PORTS}
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "HOME": str(place.parent), "XDG_CACHE_HOME": str(place.parent / "cache"), "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUNBUFFERED": "1",
            "ARGOSY_PORT": str(self._ports[PORTS[0]]),
        }  # fmt: skip

    def __enter__(self) -> Self:
        self._path, self._modules = list(sys.path), set(sys.modules)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.path[:] = self._path
        sys.path_importer_cache.pop(".", None)  # it means the directory where it was first asked for
        for name in [name for name in set(sys.modules) - self._modules if self._is_mine(sys.modules[name])]:
            del sys.modules[name]
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        for process in self._running:
            process.wait(60)

    def _is_mine(self, module: ModuleType) -> bool:
        """Whether the page wrote it."""
        return str(getattr(module, "__file__", None) or "").startswith(str(self._place))

    def run(self, block: Block) -> None:
        """Do what a block says. Raises AssertionError where it does not print what it shows."""
        if FILE in block.options:
            path = self._directory() / block.options[FILE]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._local(block.text))
        elif OF in block.options:
            whole = (ROOT / block.options[OF]).read_text()
            for part in block.text.split("\n...\n"):
                assert part.strip("\n") in whole, f"this is not in {block.options[OF]}:\n{part}"
        elif block.language == "python":
            self._python(block)
        elif block.language == "console":
            for step in steps(block.text):
                (self._background if BACKGROUND in block.options else self._foreground)(step)
        else:
            raise AssertionError(f"line {block.line}: a block of {block.language or 'no language'!r} cannot run")

    def _python(self, block: Block) -> None:
        text = self._local(block.text)
        with contextlib.chdir(self._directory()):
            if not text.startswith(">>>"):
                self._execute(text, block)
                return
            case = doctest.DocTestParser().get_doctest(text, {}, f"line {block.line}", None, block.line)
            case.globs = self._names
            told: list[str] = []
            options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            runner = doctest.DocTestRunner(verbose=False, optionflags=options)
            runner.run(case, out=told.append, clear_globs=False)
            assert not told, "".join(told)

    def _execute(self, text: str, block: Block) -> None:
        name = f"<line {block.line}>"
        try:
            exec(compile(text, name, "exec", dont_inherit=True), self._names)
        except AssertionError as error:
            (frame, *_) = (f for f in traceback.extract_tb(error.__traceback__) if f.filename == name)
            raise AssertionError(f"does not hold: {text.splitlines()[(frame.lineno or 1) - 1]}") from error

    def _foreground(self, step: Step) -> None:
        client = _CLIENT.match(step.command)
        command = self._client(client[1]) if client else self._shell(step.command)
        keep = f'{{ export -p; echo cd $(printf %q "$PWD"); }} > {shlex.quote(str(self._state))}'
        script = f". {shlex.quote(str(self._state))}\n{command}\ncode=$?\n{keep}\nexit $code"
        done = subprocess.run(
            ["bash", "-c", script], env=self._environment, capture_output=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=_PATIENCE,
        )  # fmt: skip
        printed = done.stdout.decode()
        assert done.returncode == 0, f"$ {step.command}\nended with {done.returncode}:\n{printed}"
        if _DEVELOPER.match(step.command):
            return
        assert like(self._local(step.shown), printed), f"$ {step.command}\nprinted\n{printed}\nand not\n{step.shown}"

    def _background(self, step: Step) -> None:
        """Start a command that does not end, and wait until it has printed what is shown."""
        log = self._place.parent / f"background-{len(self._running)}.log"
        script = f". {shlex.quote(str(self._state))}\nexec {self._shell(step.command)}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", script], env=self._environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        self._running.append(process)
        deadline = time.monotonic() + _PATIENCE
        while not like(self._local(step.shown), log.read_text()):
            assert process.poll() is None, f"$ {step.command}\nended with {process.returncode}:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"$ {step.command}\nprinted\n{log.read_text()}\nand not\n{step.shown}"
            time.sleep(0.1)

    def _directory(self) -> Path:
        """Where the shell stands."""
        return Path(shlex.split(self._state.read_text().splitlines()[-1])[1])

    def _local(self, text: str) -> str:
        """The text with ports of this session, so that pages can be read side by side."""
        for port, own in self._ports.items():
            text = re.sub(rf"\b{port}\b", str(own), text)
        return text

    def _client(self, name: str) -> str:
        """The command that puts the environment of another program's client before that of Argosy."""
        place = self._apart(_CLIENTS[name])
        return f"export PATH={shlex.quote(str(place / 'bin'))}:$PATH"

    def _shell(self, command: str) -> str:
        """The command as it runs here: `argosy up` on own ports, a command of `./dev` only by its name."""
        developer = _DEVELOPER.match(command)
        if developer:
            assert f"def {developer[1]}(" in (ROOT / "dev").read_text(), f"./dev has no command {developer[1]}"
            return "true"  # each has tests of its own: it may install, take minutes, or run these very pages
        up = f"argosy up --inference-port {self._ports[PORTS[1]]} --grpc-port {self._ports[PORTS[-1]]}"
        return re.sub(r"\bargosy up\b", up, self._local(command))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
