"""A running ssh, as a multiplexing master without a session of its own."""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from ncwire.driver import Forkable, point_at_nothing, start_thread, watch_forks
from ncwire.errors import ConnectError
from ncwire_openssh.folder import Folder
from ncwire_openssh.handlers import raise_others
from ncwire_openssh.journal import Journal
from ncwire_openssh.questions import Questions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PROMPT = 0.5
"""Seconds in which a killed process is waited for in place; a thread waits for a slower one."""
_GRACE = 2.0
"""Seconds that ssh is given to end in order."""
_EXCERPT = 2000
"""Bytes kept of stderr's beginning, which has the server's banner, and of its end."""

# A master lives until it is told to end. So a shell holds one end of a pipe: when the other end,
# ours, is closed, by us or by the end of this process, however that came, ssh is killed, and
# reaped. Only ssh then holds stderr, the end of which therefore is the end of ssh. What ssh has
# started, a ProxyCommand, is in the same process group, and ends with it. The folder, the shell's
# $0, is there still if this process has ended while it connected.
_CLEARED = '[ ! -d "$0" ] || rm -rf -- "$0"'
_KEEPER = (
    '"$@" </dev/null & exec 2>/dev/null; read -r how; '
    f'kill -"${{how:-KILL}}" $!; read -r how; kill -KILL $!; wait; {_CLEARED}; kill -KILL 0'
)
# One that is to outlive us forks itself away (ssh -f), and is in a group of its own then.
_STARTER = f'"$@" </dev/null & exec 2>/dev/null; read -r how; kill -KILL $!; wait; {_CLEARED}'


class Master(Forkable):
    """The process, its log, what it asks, and the folder with its control socket.

    `name` is the jump host's, "" for the host itself. `place`: it is shared, by a second name of
    its control socket in that folder; it is to outlive this process, and ends by itself some time
    after its last session.
    """

    def __init__(self, *, place: Path | None = None, name: str = "") -> None:
        self.shared = place is not None
        self.name = name
        self.folder = Folder(place)
        self.keepalive_count = 0
        """How many keepalives of ssh's own may go unanswered; 0: it sends none."""
        self._freed = False
        self._abandoned = False
        self._lock = threading.Lock()
        self._first = self._last = b""
        self.process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        with ExitStack() as undo:
            undo.callback(self.folder.remove)
            self.journal = Journal(str(self.folder.path / "log"))
            undo.callback(self.journal.close)
            self.questions = Questions(self.folder)
            undo.pop_all()
        watch_forks(self)

    def start(
        self, program: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Start ssh. Raises `ConnectError` when that fails."""
        folder = self.folder
        own = ["-F", str(folder.config), "-E", str(folder.path / "log"), "-N", "-T"]
        if self.shared:
            own.append("-f")
        keeper = _STARTER if self.shared else _KEEPER
        reader, self._lifeline = os.pipe()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - with no shell that reads the words
                ["/bin/sh", "-c", keeper, str(folder.path), program, *own, *arguments],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                bufsize=0,
                start_new_session=True,  # no terminal to prompt on, and no Ctrl-C of the user's
            )
        except (OSError, ValueError) as error:
            self._cut()
            raise ConnectError(f"ssh could not be started: {error}") from error
        finally:
            os.close(reader)
        assert self.process.stderr is not None  # noqa: S101 - it is a pipe
        self.stderr = self.process.stderr
        os.set_blocking(self.stderr.fileno(), False)

    def read(self) -> bool:
        """Take in log and stderr; never blocks. Return whether ssh lives."""
        lives = True
        if not self.stderr.closed:
            with suppress(BlockingIOError):
                while (data := self.stderr.read(4096)) is not None:
                    if not data:
                        lives = False
                        break
                    self._first += data[: _EXCERPT - len(self._first)]
                    self._last = (self._last + data)[-_EXCERPT:]
        self.journal.read()
        return lives

    def reason(self) -> str:
        """Return what ssh said last, without debugging."""
        reason = self.journal.reason()
        if not reason and not self.journal.lines:  # before the log, stderr is ssh's alone
            reason = self._last.decode(errors="replace").strip()
        return reason or "ssh ended without a word"

    def end_reason(self) -> str:
        """Return why a connection that was open has ended."""
        silent = self.journal.find(r"Timeout, server .* not responding\.")
        if silent and self.keepalive_count:
            return f"no answer to {self.keepalive_count} keepalives"
        return self.reason()

    def said(self) -> str:
        """Return what ssh has written for people to read: the server's banner."""
        return self._first.decode(errors="replace")

    def refusal(self) -> str:
        """Return why the server refused the last channel that ssh itself has asked for."""
        self.read()
        found = self.journal.find(r"channel \d+: open failed: (.*)")
        return found[1] if found else ""

    def forget_questions(self) -> None:
        """Let go of what only connecting needs: the folder, and the way to ask. Idempotent."""
        self.questions.close()
        self.folder.remove()

    def interrupt(self) -> None:
        """Kill ssh from another thread than the owner's, who sees it end, and frees the rest."""
        with self._lock:
            if self.process is not None and not self._freed:
                self._signal(b"KILL\n")

    def kill(self) -> None:
        """Free everything now; a shared master goes on, but for us. Idempotent."""
        if not self._free():
            return
        self._cut()
        self.stderr.close()
        self._reap(_PROMPT)

    def end(self) -> None:
        """Have ssh end in order, and free everything; may wait some seconds. Idempotent."""
        if not self._free():
            return
        self._signal(b"TERM\n")
        until = time.monotonic() + _GRACE
        # ssh alone has the other end of stderr: it has ended when that has.
        while wait_readable(self.stderr.fileno(), until) and self.stderr.read(4096):
            pass
        self._cut()
        self.stderr.close()
        self._reap(_GRACE)

    def abandon_in_child(self) -> None:
        """Leave all to the parent; see `Forkable`."""
        self._abandoned = True
        if self._lifeline >= 0:  # from before ssh is known of: it is being started then
            point_at_nothing(self._lifeline)
        if self.process is not None:
            self.process.returncode = 0  # it is not a child of this process

    def _cut(self) -> None:
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)

    def _signal(self, word: bytes) -> None:
        try:
            os.write(self._lifeline, word)
        except OSError as error:  # the keeper has ended
            raise_others(error)

    def _reap(self, seconds: float) -> None:
        process = self.process
        if process is None:
            return
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            start_thread(
                threading.Thread(target=process.wait, name="ncwire-openssh end", daemon=True)
            )

    def _free(self) -> bool:
        """Close files; return whether there is a process to be ended by the caller."""
        with self._lock:
            if self._freed:
                return False
            self._freed = True
        self.journal.close()
        if self.process is None:  # unless its start was interrupted, and it runs all the same
            self._cut()
        if not self._abandoned:
            self.forget_questions()
        return self.process is not None and not self._abandoned


def wait_readable(fd: int, until: float) -> bool:
    """Wait for the fd until that time on the monotonic clock; return whether it is readable."""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return bool(selector.select(max(0.0, until - time.monotonic())))
