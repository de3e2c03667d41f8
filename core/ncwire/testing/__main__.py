"""`python -m ncwire.testing`: the embedded server as a process.

Prints one line of JSON on stdout once it listens: host, port, username, and host_key (the
public key's base64); over TLS host, port and driver_options, on a Unix socket path and
driver_options. Then it answers each line of stdin, ["sessions"] or ["notify", XML], with
one line: {"result": N} or {"error": TEXT}. It ends with status 0 at the end of stdin or on
SIGTERM. The password comes in the variable NCWIRE_SERVER_PASSWORD or from --password-fd.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncwire.testing.process import PASSWORD_VARIABLE
from ncwire.testing.server import EmbeddedServer
from ncwire.testing.tls_server import EmbeddedTLSServer
from ncwire.testing.unix_server import EmbeddedUnixServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from ncwire.testing.listening import ListeningServer


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the end of stdin, or SIGTERM."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _exit)
    with _STARTED[options.transport](options) as server:
        names = _TELLING[options.transport]
        ready = {name: getattr(server, name) for name in names}
        if isinstance(server, EmbeddedServer):
            ready["host_key"] = server.host_key.base64
        _say(ready)
        with contextlib.suppress(KeyboardInterrupt):
            for line in sys.stdin.buffer:
                _say(_answer(server, line))


def _ssh(options: argparse.Namespace) -> ListeningServer:
    return EmbeddedServer(
        host=options.host,
        port=options.port,
        username=options.username,
        password=_password(options.password_fd),
        authorized_keys=options.authorized_key,
        subsystems=options.subsystem or ("netconf",),
        **_netconf(options),
    )


def _tls(options: argparse.Namespace) -> ListeningServer:
    return EmbeddedTLSServer(
        host=options.host,
        port=options.port,
        username=options.username,
        certfile=options.certfile,
        keyfile=options.keyfile,
        ca_certs=options.ca_certs,
        crl=options.crl,
        minimum_version=options.minimum_version,
        maximum_version=options.maximum_version,
        **_netconf(options),
    )


def _unix(options: argparse.Namespace) -> ListeningServer:
    return EmbeddedUnixServer(path=options.path, **_netconf(options))


def _netconf(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "base": options.base or ("1.0", "1.1"),
        "datastore": None if options.datastore is None else options.datastore.read_bytes(),
        "capabilities": options.capability,
    }


_STARTED = {"ssh": _ssh, "tls": _tls, "unix": _unix}
_TELLING = {
    "ssh": ("host", "port", "username"),
    "tls": ("host", "port", "driver_options"),
    "unix": ("path", "driver_options"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ncwire.testing", description="A small NETCONF server for tests."
    )
    parser.add_argument("--transport", choices=[*_STARTED], default="ssh")
    netconf = parser.add_argument_group("any transport")
    netconf.add_argument("--base", action="append", choices=["1.0", "1.1"])
    netconf.add_argument("--capability", action="append", default=[], metavar="URI")
    netconf.add_argument("--datastore", type=Path, metavar="FILE", help="the initial <running>")
    network = parser.add_argument_group("ssh and tls")
    network.add_argument("--host", default="127.0.0.1")
    network.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    network.add_argument("--username", default="admin")
    ssh = parser.add_argument_group("ssh")
    ssh.add_argument("--password-fd", type=int, metavar="FD", help="read the password from it")
    ssh.add_argument("--authorized-key", action="append", default=[], metavar="'TYPE BASE64'")
    ssh.add_argument("--subsystem", action="append", metavar="NAME")
    tls = parser.add_argument_group("tls", "without a certfile it makes its own certificates")
    for name in ("--certfile", "--keyfile", "--ca-certs", "--crl"):
        tls.add_argument(name, type=Path, metavar="FILE")
    tls.add_argument("--minimum-version", default="TLSv1.2")
    tls.add_argument("--maximum-version", default="TLSv1.3")
    unix = parser.add_argument_group("unix")
    unix.add_argument("--path", type=Path, help="the socket's; without it, one in a new folder")
    return parser


def _password(descriptor: int | None) -> str | None:
    if descriptor is None:
        # Out of the environment, so that no process of ours inherits it.
        return os.environ.pop(PASSWORD_VARIABLE, None)
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        return stream.readline().rstrip("\n")


def _answer(server: ListeningServer, line: bytes) -> dict[str, Any]:
    try:
        match json.loads(line):
            case ["sessions"]:
                return {"result": server.sessions}
            case ["notify", str(xml)]:
                return {"result": server.notify(xml)}
    except ValueError as error:
        return {"error": str(error)}
    return {"error": "unknown request"}


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _exit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
