"""`DriverSession`: a NETCONF session over any driver, whatever its transport."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from ncwire._engine.keepalive import Keepalive
from ncwire._plugins.guard import driver_step
from ncwire._protocol.capabilities import default_client_capabilities
from ncwire._protocol.dialect import PLAIN, Dialect
from ncwire._session.base import Session
from ncwire._ssh.options.defaults import DEFAULT_PORT
from ncwire.driver.deadline import Deadline
from ncwire.driver.features import Feature
from ncwire.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from ncwire._engine.connection import Connection
    from ncwire._protocol.framing import Limits
    from ncwire._session.hub import Hub
    from ncwire.driver import Backend, Channel, ChannelInfo, ConnectOptions, Timeouts
    from ncwire.observe import Observer
    from ncwire.profiles import DeviceProfile
    from ncwire.profiles.driver_choice import DriverChoice
    from ncwire.profiles.ncclient_handler import DeviceHandler, ProfileLike


class DriverSession(Session):
    """A NETCONF session over a driver: what `ncwire.connect` returns, whatever the transport.

    `SSHSession`, `TLSSession` and `UnixSocketSession` are those of the transports that ncwire
    knows; this one is for drivers of another, as strangers write them.

    `profile` is a `DeviceProfile`, the name of one, its file's path, or an ncclient device
    handler; all of these but the name may also come first, in place of the capabilities, as does
    `device_handler`, by its documented name. What else is given here or to `connect` wins over it.
    `capabilities` are the client's (None: the profile's, or ncwire's own). `driver` is the name
    of an installed driver, or a driver class; None means the profile's, the environment's
    NCWIRE_DRIVER, or else the transport's own. `require_session_id`: False takes a server's hello
    without a session-id, and `id` is None then; None means as the profile says, or else True. The
    other arguments are `Session`'s.
    """

    _transport: ClassVar[str | None] = None
    """Which transport its drivers have; None: any but SSH."""
    _default_driver: ClassVar[str | None] = None

    def __init__(
        self,
        capabilities: Iterable[str] | DeviceProfile | DeviceHandler | None = None,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        driver: str | type[Backend] | None = None,
        limits: Limits | None = None,
        hub: Hub | None = None,
        profile: ProfileLike | None = None,
        device_handler: DeviceHandler | None = None,
        require_session_id: bool | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        uris: Iterable[str] | None = None
        if isinstance(capabilities, Iterable):
            uris = capabilities
        elif capabilities is not None:
            profile = _only(profile, "capabilities", capabilities)
        if device_handler is not None:
            profile = _only(profile, "device_handler", device_handler)
        settled = None if profile is None else as_profile(profile)
        if uris is None:
            own = default_client_capabilities
            uris = own() if settled is None else settled.client_capabilities()
        super().__init__(
            uris,
            group,
            target,
            name,
            args,
            kwargs,
            limits=settled.limits if limits is None and settled is not None else limits,
            hub=hub,
            dialect=_dialect(settled, require_session_id),
            observers=observers if settled is None else (*observers, *settled.observers),
        )
        self._profile = settled
        self._driver = driver
        self._driver_choice: DriverChoice | None = None
        self._options: ConnectOptions | None = None
        self._channel: Channel | None = None
        self._backend: type[Backend] | None = None

    @property
    def profile(self) -> DeviceProfile | None:
        """The device profile; None when none was given."""
        return self._profile

    @property
    def driver_choice(self) -> DriverChoice | None:
        """Which driver was taken, and why; None before `connect`."""
        return self._driver_choice

    @property
    def transport(self) -> object | None:
        """The backend library's own object; None when not connected."""
        return self._channel.native if self._channel is not None and self.connected else None

    @property
    def channel_info(self) -> ChannelInfo | None:
        """Library, algorithms and server of the connection; None before there was one."""
        return None if self._channel is None else self._channel.info

    @property
    def host(self) -> str | None:
        """The host, as ssh_config resolved it; None before `connect`, or without a host."""
        return None if self._options is None else self._options.host

    @property
    def port(self) -> int | None:
        """The port; None before `connect`."""
        return None if self._options is None else self._options.port

    def connect(
        self,
        host: str | None = None,
        port: int = DEFAULT_PORT,
        timeout: float | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        sock_fd: int | None = None,
        bind_addr: str | None = None,
        sock: socket.socket | None = None,
        keepalive: float | None = None,
        keepalive_count: int | None = None,
        timeouts: Timeouts | None = None,
        driver_options: Mapping[str, object] | None = None,
    ) -> None:
        """Connect and exchange hellos, by what the driver's transport has for it.

        `host`: a name or an address, v4 or v6; None with `sock` or `sock_fd`, and where the
        transport needs none. `port`: the argument, or that of a profile that names the driver, or
        the driver's own, or 830. `username`, `password`: for a driver that logs in by them.
        `driver_options`: the driver's own, by name, over those of the profile; `ncwire drivers
        NAME` lists them. `timeout`, `timeouts`, `sock`, `sock_fd`, `bind_addr`, `keepalive` and
        `keepalive_count` are as for `SSHSession.connect`; the budget `handshake` is for what the
        transport does before its channel is open.

        Raises, with nothing sent: `OptionError`, `UnsupportedOption`, `DriverError`. Then what
        the transport's own session does: a `TransportError`, `StepTimeoutError` for any step that
        is late, `HelloError`, and `SessionCloseError` when `close` is called meanwhile. No socket,
        thread or fd is left then, and the session cannot be connected again.
        """
        # `import ncwire` must stay quick: what only connecting needs comes with it.
        from ncwire._ssh.options.parameters import Parameters  # noqa: PLC0415
        from ncwire._transports.settling import settle  # noqa: PLC0415

        given = Parameters(
            host=host,
            port=port,
            timeout=timeout,
            username=username,
            password=password,
            sock_fd=sock_fd,
            bind_addr=bind_addr,
            sock=sock,
            keepalive=keepalive,
            keepalive_count=keepalive_count,
            timeouts=timeouts,
            driver_options=driver_options,
            profile=self._profile,
        )
        self._connect_by(settle(given), driver_options, is_fd=sock_fd is not None)

    def _connect_by(
        self,
        options: ConnectOptions,
        driver_options: Mapping[str, object] | None,
        *,
        is_fd: bool,
    ) -> None:
        """Connect by what was settled; `is_fd`: the socket is of an fd that is the caller's.

        Until connecting starts, that is: see `SSHSession.connect`.
        """
        # As in `connect`.
        from ncwire._plugins.driver_options import with_driver_options  # noqa: PLC0415
        from ncwire._ssh.connecting import connecting  # noqa: PLC0415

        started = False
        try:
            chosen, self._driver_choice = self._choose(options.required_features())
            options = with_driver_options(
                self._fitted(options, chosen),
                chosen,
                None if self._profile is None else self._profile.driver_options,
                driver_options,
            )
            with driver_step(chosen.name, "its constructor"):
                driver = chosen()
            deadline = Deadline.after(options.timeouts.overall, "connect")
            way = connecting(driver, options, deadline)
            with self._connecting(
                way.abort,
                driver=chosen.name,
                transport=chosen.transport,
                host=options.host,
                port=None if options.host is None else options.port,
            ):
                started = True
                way.step = self._step
                self._backend = chosen
                self._options = options
                self._keepalive_count = options.keepalive_count
                self._channel = way.run()
                self._peer_address, self._local_address = way.peer_address, way.local_address
                self._open(
                    self._channel,
                    options.timeouts,
                    Keepalive.every(options.keepalive, options.keepalive_count),
                    deadline,
                )
        except BaseException as error:
            refused = isinstance(error, (OptionError, UnsupportedOption))
            untouched = not started or (refused and not way.started)
            if untouched and is_fd and options.sock is not None:
                options.sock.detach()
            if started and self._connection is None:
                way.abort()  # an interrupt came when it had returned, and before it was handed on
            raise

    def _choose(self, needed: Mapping[str, Feature]) -> tuple[type[Backend], DriverChoice]:
        """Return the driver, and how it was chosen. Raises what `choose` does."""
        # As in `connect`.
        from ncwire._transports.driver_choice import choose_for  # noqa: PLC0415

        return choose_for(
            self._transport, self._default_driver, self._driver, self._profile, needed
        )

    def _fitted(self, options: ConnectOptions, driver: type[Backend]) -> ConnectOptions:
        """Return the options as they fit the driver. Raises `OptionError`."""
        # As in `connect`.
        from ncwire._transports.settling import fitted  # noqa: PLC0415

        return fitted(options, driver, self._profile)

    def _profile_advice(self) -> str:
        capabilities = self.server_capabilities
        if self._profile is not None or not capabilities:
            return ""
        # Few sessions come to need it, and it is read from a file.
        from ncwire.probe.profile_match import DEFAULT, fitting  # noqa: PLC0415

        name = fitting({"capability": list(capabilities)}).profile
        if name == DEFAULT:
            return ""
        return f"by its capabilities the server is one for profile={name!r}, which was not given"

    def _check_keeps_alive(self, connection: Connection) -> None:
        if self._backend is None:  # the channel is the caller's own
            super()._check_keeps_alive(connection)
            return
        # As in `connect`.
        from ncwire.profiles.driver_choice import check_features  # noqa: PLC0415

        check_features(self._backend, {"keepalive": Feature.KEEPALIVE})

    def _known(self) -> Iterable[str]:
        if self._driver_choice is None:
            return super()._known()
        host = () if self.host is None else (self.host,)
        port = () if self.port is None else (f"port {self.port}",)
        return (*host, *port, f"driver {self._driver_choice.name}")

    def _described(self) -> str:
        if self.host is None:
            return super()._described()
        return f"session with {self.host}" + ("" if self.port is None else f", port {self.port}")

    def _open(
        self,
        channel: Channel,
        timeouts: Timeouts,
        keepalive: Keepalive | None,
        deadline: Deadline | None,
    ) -> None:
        super()._open(channel, timeouts, keepalive, deadline)
        pause = 0.0 if self._profile is None else self._profile.pause
        if pause and deadline is not None:
            pause = min(pause, max(0.0, deadline.at - time.monotonic()))
        if pause:
            self._freed.wait(pause)


