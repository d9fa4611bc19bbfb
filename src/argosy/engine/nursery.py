"""The process that imports heavy libraries once and forks warm workers from itself.

Forking is safe only while the process has a single thread, so that is checked after each preloaded module: one that
starts a thread is left to the workers, in a fresh copy of this process. No library is *used* here, hence no OpenMP
region has run before a fork. Standard library only.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import shutil
import signal
import socket
import struct
import sys
from typing import NoReturn

from argosy.engine.channel import Channel
from argosy.engine.usage import threads
from argosy.engine.worker import describe, serve

COMMAND = struct.Struct("<cq")
ANSWER = struct.Struct("<q")
FORK = b"F"
REAP = b"R"
_PR_SET_PDEATHSIG = 1


def main(control: socket.socket, preload: list[str], late: list[str], logs: str) -> None:
    """Import `preload`, say so, then fork and reap on command until the other end closes; then remove `logs`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(control)
    for name in preload:
        try:
            importlib.import_module(name)
        except Exception as error:
            channel.send((name, describe(error)[0]))
            return
        if threads() > 1:
            _again(control, [other for other in preload if other != name], [*late, name])
    channel.send(None)
    gc.collect()
    gc.freeze()  # collections in workers then leave the shared pages alone
    _attend(control, late)
    shutil.rmtree(logs, ignore_errors=True)  # its owner may have been killed


def _again(control: socket.socket, preload: list[str], late: list[str]) -> NoReturn:
    control.set_inheritable(True)
    bootstrap, _, _, _, *rest = sys.orig_argv[sys.orig_argv.index("-c") + 1 :]
    arguments = [str(control.fileno()), ",".join(preload), ",".join(late), *rest]
    os.execv(sys.executable, [sys.executable, "-c", bootstrap, *arguments])


def _attend(control: socket.socket, late: list[str]) -> None:
    alive: set[int] = set()
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(control, COMMAND.size, 1)
        except ConnectionResetError:  # the owner was killed before it read an answer
            break
        if not data:
            break
        command, pid = COMMAND.unpack(data)
        if command == FORK:
            answer = _fork(control, descriptors[0], late)
            alive.add(answer)
            os.close(descriptors[0])
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            alive.discard(pid)
        control.sendall(ANSWER.pack(answer))
    for pid in alive:
        os.killpg(pid, signal.SIGKILL)
    for pid in alive:
        os.waitpid(pid, 0)


def _fork(control: socket.socket, descriptor: int, late: list[str]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.setpgid(pid, pid)  # here and in the child: whichever comes first, a kill of the group finds it
        return pid
    try:
        os.setpgid(0, 0)
        _die_with(parent)
        control.close()
        _reseed()
        for name in late:
            importlib.import_module(name)
        serve(Channel(socket.socket(fileno=descriptor)))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _reseed() -> None:
    # Forked workers would share one random state; `random` of the standard library sees to itself.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
