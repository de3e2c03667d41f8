"""What a server says on stderr in place of a stream: its beginning, for the error."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ssh2.exceptions import SSH2Error

from ncwire_libssh2.connection import AGAIN

if TYPE_CHECKING:
    from ncwire_libssh2.connection import Connection

_KEPT = 1024
"""How much of it is kept, in bytes."""

_LISTEN, _IGNORE = 0, 1
"""LIBSSH2_CHANNEL_EXTENDED_DATA_NORMAL and _IGNORE (libssh2.h): what is done with it."""


class Stderr:
    """A channel's stderr until the stream's first bytes, or so much of it; dropped after that.

    A server that refuses sends none of the stream. Later it would cost each read a call, or grow
    in libssh2's queue beside a flood of data. The connection's lock is held wherever this is
    called.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.said = b""
        self.listens = connection.channel.handle_extended_data2(_LISTEN) != AGAIN
        """Whether it is kept still."""

    def listen(self) -> bool:
        """Take of it what is there; return whether libssh2 is to be asked for data again.

        It is asked for stderr only when it has some: for it takes in all that the socket has, of
        which the fd tells no more.
        """
        if not self.listens:
            return False
        channel = self._connection.channel
        came = b""
        if (missing := _KEPT - len(self.said)) > 0:
            with suppress(SSH2Error):  # broken, which the next read tells, or not to be told
                if not channel.poll_channel_read(1):
                    return False
                _, came = channel.read_stderr(missing)
            self.said += came
        if len(came) in (0, missing):
            self.stop()
        return not self.listens or bool(came)

    def stop(self) -> None:
        """Drop what comes; called again while `listens`: TCP takes nothing then."""
        channel = self._connection.channel
        self.listens = False
        with suppress(SSH2Error):
            channel.handle_extended_data2(_IGNORE)
            # Which is to flush, but libssh2 1.11.1 never does (channel.c, _extended_data).
            self.listens = channel.flush_stderr() == AGAIN
