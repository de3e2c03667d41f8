"""Prompts: what answers them, what a handler may answer, and what it raises."""

from __future__ import annotations

import pytest
from authenticating import (
    ALL,
    PASSWORD,
    PROMPTS,
    authenticate,
    options,
    refused,
    tried,
)
from scripted_driver import scripted

from ncwire.driver import (
    Prompt,
)
from ncwire.errors import (
    OptionError,
    SSHError,
)


def test_prompts_get_the_password_only_where_it_goes_no_other_way():
    driver = authenticate(scripted(steps=[PROMPTS]), options(password="right"))
    assert tried(driver) == ["prompts"]
    error = refused(scripted(steps=[PROMPTS | PASSWORD]), options(password="wrong"))
    assert error.attempts == ("password: denied",)


def test_prompts_get_the_password_once_and_never_an_echoed_one():
    prompts = (
        (Prompt("Name: ", True), Prompt("Password: ", False)),
        (),
        (Prompt("New password: ", False),),
    )
    driver = authenticate(
        scripted(steps=[PROMPTS], prompts=prompts, answers=(("", "right"), (), ("",))),
        options(password="right"),
    )
    assert tried(driver) == ["prompts"]


def test_the_handler_answers_the_prompts_and_may_unpack_them():
    seen = []

    def handler(title, instruction, prompts):
        seen.extend((title, instruction, text, echo) for text, echo in prompts)
        return ("right",)

    driver = authenticate(scripted(steps=[PROMPTS]), options(auth_handler=handler))
    assert tried(driver) == ["prompts"]
    assert seen == [("t", "i", "Password: ", False)]


def test_a_handler_s_answer_that_cannot_be_sent_is_told():
    opts = options(auth_handler=lambda *_: ["secret\udcff"])
    with pytest.raises(OptionError, match="cannot be sent as UTF-8") as caught:
        authenticate(scripted(steps=[PROMPTS]), opts)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([], "a list of 0 came"),
        (["secret", "b"], "a list of 2 came"),
        ([None], "a list with NoneType in it came"),
        ([b"secret"], "a list with bytes in it came"),
        ("secret", "str came"),
        (None, "NoneType came"),
        (7, "int came"),
        ({"secret"}, "set came"),
        ({"Password: ": "secret"}, "dict came"),
        ((each for each in ["secret"]), "generator came"),
    ],
)
def test_a_handler_that_answers_something_else_is_told(answers, told):
    asks = (Prompt("Password\x1b: ", False),)
    with pytest.raises(OptionError) as caught:
        authenticate(
            scripted(steps=[PROMPTS], prompts=(asks,)), options(auth_handler=lambda *_: answers)
        )
    assert str(caught.value) == (
        "auth_handler: must return a list of one string for each of the 1 prompts "
        f'("Password\\x1b: "); {told}'
    )


def test_what_the_handler_raises_comes_out_even_if_the_driver_wraps_it():
    class MineError(Exception):
        pass

    def handler(*_):
        raise MineError

    driver_class = scripted(steps=[PROMPTS])

    class Wrapping(driver_class):
        contract = (1, 0)

        def authenticate(self, attempt, deadline):
            try:
                return super().authenticate(attempt, deadline)
            except MineError as error:
                raise SSHError("wrapped") from error

    for each in (driver_class, Wrapping):
        with pytest.raises(MineError):
            authenticate(each, options(auth_handler=handler))


def test_prompts_get_the_password_where_the_method_password_is_left_out():
    driver = authenticate(
        scripted(steps=[ALL]),
        options(password="right", auth_methods=("publickey", "keyboard-interactive")),
    )
    assert tried(driver) == ["prompts"]
