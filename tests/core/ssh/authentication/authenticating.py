"""Authentication by the core, of a scripted driver: what was tried, and what was raised."""

from __future__ import annotations

import pytest

from ncwire._ssh.auth.authenticator import Authenticator
from ncwire._ssh.auth.private_keys import load
from ncwire.driver import (
    AgentAttempt,
    AgentIdentity,
    ConnectOptions,
    Deadline,
    InteractiveAttempt,
    PasswordAttempt,
    PublicKeyAttempt,
)
from ncwire.errors import (
    AuthenticationError,
)

PUBLICKEY = frozenset({"publickey"})
PASSWORD = frozenset({"password"})
PROMPTS = frozenset({"keyboard-interactive"})
ALL = PUBLICKEY | PASSWORD | PROMPTS
SHORT = {
    PublicKeyAttempt: "key",
    AgentAttempt: "agent",
    PasswordAttempt: "password",
    InteractiveAttempt: "prompts",
}


def options(**more):
    base = {"host": "r1", "username": "admin", "allow_agent": False, "look_for_keys": False}
    return ConnectOptions(**base | {"identity_agent": "/agent"} | more)


def authenticate(driver_class, opts):
    driver = driver_class()
    named = [load(path, opts.password) for path in opts.key_filename]
    run(driver, opts, named, Deadline.after(30, "connect"))
    return driver


def run(driver, opts, named, deadline):
    Authenticator(driver, opts, named, deadline, proceed=lambda: None, hang_up=driver.abort).run()


def tried(driver) -> list[str]:
    return [SHORT[type(attempt)] for attempt in driver.attempts]


def refused(driver_class, opts) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        authenticate(driver_class, opts)
    return caught.value


def identity(blob, comment="k") -> AgentIdentity:
    return AgentIdentity("ssh-ed25519", blob, comment)
