"""NETCONF through AsyncSSH: the ncwire driver `asyncssh`."""

from ncwire_asyncssh.driver import AsyncSSHDriver

__all__ = ["AsyncSSHDriver"]
