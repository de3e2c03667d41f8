"""An rpc whose operation is given in pieces."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from ncwire.framing import as_bytes
from ncwire.messages import wrap_rpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Wrap = Callable[[str | bytes, str], bytes]

_HEAD = 4096
_WHOLE: Final = (bytes, str)  # made once, for every rpc asks


def rpc_document(
    operation: str | bytes | Iterable[bytes], message_id: str, wrap: Wrap
) -> bytes | Iterator[bytes]:
    """Return `<rpc>` with this operation in it, in pieces if it is given so.

    `wrap` is `wrap_rpc`, in whatever envelope.
    """
    if isinstance(operation, _WHOLE):
        return wrap(operation, message_id)
    return wrap_rpc_pieces(operation, message_id, wrap)


def wrap_rpc_pieces(
    operation: Iterable[bytes], message_id: str, wrap: Wrap = wrap_rpc
) -> Iterator[bytes]:
    """Yield `<rpc>` with this operation in it: see `wrap_rpc`, which a whole one is given to.

    The first 4096 bytes of the operation are checked as `wrap_rpc` does, before anything is
    yielded; what comes after them is not looked at, nor whether it is UTF-8.
    """
    pieces = map(as_bytes, operation)
    head = rest = b""
    for piece in pieces:
        missing = _HEAD - len(head)
        head, rest = head + piece[:missing], piece[missing:]
        if len(head) == _HEAD:
            cut = _cut_character(head)
            head, rest = head[: _HEAD - len(cut)], cut + rest
            break
    wrapped = wrap(head, message_id)
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
