"""Authentication: each method, its denial, and no secret where it does not belong."""

# ruff: noqa: D103, S101 - each test's rule says what it is for

from __future__ import annotations

import logging
import threading
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from ncwire.driver import AgentAttempt, AuthResult, Feature, NoneAttempt, PasswordAttempt, Timeouts
from ncwire.errors import (
    AuthenticationError,
    DisconnectError,
    PasswordExpiredError,
    SSHError,
    StepTimeoutError,
)
from ncwire.testing.conformance.agent import REQUEST_IDENTITIES, SIGN_REQUEST, Agent
from ncwire.testing.conformance.host import PASSWORD, USERNAME
from ncwire.testing.conformance.keys import ECDSA, KeyPair, write_certificate
from ncwire.testing.conformance.login import Round, ScriptedLogin
from ncwire.testing.conformance.marking import rule
from ncwire.testing.conformance.security_key import SecurityKey
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import AuthOutcome, SSHDriver
    from ncwire.testing.conformance.agent import Signer
    from ncwire.testing.conformance.host import SSHHost
    from ncwire.testing.conformance.rig import Rig

WRONG = "wrong-9c41"
FOREIGN = "пароль-密碼-ä"
ROUNDS = (
    Round("One", "Tell us", (("Name: ", True), ("Password: ", False)), ("ada", "lövelace")),
    Round("Two", "And once more", (("Code: ", False),), ("123456",)),
)
_SLOWLY = 1.5
"""How many times an attempt's budget a person takes to answer."""
NO_PROMPTS = Round("Notice", "Nothing is asked", (), ())


@rule("auth.none")
def test_auth_none(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(auth_methods=("publickey", "keyboard-interactive"))
    driver, _ = ncwire_rig.shaken_hands(host)
    outcome = driver.authenticate(NoneAttempt(USERNAME), ncwire_rig.soon())
    assert outcome.result is AuthResult.DENIED
    assert outcome.methods == {"publickey", "keyboard-interactive"}


@rule("auth.password")
def test_auth_password(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(auth_methods=("password",), password=FOREIGN)
    _, end = ncwire_rig.open(host, password=FOREIGN, key_filename=())
    assert end.stream.info.username == USERNAME


@rule("auth.service-once")
def test_auth_service_once(ncwire_rig: Rig) -> None:
    login = ScriptedLogin.of(one_service=True)
    host = ncwire_rig.ssh_host(login=login)
    driver, _ = ncwire_rig.shaken_hands(host)
    driver.authenticate(NoneAttempt(USERNAME), ncwire_rig.soon())
    outcome = driver.authenticate(PasswordAttempt(USERNAME, WRONG), ncwire_rig.soon())
    assert outcome.result in (AuthResult.DENIED, AuthResult.UNCLEAR)
    outcome = driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), ncwire_rig.soon())
    assert outcome.result is AuthResult.SUCCESS
    assert len(login.service_requests) == 1


@rule("auth.password-denied")
def test_auth_password_denied(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(auth_methods=("password",))
    options = ncwire_rig.options(host, password=WRONG, key_filename=())
    assert isinstance(ncwire_rig.failure(options), AuthenticationError)


@rule("auth.password-expired")
def test_auth_password_expired(ncwire_rig: Rig) -> None:
    login = ScriptedLogin.of(password_expired=True)
    host = ncwire_rig.ssh_host(auth_methods=("password",), login=login)
    options = ncwire_rig.options(host, password=PASSWORD, key_filename=())
    assert isinstance(ncwire_rig.failure(options), PasswordExpiredError)


@rule("auth.denied-is-an-outcome")
def test_auth_denied_is_an_outcome(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(auth_methods=("publickey", "password"))
    driver, _ = ncwire_rig.shaken_hands(host)
    outcome = driver.authenticate(PasswordAttempt(USERNAME, WRONG), ncwire_rig.soon())
    assert outcome.result in (AuthResult.DENIED, AuthResult.UNCLEAR)
    assert _left(ncwire_rig, driver, outcome) == {"publickey", "password"}
    outcome = driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), ncwire_rig.soon())
    assert outcome.result is AuthResult.SUCCESS


@rule("auth.password-is-not-prompted")
def test_auth_password_is_not_prompted(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(auth_methods=("keyboard-interactive",))
    driver, _ = ncwire_rig.shaken_hands(host)
    outcome = driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), ncwire_rig.soon())
    assert outcome.result in (AuthResult.DENIED, AuthResult.UNCLEAR)


