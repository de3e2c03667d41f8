"""A server that answers as it is told to, and keeps the names of the operations it was sent."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

END = b"]]>]]>"
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
OK = "<ok/>"
ERROR = (
    "<rpc-error><error-type>application</error-type><error-tag>operation-failed</error-tag>"
    "<error-severity>error</error-severity><error-message>as told</error-message></rpc-error>"
)
SILENCE = ""
GOODBYE = "goodbye"
"""In place of an answer the server ends the session."""

_RPC = re.compile(rb'message-id="(\w+)"[^>]*><([\w-]+)')


class Dictated:
    """The script of a server: `answers` by the operation's name, all others are OK."""

    def __init__(self, *capabilities: str, **answers: str) -> None:
        self._capabilities = ("urn:ietf:params:netconf:base:1.0", *capabilities)
        self._answers: Mapping[str, str] = answers
        self.asked: list[str] = []

    def __call__(self, stream: Any) -> None:
        listed = "".join(f"<capability>{each}</capability>" for each in self._capabilities)
        hello = f"<capabilities>{listed}</capabilities><session-id>1</session-id>"
        stream.send(f'<hello xmlns="{BASE}">{hello}</hello>'.encode() + END)
        data = b""
        while piece := stream.recv(65536):
            data += piece
            while END in data:
                message, _, data = data.partition(END)
                if not self._answered(stream, message):
                    return

    def _answered(self, stream: Any, message: bytes) -> bool:
        found = _RPC.search(message)
        if found is None:  # the hello
            return True
        message_id, name = found[1].decode(), found[2].decode()
        self.asked.append(name)
        answer = self._answers.get(name.replace("-", "_"), OK)
        if answer == GOODBYE:
            return False
        if answer:
            reply = f'<rpc-reply message-id="{message_id}" xmlns="{BASE}">{answer}</rpc-reply>'
            stream.send(reply.encode() + END)
        return True


@contextmanager
def dictated(script: Dictated) -> Generator[EmbeddedServer]:
    with EmbeddedServer(script=script) as server:
        yield server
