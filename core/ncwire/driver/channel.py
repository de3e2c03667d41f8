"""The byte stream that a driver hands to the core after authentication."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


SocketAddress: TypeAlias = tuple[Any, ...] | str | bytes
"""A socket's address as Python's `socket` gives it: a tuple that begins with host and port over
TCP, and a path for a Unix socket, "" for one without."""


class Readiness(enum.Flag):
    """What a channel's fd is to be watched for."""

    NONE = 0
    READ = enum.auto()
    WRITE = enum.auto()


@dataclass(frozen=True, slots=True)
class Wait:
    """What a channel waits for: readiness of its fd, and a time to be called at the latest.

    `until` is on the clock of `time.monotonic`; None means that the library has no timer.
    """

    on: Readiness = Readiness.READ
    until: float | None = None


_TO_READ = Wait()


@dataclass(frozen=True, slots=True)
class ChannelRequest:
    """What to start on a new channel: kind "subsystem" or "exec", and its name or command."""

    name: str
    kind: str = "subsystem"


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What is known about an open channel's connection; "" where the library does not tell."""

    library: str
    library_version: str
    server_version: str = ""
    banner: str = ""
    kex: str = ""
    host_key_type: str = ""
    cipher: str = ""
    mac: str = ""
    compression: str = ""
    tls_version: str = ""
    """"TLSv1.3", where TLS carries the session."""
    certificate_subject: str = ""
    """The subject of the peer's certificate, as RFC 4514 writes it."""
    certificate_sha256: str = ""
    """The SHA-256 of the peer's certificate: pairs of hexadecimal digits with colons between."""
    certificate_names: tuple[str, ...] = ()
    """Whom the peer's certificate is for: DNS names and IP addresses of its subjectAltName, where
    it is verified who has signed it; empty where it was taken for its SHA-256 alone."""


@dataclass(frozen=True, slots=True)
class LastWords:
    """What a server said beside the stream, as far as it is known; nothing of it is cleaned.

    `stderr` is the beginning of what came on stderr (RFC 4254 section 5.2), some hundred bytes of
    it. `exit_status` is None, and `signal` "", where the server sent none (section 6.10).
    """

    stderr: bytes = b""
    exit_status: int | None = None
    signal: str = ""


_NONE = LastWords()


class Channel(ABC):
    """A byte stream after authentication. No method blocks, ever.

    The core serialises all calls on one channel, but they may come from different threads.
    Library exceptions come out as `ncwire.errors.TransportError` or a subclass, raised `from`
    the library's own; after one the core calls `last_words`, then `abort`, and nothing else.
    """

    info: ChannelInfo
    native: object
    """The library's own object, for users who need it (`DriverSession.transport`)."""
    peer_address: SocketAddress | None = None
    """The peer's address, for `Session.peer_address`; None where the driver does not know it. For
    a `Driver`, which has its own socket; the core knows those that it hands to other kinds."""
    local_address: SocketAddress | None = None
    """Our own, likewise."""
    write_may_read: bool = True
    """Whether `write` may take in what the peer has sent, as a library for SSH does.

    Where it never does, the fd tells of all that has come, and the core saves itself the read
    after the `write` of a call that waits for its reply.
    """

    @abstractmethod
    def fileno(self) -> int:
        """Return the fd to watch; the same one until `close` or `abort`.

        Best that of a socket, a pipe or an eventfd; with that of an epoll, which has no exclusive
        wake-ups (epoll_ctl(2), EPOLLEXCLUSIVE), each reply wakes two threads.
        """

    def wants(self) -> Wait:
        """Return what to wait for now; asked anew after each series of calls.

        An `until` that has passed means: call at once. A library whose reads take in what a
        blocked write waits for (a window adjustment, say) needs that, for the fd stays silent.
        """
        return _TO_READ

    @abstractmethod
    def read(self, size: int) -> bytes | None:
        """Return up to `size` bytes; None when none are there yet; b"" at the stream's end only.

        The core reads until None before it waits, and again after each `write`. What had been
        received when the peer closed or vanished is returned before the end or the error is.
        """

    @abstractmethod
    def write(self, data: memoryview) -> int:
        """Take bytes from the front of `data`, and return how many; 0 would block.

        After 0 the core calls again with the very same bytes, or ends the session.
        """

    def tick(self, now: float) -> None:
        """Do what the library needs done by `wants().until`; `now` is that clock's time."""

    def heard(self) -> float:
        """Return when the peer last sent anything at all, on the clock of `time.monotonic`.

        Needed for the feature KEEPALIVE only: the core judges by it whether the peer lives.
        """
        raise NotImplementedError

    def keepalive(self) -> None:
        """Send a request that the peer must answer; when it would block, send nothing.

        Needed for the feature KEEPALIVE only. The core decides when, and what silence means.
        """
        raise NotImplementedError

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Take a function by which to tell the core of progress that the fd does not show.

        `wake` may be called from any thread, and is cheap. A library whose own threads do the
        I/O needs this for writes; one that lets its socket be watched does not.
        """

    def finish(self) -> bool:
        """Say that nothing more will be written; return whether the peer has closed, too.

        Called before `close` where a session ends in good order, once `write` has taken all there
        was, and again whenever the channel is ready (`wants`, its `until` included), until it
        returns True, `read` tells of the end or raises, or the time for closing is over; and once
        `read` has told of the end, until it returns True, for half a second at most. After each
        call the core reads until None, as after a write, and drops what comes. Nothing is
        written any more. Never blocks: what cannot be sent at once is sent when it is called
        again. On a connection that is broken it returns either; it is `read` that tells.

        It is for transports where the connection takes with it what the peer has taken and not
        handed on yet. Over SSH (RFC 4254 section 5.3): send SSH_MSG_CHANNEL_EOF, upon which most
        servers close when they have read all. Send SSH_MSG_CHANNEL_CLOSE, which every server must
        answer, only when nothing has come for about two seconds: a server that is told of the
        close takes no more answers from what runs behind it, which may end at that with half of
        its input unread (OpenSSH 9.2). True is due when the peer's close has come, and until then
        the connection stands. `close` sends what of these has not been sent.

        Needed for the feature FINISH only; the default is for transports that need nothing of it.
        """
        return True

    def last_words(self) -> LastWords:
        """Return what the server has said beside the stream; it stands in the session's error.

        Called at most a few times, after `read` has told of the end or anything has raised, and
        before `close` or `abort`. Never blocks, never raises. The default: nothing is known.
        """
        return _NONE

    @abstractmethod
    def close(self) -> None:
        """Tell the peer of the end as far as that goes without blocking, then free everything.

        Idempotent. Afterwards no fd, thread or buffer of this connection is left; a process
        that has to end may take a few seconds more, in the background, and is then cut off.
        """

    @abstractmethod
    def abort(self) -> None:
        """Free everything at once, with no word to the peer. Idempotent, also after `close`.

        The one method that may be called while another thread is inside another: the core does
        so when that call has blocked against this contract.
        """
