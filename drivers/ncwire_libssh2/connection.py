"""`Connection`: the one owner of a connection's handles, and of the order in which they go."""

from __future__ import annotations

import math
import os
import select
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from ssh2.error_codes import LIBSSH2_ERROR_EAGAIN
from ssh2.exceptions import SSH2Error
from ssh2.session import (
    LIBSSH2_SESSION_BLOCK_INBOUND,
    LIBSSH2_SESSION_BLOCK_OUTBOUND,
    Session,
)

from ncwire.driver import Forkable, Wakeup, point_at_nothing, watch_forks
from ncwire.errors import TransportError
from ncwire_libssh2.aside import Aside
from ncwire_libssh2.errors import Fault
from ncwire_libssh2.watchdog import WATCHDOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from ncwire.driver import Deadline

AGAIN: int = LIBSSH2_ERROR_EAGAIN

_NOWHERE = 0x3FFF_FFFF
"""An fd that no process can have: beyond any RLIMIT_NOFILE (Linux: fs.nr_open)."""

_ANSWER = 1 << 17
"""More than libssh2 says before the server's first packet has been answered."""

_ENOUGH = 4
"""How often a packet under way is pushed on before it is given up."""


class Connection(Forkable):
    """A socket, and the libssh2 handles that live on it.

    libssh2 is used non-blocking from the first call, and never by two threads: `with connection,
    connection.lock:` holds the lock that all its calls need, and `check_not_ending` comes first in
    it. `end` may come from any thread at any time, a callback that libssh2 is in the middle of
    included: if the lock is taken, the thread that has it frees the handles when it has left the
    lock, which is what the connection itself is in that statement for. It does not take the lock:
    an interrupt comes between two bytecodes, so also between a method's taking a lock and the
    `with` that would release it, but not so with the lock's own. Where each microsecond counts,
    `ending` is looked at without these calls.

    A call that takes in packets is cut short when it takes too long (`Watchdog`): its socket is
    taken away from libssh2, which has an fd of its own for that, so that who waits for the
    socket does not notice. `bounded` is around each such call, or what it consists of is.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.lock = threading.Lock()
        self.ending = False
        """Whether `end` has been called: the handles are gone, or go when the lock is left."""
        self._waiting = False
        self._established = False
        self._void: socket.socket | None = None
        self._aside = Aside()
        self.session: Any = Session()
        self.session.set_blocking(False)
        self.channel: Any = None
        self.unsent: bytes | None = None
        """What libssh2 has in hand of the channel's data: it must be given the same again."""
        self.others: list[list[Any]] = []
        """What else lives on the session and must be dropped before it."""
        self.stop = Wakeup()
        """Rung once `end` has been called while the lock was taken; to be polled only."""
        self.interrupted = False
        """Whether the watchdog has taken the socket away from libssh2; see `resume`."""
        self._stand_in: socket.socket | None = None
        self._owed = b""
        self._exchange = threading.Lock()  # of what libssh2's fd stands for; taken last
        self._handed_over = socket.socket(fileno=os.dup(sock.fileno()))
        # The fd must not be closed by anyone else while libssh2 knows its number.
        self._sock = socket.socket(fileno=sock.detach())
        self._sock.setblocking(False)
        WATCHDOG.watch(self)
        watch_forks(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.ending:
            self.free_if_idle()

    def __del__(self) -> None:
        # Python would drop the socket and the handles in any order.
        if hasattr(self, "_sock"):
            self.end()

    def fileno(self) -> int:
        """Return the socket's fd; -1 after the end."""
        return self._sock.fileno()

    @property
    def sock(self) -> socket.socket:
        """The socket, to be asked only."""
        return self._sock

    @property
    def handed_over(self) -> int:
        """The fd that libssh2 is given: another for the same socket."""
        return self._handed_over.fileno()

    def is_blocked_outbound(self) -> bool:
        """Return whether libssh2 waits for the socket to take more, the lock being held."""
        return bool(self.session.block_directions() & LIBSSH2_SESSION_BLOCK_OUTBOUND)

    def _directions(self) -> int:
        """Return what `poll` is to wait for, the lock being held: POLLIN, POLLOUT or both."""
        blocked = self.session.block_directions()
        events = 0
        if blocked & LIBSSH2_SESSION_BLOCK_INBOUND:
            events |= select.POLLIN
        if blocked & LIBSSH2_SESSION_BLOCK_OUTBOUND:
            events |= select.POLLOUT
        return events or select.POLLIN

    def drive(self, operation: Callable[[], Any], deadline: Deadline) -> Any:
        """Call, here, until the result is something else than EAGAIN, and return it.

        Raises `StepTimeoutError` when the deadline passes, `TransportError` when `end` is
        called meanwhile, and `Fault` for what the library raises.
        """
        return self._drive(lambda: self._attempt(operation), deadline)

    def drive_aside(self, operation: Callable[[], Any], deadline: Deadline) -> Any:
        """Do the same with calls that may read what came encrypted, from another thread.

        The deadline holds though libssh2 does not return: the lock is taken until it does, and
        who has it frees the handles, as always.
        """
        return self._drive(
            lambda: self._aside.call(lambda: self._attempt(operation), deadline), deadline
        )

    def _drive(self, attempt: Callable[[], tuple[Any, int]], deadline: Deadline) -> Any:
        began = time.monotonic()
        try:
            while True:
                result, events = attempt()
                if not events:
                    return result
                self.wait(events, deadline)
        except Fault as fault:
            fault.after = time.monotonic() - began
            raise

    def _attempt(self, operation: Callable[[], Any]) -> tuple[Any, int]:
        """Return the result, or what to wait for before the next attempt."""
        with self, self.lock:
            self.check_not_ending()
            try:
                with self.bounded():
                    result = operation()
            except SSH2Error as error:
                self.check_not_ending()
                raise self.fault(error) from error
            self.check_not_ending()
            if result != AGAIN:
                return result, 0
            return None, select.POLLOUT if self.interrupted else self._directions()

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Have what is called here end soon, with EAGAIN if need be, the lock being held."""
        WATCHDOG.calls[self] = time.monotonic()
        if not WATCHDOG.awake:
            WATCHDOG.rouse()
        try:
            yield
        finally:
            WATCHDOG.calls.pop(self, None)
            if self.interrupted:
                self.resume()

    def interrupt(self, since: float) -> None:
        """End the call that began then, if it is still under way: for the watchdog.

        libssh2 comes to read "would block" from a silent socket, which keeps what is sent.
        Raises `OSError` when no fd is left for that.
        """
        with self._exchange:
            fd = self._handed_over.fileno()
            over = fd < 0 or self._void is not None
            if over or self.interrupted or WATCHDOG.calls.get(self) != since:
                return
            stand_in, silent = socket.socketpair()
            stand_in.setblocking(False)
            silent.setblocking(False)
            self._stand_in = stand_in
            # First: who called looks at this afterwards, or after the next call.
            self.interrupted = True
            with silent:
                os.dup2(silent.fileno(), fd, inheritable=False)

    def resume(self) -> bool:
        """Give the socket back to libssh2 after an interruption, the lock being held.

        What libssh2 has sent meanwhile is sent first, so until TCP has taken all of that the
        socket is kept away: False then, and what to wait for is room.
        """
        with self._exchange:
            stand_in = self._stand_in
            if stand_in is None:
                return True
            with suppress(BlockingIOError):
                while more := stand_in.recv(_ANSWER):
                    self._owed += more
            try:
                while self._owed:
                    self._owed = self._owed[self._sock.send(self._owed) :]
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno is None:  # a signal handler's, and none of the system's
                    raise
                self._owed = b""  # libssh2 finds out by itself
            if self._void is None:
                os.dup2(self._sock.fileno(), self._handed_over.fileno(), inheritable=False)
            self._stand_in = None
            self.interrupted = False
            stand_in.close()
            return True

    def wait(self, events: int, deadline: Deadline) -> None:
        """Wait for the socket to be ready, or for `end`, or a while; the lock must not be held."""
        try:
            # Here, and not where the attempt was made: an interrupted caller does not come here,
            # and `end` would leave `stop` to it. Before the look: one of both sees the other.
            self._waiting = True
            self.check_not_ending()
            poll = select.poll()
            poll.register(self.stop, select.POLLIN)
            poll.register(self._sock, events)
            poll.poll(math.ceil(deadline.slice() * 1000))
        except ValueError as error:  # fd -1: ended just now
            raise TransportError("the connection is closed") from error
        finally:
            self._waiting = False
            if self.ending:
                with self.lock:  # `end` may be in the middle of leaving `stop` to this thread
                    self._free()

    def fault(self, error: SSH2Error) -> Fault:
        """Return an error that the library has just raised with its text; the lock is held."""
        # ssh2-python 1.2.0 loses as many bytes a call as it is asked for, and needs none of
        # them: libssh2 allocates the text. So ask for one.
        return Fault(error, self.session.last_errno(), self.session.last_error(1))

    def established(self) -> None:
        """Note that the handshake is done."""
        self._established = True

    def settled(self) -> None:
        """Note that nothing will wait on this connection any more."""
        with self, self.lock:
            self.check_not_ending()
            self.stop.close()
        self._aside.stop()

    def drop(self, handles: list[Any]) -> None:
        """Let go of some of `others`, under the lock as all freeing."""
        with self, self.lock:
            handles.clear()
            if handles in self.others:
                self.others.remove(handles)

    def set_channel_aside(self) -> None:
        """Close the channel as far as it goes at once; it is freed in the end."""
        with self, self.lock:
            self.check_not_ending()
            with suppress(SSH2Error), self.bounded():
                self.channel.close()
            self.others.append([self.channel])
            self.channel = None

    def shut_down(self) -> None:
        """Let nothing more be sent or received."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def with_peer_played(self, said: bytes, operation: Callable[[], None]) -> bytes:
        """Do something with libssh2 while its fd leads here, where nothing waits but `said`.

        Returns what libssh2 sent. The lock must be held. POSIX: dup2 replaces what the number
        stands for, and the number is all that libssh2 knows.
        """
        with self._exchange:  # what was said has an end, so the watchdog is not needed here
            WATCHDOG.calls.pop(self, None)
        fd = self._handed_over.fileno()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            for sock in (ours, theirs):
                sock.setblocking(False)
            ours.sendall(said)
            os.dup2(theirs.fileno(), fd, inheritable=False)
            try:
                operation()
            finally:
                os.dup2(self._sock.fileno(), fd, inheritable=False)
            with suppress(BlockingIOError):
                return ours.recv(_ANSWER)
            return b""

    def divert(self) -> None:
        """Have the fd lead to a silent place that takes what is sent and never answers.

        Linux and POSIX: dup2 replaces what the number stands for, so libssh2 reads "would
        block" where it read the end, and gives out what it has received before (libssh2
        1.11.1, channel.c: _libssh2_channel_read looks at its queue only after a read that did
        not fail). The lock must be held.
        """
        silent, self._void = socket.socketpair()
        with silent:
            silent.setblocking(False)
            with self._exchange:
                os.dup2(silent.fileno(), self._handed_over.fileno(), inheritable=False)
        unsent, self.unsent = self.unsent, None
        if unsent is not None:
            self._push_out(unsent)

    def end(self, *, disconnect: bool = False) -> None:
        """Free everything, at the latest when the call that is under way comes back.

        With `disconnect` the channel's close and SSH_MSG_DISCONNECT go out, as far as the socket
        takes them at once. Idempotent, and never blocks.
        """
        free = self.lock.acquire(blocking=False)
        self.ending = True
        if not free:
            self.stop.ring()
            # The thread that had the lock may have left it before `ending` was set.
            self.free_if_idle()
            self._aside.stop()
            return
        try:
            if disconnect:
                self._send_disconnect()
            self._free()
        finally:
            self.lock.release()
        self._aside.stop()

    def check_not_ending(self) -> None:
        """Raise `TransportError` once `end` has been called."""
        if self.ending:
            raise TransportError("the connection is closed")

    def free_if_idle(self) -> None:
        """Free the handles, for `end` was called; a thread that has the lock does it itself."""
        if self.lock.acquire(blocking=False):
            try:
                self._free()
            finally:
                self.lock.release()

    def _send_disconnect(self) -> None:
        if self.session is None or self.unsent is not None or self._void is not None:
            return
        with suppress(SSH2Error), self.bounded():
            if self.channel is not None:
                self.channel.close()
            if self._established:
                self.session.disconnect()

    def _free(self) -> None:
        # The order is the one that neither hangs nor leaks with ssh2-python 1.2.0: its
        # deallocators call libssh2_channel_free and libssh2_session_free once, which talk to
        # the peer and give up, leaking, when that would block.
        session, self.session = self.session, None
        if session is None:
            if not self._waiting:
                self.stop.close()
            return
        self.shut_down()
        if self.unsent is not None:
            self.divert()
        if self._void is not None:
            self._void.close()
        self.channel = None
        for handles in self.others:
            handles.clear()
        if self._established:
            # A Session that the caller has kept must not write into whatever gets our fd next.
            with suppress(SSH2Error):
                session.handshake(_NOWHERE)
        del session
        WATCHDOG.forget(self)
        with self._exchange:
            self._handed_over.close()
            if self._stand_in is not None:
                self._stand_in.close()
        self._sock.close()
        if self._waiting:
            self.stop.ring()
        else:
            self.stop.close()

    def _push_out(self, unsent: bytes) -> None:
        # With a packet half sent libssh2 answers EAGAIN to everything else, freeing included
        # (transport.c, send_existing): let it have its way, into the void.
        for _ in range(_ENOUGH):
            with suppress(SSH2Error):
                if self.channel.write(unsent)[0] != AGAIN:
                    break

    def abandon_in_child(self) -> None:
        """Leave the connection to the parent; see `Forkable`."""
        self.lock = threading.Lock()
        self._exchange = threading.Lock()
        self._aside = Aside()
        self.ending = True
        for sock in (self._sock, self._handed_over):
            point_at_nothing(sock.fileno())
