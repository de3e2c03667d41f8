"""`Login`: what the embedded server answers to one SSH client's requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import paramiko
    from paramiko.server import InteractiveQuery

    from ncwire.testing.access import Access

# The values of paramiko.common (5.1), which is not imported before there is a client.
_AUTH_SUCCESSFUL = 0
_AUTH_FAILED = 2
_OPEN_SUCCEEDED = 0
_OPEN_ADMINISTRATIVELY_PROHIBITED = 1
_FAILURES_BEFORE_DISCONNECT = 9


class Login:
    """The methods of `paramiko.ServerInterface` by which this server differs from it.

    paramiko calls them in the transport's thread. `start` is called with a channel, the name of
    what is requested on it, and the environment that was set before.
    """

    def __init__(
        self,
        access: Access,
        transport: paramiko.Transport,
        start: Callable[[paramiko.Channel, str, dict[str, str]], None],
    ) -> None:
        self._access = access
        self._transport = transport
        self._start_session = start
        self._failures = 0
        self._interactive_user = ""
        self._environments: dict[int, dict[str, str]] = {}
        self._started: set[int] = set()

    def get_banner(self) -> tuple[str | None, str | None]:
        """Return the authentication banner and its language."""
        return (self._access.auth_banner, "en") if self._access.auth_banner else (None, None)

    def get_allowed_auths(self, _username: str) -> str:
        """Return the methods that can go on."""
        return ",".join(self._access.auth_methods)

    def check_auth_none(self, _username: str) -> int:
        """Refuse, which tells the methods; OpenSSH 9.2 does not count it as a try either."""
        self._count_failures(0)
        return _AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        """Judge a password."""
        return self._outcome("password", self._access.accepts_password(username, password))

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Judge a key; paramiko itself has it prove that it signs."""
        return self._outcome("publickey", self._access.accepts_key(username, key.asbytes()))

    def check_auth_interactive(self, username: str, _submethods: str) -> int | InteractiveQuery:
        """Ask for the password."""
        from paramiko.server import InteractiveQuery  # noqa: PLC0415 - see the constants

        if "keyboard-interactive" not in self._access.auth_methods:
            return self._outcome("keyboard-interactive", False)
        self._interactive_user = username
        return InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        """Judge the answer."""
        accepted = len(responses) == 1 and self._access.accepts_password(
            self._interactive_user, responses[0]
        )
        return self._outcome("keyboard-interactive", accepted)

    def check_channel_request(self, kind: str, _chanid: int) -> int:
        """Allow session channels."""
        return _OPEN_SUCCEEDED if kind == "session" else _OPEN_ADMINISTRATIVELY_PROHIBITED

    def check_channel_direct_tcpip_request(
        self, _chanid: int, _origin: tuple[str, int], _destination: tuple[str, int]
    ) -> int:
        """Allow no tunnels."""
        return _OPEN_ADMINISTRATIVELY_PROHIBITED

    opening = 0
    """How many tunnels have been allowed for which `tunnel_opened` has not been called."""

    def tunnel_opened(self, channel: paramiko.Channel) -> None:
        """Take a tunnel that was allowed, and is open now."""

    def check_channel_env_request(
        self, channel: paramiko.Channel, name: bytes, value: bytes
    ) -> bool:
        """Take an environment variable for what will be started on the channel."""
        variables = self._environments.setdefault(channel.get_id(), {})
        variables[name.decode(errors="replace")] = value.decode(errors="replace")
        return True

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        """Start a session on the channel if the subsystem is a known one."""
        return name in self._access.subsystems and self._start(channel, name)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Start a session on the channel if the command is a known one."""
        name = command.decode(errors="replace")
        return name in self._access.commands and self._start(channel, name)

    def _start(self, channel: paramiko.Channel, request: str) -> bool:
        number = channel.get_id()
        if number in self._started:
            # RFC 4254 section 6.5: only one of these requests can succeed on a channel.
            return False
        self._started.add(number)
        self._start_session(channel, request, self._environments.pop(number, {}))
        return True

    def _outcome(self, method: str, accepted: bool) -> int:  # noqa: FBT001 - it is the outcome
        if accepted and method in self._access.auth_methods:
            return _AUTH_SUCCESSFUL
        self._count_failures(1)
        return _AUTH_FAILED

    def _count_failures(self, more: int) -> None:
        # paramiko 5.1 adds one to a count of its own for each refusal, and disconnects at ten.
        self._failures += more
        enough = self._failures >= self._access.max_auth_tries
        handler = self._transport.auth_handler
        if handler is not None:
            handler.auth_fail_count = _FAILURES_BEFORE_DISCONNECT if enough else 0
