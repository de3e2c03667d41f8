"""What is put into `<rpc>`: given whole or in pieces it is one message with our message-id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._protocol.messages import BASE_NS, read_root
from ncwire._protocol.rpc import wrap_rpc
from ncwire.errors import OptionError
from targets import cutting, expat
from targets.property import agree, outcome, require

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
_ITSELF = (_ROOT.removeprefix("{"), "rpc")
"""A whole rpc, which may be taken whole only, and has a message-id of its own."""


def one(data: bytes) -> None:
    """Make an rpc of an operation."""
    whole = outcome(lambda: wrap_rpc(data, _ID), OptionError)
    pieces = cutting.at_random(data)
    parts = outcome(lambda: _joined(wrap_rpc(iter(pieces), _ID)), OptionError)
    if len(data) <= _HEAD:
        _compare(data, whole, parts)
    if isinstance(whole, bytes) and expat.judge(whole).well_formed:
        root = read_root(whole)
        agree("it is an <rpc>", _ROOT, root[0])
        if expat.judge(data).root not in _ITSELF:
            agree("it has our message-id", {"message-id": _ID}, root[1])


def _compare(operation: bytes, whole: object, parts: object) -> None:
    """Compare an operation that is given whole with the same in pieces, which is seen in part."""
    if isinstance(whole, bytes) and isinstance(parts, bytes):
        agree("an operation in pieces is what it is as a whole", whole, parts)
    elif isinstance(parts, bytes):
        is_element = expat.judge(operation).well_formed
        require(not is_element, "what is well-formed is taken, whole or not")
    elif isinstance(whole, bytes):
        require(expat.judge(whole).root in _ITSELF, "what is taken whole is taken in pieces")


def _joined(document: bytes | Iterator[bytes]) -> bytes:
    return document if isinstance(document, bytes) else b"".join(document)
