"""Answers all sessions that are handed over to it, in one process, as subsystem.py does each.

Usage: python -m many.responder PATH
Listens on PATH, says so on stdout, and ends with its stdin. See handover.py.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from typing import TYPE_CHECKING

from ncwire.bench import subsystem

if TYPE_CHECKING:
    from collections.abc import Iterator

READ = 65536
BACKLOG = 1024


class Session:
    """One client's stream, and what of an answer it has not taken yet."""

    def __init__(self, guard: socket.socket, fd_in: int, fd_out: int) -> None:
        self._guard = guard
        self.fd_in = fd_in
        self.fd_out = fd_out
        self.waits_for_room = False
        self._received = bytearray()
        self._end = subsystem.END_OF_MESSAGE
        self._chunked: bool | None = None
        self._unsent: list[bytes | memoryview] = [subsystem.HELLO + subsystem.END_OF_MESSAGE]
        self._more: Iterator[list[bytes | memoryview]] = iter(())
        for fd in (fd_in, fd_out):
            os.set_blocking(fd, False)

    def read(self) -> bool:
        """Take in requests; return False at the end."""
        data = os.read(self.fd_in, READ)
        self._received += data
        return bool(data)

    def advance(self) -> bool:
        """Answer what has come in; return False when there is no room for more of it."""
        while True:
            while self._unsent:
                try:
                    sent = os.writev(self.fd_out, self._unsent)
                except BlockingIOError:
                    return False
                self._unsent = subsystem.unsent(self._unsent, sent)
            self._unsent = next(self._more, [])
            if self._unsent:
                continue
            if self._end not in self._received:
                return True
            request = subsystem.cut(self._received, self._end)
            if self._chunked is None:
                self._chunked = subsystem.offers_chunks(request)
                if self._chunked:
                    self._end = subsystem.END_OF_CHUNKS
            else:
                self._more = iter(subsystem.answer(request, chunked=self._chunked))

    def close(self) -> None:
        """End the session, and the process that sshd has for it."""
        os.close(self.fd_in)
        os.close(self.fd_out)
        self._guard.close()


class Responder:
    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(BACKLOG)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(0, select.EPOLLIN)
        self._sessions: dict[int, Session] = {}

    def serve(self) -> None:
        while True:
            for fd, _ in self._epoll.poll():
                if fd == 0:
                    return
                if fd == self._listener.fileno():
                    self._accept()
                elif fd in self._sessions:
                    self._serve(self._sessions[fd], fd)

    def _accept(self) -> None:
        guard, _ = self._listener.accept()
        _, fds, _, _ = socket.recv_fds(guard, 1, 2)
        session = Session(guard, *fds)
        self._sessions[session.fd_in] = self._sessions[session.fd_out] = session
        self._epoll.register(session.fd_in, select.EPOLLIN)
        self._serve(session, session.fd_out)

    def _serve(self, session: Session, fd: int) -> None:
        try:
            if fd == session.fd_in and not session.read():
                self._end(session)
                return
            self._watch(session, waits_for_room=not session.advance())
        except OSError:  # the client is gone
            self._end(session)

    def _watch(self, session: Session, *, waits_for_room: bool) -> None:
        if waits_for_room == session.waits_for_room:
            return
        session.waits_for_room = waits_for_room
        # Nothing is read from a client that does not take its answer.
        if waits_for_room:
            self._epoll.modify(session.fd_in, 0)
            self._epoll.register(session.fd_out, select.EPOLLOUT)
        else:
            self._epoll.unregister(session.fd_out)
            self._epoll.modify(session.fd_in, select.EPOLLIN)

    def _end(self, session: Session) -> None:
        for fd in (session.fd_in, session.fd_out):
            del self._sessions[fd]
        self._epoll.unregister(session.fd_in)
        if session.waits_for_room:
            self._epoll.unregister(session.fd_out)
        session.close()


if __name__ == "__main__":
    responder = Responder(sys.argv[1])
    print("ready", flush=True)
    responder.serve()