@rule("auth.publickey-ed25519")
def test_auth_publickey_ed25519(ncwire_rig: Rig) -> None:
    _lets_in(ncwire_rig, "ssh-ed25519")


@rule("auth.publickey-ecdsa")
@pytest.mark.parametrize("kind", ECDSA)
def test_auth_publickey_ecdsa(ncwire_rig: Rig, kind: str) -> None:
    _lets_in(ncwire_rig, kind)


@rule("auth.publickey-rsa")
def test_auth_publickey_rsa(ncwire_rig: Rig) -> None:
    _lets_in(ncwire_rig, "ssh-rsa")


@rule("auth.publickey-denied")
def test_auth_publickey_denied(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(auth_methods=("publickey",))
    stranger = KeyPair.generate().write(ncwire_rig.folder)
    options = ncwire_rig.options(host, key_filename=(stranger,), password=None)
    assert isinstance(ncwire_rig.failure(options), AuthenticationError)


@rule("auth.agent")
def test_auth_agent(ncwire_rig: Rig) -> None:
    key = KeyPair.generate()
    agent = _start_agent(ncwire_rig, [(KeyPair.generate(), "a stranger's"), (key, "ours")])
    host = ncwire_rig.ssh_host(auth_methods=("publickey",), authorized_keys=(key.public,))
    _, end = ncwire_rig.open(
        host, allow_agent=True, identity_agent=agent, key_filename=(), password=None
    )
    assert end.stream.info.username == USERNAME


@rule("auth.agent-identities")
def test_auth_agent_identities(ncwire_rig: Rig) -> None:
    keys = [(KeyPair.generate(), "first"), (KeyPair.generate(), "second, with ü")]
    agent = _start_agent(ncwire_rig, keys)
    driver, _ = ncwire_rig.shaken_hands(ncwire_rig.ssh_host())
    listed = driver.agent_identities(agent, ncwire_rig.soon())
    assert [(each.key_type, each.blob, each.comment) for each in listed] == [
        (key.type, key.blob, comment) for key, comment in keys
    ]


@rule("auth.agent-absent")
def test_auth_agent_absent(ncwire_rig: Rig) -> None:
    driver, _ = ncwire_rig.shaken_hands(ncwire_rig.ssh_host())
    path = str(ncwire_rig.folder / "no such socket")
    assert list(driver.agent_identities(path, ncwire_rig.soon())) == []


@rule("auth.agent-deadline")
@pytest.mark.parametrize("request_", [REQUEST_IDENTITIES, SIGN_REQUEST], ids=["list", "sign"])
def test_auth_agent_deadline(ncwire_rig: Rig, request_: int) -> None:
    agent = _start_agent(ncwire_rig, [(ncwire_rig.key, "ours")], unanswered=(request_,))
    driver, _ = ncwire_rig.shaken_hands(ncwire_rig.ssh_host(auth_methods=("publickey",)))

    def use_the_agent() -> None:
        (identity,) = driver.agent_identities(agent, ncwire_rig.soon(ncwire_rig.short))
        driver.authenticate(
            AgentAttempt(USERNAME, identity, agent), ncwire_rig.soon(ncwire_rig.short)
        )

    with pytest.raises(StepTimeoutError):
        Task(use_the_agent, "the agent's use").result(ncwire_rig.patience)


@rule("auth.agent-security-key")
def test_auth_agent_security_key(ncwire_rig: Rig) -> None:
    key = SecurityKey()
    agent = _start_agent(ncwire_rig, [(key, "a token's")])
    host = ncwire_rig.ssh_host(
        auth_methods=("publickey",),
        authorized_keys=(key.public,),
        login=ScriptedLogin.of(security_keys=True),
    )
    _, end = ncwire_rig.open(
        host, allow_agent=True, identity_agent=agent, key_filename=(), password=None
    )
    assert end.stream.info.username == USERNAME


@rule("auth.certificate")
@pytest.mark.parametrize("place", ["beside its key", "elsewhere"])
def test_auth_certificate(ncwire_rig: Rig, place: str) -> None:
    key = KeyPair.generate()
    host, certificate = _taking_a_certificate(ncwire_rig, key)
    path = key.write(ncwire_rig.folder)
    beside = place == "beside its key"
    file = f"{path}-cert.pub" if beside else str(ncwire_rig.folder / "certificate")
    write_certificate(certificate, file)
    _, end = ncwire_rig.open(
        host, key_filename=(path,), password=None, certificate_files=() if beside else (file,)
    )
    assert end.stream.info.username == USERNAME


@rule("auth.agent-certificate")
@pytest.mark.parametrize("place", ["in the agent", "in a file"])
def test_auth_agent_certificate(ncwire_rig: Rig, place: str) -> None:
    key = KeyPair.generate()
    host, certificate = _taking_a_certificate(ncwire_rig, key)
    held = [(key, certificate)] if place == "in the agent" else []
    file = str(ncwire_rig.folder / "certificate")
    write_certificate(certificate, file)
    _, end = ncwire_rig.open(
        host,
        allow_agent=True,
        identity_agent=_start_agent(ncwire_rig, [(key, "ours")], held),
        key_filename=(),
        password=None,
        certificate_files=() if held else (file,),
    )
    assert end.stream.info.username == USERNAME


@rule("auth.interactive")
def test_auth_interactive(ncwire_rig: Rig) -> None:
    expected = _as_told(ncwire_rig, ROUNDS)
    asked = _Asked(expected)
    _, end = ncwire_rig.open(
        _asking(ncwire_rig, ROUNDS), auth_handler=asked, key_filename=(), password=None
    )
    assert end.stream.info.username == USERNAME
    assert asked.texts == [
        (each.title, each.instruction, [text for text, _ in each.prompts]) for each in expected
    ]


@rule("auth.interactive-echo")
def test_auth_interactive_echo(ncwire_rig: Rig) -> None:
    expected = _as_told(ncwire_rig, ROUNDS)
    asked = _Asked(expected)
    ncwire_rig.open(
        _asking(ncwire_rig, ROUNDS), auth_handler=asked, key_filename=(), password=None
    )
    assert asked.echoes == [[echo for _, echo in each.prompts] for each in expected]


@rule("auth.interactive-no-prompts")
def test_auth_interactive_no_prompts(ncwire_rig: Rig) -> None:
    rounds = (*ROUNDS, NO_PROMPTS)
    asked = _Asked(_as_told(ncwire_rig, rounds))
    _, end = ncwire_rig.open(
        _asking(ncwire_rig, rounds), auth_handler=asked, key_filename=(), password=None
    )
    assert end.stream.info.username == USERNAME


@rule("auth.interactive-denied")
def test_auth_interactive_denied(ncwire_rig: Rig) -> None:
    options = ncwire_rig.options(
        _asking(ncwire_rig, ROUNDS),
        auth_handler=lambda _title, _instruction, prompts: [WRONG] * len(prompts),
        key_filename=(),
        password=None,
    )
    assert isinstance(ncwire_rig.failure(options), AuthenticationError)


@rule("auth.interactive-raises")
def test_auth_interactive_raises(ncwire_rig: Rig) -> None:
    refusal = RuntimeError("there is no one to answer")

    def refuse(_title: str, _instruction: str, _prompts: object) -> Sequence[str]:
        raise refusal

    options = ncwire_rig.options(
        _asking(ncwire_rig, ROUNDS), auth_handler=refuse, key_filename=(), password=None
    )
    assert ncwire_rig.failure(options) is refusal


@rule("auth.interactive-person")
def test_auth_interactive_person(ncwire_rig: Rig) -> None:
    budget = 2 * ncwire_rig.short
    asked = _Asked(_as_told(ncwire_rig, ROUNDS))

    def answer_slowly(
        title: str, instruction: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        threading.Event().wait(_SLOWLY * budget)
        return asked(title, instruction, prompts)

    _, end = ncwire_rig.open(
        _asking(ncwire_rig, ROUNDS),
        auth_handler=answer_slowly,
        key_filename=(),
        password=None,
        timeouts=Timeouts(auth=budget),
    )
    assert end.stream.info.username == USERNAME


@rule("auth.partial")
def test_auth_partial(ncwire_rig: Rig) -> None:
    login = ScriptedLogin.of(required=("publickey", "password"))
    host = ncwire_rig.ssh_host(login=login)
    key_file = ncwire_rig.key_file
    _, end = ncwire_rig.open(host, key_filename=(key_file,), password=PASSWORD)
    assert end.stream.info.username == USERNAME
    assert login.attempts[-1] == "password"


@rule("auth.partial-outcome")
def test_auth_partial_outcome(ncwire_rig: Rig) -> None:
    host = ncwire_rig.ssh_host(login=ScriptedLogin.of(required=("publickey", "password")))
    driver, _ = ncwire_rig.shaken_hands(host)
    outcome = driver.authenticate(ncwire_rig.key.attempt(USERNAME), ncwire_rig.soon())
    assert outcome.result in (AuthResult.PARTIAL, AuthResult.UNCLEAR)
    assert _left(ncwire_rig, driver, outcome) == {"password"}
    outcome = driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), ncwire_rig.soon())
    assert outcome.result is AuthResult.SUCCESS


