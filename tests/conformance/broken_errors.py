"""Channels that each break a rule of what is raised."""

from __future__ import annotations

from breaking import breaks
from channel_drivers import drivers_of

from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel


@breaks("errors.reset", "errors.cause")
class ResetIsAnEnd(MemoryChannel):
    """A connection that breaks looks like one that has ended."""

    def read(self, size):
        try:
            return super().read(size)
        except TransportError:
            if self._sock.fileno() < 0:
                raise
            return b""


@breaks("errors.reset", "errors.cause", "errors.after-close")
class RawReadErrors(MemoryChannel):
    """read raises the library's errors as they are."""

    def read(self, size):
        try:
            return super().read(size)
        except TransportError as error:
            raise error.__cause__ from None


@breaks("errors.write", "errors.after-close")
class RawWriteErrors(MemoryChannel):
    """write raises the library's errors as they are."""

    def write(self, data):
        try:
            return super().write(data)
        except TransportError as error:
            raise error.__cause__ from None


@breaks("errors.cause")
class NoCause(MemoryChannel):
    """Errors are ours, but not raised from the library's."""

    def read(self, size):
        try:
            return super().read(size)
        except TransportError as error:
            raise TransportError(str(error)) from None


@breaks("errors.after-close")
class ReadsNothingAfterClose(MemoryChannel):
    """After close, read returns b"" for ever."""

    def read(self, size):
        return super().read(size) if self._sock.fileno() >= 0 else b""


globals().update(drivers_of(vars()))
