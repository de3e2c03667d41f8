"""One connection that the fault proxy forwards, and what may become of what passes."""

from __future__ import annotations

import enum
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ncwire.testing.plaintext import Bytes, Messages

_SLICE = 1 << 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Side(enum.Enum):
    """Whose bytes are meant."""

    SERVER = "server"
    CLIENT = "client"


def nothing() -> None:
    """Do nothing more."""


class Pace(NamedTuple):
    """How many bytes pass at once, and how many seconds pass after them."""

    size: int
    pause: float


class Change(NamedTuple):
    """What becomes of some bytes, and what happens after them."""

    of: Callable[[bytes], bytes]
    then: Callable[[], object]


class Trigger:
    """What is to happen on each connection, and when."""

    def __init__(
        self, counter: Callable[[], Bytes | Messages], fault: Callable[[], object]
    ) -> None:
        self.counter = counter
        self.fault = fault


class Lane:
    """One direction of one connection: whether its bytes pass, how many at once, and changed how.

    It belongs to the thread that forwards, but for `change`, which others set while nothing is
    under way.
    """

    def __init__(
        self,
        flowing: threading.Event,
        pace: Callable[[], Pace | None],
        closing: threading.Event,
        trigger: Trigger | None = None,
    ) -> None:
        self.change: Change | None = None
        """What is to be done to what comes next, or to the message that ends at `place`."""
        self.place: Messages | None = None
        self._held = b""
        """What has come of a line or message that may be the one to change."""
        self._flowing = flowing
        self._counter = trigger.counter() if trigger else None
        self._fault = trigger.fault if trigger else None
        self._pace = pace
        self._closing = closing

    def changed(self, data: bytes) -> Iterator[tuple[bytes, Callable[[], object]]]:
        """Yield what is to pass for `data`, in parts, and what to do after each."""
        while data and self.change is not None and self.place is not None:
            size = self.place.admits(data)
            self.place.count(data[:size])
            self._held, data = self._held + data[:size], data[size:]
            if self.place.reached:
                yield self._struck(self._take_held())
            elif self.place.between:
                yield self._take_held(), nothing
        if data and self.change is not None and self.place is None:
            yield self._struck(data)
        elif data:
            yield data, nothing

    def _struck(self, data: bytes) -> tuple[bytes, Callable[[], object]]:
        change, self.change = self.change, None
        return (data, nothing) if change is None else (change.of(data), change.then)

    def _take_held(self) -> bytes:
        held, self._held = self._held, b""
        return held

    def portion(self, data: bytes) -> bytes:
        """Return what of `data` passes next, once something does."""
        self._flowing.wait()
        if pace := self._pace():
            return data[: pace.size]
        return data if self._counter is None else data[: self._counter.admits(data)]

    def passed(self, portion: bytes) -> None:
        """Do what comes after these bytes have passed."""
        if self._counter is not None and self._fault is not None:
            self._counter.count(portion)
            if self._counter.reached:
                self._counter = None
                self._fault()
        if pace := self._pace():
            self._closing.wait(pace.pause)


class Link:
    """One connection that is forwarded."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        client_address: str,
        lanes: dict[Side, Lane],
        spoken: threading.Event,
    ) -> None:
        self.client_address = client_address
        self.lanes = lanes
        self.sent = 0
        self.answered = 0
        self._client = client
        self._server = server
        self._spoken = spoken
        self._resetting = False
        self._cutting = False
        self._client_ended = False
        """Whether what comes from the client goes nowhere."""
        for sock in (client, server):
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._down = threading.Thread(target=self._forward_down, name="fault proxy", daemon=True)
        self._up = threading.Thread(target=self._forward_up, name="fault proxy", daemon=True)
        self._down.start()
        self._up.start()

    @property
    def alive(self) -> bool:
        """Whether it has not ended for both sides."""
        return self._up.is_alive()

    @property
    def flows_down(self) -> bool:
        """Whether the client may yet be sent something of the server's."""
        return self._down.is_alive()

    def hang_up(self) -> None:
        """See `FaultProxy.hang_up`."""
        # What has been received is read first, then the end: so `_forward_down` finds it.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RD)

    def cut(self) -> None:
        """See `FaultProxy.cut`."""
        self._cutting = True
        self.hang_up()

    def sever(self) -> None:
        """See `FaultProxy.sever`."""
        self._cutting = True
        self.shut_down()

    def end_client(self) -> None:
        """See `FaultProxy.end_client`."""
        self._client_ended = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """See `FaultProxy.reset`."""
        self._resetting = True
        with suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            # It sends nothing, and wakes the thread that closes.
            self._client.shutdown(socket.SHUT_RD)

    def shut_down(self) -> None:
        """End it for both sides."""
        for sock in (self._client, self._server):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def ends_by(self, until: float) -> bool:
        """Return whether it has ended, or does by then (`time.monotonic`)."""
        self._up.join(max(0.0, until - time.monotonic()))
        return not self.alive

    def join(self) -> None:
        """Wait for its end."""
        self._up.join()

    def _forward_up(self) -> None:
        # Also when the client has vanished: the server is to notice.
        end = socket.SHUT_RDWR
        with suppress(OSError):
            # What has come before a reset stays unread: on a Unix socket that is what tells of it.
            while not self._resetting and (data := self._client.recv(_SLICE)):
                self.sent += len(data)
                self._spoken.set()
                self._pass_up(data)
            if not self._resetting:
                # A socket that is shut both ways answers what comes with a reset, and with that
                # drops what it was given to send: the client's last bytes, where a server speaks
                # while it reads.
                end = socket.SHUT_WR
        with suppress(OSError):
            self._server.shutdown(end)
        self._down.join()
        self._client.close()
        self._server.close()

    def _forward_down(self) -> None:
        with suppress(OSError):
            while not self._cutting and (data := self._said()):
                self._pass_down(data)
            if not self._resetting:
                self._client.shutdown(socket.SHUT_WR)
        # The client is gone, or is to hear no more; a reset would take from the server what is
        # on its way to it.
        with suppress(OSError):
            while self._server.recv(_SLICE):
                pass

    def _said(self) -> bytes:
        try:
            return self._server.recv(_SLICE)
        except ConnectionResetError:
            # So does a server that closes with something unread; the client is to see the same.
            self.reset()
            return b""

    def _pass_up(self, data: bytes) -> None:
        lane = self.lanes[Side.CLIENT]
        for changed, then in lane.changed(data):
            part = changed
            while part:
                portion = lane.portion(part)
                if not self._client_ended:
                    self._server.sendall(portion)
                lane.passed(portion)
                part = part[len(portion) :]
            then()

    def _pass_down(self, data: bytes) -> None:
        lane = self.lanes[Side.SERVER]
        for changed, then in lane.changed(data):
            part = changed
            while part:
                portion = lane.portion(part)
                if self._resetting or self._cutting:
                    return
                self._client.sendall(portion)
                self.answered += len(portion)
                lane.passed(portion)
                part = part[len(portion) :]
            then()
