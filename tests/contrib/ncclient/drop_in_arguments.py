"""What `ncclient.manager.connect` needs for the servers of the tests."""

from __future__ import annotations

from typing import Any

NOTHING_ELSE = {
    "hostkey_verify": False,
    "allow_agent": False,
    "look_for_keys": False,
    "timeout": 20,
}
"""Neither this user's keys nor known hosts."""


def arguments_for(server: Any, **others: Any) -> dict[str, Any]:
    """Return the arguments for an embedded server."""
    known = {"host": server.host, "port": server.port, "username": server.username}
    return {**known, "password": server.password, **NOTHING_ELSE, **others}
