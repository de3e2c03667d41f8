"""Paramiko's exceptions as ncwire's: one table for each operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import paramiko

from ncwire.driver import one_line
from ncwire.errors import ChannelError, DisconnectError, HandshakeError, SSHError

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping


class Disconnected(paramiko.SSHException):
    """The server's disconnect message, of which paramiko 5.1 makes no exception."""


Table: TypeAlias = "Mapping[type[BaseException], type[SSHError]]"

# The first entry that the exception is an instance of counts. `Exception` stands last in each,
# because paramiko lets through what a hostile peer makes its parsers raise (5.1, transport.py,
# `run`): struct.error, UnicodeError, KeyError, ValueError of cryptography.
HANDSHAKE: Table = {Exception: HandshakeError}
AUTHENTICATION: Table = {Disconnected: DisconnectError, Exception: SSHError}
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
    text = one_line(str(error), _LONGEST)
    if isinstance(error.__context__, EOFError | OSError):
        # What it tells is what was being read, and not why that came to nothing.
        text += f": {describe(error.__context__)}"
    return text


def is_paramikos(error: BaseException) -> bool:
    """Return whether code of paramiko's raised it, and not a signal's handler beneath it."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = "" if traceback is None else traceback.tb_frame.f_globals.get("__name__", "")
    return str(module).partition(".")[0] == "paramiko"


def refusal(error: paramiko.ChannelException, explanation: str) -> str:
    """Return why the server opens no channel: the reason code's meaning, and its own words."""
    return f"{error.text} ({one_line(explanation, _LONGEST)})" if explanation else error.text


def fit_for_a_log(record: logging.LogRecord) -> bool:
    """Make a record of paramiko's fit for a log: it quotes the server as it is. A filter."""
    record.msg, record.args = one_line(record.getMessage()), ()
    return True
