"""Where a contestant connects to, and what it does there."""

from __future__ import annotations

from dataclasses import dataclass

CHUNKED = "chunked"
END_OF_MESSAGE = "end-of-message"


@dataclass(frozen=True)
class Target:
    """A server, and how to log in there."""

    host: str
    port: int
    user: str
    key: str
    """The path of a private key without a passphrase."""
    known_hosts: str


@dataclass(frozen=True)
class Case:
    """One kind of rpc: replies with `size` bytes of content, 0 for <ok/>.

    `chunk` is the size of the reply's chunks, 0 for a single one.
    """

    size: int = 0
    chunk: int = 0
    framing: str = CHUNKED

    def operation(self) -> str:
        """Return the operation that asks the server for such a reply."""
        return f'<get-bytes xmlns="urn:example:benchmark" n="{self.size}" chunk="{self.chunk}"/>'

    def __str__(self) -> str:
        if not self.size:
            size = "empty reply"
        elif self.size < 1_000_000:
            size = f"{self.size / 1000:g} kB"
        else:
            size = f"{self.size / 1_000_000:g} MB"
        if self.framing != CHUNKED:
            return f"{size}, end-of-message"
        return f"{size}, {f'chunks of {self.chunk} bytes' if self.chunk else 'one chunk'}"
