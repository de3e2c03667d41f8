"""A key file of `key_filename` that cannot be used: what is tried, and what is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from scripted_driver import scripted

from ncwire._ssh.auth.authenticator import Authenticator
from ncwire._ssh.hostkeys.peer import Identified
from ncwire.driver import (
    AgentAttempt,
    AgentIdentity,
    ConnectOptions,
    Deadline,
    PasswordAttempt,
    PublicKeyAttempt,
)
from ncwire.errors import AuthenticationError, KeyFileError, SSHError

PUBLICKEY = frozenset({"publickey"})
PASSWORD = frozenset({"password"})
SECRET = "opens the key"
WRONG = "the password does not decrypt it; pass its passphrase as passphrase"


def options(**more):
    base = {"host": "r1", "username": "admin", "allow_agent": False, "look_for_keys": False}
    return ConnectOptions(**base | {"identity_agent": "/agent"} | more)


def authenticate(driver_class, opts):
    driver = driver_class()
    named = Identified.by(opts).named_keys
    deadline = Deadline.after(30, "connect")
    Authenticator(driver, opts, named, deadline, proceed=lambda: None, hang_up=driver.abort).run()
    return driver


def tried(driver) -> list[type]:
    return [type(attempt) for attempt in driver.attempts]


@pytest.fixture
def good(key_factory):
    return str(key_factory.file("ed25519")), key_factory.public("ed25519").blob


@pytest.fixture
def encrypted(key_factory):
    return str(key_factory.file("ed25519", n=7, passphrase=SECRET))


@pytest.fixture
def missing(tmp_path):
    return str(tmp_path / "missing")


def test_the_next_key_is_tried_and_a_warning_tells(good, missing, caplog):
    path, blob = good
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[blob]), options(key_filename=(missing, path))
    )
    assert tried(driver) == [PublicKeyAttempt]
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "ncwire.ssh.auth")
    assert record.getMessage() == (
        f"admin@r1: private key {missing}: no such file; it was left out"
    )


def left_out(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_missing_file_is_told_though_the_server_takes_passwords_only(missing, encrypted, caplog):
    driver = authenticate(
        scripted(steps=[PASSWORD]),
        options(key_filename=(missing, encrypted), password="right"),
    )
    assert tried(driver) == [PasswordAttempt]
    # That the other key has a passphrase is no mistake of the user's.
    assert left_out(caplog) == [f"admin@r1: private key {missing}: no such file; it was left out"]


def test_a_missing_file_is_told_though_a_key_before_it_was_good(good, missing, caplog):
    path, blob = good
    authenticate(scripted(steps=[PUBLICKEY], keys=[blob]), options(key_filename=(path, missing)))
    assert left_out(caplog) == [f"admin@r1: private key {missing}: no such file; it was left out"]


def test_the_password_is_tried_and_was_no_passphrase(encrypted, caplog):
    driver = authenticate(
        scripted(steps=[PUBLICKEY | PASSWORD]),
        options(key_filename=(encrypted,), password="right"),
    )
    assert tried(driver) == [PasswordAttempt]
    assert WRONG in caplog.text


def test_the_error_tells_what_was_left_out(encrypted, missing, caplog):
    with pytest.raises(AuthenticationError) as caught:
        authenticate(
            scripted(steps=[PUBLICKEY | PASSWORD]),
            options(key_filename=(missing, encrypted), password="wrong"),
        )
    assert type(caught.value) is AuthenticationError
    assert caught.value.attempts[:3] == (
        f"publickey {missing}: not tried, no such file",
        f"publickey {encrypted}: not tried, {WRONG}",
        "password: denied",
    )
    assert caplog.records == []  # the error says it


@pytest.mark.parametrize("more", [{"password": "p"}, {"look_for_keys": True}])
def test_it_is_the_error_when_the_server_wants_nothing_else(missing, more, home, good):
    (home / ".ssh/id_ed25519").write_bytes(b"rubbish")
    with pytest.raises(KeyFileError) as caught:
        authenticate(scripted(steps=[PUBLICKEY]), options(key_filename=(missing,), **more))
    error = caught.value
    assert isinstance(error, AuthenticationError)
    assert isinstance(error, SSHError)
    assert (error.path, error.problem) == (missing, "no such file")
    assert error.offered == PUBLICKEY
    assert f"publickey {missing}: not tried, no such file" in error.attempts
    assert str(error).startswith(f"private key {missing}: no such file (")
    assert str(error).count(missing) == 1


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"look_for_keys": True},
        {"allow_agent": True, "identity_agent": None},
        {"password": "p", "auth_methods": ("publickey",)},
        {"auth_handler": lambda *_: (), "auth_methods": ("publickey", "password")},
    ],
)
@pytest.mark.usefixtures("home")
def test_where_there_is_nothing_else_nothing_is_sent(missing, encrypted, more):
    with pytest.raises(KeyFileError) as caught:
        Identified.by(options(key_filename=(missing, encrypted), **more))
    assert caught.value.path == missing
    assert caught.value.attempts[0] == f"publickey {missing}: not tried, no such file"
    assert encrypted in caught.value.attempts[1]


def test_a_server_that_does_not_want_keys_is_not_told_about(missing):
    with pytest.raises(AuthenticationError) as caught:
        authenticate(
            scripted(steps=[frozenset({"hostbased"})]),
            options(key_filename=(missing,), password="p"),
        )
    assert type(caught.value) is AuthenticationError
    assert "publickey: not offered" in caught.value.attempts


def test_a_passphrase_of_its_own(encrypted, caplog):
    blob = Identified.by(options(key_filename=(encrypted,), passphrase=SECRET)).named_keys[0]
    driver = authenticate(
        scripted(steps=[PUBLICKEY, PASSWORD], keys=[blob.public.blob]),
        options(key_filename=(encrypted,), passphrase=SECRET, password="right"),
    )
    assert tried(driver) == [PublicKeyAttempt, PasswordAttempt]
    assert caplog.records == []


def test_a_passphrase_is_no_password_and_only_it_opens_keys(encrypted):
    opts = options(key_filename=(encrypted,), passphrase="another", password=SECRET)
    with pytest.raises(AuthenticationError) as caught:
        authenticate(scripted(steps=[PUBLICKEY | PASSWORD]), opts)
    assert f"publickey {encrypted}: not tried, the passphrase does not decrypt it" in (
        caught.value.attempts
    )
    assert "another" not in repr(opts) + str(caught.value)


def test_it_opens_the_usual_keys_too(home, encrypted):
    (home / ".ssh/id_ed25519").write_bytes(Path(encrypted).read_bytes())
    blob = Identified.by(options(key_filename=(encrypted,), passphrase=SECRET)).named_keys[0]
    driver = authenticate(
        scripted(steps=[PUBLICKEY], keys=[blob.public.blob]),
        options(look_for_keys=True, passphrase=SECRET),
    )
    assert tried(driver) == [PublicKeyAttempt]


def test_the_agent_has_the_key_of_an_encrypted_file(encrypted, caplog):
    opts = options(key_filename=(encrypted,), passphrase=SECRET)
    public = Identified.by(opts).named_keys[0].public
    driver = authenticate(
        scripted(
            steps=[PUBLICKEY],
            identities=[AgentIdentity(public.type, public.blob, "k")],
            keys=[public.blob],
        ),
        options(key_filename=(encrypted,), allow_agent=True),
    )
    assert tried(driver) == [AgentAttempt]
    assert caplog.records == []


def test_a_key_that_the_library_cannot_use_is_left_out_too(good, key_factory, caplog):
    path, _ = good
    second = str(key_factory.file("ed25519", n=1))
    driver_class = scripted(steps=[PUBLICKEY], keys=[key_factory.public("ed25519", n=1).blob])

    class Picky(driver_class):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            if getattr(attempt, "source", None) == path:
                raise KeyFileError(path, "scripted cannot use it")
            return super().authenticate(attempt, deadline)

    driver = authenticate(Picky, options(key_filename=(path, second)))
    assert tried(driver) == [PublicKeyAttempt]
    assert "scripted cannot use it; it was left out" in caplog.text
    with pytest.raises(KeyFileError, match="scripted cannot use it") as caught:
        authenticate(Picky, options(key_filename=(path,)))
    assert caught.value.offered == PUBLICKEY
