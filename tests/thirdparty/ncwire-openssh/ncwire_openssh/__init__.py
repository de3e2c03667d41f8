"""NETCONF through the system's OpenSSH client: the ncwire driver `openssh`."""

from ncwire_openssh.driver import OpenSSHDriver, with_options

__all__ = ["OpenSSHDriver", "with_options"]
