"""AsyncSSH's server: a make that hangs up when it is asked for a service twice."""

from __future__ import annotations

import asyncio
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from servers import requirement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if find_spec("asyncssh") is None:
    asyncssh: Any = None
    _Base: Any = object
else:
    import asyncssh

    _Base = asyncssh.SSHServer

PASSWORD = "ncpass"
_HELLO = (
    '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>'
    "<capability>urn:ietf:params:netconf:base:1.0</capability></capabilities>"
    "<session-id>9</session-id></hello>]]>]]>"
)


class _Logins(_Base):
    """Takes the password, the password as the answer to a prompt, and authorized keys."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "Login", "Say it", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: list[str]) -> bool:
        return responses == [PASSWORD]


class AsyncsshServer:
    """Runs in a thread of its own, and says hello to each client that asks for any subsystem."""

    user = "anybody"

    def __init__(self, authorized_keys: Path, **options: Any) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._authorized_keys = str(authorized_keys)
        self._options = options
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._down: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        assert self._up.wait(30)

    def end(self) -> None:
        """End it, and all its connections."""
        assert self._down is not None
        self._loop.call_soon_threadsafe(self._down.set)
        self._thread.join(30)
        self._loop.close()

    async def _run(self) -> None:
        self._down = asyncio.Event()
        acceptor = await asyncssh.listen(
            self.host,
            0,
            server_factory=_Logins,
            process_factory=_say_hello,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=self._authorized_keys,
            **self._options,
        )
        self.port = acceptor.get_port()
        self._up.set()
        await self._down.wait()
        acceptor.close()
        await acceptor.wait_closed()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


async def _say_hello(process: Any) -> None:
    process.stdout.write(_HELLO)
    await process.stdin.read()
    process.exit(0)


def serve(authorized_keys: Path) -> Iterator[AsyncsshServer]:
    """Run a server until the fixture that yields from this is over."""
    if asyncssh is None:
        requirement.missing("AsyncSSH is not installed: pip install 'ncwire[test]'")
    server = AsyncsshServer(authorized_keys)
    yield server
    server.end()
