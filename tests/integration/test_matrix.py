"""Each parameter and each keyword, by its effect at a real sshd, on each installed driver."""

from __future__ import annotations

import inspect
import socket
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from matrix import KEYWORDS, PARAMETERS

import ncwire
from ncwire import SSHSession
from ncwire._plugins import registry
from ncwire._ssh.config import keywords
from ncwire._ssh.options.parameters import Jump
from ncwire.errors import OptionError, UnsupportedOption
from servers import keyring, requirement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matrix import Row

pytestmark = pytest.mark.sshd


class Peer:
    """A place to connect to that is no server of the fixtures."""

    def __init__(self, sshd: Any, place: tuple[str, int]) -> None:
        self.host, self.port = place
        self.user, self.client_key, self.known_hosts = sshd.user, sshd.client_key, sshd.known_hosts


class Bench:
    """What a row's check works with; servers, accounts and agents are made when asked for."""

    raises = staticmethod(pytest.raises)

    def __init__(self, request: pytest.FixtureRequest, driver: str) -> None:
        self._fixture = request.getfixturevalue
        self.tmp: Path = self._fixture("tmp_path")
        self.driver = driver
        self.connect = self._fixture("connect")
        self.make_sshd = self._fixture("make_sshd")
        self.setenv = self._fixture("monkeypatch").setenv
        self._sessions: list[SSHSession] = []
        self._published: list[Path] = []

    @property
    def sshd(self) -> Any:
        """The server that all share."""
        return self._fixture("sshd")

    @property
    def account(self) -> Any:
        return self._fixture("account")

    @property
    def agent(self) -> Any:
        return self._fixture("ssh_agent")

    def session(self) -> SSHSession:
        """Return a new session, closed afterwards."""
        self._sessions.append(SSHSession(driver=self.driver))
        return self._sessions[-1]

    def by_config(
        self, server: Any, *lines: str, before: str = "", after: str = "", **parameters: Any
    ) -> SSHSession:
        """Connect to "device" with nothing but a configuration, in which the lines come first."""
        file = self.tmp / "config"
        file.write_text(before + self.config_for(server, *lines) + after)
        session = self.session()
        settings = {"allow_agent": False, "look_for_keys": False}
        session.connect("device", ssh_config=file, **(settings | parameters))
        return session

    def config_for(self, server: Any, *lines: str, name: str = "device") -> str:
        usual = (
            f"HostName {server.host}",
            f"Port {server.port}",
            f"User {server.user}",
            f"IdentityFile {server.client_key}",
            f"UserKnownHostsFile {server.known_hosts}",
            "GlobalKnownHostsFile none",
        )
        said = {line.split()[0] for line in lines}
        left = [line for line in usual if line.split()[0] not in said]
        return "\n  ".join((f"Host {name}", *lines, *left)) + "\n"

    def jump(self, server: Any) -> Jump:
        return Jump(
            host=server.host,
            port=server.port,
            username=server.user,
            key_filename=server.client_key,
        )

    def home(self) -> Path:
        """Return a home directory for this process alone."""
        self.setenv("HOME", str(self.tmp))
        (self.tmp / ".ssh").mkdir(mode=0o700)
        return self.tmp

    def key(self, name: str, kind: str = "ed25519", passphrase: str = "") -> Path:
        return self._fixture("key_ring").key(name, kind, passphrase)

    def public(self, key: Path) -> str:
        return keyring.public(key)

    def published(self, key: Path) -> Path:
        """Return a file that any user can read, with the public half."""
        path = self.sshd.folder / f"{key.name}.pub"
        path.write_text(keyring.public(key) + "\n")
        self._published.append(path)
        return path

    def fingerprint(self, key: Path, algorithm: str = "sha256") -> str:
        """Return what ssh-keygen says, "SHA256:..." or "MD5:...", from a key's public half."""
        said = self._keygen("-l", "-E", algorithm, "-f", f"{key}.pub")
        return said.split()[1]

    def certificate(self, authority: Path, key: Path, identity: str, *, principal: str) -> Path:
        """Return a user certificate that stands apart from its key."""
        copy = self.tmp / f"{identity}.pub"
        copy.write_text(keyring.public(key) + "\n")
        self._keygen("-q", "-s", str(authority), "-I", identity, "-n", principal, str(copy))
        return self.tmp / f"{identity}-cert.pub"

    def known_hosts(self, server: Any, key: Path) -> Path:
        """Return a known_hosts file that has this key for the server."""
        path = self.tmp / "another_known_hosts"
        path.write_text(f"[{server.host}]:{server.port} {keyring.public(key)}\n")
        return path

    def join(self, *files: Path) -> Path:
        path = self.tmp / "joined"
        path.write_text("".join(file.read_text() for file in files))
        return path

    def spaced(self, file: Path) -> Path:
        """Return a copy whose name has a space."""
        path = self.tmp / "my hosts"
        path.write_bytes(file.read_bytes())
        return path

    def accepted(self, server: Any) -> str:
        """Return the last line about a login in the server's log."""
        return [line for line in server.log().splitlines() if "Accepted " in line][-1]

    @contextmanager
    def frozen(self, server: Any) -> Iterator[None]:
        server.freeze()
        try:
            yield
        finally:
            server.thaw()

    @contextmanager
    def silent(self) -> Iterator[Peer]:
        """A peer that accepts, and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield Peer(self.sshd, listener.getsockname())

    @contextmanager
    def deaf(self) -> Iterator[Peer]:
        """A port that takes no connection: its backlog is full."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.listen(0)
            held = [socket.socket() for _ in range(4)]
            for each in held:
                each.setblocking(False)
                each.connect_ex(listener.getsockname())
            yield Peer(self.sshd, listener.getsockname())
            for each in held:
                each.close()

    def end(self) -> None:
        for session in self._sessions:
            session.close()
        for path in self._published:
            path.unlink()

    def _keygen(self, *arguments: str) -> str:
        program = requirement.program("ssh-keygen", "openssh-client")
        return subprocess.run(
            [program, *arguments], check=True, capture_output=True, text=True
        ).stdout


