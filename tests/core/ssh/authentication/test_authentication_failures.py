"""What ends authentication, and what its error and the log say: all but a secret."""

from __future__ import annotations

import pytest
from authenticating import (
    ALL,
    PASSWORD,
    PUBLICKEY,
    authenticate,
    identity,
    options,
    refused,
    run,
)
from scripted_driver import scripted

from ncwire.driver import (
    Deadline,
    Feature,
    PasswordAttempt,
    Timeouts,
)
from ncwire.errors import (
    AuthenticationError,
    DisconnectError,
    InvalidDriverError,
    PasswordExpiredError,
    SSHError,
    StepTimeoutError,
    TransportError,
)


def test_what_is_not_offered_is_not_tried_and_said(files):
    error = refused(
        scripted(steps=[PASSWORD]), options(key_filename=(files[0],), password="wrong")
    )
    assert error.attempts == (
        "password: denied",
        "publickey: not offered",
        "keyboard-interactive: not offered",
    )
    assert "it offers password" in str(error)


def test_nothing_to_try_says_what_is_offered_and_what_to_pass():
    error = refused(scripted(steps=[ALL]), options())
    assert "there is nothing to try" in str(error)
    assert "keyboard-interactive, password, publickey" in str(error)
    assert "pass password" in str(error)


def test_a_server_that_hangs_up_after_denials(blobs):
    agent = [identity(b) for b in blobs[:5]]
    error = refused(
        scripted(steps=[PUBLICKEY | PASSWORD], identities=agent, max_denied=2),
        options(allow_agent=True, password="right"),
    )
    assert isinstance(error.__cause__, SSHError)
    assert [each.rsplit(": ", 1)[1] for each in error.attempts] == [
        "denied",
        "the connection ended",
        "not tried, the connection had ended",
        "not tried, the connection had ended",
    ]
    assert error.attempts[3].startswith("password: ")
    assert "after 2 failures" in str(error)
    assert "allow_agent=False" in str(error)


def test_a_connection_that_fails_without_a_denial_is_no_refusal():
    def fail():
        raise SSHError("reset")

    with pytest.raises(SSHError, match="reset") as caught:
        authenticate(scripted(on={"authenticate": fail}), options(password="right"))
    assert not caught.value.is_lost_login  # it was "none" that failed, and no credential


@pytest.mark.parametrize(
    ("at", "steps", "kind"),
    [
        (2, [PUBLICKEY | PASSWORD], SSHError),
        (2, [PUBLICKEY | PASSWORD], DisconnectError),
        (3, [PUBLICKEY, PASSWORD], SSHError),  # after a key that was accepted as one of several
        (3, [PUBLICKEY, PASSWORD], DisconnectError),
    ],
)
def test_a_login_that_breaks_off_unanswered_is_lost(files, blobs, at, steps, kind):
    attempts = []

    def fail():
        attempts.append(None)
        if len(attempts) == at:
            raise kind("it ended")

    server = scripted(steps=steps, keys=blobs[:1], on={"authenticate": fail})
    with pytest.raises(TransportError) as caught:
        authenticate(server, options(key_filename=(files[0],), password="right"))
    refused = isinstance(caught.value, AuthenticationError)
    assert refused is (kind is DisconnectError)  # which no fault on the way makes
    assert refused or caught.value.is_lost_login


def test_each_attempt_has_its_own_deadline_within_the_whole():
    driver = scripted()()
    opts = options(password="right", timeouts=Timeouts(auth=7))
    run(driver, opts, [], Deadline.after(30, "connect"))
    assert [deadline.seconds for deadline in driver.deadlines] == [7, 7]
    assert [deadline.step for deadline in driver.deadlines] == [
        "authentication by none",
        "authentication by password",
    ]
    with pytest.raises(StepTimeoutError, match=r"authentication by none \(connect\)"):
        run(scripted()(), opts, [], Deadline.after(-1, "connect"))


def test_what_the_driver_cannot_do_is_not_tried_and_said(blobs):
    driver_class = scripted(steps=[PUBLICKEY | PASSWORD], identities=[identity(blobs[0])])
    driver_class.features = driver_class.features - {Feature.AGENT}
    error = refused(driver_class, options(allow_agent=True, password="wrong"))
    assert error.attempts == (
        "password: denied",
        "agent: not supported by driver 'scripted'",
        "keyboard-interactive: not offered",
    )


def test_a_driver_that_returns_no_outcome_is_named():
    driver_class = scripted()
    driver_class.authenticate = lambda *_: True
    with pytest.raises(InvalidDriverError, match="authentication by none returned bool"):
        authenticate(driver_class, options(password="right"))


def test_no_secret_in_a_library_errors_text():
    def fail():
        raise ValueError("bad password 'right'")

    with pytest.raises(InvalidDriverError) as caught:
        authenticate(scripted(on={"authenticate": fail}), options(password="right"))
    assert "right" not in str(caught.value)
    assert "ValueError" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


# --- an expired password ------------------------------------------------------------------------


def test_an_expired_password_is_an_error_of_its_own_with_the_report(files):
    driver_class = scripted(steps=[ALL])

    class Expiring(driver_class):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            if isinstance(attempt, PasswordAttempt):
                raise PasswordExpiredError("the library's words")
            return super().authenticate(attempt, deadline)

    with pytest.raises(PasswordExpiredError, match="admin@r1: the password has expired") as caught:
        authenticate(Expiring, options(key_filename=(files[0],), password="s3cret"))
    assert caught.value.attempts[0].endswith("denied")
    assert caught.value.attempts[1] == "password: the server wants it changed"
    assert "s3cret" not in str(caught.value)


# --- what is shown ------------------------------------------------------------------------------


def test_the_plan_and_every_outcome_are_logged_and_no_secret(files, caplog):
    caplog.set_level("DEBUG", "ncwire.ssh.auth")
    refused(
        scripted(steps=[ALL], identities=[]),
        options(key_filename=(files[0],), allow_agent=True, password="s3cret"),
    )
    plan, *outcomes = [record.getMessage() for record in caplog.records]
    assert plan == (
        "admin@r1: the server offers keyboard-interactive, password, publickey; the plan: "
        "key_filename (publickey), the agent's keys (publickey), password (password), "
        "password, as an answer to prompts (keyboard-interactive)"
    )
    assert [each.rsplit(": ", 1)[1] for each in outcomes] == ["denied", "denied"]
    assert "s3cret" not in caplog.text
