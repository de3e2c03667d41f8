"""The root of a message: the quick ways and the parser say the same.

An input with a NUL is two messages: what was learned from the first is used for the second.
"""

from __future__ import annotations

from ncwire._protocol.messages import read_root
from ncwire._protocol.root_fastpath import Alike, plain_root
from ncwire.errors import MessageError
from targets import expat
from targets.property import Raised, agree, outcome, require

TOKENS = (
    b"<", b">", b"/>", b"<a", b"<nc:a", b"<rpc-reply", b"nc:", b' xmlns="u"',
    b' xmlns:nc="urn:x"', b' xmlns:nc=""', b' xmlns=""', b' xmlns:xml="u"', b' message-id="1"',
    b" a='1'", b' nc:a="2"', b' xmlns:b="http://www.w3.org/2000/xmlns/"', b' xml:lang="e"',
    b"&amp;", b"<!--c-->", b"\0", b"<!DOCTYPE a>", b'<?xml version="1.0"?>', b' encoding="UTF-8"',
    b"\xc3\xa9", b"\xef\xbb\xbf", b"}", b"{", b'"', b"'", b"=", b"\t", b"\n",
    b"http://www.w3.org/XML/1998/namespace", b"%",
)  # fmt: skip
LONGEST = 1024


def one(data: bytes) -> None:
    """Read the root of a message, or of two."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    first, two, second = text.partition("\0")
    _check(first)
    if two:
        _check(second)
        _check_alike(first, second)


def _check(text: str) -> None:
    root = _read(text)
    if isinstance(root, Raised):
        return
    if (quick := plain_root(text)) is not None:
        agree("what the quick way reads is what the parser reads", _parsed(text), quick)
    judged = expat.judge(text.lstrip().encode())
    require(not judged.doctype, "a message with a DOCTYPE is refused")
    tag, attributes = read_root(text)
    agree("the root is the document's", judged.root, _as_expat(tag))
    found = {_as_expat(name): value for name, value in attributes.items()}
    agree("so are its attributes", judged.attributes, found)


def _check_alike(first: str, second: str) -> None:
    root = _read(first)
    if isinstance(root, Raised) or not isinstance(root, tuple):
        return
    alike = Alike()
    alike.learn(first, root)
    quick = alike.root(second)
    if quick is not None:
        agree("what is alike is what the parser reads", _parsed(second), quick)


def _read(text: str) -> object:
    return outcome(lambda: read_root(text), MessageError)


def _parsed(text: str) -> object:
    # Bytes are always parsed; what is quick to read says of itself that it is UTF-8, or nothing.
    return outcome(lambda: read_root(text.encode()), MessageError)


def _as_expat(name: str) -> str:
    return name.removeprefix("{")
