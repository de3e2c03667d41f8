"""Mistakes at connecting: `python tests/contrib/moving/mistaken.py` prints what each comes to.

Each is made with ncclient, the drop-in and ncwire; `moving_mistakes.py` has what that came to.
"""

# ruff: noqa: T201 - a script, too

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2])]

import paramiko
from three_ways import SECONDS, WAYS, connecting, told

from ncwire.testing import EmbeddedServer
from servers.one_connection import answering

if TYPE_CHECKING:
    from ncwire.testing import ChannelStream


class Carried(paramiko.ProxyCommand):
    """One that may be closed when its process has ended, which fails in paramiko 5.1."""

    def close(self) -> None:
        with suppress(ProcessLookupError):
            super().close()


@dataclass
class Scene:
    """Where a mistake is made: a server, a folder that is the home, and what ends with it."""

    server: EmbeddedServer
    folder: Path
    stack: ExitStack
    way: str

    def key(self, name: str, password: str | None = None) -> str:
        """Return the path of a key that the server does not know."""
        path = self.folder / name
        paramiko.RSAKey.generate(2048).write_private_key_file(str(path), password=password)
        return str(path)

    def other_host_key(self) -> str:
        """Return a key of the same type as the server's."""
        return self.stack.enter_context(EmbeddedServer()).host_key.base64

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def public_key(self) -> str:
        """Return the path of a public key's file."""
        key = paramiko.RSAKey.generate(2048)
        return self.file("k.pub", f"{key.get_name()} {key.get_base64()}\n")

    def authorized(self, name: str) -> str:
        """Make a key, and return its line for a server that knows it."""
        key = paramiko.RSAKey(filename=self.key(name))
        return f"{key.get_name()} {key.get_base64()}"

    def known_hosts(self, key: str, *, port: bool = True, revoked: bool = False) -> dict[str, Any]:
        """Have the server's host be known by a key."""
        host = f"[{self.server.host}]:{self.server.port}" if port else self.server.host
        line = f"{host} ssh-ed25519 {key}\n"
        if revoked:
            line += f"@revoked {line}"
        (self.folder / ".ssh").mkdir(exist_ok=True)
        path = self.file(".ssh/known_hosts", line)
        given: dict[str, Any] = {"hostkey_verify": True, "hostkey_b64": None}
        # ncwire takes the home from the password database, as ssh does.
        return given | ({"known_hosts": path} if self.way == "ncwire" else {})

    def at(self, answer: Callable[[socket.socket], object]) -> dict[str, Any]:
        """Have another server answer, by a function; it ends with the scene."""
        return {"port": self.stack.enter_context(answering(answer))}

    def proxy_command(self) -> paramiko.ProxyCommand:
        """Return a ProxyCommand that leads to the server; it ends with the scene."""
        carried = (self.folder / "mark", self.server.host, self.server.port)
        line = " ".join(map(str, (sys.executable, RELAY, *carried)))
        command = Carried(line)
        self.stack.callback(command.process.wait)
        if self.way == "ncwire":  # which does not take it
            self.stack.callback(command.close)
        return command

    def embedded(self, **settings: Any) -> dict[str, Any]:
        server = self.stack.enter_context(EmbeddedServer(**settings))
        return {"port": server.port}


