"""The embedded servers in processes of their own."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from ncwire.driver import HostKey
from ncwire.errors import NcwireError
from ncwire.testing.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

PASSWORD_VARIABLE = "NCWIRE_SERVER_PASSWORD"  # noqa: S105 - the variable's name


class ChildServer:
    """An embedded server in a process of its own, which ends with `close` or with this process."""

    def __init__(
        self,
        options: Mapping[str, Iterable[str]],
        datastore: str | bytes | None,
        start_timeout: float,
        password: str | None = None,
    ) -> None:
        arguments = [f"{name}={value}" for name, values in options.items() for value in values]
        self._lock = threading.Lock()
        with _file_of(datastore) as path:
            arguments += [] if path is None else [f"--datastore={path}"]
            self._process, self._requests, self._answers = _start(arguments, password)
            try:
                self._ready = self._read_ready(start_timeout)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def sessions(self) -> int:
        """How many NETCONF sessions there are now."""
        return self._ask("sessions")

    def notify(self, xml: str | bytes) -> int:
        """Send a notification to all subscribed sessions; see `EmbeddedServer.notify`."""
        return self._ask("notify", xml.decode() if isinstance(xml, bytes) else xml)

    def close(self, timeout: float = 5.0) -> None:
        """End the process and reap it; it is killed after `timeout` seconds. Idempotent."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def _ask(self, request: str, *arguments: str) -> int:
        with self._lock:
            try:
                self._requests.write(json.dumps([request, *arguments]).encode() + b"\n")
                self._requests.flush()
                answer = json.loads(self._answers.readline())
            except (OSError, ValueError) as error:
                raise NcwireError("the embedded server's process has ended") from error
        if "error" in answer:
            raise ValueError(answer["error"])
        return int(answer["result"])

    def _read_ready(self, timeout: float) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            line = self._answers.readline() if selector.select(timeout) else b""
        if not line:
            raise NcwireError("the embedded server's process did not start; see its stderr")
        ready: dict[str, Any] = json.loads(line)
        return ready


class ServerProcess(ChildServer, Endpoint):
    """An `EmbeddedServer` that shares no interpreter lock with its clients.

    The parameters are those of `EmbeddedServer`, as far as they can cross to another process.
    It is ready when made, and ends with `close`, the `with` block, or this process.

    Raises `NcwireError` when it does not come up within `start_timeout` seconds.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "admin",
        password: str | None = "admin",  # noqa: S107 - as in EmbeddedServer
        authorized_keys: Sequence[str] = (),
        base: Sequence[str] = ("1.0", "1.1"),
        subsystems: Iterable[str] = ("netconf",),
        datastore: str | bytes | None = None,
        capabilities: Iterable[str] = (),
        start_timeout: float = 30.0,
    ) -> None:
        options: dict[str, Iterable[str]] = {
            "--host": [host],
            "--port": [str(port)],
            "--username": [username],
            "--base": base,
            "--subsystem": subsystems,
            "--capability": capabilities,
            "--authorized-key": authorized_keys,
        }
        ChildServer.__init__(self, options, datastore, start_timeout, password)
        Endpoint.__init__(
            self,
            host=self._ready["host"],
            port=self._ready["port"],
            username=self._ready["username"],
            password=password,
            host_key=HostKey.from_blob(base64.b64decode(self._ready["host_key"])),
        )


class TLSServerProcess(ChildServer):
    """An `EmbeddedTLSServer` that shares no interpreter lock with its clients.

    See `ServerProcess`; what it makes a certificate for is there as long as it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "admin",
        certfile: str | os.PathLike[str] | None = None,
        keyfile: str | os.PathLike[str] | None = None,
        ca_certs: str | os.PathLike[str] | None = None,
        crl: str | os.PathLike[str] | None = None,
        minimum_version: str = "TLSv1.2",
        maximum_version: str = "TLSv1.3",
        base: Sequence[str] = ("1.0", "1.1"),
        datastore: str | bytes | None = None,
        capabilities: Iterable[str] = (),
        start_timeout: float = 30.0,
    ) -> None:
        files = {
            "--certfile": certfile,
            "--keyfile": keyfile,
            "--ca-certs": ca_certs,
            "--crl": crl,
        }
        options: dict[str, Iterable[str]] = {
            "--transport": ["tls"],
            "--host": [host],
            "--port": [str(port)],
            "--username": [username],
            "--minimum-version": [minimum_version],
            "--maximum-version": [maximum_version],
            "--base": base,
            "--capability": capabilities,
            **{name: [os.fspath(path)] for name, path in files.items() if path is not None},
        }
        super().__init__(options, datastore, start_timeout)
        self.host: str = self._ready["host"]
        self.port: int = self._ready["port"]
        self.driver_options: Mapping[str, str] = self._ready["driver_options"]
        """What a client needs to be let in, as options of the driver `tls`; see the server."""


class UnixServerProcess(ChildServer):
    """An `EmbeddedUnixServer` that shares no interpreter lock with its clients.

    See `ServerProcess`.
    """

    def __init__(
        self,
        *,
        path: str | os.PathLike[str] | None = None,
        base: Sequence[str] = ("1.0", "1.1"),
        datastore: str | bytes | None = None,
        capabilities: Iterable[str] = (),
        start_timeout: float = 30.0,
    ) -> None:
        options: dict[str, Iterable[str]] = {
            "--transport": ["unix"],
            "--path": [] if path is None else [os.fspath(path)],
            "--base": base,
            "--capability": capabilities,
        }
        super().__init__(options, datastore, start_timeout)
        self.path: str = self._ready["path"]
        """Where it listens."""
        self.driver_options: Mapping[str, str] = self._ready["driver_options"]
        """What a client needs, as options of the driver `unix`."""


def _start(
    arguments: Sequence[str], password: str | None
) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    # The process is to run this very package, wherever it was imported from.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop(PASSWORD_VARIABLE, None)
    if password is not None:
        environment[PASSWORD_VARIABLE] = password
    process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        [sys.executable, "-m", "ncwire.testing", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    return process, process.stdin, process.stdout


@contextlib.contextmanager
def _file_of(content: str | bytes | None) -> Iterator[Path | None]:
    if content is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ncwire-") as folder:
        path = Path(folder, "datastore.xml")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield path
