"""`SSHSession`: a NETCONF session over SSH (RFC 6242), on any driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncwire._ssh.options.defaults import DEFAULT_PORT, default_unknown_host_cb
from ncwire._transports.session import DriverSession

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping

    from ncwire._algorithms.policy import AlgorithmPolicy
    from ncwire._ssh.options.parameters import AuthHandler, Filename, Jump, UnknownHostCallback
    from ncwire.driver import Algorithms, Backend, ConnectOptions, Timeouts

__all__ = ["SSHSession", "default_unknown_host_cb"]


class SSHSession(DriverSession):
    """A NETCONF session over SSH.

    The arguments are those of `DriverSession`; without a driver of the argument's, the profile's
    or the environment's NCWIRE_DRIVER that is one for SSH it is "paramiko".
    """

    _transport = "ssh"
    _known_hosts: tuple[str, ...] = ()

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
        self._known_hosts += (path,)

    def connect(  # type: ignore[override] # the documented signature
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
        from ncwire._ssh.options.parameters import Parameters  # noqa: PLC0415
        from ncwire._ssh.options.resolve import settle  # noqa: PLC0415

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
        self._connect_by(
            settle(given, self._known_hosts), driver_options, is_fd=sock_fd is not None
        )

    def _fitted(self, options: ConnectOptions, driver: type[Backend]) -> ConnectOptions:  # noqa: ARG002
        return options  # settled already, with ssh_config
