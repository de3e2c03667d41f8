"""Paramiko's exceptions as ncwire's: one table for each operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import paramiko

from ncwire.errors import ChannelError, HandshakeError, SSHError

if TYPE_CHECKING:
    from collections.abc import Mapping

Table: TypeAlias = "Mapping[type[BaseException], type[SSHError]]"

# The first entry that the exception is an instance of counts. `Exception` stands last in each,
# because paramiko lets through what a hostile peer makes its parsers raise (5.1, transport.py,
# `run`): struct.error, UnicodeError, KeyError, ValueError of cryptography.
HANDSHAKE: Table = {Exception: HandshakeError}
AUTHENTICATION: Table = {Exception: SSHError}
OPEN_CHANNEL: Table = {paramiko.ChannelException: ChannelError, Exception: SSHError}
START: Table = {Exception: SSHError}
STREAM: Table = {Exception: SSHError}

_LONGEST = 600


def translate(table: Table, step: str, error: BaseException) -> SSHError:
    """Return our error for the library's; the caller raises it `from` that one."""
    kind = next((ours for theirs, ours in table.items() if isinstance(error, theirs)), SSHError)
    return kind(f"{step}: {describe(error)}")


def describe(error: BaseException) -> str:
    """Return what happened in words, fit for a terminal; the text may be the peer's."""
    if isinstance(error, EOFError):
        return "the server closed the connection"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, paramiko.ChannelException):
        return f"the server refused it: {error.text}"
    if not isinstance(error, paramiko.SSHException):
        # Whatever a parser says of it may quote what it parsed.
        return f"the server broke the protocol ({type(error).__name__})"
    text = _printable(str(error))
    if isinstance(error.__context__, EOFError):
        # Paramiko tells what it was reading, and not that there was nothing to read.
        text += f": {describe(error.__context__)}"
    return text


def refusal(error: paramiko.ChannelException, explanation: str) -> str:
    """Return why the server opens no channel: the reason code's meaning, and its own words."""
    return f"{error.text} ({_printable(explanation)})" if explanation else error.text


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:_LONGEST]
