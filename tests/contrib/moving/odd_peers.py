"""Peers that do what they should not: `python tests/contrib/moving/odd_peers.py` prints the table.

Each is talked to with ncclient, the drop-in and ncwire; `moving_peers.py` has what that came to.
"""

# ruff: noqa: T201 - a script, too

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

TESTS = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS)]

from three_ways import WAYS, talking, told  # noqa: E402 - found by the path above

from ncwire.testing import EmbeddedServer  # noqa: E402
from profiles.peers import (  # noqa: E402
    BASE_1_0,
    BASE_1_1,
    END,
    FAMILIES,
    NS,
    Family,
    PeerOf,
    chunk_by_byte,
    plain_hello,
    plain_reply,
    without_message_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = (BASE_1_0,)
NOTE = (
    b'<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
    b"<eventTime>2026-11-30T00:00:00Z</eventTime></notification>"
)


def replying(change: Callable[[bytes], bytes], **others: Any) -> Family:
    """Return a peer whose replies are changed."""
    return Family(reply=lambda number: change(plain_reply(number)), **others)


def saying(text: bytes, **others: Any) -> Family:
    """Return a peer whose replies have this text; a message-id may have the same."""
    return replying(lambda reply: reply.replace(b">42<", b">" + text + b"<"), **others)


def greeting(change: Callable[[bytes], bytes]) -> Family:
    """Return a peer whose hello is changed."""
    return Family(base=OLD, hello=lambda base: change(plain_hello(base)))


def in_chunks(pattern: bytes) -> Family:
    """Return a peer that sends each reply so; %d is its length, %b itself."""
    return Family(chunks=lambda document: pattern.replace(b"%d", b"%d" % len(document)) % document)


ODD = {
    "hello: no session-id": greeting(
        lambda hello: hello.replace(b"<session-id>7</session-id>", b"")
    ),
    "hello: session-id 0": greeting(lambda hello: hello.replace(b">7<", b">0<")),
    "hello: DOCTYPE": greeting(lambda hello: b"<!DOCTYPE hello>" + hello),
    "hello: no XML": greeting(lambda hello: b"Welcome to r1"),
    "hello: cut off": greeting(lambda hello: hello[:-20]),
    "hello: a reply in its place": greeting(lambda hello: plain_reply("1")),
    "hello: no common base": Family(base=("urn:ietf:params:netconf:base:9.9",)),
    "hello: no namespace": greeting(lambda hello: hello.replace(f' xmlns="{NS}"'.encode(), b"")),
    "hello: after a comment": Family(base=OLD, before=b"<!-- welcome -->\n"),
    "hello: after white space": Family(base=OLD, before=b"\n\n  "),
    "hello: after a text": Family(base=OLD, before=b"Welcome to r1\n"),
    "reply: no message-id": Family(base=OLD, reply=without_message_id),
    "reply: another message-id": Family(base=OLD, reply=lambda number: plain_reply("other")),
    "reply: twice": replying(lambda reply: reply + END + reply, base=OLD),
    "reply: after a notification": replying(lambda reply: NOTE + END + reply, base=OLD),
    "reply: after an empty message": replying(lambda reply: END + reply, base=OLD),
    "reply: after a comment": replying(lambda reply: b"<!-- so -->" + reply, base=OLD),
    "reply: no namespace": replying(
        lambda reply: reply.replace(f' xmlns="{NS}"'.encode(), b""), base=OLD
    ),
    "reply: not UTF-8": saying(b"42 \xe9", base=OLD),
    "reply: characters of three bytes": saying("42 \u20ac".encode(), chunks=chunk_by_byte),
    "reply: not well-formed": replying(lambda reply: reply.replace(b"</data>", b""), base=OLD),
    "reply: DOCTYPE": replying(lambda reply: b"<!DOCTYPE rpc-reply>" + reply, base=OLD),
    "reply: a control character": saying(b"42\x07", base=OLD),
    "reply: NUL after it": replying(lambda reply: reply + b"\0\0", base=OLD),
    "reply: ]]> in a text": saying(b"42]]&gt;]]", base=OLD),
    "reply: ## in a text": saying(b"42\n##\n\n#1\n"),
    "chunks: of one byte": Family(chunks=chunk_by_byte),
    "chunks: a size with a zero in front": in_chunks(b"\n#0%d\n%b\n##\n"),
    "chunks: a size of no number": in_chunks(b"\n#abc\n%b\n##\n"),
    "chunks: a size of 0": in_chunks(b"\n#0\n\n#%d\n%b\n##\n"),
    "chunks: a carriage return before each": in_chunks(b"\r\n#%d\r\n%b\r\n##\r\n"),
    "chunks: a line feed too many": in_chunks(b"\n\n#%d\n%b\n##\n"),
    "chunks: none, though agreed": Family(switches=False),
    "hello: twice": greeting(lambda hello: hello + END + hello),
    "hello: prefixed": greeting(
        lambda hello: (
            hello.replace(b"</", b"</nc:")
            .replace(b"<c", b"<nc:c")
            .replace(b"<s", b"<nc:s")
            .replace(b"<hello xmlns", b"<nc:hello xmlns:nc")
        )
    ),
    "hello: an XML declaration": greeting(
        lambda hello: b'<?xml version="1.0" encoding="UTF-8"?>' + hello
    ),
    "hello: a byte order mark": greeting(lambda hello: b"\xef\xbb\xbf" + hello),
    "hello: base 1.1 alone": Family(base=(BASE_1_1,)),
    "hello: white space in a capability": greeting(
        lambda hello: hello.replace(BASE_1_0.encode(), b"\n  " + BASE_1_0.encode() + b"\n")
    ),
    "hello: an empty capability": greeting(
        lambda hello: hello.replace(b"</capabilities>", b"<capability/></capabilities>")
    ),
    "hello: session-id of letters": greeting(lambda hello: hello.replace(b">7<", b">seven<")),
    "hello: no capabilities": greeting(
        lambda hello: hello[: hello.index(b"<cap")] + hello[hello.index(b"<session") :]
    ),
    "hello: 5,000 capabilities": greeting(
        lambda hello: hello.replace(
            b"</capabilities>",
            b"".join(b"<capability>urn:m:%d</capability>" % n for n in range(5000))
            + b"</capabilities>",
        )
    ),
    "reply: prefixed": replying(
        lambda reply: (
            reply.replace(b"</", b"</nc:")
            .replace(b"<data", b"<nc:data")
            .replace(b"<rpc-reply xmlns", b"<nc:rpc-reply xmlns:nc")
        ),
        base=OLD,
    ),
    "reply: an XML declaration": replying(
        lambda reply: b'<?xml version="1.0" encoding="UTF-8"?>\n' + reply, base=OLD
    ),
    "reply: a byte order mark": replying(lambda reply: b"\xef\xbb\xbf" + reply, base=OLD),
    "reply: after a text": replying(lambda reply: b"ok: " + reply, base=OLD),
    "reply: after a line feed": replying(lambda reply: b"\n" + reply, base=OLD),
    "reply: quoted with '": replying(lambda reply: reply.replace(b'"', b"'"), base=OLD),
    "reply: a CDATA section": saying(b"<![CDATA[42<]]>", base=OLD),
    "reply: an entity that is not declared": saying(b"42&nbsp;", base=OLD),
    "reply: a text of 11 MB": saying(b"42" * 5_500_000),
    "reply: of another kind": replying(
        lambda reply: reply.replace(b"rpc-reply", b"answer"), base=OLD
    ),
    "reply: a notification in its place": Family(base=OLD, reply=lambda _number: NOTE),
    "reply: none, and the end": Family(base=OLD, accepts_rpc=lambda _rpc: False),
    "chunks: a size of 4294967296": in_chunks(b"\n#4294967296\n%b\n##\n"),
    "chunks: text between them": in_chunks(b"\n#%d\n%bmore\n##\n"),
    "close-session: the end is the answer": Family(base=OLD, answers_close=False),
    "close-session: a comment after it": Family(base=OLD, last_word=b"<!-- bye -->\n"),
}
PEERS = {**{f"family: {name}": family for name, family in FAMILIES.items()}, **ODD}


def met(name: str) -> dict[str, str]:
    """Return what talking to a peer comes to, each way."""
    family = PEERS[name]
    profile = name.removeprefix("family: ") if name.startswith("family: ") else None
    server = EmbeddedServer(
        subsystems=family.subsystems, commands=family.commands, script=PeerOf(family)
    )
    with server:
        given = {
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "password": server.password,
            "hostkey_b64": server.host_key.base64,
            "allow_agent": False,
            "look_for_keys": False,
        }
        return told({way: talking(way, given, profile) for way in WAYS})


def main() -> int:
    """Print what each peer comes to."""
    for name in sys.argv[1:] or PEERS:
        print(f"{name!r}: {tuple(met(name).values())},", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
