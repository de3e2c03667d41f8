"""NETCONF through the system's OpenSSH client: the ncwire driver `openssh`."""

from ncwire_openssh.driver import OpenSSHDriver

__all__ = ["OpenSSHDriver"]
