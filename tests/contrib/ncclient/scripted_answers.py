"""A peer that answers each rpc as a test says, for an embedded server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
HELLO = (
    f'<hello xmlns="{NS}"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>'
    "</capabilities><session-id>7</session-id></hello>]]>]]>"
).encode()
MESSAGE_ID = re.compile(rb'message-id="([^"]*)"')


class Scripted:
    """A peer that answers each rpc by a function of its message-id, which returns documents."""

    def __init__(self, answer: Callable[[str], Iterable[str]]) -> None:
        self._answer = answer

    def __call__(self, stream: Any) -> None:
        stream.send(HELLO)
        data = b""
        try:
            while more := stream.recv():
                data += more
                *whole, data = data.split(b"]]>]]>")
                for each in whole:
                    if (found := MESSAGE_ID.search(each)) is None:
                        continue  # our hello
                    for document in self._answer(found[1].decode()):
                        stream.send(document.encode("latin-1") + b"]]>]]>")
        except ConnectionError:
            pass
        finally:
            stream.close()


def reply(message_id: str, content: str = "<data/>") -> str:
    return f'<rpc-reply xmlns="{NS}" message-id="{message_id}">{content}</rpc-reply>'
