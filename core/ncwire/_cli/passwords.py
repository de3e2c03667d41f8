"""Where the command takes a password from: an environment variable, an fd, or the terminal."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from ncwire._cli.terminal import printable
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ncwire.driver import Prompt

_LONGEST = 4096
_TERMINAL = "/dev/tty"


def add_to(group: argparse._ArgumentGroup) -> None:
    """Add the options. There is none for the password itself: others can see a command line."""
    add_sources_to(group)
    group.add_argument(
        "--no-prompt",
        action="store_true",
        help="never ask on the terminal; so does -o BatchMode=yes",
    )


def add_sources_to(group: argparse._ArgumentGroup) -> None:
    """Add the options for where no user is to be asked."""
    sources = group.add_mutually_exclusive_group()
    sources.add_argument(
        "--password-env",
        metavar="VAR",
        help="take the password from this environment variable",
    )
    sources.add_argument(
        "--password-fd",
        metavar="N",
        type=int,
        help="take it from the first line of this open file descriptor",
    )
    sources = group.add_mutually_exclusive_group()
    sources.add_argument(
        "--passphrase-env",
        metavar="VAR",
        help="take the passphrase of encrypted keys from there; default: it is the password",
    )
    sources.add_argument(
        "--passphrase-fd",
        metavar="N",
        type=int,
        help="take it from the first line of this open file descriptor",
    )


def given(arguments: argparse.Namespace) -> str | None:
    """Return the password that the options lead to, None if there are none.

    Raises `OptionError` for a variable that is not set and an fd that cannot be read.
    """
    return _from("--password", arguments.password_env, arguments.password_fd)


def given_passphrase(arguments: argparse.Namespace) -> str | None:
    """Return the passphrase that the options lead to, as `given` does."""
    return _from("--passphrase", arguments.passphrase_env, arguments.passphrase_fd)


def _from(option: str, variable: str | None, descriptor: int | None) -> str | None:
    if variable is not None:
        try:
            return os.environ[variable]
        except KeyError:
            raise OptionError(
                f"{option}-env", f"there is no environment variable {variable}"
            ) from None
    return None if descriptor is None else _first_line(f"{option}-fd", descriptor)


def prompt(arguments: argparse.Namespace) -> TerminalPrompt | None:
    """Return whom to ask for a password; None where there is no user, or none to be asked."""
    batch = any(option.replace(" ", "").lower() == "batchmode=yes" for option in arguments.option)
    if arguments.no_prompt or batch:
        return None
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return None
    return TerminalPrompt()


class TerminalPrompt:
    """Asks the user on the terminal, whatever stdin and stdout are; `asked` counts that."""

    def __init__(self) -> None:
        self.asked = 0

    def password(self, question: str) -> str:
        """Ask for a secret, which is not echoed. Ctrl-C and Ctrl-D are KeyboardInterrupt."""
        self.asked += 1
        try:
            return getpass.getpass(printable(question))
        except EOFError as error:
            raise KeyboardInterrupt from error

    def answers(self, title: str, instruction: str, prompts: Sequence[Prompt]) -> list[str]:
        """Answer a server's prompts: what `connect` takes as `auth_handler`."""
        with open(_TERMINAL, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a device
            for text in filter(None, (title, instruction)):
                print(printable(text), file=terminal)
        return [self._answer(prompt) for prompt in prompts]

    def _answer(self, prompt: Prompt) -> str:
        if not prompt.echo:
            return self.password(prompt.text)
        self.asked += 1
        with (
            open(_TERMINAL, encoding="utf-8") as answers,  # noqa: PTH123 - a device
            open(_TERMINAL, "w", encoding="utf-8") as questions,  # noqa: PTH123 - a device
        ):
            questions.write(printable(prompt.text))
            questions.flush()
            line = answers.readline()
        if not line:
            raise KeyboardInterrupt
        return line.rstrip("\n")


def _first_line(option: str, descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            line = b""
            while b"\n" not in line and len(line) <= _LONGEST and (piece := file.read(_LONGEST)):
                line += piece
        return line.partition(b"\n")[0].removesuffix(b"\r").decode()
    except (OSError, ValueError) as error:
        reason = "is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        # Not `from error`: a UnicodeDecodeError holds what it could not decode.
        raise OptionError(option, f"{descriptor}: {reason}") from None
