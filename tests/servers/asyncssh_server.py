"""An SSH server made with AsyncSSH, awkward within the RFCs: see the constants.

Run as a program by `servers.python_server`. It has one user, three ways to log in and the
subsystem "netconf", which is a program of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress

import asyncssh

WINDOW = 2048
PIECE = 65536
PACKET = 256
"""RFC 4254, section 5.1, lets a client be told any size; 32768 is only what all can take."""
REKEY_BYTES = 256 * 1024
"""Several exchanges in every large transfer. Not by time: AsyncSSH 2.24 looks at the clock twice
for a packet, and when the time comes between sends it after its KEXINIT, which RFC 4253, section
7.1, forbids."""
ROUNDS = (
    ("", "", "", []),  # RFC 4256, section 3.4: a request may ask nothing
    ("Terms", "Read them", "", [("Do you accept? ", True)]),
    ("", "", "", []),
    ("Token", "", "", [("Code: ", False)]),
    ("", "You are in", "", []),
)
"""What keyboard-interactive asks, one after the other."""


class Server(asyncssh.SSHServer):
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._rounds = iter(ROUNDS)
        self._asked = None

    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == (self._options.user, self._options.password)

    def kbdint_auth_supported(self):
        return True

    def get_kbdint_challenge(self, username, lang, submethods):
        self._rounds = iter(ROUNDS)
        return self._next()

    def validate_kbdint_response(self, username, responses):
        right = [self._options.yes if echo else self._options.answer for _, echo in self._asked[3]]
        if username != self._options.user or list(responses) != right:
            return False
        return self._next() or True

    def _next(self):
        self._asked = next(self._rounds, None)
        return self._asked


async def serve_channel(process: asyncssh.SSHServerProcess, command: list[str]) -> None:
    if process.subsystem != "netconf":
        process.exit(1)
        return
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    await process.redirect(stdin=child.stdin)
    said = asyncio.gather(pump(child.stdout, process.stdout), pump(child.stderr, process.stderr))
    closed = asyncio.create_task(process.wait_closed())
    ended = asyncio.create_task(child.wait())
    await asyncio.wait({closed, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        child.kill()
    await said
    process.exit(await ended)


async def pump(source: asyncio.StreamReader, sink: asyncssh.SSHWriter) -> None:
    """Pass on what comes: AsyncSSH 2.24's own way reads twice at once when the peer is slow."""
    with suppress(asyncssh.Error, ConnectionError):
        while data := await source.read(PIECE):
            sink.write(data)
            await sink.drain()


async def serve(options: argparse.Namespace) -> None:
    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Server(options),
        process_factory=lambda process: serve_channel(process, options.command),
        server_host_keys=[options.host_key],
        authorized_client_keys=options.authorized_keys,
        encoding=None,
        window=WINDOW,
        max_pktsize=PACKET,
        rekey_bytes=REKEY_BYTES,
    )
    sys.stdout.write(f"listening on {listener.get_port()}\n")
    sys.stdout.flush()
    await listener.wait_closed()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("user", "password", "yes", "answer", "host-key", "authorized-keys"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("command", nargs="+", help="what the subsystem runs")
    logging.basicConfig(level=logging.INFO)
    asyncio.run(serve(parser.parse_args()))
