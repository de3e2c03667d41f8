"""SSH drivers that each break one rule, over the paramiko driver."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time

from breaking import breaks

from ncwire._algorithms.public_keys import is_certificate
from ncwire._ssh.connecting import connecting
from ncwire._ssh.hostkeys.certificates import HostCertificate
from ncwire.driver import (
    AgentAttempt,
    AuthOutcome,
    AuthResult,
    Channel,
    Deadline,
    Driver,
    Feature,
    HostKey,
    InteractiveAttempt,
    PasswordAttempt,
    Prompt,
    PublicKeyAttempt,
)
from ncwire.errors import ChannelError, HandshakeError, SSHError, StepTimeoutError
from ncwire_paramiko import ParamikoDriver

PAUSE = 0.1
"""Seconds; a flood has no pause as long as that."""


class Around(Channel):
    """Another channel, but for what a subclass does otherwise."""

    def __init__(self, inner):
        self.inner = inner
        self.info = inner.info
        self.native = inner.native

    def fileno(self):
        return self.inner.fileno()

    def wants(self):
        return self.inner.wants()

    def read(self, size):
        return self.inner.read(size)

    def write(self, data):
        return self.inner.write(data)

    def tick(self, now):
        self.inner.tick(now)

    def heard(self):
        return self.inner.heard()

    def keepalive(self):
        self.inner.keepalive()

    def on_ready(self, wake):
        self.inner.on_ready(wake)

    def finish(self):
        return self.inner.finish()

    def last_words(self):
        return self.inner.last_words()

    def close(self):
        self.inner.close()

    def abort(self):
        self.inner.abort()


class Broken(ParamikoDriver):
    contract = (1, 0)
    Channel = staticmethod(lambda channel: channel)
    channel_is_sound = True
    """Whether the channel is paramiko's, with nothing of ours."""

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.channel_is_sound = cls.channel_is_sound and not {"Channel"} & vars(cls).keys()

    def open_channel(self, request, environment, deadline):
        return self.Channel(super().open_channel(request, environment, deadline))


# --- io and close ------------------------------------------------------------------------------


@breaks("io.bounded-service")
class ReadWaitsForAPause(Broken):
    """read goes on as long as anything at all comes from the server."""

    contract = (1, 0)

    class Channel(Around):
        def read(self, size):
            data, began, pause = super().read(size), time.monotonic(), PAUSE
            while data is None and time.monotonic() - self.heard() < pause:
                time.sleep(PAUSE / 10)
                if time.monotonic() - began > 5 * PAUSE:  # a flood, and on a busy machine it halts
                    pause = 20 * PAUSE
                data = super().read(size)
            return data


@breaks("close.finish-waits-for-peer")
class FinishWaitsForNobody(Broken):
    """finish sends the channel's end, and leaves it at that."""

    contract = (1, 0)

    class Channel(Around):
        def finish(self):
            super().finish()
            return True


@breaks("close.finish-waits-for-peer", "close.finish-leaves-time", "makes.finish")
class FinishCloses(Broken):
    """finish says all at once, the connection's end included."""

    contract = (1, 0)

    class Channel(Around):
        def finish(self):
            self.close()
            return False


# --- keepalive ---------------------------------------------------------------------------------


@breaks("keepalive.sent", "keepalive.heard", "makes.keepalive")
class KeepaliveDoesNothing(Broken):
    """keepalive sends nothing."""

    contract = (1, 0)

    class Channel(Around):
        def keepalive(self):
            pass


@breaks("keepalive.heard", "makes.keepalive")
class HeardIsConstant(Broken):
    """heard tells of the connection's beginning."""

    contract = (1, 0)

    class Channel(Around):
        def __init__(self, inner):
            super().__init__(inner)
            self.since = time.monotonic()

        def heard(self):
            return self.since


