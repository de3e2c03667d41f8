"""What an ssh that has ended, or a server that has refused, means in ncwire's errors."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

from ncwire.driver import HostKey
from ncwire.errors import (
    AuthenticationError,
    ConnectError,
    HandshakeError,
    KeyFileError,
    PasswordExpiredError,
    SSHError,
    SSHHostKeyChangedError,
    SSHHostKeyRevokedError,
    SSHUnknownHostError,
    StepTimeoutError,
    TransportError,
    UnsupportedOption,
)
from ncwire_openssh.journal import Phase

if TYPE_CHECKING:
    from ncwire.driver import ConnectOptions
    from ncwire_openssh.journal import Journal
    from ncwire_openssh.master import Master

_FATAL = 255
"""ssh's exit status for any failure of its own."""


def failure(
    master: Master, driver: str, options: ConnectOptions, key_file: Path
) -> TransportError | UnsupportedOption:
    """Return the error that stands for the end of ssh before a channel was open.

    It goes by how far ssh had got rather than by its words, as far as that is enough.
    """
    reason = master.reason()
    journal = master.journal
    error: TransportError | UnsupportedOption
    if not journal.lines:
        error = _refused_arguments(reason, driver, options)
    elif journal.find(r"Host key verification failed\.(\r)?"):
        error = _host_key(journal, reason, options, key_file)
    elif journal.phase is Phase.CONNECT:
        error = _no_connection(reason, options)
    elif journal.phase is Phase.HANDSHAKE:
        error = HandshakeError(f"{Phase.HANDSHAKE.value}: {reason}")
    elif journal.phase is Phase.AUTH:
        error = _not_authenticated(journal, reason, options)
    else:
        error = SSHError(f"{journal.phase.value}: {reason}")
    error.__cause__ = subprocess.CalledProcessError(_FATAL, "ssh", stderr=reason)
    return error


def _refused_arguments(
    reason: str, driver: str, options: ConnectOptions
) -> TransportError | UnsupportedOption:
    if options.algorithms is not None and ("spec" in reason or "lgorithm" in reason):
        return UnsupportedOption(driver, "algorithms", reason)
    return SSHError(f"ssh did not start to connect: {reason}")


def _no_connection(reason: str, options: ConnectOptions) -> TransportError:
    if reason.endswith("Connection timed out"):
        return StepTimeoutError(Phase.CONNECT.value, options.timeouts.connect)
    return ConnectError(reason)


def _not_authenticated(journal: Journal, reason: str, options: ConnectOptions) -> TransportError:
    for path in options.key_filename:
        if problem := _key_problem(journal, str(Path(path).expanduser().absolute())):
            return KeyFileError(path, problem)
    # sshconnect2.c, input_userauth_passwd_changereq: it then asks for the old one, and gets none.
    if journal.find(r"debug2: input_userauth_passwd_changereq.*"):
        return PasswordExpiredError(
            f"the server takes the password of {options.username!r} only to have it changed",
            journal.attempts,
            offered=journal.offered,
        )
    denied = journal.find(r".*: Permission denied \(([^)]*)\)\.?")
    too_many = journal.find(
        r"(Received disconnect from|Disconnecting) .*Too many authentication.*"
    )
    if denied or too_many:
        return AuthenticationError(
            f"the server let {options.username!r} in by none of our means: {reason}",
            journal.attempts,
            offered=journal.offered,
        )
    return SSHError(f"{Phase.AUTH.value}: {reason}")


def _key_problem(journal: Journal, path: str) -> str:
    for line in journal.lines:
        if line.startswith(f'Load key "{path}": '):
            return line.partition('": ')[2]
    if any(key.startswith(f"{path} ") for key in journal.unsigned):
        return "the server accepts it, but ssh cannot sign with it: is the passphrase right?"
    return ""


def _host_key(
    journal: Journal, reason: str, options: ConnectOptions, key_file: Path
) -> TransportError:
    host = options.host_key_alias or options.host or ""
    try:
        key = HostKey.from_blob(b64decode(key_file.read_text(encoding="ascii"), validate=False))
    except (OSError, ValueError):
        return SSHError(f"host key of {host}: {reason}")  # an ssh that does not tell the key
    if journal.find(r"@ +WARNING: REVOKED HOST KEY DETECTED! +@"):
        return SSHHostKeyRevokedError(host, key.md5, key_type=key.type, sha256=key.sha256)
    if journal.find(r"@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! +@"):
        place = journal.find(r"Offending \S+ key in (.*):(\d+)")
        return SSHHostKeyChangedError(
            host,
            key.md5,
            key_type=key.type,
            sha256=key.sha256,
            filename=place[1] if place else "",
            line=int(place[2]) if place else 0,
        )
    return SSHUnknownHostError(
        host, key.md5, key_type=key.type, sha256=key.sha256, key_base64=key.base64
    )
