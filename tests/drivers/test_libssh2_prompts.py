"""The libssh2 driver: prompts, their answers, and what the callback raises."""

from __future__ import annotations

import pytest
from libssh2_login import Questions, start
from libssh2_rig import StubServer, soon

from ncwire.driver import (
    AuthOutcome,
    AuthResult,
    InteractiveAttempt,
)
from ncwire.errors import (
    TransportError,
)


def interview(answer, *rounds):
    policy = Questions(*rounds)
    with StubServer(policy) as server:
        driver = start(server)
        try:
            return driver.authenticate(InteractiveAttempt("u", answer), soon()), policy.seen
        finally:
            driver.abort()


def test_prompts_are_answered_round_by_round():
    asked = []

    def answer(title, instruction, prompts):
        asked.append((title, instruction, [(prompt.text, prompt.echo) for prompt in prompts]))
        return {"Name é: ": ["n", "p"], "Code: ": ["é"]}[prompts[0].text]

    outcome, seen = interview(answer, (("Name é: ", "n"), ("Password: ", "p")), (("Code: ", "é"),))
    assert outcome.result is AuthResult.SUCCESS
    assert seen == [("n", "p"), ("é",)]
    assert asked == [
        ("title é", "instruction", [("Name é: ", False), ("Password: ", False)]),
        ("title é", "instruction", [("Code: ", False)]),
    ]


def test_a_wrong_answer_may_be_a_denial():
    outcome, _ = interview(lambda *_: ["wrong"], (("Code: ", "right"),))
    assert outcome == AuthOutcome(AuthResult.UNCLEAR)


@pytest.mark.parametrize(
    ("given", "sent"), [([], ("", "")), (["a"], ("a", "")), (["a", "b", "c"], ("a", "b"))]
)
def test_too_few_answers_are_padded_and_too_many_cut_off(given, sent):
    outcome, seen = interview(lambda *_: given, (("One", "x"), ("Two", "y")))
    assert outcome == AuthOutcome(AuthResult.UNCLEAR)
    assert seen == [sent]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)])
def test_what_the_callback_raises_comes_out_unchanged_and_no_answer_is_sent(error):
    policy = Questions((("Code: ", "1"),))

    def answer(*_):
        raise error

    with StubServer(policy) as server:
        driver = start(server)
        with pytest.raises(type(error)) as caught:
            driver.authenticate(InteractiveAttempt("u", answer), soon())
        assert caught.value is error
        driver.abort()
        server.transport.join(10)
        assert policy.seen == []


def test_an_answer_that_is_no_text_is_the_callbacks_error():
    with StubServer(Questions((("Code: ", "1"),))) as server:
        driver = start(server)
        with pytest.raises(AttributeError):
            driver.authenticate(InteractiveAttempt("u", lambda *_: [1]), soon())
        driver.abort()


def test_an_abort_from_within_the_callback_frees_everything_once_libssh2_is_out_of_it():
    with StubServer(Questions((("Code: ", "1"),))) as server:
        driver = start(server)

        def answer(*_):
            driver.abort()
            return ["1"]

        with pytest.raises(TransportError):
            driver.authenticate(InteractiveAttempt("u", answer), soon())
        server.transport.join(10)
        assert not server.transport.is_active()
