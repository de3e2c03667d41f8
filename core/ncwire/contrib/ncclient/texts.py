"""The texts of ncclient's errors, at which programs look: with which ours begin.

Source: ncclient 0.7.1, transport/ssh.py, session.py and errors.py; what looks at them: PyEZ 2.8
("not open" in "Could not open socket"), ansible.netcommon 8.1 ("FileNotFoundError" at the begin).
"""

from __future__ import annotations

from typing import Final

from ncwire import errors

NOT_CONNECTED = "Not connected to NETCONF server"
CLOSED = "Unexpected session close"


_OVER_SSH: Final[tuple[tuple[type[errors.NcwireError], str], ...]] = (
    (errors.SSHUnknownHostError, "Unknown host key [{fingerprint}] for [{host}]"),
    (errors.ConnectError, "Could not open socket to {host}:{port}"),
    (errors.HandshakeError, "Negotiation failed"),
    (errors.StepTimeoutError, "Negotiation failed"),
    (
        errors.ChannelError,
        "Could not open connection, possibly due to unacceptable SSH subsystem name.",
    ),
    (errors.HelloTimeoutError, "Capability exchange timed out"),
    (errors.HelloMissingError, CLOSED),
    (errors.SessionCloseError, CLOSED),
)
"""What ncclient says for each; the first that fits."""

_OVER_TLS: Final[tuple[tuple[type[errors.NcwireError], str], ...]] = (
    (errors.ConnectError, "Could not connect to {host}:{port}"),
    (errors.TLSError, "Unsuccessful TLS handshake with {host}:{port}"),
    (errors.StepTimeoutError, "Unsuccessful TLS handshake with {host}:{port}"),
)


def of_connecting(error: errors.NcwireError, host: object, port: object) -> str:
    """Return what ncclient says where `connect` fails over SSH; "" for nothing of its own."""
    if isinstance(error, errors.KeyFileError):
        return _of_key_file(error)
    if isinstance(error, errors.AuthenticationError):
        return _DENIED if error.attempts else "No authentication methods available"
    if _is_dialling(error):
        return f"Could not open socket to {host}:{port}"
    return _found(_OVER_SSH, error, host, port)


def of_connecting_by_tls(error: errors.NcwireError, host: object, port: object) -> str:
    """Return what ncclient says where `connect` fails over TLS."""
    if _is_dialling(error):
        return f"Could not connect to {host}:{port}"
    return _found(_OVER_TLS + _OVER_SSH, error, host, port)


def of_connecting_to_a_path(error: errors.NcwireError, path: object) -> str:
    """Return what ncclient says where `connect` fails over a Unix socket."""
    if isinstance(error, errors.HelloError | errors.SessionCloseError):
        return _found(_OVER_SSH, error, None, None)
    return f"Could not connect to {path}"


_DENIED: Final = "AuthenticationException('Authentication failed.')"


def _found(
    table: tuple[tuple[type[errors.NcwireError], str], ...],
    error: errors.NcwireError,
    host: object,
    port: object,
) -> str:
    fingerprint = getattr(error, "fingerprint", "")
    for kind, text in table:
        if isinstance(error, kind):
            return text.format(host=host, port=port, fingerprint=fingerprint)
    return ""


def _is_dialling(error: errors.NcwireError) -> bool:
    return isinstance(error, errors.StepTimeoutError) and error.step.startswith("TCP connect")


def _of_key_file(error: errors.KeyFileError) -> str:
    # ncclient has the `repr` of what Python or paramiko raised.
    cause = error.__cause__
    while isinstance(cause, errors.NcwireError):
        cause = cause.__cause__
    return f"SSHException({error.problem!r})" if cause is None else repr(cause)
