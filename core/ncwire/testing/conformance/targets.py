"""What a driver is connected to: servers of a transport, and the options that lead there."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ncwire._ssh.route import sockets
from ncwire.driver import Feature
from ncwire.testing.conformance.awkward import Unanswering, UnansweringPath
from ncwire.testing.conformance.host import PASSWORD, USERNAME, Host, SSHHost
from ncwire.testing.conformance.keys import KeyPair
from ncwire.testing.conformance.tls_host import Identities, TLSHost
from ncwire.testing.conformance.unix_host import UnixHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from ncwire.driver import Backend


class Surroundings(Protocol):
    """What a target works in: the test's rig."""

    driver: type[Backend]
    patience: float
    folder: Path

    def later(self, what: str, end: Callable[[], object]) -> None:
        """Have something done when the test is over."""


class Target(ABC):
    """The servers of one transport, for one rig.

    What it returns as values are arguments of `ConnectOptions`; of the driver's own options the
    rig leaves out what the driver does not declare.
    """

    name: ClassVar[str]

    def __init__(self, rig: Surroundings) -> None:
        self.rig = rig

    @abstractmethod
    def host(self) -> Host:
        """Start a server that lets the driver in by what it can do."""

    @abstractmethod
    def values(self, host: Host | None) -> dict[str, Any]:
        """Return what leads to a host of this target's, and lets in there; None: to no host."""

    @abstractmethod
    def nowhere(self) -> dict[str, Any]:
        """Return what leads to where nothing listens."""

    @abstractmethod
    def unanswering(self) -> dict[str, Any]:
        """Return what leads to where nothing answers."""

    @abstractmethod
    def socket_to(self, host: Host) -> socket.socket:
        """Return a connected socket."""


class _OverTCP(Target):
    def values(self, host: Host | None) -> dict[str, Any]:
        """See `Target`."""
        return {"host": "127.0.0.1"} | ({} if host is None else {"port": host.port})

    def nowhere(self) -> dict[str, Any]:
        """See `Target`."""
        return {"port": closed_port()}

    def unanswering(self) -> dict[str, Any]:
        """See `Target`."""
        peer = Unanswering()
        self.rig.later("the peer", peer.close)
        return {"port": peer.port}

    def socket_to(self, host: Host) -> socket.socket:
        """See `Target`."""
        sock = connected_to(host.port)
        self.rig.later("the socket", sock.close)
        return sock


class PlainTarget(_OverTCP):
    """TCP in the clear."""

    name = "plain"

    def host(self) -> Host:
        """See `Target`."""
        host = Host.plain(self.rig.patience)
        self.rig.later("the server", host.close)
        return host

    def values(self, host: Host | None) -> dict[str, Any]:
        """See `Target`."""
        return {"username": USERNAME} | super().values(host)


class SSHTarget(_OverTCP):
    """SSH servers, which know a password and a key."""

    name = "ssh"

    def __init__(self, rig: Surroundings) -> None:
        super().__init__(rig)
        self._key: KeyPair | None = None

    def host(self) -> SSHHost:
        """See `Target`."""
        return self.start()

    def start(self, **settings: Any) -> SSHHost:
        """Start an SSH server; see `SSHHost.start`."""
        settings.setdefault("authorized_keys", (self.key.public,))
        host = SSHHost.start(self.rig.patience, **settings)
        self.rig.later("the server", host.close)
        return host

    def values(self, host: Host | None) -> dict[str, Any]:
        """See `Target`."""
        folder = self.rig.folder
        known_hosts = folder / f"known_hosts-{len(list(folder.iterdir()))}"
        known_hosts.write_text(host.known_hosts if host else "", encoding="ascii")
        return {
            "username": USERNAME,
            "known_hosts": (str(known_hosts),),
            **super().values(host),
            **self._credentials(),
        }

    @property
    def key(self) -> KeyPair:
        """A key that servers let in; the same one throughout the test."""
        if self._key is None:
            self._key = KeyPair.generate()
        return self._key

    @property
    def key_file(self) -> str:
        """The path of that key."""
        path = self.rig.folder / "key"
        if not path.exists():
            path.touch(0o600)
            path.write_text(self.key.private, encoding="ascii")
        return str(path)

    def _credentials(self) -> dict[str, Any]:
        features = self.rig.driver.features
        if Feature.PASSWORD in features:
            return {"password": PASSWORD}
        if Feature.PUBLICKEY in features:
            return {"key_filename": (self.key_file,)}
        return {}


class TLSTarget(_OverTCP):
    """TLS servers, to which client and server show certificates of one authority."""

    name = "tls"

    def __init__(self, rig: Surroundings) -> None:
        super().__init__(rig)
        self._identities: Identities | None = None

    @property
    def identities(self) -> Identities:
        """The certificates; the same throughout the test."""
        if self._identities is None:
            self._identities = Identities(self.rig.folder)
        return self._identities

    def host(self) -> TLSHost:
        """See `Target`."""
        return self.start()

    def start(self, **settings: Any) -> TLSHost:
        """Start a TLS server; see `TLSHost.start`."""
        host = TLSHost.start(self.rig.patience, self.identities, **settings)
        self.rig.later("the server", host.close)
        return host

    def values(self, host: Host | None) -> dict[str, Any]:
        """See `Target`."""
        files = {"certfile": self.identities.client_file, "ca_certs": self.identities.ca_certs}
        return {"username": "", "driver_options": files} | super().values(host)


class UnixTarget(Target):
    """Unix sockets, in a folder of their own: few bytes fit into such a path."""

    name = "unix"

    def __init__(self, rig: Surroundings) -> None:
        super().__init__(rig)
        self._folder: Path | None = None
        self._count = 0

    def host(self) -> UnixHost:
        """See `Target`."""
        self._count += 1
        host = UnixHost.start(self.rig.patience, self.folder, str(self._count))
        self.rig.later("the server", host.close)
        return host

    def values(self, host: Host | None) -> dict[str, Any]:
        """See `Target`."""
        path = host.path if isinstance(host, UnixHost) else str(self.folder / "none")
        return {"username": "", "host": None, "driver_options": {"path": path}}

    def nowhere(self) -> dict[str, Any]:
        """See `Target`."""
        return {"driver_options": {"path": self.silent_path()}}

    def silent_path(self) -> str:
        """Return the path of a socket that no process listens on."""
        self._count += 1
        path = str(self.folder / str(self._count))
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
        return path

    def unanswering(self) -> dict[str, Any]:
        """See `Target`."""
        self._count += 1
        peer = UnansweringPath(str(self.folder / str(self._count)))
        self.rig.later("the peer", peer.close)
        return {"driver_options": {"path": peer.path}}

    def socket_to(self, host: Host) -> socket.socket:
        """See `Target`."""
        sock = socket.socket(socket.AF_UNIX)
        self.rig.later("the socket", sock.close)
        sock.connect(self.values(host)["driver_options"]["path"])
        return sock

    @property
    def folder(self) -> Path:
        """Where the sockets are."""
        if self._folder is None:
            made = TemporaryDirectory(prefix="kit-")
            self.rig.later("the sockets' folder", made.cleanup)
            self._folder = Path(made.name)
        return self._folder


TARGETS: dict[str, type[Target]] = {
    target.name: target for target in (SSHTarget, TLSTarget, UnixTarget, PlainTarget)
}
"""What there is to be connected to, by the word that a driver has as its `transport`."""


def connected_to(port: int) -> socket.socket:
    """Return a socket that is connected to a port of 127.0.0.1, set as the core sets one."""
    sock = socket.create_connection(("127.0.0.1", port))
    sockets.adopt(sock)
    return sock


def closed_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