@pytest.fixture
def bench(request: pytest.FixtureRequest, driver: str) -> Iterator[Bench]:
    bench = Bench(request, driver)
    yield bench
    with suppress(FileNotFoundError):
        bench.end()


def check(row: Row, bench: Bench) -> None:
    if row.needs is None or row.needs in registry.choose(bench.driver).features:
        row.check(bench)
        return
    with pytest.raises(UnsupportedOption):
        row.check(bench)


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: f"{row.name}:{row.given}")
def test_parameter(row: Row, bench: Bench) -> None:
    check(row, bench)


@pytest.mark.parametrize("row", KEYWORDS, ids=lambda row: row.given)
def test_keyword(row: Row, bench: Bench) -> None:
    requirement.program("ssh", "openssh-client")
    check(row, bench)


@pytest.mark.parametrize("name", sorted({*keywords.REFUSED, *keywords.WIDENED_ONLY}))
def test_refused_keyword(name: str, bench: Bench) -> None:
    values = {"ConnectionAttempts": "2", "RekeyLimit": "1M", "RequiredRSASize": "4096",
              "CASignatureAlgorithms": "ssh-ed25519", "PubkeyAcceptedAlgorithms": "-ssh-rsa*,rsa*",
              "KnownHostsCommand": "/bin/true", "RevokedHostKeys": "/r", "BindInterface": "lo",
              "PKCS11Provider": "/p"}  # fmt: skip
    server = bench.make_sshd()
    with pytest.raises(OptionError, match=f"sets {name} for device, which is not supported"):
        bench.by_config(server, f"{name} {values.get(name, 'yes')}")
    assert "Connection from" not in server.log()


def test_every_parameter_of_connect_has_a_row() -> None:
    names = {*inspect.signature(ncwire.connect).parameters} - {
        "driver",
        "capabilities",
        "limits",
        "hub",
        "observers",
        "require_session_id",
    }
    assert names == {row.name for row in PARAMETERS}


def test_every_keyword_that_is_honoured_has_a_row() -> None:
    assert {*keywords.HONOURED} == {row.name for row in KEYWORDS}
