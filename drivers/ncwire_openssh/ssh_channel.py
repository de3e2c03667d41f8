"""One channel of the SSH connection protocol (RFC 4254), without I/O: messages in, messages out.

ssh passes the messages on as they are (see `MuxClient.become_proxy`), so what a server says beside
the stream is seen here: the window, stderr, the exit status, its close.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver import ChannelRequest

_OPEN: Final = 90
_CONFIRMATION: Final = 91
_OPEN_FAILURE: Final = 92
_WINDOW_ADJUST: Final = 93
_DATA: Final = 94
_EXTENDED_DATA: Final = 95
_EOF: Final = 96
_CLOSE: Final = 97
_REQUEST: Final = 98
_SUCCESS: Final = 99
_FAILURE: Final = 100

WINDOW: Final = 1 << 21
"""Bytes that the server may send before they are read: what OpenSSH's own client lets it."""
_PACKET: Final = 1 << 15
"""Bytes of data in a message: what every implementation must take (RFC 4253 section 6.1)."""
_LEAST: Final = 2  # the byte that means nothing, and the message's number
_LONGEST: Final = 1 << 18
"""Bytes of a message: far above what a server may send, which is `_PACKET` of data."""
_KEPT: Final = 1024
"""Bytes of stderr that are kept for an error."""
_HEADER: Final = struct.Struct(">IBB")
_DATA_HEADER: Final = struct.Struct(">IBBII")
_BEFORE_DATA: Final = 10
"""Bytes of a message of data that its length counts and that come before the data."""
_REASONS: Final = {
    1: "administratively prohibited",
    2: "connect failed",
    3: "unknown channel type",
    4: "resource shortage",
}


class ProtocolError(Exception):
    """What came is not the connection protocol."""


