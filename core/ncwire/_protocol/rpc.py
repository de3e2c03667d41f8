"""`<rpc>` with an operation in it, which is given whole or in pieces (RFC 6241 section 4.1)."""

from __future__ import annotations

import codecs
import itertools
import os
from typing import TYPE_CHECKING, overload

from ncwire._protocol.dialect import PLAIN
from ncwire._protocol.framing import as_bytes
from ncwire._protocol.messages import BASE_NS, DECLARATION, escaped
from ncwire._protocol.operation import (
    HEAD,
    as_whole,
    body_of,
    check_well_formed,
    is_rpc,
    message_id_of,
)
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ncwire._protocol.dialect import Dialect
    from ncwire._protocol.operation import Operation, WholeOperation

RPC = f'<rpc message-id="%b" xmlns="{BASE_NS}">%b</rpc>'.encode()
"""What `wrap_rpc` puts around an operation, unless `rpc_envelope` has made something else."""

_TOKEN = 5
# What is asked for again and again is short, and of few kinds.
_KEPT = 16
_LONGEST_KEPT = 512


class RPCWriter:
    """Writes the rpcs of one session, in its dialect, each with a message-id.

    The ids begin with five letters that are the session's own, drawn by chance, so that none of
    them is one that a program has chosen for an rpc of its own. They are letters and digits.

    The last operations that were found in order, if they are short, are kept until the session's
    end: they need not be looked at again. For any thread.
    """

    def __init__(self, dialect: Dialect = PLAIN) -> None:
        self._envelope = rpc_envelope(dialect)
        self._head = DECLARATION.encode() if dialect.rpc_declaration else b""
        token = bytes(97 + byte % 26 for byte in os.urandom(_TOKEN)).decode()
        self.next_id = map(f"{token}%d".__mod__, itertools.count(1)).__next__
        """Returns a message-id that was not used yet."""
        # Apart, for they are equal only to their like.
        self._kept: dict[type, dict[object, bytes | memoryview]] = {str: {}, bytes: {}}

    @overload
    def write(self, operation: WholeOperation) -> tuple[str, bytes]: ...

    @overload
    def write(self, operation: Operation) -> tuple[str, bytes | Iterator[bytes]]: ...

    def write(self, operation: Operation) -> tuple[str, bytes | Iterator[bytes]]:
        """Return an rpc and its message-id, in UTF-8; in pieces if the operation is given so.

        An operation that is itself a whole `<rpc>` stays as it is, with its own message-id; only
        the XML declaration before it is the dialect's. Raises `OptionError` for one without a
        message-id, and otherwise as `wrap_rpc` does, which see for the rest.
        """
        kept = self._kept.get(operation.__class__)
        body = None if kept is None else kept.get(operation)
        if body is None:
            whole = as_whole(operation)
            if whole is None:
                message_id = self.next_id()
                return message_id, wrap_rpc(operation, message_id, self._envelope)
            body = body_of(whole)
            check_well_formed(whole, body)
            own = None if body is whole else message_id_of(body)
            if own is not None:
                return own, self._head + body
            if kept is not None and len(body) <= _LONGEST_KEPT:
                if len(kept) >= _KEPT:
                    kept.clear()
                kept[operation] = body
        message_id = self.next_id()
        return message_id, self._envelope % (message_id.encode(), body)


def rpc_envelope(dialect: Dialect) -> bytes:
    """Return what `wrap_rpc` puts around an operation, in a dialect."""
    nc = f"{dialect.rpc_prefix}:" if dialect.rpc_prefix else ""
    declared = [(dialect.rpc_prefix, BASE_NS)] if nc else []
    declared += dialect.rpc_namespaces
    namespaces = "".join(f' xmlns:{prefix}="{escaped(uri)}"' for prefix, uri in declared)
    namespaces = namespaces.replace("%", "%%")
    head = DECLARATION if dialect.rpc_declaration else ""
    return f'{head}<{nc}rpc message-id="%b" xmlns="{BASE_NS}"{namespaces}>%b</{nc}rpc>'.encode()


@overload
def wrap_rpc(operation: WholeOperation, message_id: str, envelope: bytes = RPC) -> bytes: ...


@overload
def wrap_rpc(
    operation: Operation, message_id: str, envelope: bytes = RPC
) -> bytes | Iterator[bytes]: ...


def wrap_rpc(
    operation: Operation, message_id: str, envelope: bytes = RPC
) -> bytes | Iterator[bytes]:
    """Return `<rpc>` with this operation in it, in UTF-8, in pieces if it is given so.

    `operation` is one XML element, as text, as bytes in UTF-8, or as an element of
    `xml.etree.ElementTree` or lxml. An XML declaration or a byte order mark before it is
    dropped. Raises `OptionError` when it is empty, no element, not UTF-8, not well-formed, or
    more than one element, when it has a DOCTYPE, and when it is a whole `<rpc>`.

    Of an operation in pieces the first 4096 bytes are looked at, when the first piece is asked
    for: whether they are UTF-8, and begin with an element. All else is the caller's.
    """
    whole = as_whole(operation)
    if whole is None:
        return _wrapped_pieces(operation, message_id, envelope)  # type: ignore[arg-type] # not whole
    body = body_of(whole)
    check_well_formed(whole, body)
    if is_rpc(body):
        raise OptionError("operation", "is a whole <rpc>; give the element inside it")
    return _wrapped(body, message_id, envelope)


def _wrapped(body: bytes | memoryview, message_id: str, envelope: bytes) -> bytes:
    return envelope % (escaped(message_id).encode(), body)


def _wrapped_pieces(
    operation: Iterable[bytes], message_id: str, envelope: bytes
) -> Iterator[bytes]:
    pieces = map(as_bytes, operation)
    head = rest = b""
    for piece in pieces:
        missing = HEAD - len(head)
        head, rest = head + piece[:missing], piece[missing:]
        if len(head) == HEAD:
            cut = _cut_character(head)
            head, rest = head[: HEAD - len(cut)], cut + rest
            break
    body = body_of(as_whole(head) or b"")
    if is_rpc(body):
        raise OptionError(
            "operation", "is a whole <rpc> in pieces; give it whole, or the element inside it"
        )
    wrapped = _wrapped(body, message_id, envelope)
    end = wrapped.rindex(b"</")
    yield wrapped[:end]
    yield rest
    yield from pieces
    yield wrapped[end:]


def _cut_character(data: bytes) -> bytes:
    """Return the beginning of a character of UTF-8 with which the data end, if they do."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    return decoder.getstate()[0]
