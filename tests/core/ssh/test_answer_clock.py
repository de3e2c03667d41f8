"""The budget of an attempt stands still while somebody answers, and runs while the server does."""

from __future__ import annotations

import threading

import pytest
from scripted_driver import scripted

from ncwire._ssh.auth.answer_clock import AnswerClock
from ncwire._ssh.auth.authenticator import Authenticator
from ncwire.driver import ConnectOptions, Deadline, InteractiveAttempt, Timeouts
from ncwire.errors import AuthenticationError, SSHError, StepTimeoutError

PROMPTS = frozenset({"keyboard-interactive"})
BUDGET = 0.05
LONG = 30


def outlast_a_budget() -> None:
    """Return when a clock with the budget, started now, has expired."""
    expired = threading.Event()
    with AnswerClock(BUDGET, expired.set):
        assert expired.wait(LONG)


def authenticate(driver, handler, **more):
    options = ConnectOptions(
        host="r1",
        username="admin",
        allow_agent=False,
        look_for_keys=False,
        auth_handler=handler,
        timeouts=Timeouts(auth=BUDGET),
        **more,
    )
    deadline = Deadline.after(LONG, "connect")
    Authenticator(driver, options, [], deadline, proceed=lambda: None, hang_up=driver.abort).run()


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    assert "ncwire-answer-clock" not in [thread.name for thread in threading.enumerate()]


def test_it_stands_still_while_it_is_stopped():
    expired = threading.Event()
    with AnswerClock(BUDGET, expired.set) as clock:
        with clock.stopped():
            outlast_a_budget()
            assert not clock.has_expired
        assert expired.wait(LONG)
    assert clock.has_expired


def test_who_answers_may_take_longer_than_the_budget():
    def handler(*_):
        outlast_a_budget()
        return ["right"]

    driver = scripted(steps=[PROMPTS])()
    authenticate(driver, handler)
    assert "abort" not in driver.calls
    assert driver.deadlines[-1].seconds == LONG


class Silent(scripted(steps=[PROMPTS])):
    """Its server asks once, and never says whether the answer was right."""

    contract = (1, 0)

    def authenticate(self, attempt, deadline):
        outcome = super().authenticate(attempt, deadline)
        if isinstance(attempt, InteractiveAttempt):
            assert self.aborted.wait(LONG)
            raise SSHError("aborted")
        return outcome


def test_a_server_that_is_silent_afterwards_is_not_waited_for():
    driver = Silent()
    with pytest.raises(StepTimeoutError) as caught:
        authenticate(driver, lambda *_: ["right"])
    assert str(caught.value) == (
        f"authentication by keyboard-interactive: not done within {BUDGET} s"
    )


def test_an_answer_that_comes_just_too_late_is_late():
    class Late(Silent):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            try:
                return super().authenticate(attempt, deadline)
            except SSHError:
                return super(Silent, self).authenticate(attempt, deadline)

    with pytest.raises(StepTimeoutError):
        authenticate(Late(), lambda *_: ["right"])


def test_what_the_handler_raises_comes_out():
    def handler(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        authenticate(scripted(steps=[PROMPTS])(), handler)
    with pytest.raises(AuthenticationError):
        authenticate(scripted(steps=[PROMPTS])(), lambda *_: ["wrong"])
