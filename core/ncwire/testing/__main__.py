"""`python -m ncwire.testing`: the embedded server as a process.

Prints one line of JSON on stdout once it listens: host, port, username, and host_key (the
public key's base64). Then it answers each line of stdin, ["sessions"] or ["notify", XML], with
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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the end of stdin, or SIGTERM."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _exit)
    datastore = None if options.datastore is None else options.datastore.read_bytes()
    with EmbeddedServer(
        host=options.host,
        port=options.port,
        username=options.username,
        password=_password(options.password_fd),
        authorized_keys=options.authorized_key,
        base=options.base or ("1.0", "1.1"),
        subsystems=options.subsystem or ("netconf",),
        datastore=datastore,
        capabilities=options.capability,
    ) as server:
        ready = {
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "host_key": server.host_key.base64,
        }
        _say(ready)
        with contextlib.suppress(KeyboardInterrupt):
            for line in sys.stdin.buffer:
                _say(_answer(server, line))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ncwire.testing", description="A small NETCONF server for tests."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--username", default="admin")
    parser.add_argument("--password-fd", type=int, metavar="FD", help="read the password from it")
    parser.add_argument("--authorized-key", action="append", default=[], metavar="'TYPE BASE64'")
    parser.add_argument("--base", action="append", choices=["1.0", "1.1"])
    parser.add_argument("--subsystem", action="append", metavar="NAME")
    parser.add_argument("--capability", action="append", default=[], metavar="URI")
    parser.add_argument("--datastore", type=Path, metavar="FILE", help="the initial <running>")
    return parser


def _password(descriptor: int | None) -> str | None:
    if descriptor is None:
        # Out of the environment, so that no process of ours inherits it.
        return os.environ.pop(PASSWORD_VARIABLE, None)
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        return stream.readline().rstrip("\n")


def _answer(server: EmbeddedServer, line: bytes) -> dict[str, Any]:
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
