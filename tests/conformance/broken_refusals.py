"""SSH drivers that make something else of a refusal than what it is, over the paramiko driver."""

from __future__ import annotations

from unittest import mock

import paramiko
from breaking import breaks
from paramiko.common import cMSG_CHANNEL_REQUEST
from paramiko.ssh_exception import IncompatiblePeer
from ssh_drivers import Broken

from ncwire.driver import AuthResult, InteractiveAttempt, PublicKeyAttempt
from ncwire.errors import HandshakeError, SSHError, StepTimeoutError


def failing(kind):
    class Failing(Broken):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            outcome = super().authenticate(attempt, deadline)
            if outcome.result is AuthResult.DENIED and isinstance(attempt, kind):
                raise SSHError("denied") from OSError("denied")
            return outcome

    return Failing


@breaks("auth.interactive-denied")
class DeniedAnswersAreAnError(failing(InteractiveAttempt)):
    """Wrong answers are the connection's failure."""

    contract = (1, 0)


@breaks("auth.publickey-denied")
class DeniedKeysAreAnError(failing(PublicKeyAttempt)):
    """A key that the server does not know is the connection's failure."""

    contract = (1, 0)


@breaks("open.hung-up", "open.not-ssh")
class EveryFailureIsATimeout(Broken):
    """A peer that cannot shake hands is said to have been late."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        try:
            return super().handshake(sock, algorithms, deadline)
        except HandshakeError as error:
            if isinstance(error.__cause__, IncompatiblePeer):
                raise
            raise StepTimeoutError("SSH handshake", 1.0) from error


@breaks("open.environment-refused")
class InsistsOnTheEnvironment(Broken):
    """A variable that the server refuses is an error."""

    contract = (1, 0)

    def open_channel(self, request, environment, deadline):
        with mock.patch.object(paramiko.Channel, "set_environment_variable", insist):
            return super().open_channel(request, environment, deadline)


def insist(channel, name, value):
    """Set a variable and want a reply, which paramiko's own does not."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("env")
    message.add_boolean(True)
    message.add_string(name)
    message.add_string(value)
    channel._event_pending()  # noqa: SLF001 - as its own methods that want a reply
    channel.transport._send_user_message(message)  # noqa: SLF001
    channel._wait_for_event()  # noqa: SLF001
