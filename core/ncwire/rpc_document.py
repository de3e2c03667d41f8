"""`<rpc>` with an operation in it, which is given whole or in pieces (RFC 6241 section 4.1)."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, overload

from ncwire.errors import OptionError
from ncwire.framing import as_bytes
from ncwire.messages import BASE_NS, DECLARATION, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ncwire.dialect import Dialect

RPC = f'<rpc message-id="%b" xmlns="{BASE_NS}">%b</rpc>'.encode()
"""What `wrap_rpc` puts around an operation, unless `rpc_envelope` has made something else."""

_HEAD = 4096
_XML_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml\s.*?\?>\s*)?", re.DOTALL)
_MISCELLANEOUS = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_START_TAG = re.compile(rb"<(?:[^\s<>/?!:]+:)?([^\s<>/?!:]+)")
_PLAIN_OPERATION = re.compile(rb"<(?!rpc[\s/>])[A-Za-z_][A-Za-z0-9_.-]*+[\s/>]")
_DOCTYPE = b"<!DOCTYPE"


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
def wrap_rpc(operation: str | bytes, message_id: str, envelope: bytes = RPC) -> bytes: ...


@overload
def wrap_rpc(
    operation: str | bytes | Iterable[bytes], message_id: str, envelope: bytes = RPC
) -> bytes | Iterator[bytes]: ...


def wrap_rpc(
    operation: str | bytes | Iterable[bytes], message_id: str, envelope: bytes = RPC
) -> bytes | Iterator[bytes]:
    """Return `<rpc>` with this operation in it, in UTF-8, in pieces if it is given so.

    `operation` is one XML element; bytes are UTF-8. An XML declaration or a byte order mark
    before it is dropped. Raises `OptionError` when it is empty, no element, not UTF-8, or has a
    DOCTYPE, and when it is a whole `<rpc>`. It is not parsed: that it is well-formed, and no
    more than one element, is the caller's.

    Of an operation in pieces the first 4096 bytes are checked like this, when the first piece is
    asked for; what comes after them is not looked at, nor whether it is UTF-8.
    """
    if isinstance(operation, str):
        try:
            operation = operation.encode()
        except UnicodeError as error:
            raise _not_utf8(error) from error
    elif not isinstance(operation, bytes):
        return _wrapped_pieces(operation, message_id, envelope)
    if not operation.isascii():
        _check_utf8(operation)
    quoted = message_id if message_id.isalnum() else escaped(message_id)
    if _PLAIN_OPERATION.match(operation):
        return envelope % (quoted.encode(), operation)
    declaration = _XML_DECLARATION.match(operation)
    body = memoryview(operation)[declaration.end() if declaration else 0 :]
    _check_operation(body)
    return envelope % (quoted.encode(), body)


def _wrapped_pieces(
    operation: Iterable[bytes], message_id: str, envelope: bytes
) -> Iterator[bytes]:
    pieces = map(as_bytes, operation)
    head = rest = b""
    for piece in pieces:
        missing = _HEAD - len(head)
        head, rest = head + piece[:missing], piece[missing:]
        if len(head) == _HEAD:
            cut = _cut_character(head)
            head, rest = head[: _HEAD - len(cut)], cut + rest
            break
    wrapped = wrap_rpc(head, message_id, envelope)
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


def _check_operation(body: memoryview) -> None:
    if not body:
        raise OptionError("operation", "is empty")
    before = _MISCELLANEOUS.match(body)
    element = body[before.end() if before else 0 :]
    if bytes(element[: len(_DOCTYPE)]) == _DOCTYPE:
        raise OptionError("operation", "has a DOCTYPE")
    start = _START_TAG.match(element)
    if start is None:
        raise OptionError("operation", "does not begin with an XML element")
    if start[1] == b"rpc":
        raise OptionError("operation", "is a whole <rpc>; give the element inside it")


def _check_utf8(document: bytes) -> None:
    try:
        document.decode()
    except UnicodeError as error:
        raise _not_utf8(error) from error


def _not_utf8(error: UnicodeError) -> OptionError:
    return OptionError("operation", f"is not UTF-8: {error}")
