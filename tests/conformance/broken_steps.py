"""SSH drivers that each break one rule of a step, or go another way to the host."""

from __future__ import annotations

import dataclasses

from breaking import breaks
from ssh_drivers import Broken, untimed

from ncwire._ssh.connecting import connecting
from ncwire.driver import Driver
from ncwire.errors import ChannelError, HandshakeError, SSHError
from ncwire_paramiko import ParamikoDriver


@breaks("open.handshake-deadline", "open.dripping-peer", "open.failed-leaves-nothing")
class HandshakeWithoutDeadline(Broken):
    """handshake takes all the time that it likes."""

    contract = (1, 0)
    handshake = untimed("handshake")


@breaks("open.auth-deadline", "auth.agent-deadline")
class AuthenticatesWithoutDeadline(Broken):
    """authenticate takes all the time that it likes."""

    contract = (1, 0)
    authenticate = untimed("authenticate")


@breaks("open.channel-deadline")
class OpensWithoutDeadline(Broken):
    """open_channel takes all the time that it likes."""

    contract = (1, 0)
    open_channel = untimed("open_channel")


@breaks("open.no-common-algorithm")
class RawHandshakeErrors(Broken):
    """handshake raises what is no HandshakeError."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        try:
            return super().handshake(sock, algorithms, deadline)
        except HandshakeError as error:
            raise SSHError(str(error)) from error


@breaks("open.environment")
class ForgetsTheEnvironment(Broken):
    """The environment is not sent."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        return super().open_channel(request, {}, deadline)


@breaks("open.exec", "open.command")
class SubsystemsOnly(Broken):
    """Every request is taken for a subsystem."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        return super().open_channel(
            dataclasses.replace(request, kind="subsystem"), environment, deadline
        )


@breaks(
    "open.subsystem-refused",
    "open.subsystem-fallback",
    "open.subsystem-same-connection",
    "open.command",
)
class RefusalIsFatal(Broken):
    """A refused subsystem is the connection's end."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        try:
            return super().open_channel(request, environment, deadline)
        except ChannelError as error:
            raise SSHError(str(error)) from error


@breaks("open.server-version")
class InventsTheVersion(Broken):
    """info has a text for the server's version that is not the server's."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        channel = super().open_channel(request, environment, deadline)
        channel.info = dataclasses.replace(channel.info, server_version="unknown")
        return channel


@breaks("open.address-family", "open.proxy-command", "open.jumps")
class GoesItsOwnWay(Driver):
    """A driver that connects by itself, and dials the host whatever the options say."""

    name = "goes-its-own-way"
    contract = (1, 0)
    features = ParamikoDriver.features

    def __init__(self):
        self.inner = ParamikoDriver()

    @classmethod
    def library(cls):
        return ParamikoDriver.library()

    def connect(self, options, deadline):
        own = dataclasses.replace(options, address_family=None, proxy_command=None, jumps=())
        return connecting(self.inner, own, deadline).run()

    def abort(self):
        self.inner.abort()
