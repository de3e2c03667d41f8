"""The NETCONF channel over TLS."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from ncwire.driver import Channel, ChannelInfo, Readiness, Wait
from ncwire.errors import TLSError
from ncwire_tls import errors

if TYPE_CHECKING:
    from ncwire_tls.stream import Stream

_RECORD: Final = 16 * 1024
"""The most that one record has (RFC 8446 section 5.1), and so one read of OpenSSL's."""

_WRITTEN: Final = 256 * 1024
"""How much one call sends at most, so that others have their turn."""

_TO_READ: Final = Wait(Readiness.READ)
_TO_READ_AND_WRITE: Final = Wait(Readiness.READ | Readiness.WRITE)
_AT_ONCE: Final = Wait(Readiness.READ, 0.0)
_NOTHING: Final = Wait(Readiness.NONE)


class TLSChannel(Channel):
    """The byte stream of one TLS connection, which it owns."""

    def __init__(self, stream: Stream, info: ChannelInfo) -> None:
        self.info = info
        self.native = stream.tls
        self._stream = stream
        self._tls = stream.tls
        self.write_may_read = False
        self._has_read = False
        self._peer_has_closed = False
        self._said_end = False
        self._end_is_due = False
        self._closed = False
        self._under_way = 0
        """How much of the caller's is in the record that the kernel has not wholly taken."""
        self._awaits_peer = False
        """Whether TLS takes nothing before the peer has said more."""
        self._may_go_on = False
        """Whether the peer has, since. No more need come, so that nothing else would tell."""

    def fileno(self) -> int:
        """Return the socket's fd; -1 after the end."""
        return self._stream.fileno()

    def wants(self) -> Wait:
        """Watch for reading always, and for writing while the kernel has not taken all."""
        if self._closed:
            return _NOTHING
        if self._end_is_due:
            return _AT_ONCE
        to_write = self._stream.has_unsent or self._may_go_on
        return _TO_READ_AND_WRITE if to_write else _TO_READ

    def read(self, size: int) -> bytes | None:
        """Return what has come; see `Channel.read`.

        Raises `TLSError` where the connection has ended without close_notify, and
        `ClientCertificateError` where the server's alert is about our certificate, which under
        TLS 1.3 comes only now.
        """
        self._check_open()
        self._may_go_on = False
        stream = self._stream
        if self._peer_has_closed:
            return b""
        while True:
            if stream.has_unread or stream.ended:
                data = self._decrypted(min(size, _RECORD))
                # Reading may have an answer to send: to a KeyUpdate (RFC 8446 section 4.6.3).
                if stream.has_unsent:
                    stream.push()
                if data is not None:
                    return data
            if not stream.pull():
                return None
            self._may_go_on = self._awaits_peer

    def write(self, data: memoryview) -> int:
        """Send some of it; see `Channel.write`. What cannot be sent shows in the next `read`."""
        self._check_open()
        taken = 0
        most = min(len(data), _WRITTEN)
        while taken < most and self._send_record(data[taken : taken + _RECORD]):
            taken += self._under_way
            self._under_way = 0
        return taken

    def finish(self) -> bool:
        """Send close_notify; return whether the peer has said or shown its end, too."""
        if self._closed:
            return True
        stream = self._stream
        if not self._said_end:
            if stream.has_unread:
                # OpenSSL takes data after close_notify for an error that has not been read. The
                # caller reads next, and comes back.
                self._end_is_due = True
                return False
            self._say_end()
        return stream.push() and (self._peer_has_closed or stream.ended)

    def close(self) -> None:
        """Send close_notify if it goes out at once, and close the socket."""
        if not self._closed:
            if not self._said_end:
                self._say_end()
            self._stream.push()
            self._stream.drain()
        self.abort()

    def abort(self) -> None:
        """Close the socket."""
        self._closed = True
        self._stream.close()

    def _check_open(self) -> None:
        if self._closed:
            raise TLSError("TLS: the channel is closed")

    def _send_record(self, data: memoryview) -> bool:
        """Encrypt a record, or go on with the one under way; return whether the kernel has it all.

        Only then is it told as taken: it would be lost with a `close` that comes before it left.
        """
        stream = self._stream
        if not stream.push():
            return False
        if not self._under_way:
            self._awaits_peer = False
            try:
                self._under_way = self._tls.write(data)
            except ssl.SSLError as error:
                self._awaits_peer = isinstance(error, ssl.SSLWantReadError)
                # Either it waits for what the peer has to say first, as in a renegotiation (TLS
                # 1.2), or all is over, and `read` tells.
                stream.push()
                return False
        return stream.push() and not stream.unwritable

    def _say_end(self) -> None:
        self._said_end = True
        self._end_is_due = False
        self._stream.say_end()

    def _decrypted(self, size: int) -> bytes | None:
        """Return what TLS has for us; b"" at its end, None where that needs more."""
        try:
            data = self._tls.read(size)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:  # close_notify, ours having been said before
            data = b""
        except ssl.SSLError as error:
            return self._failed(error)
        if data:
            self._has_read = True
        else:
            self._peer_has_closed = True
        return data

    def _failed(self, error: ssl.SSLError) -> bytes:
        """Return b"" where the end is in order though the peer did not say so, or raise."""
        if not isinstance(error, ssl.SSLEOFError):
            refused = None if self._has_read else errors.refusal(error, is_agreed=True)
            raise refused or errors.of_connection(error) from error
        failure = self._stream.failure
        if failure is not None:
            raise errors.of_connection(failure) from failure
        if self._said_end:
            # We have said that we want no more; many then close without a word (RFC 8446 6.1).
            self._peer_has_closed = True
            return b""
        raise errors.without_close_notify(said_nothing=not self._has_read) from error
