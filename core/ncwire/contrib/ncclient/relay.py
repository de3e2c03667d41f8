"""What is passed as `sock` and is no socket: carried to one that every driver takes."""

from __future__ import annotations

import os
import select
import socket
import ssl
import subprocess
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ncwire._users_code import call_users
from ncwire.driver import Wakeup
from ncwire.driver.threads import start_thread
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

_READ: Final = 65536
_OF_A_SOCKET: Final = ("recv", "sendall", "close")
_PATIENCE: Final = 5.0
"""Seconds for what is carried to end when it has been told to, or when a process was killed."""
_GRACE: Final = 0.5
"""Seconds that a process has to end once it was told to."""


def needs_relay(sock: object) -> bool:
    """Return whether it is another thing than a socket whose fd carries SSH as it is."""
    return not isinstance(sock, socket.socket) or isinstance(sock, ssl.SSLSocket)


def check_sock(sock: object) -> None:
    """Raise `OptionError` unless it can be carried: a socket, like one, or a ProxyCommand."""
    lacking = [each for each in _OF_A_SOCKET if not callable(getattr(sock, each, None))]
    if lacking and not _is_process(sock):
        raise OptionError(
            "sock",
            f"{type(sock).__name__!r} has no {', '.join(lacking)}; give a connected socket, a "
            "paramiko.ProxyCommand, a paramiko.Channel, or what has these methods",
        )


class Relay:
    """Two threads that carry bytes between `theirs`, a socket for a driver, and what was given.

    Either end's end is the other's: when the driver closes its socket, what was given is closed;
    when that ends, the driver reads the end of the stream. The thread that ends last frees all,
    for a program may never close a session that has ended by itself. A forked child needs no
    care: it has no threads that carry, and each end is shut down or told to end, not merely
    closed.
    """

    def __init__(self, given: Any) -> None:
        self._far = _Process(given) if _is_process(given) else _SocketLike(given)
        self._near, self.theirs = socket.socketpair()
        self._ending = threading.Lock()
        self._carrying = 2
        self._threads = [
            threading.Thread(
                target=self._carry, args=each, name=f"ncwire-relay-{name}", daemon=True
            )
            for name, each in {
                "out": (lambda: self._near.recv(_READ), self._far.send),
                "in": (self._far.recv, self._near.sendall),
            }.items()
        ]
        started: list[threading.Thread] = []
        try:
            for thread in self._threads:
                start_thread(thread)
                started.append(thread)
        except BaseException:
            self._threads = started
            self.theirs.close()
            self.close()
            raise

    def end(self) -> None:
        """Let both threads end, and return at once. Idempotent."""
        with suppress(OSError):  # it is closed, or the driver has shut it down
            self._near.shutdown(socket.SHUT_RDWR)
        self._far.end()

    def close(self) -> None:
        """End, and wait for the threads and for what was given, up to 5 seconds each. Idempotent.

        A process that does not end within half a second is killed. Not for one of its own threads.
        """
        self.end()
        for thread in self._threads:
            thread.join(_PATIENCE)
        self._free()

    def _carry(self, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        try:
            # What is given may be of any library, and raises what it pleases when it ends.
            call_users(_pump, read, write)
        finally:
            self.end()
            with self._ending:
                self._carrying -= 1
                last = self._carrying == 0
            if last:
                self._free()

    def _free(self) -> None:
        self._near.close()
        self._far.wait()


def _pump(read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
    with suppress(OSError, EOFError, ValueError):
        while data := read():
            write(data)


class _Far(ABC):
    """What was given, as a stream."""

    @abstractmethod
    def recv(self) -> bytes: ...

    @abstractmethod
    def send(self, data: bytes) -> object: ...

    @abstractmethod
    def end(self) -> None:
        """Have `recv` and `send` in other threads end. Idempotent."""

    def wait(self) -> None:
        """Wait until it has ended, and free it: when no thread is in `recv` and `send`."""


class _SocketLike(_Far):
    """A `paramiko.Channel`, or anything else with the methods of a socket."""

    def __init__(self, given: Any) -> None:
        self._given = given
        # A timeout that was meant for something else must not end the session.
        if callable(settimeout := getattr(given, "settimeout", None)):
            settimeout(None)

    def recv(self) -> bytes:
        data: bytes = self._given.recv(_READ)
        return data

    def send(self, data: bytes) -> object:
        return self._given.sendall(data)

    def end(self) -> None:
        if callable(shutdown := getattr(self._given, "shutdown", None)):
            # Closing alone does not wake who reads a socket.
            call_users(shutdown, socket.SHUT_RDWR)
        call_users(self._given.close)


class _Process(_Far):
    """A `paramiko.ProxyCommand`, by its pipes: its own `recv(n)` waits for all n.

    What it has started itself may keep their other ends, so that its end alone wakes no thread.
    """

    def __init__(self, given: Any) -> None:
        self._process: subprocess.Popen[bytes] = given.process
        self._ended = Wakeup()
        with suppress(OSError, ValueError):  # it is closed already, and so the stream ends
            os.set_blocking(self._pipe(self._process.stdin), False)

    def recv(self) -> bytes:
        fd = self._pipe(self._process.stdout)
        return os.read(fd, _READ) if self._is_ready(fd, select.POLLIN) else b""

    def send(self, data: bytes) -> object:
        fd = self._pipe(self._process.stdin)
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                if not self._is_ready(fd, select.POLLOUT):
                    raise
        return None

    def end(self) -> None:
        if not self._ended.rung:
            self._ended.ring()
            self._process.terminate()

    def wait(self) -> None:
        _close(self._process.stdin)  # for what it has started, which gets no signal
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_PATIENCE)
        for pipe in (self._process.stdout, self._process.stderr):
            _close(pipe)
        self._ended.close()

    def _is_ready(self, fd: int, event: int) -> bool:
        """Wait for it, and return False where the session has ended first."""
        poll = select.poll()
        poll.register(fd, event)
        poll.register(self._ended, select.POLLIN)
        return self._ended.fileno() not in dict(poll.poll())

    @staticmethod
    def _pipe(pipe: Any) -> int:
        fd: int = pipe.fileno()
        return fd


def _close(pipe: Any) -> None:
    if pipe is not None:
        with suppress(OSError):  # nothing reads what its buffer holds
            pipe.close()


def _is_process(given: object) -> bool:
    process = getattr(given, "process", None)
    return isinstance(process, subprocess.Popen) and None not in (process.stdin, process.stdout)
