"""yuma123's netconfd behind socat, which carries its sessions over TLS or a Unix socket."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from servers import requirement
from servers.netconfd import PACKAGE
from servers.process import ServerProcess

if TYPE_CHECKING:
    from servers.certificates import Certificate

_TOLD = 830
"""The port that netconfd is told, and its subsystem says that the peer came to."""


class NetconfdBehindSocat:
    """A running netconfd with `candidate`, and one socat or more that lead to it."""

    def __init__(self) -> None:
        netconfd = requirement.program("netconfd", PACKAGE)
        subsystem = requirement.program("netconf-subsystem", PACKAGE)
        self._socat = requirement.program("socat", "socat")
        # In /tmp for its length: a Unix socket's path has 108 bytes at most.
        self._folder = Path(tempfile.mkdtemp(prefix="ncwire-socat-"))
        path = self._folder / "ncxserver.sock"
        self._wrapper = self._folder / "session"
        self._wrapper.write_text(
            "#!/bin/sh\n"
            f'export SSH_CONNECTION="127.0.0.1 40000 127.0.0.1 {_TOLD}" USER=root LOGNAME=root\n'
            f"exec {subsystem} --ncxserver-sockname={_TOLD}@{path}\n"
        )
        self._wrapper.chmod(0o755)
        self._carriers: list[ServerProcess] = []
        try:
            self._process = ServerProcess(
                [
                    str(netconfd),
                    *("--module=ietf-interfaces", "--no-startup", "--superuser=root"),
                    *("--target=candidate", "--access-control=off", f"--port={_TOLD}"),
                    *(f"--ncxserver-sockname={path}", "--log-level=info"),
                ],
                "Running netconfd server",
            )
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for carrier in self._carriers:
            carrier.end()
        self._process.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def over_tls(self, certificate: Certificate, authority: Path) -> int:
        """Return the port of one that wants a client's certificate of the authority."""
        listening = self._carry(
            f"OPENSSL-LISTEN:0,reuseaddr,fork,bind=127.0.0.1,cert={certificate.certificate},"
            f"key={certificate.key},cafile={authority},verify=1"
        )
        found = re.search(r"listening on .*:(\d+)", listening)
        assert found is not None, listening
        return int(found[1])

    def over_a_unix_socket(self) -> Path:
        """Return the path of a socket that leads to it."""
        path = self._folder / "netconf.sock"
        self._carry(f"UNIX-LISTEN:{path},fork")
        return path

    def _carry(self, address: str) -> str:
        command = [str(self._socat), "-d", "-d", address, f"EXEC:{self._wrapper}"]
        self._carriers.append(ServerProcess(command, "listening on"))
        return self._carriers[-1].log()
