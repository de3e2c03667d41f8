"""Prompts that a password is the answer to, and the record of those that were put."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from ncwire.errors.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncwire.driver.auth import Prompt

_PASSWORD: Final = re.compile(
    "password|passwd|passwort|kennwort|mot de passe|contraseña|senha|palavra-passe|wachtwoord"
    "|lösenord|passord|adgangskode|salasana|hasło|heslo|jelszó|parola|şifre|пароль"
    "|パスワード|密码|密碼|口令|암호|비밀번호"
)
"""The word in the languages that PAM and the makers of devices have theirs in, casefolded."""

_SOMETHING_ELSE: Final = re.compile(
    r"[?\uff1f]|(?<![\w@.-])(?:yes|y/n|new|retype|one[- ]time|otp|token)(?![\w.-])"
)
"""What turns a line with that word into a question, or asks for a password of another kind."""

_MOST: Final = 20
_LONGEST: Final = 200


def hides_its_answer(prompt: Prompt) -> bool:
    """Tell whether the answer is not to be shown, as the server says it."""
    return not prompt.echo


def asks_for_password(prompt: Prompt) -> bool:
    """Tell whether it asks for the password in so many words, where the echo is not known.

    Its last line counts: what comes before may be the terms of use.
    """
    lines = unicodedata.normalize("NFC", prompt.text).casefold().split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return bool(
        hides_its_answer(prompt) and _PASSWORD.search(last) and not _SOMETHING_ELSE.search(last)
    )


class Prompted:
    """Puts prompts to `answer`, and keeps which they were for the report: the first twenty."""

    def __init__(
        self, answer: Callable[[str, str, Sequence[Prompt]], Sequence[str]], without_answer: str
    ) -> None:
        self._answer = answer
        self._without_answer = without_answer
        self._told: list[str] = []

    def __call__(self, title: str, instruction: str, prompts: Sequence[Prompt]) -> Sequence[str]:
        """Return what `answer` does; what it raises passes through."""
        first = len(self._told)
        self._told += [f'"{one_line(prompt.text, _LONGEST).strip()}"' for prompt in prompts]
        answers = self._answer(title, instruction, prompts)
        for number, given in enumerate(answers, first):
            if not given and self._without_answer:
                self._told[number] += f" ({self._without_answer})"
        del self._told[_MOST:]
        return answers

    def told(self) -> str:
        """Return what was asked as part of a line; "" where nothing was."""
        return f"the server asked {', '.join(self._told)}" if self._told else ""
