"""Why ssh was not let in, in the words that all drivers have for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.errors import AuthenticationError, KeyFileError, SSHError
from ncwire_openssh.journal import DENIED, PARTIAL, Phase
from ncwire_openssh.keys import expanded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.driver import ConnectOptions
    from ncwire.errors import TransportError
    from ncwire_openssh.journal import Journal

_TOLD = r"Received disconnect from .*"
_ENDED = r"(?:Disconnecting|Disconnected from|Connection (?:closed|reset) by) .*"


def not_authenticated(
    journal: Journal, reason: str, options: ConnectOptions, asked: Sequence[str]
) -> TransportError:
    """Return the error for an ssh that has ended while it tried to log in."""
    told = journal.find(_TOLD)
    # A connection that breaks before a denial is no answer, unless the server says so.
    denied = any(line.endswith(DENIED) for line in journal.attempts)
    hung_up = told or (denied and journal.find(_ENDED))
    reason = told[0] if told else reason
    if hung_up and not journal.find(r".*: Permission denied \(.*"):
        return _hung_up(journal, reason, options)
    if not journal.find(r".*: Permission denied \([^)]*\)\.?"):
        error = SSHError(f"{Phase.AUTH.value}: {reason}")
        error.is_lost_login = bool(journal.attempts)
        return error
    for path in options.key_filename:
        if problem := _key_problem(journal, options, path):
            return KeyFileError(path, problem, journal.attempts, offered=journal.offered)
    return not_let_in(journal, options, asked)


def unusable_keys(journal: Journal, options: ConnectOptions) -> list[KeyFileError]:
    """Return what was wrong with named keys, as far as ssh has come to try them."""
    problems = {path: _key_problem(journal, options, path) for path in options.key_filename}
    return [KeyFileError(path, problem) for path, problem in problems.items() if problem]


def not_let_in(
    journal: Journal, options: ConnectOptions, asked: Sequence[str] = ()
) -> AuthenticationError:
    """Return the error for a server that has denied all, or wants more.

    `asked` are the prompts that it put last, as they are to be shown.
    """
    attempts, offered = journal.attempts, ", ".join(sorted(journal.offered)) or "no method at all"
    if any(line.endswith(PARTIAL) for line in attempts):
        problem = f"the server wants more, by one of: {offered}"
    elif attempts:
        problem = f"the server accepted nothing that was tried; it offers {offered}"
    else:
        problem = (
            f"there is nothing to try; the server offers {offered}: pass password or key_filename"
        )
    attempts = [*attempts, *_unusable(journal)]
    if asked and attempts:
        attempts[-1] += f" (the server asked {', '.join(asked)})"
    return AuthenticationError(f"{who(options)}: {problem}", attempts, offered=journal.offered)


def who(options: ConnectOptions) -> str:
    """Return whom errors are about: "user@host"."""
    return f"{options.username}@{options.host}" if options.host else options.username


def _hung_up(journal: Journal, reason: str, options: ConnectOptions) -> AuthenticationError:
    attempts = list(journal.attempts)
    if attempts and not attempts[-1].endswith((DENIED, PARTIAL)):
        attempts[-1] += ": the connection ended"
    failures = sum(not line.endswith(PARTIAL) for line in attempts)
    tried = len([line for line in attempts if line.startswith("publickey ")])
    attempts += [
        f"publickey {key}, and what follows it: not tried, the connection had ended"
        for key in journal.planned[tried : tried + 1]
    ]
    after = f"{failures} failures" if failures != 1 else "1 failure"
    return AuthenticationError(
        f"{who(options)}: the server ended the connection after {after} ({reason}), as servers do "
        "after so many (MaxAuthTries): name the right key with key_filename, or leave keys out "
        "with allow_agent=False and look_for_keys=False, or with IdentitiesOnly in ssh_config",
        attempts,
        offered=journal.offered,
    )


def _unusable(journal: Journal) -> list[str]:
    """Return a line for each key file that ssh would not or could not load."""
    start = 'Load key "'
    loads = [line for line in journal.lines if line.startswith(start)]
    return [
        f"private key {path}: {problem}"
        for path, _, problem in (line.removeprefix(start).partition('": ') for line in loads)
    ]


def _key_problem(journal: Journal, options: ConnectOptions, name: str) -> str:
    path = str(expanded(name))
    for line in journal.lines:
        if line.startswith(f'Load key "{path}": '):
            problem = line.partition('": ')[2]
            return problem if "passphrase" not in problem else _locked(options)
    if any(key.startswith(f"{path} ") for key in journal.unsigned):
        return _locked(options)
    return ""


def _locked(options: ConnectOptions) -> str:
    if options.passphrase is not None:
        return "the passphrase does not decrypt it"
    if options.password is not None:
        return "the password does not decrypt it; pass its passphrase as passphrase"
    return "it is encrypted and no passphrase is given; pass it as passphrase"
