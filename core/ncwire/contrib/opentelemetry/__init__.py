"""For OpenTelemetry: spans and metrics of sessions, by an observer of `ncwire.observe`.

`OpenTelemetryObserver` uses OpenTelemetry's public API, and no SDK: which one is set up, and where
it sends what it is told, is the program's. Needs the extra `otel`; without it the name raises
ImportError, which says what to install.
"""

from typing import TYPE_CHECKING

from ncwire.driver.lazy import late

if TYPE_CHECKING:
    from ncwire.contrib.opentelemetry.observer import OpenTelemetryObserver
else:
    __getattr__, __dir__ = late(
        __name__, {"OpenTelemetryObserver": "ncwire.contrib.opentelemetry.observer"}
    )

__all__ = ["OpenTelemetryObserver"]
