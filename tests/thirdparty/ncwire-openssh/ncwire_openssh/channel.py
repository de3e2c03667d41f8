"""The byte stream of a session that a master runs, as ncwire's channel."""

from __future__ import annotations

import selectors
import socket
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from ncwire.driver import Channel, Readiness, Wait
from ncwire.errors import TransportError

if TYPE_CHECKING:
    from ncwire_openssh.master import Master
    from ncwire_openssh.mux import MuxSession


class OpenSSHChannel(Channel):
    """Reads and writes one end of a socket pair, whose other end ssh has.

    The fd to watch is a selector's own (epoll, kqueue), which is readable when something in it is
    ready. So the log is read whenever ssh writes it, not only when data come: on an idle session
    it would fill its FIFO in the end (each keepalive of the server's is a line), and ssh block.
    """

    def __init__(self, master: Master, session: MuxSession, stream: socket.socket) -> None:
        self.info = master.journal.info()
        self.native = master.process
        self._master = master
        self._session = session
        self._stream = stream
        self._number = session.session
        self._blocked = False
        self._closed = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(stream, selectors.EVENT_READ)
        self._selector.register(master.journal, selectors.EVENT_READ)
        self._selector.register(master.stderr, selectors.EVENT_READ)
        # A channel that is dropped takes its process with it; at the exit ssh ends by itself, for
        # its lifeline does.
        weakref.finalize(self, master.kill).atexit = False

    def fileno(self) -> int:
        return self._selector.fileno()

    def wants(self) -> Wait:
        return Wait(Readiness.READ)  # a blocked write is waited for in the selector

    def read(self, size: int) -> bytes | None:
        self._check_open()
        self._take_log()
        drained = self._number in self._master.journal.drained
        try:
            data = self._stream.recv(size)
        except BlockingIOError:
            # ssh keeps its end for reading when the server has ended its own direction only.
            return b"" if drained else None
        except OSError as error:
            raise TransportError(f"ssh: {error.strerror}") from error
        if not data:
            self._check_orderly_end()
        return data

    def write(self, data: memoryview) -> int:
        self._check_open()
        try:
            sent = self._stream.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._watch_writing(wanted=False)
            return 0  # `read` tells why, after what had arrived before
        self._watch_writing(wanted=sent < len(data))
        return sent

    def finish(self) -> bool:
        self._check_open()
        self._watch_writing(wanted=False)
        with suppress(OSError):  # ssh has ended, of which `read` tells
            self._stream.shutdown(socket.SHUT_WR)  # upon which it sends the channel's end
        return False  # the server's close is the stream's end

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._selector.close()
            self._master.leave(self._stream, self._session)

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            self._selector.close()
            self._stream.close()
            self._session.close()
        self._master.kill()

    def _take_log(self) -> None:
        if not self._master.read():
            # At its end a pipe is readable for ever, and the core must not be called for ever.
            self._forget(self._master.stderr)
            self._forget(self._master.journal)

    def _forget(self, file: object) -> None:
        if file in {key.fileobj for key in self._selector.get_map().values()}:
            self._selector.unregister(file)

    def _watch_writing(self, *, wanted: bool) -> None:
        if wanted != self._blocked:
            self._blocked = wanted
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(self._stream, both if wanted else selectors.EVENT_READ)

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError("the channel is closed")

    def _check_orderly_end(self) -> None:
        # The socket ends with the process too. All that ssh logged before is in the FIFO by now.
        self._master.read()
        if self._number not in self._master.journal.ended:
            reason = self._master.reason()
            raise TransportError(f"ssh: {reason}") from ConnectionError(reason)
