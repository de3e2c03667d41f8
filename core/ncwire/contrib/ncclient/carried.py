"""The classes of ncclient's that ncwire carries, each with its methods."""

from __future__ import annotations

from typing import Final

from ncwire.contrib.ncclient import ways
from ncwire.contrib.ncclient.library import ncclient
from ncwire.contrib.ncclient.methods import Methods

SSH: Final = Methods(ncclient.transport.ssh.SSHSession, ways.over_ssh)
TLS: Final = Methods(ncclient.transport.tls.TLSSession, ways.over_tls)
UNIX: Final = Methods(ncclient.transport.unixSocket.UnixSocketSession, ways.over_unix_socket)

ALL: Final = (SSH, TLS, UNIX)
