"""What devices do, as scripted peers: framing and XML by hand, and none of ncwire's code.

Each peer insists on what its family is known to insist on, by ending the session.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.testing import ChannelStream

NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
END = b"]]>]]>"
CAPABILITIES = re.compile(r"<(?:\w+:)?capability>([^<]*)</")
MESSAGE_ID = re.compile(r'message-id="([^"]*)"')


def anything(_document: str) -> bool:
    return True


def plain_hello(base: tuple[str, ...]) -> bytes:
    listed = "".join(f"<capability>{uri}</capability>" for uri in base)
    return (
        f'<hello xmlns="{NS}"><capabilities>{listed}</capabilities>'
        "<session-id>7</session-id></hello>"
    ).encode()


def plain_reply(message_id: str) -> bytes:
    return (
        f'<rpc-reply xmlns="{NS}" message-id="{message_id}"><data>42</data></rpc-reply>'.encode()
    )


def without_message_id(_message_id: str) -> bytes:
    return f'<rpc-reply xmlns="{NS}"><data>42</data></rpc-reply>'.encode()


def one_chunk(document: bytes) -> bytes:
    return b"\n#%d\n%b\n##\n" % (len(document), document)


def chunk_by_byte(document: bytes) -> bytes:
    return b"".join(b"\n#1\n" + bytes([byte]) for byte in document) + b"\n##\n"


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a peer sends, and what it takes."""

    base: tuple[str, ...] = (BASE_1_0, BASE_1_1)
    subsystems: tuple[str, ...] = ("netconf",)
    commands: tuple[str, ...] = ()
    hello: Callable[[tuple[str, ...]], bytes] = plain_hello
    before: bytes = b""
    """Sent before the hello."""
    padding: bytes = b""
    """Sent after each document, and after its end marker."""
    accepts_hello: Callable[[str], bool] = anything
    accepts_rpc: Callable[[str], bool] = anything
    reply: Callable[[str], bytes] = plain_reply
    chunks: Callable[[bytes], bytes] = one_chunk
    switches: bool = True
    """Whether it goes over to chunks when both sides offer base 1.1."""
    answers_close: bool = True
    last_word: bytes = b""
    """Sent after the reply to close-session, in no framing."""
    needs: tuple[str, ...] = ()
    """The options of its profile without which it cannot be talked to."""


@dataclass
class PeerOf:
    """Plays a family; `hello` and `rpcs` are what the client sent in its last session."""

    family: Family
    hello: str = ""
    rpcs: list[str] = field(default_factory=list)

    def __call__(self, stream: ChannelStream) -> None:
        self.rpcs = []
        try:
            self._play(stream)
        except ConnectionError:
            pass  # the client has gone
        finally:
            stream.close()

    def _play(self, stream: ChannelStream) -> None:
        family = self.family
        stream.send(family.before + family.hello(family.base) + family.padding + END)
        wire = Wire(stream)
        self.hello = wire.until(END)
        offered = CAPABILITIES.findall(self.hello)
        if not family.accepts_hello(self.hello):
            return
        chunked = family.switches and BASE_1_1 in offered and BASE_1_1 in family.base
        if family.padding and not chunked:
            stream.send(family.padding)
        while rpc := wire.chunked() if chunked else wire.until(END):
            self.rpcs.append(rpc)
            message_id = MESSAGE_ID.search(rpc)
            if message_id is None or not family.accepts_rpc(rpc):
                return
            closing = "close-session" in rpc
            answer = b""
            if not closing or family.answers_close:
                document = family.reply(message_id[1]) + family.padding
                answer = family.chunks(document) if chunked else document + END
            # All at once, so that a client reads the last word with the reply.
            stream.send(answer + family.last_word if closing else answer)
            if closing:
                return


class Wire:
    """What comes from the client."""

    def __init__(self, stream: ChannelStream) -> None:
        self._stream = stream
        self._data = b""

    def until(self, marker: bytes) -> str:
        while marker not in self._data:
            # A chunk's header is no document: nothing that ends would ever come.
            if self._data.startswith(b"\n#") or not self._more():
                return ""
        document, _, self._data = self._data.partition(marker)
        # As libnetconf2 has it: a stray byte after an end marker belongs to no document.
        return document.decode() if document.startswith(b"<") else ""

    def chunked(self) -> str:
        document = b""
        while True:
            while (header := re.match(rb"\n#(\d+|#)\n", self._data)) is None:
                if not self._more():
                    return ""
            self._data = self._data[header.end() :]
            if header[1] == b"#":
                return document.decode()
            while len(self._data) < int(header[1]):
                if not self._more():
                    return ""
            document += self._data[: int(header[1])]
            self._data = self._data[int(header[1]) :]

    def _more(self) -> bool:
        data = self._stream.recv()
        self._data += data
        return bool(data)


# --- the families ------------------------------------------------------------------------------

