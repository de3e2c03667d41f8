"""Many devices that call home, in a process that shares no interpreter lock with the tests.

Run as a program it prints one line of JSON with the public host keys of its devices and of its
strangers, in hex; the latter are devices that no listener knows. A line with a number on stdin
has them all call that port of this machine at once, together with peers that are no devices at
all: silent ones, talkers of something else, and scanners, which hang up at once. At the end of
stdin it prints how many authentication requests the strangers have seen, and ends.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack

from ncwire.driver import HostKey
from ncwire.testing import EmbeddedServer
from ncwire.testing.ssh_login import Login

PASSWORD = "for devices only"
GARBAGE = b"GET / HTTP/1.1\r\nHost: netconf\r\n\r\n" * 64 + bytes(range(256)) * 64


class Stranger(Login):
    requests = 0

    def check_auth_none(self, username):
        Stranger.requests += 1
        return super().check_auth_none(username)

    def check_auth_password(self, username, password):
        Stranger.requests += 1
        return super().check_auth_password(username, password)


class CallingDevices:
    """The process; the arguments tell how many there are of each kind."""

    def __init__(self, **kinds: int) -> None:
        arguments = [f"--{kind}={number}" for kind, number in kinds.items()]
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            text=True,
        )
        keys = json.loads(self._process.stdout.readline())
        self.device_keys = [HostKey.from_blob(bytes.fromhex(key)) for key in keys["devices"]]
        self.stranger_keys = [HostKey.from_blob(bytes.fromhex(key)) for key in keys["strangers"]]

    def call(self, port: int) -> None:
        """Have them all call."""
        print(port, file=self._process.stdin, flush=True)

    def end(self) -> int:
        """End them; return how many authentication requests the strangers have seen."""
        said, _ = self._process.communicate(timeout=30)
        return int(said)

    def kill(self) -> None:
        """End them at once. Idempotent."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    for kind in ("devices", "strangers", "silent", "garbage", "scanners"):
        parser.add_argument(f"--{kind}", type=int, default=0)
    kinds = parser.parse_args()
    with ExitStack() as stack:

        def servers(number: int, login: type[Login]) -> list[EmbeddedServer]:
            made = (EmbeddedServer(password=PASSWORD, login=login) for _ in range(number))
            return [stack.enter_context(server) for server in made]

        devices, strangers = servers(kinds.devices, Login), servers(kinds.strangers, Stranger)
        keys = {
            "devices": [server.host_key.blob.hex() for server in devices],
            "strangers": [server.host_key.blob.hex() for server in strangers],
        }
        _say(json.dumps(keys))
        for line in sys.stdin:
            _call(int(line), kinds, [*devices, *strangers], stack)
    _say(str(Stranger.requests))


def _call(
    port: int, kinds: argparse.Namespace, servers: list[EmbeddedServer], stack: ExitStack
) -> None:
    def dial(number: int) -> list[socket.socket]:
        return [socket.create_connection(("127.0.0.1", port), 30) for _ in range(number)]

    silent, talkers = dial(kinds.silent), dial(kinds.garbage)
    called = dial(len(servers))
    for scanner in dial(kinds.scanners):
        scanner.close()
    for talker in talkers:
        talker.sendall(GARBAGE)
    for server, sock in zip(servers, called, strict=True):
        sock.settimeout(None)
        server.serve(sock)
    for sock in (*silent, *talkers):
        stack.enter_context(sock)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
