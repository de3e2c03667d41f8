"""A connect under way, which another thread may abort."""

from __future__ import annotations

import _thread
import logging
import threading
from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from ncwire._interrupts import interruption, raise_interruption, raise_signalled
from ncwire._plugins.driver_options import with_defaults
from ncwire._plugins.guard import check_returned, driver_step
from ncwire.driver.channel import Channel
from ncwire.driver.forking import Forkable, free_in_child, watch_forks
from ncwire.errors import OptionError, SessionCloseError, UnsupportedOption

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ncwire.driver.base import Backend, Driver
    from ncwire.driver.channel import SocketAddress
    from ncwire.driver.deadline import Deadline
    from ncwire.driver.options import ConnectOptions

_log = logging.getLogger(__name__)
_P = ParamSpec("_P")
_ResultT = TypeVar("_ResultT")


class Connecting(Forkable):
    """One connect of a driver's; the core's, not for drivers to touch. A subclass has the steps.

    `run` is called once. After it has failed nothing is left open, whatever the driver did, but
    for a caller's socket after an option that was found wrong before the driver was `started`;
    after `abort`, from any thread and at any time, no connection is left, and `run` fails.
    """

    def __init__(self, driver: Backend, options: ConnectOptions, deadline: Deadline) -> None:
        self._driver = driver
        self._options = with_defaults(options, type(driver))
        self._deadline = deadline
        self._lock = threading.RLock()
        self._freeing = threading.RLock()  # two threads may have reason to free, at one time
        self._aborted = False
        self._abandoned = False
        self._runner: int | None = None  # the thread that is in `run`
        self.step: Step = _unobserved
        """Makes what happens inside a step that observers of the session are told of."""
        self.started = False
        """Whether the driver has been given the socket."""
        self._channel: Channel | None = None
        self.peer_address: SocketAddress | None = None
        """That of the socket that leads to the host; None where none does, or it is not known."""
        self.local_address: SocketAddress | None = None
        watch_forks(self)

    def run(self) -> Channel:
        """Return the open channel, or raise a `TransportError` that says why there is none.

        Raises `SessionCloseError` when it was aborted in time.
        """
        self._runner = threading.get_ident()
        try:
            channel = self._connect()
            with self._lock:
                self._channel = channel
            self._check_not_aborted()
        except BaseException as error:
            self._free()
            if self.started or not isinstance(error, (OptionError, UnsupportedOption)):
                self._close_given()
            raise_interruption(error)
            if self._aborted:
                raise self._closed() from error
            raise
        finally:
            self._runner = None
        return channel

    def abort(self) -> None:
        """Make `run` fail promptly, or free the channel that it has returned. Idempotent.

        On the thread that is in `run`, as in a signal handler that came meanwhile, that is done
        by another: a driver is prepared for an `abort` that comes beside one of its own calls, and
        not for one in the middle of it, where it would wait for a lock of its own.
        """
        self._aborted = True
        if self._abandoned:
            return
        if self._runner == threading.get_ident():
            # Not a `threading.Thread`, whose start takes a lock that the handler may have
            # interrupted this very thread in the middle of.
            _thread.start_new_thread(self._abort, ())
        else:
            self._abort()

    def abandon_in_child(self) -> None:
        """Leave all to the parent; see `Forkable`. The driver is not called any more."""
        self._abandoned = self._aborted = True
        free_in_child(self._lock)
        free_in_child(self._freeing)

    def _abort(self) -> None:
        with self._lock:
            started = self.started
        self._interrupt()
        if started:
            self._free_driver()

    @abstractmethod
    def _connect(self) -> Channel:
        """Open the channel, after `_start`."""

    def _interrupt(self) -> None:
        """Wake what waits outside the driver."""

    def _note_addresses(self, sock: socket.socket) -> None:
        try:
            self.peer_address, self.local_address = sock.getpeername(), sock.getsockname()
        except OSError as error:  # the peer may have reset it already, which is told elsewhere
            raise_signalled(error)

    def _start(self) -> None:
        """Let `abort` reach the driver from here on."""
        with self._lock:
            self.started = True
        self._check_not_aborted()

    def _check_not_aborted(self) -> None:
        if self._aborted:
            raise self._closed()

    @staticmethod
    def _closed() -> SessionCloseError:
        return SessionCloseError(b"", closed_by="us", reason="closed while connecting")

    def _free(self) -> None:
        if self.started:
            self._free_driver()

    def _close_given(self) -> None:
        if self._options.sock is not None:
            self._options.sock.close()

    def _free_driver(self) -> None:
        with self._lock:
            owner = self._channel or self._driver
        if self._abandoned:
            return
        try:
            with self._freeing:
                owner.abort()
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            if interruption(error) is not None:
                owner.abort()
                raise_interruption(error)
            # The failure that led here is what the caller must see.
            _log.exception("driver %r failed to free its connection", self._driver.name)


class Step(Protocol):
    """Makes what happens inside a step of connecting, which may be one at a jump host."""

    def __call__(
        self, name: str, jump_host: str | None = None
    ) -> AbstractContextManager[None]: ...


def _unobserved(name: str, jump_host: str | None = None) -> AbstractContextManager[None]:  # noqa: ARG001
    return nullcontext()


class InOneStep(Connecting):
    """A `Driver`, which connects by itself."""

    def __init__(self, driver: Driver, options: ConnectOptions, deadline: Deadline) -> None:
        super().__init__(driver, options, deadline)
        self._whole = driver

    @abstractmethod
    def _equipped(self, options: ConnectOptions) -> ConnectOptions:
        """Return the options with what the driver gets from the core; they may be found wrong."""

    def _connect(self) -> Channel:
        callbacks = _Callbacks(self._options)
        if self._options.sock is not None:
            self._note_addresses(self._options.sock)
        options = self._equipped(callbacks.options)
        with driver_step(self._driver.name, "prepare"):
            self._whole.prepare(options)
        self._start()
        try:
            with self.step("connect"), driver_step(self._driver.name, "connect"):
                channel = self._whole.connect(options, self._deadline)
        except Exception:
            if callbacks.error is not None:
                raise callbacks.error from None
            raise
        check_returned(self._driver.name, "connect", channel, Channel)
        if options.sock is None:
            self.peer_address = channel.peer_address
            self.local_address = channel.local_address
        return channel


class _Callbacks:
    """The caller's functions in the options: what they raise is not the driver's."""

    def __init__(self, options: ConnectOptions) -> None:
        self.error: BaseException | None = None
        """What one of them has raised."""
        self.options = self._with_noting(options)

    def _with_noting(self, options: ConnectOptions) -> ConnectOptions:
        return replace(
            options,
            auth_handler=options.auth_handler and self._noting(options.auth_handler),
            unknown_host_cb=options.unknown_host_cb and self._noting(options.unknown_host_cb),
            jumps=tuple(map(self._with_noting, options.jumps)),
        )

    def _noting(self, function: Callable[_P, _ResultT]) -> Callable[_P, _ResultT]:
        def call(*arguments: _P.args, **named: _P.kwargs) -> _ResultT:
            try:
                return function(*arguments, **named)
            except BaseException as error:
                self.error = error
                raise

        return call
