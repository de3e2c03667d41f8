"""What a peer may make us keep."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ncwire.driver.seconds import whole_number

LEAST_CHUNK_HEADER = len(b"\n##\n")


@dataclass(frozen=True, slots=True)
class Limits:
    r"""What a peer may make us keep, each in bytes.

    `message` is for any message but the first, `hello` for the first. `chunk_header` counts a
    whole chunk header, line feeds included: the longest of the grammar is "\n#4294967295\n",
    13 bytes, so more changes nothing, and less bounds the chunk size that is accepted. A peer
    that exceeds one of these gets a `MessageSizeError`.

    `send_queue` is for what is to be sent and the peer does not take. Who sends more waits: see
    `Session.send`. One message may be longer.

    Raises `OptionError` for what is no positive int; a chunk header takes at least 4 bytes.
    """

    message: int = 2**30
    hello: int = 4 * 2**20
    chunk_header: int = 13
    send_queue: int = 4 * 2**20

    def __post_init__(self) -> None:
        for each in fields(self):
            least = LEAST_CHUNK_HEADER if each.name == "chunk_header" else 1
            whole_number(f"limits.{each.name}", getattr(self, each.name), least)


DEFAULTS = Limits()
