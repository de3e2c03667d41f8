"""`Proxy`: the way to a host by a command, which the core runs for a plain Driver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket


class Proxy(ABC):
    """What `ConnectOptions.proxy_command` comes to: a socket that leads to the host.

    The core runs the command as OpenSSH's client does (ssh_config(5), ProxyCommand), and ends it
    and all that it has started when connecting fails or the channel is closed. A session's end
    that is the command's is told with its last words.
    """

    @abstractmethod
    def open(self) -> socket.socket:
        """Start the command, and return the socket, which is the driver's from here on.

        For the thread that is in `Driver.connect`, once. Raises `ConnectError` where the shell
        cannot be started, `OptionError` for what is no command, and `TransportError` where
        connecting has been aborted.
        """

    @abstractmethod
    def account(self) -> str:
        """Tell how the command has failed, for an error; "" while it runs, and for a good end.

        May wait a twentieth of a second: a process ends a little later than its output.
        """
