"""NETCONF without I/O: bytes in, messages out, and back."""
