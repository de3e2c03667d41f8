"""`Stage`: a server behind a proxy, set up for one cell."""

from __future__ import annotations

import socket
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ncwire.driver import Algorithms, Feature
from ncwire.testing.conformance.agent import Agent
from ncwire.testing.conformance.awkward import Unanswering
from ncwire.testing.conformance.keys import KeyPair
from ncwire.testing.fault_proxy import FaultProxy
from ncwire.testing.faults.dialogue import Dialogue
from ncwire.testing.faults.fault import Fault
from ncwire.testing.faults.phase import Phase
from ncwire.testing.faults.strike import Strike
from ncwire.testing.server import EmbeddedServer
from ncwire.testing.ssh_login import Login

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import paramiko

    from ncwire.driver import Backend
    from ncwire.testing.access import Access
    from ncwire.testing.faults.cell import Cell
    from ncwire.testing.stream import ChannelStream

_FOR_EVER = 1e5
"""Seconds that the server waits for a client: it is to take part in no fault."""
_USERNAME, _PASSWORD = "admin", "secret"
# By their numbers (RFC 4253 section 12, RFC 5656 section 7.1); 0 is the identification string.
_MESSAGES = {Phase.BANNER: 0, Phase.KEY_EXCHANGE: 20, Phase.HOST_KEY: 31}
_METHODS = {
    "password": "password",
    "publickey": "publickey",
    "agent": "publickey",
    "keyboard-interactive": "keyboard-interactive",
}
_CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
"""Their packets' length is in the clear, so that a fault in the middle does not alter it."""


class Stage:
    """What the client of one cell connects to, from making it until `close`."""

    def __init__(self, cell: Cell, driver: type[Backend]) -> None:
        self.strike: Strike
        self.asked: Callable[[], object] = _nothing
        """What `unknown_host_cb` is to call."""
        self._phase = cell.phase
        self._driver = driver
        self._transports: list[paramiko.Transport] = []
        self._stack = ExitStack()
        self._key = KeyPair.generate()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ncwire-faults-"))
        self._folder = Path(folder)
        try:
            self._set_up(cell)
        except BaseException:
            self._stack.close()
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

    def close(self) -> None:
        """End everything. Idempotent."""
        self._stack.close()

    def is_released(self, seconds: float) -> bool:
        """Return whether the client has closed all of its connections, or does by then."""
        return self.proxy.await_end(seconds)

    def send_ignorable(self) -> None:
        """Have the server send a packet that means nothing (RFC 4253 section 11.2)."""
        self._transports[-1].send_ignore()

    def parameters(self) -> dict[str, Any]:
        """Return what to call `SSHSession.connect` with, but for its budgets."""
        parameters = {
            "host": "127.0.0.1",
            "port": self._port,
            "username": _USERNAME,
            "allow_agent": False,
            "look_for_keys": False,
        }
        return parameters | self._credentials() | self._host_key() | self._algorithms()

    def known_hosts(self) -> str:
        """Return the path of a known_hosts file with the server, unless that is to be asked."""
        path = self._folder / "known_hosts"
        key = self._server.host_key
        known = f"[127.0.0.1]:{self._port} {key.type} {key.base64}\n"
        path.write_text("" if self._phase is Phase.HOST_KEY_ASKED else known, encoding="ascii")
        return str(path)

    def _set_up(self, cell: Cell) -> None:
        traits = cell.phase.traits
        server = EmbeddedServer(
            username=_USERNAME,
            password=_PASSWORD,
            authorized_keys=[self._key.public],
            auth_methods=[_METHODS[traits.method]],
            login=self._login(traits.hook),
            handshake_timeout=_FOR_EVER,
            script=self._serve,
        )
        self._stack.callback(server.close)
        self._server = server
        self.proxy = self._stack.enter_context(FaultProxy((server.host, server.port)))
        self.strike = Strike(self.proxy, cell.fault, traits.side)
        self._port = self.proxy.port
        if cell.phase in _MESSAGES:
            self.strike.at_message(_MESSAGES[cell.phase])
        elif cell.phase is Phase.HOST_KEY_ASKED:
            self.asked = self.strike.in_silence
        elif cell.phase is Phase.TCP:
            self._refuse(cell.fault)

    def _serve(self, stream: ChannelStream) -> None:
        Dialogue(self._phase, self.strike, self._settle)(stream)

    def _refuse(self, fault: Fault) -> None:
        if fault is Fault.STALL:
            self._port = self._stack.enter_context(closing(Unanswering())).port
        else:
            # Bound and not listening: it is refused, and no other can come to listen there.
            held = self._stack.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            self._port = held.getsockname()[1]
        self.strike.done.set()

    def _login(self, hook: str) -> type[Login]:
        transports = self._transports

        class Watched(Login):
            def __init__(
                self,
                access: Access,
                transport: paramiko.Transport,
                start: Callable[[paramiko.Channel, str, dict[str, str]], None],
            ) -> None:
                super().__init__(access, transport, start)
                transports.append(transport)

        def struck(login: Login, *arguments: object) -> object:
            # The answer is sent when this has returned; the client waits for it.
            self.strike.at_next_bytes()
            return getattr(Login, hook)(login, *arguments)

        return type("StruckLogin", (Watched,), {hook: struck}) if hook else Watched

    def _settle(self) -> None:
        # It is answered by whatever the client's library is, and in order.
        self._transports[-1].global_request("keepalive@ncwire", wait=True)

    def _credentials(self) -> dict[str, Any]:
        match self._phase.traits.method:
            case "publickey":
                return {"key_filename": self._key.write(self._folder)}
            case "agent":
                agent = Agent(self._folder, [(self._key, "matrix")])
                self._stack.callback(agent.close)
                return {"allow_agent": True, "ssh_options": [f"IdentityAgent={agent.path}"]}
            case "keyboard-interactive":
                return {"auth_handler": lambda _title, _text, prompts: [_PASSWORD] * len(prompts)}
            case _:
                return {"password": _PASSWORD}

    def _host_key(self) -> dict[str, Any]:
        if self._phase is not Phase.HOST_KEY_ASKED:
            return {}

        def decide(_host: str, _fingerprint: str) -> bool:
            self.asked()
            return True

        return {"unknown_host_cb": decide}

    def _algorithms(self) -> dict[str, Any]:
        if Feature.ALGORITHMS not in self._driver.features:
            return {}
        return {"algorithms": Algorithms(ciphers=_CIPHERS)}


def _nothing() -> None:
    """There is nothing to tell."""
