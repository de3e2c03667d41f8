"""The same as `protocol`, where a profile has ncwire mend what the server says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ncwire._protocol.capabilities import default_client_capabilities
from ncwire._protocol.dialect import Dialect
from ncwire._protocol.framing import Limits
from ncwire._protocol.lenient import LenientProtocol
from targets import protocol, streams

if TYPE_CHECKING:
    from ncwire._protocol.client import Protocol

TOKENS = (*protocol.TOKENS, b"\0", b"\x1b", b"<capabil\n\nity>", b" >", b"\x0c")
LONGEST = protocol.LONGEST
_LIMITS = Limits(message=600, hello=700)
_CLEANING = Dialect(drop_control_characters=True, mend_split_tags=True)
_MENDING = dataclasses.replace(
    _CLEANING, mend=lambda text: text.replace("<a ", "<a", 1) if "<a " in text else None
)


def one(data: bytes) -> None:
    """Hear a server that is mended."""
    stream = streams.from_server(data)
    streams.check(lambda: _protocol(_MENDING), stream)
    # What is handed over as it comes cannot be mended as a whole.
    streams.check_diverted(lambda: _protocol(_CLEANING), stream)


def _protocol(dialect: Dialect) -> Protocol:
    return LenientProtocol(default_client_capabilities(), _LIMITS, dialect)
