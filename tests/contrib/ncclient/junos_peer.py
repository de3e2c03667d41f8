"""A peer that answers as Junos does, for an embedded server."""

from __future__ import annotations

import re
from typing import Any

NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
HELLO = (
    f'<hello xmlns="{NS}"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>'
    "</capabilities><session-id>7</session-id></hello>]]>]]>"
)
MESSAGE_ID = re.compile(r'message-id="([^"]*)"')
INTERFACES = (
    "<interface-information><physical-interface><name>ge-0/0/0</name><oper-status>up"
    "</oper-status><mtu>1514</mtu></physical-interface><physical-interface><name>ge-0/0/1</name>"
    "<oper-status>down</oper-status><mtu>1514</mtu></physical-interface></interface-information>"
)
FILTER = (
    "<interface-information><physical-interface><name/><oper-status/></physical-interface>"
    "</interface-information>"
)


class JunosLike:
    """A peer that answers as Junos does, and ends with its last word in no framing."""

    def __init__(self, before_hello: str = "") -> None:
        self.before_hello = before_hello
        self.requests: list[str] = []

    def __call__(self, stream: Any) -> None:
        self.requests.append(stream.info.request)
        stream.send((self.before_hello + HELLO).encode())
        data = ""
        try:
            while more := stream.recv().decode():
                data += more
                *whole, data = data.split("]]>]]>")
                for each in whole:
                    if (found := MESSAGE_ID.search(each)) is None:
                        continue  # our hello
                    content = INTERFACES if "get-interface" in each else "<ok/>"
                    stream.send(f"{reply(found[1], content)}\n]]>]]>\n".encode())
                    if "close-session" in each:
                        stream.send(b"<!-- session end at 2026-01-01 00:00:00 UTC -->\n")
                        return
        except ConnectionError:
            pass
        finally:
            stream.close()


def reply(message_id: str, content: str) -> str:
    return (
        f'<rpc-reply xmlns="{NS}" xmlns:junos="http://xml.juniper.net/junos/23.2R1/junos" '
        f'message-id="{message_id}">\n{content}\n</rpc-reply>'
    )
