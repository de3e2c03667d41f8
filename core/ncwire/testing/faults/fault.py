"""`Fault`: what may happen to a connection."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ncwire.testing.fault_link import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.testing.fault_proxy import FaultProxy

_GARBAGE = (32).to_bytes(4, "big") + bytes(range(0xA0, 0xA0 + 60))
"""It has the form of a short SSH packet, for a longer one might be waited for."""
_SLICE = 64
_PAUSE = 0.001


class Fault(enum.Enum):
    """The faults; the value is the word of tables and of the command."""

    CUT = "cut"
    HALF_CLOSE = "half-close"
    RESET = "reset"
    STALL = "stall"
    THROTTLE = "throttle"
    BYTE_BY_BYTE = "byte-by-byte"
    GARBAGE = "garbage"
    FLIPPED_BIT = "flipped-bit"
    DROPPED_BYTE = "dropped-byte"
    DUPLICATE = "duplicate"

    @property
    def does(self) -> str:
        """What it does to the bytes of its phase, in words."""
        return _DOES[self]

    @property
    def ends(self) -> bool:
        """Whether it needs no bytes to be done to: it ends the connection, or silences it."""
        return self in _ENDINGS

    @property
    def hurts(self) -> bool:
        """Whether it takes anything from the session but time."""
        return self not in _PACES

    @property
    def breaks(self) -> bool:
        """Whether what arrives is another than what was sent."""
        return self.hurts and not self.ends

    def begin(self, proxy: FaultProxy) -> None:
        """Do what does not wait for bytes."""
        if self is Fault.THROTTLE:
            proxy.throttle(_SLICE, _PAUSE)
        elif self is Fault.BYTE_BY_BYTE:
            proxy.throttle(1, _PAUSE / 10)

    def changed(self, data: bytes) -> bytes:
        """Return what passes in place of these bytes.

        The place is beyond their half, and in none of up to seven packets of one size at the
        length in front.
        """
        place = len(data) * 5 // 8
        match self:
            case Fault.CUT | Fault.HALF_CLOSE | Fault.RESET | Fault.STALL:
                return data[:place]
            case Fault.GARBAGE:
                return _GARBAGE + data
            case Fault.FLIPPED_BIT:
                return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            case Fault.DROPPED_BYTE:
                return data[:place] + data[place + 1 :]
            case Fault.DUPLICATE:
                return data + data
            case _:
                return data

    def end(self, proxy: FaultProxy, side: Side) -> None:
        """Do what comes after the bytes, which were that side's."""
        half_close = proxy.cut if side is Side.SERVER else proxy.end_client
        endings: dict[Fault, Callable[[], None]] = {
            Fault.CUT: proxy.sever,
            Fault.HALF_CLOSE: half_close,
            Fault.RESET: proxy.reset,
            Fault.STALL: proxy.freeze,
        }
        if self in endings:
            endings[self]()


_ENDINGS = frozenset({Fault.CUT, Fault.HALF_CLOSE, Fault.RESET, Fault.STALL})
_PACES = frozenset({Fault.THROTTLE, Fault.BYTE_BY_BYTE})
_DOES = {
    Fault.CUT: "Part of the bytes passes, then the connection ends for both sides.",
    Fault.HALF_CLOSE: "Part of the bytes passes, then their sender ends (TCP's FIN); the other "
    "side is still heard.",
    Fault.RESET: "Part of the bytes passes, then the client sees TCP's reset.",
    Fault.STALL: "Part of the bytes passes, then nothing passes any more, either way.",
    Fault.THROTTLE: f"From here on {_SLICE} bytes pass at once, either way, a millisecond apart.",
    Fault.BYTE_BY_BYTE: "From here on single bytes pass, either way.",
    Fault.GARBAGE: f"{len(_GARBAGE)} other bytes come first.",
    Fault.FLIPPED_BIT: "One bit in the middle is another.",
    Fault.DROPPED_BYTE: "One byte in the middle is missing.",
    Fault.DUPLICATE: "All of the bytes pass twice.",
}
