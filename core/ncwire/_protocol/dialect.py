"""`Dialect`: how a family of devices wants its NETCONF written, and what is mended of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What departs from ncwire's own way with XML; each field's default is that way.

    Nothing here changes what a document says: by RFC 6241 the forms are equal, and some devices
    tell them apart all the same.
    """

    hello_prefix: str = ""
    """The namespace prefix of our hello's elements; "": the default namespace."""
    require_session_id: bool = True
    """Whether the server's hello must have a session-id, as RFC 6241 section 8.1 says. Where it
    need not, one that is there must be good all the same."""
    rpc_prefix: str = ""
    """The namespace prefix of `<rpc>`. The default namespace is declared beside it, so that an
    operation without a prefix means the same under either."""
    rpc_declaration: bool = False
    """Whether each rpc begins with an XML declaration; our hello always does."""
    rpc_namespaces: tuple[tuple[str, str], ...] = ()
    """Prefixes and URIs that `<rpc>` declares besides."""
    drop_control_characters: bool = False
    """Whether characters that XML forbids (NUL among them) are dropped from what is received."""
    encoding: str = ""
    """The encoding of messages that are not UTF-8, as Python names it; "": they are refused.
    `OptionError` for one that Python does not know, or in which ASCII is not ASCII."""
    mend_split_tags: bool = False
    """Whether white space in the middle of a tag's name is dropped from the server's hello."""
    mend: Callable[[str], str | None] | None = None
    """Called with a document that cannot be read, and returns it mended, or None. What it raises
    ends the session. On the thread that has read the document, so it must not wait."""

    def __post_init__(self) -> None:
        if self.encoding and not extends_ascii(self.encoding):
            raise OptionError("encoding", f"{self.encoding!r} is none in which ASCII is ASCII")


def extends_ascii(encoding: str) -> bool:
    """Return whether this is an encoding that Python knows, and in which ASCII is ASCII."""
    try:
        return _ASCII.encode(encoding) == _ASCII.encode()
    except (LookupError, UnicodeError, TypeError):
        return False


_ASCII = "".join(map(chr, range(9, 127)))

PLAIN = Dialect()
"""ncwire's own way."""
