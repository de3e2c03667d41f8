"""An SSH server made with Twisted Conch, as it comes.

Run as a program by `servers.python_server`. It has one user, two ways to log in (Conch's server
knows no keyboard-interactive) and the subsystem "netconf", which is a program of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from twisted.conch.avatar import ConchUser
from twisted.conch.checkers import InMemorySSHKeyDB, SSHPublicKeyChecker, readAuthorizedKeyFile
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.session import SSHSession
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.protocol import ProcessProtocol, Protocol
from twisted.python import log
from zope.interface import implementer


class Subsystem(Protocol):
    """Has a program answer; its transport is the channel."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._program = None

    def connectionMade(self):  # noqa: N802 - Twisted's name
        bridge = Bridge(self.transport)
        self._program = reactor.spawnProcess(bridge, self._command[0], self._command)

    def dataReceived(self, data):  # noqa: N802 - Twisted's name
        self._program.write(data)

    def connectionLost(self, reason=None):  # noqa: N802 - Twisted's name
        self._program.closeStdin()


class Bridge(ProcessProtocol):
    """Gives the channel what the program says."""

    def __init__(self, channel) -> None:
        self._channel = channel

    def outReceived(self, data):  # noqa: N802 - Twisted's name
        self._channel.write(data)

    def processEnded(self, reason):  # noqa: N802 - Twisted's name
        self._channel.loseConnection()


@implementer(IRealm)
class Realm:
    def __init__(self, command: list[str]) -> None:
        self._command = command

    def requestAvatar(self, avatar_id, mind, *interfaces):  # noqa: N802 - Twisted's name
        user = ConchUser()
        user.channelLookup[b"session"] = SSHSession
        user.subsystemLookup[b"netconf"] = lambda _data, avatar: Subsystem(self._command)
        return IConchUser, user, lambda: None


def serve(options: argparse.Namespace) -> None:
    user = options.user.encode()
    with Path(options.authorized_keys).open("rb") as keys:
        allowed = InMemorySSHKeyDB({user: list(readAuthorizedKeyFile(keys))})
    passwords = InMemoryUsernamePasswordDatabaseDontUse()
    passwords.addUser(user, options.password.encode())
    factory = SSHFactory()
    host_key = Key.fromFile(options.host_key)
    factory.publicKeys = factory.privateKeys = {host_key.sshType(): host_key}
    factory.portal = Portal(Realm(options.command), [passwords, SSHPublicKeyChecker(allowed)])
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    sys.stdout.write(f"listening on {port.getHost().port}\n")
    sys.stdout.flush()
    reactor.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("user", "password", "yes", "answer", "host-key", "authorized-keys"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("command", nargs="+", help="what the subsystem runs")
    log.startLogging(sys.stderr, setStdout=False)
    serve(parser.parse_args())
