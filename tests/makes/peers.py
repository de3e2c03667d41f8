"""A server of each make, with what it takes to log in there and to speak NETCONF with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from makes.netconf_sides import NetconfSide, SmallServer, Yuma
from ncwire.profiles import DeviceProfile
from servers.dropbear import Dropbear
from servers.netconfd import Netconfd
from servers.python_server import AsyncSSH, Conch, PythonServer
from servers.sshd import Sshd, SshdSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servers.account import Account
    from servers.keyring import KeyRing

_EVERY_LOGIN = "PasswordAuthentication yes\nUsePAM yes\nKbdInteractiveAuthentication yes\n"


@dataclass(frozen=True)
class Peer:
    """`identification` is in the server's own; `answer` is for the prompts that want a secret."""

    server: Any
    identification: str
    password: str
    answer: str
    netconf: NetconfSide
    profile: DeviceProfile | str | None = None

    def answers(
        self, _title: str, _instruction: str, prompts: list[tuple[str, bool]]
    ) -> list[str]:
        """Answer as an `auth_handler`."""
        # By their text: not every library tells the echo.
        return [PythonServer.yes if "accept" in text else self.answer for text, _ in prompts]


class Surroundings(Protocol):
    """What servers are made with; the account, which needs root, is made when it is asked for."""

    @property
    def keys(self) -> KeyRing: ...

    @property
    def account(self) -> Account: ...


def _openssh(given: Surroundings) -> Peer:
    settings = SshdSettings(user=given.account.name, config=_EVERY_LOGIN)
    server = Sshd(settings, given.keys)
    password = given.account.password
    return Peer(server, "-OpenSSH_", password, password, SmallServer())


def _netconfd(given: Surroundings) -> Peer:
    server = Netconfd(given.keys, given.account.name, _EVERY_LOGIN)
    password = given.account.password
    return Peer(server, "-OpenSSH_", password, password, Yuma(), "netconfd")


def _dropbear(given: Surroundings) -> Peer:
    server = Dropbear(given.keys, given.account)
    profile = DeviceProfile(name="behind-dropbear", command=server.command)
    password = given.account.password
    return Peer(server, "-dropbear_", password, password, SmallServer(), profile)


def _python(kind: type[PythonServer], identification: str) -> Callable[[Surroundings], Peer]:
    def make(given: Surroundings) -> Peer:
        server = kind(given.keys)
        return Peer(server, identification, server.password, server.answer, SmallServer())

    return make


MAKERS: Mapping[str, Callable[[Surroundings], Peer]] = {
    "openssh": _openssh,
    "netconfd": _netconfd,
    "dropbear": _dropbear,
    "asyncssh": _python(AsyncSSH, "-AsyncSSH_"),
    "conch": _python(Conch, "-Twisted_"),
}
"""By the names of `rows.MAKES`."""
