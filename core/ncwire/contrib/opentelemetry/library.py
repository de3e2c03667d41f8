"""OpenTelemetry's API: imported in one place, which says what to install where it is not there."""

from __future__ import annotations

try:
    from opentelemetry import metrics, trace
except ImportError as error:
    raise ImportError(
        f"ncwire.contrib.opentelemetry: OpenTelemetry's API cannot be imported ({error}); "
        "pip install 'ncwire[otel]'"
    ) from error

__all__ = ["metrics", "trace"]
