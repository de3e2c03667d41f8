"""`Rig`: what a test of the kit works with, and what it leaves nothing of."""

# ruff: noqa: S101 - what a driver does wrong is a test's failure

from __future__ import annotations

import os
import socket
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from ncwire._algorithms import offer
from ncwire._plugins.driver_options import settled
from ncwire._ssh.connecting import connecting
from ncwire.driver import ConnectOptions, Deadline, PasswordAttempt, SSHDriver
from ncwire.driver.rules import Layer
from ncwire.testing.conformance.host import PASSWORD, USERNAME
from ncwire.testing.conformance.line import Line
from ncwire.testing.conformance.other_make import OtherMake
from ncwire.testing.conformance.resources import Resources, left_since
from ncwire.testing.conformance.targets import (
    TARGETS,
    SSHTarget,
    TLSTarget,
    UnixTarget,
    connected_to,
)
from ncwire.testing.conformance.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Self

    from ncwire.driver import Algorithms, Backend, Channel, HostKey
    from ncwire.driver.rules import Rule
    from ncwire.testing.conformance.host import Host, ServerEnd, SSHHost
    from ncwire.testing.conformance.keys import KeyPair
    from ncwire.testing.conformance.tls_host import Identities, TLSHost

_PAUSE = 0.01
_LIMIT = 6
"""How many times its patience a test may take as a whole."""
_START = 60.0
_MORE_THAN_FITS = 1 << 24


