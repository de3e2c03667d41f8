"""Which prompts the password is sent to, and what is told of them."""

from __future__ import annotations

import pytest

from ncwire._ssh.auth.password_prompts import Prompted, asks_for_password
from ncwire.driver import Prompt


@pytest.mark.parametrize(
    "text",
    [
        "Password: ",
        "password",
        "PASSWORD:",
        "admin@r1's password:",
        "Password for admin@yes.example.net: ",
        "(admin@new-york) Password: ",
        "Enter your password (no echo): ",
        "Please enter passwd:",
        "Do you accept? yes/no: see the terms.\nPassword: \n",
        "Passwort für admin: ",
        "Kennwort: ",
        "Mot de passe : ",
        "Contrasen\u0303a: ",
        "Пароль: ",
        "密码\uff1a",
    ],
)
def test_a_prompt_that_asks_for_the_password(text):
    assert asks_for_password(Prompt(text, echo=False))
    assert not asks_for_password(Prompt(text, echo=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        "accept? yes/no ",
        "Do you accept that your password is recorded (yes/no): ",
        "Change your password now [y/n]: ",
        "Is this your password?",
        "これはパスワードですか\uff1f",
        "New password: ",
        "Retype password: ",
        "One-time password: ",
        "One-time password (OTP): ",
        "Password or token: ",
        "Enter PASSCODE: ",
        "Verification code: ",
        "User name: ",
        "Password policy applies.\nPress return: ",
    ],
)
def test_a_prompt_that_asks_for_something_else(text):
    assert not asks_for_password(Prompt(text, echo=False))


def test_what_is_told_of_prompts_is_bounded_and_fit_for_a_line():
    prompted = Prompted(lambda *args: ["x" for _ in args[2]], "")
    prompted("", "", [Prompt("\x1b[2J" + "y" * 9999, echo=False)] * 9999)
    assert len(prompted.told()) < 10_000
    assert "\x1b" not in prompted.told()
