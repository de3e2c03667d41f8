"""`TraceWriter`: what sessions do, in a file, with secrets hidden."""

from __future__ import annotations

import json
import os
import platform
import stat
import sys
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from ncwire.driver.forking import Forkable, free_in_child, watch_forks
from ncwire.driver.seconds import whole_number
from ncwire.errors import OptionError
from ncwire.observe.masks import Masks
from ncwire.observe.observer import Observer

if TYPE_CHECKING:
    from types import TracebackType

    from ncwire.observe.events import (
        ConnectEnd,
        ConnectStep,
        KeepaliveSent,
        Message,
        RPCBegun,
        RPCEnd,
        SessionEnd,
        SessionFacts,
    )

FORMAT: Final = 1
"""The version of the format: a reader refuses a later one."""
LARGEST: Final = 4 * 1024 * 1024
"""How large a message, in bytes, is looked at, if nothing else is said."""


class TraceWriter(Observer, Forkable):
    """Writes a trace: JSON, one line for each event; `read_trace` and `ncwire trace` read it.

    `path`: a file, which is made for its owner alone to read; one that is there is gone on with,
    and becomes so. A symbolic link is not followed. `masks`: what is hidden (None: `Masks()`);
    nothing is written before that is done. What went in pieces, and what is not well-formed, has
    its size only, and so has what is larger than `largest` bytes: to look for secrets takes about
    half a second for each megabyte, in which the session stands still. Give it to as many sessions
    as you like, from any thread.

    When the disk is full, or writing fails otherwise, that is logged once, and nothing more is
    written: sessions go on. `close` it when the sessions have ended; it is a context manager.
    Raises `OptionError` for a file that cannot be written, that is no regular file, or that is
    another user's.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        masks: Masks | None = None,
        largest: int = LARGEST,
        option: str = "trace",
    ) -> None:
        self.path = os.fspath(path)
        if masks is not None and not isinstance(masks, Masks):
            raise OptionError("masks", f"must be a Masks, not {type(masks).__name__}")
        whole_number("largest", largest, 0)
        self._masks = Masks() if masks is None else masks
        self._largest = largest
        self._lock = threading.RLock()  # of the fd, which another thread may close
        watch_forks(self)
        self._fd: int | None = _opened(self.path, option)
        self._write({"event": "trace", **_head()}, before=_line_end(self._fd))

    def close(self) -> None:
        """Write nothing more, and close the file. Idempotent."""
        with self._lock:
            fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def abandon_in_child(self) -> None:
        """Go on in a forked child: both write to the file, each line whole."""
        free_in_child(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def connect_begun(self, session: SessionFacts) -> None:
        """See `Observer.connect_begun`."""
        self._tell(
            session,
            "connect",
            driver=session.driver,
            transport=session.transport,
            host=session.host,
            port=session.port,
        )

    def connect_step(self, step: ConnectStep) -> None:
        """See `Observer.connect_step`."""
        self._tell(
            step.session,
            "step",
            name=step.name,
            seconds=round(step.seconds, 6),
            jump_host=step.jump_host,
            error=self._error(step.error),
        )

    def connect_ended(self, end: ConnectEnd) -> None:
        """See `Observer.connect_ended`."""
        self._tell(
            end.session,
            "connected" if end.error is None else "connect failed",
            seconds=round(end.seconds, 6),
            session_id=end.session.session_id,
            error=self._error(end.error),
        )

    def message_sent(self, message: Message) -> None:
        """See `Observer.message_sent`."""
        self._message(message, "sent")

    def message_received(self, message: Message) -> None:
        """See `Observer.message_received`."""
        self._message(message, "received")

    def rpc_begun(self, rpc: RPCBegun) -> None:
        """See `Observer.rpc_begun`."""
        self._tell(rpc.session, "rpc", message_id=rpc.message_id, operation=rpc.operation)

    def rpc_ended(self, rpc: RPCEnd) -> None:
        """See `Observer.rpc_ended`."""
        self._tell(
            rpc.session,
            "rpc ended",
            message_id=rpc.message_id,
            operation=rpc.operation,
            seconds=round(rpc.seconds, 6),
            outcome=rpc.outcome,
            errors=self._has_errors(rpc) or None,
            error=self._error(rpc.error),
        )

    def _has_errors(self, rpc: RPCEnd) -> bool:
        # What is too large to be shown is not joined to be looked through either.
        return rpc.reply is not None and rpc.reply.size <= self._largest and rpc.has_errors

    def keepalive_sent(self, keepalive: KeepaliveSent) -> None:
        """See `Observer.keepalive_sent`."""
        self._tell(keepalive.session, "keepalive")

    def ended(self, end: SessionEnd) -> None:
        """See `Observer.ended`."""
        self._tell(end.session, "ended", cause=self._error(end.cause))

    def _message(self, message: Message, direction: str) -> None:
        now = time.monotonic()
        size, shown, hidden = message.size, None, None
        if size > self._largest:
            hidden = "too large"
        elif (body := message.body) is None:
            hidden = "in pieces"
        elif (shown := self._masks.document(body)) is None:
            hidden = "not well-formed"
        self._tell(
            message.session,
            direction,
            now,
            kind=message.kind,
            message_id=message.message_id,
            size=size,
            body=shown,
            hidden=hidden,
        )

    def _tell(
        self, session: SessionFacts, event: str, at: float | None = None, **facts: object
    ) -> None:
        line = {
            "time": round(time.monotonic() if at is None else at, 6),
            "wall": _wall(),
            "session": f"{session.pid}.{session.number}",
            "event": event,
        }
        line.update((name, value) for name, value in facts.items() if value is not None)
        self._write(line)

    def _error(self, error: BaseException | None) -> dict[str, str] | None:
        if error is None:
            return None
        return {"type": type(error).__name__, "text": self._masks.text(str(error))}

    def _write(self, line: dict[str, object], before: bytes = b"") -> None:
        data = memoryview(before + json.dumps(line).encode() + b"\n")
        with self._lock:
            if self._fd is None:
                return
            try:
                # One call a line, at the file's end: also lines of other processes stay whole.
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:  # not an interrupt: what comes after it is to be traced
                fd, self._fd = self._fd, None
                os.close(fd)
                raise


def _opened(path: str, option: str) -> int:
    # To be read, too: for how its last line ends.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(path, flags, 0o600)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OptionError(option, f"{path!r} cannot be written: {why}") from error
    try:
        _make_private(fd, path, option)
    except OSError as error:
        os.close(fd)
        raise OptionError(option, f"{path!r}: {error.strerror}") from error
    except BaseException:
        os.close(fd)
        raise
    return fd


def _make_private(fd: int, path: str, option: str) -> None:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise OptionError(option, f"{path!r} is no regular file; name another")
    if found.st_uid != os.geteuid():
        raise OptionError(option, f"{path!r} is another user's file; name another")
    if stat.S_IMODE(found.st_mode) & 0o077:
        os.fchmod(fd, 0o600)


def _line_end(fd: int) -> bytes:
    """Return what ends the last line of who was killed in the middle of it, or had no room."""
    size = os.fstat(fd).st_size
    return b"\n" if size and os.pread(fd, 1, size - 1) != b"\n" else b""


def _head() -> dict[str, object]:
    from ncwire._version import __version__  # noqa: PLC0415 - it is looked up in the metadata

    return {
        "format": FORMAT,
        "ncwire": __version__,
        "python": platform.python_version(),
        "system": sys.platform,
        "pid": os.getpid(),
        "time": round(time.monotonic(), 6),
        "wall": _wall(),
    }


def _wall() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