@breaks("keepalive.silence")
class HeardIsNow(Broken):
    """heard tells that the peer was heard right now."""

    contract = (1, 0)

    class Channel(Around):
        def heard(self):
            return time.monotonic()


@breaks("keepalive.does-not-block")
class KeepaliveWaitsForItsTurn(Broken):
    """keepalive waits until the write that is blocked has gone."""

    contract = (1, 0)

    class Channel(Around):
        blocked = False

        def write(self, data):
            taken = super().write(data)
            self.blocked = not taken
            return taken

        def keepalive(self):
            if self.blocked:
                threading.Event().wait(60)
            super().keepalive()


# --- bytes -------------------------------------------------------------------------------------


@breaks("io.stderr-does-not-starve", "io.last-words")
class LeavesStderr(Broken):
    """What comes on stderr stays where it is, and fills the window."""

    contract = (1, 0)

    class Channel(Around):
        def __init__(self, inner):
            super().__init__(inner)
            inner._channel.recv_stderr = lambda _size: b""  # noqa: SLF001 - the driver calls it


@breaks("io.rekey", "makes.rekey")
class EndsAtARekey(Broken):
    """When keys are exchanged anew, the connection is given up."""

    contract = (1, 0)

    class Channel(Around):
        def read(self, size):
            transport = self.inner.native
            if transport.session_id != transport.H:
                raise SSHError("the server wants other keys") from OSError("rekey")
            return super().read(size)


# --- authentication ----------------------------------------------------------------------------


@breaks("auth.password")
class PasswordsInLatin1(Broken):
    """What a password has beyond Latin-1 is replaced."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        if isinstance(attempt, PasswordAttempt):
            password = attempt.password.encode("latin-1", "replace").decode("latin-1")
            attempt = dataclasses.replace(attempt, password=password)
        return super().authenticate(attempt, deadline)


@breaks("auth.no-secret")
class LogsThePassword(Broken):
    """The password is logged."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        if isinstance(attempt, PasswordAttempt):
            logging.getLogger("broken").debug("trying %s", attempt.password)
        return super().authenticate(attempt, deadline)


@breaks("auth.none")
class ForgetsTheMethods(Broken):
    """What the server offers besides passwords and keys is not told."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        outcome = super().authenticate(attempt, deadline)
        if outcome.methods == {"publickey", "keyboard-interactive"}:
            return AuthOutcome(outcome.result, frozenset({"publickey"}))
        return outcome


@breaks(
    "auth.denied-is-an-outcome",
    "auth.password-is-not-prompted",
    "auth.password-denied",
    "auth.service-once",
    "auth.too-many",
)
class DenialIsAnError(Broken):
    """A denied attempt is an error."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        outcome = super().authenticate(attempt, deadline)
        if outcome.result is AuthResult.DENIED and isinstance(attempt, PasswordAttempt):
            raise SSHError("denied") from OSError("denied")
        return outcome


@breaks("auth.password-is-not-prompted")
class PromptsForThePassword(Broken):
    """Where passwords are not taken, prompts are answered with the password."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        outcome = super().authenticate(attempt, deadline)
        if isinstance(attempt, PasswordAttempt) and outcome.methods == {"keyboard-interactive"}:
            prompts = InteractiveAttempt(
                attempt.username, lambda _title, _text, asked: [attempt.password] * len(asked)
            )
            return super().authenticate(prompts, deadline)
        return outcome


def refusing(*kinds):
    class Refusing(Broken):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            if isinstance(attempt, PublicKeyAttempt) and attempt.key_type in kinds:
                return AuthOutcome(AuthResult.DENIED, frozenset({"publickey"}))
            return super().authenticate(attempt, deadline)

    return Refusing


@breaks("auth.publickey-ecdsa")
class KnowsOneCurve(refusing("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")):
    """ECDSA keys of two curves are not tried."""

    contract = (1, 0)


@breaks("auth.publickey-rsa")
class KnowsNoRSA(refusing("ssh-rsa")):
    """RSA keys are not tried."""

    contract = (1, 0)


@breaks(
    "auth.publickey-ed25519",
    "auth.certificate",
    "auth.partial",
    "auth.partial-outcome",
    "makes.publickey",
)
class KnowsNoEd25519(refusing("ssh-ed25519")):
    """Ed25519 keys are not tried."""

    contract = (1, 0)


@breaks("auth.agent", "auth.agent-deadline", "auth.agent-security-key")
class AgentCannotSign(Broken):
    """The agent's keys are listed, and not used."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        certified = isinstance(attempt, AgentAttempt) and (
            attempt.certificate or "-cert-" in attempt.identity.key_type
        )
        if isinstance(attempt, AgentAttempt) and not certified:
            return AuthOutcome(AuthResult.DENIED, frozenset({"publickey"}))
        return super().authenticate(attempt, deadline)


