"""Servers over TLS and on a Unix socket, for the drivers that are no SSH; one process has both.

Usage: python -m ncwire.bench.beside
Prints a line of JSON once they listen, and ends at the end of stdin.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ncwire.bench import child
from ncwire.bench.embedded import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def running() -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Run them until the end of the block; yields the parameters of `ncwire.connect` for each.

    They are by the transport. Raises `NcwireError` when they do not start.
    """
    with child.running("ncwire.bench.beside") as ways:
        yield ways


def main() -> None:
    """Serve until the end of stdin."""
    # The command imports this module to start it, and is not to import the whole servers.
    from ncwire.testing import EmbeddedTLSServer, EmbeddedUnixServer  # noqa: PLC0415

    logging.getLogger().addHandler(logging.NullHandler())  # a client's end is none of a user's
    with EmbeddedTLSServer(script=serve) as tls, EmbeddedUnixServer(script=serve) as unix:
        ways = {
            "tls": {"host": tls.host, "port": tls.port, "driver_options": tls.driver_options},
            "unix": {"host": None, "driver_options": unix.driver_options},
        }
        child.tell(ways)


if __name__ == "__main__":
    main()
