"""Running a notebook from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec

from argosy.errors import InputError, MissingExtraError
from argosy.pipelines.notebook import launch
from argosy.pipelines.notebook.cell import Notebook, read
from argosy.pipelines.notebook.injection import injection

if TYPE_CHECKING:
    from nbclient import NotebookClient

_NAME: Final = "argosy"
_START: Final = 120
"""Seconds that a kernel may take to start on a busy machine."""


class FailedNotebook(InputError):
    """A notebook that did not come to its end. `executed` is its file as far as it came."""

    def __init__(self, message: str, *, next: str = "", executed: bytes = b"") -> None:
        super().__init__(message, next=next)
        self.executed = executed

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.message, self.next, self.executed))


def _rebuild(message: str, next: str, executed: bytes) -> FailedNotebook:
    return FailedNotebook(message, next=next, executed=executed)


def execute(path: Path, parameters: Mapping[str, Any] | None = None, timeout: float | None = None) -> bytes:
    """Run all cells in order, in the notebook's directory, and return its file with what they gave.

    `parameters` are plain values, set in a cell after the one that is tagged parameters. `timeout` is in seconds, for
    all of it. The kernel is a new process of this Python, without the user's settings of IPython. It is spoken to over
    sockets in a directory that only this user may enter (and listens on 127.0.0.1 to what its forks print). It ends
    with this call, and with this process, however these end. Equal outputs of a notebook are equal bytes.

    Raises MissingExtraError without the extra `notebook`; InputError for what is no notebook, and for a parameter that
    it does not have or that is no plain value; FailedNotebook for a cell that fails or ends the kernel, naming cell and
    exception, and where the time is over. Not to be called where an event loop runs.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError:
        raise MissingExtraError(
            f"running {path.name} needs nbclient and ipykernel", next="pip install 'argosy[notebook]'"
        ) from None
    notebook = read(path)
    made = injection(notebook, msgspec.json.decode(path.read_bytes()), parameters or {})
    content = nbformat.reads(msgspec.json.encode(made.content).decode(), as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(content, timeout=None, record_timing=False)
    run = _Run(notebook, client, made.numbers)
    with TemporaryDirectory(prefix="argosy-kernel-") as place:
        asyncio.run(run.all(Path(place), path.resolve().parent, timeout))
    return run.executed()


class _Run:
    def __init__(self, notebook: Notebook, client: NotebookClient, numbers: tuple[int, ...]) -> None:
        self._notebook, self._client, self._numbers = notebook, client, numbers
        self._at = -1

    def executed(self) -> bytes:
        """The notebook's file as far as it came."""
        import nbformat

        text: str = nbformat.writes(self._client.nb)  # type: ignore[no-untyped-call]
        return text.encode()

    async def all(self, place: Path, directory: Path, timeout: float | None) -> None:
        """Run every cell, in a kernel whose own files are in `place`."""
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        limit = asyncio.timeout(timeout)
        try:
            async with limit, _kernel(self._client, place, directory):
                for at, cell in enumerate(self._client.nb.cells):
                    self._at = at
                    await self._client.async_execute_cell(cell, at)
        except CellExecutionError as error:
            said, then = f"{error.ename}: {error.evalue}".rstrip(": "), "run it in Jupyter up to that cell, and mend it"
        except (TimeoutError, DeadKernelError) as error:  # a cell that is cancelled takes its kernel for dead
            if self._is_cancelled():
                raise asyncio.CancelledError from error
            said, then = "its kernel ended", "see whether it ran out of memory, or ends itself"
            if limit.expired():
                said, then = f"its {timeout:g} s were over", "give it more time"
        except RuntimeError as error:
            told = (place / "errors").read_text(errors="replace").strip().splitlines()[-1:]
            said, then = ": ".join(["its kernel did not start", str(error), *told]), "argosy doctor"
        else:
            return
        raise FailedNotebook(f"{self._where()}: {said}", next=then, executed=self.executed())

    def _is_cancelled(self) -> bool:
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    def _where(self) -> str:
        name = f"{self._notebook.name}.ipynb"
        if self._at < 0:
            return f"{name} failed before its first cell"
        number = self._numbers[self._at]
        cell = next((each for each in self._notebook.cells if each.number == number), None)
        return f"{name} failed in {cell or 'the cell that sets its parameters'}"


@contextlib.asynccontextmanager
async def _kernel(client: NotebookClient, place: Path, directory: Path) -> AsyncIterator[None]:
    """Start a kernel for a client, and end it, with the processes that it has started."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    command = [sys.executable, launch.__file__, "-f", "{connection_file}", "--HistoryManager.enabled=False"]
    (place / _NAME).mkdir()
    (place / _NAME / "kernel.json").write_bytes(
        msgspec.json.encode({"argv": command, "display_name": "Python 3", "language": "python"})
    )
    manager = AsyncKernelManager(
        kernel_name=_NAME, transport="ipc", ip=str(place / "socket"), connection_file=str(place / "connection.json"),
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(place)], ensure_native_kernel=False),
    )  # fmt: skip
    settings = {**os.environ, "IPYTHONDIR": str(place / "settings")}
    with (place / "errors").open("wb") as errors:
        await manager.start_kernel(cwd=str(directory), env=settings, stdout=errors, stderr=errors)
    group: int | None = getattr(manager.provisioner, "pgid", None)
    channels = manager.client()
    try:
        channels.start_channels()
        await channels.wait_for_ready(timeout=_START)
        client.km, client.kc = manager, channels
        yield
        await manager.shutdown_kernel()
    finally:
        channels.stop_channels()
        await manager.shutdown_kernel(now=True)
        if group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
