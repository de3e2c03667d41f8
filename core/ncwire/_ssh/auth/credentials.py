"""What there is to authenticate with, and where it comes from: passwords and prompts.

Keys are in `ncwire._ssh.auth.key_credentials`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ncwire._ssh.auth.password_prompts import Prompted
from ncwire.driver.auth import InteractiveAttempt, PasswordAttempt
from ncwire.driver.features import Feature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ncwire.driver.auth import Attempt, Prompt


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing to try; `identity` is what makes two the same, wherever they come from."""

    method: str
    description: str
    identity: object
    attempt: Attempt = field(repr=False)
    told: Callable[[], str] = field(default=str, repr=False)
    """Returns what the server said in the attempt's course; "" for nothing."""

    def line(self, result: str) -> str:
        """Return the attempt and its result as a report has them."""
        told = self.told()
        return (
            f"{self.description}: {result} ({told})" if told else f"{self.description}: {result}"
        )


class Source(ABC):
    """Where credentials for one method come from; looked into only when it is its turn."""

    feature: ClassVar[Feature]
    """What the driver must be able to do."""
    method: ClassVar[str]
    title: ClassVar[str]
    """What it is called in a report."""

    def applies(self, wanted: frozenset[str], tried: set[str]) -> bool:  # noqa: ARG002 - for some
        """Tell whether it is to be tried, given the methods wanted and those tried so far."""
        return self.method in wanted

    def rank(self, methods: Sequence[str]) -> int:
        """Return where it stands in an order of methods, of which its own is one."""
        return methods.index(self.method)

    @abstractmethod
    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield the credentials in order, but for those whose identity was tried already.

        Reports what is left out because it cannot be used, and why.
        """


class Password(Source):
    """The password, as such."""

    feature = Feature.PASSWORD
    method = "password"
    title = "password"

    def __init__(self, username: str, password: str) -> None:
        self._attempt = PasswordAttempt(username, password)

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield it."""
        del tried, report
        yield Credential(self.method, "password", self, self._attempt)


class Prompts(Source):
    """Someone who answers the server's prompts."""

    feature = Feature.KEYBOARD_INTERACTIVE
    method = "keyboard-interactive"
    title = "auth_handler"

    def __init__(
        self,
        username: str,
        answer: Callable[[str, str, Sequence[Prompt]], Sequence[str]],
        without_answer: str = "",
    ) -> None:
        self._prompted = Prompted(answer, without_answer)
        self._attempt = InteractiveAttempt(username, self._prompted)

    def credentials(
        self, tried: Callable[[object], bool], report: Callable[[str], None]
    ) -> Iterator[Credential]:
        """Yield the one attempt."""
        del tried, report
        yield Credential(self.method, self.method, self, self._attempt, self._prompted.told)


class PromptedPassword(Prompts):
    """The password for servers that ask for it by a prompt, and take it in no other way."""

    title = "password, as an answer to prompts"

    def __init__(self, username: str, password: str, is_for_it: Callable[[Prompt], bool]) -> None:
        super().__init__(
            username,
            AnswerOnce(password, is_for_it),
            "left without an answer: auth_handler can give one",
        )

    def rank(self, methods: Sequence[str]) -> int:
        """Return its place, which is not before the method password."""
        return max(methods.index(each) for each in (self.method, "password") if each in methods)

    def applies(self, wanted: frozenset[str], tried: set[str]) -> bool:
        """Tell whether prompts are all that is left for the password, which was not used yet.

        After a password that was accepted as one of several, a prompt asks for something else.
        """
        return super().applies(wanted, tried) and not {"password"} & (wanted | tried)


class AnswerOnce:
    """Answers the first prompt that the password is for with it, and no other prompt.

    A server that asks again wants something else, a one-time code or a new password, which the
    password must not be sent for.
    """

    def __init__(self, password: str, is_for_it: Callable[[Prompt], bool]) -> None:
        self._password: str | None = password
        self._is_for_it = is_for_it

    def __call__(self, _title: str, _instruction: str, prompts: Sequence[Prompt]) -> list[str]:
        """Return an answer for each prompt, empty but for that one."""
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if self._password is None or not self._is_for_it(prompt):
            return ""
        password, self._password = self._password, None
        return password
