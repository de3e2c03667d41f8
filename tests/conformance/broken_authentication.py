"""SSH drivers that each break one rule of authentication."""

from __future__ import annotations

import dataclasses
import logging

from breaking import breaks
from ssh_drivers import Broken

from ncwire.driver import (
    AgentAttempt,
    AuthOutcome,
    AuthResult,
    InteractiveAttempt,
    PasswordAttempt,
    Prompt,
    PublicKeyAttempt,
)
from ncwire.errors import SSHError, StepTimeoutError


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
