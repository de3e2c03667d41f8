"""An inventory of thirty devices, played by embedded servers; three are not as they should be.

By hand: `PYTHONPATH=tests python -m servers.fleet` starts them, and says what to run.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ncwire.testing import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncwire.testing import ChannelStream

THIRD_PARTY = Path(__file__).parents[1] / "thirdparty" / "ncwire-asyncssh"
DOWN, CHANGED, WRONG_PASSWORD = "r28", "r29", "r30"
PASSWORD = "of the fleet"
GOOD = 27
_BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
_BASE_1_1 = "urn:ietf:params:netconf:base:1.1"

_NC = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'
DIALECTS = {
    "plain": f"<hello {_NC}><capabilities><capability>{_BASE_1_0}</capability><capability>"
    f"{_BASE_1_1}</capability></capabilities><session-id>7</session-id></hello>",
    "junos": f"<!-- No zombies were killed --><hello {_NC}><capabilities><capability>"
    "urn:ietf:params:xml:ns:netconf:base:1.0</capability><capability>http://xml.juniper.net/netconf"
    "/junos/1.0</capability></capabilities><session-id>7</session-id></hello>",
    "ios": "<?xml version='1.0' encoding='UTF-8'?><hello><capabilities><capability>"
    f"{_BASE_1_0}</capability><capability>urn:ietf:params:netconf:capability:writeable-running:1.0"
    "</capability></capabilities><session-id>7</session-id></hello>",
    "prefixed": f'<nc:hello xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"><nc:capabilities>'
    f"<nc:capability>\n  {_BASE_1_0}\n</nc:capability></nc:capabilities><nc:session-id>7"
    "</nc:session-id></nc:hello>",
}


class Fleet:
    """The servers, and in `folder` the inventory `ncwire.toml` with its known_hosts file.

    The good ones say their hello once all of them have been connected to: a client that goes
    from one to the next waits without end.
    """

    def __init__(self, folder: Path, drivers: Sequence[str], patience: float = 30.0) -> None:
        self._arrived = threading.Barrier(GOOD)
        self._patience = patience
        self._servers = ExitStack()
        self.inventory = folder / "ncwire.toml"
        self.devices: list[str] = []
        lines = [
            "[defaults]",
            'username = "admin"',
            'password = {env = "FLEET_PASSWORD"}',
            'known_hosts = "known_hosts"',
            "ssh_config = false",
            "allow_agent = false",
            "look_for_keys = false",
            "",
            *(f'[groups.by_{driver}]\ndriver = "{driver}"' for driver in drivers),
            "[groups.wrong]",
            'password = {command = ["echo", "not it"]}',
        ]
        known = []
        try:
            for number in range(1, 31):
                name = f"r{number}"
                driver = drivers[number % len(drivers)]
                port, key = self._start(name, list(DIALECTS)[number % len(DIALECTS)], number)
                known.append(key)
                group = '"wrong", ' if name == WRONG_PASSWORD else ""
                lines += [
                    f'[devices.{name}]\nhost = "127.0.0.1"\nport = {port}',
                    f'groups = [{group}"by_{driver}"]',
                    'subsystems = "xmlagent"' if number % 2 else "",
                ]
                self.devices.append(name)
        except BaseException:
            self.close()
            raise
        self.inventory.write_text("\n".join(lines) + "\n")
        self.inventory.chmod(0o644)
        (folder / "known_hosts").write_text("\n".join(filter(None, known)) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the servers."""
        self._arrived.abort()
        self._servers.close()

    def _start(self, name: str, dialect: str, number: int) -> tuple[int, str]:
        if name == DOWN:
            with socket.create_server(("127.0.0.1", 0)) as closed:
                return closed.getsockname()[1], ""
        server = self._servers.enter_context(
            EmbeddedServer(
                password=PASSWORD,
                subsystems=["xmlagent" if number % 2 else "netconf"],
                script=lambda stream: self._speak(stream, DIALECTS[dialect]),
            )
        )
        line = server.known_hosts_line()
        if name == CHANGED:
            line = _line_with_another_key(server)
        return server.port, line

    def _speak(self, stream: ChannelStream, hello: str) -> None:
        try:
            self._arrived.wait(self._patience)
        except threading.BrokenBarrierError:
            return
        stream.send(f"{hello}]]>]]>".encode())
        while stream.recv():
            pass


def _line_with_another_key(server: EmbeddedServer) -> str:
    with EmbeddedServer() as another:
        _, key = another.known_hosts_line().split(" ", 1)
    return f"[{server.host}]:{server.port} {key}"


def main() -> int:
    """Serve until the end of stdin."""
    drivers = sys.argv[1:] or ["paramiko", "libssh2"]
    with (
        tempfile.TemporaryDirectory(prefix="ncwire-fleet-") as folder,
        Fleet(Path(folder), drivers) as fleet,
    ):
        sys.stdout.write(
            f"FLEET_PASSWORD='{PASSWORD}' ncwire check --connect --inventory {fleet.inventory}\n"
            "Ctrl-D here ends the devices.\n"
        )
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
