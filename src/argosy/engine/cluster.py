"""The connection of this process to Ray: to a cluster that is there, or to one of its own on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping
from types import ModuleType, TracebackType
from typing import Any, Self

from argosy.engine import children
from argosy.errors import ArgosyError, MissingExtraError, UsageError

ENGINE, ADDRESS = "ARGOSY_ENGINE", "ARGOSY_RAY_ADDRESS"

_STORE = 256 << 20
"""Bytes of memory for what travels between the processes of this machine's own cluster; more goes to its disk."""
_STARTS, _REACH = 3, 10.0
_ALWAYS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
_ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray then listens on loopback, on every system
    "RAY_AUTH_MODE": "token",
}


class Cluster:
    """Ray, as engines of this process use it. A process has one at most.

    `address` is that of a cluster (`HOST:PORT`, or `auto` on one of its machines); without one, a cluster of this
    machine alone is started, with `cpus` (default: all), on loopback and with a token of its own, and ends with this
    process. Where the program is connected to Ray already, that connection is used and left as it is.
    Leaving it as a context closes it.
    """

    def __init__(self, address: str | None = None, *, cpus: int | None = None) -> None:
        self._address, self._cpus = address, cpus
        self._folder: str | None = None
        self._ours = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self | None:
        """The cluster that ARGOSY_ENGINE=ray and ARGOSY_RAY_ADDRESS mean; None where work is done on this machine.

        Raises UsageError for an engine that there is not.
        """
        engine = environment.get(ENGINE) or "local"
        if engine not in ("local", "ray"):
            raise UsageError(f"the engine is {engine[:20]!r}", next=f"set {ENGINE} to local or ray, or leave it out")
        return cls(environment.get(ADDRESS) or None) if engine == "ray" else None

    def connect(self) -> ModuleType:
        """Ray's module, connected. Raises MissingExtraError, and ArgosyError where there is no cluster."""
        known = sys.modules.get("ray")
        if self._address and not (known and known.is_initialized()):
            self._reach(self._address)
        for name, value in (_ALWAYS | ({} if self._address else _ALONE)).items():
            os.environ.setdefault(name, value)  # Ray reads them when it is imported
        try:
            import ray
        except ImportError:
            raise MissingExtraError("work on a cluster needs Ray", next="pip install 'argosy[ray]'") from None
        if not ray.is_initialized():
            self._start(ray)
        return ray

    @property
    def cpus(self) -> int:
        """The processors of the cluster, at least 1."""
        return max(1, int(self.connect().cluster_resources().get("CPU", 1)))

    def close(self) -> None:
        """Leave the cluster; one of our own ends. May be called again."""
        if self._ours:
            import ray

            self._ours = False
            ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, ray: ModuleType) -> None:
        options: dict[str, Any] = {"address": self._address or "local", "logging_level": logging.ERROR}
        if self._address is None:
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            self._folder = tempfile.mkdtemp(prefix="argosy-ray-")
            options |= {"num_cpus": self._cpus or len(os.sched_getaffinity(0)), "include_dashboard": False,
                        "object_store_memory": _STORE, "_temp_dir": self._folder}  # fmt: skip
        usual = signal.getsignal(signal.SIGTERM)
        try:
            self._try(ray, options)
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, usual)  # Ray puts its own in place
        self._ours = True

    def _reach(self, address: str) -> None:
        """Raise what `connect` does where nobody listens: Ray itself tries for minutes."""
        host, _, port = address.rpartition(":")
        if not port.isdigit():
            return
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()
        except OSError as error:
            raise ArgosyError(
                f"the cluster at {address} cannot be used: {error}",
                next="check that it runs, and that ARGOSY_RAY_ADDRESS is the address of its head: HOST:6379",
            ) from error

    def _try(self, ray: ModuleType, options: Mapping[str, Any]) -> None:
        for last in (*[False] * (_STARTS - 1), True):
            before = children.found() if sys.platform == "linux" else set()
            try:
                ray.init(**options)
                return
            except Exception as error:
                ray.shutdown()
                if sys.platform == "linux":
                    _kill(children.found() - before)
                if not last and self._address is None and "timed out" in str(error):
                    continue  # Ray gives its processes half a minute, which may be too short on a busy machine
                self.close()
                where = f"the cluster at {self._address}" if self._address else "a cluster on this machine"
                said = (str(error).splitlines() or [type(error).__name__])[0][:300]
                raise ArgosyError(
                    f"{where} cannot be used: {said}",
                    next="check that it runs, and that its versions of Ray and Python are those of this process",
                ) from error


def _kill(pids: Collection[int]) -> None:
    """End what a start that failed has left behind, which Ray does not; they stay to be collected."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
