"""A small NETCONF server on stdin and stdout, for sshd to start as a subsystem.

It stands alone, with the standard library only, and frames by itself: what ncwire gets wrong,
this must not get wrong in the same way. Arguments:

--base VERSION    a base version to offer, 1.0 or 1.1; may be repeated, both by default
--hello MODE      normal; none (never sends one); late (only after the client's)
--progress FILE   keep there how much has been written, as a decimal number

Beside get, get-config, close-session and create-subscription it knows these operations, for
which a namespace of their own is not needed:

<echo>...</echo>                  the reply holds the element as it came
<get-bytes n="N" chunk="C"/>      the reply holds a data element with N bytes of text, sent in
                                  chunks of C bytes (1.1 only; 65536 by default)
<digest>...</digest>              the reply holds the length and SHA-256 of the whole request
<environment name="N"/>           the reply holds the variable's value
<stderr n="N"/>                   writes N bytes to stderr, then replies
<notify n="N"/>                   replies, then sends N notifications
<silent/>                         never replies; what follows is served as ever
<die/>                            exits with status 1, in the middle of a reply
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from xml.sax.saxutils import escape

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
EOM = b"]]>]]>"
PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n"
CHUNK = 65536
HEADER = re.compile(rb"\n#(?:([1-9][0-9]*)|#)\n")
INTERFACES = (
    '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">'
    "<interface><name>eth0</name><enabled>true</enabled></interface></interfaces>"
)


class Stream:
    def __init__(self, progress: str | None = None) -> None:
        self.chunked = False
        self._buffer = b""
        self._written = 0
        self._progress = None if progress is None else os.open(progress, os.O_WRONLY | os.O_CREAT)

    def send(self, document: bytes, chunk: int = CHUNK) -> None:
        if not self.chunked:
            self.write(document + EOM)
            return
        for start in range(0, len(document), chunk):
            part = document[start : start + chunk]
            self.write(b"\n#%d\n%b" % (len(part), part))
        self.write(b"\n##\n")

    def receive(self) -> bytes | None:
        return self._receive_chunked() if self.chunked else self._receive_to_marker()

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # A pipe takes all of it at once, and returns when all is read.
            sent = os.write(1, view[:CHUNK])
            view = view[sent:]
            self._written += sent
            if self._progress is not None:
                os.pwrite(self._progress, b"%20d" % self._written, 0)

    def _receive_to_marker(self) -> bytes | None:
        start = 0
        while (end := self._buffer.find(EOM, start)) < 0:
            start = max(0, len(self._buffer) - len(EOM) + 1)
            if not self._fill():
                return None
        message, self._buffer = self._buffer[:end], self._buffer[end + len(EOM) :]
        return message

    def _receive_chunked(self) -> bytes | None:
        message = []
        while True:
            while (header := HEADER.match(self._buffer)) is None:
                if len(self._buffer) > 13:
                    sys.exit(f"no chunk header: {self._buffer[:20]!r}")
                if not self._fill():
                    return None
            self._buffer = self._buffer[header.end() :]
            if header[1] is None:
                return b"".join(message)
            missing = int(header[1])
            while missing:
                if not self._buffer and not self._fill():
                    return None
                part, self._buffer = self._buffer[:missing], self._buffer[missing:]
                message.append(part)
                missing -= len(part)

    def _fill(self) -> bool:
        data = os.read(0, 1 << 20)
        self._buffer += data
        return bool(data)


class Server:
    def __init__(self, bases: list[str], hello: str, progress: str | None) -> None:
        self._stream = Stream(progress)
        self._bases = bases
        self._hello = hello

    def serve(self) -> None:
        if self._hello == "normal":
            self._say_hello()
        hello = self._stream.receive()
        if hello is None:
            return
        if self._hello == "late":
            self._say_hello()
        self._stream.chunked = "1.1" in self._bases and b"netconf:base:1.1" in hello
        while (message := self._stream.receive()) is not None:
            if not self._answer(message):
                return

    def _say_hello(self) -> None:
        capabilities = "".join(
            f"<capability>urn:ietf:params:netconf:base:{base}</capability>" for base in self._bases
        )
        self._stream.send(
            f'<?xml version="1.0" encoding="UTF-8"?><hello xmlns="{BASE}"><capabilities>'
            f"{capabilities}<capability>urn:example:test?module=test</capability>"
            f"</capabilities><session-id>{os.getpid()}</session-id></hello>".encode()
        )

    def _answer(self, message: bytes) -> bool:
        tags = re.finditer(rb"<(?:[\w.-]+:)?([\w.-]+)((?:\s[^<>]*?)?)/?>", message[:4096])
        rpc = next(tags)
        operation = next(tags)
        self._message_id = _attributes(rpc[2]).get("message-id")
        name, attributes = operation[1].decode(), _attributes(operation[2])
        method = getattr(self, "_" + name.replace("-", "_"), None)
        if name not in OPERATIONS or method is None:
            self._reply(
                b"<rpc-error><error-type>protocol</error-type>"
                b"<error-tag>operation-not-supported</error-tag>"
                b"<error-severity>error</error-severity></rpc-error>"
            )
            return True
        method(attributes, message)
        return name != "close-session"

    def _reply(self, body: bytes, chunk: int = CHUNK) -> None:
        self._stream.send(self._reply_head() + body + b"</rpc-reply>", chunk)

    def _reply_head(self) -> bytes:
        identity = f' message-id="{self._message_id}"' if self._message_id is not None else ""
        return f'<rpc-reply xmlns="{BASE}"{identity}>'.encode()

    def _get(self, _attributes, _message) -> None:
        self._reply(f"<data>{INTERFACES}</data>".encode())

    _get_config = _get

    def _close_session(self, _attributes, _message) -> None:
        self._reply(b"<ok/>")

    _create_subscription = _close_session

    def _echo(self, _attributes, message: bytes) -> None:
        element = re.search(rb"<echo\b.*</echo>|<echo\b[^>]*/>", message, re.DOTALL)
        self._reply(element[0])

    def _get_bytes(self, attributes, _message) -> None:
        size = int(attributes["n"])
        text = (PATTERN * (size // len(PATTERN) + 1))[:size]
        self._reply(b"<data>" + text + b"</data>", int(attributes.get("chunk", CHUNK)))

    def _digest(self, _attributes, message: bytes) -> None:
        digest = hashlib.sha256(message).hexdigest()
        self._reply(f'<digest n="{len(message)}">{digest}</digest>'.encode())

    def _environment(self, attributes, _message) -> None:
        value = os.environ.get(attributes["name"], "")
        self._reply(f"<environment>{escape(value)}</environment>".encode())

    def _stderr(self, attributes, _message) -> None:
        missing = int(attributes["n"])
        while missing:
            missing -= os.write(2, b"e" * min(missing, 65536))
        self._reply(b"<ok/>")

    def _notify(self, attributes, _message) -> None:
        self._reply(b"<ok/>")
        for number in range(int(attributes["n"])):
            self._stream.send(
                b'<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
                b"<eventTime>2026-01-01T00:00:00Z</eventTime><event>%d</event></notification>"
                % number
            )

    def _silent(self, _attributes, _message) -> None:
        """Send no reply."""

    def _die(self, _attributes, _message) -> None:
        head = self._reply_head()
        self._stream.write(b"\n#1000\n" + head if self._stream.chunked else head)
        os._exit(1)


OPERATIONS = {
    "get", "get-config", "close-session", "create-subscription", "echo", "get-bytes", "digest",
    "environment", "stderr", "notify", "silent", "die",
}  # fmt: skip


def _attributes(text: bytes) -> dict[str, str]:
    found = re.findall(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""", text.decode())
    return {name: double or single for name, double, single in found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", action="append", choices=["1.0", "1.1"])
    parser.add_argument("--hello", default="normal", choices=["normal", "none", "late"])
    parser.add_argument("--progress", metavar="FILE")
    options = parser.parse_args()
    Server(options.base or ["1.0", "1.1"], options.hello, options.progress).serve()
