"""Where an embedded server is, and how its clients may know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from ncwire.driver import HostKey

_SSH_PORT = 22


@dataclass(kw_only=True, eq=False)
class Endpoint:
    """The address, the login and the host key of a running server."""

    host: str
    port: int
    username: str
    password: str | None = field(repr=False)
    host_key: HostKey

    def known_hosts_line(self) -> str:
        """Return the line by which an OpenSSH known_hosts file knows the server."""
        name = self.host if self.port == _SSH_PORT else f"[{self.host}]:{self.port}"
        return f"{name} {self.host_key.type} {self.host_key.base64}"

    def write_known_hosts(self, path: str | os.PathLike[str]) -> None:
        """Write a known_hosts file that has this server and no other."""
        Path(path).write_text(self.known_hosts_line() + "\n", encoding="ascii")
