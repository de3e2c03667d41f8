"""Keyboard-interactive: the core's answers, asked for on paramiko's thread."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from ncwire.driver import Prompt
from ncwire.errors import SSHError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from ncwire.driver import InteractiveAttempt


class KeyboardInteractive:
    """One attempt's prompts. Paramiko's thread asks, and what is raised there must reach ours."""

    def __init__(self) -> None:
        self._failure: BaseException | None = None

    def answering(
        self, attempt: InteractiveAttempt
    ) -> Callable[[str, str, list[tuple[str, bool]]], list[str]]:
        """Return a handler as paramiko takes it."""

        def handler(title: str, instruction: str, fields: list[tuple[str, bool]]) -> list[str]:
            prompts = [Prompt(text, bool(echo)) for text, echo in fields]
            try:
                answers = attempt.answer(title, instruction, prompts)
                _check(answers, prompts)
            except BaseException as error:  # noqa: BLE001 - the caller's own, raised to it below
                self._failure = error
                # It ends the transport, and paramiko logs it: not with the failure itself.
                raise paramiko.SSHException("the prompts were not answered") from None
            return list(answers)

        return handler

    @contextmanager
    def failure_unchanged(self) -> Generator[None]:
        """Raise what answering raised, in place of what became of it."""
        try:
            yield
        except Exception:
            if self._failure is not None:
                raise self._failure from None
            raise


def _check(answers: Sequence[str], prompts: Sequence[Prompt]) -> None:
    # Paramiko would send any number of them, and of anything.
    strings = not isinstance(answers, str) and all(isinstance(answer, str) for answer in answers)
    if not strings or len(answers) != len(prompts):
        raise SSHError(
            f"keyboard-interactive: {len(prompts)} prompts need as many answers, each a string"
        )
