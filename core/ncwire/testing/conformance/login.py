"""`ScriptedLogin`: the embedded server's answers, where a test wants them otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ncwire.testing.ssh_login import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import paramiko
    from paramiko.server import InteractiveQuery

    from ncwire.testing.access import Access

# The values of paramiko.common (5.1).
_OPEN_SUCCEEDED = 0
_AUTH_SUCCESSFUL = 0
_AUTH_PARTIALLY_SUCCESSFUL = 1
DISCONNECT = 1
CHANNEL_EOF = 96
CHANNEL_CLOSE = 97
_GOODBYES = frozenset({DISCONNECT, CHANNEL_EOF, CHANNEL_CLOSE})


@dataclass(frozen=True, slots=True)
class Round:
    """One request of keyboard-interactive, and the answers that let the client go on."""

    title: str
    instruction: str
    prompts: tuple[tuple[str, bool], ...]
    answers: tuple[str, ...]


class ScriptedLogin(Login):
    """A subclass is one server's; `of` makes it."""

    attempts: ClassVar[list[str]]
    """The methods that clients tried, in order."""
    required: ClassVar[tuple[str, ...]] = ()
    """The methods that must all succeed, if any are named."""
    rounds: ClassVar[tuple[Round, ...]] = ()
    certificates: ClassVar[tuple[bytes, ...]] = ()
    """The only things that method publickey takes, if any are named."""
    takes_environment: ClassVar[bool] = True
    tunnels_to: ClassVar[frozenset[tuple[str, int]]] = frozenset()
    """The hosts and ports to which tunnels are opened: a session each, "tunnel HOST:PORT"."""
    rekey_bytes: ClassVar[int] = 0
    """After how many bytes, either way, keys are exchanged anew; 0: after paramiko's many."""
    transports: ClassVar[list[paramiko.Transport]]
    goodbyes: ClassVar[list[int]]
    """The numbers of the messages by which clients have ended channels and connections."""

    def __init__(
        self,
        access: Access,
        transport: paramiko.Transport,
        start: Callable[[paramiko.Channel, str, dict[str, str]], None],
    ) -> None:
        super().__init__(access, transport, start)
        self.transports.append(transport)
        transport.packetizer.heard = self._heard  # type: ignore[attr-defined] # of our packetizer
        if self.rekey_bytes:
            transport.packetizer.REKEY_BYTES = self.rekey_bytes

    @classmethod
    def rekeyed(cls) -> bool:
        """Return whether keys have been exchanged anew on some connection (RFC 4253, 7.2)."""
        return any(transport.session_id != transport.H for transport in cls.transports)

    def _heard(self, number: int) -> None:
        if number in _GOODBYES:
            self.goodbyes.append(number)

    @classmethod
    def of(
        cls,
        required: Sequence[str] = (),
        rounds: Sequence[Round] = (),
        *,
        certificates: Sequence[bytes] = (),
        takes_environment: bool = True,
        tunnels_to: Iterable[tuple[str, int]] = (),
        rekey_bytes: int = 0,
    ) -> type[ScriptedLogin]:
        """Return a class for one server."""
        members = {
            "attempts": [],
            "required": tuple(required),
            "rounds": tuple(rounds),
            "certificates": tuple(certificates),
            "takes_environment": takes_environment,
            "tunnels_to": frozenset(tunnels_to),
            "rekey_bytes": rekey_bytes,
            "transports": [],
            "goodbyes": [],
        }
        return type(cls.__name__, (cls,), members)

    def get_allowed_auths(self, username: str) -> str:
        """Return the methods that can go on: those that are still required."""
        left = [method for method in self.required if method not in self._done]
        return ",".join(left) or super().get_allowed_auths(username)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Judge a key, or the certificate that was presented for it."""
        if not self.certificates:
            return super().check_auth_publickey(username, key)
        presented = key.public_blob  # of a certificate only
        known = presented is not None and presented.key_blob in self.certificates
        return self._outcome("publickey", known)

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        """Begin with the first round."""
        if not self.rounds:
            return super().check_auth_interactive(username, submethods)
        self._left = list(self.rounds)
        return self._ask()

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:  # type: ignore[override] # the base asks once only
        """Judge a round's answers, and go on to the next."""
        if not self.rounds:
            return super().check_auth_interactive_response(responses)
        right = tuple(responses) == self._left.pop(0).answers
        if right and self._left:
            return self._ask()
        return self._outcome("keyboard-interactive", right)

    def check_channel_env_request(
        self, channel: paramiko.Channel, name: bytes, value: bytes
    ) -> bool:
        """Take a variable, or none."""
        return self.takes_environment and super().check_channel_env_request(channel, name, value)

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        """Allow the tunnels that there are to be."""
        if destination not in self.tunnels_to:
            return super().check_channel_direct_tcpip_request(chanid, origin, destination)
        self._tunnels[chanid] = "tunnel {}:{}".format(*destination)
        self.opening = len(self._tunnels)
        return _OPEN_SUCCEEDED

    def tunnel_opened(self, channel: paramiko.Channel) -> None:
        """Start a session on a tunnel."""
        request = self._tunnels.pop(channel.get_id(), None)
        self.opening = len(self._tunnels)
        if request is not None:
            self._start_session(channel, request, {})

    @property
    def _tunnels(self) -> dict[int, str]:
        tunnels: dict[int, str] = self.__dict__.setdefault("_tunnels_allowed", {})
        return tunnels

    @property
    def _done(self) -> set[str]:
        # The base's constructor is called with paramiko's arguments; nothing of ours is in them.
        done: set[str] = self.__dict__.setdefault("_methods_done", set())
        return done

    def _ask(self) -> InteractiveQuery:
        from paramiko.server import InteractiveQuery  # noqa: PLC0415 - only for a server

        asked = self._left[0]
        return InteractiveQuery(asked.title, asked.instruction, *asked.prompts)

    def _outcome(self, method: str, accepted: bool) -> int:  # noqa: FBT001 - the base's signature
        self.attempts.append(method)
        outcome = super()._outcome(method, accepted)
        if outcome == _AUTH_SUCCESSFUL:
            self._done.add(method)
            if set(self.required) - self._done:
                return _AUTH_PARTIALLY_SUCCESSFUL
        return outcome
