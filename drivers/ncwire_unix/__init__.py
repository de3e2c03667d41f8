"""The unix driver of ncwire: NETCONF over a Unix socket, with a server on the same machine."""

from ncwire_unix.driver import UnixSocketDriver

__all__ = ["UnixSocketDriver"]
