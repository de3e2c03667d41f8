"""The contestants that there are: drivers, the floors beneath them, and the ssh program."""

from __future__ import annotations

SESSION = "ncwire.bench.session:NcwireSession"
PIPES = "ncwire.bench.floor.pipes:Pipes"
SSH = "ssh -s"

FLOORS = {
    "libssh2": ("floor/libssh2", "ncwire.bench.floor.bare_ssh2:BareSSH2"),
    "paramiko": ("floor/paramiko", "ncwire.bench.floor.bare_paramiko:BareParamiko"),
}
"""The floor of the library that a driver stands on: its name, and its class."""
