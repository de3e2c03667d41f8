"""nornir itself: imported in one place, which says what to install where it is not there."""

from __future__ import annotations

try:
    from nornir.core.exceptions import PluginNotRegistered
    from nornir.core.plugins.connections import ConnectionPluginRegister
    from nornir.core.task import Result
except ImportError as error:
    raise ImportError(
        f"ncwire.contrib.nornir: nornir cannot be imported ({error}); pip install 'ncwire[nornir]'"
    ) from error

__all__ = ["ConnectionPluginRegister", "PluginNotRegistered", "Result"]
