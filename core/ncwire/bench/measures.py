"""What drivers are measured at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ncwire.bench.target import CHUNKED, MB, Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.bench.contest import Entry
    from ncwire.bench.settings import Settings

CONNECT = "connect"
LATENCY = "latency"
PIPELINED = "pipelined"
THROUGHPUT = "throughput"
MEMORY = "memory"
MEASURES = (CONNECT, LATENCY, PIPELINED, THROUGHPUT, MEMORY)

SESSION = "ncwire.bench.session:NcwireSession"
"""The contestant that is ncwire itself: what a bare loop cannot do, only it is measured at."""

LARGE = MB
"""A reply of so many bytes or more is measured as throughput, a smaller one as latency."""


@dataclass(frozen=True)
class Connecting:
    """Sessions opened one after the other: at most so many in a turn."""

    seconds: float
    most: int
    measure: ClassVar[str] = CONNECT
    request: ClassVar[str] = "connect"
    case: ClassVar[None] = None
    size: ClassVar[int] = 0

    def arguments(self) -> dict[str, Any]:
        """See `Event`."""
        return {"framing": CHUNKED, "seconds": self.seconds, "most": self.most}

    def admits(self, entry: Entry) -> bool:  # noqa: ARG002 - everybody connects
        """See `Event`."""
        return True


@dataclass(frozen=True)
class Rpcs:
    """Rpcs one after the other: latency, or throughput where replies are large."""

    case: Case
    seconds: float
    request: ClassVar[str] = "batch"

    @property
    def measure(self) -> str:
        """Which of the two it is."""
        return THROUGHPUT if self.size >= LARGE else LATENCY

    @property
    def size(self) -> int:
        """Bytes of a reply's content."""
        return self.case.size

    def arguments(self) -> dict[str, Any]:
        """See `Event`."""
        return {"case": asdict(self.case), "seconds": self.seconds}

    def admits(self, entry: Entry) -> bool:
        """See `Event`."""
        return entry.largest is None or self.size <= entry.largest


@dataclass(frozen=True)
class Pipelined:
    """Rpcs of which `window` are always in flight, on one session."""

    case: Case
    seconds: float
    window: int
    measure: ClassVar[str] = PIPELINED
    request: ClassVar[str] = "pipelined"

    @property
    def size(self) -> int:
        """Bytes of a reply's content."""
        return self.case.size

    def arguments(self) -> dict[str, Any]:
        """See `Event`."""
        return {"case": asdict(self.case), "seconds": self.seconds, "window": self.window}

    def admits(self, entry: Entry) -> bool:
        """See `Event`: a bare loop has one rpc in flight."""
        return entry.contestant == SESSION


@dataclass(frozen=True)
class Memory:
    """What so many sessions take, opened beside the first."""

    sessions: int
    measure: ClassVar[str] = MEMORY
    request: ClassVar[str] = "memory"
    case: ClassVar[None] = None
    size: ClassVar[int] = 0

    def arguments(self) -> dict[str, Any]:
        """See `Event`."""
        return {"framing": CHUNKED, "sessions": self.sessions}

    def admits(self, entry: Entry) -> bool:
        """See `Event`: a bare loop has one session."""
        return entry.contestant == SESSION


BenchEvent = Connecting | Rpcs | Pipelined | Memory


def on_server(sizes: Sequence[int], settings: Settings) -> list[BenchEvent]:
    """Return all events on a server of ours, with replies of these sizes."""
    seconds = settings.seconds
    small = [Case(size) for size in sizes if size < LARGE]
    return [
        Connecting(seconds, settings.connections),
        *(Rpcs(Case(size), seconds) for size in sizes),
        *(Pipelined(case, seconds, settings.window) for case in small),
        Memory(settings.sessions),
    ]


def on_device(operation: str, size: int, settings: Settings) -> list[BenchEvent]:
    """Return all events on a device: its replies to one operation, of which one had that size.

    Never many sessions at a time: devices have few.
    """
    case = Case(size, xml=operation)
    return [
        Connecting(settings.seconds, settings.connections),
        Rpcs(case, settings.seconds),
        Pipelined(case, settings.seconds, settings.window),
    ]


def chosen(events: Sequence[BenchEvent], only: Sequence[str]) -> list[BenchEvent]:
    """Return the events of those measures, in the order of `MEASURES`."""
    return sorted(
        (event for event in events if event.measure in only),
        key=lambda event: (MEASURES.index(event.measure), event.size),
    )