@breaks("auth.agent-identities")
class AgentBackwards(Broken):
    """The agent's keys are listed in the wrong order."""

    contract = (1, 0)

    def agent_identities(self, agent, deadline):
        return list(super().agent_identities(agent, deadline))[::-1]


@breaks("auth.agent-absent")
class AgentNeeded(Broken):
    """That there is no agent is an error."""

    contract = (1, 0)

    def agent_identities(self, agent, deadline):
        found = super().agent_identities(agent, deadline)
        if not found:
            raise SSHError("no agent") from OSError("no agent")
        return found


@breaks("auth.certificate")
class PresentsNoCertificate(Broken):
    """The key is presented in place of its certificate."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        if isinstance(attempt, PublicKeyAttempt):
            attempt = dataclasses.replace(attempt, certificate=None)
        return super().authenticate(attempt, deadline)


@breaks("auth.agent-certificate")
class PresentsNoCertificateOfTheAgents(Broken):
    """The agent's key is presented in place of its certificate."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        if isinstance(attempt, AgentAttempt):
            attempt = dataclasses.replace(attempt, certificate=None)
        return super().authenticate(attempt, deadline)


def answering(change):
    class Answering(Broken):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            if isinstance(attempt, InteractiveAttempt):
                attempt = InteractiveAttempt(attempt.username, change(attempt.answer))
            return super().authenticate(attempt, deadline)

    return Answering


def without_titles(answer):
    return lambda _title, _text, prompts: answer("", "", prompts)


def without_echo(answer):
    return lambda title, text, prompts: answer(title, text, [Prompt(p[0], False) for p in prompts])


def never_empty(answer):
    return lambda title, text, prompts: answer(title, text, prompts) if prompts else 1 / 0


@breaks("auth.interactive")
class NoTitles(answering(without_titles)):
    """Title and instruction do not reach the handler."""

    contract = (1, 0)


@breaks("auth.interactive-echo")
class NoEcho(answering(without_echo)):
    """Every prompt is said to ask for a secret."""

    contract = (1, 0)


@breaks("auth.interactive-no-prompts", "makes.interactive")
class NeverEmpty(answering(never_empty)):
    """A round without prompts is an error."""

    contract = (1, 0)


@breaks("auth.interactive-raises")
class SwallowsTheHandlersError(Broken):
    """What the handler raises becomes a denial."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        try:
            return super().authenticate(attempt, deadline)
        except RuntimeError:
            return AuthOutcome(AuthResult.DENIED, frozenset())


@breaks("auth.partial-outcome")
class PartialIsDenied(Broken):
    """A partial success is told as a denial."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        outcome = super().authenticate(attempt, deadline)
        if outcome.result is AuthResult.PARTIAL:
            return AuthOutcome(AuthResult.DENIED, outcome.methods)
        return outcome


