"""Sockets: a TCP connection to a host, or one that the caller brings."""

from __future__ import annotations

import errno
import ipaddress
import os
import selectors
import socket
import threading
from contextlib import closing
from dataclasses import dataclass

from ncwire._interrupts import raise_signalled
from ncwire.driver import Wakeup
from ncwire.driver.deadline import Deadline
from ncwire.driver.threads import start_thread
from ncwire.errors import ConnectError, OptionError, SessionCloseError, StepTimeoutError

_FAMILIES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
_IN_PROGRESS = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


@dataclass(frozen=True, slots=True)
class Address:
    """One address to connect to, as `socket.getaddrinfo` gives it."""

    family: socket.AddressFamily
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    def __str__(self) -> str:
        host, port, *more = self.sockaddr
        if self.family != socket.AF_INET6:
            return f"{host}:{port}"
        scope = f"%{_interface(more[1])}" if more[1:] and more[1] else ""
        return f"[{host}{scope}]:{port}"


def open_tcp(
    host: str,
    port: int,
    deadline: Deadline,
    wakeup: Wakeup,
    bind_addr: str | None = None,
    family: socket.AddressFamily | None = None,
) -> socket.socket:
    """Return a connected socket, non-inheritable, blocking and with no timeout of its own.

    Every address of the host is tried in the resolver's order; each has its share of the time
    left, so that one that swallows packets leaves some for the next. `bind_addr` is the source
    address, and only addresses of its family are tried; `family` names one outright. Raises
    `ConnectError` with each address and its error, `StepTimeoutError` when the deadline passes,
    and `SessionCloseError` once `wakeup` is rung.
    """
    problems: list[str] = []
    addresses = _resolve(host, port, deadline, wakeup)
    if family is not None:
        addresses = [a for a in addresses if a.family == family]
        if not addresses:
            raise ConnectError(f"TCP connect to {host}: it has no {_FAMILIES[family]} address")
    source = None
    if bind_addr is not None:
        try:
            source = _resolve(bind_addr, 0, deadline, wakeup)
        except ConnectError as error:  # not the host's name, for who asks why that was not found
            raise ConnectError(f"bind_addr: {error}") from error
        addresses = [a for a in addresses if any(a.family == b.family for b in source)]
        if not addresses:
            raise ConnectError(f"TCP connect to {host}: it has no address of bind_addr's family")
    for index, address in enumerate(addresses):
        left = len(addresses) - index
        share = (
            Deadline.after(deadline.remaining() / left, deadline.step) if left > 1 else deadline
        )
        try:
            return _connect(address, _source_for(address, source), share, wakeup)
        except StepTimeoutError as error:
            if share is deadline:
                raise
            problems.append(f"{address}: no answer within {error.seconds:.1f} s")
        except OSError as error:
            raise_signalled(error)
            problems.append(f"{address}: {error.strerror or error}")
    raise ConnectError(f"TCP connect to {host}: " + "; ".join(problems))


def from_fd(fd: int) -> socket.socket:
    """Return a socket object for an open fd, which it owns from here on.

    Raises `OptionError` for what is no connected stream socket; the fd stays the caller's then.
    """
    try:
        sock = socket.socket(fileno=fd)
    except (OSError, ValueError, OverflowError) as error:
        raise_signalled(error)
        raise OptionError("sock_fd", f"{fd} is no open socket: {error}") from error
    try:
        check_connected("sock_fd", sock)
    except OptionError:
        sock.detach()
        raise
    return sock


def check_connected(option: str, sock: socket.socket) -> None:
    """Raise `OptionError` unless it is a connected stream socket."""
    try:
        sock.getpeername()
    except OSError as error:
        raise_signalled(error)
        raise OptionError(option, f"the socket is not connected: {error.strerror}") from error
    if sock.type != socket.SOCK_STREAM:
        raise OptionError(option, "it is no stream socket")


def adopt(sock: socket.socket) -> None:
    """Set on a connected socket what every session wants: see the comments."""
    sock.setblocking(True)
    # A socket that came from elsewhere must not leak into child processes either (PEP 446).
    sock.set_inheritable(False)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        # Without it Nagle's algorithm against delayed ACKs costs 40 ms an rpc.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _resolve(host: str, port: int, deadline: Deadline, wakeup: Wakeup) -> list[Address]:
    try:
        if _is_literal(host):
            return look_up(host, port, socket.AI_NUMERICHOST)
        return _resolve_in_thread(host, port, deadline, wakeup)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectError(f"name resolution of {host}: {error}") from error


def _resolve_in_thread(host: str, port: int, deadline: Deadline, wakeup: Wakeup) -> list[Address]:
    # getaddrinfo blocks in C for as long as the resolver pleases and cannot be interrupted; on
    # a thread of its own it can be left behind. A daemon: it must not hold up the process's end.
    # An address in digits needs no resolver, so no thread.
    results: list[list[Address]] = []
    errors: list[Exception] = []

    def resolve() -> None:
        try:
            results.append(look_up(host, port, 0))
        except Exception as error:  # noqa: BLE001 - carried to the thread that waits
            errors.append(error)
        finally:
            done.ring()

    with closing(Wakeup()) as done:
        start_thread(threading.Thread(target=resolve, name=f"ncwire-resolve-{host}", daemon=True))
        _wait(done, selectors.EVENT_READ, deadline, wakeup)
    if errors:
        raise errors[0]
    return results[0]


def look_up(host: str | None, port: int, flags: int) -> list[Address]:
    """Return the addresses for TCP. Blocks; raises OSError (getaddrinfo(3))."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [
        Address(family, sockaddr)  # type: ignore[arg-type] # typeshed adds a form for builds without IPv6
        for family, _, _, _, sockaddr in found
    ]


def _interface(scope: int) -> str:
    try:
        return socket.if_indextoname(scope)
    except OSError as error:  # there is none
        raise_signalled(error)
        return str(scope)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _source_for(address: Address, sources: list[Address] | None) -> Address | None:
    return next((s for s in sources or () if s.family == address.family), None)


def _connect(
    address: Address, source: Address | None, deadline: Deadline, wakeup: Wakeup
) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if source is not None:
            _bind(sock, source)
        _raise_for(sock.connect_ex(address.sockaddr), ignored=_IN_PROGRESS)
        _wait(sock, selectors.EVENT_WRITE, deadline, wakeup)
        _raise_for(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        adopt(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _wait(
    watched: socket.socket | Wakeup, events: int, deadline: Deadline, wakeup: Wakeup
) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(wakeup, selectors.EVENT_READ)
        selector.register(watched, events)
        while not selector.select(deadline.slice()):
            pass
    if wakeup.rung:
        raise SessionCloseError(b"", closed_by="us", reason="closed while connecting")


def _raise_for(code: int, ignored: frozenset[int] = frozenset({0})) -> None:
    if code not in ignored:
        raise OSError(code, os.strerror(code))


def _bind(sock: socket.socket, source: Address) -> None:
    try:
        sock.bind(source.sockaddr)
    except OSError as error:
        raise_signalled(error)
        raise OSError(error.errno, f"bind_addr {source.sockaddr[0]}: {error.strerror}") from error
