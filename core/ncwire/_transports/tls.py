"""`TLSSession`: a NETCONF session over TLS (RFC 7589)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ncwire._ssh.options.defaults import DEFAULT_TLS_PORT
from ncwire._transports.session import DriverSession, merged
from ncwire.errors import OptionError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from ncwire._ssh.options.parameters import Filename
    from ncwire.driver import Timeouts


class TLSSession(DriverSession):
    """A NETCONF session over TLS, with certificates on both sides.

    The arguments are those of `DriverSession`; without a driver of the argument's, the profile's
    or the environment's NCWIRE_DRIVER that is one for TLS it is "tls".
    """

    _transport = "tls"
    _default_driver = "tls"

    def connect(  # type: ignore[override] # the documented signature
        self,
        host: str | None = None,
        port: int = DEFAULT_TLS_PORT,
        keyfile: Filename | None = None,
        certfile: Filename | None = None,
        ca_certs: Filename | None = None,
        protocol: int | None = None,
        check_hostname: bool = True,  # noqa: FBT001, FBT002 - the documented signature
        server_hostname: str | None = None,
        timeout: float | None = None,
        *,
        passphrase: str | None = None,
        fingerprint: str | Iterable[str] | None = None,
        address_family: str | None = None,
        proxy_command: str | None = None,
        sock_fd: int | None = None,
        bind_addr: str | None = None,
        sock: socket.socket | None = None,
        keepalive: float | None = None,
        keepalive_count: int | None = None,
        timeouts: Timeouts | None = None,
        driver_options: Mapping[str, object] | None = None,
    ) -> None:
        """Connect, shake hands, verify the server's certificate and exchange hellos.

        `host`: a name or an address, v4 or v6; None only with `sock` or `sock_fd`.
        `port`: the argument, or that of a profile that names the driver, or the driver's: 6513.
        `certfile`: a PEM file with the client's certificate, and those between it and its
        authority; `keyfile`: one with its key, where that is not in the same file; `passphrase`
        opens the key. The server takes the user's name from the certificate.
        `ca_certs`: a PEM file with the authorities that may have signed the server's certificate,
        or a folder as OpenSSL's c_rehash makes it; None: those that the system trusts.
        `fingerprint`: the SHA-256 of the server's certificate, or several of which one must be it.
        Without `ca_certs` that alone decides; with it, both do.
        `check_hostname`: whether the certificate must be for `server_hostname`, or else for
        `host`; False only together with `ca_certs` or `fingerprint`.
        `protocol`: None or `ssl.PROTOCOL_TLS_CLIENT`, which are the same: TLS 1.2 or 1.3. Other
        versions are an option of the driver's, `minimum_version`.
        `address_family`: "inet" or "inet6", if only such addresses of the host are to be tried.
        `proxy_command`: what a shell runs to reach the host; its standard streams carry TLS. %h
        stands for the host, %p for the port.
        `driver_options`: the driver's own, by name; those above are among them, and are given
        in one place. `ncwire drivers tls` lists them.
        `timeout`, `timeouts`, `sock`, `sock_fd` and `bind_addr` are as for `SSHSession.connect`;
        the budget `handshake` is that of TLS. `keepalive`, `keepalive_count`: for a driver that
        has them; "tls" has none, and TCP's own keepalives end a connection whose peer is gone.

        Raises, with nothing sent: `OptionError`, `UnsupportedOption`, `DriverError`. Then
        `ConnectError`, `TLSHandshakeError`, `CertificateError` for the server's certificate,
        `AuthenticationError` for the client's, `HelloError`, `TLSError` for a connection that
        fails between, `StepTimeoutError` for any step that is late, and `SessionCloseError` when
        `close` is called meanwhile. No socket, thread or fd is left then, and the session cannot
        be connected again.
        """
        _check_protocol(protocol)
        named = {
            "keyfile": keyfile,
            "certfile": certfile,
            "ca_certs": ca_certs,
            # The default asks for nothing, so that a driver may have it by another name.
            "check_hostname": None if check_hostname is True else check_hostname,
            "server_hostname": server_hostname,
            "passphrase": passphrase,
            "fingerprint": _listed(fingerprint),
            "address_family": address_family,
            "proxy_command": proxy_command,
        }
        super().connect(
            host,
            port,
            timeout,
            sock_fd=sock_fd,
            bind_addr=bind_addr,
            sock=sock,
            keepalive=keepalive,
            keepalive_count=keepalive_count,
            timeouts=timeouts,
            driver_options=merged(named, driver_options),
        )


def _listed(given: str | Iterable[str] | None) -> object:
    # What is neither one nor several is refused where all options are.
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return given
    return [*given]


def _check_protocol(protocol: int | None) -> None:
    if protocol is None:
        return
    import ssl  # noqa: PLC0415 - few name it

    if protocol not in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS):
        raise OptionError(
            "protocol",
            f"{protocol!r} is not ssl.PROTOCOL_TLS_CLIENT; one version alone is chosen by the "
            "driver's option minimum_version, or by an ssl_context of one's own",
        )
