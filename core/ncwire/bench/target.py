"""Where a contestant connects to, and what it does there."""

from __future__ import annotations

from dataclasses import dataclass

CHUNKED = "chunked"
END_OF_MESSAGE = "end-of-message"
KB = 1_000
MB = 1_000_000


@dataclass(frozen=True)
class Target:
    """A server of ours, and how to log in there."""

    host: str
    port: int
    user: str
    key: str
    """The path of a private key without a passphrase."""
    known_hosts: str


@dataclass(frozen=True)
class Case:
    """One kind of rpc: replies with `size` bytes of content, 0 for <ok/>.

    `chunk` is the size of the reply's chunks, 0 for a single one. `xml` is the operation for a
    server that is not ours: the size is then what came once, and is not asked for.
    """

    size: int = 0
    chunk: int = 0
    framing: str = CHUNKED
    xml: str = ""

    def operation(self) -> str:
        """Return the operation that asks the server for such a reply."""
        if self.xml:
            return self.xml
        return f'<get-bytes xmlns="urn:example:benchmark" n="{self.size}" chunk="{self.chunk}"/>'

    def __str__(self) -> str:
        if self.framing != CHUNKED:
            return f"{self.reply()}, {self.framing}"
        if self.chunk:
            return f"{self.reply()}, chunks of {self.chunk}"
        return self.reply()

    def reply(self) -> str:
        """Return how large the reply is, in words."""
        if not self.size:
            return "empty reply"
        if self.size < KB:
            return f"{self.size} bytes"
        return f"{self.size / KB:.4g} kB" if self.size < MB else f"{self.size / MB:.4g} MB"
