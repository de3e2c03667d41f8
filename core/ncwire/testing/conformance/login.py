"""`ScriptedLogin`: the embedded server's answers, where a test wants them otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ncwire.testing.conformance.security_key import KEY_TYPE, SecurityKeyVerifier
from ncwire.testing.ssh_login import Login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import paramiko
    from paramiko.server import InteractiveQuery

    from ncwire.driver import Algorithms
    from ncwire.testing.access import Access

# The values of paramiko.common (5.1).
_OPEN_SUCCEEDED = 0
_AUTH_SUCCESSFUL = 0
_AUTH_PARTIALLY_SUCCESSFUL = 1
DISCONNECT = 1
SERVICE_REQUEST = 5
_USERAUTH_FAILURE = 51
_PASSWD_CHANGEREQ = 60
CHANNEL_EOF = 96
CHANNEL_CLOSE = 97
_ENDINGS = frozenset({DISCONNECT, CHANNEL_EOF, CHANNEL_CLOSE})
_PROTOCOL_ERROR = 2
_NO_MORE_AUTH_METHODS = 14


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
    window: ClassVar[int] = 0
    """How many bytes of a channel are taken before any are read; 0: paramiko's 2 MiB."""
    one_service: ClassVar[bool] = False
    """Whether a second SSH_MSG_SERVICE_REQUEST ends the connection, as with other makes."""
    password_expired: ClassVar[bool] = False
    """Whether every password is answered with the request to change it (RFC 4252, section 8)."""
    disconnects_in_place: ClassVar[bool] = False
    """Whether the last try is answered by the disconnect alone, as with OpenSSH."""
    compresses: ClassVar[bool] = False
    security_keys: ClassVar[bool] = False
    """Whether keys of FIDO devices are taken, which paramiko's server does not know."""
    algorithms: ClassVar[Algorithms | None] = None
    """The only ones that the server has, if any are named."""
    service_requests: ClassVar[list[int]]
    """The SSH_MSG_SERVICE_REQUESTs that have come."""
    transports: ClassVar[list[paramiko.Transport]]
    endings: ClassVar[list[int]]
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
        transport.packetizer.changed = self._changed  # type: ignore[attr-defined] # the same
        self._services = 0
        self._to_be_changed = False
        self._prepare(transport)
        if self.rekey_bytes:
            transport.packetizer.REKEY_BYTES = self.rekey_bytes

    @classmethod
    def rekeyed(cls) -> bool:
        """Return whether keys have been exchanged anew on some connection (RFC 4253, 7.2)."""
        return any(transport.session_id != transport.H for transport in cls.transports)

    def _prepare(self, transport: paramiko.Transport) -> None:
        if self.window:
            transport.default_window_size = self.window
        options = transport.get_security_options()
        if self.compresses:
            options.compression = ("zlib@openssh.com", "none")
        if self.algorithms is not None:
            options.kex = self.algorithms.kex
            options.ciphers = self.algorithms.ciphers
            options.digests = self.algorithms.macs
        if self.security_keys:
            server = cast("Any", transport)  # the stubs have public names only
            server._preferred_pubkeys = (*server._preferred_pubkeys, KEY_TYPE)  # noqa: SLF001
            server._key_info = {**server._key_info, KEY_TYPE: SecurityKeyVerifier}  # noqa: SLF001

    def _heard(self, number: int) -> None:
        # On the transport's thread, before the message is looked at.
        if number in _ENDINGS:
            self.endings.append(number)
        if number == SERVICE_REQUEST:
            self.service_requests.append(number)
            self._services += 1
            if self.one_service and self._services > 1:
                self._disconnect(_PROTOCOL_ERROR, "Unexpected service in service request")

    def _changed(self, message: paramiko.Message) -> paramiko.Message:
        if self._to_be_changed and message.asbytes()[0] == _USERAUTH_FAILURE:
            # Once for each password: a client that does change it is denied, and not asked again.
            self._to_be_changed = False
            return _change_request()
        return message

    def _disconnect(self, reason: int, text: str) -> None:
        from paramiko.common import cMSG_DISCONNECT  # noqa: PLC0415 - only for a server
        from paramiko.message import Message  # noqa: PLC0415 - only for a server

        message = Message()
        message.add_byte(cMSG_DISCONNECT)
        message.add_int(reason)
        message.add_string(text)
        message.add_string("en")
        # What paramiko would send next finds the connection closed, and ends its thread.
        cast("Any", self._transport)._send_message(message)  # noqa: SLF001 - not for user messages
        self._transport.close()

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
        window: int = 0,
        one_service: bool = False,
        password_expired: bool = False,
        disconnects_in_place: bool = False,
        compresses: bool = False,
        security_keys: bool = False,
        algorithms: Algorithms | None = None,
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
            "window": window,
            "one_service": one_service,
            "password_expired": password_expired,
            "disconnects_in_place": disconnects_in_place,
            "compresses": compresses,
            "security_keys": security_keys,
            "algorithms": algorithms,
            "service_requests": [],
            "transports": [],
            "endings": [],
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
        self._to_be_changed = self.password_expired and method == "password"
        outcome = super()._outcome(method, accepted and not self.password_expired)
        if self.disconnects_in_place and self._failures >= self._access.max_auth_tries:
            self._disconnect(_NO_MORE_AUTH_METHODS, "Too many authentication failures")
        if outcome == _AUTH_SUCCESSFUL:
            self._done.add(method)
            if set(self.required) - self._done:
                return _AUTH_PARTIALLY_SUCCESSFUL
        return outcome


def _change_request() -> paramiko.Message:
    from paramiko.message import Message  # noqa: PLC0415 - only for a server

    message = Message()
    message.add_byte(bytes([_PASSWD_CHANGEREQ]))
    message.add_string("Your password has expired.")
    message.add_string("en")
    return message