class Rig:
    """A driver class, and servers to connect it to.

    `patience` is how many seconds anything may take that is to happen promptly. Whatever was
    made through the rig is ended with it. `short` is what a deadline gives that is meant to
    pass, and how long a driver is watched while nothing happens. `own` are options of the driver's
    that each connection has, unless its test says otherwise.
    """

    def __init__(
        self,
        driver: type[Backend],
        target: str,
        patience: float,
        folder: Path,
        own: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.driver = driver
        self.target = target
        self.patience = patience
        self.short = patience / 10
        self.limit = _LIMIT * patience
        """Seconds that the test may take as a whole; see `time_to_start`."""
        self.folder = folder
        self._own = own
        self._servers = TARGETS[target](self)
        self._cleanup: list[tuple[str, Callable[[], object]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Newest first: servers, made before the channels, are cut last, or once one is stuck.
        for what, end in reversed(self._cleanup):
            Task(end, f"cleaning up: {what}").wait(self.patience)

    def exempt(self, rule: Rule) -> str:
        """Return why a rule does not bind the driver at all, "" if it may."""
        if exempts := rule.layer.exempts(self.target):
            return exempts
        if rule.layer is Layer.STEPS and not issubclass(self.driver, SSHDriver):
            return "the driver is no SSHDriver"
        if rule.layer is Layer.OPTIONS and not self.driver.driver_options:
            return "the driver has no options of its own"
        return ""

    def undeclared(self, rule: Rule) -> str:
        """Return the features that a rule needs and the driver does not declare, "" for none."""
        missing = rule.features - self.driver.features
        return ", ".join(sorted(feature.value for feature in missing))

    # --- servers ---------------------------------------------------------------------------

    def host(self) -> Host:
        """Start a server that lets the driver in by what it can do."""
        return self._servers.host()

    def ssh_host(self, **settings: Any) -> SSHHost:
        """Start an SSH server; see `SSHHost.start`."""
        return self._ssh.start(**settings)

    def tls_host(self, **settings: Any) -> TLSHost:
        """Start a TLS server; see `TLSHost.start`."""
        return self._tls.start(**settings)

    @property
    def identities(self) -> Identities:
        """The certificates of TLS servers and their clients."""
        return self._tls.identities

    @property
    def sockets(self) -> UnixTarget:
        """Where Unix sockets are made."""
        if not isinstance(self._servers, UnixTarget):
            raise TypeError("the target is not unix")
        return self._servers

    def other_make(self, **settings: Any) -> OtherMake:
        """Start an SSH server of another make; see `OtherMake.start`."""
        settings.setdefault("authorized_keys", (self.key.public,))
        host = OtherMake.start(self.patience, **settings)
        self.later("the server of another make", host.close)
        return host

    @property
    def key(self) -> KeyPair:
        """A key that SSH servers let in; the same one throughout the test."""
        return self._ssh.key

    @property
    def key_file(self) -> str:
        """The path of that key."""
        return self._ssh.key_file

    @property
    def _ssh(self) -> SSHTarget:
        if not isinstance(self._servers, SSHTarget):
            raise TypeError("the target is not ssh")
        return self._servers

    @property
    def _tls(self) -> TLSTarget:
        if not isinstance(self._servers, TLSTarget):
            raise TypeError("the target is not tls")
        return self._servers

    # --- connecting ------------------------------------------------------------------------

    def options(self, host: Host | None = None, /, **changes: Any) -> ConnectOptions:
        """Return options that connect to the server, but for the changes.

        Those of the driver's own are changed one by one, and None is as if one were not given;
        what the driver does not declare of those that lead to a server is left out.
        """
        values = {"allow_agent": False, "look_for_keys": False, **self._servers.values(host)}
        declared = {option.name for option in self.driver.driver_options}
        leading, changed = values.pop("driver_options", {}), changes.pop("driver_options", {})
        own = {**leading, **self._own, **changed}
        known = {name: value for name, value in own.items() if name in declared}
        values["driver_options"] = settled(self.driver, known)
        return ConnectOptions(**values | changes)

    def nowhere(self) -> ConnectOptions:
        """Return options that lead to where nothing listens."""
        return self.options(**self._servers.nowhere())

    def unanswering(self) -> ConnectOptions:
        """Return options that lead to where nothing answers."""
        return self.options(**self._servers.unanswering())

    def connect(self, options: ConnectOptions, seconds: float | None = None) -> Line:
        """Connect, which is to succeed by the deadline."""
        budget = seconds or self.patience
        return self.adopt(self._dial(options, budget).result(2 * budget))

    def connecting(self, options: ConnectOptions) -> Task[Channel]:
        """Begin to connect."""
        return self._dial(options, self.patience)

    def open(self, host: Host | None = None, /, **changes: Any) -> tuple[Line, ServerEnd]:
        """Connect, and return both ends of the session."""
        host = host or self.host()
        line = self.connect(self.options(host, **changes))
        return line, host.end()

    def failure(self, options: ConnectOptions, seconds: float | None = None) -> BaseException:
        """Return what connect raises, which is to fail by the deadline, and no much later."""
        budget = seconds or self.patience
        dialling = self._dial(options, budget)
        try:
            channel = dialling.result(budget + self.patience)
        except AssertionError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is what the test asks for
            return error
        self.later("the channel", channel.abort)
        pytest.fail("connect returned a channel where it was to fail")

    def adopt(self, channel: Channel) -> Line:
        """Return a line for a channel, which is freed with the rig."""
        self.later("the channel", channel.abort)
        line = Line(channel, self.patience)
        self.later("the line", line.free)
        return line

    def shaken_hands(
        self, host: Host, offered: Algorithms | None = None
    ) -> tuple[SSHDriver, HostKey]:
        """Return an SSHDriver that has shaken hands with the server, and the key it presented."""
        driver = self.steps()
        key = driver.handshake(self.socket_to(host.port), offered or self.offer(), self.soon())
        return driver, key

    def authenticated(self, host: Host) -> SSHDriver:
        """Return an SSHDriver that has shaken hands with the server, and logged in."""
        driver, _ = self.shaken_hands(host)
        driver.authenticate(PasswordAttempt(USERNAME, PASSWORD), self.soon())
        return driver

    def forward(self, end: ServerEnd, port: int) -> None:
        """Carry a tunnel on to the port that it leads to, as a server does."""
        sock = self.socket_to(port)

        def onwards() -> None:
            while data := end.stream.recv():
                sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

        def back() -> None:
            while data := sock.recv(1 << 16):
                end.stream.send(data)
            end.stream.close()

        for call in (onwards, back):
            Task(call, "the server carrying a tunnel on")

    def steps(self) -> SSHDriver:
        """Return an SSHDriver, to take it through its steps; it is aborted with the rig."""
        driver = self.driver()
        if not isinstance(driver, SSHDriver):
            raise TypeError("only an SSHDriver has steps")
        self.later("the driver", driver.abort)
        return driver

    def offer(self) -> Algorithms:
        """Return what the core would offer by default."""
        if not issubclass(self.driver, SSHDriver):
            raise TypeError("only an SSHDriver has algorithms")
        return offer.choose(self.driver)

    def soon(self, seconds: float | None = None) -> Deadline:
        """Return a deadline for a step."""
        return Deadline.after(seconds or self.patience, "the step under test")

    def socket_to(self, port: int) -> socket.socket:
        """Return a connected socket, set as the core sets one."""
        sock = connected_to(port)
        self.later("the socket", sock.close)
        return sock

    def socket_to_host(self, host: Host) -> socket.socket:
        """Return a connected socket, whatever kind leads to the host."""
        return self._servers.socket_to(host)

    def break_off(self, host: Host, line: Line) -> None:
        """Have the connection break, so that the driver is told of more than an end."""
        if self.target == "unix":
            # Where no reset is, what tells is something of ours that was not taken in.
            host.relay.freeze()
            line.fill(bytes(_MORE_THAN_FITS))
            line.keep_queued(0)
        host.relay.reset()

    # --- what a test waits for -------------------------------------------------------------

    def eventually(self, happens: Callable[[], bool], what: str) -> None:
        """Wait for what no event tells of."""
        until = time.monotonic() + self.patience
        while not happens():
            assert time.monotonic() < until, f"{what}: not within {self.patience:g} s"
            time.sleep(_PAUSE)

    def never(self, happens: Callable[[], bool], what: str, seconds: float) -> None:
        """Watch for so long that something does not happen."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert not happens(), f"{what}: within {seconds:g} s"
            time.sleep(_PAUSE)

    def eventually_driven(self, line: Line, happens: Callable[[], bool], what: str) -> None:
        """Wait for what no event tells of, while the line is driven."""
        until = time.monotonic() + self.patience
        while not happens():
            assert time.monotonic() < until, f"{what}: not within {self.patience:g} s"
            line.serve()
            line.wait(_PAUSE)

    def time_to_start(self) -> float:
        """Return in how many seconds a process is to have started; the test may take them, too.

        They say nothing of the driver, and are many on a busy machine.
        """
        self.limit += _START
        return _START

    def settled(self, count: Callable[[], int]) -> int:
        """Return what a growing count has come to once it grows no more."""
        until = time.monotonic() + self.patience
        before, now = -1, count()
        while now != before and time.monotonic() < until:
            time.sleep(self.short / 2)
            before, now = now, count()
        return now

    def until(self, line: Line, task: Task[Any]) -> Any:
        """Drive the line until the task at the other end is done; return its result."""
        task.notify(line.wake)
        line.drive(lambda: not task.running, task.what)
        return task.result(self.patience)

    def left_since(self, before: Resources) -> str:
        """Tell which fds, threads and children are left that were not there `before`."""
        return left_since(before, self.patience)

    def warm_up(self, host: Host) -> None:
        """Connect once, so that what a library keeps for the process is there to begin with."""
        line, end = self.open(host)
        line.channel.close()
        line.free()
        end.released.set()
        until = time.monotonic() + self.patience
        # What lingers is then counted among what was there before.
        while not host.idle and time.monotonic() < until:
            time.sleep(_PAUSE)

    def later(self, what: str, end: Callable[[], object]) -> None:
        """Have something done when the test is over."""
        self._cleanup.append((what, end))

    def set_environment(self, name: str, value: str | None) -> None:
        """Set a variable of this process's, or unset it, until the test is over."""
        before = os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value

        def restore() -> None:
            os.environ.pop(name, None)
            if before is not None:
                os.environ[name] = before

        self.later(f"the variable {name}", restore)

    def _dial(self, options: ConnectOptions, seconds: float) -> Task[Channel]:
        driver = self.driver()
        deadline = Deadline.after(seconds, "the kit's connect")
        dialling = Task(connecting(driver, options, deadline).run, "the driver's connect")

        def free() -> None:
            if dialling.running:
                driver.abort()

        self.later("the driver", free)
        return dialling
