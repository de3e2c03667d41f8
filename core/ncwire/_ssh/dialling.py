"""The connected socket that a driver is handed: dialled, brought by the caller, or a command's."""

from __future__ import annotations

import re
import socket
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ncwire._plugins.connecting import Connecting
from ncwire._plugins.guard import check_returned, driver_step
from ncwire._ssh import monkey_patches
from ncwire._ssh.hostkeys.known_hosts import host_entry_name
from ncwire._ssh.route import sockets
from ncwire._ssh.route.route import Route
from ncwire.driver.channel import Channel
from ncwire.driver.deadline import Deadline
from ncwire.driver.wakeup import Wakeup
from ncwire.driver.way_options import WAY_OPTIONS
from ncwire.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncwire.driver.base import Backend
    from ncwire.driver.options import ConnectOptions
    from ncwire.driver.over_socket import SocketDriver


_FAMILIES: Final = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


class Dialling(Connecting):
    """A connect whose socket is the core's, until the driver has it.

    Whatever fails, the driver is aborted and the socket closed, and so is the route, through which
    the socket may lead.
    """

    def __init__(
        self,
        driver: Backend,
        options: ConnectOptions,
        deadline: Deadline,
        route: Route | None = None,
    ) -> None:
        super().__init__(driver, options, deadline)
        self._route = route or Route(options.timeouts.close)
        self._wakeup: Wakeup | None = None
        self._sock: socket.socket | None = None

    def run(self) -> Channel:
        """Return the open channel; see `Connecting.run`."""
        with closing(Wakeup()) as self._wakeup:
            return super().run()

    def _open_socket(self) -> socket.socket:
        monkey_patches.check()
        options, wakeup = self._options, self._wakeup
        if options.sock is not None:
            sockets.adopt(options.sock)
            self._note_addresses(options.sock)
            return options.sock
        if options.proxy_command is not None:
            with self.step("ProxyCommand"):
                return self._route.through_command(options.proxy_command)
        if options.host is None or wakeup is None:
            raise OptionError("host", "needed, unless sock or sock_fd is given")
        step = f"TCP connect to {host_entry_name(options.host, options.port)}"
        within = Deadline.after(options.timeouts.connect, step, within=self._deadline)
        with self.step("TCP connect"):
            sock = sockets.open_tcp(
                options.host,
                options.port,
                within,
                wakeup,
                options.bind_addr,
                options.address_family,
            )
        self._note_addresses(sock)
        return sock

    def _interrupt(self) -> None:
        wakeup, sock = self._wakeup, self._sock
        if wakeup is not None:
            wakeup.ring()
        if sock is not None:
            # Also when the driver has it: it may be about to start a step.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._route.abort()

    def _free(self) -> None:
        super()._free()
        if self._sock is not None:
            self._sock.close()
        self._route.abort()


class SocketConnecting(Dialling):
    """A `SocketDriver`: what it needs is read, the socket is opened, and the driver has it."""

    def __init__(self, driver: SocketDriver, options: ConnectOptions, deadline: Deadline) -> None:
        super().__init__(driver, _by_the_way(driver, options), deadline)
        self._over_socket = driver

    def _connect(self) -> Channel:
        # `abort` sets its mark, then wakes; so what came before there was a wakeup is seen here.
        self._check_not_aborted()
        driver, options = self._over_socket, self._options
        with driver_step(driver.name, "prepare"):
            driver.prepare(options)
        self._check_not_aborted()
        self._sock = self._open_socket()
        with self._route.accounted_for():
            step = f"{driver.transport.upper()} handshake"
            within = Deadline.after(options.timeouts.handshake, step, within=self._deadline)
            self._start()
            with self.step(step), driver_step(driver.name, "open"):
                channel = driver.open(self._sock, options, within)
        check_returned(driver.name, "open", channel, Channel)
        return self._route.carry(channel)


def _by_the_way(driver: SocketDriver, options: ConnectOptions) -> ConnectOptions:
    """Return the options with the way that `WAY_OPTIONS` say. Raises `OptionError`."""
    if not {*WAY_OPTIONS} <= {*driver.driver_options}:
        return options
    given = options.driver_options
    family = _FAMILIES.get(str(given.get("address_family")), options.address_family)
    command = given.get("proxy_command")
    if not isinstance(command, str):
        return replace(options, address_family=family)
    for name in ("sock", "bind_addr"):
        if getattr(options, name) is not None:
            raise _wrong(f"cannot be given together with {name}: no host is dialled")
    if family is not None:
        raise _wrong("cannot be given together with address_family: no host is dialled")
    values = {"h": options.host or "", "p": str(options.port), "%": "%"}
    # No quotes are added: the host is a name in which a shell reads nothing else (`check_host`).
    return replace(
        options, proxy_command=re.sub("%(.?)", lambda found: _expanded(found[1], values), command)
    )


def _expanded(token: str, values: Mapping[str, str]) -> str:
    if token not in values:
        raise _wrong(f"%{token} stands for nothing here: %h is the host, %p the port, %% a %")
    return values[token]


def _wrong(problem: str) -> OptionError:
    return OptionError("driver_options.proxy_command", problem)