@breaks("auth.too-many", "auth.disconnect-is-told")
class DisconnectIsDenial(Broken):
    """That the server has hung up is told as a denial."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        try:
            return super().authenticate(attempt, deadline)
        except StepTimeoutError:
            raise
        except SSHError:
            return AuthOutcome(AuthResult.DENIED, frozenset({"password"}))


# --- host keys and algorithms ------------------------------------------------------------------


@breaks("hostkey.as-presented")
class InventsTheType(Broken):
    """The type is the signature's algorithm, not the key's."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        key = super().handshake(sock, algorithms, deadline)
        return HostKey("rsa-sha2-512" if key.type == "ssh-rsa" else key.type, key.blob)


@breaks("hostkey.certificate-as-presented")
class DropsTheCertificate(Broken):
    """What is returned is the key in the certificate."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        key = super().handshake(sock, algorithms, deadline)
        return HostCertificate.read(key).key if is_certificate(key.type) else key


@breaks(
    "hostkey.only-offered",
    "hostkey.certificate-as-presented",
    "open.no-common-algorithm",
    "open.compression",
)
class OffersAllItHas(Broken):
    """The library's own preferences are offered."""

    contract = (1, 0)

    def handshake(self, sock, algorithms, deadline):
        offered = self.algorithms
        return super().handshake(
            sock, dataclasses.replace(offered, kex=offered.kex[::-1]), deadline
        )


@breaks(
    "hostkey.unknown-refused",
    "hostkey.changed-refused",
    "hostkey.revoked-refused",
    "hostkey.before-authentication",
    "open.failed-leaves-nothing",
)
class AcceptsAnyHost(Driver):
    """A driver that connects by itself, and verifies no host key."""

    name = "accepts-any-host"
    contract = (1, 0)
    features = ParamikoDriver.features - {Feature.HOST_KEY}

    def __init__(self):
        self.inner = ParamikoDriver()

    @classmethod
    def library(cls):
        return ParamikoDriver.library()

    def connect(self, options, deadline):
        accepting = dataclasses.replace(options, hostkey_verify=False, known_hosts=())
        return connecting(self.inner, accepting, deadline).run()

    def abort(self):
        self.inner.abort()


# --- steps -------------------------------------------------------------------------------------


def untimed(step):
    def run(self, *arguments):
        *others, _ = arguments
        return getattr(ParamikoDriver, step)(self, *others, Deadline.after(3600, step))

    return run


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


# --- the way to the host -----------------------------------------------------------------------


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


@breaks("tunnel.target", "tunnel.carries", "tunnel.frees", "open.jumps")
class TunnelsElsewhere(Broken):
    """The server is asked for another port."""

    contract = (1, 0)

    def open_tunnel(self, host, port, deadline):
        return super().open_tunnel(host, port + 1, deadline)


@breaks("tunnel.carries")
class TunnelLosesTheLast(Broken):
    """A tunnel's end comes before what was sent last."""

    contract = (1, 0)

    class Lossy(Around):
        def read(self, size):
            data = super().read(size)
            return b"" if data == b"the last" else data

    def open_tunnel(self, host, port, deadline):
        return self.Lossy(super().open_tunnel(host, port, deadline))


@breaks("tunnel.refused")
class RawTunnelErrors(Broken):
    """A tunnel that the server refuses is told as a connection that failed."""

    contract = (1, 0)

    def open_tunnel(self, host, port, deadline):
        try:
            return super().open_tunnel(host, port, deadline)
        except ChannelError as error:
            raise SSHError(str(error)) from error


@breaks("tunnel.deadline")
class TunnelsWithoutDeadline(Broken):
    """open_tunnel takes all the time that it likes."""

    contract = (1, 0)
    open_tunnel = untimed("open_tunnel")


@breaks("tunnel.frees")
class TunnelKeepsTheConnection(Broken):
    """A tunnel's end is not the connection's."""

    contract = (1, 0)

    class Kept(Around):
        def close(self):
            pass

        def abort(self):
            pass

    def open_tunnel(self, host, port, deadline):
        return self.Kept(super().open_tunnel(host, port, deadline))
