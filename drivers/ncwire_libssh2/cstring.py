"""Text for a C library."""

from __future__ import annotations

from ncwire.errors import UnsupportedOption


def c_string(text: str, what: str) -> bytes:
    """Return the text in UTF-8. Raises `UnsupportedOption` where C would cut it short.

    ssh2-python 1.2.0 hands most strings on by their address only, so that libssh2 sees what
    stands before the first NUL.
    """
    if "\0" in text:
        raise UnsupportedOption("libssh2", what)
    return text.encode()