HUAWEI = "http://www.huawei.com/netconf/capability/"


def offers(*uris: str) -> Callable[[str], bool]:
    return lambda hello: set(uris) <= set(CAPABILITIES.findall(hello))


def offers_only(*uris: str) -> Callable[[str], bool]:
    return lambda hello: sorted(uris) == sorted(CAPABILITIES.findall(hello))


def declares(**namespaces: str) -> Callable[[str], bool]:
    return lambda rpc: (
        unprefixed(rpc)
        and all(f'xmlns:{prefix}="{uri}"' in rpc for prefix, uri in namespaces.items())
    )


def unprefixed(document: str) -> bool:
    return re.match(r"(<\?xml[^>]*\?>\s*)?<(rpc|hello) ", document) is not None


def declared(document: str) -> bool:
    return document.startswith("<?xml ")


def split_tag(base: tuple[str, ...]) -> bytes:
    return plain_hello(base).replace(b"<capability>", b"<capabil\n\nity>", 1)


def without_namespace(base: tuple[str, ...]) -> bytes:
    misspelt = "urn:ietf:params:netconf:capability:writeable-running:1.0"
    return plain_hello((*base, misspelt)).replace(f' xmlns="{NS}"'.encode(), b"")


def with_control_characters(message_id: str) -> bytes:
    head, start, body = plain_reply(message_id).partition(b"<data>")
    return head + start + body.replace(b"42", b"\x074\x002\x1b")


def with_carriage_returns(message_id: str) -> bytes:
    return plain_reply(message_id).replace(b"<data>", b"\r\n<data>\r\n#1\n##\n\r\n")


FAMILIES = {
    "default": Family(),
    "junos": Family(
        base=(BASE_1_0,),
        subsystems=(),
        commands=("xml-mode netconf need-trailer",),
        before=b"<!-- No zombies were killed during the creation of this user interface -->\n"
        b"<!-- user admin, class j-super-user -->\n",
        last_word=b"<!-- session end at 2026-11-21 12:00:00 UTC -->\n",
        needs=("command",),
    ),
    "iosxr": Family(
        hello=split_tag,
        reply=with_control_characters,
        answers_close=False,
        needs=("received.mend_split_tags", "received.drop_control_characters"),
    ),
    "iosxe": Family(base=(BASE_1_0,), hello=without_namespace),
    "csr": Family(
        base=(BASE_1_0,),
        hello=without_namespace,
        accepts_hello=declared,
        accepts_rpc=declared,
        needs=("rpc.declaration",),
    ),
    "nexus": Family(
        base=(BASE_1_0,),
        subsystems=("xmlagent",),
        accepts_hello=lambda hello: offers(NS)(hello) and unprefixed(hello),
        accepts_rpc=declares(
            nxos="http://www.cisco.com/nxos:1.0",
            nfcli="http://www.cisco.com/nxos:1.0:nfcli",
            vlan_mgr_cli="http://www.cisco.com/nxos:1.0:vlan_mgr_cli",
            **{"if": "http://www.cisco.com/nxos:1.0:if_manager"},
        ),
        answers_close=False,
        needs=("subsystems", "capabilities", "rpc.namespaces"),
    ),
    "huawei": Family(
        accepts_hello=offers(
            *(f"{HUAWEI}{name}/1.0" for name in ("execute-cli", "action", "active")),
            *(f"{HUAWEI}{name}/1.0" for name in ("discard-commit", "exchange")),
        ),
        accepts_rpc=unprefixed,
        padding=b"\0\0\0",
        needs=("extra_capabilities", "received.drop_control_characters"),
    ),
    "huaweiyang": Family(accepts_hello=offers_only(BASE_1_0, BASE_1_1), accepts_rpc=unprefixed),
    "sros": Family(accepts_rpc=unprefixed, reply=with_carriage_returns, chunks=chunk_by_byte),
    "sros-private": Family(
        accepts_hello=offers("urn:nokia.com:nc:pc"), needs=("extra_capabilities",)
    ),
    "alu": Family(accepts_hello=offers_only(BASE_1_0), accepts_rpc=unprefixed, needs=("base",)),
    "h3c": Family(accepts_rpc=unprefixed),
    "hpcomware": Family(
        accepts_rpc=declares(
            data="http://www.hp.com/netconf/data:1.0",
            config="http://www.hp.com/netconf/config:1.0",
        ),
        needs=("rpc.namespaces",),
    ),
    "ciena": Family(accepts_rpc=unprefixed),
    "ericsson": Family(accepts_rpc=unprefixed),
    "netopeer2": Family(reply=without_message_id),
    "netconfd": Family(),
    "ruggedcom": Family(
        chunks=lambda document: b"\n#0%d\n" % len(document) + document, needs=("base",)
    ),
    "clixon": Family(switches=False, reply=without_message_id, needs=("base",)),
}
"""By the name of the profile. huawei-legacy is in its SSH, which needs another server."""
