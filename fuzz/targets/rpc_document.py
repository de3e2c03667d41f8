"""What is put into `<rpc>`: given whole or in pieces it is one message with our message-id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire.errors import OptionError
from ncwire.messages import BASE_NS, read_root
from ncwire.rpc_document import wrap_rpc
from targets import cutting, expat
from targets.property import Raised, agree, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKENS = (
    b"<get/>", b"<rpc>", b"<rpc ", b"<nc:rpc", b"</rpc>", b"<!DOCTYPE a>", b"<!--x-->",
    b"<?x y?>", b'<?xml version="1.0" encoding="UTF-8"?>', b"\xef\xbb\xbf", b"%", b"%b", b"\xff",
    b"\xc3\xa9", b"<![CDATA[", b"]]>", b"<a xmlns='u'>", b"</a>", b"<:", b"<-", b"\n",
)  # fmt: skip
LONGEST = 6000
_ID = 'a"<&1'
_HEAD = 4096
_ROOT = f"{{{BASE_NS}}}rpc"


def one(data: bytes) -> None:
    """Make an rpc of an operation."""
    whole = outcome(lambda: wrap_rpc(data, _ID), OptionError)
    pieces = cutting.at_random(data)
    parts = outcome(lambda: _joined(wrap_rpc(iter(pieces), _ID)), OptionError)
    # No more than the beginning is looked at of one that comes in pieces.
    if len(data) <= _HEAD:
        agree("an operation in pieces is what it is as a whole", whole, parts)
    if not isinstance(whole, bytes) or isinstance(whole, Raised):
        return
    if expat.judge(whole).well_formed:
        root = read_root(whole)
        agree("it is an <rpc> with our message-id", (_ROOT, {"message-id": _ID}), root)


def _joined(document: bytes | Iterator[bytes]) -> bytes:
    return document if isinstance(document, bytes) else b"".join(document)
