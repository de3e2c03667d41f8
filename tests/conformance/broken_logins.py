"""SSH drivers that each break one rule of what other servers, agents and people do."""

from __future__ import annotations

import dataclasses
import functools
import time
from pathlib import Path
from unittest import mock

import paramiko
from breaking import breaks
from ssh_drivers import Around, Broken, untimed

from ncwire.driver import (
    AgentAttempt,
    AuthOutcome,
    AuthResult,
    Deadline,
    InteractiveAttempt,
)
from ncwire.driver.rules import RULES
from ncwire.errors import ChannelError, DisconnectError, PasswordExpiredError, SSHError
from ncwire_paramiko import limits
from ncwire_paramiko.connection import Connection

MANY = 1000
"""More extensions than any server has."""
BRIEFLY = 0.5
"""Seconds in which every program answers, and no person does."""


@breaks("auth.service-once", *(rule for rule in RULES if rule.startswith("makes.")))
class AsksForTheServiceEachTime(Broken):
    """The service is asked for before each attempt, as paramiko by itself does."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        key = super().handshake(sock, algorithms, deadline)
        connection = self._connection
        unchanged = paramiko.Transport._send_message  # noqa: SLF001 - which the driver replaces
        connection._send_message = functools.partial(unchanged, connection)  # noqa: SLF001
        return key


@breaks("open.hostile-extensions")
class GoesThroughAllExtensions(Broken):
    """As many extensions are looked for as the server says that there are."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        # For good: the message comes when the handshake may be over. The process is this driver's.
        mock.patch.object(limits, "check_count").start()
        with mock.patch.object(Connection, "_parse_ext_info", go_through):
            return super().handshake(sock, algorithms, deadline)


def go_through(connection, message):
    """Be as long at it as paramiko 5.1."""
    while message.get_int() > MANY:
        time.sleep(1)
        message.rewind()


@breaks("auth.password-expired")
class ExpiryIsDenial(Broken):
    """An expired password is told as a wrong one."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        try:
            return super().authenticate(attempt, deadline)
        except PasswordExpiredError:
            return AuthOutcome(AuthResult.DENIED, frozenset({"password"}))


@breaks("auth.disconnect-is-told")
class DisconnectIsABreak(Broken):
    """That the server has ended the connection by saying so is told as a fault on the way."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        try:
            return super().authenticate(attempt, deadline)
        except DisconnectError as error:
            raise SSHError(str(error)) from error


@breaks("auth.agent-deadline")
class AgentWithoutDeadline(Broken):
    """agent_identities takes all the time that it likes."""

    contract = (1, 0)
    agent_identities = untimed("agent_identities")


@breaks("auth.agent-security-key")
class LeavesOutSecurityKeys(Broken):
    """Keys of security devices are not used, though the feature is declared."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        if isinstance(attempt, AgentAttempt) and attempt.identity.key_type.startswith("sk-"):
            return AuthOutcome(AuthResult.DENIED, frozenset({"publickey"}))
        return super().authenticate(attempt, deadline)


@breaks("auth.interactive-person")
class HurriesThePerson(Broken):
    """Whoever answers prompts has the time that a server would have."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        if isinstance(attempt, InteractiveAttempt):
            deadline = Deadline.after(BRIEFLY, "SSH authentication", within=deadline)
        return super().authenticate(attempt, deadline)


@breaks("open.no-user-config")
class ReadsTheUsersConfig(Broken):
    """The user's ssh_config has a say in who logs in."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        path = Path("~/.ssh/config").expanduser()
        if path.exists():
            found = paramiko.SSHConfig.from_path(path).lookup("127.0.0.1")
            attempt = dataclasses.replace(attempt, username=found.get("user", attempt.username))
        return super().authenticate(attempt, deadline)


@breaks("open.compression")
class CompressesNothing(Broken):
    """COMPRESSION is declared, and nothing is compressed."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        plain = dataclasses.replace(algorithms, compression=("none",))
        return super().handshake(sock, plain, deadline)


@breaks("open.info-is-true")
class InfoIsAGuess(Broken):
    """info has what is usual, not what was agreed on."""

    contract = (1, 0)

    class Channel(Around):
        def __init__(self, inner):
            super().__init__(inner)
            self.info = dataclasses.replace(inner.info, cipher="aes128-gcm@openssh.com", mac="")


@breaks("errors.broken-is-no-refusal")
class BreakIsARefusal(Broken):
    """That the connection broke is told as the server's refusal."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        try:
            return super().open_channel(request, environment, deadline)
        except SSHError as error:
            raise ChannelError(str(error)) from error


@breaks("io.last-words")
class DropsStderr(Broken):
    """Of what the server says before it goes nothing is kept."""

    contract = (1, 0)

    class Channel(Around):
        def last_words(self):
            return dataclasses.replace(super().last_words(), stderr=b"")


@breaks("io.last-words")
class ExitStatusOutOfNothing(Broken):
    """An exit status is told that did not come."""

    contract = (1, 0)

    class Channel(Around):
        def last_words(self):
            return dataclasses.replace(super().last_words(), exit_status=0)


@breaks("close.finish-leaves-time")
class ClosesRightAfterTheEnd(Broken):
    """The channel's end is followed by its close before the peer can be done."""

    contract = (1, 0)

    class Channel(Around):
        finish_at = None

        def finish(self):
            finished = super().finish()
            now = time.monotonic()
            self.finish_at = self.finish_at or now + BRIEFLY
            if now >= self.finish_at:
                self.inner._channel.close()  # noqa: SLF001 - what the driver's own does later
            return finished

        def wants(self):
            wait = super().wants()
            return (
                wait
                if self.finish_at is None
                else dataclasses.replace(
                    wait, until=min(self.finish_at, wait.until or self.finish_at)
                )
            )
