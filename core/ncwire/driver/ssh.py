"""`SSHDriver`: the contract for backends that are SSH libraries."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from ncwire.driver.base import Backend
from ncwire.driver.features import Feature

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from ncwire.driver.algorithms import Algorithms
    from ncwire.driver.auth import AgentIdentity, Attempt, AuthOutcome
    from ncwire.driver.channel import Channel, ChannelRequest
    from ncwire.driver.deadline import Deadline
    from ncwire.driver.hostkey import HostKey


class SSHDriver(Backend):
    """The steps of an SSH connection, which the core calls in the one order that it has.

    A driver turns each step into its library's calls and the library's errors into ours. It
    holds no policy: which host keys are good, what is tried in which order and what is offered
    is decided by the core. Each step may block until its deadline (`StepTimeoutError` then);
    whatever it raises, the core calls `abort` next.
    """

    CORE_FEATURES: ClassVar[frozenset[Feature]] = frozenset(
        {
            Feature.HOST_KEY,
            Feature.SOCKET,
            Feature.BIND_ADDRESS,
            Feature.ADDRESS_FAMILY,
            Feature.PROXY_COMMAND,
            Feature.COMMAND,
        }
    )
    """What every SSH driver has because the core does it: part of each `features`."""

    algorithms: ClassVar[Algorithms]
    """All that the library can do; the core chooses among them."""

    def configure(self, options: Mapping[str, object]) -> None:
        """Take the values of `driver_options`, every one of them, before any other step.

        Called where the class declares any, and for each jump host too, with the same values.
        Raises `OptionError` for what does not go together; nothing has been sent then.
        """

    @abstractmethod
    def handshake(
        self, sock: socket.socket, algorithms: Algorithms, deadline: Deadline
    ) -> HostKey:
        """Exchange identification strings and keys over a connected stream socket.

        From here on the socket is the driver's, which closes it in `abort` and in the
        channel's `close`, also when this step fails. Nothing but `algorithms` is offered.
        Returns the server's host key, or its certificate if one was negotiated: seen to sign
        this exchange, and not verified to be the right one. Raises `HandshakeError`.
        """

    @abstractmethod
    def agent_identities(self, agent: str, deadline: Deadline) -> Sequence[AgentIdentity]:
        """Return the agent's keys in its order; none when no agent is running.

        `agent` is the path of its socket; the environment is the core's business.
        """

    @abstractmethod
    def authenticate(self, attempt: Attempt, deadline: Deadline) -> AuthOutcome:
        """Carry out one attempt, and return what the server said to it.

        A denial is an outcome, no error. Raises `SSHError` when the connection failed,
        `DisconnectError` when the server has ended it by saying so, as it does when it has had
        enough (OpenSSH's MaxAuthTries), and `PasswordExpiredError` when the server wants the
        password changed (RFC 4252 section 8).
        """

    @abstractmethod
    def open_channel(
        self, request: ChannelRequest, environment: Mapping[str, str], deadline: Deadline
    ) -> Channel:
        """Open a channel, set the environment, and start what is requested.

        Raises `ChannelError` when the server refuses; the driver can then be asked again for
        another name, for which it opens another channel. The returned channel owns the whole
        connection. A variable that the server refuses is no error (RFC 4254 section 6.4 lets
        it, and OpenSSH's client does not ask).
        """

    def open_tunnel(self, host: str, port: int, deadline: Deadline) -> Channel:
        """Have the server connect to a host and port, and return the channel that leads there.

        Needed for the feature PROXY_JUMP only; called in place of `open_channel`. The name is
        the server's to resolve. Raises `ChannelError` when the server refuses, with its reason.
        The returned channel owns the whole connection, and keeps the rules of any other: what
        it carries is the next host's SSH. Source: RFC 4254 section 7.2, "direct-tcpip".
        """
        raise NotImplementedError
