"""`SSHSession`: a NETCONF session over SSH (RFC 6242), on any driver."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ncwire._engine.keepalive import Keepalive
from ncwire._plugins.guard import driver_step
from ncwire._protocol.capabilities import default_client_capabilities
from ncwire._protocol.dialect import PLAIN
from ncwire._session.base import Session
from ncwire._ssh.options.defaults import DEFAULT_PORT, default_unknown_host_cb
from ncwire.driver.deadline import Deadline
from ncwire.errors import OptionError, UnsupportedOption

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from ncwire._algorithms.policy import AlgorithmPolicy
    from ncwire._protocol.framing import Limits
    from ncwire._session.hub import Hub
    from ncwire._ssh.options.parameters import (
        AuthHandler,
        ConnectParameters,
        Filename,
        Jump,
        UnknownHostCallback,
    )
    from ncwire.driver import (
        Algorithms,
        Backend,
        Channel,
        ChannelInfo,
        ConnectOptions,
        Timeouts,
    )
    from ncwire.profiles import DeviceProfile
    from ncwire.profiles.driver_choice import DriverChoice
    from ncwire.profiles.ncclient_handler import DeviceHandler, ProfileLike

__all__ = ["SSHSession", "connect", "default_unknown_host_cb"]


class SSHSession(Session):
    """A NETCONF session over SSH.

    `profile` is a `DeviceProfile`, the name of one, its file's path, or an ncclient device
    handler; all of these but the name may also come first, in place of the capabilities, as does
    `device_handler`, by its documented name. What else is given here or to `connect` wins over it.
    `capabilities` are the client's (None: the profile's, or ncwire's own). `driver` is the name
    of an installed driver, or a driver class; None means the profile's, the environment's
    NCWIRE_DRIVER, or else "paramiko". The other arguments are `Session`'s.
    """

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
    ) -> None:
        uris: Iterable[str] | None = None
        if isinstance(capabilities, Iterable):
            uris = capabilities
        elif capabilities is not None:
            profile = _only(profile, "capabilities", capabilities)
        if device_handler is not None:
            profile = _only(profile, "device_handler", device_handler)
        settled = None if profile is None else _profile(profile)
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
            dialect=PLAIN if settled is None else settled.dialect,
        )
        self._profile = settled
        self._driver = driver
        self._driver_choice: DriverChoice | None = None
        self._known_hosts: list[str] = []
        self._options: ConnectOptions | None = None
        self._channel: Channel | None = None

    @property
    def profile(self) -> DeviceProfile | None:
        """The device profile; None when none was given."""
        return self._profile

    def _profile_advice(self) -> str:
        capabilities = self.server_capabilities
        if self._profile is not None or capabilities is None:
            return ""
        # Few sessions come to need it, and it is read from a file.
        from ncwire.probe.profile_match import DEFAULT, fitting  # noqa: PLC0415

        name = fitting({"capability": list(capabilities)}).profile
        if name == DEFAULT:
            return ""
        return f"by its capabilities the server is one for profile={name!r}, which was not given"

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

    def load_known_hosts(self, filename: Filename | None = None) -> None:
        """Use an OpenSSH known_hosts file; may be called several times, before `connect`.

        Without a name it is `~/.ssh/known_hosts` (`~/ssh/known_hosts` on Windows), which is
        taken as empty if it does not exist. Without any call, `connect` uses ssh_config's files,
        or else the user's and the system's. Raises `OptionError` for a named file that cannot
        be read.
        """
        # `import ncwire` must stay quick: what only connecting needs comes with it.
        from ncwire._filename import named_file  # noqa: PLC0415
        from ncwire._ssh.hostkeys.known_hosts import read_known_hosts  # noqa: PLC0415
        from ncwire._ssh.options.parameters import exists, user_known_hosts  # noqa: PLC0415

        path = user_known_hosts() if filename is None else named_file("known_hosts", filename)
        if filename is not None or exists(path):
            read_known_hosts([path])
        self._known_hosts.append(path)

    def connect(
        self,
        host: str | None,
        port: int = DEFAULT_PORT,
        timeout: float | None = None,
        unknown_host_cb: UnknownHostCallback | None = default_unknown_host_cb,
        username: str | None = None,
        password: str | None = None,
        key_filename: Filename | Iterable[Filename] | None = None,
        allow_agent: bool = True,  # noqa: FBT001, FBT002 - the documented signature
        hostkey_verify: bool = True,  # noqa: FBT001, FBT002 - the documented signature
        hostkey_b64: str | None = None,
        look_for_keys: bool = True,  # noqa: FBT001, FBT002 - the documented signature
        ssh_config: Filename | bool | None = None,  # noqa: FBT001 - the documented signature
        sock_fd: int | None = None,
        bind_addr: str | None = None,
        sock: socket.socket | None = None,
        keepalive: float | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        passphrase: str | None = None,
        auth_handler: AuthHandler | None = None,
        accept_new: bool = False,
        jumps: Iterable[str | Jump] = (),
        keepalive_count: int | None = None,
        subsystems: Iterable[str] | None = None,
        timeouts: Timeouts | None = None,
        algorithms: Algorithms | AlgorithmPolicy | None = None,
        ssh_options: Iterable[str] = (),
        driver_options: Mapping[str, object] | None = None,
    ) -> None:
        """Connect, authenticate, start the subsystem and exchange hellos.

        `host`: a name or an address, v4 or v6; None only with `sock` or `sock_fd`.
        `port`: the argument, or ssh_config's Port, or 830.
        `timeout`: seconds for each step of connecting: name resolution and TCP connect (there
        ssh_config's ConnectTimeout comes next), SSH handshake, each authentication attempt,
        channel, hello. `timeouts`: the budgets of single steps, which win over `timeout`, and
        of the whole, of rpcs and of `close`, on which `timeout` has no bearing.
        `unknown_host_cb`: called with host and MD5 fingerprint when there is no key on file for
        the host; True accepts. It is not asked about a changed or revoked key.
        `username`: the argument, or ssh_config's User, or the local user.
        `password`: also the answer to the server's prompt if that is the only way it takes a
        password, and the passphrase of encrypted keys where there is no `passphrase`.
        `passphrase`: opens encrypted keys, and is sent to no server.
        `key_filename`: one private key file or several. One that cannot be used is left out, and
        told in a warning of the log, or in the error.
        `allow_agent`, `look_for_keys`: whether to use the agent's keys, and `~/.ssh/id_*`.
        `hostkey_verify`: False takes any host key but a revoked one, and one other than
        `hostkey_b64`.
        `hostkey_b64`: the one host key that is good, as known_hosts has it, also when a host
        certificate holds it.
        `accept_new`: accept an unknown host and add its key to the first known_hosts file, which
        is made if it is missing; never a changed or revoked key. With `unknown_host_cb` it is
        that which accepts. A key that is pinned is not added.
        `ssh_config`: the path of an OpenSSH client configuration, or True for `~/.ssh/config`;
        `ssh_options`: "Key=Value" as for ssh's -o, which win over the file.
        `sock`, `sock_fd`: a connected socket to use. From the moment that connecting starts it
        is the session's, closed with it and when connecting fails; after an `OptionError` or an
        `UnsupportedOption` it is still the caller's.
        `jumps`: hosts to go through, nearest first, each as "[user@]host[:port]" or a `Jump`;
        ["none"]: none, whatever ssh_config says. Each is verified and authenticated by itself.
        `bind_addr`: the local source address, of the connection to the first hop if there are
        any.
        `keepalive`: seconds of silence after which the peer must answer; None or 0: never.
        `keepalive_count`: how many keepalives in a row may go unanswered (None: ssh_config's
        ServerAliveCountMax, or 3); the session ends keepalive * (keepalive_count + 1) seconds
        after the peer was last heard.
        `environment`: names and values to set in the channel.
        `auth_handler`: called with title, instruction and a list of (prompt, echo); returns the
        answers. What it raises comes out of `connect`, as with `unknown_host_cb`.
        `subsystems`: names to try in turn; None: the profile's, or "netconf".
        `algorithms`: exactly the ones to offer, or an `AlgorithmPolicy`: changes to the default.
        `driver_options`: options that only the driver in use has, by name, over those of the
        profile; `ncwire drivers NAME` lists them.

        Raises, with nothing sent: `OptionError`, `UnsupportedOption`, `DriverError`, and
        `KeyFileError` where no key can be used and there is nothing else to log in with. Then
        `ConnectError`, `HandshakeError` (`NoCommonAlgorithmError`), `SSHUnknownHostError` and its
        subclasses, `KnownHostsFileError`, `AuthenticationError`, `ChannelError`, `HelloError`; a
        plain `SSHError` for a connection that fails between; `StepTimeoutError` for any step that
        is late; `SessionCloseError` when `close` is called meanwhile. No socket, thread or fd is
        left then, and the session cannot be connected again.
        """
        # As in `load_known_hosts`.
        from ncwire._plugins.driver_options import with_driver_options  # noqa: PLC0415
        from ncwire._ssh.connecting import connecting  # noqa: PLC0415
        from ncwire._ssh.options.parameters import Parameters  # noqa: PLC0415
        from ncwire._ssh.options.resolve import settle  # noqa: PLC0415
        from ncwire.profiles.driver_choice import choose  # noqa: PLC0415

        given = Parameters(
            host=host,
            port=port,
            timeout=timeout,
            unknown_host_cb=unknown_host_cb,
            username=username,
            password=password,
            passphrase=passphrase,
            key_filename=key_filename,
            allow_agent=allow_agent,
            hostkey_verify=hostkey_verify,
            hostkey_b64=hostkey_b64,
            look_for_keys=look_for_keys,
            ssh_config=ssh_config,
            sock_fd=sock_fd,
            bind_addr=bind_addr,
            sock=sock,
            keepalive=keepalive,
            environment=environment,
            auth_handler=auth_handler,
            accept_new=accept_new,
            jumps=jumps,
            keepalive_count=keepalive_count,
            subsystems=subsystems,
            timeouts=timeouts,
            algorithms=algorithms,
            ssh_options=ssh_options,
            driver_options=driver_options,
            profile=self._profile,
        )
        options = settle(given, self._known_hosts)
        started = False
        try:
            chosen, self._driver_choice = choose(
                self._driver, self._profile, options.required_features()
            )
            options = with_driver_options(
                options,
                chosen,
                None if self._profile is None else self._profile.driver_options,
                driver_options,
            )
            with driver_step(chosen.name, "its constructor"):
                driver = chosen()
            deadline = Deadline.after(options.timeouts.overall, "connect")
            way = connecting(driver, options, deadline)
            with self._connecting(way.abort):
                started = True
                self._options = options
                self._channel = way.run()
                self._open(
                    self._channel,
                    options.timeouts,
                    Keepalive.every(options.keepalive, options.keepalive_count),
                    deadline,
                )
        except BaseException as error:
            refused = isinstance(error, (OptionError, UnsupportedOption))
            untouched = not started or (refused and not way.started)
            if untouched and sock_fd is not None and options.sock is not None:
                options.sock.detach()
            if started and self._connection is None:
                way.abort()  # an interrupt came when it had returned, and before it was handed on
            raise

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


def connect(
    host: str | None,
    *,
    profile: ProfileLike | None = None,
    driver: str | type[Backend] | None = None,
    capabilities: Iterable[str] | None = None,
    limits: Limits | None = None,
    hub: Hub | None = None,
    known_hosts: Filename | Iterable[Filename] | None = None,
    **parameters: Unpack[ConnectParameters],
) -> SSHSession:
    """Return a connected session; the parameters are those of `SSHSession` and its `connect`.

    `known_hosts`: one known_hosts file or several to use, see `SSHSession.load_known_hosts`; with
    `accept_new` the first may be missing.
    Raises what `SSHSession.connect` raises; nothing is left open then.
    """
    # As in `SSHSession.load_known_hosts`.
    from ncwire._ssh.options.parameters import check_names, exists, filenames  # noqa: PLC0415

    check_names("connect", parameters)
    session = SSHSession(capabilities, driver=driver, limits=limits, hub=hub, profile=profile)
    for index, filename in enumerate(filenames("known_hosts", known_hosts)):
        if parameters.get("accept_new") and not index and not exists(filename):
            session._known_hosts.append(filename)  # noqa: SLF001 - connect makes the file
        else:
            session.load_known_hosts(filename)
    try:
        session.connect(host, **parameters)
    except BaseException:
        session.close()  # an interrupt may come when it is open already, and the caller has it not
        raise
    return session


def _spelled_out() -> inspect.Signature:
    """Return the signature of `connect` with each parameter of the method by its name.

    For people and tools that ask at run time: `help`, notebooks, the reference. What reads the
    source, as editors and mypy, finds the same in `ConnectParameters`.
    """
    own = inspect.signature(connect)
    method = inspect.signature(SSHSession.connect)
    keyword = inspect.Parameter.KEYWORD_ONLY
    _, _, *others = method.parameters.values()  # less `self` and `host`
    listed = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    return own.replace(parameters=[*listed, *(each.replace(kind=keyword) for each in others)])


connect.__dict__["__signature__"] = _spelled_out()


def _only(
    profile: ProfileLike | None, option: str, other: DeviceProfile | DeviceHandler
) -> ProfileLike:
    if profile is not None:
        raise OptionError("profile", "is given twice")
    # As in `_profile`.
    from ncwire.profiles import DeviceProfile  # noqa: PLC0415

    if not isinstance(other, DeviceProfile) and not hasattr(other, "get_capabilities"):
        also = "several URIs, " if option == "capabilities" else ""
        what = type(other).__name__
        raise OptionError(option, f"must be {also}a DeviceProfile or a device handler, not {what}")
    return other


def _profile(given: ProfileLike) -> DeviceProfile:
    # Imported here: who names no profile is not to pay for reading one.
    from ncwire.profiles.ncclient_handler import settled  # noqa: PLC0415

    return settled(given)