class SSHChannel:
    """The state of one channel; `number` is our own for it.

    `outbox` is what is to be sent, bounded by what its caller puts in: see `data_header`.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._theirs = 0
        self._begun = b""
        """The beginning of a message of which the rest has not come."""
        self._left = 0
        """Bytes that are still to come of the data that has come last."""
        self._left_is_ours = False
        self._unread_window = 0
        self.outbox = bytearray()
        self.opened = False
        self.started: bool | None = None
        """Whether what was requested has been started; None before it is known."""
        self.refusal = ""
        """Why the channel was not opened."""
        self.received: deque[bytes] = deque()
        """Data that is to be read, as it came."""
        self.window = 0
        """Bytes that the server takes now."""
        self.most = 0
        """Bytes of data that it takes in one message."""
        self.eof_came = False
        self.close_came = False
        self.eof_sent = False
        self.close_sent = False
        self.stderr = bytearray()
        self.exit_status: int | None = None
        self.signal = ""

    # --- what is sent ----------------------------------------------------------------------

    def open(self) -> None:
        """Ask for a session channel (RFC 4254 section 6.1)."""
        body = _string(b"session") + struct.pack(">III", self._number, WINDOW, _PACKET)
        self.outbox += _message(_OPEN, body)

    def start(self, what: ChannelRequest, environment: Mapping[str, str]) -> None:
        """Ask for a subsystem or a command, with these variables (sections 6.4 and 6.5)."""
        for name, value in environment.items():
            texts = (name.encode(), value.encode(errors="surrogateescape"))
            self._request(b"env", b"".join(map(_string, texts)), reply=False)
        self._request(what.kind.encode(), _string(what.name.encode()), reply=True)

    def keepalive(self) -> None:
        """Ask what no server knows, and every server must answer (section 5.4).

        OpenSSH's own keepalive is of this name, as a request for the channel where there is one.
        """
        self._request(b"keepalive@openssh.com", b"", reply=True)

    def send_eof(self) -> None:
        """Say that no more data will come (section 5.3). Idempotent."""
        if self.opened and not self.eof_sent and not self.close_sent:
            self.eof_sent = True
            self.outbox += _message(_EOF, self._to())

    def send_close(self) -> None:
        """Close our side (section 5.3). Idempotent."""
        if self.opened and not self.close_sent:
            self.close_sent = True
            self.outbox += _message(_CLOSE, self._to())

    def data_header(self, wanted: int) -> tuple[bytes, int]:
        """Return what comes before data, and of how many bytes it says that they follow.

        The window has that many less then; 0 where the server takes none.
        """
        count = min(wanted, self.window, self.most)
        if count <= 0:
            return b"", 0
        self.window -= count
        return _DATA_HEADER.pack(count + 10, 0, _DATA, self._theirs, count), count

    def take(self, size: int) -> bytes:
        """Return data that came, of which there is some, and let the server send as much anew."""
        received = self.received
        data = received.popleft()
        if received and len(data) < size:
            pieces, left = [data], size - len(data)
            while received and left >= len(received[0]):
                pieces.append(received.popleft())
                left -= len(pieces[-1])
            data = b"".join(pieces)
        if len(data) > size:
            received.appendleft(data[size:])
            data = data[:size]
        self._give_window(len(data))
        return data

    # --- what comes ------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take in what came. Raises `ProtocolError`."""
        if self._begun:
            data, self._begun = self._begun + data, b""
        position, end = self._take_rest(data), len(data)
        while end - position >= _HEADER.size:
            length, _, kind = _HEADER.unpack_from(data, position)
            if not _LEAST <= length <= _LONGEST:
                raise ProtocolError(f"a message of {length} bytes")
            if kind == _DATA and end - position >= _DATA_HEADER.size:
                position = self._take_data(data, position)
                continue
            if end - position < 4 + length:
                break
            body = data[position + 6 : position + 4 + length]
            position += 4 + length
            try:
                self._take(kind, body)
            except (struct.error, IndexError) as error:
                raise ProtocolError(f"a message {kind} that is cut short") from error
        self._begun = data[position:]

    def _take_data(self, data: bytes, position: int) -> int:
        """Take in a message of data as far as it has come; return where that ends.

        It is cut out of what was read, and copied no more: there is nearly nothing else in a
        large reply.
        """
        length, _, _, number, size = _DATA_HEADER.unpack_from(data, position)
        if size != length - _BEFORE_DATA:
            raise ProtocolError(f"{size} bytes of data in a message of {length}")
        self._left = size
        self._left_is_ours = number == self._number  # or of one that was refused
        position += _DATA_HEADER.size
        return position + self._take_rest(data[position : position + size])

    def _take_rest(self, data: bytes) -> int:
        left = self._left
        if not left:
            return 0
        piece = data[:left]
        self._left = left - len(piece)
        if piece and self._left_is_ours:
            self.received.append(piece)
        return len(piece)

    def _take(self, kind: int, body: bytes) -> None:
        (number,) = struct.unpack_from(">I", body)
        if number != self._number:
            return  # of a channel that was refused, and is being closed
        if kind == _DATA:
            raise ProtocolError("a message of data that is cut short")
        if kind == _WINDOW_ADJUST:
            self.window += struct.unpack_from(">I", body, 4)[0]
        elif kind == _EXTENDED_DATA:
            self._take_stderr(body)
        elif kind == _EOF:
            self.eof_came = True
        elif kind == _CLOSE:
            self.close_came = self.eof_came = True
            if self.started is None:
                self.started = False
        elif kind == _REQUEST:
            self._take_request(body)
        else:
            self._take_answer(kind, body)

    def _take_answer(self, kind: int, body: bytes) -> None:
        if kind == _CONFIRMATION:
            self._theirs, self.window, most = struct.unpack_from(">III", body, 4)
            self.most = min(most, _PACKET)
            self.opened = True
        elif kind == _OPEN_FAILURE:
            (code,) = struct.unpack_from(">I", body, 4)
            told = _text(body, 8)
            reason = _REASONS.get(code, f"reason {code}")
            self.refusal = f"{reason}: {told}" if told else reason
        elif kind in {_SUCCESS, _FAILURE} and self.started is None:
            self.started = kind == _SUCCESS  # later ones are answers to keepalives

    def _take_stderr(self, body: bytes) -> None:
        (size,) = struct.unpack_from(">I", body, 8)
        self.stderr += body[12 : 12 + size][: _KEPT - len(self.stderr)]
        self._give_window(size)

    def _take_request(self, body: bytes) -> None:
        name = _text(body, 4)
        position = 8 + int.from_bytes(body[4:8], "big")
        wants_reply = body[position]
        if name == "exit-status":
            (self.exit_status,) = struct.unpack_from(">I", body, position + 1)
        elif name == "exit-signal":
            self.signal = _text(body, position + 1)
        if wants_reply:  # as OpenSSH's keepalives do, and end the connection without one
            if len(self.outbox) > _LONGEST:
                raise ProtocolError("requests without end, and no answer is taken")
            self.outbox += _message(_FAILURE, self._to())

    def _give_window(self, count: int) -> None:
        self._unread_window += count
        if self._unread_window >= WINDOW // 2 and not self.close_sent:
            self.outbox += _message(
                _WINDOW_ADJUST, struct.pack(">II", self._theirs, self._unread_window)
            )
            self._unread_window = 0

    def _request(self, name: bytes, body: bytes, *, reply: bool) -> None:
        self.outbox += _message(_REQUEST, self._to() + _string(name) + bytes([reply]) + body)

    def _to(self) -> bytes:
        return struct.pack(">I", self._theirs)


def _message(kind: int, body: bytes) -> bytes:
    return _HEADER.pack(len(body) + 2, 0, kind) + body


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _text(body: bytes, position: int) -> str:
    (length,) = struct.unpack_from(">I", body, position)
    return body[position + 4 : position + 4 + length].decode(errors="replace")
