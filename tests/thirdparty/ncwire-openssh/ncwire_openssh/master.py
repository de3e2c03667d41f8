"""A running ssh, as a multiplexing master without a session of its own."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.errors import ConnectError
from ncwire_openssh.journal import Journal

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from ncwire_openssh.mux import MuxSession

GRACE = 2.0
"""Seconds that ssh is given to pass on what it has, and as many again to end."""
_PROMPT = 0.5
"""Seconds in which a killed process is waited for in place; a thread waits for a slower one."""
_EXCERPT = 2000
"""Bytes kept of stderr, which has what ssh says before it has a log."""

# A master lives until it is told to end. So a shell holds one end of a pipe: when the other end,
# ours, is closed, by us or by the end of this process, however that came, ssh is killed, and
# reaped. Only ssh then holds stderr, the end of which therefore is the end of ssh.
_KEEPER = (
    '"$@" </dev/null & exec 2>/dev/null; read -r how; kill -"${how:-KILL}" $!; read -r how; '
    "kill -KILL $!; wait"
)


class Master:
    """The process, its log, and the folder with its control socket and its FIFOs."""

    def __init__(self, ssh: str) -> None:
        self._ssh = ssh
        self.folder = Path(tempfile.mkdtemp(prefix="ncwire-"))
        self._freed = False
        self._lock = threading.Lock()
        self._told = b""
        self.process: subprocess.Popen[bytes] | None = None
        fifo = self.folder / "log"
        os.mkfifo(fifo, 0o600)
        self.journal = Journal(str(fifo))

    @property
    def control(self) -> Path:
        """Where the control socket is, once ssh has authenticated."""
        return self.folder / "s"

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start ssh. Raises ConnectError when that fails."""
        own = ["-M", "-N", "-S", str(self.control).replace("%", "%%")]
        own += ["-E", str(self.folder / "log")]
        reader, writer = os.pipe()
        self._lifeline = os.fdopen(writer, "wb", buffering=0)
        try:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", self._ssh, *own, *arguments],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                bufsize=0,
                start_new_session=True,  # no terminal to prompt on, and no Ctrl-C of the user's
            )
        except (OSError, ValueError) as error:
            self._lifeline.close()
            raise ConnectError(f"ssh could not be started: {error}") from error
        finally:
            os.close(reader)
        assert self.process.stderr is not None
        self.stderr = self.process.stderr
        os.set_blocking(self.stderr.fileno(), False)

    def read(self) -> bool:
        """Take in log and stderr; never blocks. Return whether ssh lives."""
        lives = True
        with suppress(BlockingIOError):
            while (data := self.stderr.read(4096)) is not None:
                if not data:
                    lives = False
                    break
                self._told = (self._told + data)[-_EXCERPT:]
        self.journal.read()
        return lives

    def reason(self) -> str:
        """Return what ssh said last, without debugging."""
        reason = self.journal.reason()
        if not reason and not self.journal.lines:  # before the log, stderr is ssh's alone
            reason = self._told.decode(errors="replace").strip()
        return reason or "ssh ended without a word"

    def forget_folder(self) -> None:
        """Remove the folder, and so the way for others to come in. Idempotent."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def interrupt(self) -> None:
        """Kill ssh from another thread than the owner's, who sees it end, and frees the rest."""
        with self._lock:
            if self.process is not None and not self._freed:
                with suppress(OSError):
                    self._lifeline.write(b"KILL\n")

    def kill(self) -> None:
        """Free everything now. Idempotent."""
        if not self._free():
            return
        self._lifeline.close()
        self.stderr.close()
        assert self.process is not None
        try:
            self.process.wait(_PROMPT)
        except subprocess.TimeoutExpired:
            threading.Thread(target=self.process.wait, daemon=True).start()

    def leave(self, stream: socket.socket, session: MuxSession) -> None:
        """Free what is ours; ssh passes on what it has, and ends."""
        stream.close()
        if not self._free():
            session.close()
            return
        threading.Thread(
            target=self._end, args=(session,), name="ncwire-openssh end", daemon=True
        ).start()

    def _end(self, session: MuxSession) -> None:
        assert self.process is not None
        deadline = time.monotonic() + GRACE
        while not session.ended and wait_readable(session.fileno(), deadline):
            session.read()
        session.close()
        with suppress(OSError):
            self._lifeline.write(b"TERM\n")
        deadline = time.monotonic() + GRACE
        while wait_readable(self.stderr.fileno(), deadline) and self.stderr.read(4096):
            pass
        self._lifeline.close()
        self.process.wait()
        self.stderr.close()

    def _free(self) -> bool:
        """Close files; return whether there is a process to be ended by the caller."""
        with self._lock:
            if self._freed:
                return False
            self._freed = True
        self.journal.close()
        self.forget_folder()
        return self.process is not None


def wait_readable(fd: int, deadline: float) -> bool:
    """Wait for the fd until that time on the monotonic clock; return whether it is readable."""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return bool(selector.select(max(0.0, deadline - time.monotonic())))