def merged(
    named: Mapping[str, object], driver_options: Mapping[str, object] | None
) -> Mapping[str, object]:
    """Return a driver's options with those that a method has as parameters of its own.

    None of these is one that is not given. Raises `OptionError` for one that is given twice.
    """
    if driver_options is not None and not isinstance(driver_options, Mapping):
        return driver_options  # it is refused where every parameter is
    given = {name: value for name, value in named.items() if value is not None}
    for name in given:
        if driver_options is not None and name in driver_options:
            raise OptionError(name, "is given twice: as a parameter, and in driver_options")
    return {**(driver_options or {}), **given}


def _dialect(profile: DeviceProfile | None, require_session_id: bool | None) -> Dialect:  # noqa: FBT001 - from above
    dialect = PLAIN if profile is None else profile.dialect
    if require_session_id is None:
        return dialect
    if not isinstance(require_session_id, bool):
        raise OptionError("require_session_id", "must be True, False or None")
    return replace(dialect, require_session_id=require_session_id)


def _only(
    profile: ProfileLike | None, option: str, other: DeviceProfile | DeviceHandler
) -> ProfileLike:
    if profile is not None:
        raise OptionError("profile", "is given twice")
    # As in `as_profile`.
    from ncwire.profiles import DeviceProfile  # noqa: PLC0415

    if not isinstance(other, DeviceProfile) and not hasattr(other, "get_capabilities"):
        also = "several URIs, " if option == "capabilities" else ""
        what = type(other).__name__
        raise OptionError(option, f"must be {also}a DeviceProfile or a device handler, not {what}")
    return other


def as_profile(given: ProfileLike) -> DeviceProfile:
    """Return the profile that is given in one of its forms. Raises `ProfileError`."""
    # Imported here: who names no profile is not to pay for reading one.
    from ncwire.profiles.ncclient_handler import settled  # noqa: PLC0415

    return settled(given)