@rule("auth.too-many")
@pytest.mark.parametrize("in_place", [True, False], ids=["in place of a denial", "after one"])
def test_auth_too_many(ncwire_rig: Rig, in_place: bool) -> None:  # noqa: FBT001 - it is a case
    login = ScriptedLogin.of(disconnects_in_place=in_place)
    host = ncwire_rig.ssh_host(max_auth_tries=2, login=login)
    driver, _ = ncwire_rig.shaken_hands(host)

    def try_once() -> AuthOutcome:
        return driver.authenticate(PasswordAttempt(USERNAME, WRONG), ncwire_rig.soon())

    assert try_once().result is not AuthResult.SUCCESS
    if in_place:
        with pytest.raises(SSHError):
            try_once()
        return
    # The denial and the end may be read together, and then the end is what counts.
    with suppress(SSHError):
        assert try_once().result is not AuthResult.SUCCESS
        ncwire_rig.eventually(lambda: host.relay.hung_up, "the server's end of the connection")
        with pytest.raises(SSHError):
            try_once()


@rule("auth.disconnect-is-told")
def test_auth_disconnect_is_told(ncwire_rig: Rig) -> None:
    login = ScriptedLogin.of(disconnects_in_place=True)
    host = ncwire_rig.ssh_host(max_auth_tries=1, login=login)
    driver, _ = ncwire_rig.shaken_hands(host)
    with pytest.raises(DisconnectError):
        driver.authenticate(PasswordAttempt(USERNAME, WRONG), ncwire_rig.soon())