def unanswered(stack: ExitStack) -> int:
    """Return a port whose queue of connections is full, so that no SYN is answered (Linux)."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = stack.enter_context(socket.socket())
    waiting.connect(listener.getsockname())
    return listener.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until_it_leaves(sock: socket.socket) -> None:
    while sock.recv(4096):
        pass


def raising(_host: str, _fingerprint: str) -> bool:
    raise LookupError


def after_our_hello(stream: ChannelStream) -> None:
    received = b""
    while b"]]>]]>" not in received and (more := stream.recv()):
        received += more
    stream.close()


def silent(stream: ChannelStream) -> None:
    while stream.recv():
        pass


def closed_socket() -> socket.socket:
    sock = socket.socket()
    sock.close()
    return sock


def yes(_host: str, _fingerprint: str) -> bool:
    return True


RELAY = Path(__file__).parents[2] / "integration" / "matrix" / "relay.py"
NO_PASSWORD: dict[str, Any] = {"password": None}
UNVERIFIED: dict[str, Any] = {"hostkey_verify": False, "hostkey_b64": None}
Make = Callable[[Scene], dict[str, Any]]

MAKE: dict[str, Make] = {
    "a wrong password": lambda _: {"password": "wrong"},
    "an unknown user": lambda _: {"username": "nobody"},
    "nothing to log in with": lambda _: NO_PASSWORD,
    "a key that the server does not know": lambda s: {**NO_PASSWORD, "key_filename": s.key("k")},
    "a key file that is not there": lambda s: {**NO_PASSWORD, "key_filename": str(s.folder / "n")},
    "a key file without a key": lambda s: {**NO_PASSWORD, "key_filename": s.file("k", "no key")},
    "an encrypted key without a passphrase": lambda s: {
        **NO_PASSWORD,
        "key_filename": s.key("k", "secret"),
    },
    "no key file, but the password": lambda s: {"key_filename": str(s.folder / "n")},
    "an encrypted key, and the login password": lambda s: {"key_filename": s.key("k", "secret")},
    "a folder for a key": lambda s: {**NO_PASSWORD, "key_filename": str(s.folder)},
    "an unknown host key": lambda _: {"hostkey_b64": None},
    "an unknown host key, and a callback that says yes": lambda _: {
        "hostkey_b64": None,
        "unknown_host_cb": yes,
    },
    "a changed host key": lambda s: s.known_hosts(s.other_host_key()),
    "a changed host key, and a callback that says yes": lambda s: {
        **s.known_hosts(s.other_host_key()),
        "unknown_host_cb": yes,
    },
    "hostkey_b64 of another key": lambda s: {"hostkey_b64": s.other_host_key()},
    "hostkey_b64 of another key, and hostkey_verify=False": lambda s: {
        "hostkey_b64": s.other_host_key(),
        "hostkey_verify": False,
    },
    "hostkey_b64 that is no key": lambda _: {"hostkey_b64": "bm9uZQ=="},
    "hostkey_b64 that is no base64": lambda _: {"hostkey_b64": "?"},
    "a port where nothing listens": lambda _: {"port": free_port()},
    "a bind_addr of another machine": lambda _: {"bind_addr": "192.0.2.1"},
    "a name that does not resolve": lambda _: {"host": "no-such-host.invalid"},
    "a server that says nothing": lambda s: s.at(until_it_leaves),
    "a server that closes at once": lambda s: s.at(lambda sock: sock.close()),
    "a server that speaks HTTP": lambda s: s.at(
        lambda sock: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    ),
    "a server that speaks NETCONF without SSH": lambda s: s.at(
        lambda sock: sock.sendall(b"<hello/>]]>]]>")
    ),
    "no subsystem netconf": lambda s: s.embedded(subsystems=("sftp",)) | UNVERIFIED,
    "a subsystem that ends when it has our hello": lambda s: (
        s.embedded(script=after_our_hello) | UNVERIFIED
    ),
    "host=None": lambda _: {"host": None},
    'host=""': lambda _: {"host": ""},
    "username=None": lambda _: {"username": None, "key_filename": None},
    'port="830", a string': lambda s: {"port": str(s.server.port)},
    "port=0": lambda _: {"port": 0},
    "port=70000": lambda _: {"port": 70000},
    'port="ssh"': lambda _: {"port": "ssh"},
    'timeout="10", a string': lambda _: {"timeout": "10"},
    "timeout=0": lambda _: {"timeout": 0},
    "timeout=-1": lambda _: {"timeout": -1},
    "timeout=None": lambda _: {"timeout": None},
    "keepalive=10": lambda _: {"keepalive": 10},
    'keepalive="10", a string': lambda _: {"keepalive": "10"},
    "keepalive=-1": lambda _: {"keepalive": -1},
    "allow_agent=0": lambda _: {"allow_agent": 0},
    "key_filename=Path": lambda s: {"key_filename": Path(s.key("k"))},
    "an ssh_config that is not there": lambda s: {"ssh_config": str(s.folder / "none")},
    "an ssh_config that is wrong": lambda s: {"ssh_config": s.file("c", "Host\nNonsense yes\n")},
    "an environment that is no dict": lambda _: {"environment": "LANG=C"},
    "sock= that is not connected": lambda s: {
        "sock": s.stack.enter_context(closing(socket.socket()))
    },
    "sock= that is closed": lambda _: {"sock": closed_socket()},
    "sock_fd= that is none": lambda _: {"sock_fd": 9999},
    "a .pub file for a key": lambda s: {**NO_PASSWORD, "key_filename": s.public_key()},
    "two keys, and the first is not there": lambda s: {
        **NO_PASSWORD,
        **s.embedded(authorized_keys=[s.authorized("good")], password=None),
        **UNVERIFIED,
        "key_filename": [str(s.folder / "none"), str(s.folder / "good")],
    },
    "a revoked host key": lambda s: s.known_hosts(s.server.host_key.base64, revoked=True),
    "a host that is known without its port": lambda s: s.known_hosts(
        s.server.host_key.base64, port=False
    ),
    "an unknown host key, and a callback that raises": lambda _: {
        "hostkey_b64": None,
        "unknown_host_cb": raising,
    },
    "hostkey_verify=None": lambda _: {"hostkey_verify": None, "hostkey_b64": None},
    "password=1": lambda _: {"password": 1},
    "username=1": lambda _: {"username": 1},
    "host=1": lambda _: {"host": 1},
    "port=None": lambda _: {"port": None},
    "port=True": lambda _: {"port": True},
    "port=830.0": lambda s: {"port": float(s.server.port)},
    "timeout=nan": lambda _: {"timeout": float("nan")},
    'bind_addr="nonsense"': lambda _: {"bind_addr": "nonsense"},
    "a user in the host": lambda _: {"host": "admin@127.0.0.1"},
    "an address in brackets": lambda _: {"host": "[127.0.0.1]"},
    "a host with a space": lambda _: {"host": "127.0.0.1 "},
    "an address that is none": lambda _: {"host": "300.0.0.1"},
    "a number in the environment": lambda _: {"environment": {"LINES": 25}},
    "sock_fd=-1": lambda _: {"sock_fd": -1},
    "a server that does not answer at all": lambda s: {"port": unanswered(s.stack), "timeout": 1},
    "a subsystem that sends no hello": lambda s: (
        s.embedded(script=silent) | UNVERIFIED | {"timeout": 2}
    ),
    "sock= a paramiko.ProxyCommand": lambda s: {"sock": s.proxy_command()},
    'a timeout of rpcs of "soon"': lambda _: {"manager_params": {"timeout": "soon"}},
    "an ssh_config with a ProxyCommand that ends": lambda s: {
        "ssh_config": s.file("c", "Host *\n    ProxyCommand false\n")
    },
    "a server of SSH 1": lambda s: s.at(lambda sock: sock.sendall(b"SSH-1.5-old\r\n")),
    "a server that ends in the key exchange": lambda s: s.at(
        lambda sock: sock.sendall(b"SSH-2.0-cut\r\n")
    ),
    "a server that takes prompts alone": lambda s: (
        s.embedded(auth_methods=["keyboard-interactive"]) | UNVERIFIED
    ),
    "a server that ends after one attempt": lambda s: {
        **s.embedded(max_auth_tries=1),
        **UNVERIFIED,
        "password": "wrong",
    },
    "device_params=None": lambda s: (
        {"profile": None} if s.way == "ncwire" else {"device_params": None}
    ),
    "a parameter that there is not": lambda _: {"nonsense": 1},
    "device_params of an unknown device": lambda s: (
        {"profile": "nonsense"} if s.way == "ncwire" else {"device_params": {"name": "nonsense"}}
    ),
}
"""Each mistake, and the arguments that make it, beside those that are right."""


def made(name: str) -> dict[str, str]:
    """Make a mistake each way, and return what it comes to."""
    return told({way: _made(name, way) for way in WAYS})


def _made(name: str, way: str) -> str | Exception:
    with ExitStack() as stack:
        server = stack.enter_context(EmbeddedServer())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = os.environ.get("HOME")
        os.environ["HOME"] = str(folder)  # without known_hosts of this user's
        stack.callback(partial(os.environ.__setitem__, "HOME", home or ""))
        scene = Scene(server, folder, stack, way)
        given: dict[str, Any] = {
            "host": server.host,
            "port": server.port,
            "username": server.username,
            "password": server.password,
            "hostkey_b64": server.host_key.base64,
            "allow_agent": False,
            "look_for_keys": False,
            "timeout": SECONDS,
        }
        if way == "ncwire":
            empty = folder / "empty"
            empty.touch()
            given["known_hosts"] = str(empty)
        return connecting(way, given | MAKE[name](scene))


def main() -> int:
    """Print what each mistake comes to."""
    for name in sys.argv[1:] or MAKE:
        print(f"{name!r}: {tuple(made(name).values())},", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
