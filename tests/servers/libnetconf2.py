"""A NETCONF server on libnetconf2, which a C program of these tests' own runs on.

It serves over TLS with users named by their certificates (RFC 7407), over a Unix socket, and over
TLS where it calls (RFC 8071).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from servers import requirement
from servers.process import ServerProcess

if TYPE_CHECKING:
    from servers.certificates import Authority, Certificate

_SOURCE = Path(__file__).with_name("libnetconf2_server.c")
_MODULES = Path(__file__).with_name("libnetconf2_modules")
_COMPILING = 60.0
_SHA256 = "04"
"""The number of that hash in a fingerprint (RFC 7407 section 4, RFC 5246 section 7.4.1.4.1)."""


class Libnetconf2:
    """A running server with `candidate`, and how it is reached: `tls_ports` by address, `path`.

    `named` signs the clients that are let in, with their common name for a user's name; those of
    the other `authorities` have a chain that is valid, and no name. With `call` it calls that
    address and port, too. Each request and session of a server of this kind is in its `log`.
    """

    def __init__(
        self,
        program: Path,
        certificate: Certificate,
        named: Authority,
        *authorities: Authority,
        addresses: tuple[str, ...] = ("127.0.0.1",),
        call: tuple[str, int] | None = None,
    ) -> None:
        # In /tmp for its length: a Unix socket's path has 108 bytes at most.
        self._folder = Path(tempfile.mkdtemp(prefix="ncwire-libnetconf2-"))
        self.path = self._folder / "netconf.sock"
        trusted = self._folder / "authorities.pem"
        trusted.write_bytes(
            b"".join(each.certificate.read_bytes() for each in (named, *authorities))
        )
        settings = [
            f"modules={_MODULES}",
            f"certificate={certificate.certificate}",
            f"key={certificate.key}",
            f"authorities={trusted}",
            f"named={_SHA256}:{named.sha256}",
            f"unix={self.path}",
            *(f"listen={each}" for each in addresses),
        ]
        if call is not None:
            settings.append(f"call={call[0]},{call[1]}")
        try:
            self._process = ServerProcess([str(program), *settings], "ready")
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        listening = re.findall(r"listening on (\S+) port (\d+)", self._process.log())
        self.tls_ports = {address: int(port) for address, port in listening}
        self.port = next(iter(self.tls_ports.values()), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def log(self) -> str:
        """Return what it has logged so far."""
        return self._process.log()

    def end(self) -> None:
        """End it. Idempotent."""
        self._process.end()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def compiled(folder: Path) -> Path:
    """Return the program, compiled into a folder; the test is skipped where that cannot be."""
    compiler = requirement.program("cc", "gcc")
    configuration = requirement.program("pkg-config", "pkg-config")
    libraries = ("libnetconf2", "libyang", "openssl")
    asked = [configuration, "--cflags", "--libs", *libraries]
    flags = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=_COMPILING)
    if flags.returncode:
        requirement.missing(
            "libnetconf2's headers are not installed: apt-get install libnetconf2-dev libssl-dev"
        )
    program = folder / "libnetconf2_server"
    command = [compiler, "-O1", "-o", program, _SOURCE, *flags.stdout.split(), "-pthread"]
    made = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_COMPILING)
    if made.returncode:
        # Of another version the library has other functions.
        requirement.missing(f"no server on this libnetconf2 (it is for 2.0):\n{made.stderr}")
    return program
