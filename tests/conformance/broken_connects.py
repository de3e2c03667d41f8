"""Drivers that each break one rule of connecting, over the memory driver."""

from __future__ import annotations

import dataclasses
import os
import weakref
from typing import ClassVar

from breaking import breaks
from channel_drivers import over

from ncwire.driver import Deadline, Feature
from ncwire.errors import TransportError
from ncwire.testing.memory import MemoryChannel, MemoryDriver


@breaks("open.class")
class NamesNoLibrary(MemoryDriver):
    """library() names none."""

    contract = (1, 0)

    @classmethod
    def library(cls):
        return ""


@breaks("open.failed-leaves-nothing")
class LeaksOnFailure(MemoryDriver):
    """A connect that fails leaves fds."""

    contract = (1, 0)

    def connect(self, options, deadline):
        try:
            return super().connect(options, deadline)
        except TransportError:
            os.pipe()
            raise


@breaks("open.connect-deadline", "open.failed-leaves-nothing")
class IgnoresTheDeadline(MemoryDriver):
    """connect takes all the time that it likes."""

    contract = (1, 0)

    def connect(self, options, deadline):
        return super().connect(options, Deadline.after(3600, "connect"))


@breaks("open.connect-deadline")
class WrongErrorAtTheDeadline(MemoryDriver):
    """What comes at the deadline is not StepTimeoutError."""

    contract = (1, 0)

    def connect(self, options, deadline):
        try:
            return super().connect(options, deadline)
        except TimeoutError as error:
            raise TransportError("it took too long") from error


@breaks("open.unreachable")
class WaitsForThePort(MemoryDriver):
    """A port that nobody listens on is tried until the deadline."""

    contract = (1, 0)

    def connect(self, options, deadline):
        while True:
            try:
                return super().connect(options, deadline)
            except TimeoutError:
                raise
            except TransportError:
                if self._aborted or options.host != "127.0.0.1":
                    raise
                deadline.remaining()


@breaks("open.unreachable", "errors.only-ours")
class RawConnectErrors(MemoryDriver):
    """connect raises the library's errors as they are."""

    contract = (1, 0)

    def connect(self, options, deadline):
        try:
            return super().connect(options, deadline)
        except TransportError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            raise


@breaks("open.abort")
class AbortDoesNothing(MemoryDriver):
    """abort is not heard by a connect under way."""

    contract = (1, 0)

    def abort(self):
        pass


@breaks("open.abort-is-idempotent")
class AbortRaisesTheSecondTime(MemoryDriver):
    """A second abort raises."""

    contract = (1, 0)

    def abort(self):
        if self._aborted:
            raise TransportError("aborted before") from OSError(9, "bad fd")
        super().abort()


@breaks("open.socket")
class IgnoresTheSocket(MemoryDriver):
    """options.sock is not looked at, though the feature is declared."""

    contract = (1, 0)

    def connect(self, options, deadline):
        return super().connect(dataclasses.replace(options, sock=None), deadline)


@breaks("open.bind-address")
class IgnoresTheBindAddress(MemoryDriver):
    """options.bind_addr is not looked at, though the feature is declared."""

    contract = (1, 0)

    def connect(self, options, deadline):
        return super().connect(dataclasses.replace(options, bind_addr=None), deadline)


@breaks("open.connects")
class LosesTheFirstBytes(MemoryDriver):
    """The first bytes of a connection are lost."""

    contract = (1, 0)

    def connect(self, options, deadline):
        return _LosesTheFirst(super().connect(options, deadline).native)


class _LosesTheFirst(MemoryChannel):
    first = True

    def write(self, data):
        if self.first and bytes(data[:3]) == b"to ":
            self.first = False
            return len(data)
        return super().write(data)


@breaks("threads.independent")
class OneForAll(MemoryDriver):
    """All connections of a process are freed together."""

    contract = (1, 0)
    channels: ClassVar[weakref.WeakSet] = weakref.WeakSet()

    def connect(self, options, deadline):
        channel = _FreesAll(super().connect(options, deadline).native)
        channel.others = self.channels
        self.channels.add(channel)
        return channel


class _FreesAll(MemoryChannel):
    def abort(self):
        for channel in list(self.others):
            MemoryChannel.abort(channel)
        self.others.clear()


@breaks("keepalive.sent", "keepalive.heard")
class DeclaresWhatItHasNot(MemoryDriver):
    """KEEPALIVE is declared, and keepalive does nothing."""

    contract = (1, 0)
    features = MemoryDriver.features | {Feature.KEEPALIVE}

    def connect(self, options, deadline):
        return _NoKeepalive(super().connect(options, deadline).native)


class _NoKeepalive(MemoryChannel):
    def keepalive(self):
        pass


@breaks("open.info")
class NoInfo(MemoryChannel):
    """It does not say what it is."""

    def __init__(self, sock):
        super().__init__(sock)
        self.info = None


NoInfoDriver = over(NoInfo)