@rule("auth.no-secret")
def test_auth_no_secret(ncwire_rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    host = ncwire_rig.ssh_host(auth_methods=("password", "keyboard-interactive"))
    options = ncwire_rig.options(host, password=WRONG, key_filename=())
    error = ncwire_rig.failure(options)
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(options) + caplog.text
    assert WRONG not in told


class _Asked:
    """A handler that answers right, and notes what it is asked."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self.texts: list[tuple[str, str, list[str]]] = []
        self.echoes: list[list[bool]] = []
        self._left = list(rounds)

    def __call__(
        self, title: str, instruction: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        if not prompts:
            return []
        self.texts.append((title, instruction, [text for text, _ in prompts]))
        self.echoes.append([echo for _, echo in prompts])
        return self._left.pop(0).answers


def _as_told(rig: Rig, rounds: Sequence[Round]) -> Sequence[Round]:
    """Return the rounds as the driver's handler is called: for each of them, or each prompt."""
    if Feature.PROMPT_BY_PROMPT not in rig.driver.features:
        return rounds
    return [
        Round("", "", (prompt,), (answer,))
        for each in rounds
        for prompt, answer in zip(each.prompts, each.answers, strict=True)
    ]


def _left(rig: Rig, driver: SSHDriver, outcome: AuthOutcome) -> frozenset[str]:
    if not outcome.methods:
        outcome = driver.authenticate(NoneAttempt(USERNAME), rig.soon())
    return outcome.methods


def _asking(rig: Rig, rounds: Sequence[Round]) -> SSHHost:
    return rig.ssh_host(
        auth_methods=("keyboard-interactive",), login=ScriptedLogin.of(rounds=rounds)
    )


def _lets_in(rig: Rig, kind: str) -> None:
    key = KeyPair.generate(kind)
    host = rig.ssh_host(auth_methods=("publickey",), authorized_keys=(key.public,))
    _, end = rig.open(host, key_filename=(key.write(rig.folder),), password=None)
    assert end.stream.info.username == USERNAME


def _taking_a_certificate(rig: Rig, key: KeyPair) -> tuple[SSHHost, bytes]:
    certificate = key.certificate(USERNAME)
    login = ScriptedLogin.of(certificates=(certificate,))
    return rig.ssh_host(auth_methods=("publickey",), login=login), certificate


def _start_agent(
    rig: Rig,
    keys: Sequence[tuple[Signer, str]],
    certificates: Sequence[tuple[KeyPair, bytes]] = (),
    unanswered: Sequence[int] = (),
) -> str:
    agent = Agent(rig.folder, keys, certificates, unanswered)
    rig.later("the agent", agent.close)
    # The one that options name, and no other that the environment may have.
    rig.set_environment("SSH_AUTH_SOCK", None)
    return agent.path
