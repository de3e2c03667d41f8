"""One connection to a server, made for a look at it: no credential is sent to it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from ncwire._plugins.guard import check_returned, driver_step
from ncwire._ssh.connecting import SSHConnecting
from ncwire.driver import Wakeup
from ncwire.driver.auth import AuthOutcome, AuthResult, NoneAttempt
from ncwire.driver.deadline import Deadline

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator
    from typing import Self

    from ncwire.driver.algorithms import Algorithms
    from ncwire.driver.hostkey import HostKey
    from ncwire.driver.options import ConnectOptions
    from ncwire.driver.ssh import SSHDriver


class ProbeConnection(SSHConnecting):
    """The way to a server as a session goes it, and then only what is asked for.

    Jump hosts on the way are verified and logged in to as always. `at` is the context in which
    the other methods may be called; after it nothing is left open.
    """

    @classmethod
    @contextmanager
    def at(cls, driver: type[SSHDriver], options: ConnectOptions) -> Generator[Self]:
        """Connect. Raises what the way there does: `ConnectError`, `StepTimeoutError`, ..."""
        with driver_step(driver.name, "its constructor"):
            made = driver()
        connection = cls(made, options, Deadline.after(options.timeouts.overall, "probe"))
        with closing(Wakeup()) as connection._wakeup:
            try:
                connection._configure()
                if options.jumps:
                    connection._hop = connection._hop_before()
                connection._sock = connection._open_socket()
                with connection._route.accounted_for():
                    yield connection
            finally:
                connection._free()

    @property
    def sock(self) -> socket.socket:
        """The connected socket; the driver's after `exchange_keys`."""
        if self._sock is None:
            raise AssertionError("within `at` there is one")
        return self._sock

    def deadline(self, step: str) -> Deadline:
        """Return the deadline of a step that takes the budget of the handshake."""
        return Deadline.after(self._options.timeouts.handshake, step, within=self._deadline)

    def exchange_keys(self, offered: Algorithms) -> HostKey:
        """Exchange keys, and return the server's, unverified. Raises what `handshake` does."""
        return self._handshake(self.sock, offered)

    def auth_methods(self) -> frozenset[str]:
        """Ask which methods the server offers to the user, after `exchange_keys`.

        {"none"} where the server lets the user in as it is. Sends the user's name, and nothing
        else (RFC 4252 section 5.2).
        """
        step = "asking for authentication methods"
        deadline = Deadline.after(self._options.timeouts.auth, step, within=self._deadline)
        with driver_step(self._ssh.name, step):
            outcome = self._ssh.authenticate(NoneAttempt(self._options.username), deadline)
        check_returned(self._ssh.name, step, outcome, AuthOutcome)
        return frozenset({"none"}) if outcome.result is AuthResult.SUCCESS else outcome.methods
