"""The fixtures, and what the header of a test run says: a pytest plugin."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from servers import dropbear, requirement
from servers import sshd as openssh
from servers.account import Account, temporary_account
from servers.agent import SshAgent
from servers.keyring import KeyRing
from servers.netconfd import Netconfd
from servers.sshd import Sshd, SshdSettings

MakeSshd = Callable[..., Sshd]

_LIBRARIES = (
    "paramiko", "cryptography", "ssh2-python", "stevedore", "defusedxml", "rich", "hypothesis",
    "asyncssh", "twisted",
)  # fmt: skip


class Server(Protocol):
    """What has its log shown with a failure."""

    port: int

    def log(self) -> str: ...

    def end(self) -> None: ...


_Server = TypeVar("_Server", bound=Server)
_RUNNING = pytest.StashKey[list[Server]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RUNNING] = []


def pytest_report_header() -> list[str]:
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    return [
        f"interpreter: {platform.python_implementation()} {platform.python_version()}",
        f"libraries: {libraries}",
        f"servers: {_sshd_version()}, {_netconfd_version()}, {_dropbear_version()}",
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Show the servers' logs with a failure."""
    report = yield
    if report.failed:
        for server in item.config.stash[_RUNNING]:
            name = f"log of {type(server).__name__} on port {server.port}"
            report.sections.append((name, server.log()[-20000:]))
    return report


@pytest.fixture(scope="session")
def key_ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """Key pairs by name and type."""
    return KeyRing(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def sshd(key_ring: KeyRing, pytestconfig: pytest.Config) -> Iterator[Sshd]:
    """OpenSSH's sshd with a NETCONF subsystem; shared, so that no test may change it."""
    yield from serve(Sshd(SshdSettings(), key_ring), pytestconfig)


@pytest.fixture
def make_sshd(key_ring: KeyRing, pytestconfig: pytest.Config) -> Iterator[MakeSshd]:
    """Start an sshd with settings of the test's own: the arguments of `SshdSettings`."""
    running = pytestconfig.stash[_RUNNING]
    started: list[Sshd] = []

    def make(**settings: object) -> Sshd:
        server = Sshd(SshdSettings(**settings), key_ring)
        started.append(server)
        running.append(server)
        return server

    yield make
    for server in started:
        server.end()
        running.remove(server)


@pytest.fixture(scope="session")
def netconfd(key_ring: KeyRing, pytestconfig: pytest.Config) -> Iterator[Netconfd]:
    """yuma123's netconfd behind sshd; shared, with one datastore for all."""
    yield from serve(Netconfd(key_ring), pytestconfig)


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """A local account with a password."""
    with temporary_account() as account:
        yield account


@pytest.fixture
def ssh_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[SshAgent]:
    """A running agent without keys, which SSH_AUTH_SOCK names during the test."""
    with tempfile.TemporaryDirectory(prefix="ncwire-agent-") as folder:
        agent = SshAgent(Path(folder) / "agent.sock")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
        yield agent
        agent.end()


def serve(server: _Server, config: pytest.Config) -> Iterator[_Server]:
    """Yield a server that runs, have its log shown with failures meanwhile, and end it."""
    running = config.stash[_RUNNING]
    running.append(server)
    yield server
    server.end()
    running.remove(server)


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _sshd_version() -> str:
    path = requirement.find("sshd")
    if path is None:
        return f"no sshd (Debian package {openssh.PACKAGE})"
    # -V is of OpenSSH 9; older ones refuse it, and name their version with that.
    done = subprocess.run([path, "-V"], check=False, capture_output=True, text=True, timeout=10)
    return next((line for line in done.stderr.splitlines() if "OpenSSH" in line), "sshd")


def _netconfd_version() -> str:
    path = requirement.find("netconfd")
    if path is None:
        return "no netconfd (Debian package netconfd)"
    query = ["dpkg-query", "--show", "--showformat=netconfd ${Version}", "netconfd"]
    try:
        return subprocess.run(
            query, check=False, capture_output=True, text=True, timeout=10
        ).stdout
    except OSError:
        return "netconfd"


def _dropbear_version() -> str:
    path = requirement.find("dropbear")
    if path is None:
        return f"no dropbear (Debian package {dropbear.PACKAGE})"
    done = subprocess.run([path, "-V"], check=False, capture_output=True, text=True, timeout=10)
    return (done.stdout + done.stderr).strip()
